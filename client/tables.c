/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client/tables.c - which tables there are: in the client's own store, and on media that come and go.
 *
 *              its folder goes away                        found again
 *	in use ------------------------> known by its header ------------> in use: opened afresh, with the ledger
 *	    |                                                              that lies there now
 *	    +--- found in two folders at once ---> refused, with an alarm, until one of them is away
 *
 * Each of these steps replaces the client's hub_table by another one; the former is kept for threads that have
 * it in hand, and comes back when the very folder does.
 */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "client/pool.h"

#define LOOKING_WAIT_NS (200L * 1000 * 1000)
#define RETRY_MS 1000 /* a table that could not be opened: its medium may be mounted better by now */

#define ABSENT_TEXT "the medium with this PSKM is not there: plug it in"
#define LOST_TEXT "the folder of this PSKM was taken away from the client's state folder"

/* ---- one table ----------------------------------------------------------------------------------------- */

static void hub_table_free(struct hub_table *h)
{
	if (h == NULL)
		return;
	table_close(h->table);
	free(h);
}

static const char *hub_address(const struct config *c, const struct pskm_header *h)
{
	for (size_t i = 0; i < c->hub_count; i++) {
		if (strcmp(c->hubs[i].name, h->hub_name) == 0 && c->hubs[i].address[0] != '\0')
			return c->hubs[i].address;
	}
	return h->hub_address;
}

static dske_rc check_owner(const struct config *c, const struct pskm_header *h)
{
	if (!id_equal(&h->client, &c->id))
		return FAIL(DENIED, "this table was made for %s, whose ID is another one than ours", h->client_name);
	return DSKE_OK;
}

static void hub_table_close(struct hub_table *h, dske_rc why)
{
	h->open_code = why.code;
	snprintf(h->open_why, sizeof h->open_why, "%s", rc_detail(why));
}

/* What the header tells, where it can be read; not opened. */
static struct hub_table *hub_table_new(const struct client *c, const struct table_entry *e)
{
	struct hub_table *h = calloc(1, sizeof *h);
	if (h == NULL)
		return NULL;
	h->id = e->table;
	h->tried_ms = clock_ms();
	(void)id_hex(&h->id, h->name); /* where the header cannot tell */
	if (!rc_ok(e->rc)) {
		hub_table_close(h, rc_fail(e->rc.code, "%s", e->why));
		return h;
	}
	h->header = e->header;
	h->hub = e->header.hub;
	snprintf(h->name, sizeof h->name, "%s", e->header.hub_name);
	snprintf(h->address, sizeof h->address, "%s", hub_address(&c->config, &e->header));
	return h;
}

static dske_rc open_at(const struct client *c, struct hub_table *h)
{
	if (h->open_code != DSKE_RC_OK)
		return DSKE_OK;
	TRY(check_owner(&c->config, &h->header));
	if (!h->is_carried)
		return table_open(&h->table, h->spot.folder.s, SIDE_CLIENT, &c->table_key);
	TRY(spot_check(&h->spot, &h->header));
	TRY(table_open(&h->table, h->spot.folder.s, SIDE_CLIENT, &c->table_key));
	return accepted_check(&c->config, h->table);
}

/* A table that cannot be opened is kept with its reason, for client_hubs. */
static void hub_table_open(const struct client *c, struct hub_table *h)
{
	dske_rc rc = open_at(c, h);
	if (rc_ok(rc)) {
		if (h->table != NULL)
			retire_go_on(h);
		return;
	}
	hub_table_close(h, rc);
	table_close(h->table);
	h->table = NULL;
}

static void hub_table_miss(struct hub_table *h, dske_rc why)
{
	h->is_absent = true;
	if (h->open_code == DSKE_RC_OK)
		hub_table_close(h, why);
}

dske_rc hub_table_excuse(const struct hub_table *h, dske_rc rc)
{
	bool files = rc_is(rc, DSKE_RC_NOT_FOUND) || rc_is(rc, DSKE_RC_IO);
	if (files && access(h->spot.folder.s, F_OK) != 0)
		return FAIL(NOT_FOUND, "%s", h->is_carried ? ABSENT_TEXT : LOST_TEXT);
	return rc;
}

/* ---- the list ------------------------------------------------------------------------------------------ */

static int by_hub_then_table(const void *a, const void *b)
{
	const struct hub_table *x = *(struct hub_table *const *)a, *y = *(struct hub_table *const *)b;
	int order = id_compare(&x->hub, &y->hub);
	return order != 0 ? order : id_compare(&x->id, &y->id);
}

/* The folder of one that was in the store was taken away by whoever told which of two hubs pretends to be the other. */
static bool speaks_for_hub(const struct hub_table *h)
{
	return h->table != NULL || (h->is_absent && h->is_carried);
}

/* doc/protocol.md, "Words": never two hubs of one ID.  Which of them is the hub and which pretends to be it, its
 * operator must tell; until then neither is used, lest one hub speak for two. */
static bool name_two_hubs(const struct hub_table *a, const struct hub_table *b)
{
	return speaks_for_hub(a) && speaks_for_hub(b) && id_equal(&a->hub, &b->hub) && strcmp(a->name, b->name) != 0;
}

/* With the lock held. */
static void compare_hubs(struct client *c)
{
	for (size_t i = 0; i < c->table_count; i++) {
		struct hub_table *h = c->tables[i];
		bool found = false;
		for (size_t j = 0; j < c->table_count && !found; j++)
			found = name_two_hubs(h, c->tables[j]);
		if (found)
			h->checked_ms = 0; /* at once */
		h->is_ambiguous = found;
	}
}

/* With the lock held. */
static dske_rc append(struct hub_table ***list, size_t *count, struct hub_table *h)
{
	struct hub_table **grown = reallocarray(*list, *count + 1, sizeof *grown);
	if (grown == NULL)
		return rc_make(DSKE_RC_NOMEM);
	*list = grown;
	grown[(*count)++] = h;
	return DSKE_OK;
}

/* With the lock held: *old, or NULL, gives way to h. */
static dske_rc enter(struct client *c, struct hub_table **old, struct hub_table *h)
{
	if (old != NULL) {
		TRY(append(&c->gone, &c->gone_count, *old));
		(*old)->is_gone = true;
		*old = h;
	} else {
		TRY(append(&c->tables, &c->table_count, h));
	}
	h->is_gone = false;
	compare_hubs(c);
	qsort(c->tables, c->table_count, sizeof c->tables[0], by_hub_then_table);
	return DSKE_OK;
}

/* Only who is looking changes the list, so he may go on with what he found when the lock is off. */
static struct hub_table **place_in_list(struct client *c, const struct id *id)
{
	for (size_t i = 0; i < c->table_count; i++) {
		if (id_equal(&c->tables[i]->id, id))
			return &c->tables[i];
	}
	return NULL;
}

static struct hub_table *known_table(struct client *c, const struct id *id)
{
	pthread_mutex_lock(&c->lock);
	struct hub_table **at = place_in_list(c, id);
	struct hub_table *h = at != NULL ? *at : NULL;
	pthread_mutex_unlock(&c->lock);
	return h;
}

/* Takes h over. */
static dske_rc put(struct client *c, struct hub_table *h)
{
	pthread_mutex_lock(&c->lock);
	dske_rc rc = enter(c, place_in_list(c, &h->id), h);
	pthread_mutex_unlock(&c->lock);
	if (!rc_ok(rc))
		hub_table_free(h);
	return rc;
}

static bool is_like(const struct hub_table *former, const struct hub_table *h)
{
	if (h->open_code == DSKE_RC_OK)
		return former->table != NULL;
	return former->open_code == h->open_code && strcmp(former->open_why, h->open_why) == 0;
}

/* A former table like this one is as good, and keeps in mind when a sync had failed. */
static struct hub_table *take_back(struct client *c, const struct hub_table *like)
{
	struct hub_table *found = NULL;
	pthread_mutex_lock(&c->lock);
	for (size_t i = 0; i < c->gone_count && found == NULL; i++) {
		struct hub_table *g = c->gone[i];
		if (!id_equal(&g->id, &like->id) || !spot_equal(&g->spot, &like->spot) || !is_like(g, like))
			continue;
		found = g;
		c->gone[i] = c->gone[--c->gone_count];
	}
	pthread_mutex_unlock(&c->lock);
	if (found != NULL) {
		found->checked_ms = 0;
		found->tried_ms = clock_ms();
	}
	return found;
}

/* It was tried again, in vain. */
static bool is_news(struct hub_table *known, const struct hub_table *h)
{
	if (known == NULL || known->table != NULL || h->table != NULL || !is_like(known, h) ||
	    !spot_equal(&known->spot, &h->spot))
		return true;
	known->tried_ms = clock_ms();
	return false;
}

/* Takes h over: it, or one of the same kind that was there before, is the table's new state. */
static dske_rc settle(struct client *c, struct hub_table *h)
{
	struct hub_table *former = take_back(c, h);
	if (former != NULL) {
		hub_table_free(h);
		h = former;
		hub_table_give_key(c, h);
	} else if (h->open_code == DSKE_RC_OK) {
		hub_table_open(c, h); /* without the lock: it reads files */
	}
	if (is_news(known_table(c, &h->id), h))
		return put(c, h);
	hub_table_free(h);
	return DSKE_OK;
}

/* ---- the client's own store ---------------------------------------------------------------------------- */

static const struct table_entry *entry_of(const struct table_entry *list, size_t count, const struct id *id)
{
	for (size_t i = 0; i < count; i++) {
		if (id_equal(&list[i].table, id))
			return &list[i];
	}
	return NULL;
}

static dske_rc take_in(struct client *c, const struct table_entry *e)
{
	const struct hub_table *known = known_table(c, &e->table);
	if ((known != NULL && !known->is_absent) || entry_of(c->accepted, c->accepted_count, &e->table) != NULL)
		return DSKE_OK;
	struct hub_table *h = hub_table_new(c, e);
	if (h == NULL)
		return rc_make(DSKE_RC_NOMEM);
	dske_rc rc = spot_stat(&h->spot, c->tables_dir.s, &h->id);
	if (!rc_ok(rc) && h->open_code == DSKE_RC_OK)
		hub_table_close(h, rc);
	return settle(c, h);
}

static dske_rc let_go(struct client *c, const struct hub_table *known)
{
	struct table_entry e = {.table = known->id, .header = known->header};
	struct hub_table *h = hub_table_new(c, &e);
	if (h == NULL)
		return rc_make(DSKE_RC_NOMEM);
	hub_table_miss(h, FAIL(NOT_FOUND, LOST_TEXT));
	return settle(c, h);
}

/* Nothing is added to the list meanwhile, but put() changes its order: so it is begun anew after each. */
static struct hub_table *find_lost(struct client *c, const struct table_entry *list, size_t count)
{
	struct hub_table *lost = NULL;
	pthread_mutex_lock(&c->lock);
	for (size_t i = 0; i < c->table_count && lost == NULL; i++) {
		struct hub_table *h = c->tables[i];
		if (!h->is_carried && !h->is_absent && entry_of(list, count, &h->id) == NULL)
			lost = h;
	}
	pthread_mutex_unlock(&c->lock);
	return lost;
}

static dske_rc refresh_store(struct client *c)
{
	struct table_entry *list = NULL;
	struct hub_table *lost;
	size_t count = 0;
	if (!client_has_changed(c, c->tables_dir.s, &c->tables_seen))
		return DSKE_OK;
	dske_rc rc = table_list(c->tables_dir.s, &list, &count);
	for (size_t i = 0; rc_ok(rc) && i < count; i++)
		rc = take_in(c, &list[i]);
	while (rc_ok(rc) && (lost = find_lost(c, list, count)) != NULL)
		rc = let_go(c, lost);
	free(list);
	if (!rc_ok(rc))
		client_forget_seen(c, &c->tables_seen);
	return rc;
}

/* ---- media --------------------------------------------------------------------------------------------- */

struct search {
	struct spot spot[2]; /* the first two places where it lies; the second is why neither is used */
	size_t count;
	int code;            /* with none: NOT_FOUND, or why a folder that is there will not do ... */
	char why[200];       /* ... in words */
};

static void find_spots(struct search *s, const struct client *c, const struct places *p, const struct id *table)
{
	*s = (struct search){.code = DSKE_RC_NOT_FOUND, .why = ABSENT_TEXT};
	for (size_t i = 0; i <= p->count && s->count < 2; i++) {
		dske_rc rc = spot_look(&s->spot[s->count], i == 0 ? c->tables_dir.s : p->at[i - 1].s, table);
		if (rc_ok(rc)) {
			s->count++;
		} else if (!rc_is(rc, DSKE_RC_NOT_FOUND)) {
			s->code = rc.code;
			snprintf(s->why, sizeof s->why, "%s", rc_detail(rc));
		}
	}
}

/* Two folders: a copy of the medium, or an impostor under its name.  Each has a ledger of its own, so that no table
 * byte is used twice neither is used.  (Who used the wrong one would be noticed by the hub, the witness.) */
static dske_rc refuse_copies(const struct hub_table *h, const struct spot found[2])
{
	log_error("%s: THE SAME PSKM LIES AT %s AND AT %s: one is a copy; until it is taken away neither is used", h->name,
		  found[0].folder.s, found[1].folder.s);
	return FAIL(CLONED, "the same PSKM lies at %.60s and at %.60s: one is a copy, and neither is used until it is taken away",
		    found[0].folder.s, found[1].folder.s);
}

static bool is_settled(const struct hub_table *known, const struct table_entry *e, const struct search *s)
{
	if (known == NULL)
		return false;
	if (s->count > 1)
		return known->open_code == DSKE_RC_CLONED;
	if (s->count == 0)
		return known->is_absent && (!rc_ok(e->rc) || strcmp(known->open_why, s->why) == 0);
	return spot_equal(&known->spot, &s->spot[0]) && (known->table != NULL || clock_ms() - known->tried_ms < RETRY_MS);
}

static dske_rc refresh_carried(struct client *c, const struct places *p, const struct table_entry *e)
{
	struct search s;
	find_spots(&s, c, p, &e->table);
	if (is_settled(known_table(c, &e->table), e, &s))
		return DSKE_OK;
	struct hub_table *h = hub_table_new(c, e);
	if (h == NULL)
		return rc_make(DSKE_RC_NOMEM);
	h->is_carried = true;
	if (s.count > 1) {
		hub_table_close(h, refuse_copies(h, s.spot));
	} else if (s.count == 0) {
		hub_table_miss(h, rc_fail(s.code, "%s", s.why));
		log_info("%s: %s", h->name, h->open_why);
	} else {
		h->spot = s.spot[0];
	}
	return settle(c, h);
}

/* Only a person's word (dske pskm forget) gets us here: from now on that hub does not count. */
static void drop_forgotten(struct client *c)
{
	pthread_mutex_lock(&c->lock);
	for (size_t i = 0; i < c->table_count;) {
		struct hub_table *h = c->tables[i];
		if (!h->is_carried || entry_of(c->accepted, c->accepted_count, &h->id) != NULL ||
		    !rc_ok(append(&c->gone, &c->gone_count, h))) {
			i++;
			continue;
		}
		h->is_gone = true;
		memmove(&c->tables[i], &c->tables[i + 1], (--c->table_count - i) * sizeof c->tables[0]);
	}
	compare_hubs(c);
	pthread_mutex_unlock(&c->lock);
}

static dske_rc reread_accepted(struct client *c)
{
	struct path folder;
	TRY(accepted_folder(&folder, &c->config));
	if (!client_has_changed(c, folder.s, &c->accepted_seen))
		return DSKE_OK;
	free(c->accepted);
	dske_rc rc = accepted_read(&c->accepted, &c->accepted_count, &c->config);
	if (!rc_ok(rc))
		client_forget_seen(c, &c->accepted_seen);
	else
		drop_forgotten(c);
	return rc;
}

static dske_rc refresh_media(struct client *c)
{
	AUTO(places) places = {0};
	dske_rc rc = DSKE_OK;
	if (c->accepted_count == 0)
		return DSKE_OK;
	TRY(places_find(&places, &c->config));
	for (size_t i = 0; rc_ok(rc) && i < c->accepted_count; i++)
		rc = refresh_carried(c, &places, &c->accepted[i]);
	return rc;
}

/* ---- looking ------------------------------------------------------------------------------------------- */

bool client_has_changed(struct client *c, const char *path, int64_t *seen)
{
	int64_t now = file_change_time(path);
	pthread_mutex_lock(&c->lock);
	bool changed = now != *seen || now == FILE_FRESH;
	*seen = now;
	pthread_mutex_unlock(&c->lock);
	return changed;
}

void client_forget_seen(struct client *c, int64_t *seen)
{
	pthread_mutex_lock(&c->lock);
	*seen = FILE_FRESH;
	pthread_mutex_unlock(&c->lock);
}

static bool begin_looking(struct client *c)
{
	struct timespec until;
	if (pthread_mutex_trylock(&c->looking) == 0)
		return true;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += LOOKING_WAIT_NS;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	return pthread_mutex_timedlock(&c->looking, &until) == 0;
}

dske_rc tables_refresh(struct client *c)
{
	if (!begin_looking(c))
		return DSKE_OK;
	dske_rc rc = reread_accepted(c);
	if (rc_ok(rc))
		rc = refresh_store(c);
	if (rc_ok(rc))
		rc = refresh_media(c);
	pthread_mutex_unlock(&c->looking);
	return rc;
}

void tables_drop(struct client *c)
{
	for (size_t i = 0; i < c->table_count; i++)
		hub_table_free(c->tables[i]);
	for (size_t i = 0; i < c->gone_count; i++)
		hub_table_free(c->gone[i]);
	free(c->tables);
	free(c->gone);
	free(c->accepted);
}
