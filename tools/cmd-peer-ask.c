/* SPDX-License-Identifier: Apache-2.0 */
/* dske peer add, verify: what the hubs say of a peer, and what of it is believed (DSKE 2.2). */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alike.h"
#include "tools/commands.h"
#include "tools/output.h"
#include "tools/report.h"

struct asking {
	struct common common;
	int64_t timeout_ms;
	const char *name;
	struct id given;             /* of verify: the ID that the user has from the peer itself, or zero */
	struct identity identity;    /* what the hubs say, as far as they agree */
	struct identity_vote *votes; /* owned; one a line of the report */
	struct report report;        /* owned */
	struct peers known;          /* owned */
};

static void asking_drop(struct asking *a)
{
	free(a->votes);
	report_drop(&a->report);
	peers_drop(&a->known);
}

/* ---- what each hub says ------------------------------------------------------------------------------------ */

static void vote_text(char out[GRID_CELL_MAX], const struct identity_vote *v, const struct hub_report *h)
{
	char hex[ID_HEX_LEN];
	if (v->answer == IDENTITY_SAYS)
		snprintf(out, GRID_CELL_MAX, "%s is %s%s", v->says.name, id_hex(&v->says.id, hex),
			 v->contradicts ? "  CONTRADICTS the others" : "");
	else if (v->answer == IDENTITY_UNKNOWN)
		snprintf(out, GRID_CELL_MAX, "does not know that client, or policy does not join us");
	else
		snprintf(out, GRID_CELL_MAX, "silent: %s", h->detail);
}

static void print_votes(const struct asking *a, FILE *to)
{
	static const char *const headings[] = {"HUB", "ADDRESS", "CALLS IT", "SAYS"};
	AUTO(grid) g = {0};
	grid_init(&g, 4, headings);
	for (size_t i = 0; i < a->report.count; i++) {
		const struct identity_vote *v = &a->votes[i];
		char text[GRID_CELL_MAX];
		vote_text(text, v, &a->report.hub[i]);
		grid_row(&g, v->contradicts ? COLOUR_BAD : v->answer == IDENTITY_SAYS ? COLOUR_OFF : COLOUR_WARN);
		grid_cell(&g, 0, "%s", a->report.hub[i].name);
		grid_cell(&g, 1, "%s", a->report.hub[i].address);
		grid_cell(&g, 2, "%s", v->local[0] != '\0' ? v->local : "-");
		grid_cell(&g, 3, "%s", text);
	}
	grid_print(&g, to);
}

static json_t *votes_json(const struct asking *a)
{
	static const char *const answers[] = {
		[IDENTITY_SILENT] = "silent", [IDENTITY_UNKNOWN] = "unknown", [IDENTITY_SAYS] = "says"};
	json_t *list = json_array();
	for (size_t i = 0; i < a->report.count; i++) {
		const struct identity_vote *v = &a->votes[i];
		char hex[ID_HEX_LEN];
		json_t *o = json_pack("{s:s, s:s, s:b}", "hub", a->report.hub[i].name, "answer", answers[v->answer], "contradicts",
				      v->contradicts);
		if (v->answer == IDENTITY_SAYS) {
			json_object_set_new(o, "name", json_string(v->says.name));
			json_object_set_new(o, "id", json_string(id_hex(&v->says.id, hex)));
			json_object_set_new(o, "local", json_string(v->local));
		}
		json_array_append_new(list, o);
	}
	return list;
}

/* ---- what is recorded -------------------------------------------------------------------------------------- */

static void count_votes(const struct asking *a, struct peer *p)
{
	p->hubs_agreed = 0;
	p->hubs_asked = (unsigned)a->report.count;
	for (size_t i = 0; i < a->report.count; i++) {
		const struct identity_vote *v = &a->votes[i];
		p->hubs_agreed += v->answer == IDENTITY_SAYS && id_equal(&v->says.id, &p->id) && strcmp(v->says.name, p->name) == 0;
	}
}

/* Writes a record, and which hubs contradict it. */
static dske_rc record(const struct asking *a, const struct config *config, struct peer *p, bool may_change)
{
	struct hub_word *words = calloc(a->report.count + 1, sizeof *words);
	size_t count = 0;
	if (words == NULL)
		return rc_make(DSKE_RC_NOMEM);
	for (size_t i = 0; i < a->report.count; i++) {
		if (a->votes[i].answer == IDENTITY_SAYS)
			words[count++] = (struct hub_word){a->report.hub[i].hub, a->votes[i].contradicts};
	}
	dske_rc rc = file_check_owner(config->state.s);
	if (rc_ok(rc) && id_equal(&p->id, &config->id))
		rc = FAIL(ARGS, "%s is this client itself", p->name);
	if (rc_ok(rc))
		rc = (may_change ? peers_change : peers_add)(config, p, words, count);
	free(words);
	return rc;
}

/* What the hubs agree on. */
static struct peer settled(const struct asking *a)
{
	struct peer p = {.id = a->identity.id};
	snprintf(p.name, sizeof p.name, "%s", a->identity.name);
	count_votes(a, &p);
	return p;
}

/* The names that p's may be taken for. */
static json_t *alike_json(const struct asking *a, const struct config *config, const char *name)
{
	json_t *list = json_array();
	if (names_alike(name, config->name))
		json_array_append_new(list, json_string(config->name));
	for (size_t i = 0; i < a->known.count; i++) {
		if (names_alike(name, a->known.peer[i].name))
			json_array_append_new(list, json_string(a->known.peer[i].name));
	}
	return list;
}

static json_t *left_out_json(const struct asking *a)
{
	json_t *list = json_array();
	for (size_t i = 0; i < a->report.count; i++) {
		if (a->votes[i].contradicts)
			json_array_append_new(list, json_string(a->report.hub[i].name));
	}
	return list;
}

static void warn(const char *what, const json_t *names, const char *text)
{
	size_t i;
	json_t *name;
	json_array_foreach(names, i, name)
		fprintf(stderr, "%swarning:%s %s%s%s\n", colour(stderr, COLOUR_WARN), colour(stderr, COLOUR_OFF), what,
			json_string_value(name), text);
}

static int tell(const struct asking *a, const struct config *config, const struct peer *p, const char *verdict)
{
	char hex[ID_HEX_LEN], what[128];
	json_t *alike = alike_json(a, config, p->name), *left_out = left_out_json(a);
	snprintf(what, sizeof what, "the name %s looks like ", p->name);
	warn(what, alike, ": make sure which of them is meant");
	warn("", left_out, " contradicts the record, and is left out of agreements with this peer; ask its operator");
	if (a->common.json) {
		output_json(json_pack("{s:s, s:s, s:i, s:i, s:b, s:o, s:o, s:o}", "name", p->name, "id", id_hex(&p->id, hex),
				      "hubs_agreed", (int)p->hubs_agreed, "hubs_asked", (int)p->hubs_asked, "confirmed", p->confirmed,
				      "votes", votes_json(a), "left_out", left_out, "alike", alike));
		return EXIT_OK;
	}
	print_votes(a, stdout);
	printf("%s is %s: %u of %u hubs say so%s\n", p->name, id_hex(&p->id, hex), p->hubs_agreed, p->hubs_asked, verdict);
	json_decref(alike);
	json_decref(left_out);
	return EXIT_OK;
}

/* Hubs that answered are well: then it is the name or a policy. */
static const char *advice_for(const struct asking *a)
{
	for (size_t i = 0; a->votes != NULL && i < a->report.count; i++) {
		if (a->votes[i].answer == IDENTITY_UNKNOWN)
			return "is the name spelled as the hubs know it? else ask their operators for a [group] with both clients";
	}
	return a->report.advice;
}

static int fail(const struct asking *a, dske_rc rc, const char *advice)
{
	char why[1024];
	snprintf(why, sizeof why, "%s", rc_detail(rc));
	if (!a->common.json && a->votes != NULL)
		print_votes(a, stderr);
	return tool_fail(&a->common, rc_fail(rc.code, "%s", why), advice);
}

static dske_rc ask(struct asking *a, struct client *client)
{
	TRY(client_peers(client, &a->known));
	return client_identify(client, a->name, a->timeout_ms, &a->identity, &a->votes, &a->report);
}

/* ---- add --------------------------------------------------------------------------------------------------- */

static int add(struct asking *a)
{
	struct client *client = NULL;
	struct peer p;
	dske_rc rc = tool_open(&client, &a->common);
	if (rc_ok(rc))
		rc = ask(a, client);
	if (rc_ok(rc)) {
		p = settled(a);
		rc = record(a, client_config(client), &p, false);
	}
	int leave = rc_ok(rc) ? tell(a, client_config(client), &p, "") : fail(a, rc, advice_for(a));
	client_close(client);
	return leave;
}

#define ASKING_ROWS(a)                                                                               \
	{"timeout", OPTION_DURATION, &(a).timeout_ms, "TIME", "how long to wait (default: the configuration's)"}, \
	PIN_ROW((a).common), COMMON_ROWS((a).common)

int cmd_peer_add(const struct command *self, int argc, char **argv)
{
	struct asking a = {.common.needs_tables = true};
	struct operands name;
	const struct option_row rows[] = {ASKING_ROWS(a), {0}};
	int leave = options_read(self, rows, argc, argv, 1, 1, &name);
	if (leave >= 0)
		return leave;
	a.name = name.at[0];
	leave = add(&a);
	asking_drop(&a);
	return leave;
}

/* ---- verify ------------------------------------------------------------------------------------------------ */

/* Too few say the same: the pinned record serves, and what hubs say is held against it. */
static int unsettled(struct asking *a, const struct config *config, const struct peer *pinned, dske_rc why)
{
	struct identity record_says = {.id = pinned->id};
	struct peer p = *pinned;
	char text[1024];
	snprintf(text, sizeof text, "%s", rc_detail(why));
	snprintf(record_says.name, sizeof record_says.name, "%s", pinned->name);
	if (a->votes == NULL)
		return fail(a, rc_fail(why.code, "%s", text), advice_for(a));
	identity_judge(a->votes, a->report.count, &record_says);
	dske_rc rc = record(a, config, &p, false);
	if (!rc_ok(rc))
		return fail(a, rc, NULL);
	return fail(a, rc_fail(why.code, "%s; the record of %s stands as it was", text, pinned->name), advice_for(a));
}

/* The hubs say that the name is another client's by now. */
static int changed(struct asking *a, const struct config *config, const struct peer *pinned)
{
	char is[ID_HEX_LEN], was[ID_HEX_LEN];
	struct peer p = settled(a);
	if (!id_equal(&a->given, &p.id))
		return fail(a, FAIL(CONFLICT, "%s is recorded with the ID %s; the hubs say %s by now. The record stands, and no agreement "
				    "uses the other", p.name, id_hex(&pinned->id, was), id_hex(&p.id, is)),
			    "ask the peer by another way than the hubs; if it has really changed, confirm its new ID with --id HEX");
	p.confirmed = true;
	dske_rc rc = record(a, config, &p, true);
	return rc_ok(rc) ? tell(a, config, &p, "; the change is confirmed") : fail(a, rc, NULL);
}

static int same(struct asking *a, const struct config *config, const struct peer *pinned)
{
	char is[ID_HEX_LEN], given[ID_HEX_LEN];
	struct peer p = *pinned;
	if (!id_is_zero(&a->given) && !id_equal(&a->given, &p.id))
		return fail(a, FAIL(CONFLICT, "the hubs and the record say that %s is %s, not %s", p.name, id_hex(&p.id, is),
				    id_hex(&a->given, given)),
			    "compare with the peer again, by a way that nobody can change; if it is as you said, the hubs are mistaken or "
			    "dishonest: agree on no key");
	count_votes(a, &p);
	p.confirmed = p.confirmed || !id_is_zero(&a->given);
	dske_rc rc = record(a, config, &p, false);
	if (!rc_ok(rc))
		return fail(a, rc, NULL);
	return tell(a, config, &p, p.confirmed ? ", and it is confirmed" : ", as it was recorded; to confirm it, compare it with the peer "
									  "and give it with --id");
}

static int verify_with(struct asking *a, struct client *client)
{
	const struct config *config = client_config(client);
	dske_rc rc = ask(a, client);
	const struct peer *pinned = peers_by_name(&a->known, a->name);
	if (pinned == NULL)
		return tool_fail(&a->common, FAIL(NOT_FOUND, "there is no peer %s in the list: dske peer add %s", a->name, a->name), NULL);
	if (!rc_ok(rc))
		return unsettled(a, config, pinned, rc);
	return id_equal(&a->identity.id, &pinned->id) ? same(a, config, pinned) : changed(a, config, pinned);
}

int cmd_peer_verify(const struct command *self, int argc, char **argv)
{
	struct asking a = {.common.needs_tables = true};
	struct operands name;
	struct client *client = NULL;
	const struct option_row rows[] = {
		{"id", OPTION_ID, &a.given, "HEX", "the ID, as the peer itself told it: confirms the record, or its change"},
		ASKING_ROWS(a),
		{0},
	};
	int leave = options_read(self, rows, argc, argv, 1, 1, &name);
	if (leave >= 0)
		return leave;
	a.name = name.at[0];
	dske_rc rc = tool_open(&client, &a.common);
	leave = rc_ok(rc) ? verify_with(&a, client) : tool_fail(&a.common, rc, NULL);
	client_close(client);
	asking_drop(&a);
	return leave;
}
