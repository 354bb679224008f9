/* SPDX-License-Identifier: Apache-2.0 */
/* dske peer add, list, show, remove: who is who (DSKE 2.2). */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/commands.h"
#include "tools/output.h"
#include "tools/report.h"

/* ---- add --------------------------------------------------------------------------------------------------- */

struct add {
	struct common common;
	int64_t timeout_ms;
	const char *name;
	struct identity identity;
	struct identity_vote *votes; /* owned; one a line of the report */
	struct report report;        /* owned */
};

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

static void print_votes(const struct add *a, FILE *to)
{
	static const char *const headings[] = {"HUB", "ADDRESS", "SAYS"};
	AUTO(grid) g = {0};
	grid_init(&g, 3, headings);
	for (size_t i = 0; i < a->report.count; i++) {
		const struct identity_vote *v = &a->votes[i];
		char text[GRID_CELL_MAX];
		vote_text(text, v, &a->report.hub[i]);
		grid_row(&g, v->contradicts ? COLOUR_BAD : v->answer == IDENTITY_SAYS ? COLOUR_OFF : COLOUR_WARN);
		grid_cell(&g, 0, "%s", a->report.hub[i].name);
		grid_cell(&g, 1, "%s", a->report.hub[i].address);
		grid_cell(&g, 2, "%s", text);
	}
	grid_print(&g, to);
}

static json_t *votes_json(const struct add *a)
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
		}
		json_array_append_new(list, o);
	}
	return list;
}

static unsigned agreeing(const struct add *a)
{
	unsigned count = 0;
	for (size_t i = 0; i < a->report.count; i++) {
		const struct identity_vote *v = &a->votes[i];
		count += v->answer == IDENTITY_SAYS && id_equal(&v->says.id, &a->identity.id) &&
			 strcmp(v->says.name, a->identity.name) == 0;
	}
	return count;
}

static dske_rc record(struct add *a, const struct config *config, struct peer *p)
{
	*p = (struct peer){.id = a->identity.id, .hubs_agreed = agreeing(a), .hubs_asked = (unsigned)a->report.count};
	snprintf(p->name, sizeof p->name, "%s", a->identity.name);
	TRY(file_check_owner(config->state.s));
	if (id_equal(&p->id, &config->id))
		return FAIL(ARGS, "%s is this client itself", p->name);
	return peers_add(config, p);
}

static int tell_added(const struct add *a, const struct peer *p)
{
	char hex[ID_HEX_LEN];
	if (a->common.json) {
		output_json(json_pack("{s:s, s:s, s:i, s:i, s:o}", "name", p->name, "id", id_hex(&p->id, hex), "hubs_agreed",
				      (int)p->hubs_agreed, "hubs_asked", (int)p->hubs_asked, "votes", votes_json(a)));
	} else {
		print_votes(a, stdout);
		printf("%s is %s: %u of %u hubs say so\n", p->name, id_hex(&p->id, hex), p->hubs_agreed, p->hubs_asked);
	}
	return EXIT_OK;
}

/* Hubs that answered are well: then it is the name or a policy. */
static const char *advice_for(const struct add *a)
{
	for (size_t i = 0; a->votes != NULL && i < a->report.count; i++) {
		if (a->votes[i].answer == IDENTITY_UNKNOWN)
			return "is the name spelled as the hubs know it? else ask their operators for a [group] with both clients";
	}
	return a->report.advice;
}

static int add(struct add *a)
{
	struct client *client = NULL;
	struct peer p;
	dske_rc rc = tool_open(&client, &a->common);
	if (rc_ok(rc))
		rc = client_identify(client, a->name, a->timeout_ms, &a->identity, &a->votes, &a->report);
	if (!rc_ok(rc) && !a->common.json && a->votes != NULL)
		print_votes(a, stderr);
	if (rc_ok(rc))
		rc = record(a, client_config(client), &p);
	int leave = rc_ok(rc) ? tell_added(a, &p) : tool_fail(&a->common, rc, advice_for(a));
	client_close(client);
	return leave;
}

int cmd_peer_add(const struct command *self, int argc, char **argv)
{
	struct add a = {.common.needs_tables = true};
	struct operands name;
	const struct option_row rows[] = {
		{"timeout", OPTION_DURATION, &a.timeout_ms, "TIME", "how long to wait (default: the configuration's)"},
		PIN_ROW(a.common),
		COMMON_ROWS(a.common),
		{0},
	};
	int leave = options_read(self, rows, argc, argv, 1, 1, &name);
	if (leave >= 0)
		return leave;
	a.name = name.at[0];
	leave = add(&a);
	free(a.votes);
	report_drop(&a.report);
	return leave;
}

/* ---- list and show ----------------------------------------------------------------------------------------- */

static json_t *peer_json(const struct peer *p)
{
	char hex[ID_HEX_LEN];
	return json_pack("{s:s, s:s, s:i, s:i, s:b}", "name", p->name, "id", id_hex(&p->id, hex), "hubs_agreed",
			 (int)p->hubs_agreed, "hubs_asked", (int)p->hubs_asked, "extract", p->extract);
}

static void print_peers(const struct peer *p, size_t count)
{
	static const char *const headings[] = {"PEER", "ID", ">HUBS", "EXTRACT"};
	AUTO(grid) g = {0};
	grid_init(&g, 4, headings);
	for (size_t i = 0; i < count; i++) {
		char hex[ID_HEX_LEN];
		grid_row(&g, COLOUR_OFF);
		grid_cell(&g, 0, "%s", p[i].name);
		grid_cell(&g, 1, "%s", id_hex(&p[i].id, hex));
		grid_cell(&g, 2, "%u of %u", p[i].hubs_agreed, p[i].hubs_asked);
		grid_cell(&g, 3, "%s", p[i].extract ? "yes" : "no");
	}
	grid_print(&g, stdout);
}

static dske_rc read_peers(const struct common *common, struct peers *peers)
{
	AUTO(config) config = {0};
	TRY(config_read(&config, common->conf));
	return peers_read(peers, &config);
}

int cmd_peer_list(const struct command *self, int argc, char **argv)
{
	struct common common = {0};
	struct operands none;
	AUTO(peers) peers = {0};
	const struct option_row rows[] = {COMMON_ROWS(common), {0}};
	int leave = options_read(self, rows, argc, argv, 0, 0, &none);
	if (leave >= 0)
		return leave;
	dske_rc rc = read_peers(&common, &peers);
	if (!rc_ok(rc))
		return tool_fail(&common, rc, NULL);
	if (common.json) {
		json_t *list = json_array();
		for (size_t i = 0; i < peers.count; i++)
			json_array_append_new(list, peer_json(&peers.peer[i]));
		output_json(json_pack("{s:o}", "peers", list));
	} else if (peers.count == 0) {
		printf("no peers: ask the hubs about one with dske peer add NAME\n");
	} else {
		print_peers(peers.peer, peers.count);
	}
	return EXIT_OK;
}

int cmd_peer_show(const struct command *self, int argc, char **argv)
{
	struct common common = {0};
	struct operands name;
	AUTO(peers) peers = {0};
	const struct option_row rows[] = {COMMON_ROWS(common), {0}};
	int leave = options_read(self, rows, argc, argv, 1, 1, &name);
	if (leave >= 0)
		return leave;
	dske_rc rc = read_peers(&common, &peers);
	if (!rc_ok(rc))
		return tool_fail(&common, rc, NULL);
	const struct peer *p = peers_by_name(&peers, name.at[0]);
	if (p == NULL)
		return tool_fail(&common, FAIL(NOT_FOUND, "there is no peer %s in the list", name.at[0]), NULL);
	if (common.json)
		output_json(peer_json(p));
	else
		print_peers(p, 1);
	return EXIT_OK;
}

/* ---- remove ------------------------------------------------------------------------------------------------ */

static dske_rc remove_peer(const struct common *common, const char *name)
{
	AUTO(config) config = {0};
	TRY(config_read(&config, common->conf));
	TRY(file_check_owner(config.state.s));
	return peers_remove(&config, name);
}

int cmd_peer_remove(const struct command *self, int argc, char **argv)
{
	struct common common = {0};
	struct operands name;
	const struct option_row rows[] = {COMMON_ROWS(common), {0}};
	int leave = options_read(self, rows, argc, argv, 1, 1, &name);
	if (leave >= 0)
		return leave;
	dske_rc rc = remove_peer(&common, name.at[0]);
	if (!rc_ok(rc))
		return tool_fail(&common, rc, NULL);
	if (common.json)
		output_json(json_pack("{s:s}", "removed", name.at[0]));
	else
		printf("%s is forgotten\n", name.at[0]);
	return EXIT_OK;
}
