/* SPDX-License-Identifier: Apache-2.0 */
/* store/index.c - which record of the token's file is an object's, and what was not visited of it yet. */
#include <config.h>

#include "store/impl.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_BUCKETS 64

/* Names are random: their first bytes are as good as a hash. */
static struct place **bucket_of(const struct index *x, const struct id *name)
{
	uint64_t hash;

	memcpy(&hash, name->b, sizeof hash);
	return &x->bucket[hash & (x->bucket_count - 1)];
}

struct place *index_find(const struct index *x, const struct id *name)
{
	struct place *p = x->bucket_count > 0 ? *bucket_of(x, name) : NULL;

	while (p != NULL && !id_equal(&p->name, name))
		p = p->chain;
	return p;
}

static dske_rc index_grow(struct index *x)
{
	struct index wider = *x;

	wider.bucket_count = x->bucket_count > 0 ? 2 * x->bucket_count : FIRST_BUCKETS;
	wider.bucket = calloc(wider.bucket_count, sizeof(struct place *));
	if (wider.bucket == NULL)
		return FAIL(NOMEM, "no memory for the token's objects");
	for (size_t b = 0; b < x->bucket_count; b++)
		for (struct place *p = x->bucket[b], *next; p != NULL; p = next) {
			struct place **head = bucket_of(&wider, &p->name);
			next = p->chain;
			p->chain = *head;
			*head = p;
		}
	free(x->bucket);
	*x = wider;
	return DSKE_OK;
}

static void wait_end(struct index *x, struct place *p)
{
	if (!p->waiting)
		return;
	*(p->earlier != NULL ? &p->earlier->later : &x->first) = p->later;
	*(p->later != NULL ? &p->later->earlier : &x->last) = p->earlier;
	p->earlier = p->later = NULL;
	p->waiting = false;
}

/* At the end of those that wait, as the latest change. */
static void wait_begin(struct index *x, struct place *p)
{
	wait_end(x, p);
	p->earlier = x->last;
	*(x->last != NULL ? &x->last->later : &x->first) = p;
	x->last = p;
	p->waiting = true;
}

static void place_free(struct index *x, struct place *p)
{
	struct place **link = bucket_of(x, &p->name);

	wait_end(x, p);
	while (*link != p)
		link = &(*link)->chain;
	*link = p->chain;
	x->count--;
	free(p);
}

void index_drop(struct index *x)
{
	for (size_t b = 0; b < x->bucket_count; b++)
		while (x->bucket[b] != NULL)
			place_free(x, x->bucket[b]);
	free(x->bucket);
	*x = (struct index){0};
}

/* Its record is not the object's any more. */
static void place_dies(struct index *x, struct place *p)
{
	if (p->at != 0)
		x->live_len -= record_size(p->len);
	x->bad -= p->bad;
	p->at = 0;
	p->bad = false;
}

dske_rc index_put(struct index *x, const struct place *now)
{
	struct place *p = index_find(x, &now->name);

	if (p == NULL) {
		if (x->count >= x->bucket_count)
			TRY(index_grow(x));
		p = calloc(1, sizeof *p);
		if (p == NULL)
			return FAIL(NOMEM, "no memory for the token's objects");
		p->name = now->name;
		struct place **head = bucket_of(x, &p->name);
		p->chain = *head;
		*head = p;
		x->count++;
	}
	place_dies(x, p);
	p->at = now->at;
	memcpy(p->link, now->link, sizeof p->link);
	p->sequence = now->sequence;
	p->version = now->version;
	p->len = now->len;
	p->bad = now->bad;
	x->bad += p->bad;
	x->live_len += record_size(p->len);
	if (p->version != p->told)
		wait_begin(x, p);
	else
		wait_end(x, p);
	return DSKE_OK;
}

/* Nobody who did not see it has to hear that it is gone. */
static void place_gone(struct index *x, struct place *p)
{
	place_dies(x, p);
	if (p->told != 0)
		wait_begin(x, p);
	else
		place_free(x, p);
}

void index_remove(struct index *x, const struct id *name, uint64_t version)
{
	struct place *p = index_find(x, name);

	if (p == NULL)
		return;
	p->version = version;
	place_gone(x, p);
}

void index_lift(struct index *x)
{
	for (size_t b = 0; b < x->bucket_count; b++)
		for (struct place *p = x->bucket[b]; p != NULL; p = p->chain)
			place_dies(x, p);
}

void index_settle(struct index *x)
{
	for (size_t b = 0; b < x->bucket_count; b++)
		for (struct place *p = x->bucket[b], *next; p != NULL; p = next) {
			next = p->chain;
			if (p->at == 0 && !(p->waiting && p->told != 0))
				place_gone(x, p);
		}
}

void index_told(struct index *x, struct place *p)
{
	p->told = p->at != 0 ? p->version : 0;
	if (p->at == 0)
		place_free(x, p);
	else
		wait_end(x, p);
}

const struct place *index_first_bad(const struct index *x)
{
	const struct place *first = NULL;

	for (size_t b = 0; b < x->bucket_count; b++)
		for (const struct place *p = x->bucket[b]; p != NULL; p = p->chain)
			if (p->bad && (first == NULL || p->at < first->at))
				first = p;
	return first;
}

static int by_place(const void *a, const void *b)
{
	const struct place *const *x = a, *const *y = b;

	return ((*x)->at > (*y)->at) - ((*x)->at < (*y)->at);
}

dske_rc index_tell_all(struct index *x)
{
	size_t n = 0;
	struct place **all = calloc(x->count + 1, sizeof(struct place *));

	if (all == NULL)
		return FAIL(NOMEM, "no memory for the token's objects");
	for (size_t b = 0; b < x->bucket_count; b++)
		for (struct place *p = x->bucket[b], *next; p != NULL; p = next) {
			next = p->chain;
			if (p->at == 0)
				place_free(x, p);
			else
				all[n++] = p;
		}
	qsort(all, n, sizeof(struct place *), by_place);
	for (size_t k = 0; k < n; k++) {
		all[k]->told = 0;
		wait_begin(x, all[k]);
	}
	free(all);
	return DSKE_OK;
}

void index_move(struct index *x)
{
	for (size_t b = 0; b < x->bucket_count; b++)
		for (struct place *p = x->bucket[b]; p != NULL; p = p->chain)
			if (p->at != 0) {
				p->at = p->next_at;
				memcpy(p->link, p->next_link, sizeof p->link);
				p->sequence = p->next_sequence;
			}
}
