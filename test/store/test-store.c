/* SPDX-License-Identifier: Apache-2.0 */
/* The token's store: PINs and their counters, objects, and many processes at them. */
#include <config.h>

#include "test/store/fixture.h"

#include <argon2.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/crypto.h"
#include "base/file.h"

static void assert_key(struct fixture *f, const struct secret *key, enum store_pin which, const char *pin)
{
	AUTO(secret) master = {0};
	AUTO(secret) again = {0};

	assert_ok(store_login(f->store, which, pin, strlen(pin), &master));
	assert_ok(store_table_key(f->store, &master, &again));
	assert_int_equal(again.len, 32);
	assert_memory_equal(again.data, key->data, 32);
}

static void fresh_token(void **state)
{
	struct fixture *f = *state;
	struct store_status st;
	AUTO(secret) none = {0};

	assert_ok(store_status(f->store, &st));
	assert_false(st.initialised);
	assert_rc(store_login(f->store, STORE_PIN_USER, USER, strlen(USER), &none), DSKE_RC_STATE);
	assert_ok(store_init(f->store, SO, strlen(SO), label));
	assert_ok(store_status(f->store, &st));
	assert_true(st.initialised);
	assert_false(st.user_pin_set);
	assert_memory_equal(st.label, label, sizeof label);
	assert_rc(store_login(f->store, STORE_PIN_USER, USER, strlen(USER), &none), DSKE_RC_STATE);
	assert_null(none.data);
	struct stat file;
	assert_int_equal(stat(f->file, &file), 0);
	assert_int_equal(file.st_mode & 0777, 0600);
}

static void both_pins_open_the_same(void **state)
{
	struct fixture *f = *state;
	AUTO(secret) so = {0};
	AUTO(secret) wrong = {0};

	store_make(f);
	assert_ok(store_login(f->store, STORE_PIN_SO, SO, strlen(SO), &so));
	assert_int_equal(so.len, f->master.len);
	assert_memory_equal(so.data, f->master.data, so.len);
	/* Neither opens the other's place. */
	assert_rc(store_login(f->store, STORE_PIN_USER, SO, strlen(SO), &wrong), DSKE_RC_PIN);
	assert_rc(store_login(f->store, STORE_PIN_SO, USER, strlen(USER), &wrong), DSKE_RC_PIN);
	assert_null(wrong.data);
}

static void lock_out(void **state)
{
	struct fixture *f = *state;
	struct store_status st;
	AUTO(secret) out = {0};

	store_make(f);
	for (unsigned i = 1; i < STORE_ATTEMPTS; i++) {
		assert_rc(store_login(f->store, STORE_PIN_USER, "wrong", 5, &out), DSKE_RC_PIN);
		assert_ok(store_status(f->store, &st));
		assert_int_equal(st.user_failed, i);
	}
	/* The right one clears the count. */
	assert_ok(store_login(f->store, STORE_PIN_USER, USER, strlen(USER), &out));
	assert_ok(store_status(f->store, &st));
	assert_int_equal(st.user_failed, 0);
	secret_drop(&out);
	for (unsigned i = 1; i < STORE_ATTEMPTS; i++)
		assert_rc(store_login(f->store, STORE_PIN_USER, "wrong", 5, &out), DSKE_RC_PIN);
	assert_rc(store_login(f->store, STORE_PIN_USER, "wrong", 5, &out), DSKE_RC_PIN_LOCKED);
	assert_rc(store_login(f->store, STORE_PIN_USER, USER, strlen(USER), &out), DSKE_RC_PIN_LOCKED);
	assert_null(out.data);
	/* The SO unlocks it. */
	assert_ok(store_login(f->store, STORE_PIN_SO, SO, strlen(SO), &out));
	assert_ok(store_set_pin(f->store, &out, STORE_PIN_USER, "another", 7));
	secret_drop(&out);
	assert_ok(store_login(f->store, STORE_PIN_USER, "another", 7, &out));
}

/* --wrap: as when there is no memory for it. */
static bool starved;
static void (*meanwhile)(void); /* what others do while it computes */
int __real_argon2id_hash_raw(uint32_t passes, uint32_t kib, uint32_t lanes, const void *pin, size_t pin_len, const void *salt,
			     size_t salt_len, void *out, size_t out_len);
int __wrap_argon2id_hash_raw(uint32_t passes, uint32_t kib, uint32_t lanes, const void *pin, size_t pin_len, const void *salt,
			     size_t salt_len, void *out, size_t out_len);
int __wrap_argon2id_hash_raw(uint32_t passes, uint32_t kib, uint32_t lanes, const void *pin, size_t pin_len, const void *salt,
			     size_t salt_len, void *out, size_t out_len)
{
	if (meanwhile != NULL)
		meanwhile();
	return starved ? ARGON2_MEMORY_ALLOCATION_ERROR
		       : __real_argon2id_hash_raw(passes, kib, lanes, pin, pin_len, salt, salt_len, out, out_len);
}

static void want_of_memory_is_no_guess(void **state)
{
	struct fixture *f = *state;
	struct store_status st;
	AUTO(secret) out = {0};

	store_make(f);
	assert_rc(store_login(f->store, STORE_PIN_USER, "wrong", 5, &out), DSKE_RC_PIN);
	starved = true;
	for (unsigned i = 0; i < 2 * STORE_ATTEMPTS; i++)
		assert_rc(store_login(f->store, STORE_PIN_USER, USER, strlen(USER), &out), DSKE_RC_NOMEM);
	starved = false;
	assert_ok(store_status(f->store, &st));
	assert_int_equal(st.user_failed, 1); /* nor does it forgive one */
	assert_ok(store_login(f->store, STORE_PIN_USER, USER, strlen(USER), &out));
}

static void so_lock_out(void **state)
{
	struct fixture *f = *state;
	AUTO(secret) out = {0};

	store_make(f);
	/* A new token wants the former SO PIN, and that counts too. */
	for (unsigned i = 1; i < STORE_ATTEMPTS; i++)
		assert_rc(store_init(f->store, "wrong", 5, label), DSKE_RC_PIN);
	assert_rc(store_init(f->store, "wrong", 5, label), DSKE_RC_PIN_LOCKED);
	assert_rc(store_init(f->store, SO, strlen(SO), label), DSKE_RC_PIN_LOCKED);
	assert_ok(store_login(f->store, STORE_PIN_USER, USER, strlen(USER), &out));
}

static void objects(void **state)
{
	struct fixture *f = *state;
	struct seen s = {0};
	AUTO(secret) changed = {0};

	store_make(f);
	struct id a = store_put(f, "[a]"), b = store_put(f, "[b]"), c = store_put(f, "[c]");
	assert_ok(store_each(f->store, &f->master, collect, &s));
	assert_string_equal(s.text, "[a][b][c]");
	assert_false(store_changed(f->store));
	assert_ok(store_remove(f->store, &f->master, &b));
	assert_rc(store_remove(f->store, &f->master, &b), DSKE_RC_NOT_FOUND);
	assert_ok(secret_from(&changed, "[A, longer]", 11));
	assert_ok(store_replace(f->store, &f->master, &changed, &a));
	assert_false(store_changed(f->store)); /* it was us */
	s = (struct seen){0};
	assert_ok(store_each(f->store, &f->master, collect, &s));
	assert_string_equal(s.text, "[c][A, longer]");
	assert_ok(store_remove(f->store, &f->master, &c));
	assert_ok(store_remove(f->store, &f->master, &a));
	s = (struct seen){0};
	assert_ok(store_each(f->store, &f->master, collect, &s));
	assert_int_equal(s.count, 0);
}

/* Whatever becomes of PINs and token, the key of the tables stays; and it is no object. */
static void the_key_of_the_tables(void **state)
{
	struct fixture *f = *state;
	struct seen seen = {0};
	AUTO(secret) key = {0};
	AUTO(secret) master = {0};
	AUTO(secret) other = {0};

	store_make(f);
	struct id name = store_put(f, "one.");
	assert_ok(store_table_key(f->store, &f->master, &key));
	assert_key(f, &key, STORE_PIN_USER, USER);
	assert_key(f, &key, STORE_PIN_SO, SO);
	(void)store_put(f, "two.");
	assert_ok(store_remove(f->store, &f->master, &name));
	assert_ok(store_each(f->store, &f->master, collect, &seen));
	assert_string_equal(seen.text, "two.");
	assert_int_equal(seen.count, 1);
	assert_ok(store_set_pin(f->store, &f->master, STORE_PIN_USER, "another", 7));
	assert_key(f, &key, STORE_PIN_USER, "another");
	assert_rc(store_open_table_key(f->dir, USER, strlen(USER), &other), DSKE_RC_PIN);
	assert_int_equal(other.len, 0);
	assert_ok(store_open_table_key(f->dir, "another", 7, &other));
	assert_memory_equal(other.data, key.data, 32);
	/* Made anew: the objects are gone, the key is not. */
	assert_rc(store_init(f->store, "not the SO", 10, label), DSKE_RC_PIN);
	assert_ok(store_init(f->store, SO, strlen(SO), label));
	assert_key(f, &key, STORE_PIN_SO, SO);
	seen = (struct seen){0};
	assert_ok(store_login(f->store, STORE_PIN_SO, SO, strlen(SO), &master));
	assert_ok(store_each(f->store, &master, collect, &seen));
	assert_int_equal(seen.count, 0);
	assert_rc(store_table_key(f->store, &f->master, &other), DSKE_RC_STATE); /* under the former master key */
}

/* Somebody logs in for the first time, and has the key drawn, while the token is made anew. */
static struct fixture *drawing;
static struct secret drawn;
static void draw_table_key(void)
{
	static unsigned calls;
	struct store *other;

	if (++calls != 2) /* the former PIN was tried; the new one is being set */
		return;
	assert_ok(store_new(&other, drawing->dir, cheap));
	assert_ok(store_table_key(other, &drawing->master, &drawn));
	store_free(other);
}

static void a_key_that_is_just_drawn(void **state)
{
	struct fixture *f = *state;

	store_make(f);
	drawing = f;
	meanwhile = draw_table_key;
	dske_rc rc = store_init(f->store, SO, strlen(SO), label);
	meanwhile = NULL;
	assert_ok(rc);
	assert_int_equal(drawn.len, 32);
	assert_key(f, &drawn, STORE_PIN_SO, SO);
	secret_drop(&drawn);
}

static void another_process(void **state)
{
	struct fixture *f = *state;
	struct store *other;
	struct seen s = {0};
	AUTO(secret) plain = {0};
	struct id name;

	store_make(f);
	struct id mine = store_put(f, "[a]");
	assert_ok(store_each(f->store, &f->master, collect, &s));
	assert_ok(store_new(&other, f->dir, cheap));
	assert_ok(secret_from(&plain, "[b]", 3));
	assert_ok(store_add(other, &f->master, &plain, &name));
	assert_true(store_changed(f->store));
	/* What it did is read before it is written over; but what it did not touch need not be read again. */
	assert_rc(store_replace(f->store, &f->master, &plain, &name), DSKE_RC_BUSY);
	store_alter(f, &mine, "[A]");
	s = (struct seen){0};
	assert_ok(store_follow(f->store, &f->master, collect, &s));
	assert_string_equal(s.text, "[b]");
	store_alter(f, &name, "[B]");
	assert_rc(store_replace(other, &f->master, &plain, &name), DSKE_RC_BUSY);
	s = (struct seen){0};
	assert_ok(store_each(f->store, &f->master, collect, &s));
	assert_string_equal(s.text, "[A][B]");
	/* A token that was made anew has another key, and no objects: what we hold opens nothing of it. */
	assert_ok(store_init(other, SO, strlen(SO), label));
	assert_rc(store_each(f->store, &f->master, collect, &s), DSKE_RC_STATE);
	assert_rc(store_add(f->store, &f->master, &plain, &name), DSKE_RC_STATE);
	store_free(other);
}

/* Whoever follows hears of each change once, and of what it did itself only what it cannot know. */
static void changes_are_followed(void **state)
{
	struct fixture *f = *state;
	struct store *other;
	struct seen s = {0};

	store_make(f);
	struct id a = store_put(f, "[a]"), b = store_put(f, "[b]");
	assert_true(store_changed(f->store));
	assert_ok(store_follow(f->store, &f->master, collect, &s));
	assert_string_equal(s.text, "[a][b]");
	assert_false(store_changed(f->store));
	assert_ok(store_follow(f->store, &f->master, collect, &s));
	assert_int_equal(s.count, 2);
	assert_ok(store_new(&other, f->dir, cheap));
	struct fixture theirs = {.store = other, .master = f->master};
	s = (struct seen){0};
	assert_ok(store_each(other, &f->master, collect, &s));
	struct id c = store_put(&theirs, "[c]");
	assert_ok(store_remove(other, &f->master, &c)); /* as if it had never been */
	store_alter(&theirs, &b, "[b2]");
	store_alter(&theirs, &b, "[b3]");
	assert_ok(store_remove(other, &f->master, &a));
	assert_ok(store_set_pin(other, &f->master, STORE_PIN_USER, USER, strlen(USER))); /* another file */
	s = (struct seen){0};
	assert_true(store_changed(f->store));
	assert_ok(store_follow(f->store, &f->master, collect, &s));
	assert_string_equal(s.text, "[b3]-");
	assert_false(store_changed(f->store));
	store_free(other);
}

/* Some hosts close all descriptors that they do not know, and open others. */
static void a_host_that_closes_descriptors(void **state)
{
	struct fixture *f = *state;
	struct seen s = {0};
	char path[320];

	store_make(f);
	store_put(f, "[a]");
	assert_ok(store_follow(f->store, &f->master, collect, &s));
	snprintf(path, sizeof path, "%s/other", f->dir);
	for (int fd = 3; fd < 64; fd++)
		close(fd);
	int other = open(path, O_RDWR | O_CREAT, 0600);
	for (int k = 0; k < 20; k++)
		assert_true(dup(other) > other);
	/* even where another file is to be looked at now */
	assert_ok(store_set_pin(f->store, &f->master, STORE_PIN_USER, USER, strlen(USER)));
	store_put(f, "[b]");
	assert_true(store_changed(f->store));
	assert_ok(store_follow(f->store, &f->master, collect, &s));
	assert_string_equal(s.text, "[a][b]");
	assert_false(store_changed(f->store));
	for (int k = 0; k <= 20; k++)
		assert_int_equal(fcntl(other + k, F_GETFD), 0); /* theirs are theirs */
	for (int k = 0; k <= 20; k++)
		close(other + k);
	struct stat st;
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, 0);
}

/* Records that are dead go, and whoever reads on in the new file misses nothing and hears nothing twice. */
static void the_file_stays_small(void **state)
{
	enum { LONG = 5000 };
	struct fixture *f = *state;
	struct store *other;
	struct seen s = {0}, theirs = {0};
	char text[LONG + 1];

	store_make(f);
	store_put(f, "[a]");
	memset(text, 'x', LONG);
	text[LONG] = '\0';
	struct id b = store_put(f, text);
	assert_ok(store_new(&other, f->dir, cheap));
	assert_ok(store_each(other, &f->master, collect, &theirs));
	assert_int_equal(theirs.count, 2);
	assert_ok(store_each(f->store, &f->master, collect, &s));
	for (int k = 0; k < 100; k++) {
		struct stat st;
		text[0] = (char)('a' + k % 26);
		store_alter(f, &b, text);
		if (k % 7 == 0)
			assert_ok(store_follow(other, &f->master, collect, &theirs));
		assert_int_equal(stat(f->file, &st), 0);
		assert_in_range(st.st_size, STORE_RECORDS_AT, 400000);
	}
	assert_int_equal(theirs.count, 2 + 15);
	assert_ok(look(f, &s));
	assert_int_equal(s.count, 2);
	assert_string_equal(strchr(s.text, ']') + 1, text);
	store_free(other);
}

/* Many objects cost what they are, and one more what it is. */
static void ten_thousand(void **state)
{
	enum { MANY = 10000 };
	struct fixture *f = *state;
	struct store *other;
	struct seen s = {0};

	store_make(f);
	for (int k = 0; k < MANY; k++)
		store_put(f, "one of ten thousand keys, with its attributes");
	assert_ok(look(f, &s));
	assert_int_equal(s.count, MANY);
	assert_ok(store_new(&other, f->dir, cheap));
	s = (struct seen){0};
	assert_ok(store_each(other, &f->master, collect, &s));
	assert_int_equal(s.count, MANY);
	store_put(f, "and one");
	assert_ok(store_follow(other, &f->master, collect, &s));
	assert_int_equal(s.count, MANY + 1);
	store_free(other);
}

/* Many writers at once lose nothing. */
static void many_processes(void **state)
{
	struct fixture *f = *state;
	struct seen s = {0};
	pid_t pid[4];

	store_make(f);
	/* A child's secrets are emptied: each logs in for itself. */
	for (int i = 0; i < 4; i++) {
		pid[i] = fork();
		if (pid[i] == 0) {
			struct store *mine;
			struct secret master = {0}, plain = {0};
			struct id name;
			bool good = rc_ok(store_new(&mine, f->dir, cheap)) &&
				    rc_ok(store_login(mine, STORE_PIN_USER, USER, strlen(USER), &master)) &&
				    rc_ok(secret_from(&plain, "x", 1));
			for (int k = 0; k < 4 && good; k++)
				good = rc_ok(store_add(mine, &master, &plain, &name));
			_exit(!good);
		}
	}
	for (int i = 0; i < 4; i++) {
		int status = -1;
		waitpid(pid[i], &status, 0);
		assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	}
	assert_ok(store_each(f->store, &f->master, collect, &s));
	assert_int_equal(s.count, 16);
}

/* A cost that would take all memory is refused before it is spent. */
static void impossible_costs(void **state)
{
	struct fixture *f = *state;
	struct store *greedy;
	AUTO(secret) out = {0};

	assert_ok(store_new(&greedy, f->dir, (struct store_cost){.memory_kib = 8, .passes = 1000}));
	assert_ok(store_init(greedy, SO, strlen(SO), label));
	dske_rc rc = store_login(greedy, STORE_PIN_SO, SO, strlen(SO), &out);
	assert_rc(rc, DSKE_RC_CORRUPT);
	assert_non_null(strstr(rc_detail(rc), "cost"));
	store_free(greedy);
}

/* Killed at any moment, a writer leaves the token as it was or as it was to be. */
static void killed_writers(void **state)
{
	struct fixture *f = *state;
	unsigned before = 0;

	store_make(f);
	for (int i = 0; i < 15; i++) {
		struct seen s = {0};
		pid_t pid = fork();
		if (pid == 0) {
			struct store *mine;
			struct secret master = {0}, plain = {0};
			struct id name;
			bool good = rc_ok(store_new(&mine, f->dir, cheap)) &&
				    rc_ok(store_login(mine, STORE_PIN_USER, USER, strlen(USER), &master)) &&
				    rc_ok(secret_from(&plain, "x", 1));
			while (good)
				good = rc_ok(store_add(mine, &master, &plain, &name));
			_exit(1);
		}
		usleep((useconds_t)(500 + i * 797));
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		assert_ok(store_each(f->store, &f->master, collect, &s));
		assert_true(s.count >= before);
		before = s.count;
	}
	AUTO(secret) out = {0};
	assert_ok(store_login(f->store, STORE_PIN_USER, USER, strlen(USER), &out));
}

/* An attempt is counted before it is made: killing the process that tries gives no free one. */
static void killed_guesses(void **state)
{
	struct fixture *f = *state;
	struct store_status st;
	struct store *slow;
	AUTO(secret) out = {0};

	/* So slow that it is killed while it computes. */
	assert_ok(store_new(&slow, f->dir, (struct store_cost){.memory_kib = 64 << 10, .passes = 20}));
	assert_ok(store_init(slow, SO, strlen(SO), label));
	assert_ok(store_login(slow, STORE_PIN_SO, SO, strlen(SO), &f->master));
	pid_t pid = fork();
	if (pid == 0) {
		(void)store_login(slow, STORE_PIN_SO, "wrong", 5, &out);
		_exit(0);
	}
	for (int i = 0; i < 500; i++) {
		assert_ok(store_status(f->store, &st));
		if (st.so_failed > 0)
			break;
		usleep(1000);
	}
	/* Nobody else waits for it. */
	store_put(f, "[a]");
	int status = 0;
	assert_int_equal(waitpid(pid, &status, WNOHANG), 0);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	assert_true(WIFSIGNALED(status));
	assert_ok(store_status(f->store, &st));
	assert_int_equal(st.so_failed, 1);
	store_free(slow);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(fresh_token), TEST(both_pins_open_the_same), TEST(lock_out), TEST(want_of_memory_is_no_guess),
		TEST(so_lock_out), TEST(objects), TEST(the_key_of_the_tables), TEST(a_key_that_is_just_drawn), TEST(another_process),
		TEST(changes_are_followed),
		TEST(a_host_that_closes_descriptors), TEST(the_file_stays_small), TEST(ten_thousand), TEST(many_processes),
		TEST(impossible_costs), TEST(killed_writers), TEST(killed_guesses),
	};

	return cmocka_run_group_tests_name("the token's store", tests, NULL, NULL);
}
