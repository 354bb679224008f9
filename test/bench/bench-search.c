/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test/bench/bench-search.c - what the receiver's conclusion costs when hubs corrupt their shares, beside
 * what it costs when none does.  The corrupt hubs shift their shares along one polynomial: the worst that
 * they can do, as together with k - 1 honest shares they are consistent.
 */
#include "config.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/agree.h"
#include "core/candidate.h"
#include "core/gf256.h"
#include "test/bench/bench.h"

struct scene {
	struct share_group *group;
	struct deal deal;
	dske_rc expected;
};

static void conclude(void *context)
{
	struct scene *s = context;
	AUTO(secret) key = {0};
	dske_rc rc;

	s->group->won = false;
	s->group->tried = 0;
	do
		rc = candidate_search(s->group, true, &key);
	while (rc_is(rc, DSKE_RC_BUSY));
	bench_need_ok(rc, "conclusion");
	bench_need(mem_equal(key.data, s->deal.key.data, key.len), "another key came back than was dealt");
}

/* Shares from `first` on, `corrupt` of them, get an offset that is a polynomial of degree k - 1 with its
 * roots at honest hubs. */
static void shift(struct scene *s, size_t first, size_t corrupt)
{
	size_t len = terms_share_len(&s->group->terms), k = s->group->terms.k;

	for (size_t i = first; i < first + corrupt; i++) {
		uint8_t factor = 1;

		for (size_t r = 0; r + 1 < k; r++) {
			size_t honest = r < first ? r : r + corrupt;
			factor = gf256_mul(factor, s->group->share[i].x ^ s->group->share[honest].x);
		}
		for (size_t j = 0; j < len; j++)
			s->group->share[i].bytes.data[j] ^= gf256_mul(factor, (uint8_t)(j * 7 + 1));
	}
}

static void scene_deal(struct scene *s, uint8_t n, uint8_t k, uint32_t key_len)
{
	struct terms t = {.receiver_count = 1, .n = n, .k = k, .key_len = key_len};
	const uint8_t *pads[TERMS_HUBS_MAX] = {NULL};
	struct secret pad[TERMS_HUBS_MAX] = {{0}};
	bool use[TERMS_HUBS_MAX] = {false};

	t.receiver[0].b[0] = 1;
	for (uint8_t i = 0; i < n; i++) {
		t.hub[i].b[0] = i;
		use[i] = i < k;
		if (use[i])
			bench_need_ok(secret_random(&pad[i], terms_share_len(&t)), "pad");
		pads[i] = pad[i].data;
	}
	bench_need_ok(agree_deal(&s->deal, &t, pads, use), "deal");
	bench_need_ok(share_group_new(&s->group, &t, NULL), "group");
	for (uint8_t i = 0; i < n; i++)
		bench_need_ok(share_group_add(s->group, (uint8_t)(i + 1), use[i] ? &pad[i] : &s->deal.share[i]), "share");
}

static void scene_drop(struct scene *s)
{
	deal_drop(&s->deal);
	share_group_free(s->group);
}

static double measure(uint8_t n, uint8_t k, uint32_t key_len, size_t first, size_t corrupt, uint64_t *tried)
{
	struct scene s = {0};
	struct bench_work w = {.run = conclude, .context = &s};

	scene_deal(&s, n, k, key_len);
	shift(&s, first, corrupt);
	bench_compare(&w, 1);
	*tried = s.group->tried;
	scene_drop(&s);
	return w.seconds;
}

static void print_case(const char *what, double seconds, double honest)
{
	char name[80];

	snprintf(name, sizeof name, "    %s", what);
	bench_line(name, seconds * 1e6, "us");
	bench_line("        ratio", seconds / honest, "times the honest time");
}

static void shape(uint8_t n, uint8_t k, uint32_t key_len, bool all)
{
	size_t located = (size_t)(n - k) / 2, rest = (size_t)(n - k);
	uint64_t tried;
	char name[80];
	double honest = measure(n, k, key_len, 0, 0, &tried), seconds;

	snprintf(name, sizeof name, "n = %u, k = %u, %u bytes: all honest", n, k, (unsigned)key_len);
	bench_line(name, honest * 1e6, "us");
	snprintf(name, sizeof name, "the first %zu corrupt: located", located);
	print_case(name, measure(n, k, key_len, 0, located, &tried), honest);
	snprintf(name, sizeof name, "the last %zu corrupt: located", located);
	print_case(name, measure(n, k, key_len, n - located, located, &tried), honest);
	if (!all)
		return;
	snprintf(name, sizeof name, "the first %zu corrupt: one redundant", rest - 1);
	print_case(name, measure(n, k, key_len, 0, rest - 1, &tried), honest);
	seconds = measure(n, k, key_len, 0, rest, &tried);
	snprintf(name, sizeof name, "the first %zu corrupt: none redundant", rest);
	print_case(name, seconds, honest);
	bench_line("        sets tried", (double)tried, "");
	bench_line("        each", seconds * 1e6 / (double)tried, "us");
}

int main(void)
{
	bench_header(NULL);
	bench_compare_processor_time();
	shape(5, 3, 1u << 20, true);
	shape(9, 5, 1u << 20, true);
	shape(12, 6, 1u << 20, true);
	shape(20, 10, 1u << 20, false);
	shape(9, 5, 32, true);
	shape(20, 10, 32, true);
	shape(255, 127, 32, false);
	return 0;
}
