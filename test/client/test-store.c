/* SPDX-License-Identifier: Apache-2.0 */
/* The token's file: PINs, their counters, and that no byte of it can be changed unnoticed. */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <argon2.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/crypto.h"
#include "client/store.h"

#define SO "so-pin-1"
#define USER "user-pin"

static const struct store_cost cheap = {.memory_kib = 8, .passes = 1};
static const uint8_t label[STORE_LABEL_LEN] = "alice                          ";

struct fixture {
	char dir[256], file[300];
	struct store *store;
	struct secret master; /* after login */
};

static void assert_ok(dske_rc rc)
{
	if (!rc_ok(rc))
		fail_msg("%s: %s", rc_name(rc), rc_detail(rc));
}

static void assert_rc(dske_rc rc, int code)
{
	if (!rc_is(rc, code))
		fail_msg("%s (%s) instead of code %d", rc_name(rc), rc_detail(rc), code);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);
	const char *tmp = getenv("TMPDIR");

	snprintf(f->dir, sizeof f->dir, "%s/dske-store-XXXXXX", tmp != NULL ? tmp : "/tmp");
	if (mkdtemp(f->dir) == NULL)
		return -1;
	snprintf(f->file, sizeof f->file, "%s/" STORE_FILE_NAME, f->dir);
	*state = f;
	return rc_ok(store_new(&f->store, f->dir, cheap)) ? 0 : -1;
}

/* Removes what a killed writer left, too. */
static int teardown(void **state)
{
	struct fixture *f = *state;
	char command[600];

	store_free(f->store);
	secret_drop(&f->master);
	snprintf(command, sizeof command, "rm -r '%s'", f->dir);
	int rc = system(command);
	free(f);
	return rc;
}

static void make(struct fixture *f)
{
	AUTO(secret) so = {0};

	assert_ok(store_init(f->store, SO, strlen(SO), label));
	assert_ok(store_login(f->store, STORE_PIN_SO, SO, strlen(SO), &so));
	assert_ok(store_set_pin(f->store, &so, STORE_PIN_USER, USER, strlen(USER)));
	assert_ok(store_login(f->store, STORE_PIN_USER, USER, strlen(USER), &f->master));
}

static struct id add(struct fixture *f, const char *text)
{
	AUTO(secret) plain = {0};
	struct id name;

	assert_ok(secret_from(&plain, text, strlen(text)));
	assert_ok(store_add(f->store, &f->master, &plain, &name));
	return name;
}

static void assert_key(struct fixture *f, const struct secret *key, enum store_pin which, const char *pin)
{
	AUTO(secret) master = {0};
	AUTO(secret) again = {0};

	assert_ok(store_login(f->store, which, pin, strlen(pin), &master));
	assert_ok(store_table_key(f->store, &master, &again));
	assert_int_equal(again.len, 32);
	assert_memory_equal(again.data, key->data, 32);
}

/* All objects' texts, one after the other. */
struct seen {
	char text[4096];
	unsigned count;
};

static dske_rc collect(void *context, const struct id *name, const struct secret *plain)
{
	struct seen *s = context;

	(void)name;
	strncat(s->text, (const char *)plain->data, plain->len);
	s->count++;
	return DSKE_OK;
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

	make(f);
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

	make(f);
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
int __real_argon2id_hash_raw(uint32_t passes, uint32_t kib, uint32_t lanes, const void *pin, size_t pin_len, const void *salt,
			     size_t salt_len, void *out, size_t out_len);
int __wrap_argon2id_hash_raw(uint32_t passes, uint32_t kib, uint32_t lanes, const void *pin, size_t pin_len, const void *salt,
			     size_t salt_len, void *out, size_t out_len);
int __wrap_argon2id_hash_raw(uint32_t passes, uint32_t kib, uint32_t lanes, const void *pin, size_t pin_len, const void *salt,
			     size_t salt_len, void *out, size_t out_len)
{
	return starved ? ARGON2_MEMORY_ALLOCATION_ERROR
		       : __real_argon2id_hash_raw(passes, kib, lanes, pin, pin_len, salt, salt_len, out, out_len);
}

static void want_of_memory_is_no_guess(void **state)
{
	struct fixture *f = *state;
	struct store_status st;
	AUTO(secret) out = {0};

	make(f);
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

	make(f);
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

	make(f);
	struct id a = add(f, "[a]"), b = add(f, "[b]"), c = add(f, "[c]");
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

	make(f);
	struct id name = add(f, "one.");
	assert_ok(store_table_key(f->store, &f->master, &key));
	assert_key(f, &key, STORE_PIN_USER, USER);
	assert_key(f, &key, STORE_PIN_SO, SO);
	(void)add(f, "two.");
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

static void another_process(void **state)
{
	struct fixture *f = *state;
	struct store *other;
	struct seen s = {0};
	AUTO(secret) plain = {0};
	struct id name;

	make(f);
	add(f, "[a]");
	assert_ok(store_each(f->store, &f->master, collect, &s));
	assert_ok(store_new(&other, f->dir, cheap));
	assert_ok(secret_from(&plain, "[b]", 3));
	assert_ok(store_add(other, &f->master, &plain, &name));
	assert_true(store_changed(f->store));
	/* What it did is read before it is written over. */
	assert_rc(store_replace(f->store, &f->master, &plain, &name), DSKE_RC_BUSY);
	s = (struct seen){0};
	assert_ok(store_each(f->store, &f->master, collect, &s));
	assert_string_equal(s.text, "[a][b]");
	/* A token that was made anew has another key, and no objects: what we hold opens nothing of it. */
	assert_ok(store_init(other, SO, strlen(SO), label));
	assert_rc(store_each(f->store, &f->master, collect, &s), DSKE_RC_STATE);
	assert_rc(store_add(f->store, &f->master, &plain, &name), DSKE_RC_STATE);
	store_free(other);
}

/* Many writers at once lose nothing. */
static void many_processes(void **state)
{
	struct fixture *f = *state;
	struct seen s = {0};
	pid_t pid[4];

	make(f);
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

/* ---- damage -------------------------------------------------------------------------------------------- */

static void file_take(const struct fixture *f, struct buf *b)
{
	assert_ok(file_read_all(b, f->file, STORE_FILE_MAX));
}

static void file_put(const struct fixture *f, const uint8_t *bytes, size_t len)
{
	int fd = open(f->file, O_WRONLY | O_TRUNC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, len), len);
	close(fd);
}

/* With the key at hand: as at the next search of a process that is logged in. */
static dske_rc look(struct fixture *f)
{
	struct seen s = {0};

	return store_each(f->store, &f->master, collect, &s);
}

static void every_byte_counts(void **state)
{
	struct fixture *f = *state;
	struct buf file;

	make(f);
	add(f, "the first object");
	add(f, "the second");
	file_take(f, &file);
	assert_ok(look(f));
	for (size_t i = 0; i < file.len; i++) {
		file.data[i] ^= 1;
		file_put(f, file.data, file.len);
		file.data[i] ^= 1;
		dske_rc rc = look(f);
		if (rc_ok(rc))
			fail_msg("a flipped bit in byte %zu was not found", i);
		/* Damage is said to be damage, and where it is. */
		assert_rc(rc, DSKE_RC_CORRUPT);
		assert_non_null(strstr(rc_detail(rc), f->file));
		assert_non_null(strstr(rc_detail(rc), i < STORE_HEADER_LEN ? "header" : "object"));
	}
	file_put(f, file.data, file.len);
	assert_ok(look(f));
	buf_drop(&file);
}

static void every_cut_counts(void **state)
{
	struct fixture *f = *state;
	struct store_status st;
	struct buf file;

	make(f);
	add(f, "the first object");
	file_take(f, &file);
	for (size_t len = 0; len < file.len; len++) {
		file_put(f, file.data, len);
		assert_rc(look(f), DSKE_RC_CORRUPT);
		if (len < STORE_HEADER_LEN)
			assert_rc(store_status(f->store, &st), DSKE_RC_CORRUPT);
	}
	buf_put(&file, "x", 1);
	file_put(f, file.data, file.len);
	assert_rc(look(f), DSKE_RC_CORRUPT);
	buf_drop(&file);
}

/* Puts a file there whose header has the right checksum, as anyone can who may write it. */
static void file_put_mended(const struct fixture *f, struct buf *b)
{
	assert_ok(crypto_sha256(b->data + STORE_HEADER_LEN - CRYPTO_SHA256_LEN, b->data,
				STORE_HEADER_LEN - CRYPTO_SHA256_LEN));
	file_put(f, b->data, b->len);
}

/* Mending the checksum does not help whoever takes an object out, swaps two, or puts one there twice. */
static void a_mended_checksum_is_not_enough(void **state)
{
	enum { AT_COUNT_END = 223, RECORD = 32 + 16 + 16 };
	struct fixture *f = *state;
	struct buf file;
	uint8_t first[RECORD];

	make(f);
	add(f, "sixteen bytes: 1");
	add(f, "sixteen bytes: 2");
	file_take(f, &file);
	assert_int_equal(file.len, STORE_HEADER_LEN + 2 * RECORD);
	uint8_t *one = file.data + STORE_HEADER_LEN, *two = one + RECORD;
	file_put_mended(f, &file);
	assert_ok(look(f));
	/* the last taken out */
	file.len -= RECORD;
	file.data[AT_COUNT_END]--;
	file_put_mended(f, &file);
	assert_rc(look(f), DSKE_RC_CORRUPT);
	file.len += RECORD;
	file.data[AT_COUNT_END]++;
	/* swapped */
	memcpy(first, one, RECORD);
	memcpy(one, two, RECORD);
	memcpy(two, first, RECORD);
	file_put_mended(f, &file);
	assert_rc(look(f), DSKE_RC_CORRUPT);
	/* twice the same */
	memcpy(one, first, RECORD);
	file_put_mended(f, &file);
	assert_rc(look(f), DSKE_RC_CORRUPT);
	buf_drop(&file);
}

static void a_header_of_another_hand(void **state)
{
	enum { AT_LABEL = 24, AT_USER_FAILED = 57 };
	struct fixture *f = *state;
	struct buf file;

	make(f);
	file_take(f, &file);
	file.data[AT_LABEL] ^= 1;
	file_put_mended(f, &file);
	assert_rc(look(f), DSKE_RC_CORRUPT);
	file.data[AT_LABEL] ^= 1;
	/* The count of failed attempts changes without the key, and is not under its MAC. */
	file.data[AT_USER_FAILED] ^= 1;
	file_put_mended(f, &file);
	assert_ok(look(f));
	buf_drop(&file);
}

static void a_damaged_token_refuses_a_login(void **state)
{
	struct fixture *f = *state;
	struct buf file;
	AUTO(secret) out = {0};

	make(f);
	add(f, "the first object");
	file_take(f, &file);
	file.data[file.len - 1] ^= 0x80;
	file_put(f, file.data, file.len);
	dske_rc rc = store_login(f->store, STORE_PIN_USER, USER, strlen(USER), &out);
	assert_rc(rc, DSKE_RC_CORRUPT);
	assert_non_null(strstr(rc_detail(rc), "object 1"));
	assert_null(out.data);
	buf_drop(&file);
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

	make(f);
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
	kill(pid, SIGKILL);
	int status = 0;
	waitpid(pid, &status, 0);
	assert_true(WIFSIGNALED(status));
	assert_ok(store_status(f->store, &st));
	assert_int_equal(st.so_failed, 1);
	store_free(slow);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(fresh_token), TEST(both_pins_open_the_same), TEST(lock_out), TEST(want_of_memory_is_no_guess), TEST(so_lock_out), TEST(objects), TEST(the_key_of_the_tables),
		TEST(another_process), TEST(many_processes), TEST(every_byte_counts), TEST(every_cut_counts),
		TEST(a_mended_checksum_is_not_enough), TEST(a_header_of_another_hand), TEST(a_damaged_token_refuses_a_login), TEST(impossible_costs),
		TEST(killed_writers), TEST(killed_guesses),
	};

	return cmocka_run_group_tests_name("the token's store", tests, NULL, NULL);
}
