/* SPDX-License-Identifier: Apache-2.0 */
/* test/vpn/test-watch.c - what WireGuard's counters say of handshakes, minute by minute; and base64 of a key. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/evp.h>

#include "test/core/seeded.h"
#include "vpn/wg-conf.h"
#include "vpn/wg-hook.h"
#include "vpn/wg-watch.h"

enum { SECOND = 1000 };

/* Looks each two seconds from *now on, with bytes that grow or not. */
static void pass(struct wg_watch *w, struct wg_state *s, int64_t *now, int64_t seconds, uint64_t more)
{
	for (int64_t until = *now + seconds * SECOND; *now < until; *now += 2 * SECOND) {
		s->sent += more;
		wg_watch_look(w, s, *now);
	}
}

static void quiet_is_not_stuck(void **state)
{
	(void)state;
	struct wg_watch w = {0};
	struct wg_state s = {0};
	int64_t now = 1000000;
	pass(&w, &s, &now, 600, 0);
	assert_false(wg_watch_is_stuck(&w, now));
	assert_int_equal(wg_watch_age(&w, now), -1);
	s.handshake_s = 17;
	pass(&w, &s, &now, 2, 148);
	pass(&w, &s, &now, 3600, 0); /* nobody has anything to say */
	assert_false(wg_watch_is_stuck(&w, now));
}

static void traffic_with_handshakes_is_well(void **state)
{
	(void)state;
	struct wg_watch w = {0};
	struct wg_state s = {0};
	int64_t now = 1000000;
	for (int i = 0; i < 20; i++) {
		s.handshake_s += 121;
		pass(&w, &s, &now, 122, 1000);
		assert_false(wg_watch_is_stuck(&w, now));
	}
}

/* Found before three tries of the next handshake are over and a look. */
static void ends_that_fell_apart_are_found(void **state)
{
	(void)state;
	struct wg_watch w = {0};
	struct wg_state s = {.handshake_s = 5};
	int64_t now = 1000000;
	pass(&w, &s, &now, 10, 1000);
	wg_watch_changed(&w, now);
	pass(&w, &s, &now, 110, 1000);
	assert_false(wg_watch_is_stuck(&w, now)); /* the session of before still serves */
	pass(&w, &s, &now, 20, 148);
	assert_true(wg_watch_is_stuck(&w, now));
	assert_true(wg_watch_may_ask(&w, now));
	assert_false(wg_watch_may_ask(&w, now + 14 * SECOND));
	assert_true(wg_watch_may_ask(&w, now + 15 * SECOND));
	assert_false(wg_watch_may_ask(&w, now + 44 * SECOND));
	assert_true(wg_watch_may_ask(&w, now + 45 * SECOND));
	s.handshake_s = 6;
	pass(&w, &s, &now, 2, 148);
	assert_false(wg_watch_is_stuck(&w, now));
	assert_int_equal(w.gap_ms, 0);
}

static void first_handshake_that_fails(void **state)
{
	(void)state;
	struct wg_watch w = {0};
	struct wg_state s = {0};
	int64_t now = 1000000;
	pass(&w, &s, &now, 60, 148);
	wg_watch_changed(&w, now); /* the first key */
	assert_false(wg_watch_is_stuck(&w, now));
	pass(&w, &s, &now, 14, 148);
	assert_false(wg_watch_is_stuck(&w, now));
	pass(&w, &s, &now, 4, 148);
	assert_true(wg_watch_is_stuck(&w, now));
}

/* The wall clock goes back: only that it is another time counts. */
static void dates_may_change(void **state)
{
	(void)state;
	struct wg_watch w = {0};
	struct wg_state s = {.handshake_s = 2000000000};
	int64_t now = 1000000;
	pass(&w, &s, &now, 100, 1000);
	s.handshake_s = 1;
	pass(&w, &s, &now, 100, 1000);
	assert_false(wg_watch_is_stuck(&w, now));
	assert_in_range(wg_watch_age(&w, now), 99 * SECOND, 101 * SECOND);
}

static void base64(void **state)
{
	(void)state;
	struct seeded seed = {5};
	uint8_t bytes[60], ours[80], theirs[81];
	for (size_t len = 0; len <= sizeof bytes; len++) {
		for (int i = 0; i < 20; i++) {
			seeded_fill(&seed, bytes, len);
			wg_base64(ours, bytes, len);
			int n = EVP_EncodeBlock(theirs, bytes, (int)len);
			assert_int_equal(n, WG_BASE64_LEN(len));
			assert_memory_equal(ours, theirs, (size_t)n);
		}
	}
}

static void public_keys(void **state)
{
	(void)state;
	uint8_t key[WG_KEY_LEN], text[45] = {0};
	struct seeded seed = {6};
	uint8_t made[WG_KEY_LEN];
	seeded_fill(&seed, made, sizeof made);
	wg_base64(text, made, sizeof made);
	assert_true(rc_ok(wg_key_parse(key, (char *)text)));
	assert_memory_equal(key, made, sizeof made);
	text[10] = '!';
	assert_int_equal(wg_key_parse(key, (char *)text).code, DSKE_RC_FORMAT);
	assert_int_equal(wg_key_parse(key, "").code, DSKE_RC_FORMAT);
	assert_int_equal(wg_key_parse(key, "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8D==").code, DSKE_RC_FORMAT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(quiet_is_not_stuck),   cmocka_unit_test(traffic_with_handshakes_is_well),
		cmocka_unit_test(ends_that_fell_apart_are_found), cmocka_unit_test(first_handshake_that_fails),
		cmocka_unit_test(dates_may_change),     cmocka_unit_test(base64), cmocka_unit_test(public_keys),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
