/* SPDX-License-Identifier: Apache-2.0 */
/* test/sim/conduct.c - what corrupt hubs say. */
#include <string.h>

#include "core/gf256.h"
#include "core/shamir.h"
#include "test/sim/sim.h"

bool sim_is_corrupt(const struct sim_hub *h)
{
	return h->conduct > HUB_CRASHES;
}

/* With k of them a key under the initiator's terms: c = 0 makes h' = d.  With k_B < k the same, k_B in k's place. */
static void forge(struct sim *s, struct sim_agreement *a, const struct terms *told)
{
	uint8_t x[SIM_HUBS], known_x[SIM_HUBS] = {0}, values[SIM_HUBS][SIM_SHARE_MAX];
	const uint8_t *known[SIM_HUBS];
	uint8_t *wanted[SIM_HUBS];
	size_t count = 0;

	for (uint8_t i = 0; i < told->n; i++)
		if (s->hub[i].conduct == HUB_FORGES) {
			wanted[count] = a->forged[i];
			x[count++] = (uint8_t)(i + 1);
		}
	if (count < s->k_b || a->forged_terms || told->scheme == SCHEME_ADAPTED)
		return;
	a->forged_terms = sim_keep(s, told, sizeof *told);
	if (count < told->k)
		a->forged_terms->k = s->k_b;
	for (size_t i = 0; i < a->forged_terms->k; i++) {
		sim_fill(s, values[i], terms_share_len(told));
		known[i] = values[i];
		known_x[i] = i == 0 ? 0 : x[i - 1];
	}
	memset(values[0], 0, GF128_LEN);
	memcpy(values[0] + GF128_LEN, told->key_tag.b, TAG_LEN);
	if (!rc_ok(shamir_interpolate(known_x, known, a->forged_terms->k, x, wanted, count, terms_share_len(told))))
		sim_break(s, "corrupt hubs cannot compute");
}

/* Offsets on a polynomial of degree below k. */
static void shift(const struct sim *s, uint8_t x, uint8_t k, uint8_t *share, size_t len)
{
	uint8_t factor = 1;

	for (uint8_t j = 1; j < k; j++)
		factor = gf256_mul(factor, x ^ (uint8_t)(100 + j));
	for (size_t b = 0; b < len; b++)
		share[b] ^= gf256_mul(factor, s->shift[b]);
}

static void forged(struct sim *s, struct sim_agreement *a, size_t hub, struct terms *t, uint8_t *share)
{
	forge(s, a, t);
	if (!a->forged_terms) {
		sim_fill(s, share, terms_share_len(t));
		return;
	}
	*t = *a->forged_terms;
	memcpy(share, a->forged[hub], terms_share_len(t));
}

static void retell(struct sim *s, struct terms *t)
{
	if (sim_chance(s, 50) && t->k > 1)
		t->k--;
	else
		t->key_tag.b[seeded_below(&s->seed, TAG_LEN)] ^= 1;
}

void sim_pervert(struct sim *s, size_t agreement, size_t hub, size_t member, struct terms *t, uint8_t *share)
{
	size_t len = terms_share_len(t);

	switch (s->hub[hub].conduct) {
	case HUB_FORGES:
		forged(s, &s->agreement[agreement], hub, t, share);
		return;
	case HUB_SHIFTS:
		shift(s, (uint8_t)(hub + 1), t->k, share, len);
		return;
	case HUB_RETELLS:
		retell(s, t);
		return;
	case HUB_LEAGUE:
		if (s->member[member].is_victim)
			memcpy(share, s->league.share[hub], len);
		return;
	default:
		sim_fill(s, share, len);
	}
}
