/* SPDX-License-Identifier: Apache-2.0 */
/* hubproto/frame.h: the envelope, the tag, the list of messages, the incoming stream. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/cbor.h"
#include "test/hubproto/samples.h"

static const uint8_t tag_key[TAG_KEY_LEN] = {1, 2, 3, 4, 5, 6, 7, 8, 9};

/* ---- the list ------------------------------------------------------------------------------------ */

static void rows_are_found_by_their_number(void **state)
{
	(void)state;
	for (unsigned type = 0; type < 300; type++) {
		const struct message_row *row = message_row(type);

		assert_int_equal(row != NULL, type >= 1 && type <= 24);
		if (row)
			assert_int_equal(row->type, type);
	}
	assert_string_equal(message_name(MESSAGE_SHARE), "SHARE");
	assert_string_equal(message_name(MESSAGE_NOTE), "NOTE");
	assert_string_equal(message_name(0), "?");
	assert_string_equal(message_name(25), "?");
}

/* No key has two uses: one message a key of a range, whoever sends it. */
static void no_key_tags_two_kinds_of_answer(void **state)
{
	(void)state;
	for (unsigned a = 1; a <= 14; a++) {
		for (unsigned b = a + 1; b <= 14; b++) {
			const struct message_row *x = message_row(a), *y = message_row(b);

			if (x->region != y->region || x->key != y->key)
				continue;
			/* Alternatives of one sender: it sends one of them on a range. */
			assert_int_equal(x->sender, y->sender);
			assert_true(x->region == REGION_UP || x->region == REGION_DOWN);
		}
	}
}

static void statuses_and_notes_have_sentences(void **state)
{
	(void)state;
	assert_string_equal(status_text(STATUS_ACCEPTED), "accepted");
	assert_string_equal(status_text(STATUS_INTERNAL), "the hub could not store the request");
	assert_string_equal(status_text(16), "unknown status");
	assert_string_equal(status_text(UINT32_MAX), "unknown status");
	assert_string_equal(note_text(0), "unknown note");
	assert_string_equal(note_text(NOTE_BAD_TAG), "the message tag did not verify");
	assert_string_equal(note_text(16), "unknown note");
}

/* ---- the envelope -------------------------------------------------------------------------------- */

struct parts {
	size_t items;
	uint64_t version, type, offset, length;
	size_t id_len, tag_len;
};

static const struct parts good = {8, 1, MESSAGE_REPLY, 64, 64, 16, 16};

static dske_rc read_parts(struct parts p)
{
	static const uint8_t zeros[64];
	uint8_t bytes[256];
	struct envelope e;
	struct buf out;

	buf_fixed(&out, bytes, sizeof(bytes));
	cbor_write_array(&out, p.items);
	cbor_write_uint(&out, p.version);
	cbor_write_uint(&out, p.type);
	cbor_write_bytes(&out, zeros, p.id_len);
	cbor_write_bytes(&out, zeros, 16);
	cbor_write_uint(&out, p.offset);
	cbor_write_uint(&out, p.length);
	cbor_write_bytes(&out, "\x81\x00", 2);
	if (p.items >= 8)
		cbor_write_bytes(&out, zeros, p.tag_len);
	if (p.items > 8)
		cbor_write_uint(&out, 0);
	assert_true(rc_ok(buf_rc(&out)));
	return frame_read(&e, bytes, out.len);
}

#define CHANGED(wanted, ...)                                                                         \
	do {                                                                                       \
		struct parts p = good;                                                             \
		__VA_ARGS__;                                                                       \
		assert_int_equal(read_parts(p).code, DSKE_RC_##wanted);                              \
	} while (0)

static void envelopes_out_of_form_are_refused(void **state)
{
	(void)state;
	CHANGED(OK, (void)p);
	CHANGED(FORMAT, p.items = 7);
	CHANGED(FORMAT, p.items = 9);
	CHANGED(UNSUPPORTED, p.version = 2);
	CHANGED(UNSUPPORTED, p.version = 0);
	CHANGED(UNSUPPORTED, p.version = 2; p.items = 9);
	CHANGED(FORMAT, p.type = 0);
	CHANGED(FORMAT, p.type = 25);
	CHANGED(FORMAT, p.type = 254);
	CHANGED(FORMAT, p.type = 256 + MESSAGE_REPLY);
	CHANGED(FORMAT, p.id_len = 15);
	CHANGED(FORMAT, p.id_len = 17);
	CHANGED(FORMAT, p.tag_len = 15);
	CHANGED(FORMAT, p.tag_len = 17);
	CHANGED(OK, p.offset = TABLE_LEN_MAX);
	CHANGED(FORMAT, p.offset = TABLE_LEN_MAX + 1);
	CHANGED(FORMAT, p.offset = UINT64_MAX);
	CHANGED(FORMAT, p.length = 63);
	CHANGED(OK, p.length = FRAME_RANGE_MAX);
	CHANGED(FORMAT, p.length = FRAME_RANGE_MAX + 1);
	CHANGED(FORMAT, p.length = (UINT64_C(1) << 32) + 64);
	CHANGED(OK, p.type = MESSAGE_LEASE; p.length = 128);
	CHANGED(FORMAT, p.type = MESSAGE_LEASE; p.length = 129);
	CHANGED(OK, p.type = MESSAGE_ACTIVATE; p.length = 96);
	CHANGED(FORMAT, p.type = MESSAGE_ACTIVATE; p.length = 95);
	CHANGED(OK, p.type = MESSAGE_RETIRED; p.length = 64);
	CHANGED(FORMAT, p.type = MESSAGE_RETIRED; p.length = 96);
	CHANGED(OK, p.type = MESSAGE_NOTE; p.length = 0);
}

static void the_tag_is_of_all_but_itself(void **state)
{
	uint8_t bytes[256];
	struct buf out;
	struct tag tag;
	struct envelope e = {.type = MESSAGE_REPLY, .offset = 64, .length = 64, .body = (const uint8_t *)"\x81\x00",
		.body_len = 2};
	struct envelope back;

	(void)state;
	buf_fixed(&out, bytes, sizeof(bytes));
	assert_true(rc_ok(frame_write(&out, &e, tag_key)));
	/* 4 of length; 1 + 2 numbers; 17 + 17 of IDs; 2 + 2 of the range; 3 of body; 1 + 16 of tag */
	assert_int_equal(out.len, 4 + 3 + 34 + 4 + 3 + 17);
	assert_memory_equal(bytes, "\0\0\0\x3d\x88\x01\x09\x50", 8);
	tag_compute(&tag, tag_key, bytes + 4, out.len - 4 - TAG_LEN);
	assert_memory_equal(bytes + out.len - TAG_LEN, tag.b, TAG_LEN);
	assert_true(rc_ok(frame_read(&back, bytes + 4, out.len - 4)));
	assert_true(frame_verify(&back, tag_key));
	assert_false(frame_verify(&back, (const uint8_t[TAG_KEY_LEN]){1, 2, 3, 4, 5, 6, 7, 8, 8}));
	assert_int_equal(back.offset, 64);
	assert_int_equal(back.length, 64);
}

static void frames_that_are_too_long_are_not_written(void **state)
{
	AUTO(buf) out = {0};
	uint8_t *body = calloc(1, FRAME_MAX);
	struct envelope e = {.type = MESSAGE_SHARE, .length = 128, .body = body, .body_len = FRAME_MAX - 60};

	(void)state;
	assert_non_null(body);
	buf_heap(&out, 2 * FRAME_MAX);
	assert_true(rc_is(frame_write(&out, &e, tag_key), DSKE_RC_TOOBIG));
	buf_reset(&out);
	e.body_len = FRAME_MAX - 100;
	assert_true(rc_ok(frame_write(&out, &e, tag_key)));
	free(body);
}

static void the_digest_is_of_the_whole_item(void **state)
{
	uint8_t bytes[512], digest[FRAME_DIGEST_LEN], other[FRAME_DIGEST_LEN], key[TAG_KEY_LEN];
	struct buf out;
	struct envelope e;

	(void)state;
	buf_fixed(&out, bytes, sizeof(bytes));
	sample_frame(0, &out, key);
	assert_true(rc_ok(frame_read(&e, bytes + 4, out.len - 4)));
	frame_digest(&e, digest);
	for (size_t at = 4; at < out.len; at++) {
		bytes[at] ^= 1;
		frame_digest(&e, other);
		assert_memory_not_equal(digest, other, sizeof(digest));
		bytes[at] ^= 1;
	}
	/* SHA-256 of the empty string, FIPS 180-4. */
	e.item_len = 0;
	frame_digest(&e, digest);
	assert_memory_equal(digest, "\xe3\xb0\xc4\x42\x98\xfc\x1c\x14\x9a\xfb\xf4\xc8\x99\x6f\xb9\x24", 16);
}

/* ---- the stream ---------------------------------------------------------------------------------- */

static void feed(struct stream *s, const uint8_t *bytes, size_t len)
{
	while (len > 0) {
		size_t cap;
		uint8_t *space = stream_space(s, &cap);
		size_t part = len < cap ? len : cap;

		assert_non_null(space);
		assert_true(cap > 0);
		memcpy(space, bytes, part);
		stream_filled(s, part);
		bytes += part;
		len -= part;
	}
}

static void expect_item(struct stream *s, const uint8_t *bytes, size_t len)
{
	const uint8_t *item;
	size_t item_len;

	assert_true(rc_ok(stream_next(s, &item, &item_len)));
	assert_non_null(item);
	assert_int_equal(item_len, len);
	assert_memory_equal(item, bytes, len);
}

static void expect_nothing(struct stream *s)
{
	const uint8_t *item = (const uint8_t *)"";
	size_t item_len = 1;

	assert_true(rc_ok(stream_next(s, &item, &item_len)));
	assert_null(item);
	assert_int_equal(item_len, 0);
}

static void a_stream_fed_byte_by_byte(void **state)
{
	static uint8_t bytes[SAMPLE_MAX];
	struct stream s;

	(void)state;
	stream_init(&s, FRAME_MAX);
	for (size_t i = 0; i < sample_count; i++) {
		uint8_t key[TAG_KEY_LEN];
		struct buf out;

		buf_fixed(&out, bytes, sizeof(bytes));
		sample_frame(i, &out, key);
		for (size_t at = 0; at < out.len; at++) {
			expect_nothing(&s);
			feed(&s, bytes + at, 1);
		}
		expect_item(&s, bytes + 4, out.len - 4);
		expect_nothing(&s);
	}
	stream_drop(&s);
}

static void frames_that_come_together(void **state)
{
	AUTO(buf) all = {0};
	size_t ends[64];
	struct stream s;

	(void)state;
	assert_true(sample_count < 64);
	buf_heap(&all, 1 << 20);
	for (size_t i = 0; i < sample_count; i++) {
		uint8_t key[TAG_KEY_LEN];

		sample_frame(i, &all, key);
		ends[i] = all.len;
	}
	stream_init(&s, FRAME_MAX);
	feed(&s, all.data, all.len - 1);
	size_t start = 0;
	for (size_t i = 0; i + 1 < sample_count; i++) {
		expect_item(&s, all.data + start + 4, ends[i] - start - 4);
		start = ends[i];
	}
	expect_nothing(&s);
	feed(&s, all.data + all.len - 1, 1);
	expect_item(&s, all.data + start + 4, all.len - start - 4);
	expect_nothing(&s);
	stream_drop(&s);
}

static int next_code(struct stream *s, const char *head)
{
	const uint8_t *item;
	size_t len;

	stream_drop(s);
	stream_init(s, 1000);
	feed(s, (const uint8_t *)head, 4);
	dske_rc rc = stream_next(s, &item, &len);
	assert_null(item);
	return rc.code;
}

static void lengths_out_of_bounds_are_refused_at_once(void **state)
{
	struct stream s;

	(void)state;
	stream_init(&s, 1000);
	assert_int_equal(next_code(&s, "\0\0\x03\xe8"), DSKE_RC_OK); /* 1000 */
	assert_int_equal(next_code(&s, "\0\0\x03\xe9"), DSKE_RC_TOOBIG);
	assert_int_equal(next_code(&s, "\0\0\0\0"), DSKE_RC_FORMAT);
	assert_int_equal(next_code(&s, "\xff\xff\xff\xff"), DSKE_RC_TOOBIG);
	assert_int_equal(next_code(&s, "GET "), DSKE_RC_TOOBIG);
	stream_drop(&s);
}

/* A length alone costs nothing: memory follows the bytes that came. */
static void memory_grows_with_what_came(void **state)
{
	static const uint8_t head[4] = {0, 0x10, 0, 0}; /* 1 MiB */
	static uint8_t zeros[1 << 20];
	struct stream s;

	(void)state;
	stream_init(&s, FRAME_MAX);
	feed(&s, head, sizeof(head));
	expect_nothing(&s);
	assert_true(s.in.cap <= 64 << 10);
	for (size_t came = 0; came < sizeof(zeros); came += 1 << 16) {
		assert_true(s.in.cap <= 2 * came + (64 << 10));
		feed(&s, zeros, 1 << 16);
	}
	expect_item(&s, zeros, sizeof(zeros));
	feed(&s, head, 1);
	assert_true(s.in.cap <= 64 << 10); /* and is given back */
	stream_drop(&s);
}

/* A frame that is made around its body is the one that is written from it. */
static void frames_are_wrapped(void **state)
{
	static const size_t lens[] = {0, 1, 23, 24, 255, 256, 65535, 65536, 1 << 20};
	static uint8_t bytes[1 << 20];
	uint8_t key[TAG_KEY_LEN];

	(void)state;
	memset(bytes, 0x5a, sizeof(bytes));
	memset(key, 0x17, sizeof(key));
	for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		struct envelope e = {.type = MESSAGE_SHARE, .sender = {{1}}, .table = {{2}}, .offset = UINT64_C(1) << (4 * i + 8),
				     .length = 200, .body = bytes, .body_len = lens[i]};
		AUTO(buf) written = {0}, wrapped = {0};
		size_t start = 0;

		buf_heap(&written, FRAME_HEAD_LEN + FRAME_MAX);
		buf_heap(&wrapped, FRAME_WRAP_LEN + FRAME_HEAD_LEN + FRAME_MAX);
		assert_true(rc_ok(frame_write(&written, &e, key)));
		assert_non_null(buf_grow(&wrapped, FRAME_WRAP_LEN));
		buf_put(&wrapped, bytes, lens[i]);
		assert_true(rc_ok(frame_wrap(&wrapped, FRAME_WRAP_LEN, &e, key, &start)));
		assert_int_equal(wrapped.len - start, written.len);
		assert_memory_equal(wrapped.data + start, written.data, written.len);
	}
}

/* As a hub reads: elsewhere, until an item is long; and at rest there is no memory. */
static void a_stream_is_fed_and_rests(void **state)
{
	static const uint8_t head[4] = {0, 1, 0, 0}; /* 64 KiB */
	static uint8_t zeros[64 << 10], item[] = {0, 0, 0, 3, 1, 2, 3, 0, 0};
	struct stream s;
	size_t cap;

	(void)state;
	stream_init(&s, FRAME_MAX);
	for (size_t i = 1; i < sizeof(item); i++) {
		stream_rest(&s);
		assert_true(rc_ok(stream_feed(&s, item + i - 1, 1)));
		if (i < 7)
			expect_nothing(&s);
		if (i == 7)
			expect_item(&s, item + 4, 3);
	}
	stream_rest(&s); /* the first byte of the next one is there */
	assert_int_equal(s.in.len - s.start, 1);
	assert_true(rc_ok(stream_feed(&s, head + 1, 3)));
	assert_true(rc_ok(stream_feed(&s, zeros, (16 << 10) - 5)));
	assert_false(stream_is_long(&s));
	assert_true(rc_ok(stream_feed(&s, zeros, 1)));
	assert_true(stream_is_long(&s));
	for (size_t left = sizeof(zeros) - (16 << 10) + 4; left > 0; left -= cap) {
		assert_non_null(stream_space(&s, &cap));
		cap = cap < left ? cap : left;
		stream_filled(&s, cap);
	}
	expect_item(&s, zeros, sizeof(zeros));
	stream_rest(&s);
	assert_int_equal(s.in.cap, 0);
	assert_true(rc_ok(stream_feed(&s, item, 7)));
	expect_item(&s, item + 4, 3);
	stream_drop(&s);
}

/* Whoever reads on without taking items out meets an end. */
static void a_stream_that_is_not_emptied_ends(void **state)
{
	struct stream s;
	size_t cap = 0;
	size_t came = 0;

	(void)state;
	stream_init(&s, FRAME_MAX);
	while (stream_space(&s, &cap)) {
		stream_filled(&s, cap);
		came += cap;
		assert_true(came <= 2 * FRAME_MAX);
	}
	assert_true(came >= FRAME_MAX + FRAME_HEAD_LEN);
	stream_drop(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_found_by_their_number),
		cmocka_unit_test(no_key_tags_two_kinds_of_answer),
		cmocka_unit_test(statuses_and_notes_have_sentences),
		cmocka_unit_test(envelopes_out_of_form_are_refused),
		cmocka_unit_test(the_tag_is_of_all_but_itself),
		cmocka_unit_test(frames_that_are_too_long_are_not_written),
		cmocka_unit_test(the_digest_is_of_the_whole_item),
		cmocka_unit_test(a_stream_fed_byte_by_byte),
		cmocka_unit_test(frames_that_come_together),
		cmocka_unit_test(lengths_out_of_bounds_are_refused_at_once),
		cmocka_unit_test(memory_grows_with_what_came),
		cmocka_unit_test(frames_are_wrapped),
		cmocka_unit_test(a_stream_is_fed_and_rests),
		cmocka_unit_test(a_stream_that_is_not_emptied_ends),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
