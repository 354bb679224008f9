/* SPDX-License-Identifier: Apache-2.0 */
/* pskm/repeats.c - open addressing, at most half full. */
#include "config.h"

#include "pskm/repeats.h"

#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"

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
	TRY(secret_random(&r->salt, CRYPTO_MAC_LEN));
	return grow(r, SLOTS_FIRST);
}

void repeats_drop(struct repeats *r)
{
	wipe(r);
	secret_drop(&r->salt);
	*r = (struct repeats){.slot = NULL};
}

/* Never 0.  It says where in memory it is looked for, so it must not be linear in the bytes, as a tag is: who sees the
 * cache lines of known values would have the key, and with it equations on the unknown ones. */
static dske_rc fingerprint(uint64_t *print, const struct repeats *r, const void *bytes, size_t len)
{
	uint8_t mac[CRYPTO_MAC_LEN];

	dske_rc rc = crypto_mac(mac, &r->salt, bytes, len);
	memcpy(print, mac, sizeof *print);
	mem_wipe(mac, sizeof mac);
	*print += *print == 0;
	return rc;
}

dske_rc repeats_enter(struct repeats *r, const void *bytes, size_t len, bool *before)
{
	uint64_t print;

	if (r->count == REPEATS_MOST)
		return FAIL(TOOBIG, "more than %zu things to remember", REPEATS_MOST);
	if (2 * (r->count + 1) > r->slots)
		TRY(grow(r, 2 * r->slots));
	TRY(fingerprint(&print, r, bytes, len));
	put(r->slot, r->slots, print, before);
	r->count += !*before;
	return DSKE_OK;
}
