/* SPDX-License-Identifier: Apache-2.0 */
/* dske hub init, dske hub status */
#include <config.h>

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/net.h"
#include "hub/conf.h"
#include "pskm/table-key.h"
#include "tools/commands.h"
#include "tools/output.h"
#include "tools/report.h"

/* ---- init ------------------------------------------------------------------------------------------------- */

struct hub_init {
	struct common common; /* --conf names the hub's file */
	const char *name, *listen, *state, *table_key;
	struct id id;
	struct path conf, dir, key;
};

static dske_rc settle_hub_paths(struct hub_init *i)
{
	struct path folder;
	TRY(path_absolute(&i->conf, i->common.conf != NULL ? i->common.conf : hub_conf_default_file()));
	TRY(path_folder(&folder, i->conf.s));
	return path_absolute(&i->dir, i->state != NULL ? i->state : folder.s);
}

/* Before the configuration names it. */
static dske_rc make_hub_key(struct hub_init *i)
{
	struct path folder;
	TRY(path_folder(&folder, i->conf.s));
	TRY(file_make_dirs(folder.s, 0700));
	if (i->table_key != NULL)
		TRY(path_absolute(&i->key, i->table_key));
	else
		TRY(path_format(&i->key, "%s/" TABLE_KEY_NAME, folder.s));
	return table_key_make(i->key.s);
}

static dske_rc write_hub_conf(struct hub_init *i)
{
	char hex[ID_HEX_LEN], text[16384];
	AUTO(fd) f = FD_NONE;
	if (id_is_zero(&i->id))
		TRY(id_random(&i->id));
	int len = snprintf(text, sizeof text,
			   "; A DSKE Security Hub; man 5 dske-hubd.conf tells all settings.\n"
			   "[hub]\n"
			   "name = %s\n"
			   "id = %s\n"
			   "listen = %s\n"
			   "state = %s\n"
			   "table_key = %s    ; encrypts the tables at rest; worth most on another medium than they\n"
			   "entropy = kernel    ; or devices too: kernel+/dev/hwrng\n"
			   "\n"
			   "; Clients can agree on keys, and see each other, when a group joins them.\n"
			   "; [group example]\n"
			   "; members = alice, bob\n",
			   i->name, id_hex(&i->id, hex), i->listen, i->dir.s,
			   i->table_key != NULL ? i->key.s : TABLE_KEY_NAME);
	if (len < 0 || (size_t)len >= sizeof text)
		return FAIL(TOOBIG, "the name of the folder is too long");
	TRY(file_open(&f, i->conf.s, O_WRONLY | O_CREAT | O_EXCL, 0600));
	TRY(file_pwrite(f.n, text, (size_t)len, 0));
	TRY(file_sync(f.n));
	return file_sync_dir_of(i->conf.s);
}

/* What was written is read back by the hub's own reader. */
static dske_rc make_hub_folders(const struct hub_init *i)
{
	AUTO(hub_conf) c = {0};
	struct path tables;
	TRY(hub_conf_read(&c, i->conf.s));
	TRY(hub_conf_tables(&c, &tables));
	TRY(file_make_dirs(tables.s, 0700));
	if (chmod(c.state.s, 0700) != 0)
		return FAIL(DENIED, "%s: its permissions cannot be set: %m", c.state.s);
	return DSKE_OK;
}

static dske_rc hub_init(struct hub_init *i)
{
	struct net_address address;
	if (!name_check(i->name))
		return FAIL(ARGS, "%s is not a name: letters, digits, '.', '_' and '-', at most %d", i->name, NAME_MAX_LEN);
	if (!rc_ok(net_address_parse(&address, i->listen)))
		return FAIL(ARGS, "--listen %s: write HOST:PORT, or [ADDRESS]:PORT for IPv6", i->listen);
	TRY(settle_hub_paths(i));
	if (access(i->conf.s, F_OK) == 0)
		return FAIL(EXISTS, "%s exists already", i->conf.s);
	TRY(make_hub_key(i));
	TRY(write_hub_conf(i));
	return make_hub_folders(i);
}

int cmd_hub_init(const struct command *self, int argc, char **argv)
{
	struct hub_init i = {0};
	struct operands none;
	char hex[ID_HEX_LEN];
	const struct option_row rows[] = {
		{"name", OPTION_TEXT, &i.name, "NAME", "the hub's name (required)"},
		{"listen", OPTION_TEXT, &i.listen, "HOST:PORT", "where it listens, and what its PSKMs name (required)"},
		{"state", OPTION_TEXT, &i.state, "DIR", "its state folder (default: the configuration file's own)"},
		{"table-key", OPTION_TEXT, &i.table_key, "FILE", "the key of its tables at rest (default: table.key beside the configuration)"},
		{"id", OPTION_ID, &i.id, "HEX", "its ID, 32 digits (default: a fresh one)"},
		{"conf", OPTION_TEXT, &i.common.conf, "FILE", "the configuration file to write (default: the system's)"},
		{"json", OPTION_FLAG, &i.common.json, NULL, "write JSON, for programs"},
		{0},
	};
	int leave = options_read(self, rows, argc, argv, 0, 0, &none);
	if (leave >= 0)
		return leave;
	if (i.name == NULL || i.listen == NULL)
		return tool_usage(self, "--name NAME and --listen HOST:PORT are needed");
	dske_rc rc = hub_init(&i);
	if (!rc_ok(rc))
		return tool_fail(&i.common, rc, NULL);
	if (i.common.json)
		output_json(json_pack("{s:s, s:s, s:s, s:s}", "name", i.name, "id", id_hex(&i.id, hex), "conf", i.conf.s, "state",
				      i.dir.s));
	else
		printf("hub %s, ID %s\nconfiguration %s\nstate %s\n"
		       "Name in it the clients that may agree on keys ([group NAME]), and start the hub: dske-hubd --config '%s'\n",
		       i.name, id_hex(&i.id, hex), i.conf.s, i.dir.s, i.conf.s);
	return EXIT_OK;
}

/* ---- status ------------------------------------------------------------------------------------------------ */

int cmd_hub_status(const struct command *self, int argc, char **argv)
{
	struct common common = {.needs_tables = true};
	int64_t timeout_ms = 3000;
	struct operands none;
	struct client *client = NULL;
	AUTO(report) report = {0};
	const struct option_row rows[] = {
		{"timeout", OPTION_DURATION, &timeout_ms, "TIME", "how long to wait (default: 3s)"},
		PIN_ROW(common),
		COMMON_ROWS(common),
		{0},
	};
	int leave = options_read(self, rows, argc, argv, 0, 0, &none);
	if (leave >= 0)
		return leave;
	dske_rc rc = tool_open(&client, &common);
	if (rc_ok(rc))
		rc = client_ping(client, timeout_ms, &report);
	if (!rc_ok(rc)) {
		client_close(client);
		return tool_fail(&common, rc, NULL);
	}
	if (common.json)
		output_json(json_pack("{s:o}", "hubs", report_json(&report, REPORT_LEFT)));
	else if (report.count > 0)
		report_print(&report, REPORT_LEFT, stdout);
	else
		fprintf(stderr, "no hubs yet: import a PSKM of each (dske pskm import)\n");
	size_t good = report_good(&report);
	client_close(client);
	return good == report.count && good > 0 ? EXIT_OK : EXIT_TOO_FEW;
}
