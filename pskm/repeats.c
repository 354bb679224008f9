/* SPDX-License-Identifier: Apache-2.0 */
/* pskm/repeats.c - open addressing, at most half full. */
#include "config.h"

#include "pskm/repeats.h"

#include <stdlib.h>
#include <string.h>

#include "core/tag.h"

#define SLOTS_FIRST ((size_t)1024)

static void put(uint64_t *slot, size_t slots, uint64_t print, bool *before)
{
	size_t i = print & (slots - 1);

	while (slot[i] != 0 && slot[i] != print)
		i = (i + 1) & (slots - 1);
	*before = slot[i] == print;
	slot[i] = print;
}

static void wipe(struct repeats *r)
{
	if (r->slot != NULL)
		mem_wipe(r->slot, r->slots * sizeof *r->slot);
	free(r->slot);
}

static dske_rc grow(struct repeats *r, size_t slots)
{
	bool before;
	uint64_t *slot = calloc(slots, sizeof *slot);

	if (slot == NULL)
		return rc_make(DSKE_RC_NOMEM);
	for (size_t i = 0; i < r->slots; i++) {
		if (r->slot[i] != 0)
			put(slot, slots, r->slot[i], &before);
	}
	wipe(r);
	r->slot = slot;
	r->slots = slots;
	return DSKE_OK;
}

dske_rc repeats_init(struct repeats *r)
{
	*r = (struct repeats){.slot = NULL};
	TRY(secret_random(&r->salt, TAG_KEY_LEN));
	return grow(r, SLOTS_FIRST);
}

void repeats_drop(struct repeats *r)
{
	wipe(r);
	secret_drop(&r->salt);
	*r = (struct repeats){.slot = NULL};
}

/* Never 0.  No tag: nobody is shown the values, and so the key may serve for all of them. */
static uint64_t fingerprint(const struct repeats *r, const void *bytes, size_t len)
{
	struct tag h;
	uint64_t print;

	tag_compute(&h, r->salt.data, bytes, len);
	memcpy(&print, h.b, sizeof print);
	mem_wipe(&h, sizeof h);
	return print != 0 ? print : 1;
}

dske_rc repeats_enter(struct repeats *r, const void *bytes, size_t len, bool *before)
{
	if (r->count == REPEATS_MOST)
		return FAIL(TOOBIG, "more than %zu things to remember", REPEATS_MOST);
	if (2 * (r->count + 1) > r->slots)
		TRY(grow(r, 2 * r->slots));
	put(r->slot, r->slots, fingerprint(r, bytes, len), before);
	r->count += !*before;
	return DSKE_OK;
}
