/* SPDX-License-Identifier: Apache-2.0 */
/* hub/mailbox-policy.c - the newest policy of each client that sent one.  Its record is the client's ID and the policy as it came. */
#include "hub/mailbox-impl.h"

#include <stdlib.h>
#include <string.h>

static uint32_t record_len(const struct party *p)
{
	return journal_len(ID_LEN + p->policy_len, 0);
}

void policy_forget(struct mailbox *m, struct party *p)
{
	if (!p->policy)
		return;
	m->live -= record_len(p);
	m->policies--;
	free(p->policy);
	p->policy = NULL;
	party_release(m, p);
}

static dske_rc policy_apply(struct mailbox *m, const struct id *client, const uint8_t *bytes, size_t len, struct journal_place place)
{
	uint8_t *copy = malloc(len);
	struct party *p = copy ? party_use(m, client) : NULL;

	if (!p) {
		free(copy);
		return rc_make(DSKE_RC_NOMEM);
	}
	policy_forget(m, p);
	memcpy(copy, bytes, len);
	p->policy = copy;
	p->policy_len = len;
	p->policy_at = place;
	m->live += record_len(p);
	m->policies++;
	return DSKE_OK;
}

dske_rc mailbox_policy_read(struct mailbox *m, const struct id *client, struct policy *p)
{
	TRY(mailbox_alive(m));
	if (m->policies == 0)
		return rc_make(DSKE_RC_NOT_FOUND);

	struct party *party = party_find(m, client);

	if (!party || !party->policy)
		return rc_make(DSKE_RC_NOT_FOUND);
	if (!rc_ok(msg_policy_read(p, party->policy, party->policy_len)))
		return FAIL(CORRUPT, "a policy in the mailbox cannot be decoded");
	return DSKE_OK;
}

static dske_rc record_write(struct mailbox *m, const struct id *client, const uint8_t *bytes, size_t len, bool lazy,
			    struct journal_place *place)
{
	struct journal_room room;

	TRY(mailbox_begin(m, RECORD_POLICY, ID_LEN + len, 0, &room));
	memcpy(room.head, client->b, ID_LEN);
	memcpy(room.head + ID_LEN, bytes, len);
	mailbox_end(m, lazy);
	*place = room.place;
	return DSKE_OK;
}

dske_rc mailbox_policy_write(struct mailbox *m, const struct id *client, const struct policy *p)
{
	uint8_t bytes[POLICY_BODY_MAX];
	struct journal_place place;
	struct buf body;

	TRY(mailbox_alive(m));
	buf_fixed(&body, bytes, sizeof bytes);
	TRY(msg_policy_write(&body, p));
	TRY(record_write(m, client, body.data, body.len, false, &place));
	return mailbox_break(m, policy_apply(m, client, body.data, body.len, place));
}

dske_rc policy_replay(struct mailbox *m, const struct journal_record *r)
{
	struct id client;

	if (r->head_len <= ID_LEN || r->head_len > ID_LEN + POLICY_BODY_MAX)
		return FAIL(CORRUPT, "a policy in the mailbox cannot be decoded");
	memcpy(client.b, r->head, ID_LEN);
	return policy_apply(m, &client, r->head + ID_LEN, r->head_len - ID_LEN, r->place);
}

struct party *policy_of(struct mailbox *m, const struct journal_record *r)
{
	struct id client;

	if (r->head_len <= ID_LEN)
		return NULL;
	memcpy(client.b, r->head, ID_LEN);

	struct party *p = party_find(m, &client);

	return p && p->policy && p->policy_at.segment == r->place.segment && p->policy_at.at == r->place.at ? p : NULL;
}

dske_rc policy_write_again(struct mailbox *m, struct party *p)
{
	return record_write(m, &p->id, p->policy, p->policy_len, true, &p->policy_at);
}
