/* SPDX-License-Identifier: Apache-2.0 */
/* hub/vault.c - a balanced tree of tables, and the folder they lie in. */
#define _GNU_SOURCE /* tdestroy, twalk_r */
#include "hub/vault.h"

#include <search.h>
#include <stdlib.h>

#include "base/log.h"
#include "pskm/list.h"

#define RETRY_MS 5000
#define LENT_MS 30000

struct vault {
	struct path dir;
	struct id hub;
	struct secret table_key; /* owned */
	void *by_id;
	size_t count;
	struct directory *directory;
	int64_t seen; /* file_change_time of the folder, when it was last read; 0: never */
};

static int compare(const void *a, const void *b)
{
	const struct vault_table *x = a, *y = b;

	return id_compare(&x->id, &y->id);
}

static struct vault_table *look(const struct vault *v, const struct id *table)
{
	struct vault_table key = {.id = *table}, **node = tfind(&key, &v->by_id, compare);

	return node ? *node : NULL;
}

static dske_rc insert(struct vault *v, const struct table_entry *e)
{
	struct vault_table *t = calloc(1, sizeof *t);

	if (!t)
		return rc_make(DSKE_RC_NOMEM);
	t->id = e->table;
	t->header = e->header;
	t->retired = e->status.state == TABLE_RETIRED;

	dske_rc rc = directory_add(v->directory, &e->header.client, e->header.client_name, &t->client);

	if (rc_ok(rc) && !t->retired)
		rc = directory_live(v->directory, t->client, 1);

	if (rc_ok(rc) && !tsearch(t, &v->by_id, compare))
		rc = rc_make(DSKE_RC_NOMEM);
	if (!rc_ok(rc)) {
		free(t);
		return rc;
	}
	v->count++;
	log_debug("%stable of client %s is here", t->retired ? "retired " : "", e->header.client_name);
	return DSKE_OK;
}

static dske_rc take(struct vault *v, const struct table_entry *e)
{
	char hex[ID_HEX_LEN];

	if (look(v, &e->table))
		return DSKE_OK;
	if (!rc_ok(e->rc)) {
		log_error("table %s is left out: %s", id_hex(&e->table, hex), e->why);
		return DSKE_OK;
	}
	if (!id_equal(&e->header.hub, &v->hub) || !id_equal(&e->header.table, &e->table)) {
		log_error("table %s is left out: its header names another hub or another table", id_hex(&e->table, hex));
		return DSKE_OK;
	}
	return insert(v, e);
}

static dske_rc scan(struct vault *v)
{
	struct table_entry *entry = NULL;
	size_t count = 0;

	TRY(table_list(v->dir.s, &entry, &count));

	dske_rc rc = DSKE_OK;

	for (size_t i = 0; i < count && rc_ok(rc); i++)
		rc = take(v, &entry[i]);
	free(entry);
	return rc;
}

/* Has the folder been changed since it was last read?  A name that arrives changes the folder's time. */
static bool folder_changed(struct vault *v)
{
	int64_t before = v->seen;

	v->seen = file_change_time(v->dir.s);
	return v->seen != before || v->seen == FILE_FRESH;
}

bool vault_refresh(struct vault *v)
{
	if (!folder_changed(v))
		return false;

	dske_rc rc = scan(v);

	if (!rc_ok(rc))
		log_error("cannot look for new tables: %s", rc_detail(rc));
	return rc_ok(rc);
}

struct vault_table *vault_find(struct vault *v, const struct id *table)
{
	struct vault_table *t = look(v, table);

	if (!t && vault_refresh(v))
		t = look(v, table);
	return t;
}

dske_rc vault_use(struct vault *v, struct vault_table *t, int64_t now_ms)
{
	struct path folder;

	if (vault_is_lent(t, now_ms))
		return FAIL(BUSY, "a command of the operator's has the table for a moment");
	if (t->table)
		return DSKE_OK;
	if (now_ms < t->retry_ms)
		return FAIL(LOCKED, "the table could not be opened a moment ago");
	TRY(table_folder(&folder, v->dir.s, &t->id));

	dske_rc rc = table_open(&t->table, folder.s, SIDE_HUB, &v->table_key);

	if (!rc_ok(rc)) {
		t->retry_ms = now_ms + RETRY_MS;
		log_error("cannot open the table of client %s: %s", t->client->who.name, rc_detail(rc));
	}
	return rc;
}

struct each {
	void (*visit)(struct vault_table *t, void *context);
	void *context;
};

static void each_node(const void *node, VISIT order, void *context)
{
	const struct each *e = context;

	if (order == postorder || order == leaf) /* once a node, in order */
		e->visit(*(struct vault_table *const *)node, e->context);
}

void vault_each(struct vault *v, void (*visit)(struct vault_table *t, void *context), void *context)
{
	struct each e = {visit, context};

	twalk_r(v->by_id, each_node, &e);
}

const char *vault_folder(const struct vault *v)
{
	return v->dir.s;
}

dske_rc vault_retired(struct vault *v, struct vault_table *t)
{
	if (t->retired)
		return DSKE_OK;
	t->retired = true;
	return directory_live(v->directory, t->client, -1);
}

void vault_lend(struct vault_table *t, int64_t now_ms)
{
	t->lent_ms = now_ms + LENT_MS;
}

bool vault_is_lent(const struct vault_table *t, int64_t now_ms)
{
	return now_ms < t->lent_ms;
}

void vault_let_go(struct vault_table *t)
{
	table_close(t->table);
	t->table = NULL;
}

struct directory *vault_directory(const struct vault *v)
{
	return v->directory;
}

size_t vault_count(const struct vault *v)
{
	return v->count;
}

dske_rc vault_new(struct vault **out, const char *tables_dir, const struct id *hub, struct secret *table_key)
{
	struct vault *v = calloc(1, sizeof *v);

	*out = v;
	if (!v)
		return rc_make(DSKE_RC_NOMEM);
	v->hub = *hub;
	secret_move(&v->table_key, table_key);

	dske_rc rc = path_format(&v->dir, "%s", tables_dir);

	if (rc_ok(rc))
		rc = directory_new(&v->directory, hub);
	if (rc_ok(rc))
		rc = scan(v);
	if (!rc_ok(rc)) {
		vault_free(v);
		*out = NULL;
	}
	return rc;
}

static void table_free(void *node)
{
	struct vault_table *t = node;

	table_close(t->table);
	free(t);
}

void vault_free(struct vault *v)
{
	if (!v)
		return;
	tdestroy(v->by_id, table_free);
	directory_free(v->directory);
	secret_drop(&v->table_key);
	free(v);
}
