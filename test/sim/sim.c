/* SPDX-License-Identifier: Apache-2.0 */
/* test/sim/sim.c - one session: drawn, and run to its deadline. */
#include "test/sim/sim.h"

#include <stdlib.h>
#include <string.h>

/* ---- drawing --------------------------------------------------------------------------------------------- */

static int one_of(struct sim *s, const int *choices, size_t count)
{
	return choices[seeded_below(&s->seed, count)];
}

/* Of a hundred sessions. */
static enum sim_kind kind_draw(struct sim *s)
{
	size_t at = seeded_below(&s->seed, 100);

	return at < 70 ? KIND_PAIR : at < 82 ? KIND_GROUP : at < 91 ? KIND_CONFIRMED : KIND_ADAPTED;
}

/* Few, mostly. */
static size_t members_draw(struct sim *s)
{
	size_t at = seeded_below(&s->seed, 1000);

	if (s->kind == KIND_PAIR || s->kind == KIND_ADAPTED)
		return 1;
	if (at < 800)
		return 2 + seeded_below(&s->seed, 3);
	return at < 993 ? 5 + seeded_below(&s->seed, 4) : 9 + seeded_below(&s->seed, TERMS_RECEIVERS_MAX - 8);
}

static enum scheme scheme_draw(struct sim *s, const struct terms *t)
{
	if (s->kind == KIND_ADAPTED)
		return SCHEME_FIRST_PASS;
	return t->k == t->n && sim_chance(s, 50) ? SCHEME_XOR : SCHEME_SHAMIR;
}

static void terms_draw(struct sim *s)
{
	struct terms *t = &s->agreement[FIRST].terms;

	t->n = (uint8_t)(1 + seeded_below(&s->seed, SIM_HUBS));
	t->k = (uint8_t)(1 + seeded_below(&s->seed, t->n));
	s->k_b = sim_chance(s, 60) ? t->k : (uint8_t)(1 + seeded_below(&s->seed, t->k));
	s->key_len = (uint32_t)(KEY_LEN_MIN + seeded_below(&s->seed, SIM_KEY_MAX - KEY_LEN_MIN + 1));
	t->scheme = scheme_draw(s, t);
	t->key_len = s->kind == KIND_ADAPTED ? ADAPTED_MATERIAL_LEN(t->n) : s->key_len;
	t->receiver_count = (uint8_t)s->members;
	t->context_len = 4;
	t->confirm = s->kind == KIND_CONFIRMED;
	sim_fill(s, t->initiator.b, ID_LEN);
	for (size_t i = 0; i < t->receiver_count; i++)
		sim_fill(s, t->receiver[i].b, ID_LEN);
	sim_fill(s, t->key_id.b, ID_LEN);
	for (size_t i = 0; i < t->n; i++)
		sim_fill(s, t->hub[i].b, ID_LEN);
}

/* The adapted scheme's other two agreements: all but their names, schemes and lengths is the first's. */
static void others_derive(struct sim *s)
{
	const struct terms *first = &s->agreement[FIRST].terms;
	struct terms *second = &s->agreement[SECOND].terms, *fallback = &s->agreement[FALLBACK].terms;

	if (s->agreements == 1)
		return;
	*second = *fallback = *first;
	second->scheme = SCHEME_ADAPTED;
	fallback->scheme = SCHEME_FALLBACK;
	second->key_len = fallback->key_len = s->key_len;
	adapted_second_id(&second->key_id, &first->key_id);
	adapted_fallback_id(&fallback->key_id, &first->key_id);
}

/* Bytes of the regions: up from the initiator, down to a member, up from a member. */
static const size_t room[KINDS][3] = {
	[KIND_PAIR] = {640, 640, 0},
	[KIND_GROUP] = {160, 480, 0},
	[KIND_CONFIRMED] = {176 + 12 * 64, 528, 64},
	[KIND_ADAPTED] = {464 + 2 * 160, 2 * 464 + 4 * 160, 0},
};

static void hub_draw(struct sim *s, size_t hub, int corrupt, int crashes)
{
	struct sim_hub *h = &s->hub[hub];

	h->up = sim_region_new(s, room[s->kind][0]);
	for (size_t m = 0; m < s->members; m++) {
		s->member[m].down[hub] = sim_region_new(s, room[s->kind][1]);
		if (room[s->kind][2] > 0)
			s->member[m].up[hub] = sim_region_new(s, room[s->kind][2]);
	}
	if (sim_chance(s, corrupt))
		h->conduct = HUB_SILENT + (enum sim_conduct)seeded_below(&s->seed, HUB_LEAGUE - HUB_SILENT);
	else if (sim_chance(s, crashes)) {
		h->conduct = HUB_CRASHES;
		h->away_from = (int)seeded_below(&s->seed, 400);
		h->away_until = h->away_from + (int)seeded_below(&s->seed, 2000);
	}
	s->corrupt = (uint8_t)(s->corrupt + sim_is_corrupt(h));
	s->forgers = (uint8_t)(s->forgers + (h->conduct == HUB_FORGES));
}

static void weather_draw(struct sim *s)
{
	static const int losses[] = {0, 0, 5, 20, 40}, others[] = {0, 0, 5, 15}, hostile[] = {0, 0, 10, 25, 50};

	s->loss = one_of(s, losses, 5);
	s->copies = one_of(s, others, 4);
	s->damage = one_of(s, others, 4);
	s->replays = one_of(s, others, 4);
	int corrupt = one_of(s, hostile, 5), crashes = one_of(s, hostile, 5);

	for (size_t i = 0; i < s->agreement[FIRST].terms.n; i++)
		hub_draw(s, i, corrupt, crashes);
	sim_fill(s, s->shift, sizeof s->shift);
}

static void pair_draw(struct sim *s)
{
	s->member[0].is_late = sim_chance(s, 30);
	s->dealer = sim_chance(s, 10) ? (enum sim_dealer)(1 + seeded_below(&s->seed, DEALER_CONDUCTS - 1)) : DEALER_HONEST;
}

/* Members that come when the shares wait already, or when their time is over. */
static void group_draw(struct sim *s)
{
	if (sim_chance(s, 40))
		s->expiry = (int)seeded_below(&s->seed, (size_t)s->deadline);
	for (size_t m = 0; m < s->members; m++) {
		s->member[m].is_late = sim_chance(s, 30);
		s->member[m].begins = sim_chance(s, 30) ? (int)seeded_below(&s->seed, (size_t)s->deadline) : 0;
	}
	if (sim_chance(s, 30))
		sim_league_draw(s);
}

static void confirmed_draw(struct sim *s)
{
	for (size_t m = 0; m < s->members; m++) {
		s->member[m].begins = sim_chance(s, 15) ? (int)seeded_below(&s->seed, 500) : 0;
		s->member[m].is_mute = sim_chance(s, 2);
		s->member[m].ballot = sim_room(s, sizeof(struct ballot));
		memset(s->member[m].ballot, 0, sizeof(struct ballot));
	}
	if (sim_chance(s, 40))
		sim_league_draw(s);
}

static void adapted_draw(struct sim *s)
{
	s->path = (enum sim_path)seeded_below(&s->seed, PATHS);
	s->bob.restart_at = sim_chance(s, 15) ? (int)(1 + seeded_below(&s->seed, (size_t)s->deadline)) : 0;
}

static void session_draw(struct sim *s)
{
	static void (*const draw[KINDS])(struct sim *) = {pair_draw, group_draw, confirmed_draw, adapted_draw};
	static const int deadline[KINDS] = {1000, 1000, 2200, 2400};

	s->kind = kind_draw(s);
	s->deadline = s->expiry = deadline[s->kind];
	s->members = members_draw(s);
	s->agreements = s->kind == KIND_ADAPTED ? SIM_AGREEMENTS : 1;
	memset(s->agreement, 0, s->agreements * sizeof s->agreement[0]);
	memset(s->member, 0, s->members * sizeof s->member[0]);
	s->league.exists = s->league.presses = false;
	memset(s->league.is_used, 0, sizeof s->league.is_used);
	terms_draw(s);
	others_derive(s);
	weather_draw(s);
	draw[s->kind](s);
}

/* ---- running --------------------------------------------------------------------------------------------- */

static void receivers_new(struct sim *s)
{
	const struct terms *t = &s->agreement[FIRST].terms;
	struct acceptance accepts = {.k_min = s->k_b, .n_min = 1, .n_max = SIM_HUBS, .hubs = t->hub, .hub_count = t->n};

	for (size_t m = 0; m < s->members; m++)
		for (size_t a = 0; a < s->agreements; a++)
			if (!rc_ok(receiver_new(&s->member[m].taking[a].receiver, &t->receiver[m], &t->initiator, &accepts)))
				abort();
}

static void dispatch(struct sim *s, const struct sim_event *e)
{
	static void (*const to[])(struct sim *, const struct sim_event *) = {
		[TO_HUB_UP] = sim_hub_event,	     [TO_HUB_DOWN] = sim_hub_event,
		[TIMER_HUB] = sim_hub_event,	     [TIMER_MUSTER] = sim_hub_event,
		[TO_INITIATOR] = sim_initiator_event, [TIMER_INITIATOR] = sim_initiator_event,
		[TIMER_ROUND] = sim_initiator_event,
		[TO_RECEIVER] = sim_member_event,    [TIMER_MEMBER] = sim_member_event,
		[TO_ALICE] = sim_alice_event,	     [TIMER_ALICE] = sim_alice_event,
		[TO_BOB] = sim_bob_event,	     [TIMER_BOB] = sim_bob_event,
	};

	to[e->to](s, e);
}

static void run(struct sim *s)
{
	struct sim_event e;

	sim_initiate(s, FIRST, NULL);
	sim_league_deal(s);
	sim_timer(s, TIMER_INITIATOR, SIM_RESEND);
	while (!s->broken && sim_next(s, &e))
		dispatch(s, &e);
	for (size_t m = 0; m < s->members && !s->broken; m++)
		sim_member_end(s, m);
	sim_judge(s);
}

static void session_end(struct sim *s)
{
	for (size_t m = 0; m < s->members; m++)
		for (size_t a = 0; a < s->agreements; a++) {
			receiver_free(s->member[m].taking[a].receiver);
			secret_drop(&s->member[m].taking[a].key);
		}
	for (size_t a = 0; a < s->agreements; a++)
		deal_drop(&s->agreement[a].deal);
	adapted_drop(&s->alice.state);
	adapted_drop(&s->bob.state);
	secret_drop(&s->bob.key);
}

static bool has_alarm(const struct sim *s)
{
	for (size_t m = 0; m < s->members; m++)
		if (s->member[m].taking[FIRST].alarm)
			return true;
	return false;
}

bool sim_session(uint64_t number, uint64_t tally[TALLY_COUNT], const char **why)
{
	static uint8_t arena[SIM_ARENA] __attribute__((aligned(16)));
	static struct sim s;

	memset(&s, 0, offsetof(struct sim, league));
	s.number = number;
	s.seed.state = number * UINT64_C(0x2545f4914f6cdd1d);
	s.arena = arena;
	session_draw(&s);
	receivers_new(&s);
	run(&s);
	tally[sim_outcome(&s)]++;
	tally[TALLY_ALARM] += has_alarm(&s);
	*why = s.broken;
	session_end(&s);
	return !s.broken;
}
