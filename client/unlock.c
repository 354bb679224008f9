/* SPDX-License-Identifier: Apache-2.0 */
/* client/unlock.c - the key of the tables, where it comes with the PIN and goes with the logout. */
#include <config.h>

#include "base/log.h"
#include "client/pool.h"

/* An absent one is given it when it is back. */
void hub_table_give_key(const struct client *c, struct hub_table *h)
{
	if (h->table == NULL)
		return;
	h->checked_ms = 0;
	if (c->table_key.len == 0) {
		table_relock(h->table);
		return;
	}
	dske_rc rc = table_unlock(h->table, &c->table_key);
	if (rc_is(rc, DSKE_RC_KEY))
		log_error("%s: %s", h->name, rc_detail(rc));
}

/* Only who is looking changes the lists. */
static void give_key_to_all(struct client *c)
{
	for (size_t i = 0; i < c->table_count; i++)
		hub_table_give_key(c, c->tables[i]);
	for (size_t i = 0; i < c->gone_count; i++)
		hub_table_give_key(c, c->gone[i]);
}

dske_rc client_unlock(struct client *c, const struct secret *key)
{
	AUTO(secret) copy = {0};
	TRY(client_check_pid(c));
	TRY(secret_from(&copy, key->data, key->len));
	pthread_mutex_lock(&c->looking);
	secret_drop(&c->table_key);
	secret_move(&c->table_key, &copy);
	c->key_code = DSKE_RC_OK;
	c->is_relocked = false;
	give_key_to_all(c);
	pthread_mutex_unlock(&c->looking);
	return DSKE_OK;
}

void client_relock(struct client *c)
{
	if (!rc_ok(client_check_pid(c)) || !config_key_is_pin(&c->config))
		return;
	pthread_mutex_lock(&c->looking);
	secret_drop(&c->table_key);
	c->key_code = DSKE_RC_KEY; /* with the sentence that was there from the start */
	c->is_relocked = true;
	give_key_to_all(c);
	pthread_mutex_unlock(&c->looking);
	pool_forget(c);
}
