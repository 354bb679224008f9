/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test/bench/bench-whole.c - all that an agreement on a long key asks of the processor at either end: shares, pads and all
 * tags.  Neither memory nor disk nor network: rooms are there, and the same in every round.
 *
 *     bench-whole                the rows for 1 MiB, n = 9, k = 5
 *     bench-whole --figure FILE  the paper's Figure 5: n and k up to 20, as CSV, the least of FIGURE_RUNS each
 *
 * Alice, from k pads that are shares: the secret and n - k shares; the key tag; each computed share encrypted under its pad,
 * which is erased; a message tag for each hub.  Bob, who has a share of each hub under a tag: n tags, n pads, the secret from
 * k shares, its key tag, and whether the other n - k agree with it.  The paper's Figure 5 has shares alone, in Python.
 */
#include "config.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/pad.h"
#include "core/shamir.h"
#include "core/tag.h"
#include "test/bench/bench.h"

#define MIB ((size_t)1 << 20)
#define N_MOST 20
#define BLOCK_LEN ((size_t)16 << 10)
#define FIGURE_RUNS 40
#define SMALL_LEN ((size_t)400) /* the message of a hub whose share is its pad */

static uint8_t *pad[N_MOST + 1];    /* of the hub at x: its share, or what its share is encrypted under */
static uint8_t *share[N_MOST + 1];  /* share[0]: the secret */
static uint8_t *cipher[N_MOST + 1]; /* what is sent to the hub at x, and what comes of it */
static uint8_t *room[N_MOST + 1];   /* a block each */
static struct tag tag[N_MOST + 1];  /* tag[0]: of the key */
static uint8_t key[KEY_TAG_KEY_LEN];

struct whole {
	size_t n, k;
	size_t x_count;
	uint8_t known_x[N_MOST], x[N_MOST]; /* x: the secret, and what else is computed */
};

static void whole_init(struct whole *w, size_t n, size_t k)
{
	*w = (struct whole){.n = n, .k = k, .x_count = 1};
	for (size_t i = 1; i <= n; i++)
		if (i <= k)
			w->known_x[i - 1] = (uint8_t)i;
		else
			w->x[w->x_count++] = (uint8_t)i;
}

/* A pad lent the same bytes again and again; it is not dropped, so nothing frees them. */
static void under_pad(uint8_t *out, const uint8_t *in, uint8_t *bytes, size_t len)
{
	struct pad p = {.bytes = {.data = bytes, .len = len}};

	bench_need_ok(pad_xor(&p, out, in, len), "pad_xor");
}

/* Values at w->x of the polynomials through the k shares, for a block. */
static void interpolate(const struct whole *w, uint8_t *const *from, size_t at, uint8_t *const *to, size_t len)
{
	const uint8_t *known[N_MOST];

	for (size_t i = 0; i < w->k; i++)
		known[i] = from[w->known_x[i]] + at;
	bench_need_ok(shamir_interpolate(w->known_x, known, w->k, w->x, to, w->x_count, len), "interpolation");
}

/* ---- Alice ------------------------------------------------------------------------------------------------ */

static void alice_block(const struct whole *w, size_t at, struct key_tagger *key_tagger, struct tagger *tagger)
{
	uint8_t *to[N_MOST];

	for (size_t r = 0; r < w->x_count; r++)
		to[r] = r == 0 ? share[0] + at : room[r];
	interpolate(w, pad, at, to, BLOCK_LEN);
	key_tagger_add(key_tagger, to[0], BLOCK_LEN);
	for (size_t r = 1; r < w->x_count; r++) {
		uint8_t *sent = cipher[w->x[r]] + at;

		under_pad(sent, to[r], pad[w->x[r]] + at, BLOCK_LEN);
		tagger_add(&tagger[r], sent, BLOCK_LEN);
	}
}

static void alice(void *context)
{
	const struct whole *w = context;
	struct tagger tagger[N_MOST];
	struct key_tagger key_tagger;

	key_tagger_begin(&key_tagger, key);
	for (size_t r = 1; r < w->x_count; r++)
		tagger_begin(&tagger[r], key);
	for (size_t at = 0; at < MIB; at += BLOCK_LEN)
		alice_block(w, at, &key_tagger, tagger);
	key_tagger_end(&key_tagger, &tag[0]);
	for (size_t r = 1; r < w->x_count; r++)
		tagger_end(&tagger[r], &tag[w->x[r]]);
	for (size_t i = 0; i < w->k; i++)
		tag_compute(&tag[w->known_x[i]], key, cipher[w->known_x[i]], SMALL_LEN);
}

static void deal_alone(void *context)
{
	const struct whole *w = context;
	uint8_t *to[N_MOST];

	for (size_t r = 0; r < w->x_count; r++)
		to[r] = share[w->x[r]];
	interpolate(w, pad, 0, to, MIB);
}

/* ---- Bob -------------------------------------------------------------------------------------------------- */

static bool bob_block(const struct whole *w, size_t at, struct key_tagger *key_tagger)
{
	uint8_t *to[N_MOST];
	bool agrees = true;

	for (size_t i = 1; i <= w->n; i++)
		under_pad(share[i], cipher[i] + at, pad[i] + at, BLOCK_LEN);
	for (size_t r = 0; r < w->x_count; r++)
		to[r] = r == 0 ? share[0] + at : room[r];
	interpolate(w, share, 0, to, BLOCK_LEN);
	key_tagger_add(key_tagger, to[0], BLOCK_LEN);
	for (size_t r = 1; r < w->x_count; r++)
		agrees &= mem_equal(room[r], share[w->x[r]], BLOCK_LEN);
	return agrees;
}

/* Nothing is decrypted, and no pad erased, before all tags hold. */
static void bob(void *context)
{
	const struct whole *w = context;
	struct key_tagger key_tagger;
	bool agree = true;

	for (size_t i = 1; i <= w->n; i++)
		bench_need(tag_check(&tag[i], key, cipher[i], MIB), "a tag does not hold");
	key_tagger_begin(&key_tagger, key);
	for (size_t at = 0; at < MIB; at += BLOCK_LEN)
		agree &= bob_block(w, at, &key_tagger);
	key_tagger_end(&key_tagger, &tag[0]);
	bench_need(agree, "a share is not on the polynomial");
}

static void reconstruct_alone(void *context)
{
	const struct whole *w = context;
	struct whole one = *w;

	one.x_count = 1;
	interpolate(&one, share, 0, share, MIB);
}

/* Shares that agree, and their tags, under pads that are zeros by now: erasing leaves them so. */
static void bob_prepare(const struct whole *w)
{
	for (size_t i = 1; i <= w->n; i++) {
		memset(pad[i], 0, MIB);
		memset(cipher[i], (int)i, MIB);
	}
	struct whole all = *w;
	uint8_t *to[N_MOST];

	for (size_t r = 0; r < all.x_count; r++)
		to[r] = r == 0 ? share[0] : cipher[all.x[r]];
	interpolate(&all, cipher, 0, to, MIB);
	for (size_t i = 1; i <= w->n; i++)
		tag_compute(&tag[i], key, cipher[i], MIB);
}

/* ---- */

static void rows(void)
{
	struct whole w;
	struct bench_work a[] = {{.run = alice, .context = &w}, {.run = deal_alone, .context = &w}};
	struct bench_work b[] = {{.run = bob, .context = &w}, {.run = reconstruct_alone, .context = &w}};

	bench_header(NULL);
	whole_init(&w, 9, 5);
	bench_compare(a, 2);
	bench_line("whole Alice, 1 MiB, n = 9, k = 5", a[0].seconds * 1e3, "ms");
	bench_line("    her shares alone", a[1].seconds * 1e3, "ms");
	bob_prepare(&w);
	bench_compare(b, 2);
	bench_line("whole Bob, 1 MiB, n = 9, k = 5", b[0].seconds * 1e3, "ms");
	bench_line("    his secret alone", b[1].seconds * 1e3, "ms");
}

/* Of some hundred cells nobody waits for medians. */
static double least(void (*run)(void *), struct whole *w)
{
	double best = 1e9;

	for (int i = 0; i < FIGURE_RUNS; i++) {
		double start = bench_now();

		run(w);
		double taken = bench_now() - start;
		best = taken < best ? taken : best;
	}
	return best * 1e3;
}

static void figure_cell(FILE *f, size_t n, size_t k)
{
	struct whole w;

	whole_init(&w, n, k);
	double alice_ms = least(alice, &w), deal_ms = least(deal_alone, &w);
	bob_prepare(&w);
	double bob_ms = least(bob, &w), reconstruct_ms = least(reconstruct_alone, &w);
	fprintf(f, "%zu,%zu,%.4f,%.4f,%.4f,%.4f\n", n, k, alice_ms, bob_ms, deal_ms, reconstruct_ms);
}

static void figure(const char *path)
{
	FILE *f = fopen(path, "we");

	bench_need(f != NULL, "the figure's file cannot be written");
	fprintf(f, "n,k,alice_ms,bob_ms,deal_ms,reconstruct_ms\n");
	for (size_t n = 1; n <= N_MOST; n++)
		for (size_t k = 1; k <= n; k++)
			figure_cell(f, n, k);
	bench_need(fclose(f) == 0, "the figure's file cannot be written");
}

static uint8_t *buffer(size_t seed, size_t len)
{
	uint8_t *b = aligned_alloc(64, len);

	bench_need(b != NULL, "out of memory");
	for (size_t j = 0; j < len; j++)
		b[j] = (uint8_t)((seed * 37 + j * 11) ^ (j >> 8));
	return b;
}

int main(int argc, char **argv)
{
	bench_compare_processor_time();
	for (size_t i = 0; i <= N_MOST; i++) {
		pad[i] = buffer(i, MIB);
		share[i] = buffer(i + 50, MIB);
		cipher[i] = buffer(i + 100, MIB);
		room[i] = buffer(i, BLOCK_LEN);
	}
	if (argc == 3 && strcmp(argv[1], "--figure") == 0)
		figure(argv[2]);
	else
		rows();
	for (size_t i = 0; i <= N_MOST; i++) {
		free(pad[i]);
		free(share[i]);
		free(cipher[i]);
		free(room[i]);
	}
	return 0;
}
