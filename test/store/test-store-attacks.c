/* SPDX-License-Identifier: Apache-2.0 */
/* The token's file in the hands of somebody who may write it, or its folder, once and without a PIN: what he takes out or
 * puts in is noticed, by processes that have it open too.  (A whole older file is an older file: doc/threat-model.md.) */
#include <config.h>

#include "test/store/fixture.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

/* The last change undone by what the file itself has: the mark before it is there, too. */
static void the_last_record_is_missed(void **state)
{
	struct fixture *f = *state;
	struct buf file;
	uint8_t kept[MARK];

	struct map m = store_four(f, &file);
	uint8_t *newest = file.data + mark_at(&file, true), *other = file.data + mark_at(&file, false);
	memset(file.data + m.at[3], 0, m.len[3]);
	memcpy(kept, newest, MARK);
	newest[20] ^= 1; /* as if it were torn */
	assert_found(f, &file);
	memset(newest, 0, MARK);
	assert_found(f, &file);
	memcpy(newest, other, MARK);
	assert_found(f, &file);
	memcpy(other, kept, MARK); /* exchanged */
	assert_found(f, &file);
	buf_drop(&file);
}

/* Nor of the objects that a new file begins with. */
static void what_a_new_file_has_is_missed(void **state)
{
	struct fixture *f = *state;
	struct buf file;

	store_four(f, &file);
	assert_ok(store_set_pin(f->store, &f->master, STORE_PIN_USER, "another", 7));
	buf_drop(&file);
	file_take(f, &file);
	struct map m = map_of(&file);
	memset(file.data + m.at[3], 0, m.len[3]);
	assert_found(f, &file);
	memset(file.data + MARKS_AT, 0, MARK);
	assert_found(f, &file);
	buf_drop(&file);
}

/* Whoever is logged in would seal the header anew when he next makes a new file. */
static void a_header_that_changes_meanwhile(void **state)
{
	enum { AT_USER_SET = 56 };
	struct fixture *f = *state;
	AUTO(secret) so = {0};
	AUTO(secret) plain = {0};
	struct id name;
	struct buf file;

	store_make(f);
	assert_ok(store_login(f->store, STORE_PIN_SO, SO, strlen(SO), &so));
	assert_ok(store_reset_pin(f->store, &so, "the SO's", 8));
	store_put(f, "[a]");
	assert_ok(store_follow(f->store, &f->master, collect, &(struct seen){0}));
	file_take(f, &file);
	file.data[AT_USER_SET] = 1; /* nobody shall see that the SO did that */
	file_put_mended(f, &file);
	assert_ok(secret_from(&plain, "[b]", 3));
	assert_rc(store_add(f->store, &f->master, &plain, &name), DSKE_RC_CORRUPT);
	assert_rc(store_follow(f->store, &f->master, collect, &(struct seen){0}), DSKE_RC_CORRUPT);
	buf_drop(&file);
}

/* Another client's with the same PIN, and parts of it. */
static void another_tokens_file(void **state)
{
	struct fixture *f = *state;
	struct fixture *other;
	struct buf ours, theirs;
	void *made;

	struct map m = store_four(f, &ours);
	assert_int_equal(store_setup(&made), 0);
	other = made;
	struct map n = store_four(other, &theirs);
	assert_memory_equal(&m, &n, sizeof m);
	file_put(f, theirs.data, theirs.len);
	assert_rc(look(f, NULL), DSKE_RC_STATE);
	uint8_t *swapped = malloc(theirs.len);
	assert_non_null(swapped);
	const size_t parts[][2] = {{0, STORE_HEADER_LEN}, {mark_at(&ours, false), MARK}, {m.at[3], m.len[3]}, {m.at[0], m.end - m.at[0]},
				   {STORE_HEADER_LEN, ours.len - STORE_HEADER_LEN}};
	for (size_t k = 0; k < sizeof parts / sizeof parts[0]; k++) {
		memcpy(swapped, ours.data, ours.len);
		memcpy(swapped + parts[k][0], theirs.data + parts[k][0], parts[k][1]);
		file_put(f, swapped, ours.len);
		assert_false(rc_ok(look(f, NULL)));
	}
	file_put(f, ours.data, ours.len);
	assert_ok(look(f, NULL));
	free(swapped);
	buf_drop(&ours);
	buf_drop(&theirs);
	store_teardown(&made);
}

/* --wrap: a new file takes the place of one that is being read. */
static struct fixture *meddled;
dske_rc __real_file_pread(int fd, void *out, size_t len, uint64_t offset);
dske_rc __wrap_file_pread(int fd, void *out, size_t len, uint64_t offset);
dske_rc __wrap_file_pread(int fd, void *out, size_t len, uint64_t offset)
{
	struct fixture *f = meddled;
	struct store *another;

	meddled = NULL;
	if (f != NULL) {
		assert_ok(store_new(&another, f->dir, cheap));
		assert_ok(store_set_pin(another, &f->master, STORE_PIN_USER, USER, strlen(USER)));
		store_free(another);
	}
	return __real_file_pread(fd, out, len, offset);
}

static void status_of_a_file_that_is_replaced(void **state)
{
	struct fixture *f = *state;
	struct store_status st;

	store_make(f);
	meddled = f;
	assert_ok(store_status(f->store, &st));
	assert_null(meddled);
	assert_true(st.initialised && st.user_pin_set);
	assert_memory_equal(st.label, label, sizeof label);
}

/* What is overwritten before it goes is ours alone. */
static void a_leftover_with_another_name(void **state)
{
	struct fixture *f = *state;
	char kept[320], left[320];
	struct buf b;

	store_make(f);
	snprintf(kept, sizeof kept, "%s/kept", f->dir);
	snprintf(left, sizeof left, "%s.new", f->file);
	assert_ok(file_replace(kept, "not a token", 11, 0600));
	assert_int_equal(link(kept, left), 0);
	assert_ok(store_set_pin(f->store, &f->master, STORE_PIN_USER, "another", 7));
	assert_int_equal(access(left, F_OK), -1);
	assert_ok(file_read_all(&b, kept, 100));
	assert_int_equal(b.len, 11);
	assert_memory_equal(b.data, "not a token", 11);
	buf_drop(&b);
}

/* A link is not followed, and nothing is waited for. */
static void no_ordinary_file(void **state)
{
	struct fixture *f = *state;
	struct store_status st;
	char moved[320];
	struct buf before, after;

	store_make(f);
	store_put(f, "[a]");
	snprintf(moved, sizeof moved, "%s/moved", f->dir);
	file_take(f, &before);
	assert_int_equal(rename(f->file, moved), 0);
	assert_int_equal(symlink("moved", f->file), 0);
	assert_false(rc_ok(store_status(f->store, &st)));
	assert_false(rc_ok(look(f, NULL)));
	assert_ok(file_read_all(&after, moved, STORE_FILE_MAX));
	assert_int_equal(after.len, before.len);
	assert_memory_equal(after.data, before.data, after.len);
	assert_int_equal(unlink(f->file), 0);
	assert_int_equal(mkfifo(f->file, 0600), 0);
	assert_rc(store_status(f->store, &st), DSKE_RC_FORMAT);
	assert_rc(look(f, NULL), DSKE_RC_FORMAT);
	buf_drop(&before);
	buf_drop(&after);
}

/* On a disk that is full a key can still be destroyed, where there is room for as much as says so. */
static void a_full_disk(void **state)
{
	struct fixture *f = *state;
	struct rlimit former, few;
	AUTO(secret) plain = {0};
	struct seen s = {0};
	struct id name, kept[40];
	unsigned count = 0;

	store_make(f);
	assert_ok(secret_from(&plain, "a key of some length, of which there come as many as there is room for", 70));
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &former), 0);
	few = (struct rlimit){STORE_RECORDS_AT + 70000, former.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &few), 0);
	dske_rc rc = store_add(f->store, &f->master, &plain, &name);
	for (; rc_ok(rc); rc = store_add(f->store, &f->master, &plain, &name))
		kept[count++ % 40] = name;
	assert_rc(rc, DSKE_RC_IO);
	assert_in_range(count, 420, 427); /* of 70 + 96 bytes */
	assert_ok(store_remove(f->store, &f->master, &kept[0]));
	assert_ok(store_each(f->store, &f->master, collect, &s));
	assert_int_equal(s.count, count - 1);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &former), 0);
	assert_ok(store_add(f->store, &f->master, &plain, &name));
	assert_ok(look(f, &s));
	assert_int_equal(s.count, count);
}

/* What root writes there its owner could not open any more. */
static void a_folder_of_somebody_else(void **state)
{
	struct fixture *f = *state;
	AUTO(secret) master = {0};
	char lock[320];

	if (geteuid() != 0)
		skip();
	store_make(f);
	snprintf(lock, sizeof lock, "%s.login", f->file);
	assert_int_equal(unlink(lock), 0);
	assert_int_equal(chown(f->dir, 12345, 12345), 0);
	assert_rc(store_login(f->store, STORE_PIN_USER, USER, strlen(USER), &master), DSKE_RC_DENIED);
	assert_int_equal(access(lock, F_OK), -1);
	assert_int_equal(chown(f->dir, 0, 0), 0);
	assert_ok(store_login(f->store, STORE_PIN_USER, USER, strlen(USER), &master));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_last_record_is_missed), TEST(what_a_new_file_has_is_missed), TEST(a_header_that_changes_meanwhile),
		TEST(another_tokens_file), TEST(status_of_a_file_that_is_replaced), TEST(a_leftover_with_another_name),
		TEST(no_ordinary_file), TEST(a_full_disk), TEST(a_folder_of_somebody_else),
	};

	return cmocka_run_group_tests_name("the token's file in other hands", tests, NULL, NULL);
}
