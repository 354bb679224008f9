/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* secure_getenv */
#include <config.h>

#include "tools/distributor.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/conf.h"
#include "pskm/stock.h"
#include "pskm/table-key.h"

#define FILE_NAME "dske/distributor.conf"

dske_rc distributor_locate(struct path *out, const char *named)
{
	const char *base = secure_getenv("XDG_CONFIG_HOME"), *home = secure_getenv("HOME");
	if (named != NULL)
		return path_format(out, "%s", named);
	if (geteuid() != 0 && base != NULL && base[0] == '/')
		return path_format(out, "%s/" FILE_NAME, base);
	if (geteuid() != 0 && home != NULL && home[0] == '/')
		return path_format(out, "%s/.config/" FILE_NAME, home);
	return path_format(out, "%s/" FILE_NAME, SYSCONFDIR);
}

/* ---- reading ----------------------------------------------------------------------------------------------- */

static dske_rc set_name(struct distributor *d, const char *key, const char *value)
{
	if (!name_check(value))
		return FAIL(CONFIG, "%s = %s: no name", key, value);
	return conf_text(d->name, sizeof d->name, key, value);
}

static dske_rc set_id(struct distributor *d, const char *key, const char *value)
{
	if (!rc_ok(id_parse(&d->id, value)) || id_is_zero(&d->id))
		return FAIL(CONFIG, "%s = %s: an ID has 32 hexadecimal digits, not all zero", key, value);
	return DSKE_OK;
}

static dske_rc set_state(struct distributor *d, const char *key, const char *value)
{
	return conf_text(d->state.s, sizeof d->state.s / 2, key, value);
}

static dske_rc set_table_key(struct distributor *d, const char *key, const char *value)
{
	return conf_text(d->table_key.s, sizeof d->table_key.s / 2, key, value);
}

static dske_rc set_entropy(struct distributor *d, const char *key, const char *value)
{
	TRY(entropy_check(value));
	return conf_text(d->entropy, sizeof d->entropy, key, value);
}

static dske_rc take(void *context, const char *section, const char *name, const char *key, const char *value)
{
	static const struct {
		const char *key;
		dske_rc (*set)(struct distributor *d, const char *key, const char *value);
	} settings[] = {{"name", set_name}, {"id", set_id}, {"state", set_state}, {"entropy", set_entropy},
		      {"table_key", set_table_key}};
	(void)name;
	if (strcmp(section, "distributor") != 0)
		return FAIL(CONFIG, "there is no section [%s]; a distributor has [distributor]", section);
	for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
		if (strcmp(settings[i].key, key) == 0)
			return settings[i].set(context, key, value);
	}
	return conf_unknown(section, key);
}

dske_rc distributor_read(struct distributor *d, const char *named)
{
	*d = (struct distributor){.entropy = ENTROPY_KERNEL};
	TRY(distributor_locate(&d->file, named));
	dske_rc rc = conf_read(d->file.s, take, d);
	if (rc_is(rc, DSKE_RC_NOT_FOUND))
		return FAIL(NOT_FOUND, "there is no %s; make one with 'dske distributor init', or name another with --conf",
			    d->file.s);
	TRY(rc);
	if (d->name[0] == '\0' || id_is_zero(&d->id))
		return FAIL(CONFIG, "%s: [distributor] lacks '%s'", d->file.s, d->name[0] == '\0' ? "name" : "id");
	TRY(conf_folder(&d->state, d->file.s));
	if (d->table_key.s[0] != '\0')
		TRY(conf_folder(&d->table_key, d->file.s));
	return path_format(&d->stocks, "%s/" STOCK_FOLDER, d->state.s);
}

dske_rc distributor_table_key(const struct distributor *d, struct secret *out)
{
	return d->table_key.s[0] != '\0' ? table_key_read(out, d->table_key.s) : DSKE_OK;
}

/* ---- making ------------------------------------------------------------------------------------------------ */

/* The key first: the configuration names it. */
static dske_rc write_file(const struct path *file, const char *text, size_t len)
{
	AUTO(fd) f = FD_NONE;
	struct path folder, key;
	TRY(path_folder(&folder, file->s));
	TRY(file_make_dirs(folder.s, 0700));
	TRY(path_format(&key, "%s/" TABLE_KEY_NAME, folder.s));
	TRY(table_key_make(key.s));
	TRY(file_open(&f, file->s, O_WRONLY | O_CREAT | O_EXCL, 0600));
	TRY(file_pwrite(f.n, text, len, 0));
	TRY(file_sync(f.n));
	return file_sync_dir_of(file->s);
}

dske_rc distributor_make(struct distributor *d, const char *named, const char *name, const struct id *id,
			 const char *state)
{
	char hex[ID_HEX_LEN], text[8192];
	struct path file, located, dir = {""};
	struct id fresh = *id;
	if (!name_check(name))
		return FAIL(ARGS, "%s is not a name: letters, digits, '.', '_' and '-', at most %d", name, NAME_MAX_LEN);
	TRY(distributor_locate(&located, named));
	TRY(path_absolute(&file, located.s));
	if (state != NULL)
		TRY(path_absolute(&dir, state));
	if (id_is_zero(&fresh))
		TRY(id_random(&fresh));
	int len = snprintf(text, sizeof text,
			   "; A DSKE Local Distributor; man 1 dske tells what it does.\n"
			   "[distributor]\n"
			   "name = %s\n"
			   "id = %s\n"
			   "table_key = " TABLE_KEY_NAME "    ; encrypts the stocks at rest; worth most on another medium than they\n"
			   "%s%s%s",
			   name, id_hex(&fresh, hex), state != NULL ? "state = " : "", dir.s, state != NULL ? "\n" : "");
	if (len < 0 || (size_t)len >= sizeof text)
		return FAIL(TOOBIG, "the name of the folder is too long");
	TRY(write_file(&file, text, (size_t)len));
	TRY(distributor_read(d, file.s));
	TRY(file_make_dirs(d->stocks.s, 0700));
	if (chmod(d->state.s, 0700) != 0)
		return FAIL(DENIED, "%s: its permissions cannot be set: %m", d->state.s);
	return DSKE_OK;
}
