/* SPDX-License-Identifier: Apache-2.0 */
/* The token's store at one login after another: what was opened before is not opened again, unless somebody else wrote. */
#include <config.h>

#include "test/store/fixture.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define OBJECTS 64
#define OBJECT_LEN 4000
#define ALL (OBJECTS * OBJECT_LEN / 2u) /* whoever reads more has read the objects; a replaced file has fewer */
#define FEW (ALL / 2)

/* Bytes that this process has read so far, by the kernel's count. */
static unsigned long long bytes_read(void)
{
	unsigned long long n = 0;
	FILE *io = fopen("/proc/self/io", "r");

	if (io == NULL || fscanf(io, "rchar: %llu", &n) != 1)
		skip();
	fclose(io);
	return n;
}

static unsigned long long login_reads(struct fixture *f, struct store *s)
{
	AUTO(secret) master = {0};
	unsigned long long before = bytes_read();

	assert_ok(store_login(s, STORE_PIN_USER, USER, strlen(USER), &master));
	assert_memory_equal(master.data, f->master.data, master.len);
	return bytes_read() - before;
}

static struct id put_long(struct fixture *f, char of)
{
	char text[OBJECT_LEN + 1] = {0};

	memset(text, of, OBJECT_LEN);
	return store_put(f, text);
}

/* The names of all, in the file's order. */
static void make_full(struct fixture *f, struct id name[OBJECTS])
{
	store_make(f);
	for (unsigned k = 0; k < OBJECTS; k++)
		name[k] = put_long(f, (char)('A' + k % 26));
}

static void flip(const struct fixture *f, off_t at)
{
	uint8_t byte;
	int fd = open(f->file, O_RDWR);

	assert_int_equal(pread(fd, &byte, 1, at), 1);
	byte ^= 0x20;
	assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	close(fd);
}

/* Nothing that a user can ask for tells it but the ctime. */
static void flip_unseen(const struct fixture *f, off_t at)
{
	struct stat before, after;

	assert_int_equal(stat(f->file, &before), 0);
	usleep(20000); /* more than a tick, for kernels that count the ctime in them */
	flip(f, at);
	assert_int_equal(utimensat(AT_FDCWD, f->file, (struct timespec[]){before.st_atim, before.st_mtim}, 0), 0);
	assert_int_equal(stat(f->file, &after), 0);
	assert_int_equal(after.st_mtim.tv_nsec, before.st_mtim.tv_nsec);
	assert_int_equal(after.st_size, before.st_size);
}

static void assert_damaged(struct fixture *f, const char *record)
{
	AUTO(secret) master = {0};
	dske_rc rc = store_login(f->store, STORE_PIN_USER, USER, strlen(USER), &master);

	assert_rc(rc, DSKE_RC_CORRUPT);
	if (strstr(rc_detail(rc), record) == NULL || strstr(rc_detail(rc), f->file) == NULL)
		fail_msg("%s", rc_detail(rc));
	assert_null(master.data);
}

/* In the middle of what the k-th record seals. */
#define INSIDE(k) ((off_t)STORE_RECORDS_AT + (k) * (STORE_RECORD_HEAD + OBJECT_LEN + STORE_RECORD_END) + STORE_RECORD_HEAD + 2000)

static void own_writes_are_not_read_again(void **state)
{
	struct fixture *f = *state;
	struct id name[OBJECTS];
	struct store *fresh;
	struct seen s = {0};

	make_full(f, name);
	assert_ok(store_new(&fresh, f->dir, cheap));
	assert_in_range(login_reads(f, fresh), ALL, 8 * ALL); /* it has opened nothing yet */
	store_free(fresh);
	assert_in_range(login_reads(f, f->store), ALL, 8 * ALL); /* and that one has written to the file */
	assert_in_range(login_reads(f, f->store), 1, FEW);
	put_long(f, 'x');
	assert_in_range(login_reads(f, f->store), 1, FEW);
	assert_ok(store_each(f->store, &f->master, collect, &s));
	assert_int_equal(s.count, OBJECTS + 1);
	store_alter(f, &name[3], "replaced");
	assert_in_range(login_reads(f, f->store), 1, FEW);
	assert_ok(store_remove(f->store, &f->master, &name[4]));
	assert_in_range(login_reads(f, f->store), 1, FEW);
	/* A wrong PIN is counted in the file. */
	AUTO(secret) none = {0};
	assert_rc(store_login(f->store, STORE_PIN_USER, "wrong", 5, &none), DSKE_RC_PIN);
	assert_in_range(login_reads(f, f->store), 1, FEW);
	/* A new file, of what was opened for it: by a PIN, and when more than half is dead. */
	assert_ok(store_set_pin(f->store, &f->master, STORE_PIN_USER, USER, strlen(USER)));
	assert_in_range(login_reads(f, f->store), 1, FEW);
	for (unsigned k = 5; k < OBJECTS / 2 + 10; k++)
		assert_ok(store_remove(f->store, &f->master, &name[k]));
	assert_in_range(login_reads(f, f->store), 1, FEW);
	s = (struct seen){0};
	assert_ok(store_each(f->store, &f->master, collect, &s));
	assert_int_equal(s.count, OBJECTS + 1 - 1 - (OBJECTS / 2 + 5));
}

static void another_process_writes(void **state)
{
	struct fixture *f = *state;
	struct id name[OBJECTS];
	struct store *other;
	struct seen s = {0};

	make_full(f, name);
	assert_ok(store_new(&other, f->dir, cheap));
	struct fixture theirs = {.store = other, .master = f->master};
	login_reads(f, f->store);
	assert_in_range(login_reads(f, f->store), 1, FEW);
	usleep(20000);
	store_put(&theirs, "theirs");
	assert_in_range(login_reads(f, f->store), ALL, 8 * ALL);
	assert_in_range(login_reads(f, f->store), 1, FEW);
	/* What it wrote was followed, but nobody can tell that it wrote nothing else. */
	usleep(20000);
	store_put(&theirs, "theirs");
	assert_ok(store_each(f->store, &f->master, collect, &s));
	assert_int_equal(s.count, OBJECTS + 2);
	assert_in_range(login_reads(f, f->store), ALL, 8 * ALL);
	/* The other's login counts an attempt. */
	usleep(20000);
	login_reads(f, other);
	assert_in_range(login_reads(f, f->store), ALL, 8 * ALL);
	/* Another file in its place, as from a backup. */
	struct buf file;
	file_take(f, &file);
	assert_int_equal(unlink(f->file), 0);
	int fd = open(f->file, O_RDWR | O_CREAT | O_EXCL, 0600);
	assert_int_equal(write(fd, file.data, file.len), file.len);
	close(fd);
	buf_drop(&file);
	assert_in_range(login_reads(f, f->store), ALL, 8 * ALL);
	store_free(other);
}

static void a_flip_between_two_logins(void **state)
{
	struct fixture *f = *state;
	struct id name[OBJECTS];

	make_full(f, name);
	login_reads(f, f->store);
	for (unsigned k = 0; k < OBJECTS; k += 21) {
		char record[32];
		snprintf(record, sizeof record, "record %u (", k + 1);
		assert_in_range(login_reads(f, f->store), 1, FEW);
		flip_unseen(f, INSIDE(k));
		assert_damaged(f, record);
		assert_damaged(f, record); /* it does not get used to it */
		flip(f, INSIDE(k));
		assert_in_range(login_reads(f, f->store), ALL, 8 * ALL);
	}
}

/* Our own write after it does not make the file sound. */
static void a_flip_before_an_own_write(void **state)
{
	struct fixture *f = *state;
	struct id name[OBJECTS];

	make_full(f, name);
	login_reads(f, f->store);
	flip_unseen(f, INSIDE(7));
	store_put(f, "own");
	assert_damaged(f, "record 8 (");
	flip(f, INSIDE(7));
	assert_in_range(login_reads(f, f->store), ALL, 8 * ALL);
}

static dske_rc refuse(void *context, const struct id *name, const struct secret *plain)
{
	(void)context;
	(void)name;
	(void)plain;
	return rc_make(DSKE_RC_NOMEM);
}

/* Texts of what it visited, and whether that was all. */
static bool login_visits(struct fixture *f, struct seen *s)
{
	AUTO(secret) master = {0};
	bool visited;

	*s = (struct seen){0};
	assert_ok(store_login_each(f->store, STORE_PIN_USER, USER, strlen(USER), &master, collect, s, &visited));
	return visited;
}

static void a_login_that_visits(void **state)
{
	struct fixture *f = *state;
	struct store *other;
	struct seen s;
	AUTO(secret) table_key = {0};
	AUTO(secret) master = {0};
	bool visited;

	store_make(f);
	struct id a = store_put(f, "[a]"), b = store_put(f, "[b]");
	store_put(f, "[c]");
	assert_ok(store_table_key(f->store, &f->master, &table_key)); /* no object */
	assert_false(login_visits(f, &s));
	assert_int_equal(s.count, 0);
	assert_true(store_changed(f->store)); /* three wait */
	assert_ok(store_new(&other, f->dir, cheap));
	struct fixture theirs = {.store = other, .master = f->master};
	assert_true(login_visits(&theirs, &s));
	assert_string_equal(s.text, "[a][b][c]");
	assert_false(store_changed(other));
	assert_ok(store_follow(other, &f->master, collect, &s));
	assert_int_equal(s.count, 3);
	/* What it has visited it may replace; and whoever had it before hears of it at the login. */
	assert_true(login_visits(f, &s));
	usleep(20000);
	store_alter(&theirs, &a, "[A]");
	assert_ok(store_remove(other, &f->master, &b));
	assert_true(login_visits(f, &s));
	assert_string_equal(s.text, "[c][A]-");
	assert_false(store_changed(f->store));
	/* A failing one ends it, and nobody is in. */
	usleep(20000);
	store_put(&theirs, "[d]");
	assert_rc(store_login_each(f->store, STORE_PIN_USER, USER, strlen(USER), &master, refuse, NULL, &visited), DSKE_RC_NOMEM);
	assert_null(master.data);
	assert_true(login_visits(f, &s));
	assert_string_equal(s.text, "[c][A][d]");
	store_free(other);
}

/* What a login did not open is opened before it is shown. */
static void a_flip_after_the_login(void **state)
{
	struct fixture *f = *state;
	struct id name[OBJECTS];
	struct seen s = {0};

	make_full(f, name);
	login_reads(f, f->store);
	assert_in_range(login_reads(f, f->store), 1, FEW);
	flip_unseen(f, INSIDE(9));
	dske_rc rc = store_each(f->store, &f->master, collect, &s);
	assert_rc(rc, DSKE_RC_CORRUPT);
	assert_non_null(strstr(rc_detail(rc), "record 10 ("));
	assert_int_equal(s.count, 9);
	assert_damaged(f, "record 10 (");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(own_writes_are_not_read_again), TEST(another_process_writes), TEST(a_flip_between_two_logins),
		TEST(a_flip_before_an_own_write),    TEST(a_flip_after_the_login),
		TEST(a_login_that_visits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
