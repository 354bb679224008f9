/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hub/vault.h - the hub's copies of its tables, by ID.  A table is opened when it is first needed, and
 * one that was made while the hub runs is found when it is first asked for, so that a new PSKM needs no
 * restart.
 */
#ifndef DSKE_HUB_VAULT_H
#define DSKE_HUB_VAULT_H

#include "base/file.h"
#include "hub/directory.h"
#include "pskm/header.h"
#include "pskm/lowwater.h"
#include "pskm/table.h"

struct vault_table {
	struct id id;
	struct pskm_header header;
	struct hub_client *client; /* borrowed from the directory */
	struct table *table;       /* NULL: not opened yet, or it cannot be */
	int64_t retry_ms;          /* when opening may be tried again */
	int64_t lent_ms;           /* an operator's program has it until then (vault_lend) */
	bool retired;              /* recorded so; it is counted in client->live no more */
	bool destroyed;            /* retired, and nothing is left of it: known from when this process looked */
	struct low_watch low;      /* what was said of its running out */
};

struct vault;

/* Reads which tables there are; the folder need not exist yet.  Damaged ones and those of another hub are
 * logged and left out.  *table_key, which may be empty, moves into the vault.  Errors: DENIED, IO, NOMEM. */
dske_rc vault_new(struct vault **out, const char *tables_dir, const struct id *hub, struct secret *table_key);

const char *vault_folder(const struct vault *v); /* borrowed */
struct directory *vault_directory(const struct vault *v);
size_t vault_count(const struct vault *v);

/* Calls `visit` with every table, in the order of their IDs. */
void vault_each(struct vault *v, void (*visit)(struct vault_table *t, void *context), void *context);

/* Looks for new tables if the folder has changed, which only its owner can make it do.  False when it did
 * not look. */
bool vault_refresh(struct vault *v);

/* The table of that ID, looked for again if it is not known; NULL if there is none.  It may not be opened
 * yet. */
struct vault_table *vault_find(struct vault *v, const struct id *table);

/* Opens it unless it is open.  A failure is logged and stays for some seconds.  Errors: as table_open; BUSY (lent). */
dske_rc vault_use(struct vault *v, struct vault_table *t, int64_t now_ms);

/* For half a minute nobody here uses it, so that a program of the operator's can; who uses it now must stop.  It is
 * closed by vault_let_go, when no window of it is left. */
void vault_lend(struct vault_table *t, int64_t now_ms);
bool vault_is_lent(const struct vault_table *t, int64_t now_ms);
void vault_let_go(struct vault_table *t);

/* The table was just recorded as retired (table_retire).  Errors: NOMEM (the directory is as it was). */
dske_rc vault_retired(struct vault *v, struct vault_table *t);

void vault_free(struct vault *v);

#endif
