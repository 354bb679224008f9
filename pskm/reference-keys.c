/* SPDX-License-Identifier: Apache-2.0 */
/* pskm/reference-keys.c - a table out of a QKD link's keys, at either end. */
#include "config.h"

#include "core/layout.h"
#include "pskm/reference-impl.h"

static void next_ids(void *context, size_t number, struct id *out)
{
	keystream_take_ids(context, number, out);
}

static dske_rc check_key_len(const struct key_link *link)
{
	if (link->key_len < KEYSTREAM_KEY_LEN_LEAST || link->key_len > KEYSTREAM_KEY_LEN_MOST)
		return FAIL(ARGS, "keys of %zu bytes: between %d and %d", link->key_len, KEYSTREAM_KEY_LEN_LEAST, KEYSTREAM_KEY_LEN_MOST);
	return DSKE_OK;
}

dske_rc reference_make_keys(struct pskm_header *h, const struct reference_side *side, const struct key_link *link)
{
	AUTO(reference_walk) w = REFERENCE_WALK_EMPTY;
	AUTO(keystream) keys = {.link = NULL};
	struct reference r = {.kind = REFERENCE_KEYS, .key_len = (uint32_t)link->key_len};

	TRY(check_key_len(link));
	TRY(layout_make(&h->layout, h->layout.len));
	TRY(id_random(&h->table));
	r.header = *h;
	r.keys = (h->layout.len + link->key_len - 1) / link->key_len;
	TRY(keystream_init(&keys, link, r.keys, NULL, NULL));
	w.side = side;
	w.bytes = (struct pskm_source){keystream_fill, &keys};
	TRY(reference_make_begin(&w, &r));
	return reference_make_all(&w, next_ids, &keys);
}

static dske_rc ids_from_file(void *context, uint64_t first, size_t number, struct id *out)
{
	const struct reference_walk *w = context;

	return reference_ids(&w->head, w->file.n, first, number, out);
}

dske_rc reference_import_keys(struct pskm_header *h, const struct reference_side *side, const struct id *self,
			      const struct key_link *link, bool *begun)
{
	AUTO(reference_walk) w = REFERENCE_WALK_EMPTY;
	AUTO(keystream) keys = {.link = NULL};

	*begun = false;
	w.side = side;
	TRY(reference_import_begin(&w, REFERENCE_KEYS, self));
	if (w.head.r.key_len != link->key_len)
		return FAIL(ARGS, "the PSKM names keys of %u bits, and this end's configuration says key_size = %zu", 8 * w.head.r.key_len,
			    8 * link->key_len);
	TRY(reference_import_prepare(&w));
	TRY(keystream_init(&keys, link, w.head.r.keys, ids_from_file, &w));
	w.bytes = (struct pskm_source){keystream_fill, &keys};
	*begun = true;
	TRY(reference_import_chunks(&w));
	TRY(reference_import_finish(&w));
	*h = w.head.r.header;
	return DSKE_OK;
}
