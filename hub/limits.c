/* SPDX-License-Identifier: Apache-2.0 */
/* hub/limits.c - policies in, and limits out. */
#include "hub/limits.h"

#include "base/log.h"

/* A client without a policy has one that limits nothing, of version 0.  One share asks for its receiver's several times,
 * so the last one is kept for the rest of the round.  *p is borrowed until the next call. */
static dske_rc policy_read(struct hub *h, const struct id *client, const struct policy **p)
{
	*p = &h->policy.policy;
	if (h->policy.round == h->round && h->round != 0 && id_equal(&h->policy.client, client))
		return DSKE_OK;
	h->policy.round = 0;

	dske_rc rc = mailbox_policy_read(h->mailbox, client, &h->policy.policy);

	if (rc_is(rc, DSKE_RC_NOT_FOUND))
		h->policy.policy = (struct policy){0};
	else
		TRY(rc);
	h->policy.round = h->round;
	h->policy.client = *client;
	return DSKE_OK;
}

uint64_t limits_version(struct hub *h, const struct id *client)
{
	const struct policy *p;

	return rc_ok(policy_read(h, client, &p)) ? p->version : 0;
}

dske_rc limits_of(struct hub *h, const struct id *client, enum quota_scope scope, const struct id *initiator, struct quota *q,
		  bool *known)
{
	const struct policy *p;

	TRY(policy_read(h, client, &p));

	const struct quota *found = scope == QUOTA_RECEIVE ? &p->all : scope == QUOTA_PAIR ? policy_of_peer(p, initiator) : NULL;

	*known = found && quota_is_set(found);
	if (*known)
		*q = *found;
	return DSKE_OK;
}

dske_rc limits_waiting(struct hub *h, const struct id *client, uint32_t *waiting)
{
	const struct policy *p;

	TRY(policy_read(h, client, &p));
	*waiting = p->waiting;
	return DSKE_OK;
}

void limits_forget(struct hub *h)
{
	h->policy.round = 0;
}

/* An older version never replaces a newer one, and of one version there is one policy. */
static enum status replace(struct hub *h, const struct id *client, const struct policy *p)
{
	const struct policy *old;

	if (!rc_ok(policy_read(h, client, &old)))
		return STATUS_INTERNAL;
	if (p->version <= old->version)
		return p->version == old->version ? STATUS_ACCEPTED : STATUS_OLDER;
	limits_forget(h);
	return rc_ok(mailbox_policy_write(h->mailbox, client, p)) ? STATUS_ACCEPTED : STATUS_INTERNAL;
}

void limits_take(struct request *r)
{
	struct policy p;
	const struct hub_client *who = r->t->client;
	dske_rc rc = msg_policy_read(&p, r->e->body, r->e->body_len);

	if (!rc_ok(rc) || r->e->length != MSG_POLICY_RANGE_LEN) {
		request_reply(r, rc_ok(rc) ? STATUS_LENGTH : STATUS_MALFORMED, rc_ok(rc) ? NULL : rc_detail(rc));
		return;
	}

	enum status status = replace(r->hub, &who->who.id, &p);

	if (status == STATUS_ACCEPTED)
		log_info("%s: its own limits, version %llu, hold here (%zu peers have some of their own)", conn_who(r->conn),
			 (unsigned long long)p.version, p.peer_count);
	request_reply(r, status, NULL);
}
