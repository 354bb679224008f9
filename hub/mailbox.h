/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hub/mailbox.h - shares that wait for their receivers, durable and encrypted at rest; the answers that
 * were given to their SHAREs; and tombstones, so that a key ID is not taken twice.
 *
 * A journal on disk (hub/journal.h), bodies encrypted under the store key (hub/storekey.h), and an index in memory.  All
 * changes since the last mailbox_commit are one write and one sync: nothing that depends on a change may leave the hub
 * before mailbox_commit returned OK.  After any failure of the store every call fails, and so does the commit: the daemon
 * must stop.
 *
 * Receipts, what was wasted, and the clock are lazy: a crash may undo them, as the network may lose a RECEIPT.  They go
 * with the next commit of something else, or MAILBOX_LAZY_MS later with one of their own.
 *
 * Time to live is counted by the hub while it runs: the mailbox has a clock of its own that stands still
 * while the hub does not run, and loses at most MAILBOX_CLOCK_STEP_S in a crash.  No wall clock is asked.
 */
#ifndef DSKE_HUB_MAILBOX_H
#define DSKE_HUB_MAILBOX_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/id.h"
#include "base/quota.h"
#include "base/rc.h"
#include "base/secret.h"
#include "core/confirm.h"
#include "core/terms.h"
#include "hubproto/frame.h"
#include "hubproto/msg.h"

#define MAILBOX_CLOCK_STEP_S 10

struct mailbox;

/* state: the folder of `mailbox/` and `store.key`, which are made if neither is there.
 * Errors: NOT_FOUND (a mailbox without its key), BUSY (another process), UNSUPPORTED (an older version's), CORRUPT, IO, SYNC,
 * NOMEM. */
dske_rc mailbox_open(struct mailbox **out, const char *state, int64_t now_ms);

/* Makes everything since the last commit durable; at once if there is anything that is not lazy.  Errors: SYNC; then stop. */
#define MAILBOX_LAZY_MS 100
dske_rc mailbox_commit(struct mailbox *m);

/* When a commit is due for the sake of lazy changes (clock_ms); INT64_MAX: there are none. */
int64_t mailbox_wake_ms(const struct mailbox *m);

/* Moves the clock and forgets what has expired.  *expired: shares that nobody fetched. */
dske_rc mailbox_tick(struct mailbox *m, int64_t now_ms, size_t *expired);

/* Shares that wait. */
dske_rc mailbox_count(struct mailbox *m, size_t *count);

/* Everything for that receiver, and the shares of that initiator, go; their names stay taken.  *count: shares that
 * are erased.  Errors: IO. */
dske_rc mailbox_purge(struct mailbox *m, const struct id *client, size_t *count);

/* Commits the clock and what is lazy, and closes; changes of another kind have to be committed before, or they are lost.  Safe
 * on NULL. */
void mailbox_close(struct mailbox *m);

/* ---- accounts (hub/quota.h) ------------------------------------------------------------------------- */

struct mailbox_account {
	int scope;          /* the caller's */
	struct id from, to; /* zero: everybody */
};

/* Seconds of the mailbox's clock, as of the last tick. */
int64_t mailbox_clock_s(const struct mailbox *m);

/* What was used; nothing when there is no such account.  Errors: IO. */
dske_rc mailbox_account_read(struct mailbox *m, const struct mailbox_account *a, struct quota_use *u);
dske_rc mailbox_account_write(struct mailbox *m, const struct mailbox_account *a, const struct quota_use *u);

/* Of all initiators together, and accounts.  The disk holds at most twice as much, and four segments (hub/journal.h). */
dske_rc mailbox_size(struct mailbox *m, uint64_t *bytes);

/* Of that initiator: MAILBOX_NAME_BYTES for each name that is taken, which is more than it costs on disk or in memory, and what
 * waits, of long keys what they have yet to bring as well.  Errors: IO. */
#define MAILBOX_NAME_BYTES 768
dske_rc mailbox_holding(struct mailbox *m, const struct id *initiator, uint64_t *bytes);

/* ---- a share in ------------------------------------------------------------------------------------ */

/* Is the key ID taken, by a share or by a tombstone? */
dske_rc mailbox_named(struct mailbox *m, const struct id *initiator, const struct id *key_id, bool *taken);

/* How many shares of that initiator wait for that receiver? */
dske_rc mailbox_pair_count(struct mailbox *m, const struct id *initiator, const struct id *receiver, size_t *count);

/* One share, and the frame that answers its SHARE.  Of several with the same initiator, receivers and
 * context only the newest matches a wait by context, and those that a receiver has receipted.  *share is
 * encrypted into the store and stays the caller's.  Errors: EXISTS (the key ID is taken), IO, NOMEM. */
struct mailbox_put {
	const struct terms *terms;
	const struct secret *share; /* of a long key part 0 */
	uint32_t ttl; /* seconds */
	struct id table;
	uint64_t offset;
	uint8_t digest[FRAME_DIGEST_LEN]; /* of the SHARE's frame */
	const struct buf *answer;
};
dske_rc mailbox_put(struct mailbox *m, const struct mailbox_put *p, int64_t *id);

/* A long key whose SHARE was put, and which is neither fetched nor expired: it takes parts in order. */
struct mailbox_long {
	int64_t id;
	uint32_t key_len;
	unsigned next;      /* part; the number of parts when the key is whole */
	uint32_t ttl;
};

/* Errors: NOT_FOUND, IO. */
dske_rc mailbox_long_find(struct mailbox *m, const struct id *initiator, const struct id *key_id, struct mailbox_long *l);

/* The part l->next; l moves on.  key_tag: with the last part, else NULL.  From the last part on the key is found, and
 * its time to live begins.  Errors: IO, NOMEM. */
dske_rc mailbox_part_put(struct mailbox *m, struct mailbox_long *l, const struct secret *part, const struct tag *key_tag);

/* The answer to a SHARE that came before in these very bytes, appended to *frame.  Errors: NOT_FOUND, IO. */
dske_rc mailbox_answer(struct mailbox *m, const struct id *table, uint64_t offset,
		       const uint8_t digest[FRAME_DIGEST_LEN], struct buf *frame);

/* ---- a share out ----------------------------------------------------------------------------------- */

/* A share that waits for a receiver; what is to be known before it is opened. */
struct mailbox_found {
	int64_t id;
	uint32_t length; /* of the range that its INSTRUCTION needs */
	unsigned wasted; /* how many times it was sealed for this receiver, and no receipt came */
};

/* The first share above `after` that waits for the receiver and matches.  Errors: NOT_FOUND, IO. */
dske_rc mailbox_find(struct mailbox *m, const struct id *receiver, const struct msg_wait *match, int64_t after,
		     struct mailbox_found *found);

/* Its terms and the share itself, of a long key part 0, decrypted; *share must be empty.  Errors: NOT_FOUND, CORRUPT, IO, NOMEM. */
dske_rc mailbox_get(struct mailbox *m, int64_t id, struct terms *terms, struct secret *share);

/* It was sealed for the receiver on a connection that ended before the receipt.  OK also when it is gone.  Errors: IO. */
dske_rc mailbox_wasted(struct mailbox *m, int64_t id, const struct id *receiver);

/* Another part of a long key; *part must be empty.  Errors: NOT_FOUND, CORRUPT, IO, NOMEM. */
dske_rc mailbox_part_get(struct mailbox *m, int64_t id, unsigned number, struct secret *part);

/* The receiver has it (or will not have it): with the last receiver the share is erased, and its name
 * stays as a tombstone for its time to live and as long again.  OK also when it is gone already. */
dske_rc mailbox_receipt(struct mailbox *m, int64_t id, const struct id *receiver);

/* ---- confirmation (hub/confirm.h) -------------------------------------------------------------------- */

/* The share of that name, if its terms say confirm; as long as the name is taken.  Errors: NOT_FOUND, IO. */
dske_rc mailbox_round_find(struct mailbox *m, const struct id *initiator, const struct id *key_id, int64_t *share);

/* What is known of it.  Errors: NOT_FOUND, IO. */
struct mailbox_round {
	size_t receivers, ready_count;
	struct receiver_set ready;
	bool attested;
	struct confirmation said; /* by the initiator */
};
dske_rc mailbox_round_read(struct mailbox *m, int64_t share, struct mailbox_round *r);

/* Terms of a share that waits for somebody.  Errors: NOT_FOUND, CORRUPT, IO. */
dske_rc mailbox_terms(struct mailbox *m, int64_t share, struct terms *t);

/* This receiver is ready; said again it changes nothing.  Errors: NOT_FOUND (the share does not wait for it), CORRUPT, IO. */
dske_rc mailbox_ready(struct mailbox *m, int64_t share, const struct id *receiver);

/* The first counts; the same again is OK.  Errors: NOT_FOUND, EXISTS (another was said), IO. */
dske_rc mailbox_attest(struct mailbox *m, int64_t share, const struct confirmation *said);

/* ---- policies of receivers (hub/limits.h) ------------------------------------------------------------- */

/* The newest of that client.  Errors: NOT_FOUND, CORRUPT, IO. */
dske_rc mailbox_policy_read(struct mailbox *m, const struct id *client, struct policy *p);

/* In the place of the one before.  Errors: IO, NOMEM. */
dske_rc mailbox_policy_write(struct mailbox *m, const struct id *client, const struct policy *p);

#endif
