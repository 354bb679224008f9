/* SPDX-License-Identifier: Apache-2.0 */
/* dske peer list, show, remove: the recorded peers (DSKE 2.2). */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alike.h"
#include "tools/commands.h"
#include "tools/output.h"
#include "tools/report.h"

/* ---- list and show ----------------------------------------------------------------------------------------- */

static size_t left_out(const struct peers *all, const struct peer *p)
{
	struct id hubs[CONFIG_HUBS_MAX];
	return peers_left_out(all, &p->id, hubs, CONFIG_HUBS_MAX);
}

static json_t *peer_json(const struct peers *all, const struct peer *p)
{
	char hex[ID_HEX_LEN];
	struct id hubs[CONFIG_HUBS_MAX];
	size_t count = peers_left_out(all, &p->id, hubs, CONFIG_HUBS_MAX);
	json_t *out = json_array(), *alike = json_array();
	for (size_t i = 0; i < count; i++)
		json_array_append_new(out, json_string(id_hex(&hubs[i], hex)));
	for (size_t i = 0; i < all->count; i++) {
		if (names_alike(p->name, all->peer[i].name))
			json_array_append_new(alike, json_string(all->peer[i].name));
	}
	return json_pack("{s:s, s:s, s:i, s:i, s:b, s:b, s:o, s:o}", "name", p->name, "id", id_hex(&p->id, hex), "hubs_agreed",
			 (int)p->hubs_agreed, "hubs_asked", (int)p->hubs_asked, "extract", p->extract, "confirmed", p->confirmed,
			 "left_out", out, "alike", alike);
}

static void print_alike(const struct peers *all)
{
	for (size_t i = 0; i < all->count; i++) {
		for (size_t j = i + 1; j < all->count; j++) {
			if (names_alike(all->peer[i].name, all->peer[j].name))
				printf("%s and %s look alike: make sure which of them is meant\n", all->peer[i].name, all->peer[j].name);
		}
	}
}

static void print_peers(const struct peers *all, const struct peer *p, size_t count)
{
	static const char *const headings[] = {"PEER", "ID", ">HUBS", "EXTRACT", "PINNED", ">LEFT OUT"};
	AUTO(grid) g = {0};
	grid_init(&g, 6, headings);
	for (size_t i = 0; i < count; i++) {
		char hex[ID_HEX_LEN];
		size_t out = left_out(all, &p[i]);
		grid_row(&g, out > 0 ? COLOUR_WARN : COLOUR_OFF);
		grid_cell(&g, 0, "%s", p[i].name);
		grid_cell(&g, 1, "%s", id_hex(&p[i].id, hex));
		grid_cell(&g, 2, "%u of %u", p[i].hubs_agreed, p[i].hubs_asked);
		grid_cell(&g, 3, "%s", p[i].extract ? "yes" : "no");
		grid_cell(&g, 4, "%s", p[i].confirmed ? "confirmed" : "first use");
		grid_cell(&g, 5, "%zu", out);
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
			json_array_append_new(list, peer_json(&peers, &peers.peer[i]));
		output_json(json_pack("{s:o}", "peers", list));
	} else if (peers.count == 0) {
		printf("no peers: ask the hubs about one with dske peer add NAME\n");
	} else {
		print_peers(&peers, peers.peer, peers.count);
		print_alike(&peers);
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
		output_json(peer_json(&peers, p));
	else
		print_peers(&peers, p, 1);
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
