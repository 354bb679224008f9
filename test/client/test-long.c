/* SPDX-License-Identifier: Apache-2.0 */
/* Keys of more than 1 MiB over sockets: hubs that spoil one part, lose one, or are lost in the midst. */
#include <config.h>

#include "test/client/world.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/net.h"

#define KEY_LEN (2 * KEY_PART_LEN + 17) /* three parts */

static struct world w;

static int set_up(void **state)
{
	*state = &w;
	world_make(&w, UINT64_C(256) << 20, "k = 2\nk_b = 2\ntimeout = 5s");
	return 0;
}

/* ---- sinks ---------------------------------------------------------------------------------------------------- */

struct vessel {
	uint8_t *bytes;
	size_t len, most; /* most: then the disk is full; 0: never */
	uint64_t told;    /* of the progress */
	struct agree_sink sink;
};

static dske_rc pour(void *context, const uint8_t *bytes, size_t len)
{
	struct vessel *v = context;
	if (v->most != 0 && v->len + len > v->most)
		return FAIL(IO, "the vessel is full");
	assert_true(v->len + len <= KEY_LEN);
	memcpy(v->bytes + v->len, bytes, len);
	v->len += len;
	return DSKE_OK;
}

static void watch(void *context, uint64_t done, uint64_t total)
{
	struct vessel *v = context;
	assert_true(done > v->told && done <= total && total == KEY_LEN);
	v->told = done;
}

static void vessel_make(struct vessel *v)
{
	*v = (struct vessel){.bytes = calloc(1, KEY_LEN)};
	assert_non_null(v->bytes);
	v->sink = (struct agree_sink){.context = v, .write = pour, .progress = watch};
}

/* ---- both ends, one after the other -------------------------------------------------------------------------------- */

static struct vessel a, b;
static struct agree_result ra, rb;
static int64_t timeout_ms = 4000;

static dske_rc call(struct client *c, const char *peer, enum agree_role role, const char *context, struct vessel *v,
		    struct agree_result *r)
{
	struct agree_request q = {.role = role, .scheme = SCHEME_COUNT, .timeout_ms = timeout_ms, .key_len = KEY_LEN, .sink = &v->sink};
	strcpy(q.peer, peer);
	q.context_len = (uint8_t)strlen(context);
	memcpy(q.context, context, q.context_len);
	free(v->bytes);
	size_t most = v->most;
	vessel_make(v);
	v->most = most;
	q.sink = &v->sink;
	agree_result_drop(r);
	return client_agree(c, &q, r);
}

static dske_rc send(const char *context)
{
	return call(w.alice, "bob", ROLE_INITIATOR, context, &a, &ra);
}

static dske_rc fetch(const char *context)
{
	return call(w.bob, "alice", ROLE_RECEIVER, context, &b, &rb);
}

static void assert_same_bytes(void)
{
	assert_int_equal(a.len, KEY_LEN);
	assert_int_equal(b.len, KEY_LEN);
	assert_true(memcmp(a.bytes, b.bytes, KEY_LEN) == 0);
}

static void assert_same(void)
{
	assert_same_bytes();
	assert_int_equal(a.told, KEY_LEN);
	assert_int_equal(b.told, KEY_LEN);
	assert_int_equal(ra.key_len, KEY_LEN);
	assert_int_equal(rb.key_len, KEY_LEN);
	assert_int_equal(ra.key.len + rb.key.len, 0);
	assert_memory_equal(&ra.key_id, &rb.key_id, ID_LEN);
}

static void good(dske_rc rc)
{
	const struct agree_result *const results[] = {&ra, &rb};
	if (!rc_ok(rc))
		print_error("%s\n", rc_detail(rc));
	for (size_t r = 0; r < 2 && !rc_ok(rc); r++)
		for (size_t i = 0; i < results[r]->report.count; i++)
			print_error("%s: %s\n", results[r]->report.hub[i].name, results[r]->report.hub[i].detail);
	assert_ok(rc);
}

/* ---- the tests --------------------------------------------------------------------------------------------------------- */

static void all_honest(void **state)
{
	(void)state;
	good(send("honest"));
	good(fetch("honest"));
	assert_same();
	for (size_t i = 0; i < WORLD_HUBS; i++)
		assert_int_equal(rb.report.hub[i].verdict, SHARE_CONSISTENT);
}

/* One hub delivers badly; the key comes, and the report says of this hub what was wrong, and nothing of the others. */
static void a_hub_that_delivers_badly(void **state)
{
	static const struct {
		enum mock_manner manner;
		const char *name, *code;
		enum share_verdict verdict;
	} rows[] = {
		{MOCK_CORRUPTS_PART, "changed", "OK", SHARE_CORRUPT},
		{MOCK_SKIPS_PART, "missing", "FORMAT", SHARE_ABSENT},
		{MOCK_REPEATS_PART, "repeated", "TIMEOUT", SHARE_ABSENT}, /* no window has room for more than a share */
		{MOCK_SWAPS_PARTS, "swapped", "FORMAT", SHARE_ABSENT},
		{MOCK_SHORT_PART, "short", "FORMAT", SHARE_ABSENT},
		{MOCK_OTHER_PART, "another's", "FORMAT", SHARE_ABSENT},
		{MOCK_SPOILS_PART, "spoilt", "TIMEOUT", SHARE_ABSENT},
		{MOCK_DISOWNS_WAIT, "said to be disowned", "OK", SHARE_CONSISTENT}, /* a note is no reason to drop a share */
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		good(send(rows[i].name));
		world_let_hub(&w, 1, rows[i].manner);
		good(fetch(rows[i].name));
		assert_same();
		const struct hub_report *r = report_of(&rb.report, "hub2");
		print_message("# a part is %s: %s, %s\n", rows[i].name, rc_name(r->rc), r->detail);
		assert_int_equal(r->verdict, rows[i].verdict);
		if (strcmp(rows[i].code, "TIMEOUT") != 0)
			assert_string_equal(rc_name(r->rc), rows[i].code);
		assert_int_equal(report_of(&rb.report, "hub1")->verdict, SHARE_CONSISTENT);
		assert_int_equal(report_of(&rb.report, "hub3")->verdict, SHARE_CONSISTENT);
		world_let_hub(&w, 1, MOCK_HONEST);
	}
}

/* Two of three connections are cut in the midst: what was lost comes again, from the beginning. */
static void cut_connections(void **state)
{
	(void)state;
	good(send("cut"));
	world_let_hub(&w, 0, MOCK_CUTS_PARTS);
	world_let_hub(&w, 1, MOCK_CUTS_PARTS);
	good(fetch("cut"));
	assert_same_bytes();
	world_let_hub(&w, 0, MOCK_HONEST);
	world_let_hub(&w, 1, MOCK_HONEST);
}

static unsigned receipts(void)
{
	unsigned all = 0;
	sleep_ms(100); /* the last ones are on the way */
	for (size_t h = 0; h < WORLD_HUBS; h++)
		all += w.hub[h].receipts;
	return all;
}

/* A share that comes again in one call, in the midst of the first delivery or after its end, is not said to be kept before a key
 * stands, which it does not where the other hubs are silent; the hubs would forget it.  When one stands it is said of all. */
static void a_share_that_comes_twice_is_kept_with_a_key_alone(void **state)
{
	static const enum mock_manner manners[] = {MOCK_CUTS_PARTS, MOCK_REPEATS_WHOLE};
	(void)state;
	for (size_t i = 0; i < sizeof manners / sizeof manners[0]; i++) {
		const char *context = i == 0 ? "again-cut" : "again-whole";
		good(send(context));
		unsigned before = receipts();
		for (size_t heard = 0; heard < 2; heard++) {
			unsigned sealed = w.hub[heard].instructions;
			for (size_t h = 0; h < WORLD_HUBS; h++)
				world_let_hub(&w, h, h == heard ? manners[i] : MOCK_MUTE);
			timeout_ms = 2500;
			assert_rc(fetch(context), TOO_FEW);
			assert_int_equal(w.hub[heard].bad_left, 0);
			assert_int_equal(w.hub[heard].instructions, sealed + 2);
			assert_int_equal(receipts(), before);
		}
		timeout_ms = 4000;
		for (size_t h = 0; h < WORLD_HUBS; h++)
			world_let_hub(&w, h, h < 2 ? manners[i] : MOCK_HONEST);
		good(fetch(context));
		assert_same_bytes();
		assert_in_range(receipts(), before + 2, before + WORLD_HUBS);
		for (size_t h = 0; h < WORLD_HUBS; h++) {
			const struct mock_share *s = &w.hub[h].share[w.hub[h].shares - 1];
			assert_true(!s->delivered || s->verdict == RECEIPT_KEPT);
			world_let_hub(&w, h, MOCK_HONEST);
		}
	}
}

/* Slower than the timeout: those who bring a key put it off, one who cannot does not. */
static void a_hub_that_drips(void **state)
{
	(void)state;
	good(send("drip"));
	timeout_ms = 2500;
	for (size_t h = 0; h < WORLD_HUBS; h++)
		world_let_hub(&w, h, h == 0 ? MOCK_DRIPS : MOCK_MUTE);
	int64_t begun = clock_ms();
	assert_false(rc_ok(fetch("drip")));
	assert_in_range(clock_ms() - begun, 2400, 5300); /* and not 5.5 seconds */
	world_let_hub(&w, 0, MOCK_DRIPS);
	world_let_hub(&w, 1, MOCK_DRIPS);
	good(fetch("drip"));
	assert_same();
	timeout_ms = 4000;
	for (size_t h = 0; h < WORLD_HUBS; h++)
		world_let_hub(&w, h, MOCK_HONEST);
}

/* A second key is begun while parts of the first one have yet to come: it does not push that one out, and comes later. */
static void one_key_does_not_push_out_another(void **state)
{
	struct id first;
	(void)state;
	good(send("two"));
	first = ra.key_id;
	uint8_t *bytes = a.bytes;
	a.bytes = NULL;
	good(send("two"));
	for (size_t h = 0; h < WORLD_HUBS; h++)
		world_let_hub(&w, h, MOCK_INTERLEAVES);
	good(fetch("two"));
	assert_memory_equal(&rb.key_id, &first, ID_LEN);
	assert_true(memcmp(bytes, b.bytes, KEY_LEN) == 0);
	for (size_t h = 0; h < WORLD_HUBS; h++)
		assert_int_equal(rb.report.hub[h].verdict, SHARE_CONSISTENT);
	free(bytes);
	for (size_t h = 0; h < WORLD_HUBS; h++)
		world_let_hub(&w, h, MOCK_HONEST);
	good(fetch("two"));
	assert_same();
}

/* The initiator goes on over a lost connection, and without a hub that refuses, or says nothing more. */
static void a_hub_that_takes_badly(void **state)
{
	static const struct {
		enum mock_manner manner;
		const char *name, *code;
		enum share_verdict verdict;
	} rows[] = {
		{MOCK_DIES_ON_PART, "dies", "OK", SHARE_CONSISTENT},
		{MOCK_DIES_AFTER_PART, "dies after", "OK", SHARE_CONSISTENT},
		{MOCK_REFUSES_PART, "refuses", "REFUSED", SHARE_ABSENT},
		{MOCK_HANGS_ON_PART, "hangs", "TIMEOUT", SHARE_ABSENT},
		{MOCK_DISOWNS_PARTS, "disowns", "WINDOW", SHARE_ABSENT}, /* twice a key, not twice a part */
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		world_let_hub(&w, 2, rows[i].manner);
		good(send(rows[i].name));
		assert_string_equal(rc_name(report_of(&ra.report, "hub3")->rc), rows[i].code);
		world_let_hub(&w, 2, MOCK_HONEST);
		good(fetch(rows[i].name));
		assert_same();
		assert_int_equal(report_of(&rb.report, "hub3")->verdict, rows[i].verdict);
	}
}

static void too_few_hubs_go_on(void **state)
{
	(void)state;
	world_let_hub(&w, 0, MOCK_REFUSES_PART);
	world_let_hub(&w, 1, MOCK_REFUSES_PART);
	assert_rc(send("few"), TOO_FEW);
	world_let_hub(&w, 0, MOCK_HONEST);
	world_let_hub(&w, 1, MOCK_HONEST);
	assert_rc(fetch("few"), TOO_FEW); /* one hub has a whole share, which is none */
	assert_int_equal(b.len, 0);
}

/* Nothing is released that k shares do not confirm. */
static void two_corrupt_parts_leave_nothing(void **state)
{
	(void)state;
	good(send("corrupt"));
	world_let_hub(&w, 0, MOCK_CORRUPTS_PART);
	world_let_hub(&w, 1, MOCK_CORRUPTS_PART);
	unsigned before = receipts();
	assert_rc(fetch("corrupt"), NO_CANDIDATE);
	assert_int_equal(b.len, 0);
	assert_int_equal(receipts(), before);
	world_let_hub(&w, 0, MOCK_HONEST);
	world_let_hub(&w, 1, MOCK_HONEST);
}

/* What could not be written is not receipted: it is there for the next call. */
static void a_full_disk_loses_nothing(void **state)
{
	(void)state;
	good(send("full"));
	b.most = KEY_PART_LEN;
	assert_rc(fetch("full"), IO);
	b.most = 0;
	good(fetch("full"));
	assert_same();
}

static unsigned instructions(void)
{
	unsigned all = 0;
	for (size_t h = 0; h < WORLD_HUBS; h++)
		all += w.hub[h].instructions;
	return all;
}

/* Who has no place for it says so, and it stays where it is, unsealed, however often it is called; a hub that sends it all the
 * same is told nothing. */
static void without_a_sink_it_is_refused(void **state)
{
	struct agree_request q = {.peer = "alice", .role = ROLE_RECEIVER, .scheme = SCHEME_COUNT, .timeout_ms = 400};
	struct agree_result r;

	(void)state;
	good(send(""));
	unsigned before = instructions();
	for (int i = 0; i < 3; i++) {
		assert_rc(client_agree(w.bob, &q, &r), TIMEOUT);
		agree_result_drop(&r);
	}
	assert_int_equal(instructions(), before);
	for (size_t h = 0; h < WORLD_HUBS; h++)
		world_let_hub(&w, h, MOCK_PUSHES_LONG);
	q.timeout_ms = 15000;
	assert_rc(client_agree(w.bob, &q, &r), TOOBIG);
	agree_result_drop(&r);
	for (size_t h = 0; h < WORLD_HUBS; h++)
		world_let_hub(&w, h, MOCK_HONEST);
	strcpy(q.peer, "bob");
	q.role = ROLE_INITIATOR;
	q.key_len = KEY_HELD_MAX + 1;
	assert_rc(client_agree(w.alice, &q, &r), TOOBIG);
	agree_result_drop(&r);
	good(fetch(""));
	assert_same();
}

/* Of a length that fits into memory it is gathered there, and is whole when it is kept. */
static dske_rc look_at(void *context, const struct agree_result *r)
{
	size_t *len = context;
	*len = r->key.len;
	return DSKE_OK;
}

static void without_a_sink_it_is_held_in_memory(void **state)
{
	struct agree_request to_bob = {.peer = "bob", .role = ROLE_INITIATOR, .scheme = SCHEME_COUNT, .timeout_ms = 4000,
				       .key_len = KEY_LEN, .keep = look_at};
	struct agree_request to_alice = to_bob;
	struct agree_result sent, got;
	size_t kept = 0;

	(void)state;
	to_bob.keep_context = &kept;
	good(client_agree(w.alice, &to_bob, &sent));
	assert_int_equal(kept, KEY_LEN);
	assert_int_equal(sent.key.len, KEY_LEN);
	strcpy(to_alice.peer, "alice");
	to_alice.role = ROLE_RECEIVER;
	to_alice.keep_context = &kept;
	kept = 0;
	good(client_agree(w.bob, &to_alice, &got));
	assert_int_equal(kept, KEY_LEN);
	assert_int_equal(got.key.len, KEY_LEN);
	assert_true(memcmp(sent.key.data, got.key.data, KEY_LEN) == 0);
	agree_result_drop(&sent);
	agree_result_drop(&got);
}

/* Shares are in files without names: nothing but what was there before is in the folder. */
static void no_file_is_left(void **state)
{
	struct path folder;
	struct dirent *e;

	(void)state;
	assert_ok(path_folder(&folder, w.bob_conf.s));
	DIR *d = opendir(folder.s);
	assert_non_null(d);
	while ((e = readdir(d)) != NULL)
		assert_null(strchr(e->d_name, '#'));
	closedir(d);
	free(a.bytes);
	free(b.bytes);
	agree_result_drop(&ra);
	agree_result_drop(&rb);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_honest),
		cmocka_unit_test(without_a_sink_it_is_refused), /* while a sixteenth of the table has room for a part */
		cmocka_unit_test(without_a_sink_it_is_held_in_memory),
		cmocka_unit_test(a_hub_that_delivers_badly),
		cmocka_unit_test(cut_connections),
		cmocka_unit_test(a_share_that_comes_twice_is_kept_with_a_key_alone),
		cmocka_unit_test(a_hub_that_drips),
		cmocka_unit_test(one_key_does_not_push_out_another),
		cmocka_unit_test(a_hub_that_takes_badly),
		cmocka_unit_test(too_few_hubs_go_on),
		cmocka_unit_test(two_corrupt_parts_leave_nothing),
		cmocka_unit_test(a_full_disk_loses_nothing),
		cmocka_unit_test(no_file_is_left),
	};
	return cmocka_run_group_tests_name("long", tests, set_up, world_tear_down);
}
