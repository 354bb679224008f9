/* SPDX-License-Identifier: Apache-2.0 */
/* core/confirm.c - drawn, counted, checked. */
#include "core/confirm.h"

#include <string.h>

#include "base/secret.h"

/* (c, d'): the key of a message tag. */
static void tag_key(uint8_t key[TAG_KEY_LEN], const struct tag *point, const uint8_t mask[CONFIRM_MASK_LEN])
{
	memcpy(key, point->b, TAG_LEN);
	memcpy(key + TAG_LEN, mask, CONFIRM_MASK_LEN);
}

dske_rc confirmation_draw(struct confirmation *out, const uint8_t mask[CONFIRM_MASK_LEN], const void *key, size_t len)
{
	uint8_t k[TAG_KEY_LEN];

	TRY(random_fill(out->point.b, sizeof out->point.b));
	tag_key(k, &out->point, mask);
	tag_compute(&out->value, k, key, len);
	mem_wipe(k, sizeof k);
	return DSKE_OK;
}

bool confirmation_check(const struct confirmation *c, const uint8_t mask[CONFIRM_MASK_LEN], const void *key, size_t len)
{
	uint8_t k[TAG_KEY_LEN];

	tag_key(k, &c->point, mask);
	bool holds = tag_check(&c->value, k, key, len);
	mem_wipe(k, sizeof k);
	return holds;
}

/* ---- the initiator's ------------------------------------------------------------------------------------ */

void receiver_set_add(struct receiver_set *s, size_t receiver)
{
	if (receiver < TERMS_RECEIVERS_MAX)
		s->b[receiver / 8] = (uint8_t)(s->b[receiver / 8] | 1u << receiver % 8);
}

bool receiver_set_has(const struct receiver_set *s, size_t receiver)
{
	return receiver < TERMS_RECEIVERS_MAX && (s->b[receiver / 8] >> receiver % 8 & 1) == 1;
}

void muster_note(struct muster *m, size_t hub_index, const struct receiver_set *ready)
{
	for (size_t j = 0; hub_index < TERMS_HUBS_MAX && j < sizeof ready->b; j++)
		m->through[hub_index].b[j] |= ready->b[j];
}

size_t muster_count(const struct muster *m, const struct terms *t, size_t receiver)
{
	size_t count = 0;

	for (size_t h = 0; h < t->n; h++)
		count += receiver_set_has(&m->through[h], receiver);
	return count;
}

bool muster_is_complete(const struct muster *m, const struct terms *t)
{
	for (size_t i = 0; i < t->receiver_count; i++)
		if (muster_count(m, t, i) < t->k)
			return false;
	return true;
}

/* ---- a receiver's --------------------------------------------------------------------------------------- */

void ballot_note(struct ballot *b, size_t hub_index, const struct confirmation *said)
{
	if (hub_index >= TERMS_HUBS_MAX || b->has[hub_index])
		return;
	b->has[hub_index] = true;
	b->said[hub_index] = *said;
}

static size_t alike(const struct ballot *b, size_t hub_index)
{
	size_t count = 0;

	for (size_t h = 0; h < TERMS_HUBS_MAX; h++)
		count += b->has[h] && memcmp(&b->said[h], &b->said[hub_index], sizeof b->said[h]) == 0;
	return count;
}

const struct confirmation *ballot_result(const struct ballot *b, size_t least)
{
	for (size_t h = 0; h < TERMS_HUBS_MAX; h++)
		if (b->has[h] && alike(b, h) >= least)
			return &b->said[h];
	return NULL;
}
