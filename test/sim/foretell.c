/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test/sim/foretell.c - which key must follow from the shares that came.
 *
 * Every set of k of them is tried here, on a few bytes of S, without the product's search and its key tag: the true key
 * must be found when one set gives it, the league's when one gives that, two keys when both is so; and nothing else may
 * come of it.  (Counting honest shares would not do: offsets of colluding hubs are multiples of one another, so that
 * one mixed set in 256 gives the true key, or the league's.)
 */
#include <string.h>

#include "core/shamir.h"
#include "test/sim/sim.h"

bool sim_is_true_key(const struct sim *s, size_t agreement, const struct secret *key)
{
	const struct secret *dealt = &s->agreement[agreement].deal.key;

	return key->data && dealt->data && key->len == dealt->len && memcmp(key->data, dealt->data, key->len) == 0;
}

static const uint8_t *leagues_key(const struct sim *s)
{
	const struct terms *t = &s->agreement[FIRST].terms;

	return s->league.y0 + terms_share_len(t) - t->key_len;
}

bool sim_is_split_key(const struct sim *s, const struct secret *key)
{
	return s->league.exists && key->data && key->len == s->agreement[FIRST].terms.key_len &&
	       memcmp(key->data, leagues_key(s), key->len) == 0;
}

void sim_share_note(const struct sim *s, struct sim_taking *g, size_t agreement, size_t hub, const struct terms *t,
		    const uint8_t *share)
{
	const struct terms *mine = &s->agreement[agreement].terms;
	size_t len = terms_share_len(mine);

	if (!terms_equal(t, mine))
		return;
	g->came |= 1u << hub;
	if (memcmp(share, sim_dealt_share(s, agreement, hub), len) == 0) {
		g->is_true |= 1u << hub;
		g->on_true++;
	}
	memcpy(g->part[hub], share + len - mine->key_len, SIM_PART);
}

/* ---- all sets of k --------------------------------------------------------------------------------------- */

static void part_of_key(const struct sim_taking *g, const struct terms *t, unsigned set, uint8_t out[SIM_PART])
{
	const uint8_t *known[SIM_HUBS];
	uint8_t x[SIM_HUBS], zero = 0;
	size_t count = 0;

	for (size_t hub = 0; hub < t->n; hub++)
		if (set >> hub & 1) {
			known[count] = g->part[hub];
			x[count++] = (uint8_t)(hub + 1);
		}
	if (t->scheme != SCHEME_XOR) {
		(void)shamir_interpolate(x, known, count, &zero, &out, 1, SIM_PART);
		return;
	}
	memset(out, 0, SIM_PART);
	for (size_t i = 0; i < count; i++)
		for (size_t b = 0; b < SIM_PART; b++)
			out[b] ^= known[i][b];
}

enum sim_expectation { EXPECT_NONE, EXPECT_TRUE, EXPECT_SPLIT, EXPECT_BOTH, EXPECT_WRONG };

static unsigned what_a_set_gives(const struct sim *s, const struct sim_taking *g, size_t agreement, unsigned set)
{
	const struct sim_agreement *a = &s->agreement[agreement];
	uint8_t part[SIM_PART];

	if ((set & g->is_true) == set)
		return EXPECT_TRUE;
	part_of_key(g, &a->terms, set, part);
	if (memcmp(part, a->deal.key.data, SIM_PART) == 0)
		return EXPECT_TRUE;
	return s->league.exists && memcmp(part, leagues_key(s), SIM_PART) == 0 ? EXPECT_SPLIT : EXPECT_NONE;
}

static enum sim_expectation expected(const struct sim *s, const struct sim_taking *g, size_t agreement)
{
	uint8_t k = s->agreement[agreement].terms.k;
	unsigned found = g->on_true >= k ? EXPECT_TRUE : EXPECT_NONE, most = s->league.exists ? EXPECT_BOTH : EXPECT_TRUE;

	for (unsigned set = g->came; set != 0 && found != most; set = (set - 1) & g->came)
		if (__builtin_popcount(set) == k)
			found |= what_a_set_gives(s, g, agreement, set);
	return (enum sim_expectation)found;
}

static enum sim_expectation found(const struct sim *s, size_t agreement, dske_rc rc, const struct secret *key)
{
	if (rc_is(rc, DSKE_RC_CONFLICT))
		return EXPECT_BOTH;
	if (!rc_ok(rc))
		return EXPECT_NONE;
	if (sim_is_true_key(s, agreement, key))
		return EXPECT_TRUE;
	return sim_is_split_key(s, key) ? EXPECT_SPLIT : EXPECT_WRONG;
}

/* Holds unless the initiator cheats, or k_B hubs forge keys of their own. */
void sim_foretold(struct sim *s, const struct sim_taking *g, size_t agreement, dske_rc rc, const struct secret *key)
{
	static const char *const what[] = {
		[EXPECT_NONE] = "a key, or two, though no k shares give one",
		[EXPECT_TRUE] = "not the initiator's key, though k shares give it and none another",
		[EXPECT_SPLIT] = "not the league's key, though k shares give it and none another",
		[EXPECT_BOTH] = "not two keys, though k shares give one and k another",
	};

	if (s->dealer != DEALER_HONEST || s->forgers >= s->k_b)
		return;
	enum sim_expectation e = expected(s, g, agreement);

	if (found(s, agreement, rc, key) != e)
		sim_break(s, what[e]);
}
