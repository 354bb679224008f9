/* SPDX-License-Identifier: Apache-2.0 */
/* dske ppk load, unload: post-quantum pre-shared keys of IKEv2 (RFC 8784), given to strongSwan's charon. */
#include <config.h>

#include <stdio.h>
#include <string.h>

#include "tools/commands.h"
#include "tools/output.h"
#include "tools/token-key.h"
#include "tools/vici.h"

#define REQUEST_MAX 1024
#define ID_MAX 128 /* of a PPK, bytes; so that its purpose is no longer than TOKEN_PURPOSE_MAX */

struct ppk {
	struct common common;
	const char *label, *id, *socket, *pin;
};

/* charon keeps a shared key under a name, by which it is replaced and unloaded. */
static dske_rc begin(struct buf *b, const struct ppk *p, const char *command)
{
	char name[ID_MAX + 16];
	if (p->id[0] == '\0' || strlen(p->id) > ID_MAX)
		return FAIL(ARGS, "--id: 1 to %d bytes", ID_MAX);
	snprintf(name, sizeof name, "dske-ppk-%s", p->id);
	vici_begin(b, command);
	vici_text(b, "id", name);
	return DSKE_OK;
}

static dske_rc load(const struct ppk *p)
{
	AUTO(fd) f = FD_NONE;
	AUTO(secret) key = {0};
	AUTO(secret) room = {0};
	char purpose[ID_MAX + 16];
	struct buf request;
	TRY(secret_alloc(&room, REQUEST_MAX));
	buf_fixed(&request, room.data, room.len);
	TRY(begin(&request, p, "load-shared"));
	TRY(vici_connect(&f, p->socket)); /* before the PIN is asked for */
	snprintf(purpose, sizeof purpose, "ppk %s", p->id);
	TRY(token_key_read(&key, &p->common, p->pin, p->label, purpose));
	vici_text(&request, "type", "ppk");
	vici_value(&request, "data", key.data, key.len);
	vici_list(&request, "owners", &p->id, 1);
	return vici_call(f.n, &request);
}

static dske_rc unload(const struct ppk *p)
{
	AUTO(fd) f = FD_NONE;
	uint8_t room[REQUEST_MAX];
	struct buf request;
	buf_fixed(&request, room, sizeof room);
	TRY(begin(&request, p, "unload-shared"));
	TRY(vici_connect(&f, p->socket));
	return vici_call(f.n, &request);
}

static int finish(const struct ppk *p, dske_rc rc, const char *what)
{
	if (!rc_ok(rc))
		return tool_fail(&p->common, rc, NULL);
	if (p->common.json)
		output_json(json_pack("{s:s, s:s}", "ppk", p->id, "result", what));
	else
		printf("PPK %s %s\n", p->id, what);
	return EXIT_OK;
}

#define PPK_ROWS(p)                                                                                  \
	{"id", OPTION_TEXT, &(p).id, "ID", "the PPK's ID, which both ends' connections name as ppk_id (default: dske)"},  \
	{"socket", OPTION_TEXT, &(p).socket, "FILE", "charon's vici socket (default: /var/run/charon.vici)"}
#define PPK_DEFAULTS .id = "dske", .socket = "/var/run/charon.vici"

int cmd_ppk_load(const struct command *self, int argc, char **argv)
{
	struct ppk p = {PPK_DEFAULTS};
	struct operands label;
	const struct option_row rows[] = {
		PPK_ROWS(p),
		{"pin", OPTION_TEXT, &p.pin, "SOURCE", "the token's PIN: env:NAME, file:PATH or prompt (default: env:DSKE_PIN)"},
		COMMON_ROWS(p.common),
		{0},
	};
	int leave = options_read(self, rows, argc, argv, 1, 1, &label);
	if (leave >= 0)
		return leave;
	p.label = label.at[0];
	return finish(&p, load(&p), "loaded");
}

int cmd_ppk_unload(const struct command *self, int argc, char **argv)
{
	struct ppk p = {PPK_DEFAULTS};
	struct operands none;
	const struct option_row rows[] = {
		PPK_ROWS(p),
		{"json", OPTION_FLAG, &p.common.json, NULL, "write JSON, for programs"},
		{0},
	};
	int leave = options_read(self, rows, argc, argv, 0, 0, &none);
	return leave >= 0 ? leave : finish(&p, unload(&p), "unloaded");
}
