/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hub/hash.h - tables in memory, of nodes that lie in what they find.
 *
 * Linear hashing: with each node that comes in one bucket is divided, so that no call takes long for the table's size.
 * Adding cannot fail: without memory for more buckets the chains become longer.  The caller's hash is keyed
 * (hub/siphash.h), since names are chosen by others.
 */
#ifndef DSKE_HUB_HASH_H
#define DSKE_HUB_HASH_H

#include <stddef.h>
#include <stdint.h>

#include "base/rc.h"

struct hash_node {
	struct hash_node *next;
	uint64_t hash;
};

struct hash {
	struct hash_node **bucket; /* owned; the nodes are not */
	size_t count, used, cap;   /* nodes; buckets in use; buckets there is memory for */
};

/* Errors: NOMEM. */
dske_rc hash_init(struct hash *h);
void hash_drop(struct hash *h);

void hash_add(struct hash *h, struct hash_node *node, uint64_t hash);
void hash_remove(struct hash *h, struct hash_node *node); /* one that is in it */

/* Those of this hash, newest first; NULL when there is no more. */
struct hash_node *hash_first(const struct hash *h, uint64_t hash);
struct hash_node *hash_next(const struct hash_node *node);

/* What the node lies in. */
#define HASH_OF(type, member, node) ((struct type *)(void *)((char *)(node) - offsetof(struct type, member)))

#endif
