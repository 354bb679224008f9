/* SPDX-License-Identifier: Apache-2.0 */
/* hub/places.c - who makes room. */
#include "hub/places.h"

#include "base/log.h"
#include "hub/conn.h"

#define NEWCOMERS_SHARE 8 /* one place in so many */
#define EVICT_MS 1000     /* a connection without a lease has this long, when there are too many */

bool places_for_newcomer(struct hub *h)
{
	if (h->conn_count < h->conf.connections)
		return true;
	for (struct conn *c = h->first; c; c = c->next)
		if (!c->table && !c->dead && h->now_ms - c->opened_ms >= EVICT_MS) {
			conn_kill(c);
			return true;
		}
	return false;
}

/* ---- clients --------------------------------------------------------------------------------------- */

static size_t leased_most(const struct hub *h)
{
	size_t all = h->conf.connections, kept = all / NEWCOMERS_SHARE;

	if (kept == 0 && all > 1)
		kept = 1;
	return all - kept;
}

static size_t count(const struct hub_client *client)
{
	size_t n = 0;

	for (const struct conn *c = client->conns; c; c = c->next_of_client)
		n += !c->dead;
	return n;
}

/* The client that has the most connections; NULL if none has any.  Each is met at the head of its list. */
static const struct hub_client *greediest(const struct hub *h)
{
	const struct hub_client *found = NULL;
	size_t most = 0;

	for (const struct conn *c = h->first; c; c = c->next) {
		if (!c->table || c->table->client->conns != c)
			continue;

		size_t n = count(c->table->client);

		if (n > most) {
			most = n;
			found = c->table->client;
		}
	}
	return found;
}

static struct conn *oldest(const struct hub_client *client)
{
	struct conn *found = NULL;

	for (struct conn *c = client->conns; c; c = c->next_of_client) /* newest first */
		if (!c->dead)
			found = c;
	return found;
}

bool places_for_client(struct hub *h, const struct hub_client *client)
{
	if (h->leased_count < leased_most(h))
		return true;

	const struct hub_client *from = greediest(h);

	if (from && count(from) <= count(client) + 1)
		from = client;

	struct conn *victim = from ? oldest(from) : NULL;

	if (!victim)
		return false;
	log_info("%s has %zu connections, and all places are taken: its oldest makes room for %s", from->who.name, count(from),
		 client->who.name);
	conn_kill(victim);
	return true;
}
