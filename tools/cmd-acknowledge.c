/* SPDX-License-Identifier: Apache-2.0 */
/* dske hub acknowledge: the hub's end of dske pskm activate --by-telephone. */
#include <config.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "hub/command.h"
#include "pskm/code.h"
#include "tools/commands.h"
#include "tools/output.h"

#define LINE_MAX_LEN 256

struct acknowledge {
	struct common common; /* conf: the hub's */
	const char *client;
	char first[LINE_MAX_LEN], second[LINE_MAX_LEN];
	struct id nonce, tag, answer;
	json_t *result; /* owned */
};

static void acknowledge_drop(struct acknowledge *a)
{
	json_decref(a->result);
}

/* The codes are no secrets: they are shown while they are typed. */
static dske_rc ask_line(char line[LINE_MAX_LEN], const char *what)
{
	if (isatty(STDIN_FILENO)) {
		fprintf(stderr, "%s: ", what);
		fflush(stderr);
	}
	if (fgets(line, LINE_MAX_LEN, stdin) == NULL)
		return FAIL(ARGS, "the %s is missing", what);
	return DSKE_OK;
}

/* Each is checked before the next one is asked for. */
static dske_rc read_codes(struct acknowledge *a, const struct operands *given)
{
	if (given->count == 0)
		TRY(ask_line(a->first, "first code"));
	else
		snprintf(a->first, sizeof a->first, "%s", given->at[0]);
	TRY(code_read(a->nonce.b, a->first, CODE_NONCE));
	if (given->count == 0)
		TRY(ask_line(a->second, "second code"));
	else
		snprintf(a->second, sizeof a->second, "%s", given->at[1]);
	return code_read(a->tag.b, a->second, CODE_TAG);
}

static dske_rc ask_hub(struct acknowledge *a)
{
	AUTO(hub_conf) hub = {0};
	char nonce[ID_HEX_LEN], tag[ID_HEX_LEN];
	TRY(hub_conf_read(&hub, a->common.conf));
	json_t *request = json_pack("{s:s, s:s, s:s, s:s}", "command", "acknowledge", "client", a->client, "nonce",
				    id_hex(&a->nonce, nonce), "tag", id_hex(&a->tag, tag));
	dske_rc rc = request != NULL ? hub_command(&hub, request, &a->result) : FAIL(ARGS, "that is no name of a client");
	json_decref(request);
	TRY(rc);
	const char *answer = json_string_value(json_object_get(a->result, "answer"));
	return answer != NULL ? id_parse(&a->answer, answer) : FAIL(FORMAT, "the hub's answer is of another version");
}

/* The exit code. */
static int tell(const struct acknowledge *a)
{
	const char *client = json_string_value(json_object_get(a->result, "client"));
	const char *table = json_string_value(json_object_get(a->result, "table"));
	const char *outcome = json_string_value(json_object_get(a->result, "outcome"));
	bool frozen = outcome == NULL || strcmp(outcome, "activated") != 0;
	char answer[CODE_TEXT_MAX];
	code_write(answer, a->answer.b, CODE_ANSWER);
	if (a->common.json)
		output_json(json_pack("{s:s*, s:s*, s:s*, s:s}", "client", client, "table", table, "outcome", outcome, "answer", answer));
	else if (frozen)
		printf("ALARM: table %s of %s had been activated before with another code, so somebody has a copy of its PSKM.\n"
		       "It is frozen.  Read this answer to the one who called, who is told the same by it:\n  %s\n"
		       "Find out who has the copy, and make a new PSKM.\n", table, client, answer);
	else
		printf("table %s of %s is active\nread this answer back: %s\n", table, client, answer);
	return frozen ? EXIT_ALARM : EXIT_OK;
}

int cmd_hub_acknowledge(const struct command *self, int argc, char **argv)
{
	AUTO(acknowledge) a = {.common.conf = hub_conf_default_file()};
	struct operands codes;
	const struct option_row rows[] = {
		{"client", OPTION_TEXT, &a.client, "NAME", "who called, by name or ID (required)"},
		{"hub-conf", OPTION_TEXT, &a.common.conf, "FILE", "the hub's configuration (default: the system's)"},
		{"json", OPTION_FLAG, &a.common.json, NULL, "write JSON, for programs"},
		{0},
	};
	int leave = options_read(self, rows, argc, argv, 0, 2, &codes);
	if (leave >= 0)
		return leave;
	if (a.client == NULL || codes.count == 1)
		return tool_usage(self, "--client NAME is needed, and both codes or none");
	dske_rc rc = read_codes(&a, &codes);
	if (rc_ok(rc))
		rc = ask_hub(&a);
	return rc_ok(rc) ? tell(&a) : tool_fail(&a.common, rc, NULL);
}
