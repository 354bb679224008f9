/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hub/mailbox-account.c - what clients have used of their quotas, and how much the mailbox holds.
 *
 * An account is written when the batch ends, once for all that it was charged in between.
 */
#include "hub/mailbox-impl.h"

#include <stdlib.h>
#include <string.h>

struct account_head {
	struct id from, to;
	int64_t scope, seen_s;
	struct quota_use use;
};

#define RECORD_LEN journal_len(sizeof(struct account_head), 0)

int64_t mailbox_clock_s(const struct mailbox *m)
{
	return m->clock_s;
}

static uint64_t account_hash(const struct mailbox *m, const struct mailbox_account *name)
{
	return index_hash(m, (uint64_t)name->scope << 8, name->from.b, ID_LEN, name->to.b, ID_LEN);
}

static struct account *account_by(const struct mailbox *m, const struct mailbox_account *name, uint64_t hash)
{
	for (struct hash_node *n = hash_first(&m->accounts, hash); n; n = hash_next(n)) {
		struct account *a = HASH_OF(account, node, n);

		if (a->name.scope == name->scope && id_equal(&a->name.from, &name->from) && id_equal(&a->name.to, &name->to))
			return a;
	}
	return NULL;
}

/* ---- in the order in which they were seen -------------------------------------------------------------------- */

static void list_remove(struct mailbox *m, struct account *a)
{
	*(a->prev ? &a->prev->next : &m->oldest) = a->next;
	*(a->next ? &a->next->prev : &m->newest) = a->prev;
}

static void list_add(struct mailbox *m, struct account *a)
{
	a->prev = m->newest;
	a->next = NULL;
	*(m->newest ? &m->newest->next : &m->oldest) = a;
	m->newest = a;
}

/* Found or made, and seen now. */
static struct account *account_use(struct mailbox *m, const struct mailbox_account *name)
{
	uint64_t hash = account_hash(m, name);
	struct account *a = account_by(m, name, hash);

	if (a) {
		list_remove(m, a);
	} else {
		a = calloc(1, sizeof *a);
		if (!a)
			return NULL;
		a->name = *name;
		m->live += RECORD_LEN;
		hash_add(&m->accounts, &a->node, hash);
	}
	list_add(m, a);
	return a;
}

static void account_drop(struct mailbox *m, struct account *a)
{
	list_remove(m, a);
	hash_remove(&m->accounts, &a->node);
	m->dirty -= a->dirty;
	m->live -= RECORD_LEN;
	free(a);
}

void accounts_forget(struct mailbox *m)
{
	while (m->oldest && m->oldest->seen_s < m->clock_s - QUOTA_MEMORY_S)
		account_drop(m, m->oldest);
}

/* ---- in and out ------------------------------------------------------------------------------------------------ */

dske_rc mailbox_account_read(struct mailbox *m, const struct mailbox_account *name, struct quota_use *u)
{
	*u = (struct quota_use){0};
	TRY(mailbox_alive(m));

	struct account *a = account_by(m, name, account_hash(m, name));

	if (a)
		*u = a->use;
	return DSKE_OK;
}

dske_rc mailbox_account_write(struct mailbox *m, const struct mailbox_account *name, const struct quota_use *u)
{
	TRY(mailbox_alive(m));

	struct account *a = account_use(m, name);

	if (!a)
		return rc_make(DSKE_RC_NOMEM);
	a->use = *u;
	a->seen_s = m->clock_s;
	m->dirty += !a->dirty;
	a->dirty = true;
	m->urgent = true;
	return DSKE_OK;
}

static dske_rc record_write(struct mailbox *m, struct account *a, bool lazy)
{
	struct account_head h = {.from = a->name.from, .to = a->name.to, .scope = a->name.scope, .seen_s = a->seen_s, .use = a->use};
	struct journal_room room;

	TRY(mailbox_begin(m, RECORD_ACCOUNT, sizeof h, 0, &room));
	memcpy(room.head, &h, sizeof h);
	mailbox_end(m, lazy);
	a->at = room.place;
	m->dirty -= a->dirty;
	a->dirty = false;
	return DSKE_OK;
}

/* Those that were seen last are the dirty ones. */
dske_rc accounts_flush(struct mailbox *m)
{
	for (struct account *a = m->newest; a && m->dirty > 0; a = a->prev)
		if (a->dirty)
			TRY(record_write(m, a, false));
	return DSKE_OK;
}

dske_rc account_replay(struct mailbox *m, const struct journal_record *r)
{
	struct mailbox_account name;
	struct account_head h;

	if (r->head_len != sizeof h)
		return FAIL(CORRUPT, "an account in the mailbox cannot be decoded");
	memcpy(&h, r->head, sizeof h);
	if (!quota_use_is_sound(&h.use))
		return FAIL(CORRUPT, "an account of the quotas is damaged: the mailbox has to be made anew");
	name = (struct mailbox_account){.scope = (int)h.scope, .from = h.from, .to = h.to};

	struct account *a = account_use(m, &name);

	if (!a)
		return rc_make(DSKE_RC_NOMEM);
	a->use = h.use;
	a->seen_s = h.seen_s;
	a->at = r->place;
	/* After a restart the clock is not before what was used. */
	m->clock_s = h.seen_s > m->clock_s ? h.seen_s : m->clock_s;
	return DSKE_OK;
}

struct account *account_of(struct mailbox *m, const struct journal_record *r)
{
	struct account_head h;

	if (r->head_len != sizeof h)
		return NULL;
	memcpy(&h, r->head, sizeof h);

	struct mailbox_account name = {.scope = (int)h.scope, .from = h.from, .to = h.to};
	struct account *a = account_by(m, &name, account_hash(m, &name));

	return a && a->at.segment == r->place.segment && a->at.at == r->place.at ? a : NULL;
}

dske_rc account_write_again(struct mailbox *m, struct account *a)
{
	return record_write(m, a, true);
}

/* ---- how much ---------------------------------------------------------------------------------------------------- */

dske_rc mailbox_holding(struct mailbox *m, const struct id *initiator, uint64_t *bytes)
{
	*bytes = 0;
	TRY(mailbox_alive(m));

	struct party *p = party_find(m, initiator);

	*bytes = p ? p->holds : 0;
	return DSKE_OK;
}

dske_rc mailbox_size(struct mailbox *m, uint64_t *bytes)
{
	TRY(mailbox_alive(m));
	*bytes = m->held + m->accounts.count * RECORD_LEN;
	return DSKE_OK;
}
