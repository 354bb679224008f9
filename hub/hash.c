/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/hash.h"

#include <stdlib.h>

#define BUCKETS_LEAST 16

dske_rc hash_init(struct hash *h)
{
	*h = (struct hash){.bucket = calloc(BUCKETS_LEAST, sizeof *h->bucket), .used = BUCKETS_LEAST, .cap = BUCKETS_LEAST};
	return h->bucket ? DSKE_OK : rc_make(DSKE_RC_NOMEM);
}

void hash_drop(struct hash *h)
{
	free(h->bucket);
	*h = (struct hash){0};
}

/* The largest power of two that is not above n. */
static size_t floor_of(size_t n)
{
	return (size_t)1 << (63 - __builtin_clzll(n));
}

/* Buckets from used - m on have been divided, their other halves are those from m on. */
static struct hash_node **bucket_of(const struct hash *h, uint64_t hash)
{
	size_t m = floor_of(h->used), at = hash & (2 * m - 1);

	return &h->bucket[at < h->used ? at : at - m];
}

static void divide(struct hash *h)
{
	size_t from = h->used - floor_of(h->used);

	if (h->used == h->cap) {
		struct hash_node **more = realloc(h->bucket, 2 * h->cap * sizeof *more);

		if (!more)
			return;
		h->bucket = more;
		h->cap *= 2;
	}

	struct hash_node *n = h->bucket[from], *next, **end[2] = {&h->bucket[from], &h->bucket[h->used]};
	size_t bit = h->used - from;

	h->used++;
	for (; n; n = next) {
		size_t half = (n->hash & bit) != 0;

		next = n->next;
		*end[half] = n;
		end[half] = &n->next;
	}
	*end[0] = *end[1] = NULL;
	/* What the next call divides comes from memory until then. */
	__builtin_prefetch(h->bucket[h->used - floor_of(h->used)]);
}

void hash_add(struct hash *h, struct hash_node *node, uint64_t hash)
{
	if (h->count++ >= h->used)
		divide(h);

	struct hash_node **bucket = bucket_of(h, hash);

	*node = (struct hash_node){.next = *bucket, .hash = hash};
	*bucket = node;
}

void hash_remove(struct hash *h, struct hash_node *node)
{
	struct hash_node **at = bucket_of(h, node->hash);

	while (*at != node)
		at = &(*at)->next;
	*at = node->next;
	node->next = NULL;
	h->count--;
}

static struct hash_node *same(struct hash_node *n, uint64_t hash)
{
	while (n && n->hash != hash)
		n = n->next;
	return n;
}

struct hash_node *hash_first(const struct hash *h, uint64_t hash)
{
	return same(*bucket_of(h, hash), hash);
}

struct hash_node *hash_next(const struct hash_node *node)
{
	return same(node->next, node->hash);
}
