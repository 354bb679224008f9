/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "vpn/pad.h"

#include <stdatomic.h>
#include <stdlib.h>

#define WORD_BITS 64

static size_t units_of(size_t len)
{
	return (len + PAD_UNIT - 1) / PAD_UNIT;
}

/* One thread writes it. */
static void less(struct pad *p, size_t units)
{
	uint64_t left = atomic_load_explicit(&p->left, memory_order_relaxed);
	atomic_store_explicit(&p->left, left - units * PAD_UNIT, memory_order_relaxed);
}

dske_rc pad_init(struct pad *p, enum pad_side side, uint64_t name, struct secret *key)
{
	if (key->len > PAD_MAX)
		return FAIL(TOOBIG, "a pad has at most %zu bytes", PAD_MAX);
	uint32_t units = (uint32_t)(key->len / PAD_UNIT);
	uint64_t *used = NULL;
	if (side == PAD_RECEIVES && (used = calloc(units / WORD_BITS + 2, sizeof *used)) == NULL)
		return rc_make(DSKE_RC_NOMEM);
	*p = (struct pad){.name = name, .units = units, .used = used, .left = (uint64_t)units * PAD_UNIT};
	secret_move(&p->bytes, key);
	return DSKE_OK;
}

void pad_drop(struct pad *p)
{
	secret_drop(&p->bytes);
	free(p->used);
	*p = (struct pad){0};
}

const uint8_t *pad_take(struct pad *p, size_t len, uint32_t *unit)
{
	size_t units = units_of(len);
	if (units > p->units - p->next)
		return NULL;
	*unit = p->next;
	p->next += (uint32_t)units;
	less(p, units);
	return p->bytes.data + (size_t)*unit * PAD_UNIT;
}

void pad_spent(struct pad *p, uint32_t unit, size_t len)
{
	mem_wipe(p->bytes.data + (size_t)unit * PAD_UNIT, units_of(len) * PAD_UNIT);
}

void pad_end(struct pad *p)
{
	mem_wipe(p->bytes.data + (size_t)p->next * PAD_UNIT, (size_t)(p->units - p->next) * PAD_UNIT);
	p->next = p->units;
	p->left = 0;
}

/* The bits of units [unit, unit + count) that lie in the word of the first: count of 1 to 64 is cut to that word. */
static uint64_t mask_of(uint32_t unit, size_t count, size_t *taken)
{
	uint32_t bit = unit % WORD_BITS;
	*taken = count < WORD_BITS - bit ? count : WORD_BITS - bit;
	uint64_t ones = *taken == WORD_BITS ? UINT64_MAX : (UINT64_C(1) << *taken) - 1;
	return ones << bit;
}

const uint8_t *pad_at(const struct pad *p, uint32_t unit, size_t len)
{
	size_t count = units_of(len), taken;
	if (unit > p->units || count > p->units - unit)
		return NULL;
	for (uint32_t at = unit; count > 0; count -= taken, at += (uint32_t)taken) {
		if ((p->used[at / WORD_BITS] & mask_of(at, count, &taken)) != 0)
			return NULL;
	}
	return p->bytes.data + (size_t)unit * PAD_UNIT;
}

void pad_burn(struct pad *p, uint32_t unit, size_t len)
{
	size_t count = units_of(len), taken;
	pad_spent(p, unit, len);
	less(p, count);
	for (uint32_t at = unit; count > 0; count -= taken, at += (uint32_t)taken) {
		uint64_t mask = mask_of(at, count, &taken);
		p->used[at / WORD_BITS] |= mask;
	}
}
