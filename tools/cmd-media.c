/* SPDX-License-Identifier: Apache-2.0 */
/* dske pskm accept, forget: tables that are used in place on removable media. */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/media.h"
#include "tools/commands.h"
#include "tools/output.h"

static int tell(const struct common *common, const char *what, const char *hub, const struct id *table, const char *sentence)
{
	char hex[ID_HEX_LEN];
	if (common->json)
		output_json(json_pack("{s:s, s:s, s:s}", "result", what, "table", id_hex(table, hex), "hub", hub));
	else
		printf("%s %s of hub %s%s\n", what, id_hex(table, hex), hub, sentence);
	return EXIT_OK;
}

/* ---- accept ------------------------------------------------------------------------------------------------ */

/* A hub's name is enough where one table of it waits. */
static const struct offer *choose(const struct offer *list, size_t count, const char *which, size_t *matches)
{
	const struct offer *found = NULL;
	char hex[ID_HEX_LEN];
	*matches = 0;
	for (size_t i = 0; i < count; i++) {
		const struct pskm_header *h = &list[i].header;
		if (strcmp(which, id_hex(&h->table, hex)) != 0 && strcmp(which, h->hub_name) != 0)
			continue;
		found = &list[i];
		++*matches;
	}
	return found;
}

static dske_rc accept_one(const struct config *c, const struct offer *list, size_t count, const char *which,
			  struct pskm_header *accepted)
{
	size_t matches = 0;
	const struct offer *o = choose(list, count, which, &matches);
	if (matches == 0)
		return FAIL(NOT_FOUND, "no table of %s that could be accepted lies on a medium; dske pskm list shows those that do", which);
	if (matches > 1)
		return FAIL(ARGS, "%zu tables of %s lie on media: name one by its ID; dske pskm list shows them", matches, which);
	TRY(accepted_add(c, &o->header, o->spot.folder.s));
	*accepted = o->header;
	return DSKE_OK;
}

int cmd_pskm_accept(const struct command *self, int argc, char **argv)
{
	struct common common = {0};
	struct operands which;
	AUTO(config) config = {0};
	struct pskm_header h;
	struct offer *list = NULL;
	size_t count = 0;
	const struct option_row rows[] = {COMMON_ROWS(common), {0}};
	int leave = options_read(self, rows, argc, argv, 1, 1, &which);
	if (leave >= 0)
		return leave;
	dske_rc rc = config_read(&config, common.conf);
	if (rc_ok(rc))
		rc = offers_find(&list, &count, &config);
	if (rc_ok(rc))
		rc = accept_one(&config, list, count, which.at[0], &h);
	free(list);
	if (!rc_ok(rc))
		return tool_fail(&common, rc, NULL);
	return tell(&common, "accepted", h.hub_name, &h.table, ": it is used whenever its medium is there");
}

/* ---- forget ------------------------------------------------------------------------------------------------ */

static dske_rc forget(const struct config *c, const char *which, struct pskm_header *forgotten)
{
	struct table_entry *list = NULL;
	size_t count = 0;
	struct id id;
	TRY(id_parse(&id, which));
	dske_rc rc = accepted_read(&list, &count, c);
	*forgotten = (struct pskm_header){.table = id, .hub_name = "?"};
	for (size_t i = 0; rc_ok(rc) && i < count; i++) {
		if (id_equal(&list[i].table, &id) && rc_ok(list[i].rc))
			*forgotten = list[i].header;
	}
	free(list);
	TRY(rc);
	return accepted_remove(c, &id);
}

int cmd_pskm_forget(const struct command *self, int argc, char **argv)
{
	struct common common = {0};
	struct operands which;
	AUTO(config) config = {0};
	struct pskm_header h;
	const struct option_row rows[] = {COMMON_ROWS(common), {0}};
	int leave = options_read(self, rows, argc, argv, 1, 1, &which);
	if (leave >= 0)
		return leave;
	dske_rc rc = config_read(&config, common.conf);
	if (rc_ok(rc))
		rc = forget(&config, which.at[0], &h);
	if (!rc_ok(rc))
		return tool_fail(&common, rc, NULL);
	return tell(&common, "forgotten", h.hub_name, &h.table, ": its medium is not looked for any more; tell the hub, if it was lost");
}
