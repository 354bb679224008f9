/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Killed at any moment, and in company: no byte and no slot is ever handed out twice.
 *
 * The linker (--wrap) puts a step counter in front of every read, write, erasure and sync.  For
 * N = 1, 2, .. a child is killed at its Nth step (in the middle of it, if it is a write), until one
 * comes through; whatever a child read or was handed, it notes in shared memory first thing.
 */
#include "config.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test/pskm/fixture.h"

#define LEN (UINT64_C(512) << 10)
#define NOTES_MAX 4096

dske_rc __real_file_pread(int fd, void *out, size_t len, uint64_t offset);
dske_rc __real_file_pwrite(int fd, const void *bytes, size_t len, uint64_t offset);
dske_rc __real_file_sync(int fd);
dske_rc __real_file_erase_data(int fd, uint64_t from, uint64_t to);
dske_rc __wrap_file_pread(int fd, void *out, size_t len, uint64_t offset);
dske_rc __wrap_file_pwrite(int fd, const void *bytes, size_t len, uint64_t offset);
dske_rc __wrap_file_sync(int fd);
dske_rc __wrap_file_erase_data(int fd, uint64_t from, uint64_t to);

/* What was handed out, noted by whoever got it. */
struct notes {
	_Atomic size_t count;
	struct range r[NOTES_MAX];
};

static struct notes *notes_new(void)
{
	void *p = mmap(NULL, sizeof(struct notes), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(p, MAP_FAILED);
	return p;
}

static void note(struct notes *n, uint64_t start, uint64_t end)
{
	if (start < end)
		n->r[atomic_fetch_add(&n->count, 1)] = (struct range){start, end};
}

static unsigned steps_left; /* 0: nobody is killed */

/* Every read of a table's bytes from this offset on is noted, whether its reader lived to use them or not. */
static struct notes *reads;
static uint64_t reads_from;

static bool last_step(void)
{
	return steps_left > 0 && --steps_left == 0;
}

static void die(void)
{
	kill(getpid(), SIGKILL);
}

/* Not the ledger, nor the keys. */
static bool is_table(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && (uint64_t)st.st_size == LEN;
}

dske_rc __wrap_file_pread(int fd, void *out, size_t len, uint64_t offset)
{
	if (last_step())
		die();
	if (reads != NULL && offset >= reads_from && is_table(fd))
		note(reads, offset, offset + len);
	return __real_file_pread(fd, out, len, offset);
}

dske_rc __wrap_file_pwrite(int fd, const void *bytes, size_t len, uint64_t offset)
{
	if (last_step()) {
		(void)__real_file_pwrite(fd, bytes, len / 2, offset);
		die();
	}
	return __real_file_pwrite(fd, bytes, len, offset);
}

dske_rc __wrap_file_sync(int fd)
{
	if (last_step())
		die();
	return __real_file_sync(fd);
}

dske_rc __wrap_file_erase_data(int fd, uint64_t from, uint64_t to)
{
	if (last_step()) {
		(void)__real_file_erase_data(fd, from, from + (to - from) / 2);
		die();
	}
	return __real_file_erase_data(fd, from, to);
}

static void note_window(struct notes *n, const struct window *w)
{
	note(n, window_start(w), window_end(w));
}

static int by_start(const void *a, const void *b)
{
	const struct range *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

static void assert_disjoint(struct notes *n)
{
	assert_in_range(n->count, 2, NOTES_MAX);
	qsort(n->r, n->count, sizeof n->r[0], by_start);
	for (size_t i = 1; i < n->count; i++)
		assert_true(n->r[i - 1].end <= n->r[i].start);
}

/* The client's side of a lease, with a hub that grants whatever lies next. */
static bool client_lease(struct table *t, struct notes *slots, struct notes *bytes)
{
	AUTO(lease_keys) keys = {0};
	struct window *up, *down;
	uint64_t slot, lowest;

	if (!rc_ok(table_lease_take(t, &slot, &lowest, &keys)))
		return false;
	note(slots, slot, slot + 1);
	const struct range *r = &table_header(t)->layout.region[REGION_UP];
	uint64_t end = lowest + 600 < r->end ? lowest + 600 : r->end;
	if (!rc_ok(table_lease_granted(t, r->start > end - 600 ? r->start : end - 600, end, 400, &up, &down)))
		return false;
	note_window(bytes, up);
	note_window(bytes, down);
	window_free(up);
	window_free(down);
	return true;
}

static void client_child(const struct fixture *f, struct notes *slots, struct notes *bytes)
{
	struct table *t;

	if (!rc_ok(table_open(&t, f->client_dir.s, SIDE_CLIENT, NULL)) || !client_lease(t, slots, bytes))
		_exit(1);
	table_close(t);
	_exit(0);
}

static void hub_child(const struct fixture *f, struct notes *slots, struct notes *bytes)
{
	struct table *t;
	struct window *up, *down;
	enum lease_kind kind;
	const uint8_t digest[16] = {1};
	uint64_t next;
	AUTO(pad) pad = {0};

	if (!rc_ok(table_open(&t, f->hub_dir.s, SIDE_HUB, NULL)) ||
	    !rc_ok(table_lease_classify(t, 0, digest, &kind, &next)) ||
	    !rc_ok(table_lease_grant(t, next, digest, 0, 600, 600, &up)))
		_exit(1);
	note(slots, next, next + 1);
	note_window(bytes, up);
	/* a client that never knows what came through and so confirms all from the start */
	const struct range *r = &f->header.layout.region[REGION_DOWN];
	if (!rc_ok(table_lease_confirm(t, r->start, r->start + 400 * (next + 1), &down)))
		_exit(2);
	note_window(bytes, down);
	if (!rc_ok(window_take(up, window_start(up) + 50, 100, &pad)))
		_exit(3);
	window_free(up);
	window_free(down);
	table_close(t);
	_exit(0);
}

/* Runs the child with ever more steps until it comes through. */
static unsigned kill_at_every_step(struct fixture *f, void (*child)(const struct fixture *, struct notes *, struct notes *),
				   struct notes *slots, struct notes *bytes)
{
	for (unsigned n = 1; n < 500; n++) {
		int result;
		pid_t pid = fork();
		if (pid == 0) {
			steps_left = n;
			child(f, slots, bytes);
		}
		assert_int_equal(waitpid(pid, &result, 0), pid);
		if (WIFEXITED(result)) {
			assert_int_equal(WEXITSTATUS(result), 0);
			return n;
		}
		assert_int_equal(WTERMSIG(result), SIGKILL);
	}
	fail_msg("the child never came through");
	return 0;
}

static void killed(enum side side)
{
	struct fixture f;
	struct notes *slots = notes_new(), *bytes = notes_new();

	fixture_active(&f, LEN);
	reads = notes_new();
	reads_from = f.header.layout.region[REGION_LEASE].start;
	table_close(f.hub);
	table_close(f.client);
	f.hub = f.client = NULL;
	for (int round = 0; round < 3; round++)
		assert_in_range(kill_at_every_step(&f, side == SIDE_HUB ? hub_child : client_child, slots, bytes), 10, 499);
	assert_disjoint(slots);
	assert_disjoint(bytes);
	assert_disjoint(reads);
	/* the next opening sweeps what the last crash left */
	const struct path *dir = side == SIDE_HUB ? &f.hub_dir : &f.client_dir;
	struct table *t;
	struct table_status s;
	assert_ok(table_open(&t, dir->s, side, NULL));
	assert_ok(table_status(t, &s));
	table_close(t);
	const struct range *r = f.header.layout.region;
	assert_true(s.up_left < s.up_len && s.down_left < s.down_len);
	assert_true(fixture_zero(dir, r[REGION_UP].start, r[REGION_UP].end - s.up_left));
	assert_true(fixture_zero(dir, r[REGION_DOWN].start, r[REGION_DOWN].end - s.down_left));
	if (side == SIDE_CLIENT)
		assert_true(fixture_zero(dir, r[REGION_LEASE].start, r[REGION_LEASE].end - s.lease_left * LEASE_SLOT_LEN));
	munmap(reads, sizeof *reads);
	reads = NULL;
	munmap(slots, sizeof *slots);
	munmap(bytes, sizeof *bytes);
	fixture_drop(&f);
}

static void test_killed_client(void **state)
{
	(void)state;
	killed(SIDE_CLIENT);
}

static void test_killed_hub(void **state)
{
	(void)state;
	killed(SIDE_HUB);
}

/* ---- company ------------------------------------------------------------------------------------ */

#define THREADS 8
#define LEASES 4

struct crowd {
	struct table *t;
	struct notes *slots, *bytes;
	_Atomic unsigned failures;
};

static void *crowd_run(void *context)
{
	struct crowd *c = context;

	for (int i = 0; i < LEASES; i++)
		if (!client_lease(c->t, c->slots, c->bytes))
			c->failures++;
	return NULL;
}

static unsigned crowd_of_threads(const struct fixture *f, struct notes *slots, struct notes *bytes)
{
	struct crowd c = {.slots = slots, .bytes = bytes};
	pthread_t thread[THREADS];

	if (!rc_ok(table_open(&c.t, f->client_dir.s, SIDE_CLIENT, NULL)))
		return 1;
	for (int i = 0; i < THREADS; i++)
		if (pthread_create(&thread[i], NULL, crowd_run, &c) != 0)
			return 1;
	for (int i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	table_close(c.t);
	return c.failures;
}

static void test_processes_and_threads(void **state)
{
	struct fixture f;
	struct notes *slots = notes_new(), *bytes = notes_new();
	pid_t child[2];

	(void)state;
	fixture_active(&f, LEN);
	for (int i = 0; i < 2; i++) {
		child[i] = fork();
		if (child[i] == 0)
			_exit(crowd_of_threads(&f, slots, bytes) == 0 ? 0 : 1);
	}
	for (int i = 0; i < 2; i++) {
		int result;
		assert_int_equal(waitpid(child[i], &result, 0), child[i]);
		assert_int_equal(result, 0);
	}
	assert_int_equal(slots->count, 2 * THREADS * LEASES);
	assert_true(bytes->count >= slots->count); /* every lease had a down window */
	assert_disjoint(slots);
	assert_disjoint(bytes);
	munmap(slots, sizeof *slots);
	munmap(bytes, sizeof *bytes);
	fixture_drop(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_killed_client),
		cmocka_unit_test(test_killed_hub),
		cmocka_unit_test(test_processes_and_threads),
	};

	return cmocka_run_group_tests_name("crash", tests, NULL, NULL);
}
