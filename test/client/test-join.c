/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Several tables a hub (DSKE 2.1: a new PSKM when the table is consumed): the first runs out and a new one joins
 * while keys are agreed on, by threads and by two processes, against real hubs.  All hubs are needed for each key,
 * so that one that cannot serve fails an agreement.  None may fail, and none may wait.
 */
#include <config.h>

#include "test/client/world.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/link.h"
#include "test/bench/bench.h"
#include "test/bench/network.h"
#include "test/bench/pairs.h"
#include "test/bench/tables.h"

#define HUBS 3
#define SMALL (UINT64_C(64) << 10)
#define LARGE (UINT64_C(4) << 20)
#define SLOWEST_S 8.0   /* below the timeout: a switch costs a connection and a lease, a busy machine the rest */
#define PATIENCE_S 100.0
#define SHARE_LEN 160   /* more than any message of these agreements needs */
#define PAIRS 2

/* What both processes see. */
struct shared {
	atomic_bool stop;
	atomic_uint rounds, failures;
	_Atomic double slowest;
	char why[1200]; /* of a failure, whichever wrote last */
};
static struct shared *shared;
static const struct path *scratch;

struct ends {
	struct client *alice, *bob;
};

/* ---- rounds ------------------------------------------------------------------------------------------- */

static void note(dske_rc rc, double seconds)
{
	double slowest = shared->slowest;
	while (seconds > slowest && !atomic_compare_exchange_weak(&shared->slowest, &slowest, seconds))
		continue;
	if (!rc_ok(rc)) {
		shared->failures++;
		snprintf(shared->why, sizeof shared->why, "%s: %s", rc_name(rc), rc_detail(rc));
	}
}

/* What became of each hub, behind the sentence. */
static void add_hubs(enum agree_role role, const struct report *report)
{
	size_t at = strlen(shared->why);
	for (size_t i = 0; i < report->count; i++) {
		const struct hub_report *h = &report->hub[i];
		at += (size_t)snprintf(shared->why + at, sizeof shared->why - at, "; %s %s: %s, left %llu up, %llu down",
				       role == ROLE_INITIATOR ? "to" : "from", h->name, h->detail, (unsigned long long)h->up_left,
				       (unsigned long long)h->down_left);
		if (at >= sizeof shared->why)
			return;
	}
}

static dske_rc agree(struct pair *p, struct client *c, const char *peer, enum agree_role role, struct secret *key)
{
	struct agree_request q = {.role = role, .has_key_id = true, .key_id = p->key_id, .scheme = SCHEME_COUNT};
	struct agree_result r;
	double start = bench_now();
	snprintf(q.peer, sizeof q.peer, "%s", peer);
	dske_rc rc = client_agree(c, &q, &r);
	note(rc, bench_now() - start);
	if (!rc_ok(rc))
		add_hubs(role, &r.report);
	if (rc_ok(rc) && r.n != HUBS)
		note(FAIL(STATE, "only %u hubs took part", r.n), 0);
	secret_drop(key);
	secret_move(key, &r.key);
	agree_result_drop(&r);
	return rc;
}

static dske_rc initiate(struct pair *p)
{
	const struct ends *e = p->context;
	shared->rounds++;
	return agree(p, e->alice, "bob", ROLE_INITIATOR, &p->initiator_key);
}

static dske_rc receive(struct pair *p)
{
	const struct ends *e = p->context;
	return agree(p, e->bob, "alice", ROLE_RECEIVER, &p->receiver_key);
}

static const struct way way = {.initiate = initiate, .receive = receive};

static void assert_none_failed(void)
{
	print_message("# %u rounds, the slowest call took %.0f ms\n", shared->rounds, 1e3 * shared->slowest);
	if (shared->failures > 0)
		fail_msg("%u failures, one is %s", shared->failures, shared->why);
	assert_true(shared->slowest < SLOWEST_S);
}

/* ---- tables --------------------------------------------------------------------------------------------- */

/* Of the tables made then, what is left in the fullest: used says whether each was touched. */
static struct supply_left fullest(struct client *c, uint64_t created, bool *used)
{
	struct supply_left most = {0};
	struct client_hub *hubs = NULL;
	size_t count = 0, found = 0;
	*used = true;
	assert_ok(client_refresh(c));
	assert_ok(client_hubs(c, &hubs, &count));
	for (size_t i = 0; i < count; i++) {
		const struct table_status *s = &hubs[i].status;
		if (hubs[i].header.created != created)
			continue;
		found++;
		*used = *used && s->up_left < s->up_len;
		most.up = s->up_left > most.up ? s->up_left : most.up;
		most.down = s->down_left > most.down ? s->down_left : most.down;
	}
	assert_int_equal(found, HUBS);
	free(hubs);
	return most;
}

static bool in_use(struct client *c, uint64_t created)
{
	bool used;
	(void)fullest(c, created, &used);
	return used;
}

/* As far as it goes: an initiator sends, but for the reserve; a receiver waits for what is sent to it. */
static void assert_used_up(const struct ends *e, uint64_t created)
{
	bool used;
	assert_true(fullest(e->alice, created, &used).up < SHARE_LEN + CONTROL_RESERVE);
	struct supply_left bob = fullest(e->bob, created, &used);
	assert_true(bob.up < SHARE_LEN || bob.down < SHARE_LEN);
}

/* As another process does it: dske pskm import, dske pskm activate. */
static void carry_and_activate(const struct network *n, uint64_t created, uint64_t len)
{
	for (size_t who = 0; who < 2; who++) {
		struct client *c = NULL;
		struct client_hub *hubs = NULL;
		size_t count = 0;
		network_carry(n, who, created, len);
		assert_ok(client_open(&c, network_conf(n, who)));
		assert_ok(client_hubs(c, &hubs, &count));
		for (size_t i = 0; i < count; i++) {
			if (hubs[i].header.created == created)
				assert_ok(client_activate(c, &hubs[i].table, 5000));
		}
		free(hubs);
		client_close(c);
	}
}

static void begin(struct network *n, const char *name)
{
	memset(shared, 0, sizeof *shared);
	network_start(n, scratch, name, HUBS, HUBS, SMALL);
	carry_and_activate(n, 2, SMALL * 2);
}

/* ---- tests ----------------------------------------------------------------------------------------------- */

static void one_after_the_other(void **state)
{
	(void)state;
	static struct network n;
	static struct pairs s;
	begin(&n, "one");
	struct ends e = {n.alice, n.bob};
	pairs_start(&s, 1, &way, &e);
	double end = bench_now() + PATIENCE_S;
	while (bench_now() < end && !(in_use(n.alice, 2) && in_use(n.bob, 2))) {
		assert_false(in_use(n.alice, 2) && !in_use(n.alice, 1));
		pairs_rate(&s, 0.1);
	}
	pairs_rate(&s, 0.2);
	pairs_stop(&s);
	assert_none_failed();
	assert_used_up(&e, 1);
	network_stop(&n);
}

/* The rounds of the other process, until it is told to stop. */
static pid_t other_process(const struct network *n)
{
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid > 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL); /* also when an assertion ends the test */
	static struct pairs s;
	struct ends e = {NULL, NULL};
	bench_need_ok(client_open(&e.alice, network_conf(n, 0)), "client_open");
	bench_need_ok(client_open(&e.bob, network_conf(n, 1)), "client_open");
	pairs_start(&s, PAIRS, &way, &e);
	while (!shared->stop)
		pairs_rate(&s, 0.1);
	pairs_stop(&s);
	client_close(e.alice);
	client_close(e.bob);
	_exit(0);
}

static void *carry_the_third(void *network)
{
	carry_and_activate(network, 3, LARGE);
	return NULL;
}

/* Two processes with threads.  When the first tables are used up, the third ones come; the second ones run out. */
static void a_third_joins_two_processes(void **state)
{
	(void)state;
	static struct network n;
	static struct pairs s;
	pthread_t carrier;
	bool carried = false;
	int status = 0;
	begin(&n, "two");
	pid_t other = other_process(&n);
	struct ends e = {n.alice, n.bob};
	pairs_start(&s, PAIRS, &way, &e);
	double end = bench_now() + PATIENCE_S;
	while (bench_now() < end && !(carried && in_use(n.alice, 3) && in_use(n.bob, 3))) {
		pairs_rate(&s, 0.1);
		if (!carried && in_use(n.alice, 2) && in_use(n.bob, 2))
			carried = pthread_create(&carrier, NULL, carry_the_third, &n) == 0;
		if (carried && carrier != 0) {
			pairs_rate(&s, 0.3);
			pthread_join(carrier, NULL);
			carrier = 0;
		}
	}
	pairs_rate(&s, 0.3);
	shared->stop = true;
	pairs_stop(&s);
	assert_int_equal(waitpid(other, &status, 0), other);
	assert_int_equal(status, 0);
	assert_true(carried && in_use(n.alice, 3) && in_use(n.bob, 3));
	assert_none_failed();
	assert_used_up(&e, 1);
	assert_used_up(&e, 2);
	network_stop(&n);
}

static int set_up(void **state)
{
	(void)state;
	scratch = bench_scratch();
	shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return shared == MAP_FAILED;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_after_the_other),
		cmocka_unit_test(a_third_joins_two_processes),
	};
	return cmocka_run_group_tests_name("join", tests, set_up, NULL);
}
