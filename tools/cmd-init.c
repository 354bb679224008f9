/* SPDX-License-Identifier: Apache-2.0 */
/* dske init: a client's configuration file and state folder; the token's PINs if asked for. */
#include <config.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pskm/table-key.h"
#include "tools/commands.h"
#include "tools/output.h"
#include "tools/secret-input.h"
#include "tools/token.h"

struct init {
	struct common common;
	const char *name, *dir, *pin, *so_pin, *table_key;
	struct id id;
	struct path conf, key;
};

/* Where a new file goes: as config_locate, but the user's need not be there yet. */
static dske_rc new_conf_path(struct init *i)
{
	const char *named = getenv("DSKE_CONF"), *base = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	if (i->common.conf != NULL)
		return path_format(&i->conf, "%s", i->common.conf);
	if (named != NULL && named[0] != '\0')
		return path_format(&i->conf, "%s", named);
	if (geteuid() == 0)
		return path_format(&i->conf, "%s/dske/dske.conf", SYSCONFDIR);
	if (base != NULL && base[0] == '/')
		return path_format(&i->conf, "%s/dske/dske.conf", base);
	if (home == NULL || home[0] != '/')
		return FAIL(ARGS, "HOME is not set: say --conf FILE");
	return path_format(&i->conf, "%s/.config/dske/dske.conf", home);
}

static dske_rc make_parent(const char *path)
{
	struct path folder;
	TRY(path_folder(&folder, path));
	return file_make_dirs(folder.s, 0700);
}

static bool key_is_pin(const struct init *i)
{
	return i->table_key != NULL && strcmp(i->table_key, "pin") == 0;
}

/* Before the configuration names it. */
static dske_rc make_key(struct init *i)
{
	struct path folder;
	if (key_is_pin(i))
		return path_format(&i->key, "pin"); /* the token makes it when it is needed */
	if (i->table_key != NULL) {
		TRY(path_absolute(&i->key, i->table_key));
	} else {
		TRY(path_folder(&folder, i->conf.s));
		TRY(path_format(&i->key, "%s/" TABLE_KEY_NAME, folder.s));
	}
	return table_key_make(i->key.s);
}

static dske_rc write_conf(struct init *i)
{
	char hex[ID_HEX_LEN], text[16384];
	struct path dir = {""};
	AUTO(fd) f = FD_NONE;
	if (id_is_zero(&i->id))
		TRY(id_random(&i->id));
	if (i->dir != NULL)
		TRY(path_absolute(&dir, i->dir));
	int len = snprintf(text, sizeof text,
			   "; A DSKE client; man 5 dske.conf tells all settings.\n"
			   "[client]\n"
			   "name = %s\n"
			   "id = %s\n"
			   "table_key = %s    ; encrypts the tables at rest; worth most on another medium than they\n"
			   "%s%s%s\n"
			   "[agreement]\n"
			   "; k = 3            ; hubs that a key needs; default: more than half of them\n"
			   "; timeout = 10s\n"
			   "; key_length = 32\n"
			   "\n"
			   "; [peer bob]\n"
			   "; extract = yes    ; programs may read the keys agreed with bob in clear\n",
			   i->name, id_hex(&i->id, hex),
			   i->table_key != NULL ? i->key.s : TABLE_KEY_NAME, dir.s[0] != '\0' ? "state = " : "", dir.s, dir.s[0] != '\0' ? "\n" : "");
	if (len < 0 || (size_t)len >= sizeof text)
		return FAIL(TOOBIG, "the name of the folder is too long");
	TRY(file_open(&f, i->conf.s, O_WRONLY | O_CREAT | O_EXCL, 0600));
	TRY(file_pwrite(f.n, text, (size_t)len, 0));
	TRY(file_sync(f.n));
	return file_sync_dir_of(i->conf.s);
}

static dske_rc make_folders(const struct init *i)
{
	AUTO(config) c = {0};
	struct path tables;
	TRY(config_read(&c, i->conf.s));
	TRY(config_tables(&c, &tables));
	TRY(file_make_dirs(tables.s, 0700));
	/* Pads and keys live here: nobody else has to look in. */
	if (chmod(c.state.s, 0700) != 0)
		return FAIL(DENIED, "%s: its permissions cannot be set: %m", c.state.s);
	return DSKE_OK;
}

static dske_rc set_pins(const struct init *i, const struct secret *pin, const struct secret *so_pin)
{
	AUTO(token) token = {0};
	if (pin->len == 0)
		return DSKE_OK;
	if (setenv("DSKE_CONF", i->conf.s, 1) != 0)
		return rc_make(DSKE_RC_NOMEM);
	TRY(token_load(&token));
	return token_init(&token, i->name, so_pin, pin);
}

static dske_rc init(struct init *i)
{
	AUTO(secret) pin = {0};
	AUTO(secret) so_pin = {0};
	if (!name_check(i->name))
		return FAIL(ARGS, "%s is not a name: letters, digits, '.', '_' and '-', at most %d", i->name, NAME_MAX_LEN);
	if ((i->pin != NULL) != (i->so_pin != NULL))
		return FAIL(ARGS, "--pin and --so-pin belong together: the second can reset the first");
	if (key_is_pin(i) && i->pin == NULL)
		return FAIL(ARGS, "--table-key pin: then the PIN has to be set, too: --pin and --so-pin");
	TRY(new_conf_path(i));
	if (access(i->conf.s, F_OK) == 0)
		return FAIL(EXISTS, "%s exists already; remove it if that client is not needed any more", i->conf.s);
	if (i->pin != NULL) {
		TRY(secret_input_new(&so_pin, i->so_pin, "SO PIN"));
		TRY(secret_input_new(&pin, i->pin, "PIN"));
	}
	TRY(make_parent(i->conf.s));
	TRY(make_key(i));
	TRY(write_conf(i));
	TRY(make_folders(i));
	return set_pins(i, &pin, &so_pin);
}

int cmd_init(const struct command *self, int argc, char **argv)
{
	struct init i = {0};
	struct operands none;
	char hex[ID_HEX_LEN];
	const struct option_row rows[] = {
		{"name", OPTION_TEXT, &i.name, "NAME", "how the hubs know this client (required)"},
		{"id", OPTION_ID, &i.id, "HEX", "its ID, 32 digits (default: a fresh one)"},
		{"dir", OPTION_TEXT, &i.dir, "DIR", "state folder (default: the configuration file's own)"},
		{"table-key", OPTION_TEXT, &i.table_key, "FILE", "the key of its tables at rest (default: table.key beside the configuration); or pin: the token's PIN has it"},
		{"pin", OPTION_TEXT, &i.pin, "SOURCE", "set the token's PIN: env:NAME, file:PATH or prompt"},
		{"so-pin", OPTION_TEXT, &i.so_pin, "SOURCE", "and the security officer's, which can reset it"},
		COMMON_ROWS(i.common),
		{0},
	};
	int leave = options_read(self, rows, argc, argv, 0, 0, &none);
	if (leave >= 0)
		return leave;
	if (i.name == NULL)
		return tool_usage(self, "--name NAME is missing");
	dske_rc rc = init(&i);
	if (!rc_ok(rc))
		return tool_fail(&i.common, rc, NULL);
	if (i.common.json)
		output_json(json_pack("{s:s, s:s, s:s, s:b}", "name", i.name, "id", id_hex(&i.id, hex), "conf", i.conf.s, "pin",
				      i.pin != NULL));
	else
		printf("client %s, ID %s\nconfiguration %s\n"
		       "Tell the ID to the hubs' operators: each makes a PSKM for it (dske pskm create).\n",
		       i.name, id_hex(&i.id, hex), i.conf.s);
	return EXIT_OK;
}
