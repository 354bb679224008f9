/* SPDX-License-Identifier: Apache-2.0 */
/* The adapted protocol (DSKE 3): hubs that lie, a direct link that is cut and meddled with, strangers at the door. */
#include <config.h>

#include "test/client/meddler.h"
#include "test/client/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/net.h"
#include "hubproto/direct.h"

#define PARALLEL 6

static struct world w;

static int set_up(void **state)
{
	*state = &w;
	world_make(&w, 4u << 20, "k = 3\nk_b = 2\ntimeout = 5s");
	return 0;
}

static void all_hubs(enum mock_manner manner, size_t count)
{
	for (size_t i = 0; i < WORLD_HUBS; i++)
		world_let_hub(&w, i, i < count ? manner : MOCK_HONEST);
}

/* ---- two callers -------------------------------------------------------------------------------------------- */

struct both {
	struct caller alice, bob;
	char context[32];
};

static void prepare(struct both *b, const char *alice_listens, const char *bob_connects)
{
	static unsigned serial;
	*b = (struct both){.alice = {.client = w.alice, .q = {.scheme = SCHEME_ADAPTED, .timeout_ms = 4000, .peer = "bob"}},
			   .bob = {.client = w.bob, .q = {.scheme = SCHEME_COUNT, .timeout_ms = 4000, .peer = "alice"}}};
	snprintf(b->context, sizeof b->context, "adapted-%u", serial++);
	b->alice.q.context_len = b->bob.q.context_len = (uint8_t)strlen(b->context);
	memcpy(b->alice.q.context, b->context, strlen(b->context));
	memcpy(b->bob.q.context, b->context, strlen(b->context));
	b->alice.q.direct_listen = alice_listens;
	b->bob.q.direct = bob_connects;
}

static void go(struct both *b, long bob_after_ms)
{
	caller_go(&b->alice);
	sleep_ms(bob_after_ms);
	caller_go(&b->bob);
	caller_join(&b->alice);
	caller_join(&b->bob);
}

static void assert_scheme(const struct both *b, enum scheme scheme)
{
	assert_same_key(&b->alice, &b->bob);
	if (b->alice.r.scheme != scheme || b->bob.r.scheme != scheme)
		print_error("alice: %s; bob: %s\n", b->alice.r.fallback, b->bob.r.fallback);
	assert_int_equal(b->alice.r.scheme, scheme);
	assert_int_equal(b->bob.r.scheme, scheme);
	assert_int_equal(b->alice.r.fallback[0] == '\0', scheme == SCHEME_ADAPTED);
	assert_int_equal(b->bob.r.fallback[0] == '\0', scheme == SCHEME_ADAPTED);
	assert_int_equal(b->alice.r.n, WORLD_HUBS);
	assert_int_equal(b->bob.r.k, 3);
}

static void drop(struct both *b)
{
	callers_drop(&b->alice, &b->bob);
}

/* ---- as it should be ----------------------------------------------------------------------------------------- */

static void either_end_listens(void **state)
{
	char address[32];
	struct both b;
	(void)state;
	all_hubs(MOCK_HONEST, 0);
	free_address(address);
	for (int i = 0; i < 4; i++) {
		prepare(&b, i % 2 == 0 ? address : NULL, i % 2 == 0 ? address : NULL);
		if (i % 2 == 1) {
			b.alice.q.direct = address;
			b.bob.q.direct_listen = address;
		}
		b.alice.q.key_len = i < 2 ? 32 : 100000;
		b.bob.q.key_len = i < 2 ? 0 : 100000;
		go(&b, i < 2 ? 0 : 150);
		assert_scheme(&b, SCHEME_ADAPTED);
		assert_int_equal(b.alice.r.key.len, b.alice.q.key_len);
		drop(&b);
	}
}

/* The initiator sends no byte of a share: what it sends does not grow with the key. */
static void a_key_has_the_name_that_was_asked_for(void **state)
{
	char address[32];
	struct both b;
	(void)state;
	free_address(address);
	prepare(&b, address, address);
	b.alice.q.has_key_id = b.bob.q.has_key_id = true;
	memset(b.alice.q.key_id.b, 0x5c, ID_LEN);
	b.bob.q.key_id = b.alice.q.key_id;
	go(&b, 0);
	assert_scheme(&b, SCHEME_ADAPTED);
	assert_memory_equal(&b.alice.r.key_id, &b.alice.q.key_id, ID_LEN);
	drop(&b);
}

static void several_at_one_door(void **state)
{
	char address[32];
	static struct both b[PARALLEL];
	(void)state;
	free_address(address);
	for (size_t i = 0; i < PARALLEL; i++) {
		prepare(&b[i], NULL, NULL);
		b[i].alice.q.direct = address;
		b[i].bob.q.direct_listen = address;
		caller_go(&b[i].alice);
		caller_go(&b[i].bob);
	}
	for (size_t i = 0; i < PARALLEL; i++) {
		caller_join(&b[i].alice);
		caller_join(&b[i].bob);
		assert_scheme(&b[i], SCHEME_ADAPTED);
		for (size_t j = 0; j < i; j++)
			assert_false(mem_equal(b[i].bob.r.key.data, b[j].bob.r.key.data, 32));
	}
	for (size_t i = 0; i < PARALLEL; i++)
		drop(&b[i]);
}

/* ---- hubs ------------------------------------------------------------------------------------------------------ */

static void hubs_that_lie_are_left_out(void **state)
{
	static const enum mock_manner manners[] = {MOCK_CORRUPTS_SECOND, MOCK_CORRUPTS, MOCK_MUTE, MOCK_REFUSES,
						   MOCK_RETELLS_SECOND, MOCK_SHORTENS_SECOND};
	char address[32];
	struct both b;
	(void)state;
	free_address(address);
	for (size_t i = 0; i < sizeof manners / sizeof manners[0]; i++) {
		all_hubs(manners[i], 2);
		prepare(&b, address, address);
		go(&b, 0);
		assert_scheme(&b, SCHEME_ADAPTED);
		for (size_t h = 0; h < WORLD_HUBS && i == 0; h++) {
			const struct hub_report *r = report_of(&b.bob.r.report, w.hub[h].name);
			assert_int_equal(r->verdict, h < 2 ? SHARE_CORRUPT : SHARE_CONSISTENT);
			r = report_of(&b.alice.r.report, w.hub[h].name);
			assert_int_equal(rc_ok(r->rc), h >= 2);
		}
		drop(&b);
	}
	all_hubs(MOCK_HONEST, 0);
}

/* k - 1 survive: not by this scheme; and the hubs that spoil the second pass cannot spoil the fallback. */
static void with_fewer_than_k_it_falls_back(void **state)
{
	char address[32];
	struct both b;
	(void)state;
	free_address(address);
	all_hubs(MOCK_CORRUPTS_SECOND, 3);
	prepare(&b, address, address);
	go(&b, 0);
	assert_scheme(&b, SCHEME_SHAMIR);
	assert_non_null(strstr(b.alice.r.fallback, "2 of the shares"));
	drop(&b);
	all_hubs(MOCK_HONEST, 0);
}

/* A hub that forgot the window gets another share. */
static void a_hub_that_lost_the_range_gets_another(void **state)
{
	char address[32];
	struct both b;
	(void)state;
	free_address(address);
	for (size_t i = 0; i < 4; i++) {
		all_hubs(i < 2 ? MOCK_DISOWNS_WINDOW : MOCK_DIES_ON_SHARE, 2);
		for (size_t h = 0; h < 2; h++)
			w.hub[h].bad_left = 1;
		prepare(&b, address, address);
		go(&b, 0);
		assert_scheme(&b, SCHEME_ADAPTED);
		drop(&b);
	}
	all_hubs(MOCK_HONEST, 0);
}

/* ---- one end without the other ------------------------------------------------------------------------------------ */

static void bob_has_no_direct_address(void **state)
{
	char address[32];
	struct both b;
	(void)state;
	free_address(address);
	prepare(&b, address, NULL);
	go(&b, 0);
	assert_scheme(&b, SCHEME_SHAMIR);
	assert_non_null(strstr(b.bob.r.fallback, "no direct link with alice is configured"));
	assert_non_null(strstr(b.alice.r.fallback, "nobody connected"));
	drop(&b);
}

static void bob_is_asked_for_it_and_alice_is_not(void **state)
{
	char address[32];
	struct both b;
	(void)state;
	free_address(address);
	prepare(&b, NULL, NULL);
	b.alice.q.scheme = SCHEME_SHAMIR;
	b.bob.q.scheme = SCHEME_ADAPTED;
	b.bob.q.direct_listen = address;
	go(&b, 0);
	assert_same_key(&b.alice, &b.bob);
	assert_int_equal(b.bob.r.scheme, SCHEME_SHAMIR);
	assert_string_equal(b.bob.r.fallback, "the initiator uses the scheme shamir");
	assert_string_equal(b.alice.r.fallback, "");
	drop(&b);
}

static void alice_cannot_be_asked_without_an_address(void **state)
{
	struct both b;
	(void)state;
	prepare(&b, NULL, NULL);
	caller_go(&b.alice);
	caller_join(&b.alice);
	assert_rc(b.alice.rc, ARGS);
	assert_non_null(strstr(b.alice.why, "needs a direct link"));
	drop(&b);
	prepare(&b, "nonsense", NULL);
	caller_go(&b.alice);
	caller_join(&b.alice);
	assert_rc(b.alice.rc, CONFIG);
	drop(&b);
}

/* What the configuration says of all peers does not keep those without a link from agreeing. */
static void configured_without_an_address(void **state)
{
	static struct world other;
	struct both b;
	(void)state;
	world_make(&other, 256u << 10, "k = 3\nk_b = 2\nscheme = adapted");
	prepare(&b, NULL, NULL);
	b.alice.client = other.alice;
	b.bob.client = other.bob;
	b.alice.q.scheme = SCHEME_COUNT;
	go(&b, 0);
	assert_scheme(&b, SCHEME_SHAMIR);
	assert_non_null(strstr(b.alice.r.fallback, "needs a direct link"));
	assert_string_equal(b.bob.r.fallback, "the initiator uses the scheme shamir");
	drop(&b);
	world_drop(&other);
}

/* As after any agreement, the hubs keep it for him; and a name that was taken stays taken. */
static void bob_comes_late(void **state)
{
	char address[32];
	struct both b;
	(void)state;
	free_address(address);
	prepare(&b, address, address);
	b.alice.q.timeout_ms = 1500;
	caller_go(&b.alice);
	caller_join(&b.alice);
	assert_rc(b.alice.rc, OK);
	caller_go(&b.bob);
	caller_join(&b.bob);
	assert_scheme(&b, SCHEME_SHAMIR);
	agree_result_drop(&b.bob.r);
	b.bob.q.timeout_ms = 400;
	caller_go(&b.bob);
	caller_join(&b.bob);
	assert_rc(b.bob.rc, TIMEOUT);
	drop(&b);
}

/* By its key ID: what is left of the first pass leads to the fallback. */
static void bob_comes_late_by_key_id(void **state)
{
	char address[32];
	struct both b;
	(void)state;
	free_address(address);
	prepare(&b, address, address);
	b.alice.q.timeout_ms = 1500;
	b.alice.q.has_key_id = b.bob.q.has_key_id = true;
	memset(b.alice.q.key_id.b, 0x5e, ID_LEN);
	b.bob.q.key_id = b.alice.q.key_id;
	caller_go(&b.alice);
	caller_join(&b.alice);
	assert_rc(b.alice.rc, OK);
	caller_go(&b.bob);
	caller_join(&b.bob);
	assert_scheme(&b, SCHEME_SHAMIR);
	assert_memory_equal(&b.bob.r.key_id, &b.alice.q.key_id, ID_LEN);
	drop(&b);
}

/* ---- the link ------------------------------------------------------------------------------------------------------ */

static struct meddler m;

/* Alice listens; Bob comes by way of the meddler.  The same key at both ends, whatever he does. */
static void meddle(struct both *b, enum meddling how, uint8_t type, size_t byte, unsigned times)
{
	char address[32];
	free_address(address);
	m.how = how;
	m.type = type;
	m.byte = byte;
	m.times = times;
	meddler_start(&m, address);
	prepare(b, address, m.address);
	b->alice.q.timeout_ms = b->bob.q.timeout_ms = 2500; /* half of it is what a stalled link costs */
	go(b, 0);
	meddler_stop(&m);
	assert_same_key(&b->alice, &b->bob);
}

static void honest_messages(void)
{
	struct both b;
	meddle(&b, MEDDLE_NOT, 0, 0, 0);
	assert_scheme(&b, SCHEME_ADAPTED);
	assert_int_equal(m.seen[DIRECT_TAGS], 1);
	assert_int_equal(m.seen[DIRECT_LIST], 1);
	assert_int_equal(m.seen[DIRECT_DONE], 1);
	drop(&b);
}

/* Wherever it is cut for good: the fallback, and one key.  Bob has it by the list already when DONE is lost. */
static void cut_at_any_message(void **state)
{
	(void)state;
	for (uint8_t type = DIRECT_HELLO; type <= DIRECT_DONE; type++) {
		for (int after = 0; after < 2; after++) {
			struct both b;
			meddle(&b, after ? MEDDLE_CUTS_AFTER : MEDDLE_CUTS, type, 0, 1000);
			bool bob_knows = type == DIRECT_DONE || (type == DIRECT_LIST && after);
			bool alice_knows = type == DIRECT_DONE && after;
			assert_int_equal(b.alice.r.scheme, alice_knows ? SCHEME_ADAPTED : SCHEME_SHAMIR);
			assert_int_equal(b.bob.r.scheme, bob_knows ? SCHEME_ADAPTED : SCHEME_SHAMIR);
			assert_int_equal(b.alice.r.fallback[0] != '\0', !alice_knows);
			assert_int_equal(b.bob.r.fallback[0] != '\0', !bob_knows);
			assert_true(m.meddled > 0);
			drop(&b);
		}
	}
}

/* Each of these messages in turn, all that come of it or the first `times`. */
static void meddle_with_each(enum meddling how, uint8_t first, uint8_t last, size_t byte, unsigned times, enum scheme scheme)
{
	for (uint8_t type = first; type <= last; type++) {
		struct both b;
		meddle(&b, how, type, byte, times);
		assert_scheme(&b, scheme);
		assert_in_range(m.meddled, 1, times);
		drop(&b);
	}
}

/* Cut once, and made anew. */
static void a_lost_connection_is_made_anew(void **state)
{
	(void)state;
	honest_messages();
	meddle_with_each(MEDDLE_CUTS, DIRECT_HELLO, DIRECT_LIST, 0, 1, SCHEME_ADAPTED);
}

/* Who swallows a message holds the link up until its time is over. */
static void swallowed_messages_cost_time_alone(void **state)
{
	(void)state;
	meddle_with_each(MEDDLE_SWALLOWS, DIRECT_TAGS, DIRECT_LIST, 0, 1000, SCHEME_SHAMIR);
}

static void doubled_and_replayed_messages_change_nothing(void **state)
{
	(void)state;
	honest_messages(); /* what is replayed */
	for (uint8_t type = DIRECT_HELLO; type <= DIRECT_DONE; type++) {
		static const enum meddling hows[] = {MEDDLE_DOUBLES, MEDDLE_REPLAYS, MEDDLE_SHORTENS};
		for (size_t i = 0; i < 3; i++) {
			struct both b;
			meddle(&b, hows[i], type, 0, 1);
			drop(&b);
		}
	}
}

/* Every few bytes of every message, one bit.  What is not the peer's ends its connection, and no more: on the next one it
 * goes on.  But a frame that seems longer is waited for, and after DONE Bob is gone. */
static void no_changed_message_gives_a_wrong_key(void **state)
{
	static const size_t lens[] = {[DIRECT_HELLO] = 77, [DIRECT_TAGS] = 159, [DIRECT_LIST] = 84, [DIRECT_DONE] = 77};
	(void)state;
	for (uint8_t type = DIRECT_HELLO; type <= DIRECT_DONE; type++) {
		for (size_t byte = type; byte < lens[type]; byte += 13) {
			struct both b;
			meddle(&b, MEDDLE_FLIPS, type, byte, 1);
			if (byte >= 4 && type != DIRECT_DONE)
				assert_scheme(&b, SCHEME_ADAPTED);
			drop(&b);
		}
	}
}

static void changed_every_time_it_falls_back(void **state)
{
	(void)state;
	meddle_with_each(MEDDLE_FLIPS, DIRECT_TAGS, DIRECT_LIST, 60, 1000, SCHEME_SHAMIR);
	assert_true(m.meddled <= 8);
}

/* ---- at the door ----------------------------------------------------------------------------------------------------- */

static void visit(struct fd *f, const char *address, const void *bytes, size_t len)
{
	struct net_address to;
	size_t done;
	f->n = -1;
	assert_ok(net_address_parse(&to, address));
	if (!rc_ok(net_connect_start(f, &to)))
		return;
	sleep_ms(1);
	if (len > 0)
		(void)net_write(f->n, bytes, len, &done);
}

/* Forty strangers that say nothing, a part of a HELLO, or nonsense. */
static void strangers_cost_the_others_nothing(void **state)
{
	char address[32];
	struct both b;
	struct fd f[40];
	static const uint8_t nonsense[200] = {0, 0, 0, 73, 0xff};
	(void)state;
	free_address(address);
	prepare(&b, NULL, NULL);
	b.bob.q.direct_listen = address;
	b.alice.q.direct = address;
	caller_go(&b.bob);
	sleep_ms(50);
	caller_go(&b.alice);
	for (size_t i = 0; i < 40; i++)
		visit(&f[i], address, nonsense, i % 3 == 0 ? 0 : i % 3 == 1 ? 50 : 200);
	caller_join(&b.alice);
	caller_join(&b.bob);
	assert_scheme(&b, SCHEME_ADAPTED);
	for (size_t i = 0; i < 40; i++)
		fd_drop(&f[i]);
	drop(&b);
}

static void hello_of(uint8_t out[DIRECT_HELLO_LEN], const struct id *sender, const struct id *peer, const struct id *key_id)
{
	uint8_t room[32];
	struct buf body, frame;
	buf_fixed(&body, room, sizeof room);
	assert_ok(direct_hello_write(&body, peer));
	buf_fixed(&frame, out, DIRECT_HELLO_LEN);
	assert_ok(direct_write(&frame, &(struct direct_item){.type = DIRECT_HELLO, .sender = *sender, .key_id = *key_id,
							     .body = body.data, .body_len = body.len}, NULL));
}

/* One who knows the agreement's name, as hubs do, and says no more than HELLO: the one that comes after him is heard. */
static void an_impostor_who_is_silent_is_passed_over(void **state)
{
	char address[32];
	struct both b;
	struct fd f;
	uint8_t hello[DIRECT_HELLO_LEN];
	(void)state;
	free_address(address);
	prepare(&b, address, address);
	b.alice.q.has_key_id = b.bob.q.has_key_id = true;
	memset(b.alice.q.key_id.b, 0x5d, ID_LEN);
	b.bob.q.key_id = b.alice.q.key_id;
	hello_of(hello, &w.bob_id, &w.alice_id, &b.alice.q.key_id);
	caller_go(&b.alice);
	sleep_ms(100);
	visit(&f, address, hello, sizeof hello);
	sleep_ms(100);
	caller_go(&b.bob);
	caller_join(&b.alice);
	caller_join(&b.bob);
	assert_scheme(&b, SCHEME_ADAPTED);
	fd_drop(&f);
	drop(&b);
}

/* A port that another program has: the fallback, which says so. */
static void a_door_that_is_shut(void **state)
{
	struct fd other = FD_NONE;
	struct net_address to;
	char address[32];
	struct both b;
	(void)state;
	free_address(address);
	assert_ok(net_address_parse(&to, address));
	assert_ok(net_listen(&other, &to, 1));
	prepare(&b, address, NULL);
	b.alice.q.timeout_ms = 1500;
	go(&b, 0);
	assert_scheme(&b, SCHEME_SHAMIR);
	assert_non_null(strstr(b.alice.r.fallback, "in use"));
	fd_drop(&other);
	drop(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(either_end_listens),
		cmocka_unit_test(a_key_has_the_name_that_was_asked_for),
		cmocka_unit_test(several_at_one_door),
		cmocka_unit_test(hubs_that_lie_are_left_out),
		cmocka_unit_test(with_fewer_than_k_it_falls_back),
		cmocka_unit_test(a_hub_that_lost_the_range_gets_another),
		cmocka_unit_test(bob_has_no_direct_address),
		cmocka_unit_test(bob_is_asked_for_it_and_alice_is_not),
		cmocka_unit_test(alice_cannot_be_asked_without_an_address),
		cmocka_unit_test(configured_without_an_address),
		cmocka_unit_test(bob_comes_late),
		cmocka_unit_test(bob_comes_late_by_key_id),
		cmocka_unit_test(cut_at_any_message),
		cmocka_unit_test(a_lost_connection_is_made_anew),
		cmocka_unit_test(swallowed_messages_cost_time_alone),
		cmocka_unit_test(doubled_and_replayed_messages_change_nothing),
		cmocka_unit_test(no_changed_message_gives_a_wrong_key),
		cmocka_unit_test(changed_every_time_it_falls_back),
		cmocka_unit_test(strangers_cost_the_others_nothing),
		cmocka_unit_test(an_impostor_who_is_silent_is_passed_over),
		cmocka_unit_test(a_door_that_is_shut),
	};
	return cmocka_run_group_tests(tests, set_up, world_tear_down);
}
