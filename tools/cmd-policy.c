/* SPDX-License-Identifier: Apache-2.0 */
/* dske policy explain, suggest: what n, k and k_B are worth, and which to choose (DSKE 4.2). */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/thresholds.h"
#include "hubproto/traffic.h"
#include "tools/commands.h"
#include "tools/output.h"

#define BAD_DEFAULT "1%"
#define BYTES_DEFAULT 32

struct explain {
	struct common common;
	uint64_t n, k, k_b, accepted, bytes;
	const char *bad;
	double p;
	struct choice choice;
	struct operators taking, others;
	bool has_operators; /* of the configuration */
	struct traffic general, simple, adapted;
};

/* "0.01" or "1%". */
static dske_rc chance_parse(double *out, const char *text)
{
	char *end = NULL;
	*out = strtod(text, &end);
	if (end != text && strcmp(end, "%") == 0) {
		*out /= 100;
		end++;
	}
	if (end == text || *end != '\0' || !(*out >= 0 && *out <= 1))
		return FAIL(ARGS, "--bad %s: a chance is a number from 0 to 1, or from 0%% to 100%%", text);
	return DSKE_OK;
}

static const char *chance_text(double p, char text[32])
{
	if (p <= 0)
		snprintf(text, 32, "none");
	else if (p < 0.001)
		snprintf(text, 32, "%.2g (1 in %.2g)", p, 1 / p);
	else
		snprintf(text, 32, "%.3g%%", 100 * p);
	return text;
}

/* ---- the hubs of the configuration --------------------------------------------------------------------- */

struct run { /* hubs that one operator runs */
	char operator[CONFIG_OPERATOR_MAX + 1];
	size_t at; /* in struct operators */
};

static void add_hub(struct operators *o, struct run *runs, size_t *run_count, const char *operator)
{
	for (size_t i = 0; operator[0] != '\0' && i < *run_count; i++) {
		if (strcmp(runs[i].operator, operator) == 0) {
			o->hubs[runs[i].at]++;
			return;
		}
	}
	snprintf(runs[*run_count].operator, sizeof runs->operator, "%s", operator);
	runs[(*run_count)++].at = o->count;
	o->hubs[o->count++] = 1;
}

/* Those with accept = no take no part.  Returns how many count for the default k: they do, too. */
static size_t take_hubs(struct explain *e, const struct config *config, const struct client_hub *hub, size_t count)
{
	struct run runs[TERMS_HUBS_MAX];
	size_t run_count = 0, known = 0;
	for (size_t i = 0; i < count && known < TERMS_HUBS_MAX; i++) {
		if (!hub[i].stands)
			continue;
		known++;
		if (!config_hub_refused(config, hub[i].name))
			add_hub(&e->taking, runs, &run_count, config_operator(config, hub[i].name));
	}
	e->has_operators = e->taking.count < operators_hubs(&e->taking);
	return known;
}

/* n: the hubs that we have tables of and accept; k and k_B as an agreement would take them. */
static dske_rc read_client(struct explain *e)
{
	struct client *client = NULL;
	struct client_hub *hub = NULL;
	size_t count = 0;
	dske_rc rc = tool_open(&client, &e->common);
	if (rc_ok(rc))
		rc = client_hubs(client, &hub, &count);
	if (rc_ok(rc)) {
		size_t known = take_hubs(e, client_config(client), hub, count);
		e->n = operators_hubs(&e->taking);
		e->k = e->k != 0 ? e->k : config_k(client_config(client), known);
		e->k_b = e->k_b != 0 ? e->k_b : config_k_b(client_config(client), known);
	}
	free(hub);
	client_close(client);
	if (rc_ok(rc) && e->n == 0)
		return FAIL(NOT_FOUND, "this client has no table of any hub yet: say which case is meant, as in --n 9 --k 5 --kb 5");
	return rc;
}

static dske_rc settle_choice(struct explain *e)
{
	if (e->n == 0)
		TRY(read_client(e));
	else if (e->n <= TERMS_HUBS_MAX)
		operators_apart(&e->taking, (unsigned)e->n);
	e->k = e->k != 0 ? e->k : e->n / 2 + 1;
	e->k_b = e->k_b != 0 ? e->k_b : e->k;
	e->choice = (struct choice){(unsigned)e->n, (unsigned)e->k, (unsigned)e->k_b};
	TRY(choice_check(&e->choice));
	e->accepted = e->accepted != 0 ? e->accepted : e->n;
	if (e->accepted < e->n || e->accepted > TERMS_HUBS_MAX)
		return FAIL(ARGS, "--accepted %llu: the hubs that the receiver accepts, at least the n = %llu that take part, at most %d",
			    (unsigned long long)e->accepted, (unsigned long long)e->n, TERMS_HUBS_MAX);
	operators_apart(&e->others, (unsigned)(e->accepted - e->n));
	return DSKE_OK;
}

static dske_rc settle_costs(struct explain *e)
{
	unsigned n = e->choice.n;
	if (e->bytes < KEY_LEN_MIN || e->bytes > KEY_PART_LEN)
		return FAIL(ARGS, "--bytes %llu: a key has %u to %u bytes", (unsigned long long)e->bytes, KEY_LEN_MIN, KEY_PART_LEN);
	TRY(traffic_of(&e->general, n, e->choice.k, SCHEME_SHAMIR, (uint32_t)e->bytes, 0));
	TRY(traffic_of(&e->simple, n, n, SCHEME_XOR, (uint32_t)e->bytes, 0));
	return traffic_adapted(&e->adapted, n, e->choice.k, (uint32_t)e->bytes, 0);
}

/* ---- in words -------------------------------------------------------------------------------------------- */

/* One row a threshold of DSKE 4.2: what so many hubs together can do, and the operators that have so many. */
struct meaning {
	const char *name;
	unsigned hubs, operators;
	char text[200];
};
#define MEANINGS 4

static const char *plural(unsigned count, const char *one, const char *many)
{
	return count == 1 ? one : many;
}

static void find_meanings(const struct explain *e, struct meaning m[MEANINGS])
{
	struct thresholds t = thresholds_of(&e->choice);
	m[0] = (struct meaning){.name = "disruption", .hubs = t.disruption};
	m[1] = (struct meaning){.name = "leakage", .hubs = t.leakage};
	m[2] = (struct meaning){.name = "injection", .hubs = t.injection};
	m[3] = (struct meaning){.name = "malleability", .hubs = t.malleability};
	if (t.disruption < t.silence)
		snprintf(m[0].text, sizeof m[0].text, "%u %s by lying, or %u by being down, keep the two from a key", t.disruption,
			 plural(t.disruption, "hub", "hubs"), t.silence);
	else
		snprintf(m[0].text, sizeof m[0].text, "%u %s, down or lying, keep the two from a key", t.disruption,
			 plural(t.disruption, "hub", "hubs"));
	snprintf(m[1].text, sizeof m[1].text, "%u %s together know the initiator's key, fewer nothing of it", t.leakage,
		 plural(t.leakage, "hub", "hubs"));
	snprintf(m[2].text, sizeof m[2].text, "%u %s together can have the receiver take a key that they know", t.injection,
		 plural(t.injection, "hub", "hubs"));
	snprintf(m[3].text, sizeof m[3].text, "%u %s together can have the two take different keys", t.malleability,
		 plural(t.malleability, "hub", "hubs"));
	for (size_t i = 0; i < MEANINGS; i++)
		m[i].operators = operators_needed(&e->taking, m[i].hubs);
}

static void disruption_text(const struct choice *c, char out[400])
{
	unsigned down = c->n - c->k;
	char remedy[64];
	if (c->k > down)
		snprintf(remedy, sizeof remedy, "k_B of %u or more", down + 1);
	else
		snprintf(remedy, sizeof remedy, "k and k_B of %u or more", c->n / 2 + 1);
	snprintf(out, 400, "k_B = %u is not above n-k = %u: %u lying hubs can prevent a key, though %u that are down cannot; choose %s",
		 c->k_b, down, c->k_b, down, remedy);
}

static const char *one_hub_text(const struct choice *c)
{
	return c->k == 1 ? "k = 1: one dishonest hub alone knows every key, and can have the receiver take one that it makes; use several hubs, "
			   "and k and k_B of 2 or more"
			 : "k_B = 1: one dishonest hub alone can have the receiver take a key that it knows; choose k_B of 2 or more";
}

static void warning_text(const struct explain *e, enum weakness which, char out[400])
{
	const struct choice *c = &e->choice;
	switch (which) {
	case WEAK_DISRUPTION:
		disruption_text(c, out);
		break;
	case WEAK_ONE_HUB:
		snprintf(out, 400, "%s", one_hub_text(c));
		break;
	case WEAK_ONE_DOWN:
		snprintf(out, 400, "k = n: one hub that is down prevents every key; choose k below n, or have more hubs");
		break;
	case WEAK_POOL:
		snprintf(out, 400, "the receiver accepts %llu hubs besides the %u that take part: they count for injection, malleability and "
			 "disruption, too; let it accept no more than needed", (unsigned long long)(e->accepted - c->n), c->n);
		break;
	case WEAK_OPERATOR:
		snprintf(out, 400, "operators run several hubs: %zu for %u hubs. They fall together, so count operators, not hubs; use hubs "
			 "of more operators", e->taking.count, c->n);
		break;
	}
}

static const struct {
	enum weakness which;
	const char *name;
} weakness_rows[] = {
	{WEAK_DISRUPTION, "disruption"}, {WEAK_ONE_HUB, "one-hub"},   {WEAK_ONE_DOWN, "one-down"},
	{WEAK_POOL, "pool"},             {WEAK_OPERATOR, "operator"},
};
#define WEAKNESSES (sizeof weakness_rows / sizeof weakness_rows[0])

/* ---- explain --------------------------------------------------------------------------------------------- */

static void print_thresholds(const struct explain *e)
{
	static const char *const headings[] = {"THRESHOLD", ">HUBS", "MEANS HERE", ">OPERATORS"};
	AUTO(grid) g = {0};
	struct meaning m[MEANINGS];
	find_meanings(e, m);
	grid_init(&g, e->has_operators ? 4 : 3, headings);
	for (size_t i = 0; i < MEANINGS; i++) {
		grid_row(&g, COLOUR_OFF);
		grid_cell(&g, 0, "%s", m[i].name);
		grid_cell(&g, 1, "%u", m[i].hubs);
		grid_cell(&g, 2, "%s", m[i].text);
		if (e->has_operators)
			grid_cell(&g, 3, "%u", m[i].operators);
	}
	grid_print(&g, stdout);
}

static void print_chances(const struct explain *e)
{
	struct chances c = chances_of(&e->choice, &e->taking, &e->others, e->p);
	char a[32], b[32], l[32], i[32], p[32];
	printf("\nif each %s is bad with a chance of %s, independently of the others:\n", e->has_operators ? "operator" : "hub",
	       chance_text(e->p, p));
	printf("  loss, when bad means down         %s\n", chance_text(c.silence, a));
	printf("  loss, when it means dishonest     %s\n", chance_text(c.disruption, b));
	printf("  leakage: the key is known         %s\n", chance_text(c.leakage, l));
	printf("  injection: a wrong key is taken   %s\n", chance_text(c.injection, i));
}

static void print_cost_row(struct grid *g, const char *name, const struct traffic *t)
{
	char size[4][16];
	grid_row(g, COLOUR_OFF);
	grid_cell(g, 0, "%s", name);
	grid_cell(g, 1, "%s", size_text(t->initiator_sends, size[0]));
	grid_cell(g, 2, "%s", size_text(t->receiver_gets, size[1]));
	grid_cell(g, 3, "%s", size_text(t->up_pad, size[2]));
	grid_cell(g, 4, "%s", size_text(t->down_pad, size[3]));
}

static void print_costs(const struct explain *e)
{
	static const char *const headings[] = {"SCHEME", ">INITIATOR SENDS", ">RECEIVER GETS", ">PAD UP, A HUB", ">PAD DOWN, A HUB"};
	AUTO(grid) g = {0};
	char size[16], simple[32];
	snprintf(simple, sizeof simple, "xor, k = n = %u", e->choice.n);
	printf("\na key of %s costs, besides leases:\n", size_text(e->bytes, size));
	grid_init(&g, 5, headings);
	print_cost_row(&g, "shamir", &e->general);
	print_cost_row(&g, simple, &e->simple);
	print_cost_row(&g, "adapted", &e->adapted);
	grid_print(&g, stdout);
}

static json_t *thresholds_json(const struct explain *e)
{
	json_t *all = json_object();
	struct meaning m[MEANINGS];
	find_meanings(e, m);
	for (size_t i = 0; i < MEANINGS; i++)
		json_object_set_new(all, m[i].name, json_pack("{s:i, s:i, s:s}", "hubs", (int)m[i].hubs, "operators", (int)m[i].operators,
							      "meaning", m[i].text));
	return all;
}

static json_t *traffic_json(const struct traffic *t)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "initiator_sends", (json_int_t)t->initiator_sends, "initiator_gets",
			 (json_int_t)t->initiator_gets, "receiver_sends", (json_int_t)t->receiver_sends, "receiver_gets",
			 (json_int_t)t->receiver_gets, "pad_up", (json_int_t)t->up_pad, "pad_down", (json_int_t)t->down_pad,
			 "pad_wait", (json_int_t)t->wait_pad);
}

/* For programs, and what people are told. */
static json_t *find_warnings(const struct explain *e)
{
	json_t *all = json_array();
	unsigned found = choice_weaknesses(&e->choice, &e->taking, (unsigned)e->accepted);
	for (size_t i = 0; i < WEAKNESSES; i++) {
		char text[400];
		if ((found & weakness_rows[i].which) == 0)
			continue;
		warning_text(e, weakness_rows[i].which, text);
		json_array_append_new(all, json_pack("{s:s, s:s}", "name", weakness_rows[i].name, "message", text));
	}
	return all;
}

static void print_warnings(const struct explain *e)
{
	json_t *all = find_warnings(e), *one;
	size_t i;
	json_array_foreach(all, i, one)
		printf("\n%swarning:%s %s\n", colour(stdout, COLOUR_WARN), colour(stdout, COLOUR_OFF),
		       json_string_value(json_object_get(one, "message")));
	json_decref(all);
}

static void explain_json(const struct explain *e)
{
	struct chances c = chances_of(&e->choice, &e->taking, &e->others, e->p);
	json_t *chances = json_pack("{s:f, s:f, s:f, s:f, s:f}", "bad", e->p, "loss_down", c.silence, "loss_dishonest", c.disruption,
				    "leakage", c.leakage, "injection", c.injection);
	output_json(json_pack("{s:i, s:i, s:i, s:i, s:i, s:o, s:o, s:I, s:{s:o, s:o, s:o}, s:o}", "n", (int)e->choice.n, "k", (int)e->choice.k,
			      "k_b", (int)e->choice.k_b, "accepted", (int)e->accepted, "operators", (int)e->taking.count, "thresholds",
			      thresholds_json(e), "chances", chances, "bytes", (json_int_t)e->bytes, "traffic", "shamir",
			      traffic_json(&e->general), "xor", traffic_json(&e->simple), "adapted", traffic_json(&e->adapted),
			      "warnings", find_warnings(e)));
}

static int explain(struct explain *e)
{
	dske_rc rc = chance_parse(&e->p, e->bad);
	if (rc_ok(rc))
		rc = settle_choice(e);
	if (rc_ok(rc))
		rc = settle_costs(e);
	if (!rc_ok(rc))
		return tool_fail(&e->common, rc, NULL);
	if (e->common.json) {
		explain_json(e);
		return EXIT_OK;
	}
	printf("n = %u hubs take part, any k = %u shares make the key, the receiver accepts no k below k_B = %u\n\n", e->choice.n,
	       e->choice.k, e->choice.k_b);
	print_thresholds(e);
	print_chances(e);
	print_costs(e);
	print_warnings(e);
	return EXIT_OK;
}

int cmd_policy_explain(const struct command *self, int argc, char **argv)
{
	struct explain e = {.bad = BAD_DEFAULT, .bytes = BYTES_DEFAULT};
	struct operands none;
	const struct option_row rows[] = {
		{"n", OPTION_UINT, &e.n, "N", "hubs that take part (default: those that this client has tables of)"},
		{"k", OPTION_UINT, &e.k, "K", "shares that make a key (default: the configuration's; more than half)"},
		{"kb", OPTION_UINT, &e.k_b, "K", "the least k that the receiver accepts (default: the configuration's; k)"},
		{"accepted", OPTION_UINT, &e.accepted, "N", "hubs that the receiver accepts (default: n)"},
		{"bad", OPTION_TEXT, &e.bad, "P", "chance that a hub, or an operator, is bad: 0.01 or 1% (default: 1%)"},
		{"bytes", OPTION_SIZE, &e.bytes, "SIZE", "length of the key (default: 32)"},
		COMMON_ROWS(e.common),
		{0},
	};
	int leave = options_read(self, rows, argc, argv, 0, 0, &none);
	return leave >= 0 ? leave : explain(&e);
}

/* ---- suggest --------------------------------------------------------------------------------------------- */

static void print_suggestion(const struct wish *w, const struct advice *a)
{
	const struct choice *c = &a->choice;
	struct thresholds t = thresholds_of(c);
	printf("n = %u, k = %u, k_B = %u\n\n", c->n, c->k, c->k_b);
	printf("  k is above %u: so many hubs in league learn nothing\n", w->collude);
	printf("  k is at most %u: so many hubs are left when %u of %u are down; %u may be\n", w->hubs - w->down, w->down, w->hubs,
	       t.silence - 1);
	if (a->withstands_both)
		printf("  k is at most %u: a key is agreed even while %u are down and %u others lie\n", w->hubs - w->down - w->collude,
		       w->down, w->collude);
	else if (a->withstands_lies)
		printf("  while %u are down and %u others lie there is no key, but none that they know either; that would take %u hubs\n",
		       w->down, w->collude, w->down + 2 * w->collude + 1);
	else
		printf("  while %u lie there is no key, but none that they know either; that would take %u hubs\n", w->collude,
		       2 * w->collude + 1);
	printf("  within that, k is as near to a majority as it can be: there both knowing and preventing a key are hard\n");
	printf("  k_B = k: a receiver that accepts less gives away injection and malleability for nothing\n\n");
	printf("in dske.conf of both ends:\n\n  [agreement]\n  k = %u\n  k_b = %u\n\nmore: dske policy explain --n %u --k %u --kb %u\n",
	       c->k, c->k_b, c->n, c->k, c->k_b);
}

int cmd_policy_suggest(const struct command *self, int argc, char **argv)
{
	struct common common = {0};
	struct operands none;
	struct advice a;
	uint64_t hubs = 0, down = 0, collude = 1;
	const struct option_row rows[] = {
		{"hubs", OPTION_UINT, &hubs, "N", "hubs that both ends have"},
		{"down", OPTION_UINT, &down, "N", "so many of them may be down (default: 0)"},
		{"collude", OPTION_UINT, &collude, "N", "so many of them may be in league (default: 1)"},
		{"json", OPTION_FLAG, &common.json, NULL, "write JSON, for programs"},
		{0},
	};
	int leave = options_read(self, rows, argc, argv, 0, 0, &none);
	if (leave >= 0)
		return leave;
	if (hubs == 0)
		return tool_usage(self, "--hubs says how many there are");
	struct wish w = {(unsigned)hubs, (unsigned)down, (unsigned)collude};
	dske_rc rc = choice_suggest(&a, &w);
	if (!rc_ok(rc))
		return tool_fail(&common, rc, NULL);
	if (common.json)
		output_json(json_pack("{s:i, s:i, s:i, s:b, s:b}", "n", (int)a.choice.n, "k", (int)a.choice.k, "k_b", (int)a.choice.k_b,
				      "key_while_down_and_lies", a.withstands_both, "key_while_lies", a.withstands_lies));
	else
		print_suggestion(&w, &a);
	return EXIT_OK;
}
