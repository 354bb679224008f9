/* SPDX-License-Identifier: Apache-2.0 */
/* store/record.c - one record of the token's file: its head, its seal, and what it is chained to. */
#include <config.h>

#include "store/impl.h"

#include <string.h>

bool store_head_read(const uint8_t head[HEAD_LEN], uint64_t sequence, struct record *r)
{
	static const uint8_t zeros[3];
	uint8_t sum[CRYPTO_SHA256_LEN];

	*r = (struct record){.kind = (enum kind)head[AT_KIND],
			     .sequence = store_get_u64(head + AT_SEQUENCE),
			     .version = store_get_u64(head + AT_VERSION),
			     .len = store_get_u32(head)};
	memcpy(r->name.b, head + AT_NAME, ID_LEN);
	if (!rc_ok(crypto_sha256(sum, head, AT_HEAD_SUM)) || memcmp(sum, head + AT_HEAD_SUM, HEAD_SUM_LEN) != 0)
		return false;
	return r->sequence == sequence && r->version > 0 && memcmp(head + AT_KIND + 1, zeros, sizeof zeros) == 0 &&
	       ((r->kind == KIND_OBJECT && r->len <= STORE_RECORD_MAX) || (r->kind == KIND_REMOVED && r->len == 0));
}

static dske_rc store_head_write(uint8_t head[HEAD_LEN], const struct record *r)
{
	uint8_t sum[CRYPTO_SHA256_LEN];

	memset(head, 0, HEAD_LEN);
	store_set_u32(head, r->len);
	head[AT_KIND] = (uint8_t)r->kind;
	store_set_u64(head + AT_SEQUENCE, r->sequence);
	memcpy(head + AT_NAME, r->name.b, ID_LEN);
	store_set_u64(head + AT_VERSION, r->version);
	TRY(random_fill(head + AT_NONCE, CRYPTO_NONCE_LEN));
	TRY(crypto_sha256(sum, head, AT_HEAD_SUM));
	memcpy(head + AT_HEAD_SUM, sum, HEAD_SUM_LEN);
	return DSKE_OK;
}

#define AD_LEN (LINK_LEN + HEAD_LEN)

static void ad_make(uint8_t ad[AD_LEN], const uint8_t *link, const uint8_t *head)
{
	memcpy(ad, link, LINK_LEN);
	memcpy(ad + LINK_LEN, head, HEAD_LEN);
}

void position_begin(struct position *p, const uint8_t *header)
{
	*p = (struct position){.end = STORE_RECORDS_AT};
	memcpy(p->generation, header + AT_GENERATION, GENERATION_LEN);
	memcpy(p->link, p->generation, GENERATION_LEN);
}

static dske_rc link_make(uint8_t link[LINK_LEN], const uint8_t *before, const uint8_t *head, const uint8_t *tag)
{
	uint8_t text[LINK_LEN + HEAD_LEN + CRYPTO_TAG_LEN];

	memcpy(text, before, LINK_LEN);
	memcpy(text + LINK_LEN, head, HEAD_LEN);
	memcpy(text + LINK_LEN + HEAD_LEN, tag, CRYPTO_TAG_LEN);
	return crypto_sha256(link, text, sizeof text);
}

dske_rc position_advance(struct position *p, const uint8_t *record, bool *good)
{
	uint64_t size = record_size(store_get_u32(record));
	const uint8_t *tag = record + size - END_LEN, *sum = tag + CRYPTO_TAG_LEN;
	uint8_t link[LINK_LEN];

	TRY(link_make(link, p->link, record, tag));
	*good = memcmp(link, sum, LINK_SUM_LEN) == 0;
	if (!*good)
		return DSKE_OK;
	p->end += size;
	p->sequence = store_get_u64(record + AT_SEQUENCE);
	memcpy(p->link, link, sizeof p->link);
	return DSKE_OK;
}

dske_rc record_seal(uint8_t *out, const struct record *r, const struct secret *plain, struct position *at,
		    const struct secret *key)
{
	uint8_t ad[AD_LEN], *tag = out + HEAD_LEN + plain->len;

	TRY(store_head_write(out, r));
	ad_make(ad, at->link, out);
	TRY(crypto_seal(out + HEAD_LEN, key, out + AT_NONCE, ad, sizeof ad, plain->data, plain->len));
	TRY(link_make(at->link, at->link, out, tag));
	memcpy(tag + CRYPTO_TAG_LEN, at->link, LINK_SUM_LEN);
	at->end += record_size(r->len);
	at->sequence = r->sequence;
	return DSKE_OK;
}

/* ---- reading them in turn -------------------------------------------------------------------------------- */

void view_drop(struct view *w)
{
	buf_drop(&w->bytes);
	crypto_opener_free(w->opener);
	w->opener = NULL;
	secret_drop(&w->room);
}

dske_rc view_get(struct view *w, uint64_t at, uint64_t len, uint64_t ahead, const uint8_t **out)
{
	if (at < w->at || at + len > w->at + w->bytes.len) {
		uint64_t take = ahead > len ? ahead : len;
		if (w->bytes.max == 0)
			buf_heap(&w->bytes, STORE_FILE_MAX);
		buf_reset(&w->bytes);
		uint8_t *to = buf_grow(&w->bytes, take);
		TRY(buf_rc(&w->bytes));
		dske_rc rc = file_pread(w->fd, to, take, at);
		if (!rc_ok(rc)) {
			buf_reset(&w->bytes);
			return rc;
		}
		w->at = at;
	}
	*out = w->bytes.data + (at - w->at);
	return DSKE_OK;
}

/* Most are about as long as the one before. */
#define ROOM_LEAST 1024u

static dske_rc room_for(struct view *w, uint32_t len)
{
	if (len <= w->room.len)
		return DSKE_OK;
	secret_drop(&w->room);
	return secret_alloc(&w->room, len > ROOM_LEAST ? len : ROOM_LEAST);
}

dske_rc record_open(struct view *w, const uint8_t *record, const uint8_t link[LINK_LEN], const struct secret *key,
		    struct secret *plain)
{
	uint8_t ad[AD_LEN], nothing;
	uint32_t len = store_get_u32(record);

	TRY(room_for(w, len));
	if (w->opener == NULL)
		TRY(crypto_opener_new(&w->opener, key));
	ad_make(ad, link, record);
	*plain = (struct secret){len > 0 ? w->room.data : NULL, len};
	uint8_t *out = len > 0 ? w->room.data : &nothing;
	return crypto_opener_open(w->opener, out, record + AT_NONCE, ad, sizeof ad, record + HEAD_LEN, len);
}
