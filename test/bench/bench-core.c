/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test/bench/bench-core.c - shares and tags.  Shares beside the same loads and stores without arithmetic;
 * tags beside OpenSSL's Poly1305, whose key is set anew for each message as ours is; pads beside memcpy.
 */
#include "config.h"

#include <openssl/evp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/agree.h"
#include "core/gf128.h"
#include "core/gf256.h"
#include "core/pad.h"
#include "core/shamir.h"
#include "core/tag.h"
#include "test/bench/bench.h"

#define MIB ((size_t)1 << 20)
#define SHORT_LEN (KEY_TAG_KEY_LEN + 32) /* the share of a 256-bit key */
#define ROWS_MAX 20

static uint8_t *row[ROWS_MAX + 1]; /* row[0]: the secret; row[x]: the share at x; MIB each, aligned to 64 */
static uint8_t *spare;             /* MIB */

/* ---- shares ------------------------------------------------------------------------------------------- */

struct sharing {
	size_t n, k, len;
	uint8_t x[ROWS_MAX + 1]; /* x[i] = i */
};

/* The k pads are there; the secret and n - k shares are computed (DSKE 2.3.1). */
static void deal(void *context)
{
	const struct sharing *s = context;
	uint8_t wanted_x[ROWS_MAX], *wanted[ROWS_MAX];
	size_t count = 1;

	wanted_x[0] = 0;
	wanted[0] = row[0];
	for (size_t i = s->k + 1; i <= s->n; i++) {
		wanted_x[count] = (uint8_t)i;
		wanted[count++] = row[i];
	}
	bench_need_ok(shamir_interpolate(s->x + 1, (const uint8_t *const *)row + 1, s->k, wanted_x, wanted, count, s->len),
		      "deal");
}

/* From the last k shares; the secret only. */
static void reconstruct(void *context)
{
	const struct sharing *s = context;
	const uint8_t zero = 0;
	size_t first = s->n - s->k + 1;

	bench_need_ok(shamir_interpolate(s->x + first, (const uint8_t *const *)row + first, s->k, &zero, &spare, 1, s->len),
		      "reconstruct");
}

/* What the widest loads and stores of this machine do when each input is read once and each output is
 * written once: the least that any arithmetic can take. */
typedef uint64_t wide __attribute__((vector_size(64), may_alias));

__attribute__((always_inline)) static inline void move_rows(uint8_t *const *out, size_t rows, uint8_t *const *in,
							    size_t columns, size_t len)
{
	for (size_t at = 0; at < len; at += 4 * sizeof(wide)) {
		wide acc[4] = {{0}, {0}, {0}, {0}};
		for (size_t c = 0; c < columns; c++)
			for (size_t j = 0; j < 4; j++)
				acc[j] ^= ((const wide *)(const void *)(in[c] + at))[j];
		for (size_t r = 0; r < rows; r++)
			for (size_t j = 0; j < 4; j++)
				((wide *)(void *)(out[r] + at))[j] = acc[j];
	}
}

typedef void mover(uint8_t *const *out, size_t rows, uint8_t *const *in, size_t columns, size_t len);

static void move_plain(uint8_t *const *out, size_t rows, uint8_t *const *in, size_t columns, size_t len)
{
	move_rows(out, rows, in, columns, len);
}

#ifdef __x86_64__
__attribute__((target("avx2"))) static void move_avx2(uint8_t *const *out, size_t rows, uint8_t *const *in,
						      size_t columns, size_t len)
{
	move_rows(out, rows, in, columns, len);
}

__attribute__((target("avx512f"))) static void move_avx512(uint8_t *const *out, size_t rows, uint8_t *const *in,
							   size_t columns, size_t len)
{
	move_rows(out, rows, in, columns, len);
}
#endif

static mover *widest(void)
{
#ifdef __x86_64__
	if (__builtin_cpu_supports("avx512f"))
		return move_avx512;
	if (__builtin_cpu_supports("avx2"))
		return move_avx2;
#endif
	return move_plain;
}

static void deal_floor(void *context)
{
	const struct sharing *s = context;

	widest()(row + s->k, s->n - s->k + 1, row, s->k, s->len);
}

static void reconstruct_floor(void *context)
{
	const struct sharing *s = context;

	widest()(&spare, 1, row, s->k, s->len);
}

static void check_sharing(struct sharing *s)
{
	deal(s);
	reconstruct(s);
	bench_need(memcmp(row[0], spare, s->len) == 0, "another secret came back than was dealt");
}

static void print_beside(const char *what, const struct sharing *s, double ours, double floor)
{
	char name[80];

	snprintf(name, sizeof name, "%s 1 MiB, n = %zu, k = %zu", what, s->n, s->k);
	bench_line(name, ours * 1e3, "ms");
	bench_line("    the same loads and stores", floor * 1e3, "ms");
	bench_line("    ratio", ours / floor, "times the floor");
}

static void share_long(struct sharing *s)
{
	struct bench_work w[] = {
		{.run = deal, .context = s},
		{.run = deal_floor, .context = s},
		{.run = reconstruct, .context = s},
		{.run = reconstruct_floor, .context = s},
	};

	s->len = MIB;
	check_sharing(s);
	bench_compare(w, 4);
	print_beside("deal", s, w[0].seconds, w[1].seconds);
	print_beside("reconstruct", s, w[2].seconds, w[3].seconds);
}

/* Short shares lie side by side, as secrets do; at the same place of a page each they would drive each other out of the
 * nearest cache. */
static void lie_together(bool together)
{
	static uint8_t near[ROWS_MAX + 2][96];
	static uint8_t *far[ROWS_MAX + 2];

	for (size_t i = 0; i <= ROWS_MAX + 1; i++) {
		uint8_t **r = i <= ROWS_MAX ? &row[i] : &spare;

		if (together) {
			far[i] = *r;
			memcpy(near[i], *r, sizeof near[i]);
		}
		*r = together ? near[i] : far[i];
	}
}

static void share_short(struct sharing *s, size_t len)
{
	struct bench_work w[] = {{.run = deal, .context = s}, {.run = reconstruct, .context = s}};
	char name[80];

	s->len = len;
	check_sharing(s);
	bench_compare(w, 2);
	snprintf(name, sizeof name, "deal %zu bytes, n = %zu, k = %zu", len, s->n, s->k);
	bench_line(name, w[0].seconds * 1e9, "ns");
	snprintf(name, sizeof name, "reconstruct %zu bytes, n = %zu, k = %zu", len, s->n, s->k);
	bench_line(name, w[1].seconds * 1e9, "ns");
}

/* ---- every variant that this machine can run ------------------------------------------------------------ */

static void matrix_run(void *context)
{
	static const uint8_t coefficients[3 * 5] = {3, 7, 1, 255, 19, 84, 201, 33, 99, 140, 2, 5, 11, 77, 160};
	const struct gf256_impl *impl = context;

	impl->matrix(row + 10, 3, (const uint8_t *const *)row, 5, coefficients, MIB);
}

static void horner_run(void *context)
{
	const struct gf128_impl *impl = context;
	struct gf128 c = gf128_load(row[0]);

	gf128_store(spare, impl->horner(c, c, row[1], MIB));
}

static void variants(void)
{
	char name[80];

	for (const struct gf256_impl *const *i = gf256_impls; *i; i++) {
		struct bench_work w = {.run = matrix_run, .context = (void *)(uintptr_t)*i};
		if (!(*i)->usable())
			continue;
		bench_compare(&w, 1);
		snprintf(name, sizeof name, "gf256 %s, 3 rows of 5, 1 MiB", (*i)->name);
		bench_line(name, w.seconds * 1e3, "ms");
	}
	for (const struct gf128_impl *const *i = gf128_impls; *i; i++) {
		struct bench_work w = {.run = horner_run, .context = (void *)(uintptr_t)*i};
		if (!(*i)->usable())
			continue;
		bench_compare(&w, 1);
		snprintf(name, sizeof name, "gf128 %s, 1 MiB", (*i)->name);
		bench_line(name, (double)MIB / w.seconds / 1e9, "GB/s");
	}
	printf("selected: gf256 %s, gf128 %s\n", gf256_selected()->name, gf128_selected()->name);
}

/* ---- tags ------------------------------------------------------------------------------------------------ */

struct tagging {
	size_t len;
	EVP_MAC_CTX *poly1305;
};

/* What is computed counts as used, and nothing else: a key that depended on the tag before would add the wait for it. */
static void use(const void *p)
{
	__asm__ volatile("" : : "r"(p) : "memory");
}

static void message_tag(void *context)
{
	const struct tagging *t = context;
	struct tag tag;

	tag_compute(&tag, row[0], row[1], t->len);
	use(&tag);
}

static void key_tag(void *context)
{
	const struct tagging *t = context;
	struct tag tag;

	key_tag_compute(&tag, row[0], row[1], t->len);
	use(&tag);
}

static void poly1305(void *context)
{
	const struct tagging *t = context;
	uint8_t tag[TAG_LEN];
	size_t len;

	bench_need(EVP_MAC_init(t->poly1305, row[0], 32, NULL) == 1 && EVP_MAC_update(t->poly1305, row[1], t->len) == 1 &&
			   EVP_MAC_final(t->poly1305, tag, &len, sizeof tag) == 1,
		   "Poly1305");
	use(tag);
}

static void tags(void)
{
	EVP_MAC *mac = EVP_MAC_fetch(NULL, "POLY1305", NULL);
	struct tagging t = {.poly1305 = EVP_MAC_CTX_new(mac)};
	struct bench_work w[] = {
		{.name = "message tag", .run = message_tag, .context = &t},
		{.name = "key tag", .run = key_tag, .context = &t},
		{.name = "Poly1305 of OpenSSL", .run = poly1305, .context = &t},
	};
	char name[80];

	bench_need(t.poly1305 != NULL, "OpenSSL has no Poly1305");
	for (t.len = MIB; t.len >= 64; t.len = t.len == MIB ? 64 : 0) {
		bench_compare(w, 3);
		for (size_t i = 0; i < 3; i++) {
			snprintf(name, sizeof name, "%s, %s", w[i].name, t.len == MIB ? "1 MiB" : "64 bytes");
			if (t.len == MIB)
				bench_line(name, (double)MIB / w[i].seconds / 1e9, "GB/s");
			else
				bench_line(name, w[i].seconds * 1e9, "ns");
			if (i < 2)
				bench_line("    ratio", w[i].seconds / w[2].seconds, "times the time of Poly1305");
		}
	}
	EVP_MAC_CTX_free(t.poly1305);
	EVP_MAC_free(mac);
}

/* ---- pads -------------------------------------------------------------------------------------------------- */

static void xor_pad(void *context)
{
	/* A pad lent the same bytes again and again; it is not dropped, so nothing frees them. */
	struct pad p = {.bytes = {.data = context, .len = MIB}};

	bench_need_ok(pad_xor(&p, row[1], row[2], MIB), "pad_xor");
}

static void copy(void *context)
{
	memcpy(row[1], row[2], MIB);
	memset(context, 0, MIB);
	use(context);
}

static void pads(void)
{
	struct bench_work w[] = {{.run = xor_pad, .context = spare}, {.run = copy, .context = spare}};

	bench_compare(w, 2);
	bench_line("XOR with a pad and erase it, 1 MiB", (double)MIB / w[0].seconds / 1e9, "GB/s");
	bench_line("    memcpy and memset", (double)MIB / w[1].seconds / 1e9, "GB/s");
	bench_line("    ratio", w[0].seconds / w[1].seconds, "times their time");
}

/* ---- one agreement's arithmetic ------------------------------------------------------------------------------ */

struct agreeing {
	struct terms terms;
	struct deal deal;
	struct id hubs[5];
};

static void deal_all(void *context)
{
	static const bool use[5] = {true, true, true, false, false};
	struct agreeing *a = context;
	const uint8_t *pads_of[5] = {row[1], row[2], row[3], NULL, NULL};

	deal_drop(&a->deal);
	bench_need_ok(agree_deal(&a->deal, &a->terms, pads_of, use), "agree_deal");
}

/* Shares of the hubs 3 to 5, of which the receiver makes the key. */
static void receive_all(void *context)
{
	struct agreeing *a = context;
	struct acceptance accept = {.k_min = 3, .n_min = 3, .n_max = 5, .hubs = a->hubs, .hub_count = 5};
	AUTO(secret) key = {0};
	struct receiver *r = NULL;
	const struct terms *terms;

	bench_need_ok(receiver_new(&r, &a->terms.receiver[0], &a->terms.initiator, &accept), "receiver_new");
	for (size_t i = 2; i < 5; i++) {
		AUTO(secret) share = {0};
		const uint8_t *bytes = i == 2 ? row[3] : a->deal.share[i].data;
		bench_need_ok(secret_from(&share, bytes, SHORT_LEN), "share");
		bench_need_ok(receiver_offer(r, &a->hubs[i], &a->terms, &share), "receiver_offer");
	}
	bench_need_ok(receiver_conclude(r, false, &key, &terms), "receiver_conclude");
	bench_need(mem_equal(key.data, a->deal.key.data, key.len), "another key came back than was dealt");
	receiver_free(r);
}

static void agreements(void)
{
	static struct agreeing a;
	struct bench_work w[] = {{.run = deal_all, .context = &a}, {.run = receive_all, .context = &a}};

	a.terms = (struct terms){.receiver_count = 1, .n = 5, .k = 3, .key_len = 32};
	memset(a.terms.initiator.b, 0xA1, ID_LEN);
	memset(a.terms.receiver[0].b, 0xB0, ID_LEN);
	memset(a.terms.key_id.b, 0x4B, ID_LEN);
	for (size_t i = 0; i < 5; i++) {
		memset(a.hubs[i].b, (int)i + 1, ID_LEN);
		a.terms.hub[i] = a.hubs[i];
	}
	bench_compare(w, 2);
	bench_line("initiator's arithmetic, 256 bits, n = 5, k = 3", w[0].seconds * 1e6, "us");
	bench_line("receiver's arithmetic, the same", w[1].seconds * 1e6, "us");
	deal_drop(&a.deal);
}

static uint8_t *buffer(size_t seed)
{
	uint8_t *b = aligned_alloc(64, MIB);

	bench_need(b != NULL, "out of memory");
	for (size_t j = 0; j < MIB; j++)
		b[j] = (uint8_t)((seed * 37 + j * 11) ^ (j >> 8));
	return b;
}

int main(void)
{
	struct sharing shapes[] = {{.n = 3, .k = 2}, {.n = 9, .k = 5}, {.n = 20, .k = 10}};

	bench_header(NULL);
	bench_compare_processor_time();
	for (size_t i = 0; i <= ROWS_MAX; i++)
		row[i] = buffer(i);
	spare = buffer(ROWS_MAX + 1);
	for (size_t i = 0; i < 3; i++)
		for (size_t x = 0; x <= ROWS_MAX; x++)
			shapes[i].x[x] = (uint8_t)x;
	variants();
	for (size_t i = 0; i < 3; i++)
		share_long(&shapes[i]);
	lie_together(true);
	for (size_t i = 0; i < 3; i++) {
		share_short(&shapes[i], KEY_TAG_KEY_LEN);
		share_short(&shapes[i], SHORT_LEN);
	}
	lie_together(false);
	tags();
	pads();
	agreements();
	for (size_t i = 0; i <= ROWS_MAX; i++)
		free(row[i]);
	free(spare);
	return 0;
}
