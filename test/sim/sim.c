/* SPDX-License-Identifier: Apache-2.0 */
/* test/sim/sim.c - one session: drawn, run to its deadline, judged. */
#include "test/sim/sim.h"

#include <stdlib.h>
#include <string.h>

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
	[TALLY_ALARM] = "of all these: a second key after the first",
};

bool sim_ignores_tags;

/* ---- drawing ------------------------------------------------------------------------------------------- */

static void fill(struct seeded *seed, uint8_t *out, size_t len)
{
	for (size_t at = 0; at < len; at += sizeof(uint64_t)) {
		uint64_t word = seeded_next(seed);

		memcpy(out + at, &word, len - at < sizeof word ? len - at : sizeof word);
	}
}

static int one_of(struct sim *s, const int *choices, size_t count)
{
	return choices[seeded_below(&s->seed, count)];
}

static void terms_draw(struct sim *s)
{
	struct terms *t = &s->terms;

	t->n = (uint8_t)(1 + seeded_below(&s->seed, SIM_HUBS));
	t->k = (uint8_t)(1 + seeded_below(&s->seed, t->n));
	s->k_b = sim_chance(s, 60) ? t->k : (uint8_t)(1 + seeded_below(&s->seed, t->k));
	t->key_len = (uint32_t)(KEY_LEN_MIN + seeded_below(&s->seed, SIM_KEY_MAX - KEY_LEN_MIN + 1));
	t->scheme = t->k == t->n && sim_chance(s, 50) ? SCHEME_XOR : SCHEME_SHAMIR;
	t->receiver_count = 1;
	t->context_len = 4;
	fill(&s->seed, t->initiator.b, ID_LEN);
	fill(&s->seed, t->receiver[0].b, ID_LEN);
	fill(&s->seed, t->key_id.b, ID_LEN);
	for (size_t i = 0; i < t->n; i++)
		fill(&s->seed, t->hub[i].b, ID_LEN);
}

static void hub_draw(struct sim *s, struct sim_hub *h, int corrupt, int crashes)
{
	fill(&s->seed, h->up.bytes, SIM_REGION);
	fill(&s->seed, h->down.bytes, SIM_REGION);
	if (sim_chance(s, corrupt))
		h->conduct = HUB_SILENT + (enum sim_conduct)seeded_below(&s->seed, HUB_CONDUCTS - HUB_SILENT);
	else if (sim_chance(s, crashes)) {
		h->conduct = HUB_CRASHES;
		h->away_from = (int)seeded_below(&s->seed, 400);
		h->away_until = h->away_from + (int)seeded_below(&s->seed, 2 * SIM_DEADLINE);
	}
	s->corrupt += sim_is_corrupt(h);
}

static void session_draw(struct sim *s)
{
	static const int losses[] = {0, 0, 5, 20, 40}, others[] = {0, 0, 5, 15}, hostile[] = {0, 0, 10, 25, 50};
	int corrupt, crashes;

	s->loss = one_of(s, losses, 5);
	s->copies = one_of(s, others, 4);
	s->damage = one_of(s, others, 4);
	s->replays = one_of(s, others, 4);
	corrupt = one_of(s, hostile, 5);
	crashes = one_of(s, hostile, 5);
	terms_draw(s);
	for (size_t i = 0; i < s->terms.n; i++)
		hub_draw(s, &s->hub[i], corrupt, crashes);
	fill(&s->seed, s->shift, sizeof s->shift);
	s->is_late = sim_chance(s, 30);
	s->dealer = sim_chance(s, 10) ? (enum sim_dealer)(1 + seeded_below(&s->seed, DEALER_CONDUCTS - 1)) : DEALER_HONEST;
}

/* ---- judging -------------------------------------------------------------------------------------------- */

static size_t delivered(const struct sim *s)
{
	size_t count = 0;

	for (size_t i = 0; i < s->terms.n; i++)
		count += s->hub[i].delivered;
	return count;
}

static size_t accepted(const struct sim *s)
{
	size_t count = 0;

	for (size_t i = 0; i < s->terms.n; i++)
		count += s->hub[i].accepted;
	return count;
}

static bool is_right(const struct sim *s)
{
	return s->key.data && s->key.len == s->deal.key.len && memcmp(s->key.data, s->deal.key.data, s->key.len) == 0;
}

/* What must hold whatever hubs and links do (DSKE 4.2). */
static void judge(struct sim *s)
{
	bool below = s->corrupt < s->k_b; /* disruption by collusion, injection and malleability */

	if (s->key.data && receiver_share_count(s->receiver) < s->k_b)
		sim_break(s, "a key from fewer than k_B hubs");
	if (s->verdict == DEAL_AGREED && accepted(s) < s->terms.k)
		sim_break(s, "the initiator believes hubs that have not accepted");
	if (s->dealer == DEALER_PRETENDS && (s->key.data || accepted(s) > 0))
		sim_break(s, "a hub took a share in another's name");
	if (s->dealer != DEALER_HONEST || !below)
		return;
	if (s->key.data && !is_right(s))
		sim_break(s, "a wrong key");
	if (!s->key.data && delivered(s) >= s->terms.k)
		sim_break(s, "no key, though k honest shares came");
	if (s->key.data && receiver_share_count(s->receiver) < s->terms.k)
		sim_break(s, "a key from fewer than k hubs");
	if (s->alarm || s->receiver_rc == DSKE_RC_CONFLICT)
		sim_break(s, "two keys, though fewer than k_B hubs are corrupt");
}

static enum sim_tally outcome(const struct sim *s)
{
	if (s->dealer != DEALER_HONEST)
		return s->key.data ? TALLY_DEALER_KEY : TALLY_DEALER_NOTHING;
	if (s->key.data && !is_right(s))
		return TALLY_INJECTED;
	if (s->key.data)
		return s->verdict == DEAL_AGREED ? TALLY_AGREED : TALLY_RECEIVER_ALONE;
	if (s->receiver_rc == DSKE_RC_CONFLICT)
		return TALLY_CONFLICT;
	if (s->verdict == DEAL_AGREED)
		return TALLY_INITIATOR_ALONE;
	return s->receiver_rc == DSKE_RC_NO_CANDIDATE ? TALLY_NO_CANDIDATE : TALLY_TOO_FEW;
}

/* ---- running ---------------------------------------------------------------------------------------------- */

static void run(struct sim *s)
{
	struct sim_event e;

	sim_initiator_start(s);
	while (!s->broken && sim_next(s, &e)) {
		if (e.to == TO_INITIATOR || e.to == TIMER_INITIATOR)
			sim_initiator_event(s, &e);
		else if (e.to == TO_RECEIVER)
			sim_receiver_event(s, &e);
		else
			sim_hub_event(s, &e);
	}
	sim_receiver_end(s);
	judge(s);
}

bool sim_session(uint64_t number, uint64_t tally[TALLY_COUNT], const char **why)
{
	static uint8_t arena[SIM_ARENA] __attribute__((aligned(16)));
	static struct sim s;

	memset(&s, 0, sizeof s);
	s.number = number;
	s.seed.state = number * UINT64_C(0x2545f4914f6cdd1d);
	s.arena = arena;
	session_draw(&s);
	struct acceptance accepts = {
		.k_min = s.k_b, .n_min = 1, .n_max = SIM_HUBS, .hubs = s.terms.hub, .hub_count = s.terms.n};
	if (!rc_ok(receiver_new(&s.receiver, &s.terms.receiver[0], &s.terms.initiator, &accepts)))
		abort();
	run(&s);
	tally[outcome(&s)]++;
	tally[TALLY_ALARM] += s.alarm;
	*why = s.broken;
	receiver_free(s.receiver);
	deal_drop(&s.deal);
	secret_drop(&s.key);
	return !s.broken;
}
