/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client/telephone.c - activation through two people who know each other's voices (DSKE 2.1: the client
 * acknowledges "through a trusted channel").  What they say are pieces of the frames of client/activate.c:
 *
 *	client                                      hub's operator
 *	nonce, tag of ACTIVATE(nonce), key 0  --->  dske hub acknowledge (hub/acknowledge.c)
 *	                                      <---  tag of ACTIVATED(nonce), key 1, or of FROZEN(0), key 2
 *
 * Both ways are one message, so who was not understood may repeat it, or use the network after all.  Nothing of it
 * is secret: a tag under a key that is used for it alone tells nothing of the table, and fits no other nonce.
 */
#include <config.h>

#include "base/secret.h"
#include "client/pool.h"

static dske_rc tag_of(struct tag *out, const struct hub_table *hub, unsigned type, const struct id *nonce)
{
	const struct pskm_header *h = &hub->header;
	const struct activation_place at = {h->client, h->hub, h->table, h->layout.region[REGION_ACTIVATION].start};
	AUTO(secret) key = {0};
	TRY(secret_alloc(&key, TAG_KEY_LEN));
	TRY(table_activation_key(hub->table, message_row(type)->key, key.data));
	return msg_activation_tag(out, type, &at, nonce, key.data);
}

dske_rc client_activation_codes(struct client *c, const struct id *table, struct activation_codes *out)
{
	struct hub_table *hub = NULL;
	TRY(pool_find(c, table, &hub));
	TRY(table_activation_begin(hub->table, &out->nonce));
	return tag_of(&out->tag, hub, MESSAGE_ACTIVATE, &out->nonce);
}

/* Errors: STATE (none was begun, or it is over), FROZEN, LOCKED. */
static dske_rc begun(const struct hub_table *hub, struct id *nonce)
{
	struct table_status s;
	TRY(table_status(hub->table, &s));
	if (s.state == TABLE_IMPORTED)
		return FAIL(STATE, "%s: there is nothing to answer yet: dske pskm activate %s --by-telephone tells what to say",
			    hub->name, hub->name);
	return table_activation_begin(hub->table, nonce);
}

dske_rc client_activation_answer(struct client *c, const struct id *table, const struct tag *answer)
{
	static const struct id zero;
	struct hub_table *hub = NULL;
	struct id nonce;
	struct tag activated, frozen;
	TRY(pool_find(c, table, &hub));
	TRY(begun(hub, &nonce));
	TRY(tag_of(&activated, hub, MESSAGE_ACTIVATED, &nonce));
	TRY(tag_of(&frozen, hub, MESSAGE_FROZEN, &zero));
	hub->checked_ms = 0;
	if (mem_equal(activated.b, answer->b, TAG_LEN))
		return table_activation_done(hub->table);
	if (mem_equal(frozen.b, answer->b, TAG_LEN))
		return activation_frozen(hub);
	return FAIL(TAG, "%s: that answers another activation, or none: did the operator type both codes of this table?", hub->name);
}
