/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pskm/block.c - slabs of secret memory, and which blocks of them are free.
 *
 * A list has the slabs with a free block, and no others.  One of which no block is used goes, unless it is the only one
 * in the list.
 */
#include "config.h"

#include "pskm/block.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/pid.h"
#include "base/secret.h"

#define SLAB_BLOCKS 16

struct slab {
	struct slab *previous, *next;
	struct secret memory;           /* owned */
	unsigned free_count;
	uint8_t free[SLAB_BLOCKS];      /* the numbers of those that are free */
};

static struct {
	pthread_mutex_t lock;
	pid_t owner;                    /* whose slabs they are */
	struct slab *first;
} pool = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void link_in(struct slab *s)
{
	s->previous = NULL;
	s->next = pool.first;
	if (s->next != NULL)
		s->next->previous = s;
	pool.first = s;
}

static void link_out(struct slab *s)
{
	if (s->previous != NULL)
		s->previous->next = s->next;
	else
		pool.first = s->next;
	if (s->next != NULL)
		s->next->previous = s->previous;
}

static struct slab *slab_new(void)
{
	struct slab *s = calloc(1, sizeof *s);

	if (s == NULL)
		return NULL;
	if (!rc_ok(secret_alloc(&s->memory, (size_t)SLAB_BLOCKS * BLOCK_LEN))) {
		free(s);
		return NULL;
	}
	while (s->free_count < SLAB_BLOCKS) {
		s->free[s->free_count] = (uint8_t)(SLAB_BLOCKS - 1 - s->free_count);
		s->free_count++;
	}
	link_in(s);
	return s;
}

/* In a child the parent's slabs are empty, and stay the parent's. */
static void enter(void)
{
	pid_t me = process_id();

	pthread_mutex_lock(&pool.lock);
	if (pool.owner != me)
		pool.first = NULL;
	pool.owner = me;
}

struct block block_take(void)
{
	struct block b = {NULL, NULL};

	enter();
	struct slab *s = pool.first != NULL ? pool.first : slab_new();

	if (s != NULL) {
		b.slab = s;
		b.bytes = s->memory.data + (size_t)s->free[--s->free_count] * BLOCK_LEN;
		if (s->free_count == 0)
			link_out(s);
	}
	pthread_mutex_unlock(&pool.lock);
	return b;
}

static void slab_retire(struct slab *s)
{
	if (s->free_count < SLAB_BLOCKS || (s->previous == NULL && s->next == NULL))
		return;
	link_out(s);
	secret_drop(&s->memory);
	free(s);
}

void block_give(struct block *b)
{
	struct slab *s = b->slab;

	if (b->bytes == NULL)
		return;
	mem_wipe(b->bytes, BLOCK_LEN);
	enter();
	s->free[s->free_count++] = (uint8_t)((size_t)(b->bytes - s->memory.data) / BLOCK_LEN);
	if (s->free_count == 1)
		link_in(s);
	slab_retire(s);
	pthread_mutex_unlock(&pool.lock);
	*b = (struct block){NULL, NULL};
}
