/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "tools/stocks.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "pskm/list.h"
#include "tools/output.h"

/* ---- the stocks of a folder -------------------------------------------------------------------------------- */

struct stocks {
	struct table_entry *entry; /* owned */
	size_t count;
};

static void stocks_drop(struct stocks *s)
{
	free(s->entry);
}

static const char *other_name(const struct pskm_header *h, enum side side)
{
	return side == SIDE_HUB ? h->client_name : h->hub_name;
}

static bool is_meant(const struct table_entry *e, const char *which, enum side side)
{
	char hex[ID_HEX_LEN];
	return which == NULL || strcmp(which, id_hex(&e->table, hex)) == 0 ||
	       (rc_ok(e->rc) && strcmp(which, other_name(&e->header, side)) == 0);
}

/* ---- choosing ---------------------------------------------------------------------------------------------- */

static bool is_usable(const struct stock_view *v)
{
	return v->state != TABLE_FROZEN && v->state != TABLE_LOCKED && !v->retired;
}

static dske_rc nothing_chosen(const char *which, size_t meant, uint64_t room)
{
	char size[16];
	if (meant > 0)
		return FAIL(EXHAUSTED, "no stock%s%s that can be used has %s left: get a new one from the hub", which != NULL ? " of " : "",
			    which != NULL ? which : "", size_text(room, size));
	if (which != NULL)
		return FAIL(NOT_FOUND, "there is no stock of that ID, and none of %s", which);
	return FAIL(NOT_FOUND, "there is no stock here");
}

/* What is wanted of a stock. */
struct want {
	enum side side;
	uint64_t room;   /* bytes left */
	bool unreported; /* something was cut since its last report */
	size_t fitting;  /* out: so many are */
};

static bool fits(const struct want *w, const struct stock_view *v)
{
	return is_usable(v) && v->left >= w->room && (!w->unreported || v->portions > v->settled);
}

static dske_rc choose(struct id *out, const char *stocks_dir, const char *which, struct want *w)
{
	AUTO(stocks) all = {0};
	const char *name = NULL;
	size_t meant = 0;
	w->fitting = 0;
	TRY(table_list(stocks_dir, &all.entry, &all.count));
	for (size_t i = 0; i < all.count; i++) {
		AUTO(stock_view) v = {.log = FD_NONE};
		const struct table_entry *e = &all.entry[i];
		if (!rc_ok(e->rc) || !is_meant(e, which, w->side))
			continue;
		meant++;
		if (name != NULL && which == NULL && strcmp(name, other_name(&e->header, w->side)) != 0)
			return FAIL(ARGS, "there are stocks of %s and of %s: say which", name, other_name(&e->header, w->side));
		name = other_name(&e->header, w->side);
		if (!rc_ok(stock_view_open(&v, stocks_dir, &e->table)) || !fits(w, &v))
			continue;
		if (w->fitting++ == 0)
			*out = e->table;
	}
	return w->fitting > 0 ? DSKE_OK : nothing_chosen(which, meant, w->room);
}

dske_rc stocks_choose(struct id *out, const char *stocks_dir, const char *which, enum side side, uint64_t room)
{
	return choose(out, stocks_dir, which, &(struct want){.side = side, .room = room});
}

dske_rc stocks_choose_reporting(struct id *out, const char *stocks_dir, const char *which, bool earlier)
{
	struct want due = {.side = SIDE_CLIENT, .unreported = true}, any = {.side = SIDE_CLIENT};
	if (!earlier && rc_ok(choose(out, stocks_dir, which, &due)))
		return DSKE_OK;
	TRY(choose(out, stocks_dir, which, &any));
	if (earlier && any.fitting > 1)
		return FAIL(ARGS, "there are %zu stocks that may be meant, each with its own reports: say --stock; 'list' shows them",
			    any.fitting);
	return DSKE_OK;
}

dske_rc stocks_find(struct id *out, const char *stocks_dir, const char *hex)
{
	AUTO(stock_view) v = {.log = FD_NONE};
	if (!rc_ok(id_parse(out, hex)))
		return FAIL(ARGS, "%s is no stock's ID: it has 32 hexadecimal digits, and 'list' shows it", hex);
	dske_rc rc = stock_view_open(&v, stocks_dir, out);
	return rc_is(rc, DSKE_RC_NOT_FOUND) ? FAIL(NOT_FOUND, "there is no stock %s here", hex) : rc;
}

static bool has_portion_of(const struct stock_view *v, const struct id *client)
{
	for (uint64_t i = 0; i < v->portions; i++) {
		struct stock_entry e;
		if (rc_ok(stock_view_portion(v, i, &e)) && id_equal(&e.portion.client, client))
			return true;
	}
	return false;
}

dske_rc stocks_hubs_of(size_t *hubs, const char *stocks_dir, const struct id *client)
{
	AUTO(stocks) all = {0};
	*hubs = 0;
	TRY(table_list(stocks_dir, &all.entry, &all.count));
	for (size_t i = 0; i < all.count; i++) {
		AUTO(stock_view) v = {.log = FD_NONE};
		bool seen = !rc_ok(all.entry[i].rc) || !rc_ok(stock_view_open(&v, stocks_dir, &all.entry[i].table)) ||
			    !has_portion_of(&v, client);
		for (size_t j = 0; j < i && !seen; j++) {
			AUTO(stock_view) before = {.log = FD_NONE};
			seen = rc_ok(all.entry[j].rc) && id_equal(&all.entry[j].header.hub, &v.header.hub) &&
			       rc_ok(stock_view_open(&before, stocks_dir, &all.entry[j].table)) && has_portion_of(&before, client);
		}
		*hubs += !seen;
	}
	return DSKE_OK;
}

/* ---- showing ----------------------------------------------------------------------------------------------- */

static const char *state_text(const struct stock_view *v)
{
	return v->retired ? "retired" : v->state == TABLE_IMPORTED ? "open" : table_state_name(v->state);
}

static void print_stock(struct grid *g, const struct stock_view *v, enum side side)
{
	char hex[ID_HEX_LEN], size[16];
	grid_row(g, is_usable(v) ? COLOUR_OFF : COLOUR_BAD);
	grid_cell(g, 0, "%s", other_name(&v->header, side));
	grid_cell(g, 1, "%s", id_hex(&v->header.table, hex));
	grid_cell(g, 2, "%s", state_text(v));
	grid_cell(g, 3, "%s", size_text(v->len, size));
	grid_cell(g, 4, "%s", size_text(v->left, size));
	grid_cell(g, 5, "%" PRIu64, v->portions);
	grid_cell(g, 6, "%" PRIu64, v->portions - v->settled);
	grid_cell(g, 7, "%" PRIu64, v->reports);
	grid_cell(g, 8, "%" PRIu64, v->alarms);
}

static json_t *stock_json(const struct stock_view *v, enum side side)
{
	char hex[ID_HEX_LEN];
	return json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I}", side == SIDE_HUB ? "distributor" : "hub",
			 other_name(&v->header, side), "stock", id_hex(&v->header.table, hex), "state", state_text(v), "size",
			 (json_int_t)v->len, "left", (json_int_t)v->left, "portions", (json_int_t)v->portions,
			 side == SIDE_HUB ? "not_served" : "not_reported", (json_int_t)(v->portions - v->settled), "reports",
			 (json_int_t)v->reports, "alarms", (json_int_t)v->alarms);
}

static const char *fate(const struct stock_view *v, uint64_t i, const struct stock_entry *e, enum side side)
{
	if (e->portion.wasted)
		return side == SIDE_HUB ? "not served" : "wasted";
	if (side == SIDE_HUB)
		return i < v->settled ? "served" : "accepted";
	return i < v->settled ? "reported" : "cut";
}

static const char *time_text(uint64_t seconds, char text[32])
{
	time_t t = (time_t)seconds;
	struct tm tm;
	if (gmtime_r(&t, &tm) == NULL || strftime(text, 32, "%Y-%m-%dT%H:%MZ", &tm) == 0)
		snprintf(text, 32, "?");
	return text;
}

static void print_portion(struct grid *g, const struct stock_entry *e, const char *what)
{
	const struct portion *p = &e->portion;
	char hex[ID_HEX_LEN], size[16], when[32];
	grid_row(g, p->wasted ? COLOUR_WARN : COLOUR_OFF);
	grid_cell(g, 0, "%s", p->client_name);
	grid_cell(g, 1, "%s", id_hex(&p->table, hex));
	grid_cell(g, 2, "%s", what);
	grid_cell(g, 3, "%s", size_text(p->layout.len, size));
	grid_cell(g, 4, "%" PRIu64, p->start);
	grid_cell(g, 5, "%" PRIu64, portion_end(p));
	grid_cell(g, 6, "%s", time_text(p->cut, when));
}

static json_t *portion_json(const struct stock_entry *e, const char *what)
{
	const struct portion *p = &e->portion;
	char client[ID_HEX_LEN], table[ID_HEX_LEN];
	return json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:I}", "client", p->client_name, "client_id", id_hex(&p->client, client),
			 "table", id_hex(&p->table, table), "state", what, "from", (json_int_t)p->start, "to",
			 (json_int_t)portion_end(p), "cut", (json_int_t)p->cut);
}

/* What is shown goes to one of the two. */
struct show {
	enum side side;
	bool portions;
	struct grid grid;
	json_t *json; /* NULL: the grid */
};

static void show_drop(struct show *s)
{
	grid_drop(&s->grid);
	json_decref(s->json);
}

static dske_rc show_portions(struct show *s, const struct stock_view *v, json_t *list)
{
	for (uint64_t i = 0; i < v->portions; i++) {
		struct stock_entry e;
		TRY(stock_view_portion(v, i, &e));
		const char *what = fate(v, i, &e, s->side);
		if (list != NULL)
			json_array_append_new(list, portion_json(&e, what));
		else
			print_portion(&s->grid, &e, what);
	}
	return DSKE_OK;
}

static dske_rc show_one(struct show *s, const char *stocks_dir, const struct table_entry *e)
{
	AUTO(stock_view) v = {.log = FD_NONE};
	TRY(stock_view_open(&v, stocks_dir, &e->table));
	if (s->json == NULL && s->portions)
		return show_portions(s, &v, NULL);
	if (s->json == NULL) {
		print_stock(&s->grid, &v, s->side);
		return DSKE_OK;
	}
	json_t *o = stock_json(&v, s->side), *list = json_array();
	json_object_set_new(o, "allotted", list);
	json_array_append_new(s->json, o);
	return show_portions(s, &v, list);
}

static void show_begin(struct show *s, bool json)
{
	static const char *const stocks[2][9] = {
		[SIDE_CLIENT] = {"HUB", "STOCK", "STATE", ">SIZE", ">LEFT", ">CUTS", ">NOT REPORTED", ">REPORTS", ">ALARMS"},
		[SIDE_HUB] = {"DISTRIBUTOR", "STOCK", "STATE", ">SIZE", ">LEFT", ">PORTIONS", ">NOT SERVED", ">REPORTS", ">ALARMS"},
	};
	static const char *const portions[] = {"CLIENT", "TABLE", "STATE", ">SIZE", ">FROM", ">TO", "CUT"};
	if (json)
		s->json = json_array();
	if (s->portions)
		grid_init(&s->grid, 7, portions);
	else
		grid_init(&s->grid, 9, stocks[s->side]);
}

dske_rc stocks_show(const char *stocks_dir, const char *which, enum side side, bool json)
{
	AUTO(stocks) all = {0};
	AUTO(show) show = {.side = side, .portions = which != NULL};
	size_t meant = 0;
	TRY(table_list(stocks_dir, &all.entry, &all.count));
	show_begin(&show, json);
	for (size_t i = 0; i < all.count; i++) {
		if (!is_meant(&all.entry[i], which, side))
			continue;
		meant++;
		TRY(show_one(&show, stocks_dir, &all.entry[i]));
	}
	if (meant == 0 && which != NULL)
		return nothing_chosen(which, 0, 0);
	if (json)
		output_json(json_pack("{s:O}", "stocks", show.json));
	else if (meant == 0)
		printf("no stocks: %s\n", side == SIDE_HUB ? "make one for a distributor with dske stock create"
							   : "import one with dske distributor import FILE");
	else
		grid_print(&show.grid, stdout);
	return DSKE_OK;
}

/* ---- retiring ----------------------------------------------------------------------------------------------- */

dske_rc stocks_retire(const char *stocks_dir, const char *which, enum side side, const struct secret *table_key, bool json,
		      const char *what)
{
	char hex[ID_HEX_LEN];
	struct stock *s;
	struct id id;
	TRY(stocks_find(&id, stocks_dir, which));
	TRY(stock_open(&s, stocks_dir, &id, side, table_key));
	dske_rc rc = stock_retire(s);
	stock_close(s);
	TRY(rc);
	if (json)
		output_json(json_pack("{s:s}", "retired", id_hex(&id, hex)));
	else
		printf("stock %s is retired%s\n", id_hex(&id, hex), what);
	return DSKE_OK;
}
