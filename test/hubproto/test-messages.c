/* SPDX-License-Identifier: Apache-2.0 */
/* hubproto/msg.h and the envelope: every sample there and back, cut, lengthened and damaged. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "test/hubproto/samples.h"

struct frame {
	uint8_t bytes[SAMPLE_MAX];
	size_t len;
	uint8_t *item; /* in bytes */
	size_t item_len;
	uint8_t key[TAG_KEY_LEN];
	struct envelope e;
};

static void frame_of(struct frame *f, size_t i)
{
	struct buf out;

	buf_fixed(&out, f->bytes, sizeof(f->bytes));
	sample_frame(i, &out, f->key);
	assert_true(rc_ok(buf_rc(&out)));
	f->len = out.len;
	f->item = f->bytes + FRAME_HEAD_LEN;
	f->item_len = f->len - FRAME_HEAD_LEN;
	assert_true(rc_ok(frame_read(&f->e, f->item, f->item_len)));
}

/* A copy on the heap of exactly its length, so that a sanitizer sees one byte read too many. */
static dske_rc check_copy(const uint8_t *bytes, size_t len)
{
	uint8_t *copy = malloc(len > 0 ? len : 1);

	assert_non_null(copy);
	memcpy(copy, bytes, len);
	dske_rc rc = item_check(copy, len);
	free(copy);
	return rc;
}

static void there_is_a_sample_of_every_message(void **state)
{
	bool seen[256] = {false};

	(void)state;
	for (size_t i = 0; i < sample_count; i++)
		seen[samples[i].type] = true;
	for (unsigned type = 0; type < 256; type++)
		assert_int_equal(seen[type], message_row(type) != NULL || type == MESSAGE_NOTE);
}

static void every_message_goes_there_and_back(void **state)
{
	static struct frame f;

	(void)state;
	for (size_t i = 0; i < sample_count; i++) {
		AUTO(buf) body = {0};
		AUTO(buf) again = {0};

		frame_of(&f, i);
		assert_int_equal(f.e.type, samples[i].type);
		assert_true(rc_ok(item_check(f.item, f.item_len)));
		buf_heap(&body, SAMPLE_MAX);
		assert_true(rc_ok(body_copy(f.e.type, &body, f.e.body, f.e.body_len)));
		assert_int_equal(body.len, f.e.body_len);
		assert_memory_equal(body.data, f.e.body, body.len);
		buf_heap(&again, SAMPLE_MAX);
		assert_true(rc_ok(frame_write(&again, &f.e, message_row(f.e.type) ? f.key : NULL)));
		assert_int_equal(again.len, f.len);
		assert_memory_equal(again.data, f.bytes, f.len);
	}
}

static void every_cut_is_refused(void **state)
{
	static struct frame f;

	(void)state;
	for (size_t i = 0; i < sample_count; i++) {
		frame_of(&f, i);
		for (size_t len = 0; len < f.item_len; len++)
			assert_true(rc_is(check_copy(f.item, len), DSKE_RC_FORMAT));
	}
}

static void every_cut_body_is_refused(void **state)
{
	static struct frame f;

	(void)state;
	for (size_t i = 0; i < sample_count; i++) {
		frame_of(&f, i);
		for (size_t len = 0; len < f.e.body_len; len++) {
			AUTO(buf) out = {0};
			uint8_t *copy = malloc(len > 0 ? len : 1);

			assert_non_null(copy);
			memcpy(copy, f.e.body, len);
			buf_heap(&out, SAMPLE_MAX);
			assert_true(rc_is(body_copy(f.e.type, &out, copy, len), DSKE_RC_FORMAT));
			free(copy);
		}
	}
}

static void a_byte_behind_is_refused(void **state)
{
	static struct frame f;
	static uint8_t body[SAMPLE_MAX];

	(void)state;
	for (size_t i = 0; i < sample_count; i++) {
		AUTO(buf) out = {0};

		frame_of(&f, i);
		f.item[f.item_len] = 0;
		assert_true(rc_is(check_copy(f.item, f.item_len + 1), DSKE_RC_FORMAT));
		memcpy(body, f.e.body, f.e.body_len);
		body[f.e.body_len] = 0;
		buf_heap(&out, SAMPLE_MAX);
		assert_true(rc_is(body_copy(f.e.type, &out, body, f.e.body_len + 1), DSKE_RC_FORMAT));
	}
}

/* Each damaged byte breaks the form or the tag; and a note's tag, which is zeros. */
static void every_changed_byte_is_found(void **state)
{
	static const uint8_t masks[] = {0x01, 0x10, 0x80, 0xff};
	static struct frame f;

	(void)state;
	for (size_t i = 0; i < sample_count; i++) {
		frame_of(&f, i);
		if (f.e.type == MESSAGE_NOTE || f.item_len > 1000)
			continue;
		for (size_t at = 0; at < f.item_len; at++) {
			for (size_t m = 0; m < sizeof(masks); m++) {
				struct envelope e;

				f.item[at] ^= masks[m];
				bool whole = rc_ok(frame_read(&e, f.item, f.item_len));
				assert_false(whole && frame_verify(&e, f.key));
				f.item[at] ^= masks[m];
			}
		}
	}
}

static void a_note_with_a_tag_is_refused(void **state)
{
	static struct frame f;

	(void)state;
	for (size_t i = 0; i < sample_count; i++) {
		frame_of(&f, i);
		if (f.e.type != MESSAGE_NOTE)
			continue;
		for (size_t at = f.item_len - TAG_LEN; at < f.item_len; at++) {
			f.item[at] = 1;
			assert_true(rc_is(item_check(f.item, f.item_len), DSKE_RC_FORMAT));
			f.item[at] = 0;
		}
		assert_true(rc_ok(item_check(f.item, f.item_len)));
	}
}

/* What `_read` accepts of damaged bodies, it must write the same: one form for each meaning. */
static void what_is_read_has_one_form(void **state)
{
	static struct frame f;
	static uint8_t body[SAMPLE_MAX];
	size_t accepted = 0;

	(void)state;
	for (size_t i = 0; i < sample_count; i++) {
		frame_of(&f, i);
		if (f.e.body_len > 1000)
			continue;
		for (size_t at = 0; at < f.e.body_len; at++) {
			for (unsigned change = 1; change < 256; change++) {
				uint8_t copy[1024];
				struct buf out;

				memcpy(body, f.e.body, f.e.body_len);
				body[at] ^= (uint8_t)change;
				buf_fixed(&out, copy, sizeof(copy));
				if (!rc_ok(body_copy(f.e.type, &out, body, f.e.body_len)))
					continue;
				accepted++;
				assert_int_equal(out.len, f.e.body_len);
				assert_memory_equal(copy, body, out.len);
			}
		}
	}
	assert_true(accepted > 1000); /* IDs, tags and ciphertext may be anything */
}

static const struct terms *read_terms(struct msg_share *m, const uint8_t *body, size_t len)
{
	return rc_ok(msg_share_read(m, body, len)) ? &m->terms : NULL;
}

static size_t share_body(uint8_t *out, size_t cap, const struct msg_share *m)
{
	struct buf body;

	buf_fixed(&body, out, cap);
	assert_true(rc_ok(msg_share_write(&body, m)));
	return body.len;
}

static struct msg_share *share_sample(void)
{
	static struct msg_share m;
	static struct frame f;

	for (size_t i = 0; i < sample_count; i++) {
		if (strcmp(samples[i].name, "share-sealed") == 0)
			frame_of(&f, i);
	}
	assert_true(rc_ok(msg_share_read(&m, f.e.body, f.e.body_len)));
	return &m;
}

static void terms_come_back_as_they_were(void **state)
{
	static struct msg_share back;
	uint8_t body[2048];
	struct msg_share *m = share_sample();
	size_t len = share_body(body, sizeof(body), m);

	(void)state;
	assert_true(rc_ok(msg_share_read(&back, body, len)));
	assert_true(terms_equal(&back.terms, &m->terms));
	assert_int_equal(back.terms.n, 5);
	assert_int_equal(back.terms.k, 3);
	assert_int_equal(back.terms.context_len, 3);
	assert_memory_equal(back.terms.context, "wg0", 3);
	assert_int_equal(back.ttl, 3600);
	assert_int_equal(back.share_len, 32 + KEY_TAG_KEY_LEN);
	assert_memory_equal(back.share, m->share, m->share_len);
	assert_int_equal(MSG_SHARE_RANGE_LEN(&back.terms), 64 + 48 + 32);
}

/* Each line changes one field to a value just outside its range. */
#define REFUSED(change)                                                                            \
	do {                                                                                       \
		struct msg_share m = *share_sample();                                              \
		change;                                                                            \
		size_t body_len = share_body(body, sizeof(body), &m);                              \
		assert_null(read_terms(&back, body, body_len));                                    \
	} while (0)

static void fields_out_of_range_are_refused(void **state)
{
	static uint8_t body[8192];
	static struct msg_share back;

	(void)state;
	REFUSED(m.ttl = 0);
	REFUSED(m.ttl = SHARE_TTL_MAX + 1);
	REFUSED(m.mode = (enum share_mode)2);
	REFUSED(m.mode = SHARE_MODE_PAD);
	REFUSED(m.share_len--);
	REFUSED(m.share_len = 0);
	REFUSED(m.terms.n = 0);
	REFUSED(m.terms.k = 0);
	REFUSED(m.terms.receiver_count = 0);
	REFUSED(m.terms.scheme = SCHEME_COUNT);
	REFUSED(m.terms.key_len = KEY_LEN_MIN - 1);
	REFUSED(m.terms.key_len = KEY_LEN_MAX + 1);
	REFUSED(m.terms.key_len++);
}

/* The decoder leaves to terms_check() what concerns several fields. */
static void fields_that_do_not_fit_are_read(void **state)
{
	static uint8_t body[2048];
	static struct msg_share back;
	struct msg_share m = *share_sample();

	(void)state;
	m.terms.k = 6;
	size_t len = share_body(body, sizeof(body), &m);
	assert_non_null(read_terms(&back, body, len));
	assert_true(rc_is(terms_check(&back.terms), DSKE_RC_FORMAT));
}

/* What the last part brings is a whole key tag, what the others bring is none. */
static void parts_out_of_range_are_refused(void **state)
{
	static uint8_t share[KEY_PART_LEN + 1], body[KEY_PART_LEN + 128];
	const struct msg_part good = {.number = 1, .mode = SHARE_MODE_SEALED, .share = share, .share_len = 17};
	struct msg_part m, back;
	struct buf b;

	(void)state;
#define PART(result, change)                                                                       \
	do {                                                                                       \
		m = good;                                                                          \
		change;                                                                            \
		buf_fixed(&b, body, sizeof body);                                                  \
		assert_true(rc_ok(msg_part_write(&b, &m)));                                        \
		assert_int_equal(msg_part_read(&back, b.data, b.len).code, DSKE_RC_##result);      \
	} while (0)
	PART(OK, (void)0);
	assert_false(back.has_tag);
	PART(OK, m.has_tag = true);
	assert_true(back.has_tag);
	PART(OK, m.number = KEY_PARTS_MAX - 1);
	PART(OK, m.share_len = KEY_PART_LEN);
	PART(OK, m.mode = SHARE_MODE_PAD; m.share_len = 0);
	PART(FORMAT, m.number = 0);
	PART(FORMAT, m.number = KEY_PARTS_MAX);
	PART(FORMAT, m.mode = SHARE_MODE_PAD);
	PART(FORMAT, m.share_len = 0);
	PART(FORMAT, m.share_len = KEY_PART_LEN + 1);
	PART(FORMAT, m.mode = (enum share_mode)2);
#undef PART
	body[b.len - 1] = 0x4f; /* a key tag of 15 bytes */
	memset(body + b.len, 0, 15);
	assert_int_equal(msg_part_read(&back, body, b.len + 15).code, DSKE_RC_FORMAT);
}

#define MESSAGE_REFUSED(message, ...)                                                              \
	do {                                                                                       \
		struct msg_##message m = {__VA_ARGS__};                                            \
		struct msg_##message read_back;                                                    \
		uint8_t bytes[512];                                                                \
		struct buf out;                                                                    \
		buf_fixed(&out, bytes, sizeof(bytes));                                             \
		assert_true(rc_ok(msg_##message##_write(&out, &m)));                               \
		assert_true(rc_is(msg_##message##_read(&read_back, bytes, out.len), DSKE_RC_FORMAT)); \
	} while (0)

static void other_messages_out_of_range_are_refused(void **state)
{
	static const uint8_t value[TERMS_CONTEXT_MAX + 1];

	(void)state;
	MESSAGE_REFUSED(lease, .slot = LEASE_SLOT_MAX + 1);
	MESSAGE_REFUSED(lease, .wanted = TABLE_LEN_MAX + 1);
	MESSAGE_REFUSED(lease, .lowest = UINT64_MAX);
	MESSAGE_REFUSED(grant, .start = 2, .end = 1);
	MESSAGE_REFUSED(grant, .end = TABLE_LEN_MAX + 1);
	MESSAGE_REFUSED(confirm, .start = 1);
	MESSAGE_REFUSED(confirm, .end = UINT64_MAX);
	MESSAGE_REFUSED(cloned, .next_slot = LEASE_SLOT_MAX + 2);
	MESSAGE_REFUSED(reply, .status = 256);
	MESSAGE_REFUSED(receipt, .verdict = (enum receipt_verdict)3);
	MESSAGE_REFUSED(wait, .selector = WAIT_KEY_ID, .value = value, .value_len = 15, .patience = 1);
	MESSAGE_REFUSED(wait, .selector = WAIT_KEY_ID, .value = value, .value_len = 17, .patience = 1);
	MESSAGE_REFUSED(wait, .selector = WAIT_CONTEXT, .value = value, .value_len = 256, .patience = 1);
	MESSAGE_REFUSED(wait, .selector = WAIT_CONTEXT, .patience = 0);
	MESSAGE_REFUSED(wait, .selector = WAIT_CONTEXT, .patience = WAIT_PATIENCE_MAX + 1);
	MESSAGE_REFUSED(wait, .selector = (enum wait_selector)2, .patience = 1);
	MESSAGE_REFUSED(identify, .kind = IDENTIFY_NAME, .name = "");
	MESSAGE_REFUSED(identify, .kind = IDENTIFY_NAME, .name = "-bob");
	MESSAGE_REFUSED(identify, .kind = IDENTIFY_NAME, .name = "b b");
	MESSAGE_REFUSED(identify, .kind = (enum identify_kind)2);
	MESSAGE_REFUSED(identity, .status = STATUS_ACCEPTED);
	MESSAGE_REFUSED(identity, .status = STATUS_ACCEPTED, .name = "bob", .local = "line\nbreak");
	MESSAGE_REFUSED(identity, .status = STATUS_UNKNOWN_CLIENT, .name = "bob");
	MESSAGE_REFUSED(identity, .status = STATUS_UNKNOWN_CLIENT, .id.b[3] = 1);
	MESSAGE_REFUSED(identity, .status = STATUS_QUOTA, .local = "x");
	MESSAGE_REFUSED(note, .code = 0);
	MESSAGE_REFUSED(note, .code = 256);
	MESSAGE_REFUSED(note, .code = 1, .hint = LEASE_SLOT_MAX + 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(there_is_a_sample_of_every_message),
		cmocka_unit_test(every_message_goes_there_and_back),
		cmocka_unit_test(every_cut_is_refused),
		cmocka_unit_test(every_cut_body_is_refused),
		cmocka_unit_test(a_byte_behind_is_refused),
		cmocka_unit_test(every_changed_byte_is_found),
		cmocka_unit_test(a_note_with_a_tag_is_refused),
		cmocka_unit_test(what_is_read_has_one_form),
		cmocka_unit_test(terms_come_back_as_they_were),
		cmocka_unit_test(fields_out_of_range_are_refused),
		cmocka_unit_test(fields_that_do_not_fit_are_read),
		cmocka_unit_test(parts_out_of_range_are_refused),
		cmocka_unit_test(other_messages_out_of_range_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
