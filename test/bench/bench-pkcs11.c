/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench-pkcs11 PART MODULE KEYS [OTHER-MODULE]: what calls of a PKCS#11 module cost, beside another's, and what
 * libcrypto or the disk takes by itself; one thread.  Rows are measured in rounds, in each of which the sides come in turn, and each
 * figure is a line "ROW<tab>SIDE<tab>CALLS A SECOND".  bench-pkcs11.py runs the parts one after the other, and puts the
 * figures together:
 *
 *	seed    one token key in the other token, which it copies (that token is slow to fill)
 *	empty   rows of a token with that key at most; in the end it has KEYS / 20 token keys
 *	full    our token is filled to KEYS keys; rows of a full one
 *
 * Tokens are labelled "alice" and "reference".  In the environment: DSKE_CONF, and BENCH_COSTLY, the configuration of
 * one whose PINs are at their default cost.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "test/bench/bench.h"
#include "test/bench/p11-side.h"

#define ROUNDS 5
#define OURS "dske"
#define OTHER "SoftHSM"

struct bench_row {
	const char *name;
	enum bench_clock by;
	run_side *run, *bare;
	const char *speed; /* options of `openssl speed` for the same, and its bytes */
	double bytes;
};

static const struct bench_row login_rows[] = {
	{.name = "login and logout, PIN at the least cost (8 KiB, 1 pass)", .bare = bare_sync, .run = side_login},
	{.name = "login and logout, of processor time", .by = BY_PROCESSOR, .run = side_login},
};
static const struct bench_row costly_row = {
	.name = "login and logout, PIN at its default cost (64 MiB, 3 passes)",
	.run = side_login,
};
static const struct bench_row empty_rows[] = {
	{.name = "open and close a session", .by = BY_PROCESSOR, .run = side_session},
	{.name = "create and destroy a session key", .by = BY_PROCESSOR, .run = side_create_session_key},
	{.name = "get an attribute", .by = BY_PROCESSOR, .run = side_get_attribute},
	{"AES-GCM, 64 bytes", BY_PROCESSOR, side_gcm_64, bare_gcm_64, "-evp aes-256-gcm", 64},
	{"AES-GCM, 1 KiB", BY_PROCESSOR, side_gcm_1024, bare_gcm_1024, "-evp aes-256-gcm", 1024},
	{"HMAC-SHA256, 64 bytes", BY_PROCESSOR, side_hmac_64, bare_hmac_64, "-hmac sha256", 64},
	{"HMAC-SHA256, 1 KiB", BY_PROCESSOR, side_hmac_1024, bare_hmac_1024, "-hmac sha256", 1024},
	{"SHA-256, 1 KiB", BY_PROCESSOR, side_digest, bare_digest, "-evp sha256", 1024},
	{.name = "random, 32 bytes", .by = BY_PROCESSOR, .run = side_random},
};

/* Keys are created last: the quicker side makes more of them, and the other rows are of as many on either side. */
static const struct bench_row full_rows[] = {
	{.name = "full: find by label", .by = BY_PROCESSOR, .run = side_find},
	{.name = "full: login and logout", .bare = bare_sync, .run = side_login},
	{.name = "full: login and logout, of processor time", .by = BY_PROCESSOR, .run = side_login},
	{.name = "full: login, find and logout", .run = side_login_and_find},
	{.name = "full: start, log in and find", .run = side_start_and_find},
	{.name = "full: start, log in and find, of processor time", .by = BY_PROCESSOR, .run = side_start_and_find},
	{.name = "full: create a token key", .bare = bare_sync, .run = side_create_token_key},
};

static struct side sides[2];
#define SIDES (sizeof sides / sizeof sides[0])

/* Operations a second as `openssl speed` says, measured now. */
static double openssl_speed(const struct bench_row *r)
{
	char command[160], line[256], *last = NULL;

	snprintf(command, sizeof command, "openssl speed %s -bytes %.0f -seconds 1 -mr 2>/dev/null", r->speed, r->bytes);
	FILE *p = popen(command, "r");
	bench_need(p != NULL, "openssl speed does not start");
	while (fgets(line, sizeof line, p) != NULL)
		last = strrchr(line, ':');
	double bytes = last != NULL ? strtod(last + 1, NULL) : 0;
	bench_need(pclose(p) == 0 && bytes > 0, "openssl speed does not say a figure");
	return bytes / r->bytes;
}

static void measure(const struct bench_row *r)
{
	for (size_t k = 0; k < SIDES; k++)
		if (sides[k].name != NULL)
			r->run(&sides[k]);
	for (int round = 0; round < ROUNDS; round++) {
		for (size_t k = 0; k < SIDES; k++)
			if (sides[k].name != NULL)
				row(r->name, sides[k].name, rate(r->run, &sides[k], r->by));
		if (r->bare != NULL)
			row(r->name, "bare", rate(r->bare, NULL, r->by));
		if (r->speed != NULL)
			row(r->name, "openssl speed", openssl_speed(r));
	}
}

static void measure_all(const struct bench_row *rows, size_t count)
{
	for (size_t k = 0; k < count; k++)
		measure(&rows[k]);
}

/* n token keys; how many a second. */
static double fill(struct side *s, unsigned n)
{
	double begun = bench_now();

	for (unsigned k = 0; k < n; k++)
		side_create_token_key(s);
	return n / (bench_now() - begun);
}

static void start_all(void)
{
	for (size_t k = 0; k < SIDES; k++)
		if (sides[k].name != NULL)
			side_start(&sides[k]);
}

static void stop_all(void)
{
	for (size_t k = 0; k < SIDES; k++)
		if (sides[k].name != NULL)
			side_stop(&sides[k]);
}

/* ---- the parts ------------------------------------------------------------------------------------------------ */

static void seed(unsigned keys)
{
	(void)keys;
	if (sides[1].name != NULL)
		(void)side_key(&sides[1], CKK_AES, CK_TRUE, "seed");
}

static void empty(unsigned keys)
{
	measure_all(login_rows, sizeof login_rows / sizeof login_rows[0]); /* before there is what a logout takes away */
	for (size_t k = 0; k < SIDES; k++) {
		if (sides[k].name == NULL)
			continue;
		sides[k].hmac_key = side_key(&sides[k], CKK_GENERIC_SECRET, CK_FALSE, "for HMAC");
		sides[k].key = side_key(&sides[k], CKK_AES, CK_FALSE, "for GCM");
	}
	measure_all(empty_rows, sizeof empty_rows / sizeof empty_rows[0]);
	for (unsigned made = 0; made < keys / 20; made += keys / 100)
		for (size_t k = 0; k < SIDES; k++)
			if (sides[k].name != NULL)
				row("create a token key, the first 1/20", sides[k].name, fill(&sides[k], keys / 100));
	const char *costly = getenv("BENCH_COSTLY");
	bench_need(costly != NULL, "BENCH_COSTLY is not set");
	stop_all();
	setenv("DSKE_CONF", costly, 1);
	sides[1].name = NULL; /* what a PIN costs is chosen */
	side_start(&sides[0]);
	measure(&costly_row);
}

static void full(unsigned keys)
{
	for (size_t k = 0; k < SIDES; k++)
		sides[k].made = keys / 20;
	fill(&sides[0], keys - keys / 20);
	measure_all(full_rows, sizeof full_rows / sizeof full_rows[0]);
}

static const struct part {
	const char *name;
	void (*run)(unsigned keys);
} parts[] = {{"seed", seed}, {"empty", empty}, {"full", full}};

int main(int argc, char **argv)
{
	bench_need(argc == 4 || argc == 5, "PART MODULE KEYS [OTHER-MODULE]");
	side_load(&sides[0], OURS, argv[2], "alice");
	if (argc == 5)
		side_load(&sides[1], OTHER, argv[4], "reference");
	start_all();
	for (size_t k = 0; k < sizeof parts / sizeof parts[0]; k++)
		if (strcmp(parts[k].name, argv[1]) == 0)
			parts[k].run((unsigned)atoi(argv[3]));
	stop_all();
	fflush(stdout);
	_exit(0); /* SoftHSM may crash in what libcrypto runs at an exit */
}
