/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "client/pool.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/pid.h"
#include "client/convoy.h"
#include "pskm/lowwater.h"

dske_rc client_check_pid(const struct client *c)
{
	if (c->pid != process_id())
		return FAIL(FORKED, "this client was opened by another process: open a new one in a forked child");
	return DSKE_OK;
}

/* ---- which tables ------------------------------------------------------------------------------------ */

#define USABLE_LASTS_MS 1000 /* a ledger is read under its lock: not for every key */

static bool ask_usable(struct hub_table *h, struct table_status *s)
{
	if (h->table == NULL || h->is_ambiguous || !rc_ok(table_status(h->table, s)))
		return false;
	h->is_let_go = s->state == TABLE_RETIRED && s->retired.let_go;
	return s->state == TABLE_ACTIVE && !s->needs_key;
}

/* As it was a second ago at most; one that was not usable is asked again each time. */
static bool is_usable(const struct client *c, struct hub_table *h)
{
	struct table_status s;
	int64_t now = clock_ms(), checked = h->checked_ms;
	if (checked != 0 && now - checked < USABLE_LASTS_MS)
		return true;
	bool usable = ask_usable(h, &s);
	h->is_low = usable && low_water_passed(&c->config.low_water, &s);
	h->checked_ms = usable ? now : 0;
	return usable;
}

/* Of several tables of a hub the oldest is used up first.  All processes go by the same order, so that one
 * remainder is left at a time, and the newest table is whole for as long as can be. */
static bool is_older(const struct hub_table *a, const struct hub_table *b)
{
	if (a->header.created != b->header.created)
		return a->header.created < b->header.created;
	return id_compare(&a->id, &b->id) < 0;
}

/* Once a table; nothing while another table of the hub has enough. */
static void tell_low(struct hub_table *h)
{
	struct table_status s;
	char forecast[SUPPLY_TEXT_MAX], hex[ID_HEX_LEN];
	if (atomic_exchange(&h->low_told, true) || !ask_usable(h, &s))
		return;
	log_warn("%s: its table %s runs low: %" PRIu64 " bytes to send and %" PRIu64 " to receive are left, %s; get a new PSKM from "
		 "the hub's operator (dske status tells more)", h->name, id_hex(&h->id, hex), s.up_left, s.down_left,
		 supply_sentence(s.supply.lasts_s, forecast));
}

/* Of one hub's tables the oldest usable one; NULL: none is. */
static struct hub_table *oldest_usable(const struct client *c, struct hub_table *const *of_hub, size_t count)
{
	struct hub_table *oldest = NULL;
	bool all_low = true;
	for (size_t i = 0; i < count; i++) {
		if (!is_usable(c, of_hub[i]))
			continue;
		all_low = all_low && of_hub[i]->is_low;
		if (oldest == NULL || is_older(of_hub[i], oldest))
			oldest = of_hub[i];
	}
	for (size_t i = 0; i < count; i++)
		of_hub[i]->hub_is_low = oldest != NULL && all_low;
	if (oldest != NULL && all_low)
		tell_low(oldest);
	return oldest;
}

/* The list is ordered by hub: of each run of one hub's tables one stays. */
static size_t one_of_each_hub(const struct client *c, struct hub_table **list, size_t count)
{
	size_t kept = 0;
	for (size_t i = 0, end; i < count; i = end) {
		for (end = i + 1; end < count && id_equal(&list[end]->hub, &list[i]->hub);)
			end++;
		struct hub_table *h = oldest_usable(c, list + i, end - i);
		if (h != NULL)
			list[kept++] = h;
	}
	return kept;
}

int tables_by_name(const void *a, const void *b)
{
	const struct hub_table *x = *(struct hub_table *const *)a, *y = *(struct hub_table *const *)b;
	int order = strverscmp(x->name, y->name);
	if (order == 0)
		order = id_compare(&x->hub, &y->hub);
	return order != 0 ? order : id_compare(&x->id, &y->id);
}

/* All of them; the caller's, free().  NULL: no memory. */
static struct hub_table **copy_tables(struct client *c, size_t *count)
{
	pthread_mutex_lock(&c->lock);
	struct hub_table **list = calloc(c->table_count + 1, sizeof *list);
	*count = list == NULL ? 0 : c->table_count;
	for (size_t i = 0; i < *count; i++)
		list[i] = c->tables[i];
	pthread_mutex_unlock(&c->lock);
	return list;
}

dske_rc pool_tables(struct client *c, struct hub_table ***out, size_t *count)
{
	size_t n = 0;
	struct hub_table **list = copy_tables(c, &n);
	*out = list;
	if (list == NULL)
		return rc_make(DSKE_RC_NOMEM);
	*count = one_of_each_hub(c, list, n);
	qsort(list, *count, sizeof list[0], tables_by_name);
	if (*count > TERMS_HUBS_MAX)
		*count = TERMS_HUBS_MAX;
	return DSKE_OK;
}

dske_rc pool_find(struct client *c, const struct id *table, struct hub_table **out)
{
	char hex[ID_HEX_LEN];
	*out = NULL;
	TRY(client_refresh(c));
	pthread_mutex_lock(&c->lock);
	for (size_t i = 0; i < c->table_count; i++) {
		if (id_equal(&c->tables[i]->id, table))
			*out = c->tables[i];
	}
	pthread_mutex_unlock(&c->lock);
	if (*out == NULL)
		return FAIL(NOT_FOUND, "there is no table %s here: import its PSKM first", id_hex(table, hex));
	return (*out)->table != NULL ? DSKE_OK : rc_fail((*out)->open_code, "%s", (*out)->open_why);
}

static bool can_serve(struct hub_table *h, uint64_t up_len, uint64_t down_len)
{
	struct table_status s;
	return ask_usable(h, &s) && s.up_left >= up_len && s.down_left >= down_len && s.lease_left > 0;
}

/* Asks the ledgers, whatever was known of them. */
static struct hub_table *find_successor(struct client *c, const struct hub_table *former, uint64_t up_len, uint64_t down_len)
{
	size_t count = 0;
	struct hub_table *oldest = NULL, **list = copy_tables(c, &count);
	for (size_t i = 0; i < count; i++) {
		struct hub_table *h = list[i];
		if (h != former && id_equal(&h->hub, &former->hub) && (oldest == NULL || is_older(h, oldest)) &&
		    can_serve(h, up_len, down_len))
			oldest = h;
	}
	free(list);
	return oldest;
}

struct hub_table *pool_successor(struct client *c, const struct hub_table *former, uint64_t up_len, uint64_t down_len)
{
	struct hub_table *h = find_successor(c, former, up_len, down_len);
	if (h == NULL && rc_ok(client_refresh(c))) /* one that came while this exchange was under way */
		h = find_successor(c, former, up_len, down_len);
	return h;
}

bool pool_all_usable(struct client *c)
{
	bool all = true;
	pthread_mutex_lock(&c->lock);
	size_t count = c->table_count;
	for (size_t i = 0; i < count && all; i++) {
		int64_t checked = c->tables[i]->checked_ms; /* asked by pool_tables a moment ago */
		all = checked != 0 || c->tables[i]->is_let_go;
	}
	pthread_mutex_unlock(&c->lock);
	return all;
}

static bool is_first_of_hub(const struct client *c, size_t at)
{
	for (size_t i = 0; i < at; i++) {
		if (id_equal(&c->tables[i]->hub, &c->tables[at]->hub))
			return false;
	}
	return !id_is_zero(&c->tables[at]->hub);
}

static bool is_let_go(const struct client *c, const struct id *hub)
{
	for (size_t i = 0; i < c->table_count; i++) {
		if (id_equal(&c->tables[i]->hub, hub) && !c->tables[i]->is_let_go)
			return false;
	}
	return true;
}

/* A hub whose table was frozen, locked or retired still counts: else who spoils enough tables lowers the threshold.
 * Only what this client's own operator retired, or let go when a hub had, counts no more. */
static bool stands_for_hub(const struct client *c, size_t at)
{
	return is_first_of_hub(c, at) && !is_let_go(c, &c->tables[at]->hub);
}

bool pool_stands_for_hub(struct client *c, const struct hub_table *table)
{
	bool stands = false;
	pthread_mutex_lock(&c->lock);
	for (size_t i = 0; i < c->table_count; i++)
		stands = stands || (c->tables[i] == table && stands_for_hub(c, i));
	pthread_mutex_unlock(&c->lock);
	return stands;
}

size_t pool_hubs_known(struct client *c)
{
	size_t count = 0;
	pthread_mutex_lock(&c->lock);
	for (size_t i = 0; i < c->table_count; i++)
		count += stands_for_hub(c, i);
	pthread_mutex_unlock(&c->lock);
	return count < TERMS_HUBS_MAX ? count : TERMS_HUBS_MAX;
}

/* ---- sets --------------------------------------------------------------------------------------------- */

/* The same hubs.  A set keeps its table of a hub while that can serve (client/link.c switches): its windows are
 * paid for. */
bool pool_serves(const struct links *s, struct hub_table *const *hubs, size_t count)
{
	if (s->count != count)
		return false;
	for (size_t i = 0; i < count; i++) {
		if (s->link[i].hub->is_gone || !id_equal(&s->link[i].hub->hub, &hubs[i]->hub))
			return false;
	}
	return true;
}

static struct links *take_idle(struct client *c)
{
	pthread_mutex_lock(&c->lock);
	/* The last one put back: its connections are the freshest. */
	struct links *s = c->idle_count > 0 ? c->idle[--c->idle_count] : NULL;
	pthread_mutex_unlock(&c->lock);
	return s;
}

dske_rc pool_take(struct client *c, struct hub_table *const *hubs, size_t count, struct links **out)
{
	for (;;) {
		*out = take_idle(c);
		if (*out == NULL)
			return links_new(out, c, hubs, count);
		if (pool_serves(*out, hubs, count))
			return DSKE_OK;
		links_free(*out);
	}
}

void pool_put(struct client *c, struct links *s)
{
	if (s == NULL)
		return;
	links_end(s);
	if (s->rider != NULL) {
		convoy_leave(c, s);
		return;
	}
	pthread_mutex_lock(&c->lock);
	bool kept = c->idle_count < POOL_SETS_MAX && !c->is_relocked;
	if (kept)
		c->idle[c->idle_count++] = s;
	pthread_mutex_unlock(&c->lock);
	if (!kept)
		links_free(s);
}

void pool_forget(struct client *c)
{
	struct links *s;
	while ((s = take_idle(c)) != NULL)
		links_free(s);
	convoy_forget(c);
}

void pool_drain(struct client *c)
{
	while (c->idle_count > 0)
		links_free(c->idle[--c->idle_count]);
	convoy_forget(c);
}
