/* SPDX-License-Identifier: Apache-2.0 */
/* test/core/test-pad.c - what was taken from a pad is gone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/pad.h"
#include "test/core/seeded.h"

#define LEN 200

static void pad_make(struct pad *p, uint8_t bytes[LEN])
{
	struct seeded seed = {7};

	seeded_fill(&seed, bytes, LEN);
	memset(p, 0, sizeof *p);
	assert_true(rc_ok(secret_from(&p->bytes, bytes, LEN)));
	p->offset = 4096;
}

static void assert_erased(const struct pad *p, const uint8_t *bytes)
{
	for (size_t i = 0; i < LEN; i++)
		assert_int_equal(p->bytes.data[i], i < p->taken ? 0 : bytes[i]);
}

static void taking_erases(void **state)
{
	uint8_t bytes[LEN], out[LEN];
	AUTO(pad) p;
	size_t at = 0;

	(void)state;
	pad_make(&p, bytes);
	for (size_t len = 1; at + len <= LEN; at += len++) {
		assert_int_equal(pad_left(&p), LEN - at);
		assert_true(rc_ok(pad_take(&p, out, len)));
		assert_memory_equal(out, bytes + at, len);
		assert_erased(&p, bytes);
	}
	size_t left = pad_left(&p);
	assert_int_equal(left, LEN - at);
	assert_int_equal(pad_take(&p, out, left + 1).code, DSKE_RC_EXHAUSTED);
	assert_int_equal(pad_xor(&p, out, bytes, left + 1).code, DSKE_RC_EXHAUSTED);
	assert_int_equal(pad_take(&p, out, SIZE_MAX).code, DSKE_RC_EXHAUSTED);
	assert_int_equal(pad_left(&p), left); /* a refusal takes nothing */
	assert_erased(&p, bytes);
	assert_true(rc_ok(pad_take(&p, out, left)));
	assert_int_equal(pad_left(&p), 0);
	assert_true(rc_ok(pad_take(&p, out, 0)));
	assert_int_equal(pad_take(&p, out, 1).code, DSKE_RC_EXHAUSTED);
}

static void encryption_erases(void **state)
{
	uint8_t bytes[LEN], text[LEN], cipher[LEN];
	struct seeded seed = {8};
	AUTO(pad) p;

	(void)state;
	pad_make(&p, bytes);
	seeded_fill(&seed, text, sizeof text);
	assert_true(rc_ok(pad_xor(&p, cipher, text, 77)));
	assert_erased(&p, bytes);
	memcpy(cipher + 77, text + 77, LEN - 77);
	assert_true(rc_ok(pad_xor(&p, cipher + 77, cipher + 77, LEN - 77))); /* in place */
	assert_erased(&p, bytes);
	for (size_t i = 0; i < LEN; i++)
		assert_int_equal(cipher[i], text[i] ^ bytes[i]);
}

static void peeking_takes_nothing(void **state)
{
	uint8_t bytes[LEN], out[PAD_KEYS_LEN];
	AUTO(pad) p;

	(void)state;
	pad_make(&p, bytes);
	assert_memory_equal(pad_peek(&p, PAD_KEYS_LEN, LEN - PAD_KEYS_LEN), bytes + PAD_KEYS_LEN,
			    LEN - PAD_KEYS_LEN);
	assert_int_equal(pad_left(&p), LEN);
	assert_null(pad_peek(&p, PAD_KEYS_LEN, LEN - PAD_KEYS_LEN + 1));
	assert_null(pad_peek(&p, LEN + 1, 0));
	assert_null(pad_peek(&p, SIZE_MAX, 2));
	assert_null(pad_peek(&p, 2, SIZE_MAX));
	assert_true(rc_ok(pad_take(&p, out, PAD_KEYS_LEN)));
	assert_memory_equal(pad_peek(&p, 0, LEN - PAD_KEYS_LEN), bytes + PAD_KEYS_LEN, LEN - PAD_KEYS_LEN);
	assert_null(pad_peek(&p, PAD_KEYS_LEN, LEN - PAD_KEYS_LEN));
}

static void moving_leaves_nothing(void **state)
{
	uint8_t bytes[LEN], out[10];
	AUTO(pad) p;
	AUTO(pad) q = {{0}, 0, 0};

	(void)state;
	pad_make(&p, bytes);
	assert_true(rc_ok(pad_take(&p, out, 10)));
	pad_move(&q, &p);
	assert_int_equal(pad_left(&p), 0);
	assert_null(p.bytes.data);
	assert_int_equal(p.offset, 0);
	assert_int_equal(q.offset, 4096);
	assert_int_equal(pad_left(&q), LEN - 10);
	assert_int_equal(pad_take(&p, out, 1).code, DSKE_RC_EXHAUSTED);
	assert_true(rc_ok(pad_take(&q, out, 10)));
	assert_memory_equal(out, bytes + 10, 10);
	pad_drop(&q);
	assert_int_equal(pad_left(&q), 0);
	pad_drop(&q);
}

static void opened_in_place(void **state)
{
	uint8_t text[100], pad[100];
	struct pad p = {0};

	(void)state;
	assert_true(rc_ok(secret_random(&p.bytes, sizeof pad)));
	memcpy(pad, p.bytes.data, sizeof pad);
	for (size_t i = 0; i < sizeof text; i++)
		text[i] = (uint8_t)(3 * i);
	assert_null(pad_open(&p, text, 101));
	assert_null(pad_open(&p, text, 0));
	uint8_t *opened = pad_open(&p, text + 10, 40);
	assert_non_null(opened);
	for (size_t i = 0; i < 40; i++)
		assert_int_equal(opened[i], text[10 + i] ^ pad[i]);
	opened = pad_open(&p, NULL, 60); /* a share that is the pad */
	assert_memory_equal(opened, pad + 40, 60);
	assert_int_equal(pad_left(&p), 0);
	assert_null(pad_open(&p, NULL, 1));
	pad_drop(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(taking_erases),
		cmocka_unit_test(encryption_erases),
		cmocka_unit_test(opened_in_place),
		cmocka_unit_test(peeking_takes_nothing),
		cmocka_unit_test(moving_leaves_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
