/* SPDX-License-Identifier: Apache-2.0 */
/* dske qkd status: do the KMEs of our QKD links serve us, and what do they have? */
#include <config.h>

#include <stdio.h>

#include "qkd/kme.h"
#include "tools/commands.h"
#include "tools/output.h"
#include "tools/qkd.h"

static const char *const headings[] = {"LINK", "KME", "PEER", ">KEYS", ">BITS", ">A REQUEST", "STATE"};

static json_t *link_json(const struct qkdconf *c, dske_rc rc, const struct kme *k)
{
	json_t *o = json_pack("{s:s, s:s, s:s, s:i}", "link", c->name, "kme", c->url, "peer", c->peer, "key_size",
			      (int)c->key_bits);
	if (rc_ok(rc)) {
		json_object_set_new(o, "stored_keys", json_integer((json_int_t)kme_status(k)->stored_key_count));
		json_object_set_new(o, "keys_per_request", json_integer((json_int_t)kme_batch(k)));
	} else {
		json_object_set_new(o, "error", json_string(rc_detail(rc)));
	}
	return o;
}

static void link_row(struct grid *g, const struct qkdconf *c, dske_rc rc, const struct kme *k)
{
	grid_row(g, rc_ok(rc) ? COLOUR_OFF : COLOUR_BAD);
	grid_cell(g, 0, "%s", c->name);
	grid_cell(g, 1, "%s", c->url);
	grid_cell(g, 2, "%s", c->peer);
	grid_cell(g, 4, "%u", c->key_bits);
	grid_cell(g, 6, "%s", rc_ok(rc) ? "ready" : rc_detail(rc));
	if (!rc_ok(rc))
		return;
	grid_cell(g, 3, "%llu", (unsigned long long)kme_status(k)->stored_key_count);
	grid_cell(g, 5, "%zu", kme_batch(k));
}

/* Asks each; an exit code of the first that failed. */
static int ask_all(const struct qkd_links *l, bool json)
{
	struct grid g;
	json_t *links = json_array();
	int code = EXIT_OK;
	grid_init(&g, sizeof headings / sizeof headings[0], headings);
	for (size_t i = 0; i < l->list.count; i++) {
		const struct qkdconf *c = &l->list.at[i];
		struct kme *k = NULL;
		qkd_warn_plain(c);
		dske_rc rc = kme_open(&k, c);
		link_row(&g, c, rc, k);
		json_array_append_new(links, link_json(c, rc, k));
		if (code == EXIT_OK)
			code = exit_code(rc);
		kme_close(k);
	}
	if (json)
		output_json(json_pack("{s:O}", "links", links));
	else
		grid_print(&g, stdout);
	json_decref(links);
	grid_drop(&g);
	return code;
}

int cmd_qkd_status(const struct command *self, int argc, char **argv)
{
	struct common common = {0};
	const char *hub_conf = NULL;
	struct operands none;
	AUTO(qkd_links) links = {0};
	const struct option_row rows[] = {
		{"hub-conf", OPTION_TEXT, &hub_conf, "FILE", "a hub's configuration, instead of a client's"},
		COMMON_ROWS(common),
		{0},
	};
	int leave = options_read(self, rows, argc, argv, 0, 0, &none);
	if (leave >= 0)
		return leave;
	dske_rc rc = qkd_links_read(&links, common.conf, hub_conf);
	if (!rc_ok(rc))
		return tool_fail(&common, rc, NULL);
	if (links.list.count == 0 && !common.json) {
		fprintf(stderr, "the configuration has no section [qkd NAME]\n");
		return EXIT_OK;
	}
	return ask_all(&links, common.json);
}
