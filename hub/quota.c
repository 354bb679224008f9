/* SPDX-License-Identifier: Apache-2.0 */
/* hub/quota.c - three accounts for each receiver of a share. */
#include "hub/quota.h"

#include <stdio.h>

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

static dske_rc account_allows(struct hub *h, const struct mailbox_account *a, uint64_t range_len, bool *allowed, char why[160])
{
	static const char *const texts[QUOTA_SCOPES] = {
		[QUOTA_SEND] = "of what one client sends", [QUOTA_RECEIVE] = "of what is sent to one client", [QUOTA_PAIR] = "of this pair"};
	struct quota_use u;
	char what[64];

	TRY(mailbox_account_read(h->mailbox, a, &u));
	*allowed = quota_admits(&h->conf.quota[a->scope], &u, mailbox_clock_s(h->mailbox), range_len, what);
	if (!*allowed)
		snprintf(why, 160, "the quota %s is used up: %s", texts[a->scope], what);
	return DSKE_OK;
}

dske_rc quota_allows(struct hub *h, const struct terms *t, uint64_t range_len, bool *allowed, char why[160])
{
	struct mailbox_account a;

	*allowed = true;
	for (enum quota_scope scope = 0; scope < QUOTA_SCOPES; scope++) {
		if (!quota_is_set(&h->conf.quota[scope]))
			continue;
		for (size_t i = 0; i < accounts(scope, t) && *allowed; i++) {
			account_of(&a, scope, t, i);
			TRY(account_allows(h, &a, range_len, allowed, why));
		}
	}
	return DSKE_OK;
}

static dske_rc charge(struct hub *h, const struct mailbox_account *a, uint64_t range_len)
{
	struct quota_use u;

	TRY(mailbox_account_read(h->mailbox, a, &u));
	quota_charge(&u, mailbox_clock_s(h->mailbox), range_len);
	return mailbox_account_write(h->mailbox, a, &u);
}

dske_rc quota_take(struct hub *h, const struct terms *t, uint64_t range_len)
{
	struct mailbox_account a;

	for (enum quota_scope scope = 0; scope < QUOTA_SCOPES; scope++) {
		if (!quota_is_set(&h->conf.quota[scope]))
			continue;
		for (size_t i = 0; i < accounts(scope, t); i++) {
			account_of(&a, scope, t, i);
			TRY(charge(h, &a, range_len));
		}
	}
	return DSKE_OK;
}

dske_rc quota_take_again(struct hub *h, const struct terms *t, const struct id *receiver, uint64_t range_len, bool *allowed,
			 char why[160])
{
	struct mailbox_account a[] = {{.scope = QUOTA_RECEIVE, .to = *receiver},
				      {.scope = QUOTA_PAIR, .from = t->initiator, .to = *receiver}};

	*allowed = true;
	for (size_t i = 0; i < 2 && *allowed; i++)
		if (quota_is_set(&h->conf.quota[a[i].scope]))
			TRY(account_allows(h, &a[i], range_len, allowed, why));
	for (size_t i = 0; i < 2 && *allowed; i++)
		if (quota_is_set(&h->conf.quota[a[i].scope]))
			TRY(charge(h, &a[i], range_len));
	return DSKE_OK;
}
