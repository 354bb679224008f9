/* SPDX-License-Identifier: Apache-2.0 */
/* Tables at their end, copied, activated twice, and in use by a process that is killed. */
#include <config.h>

#include "test/client/world.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pskm/list.h"

static struct world w;

static int set_up(void **state)
{
	*state = &w;
	world_make(&w, 256u << 10, "k = 3\ntimeout = 5s");
	return 0;
}

/* Agrees until the tables are drained: at the end a sentence, never a byte twice (the hubs would refuse). */
static void exhausted(void **state)
{
	(void)state;
	static struct world small;
	struct agree_request q = {.peer = "bob", .scheme = SCHEME_COUNT, .key_len = 4096, .timeout_ms = 3000};
	struct agree_result r;
	dske_rc rc;
	size_t agreed = 0;
	world_make(&small, TABLE_LEN_MIN, "k = 3\ntimeout = 5s");
	do {
		rc = client_agree(small.alice, &q, &r);
		agreed += rc_ok(rc);
		if (rc_ok(rc))
			agree_result_drop(&r);
	} while (rc_ok(rc) && agreed < 100);
	assert_rc(rc, EXHAUSTED);
	assert_true(agreed >= 3);
	assert_non_null(strstr(r.report.advice, "PSKM"));
	assert_int_equal(r.report.count, WORLD_HUBS);
	size_t told = 0;
	for (size_t h = 0; h < r.report.count; h++)
		told += strstr(r.report.hub[h].detail, "get a new PSKM") != NULL;
	assert_true(told >= 3); /* as many as it takes to decide */
	agree_result_drop(&r);
	q.key_len = 32; /* what is left still serves a short key */
	assert_ok(client_agree(small.alice, &q, &r));
	agree_result_drop(&r);
	world_drop(&small);
}

static void lock_three(const struct world *x, struct client *c, const char *name)
{
	struct client_hub *hubs = NULL;
	struct path tables, folder;
	struct table *t;
	size_t count = 0;
	assert_ok(path_format(&tables, "%s/%s/tables", x->scratch.s, name));
	assert_ok(client_hubs(c, &hubs, &count));
	for (size_t i = 0; i < 3; i++) {
		assert_ok(table_folder(&folder, tables.s, &hubs[i].table));
		assert_ok(table_open(&t, folder.s, SIDE_CLIENT, NULL));
		assert_ok(table_lock(t));
		table_close(t);
	}
	free(hubs);
}

/* Nobody set k and k_B, so they are more than half of the hubs: of those that there are, not of those whose
 * tables nobody has spoilt yet. */
static void spoilt_tables_lower_no_threshold(void **state)
{
	(void)state;
	static struct world five;
	struct caller alice, bob;
	struct identity who;
	struct identity_vote *votes = NULL;
	struct report report;
	world_make(&five, TABLE_LEN_MIN, "timeout = 2s");
	lock_three(&five, five.alice, "alice");
	lock_three(&five, five.bob, "bob");
	agree_both(&five, "two of five", 1000, 0, &alice, &bob);
	assert_rc(alice.rc, TOO_FEW);
	assert_rc(bob.rc, TOO_FEW);
	callers_drop(&alice, &bob);
	assert_rc(client_identify(five.alice, "bob", 1000, &who, &votes, &report), TOO_FEW);
	free(votes);
	report_drop(&report);
	world_drop(&five);
}

static size_t hubs_denied(struct client *c)
{
	struct client_hub *hubs = NULL;
	size_t count = 0, denied = 0;
	assert_ok(client_refresh(c));
	assert_ok(client_hubs(c, &hubs, &count));
	for (size_t i = 0; i < count; i++)
		denied += rc_is(hubs[i].rc, DSKE_RC_DENIED);
	free(hubs);
	return denied;
}

/* hub5 hands out a PSKM that says it is of hub1: then hub5 would have two shares. */
static void two_hubs_of_one_id(void **state)
{
	(void)state;
	static struct world five;
	struct client_hub *hubs = NULL;
	struct caller alice, bob;
	struct pskm_header header;
	size_t count = 0, denied = 0;
	world_make(&five, TABLE_LEN_MIN, "k = 3\ntimeout = 2s");
	struct id own = five.hub[4].id;
	five.hub[4].id = five.hub[0].id;
	world_carry(&five, 4, "bob", &five.bob_id, 2 * TABLE_LEN_MIN, &header);
	five.hub[4].id = own;
	assert_ok(client_refresh(five.bob));
	assert_ok(client_hubs(five.bob, &hubs, &count));
	assert_int_equal(count, WORLD_HUBS + 1);
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(rc_is(hubs[i].rc, DSKE_RC_DENIED), id_equal(&hubs[i].hub, &five.hub[0].id));
		denied += !rc_ok(hubs[i].rc);
	}
	assert_int_equal(denied, 2);
	free(hubs);
	agree_both(&five, "four are left", 1500, 0, &alice, &bob);
	assert_same_key(&alice, &bob);
	assert_rc(report_of(&bob.r.report, "hub1")->rc, DENIED);
	callers_drop(&alice, &bob);

	/* Its operator found out which, and takes that one away; and then brings it back, with the same alarm. */
	struct path tables, folder, aside;
	assert_ok(path_format(&tables, "%s/bob/tables", five.scratch.s));
	assert_ok(table_folder(&folder, tables.s, &header.table));
	assert_ok(path_format(&aside, "%s/aside", five.scratch.s));
	assert_int_equal(rename(folder.s, aside.s), 0);
	assert_int_equal(hubs_denied(five.bob), 0);
	agree_both(&five, "five are back", 1500, 0, &alice, &bob);
	assert_same_key(&alice, &bob);
	assert_rc(report_of(&bob.r.report, "hub1")->rc, OK);
	callers_drop(&alice, &bob);
	assert_int_equal(rename(aside.s, folder.s), 0);
	assert_int_equal(hubs_denied(five.bob), 2);
	world_drop(&five);
}

/* A PSKM that was read on its way: whoever comes second is told, and both copies are frozen. */
static void activation_of_a_stolen_table(void **state)
{
	(void)state;
	struct client_hub *hubs = NULL;
	struct pskm_header read;
	size_t count = 0;
	/* bob's copy of a fresh table, that a thief has imported and activated before him */
	world_carry(&w, 0, "bob", &w.bob_id, 256u << 10, &read);
	const struct id *fresh = &read.table;
	struct id nonce;
	assert_ok(id_random(&nonce));
	assert_ok(table_activate(w.hub[0].client[w.hub[0].clients - 1].table, &nonce));
	assert_ok(client_refresh(w.bob));
	assert_rc(client_activate(w.bob, fresh, 2000), FROZEN);
	assert_ok(client_hubs(w.bob, &hubs, &count));
	for (size_t i = 0; i < count; i++)
		assert_true(rc_is(hubs[i].rc, id_equal(&hubs[i].table, fresh) ? DSKE_RC_FROZEN : DSKE_RC_OK));
	free(hubs);
	assert_rc(client_activate(w.bob, fresh, 2000), FROZEN);
}

static struct mock_client *client_of(struct mock_hub *h, const struct id *client)
{
	for (size_t i = 0; i < h->clients; i++) {
		if (id_equal(&h->client[i].id, client))
			return &h->client[i];
	}
	return NULL;
}

static int state_at(const struct client_hub *hubs, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(hubs[i].name, name) == 0)
			return hubs[i].rc.code;
	}
	return -1;
}

/* A thief comes second, and so the hub freezes a table that is in use: its word is believed under its key alone, and is
 * recorded, so that the table stays frozen when the hub is asked no more. */
static void frozen_while_in_use(void **state)
{
	(void)state;
	static struct world x;
	struct client_hub *hubs = NULL;
	struct caller alice, bob;
	struct id nonce;
	size_t count = 0;
	world_make(&x, TABLE_LEN_MIN, "k = 3\ntimeout = 2s");
	mock_hub_stop(&x.hub[1]);
	mock_hub_start(&x.hub[1], MOCK_CRIES_FROZEN);
	agree_both(&x, "before", 1500, 0, &alice, &bob);
	assert_same_key(&alice, &bob);
	callers_drop(&alice, &bob);
	assert_ok(id_random(&nonce));
	assert_rc(table_activate(client_of(&x.hub[0], &x.alice_id)->table, &nonce), FROZEN);
	agree_both(&x, "after", 1500, 0, &alice, &bob);
	assert_same_key(&alice, &bob);
	assert_rc(report_of(&alice.r.report, "hub1")->rc, FROZEN);
	assert_non_null(strstr(report_of(&alice.r.report, "hub1")->detail, "someone else has activated this PSKM"));
	callers_drop(&alice, &bob);
	mock_hub_stop(&x.hub[0]);
	assert_ok(client_hubs(x.alice, &hubs, &count));
	assert_int_equal(state_at(hubs, count, "hub1"), DSKE_RC_FROZEN);
	assert_int_equal(state_at(hubs, count, "hub2"), DSKE_RC_OK);
	free(hubs);
	world_drop(&x);
}

static void activation_again_and_of_nothing(void **state)
{
	(void)state;
	struct client_hub *hubs = NULL;
	struct id nothing = {{1}};
	size_t count = 0;
	assert_ok(client_hubs(w.bob, &hubs, &count));
	assert_rc(client_activate(w.bob, &hubs[0].table, 2000), STATE);
	assert_rc(client_activate(w.bob, &nothing, 2000), NOT_FOUND);
	free(hubs);
}

/* A second table of a hub: the hub counts once. */
static void two_tables_of_one_hub(void **state)
{
	(void)state;
	struct pskm_header read;
	struct report report;
	struct caller a, b;
	world_carry(&w, 1, "bob", &w.bob_id, 512u << 10, &read);
	const struct id *fresh = &read.table;
	assert_ok(client_refresh(w.bob));
	assert_ok(client_activate(w.bob, fresh, 2000));
	assert_ok(client_ping(w.bob, 2000, &report));
	assert_int_equal(report.count, WORLD_HUBS);
	report_drop(&report);
	agree_both(&w, "two tables", 4000, 0, &a, &b);
	assert_same_key(&a, &b);
	assert_int_equal(b.r.n, WORLD_HUBS);
	callers_drop(&a, &b);
}

/* hub2's table that bob uses is locked under him: the other one of hub2 takes over, and nobody notices. */
static void a_locked_table_gives_way(void **state)
{
	(void)state;
	struct client_hub *hubs = NULL;
	struct path tables, folder;
	struct table *t = NULL;
	size_t count = 0, locked = 0, served = 0;
	struct caller a, b;
	assert_ok(path_format(&tables, "%s/bob/tables", w.scratch.s));
	agree_both(&w, "before", 4000, 0, &a, &b);
	assert_same_key(&a, &b);
	callers_drop(&a, &b);
	assert_ok(client_hubs(w.bob, &hubs, &count));
	for (size_t i = 0; i < count && t == NULL; i++) { /* both were made at one time: the lower ID is the older */
		if (strcmp(hubs[i].name, "hub2") != 0)
			continue;
		assert_ok(table_folder(&folder, tables.s, &hubs[i].table));
		assert_ok(table_open(&t, folder.s, SIDE_CLIENT, NULL));
		assert_ok(table_lock(t));
		table_close(t);
	}
	free(hubs);
	assert_non_null(t);
	for (int i = 0; i < 20; i++) { /* until the windows in hand are spent, and beyond */
		char context[16];
		snprintf(context, sizeof context, "locked-%d", i);
		agree_both(&w, context, 4000, 0, &a, &b);
		assert_same_key(&a, &b);
		/* on a busy machine it may come too late now and then; that is all that may be said of it */
		const struct hub_report *two = report_of(&b.r.report, "hub2");
		assert_true(rc_ok(two->rc) || rc_is(two->rc, DSKE_RC_TIMEOUT));
		served += i >= 10 && two->verdict == SHARE_CONSISTENT;
		callers_drop(&a, &b);
	}
	assert_true(served > 0);
	assert_ok(client_hubs(w.bob, &hubs, &count));
	for (size_t i = 0; i < count; i++)
		locked += hubs[i].status.state == TABLE_LOCKED;
	assert_int_equal(locked, 1);
	free(hubs);
}

/* Low is said of a table; that its hub has given another one relieves it. */
static void low_and_relieved(void **state)
{
	(void)state;
	static struct world small;
	struct agree_request q = {.peer = "bob", .scheme = SCHEME_COUNT, .key_len = 4096, .timeout_ms = 3000};
	struct agree_result r;
	struct client_hub *hubs = NULL;
	struct report report;
	struct pskm_header read;
	size_t count = 0;
	world_make(&small, TABLE_LEN_MIN, "k = 3\ntimeout = 5s\n[client]\nlow_water = 40%");
	assert_ok(client_ping(small.alice, 3000, &report));
	assert_false(report_of(&report, "hub1")->low);
	report_drop(&report);
	while (rc_ok(client_agree(small.alice, &q, &r)))
		agree_result_drop(&r);
	agree_result_drop(&r);
	client_close(small.alice); /* what is known of a ledger lasts a second */
	assert_ok(client_open(&small.alice, small.alice_conf.s));
	assert_ok(client_ping(small.alice, 3000, &report));
	assert_true(report_of(&report, "hub1")->low);
	report_drop(&report);
	world_carry(&small, 0, "alice", &small.alice_id, 512u << 10, &read);
	assert_ok(client_refresh(small.alice));
	assert_ok(client_activate(small.alice, &read.table, 2000));
	assert_ok(client_hubs(small.alice, &hubs, &count));
	for (size_t i = 0; i < count; i++) {
		bool fresh = id_equal(&hubs[i].table, &read.table);
		assert_int_equal(hubs[i].low, !fresh);
		assert_int_equal(hubs[i].relieved, !fresh && strcmp(hubs[i].name, "hub1") == 0);
	}
	free(hubs);
	assert_ok(client_ping(small.alice, 3000, &report));
	assert_false(report_of(&report, "hub1")->low);
	assert_true(report_of(&report, "hub2")->low);
	report_drop(&report);
	world_drop(&small);
}

static bool all_have_alarmed(void)
{
	for (size_t i = 0; i < WORLD_HUBS; i++)
		if (w.hub[i].clone_alarms == 0)
			return false;
	return true;
}

/* A copy of the whole state folder: both go on, with different bytes, and the alarm is heard. */
static void a_clone_is_noticed(void **state)
{
	(void)state;
	struct path folder, elsewhere;
	struct caller a, b;
	struct client *clone = NULL;
	struct client_hub *hubs = NULL;
	size_t count = 0;
	agree_both(&w, "before-copy", 4000, 0, &a, &b);
	assert_same_key(&a, &b);
	callers_drop(&a, &b);
	client_close(w.alice); /* its windows end with it */
	assert_ok(path_format(&folder, "%s/alice", w.scratch.s));
	assert_ok(path_format(&elsewhere, "%s/clone", w.scratch.s));
	scratch_copy(folder.s, elsewhere.s);
	assert_ok(path_format(&elsewhere, "%s/clone/dske.conf", w.scratch.s));
	assert_ok(client_open(&w.alice, w.alice_conf.s));
	assert_ok(client_open(&clone, elsewhere.s));

	agree_both(&w, "original", 4000, 0, &a, &b); /* takes the next slots */
	assert_same_key(&a, &b);
	callers_drop(&a, &b);
	struct client *original = w.alice;
	w.alice = clone; /* takes the same ones */
	for (unsigned tries = 0; tries == 0 || (!all_have_alarmed() && tries < 20); tries++) { /* k hubs are enough for each */
		agree_both(&w, "clone", 4000, 0, &a, &b);
		assert_same_key(&a, &b); /* with bytes that nobody had */
		callers_drop(&a, &b);
	}
	w.alice = original;

	assert_ok(client_hubs(clone, &hubs, &count));
	for (size_t i = 0; i < count; i++)
		assert_int_equal(hubs[i].status.clone_alarms, 1);
	free(hubs);
	for (size_t i = 0; i < WORLD_HUBS; i++)
		assert_int_equal(w.hub[i].clone_alarms, 1);
	client_close(clone);
	agree_both(&w, "original again", 4000, 0, &a, &b);
	assert_same_key(&a, &b);
	callers_drop(&a, &b);
}

/* As many other threads of alice's would: each takes a slot, and is granted it, before this one's LEASE arrives. */
static void others_are_quicker(struct mock_hub *h, struct mock_client *c, uint64_t slot)
{
	struct table *own = NULL;
	struct path tables, folder;
	if (strcmp(c->name, "alice") != 0)
		return;
	h->overtakes = NULL;
	assert_ok(path_format(&tables, "%s/alice/tables", w.scratch.s));
	assert_ok(table_folder(&folder, tables.s, &c->header.table));
	assert_ok(table_open(&own, folder.s, SIDE_CLIENT, NULL));
	for (uint64_t i = 1; i <= LEASE_MEMORY + 5; i++) {
		struct lease_keys keys = {0};
		struct window *up = NULL;
		uint64_t taken, lowest;
		uint8_t digest[LEASE_DIGEST_LEN] = {(uint8_t)i, 1};
		assert_ok(table_lease_take(own, &taken, &lowest, &keys));
		assert_int_equal(taken, slot + i);
		assert_ok(table_lease_grant(c->table, taken, digest, lowest, 64, 64, &up));
		lease_keys_drop(&keys);
		window_free(up);
	}
	table_close(own);
}

static unsigned alarms_at(const char *hub)
{
	struct client_hub *hubs = NULL;
	size_t count = 0;
	unsigned alarms = 0;
	assert_ok(client_hubs(w.alice, &hubs, &count));
	for (size_t i = 0; i < count; i++)
		alarms += strcmp(hubs[i].name, hub) == 0 ? (unsigned)hubs[i].status.clone_alarms : 0;
	free(hubs);
	return alarms;
}

static void an_overtaken_lease_is_no_alarm(void **state)
{
	(void)state;
	struct caller a, b;
	unsigned before = alarms_at("hub1");
	client_close(w.alice); /* its connections end with it: every hub is leased anew */
	assert_ok(client_open(&w.alice, w.alice_conf.s));
	w.hub[0].overtakes = others_are_quicker;
	agree_both(&w, "overtaken", 8000, 0, &a, &b);
	assert_null(w.hub[0].overtakes);
	assert_same_key(&a, &b);
	callers_drop(&a, &b); /* perhaps without hub1, which had much to record */
	for (int i = 0, took_part = 0; !took_part; i++) {
		char context[32];
		assert_true(i < 20);
		snprintf(context, sizeof context, "overtaken, then %d", i);
		agree_both(&w, context, 8000, 0, &a, &b);
		assert_same_key(&a, &b);
		took_part = rc_ok(report_of(&a.r.report, "hub1")->rc);
		callers_drop(&a, &b);
	}
	assert_int_equal(alarms_at("hub1"), before);
}

/* The program itself, called with bob's configuration and a context: agrees, and writes the key to standard output.
 * A program of its own, since a child of a process with threads must not allocate (under a sanitizer it may wait for ever). */
static int be_bob(const char *conf, const char *context)
{
	struct client *c = NULL;
	struct agree_request q = {.peer = "alice", .scheme = SCHEME_COUNT, .timeout_ms = 10000};
	struct agree_result r;
	q.context_len = (uint8_t)strlen(context);
	memcpy(q.context, context, q.context_len);
	if (!rc_ok(client_open(&c, conf)) || !rc_ok(client_agree(c, &q, &r)))
		return 1;
	bool told = write(STDOUT_FILENO, r.key.data, r.key.len) == (ssize_t)r.key.len;
	agree_result_drop(&r);
	client_close(c);
	return told ? 0 : 1;
}

static pid_t bob_process(const char *context, int out)
{
	pid_t pid = fork();
	if (pid != 0)
		return pid;
	if (dup2(out, STDOUT_FILENO) >= 0)
		execl("/proc/self/exe", "test-tables", w.bob_conf.s, context, (char *)NULL);
	_exit(1);
}

/* kill -9 in mid-derivation, at many moments; the next process gets the same key. */
static void a_killed_receiver(void **state)
{
	(void)state;
	for (long delay = 0; delay <= 40; delay += 5) {
		struct agree_request q = {.peer = "bob", .scheme = SCHEME_COUNT, .timeout_ms = 4000};
		struct agree_result r;
		uint8_t got[64];
		int out[2], status = 0;
		q.context_len = (uint8_t)snprintf((char *)q.context, sizeof q.context, "killed-%ld", delay);
		assert_ok(client_agree(w.alice, &q, &r));
		assert_int_equal(pipe(out), 0);
		pid_t pid = bob_process((const char *)q.context, out[1]);
		sleep_ms(delay);
		kill(pid, SIGKILL);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		if (WIFSIGNALED(status)) {
			pid = bob_process((const char *)q.context, out[1]);
			assert_int_equal(waitpid(pid, &status, 0), pid);
			/* It may have been killed between its receipts and telling us: that key is gone. */
			if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
				print_message("# killed after its receipts, at %ld ms\n", delay);
		}
		close(out[1]);
		ssize_t n = read(out[0], got, sizeof got);
		if (n > 0) {
			assert_int_equal(n, r.key.len);
			assert_true(mem_equal(got, r.key.data, r.key.len));
		}
		close(out[0]);
		agree_result_drop(&r);
	}
}

static void tables_that_cannot_be_used_are_told(void **state)
{
	(void)state;
	struct client *c = NULL;
	struct client_hub *hubs = NULL;
	size_t count = 0;
	char hex[ID_HEX_LEN];
	struct path ledger;
	assert_ok(client_hubs(w.bob, &hubs, &count));
	assert_ok(path_format(&ledger, "%s/bob/tables/%s/ledger", w.scratch.s, id_hex(&hubs[2].table, hex)));
	free(hubs);
	AUTO(fd) f = FD_NONE;
	assert_ok(file_open(&f, ledger.s, O_WRONLY, 0));
	assert_int_equal(ftruncate(f.n, 0), 0);
	assert_ok(client_open(&c, w.bob_conf.s));
	assert_ok(client_hubs(c, &hubs, &count));
	assert_rc(hubs[0].rc, CORRUPT); /* of nobody knows which hub */
	assert_string_equal(hubs[0].name, hex);
	assert_true(hubs[0].detail[0] != '\0');
	free(hubs);
	/* The others are asked, and it stands in the report beside them. */
	struct report report;
	assert_ok(client_ping(c, 2000, &report));
	assert_rc(report_of(&report, hex)->rc, CORRUPT);
	report_drop(&report);
	client_close(c);
}

int main(int argc, char **argv)
{
	if (argc == 3)
		return be_bob(argv[1], argv[2]);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exhausted),
		cmocka_unit_test(two_hubs_of_one_id),
		cmocka_unit_test(spoilt_tables_lower_no_threshold),
		cmocka_unit_test(frozen_while_in_use),
		cmocka_unit_test(activation_again_and_of_nothing),
		cmocka_unit_test(activation_of_a_stolen_table),
		cmocka_unit_test(two_tables_of_one_hub),
		cmocka_unit_test(a_locked_table_gives_way),
		cmocka_unit_test(low_and_relieved),
		cmocka_unit_test(a_clone_is_noticed),
		cmocka_unit_test(an_overtaken_lease_is_no_alarm),
		cmocka_unit_test(a_killed_receiver),
		cmocka_unit_test(tables_that_cannot_be_used_are_told),
	};
	return cmocka_run_group_tests_name("tables", tests, set_up, world_tear_down);
}
