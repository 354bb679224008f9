/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hubproto/msg.h - the bodies of all messages (doc/dske.cddl).  One source a message, msg-NAME.c,
 * with both directions; `_write` appends the body's CBOR to a buffer (errors: the buffer's), `_read`
 * decodes a whole body (errors: FORMAT).  What `_read` refuses, `_write` must not be given.  Pointers in
 * a structure that was read are borrowed from the body.
 */
#ifndef DSKE_HUBPROTO_MSG_H
#define DSKE_HUBPROTO_MSG_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/id.h"
#include "base/quota.h"
#include "base/rc.h"
#include "core/cbor.h"
#include "core/confirm.h"
#include "core/layout.h"
#include "core/pad.h"
#include "core/tag.h"
#include "core/terms.h"
#include "hubproto/status.h"

/* ACTIVATE [nonce], ACTIVATED [nonce], FROZEN [nonce] */
struct msg_activation {
	struct id nonce;
};
dske_rc msg_activation_write(struct buf *out, const struct msg_activation *m);
dske_rc msg_activation_read(struct msg_activation *m, const uint8_t *body, size_t len);

/* The tag of the one frame that a message of that type with that nonce is on this table: what two people who
 * stand in for the network tell each other.  type: ACTIVATE, ACTIVATED or FROZEN. */
struct activation_place {
	struct id client, hub, table;
	uint64_t offset; /* of the activation region */
};
dske_rc msg_activation_tag(struct tag *out, unsigned type, const struct activation_place *at, const struct id *nonce,
			   const uint8_t key[TAG_KEY_LEN]);

/* RETIRE [reason, time, repeats], RETIRED [reason, time, repeats] */
#define RETIRING_TIME_MAX UINT64_C(253402300799) /* the end of the year 9999 */
struct msg_retiring {
	uint8_t reason; /* not 0 */
	uint64_t time;  /* seconds since the epoch, at most RETIRING_TIME_MAX */
	bool repeats;   /* both are what the other side said first */
};
dske_rc msg_retiring_write(struct buf *out, const struct msg_retiring *m);
dske_rc msg_retiring_read(struct msg_retiring *m, const uint8_t *body, size_t len);

/* Appends the whole frame.  type: RETIRE or RETIRED; at->offset: of their range. */
dske_rc msg_retiring_frame(struct buf *out, unsigned type, const struct activation_place *at, const struct msg_retiring *m,
			   const uint8_t key[TAG_KEY_LEN]);

#define LEASE_SLOT_MAX (TABLE_LEN_MAX / LEASE_SLOT_LEN)

/* LEASE [slot, nonce_c, wanted, lowest] */
struct msg_lease {
	uint64_t slot;
	struct id nonce_c;
	uint64_t wanted; /* bytes of the up region */
	uint64_t lowest; /* lowest up offset that the client may still send from new windows */
};
dske_rc msg_lease_write(struct buf *out, const struct msg_lease *m);
dske_rc msg_lease_read(struct msg_lease *m, const uint8_t *body, size_t len);

#define POLICY_VERSION_MAX UINT64_C(9223372036854775807)

/* GRANT [nonce_c, nonce_h, policy, start, end] */
struct msg_grant {
	struct id nonce_c, nonce_h;
	uint64_t policy;     /* version of the client's POLICY that the hub has; 0: none */
	uint64_t start, end; /* of the up region; start = end when nothing is left or wanted */
};
dske_rc msg_grant_write(struct buf *out, const struct msg_grant *m);
dske_rc msg_grant_read(struct msg_grant *m, const uint8_t *body, size_t len);

/* CONFIRM [nonce_h, start, end] */
struct msg_confirm {
	struct id nonce_h;
	uint64_t start, end; /* of the down region */
};
dske_rc msg_confirm_write(struct buf *out, const struct msg_confirm *m);
dske_rc msg_confirm_read(struct msg_confirm *m, const uint8_t *body, size_t len);

/* CLONED [nonce_c, next_slot] */
struct msg_cloned {
	struct id nonce_c;
	uint64_t next_slot; /* may be one past the last: none is left */
};
dske_rc msg_cloned_write(struct buf *out, const struct msg_cloned *m);
dske_rc msg_cloned_read(struct msg_cloned *m, const uint8_t *body, size_t len);

/* terms = [initiator, key_id, [receiver...], n, k, [hub...], scheme, m, key_tag, context, confirm]
 * Reading checks each field alone, and that the list has n hubs.  Whether the fields fit each other is
 * for terms_check(), which whoever reads a SHARE or an INSTRUCTION calls next (a hub answers
 * STATUS_TERMS, not STATUS_MALFORMED). */
dske_rc msg_terms_write(struct buf *out, const struct terms *t);
void msg_terms_read(struct cbor_reader *r, struct terms *t);

/* SHARE [terms, ttl, mode, share].  Range: PAD_KEYS_LEN + share length, in both modes. */
#define SHARE_TTL_MAX 604800u
enum share_mode { SHARE_MODE_PAD = 0 /* the pad is the share; `share` is empty */, SHARE_MODE_SEALED = 1 };
struct msg_share {
	struct terms terms;
	uint32_t ttl; /* seconds that the hub keeps it, 1..SHARE_TTL_MAX */
	enum share_mode mode;
	const uint8_t *share; /* ciphertext, terms_part_len(0) bytes; none with SHARE_MODE_PAD */
	size_t share_len;
};
dske_rc msg_share_write(struct buf *out, const struct msg_share *m);
dske_rc msg_share_read(struct msg_share *m, const uint8_t *body, size_t len);
#define MSG_SHARE_RANGE_LEN(t) MSG_PART_RANGE_LEN(t, 0)

/* PART [key_id, number, mode, share, key_tag]: what follows the SHARE of a long key, in ascending order.  Range:
 * PAD_KEYS_LEN + the part's length, in both modes. */
struct msg_part {
	struct id key_id;
	unsigned number; /* 1..KEY_PARTS_MAX - 1 */
	enum share_mode mode;
	const uint8_t *share; /* ciphertext, terms_part_len bytes; none with SHARE_MODE_PAD */
	size_t share_len;
	bool has_tag; /* the last part brings the key tag, no other does */
	struct tag key_tag;
};
dske_rc msg_part_write(struct buf *out, const struct msg_part *m);
dske_rc msg_part_read(struct msg_part *m, const uint8_t *body, size_t len);
#define MSG_PART_RANGE_LEN(t, number) ((uint32_t)(PAD_KEYS_LEN + terms_part_len(t, number)))
#define MSG_PART_OF_KEY_LEN(key_len, number) ((uint32_t)(PAD_KEYS_LEN + key_part_len(key_len, number)))

/* All ranges of an agreement, of one hub's table in one direction. */
#define MSG_RANGES_LEN(t) ((uint64_t)PAD_KEYS_LEN * terms_part_count(t) + terms_share_len(t))

/* REPLY [status] to SHARE, PART, WAIT, ATTEST and POLICY */
struct msg_reply {
	unsigned status; /* enum status */
};
dske_rc msg_reply_write(struct buf *out, const struct msg_reply *m);
dske_rc msg_reply_read(struct msg_reply *m, const uint8_t *body, size_t len);

/* WAIT [initiator, selector, value, patience].  Range: PAD_KEYS_LEN.  The hub pushes each match on this
 * connection until patience seconds have passed or the connection ends. */
#define WAIT_PATIENCE_MAX 86400u
enum wait_selector { WAIT_KEY_ID = 0, WAIT_CONTEXT = 1 };
struct msg_wait {
	struct id initiator;
	enum wait_selector selector;
	const uint8_t *value; /* 16 bytes of key ID, or the context */
	size_t value_len;
	uint32_t patience; /* seconds, 1..WAIT_PATIENCE_MAX */
	bool takes_long;   /* keys of more than KEY_PART_LEN bytes, too; written as another selector */
};
dske_rc msg_wait_write(struct buf *out, const struct msg_wait *m);
dske_rc msg_wait_read(struct msg_wait *m, const uint8_t *body, size_t len);
#define MSG_WAIT_RANGE_LEN PAD_KEYS_LEN

/* IDENTIFY [kind, value]: by name (text) or by ID (16 bytes).  Range: PAD_KEYS_LEN. */
enum identify_kind { IDENTIFY_NAME = 0, IDENTIFY_ID = 1 };
struct msg_identify {
	enum identify_kind kind;
	char name[NAME_MAX_LEN + 1];
	struct id id;
};
dske_rc msg_identify_write(struct buf *out, const struct msg_identify *m);
dske_rc msg_identify_read(struct msg_identify *m, const uint8_t *body, size_t len);
#define MSG_IDENTIFY_RANGE_LEN PAD_KEYS_LEN

/* IDENTITY [status, id, name, local]: unless STATUS_ACCEPTED, the rest is zero and empty. */
struct msg_identity {
	unsigned status;
	struct id id;
	char name[NAME_MAX_LEN + 1];
	char local[NAME_MAX_LEN + 1]; /* the hub's own identifier for that client */
};
dske_rc msg_identity_write(struct buf *out, const struct msg_identity *m);
dske_rc msg_identity_read(struct msg_identity *m, const uint8_t *body, size_t len);

/* INSTRUCTION [terms, share].  Range: PAD_KEYS_LEN + share length. */
struct msg_instruction {
	struct terms terms;
	const uint8_t *share; /* ciphertext */
	size_t share_len;
};
dske_rc msg_instruction_write(struct buf *out, const struct msg_instruction *m);
dske_rc msg_instruction_read(struct msg_instruction *m, const uint8_t *body, size_t len);

/* PIECE [initiator, key_id, number, share]: what follows the INSTRUCTION of a long key, in ascending order.  Range:
 * PAD_KEYS_LEN + the part's length; its second key stays unused, the RECEIPT is the INSTRUCTION's. */
struct msg_piece {
	struct id initiator, key_id;
	unsigned number;
	const uint8_t *share; /* ciphertext */
	size_t share_len;
};
dske_rc msg_piece_write(struct buf *out, const struct msg_piece *m);
dske_rc msg_piece_read(struct msg_piece *m, const uint8_t *body, size_t len);

/* RECEIPT [verdict]: same range as its INSTRUCTION, under its reply key. */
enum receipt_verdict { RECEIPT_KEPT = 0, RECEIPT_REFUSED = 1 /* not acceptable to this receiver */, RECEIPT_CORRUPT = 2 };
struct msg_receipt {
	enum receipt_verdict verdict;
};
dske_rc msg_receipt_write(struct buf *out, const struct msg_receipt *m);
dske_rc msg_receipt_read(struct msg_receipt *m, const uint8_t *body, size_t len);

/*
 * The confirmation round of an agreement whose terms say confirm.  Ranges: PAD_KEYS_LEN.
 *
 * READY [initiator, key_id, patience], a receiver's: it has a key, and takes no other.  Answered when its initiator has
 * attested, or patience seconds are over, by CONFIRMATION [status, point, value].
 * MUSTER [key_id, patience], the initiator's: answered when all receivers said READY here, or patience seconds are over,
 * by MUSTERED [status, ready].
 * ATTEST [key_id, point, value], the initiator's: answered by REPLY.
 */
#define CONFIRM_PATIENCE_MAX WAIT_PATIENCE_MAX
#define MSG_CONFIRM_RANGE_LEN PAD_KEYS_LEN
struct msg_ready {
	struct id initiator, key_id;
	uint32_t patience; /* seconds, 1..CONFIRM_PATIENCE_MAX */
};
dske_rc msg_ready_write(struct buf *out, const struct msg_ready *m);
dske_rc msg_ready_read(struct msg_ready *m, const uint8_t *body, size_t len);

struct msg_confirmation {
	unsigned status; /* enum status */
	struct confirmation said; /* with STATUS_ACCEPTED alone */
};
dske_rc msg_confirmation_write(struct buf *out, const struct msg_confirmation *m);
dske_rc msg_confirmation_read(struct msg_confirmation *m, const uint8_t *body, size_t len);

struct msg_muster {
	struct id key_id;
	uint32_t patience;
};
dske_rc msg_muster_write(struct buf *out, const struct msg_muster *m);
dske_rc msg_muster_read(struct msg_muster *m, const uint8_t *body, size_t len);

struct msg_mustered {
	unsigned status;
	struct receiver_set ready; /* with STATUS_ACCEPTED alone */
};
dske_rc msg_mustered_write(struct buf *out, const struct msg_mustered *m);
dske_rc msg_mustered_read(struct msg_mustered *m, const uint8_t *body, size_t len);

struct msg_attest {
	struct id key_id;
	struct confirmation said;
};
dske_rc msg_attest_write(struct buf *out, const struct msg_attest *m);
dske_rc msg_attest_read(struct msg_attest *m, const uint8_t *body, size_t len);

/* POLICY [version, waiting, limits, [[peer, limits]...]], limits = [keys a minute, bytes a minute, keys a day, bytes a day]:
 * what a client receives at most, and of whom (doc/protocol.md 8.8); 0 is no limit.  Peers ascend.  Range: PAD_KEYS_LEN. */
#define POLICY_PEERS_MAX 64
#define POLICY_LIMIT_MAX POLICY_VERSION_MAX
#define POLICY_WAITING_MAX 65535u
#define POLICY_BODY_MAX (64 + POLICY_PEERS_MAX * (ID_LEN + 2 + 5 * CBOR_HEAD_MAX))
struct policy_peer {
	struct id id;
	struct quota quota;
};
struct policy {
	uint64_t version; /* 1..POLICY_VERSION_MAX */
	uint32_t waiting; /* keys of one initiator that may wait at a hub */
	struct quota all;
	size_t peer_count;
	struct policy_peer peer[POLICY_PEERS_MAX];
};
dske_rc msg_policy_write(struct buf *out, const struct policy *m);
dske_rc msg_policy_read(struct policy *m, const uint8_t *body, size_t len);

/* The limits of that peer, or NULL. */
const struct quota *policy_of_peer(const struct policy *p, const struct id *peer);
#define MSG_POLICY_RANGE_LEN PAD_KEYS_LEN

/* NOTE [code, hint]: fixed form, untagged; envelope names the range of the frame it is about. hint is
 * the next free lease slot with NOTE_SLOT_TAKEN, else 0. */
struct msg_note {
	unsigned code;
	uint64_t hint;
};
dske_rc msg_note_write(struct buf *out, const struct msg_note *m);
dske_rc msg_note_read(struct msg_note *m, const uint8_t *body, size_t len);

#endif
