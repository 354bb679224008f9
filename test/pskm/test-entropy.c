/* SPDX-License-Identifier: Apache-2.0 */
/* Sources of entropy: combined, and every way in which one fails. */
#include "config.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pskm/entropy.h"
#include "test/pskm/fixture.h"

#define STALL_MS 50

/* Bytes that pass the tests, another sequence for each seed. */
static void fill_stream(uint8_t *out, size_t len, uint64_t seed)
{
	for (size_t i = 0; i < len; i++) {
		seed ^= seed >> 12;
		seed ^= seed << 25;
		seed ^= seed >> 27;
		out[i] = (uint8_t)(seed * 0x2545F4914F6CDD1D >> 56);
	}
}

struct bench {
	struct path dir;
	struct path spec;
	struct entropy e;
	uint8_t bytes[60000];
};

static int setup(void **state)
{
	struct bench *b = calloc(1, sizeof *b);

	scratch_make(&b->dir);
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;

	scratch_remove(&b->dir);
	free(b);
	return 0;
}

/* A pipe with a name, and both its ends in hand. */
static struct fd make_pipe(struct bench *b, const char *name)
{
	const char *path = scratch_path(&b->dir, name);
	struct fd f = {-1};

	assert_int_equal(mkfifo(path, 0600), 0);
	f.n = open(path, O_RDWR | O_CLOEXEC);
	assert_true(f.n >= 0);
	return f;
}

static void pour(const struct fd *pipe, const uint8_t *bytes, size_t len)
{
	assert_int_equal(write(pipe->n, bytes, len), (ssize_t)len);
}

/* entropy_open with DIR in front of each name that begins with '@'. */
static dske_rc open_spec(struct bench *b, const char *spec)
{
	size_t at = 0;

	for (const char *p = spec; *p != '\0'; p++)
		at += (size_t)snprintf(b->spec.s + at, sizeof b->spec.s - at, *p == '@' ? "%s/" : "%.1s",
				       *p == '@' ? b->dir.s : p);
	return entropy_open(&b->e, b->spec.s, STALL_MS);
}

static void assert_says(dske_rc rc, const char *what)
{
	assert_non_null(strstr(rc_detail(rc), what));
}

/* It fails as it should, and gives nothing afterwards. */
static void assert_refused(struct bench *b, const char *spec, const char *name, const char *what)
{
	uint8_t out[64];
	dske_rc rc = open_spec(b, spec);

	assert_string_equal(rc_name(rc), name);
	assert_says(rc, what);
	assert_rc(entropy_fill(&b->e, out, sizeof out), IO);
	entropy_drop(&b->e);
}

/* ---- the specification -------------------------------------------------------------------------- */

static void test_check(void **state)
{
	static const char *const good[] = {"kernel", "/dev/hwrng", "kernel+/dev/hwrng", "/a+/b+kernel", "/a b"};
	static const char *const bad[] = {"", "+", "kernel+", "+kernel", "Kernel", "hwrng", "./file", "kernel,/dev/hwrng",
					  "kernel+kernel", "/a+kernel+/a", "/1+/2+/3+/4+/5+/6+/7+/8+/9"};

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
		assert_ok(entropy_check(good[i]));
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_rc(entropy_check(bad[i]), ARGS);
}

static void test_check_length(void **state)
{
	char text[ENTROPY_SPEC_MAX + 2];

	(void)state;
	memset(text, '/', sizeof text);
	text[ENTROPY_SPEC_MAX] = '\0';
	assert_ok(entropy_check(text));
	text[ENTROPY_SPEC_MAX] = '/';
	text[ENTROPY_SPEC_MAX + 1] = '\0';
	assert_rc(entropy_check(text), ARGS);
}

static void test_not_there(void **state)
{
	struct bench *b = *state;

	assert_refused(b, "kernel+@none", "NOT_FOUND", "none");
	assert_refused(b, "@", "ARGS", "is a folder");
	assert_refused(b, "kernal", "ARGS", "'kernal'");
}

/* What would be the same, or nothing, the next time. */
static void test_same_again(void **state)
{
	struct bench *b = *state;

	fill_stream(b->bytes, sizeof b->bytes, 1);
	scratch_write(&b->dir, "one", b->bytes, sizeof b->bytes);
	scratch_write(&b->dir, "two", b->bytes, sizeof b->bytes);
	char target[4096];
	snprintf(target, sizeof target, "%s", scratch_path(&b->dir, "one"));
	assert_int_equal(link(target, scratch_path(&b->dir, "hard")), 0);
	assert_int_equal(symlink(target, scratch_path(&b->dir, "soft")), 0);
	assert_int_equal(symlink("/dev/zero", scratch_path(&b->dir, "zero")), 0);
	assert_refused(b, "@one", "ARGS", "add a fresh source");
	assert_refused(b, "@one+@two", "ARGS", "add a fresh source");
	assert_refused(b, "kernel+@one+@hard", "ARGS", "cancel out");
	assert_refused(b, "@one+kernel+@soft", "ARGS", "cancel out");
	assert_refused(b, "/dev/zero+@zero", "ARGS", "cancel out");
	assert_ok(open_spec(b, "kernel+@one"));
	entropy_drop(&b->e);
}

/* ---- good sources ------------------------------------------------------------------------------- */

static void test_kernel(void **state)
{
	struct bench *b = *state;
	static uint8_t x[200000], y[200000];

	assert_ok(open_spec(b, "kernel"));
	assert_ok(entropy_fill(&b->e, x, sizeof x));
	assert_ok(entropy_fill(&b->e, y, sizeof y));
	assert_ok(entropy_fill(&b->e, y, 0));
	assert_memory_not_equal(x, y, 16);
	assert_memory_not_equal(x + sizeof x - 16, y + sizeof y - 16, 16);
	entropy_drop(&b->e);
	assert_rc(entropy_fill(&b->e, x, 1), IO);
}

/* The bytes behind the start-up test, in order, whatever lengths are asked for. */
static void test_one_pipe(void **state)
{
	struct bench *b = *state;
	AUTO(fd) p = make_pipe(b, "p");
	uint8_t out[40000];

	fill_stream(b->bytes, sizeof b->bytes, 1);
	pour(&p, b->bytes, sizeof b->bytes);
	assert_ok(open_spec(b, "@p"));
	for (size_t at = 0, n = 1; at < sizeof out; at += n, n = n * 3 < sizeof out - at ? n * 3 : sizeof out - at)
		assert_ok(entropy_fill(&b->e, out + at, n));
	assert_memory_equal(out, b->bytes + ENTROPY_STARTUP_LEN, sizeof out);
	entropy_drop(&b->e);
}

static void test_exclusive_or(void **state)
{
	struct bench *b = *state;
	AUTO(fd) p = make_pipe(b, "p");
	AUTO(fd) q = make_pipe(b, "q");
	static uint8_t other[sizeof b->bytes], third[sizeof b->bytes];
	uint8_t out[20000];

	fill_stream(b->bytes, sizeof b->bytes, 1);
	fill_stream(other, sizeof other, 2);
	fill_stream(third, sizeof third, 3);
	pour(&p, b->bytes, sizeof b->bytes);
	pour(&q, other, sizeof other);
	scratch_write(&b->dir, "f", third, sizeof third);
	assert_ok(open_spec(b, "@p+@f+@q"));
	assert_ok(entropy_fill(&b->e, out, sizeof out));
	for (size_t i = 0; i < sizeof out; i++) {
		size_t at = ENTROPY_STARTUP_LEN + i;
		assert_int_equal(out[i], b->bytes[at] ^ other[at] ^ third[at]);
	}
	entropy_drop(&b->e);
}

static void test_with_kernel(void **state)
{
	struct bench *b = *state;
	uint8_t out[2][4096];

	fill_stream(b->bytes, sizeof b->bytes, 1);
	scratch_write(&b->dir, "f", b->bytes, sizeof b->bytes);
	for (size_t i = 0; i < 2; i++) {
		assert_ok(open_spec(b, i == 0 ? "kernel+@f" : "@f+kernel"));
		assert_ok(entropy_fill(&b->e, out[i], sizeof out[i]));
		entropy_drop(&b->e);
	}
	assert_memory_not_equal(out[0], out[1], 16);
	assert_memory_not_equal(out[0], b->bytes + ENTROPY_STARTUP_LEN, 16);
}

/* ---- bad sources -------------------------------------------------------------------------------- */

static void test_stuck(void **state)
{
	struct bench *b = *state;

	assert_refused(b, "/dev/zero", "IO", "/dev/zero fails the repetition count test");
	assert_refused(b, "kernel+/dev/zero", "IO", "at byte 8;");
}

static void test_alternating(void **state)
{
	struct bench *b = *state;

	for (size_t i = 0; i < sizeof b->bytes; i++)
		b->bytes[i] = i % 2 == 0 ? 0x55 : 0xAA;
	scratch_write(&b->dir, "f", b->bytes, sizeof b->bytes);
	assert_refused(b, "kernel+@f", "IO", "adaptive proportion test");
}

/* Shorter than the start-up test is ended, too. */
static void test_start_up(void **state)
{
	struct bench *b = *state;

	fill_stream(b->bytes, sizeof b->bytes, 1);
	scratch_write(&b->dir, "f", b->bytes, ENTROPY_STARTUP_LEN - 1);
	assert_refused(b, "kernel+@f", "IO", "ended after 4095 bytes");
	scratch_write(&b->dir, "g", b->bytes, ENTROPY_STARTUP_LEN);
	assert_ok(open_spec(b, "kernel+@g"));
	entropy_drop(&b->e);
	memset(b->bytes + ENTROPY_STARTUP_LEN - 8, 0, 8);
	scratch_write(&b->dir, "h", b->bytes, ENTROPY_STARTUP_LEN);
	assert_refused(b, "kernel+@h", "IO", "at byte 4096;");
}

static void assert_fill_fails(struct bench *b, const char *what)
{
	uint8_t out[40000];

	memset(out, 0xEE, sizeof out);
	dske_rc rc = entropy_fill(&b->e, out, sizeof out);
	assert_rc(rc, IO);
	assert_says(rc, what);
	for (size_t i = 0; i < sizeof out; i++)
		assert_int_equal(out[i], 0);
	assert_rc(entropy_fill(&b->e, out, 1), IO);
	entropy_drop(&b->e);
}

static void test_stuck_later(void **state)
{
	struct bench *b = *state;

	fill_stream(b->bytes, sizeof b->bytes, 1);
	b->bytes[19999] = 1;
	memset(b->bytes + 20000, 0, sizeof b->bytes - 20000);
	scratch_write(&b->dir, "f", b->bytes, sizeof b->bytes);
	assert_ok(open_spec(b, "kernel+@f"));
	assert_fill_fails(b, "at byte 20008;");
}

static void test_ends_later(void **state)
{
	struct bench *b = *state;
	AUTO(fd) p = make_pipe(b, "p");

	fill_stream(b->bytes, sizeof b->bytes, 1);
	pour(&p, b->bytes, 20000);
	assert_ok(open_spec(b, "@p"));
	fd_drop(&p);
	assert_fill_fails(b, "ended after 20000 bytes");
}

static void test_stalls(void **state)
{
	struct bench *b = *state;
	AUTO(fd) p = make_pipe(b, "p");
	AUTO(fd) q = make_pipe(b, "q");

	fill_stream(b->bytes, sizeof b->bytes, 1);
	pour(&p, b->bytes, 100);
	assert_rc(open_spec(b, "@p"), TIMEOUT);
	entropy_drop(&b->e);
	fd_drop(&q); /* nobody at the other end */
	assert_rc(open_spec(b, "kernel+@q"), TIMEOUT);
	entropy_drop(&b->e);
}

/* A device that has nothing: a terminal on which nobody types. */
static void test_device_stalls(void **state)
{
	struct bench *b = *state;
	int terminal = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	char name[64];

	assert_true(terminal >= 0);
	assert_int_equal(grantpt(terminal), 0);
	assert_int_equal(unlockpt(terminal), 0);
	assert_int_equal(ptsname_r(terminal, name, sizeof name), 0);
	assert_rc(entropy_open(&b->e, name, 200), TIMEOUT);
	entropy_drop(&b->e);
	close(terminal);
}

/* Each is good by itself; together they are nothing. */
static void test_two_that_are_alike(void **state)
{
	struct bench *b = *state;
	AUTO(fd) p = make_pipe(b, "p");

	fill_stream(b->bytes, sizeof b->bytes, 1);
	pour(&p, b->bytes, sizeof b->bytes);
	scratch_write(&b->dir, "f", b->bytes, sizeof b->bytes);
	assert_refused(b, "@f+@p", "IO", "the exclusive-or of the entropy sources fails");
}

/* ---- a PSKM of them ------------------------------------------------------------------------------ */

static bool count_calls(void *context, uint64_t done, uint64_t total)
{
	(void)done;
	(void)total;
	++*(unsigned *)context;
	return true;
}

/* What fails in the second chunk leaves neither container nor table. */
static void make_of_file(struct bench *b, size_t len, bool works, const char *what)
{
	struct fixture f;
	unsigned calls = 0;

	fixture_init(&f, 2 * TABLE_CHUNK_LEN);
	assert_int_equal(truncate(scratch_path(&b->dir, "f"), (off_t)len), 0);
	assert_ok(open_spec(b, "kernel+@f"));
	dske_rc rc = container_make(&f.header,
				    &(struct making){.tables_dir = f.hub_tables.s,
						     .container_path = f.container.s,
						     .bytes = entropy_bytes(&b->e),
						     .fresh = entropy_bytes(&b->e),
						     .progress = count_calls,
						     .context = &calls},
				    f.passphrase);
	if (works) {
		assert_ok(rc);
		assert_int_equal(calls, 3);
		assert_ok(fixture_import(&f));
	} else {
		assert_rc(rc, IO);
		assert_says(rc, what);
		assert_int_equal(calls, 2);
		assert_int_equal(scratch_count(&f.hub_tables), 0);
		assert_int_not_equal(access(f.container.s, F_OK), 0);
	}
	entropy_drop(&b->e);
	fixture_drop(&f);
}

static void test_pskm(void **state)
{
	struct bench *b = *state;
	const size_t len = 2 * TABLE_CHUNK_LEN + ENTROPY_STARTUP_LEN + 76; /* salt, nonce, passphrase, key before it */
	uint8_t *bytes = malloc(len);

	fill_stream(bytes, len, 1);
	scratch_write(&b->dir, "f", bytes, len);
	free(bytes);
	make_of_file(b, len, true, "");
	make_of_file(b, len - 1, false, "ended after");
}

static void test_pskm_stuck(void **state)
{
	struct bench *b = *state;
	const size_t len = TABLE_CHUNK_LEN + 100000;
	uint8_t *bytes = malloc(len);

	fill_stream(bytes, len, 1);
	bytes[len - 1] = 1;
	scratch_write(&b->dir, "f", bytes, len);
	free(bytes);
	make_of_file(b, 3 * TABLE_CHUNK_LEN, false, "repetition count test"); /* the file goes on with zeros */
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_check),
		cmocka_unit_test(test_check_length),
		T(test_not_there),
		T(test_same_again),
		T(test_kernel),
		T(test_one_pipe),
		T(test_exclusive_or),
		T(test_with_kernel),
		T(test_stuck),
		T(test_alternating),
		T(test_start_up),
		T(test_stuck_later),
		T(test_ends_later),
		T(test_stalls),
		T(test_device_stalls),
		T(test_two_that_are_alike),
		T(test_pskm),
		T(test_pskm_stuck),
	};

	return cmocka_run_group_tests_name("entropy", tests, NULL, NULL);
}
