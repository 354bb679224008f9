/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pskm/keystream.h - the keys of a QKD link, one behind the other, as the bytes of a table.
 *
 * At the maker's end they are fresh, and their IDs come with them; at the other end the IDs are known, and the
 * same keys come for them.  Either end tests what comes: the health tests of pskm/health.h over all bytes, and no
 * ID and no key may come twice.  Nothing is mixed in: both ends need the same bytes.
 */
#ifndef DSKE_PSKM_KEYSTREAM_H
#define DSKE_PSKM_KEYSTREAM_H

#include <stddef.h>
#include <stdint.h>

#include "base/id.h"
#include "base/rc.h"
#include "base/secret.h"
#include "pskm/health.h"
#include "pskm/repeats.h"

#define KEYSTREAM_KEYS_MOST ((uint64_t)REPEATS_MOST / 2) /* of one table */
#define KEYSTREAM_KEY_LEN_LEAST 8
#define KEYSTREAM_KEY_LEN_MOST 8192

/* A link, as qkd/kme.h has it: requests are answered in order. */
struct key_link {
	size_t key_len; /* bytes */
	size_t batch;   /* keys a request */
	bool (*has_room)(void *context);
	dske_rc (*ask)(void *context, const struct id *ids, size_t number);   /* ids NULL: fresh ones */
	dske_rc (*take)(void *context, struct id *ids, uint8_t *keys);        /* ids NULL: they were named */
	void *context;
};

/* The IDs of keys [first, first + number), where they are known. */
typedef dske_rc keystream_ids(void *context, uint64_t first, size_t number, struct id *out);

struct keystream {
	const struct key_link *link;
	uint64_t total;           /* keys */
	uint64_t asked, taken;    /* of them */
	keystream_ids *known;     /* NULL: fresh */
	void *context;            /* of known */
	struct secret batch;      /* the keys that came last */
	size_t at, len;           /* what of them is still to be given: [at, len) */
	struct id *ids;           /* owned; fresh: those that came, and were not fetched by keystream_take_ids */
	size_t ids_count, ids_cap;
	struct health health;
	struct repeats seen;
};

/* *k is overwritten; the caller drops it, also after a failure.  known NULL: fresh keys.  The link is borrowed.
 * Errors: ARGS (too many keys), NOMEM. */
dske_rc keystream_init(struct keystream *k, const struct key_link *link, uint64_t total, keystream_ids *known, void *context);
void keystream_drop(struct keystream *k);

/* A pskm_fill; context is the keystream.  Errors: those of the link; FORMAT (an ID or a key twice), IO (a health
 * test failed). */
dske_rc keystream_fill(void *context, void *out, size_t len);

/* Fresh: moves out the next `number` IDs, in the order of their keys, which have come already. */
void keystream_take_ids(struct keystream *k, size_t number, struct id *out);

#endif
