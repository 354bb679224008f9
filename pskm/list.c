/* SPDX-License-Identifier: Apache-2.0 */
/* pskm/list.c - a folder's tables, read without opening them. */
#include "config.h"

#include "pskm/list.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/listing.h"
#include "pskm/format.h"
#include "pskm/header-file.h"
#include "pskm/ledger.h"

dske_rc table_folder(struct path *out, const char *tables_dir, const struct id *table)
{
	char hex[ID_HEX_LEN];

	return path_format(out, "%s/%s", tables_dir, id_hex(table, hex));
}

/* Upper-case digits name no folder that we made. */
bool table_name_read(struct id *id, const char *name)
{
	char hex[ID_HEX_LEN];

	return strlen(name) == ID_HEX_LEN - 1 && rc_ok(id_parse(id, name)) && strcmp(id_hex(id, hex), name) == 0;
}

static dske_rc entry_read(struct table_entry *e, const char *tables_dir)
{
	AUTO(fd) f = FD_NONE;
	struct path folder, p;
	struct ledger ledger;

	TRY(table_folder(&folder, tables_dir, &e->table));
	TRY(path_format(&p, "%s/" TABLE_FILE_HEADER, folder.s));
	TRY(header_file_read(&e->header, p.s));
	if (!id_equal(&e->header.table, &e->table))
		return FAIL(CORRUPT, "%s holds another table's header", folder.s);
	TRY(path_format(&p, "%s/" TABLE_FILE_LEDGER, folder.s));
	TRY(file_open_ordinary(&f, p.s, O_RDONLY | O_NOFOLLOW, 0));
	TRY(ledger_look(f.n, &ledger));
	TRY(ledger_check(&ledger, &e->header));
	ledger_status(&ledger, &e->header, &e->status);
	return DSKE_OK;
}

static dske_rc append(struct table_entry **list, size_t *count, const struct id *id, const char *tables_dir)
{
	struct table_entry *grown = reallocarray(*list, *count + 1, sizeof **list);

	if (grown == NULL)
		return FAIL(NOMEM, "no memory for the list of tables");
	*list = grown;
	struct table_entry *e = &grown[*count];
	*e = (struct table_entry){.table = *id};
	e->rc = entry_read(e, tables_dir);
	if (!rc_ok(e->rc))
		(void)snprintf(e->why, sizeof e->why, "%s", rc_detail(e->rc));
	++*count;
	return DSKE_OK;
}

static int compare(const void *a, const void *b)
{
	return id_compare(&((const struct table_entry *)a)->table, &((const struct table_entry *)b)->table);
}

static dske_rc read_all(const char *tables_dir, struct table_entry **list, size_t *count)
{
	AUTO(listing) l = LISTING_NONE;
	const char *name;
	struct id id;

	dske_rc rc = listing_open(&l, tables_dir);
	if (rc_is(rc, DSKE_RC_NOT_FOUND))
		return DSKE_OK;
	while (rc_ok(rc) && rc_ok(rc = listing_next(&name, &l)) && name != NULL)
		if (table_name_read(&id, name))
			rc = append(list, count, &id, tables_dir);
	return rc;
}

dske_rc table_list(const char *tables_dir, struct table_entry **out, size_t *count)
{
	struct table_entry *list = NULL;

	*out = NULL;
	*count = 0;
	dske_rc rc = read_all(tables_dir, &list, count);
	if (!rc_ok(rc)) {
		free(list);
		*count = 0;
		return rc;
	}
	if (*count > 1)
		qsort(list, *count, sizeof *list, compare);
	*out = list;
	return DSKE_OK;
}
