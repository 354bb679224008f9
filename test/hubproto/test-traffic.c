/* SPDX-License-Identifier: Apache-2.0 */
/* test/hubproto/test-traffic.c - what an agreement costs, against sums by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "hubproto/traffic.h"

/*
 * By dske.cddl: an item's array head, version and type, sender and table (17 each), offset 5, length 2 (the range has
 * 144 bytes), the body's head, and the tag (17); behind 4 bytes of length: 65 and the body's head.
 * Terms of one receiver, one hub, empty context: head 1, initiator 17, key ID 17, receivers 18, n 1, k 1, hubs 18,
 * scheme 1, m 2, key tag 17, context 1, confirm 1: 95.  SHARE: head 1, terms 95, ttl 3, mode 1, share 1 = 101, with 80 bytes of
 * ciphertext one more head byte: 182; INSTRUCTION 1 + 95 + 82 = 178.
 */
#define FRAME(body, heads) (65u + (body) + (heads))

static void by_hand(void **state)
{
	struct traffic t;

	(void)state;
	assert_true(rc_ok(traffic_of(&t, 1, 1, SCHEME_SHAMIR, 32, 0)));
	assert_int_equal(t.up_pad, 32 + 112);
	assert_int_equal(t.down_pad, 32 + 112);
	assert_int_equal(t.wait_pad, 64);
	assert_int_equal(t.initiator_sends, FRAME(101, 2));
	assert_int_equal(t.receiver_gets, FRAME(178, 2) + FRAME(2, 1));
	assert_int_equal(t.initiator_gets, FRAME(2, 1));
	/* WAIT: head 1, initiator 17, selector 1, value 1, patience 2; RECEIPT 2. */
	assert_int_equal(t.receiver_sends, FRAME(22, 1) + FRAME(2, 1));
}

/* k of n shares are not sent; XOR sends none. */
static void shares_not_sent(void **state)
{
	struct traffic full, simple;
	uint64_t per_share = (1u << 20) + 48;

	(void)state;
	for (unsigned n = 1; n <= 20; n++) {
		assert_true(rc_ok(traffic_of(&simple, n, n, SCHEME_XOR, 1u << 20, 20)));
		for (unsigned k = 1; k <= n; k++) {
			assert_true(rc_ok(traffic_of(&full, n, k, SCHEME_SHAMIR, 1u << 20, 20)));
			assert_in_range(full.initiator_sends - simple.initiator_sends, (n - k) * per_share, (n - k) * (per_share + 8));
			assert_in_range(full.receiver_gets, n * per_share, n * (per_share + 1024));
		}
	}
}

/* DSKE 3: "the small amount of data transmitted by A": it does not grow with the key, and the receiver gets what the
 * simple scheme costs, but for the first pass. */
static void the_initiator_sends_no_share(void **state)
{
	struct traffic small, large, simple, first;

	(void)state;
	for (unsigned n = 1; n <= 20; n++) {
		for (unsigned k = 1; k <= n; k++) {
			assert_true(rc_ok(traffic_adapted(&small, n, k, 32, 20)));
			assert_true(rc_ok(traffic_adapted(&large, n, k, 1u << 20, 20)));
			assert_true(rc_ok(traffic_of(&first, n, k, SCHEME_FIRST_PASS, ADAPTED_MATERIAL_LEN(n), 20)));
			assert_true(rc_ok(traffic_of(&simple, n, n, SCHEME_XOR, 1u << 20, 20)));
			assert_in_range(large.initiator_sends - small.initiator_sends, 0, n * 8);
			assert_in_range(large.initiator_sends, first.initiator_sends + simple.initiator_sends,
					first.initiator_sends + simple.initiator_sends + 300);
			assert_in_range(large.receiver_gets, simple.receiver_gets, simple.receiver_gets + first.receiver_gets + n * 100 + 300);
			assert_int_equal(large.up_pad, simple.up_pad + first.up_pad);
			assert_int_equal(large.wait_pad, 3 * simple.wait_pad);
		}
	}
	assert_int_equal(traffic_adapted(&large, 5, 3, KEY_PART_LEN + 1, 0).code, DSKE_RC_FORMAT);
}

static void refused(void **state)
{
	struct traffic t;

	(void)state;
	assert_int_equal(traffic_of(&t, 0, 0, SCHEME_SHAMIR, 32, 0).code, DSKE_RC_ARGS);
	assert_int_equal(traffic_of(&t, 256, 5, SCHEME_SHAMIR, 32, 0).code, DSKE_RC_ARGS);
	assert_int_equal(traffic_of(&t, 5, 6, SCHEME_SHAMIR, 32, 0).code, DSKE_RC_ARGS);
	assert_int_equal(traffic_of(&t, 5, 4, SCHEME_XOR, 32, 0).code, DSKE_RC_FORMAT);
	assert_int_equal(traffic_of(&t, 5, 3, SCHEME_SHAMIR, 15, 0).code, DSKE_RC_FORMAT);
	assert_int_equal(traffic_of(&t, 5, 3, SCHEME_SHAMIR, KEY_LEN_MAX + 1, 0).code, DSKE_RC_FORMAT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(by_hand), cmocka_unit_test(shares_not_sent), cmocka_unit_test(the_initiator_sends_no_share),
					   cmocka_unit_test(refused)};

	return cmocka_run_group_tests_name("traffic", tests, NULL, NULL);
}
