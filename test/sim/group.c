/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test/sim/group.c - a member in league with hubs, which splits the group.
 *
 * The member knows Y_0, hence all shares.  The league takes another Y_0 that the same key tag confirms, and a
 * polynomial of degree below k through it and through shares of up to k - 1 honest hubs.  Its hubs send that to the
 * victims.
 */
#include <string.h>

#include "core/shamir.h"
#include "core/xorshare.h"
#include "test/sim/sim.h"

/* ---- the league ------------------------------------------------------------------------------------------ */

static void enlist_hubs(struct sim *s)
{
	uint8_t n = s->agreement[FIRST].terms.n;
	size_t first = seeded_below(&s->seed, n);

	s->league.size = sim_chance(s, 60) ? 1 : (uint8_t)(1 + seeded_below(&s->seed, n));
	for (size_t i = 0; i < s->league.size; i++) {
		struct sim_hub *h = &s->hub[(first + i) % n];

		s->corrupt = (uint8_t)(s->corrupt + !sim_is_corrupt(h));
		s->forgers = (uint8_t)(s->forgers - (h->conduct == HUB_FORGES));
		h->conduct = HUB_LEAGUE;
		h->away_from = h->away_until = 0;
	}
}

void sim_league_draw(struct sim *s)
{
	size_t traitor = seeded_below(&s->seed, s->members);

	s->league.exists = true;
	s->league.presses = sim_chance(s, 60);
	for (size_t m = 0; m < s->members; m++)
		s->member[m].is_victim = m != traitor && sim_chance(s, 50);
	s->member[traitor].is_traitor = true;
	s->member[(traitor + 1) % s->members].is_victim = true;
	enlist_hubs(s);
}

bool sim_is_pressed(const struct sim *s, size_t hub, size_t member)
{
	return s->league.exists && s->league.presses && s->member[member].is_victim && s->hub[hub].conduct != HUB_LEAGUE &&
	       !s->league.is_used[hub];
}

/* Any Y_0 but for d, which makes the key tag hold. */
static void another_secret(struct sim *s)
{
	const struct terms *t = &s->agreement[FIRST].terms;
	uint8_t *y0 = s->league.y0, *d = y0 + GF128_LEN;
	struct tag rest;

	sim_fill(s, y0, terms_share_len(t));
	memset(d, 0, GF128_LEN);
	key_tag_compute(&rest, y0, y0 + KEY_TAG_KEY_LEN, terms_tagged_len(t));
	xor_bytes(d, rest.b, t->key_tag.b, GF128_LEN);
}

/* Known points: Y_0 there, honest shares as far as k - 1 of them are, and what else is needed at hubs of the league. */
struct points {
	uint8_t x[SIM_HUBS];
	const uint8_t *value[SIM_HUBS];
	size_t count;
	bool has[SIM_HUBS];
};

static void points_add(struct points *p, size_t hub, const uint8_t *value)
{
	p->x[p->count] = (uint8_t)(hub + 1);
	p->value[p->count++] = value;
	p->has[hub] = true;
}

static void points_choose(struct sim *s, struct points *p)
{
	const struct terms *t = &s->agreement[FIRST].terms;
	size_t from = seeded_below(&s->seed, t->n);

	p->value[p->count++] = s->league.y0;
	for (size_t j = 0; j < t->n && p->count < t->k; j++) {
		size_t hub = (from + j) % t->n;

		if (s->hub[hub].conduct != HUB_LEAGUE) {
			points_add(p, hub, sim_dealt_share(s, FIRST, hub));
			s->league.is_used[hub] = true;
		}
	}
	for (size_t hub = 0; hub < t->n && p->count < t->k; hub++)
		if (s->hub[hub].conduct == HUB_LEAGUE) {
			sim_fill(s, s->league.share[hub], terms_share_len(t));
			points_add(p, hub, s->league.share[hub]);
		}
}

static void deal_by_polynomial(struct sim *s)
{
	const struct terms *t = &s->agreement[FIRST].terms;
	struct points p = {.count = 0};
	uint8_t x[SIM_HUBS], *wanted[SIM_HUBS];
	size_t count = 0;

	points_choose(s, &p);
	for (size_t hub = 0; hub < t->n; hub++) {
		if (!p.has[hub]) {
			x[count] = (uint8_t)(hub + 1);
			wanted[count++] = s->league.share[hub];
		} else if (s->league.is_used[hub])
			memcpy(s->league.share[hub], sim_dealt_share(s, FIRST, hub), terms_share_len(t));
	}
	if (count > 0 && !rc_ok(shamir_interpolate(p.x, p.value, p.count, x, wanted, count, terms_share_len(t))))
		sim_break(s, "the league cannot compute");
}

/* The share of one of its hubs makes the difference; the others tell the truth. */
static void deal_by_sum(struct sim *s)
{
	const struct terms *t = &s->agreement[FIRST].terms;
	size_t len = terms_share_len(t);
	uint8_t *odd = NULL;

	for (size_t hub = 0; hub < t->n; hub++) {
		memcpy(s->league.share[hub], sim_dealt_share(s, FIRST, hub), len);
		if (!odd && s->hub[hub].conduct == HUB_LEAGUE)
			odd = s->league.share[hub];
		s->league.is_used[hub] = true;
	}
	xor_bytes(odd, odd, s->league.y0, len);
	for (size_t hub = 0; hub < t->n; hub++)
		xor_bytes(odd, odd, sim_dealt_share(s, FIRST, hub), len);
}

void sim_league_deal(struct sim *s)
{
	const struct terms *t = &s->agreement[FIRST].terms;
	const uint8_t *tagged = s->league.y0 + KEY_TAG_KEY_LEN;

	if (!s->league.exists)
		return;
	another_secret(s);
	if (t->scheme == SCHEME_XOR)
		deal_by_sum(s);
	else
		deal_by_polynomial(s);
	if (t->confirm && !rc_ok(confirmation_draw(&s->league.lie, tagged, tagged + CONFIRM_MASK_LEN, t->key_len)))
		sim_break(s, "the league has no confirmation");
}
