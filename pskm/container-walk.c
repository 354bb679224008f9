/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "pskm/container-walk.h"

#include <unistd.h>

#define NUMBER_LEN 8 /* of a chunk, behind its bytes under h' */

void walk_drop(struct walk *w)
{
	chunks_drop(&w->chunks);
	secret_drop(&w->plain);
	cover_drop(&w->cover);
	folder_drop(&w->folder);
	if (w->made != NULL)
		(void)unlink(w->made);
}

dske_rc walk_prepare(struct walk *w, const struct secret *content_key)
{
	TRY(chunks_start(&w->chunks, content_key));
	return secret_alloc(&w->plain, CHUNK_PLAIN_MAX);
}

dske_rc walk_report(const struct walk *w, uint64_t chunks_done)
{
	uint64_t done = chunks_done * TABLE_CHUNK_LEN, total = w->chunks.head.header.layout.len;

	if (w->progress != NULL && !w->progress(w->context, done < total ? done : total, total))
		return FAIL(CANCELLED, "cancelled; what was made is removed");
	return DSKE_OK;
}

/* h' with the container region's key j. */
static dske_rc tag_with_key(struct walk *w, uint64_t j, struct tag *tag, const void *message, size_t len)
{
	AUTO(secret) key = {0};
	uint64_t at = walk_head(w)->header.layout.region[REGION_CONTAINER].start + j * KEY_TAG_KEY_LEN;

	TRY(secret_alloc(&key, KEY_TAG_KEY_LEN));
	if (w->stock != NULL)
		TRY(cover_read(w->stock, w->stock_at + at, key.data, key.len));
	else if (walk_has_table(w))
		TRY(cover_read(&w->cover, at, key.data, key.len));
	else
		TRY(chunks_peek(&w->chunks, at, key.data, key.len));
	key_tag_compute(tag, key.data, message, len);
	return DSKE_OK;
}

dske_rc walk_tag_chunk(struct walk *w, uint64_t i, struct tag *tag)
{
	size_t len = chunks_len(&w->chunks, i);

	be64_put(w->plain.data + len, i);
	return tag_with_key(w, i + 1, tag, w->plain.data, len + NUMBER_LEN);
}

dske_rc walk_tag_head(struct walk *w, struct tag *tag)
{
	return tag_with_key(w, 0, tag, walk_head(w)->bytes, walk_head(w)->len);
}

dske_rc walk_finish(struct walk *w, enum side side)
{
	const struct range *keys = &walk_head(w)->header.layout.region[REGION_CONTAINER];

	TRY(cover_erase(&w->cover, keys->start, keys->end));
	TRY(cover_sync(&w->cover));
	return folder_finish(&w->folder, &walk_head(w)->header, side);
}
