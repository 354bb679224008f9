/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "client/pool.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

dske_rc client_check_pid(const struct client *c)
{
	if (c->pid != getpid())
		return FAIL(FORKED, "this client was opened by another process: open a new one in a forked child");
	return DSKE_OK;
}

/* ---- which tables ------------------------------------------------------------------------------------ */

#define WORTH_LASTS_MS 1000 /* a ledger is read under its lock: not for every key */

/* Bytes that still serve a key in the scarcer direction; 0: not usable. */
static uint64_t ask_worth(const struct hub_table *h)
{
	struct table_status s;
	if (h->table == NULL || h->is_ambiguous || !rc_ok(table_status(h->table, &s)) || s.state != TABLE_ACTIVE)
		return 0;
	return 1 + (s.up_left < s.down_left ? s.up_left : s.down_left);
}

/* As it was a second ago at most; one that was not usable is asked again each time. */
static uint64_t table_worth(struct hub_table *h)
{
	int64_t now = clock_ms(), checked = h->checked_ms;
	if (checked != 0 && now - checked < WORTH_LASTS_MS)
		return h->worth;
	uint64_t worth = ask_worth(h);
	h->worth = worth;
	h->checked_ms = worth > 0 ? now : 0;
	return worth;
}

/* The list is ordered by hub: of each run of one hub's tables the best one stays. */
static size_t best_of_each_hub(struct hub_table **list, size_t count)
{
	size_t kept = 0;
	uint64_t kept_worth = 0;
	for (size_t i = 0; i < count; i++) {
		uint64_t worth = table_worth(list[i]);
		bool same_hub = kept > 0 && id_equal(&list[kept - 1]->hub, &list[i]->hub);
		if (worth == 0 || (same_hub && worth <= kept_worth))
			continue;
		list[same_hub ? kept - 1 : kept++] = list[i];
		kept_worth = worth;
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

dske_rc pool_tables(struct client *c, struct hub_table ***out, size_t *count)
{
	pthread_mutex_lock(&c->lock);
	struct hub_table **list = calloc(c->table_count + 1, sizeof *list);
	size_t n = list == NULL ? 0 : c->table_count;
	for (size_t i = 0; i < n; i++)
		list[i] = c->tables[i];
	pthread_mutex_unlock(&c->lock);
	*out = list;
	if (list == NULL)
		return rc_make(DSKE_RC_NOMEM);
	*count = best_of_each_hub(list, n);
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

bool pool_all_usable(struct client *c)
{
	bool all = true;
	pthread_mutex_lock(&c->lock);
	size_t count = c->table_count;
	for (size_t i = 0; i < count && all; i++) {
		int64_t checked = c->tables[i]->checked_ms; /* asked by pool_tables a moment ago */
		all = checked != 0;
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

/* A hub whose table was frozen or locked still counts: else who spoils enough tables lowers the threshold. */
size_t pool_hubs_known(struct client *c)
{
	size_t count = 0;
	pthread_mutex_lock(&c->lock);
	for (size_t i = 0; i < c->table_count; i++)
		count += is_first_of_hub(c, i);
	pthread_mutex_unlock(&c->lock);
	return count < TERMS_HUBS_MAX ? count : TERMS_HUBS_MAX;
}

/* ---- sets --------------------------------------------------------------------------------------------- */

/* The same hubs; a set keeps a table while another one of the same hub is better by chance. */
static bool serves(const struct links *s, struct hub_table *const *hubs, size_t count)
{
	if (s->count != count)
		return false;
	for (size_t i = 0; i < count; i++) {
		const struct link *l = &s->link[i];
		if (l->hub->is_gone || !id_equal(&l->hub->hub, &hubs[i]->hub) || (l->code == DSKE_RC_EXHAUSTED && l->hub != hubs[i]))
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
			return links_new(out, hubs, count);
		if (serves(*out, hubs, count))
			return DSKE_OK;
		links_free(*out);
	}
}

void pool_put(struct client *c, struct links *s)
{
	if (s == NULL)
		return;
	links_end(s);
	pthread_mutex_lock(&c->lock);
	bool kept = c->idle_count < POOL_SETS_MAX;
	if (kept)
		c->idle[c->idle_count++] = s;
	pthread_mutex_unlock(&c->lock);
	if (!kept)
		links_free(s);
}

void pool_drain(struct client *c)
{
	while (c->idle_count > 0)
		links_free(c->idle[--c->idle_count]);
}
