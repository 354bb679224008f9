/* SPDX-License-Identifier: Apache-2.0 */
/* hub/acknowledge.c - the client's tables are tried in turn. */
#include "hub/acknowledge.h"

#include "base/log.h"
#include "base/secret.h"
#include "hubproto/frame.h"
#include "hubproto/msg.h"

static dske_rc tag_of(struct tag *out, const struct vault_table *t, unsigned type, const struct id *nonce)
{
	const struct pskm_header *h = &t->header;
	const struct activation_place at = {h->client, h->hub, h->table, h->layout.region[REGION_ACTIVATION].start};
	uint8_t key[TAG_KEY_LEN];
	dske_rc rc = table_activation_key(t->table, message_row(type)->key, key);

	if (rc_ok(rc))
		rc = msg_activation_tag(out, type, &at, nonce, key);
	mem_wipe(key, sizeof key);
	return rc;
}

struct search {
	struct vault *vault;
	struct acknowledgement *a;
	int64_t now_ms;
	size_t tried, unreadable;
};

static void try_table(struct vault_table *t, void *context)
{
	struct search *s = context;
	struct tag tag;

	if (t->client != s->a->client || t->retired || s->a->table)
		return;
	s->tried++;
	if (!rc_ok(vault_use(s->vault, t, s->now_ms)) || !rc_ok(tag_of(&tag, t, MESSAGE_ACTIVATE, &s->a->nonce)))
		s->unreadable++;
	else if (mem_equal(tag.b, s->a->tag.b, TAG_LEN))
		s->a->table = t;
}

static dske_rc find(struct vault *v, struct acknowledgement *a, int64_t now_ms)
{
	struct search s = {.vault = v, .a = a, .now_ms = now_ms};

	vault_each(v, try_table, &s);
	if (a->table)
		return DSKE_OK;
	if (s.unreadable > 0)
		return FAIL(LOCKED, "%zu of the %zu tables of %s cannot be used, and the codes belong to none of the others; "
				    "dske hub tables shows them", s.unreadable, s.tried, a->client->who.name);
	return FAIL(TAG, "these codes belong to none of the %zu tables that this hub made for %s: is it the right client, are "
			 "both of one table, and of this hub's?", s.tried, a->client->who.name);
}

static void tell(const struct acknowledgement *a)
{
	const char *who = a->client->who.name;
	char hex[ID_HEX_LEN];

	if (a->frozen)
		log_error("table %s of %s was activated a second time (by telephone), so somebody has a copy of its PSKM: it is "
			  "frozen; make a new PSKM for %s", id_hex(&a->table->id, hex), who, who);
	else
		log_info("%s activated table %s by telephone", who, id_hex(&a->table->id, hex));
}

dske_rc acknowledge(struct vault *v, struct acknowledgement *a, int64_t now_ms)
{
	static const struct id zero;

	TRY(find(v, a, now_ms));

	dske_rc rc = table_activate(a->table->table, &a->nonce);

	a->frozen = rc_is(rc, DSKE_RC_FROZEN);
	if (!rc_ok(rc) && !a->frozen)
		return rc;
	tell(a);
	return a->frozen ? tag_of(&a->answer, a->table, MESSAGE_FROZEN, &zero)
			 : tag_of(&a->answer, a->table, MESSAGE_ACTIVATED, &a->nonce);
}
