/* SPDX-License-Identifier: Apache-2.0 */
/* dske hub tables: what an operator asks his own hub, whether it runs or not. */
#include <config.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "hub/command.h"
#include "pskm/supply.h"
#include "tools/commands.h"
#include "tools/output.h"

/* ---- tables ------------------------------------------------------------------------------------------------ */

static const char *text_of(const json_t *table, const char *name)
{
	const char *text = json_string_value(json_object_get(table, name));
	return text != NULL ? text : "";
}

static uint64_t number_of(const json_t *table, const char *name)
{
	return (uint64_t)json_integer_value(json_object_get(table, name));
}

static void print_row(struct grid *g, const json_t *t)
{
	char size[16], lasts[SUPPLY_TEXT_MAX];
	bool readable = json_object_get(t, "detail") == NULL;
	const char *state = readable ? text_of(t, "state") : "unusable";
	bool bad = !readable || strcmp(state, "frozen") == 0 || strcmp(state, "locked") == 0 || number_of(t, "clone_alarms") > 0;
	grid_row(g, bad ? COLOUR_BAD : strcmp(state, "active") == 0 ? COLOUR_OFF : COLOUR_WARN);
	grid_cell(g, 0, "%s", readable ? text_of(t, "client") : "?");
	grid_cell(g, 1, "%s", text_of(t, "client_id"));
	grid_cell(g, 2, "%s", text_of(t, "table"));
	grid_cell(g, 3, "%s", state);
	if (!readable)
		return;
	grid_cell(g, 4, "%s", size_text(number_of(t, "size"), size));
	if (json_object_get(t, "retired") != NULL)
		return;
	grid_cell(g, 5, "%s", size_text(number_of(t, "up_left"), size));
	grid_cell(g, 6, "%s", size_text(number_of(t, "down_left"), size));
	grid_cell(g, 7, "%" PRIu64, number_of(t, "leases_left"));
	grid_cell(g, 8, "%" PRIu64, number_of(t, "clone_alarms"));
	grid_cell(g, 9, "%" PRIu64, number_of(t, "connections"));
	if (json_object_get(t, "lasts_s") != NULL)
		grid_cell(g, 10, "%s", supply_duration(number_of(t, "lasts_s"), lasts));
}

static void date_text(uint64_t seconds, char text[32])
{
	time_t when = (time_t)seconds;
	struct tm tm;
	if (gmtime_r(&when, &tm) == NULL || strftime(text, 32, "%Y-%m-%d %H:%M UTC", &tm) == 0)
		snprintf(text, 32, "?");
}

/* What can be shown later: who, why, when, and whether both ends did. */
static void print_retired(const json_t *t)
{
	const json_t *r = json_object_get(t, "retired");
	char when[32], receipt[32];
	date_text(number_of(r, "time"), when);
	date_text(number_of(r, "receipt"), receipt);
	printf("%s: table %s was retired by the %s (%s) on %s; ", text_of(t, "client"), text_of(t, "table"), text_of(r, "by"),
	       text_of(r, "reason"), when);
	if (number_of(r, "receipt") > 0)
		printf("the client's receipt that it has destroyed its own came on %s\n", receipt);
	else
		printf("the client has not called since\n");
}

/* A client's own word on what it receives; of one with several tables it is said with each. */
static void print_limits(const json_t *t)
{
	static const char *const names[][2] = {{"keys_per_minute", "keys a minute"}, {"bytes_per_minute", "bytes a minute"},
					       {"keys_per_day", "keys a day"}, {"bytes_per_day", "bytes a day"},
					       {"waiting", "keys of one peer that wait"}, {"peers", "peers with limits of their own"}};
	const json_t *limits = json_object_get(t, "limits");
	size_t said = 0;
	printf("%s: takes at most, by version %" PRIu64 " of its own limits:", text_of(t, "client"), number_of(limits, "version"));
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		if (number_of(limits, names[i][0]) > 0)
			printf("%s %" PRIu64 " %s", said++ > 0 ? "," : "", number_of(limits, names[i][0]), names[i][1]);
	}
	printf("%s\n", said > 0 ? "" : " anything");
}

static void print_tables(const json_t *answer)
{
	static const char *const headings[] = {"CLIENT", "CLIENT ID", "TABLE", "STATE", ">SIZE", ">UP LEFT", ">DOWN LEFT",
					       ">LEASES LEFT", ">ALARMS", ">IN USE", "LASTS"};
	AUTO(grid) g = {0};
	const json_t *tables = json_object_get(answer, "tables"), *t;
	size_t i;
	grid_init(&g, sizeof headings / sizeof headings[0], headings);
	json_array_foreach(tables, i, t)
		print_row(&g, t);
	grid_print(&g, stdout);
	json_array_foreach(tables, i, t) {
		if (json_object_get(t, "retired") != NULL)
			print_retired(t);
		if (json_object_get(t, "alike") != NULL)
			printf("%s: its name looks like that of %s; others may take one for the other\n", text_of(t, "client"), text_of(t, "alike"));
		if (json_object_get(t, "limits") != NULL)
			print_limits(t);
		if (json_object_get(t, "detail") != NULL)
			printf("%s: %s\n", text_of(t, "table"), text_of(t, "detail"));
		else if (number_of(t, "clone_alarms") > 0)
			printf("%s: %" PRIu64 " clone alarms: another copy of table %s was in use\n", text_of(t, "client"),
			       number_of(t, "clone_alarms"), text_of(t, "table"));
	}
}

static dske_rc ask_tables(const char *conf, json_t **answer)
{
	AUTO(hub_conf) hub = {0};
	TRY(hub_conf_read(&hub, conf));
	json_t *request = json_pack("{s:s}", "command", "tables");
	dske_rc rc = hub_command(&hub, request, answer);
	json_decref(request);
	return rc;
}

int cmd_hub_tables(const struct command *self, int argc, char **argv)
{
	struct common common = {.conf = hub_conf_default_file()};
	struct operands none;
	json_t *answer = NULL;
	const struct option_row rows[] = {
		{"hub-conf", OPTION_TEXT, &common.conf, "FILE", "the hub's configuration (default: the system's)"},
		{"json", OPTION_FLAG, &common.json, NULL, "write JSON, for programs"},
		{0},
	};
	int leave = options_read(self, rows, argc, argv, 0, 0, &none);
	if (leave >= 0)
		return leave;
	dske_rc rc = ask_tables(common.conf, &answer);
	if (!rc_ok(rc))
		return tool_fail(&common, rc, NULL);
	if (common.json) {
		output_json(answer);
		return EXIT_OK;
	}
	if (json_array_size(json_object_get(answer, "tables")) == 0)
		printf("no tables: make a PSKM for a client with dske pskm create\n");
	else
		print_tables(answer);
	json_decref(answer);
	return EXIT_OK;
}
