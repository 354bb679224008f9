/* SPDX-License-Identifier: Apache-2.0 */
#include "test/hubproto/samples.h"

#include <string.h>

/* ---- bytes that are the same in every run -------------------------------------------------------- */

static void fill(void *out, size_t len, unsigned seed)
{
	uint8_t *bytes = out;

	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)(seed * 0x1d + i * 0x11 + (i >> 4));
}

static struct id id_of(unsigned seed)
{
	struct id id;

	fill(id.b, ID_LEN, seed);
	id.b[0] = (uint8_t)seed; /* so that no two are alike */
	return id;
}

enum { SEED_ALICE = 0xa1, SEED_HUB = 0x40, SEED_BOB = 0xb0, SEED_TABLE = 0x7a, SEED_KEY = 0x1d, SEED_NONCE_C = 0xc0,
       SEED_NONCE_H = 0xc1 };

static struct terms terms_of(uint8_t n, uint8_t k, uint8_t receivers, enum scheme scheme, uint32_t key_len)
{
	struct terms t = {.receiver_count = receivers, .n = n, .k = k, .scheme = scheme, .key_len = key_len};

	t.initiator = id_of(SEED_ALICE);
	t.key_id = id_of(SEED_KEY);
	for (unsigned i = 0; i < receivers; i++) {
		t.receiver[i] = id_of(SEED_BOB);
		t.receiver[i].b[1] = (uint8_t)i;
	}
	for (unsigned i = 0; i < n; i++) {
		t.hub[i] = id_of(SEED_HUB);
		t.hub[i].b[1] = (uint8_t)i;
	}
	fill(t.key_tag.b, TAG_LEN, 0x99);
	return t;
}

static void context_set(struct terms *t, const char *text)
{
	t->context_len = (uint8_t)strlen(text);
	memcpy(t->context, text, t->context_len);
}

static struct terms terms_plain(void)
{
	struct terms t = terms_of(5, 3, 1, SCHEME_SHAMIR, 32);

	context_set(&t, "wg0");
	return t;
}

static struct terms terms_least(void)
{
	return terms_of(1, 1, 1, SCHEME_XOR, KEY_LEN_MIN);
}

static struct terms terms_confirm(void)
{
	struct terms t = terms_of(3, 2, 3, SCHEME_SHAMIR, 32);

	t.confirm = true;
	return t;
}

/* The parts of an adapted agreement; `m` is what the key will have, or 32 (n + 2). */
static struct terms terms_part(enum scheme part, uint32_t m)
{
	struct terms t = terms_of(5, 3, 1, part, m);

	context_set(&t, "wg0");
	if (part == SCHEME_ADAPTED)
		memset(&t.key_tag, 0, sizeof t.key_tag);
	return t;
}

static struct terms terms_most(void)
{
	struct terms t = terms_of(TERMS_HUBS_MAX, TERMS_HUBS_MAX, TERMS_RECEIVERS_MAX, SCHEME_XOR, KEY_LEN_MAX);

	t.context_len = TERMS_CONTEXT_MAX;
	fill(t.context, TERMS_CONTEXT_MAX, 3);
	return t;
}

/* ---- the samples ---------------------------------------------------------------------------------- */

#define msg_policy_message policy
#define msg_policy_message_write msg_policy_write
#define SAMPLE(function, message, ...)                                                             \
	static void function(struct buf *body)                                                     \
	{                                                                                          \
		struct msg_##message m = {__VA_ARGS__};                                            \
		msg_##message##_write(body, &m);                                                   \
	}

SAMPLE(activation, activation, .nonce = id_of(SEED_NONCE_C))

SAMPLE(lease, lease, .slot = 7, .nonce_c = id_of(SEED_NONCE_C), .wanted = 65536, .lowest = 102400)
SAMPLE(lease_zero, lease, .slot = 0)
SAMPLE(lease_most, lease, .slot = LEASE_SLOT_MAX, .nonce_c = id_of(255), .wanted = TABLE_LEN_MAX,
	.lowest = TABLE_LEN_MAX)
SAMPLE(grant, grant, .nonce_c = id_of(SEED_NONCE_C), .nonce_h = id_of(SEED_NONCE_H), .policy = 3, .start = 102400, .end = 167936)
SAMPLE(grant_empty, grant, .nonce_c = id_of(SEED_NONCE_C), .nonce_h = id_of(SEED_NONCE_H), .start = 102400,
	.end = 102400)
SAMPLE(confirm, confirm, .nonce_h = id_of(SEED_NONCE_H), .start = 600000, .end = 665536)
SAMPLE(cloned, cloned, .nonce_c = id_of(SEED_NONCE_C), .next_slot = 8)
SAMPLE(cloned_none_left, cloned, .nonce_c = id_of(SEED_NONCE_C), .next_slot = LEASE_SLOT_MAX + 1)

SAMPLE(share_pad, share, .terms = terms_plain(), .ttl = 3600, .mode = SHARE_MODE_PAD)
SAMPLE(share_most, share, .terms = terms_most(), .ttl = SHARE_TTL_MAX, .mode = SHARE_MODE_PAD)

/* The least key that has a second part. */
static struct terms terms_long(void)
{
	struct terms t = terms_plain();

	t.key_len = KEY_PART_LEN + 1;
	t.key_tag = (struct tag){{0}};
	return t;
}

SAMPLE(share_long, share, .terms = terms_long(), .ttl = 3600, .mode = SHARE_MODE_PAD)
SAMPLE(part_pad, part, .key_id = id_of(SEED_KEY), .number = 1, .mode = SHARE_MODE_PAD)
SAMPLE(part_last_pad, part, .key_id = id_of(SEED_KEY), .number = KEY_PARTS_MAX - 1, .mode = SHARE_MODE_PAD, .has_tag = true,
	.key_tag = terms_plain().key_tag)

static void part_last(struct buf *body)
{
	struct terms t = terms_plain();
	uint8_t share[17];
	struct msg_part m = {.key_id = t.key_id, .number = 24, .mode = SHARE_MODE_SEALED, .share = share, .share_len = sizeof share,
			     .has_tag = true, .key_tag = t.key_tag};

	fill(share, sizeof share, 0x5a);
	msg_part_write(body, &m);
}

static void piece(struct buf *body)
{
	struct msg_piece m = {.initiator = id_of(SEED_ALICE), .key_id = id_of(SEED_KEY), .number = 1,
			      .share = (const uint8_t *)"x", .share_len = 1};

	msg_piece_write(body, &m);
}
SAMPLE(share_first, share, .terms = terms_part(SCHEME_FIRST_PASS, ADAPTED_MATERIAL_LEN(5)), .ttl = 60, .mode = SHARE_MODE_PAD)
SAMPLE(share_second, share, .terms = terms_part(SCHEME_ADAPTED, KEY_PART_LEN), .ttl = 60, .mode = SHARE_MODE_PAD)
SAMPLE(share_fallback, share, .terms = terms_part(SCHEME_FALLBACK, KEY_PART_LEN), .ttl = 60, .mode = SHARE_MODE_PAD)

static void share_sealed_as(struct buf *body, struct terms t, uint32_t ttl)
{
	uint8_t share[32 + CONFIRM_MASK_LEN + KEY_TAG_KEY_LEN];
	struct msg_share m = {.terms = t, .ttl = ttl, .mode = SHARE_MODE_SEALED, .share = share};

	m.share_len = terms_share_len(&t);
	fill(share, m.share_len, 0x55);
	msg_share_write(body, &m);
}

static void share_sealed(struct buf *body)
{
	share_sealed_as(body, terms_plain(), 3600);
}

static void share_confirm(struct buf *body)
{
	share_sealed_as(body, terms_confirm(), 3600);
}

static void share_least(struct buf *body)
{
	share_sealed_as(body, terms_least(), 1);
}

SAMPLE(reply_accepted, reply, .status = STATUS_ACCEPTED)
SAMPLE(reply_refused, reply, .status = STATUS_KEY_EXISTS)

static void wait_as(struct buf *body, enum wait_selector selector, const void *value, size_t len, uint32_t patience, bool takes_long)
{
	struct msg_wait m = {id_of(SEED_ALICE), selector, value, len, patience, takes_long};

	msg_wait_write(body, &m);
}

static void wait_key_id(struct buf *body)
{
	struct id key_id = id_of(SEED_KEY);

	wait_as(body, WAIT_KEY_ID, key_id.b, ID_LEN, 1, false);
}

static void wait_context(struct buf *body)
{
	wait_as(body, WAIT_CONTEXT, "wg0", 3, WAIT_PATIENCE_MAX, false);
}

static void wait_no_context(struct buf *body)
{
	wait_as(body, WAIT_CONTEXT, "", 0, 30, false);
}

static void wait_key_id_long(struct buf *body)
{
	struct id key_id = id_of(SEED_KEY);

	wait_as(body, WAIT_KEY_ID, key_id.b, ID_LEN, 600, true);
}

static void wait_context_long(struct buf *body)
{
	wait_as(body, WAIT_CONTEXT, "backup", 6, 600, true);
}

SAMPLE(identify_name, identify, .kind = IDENTIFY_NAME, .name = "bob")
SAMPLE(identify_id, identify, .kind = IDENTIFY_ID, .id = id_of(SEED_BOB))
SAMPLE(identity, identity, .status = STATUS_ACCEPTED, .id = id_of(SEED_BOB), .name = "bob", .local = "customer 17")
SAMPLE(identity_longest, identity, .status = STATUS_ACCEPTED, .id = id_of(255),
	.name = "0123456789.abcdefghijklmnopqrstuvwxyz_ABCDEFGHIJKLMNOPQRSTUVWXY",
	.local = "!\"#$%&'()*+,-./0123456789:;<=>?@[\\]^_`{|}~ ABCDEFGHIJKLMNOPQRS")
SAMPLE(identity_unknown, identity, .status = STATUS_UNKNOWN_CLIENT)

static void instruction_as(struct buf *body, struct terms t)
{
	uint8_t share[32 + CONFIRM_MASK_LEN + KEY_TAG_KEY_LEN];
	struct msg_instruction m = {.terms = t, .share = share, .share_len = terms_share_len(&t)};

	fill(share, m.share_len, 0xaa);
	msg_instruction_write(body, &m);
}

static void instruction(struct buf *body)
{
	instruction_as(body, terms_plain());
}

static void instruction_confirm(struct buf *body)
{
	instruction_as(body, terms_confirm());
}

static void instruction_least(struct buf *body)
{
	instruction_as(body, terms_least());
}

SAMPLE(receipt_kept, receipt, .verdict = RECEIPT_KEPT)
SAMPLE(receipt_refused, receipt, .verdict = RECEIPT_REFUSED)
SAMPLE(receipt_corrupt, receipt, .verdict = RECEIPT_CORRUPT)
SAMPLE(policy_least, policy_message, .version = 1)
SAMPLE(policy, policy_message, .version = 3, .waiting = 20, .all.most = {{10, 65536}, {1000, 0}}, .peer_count = 1,
	.peer = {{id_of(SEED_BOB), {{{1, 2}, {3, 4}}}}})
SAMPLE(policy_two, policy_message, .version = POLICY_VERSION_MAX, .waiting = POLICY_WAITING_MAX, .peer_count = 2,
	.peer = {{id_of(1), {{{POLICY_LIMIT_MAX, 0}, {0, 0}}}}, {id_of(2), {{{0, 0}, {0, 7}}}}})
SAMPLE(ready, ready, .initiator = id_of(SEED_ALICE), .key_id = id_of(SEED_KEY), .patience = 30)
SAMPLE(confirmation, confirmation, .status = STATUS_ACCEPTED, .said = {.point.b = {0xc}, .value.b = {1, 2, 3}})
SAMPLE(confirmation_none, confirmation, .status = STATUS_UNCONFIRMED)
SAMPLE(muster, muster, .key_id = id_of(SEED_KEY), .patience = CONFIRM_PATIENCE_MAX)
SAMPLE(mustered, mustered, .status = STATUS_ACCEPTED, .ready.b = {5})
SAMPLE(mustered_refused, mustered, .status = STATUS_UNKNOWN_KEY)
SAMPLE(attest, attest, .key_id = id_of(SEED_KEY), .said = {.point.b = {0xc}, .value.b = {1, 2, 3}})
SAMPLE(retire, retiring, .reason = 1, .time = 1764000000)
SAMPLE(retire_most, retiring, .reason = 255, .time = RETIRING_TIME_MAX, .repeats = true)
SAMPLE(note, note, .code = NOTE_BAD_TAG)
SAMPLE(note_slot, note, .code = NOTE_SLOT_TAKEN, .hint = 12)

const struct sample samples[] = {
	{"activate", MESSAGE_ACTIVATE, activation},
	{"activated", MESSAGE_ACTIVATED, activation},
	{"frozen", MESSAGE_FROZEN, activation},
	{"lease", MESSAGE_LEASE, lease},
	{"lease-zero", MESSAGE_LEASE, lease_zero},
	{"lease-most", MESSAGE_LEASE, lease_most},
	{"grant", MESSAGE_GRANT, grant},
	{"grant-empty", MESSAGE_GRANT, grant_empty},
	{"confirm", MESSAGE_CONFIRM, confirm},
	{"cloned", MESSAGE_CLONED, cloned},
	{"cloned-none-left", MESSAGE_CLONED, cloned_none_left},
	{"share-pad", MESSAGE_SHARE, share_pad},
	{"share-sealed", MESSAGE_SHARE, share_sealed},
	{"share-least", MESSAGE_SHARE, share_least},
	{"share-confirm", MESSAGE_SHARE, share_confirm},
	{"share-most", MESSAGE_SHARE, share_most},
	{"share-long", MESSAGE_SHARE, share_long},
	{"part-pad", MESSAGE_PART, part_pad},
	{"part-last", MESSAGE_PART, part_last},
	{"part-last-pad", MESSAGE_PART, part_last_pad},
	{"share-first-pass", MESSAGE_SHARE, share_first},
	{"share-second-pass", MESSAGE_SHARE, share_second},
	{"share-fallback", MESSAGE_SHARE, share_fallback},
	{"reply-accepted", MESSAGE_REPLY, reply_accepted},
	{"reply-refused", MESSAGE_REPLY, reply_refused},
	{"wait-key-id", MESSAGE_WAIT, wait_key_id},
	{"wait-context", MESSAGE_WAIT, wait_context},
	{"wait-no-context", MESSAGE_WAIT, wait_no_context},
	{"identify-name", MESSAGE_IDENTIFY, identify_name},
	{"identify-id", MESSAGE_IDENTIFY, identify_id},
	{"identity", MESSAGE_IDENTITY, identity},
	{"identity-longest", MESSAGE_IDENTITY, identity_longest},
	{"identity-unknown", MESSAGE_IDENTITY, identity_unknown},
	{"instruction", MESSAGE_INSTRUCTION, instruction},
	{"instruction-least", MESSAGE_INSTRUCTION, instruction_least},
	{"piece", MESSAGE_PIECE, piece},
	{"instruction-confirm", MESSAGE_INSTRUCTION, instruction_confirm},
	{"receipt-kept", MESSAGE_RECEIPT, receipt_kept},
	{"receipt-refused", MESSAGE_RECEIPT, receipt_refused},
	{"receipt-corrupt", MESSAGE_RECEIPT, receipt_corrupt},
	{"retire", MESSAGE_RETIRE, retire},
	{"retire-most", MESSAGE_RETIRE, retire_most},
	{"retired", MESSAGE_RETIRED, retire},
	{"ready", MESSAGE_READY, ready},
	{"confirmation", MESSAGE_CONFIRMATION, confirmation},
	{"confirmation-none", MESSAGE_CONFIRMATION, confirmation_none},
	{"muster", MESSAGE_MUSTER, muster},
	{"mustered", MESSAGE_MUSTERED, mustered},
	{"mustered-refused", MESSAGE_MUSTERED, mustered_refused},
	{"attest", MESSAGE_ATTEST, attest},
	{"policy", MESSAGE_POLICY, policy},
	{"policy-least", MESSAGE_POLICY, policy_least},
	{"policy-two", MESSAGE_POLICY, policy_two},
	{"note", MESSAGE_NOTE, note},
	{"note-slot-taken", MESSAGE_NOTE, note_slot},
	{"wait-key-id-long", MESSAGE_WAIT, wait_key_id_long},
	{"wait-context-long", MESSAGE_WAIT, wait_context_long},
};
const size_t sample_count = sizeof(samples) / sizeof(samples[0]);

/* ---- reading by type ------------------------------------------------------------------------------ */

#define COPY(message)                                                                              \
	static dske_rc copy_##message(struct buf *out, const uint8_t *body, size_t len)            \
	{                                                                                          \
		struct msg_##message m;                                                            \
		TRY(msg_##message##_read(&m, body, len));                                          \
		return msg_##message##_write(out, &m);                                             \
	}
COPY(activation)
COPY(lease)
COPY(grant)
COPY(confirm)
COPY(cloned)
COPY(share)
COPY(reply)
COPY(wait)
COPY(identify)
COPY(identity)
COPY(instruction)
COPY(part)
COPY(piece)
COPY(receipt)
COPY(retiring)
COPY(ready)
COPY(confirmation)
COPY(muster)
COPY(mustered)
COPY(attest)
static dske_rc copy_policy(struct buf *out, const uint8_t *body, size_t len)
{
	struct policy m;
	TRY(msg_policy_read(&m, body, len));
	return msg_policy_write(out, &m);
}

COPY(note)

dske_rc body_copy(unsigned type, struct buf *out, const uint8_t *body, size_t len)
{
	static dske_rc (*const copies[])(struct buf *, const uint8_t *, size_t) = {
		[MESSAGE_ACTIVATE] = copy_activation, [MESSAGE_ACTIVATED] = copy_activation,
		[MESSAGE_FROZEN] = copy_activation,   [MESSAGE_LEASE] = copy_lease,
		[MESSAGE_GRANT] = copy_grant,         [MESSAGE_CONFIRM] = copy_confirm,
		[MESSAGE_CLONED] = copy_cloned,       [MESSAGE_SHARE] = copy_share,
		[MESSAGE_REPLY] = copy_reply,         [MESSAGE_WAIT] = copy_wait,
		[MESSAGE_IDENTIFY] = copy_identify,   [MESSAGE_IDENTITY] = copy_identity,
		[MESSAGE_INSTRUCTION] = copy_instruction, [MESSAGE_RECEIPT] = copy_receipt,
		[MESSAGE_RETIRE] = copy_retiring,     [MESSAGE_RETIRED] = copy_retiring,
		[MESSAGE_PART] = copy_part,           [MESSAGE_PIECE] = copy_piece,
		[MESSAGE_READY] = copy_ready,	      [MESSAGE_CONFIRMATION] = copy_confirmation,
		[MESSAGE_MUSTER] = copy_muster,	      [MESSAGE_MUSTERED] = copy_mustered,
		[MESSAGE_ATTEST] = copy_attest,	      [MESSAGE_POLICY] = copy_policy,	      [MESSAGE_NOTE] = copy_note,
	};
	return copies[type](out, body, len);
}

/* The length that a range must have; 0 where the body does not say. */
static dske_rc range_len(const struct envelope *e, uint32_t *len)
{
	struct msg_share share;
	struct msg_instruction instruction_read;
	struct msg_part part;
	struct msg_piece piece_read;

	*len = 0;
	switch (e->type) {
	case MESSAGE_WAIT:
		*len = MSG_WAIT_RANGE_LEN;
		return DSKE_OK;
	case MESSAGE_IDENTIFY:
		*len = MSG_IDENTIFY_RANGE_LEN;
		return DSKE_OK;
	case MESSAGE_READY:
	case MESSAGE_CONFIRMATION:
	case MESSAGE_MUSTER:
	case MESSAGE_MUSTERED:
	case MESSAGE_ATTEST:
	case MESSAGE_POLICY:
		*len = MSG_CONFIRM_RANGE_LEN;
		return DSKE_OK;
	case MESSAGE_SHARE:
		TRY(msg_share_read(&share, e->body, e->body_len));
		*len = MSG_SHARE_RANGE_LEN(&share.terms);
		return terms_check(&share.terms);
	case MESSAGE_INSTRUCTION:
		TRY(msg_instruction_read(&instruction_read, e->body, e->body_len));
		*len = MSG_SHARE_RANGE_LEN(&instruction_read.terms);
		return terms_check(&instruction_read.terms);
	case MESSAGE_PART:
		TRY(msg_part_read(&part, e->body, e->body_len));
		*len = part.mode == SHARE_MODE_SEALED ? (uint32_t)(PAD_KEYS_LEN + part.share_len) : 0;
		return DSKE_OK;
	case MESSAGE_PIECE:
		TRY(msg_piece_read(&piece_read, e->body, e->body_len));
		*len = (uint32_t)(PAD_KEYS_LEN + piece_read.share_len);
		return DSKE_OK;
	default:
		return DSKE_OK;
	}
}

dske_rc item_check(const uint8_t *item, size_t len)
{
	AUTO(buf) copy = {0};
	struct envelope e;
	uint32_t needed;

	TRY(frame_read(&e, item, len));
	buf_heap(&copy, e.body_len + 1);
	TRY(body_copy(e.type, &copy, e.body, e.body_len));
	TRY(range_len(&e, &needed));
	if (needed != 0 && needed != e.length)
		return FAIL(FORMAT, "a range of %u bytes, where %u are needed", e.length, needed);
	return DSKE_OK;
}

static uint32_t sample_length(const struct envelope *e)
{
	const struct message_row *row = message_row(e->type);
	uint32_t needed;

	if (rc_ok(range_len(e, &needed)) && needed != 0)
		return needed;
	if (e->type == MESSAGE_RECEIPT)
		return PAD_KEYS_LEN + KEY_TAG_KEY_LEN + 32;
	return row ? row->range_min : 0;
}

void sample_frame(size_t i, struct buf *frame, uint8_t key[TAG_KEY_LEN])
{
	AUTO(buf) body = {0};
	const struct sample *s = &samples[i];
	const struct message_row *row = message_row(s->type);
	struct envelope e = {.type = s->type, .table = id_of(SEED_TABLE), .offset = 4096 * (i + 1)};

	buf_heap(&body, SAMPLE_MAX);
	s->write(&body);
	e.sender = id_of(row && row->sender == SENDER_CLIENT ? SEED_ALICE : SEED_HUB);
	e.body = body.data;
	e.body_len = body.len;
	e.length = sample_length(&e);
	memset(key, 0, TAG_KEY_LEN);
	if (row)
		fill(key, TAG_KEY_LEN, (unsigned)i + 1);
	frame_write(frame, &e, row ? key : NULL);
}
