/* SPDX-License-Identifier: Apache-2.0 */
/* test/hubproto/test-direct.c - frames of the direct link: what is written is read, and nothing else is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "test/hubproto/direct-samples.h"

#define HEAD 4u
#define assert_ok(e) assert_string_equal(rc_name(e), "OK")

/* On the heap, exactly as long, so that a sanitizer sees a byte read too many. */
static dske_rc read_cut(const uint8_t *item, size_t len)
{
	uint8_t *copy = malloc(len > 0 ? len : 1);

	assert_non_null(copy);
	if (len > 0)
		memcpy(copy, item, len);
	dske_rc rc = direct_item_check(copy, len);
	free(copy);
	return rc;
}

static void sample(size_t i, struct buf *frame, uint8_t key[TAG_KEY_LEN], bool *tagged)
{
	buf_heap(frame, HEAD + DIRECT_ITEM_MAX);
	*tagged = direct_sample_frame(i, frame, key);
	assert_ok(buf_rc(frame));
	assert_int_equal((size_t)(frame->data[2] << 8 | frame->data[3]) + HEAD, frame->len);
}

static void what_is_written_is_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < direct_sample_count; i++) {
		AUTO(buf) frame = {0};
		AUTO(buf) again = {0};
		struct direct_item d;
		uint8_t key[TAG_KEY_LEN];
		bool tagged;

		sample(i, &frame, key, &tagged);
		assert_ok(direct_read(&d, frame.data + HEAD, frame.len - HEAD));
		assert_int_equal(d.type, direct_samples[i].type);
		buf_heap(&again, DIRECT_ITEM_MAX);
		assert_ok(direct_body_copy(d.type, &again, d.body, d.body_len));
		assert_int_equal(again.len, d.body_len);
		assert_memory_equal(again.data, d.body, d.body_len);
		if (tagged)
			assert_true(direct_verify(&d, key));
	}
}

/* A change of any bit is refused, or seen by the tag.  Those without a tag prove nothing. */
static void no_bit_can_be_changed_unseen(void **state)
{
	(void)state;
	for (size_t i = 0; i < direct_sample_count; i++) {
		AUTO(buf) frame = {0};
		struct direct_item d;
		uint8_t key[TAG_KEY_LEN];
		bool tagged;

		sample(i, &frame, key, &tagged);
		for (size_t bit = 8 * HEAD; tagged && bit < 8 * frame.len; bit++) {
			frame.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
			if (rc_ok(direct_read(&d, frame.data + HEAD, frame.len - HEAD)))
				assert_false(direct_verify(&d, key));
			frame.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
		}
	}
}

static void cut_at_any_length_it_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < direct_sample_count; i++) {
		AUTO(buf) frame = {0};
		uint8_t key[TAG_KEY_LEN], longer[HEAD + DIRECT_ITEM_MAX + 1] = {0};
		bool tagged;

		sample(i, &frame, key, &tagged);
		for (size_t len = 0; len < frame.len - HEAD; len++)
			assert_false(rc_ok(read_cut(frame.data + HEAD, len)));
		memcpy(longer, frame.data + HEAD, frame.len - HEAD);
		assert_false(rc_ok(read_cut(longer, frame.len - HEAD + 1)));
	}
}

static void a_hello_has_one_length(void **state)
{
	AUTO(buf) frame = {0};
	uint8_t key[TAG_KEY_LEN];
	bool tagged;

	(void)state;
	sample(0, &frame, key, &tagged);
	assert_int_equal(frame.len, DIRECT_HELLO_LEN);
	frame.data[frame.len - 1] = 1; /* nor has it a tag */
	assert_string_equal(rc_name(read_cut(frame.data + HEAD, frame.len - HEAD)), "FORMAT");
	frame.data[frame.len - 1] = 0;
	frame.data[HEAD + 1] = 2;
	assert_string_equal(rc_name(read_cut(frame.data + HEAD, frame.len - HEAD)), "UNSUPPORTED");
}

static void types_have_names(void **state)
{
	(void)state;
	assert_string_equal(direct_name(DIRECT_HELLO), "HELLO");
	assert_string_equal(direct_name(DIRECT_BYE), "BYE");
	assert_string_equal(direct_name(0), "?");
	assert_string_equal(direct_name(6), "?");
	assert_string_not_equal(direct_bye_text(BYE_TIME), direct_bye_text(BYE_TOO_FEW));
	assert_string_equal(direct_bye_text(200), direct_bye_text(BYE_FAILED));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(no_bit_can_be_changed_unseen),
		cmocka_unit_test(cut_at_any_length_it_is_refused),
		cmocka_unit_test(a_hello_has_one_length),
		cmocka_unit_test(types_have_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
