/* SPDX-License-Identifier: Apache-2.0 */
/* test/sim/judge.c - what must hold whatever hubs, members and links do (DSKE 4.2), and what a session came to. */
#include <string.h>

#include "test/sim/sim.h"

const char *const sim_tally_name[TALLY_COUNT] = {
	[TALLY_AGREED] = "agreed",
	[TALLY_RECEIVER_ALONE] = "the receiver alone has the key",
	[TALLY_INITIATOR_ALONE] = "the initiator alone has the key",
	[TALLY_TOO_FEW] = "too few hubs",
	[TALLY_NO_CANDIDATE] = "no key among the shares",
	[TALLY_CONFLICT] = "two keys, none taken",
	[TALLY_INJECTED] = "k_B corrupt hubs' key",
	[TALLY_DEALER_KEY] = "corrupt initiator, a key",
	[TALLY_DEALER_NOTHING] = "corrupt initiator, no key",
	[TALLY_GROUP_ALL] = "group: all honest members have the key",
	[TALLY_GROUP_SOME] = "group: some have the key, the others none",
	[TALLY_GROUP_NONE] = "group: none has a key",
	[TALLY_GROUP_SPLIT] = "group: split by a member and hubs, nobody knows",
	[TALLY_GROUP_SPLIT_SEEN] = "group: split, and each who has their key knows",
	[TALLY_GROUP_INJECTED] = "group: k_B corrupt hubs' key",
	[TALLY_CONFIRMED_ALL] = "confirmed: all honest members have the key",
	[TALLY_CONFIRMED_SOME] = "confirmed: some have it, the others know that they have none",
	[TALLY_CONFIRMED_NONE] = "confirmed: none has a key",
	[TALLY_CONFIRMED_FOUND] = "confirmed: the split was found",
	[TALLY_CONFIRMED_UNSEEN] = "confirmed: split by k hubs or more, nobody knows",
	[TALLY_ADAPTED_DIRECT] = "adapted: by the direct link",
	[TALLY_ADAPTED_FALLBACK] = "adapted: by the fallback",
	[TALLY_ADAPTED_BOTH_WAYS] = "adapted: one end by the link, the other by the fallback",
	[TALLY_ADAPTED_ONE_END] = "adapted: one end alone has the key",
	[TALLY_ADAPTED_NONE] = "adapted: none has a key",
	[TALLY_ADAPTED_INJECTED] = "adapted: k_B corrupt hubs, two keys",
	[TALLY_ALARM] = "of all these: a second key after the first",
};

static bool is_below(const struct sim *s) /* disruption by collusion, injection and malleability */
{
	return s->corrupt < s->k_b;
}

static size_t accepted(const struct sim *s, size_t agreement)
{
	size_t count = 0;

	for (size_t i = 0; i < s->agreement[agreement].terms.n; i++)
		count += s->agreement[agreement].post[i].accepted;
	return count;
}

/* ---- each receiver --------------------------------------------------------------------------------------- */

static void taking_judge(struct sim *s, size_t agreement, const struct sim_taking *g)
{
	const struct terms *t = &s->agreement[agreement].terms;
	bool split = s->league.exists;

	if (g->key.data && receiver_share_count(g->receiver) < s->k_b)
		sim_break(s, "a key from fewer than k_B hubs");
	if (s->dealer == DEALER_PRETENDS && (g->key.data || accepted(s, agreement) > 0))
		sim_break(s, "a hub took a share in another's name");
	if (s->dealer != DEALER_HONEST || !is_below(s))
		return;
	if (g->key.data && !sim_is_true_key(s, agreement, &g->key) && !split)
		sim_break(s, "a wrong key");
	if (!g->key.data && g->on_true >= t->k && !split)
		sim_break(s, "no key, though k honest shares came");
	if (g->key.data && receiver_share_count(g->receiver) < t->k)
		sim_break(s, "a key from fewer than k hubs");
	if ((g->alarm || g->rc == DSKE_RC_CONFLICT) && !split)
		sim_break(s, "two keys, though fewer than k_B hubs are corrupt");
}

/* Over links that lose nothing, k hubs that are honest and there bring the key to who comes in time. */
static bool all_must_go_well(const struct sim *s)
{
	size_t steady = 0;

	for (size_t i = 0; i < s->agreement[FIRST].terms.n; i++)
		steady += s->hub[i].conduct == HUB_HONEST;
	return s->dealer == DEALER_HONEST && s->loss == 0 && s->damage == 0 && is_below(s) && !s->league.exists &&
	       steady >= s->agreement[FIRST].terms.k;
}

#define LEG (SIM_RESEND + SIM_DELAY_MAX + 1)

static bool is_in_time(const struct sim *s, const struct sim_member *m)
{
	return m->begins + LEG <= s->deadline && (m->begins > SIM_DELAY_MAX ? m->begins + SIM_RESEND : LEG) <= s->expiry;
}

/* ---- confirmation ---------------------------------------------------------------------------------------- */

/* Fewer than k hubs, whoever helps them, bring no member to hand out another key than the initiator's. */
static void confirmed_judge(struct sim *s, const struct sim_member *m)
{
	const struct sim_taking *g = &m->taking[FIRST];

	if (m->confirmed && !m->vowed)
		sim_break(s, "a key was confirmed that was not fixed");
	if (s->corrupt >= s->agreement[FIRST].terms.k)
		return;
	if (m->confirmed && !sim_is_true_key(s, FIRST, &g->key))
		sim_break(s, "another key than the initiator's was confirmed");
	if (m->confirmed && !s->round.drawn)
		sim_break(s, "a key was confirmed before c was drawn");
	if (m->told && sim_is_true_key(s, FIRST, &g->key))
		sim_break(s, "the initiator's key was not confirmed, though k hubs said the same");
}

static void round_judge(struct sim *s)
{
	bool all = all_must_go_well(s);

	for (size_t m = 0; m < s->members; m++) {
		confirmed_judge(s, &s->member[m]);
		all = all && !s->member[m].is_mute && is_in_time(s, &s->member[m]);
	}
	for (size_t m = 0; m < s->members && all; m++)
		if (!s->member[m].confirmed)
			sim_break(s, "all were ready, and a member has no confirmation");
	if (all && !s->round.done)
		sim_break(s, "all were ready, and the initiator has no key");
}

/* ---- the adapted scheme ---------------------------------------------------------------------------------- */

static bool is_same(const struct secret *a, const struct secret *b)
{
	return a->len == b->len && memcmp(a->data, b->data, a->len) == 0;
}

static void adapted_judge(struct sim *s)
{
	const struct secret *direct = &s->bob.key, *fallback = &s->member[0].taking[FALLBACK].key;
	const struct secret *bobs = direct->data ? direct : fallback;
	AUTO(secret) alices = {0};
	bool alice = sim_alice_key(s, &alices);

	if (!is_below(s))
		return;
	if (direct->data && fallback->data && !is_same(direct, fallback))
		sim_break(s, "the second pass and the fallback gave two keys");
	if (alice && bobs->data && !is_same(bobs, &alices))
		sim_break(s, "the two ends have different keys");
	if (direct->data && s->alice.state.state != ADAPTED_CHOSEN)
		sim_break(s, "Bob has a key that Alice did not choose");
	if (s->alice.done && !direct->data)
		sim_break(s, "Alice believes that Bob has the key, and he does not");
	if (all_must_go_well(s) && (!alice || !bobs->data))
		sim_break(s, "neither the link nor the fallback gave the key");
}

/* ---- all of it ------------------------------------------------------------------------------------------- */

static void arrival_judge(struct sim *s)
{
	for (size_t m = 0; m < s->members; m++)
		if (!s->member[m].taking[FIRST].key.data && all_must_go_well(s) && is_in_time(s, &s->member[m]))
			sim_break(s, "no key, though nothing was lost on its way from k honest hubs");
}

void sim_judge(struct sim *s)
{
	for (size_t m = 0; m < s->members; m++)
		for (size_t a = 0; a < s->agreements; a++)
			if (a != SECOND)
				taking_judge(s, a, &s->member[m].taking[a]);
	for (size_t a = 0; a < s->agreements; a++)
		if (s->agreement[a].verdict == DEAL_AGREED && accepted(s, a) < s->agreement[a].terms.k)
			sim_break(s, "the initiator believes hubs that have not accepted");
	arrival_judge(s);
	if (s->kind == KIND_CONFIRMED)
		round_judge(s);
	if (s->kind == KIND_ADAPTED)
		adapted_judge(s);
}

/* ---- tallies --------------------------------------------------------------------------------------------- */

static enum sim_tally pair_outcome(const struct sim *s)
{
	const struct sim_taking *g = &s->member[0].taking[FIRST];
	bool agreed = s->agreement[FIRST].verdict == DEAL_AGREED;

	if (s->dealer != DEALER_HONEST)
		return g->key.data ? TALLY_DEALER_KEY : TALLY_DEALER_NOTHING;
	if (g->key.data && !sim_is_true_key(s, FIRST, &g->key))
		return TALLY_INJECTED;
	if (g->key.data)
		return agreed ? TALLY_AGREED : TALLY_RECEIVER_ALONE;
	if (g->rc == DSKE_RC_CONFLICT)
		return TALLY_CONFLICT;
	if (agreed)
		return TALLY_INITIATOR_ALONE;
	return g->rc == DSKE_RC_NO_CANDIDATE ? TALLY_NO_CANDIDATE : TALLY_TOO_FEW;
}

/* What its honest members have and know. */
struct census {
	size_t honest, right, split, unseen, injected, told;
};

static void census_take(const struct sim *s, struct census *c)
{
	*c = (struct census){0};
	for (size_t i = 0; i < s->members; i++) {
		const struct sim_member *m = &s->member[i];
		const struct sim_taking *g = &m->taking[FIRST];
		bool has = g->key.data && (s->kind != KIND_CONFIRMED || m->confirmed),
		     right = sim_is_true_key(s, FIRST, &g->key);
		bool split = sim_is_split_key(s, &g->key);

		if (m->is_traitor)
			continue;
		c->honest++;
		c->right += has && right;
		c->split += has && split;
		c->unseen += has && split && !g->alarm;
		c->injected += has && !right && !split;
		c->told += m->told;
	}
}

static enum sim_tally group_outcome(const struct sim *s)
{
	struct census c;

	census_take(s, &c);
	if (c.injected > 0)
		return TALLY_GROUP_INJECTED;
	if (c.split > 0)
		return c.unseen > 0 ? TALLY_GROUP_SPLIT : TALLY_GROUP_SPLIT_SEEN;
	if (c.right == c.honest)
		return TALLY_GROUP_ALL;
	return c.right > 0 ? TALLY_GROUP_SOME : TALLY_GROUP_NONE;
}

static enum sim_tally confirmed_outcome(const struct sim *s)
{
	struct census c;

	census_take(s, &c);
	if (c.split + c.injected > 0)
		return TALLY_CONFIRMED_UNSEEN;
	if (c.told > 0)
		return TALLY_CONFIRMED_FOUND;
	if (c.right == c.honest)
		return TALLY_CONFIRMED_ALL;
	return c.right > 0 ? TALLY_CONFIRMED_SOME : TALLY_CONFIRMED_NONE;
}

static enum sim_tally adapted_outcome(const struct sim *s)
{
	const struct secret *direct = &s->bob.key, *fallback = &s->member[0].taking[FALLBACK].key;
	const struct secret *bobs = direct->data ? direct : fallback;
	AUTO(secret) alices = {0};
	bool alice = sim_alice_key(s, &alices);

	if (!alice || !bobs->data)
		return alice || bobs->data ? TALLY_ADAPTED_ONE_END : TALLY_ADAPTED_NONE;
	if (!is_same(bobs, &alices))
		return TALLY_ADAPTED_INJECTED;
	if (s->alice.done != (direct->data != NULL))
		return TALLY_ADAPTED_BOTH_WAYS;
	return s->alice.done ? TALLY_ADAPTED_DIRECT : TALLY_ADAPTED_FALLBACK;
}

enum sim_tally sim_outcome(const struct sim *s)
{
	static enum sim_tally (*const outcome[KINDS])(const struct sim *) = {
		[KIND_PAIR] = pair_outcome,
		[KIND_GROUP] = group_outcome,
		[KIND_CONFIRMED] = confirmed_outcome,
		[KIND_ADAPTED] = adapted_outcome,
	};

	return outcome[s->kind](s);
}
