/* SPDX-License-Identifier: Apache-2.0 */
/* hub/mailbox-purge.c - a client who is no more.  Rare: all shares are looked at, but only where he has something. */
#include "hub/mailbox-impl.h"

/* What this share was to him. */
static size_t share_purge(struct mailbox *m, struct share *s, const struct party *p)
{
	struct delivery *d;

	if (s->body_len == 0)
		return 0;
	if (s->initiator == p) {
		share_bury(m, s);
		return 1;
	}
	d = share_delivery(s, &p->id);
	if (!d)
		return 0;
	share_receipted(m, s, d);
	return s->body_len == 0;
}

static bool has_something(const struct party *p)
{
	return p && (p->sent > 0 || p->due > 0 || p->policy);
}

size_t purge_apply(struct mailbox *m, const struct id *client)
{
	struct party *p = party_find(m, client);
	size_t count = 0;

	if (!has_something(p))
		return 0;
	p->uses++; /* so that it outlives what goes */
	for (size_t i = 0; i < m->ids.used && (p->sent > 0 || p->due > 0); i++)
		for (struct hash_node *n = m->ids.bucket[i]; n; n = n->next)
			count += share_purge(m, HASH_OF(share, by_id, n), p);
	policy_forget(m, p);
	party_release(m, p);
	return count;
}

dske_rc mailbox_purge(struct mailbox *m, const struct id *client, size_t *count)
{
	*count = 0;
	TRY(mailbox_alive(m));
	if (!has_something(party_find(m, client)))
		return DSKE_OK;
	TRY(mailbox_note(m, RECORD_PURGE, client->b, ID_LEN, false));
	*count = purge_apply(m, client);
	return DSKE_OK;
}
