/* SPDX-License-Identifier: Apache-2.0 */
/* hub/quota.c - three accounts for each receiver of a share. */
#include "hub/quota.h"

#include <stdio.h>

#include "hub/limits.h"

/* Whose account, by scope; the zero ID stands for everybody. */
static void account_of(struct mailbox_account *a, enum quota_scope scope, const struct terms *t, size_t receiver)
{
	*a = (struct mailbox_account){.scope = (int)scope};
	if (scope != QUOTA_RECEIVE)
		a->from = t->initiator;
	if (scope != QUOTA_SEND)
		a->to = t->receiver[receiver];
}

/* What is sent counts once, however many receive it. */
static size_t accounts(enum quota_scope scope, const struct terms *t)
{
	return scope == QUOTA_SEND ? 1 : t->receiver_count;
}

static dske_rc quota_holds(struct hub *h, const struct mailbox_account *a, const struct quota *q, uint64_t len, const char *whose,
			   bool *allowed, char why[160])
{
	static const char *const texts[QUOTA_SCOPES] = {
		[QUOTA_SEND] = "of what one client sends", [QUOTA_RECEIVE] = "of what is sent to one client", [QUOTA_PAIR] = "of this pair"};
	struct quota_use u;
	char what[64];

	TRY(mailbox_account_read(h->mailbox, a, &u));
	*allowed = quota_admits(q, &u, mailbox_clock_s(h->mailbox), len, what);
	if (!*allowed)
		snprintf(why, 160, "the quota %s%s is used up: %s", texts[a->scope], whose, what);
	return DSKE_OK;
}

/* The receiver's own limit, where it has sent one. */
static dske_rc own_limit(struct hub *h, enum quota_scope scope, const struct terms *t, size_t receiver, struct quota *q, bool *known)
{
	*known = false;
	return scope == QUOTA_SEND ? DSKE_OK : limits_of(h, &t->receiver[receiver], scope, &t->initiator, q, known);
}

static dske_rc account_allows(struct hub *h, enum quota_scope scope, const struct terms *t, size_t receiver, uint64_t len,
			      bool *allowed, char why[160])
{
	struct mailbox_account a;
	struct quota own;
	bool known;

	account_of(&a, scope, t, receiver);
	if (quota_is_set(&h->conf.quota[scope]))
		TRY(quota_holds(h, &a, &h->conf.quota[scope], len, "", allowed, why));
	TRY(own_limit(h, scope, t, receiver, &own, &known));
	return known && *allowed ? quota_holds(h, &a, &own, len, ", as the receiver says,", allowed, why) : DSKE_OK;
}

dske_rc quota_allows(struct hub *h, const struct terms *t, uint64_t range_len, bool *allowed, char why[160])
{
	*allowed = true;
	for (enum quota_scope scope = 0; scope < QUOTA_SCOPES; scope++)
		for (size_t i = 0; i < accounts(scope, t) && *allowed; i++)
			TRY(account_allows(h, scope, t, i, range_len, allowed, why));
	return DSKE_OK;
}

static dske_rc charge(struct hub *h, const struct mailbox_account *a, uint64_t range_len)
{
	struct quota_use u;

	TRY(mailbox_account_read(h->mailbox, a, &u));
	quota_charge(&u, mailbox_clock_s(h->mailbox), range_len);
	return mailbox_account_write(h->mailbox, a, &u);
}

/* What nobody limits is not counted. */
static dske_rc account_charge(struct hub *h, enum quota_scope scope, const struct terms *t, size_t receiver, uint64_t range_len)
{
	struct mailbox_account a;
	struct quota own;
	bool known;

	TRY(own_limit(h, scope, t, receiver, &own, &known));
	if (!known && !quota_is_set(&h->conf.quota[scope]))
		return DSKE_OK;
	account_of(&a, scope, t, receiver);
	return charge(h, &a, range_len);
}

dske_rc quota_take(struct hub *h, const struct terms *t, uint64_t range_len)
{
	for (enum quota_scope scope = 0; scope < QUOTA_SCOPES; scope++)
		for (size_t i = 0; i < accounts(scope, t); i++)
			TRY(account_charge(h, scope, t, i, range_len));
	return DSKE_OK;
}

dske_rc quota_take_again(struct hub *h, const struct terms *t, const struct id *receiver, uint64_t range_len, bool *allowed,
			 char why[160])
{
	static const enum quota_scope scopes[] = {QUOTA_RECEIVE, QUOTA_PAIR};
	int at = terms_receiver_index(t, receiver);

	*allowed = at >= 0;
	for (size_t i = 0; i < 2 && *allowed; i++)
		TRY(account_allows(h, scopes[i], t, (size_t)at, range_len, allowed, why));
	for (size_t i = 0; i < 2 && *allowed; i++)
		TRY(account_charge(h, scopes[i], t, (size_t)at, range_len));
	return DSKE_OK;
}
