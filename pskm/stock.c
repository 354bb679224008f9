/* SPDX-License-Identifier: Apache-2.0 */
/* pskm/stock.c - opening, looking at and retiring a stock, and its files beside those of a table. */
#include "config.h"

#include "pskm/stock.h"

#include <fcntl.h>
#include <stdlib.h>

#include "pskm/header-file.h"
#include "pskm/list.h"
#include "pskm/stock-impl.h"

/* ---- looking --------------------------------------------------------------------------------------- */

static dske_rc view_ledger(struct ledger *l, const struct path *folder, const struct pskm_header *h)
{
	AUTO(fd) f = FD_NONE;
	struct path p;

	TRY(path_format(&p, "%s/" TABLE_FILE_LEDGER, folder->s));
	TRY(file_open_ordinary(&f, p.s, O_RDONLY | O_NOFOLLOW, 0));
	TRY(ledger_look(f.n, l));
	return ledger_check(l, h);
}

dske_rc stock_view_open(struct stock_view *v, const char *stocks_dir, const struct id *id)
{
	struct path folder, p;
	struct ledger l;

	*v = (struct stock_view){.log = FD_NONE};
	TRY(table_folder(&folder, stocks_dir, id));
	TRY(path_format(&p, "%s/" TABLE_FILE_HEADER, folder.s));
	TRY(header_file_read(&v->header, p.s));
	TRY(pskm_kind_require(&v->header, PSKM_STOCK));
	TRY(view_ledger(&l, &folder, &v->header));
	v->state = l.state;
	v->retired = l.stock.retired;
	v->len = v->header.layout.region[REGION_UP].end - v->header.layout.region[REGION_UP].start;
	v->left = v->header.layout.region[REGION_UP].end - l.up_high;
	v->portions = l.stock.logged;
	v->settled = l.stock.settled;
	v->reports = l.stock.reports;
	v->alarms = l.clone_alarms;
	if (v->portions == 0)
		return DSKE_OK;
	TRY(path_format(&p, "%s/" STOCK_FILE_LOG, folder.s));
	return file_open_ordinary(&v->log, p.s, O_RDONLY | O_NOFOLLOW, 0);
}

dske_rc stock_view_portion(const struct stock_view *v, uint64_t number, struct stock_entry *e)
{
	return stock_log_read(v->log.n, &v->header.table, number, e);
}

void stock_view_drop(struct stock_view *v)
{
	fd_drop(&v->log);
}

/* ---- its files ------------------------------------------------------------------------------------- */

const struct stock_record *stock_now(const struct stock *s)
{
	return &s->table->now.stock;
}

dske_rc stock_log_append(struct stock *s, const struct portion *p, size_t count, uint64_t report)
{
	for (size_t i = 0; i < count; i++) {
		struct stock_entry e = {.report = report, .portion = p[i]};
		TRY(stock_log_write(s->log.n, &s->table->header.table, stock_now(s)->logged + i, &e));
	}
	return file_sync(s->log.n);
}

static dske_rc report_path(const struct stock *s, uint64_t number, struct path *out)
{
	return path_format(out, "%s/" STOCK_FILE_REPORT "%llu", s->dir.s, (unsigned long long)number);
}

dske_rc stock_report_load(const struct stock *s, uint64_t number, struct buf *out)
{
	struct path p;

	TRY(report_path(s, number, &p));
	return file_read_ordinary(out, p.s, STOCK_REPORT_LEN_MAX);
}

dske_rc stock_report_keep(const struct stock *s, uint64_t number, const void *bytes, size_t len)
{
	struct path p;

	TRY(report_path(s, number, &p));
	return file_replace(p.s, bytes, len, 0600);
}

dske_rc stock_report_settle(const struct stock *s, uint64_t number)
{
	struct path p;

	TRY(report_path(s, number, &p));
	return file_sync_dir_of(p.s);
}

dske_rc stock_report_key(struct stock *s, uint64_t number, struct secret *key)
{
	uint64_t at = layout_lease_offset(&s->table->header.layout, number - 1);

	if (at == UINT64_MAX)
		return FAIL(EXHAUSTED, "the stock has no key for a report number %llu", (unsigned long long)number);
	TRY(secret_alloc(key, TAG_KEY_LEN));
	return cover_read(&s->table->cover, at, key->data, key->len);
}

/* ---- holding --------------------------------------------------------------------------------------- */

/* A cut that nobody finished: recorded as used, so it stays used. */
static dske_rc settle_cut(struct stock *s, struct hold *h)
{
	struct ledger next = s->table->now;

	if (!next.stock.cutting)
		return DSKE_OK;
	next.stock.portion.wasted = true;
	TRY(stock_log_append(s, &next.stock.portion, 1, 0));
	next.stock.cutting = false;
	next.stock.logged++;
	return hold_commit(h, &next);
}

dske_rc stock_hold(struct stock *s, struct hold *h)
{
	char hex[ID_HEX_LEN];

	TRY(hold_take(h, s->table));
	id_hex(&s->table->header.table, hex);
	if (s->table->now.state == TABLE_FROZEN)
		return FAIL(FROZEN, "stock %s is frozen, since a copy of it was used: nothing more is taken from it; make another",
			    hex);
	if (s->table->now.state == TABLE_LOCKED)
		return FAIL(LOCKED, "stock %s is locked, since what is used of it is in doubt: make another", hex);
	if (stock_now(s)->retired || s->table->now.state != TABLE_IMPORTED)
		return FAIL(STATE, "stock %s is retired", hex);
	TRY(hold_settle(h)); /* of a report that is recorded, or accepted, bytes are read with no other commit */
	TRY(cover_require_key(&s->table->cover));
	return settle_cut(s, h);
}

/* ---- opening --------------------------------------------------------------------------------------- */

static dske_rc open_log(struct stock *s)
{
	struct path p;
	bool fresh = stock_now(s)->logged == 0;

	TRY(path_format(&p, "%s/" STOCK_FILE_LOG, s->dir.s));
	TRY(file_open_ordinary(&s->log, p.s, O_RDWR | O_NOFOLLOW | (fresh ? O_CREAT : 0), 0600));
	if (!fresh)
		return DSKE_OK;
	TRY(file_sync_dir_of(s->dir.s)); /* nothing is cut from a stock whose name could be lost */
	return file_sync_dir_of(p.s);
}

static dske_rc open_all(struct stock *s, const char *stocks_dir, const struct id *id, enum side side,
			const struct secret *key)
{
	AUTO(hold) hold = {0};

	TRY(table_folder(&s->dir, stocks_dir, id));
	TRY(table_open(&s->table, s->dir.s, side, key));
	TRY(pskm_kind_require(&s->table->header, PSKM_STOCK));
	TRY(hold_take(&hold, s->table));
	return open_log(s);
}

dske_rc stock_open(struct stock **out, const char *stocks_dir, const struct id *id, enum side side,
		   const struct secret *key)
{
	struct stock *s = calloc(1, sizeof *s);

	*out = NULL;
	if (s == NULL)
		return FAIL(NOMEM, "no memory for a stock");
	s->log.n = -1;
	dske_rc rc = open_all(s, stocks_dir, id, side, key);
	if (!rc_ok(rc)) {
		stock_close(s);
		return rc;
	}
	*out = s;
	return DSKE_OK;
}

void stock_close(struct stock *s)
{
	if (s == NULL)
		return;
	fd_drop(&s->log);
	table_close(s->table);
	free(s);
}

const struct pskm_header *stock_header(const struct stock *s)
{
	return table_header(s->table);
}

/* ---- retiring -------------------------------------------------------------------------------------- */

/* All of it, whatever the ledger says: that of a locked stock says no more what is used. */
static dske_rc destroy(struct hold *h)
{
	struct table *t = h->t;
	const struct range *keys = &t->header.layout.region[REGION_LEASE], *body = &t->header.layout.region[REGION_UP];

	TRY(cover_erase(&t->cover, keys->start, keys->end));
	TRY(cover_erase(&t->cover, body->start, body->end));
	TRY(cover_forget(&t->cover, 0, t->header.layout.len));
	if (!rc_ok(cover_sync(&t->cover))) {
		(void)hold_lock(h);
		return FAIL(SYNC, "what is left of the stock could not be destroyed for certain: look after the disk");
	}
	return hold_sweep(h);
}

dske_rc stock_retire(struct stock *s)
{
	AUTO(hold) hold = {0};
	struct table *t = s->table;

	TRY(hold_take(&hold, t));
	struct ledger next = t->now;
	bool is_over = next.state == TABLE_LOCKED || next.state == TABLE_FROZEN; /* no report is accepted again */
	if (t->side == SIDE_HUB && !is_over && next.stock.settled < next.stock.logged)
		return FAIL(STATE, "report %llu was accepted and not all of its tables are made: accept it again first",
			    (unsigned long long)next.stock.reports);
	next.stock.retired = true;
	next.up_high = t->header.layout.region[REGION_UP].end;
	if (next.state != TABLE_LOCKED)
		TRY(hold_commit(&hold, &next));
	return destroy(&hold);
}
