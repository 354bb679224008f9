/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hub/mailbox-index.c - what is in the mailbox, in memory: some 250 bytes a name, tombstones too, and 60 a delivery.
 *
 * Names and sources are compared whole, the latter on disk.  A context is known by 64 bits of a keyed hash.
 */
#include "hub/mailbox-impl.h"

#include <stdlib.h>
#include <string.h>

enum domain { BY_NAME = 1, BY_ID, BY_SOURCE, BY_PARTY, BY_PAIR, BY_SLOT, BY_RENDEZVOUS };

uint64_t index_hash(const struct mailbox *m, uint64_t domain, const void *a, size_t a_len, const void *b, size_t b_len)
{
	struct siphash s;

	siphash_begin(&s, &m->hash_key);
	siphash_add(&s, &domain, sizeof domain);
	siphash_add(&s, a, a_len);
	siphash_add(&s, b, b_len);
	return siphash_end(&s);
}

/* ---- clients ---------------------------------------------------------------------------------------------- */

static uint64_t party_hash(const struct mailbox *m, const struct id *id)
{
	return index_hash(m, BY_PARTY, id->b, ID_LEN, NULL, 0);
}

static struct party *party_by(const struct mailbox *m, const struct id *id, uint64_t hash)
{
	struct hash_node *n = hash_first(&m->parties, hash);

	while (n && !id_equal(&HASH_OF(party, node, n)->id, id))
		n = hash_next(n);
	return n ? HASH_OF(party, node, n) : NULL;
}

struct party *party_find(const struct mailbox *m, const struct id *id)
{
	return party_by(m, id, party_hash(m, id));
}

struct party *party_use(struct mailbox *m, const struct id *id)
{
	uint64_t hash = party_hash(m, id);
	struct party *p = party_by(m, id, hash);

	if (!p) {
		p = calloc(1, sizeof *p);
		if (!p)
			return NULL;
		p->id = *id;
		hash_add(&m->parties, &p->node, hash);
	}
	p->uses++;
	return p;
}

void party_release(struct mailbox *m, struct party *p)
{
	if (--p->uses > 0)
		return;
	hash_remove(&m->parties, &p->node);
	free(p->policy);
	free(p);
}

static uint64_t pair_hash(const struct mailbox *m, const struct id *receiver, const struct id *initiator)
{
	return index_hash(m, BY_PAIR, receiver->b, ID_LEN, initiator->b, ID_LEN);
}

static struct pair *pair_by(const struct mailbox *m, const struct id *receiver, const struct id *initiator, uint64_t hash)
{
	for (struct hash_node *n = hash_first(&m->pairs, hash); n; n = hash_next(n)) {
		struct pair *p = HASH_OF(pair, node, n);

		if (id_equal(&p->receiver->id, receiver) && id_equal(&p->initiator->id, initiator))
			return p;
	}
	return NULL;
}

struct pair *pair_find(const struct mailbox *m, const struct id *receiver, const struct id *initiator)
{
	return pair_by(m, receiver, initiator, pair_hash(m, receiver, initiator));
}

static struct pair *pair_use(struct mailbox *m, const struct id *receiver, const struct id *initiator)
{
	uint64_t hash = pair_hash(m, receiver, initiator);
	struct pair *p = pair_by(m, receiver, initiator, hash);

	if (!p) {
		p = calloc(1, sizeof *p);
		if (!p)
			return NULL;
		p->receiver = party_use(m, receiver);
		p->initiator = party_use(m, initiator);
		if (!p->receiver || !p->initiator) {
			free(p); /* the mailbox is broken, and the parties go with it */
			return NULL;
		}
		hash_add(&m->pairs, &p->node, hash);
	}
	p->count++;
	p->receiver->due++;
	return p;
}

static void pair_release(struct mailbox *m, struct pair *p)
{
	p->receiver->due--;
	if (--p->count > 0)
		return;
	hash_remove(&m->pairs, &p->node);
	party_release(m, p->receiver);
	party_release(m, p->initiator);
	free(p);
}

/* ---- what is found by context ------------------------------------------------------------------------------ */

static uint64_t slot_hash(const struct mailbox *m, const struct pair *pair, const void *context, size_t len)
{
	return index_hash(m, BY_SLOT, &pair, sizeof pair, context, len);
}

static struct slot *slot_by(const struct mailbox *m, const struct pair *pair, uint64_t hash)
{
	struct hash_node *n = hash_first(&m->slots, hash);

	while (n && HASH_OF(slot, node, n)->pair != pair)
		n = hash_next(n);
	return n ? HASH_OF(slot, node, n) : NULL;
}

struct slot *slot_find(const struct mailbox *m, const struct pair *pair, const void *context, size_t len)
{
	return slot_by(m, pair, slot_hash(m, pair, context, len));
}

/* Most often at the end: numbers ascend, but for what was written again. */
static dske_rc slot_add(struct mailbox *m, struct delivery *d, const struct terms *t)
{
	uint64_t hash = slot_hash(m, d->pair, t->context, t->context_len);
	struct slot *s = slot_by(m, d->pair, hash);

	if (!s) {
		s = calloc(1, sizeof *s);
		if (!s)
			return rc_make(DSKE_RC_NOMEM);
		s->pair = d->pair;
		hash_add(&m->slots, &s->node, hash);
	}

	struct delivery *before = s->last;

	while (before && before->share->id > d->share->id)
		before = before->prev;
	d->slot = s;
	d->prev = before;
	d->next = before ? before->next : s->first;
	*(before ? &before->next : &s->first) = d;
	*(d->next ? &d->next->prev : &s->last) = d;
	return DSKE_OK;
}

static void slot_remove(struct mailbox *m, struct delivery *d)
{
	struct slot *s = d->slot;

	if (!s)
		return;
	*(d->prev ? &d->prev->next : &s->first) = d->next;
	*(d->next ? &d->next->prev : &s->last) = d->prev;
	d->slot = NULL;
	s->cursor = NULL;
	if (s->first)
		return;
	hash_remove(&m->slots, &s->node);
	free(s);
}

/* ---- shares ------------------------------------------------------------------------------------------------ */

static uint64_t id_hash(const struct mailbox *m, int64_t id)
{
	return index_hash(m, BY_ID, &id, sizeof id, NULL, 0);
}

struct share *share_find(const struct mailbox *m, int64_t id)
{
	struct hash_node *n = hash_first(&m->ids, id_hash(m, id));

	while (n && HASH_OF(share, by_id, n)->id != id)
		n = hash_next(n);
	return n ? HASH_OF(share, by_id, n) : NULL;
}

static uint64_t name_hash(const struct mailbox *m, const struct id *initiator, const struct id *key_id)
{
	return index_hash(m, BY_NAME, initiator->b, ID_LEN, key_id->b, ID_LEN);
}

struct share *share_named(const struct mailbox *m, const struct id *initiator, const struct id *key_id)
{
	for (struct hash_node *n = hash_first(&m->names, name_hash(m, initiator, key_id)); n; n = hash_next(n)) {
		struct share *s = HASH_OF(share, by_name, n);

		if (id_equal(&s->key_id, key_id) && id_equal(&s->initiator->id, initiator))
			return s;
	}
	return NULL;
}

uint64_t source_hash(const struct mailbox *m, const struct id *table, uint64_t offset)
{
	return index_hash(m, BY_SOURCE, table->b, ID_LEN, &offset, sizeof offset);
}

static uint64_t rendezvous_hash(const struct mailbox *m, const struct terms *t)
{
	struct siphash s;
	uint64_t domain = BY_RENDEZVOUS | (uint64_t)t->receiver_count << 32;

	siphash_begin(&s, &m->hash_key);
	siphash_add(&s, &domain, sizeof domain);
	siphash_add(&s, t->initiator.b, ID_LEN);
	siphash_add(&s, t->receiver, t->receiver_count * sizeof t->receiver[0]);
	siphash_add(&s, t->context, t->context_len);
	return siphash_end(&s);
}

struct delivery *share_delivery(struct share *s, const struct id *receiver)
{
	for (size_t i = 0; s->delivery && i < s->receivers; i++)
		if (s->delivery[i].pair && id_equal(&s->delivery[i].pair->receiver->id, receiver))
			return &s->delivery[i];
	return NULL;
}

bool share_is_whole(const struct share *s)
{
	return !s->parts || s->parts->next == s->parts->count;
}

static dske_rc deliveries_add(struct mailbox *m, struct share *s, const struct terms *t, const uint32_t *wasted)
{
	s->delivery = calloc(s->receivers, sizeof *s->delivery);
	if (!s->delivery)
		return rc_make(DSKE_RC_NOMEM);
	for (size_t i = 0; i < s->receivers; i++) {
		struct delivery *d = &s->delivery[i];

		d->share = s;
		if (wasted && wasted[i] == UINT32_MAX)
			continue;
		d->wasted = wasted ? wasted[i] : 0;
		d->pair = pair_use(m, &t->receiver[i], &t->initiator);
		if (!d->pair)
			return rc_make(DSKE_RC_NOMEM);
		if (!s->superseded)
			TRY(slot_add(m, d, t));
	}
	return DSKE_OK;
}

/* What it holds beside its name. */
static uint64_t body_bytes(const struct share *s)
{
	return s->body_len + (s->parts ? s->parts->rest : 0);
}

dske_rc share_add(struct mailbox *m, struct share *s, const struct id *initiator, const struct terms *t, const uint32_t *wasted,
		  uint64_t source)
{
	hash_add(&m->ids, &s->by_id, id_hash(m, s->id));
	m->last_id = s->id > m->last_id ? s->id : m->last_id;
	s->initiator = party_use(m, initiator);
	if (!s->initiator)
		return rc_make(DSKE_RC_NOMEM);
	hash_add(&m->names, &s->by_name, name_hash(m, initiator, &s->key_id));
	hash_add(&m->sources, &s->by_source, source);
	m->live += journal_len(s->head_len, s->body_len);
	m->held += MAILBOX_NAME_BYTES;
	s->initiator->holds += MAILBOX_NAME_BYTES;
	TRY(due_add(m, s));
	if (s->body_len == 0)
		return DSKE_OK;
	m->waiting++;
	m->held += body_bytes(s);
	s->initiator->sent++;
	s->initiator->holds += body_bytes(s);
	if (!s->superseded)
		hash_add(&m->rendezvous, &s->by_rendezvous, rendezvous_hash(m, t));
	return deliveries_add(m, s, t, wasted);
}

static void delivery_end(struct mailbox *m, struct delivery *d)
{
	if (!d->pair)
		return;
	slot_remove(m, d);
	pair_release(m, d->pair);
	d->pair = NULL;
}

static void set_superseded(struct mailbox *m, struct share *s)
{
	if (s->superseded)
		return;
	s->superseded = true;
	hash_remove(&m->rendezvous, &s->by_rendezvous);
	for (size_t i = 0; i < s->receivers; i++)
		slot_remove(m, &s->delivery[i]);
}

/* An older one of the same receivers that fewer of them have yet to fetch was receipted by somebody, who may
 * use its key: it stays until the others have it. */
void share_supersede(struct mailbox *m, struct share *s)
{
	struct hash_node *next;

	for (struct hash_node *n = hash_first(&m->rendezvous, s->by_rendezvous.hash); n; n = next) {
		struct share *other = HASH_OF(share, by_rendezvous, n);

		next = hash_next(n);
		if (other->id < s->id && other->left == s->left && other->initiator == s->initiator)
			set_superseded(m, other);
	}
}

void share_bury(struct mailbox *m, struct share *s)
{
	if (s->body_len == 0)
		return;
	m->waiting--;
	m->held -= body_bytes(s);
	s->initiator->sent--;
	s->initiator->holds -= body_bytes(s);
	m->live -= journal_len(s->head_len, s->body_len) - journal_len(s->head_len, 0);
	set_superseded(m, s);
	for (size_t i = 0; i < s->receivers; i++)
		delivery_end(m, &s->delivery[i]);
	free(s->delivery);
	s->delivery = NULL;
	s->left = 0;
	if (m->journal)
		(void)erasure_add(m, s->at, s->head_len, s->body_len);
	s->body_len = 0;
	long_bury(m, s);
}

void share_receipted(struct mailbox *m, struct share *s, struct delivery *d)
{
	delivery_end(m, d);
	if (--s->left == 0)
		share_bury(m, s);
}

void share_forget(struct mailbox *m, struct share *s)
{
	share_bury(m, s);
	hash_remove(&m->ids, &s->by_id);
	hash_remove(&m->names, &s->by_name);
	hash_remove(&m->sources, &s->by_source);
	due_remove(m, s);
	m->live -= journal_len(s->head_len, 0);
	m->held -= MAILBOX_NAME_BYTES;
	s->initiator->holds -= MAILBOX_NAME_BYTES;
	party_release(m, s->initiator);
	free(s->round);
	free(s);
}

/* ---- all of it ----------------------------------------------------------------------------------------------- */

dske_rc index_init(struct mailbox *m)
{
	struct hash *tables[] = {&m->names, &m->ids, &m->sources, &m->rendezvous, &m->parties, &m->pairs, &m->slots, &m->accounts};

	TRY(random_fill(&m->hash_key, sizeof m->hash_key));
	for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++)
		TRY(hash_init(tables[i]));
	return DSKE_OK;
}

static void share_free(struct hash_node *n)
{
	struct share *s = HASH_OF(share, by_id, n);

	free(s->delivery);
	long_free(s->parts);
	free(s->round);
	free(s);
}

static void party_free(struct hash_node *n)
{
	struct party *p = HASH_OF(party, node, n);

	free(p->policy);
	free(p);
}

static void pair_free(struct hash_node *n)
{
	free(HASH_OF(pair, node, n));
}

static void slot_free(struct hash_node *n)
{
	free(HASH_OF(slot, node, n));
}

static void account_free(struct hash_node *n)
{
	free(HASH_OF(account, node, n));
}

static void nodes_free(struct hash *h, void (*node_free)(struct hash_node *))
{
	struct hash_node *next;

	for (size_t i = 0; i < h->used; i++)
		for (struct hash_node *n = h->bucket[i]; n; n = next) {
			next = n->next;
			if (node_free)
				node_free(n);
		}
	hash_drop(h);
}

void index_drop(struct mailbox *m)
{
	nodes_free(&m->names, NULL);
	nodes_free(&m->sources, NULL);
	nodes_free(&m->rendezvous, NULL);
	nodes_free(&m->slots, slot_free);
	nodes_free(&m->pairs, pair_free);
	nodes_free(&m->ids, share_free);
	nodes_free(&m->parties, party_free);
	nodes_free(&m->accounts, account_free);
	free(m->due);
}
