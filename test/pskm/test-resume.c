/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A making killed at every step of it, and gone on with: what comes out is a PSKM like any other.
 *
 * As test-crash does, --wrap puts a counter in front of every write, erasure and sync; for N = 1, 2, .. a child is
 * killed at its Nth, then somebody else resumes, and is killed too, every second time.
 */
#include "config.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pskm/entropy.h"
#include "pskm/unfinished.h"
#include "test/pskm/fixture.h"

#define LEN (3 * TABLE_CHUNK_LEN + 64)

dske_rc __real_file_pwrite(int fd, const void *bytes, size_t len, uint64_t offset);
dske_rc __real_file_sync(int fd);
dske_rc __wrap_file_pwrite(int fd, const void *bytes, size_t len, uint64_t offset);
dske_rc __wrap_file_sync(int fd);

static unsigned steps_left; /* 0: nobody is killed */
static int fails_with_error; /* instead of death */

static bool last_step(void)
{
	if (steps_left == 0 || --steps_left > 0)
		return false;
	if (!fails_with_error)
		kill(getpid(), SIGKILL);
	return true;
}

dske_rc __wrap_file_pwrite(int fd, const void *bytes, size_t len, uint64_t offset)
{
	if (steps_left == 1)
		(void)__real_file_pwrite(fd, bytes, len / 2, offset);
	return last_step() ? FAIL(IO, "no space left on device") : __real_file_pwrite(fd, bytes, len, offset);
}

dske_rc __wrap_file_sync(int fd)
{
	return last_step() ? FAIL(SYNC, "a sync failed") : __real_file_sync(fd);
}

/* ---- making ---------------------------------------------------------------------------------------- */

static dske_rc work(struct fixture *f, const struct secret *key, bool resume, char passphrase[PASSPHRASE_TEXT_MAX])
{
	static const struct kdf_cost cheap = CHEAP;
	AUTO(entropy) kernel = {0};
	struct making m = {.tables_dir = f->hub_tables.s, .container_path = f->container.s, .table_key = key, .cost = &cheap,
			   .sources = ENTROPY_KERNEL, .step = 1};

	TRY(entropy_open(&kernel, ENTROPY_KERNEL, ENTROPY_STALL_MS));
	m.bytes = m.fresh = entropy_bytes(&kernel);
	return resume ? container_resume(&f->header, &m, passphrase) : container_make(&f->header, &m, passphrase);
}

/* In a child that is killed at its nth step.  True when it came through. */
static bool work_until(struct fixture *f, const struct secret *key, bool resume, unsigned n)
{
	int status;
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		char passphrase[PASSPHRASE_TEXT_MAX];
		AUTO(secret) own = fixture_key('K'); /* the parent's secrets are zeros here */
		steps_left = n;
		_exit(rc_ok(work(f, key != NULL ? &own : NULL, resume, passphrase)) ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	if (WIFEXITED(status))
		assert_int_equal(WEXITSTATUS(status), 0);
	return WIFEXITED(status);
}

static void count_one(void *context, const struct unfinished_pskm *u)
{
	const struct fixture *f = ((void **)context)[0];

	assert_string_equal(u->output, f->container.s);
	assert_string_equal(u->sources, ENTROPY_KERNEL);
	assert_string_equal(u->header.client_name, "alice");
	++*((unsigned **)context)[1];
}

static unsigned unfinished_count(struct fixture *f)
{
	unsigned count = 0;
	void *context[] = {f, &count};

	assert_ok(container_unfinished(f->hub_tables.s, count_one, context));
	return count;
}

/* A PSKM as one run makes it: verifies, imports, both copies are one, nothing of the making is left. */
static void assert_good(struct fixture *f, const struct secret *key)
{
	struct pskm_header h;
	uint8_t ours[4096], theirs[4096];

	assert_ok(container_verify(f->container.s, f->passphrase, &h, NULL, NULL));
	assert_ok(fixture_import(f));
	assert_ok(table_folder(&f->hub_dir, f->hub_tables.s, &h.table));
	assert_ok(table_folder(&f->client_dir, f->client_tables.s, &h.table));
	for (uint64_t at = 4096; at + 4096 <= LEN; at += 4096 * 17) {
		fixture_plain(&f->hub_dir, key, at, ours, sizeof ours);
		fixture_plain(&f->client_dir, NULL, at, theirs, sizeof theirs);
		assert_memory_equal(ours, theirs, sizeof ours);
	}
	assert_int_equal(scratch_count(&f->hub_dir), 4);
	assert_int_equal(scratch_count(&f->hub_tables), 1);
	assert_int_equal(unfinished_count(f), 0);
	assert_ok(table_open(&f->hub, f->hub_dir.s, SIDE_HUB, key));
	assert_ok(table_open(&f->client, f->client_dir.s, SIDE_CLIENT, NULL));
	struct id nonce;
	assert_ok(table_activation_begin(f->client, &nonce));
	assert_ok(table_activate(f->hub, &nonce));
}

/* What a kill left: finished by others, or where nothing was durable yet, made anew. */
static void go_on(struct fixture *f, const struct secret *key, unsigned n)
{
	if (n % 2 == 0 && unfinished_count(f) == 1)
		(void)work_until(f, key, true, 1 + n % 7);
	if (unfinished_count(f) == 1) {
		assert_ok(work(f, key, true, f->passphrase));
		return;
	}
	container_sweep(f->hub_tables.s);
	assert_int_equal(scratch_count(&f->hub_tables), 0);
	(void)unlink(f->container.s);
	assert_ok(work(f, key, false, f->passphrase));
}

/* Was the table given its name before the end came? */
static bool has_table(const struct fixture *f)
{
	struct table_entry *list;
	size_t count;

	assert_ok(table_list(f->hub_tables.s, &list, &count));
	free(list);
	return count > 0;
}

static void test_killed_at_every_step(void **state)
{
	AUTO(secret) key = fixture_key('K');
	bool came_through = false;
	unsigned resumed = 0;

	(void)state;
	for (unsigned n = 1; !came_through; n += n < 10 ? 1 : n < 190 ? 31 : 2) {
		struct fixture f;
		fixture_init(&f, LEN);
		assert_ok(file_make_dirs(f.hub_tables.s, 0700));
		came_through = work_until(&f, &key, false, n);
		if (!came_through && !has_table(&f)) {
			resumed += unfinished_count(&f);
			go_on(&f, &key, n);
			assert_good(&f, &key);
		}
		fixture_drop(&f);
	}
	assert_true(resumed > 10);
}

/* A full disk, a failed sync: the work is kept once a part of it is durable, and nothing before. */
static void test_failed_at_every_step(void **state)
{
	bool came_through = false;
	unsigned kept = 0;

	(void)state;
	fails_with_error = 1;
	for (unsigned n = 1; !came_through; n += n < 10 ? 1 : n < 190 ? 31 : 3) {
		struct fixture f;
		fixture_init(&f, LEN);
		steps_left = n;
		dske_rc rc = work(&f, NULL, false, f.passphrase);
		came_through = rc_ok(rc);
		steps_left = 0;
		if (!came_through && !has_table(&f)) {
			bool is_kept = unfinished_count(&f) == 1;
			assert_int_equal(scratch_count(&f.hub_tables), is_kept);
			assert_int_equal(access(f.container.s, F_OK) == 0, is_kept);
			kept += is_kept;
			go_on(&f, NULL, 1);
			assert_good(&f, NULL);
		}
		fixture_drop(&f);
	}
	fails_with_error = 0;
	assert_true(kept > 8);
}

/* ---- what is refused ------------------------------------------------------------------------------- */

/* Interrupted where a part is durable. */
static void interrupt(struct fixture *f, const struct secret *key)
{
	fixture_init(f, LEN);
	assert_ok(file_make_dirs(f->hub_tables.s, 0700));
	for (unsigned n = 60; unfinished_count(f) == 0; n += 50) {
		container_sweep(f->hub_tables.s);
		(void)unlink(f->container.s);
		if (work_until(f, key, false, n))
			fail_msg("not interrupted");
	}
}

static void test_refused(void **state)
{
	struct fixture f;
	AUTO(secret) key = fixture_key('K');
	AUTO(secret) wrong = fixture_key('W');

	(void)state;
	interrupt(&f, &key);
	assert_rc(work(&f, &wrong, true, f.passphrase), KEY);
	assert_rc(work(&f, NULL, true, f.passphrase), KEY);
	struct path right = f.container;
	assert_ok(path_format(&f.container, "%s/other.pskm", f.scratch.s));
	assert_rc(work(&f, &key, true, f.passphrase), NOT_FOUND);
	assert_rc(container_discard(f.hub_tables.s, f.container.s), NOT_FOUND);
	f.container = right;
	assert_int_equal(unfinished_count(&f), 1); /* none of that did any harm */
	assert_ok(work(&f, &key, true, f.passphrase));
	assert_good(&f, &key);
	fixture_drop(&f);
}

/* The hub's folder is put back as it was some chunks ago: going on would seal other bytes under the same nonces. */
static void test_restored(void **state)
{
	struct fixture f;
	AUTO(secret) key = fixture_key('K');
	struct path old;

	(void)state;
	interrupt(&f, &key);
	assert_ok(path_format(&old, "%s/old", f.scratch.s));
	scratch_copy(f.hub_tables.s, old.s);
	for (unsigned n = 10; n < 200; n++) { /* goes on for one chunk and is killed again */
		struct stat before, after;
		assert_int_equal(stat(f.container.s, &before), 0);
		if (work_until(&f, &key, true, n))
			fail_msg("not interrupted");
		assert_int_equal(stat(f.container.s, &after), 0);
		if (after.st_size > before.st_size)
			break;
	}
	scratch_copy(old.s, f.hub_tables.s);
	assert_rc(work(&f, &key, true, f.passphrase), CORRUPT);
	assert_non_null(strstr(rc_detail((dske_rc){DSKE_RC_CORRUPT}), "restored"));
	assert_ok(container_discard(f.hub_tables.s, f.container.s));
	fixture_drop(&f);
}

/* A mark that was written by whoever was killed before its sync is made durable before anything is sealed. */
static void test_marks_are_durable_first(void **state)
{
	struct fixture f;
	AUTO(secret) key = fixture_key('K');

	(void)state;
	interrupt(&f, &key);
	steps_left = 1; /* the first sync or write of the one who goes on */
	fails_with_error = 1;
	assert_rc(work(&f, &key, true, f.passphrase), SYNC);
	steps_left = 0;
	fails_with_error = 0;
	assert_ok(work(&f, &key, true, f.passphrase));
	assert_good(&f, &key);
	fixture_drop(&f);
}

static void test_discarded(void **state)
{
	struct fixture f;
	AUTO(secret) key = fixture_key('K');

	(void)state;
	interrupt(&f, &key);
	assert_ok(container_discard(f.hub_tables.s, f.container.s));
	assert_int_equal(unfinished_count(&f), 0);
	assert_int_equal(scratch_count(&f.hub_tables), 0);
	assert_int_not_equal(access(f.container.s, F_OK), 0);
	fixture_drop(&f);
}

/* The secrets in the state are readable with the table key alone, and a changed byte is noticed. */
static void test_state_file(void **state)
{
	struct fixture f;
	AUTO(secret) key = fixture_key('K');
	AUTO(unfinished_secrets) s = {0};
	struct path dir;
	struct unfinished *u = calloc(1, sizeof *u);

	(void)state;
	fixture_init(&f, LEN);
	fixture_make(&f);
	AUTO(fd) c = FD_NONE;
	assert_ok(file_open(&c, f.container.s, O_RDONLY, 0));
	*u = (struct unfinished)UNFINISHED_NONE;
	assert_ok(head_read(&u->head, c.n));
	strcpy(u->sources, "kernel");
	strcpy(u->output, f.container.s);
	assert_ok(secret_random(&s.bytes, 48));
	dir = f.scratch;
	assert_ok(unfinished_create(u, dir.s, &s, &key));
	assert_ok(unfinished_mark(u, 64, 0));
	assert_ok(unfinished_mark(u, 128, 64));
	unfinished_drop(u);
	for (unsigned at = 0; at < MAKING_LEN; at += at < 32 || (at >= MAKING_AT_SALT && at < 7270) ? 1 : 97) {
		AUTO(unfinished_secrets) got = {0};
		AUTO(fd) file = FD_NONE;
		uint8_t b;
		assert_ok(file_open(&file, scratch_path(&dir, "making"), O_RDWR, 0));
		assert_ok(file_pread(file.n, &b, 1, at));
		b ^= 4;
		assert_ok(file_pwrite(file.n, &b, 1, at));
		dske_rc rc = unfinished_open(u, dir.s);
		if (rc_ok(rc))
			rc = unfinished_unseal(u, &key, &got);
		if (at < 7264)
			assert_false(rc_ok(rc));
		else if (rc_ok(rc) && u->number == 3)
			assert_true(u->filled == 128 && u->sealed == 64);
		else if (rc_ok(rc))
			assert_true(u->number == 2 && u->filled == 64 && u->sealed == 0);
		unfinished_drop(u);
		b ^= 4;
		assert_ok(file_pwrite(file.n, &b, 1, at));
	}
	assert_ok(unfinished_open(u, dir.s));
	AUTO(unfinished_secrets) got = {0};
	assert_ok(unfinished_unseal(u, &key, &got));
	assert_memory_equal(got.bytes.data, s.bytes.data, 48);
	assert_ok(unfinished_destroy(u, dir.s));
	assert_rc(unfinished_open(u, dir.s), NOT_FOUND);
	free(u);
	fixture_drop(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_killed_at_every_step),
		cmocka_unit_test(test_failed_at_every_step),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_restored),
		cmocka_unit_test(test_marks_are_durable_first),
		cmocka_unit_test(test_discarded),
		cmocka_unit_test(test_state_file),
	};

	return cmocka_run_group_tests_name("resume", tests, NULL, NULL);
}
