/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test/ct/test-ct.c - is anything decided or addressed by a secret?
 *
 * MemorySanitizer reports branches and addresses that depend on uninitialized memory, and follows such
 * bits through arithmetic.  Here secrets are declared uninitialized; the code under test must run
 * without a report.  Each case runs in a child, because a report ends the process.  The last cases leak
 * on purpose and must be caught, or the method does not work here.
 */
#include <sanitizer/msan_interface.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/secret.h"
#include "core/agree.h"
#include "core/gf128.h"
#include "core/gf256.h"
#include "core/pad.h"
#include "core/residue.h"
#include "core/shamir.h"
#include "core/tag.h"
#include "core/xorshare.h"

#define LEN 333
#define CAUGHT 99

const char *__msan_default_options(void);
const char *__msan_default_options(void)
{
	return "exit_code=99";
}

static void *secret_bytes(void *p, size_t len)
{
	__msan_allocated_memory(p, len);
	return p;
}

static uint8_t key[KEY_TAG_KEY_LEN], message[LEN], data[8][LEN], out[8][LEN];

static void tags(void)
{
	struct tag tag;

	for (size_t len = 0; len <= LEN; len += 111) {
		secret_bytes(key, sizeof key);
		secret_bytes(message, sizeof message);
		tag_compute(&tag, key, message, len);
		key_tag_compute(&tag, key, message, len);
	}
}

/* Every variant that this machine can run, whichever is selected. */
static void field_of_tags(void)
{
	static uint8_t bytes[1120];

	secret_bytes(key, sizeof key);
	secret_bytes(bytes, sizeof bytes);
	for (const struct gf128_impl *const *impl = gf128_impls; *impl; impl++)
		for (size_t len = 0; len <= sizeof bytes && (*impl)->usable(); len += 35) {
			struct gf128 c = gf128_load(key), acc = gf128_load(key + GF128_LEN);

			acc = (*impl)->horner((*impl)->mul(acc, c), c, bytes, len);
			gf128_store(out[0], acc);
			(*impl)->tag(out[0], key, key + GF128_LEN, key + 2 * GF128_LEN, bytes, len);
		}
}

static void field_of_shares(void)
{
	static const uint8_t coefficients[7 * 3] = {1, 0, 2, 255, 16, 17, 3, 5, 9, 33, 128, 129, 64, 7, 250, 1, 1, 1, 90, 91, 92};
	const uint8_t *in[3];
	uint8_t *to[7];

	for (size_t i = 0; i < 7; i++)
		to[i] = out[i];
	for (const struct gf256_impl *const *impl = gf256_impls; *impl; impl++)
		for (size_t len = 0; len <= LEN && (*impl)->usable(); len += 37) {
			for (size_t i = 0; i < 3; i++)
				in[i] = secret_bytes(data[i], LEN);
			(*impl)->matrix(to, 7, in, 3, coefficients, len);
		}
}

static void tag_checks(void)
{
	struct tag tag;

	secret_bytes(&tag, sizeof tag);
	secret_bytes(key, sizeof key);
	secret_bytes(message, sizeof message);
	bool equal = tag_check(&tag, key, message, LEN);
	equal |= key_tag_check(&tag, key, message, LEN);
	equal |= mem_equal(message, data, LEN);
	__msan_unpoison(&equal, sizeof equal);
}

static void sharing(void)
{
	static const uint8_t known_x[4] = {1, 7, 9, 255}, wanted_x[4] = {0, 2, 3, 9};
	const uint8_t *known[4];
	uint8_t *wanted[4];

	for (size_t i = 0; i < 4; i++) {
		known[i] = secret_bytes(data[i], LEN);
		wanted[i] = out[i];
	}
	for (size_t i = 0; i < 4; i++)
		if (!rc_ok(shamir_interpolate(known_x, known, 4, wanted_x, wanted, 4, LEN - i)))
			abort();
	xorshare_combine(out[0], known, 4, LEN);
}

/* A residue is public, since it depends on the errors alone; until it is made nothing is decided by shares. */
static void residues(void)
{
	static const uint8_t x[5] = {1, 3, 4, 9, 200};
	static struct residue r;
	uint8_t digest[5][DIGEST_LEN];
	const uint8_t *share[5];

	for (size_t len = 1; len <= LEN; len += 83) {
		for (size_t i = 0; i < 5; i++)
			share[i] = secret_bytes(data[i], LEN);
		if (!rc_ok(digest_shares(digest, share, 5, len)) || !rc_ok(residue_of_digests(&r, x, digest, 5, 3)))
			abort();
	}
}

static void single_products(void)
{
	uint8_t pair[2];

	secret_bytes(pair, sizeof pair);
	pair[0] = gf256_mul(pair[0], gf256_inv(pair[1]));
}

static void pads(void)
{
	AUTO(pad) p = {{0}, 0, 0};

	if (!rc_ok(secret_alloc(&p.bytes, LEN)))
		abort();
	secret_bytes(p.bytes.data, LEN);
	if (!rc_ok(pad_take(&p, key, sizeof key)) || !rc_ok(pad_xor(&p, message, message, pad_left(&p))))
		abort();
}

static void deal_with(enum scheme scheme, uint8_t k)
{
	static struct terms t;
	static struct deal d;
	const uint8_t *pad[5];
	bool use_pad[5];

	t = (struct terms){.receiver_count = 1, .n = 5, .k = k, .scheme = scheme, .key_len = 64};
	t.receiver[0].b[0] = 1;
	for (uint8_t i = 0; i < 5; i++) {
		t.hub[i].b[0] = i;
		use_pad[i] = i < k;
		pad[i] = use_pad[i] ? secret_bytes(data[i], LEN) : NULL;
	}
	if (!rc_ok(agree_deal(&d, &t, pad, use_pad)))
		abort();
	deal_drop(&d);
}

static void deals(void)
{
	deal_with(SCHEME_SHAMIR, 3);
	deal_with(SCHEME_XOR, 5);
}

static volatile uint8_t sink;

static void leaky_comparison(void)
{
	secret_bytes(message, LEN);
	for (size_t i = 0; i < LEN; i++)
		if (message[i] != 0) {
			sink = 1;
			return;
		}
}

static void leaky_table(void)
{
	static volatile uint8_t table[256];

	secret_bytes(message, LEN);
	sink = table[message[0]];
}

static void leaky_coefficient(void)
{
	const uint8_t *in = message;
	uint8_t *to = out[0], coefficient;
	const struct gf256_impl *const *impl = gf256_impls;

	while (impl[1])
		impl++; /* the portable one branches on coefficients, which are public by its contract */
	secret_bytes(&coefficient, 1);
	(*impl)->matrix(&to, 1, &in, 1, &coefficient, LEN);
}

static const struct {
	const char *name;
	void (*run)(void);
	bool leaks;
} cases[] = {
	{"tags of secrets", tags, false},
	{"the field of tags, every variant", field_of_tags, false},
	{"the field of shares, every variant", field_of_shares, false},
	{"tag checks of secrets", tag_checks, false},
	{"sharing of secrets", sharing, false},
	{"residues of shares", residues, false},
	{"single products of secrets", single_products, false},
	{"pads", pads, false},
	{"deals", deals, false},
	{"a leaky comparison is caught", leaky_comparison, true},
	{"a leaky table is caught", leaky_table, true},
	{"a leaky coefficient is caught", leaky_coefficient, true},
};

#define CASE_COUNT (sizeof cases / sizeof cases[0])

/* The child's exit status: 0, or CAUGHT. */
static int run_apart(size_t i)
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0) {
		if (cases[i].leaks && !freopen("/dev/null", "w", stderr))
			_exit(1);
		cases[i].run();
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

int main(void)
{
	size_t failed = 0;

	printf("1..%zu\n", CASE_COUNT);
	fflush(stdout);
	for (size_t i = 0; i < CASE_COUNT; i++) {
		bool good = run_apart(i) == (cases[i].leaks ? CAUGHT : 0);

		failed += !good;
		printf("%s %zu - %s\n", good ? "ok" : "not ok", i + 1, cases[i].name);
		fflush(stdout);
	}
	return failed > 0;
}
