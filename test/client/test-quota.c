/* SPDX-License-Identifier: Apache-2.0 */
/* Depletion and policy, at the clients (DSKE 4.1): quotas in each direction, of all and of each peer; who is accepted. */
#include <config.h>

#include "test/client/meddler.h"
#include "test/client/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct world w;
static char alice_text[4096], bob_text[4096];

static int set_up(void **state)
{
	*state = &w;
	world_make(&w, 64u << 10, "timeout = 5s\nk = 3");
	scratch_read(w.alice_conf.s, alice_text, sizeof alice_text);
	scratch_read(w.bob_conf.s, bob_text, sizeof bob_text);
	return 0;
}

/* Opens a client anew, its configuration with these lines behind; as another process would. */
static void reopen(struct client **c, const struct path *conf, const char *text, const char *more)
{
	client_close(*c);
	FILE *f = fopen(conf->s, "w");
	assert_non_null(f);
	fprintf(f, "%s\n%s\n", text, more);
	fclose(f);
	assert_ok(client_open(c, conf->s));
}

static void alice_with(const char *more)
{
	reopen(&w.alice, &w.alice_conf, alice_text, more);
}

static void bob_with(const char *more)
{
	reopen(&w.bob, &w.bob_conf, bob_text, more);
}

/* One side's call, of a key of 32 bytes in this context; the sentence goes to why. */
static dske_rc call(struct client *c, const char *peer, const char *context, char why[512], struct agree_result *r)
{
	struct agree_request q = {.scheme = SCHEME_COUNT, .timeout_ms = 3000};
	snprintf(q.peer, sizeof q.peer, "%s", peer);
	q.context_len = (uint8_t)strlen(context);
	memcpy(q.context, context, q.context_len);
	dske_rc rc = client_agree(c, &q, r);
	snprintf(why, 512, "%s", rc_detail(rc));
	return rc;
}

static dske_rc try(struct client *c, const char *peer, const char *context, char why[512])
{
	struct agree_result r;
	dske_rc rc = call(c, peer, context, why, &r);
	agree_result_drop(&r);
	return rc;
}

/* The third key in a minute is not sent; over all processes. */
static void what_we_send(void **state)
{
	char why[512];
	(void)state;
	alice_with("[peer bob]\nsend_keys_per_minute = 2");
	assert_ok(try(w.alice, "bob", "s1", why));
	alice_with("[peer bob]\nsend_keys_per_minute = 2");
	assert_ok(try(w.alice, "bob", "s2", why));
	unsigned before = w.hub[0].share_frames;
	assert_rc(try(w.alice, "bob", "s3", why), DENIED);
	assert_non_null(strstr(why, "the quota to send to bob is used up: 2 keys a minute; wait, or raise it in"));
	assert_int_equal(w.hub[0].share_frames, before);
	/* of all peers together: these two were not counted there; a range has 144 bytes */
	alice_with("[agreement]\nsend_bytes_per_day = 200");
	assert_ok(try(w.alice, "bob", "s4", why));
	assert_rc(try(w.alice, "bob", "s5", why), DENIED);
	assert_non_null(strstr(why, "the quota to send is used up: 200 bytes a day"));
	alice_with("");
}

/* What came and is over quota stays with the hubs: a later call has it. */
static void what_we_receive(void **state)
{
	char why[512];
	struct agree_result ra, rb;
	(void)state;
	bob_with("[peer alice]\nreceive_keys_per_minute = 1");
	assert_ok(try(w.alice, "bob", "r1", why));
	assert_ok(try(w.bob, "alice", "r1", why));
	assert_ok(call(w.alice, "bob", "r2", why, &ra));
	assert_rc(try(w.bob, "alice", "r2", why), DENIED);
	assert_non_null(strstr(why, "the quota to receive from alice is used up: 1 keys a minute"));
	bob_with("[peer alice]\nreceive_keys_per_minute = 5"); /* no hub was asked, so that it is there still */
	assert_ok(call(w.bob, "alice", "r2", why, &rb));
	assert_true(mem_equal(ra.key.data, rb.key.data, 32));
	agree_result_drop(&ra);
	agree_result_drop(&rb);
	bob_with("");
}

static void deal(uint32_t key_len, const char *context)
{
	struct agree_request q = {.peer = "bob", .scheme = SCHEME_COUNT, .timeout_ms = 3000, .key_len = key_len};
	struct agree_result r;
	q.context_len = (uint8_t)strlen(context);
	memcpy(q.context, context, q.context_len);
	assert_ok(client_agree(w.alice, &q, &r));
	agree_result_drop(&r);
}

/* Bob's call for a key of that length, 0: of any. */
static dske_rc fetch(uint32_t key_len, const char *context, int64_t timeout_ms, char why[512])
{
	struct agree_request q = {.peer = "alice", .scheme = SCHEME_COUNT, .timeout_ms = timeout_ms, .key_len = key_len};
	struct agree_result r;
	q.context_len = (uint8_t)strlen(context);
	memcpy(q.context, context, q.context_len);
	dske_rc rc = client_agree(w.bob, &q, &r);
	snprintf(why, 512, "%s", rc_detail(rc));
	agree_result_drop(&r);
	return rc;
}

/* Does every hub hear of its last share but so many that it is refused? */
static void assert_refused(size_t behind)
{
	for (size_t h = 0; h < WORLD_HUBS; h++) {
		const struct mock_share *s = &w.hub[h].share[w.hub[h].shares - 1 - behind];
		for (int ms = 0; ms < 2000 && !s->delivered; ms += 5)
			sleep_ms(5);
		assert_true(s->delivered);
		assert_int_equal(s->verdict, RECEIPT_REFUSED);
	}
}

/* A length that nobody expected passes a quota of bytes only when it fits. */
static void what_comes_is_counted_as_it_is(void **state)
{
	char why[512];
	(void)state;
	bob_with("[agreement]\nreceive_bytes_per_minute = 400");
	deal(300, "long");
	assert_rc(fetch(0, "long", 3000, why), DENIED);
	assert_non_null(strstr(why, "the quota to receive is used up: 400 bytes a minute"));
	assert_refused(0);
	bob_with("");
	deal(300, "long");
	assert_ok(fetch(0, "long", 3000, why));
}

/* Its shares fit the windows, and can never be what this call asks for: once, and not in each call again. */
static void another_length_is_refused_once(void **state)
{
	char why[512];
	(void)state;
	deal(64, "other");
	assert_rc(fetch(32, "other", 3000, why), ARGS);
	assert_non_null(strstr(why, "alice agreed on a key of 64 bytes, this call asks for 32"));
	assert_refused(0);
	assert_rc(fetch(64, "other", 200, why), TIMEOUT);
}

/* The first pass fits the quota, and the key behind it does not: its shares are refused as they come, and none is tagged. */
static void a_second_pass_is_counted_as_it_comes(void **state)
{
	char address[32];
	struct caller alice = {.client = w.alice, .q = {.scheme = SCHEME_ADAPTED, .timeout_ms = 3000, .peer = "bob", .key_len = 1000}};
	struct caller bob = {.client = w.bob, .q = {.scheme = SCHEME_COUNT, .timeout_ms = 3000, .peer = "alice", .key_len = 1000}};
	(void)state;
	bob_with("[agreement]\nreceive_bytes_per_minute = 1300"); /* a range of the second pass has 1112, of the first 336 */
	bob.client = w.bob;
	free_address(address);
	alice.q.direct_listen = bob.q.direct = address;
	caller_go(&alice);
	caller_go(&bob);
	caller_join(&alice);
	caller_join(&bob);
	assert_ok(alice.rc);
	assert_rc(bob.rc, DENIED);
	assert_non_null(strstr(bob.why, "the quota to receive is used up: 1300 bytes a minute"));
	assert_refused(0); /* the fallback */
	assert_refused(1); /* the second pass */
	callers_drop(&alice, &bob);
	bob_with("");
}

/* Nothing was dealt, so nothing counts. */
static void cut_lines_use_up_no_quota(void **state)
{
	char why[512];
	struct path accounts;
	(void)state;
	assert_ok(path_format(&accounts, "%s/quotas", client_config(w.alice)->state.s));
	(void)unlink(accounts.s);
	alice_with("[peer bob]\nsend_keys_per_day = 1");
	for (size_t h = 0; h < WORLD_HUBS; h++)
		mock_hub_stop(&w.hub[h]);
	for (int i = 0; i < 3; i++)
		assert_rc(try(w.alice, "bob", "cut", why), TOO_FEW);
	for (size_t h = 0; h < WORLD_HUBS; h++)
		mock_hub_start(&w.hub[h], MOCK_HONEST);
	assert_ok(try(w.alice, "bob", "cut", why));
	assert_rc(try(w.alice, "bob", "cut", why), DENIED);
	alice_with("");
}

static void damaged_accounts(void **state)
{
	char why[512];
	struct path path;
	(void)state;
	assert_ok(path_format(&path, "%s/quotas", client_config(w.alice)->state.s));
	FILE *f = fopen(path.s, "a");
	assert_non_null(f);
	fputc('x', f);
	fclose(f);
	alice_with("[agreement]\nsend_keys_per_minute = 5");
	assert_rc(try(w.alice, "bob", "d", why), CORRUPT);
	assert_non_null(strstr(why, "remove it, and the quotas count from now"));
	assert_int_equal(unlink(path.s), 0);
	assert_ok(try(w.alice, "bob", "d", why));
	f = fopen(path.s, "r+");
	assert_non_null(f);
	assert_int_equal(fseek(f, ID_LEN + 8, SEEK_SET), 0); /* the newest slot, behind the peer and the side */
	assert_int_equal(fwrite(&(int64_t){-5}, 8, 1, f), 1);
	fclose(f);
	assert_rc(try(w.alice, "bob", "d", why), CORRUPT);
	assert_int_equal(unlink(path.s), 0);
	assert_ok(try(w.alice, "bob", "d", why));
	alice_with("");
	assert_ok(try(w.alice, "bob", "e", why)); /* without quotas no file is asked for */
}

static void who_is_accepted(void **state)
{
	char why[512];
	struct agree_result r;
	(void)state;
	alice_with("[peer bob]\naccept = no");
	assert_rc(try(w.alice, "bob", "p", why), DENIED);
	assert_non_null(strstr(why, "[peer bob] has accept = no"));
	char more[128];
	snprintf(more, sizeof more, "[hub %s]\naccept = no", w.hub[2].name);
	alice_with(more);
	unsigned before = w.hub[2].share_frames;
	assert_ok(call(w.alice, "bob", "h", why, &r));
	assert_int_equal(r.n, WORLD_HUBS - 1);
	assert_int_equal(w.hub[2].share_frames, before);
	assert_non_null(strstr(report_of(&r.report, w.hub[2].name)->detail, "has accept = no"));
	agree_result_drop(&r);
	alice_with("");
}

/* Whoever gives up need not have heard all hubs. */
static bool some_hub_says(const struct report *r, const char *why)
{
	for (size_t i = 0; i < r->count; i++)
		if (strstr(r->hub[i].detail, why) != NULL)
			return true;
	return false;
}

static void which_terms_are_accepted(void **state)
{
	static const struct {
		const char *line, *why;
	} rows[] = {
		{"accept_n = 3..4", "n = 5 is outside the accepted range, 3 to 4"},
		{"accept_k = 4..", "k = 3 is below the least accepted, 4"},
		{"accept_k = 1..2", "k = 3 is above the most accepted, 2"},
	};
	char why[512];
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct agree_request q = {.peer = "alice", .scheme = SCHEME_COUNT, .timeout_ms = 1000};
		struct agree_result r;
		char more[64], context[16];
		snprintf(context, sizeof context, "t%zu", i);
		snprintf(more, sizeof more, "[agreement]\n%s", rows[i].line);
		bob_with(more);
		q.context_len = (uint8_t)strlen(context);
		memcpy(q.context, context, q.context_len);
		assert_ok(try(w.alice, "bob", context, why));
		assert_false(rc_ok(client_agree(w.bob, &q, &r)));
		assert_true(some_hub_says(&r.report, rows[i].why));
		agree_result_drop(&r);
	}
	bob_with("");
}

/* Keys use a table up; who is who can still be asked, and keys be waited for. */
static void a_reserve_for_control(void **state)
{
	struct identity who;
	struct identity_vote *votes;
	struct report report;
	struct agree_request q = {.peer = "bob", .scheme = SCHEME_COUNT, .timeout_ms = 3000, .key_len = 700};
	struct agree_result r;
	dske_rc rc;
	unsigned keys = 0;
	(void)state;
	do {
		rc = client_agree(w.alice, &q, &r);
		agree_result_drop(&r);
	} while (rc_ok(rc) && ++keys < 100);
	assert_rc(rc, EXHAUSTED);
	q.key_len = 16;
	do {
		rc = client_agree(w.alice, &q, &r);
		agree_result_drop(&r);
	} while (rc_ok(rc) && ++keys < 300);
	assert_rc(rc, EXHAUSTED);
	for (int i = 0; i < 5; i++) {
		assert_ok(client_identify(w.alice, "bob", 3000, &who, &votes, &report));
		free(votes);
		report_drop(&report);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_we_send),
		cmocka_unit_test(what_we_receive),
		cmocka_unit_test(what_comes_is_counted_as_it_is),
		cmocka_unit_test(another_length_is_refused_once),
		cmocka_unit_test(a_second_pass_is_counted_as_it_comes),
		cmocka_unit_test(cut_lines_use_up_no_quota),
		cmocka_unit_test(damaged_accounts),
		cmocka_unit_test(who_is_accepted),
		cmocka_unit_test(which_terms_are_accepted),
		cmocka_unit_test(a_reserve_for_control),
	};
	return cmocka_run_group_tests_name("quota", tests, set_up, world_tear_down);
}
