/* SPDX-License-Identifier: Apache-2.0 */
/* OpenSSL marks SHA256_* as deprecated in favour of EVP; see frame_digest(). */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "hubproto/frame.h"

#include <string.h>

#include <openssl/sha.h>

#include "base/secret.h"
#include "core/cbor.h"

#define ENVELOPE_ITEMS 8

/* A range of up or down begins with two keys; in down, a share follows. */
#define RANGE_MIN_ACTIVATION ACTIVATION_LEN
#define RANGE_MAX_ACTIVATION ACTIVATION_LEN
#define RANGE_MIN_RETIRING   RETIRING_LEN
#define RANGE_MAX_RETIRING   RETIRING_LEN
#define REGION_RETIRING      REGION_ACTIVATION
#define RANGE_MIN_LEASE      LEASE_SLOT_LEN
#define RANGE_MAX_LEASE      LEASE_SLOT_LEN
#define RANGE_MIN_UP         PAD_KEYS_LEN
#define RANGE_MAX_UP         FRAME_RANGE_MAX
#define RANGE_MIN_DOWN       (PAD_KEYS_LEN + KEY_TAG_KEY_LEN + KEY_LEN_MIN)
#define RANGE_MAX_DOWN       FRAME_RANGE_MAX
#define RANGE_MIN_PART_UP    (PAD_KEYS_LEN + 1)
#define RANGE_MAX_PART_UP    (PAD_KEYS_LEN + KEY_PART_LEN)
#define REGION_PART_UP       REGION_UP
#define RANGE_MIN_PART_DOWN  RANGE_MIN_PART_UP
#define RANGE_MAX_PART_DOWN  RANGE_MAX_PART_UP
#define REGION_PART_DOWN     REGION_DOWN

static const struct message_row rows[] = {
#define X(number, name, sender, region, key)                                                       \
	{number, #name, SENDER_##sender, REGION_##region, key, RANGE_MIN_##region, RANGE_MAX_##region},
	DSKE_MESSAGE_LIST(X)
#undef X
};

const struct message_row *message_row(unsigned type)
{
	/* The list is numbered from 1 without gaps. */
	return type >= 1 && type <= sizeof(rows) / sizeof(rows[0]) ? &rows[type - 1] : NULL;
}

const uint8_t *message_key(unsigned type, const uint8_t *keys)
{
	return keys + (size_t)rows[type - 1].key * TAG_KEY_LEN;
}

const char *message_name(unsigned type)
{
	const struct message_row *row = message_row(type);

	if (row)
		return row->name;
	return type == MESSAGE_NOTE ? "NOTE" : "?";
}

static bool tag_is_zero(const struct tag *t)
{
	static const struct tag zero;

	return memcmp(t, &zero, sizeof(zero)) == 0;
}

/* Another version may have another form: look no further than its number. */
static dske_rc envelope_open(struct cbor_reader *r)
{
	size_t count = cbor_read_array(r, 1, UINT16_MAX);
	uint64_t version = cbor_read_uint(r, 0, UINT64_MAX);

	if (r->code == DSKE_RC_OK && version != FRAME_VERSION)
		return FAIL(UNSUPPORTED, "the frame is of version %llu, this is version %d",
			(unsigned long long)version, FRAME_VERSION);
	if (count != ENVELOPE_ITEMS)
		cbor_refuse(r, "the envelope does not have eight items");
	return (dske_rc){r->code};
}

static dske_rc envelope_check(const struct envelope *e)
{
	const struct message_row *row = message_row(e->type);

	if (e->type == MESSAGE_NOTE)
		return tag_is_zero(&e->tag) ? DSKE_OK : FAIL(FORMAT, "a note with a tag");
	if (!row)
		return FAIL(FORMAT, "unknown message type %u", e->type);
	if (e->length < row->range_min || e->length > row->range_max)
		return FAIL(FORMAT, "a %s cannot use a range of %u bytes", row->name, e->length);
	return DSKE_OK;
}

dske_rc frame_read(struct envelope *e, const uint8_t *item, size_t len)
{
	struct cbor_reader r;

	*e = (struct envelope){.item = item, .item_len = len};
	cbor_reader_init(&r, item, len);
	TRY(envelope_open(&r));
	e->type = (uint8_t)cbor_read_uint(&r, 1, UINT8_MAX);
	cbor_read_id(&r, &e->sender);
	cbor_read_id(&r, &e->table);
	e->offset = cbor_read_uint(&r, 0, TABLE_LEN_MAX);
	e->length = (uint32_t)cbor_read_uint(&r, 0, FRAME_RANGE_MAX);
	e->body = cbor_read_bytes(&r, 0, FRAME_MAX, &e->body_len);
	cbor_read_copy(&r, e->tag.b, TAG_LEN);
	TRY(cbor_end(&r));
	return envelope_check(e);
}

/* All of a frame that stands before its body's bytes. */
static void head_write(struct buf *out, const struct envelope *e, size_t body_len)
{
	buf_put_be32(out, 0);
	cbor_write_array(out, ENVELOPE_ITEMS);
	cbor_write_uint(out, FRAME_VERSION);
	cbor_write_uint(out, e->type);
	cbor_write_id(out, &e->sender);
	cbor_write_id(out, &e->table);
	cbor_write_uint(out, e->offset);
	cbor_write_uint(out, e->length);
	cbor_write_bytes_head(out, body_len);
}

/* Behind the body: the tag; and the length in front. */
static dske_rc finish(struct buf *out, size_t start, unsigned type, const uint8_t *tag_key)
{
	struct tag tag = {0};

	cbor_write_bytes(out, tag.b, TAG_LEN);
	TRY(buf_rc(out));

	uint8_t *frame = out->data + start;
	size_t item_len = out->len - start - FRAME_HEAD_LEN;

	if (item_len > FRAME_MAX)
		return FAIL(TOOBIG, "a %s of %zu bytes exceeds the longest frame", message_name(type), item_len);
	for (size_t i = 0; i < FRAME_HEAD_LEN; i++)
		frame[i] = (uint8_t)(item_len >> (8 * (FRAME_HEAD_LEN - 1 - i)));
	if (tag_key) {
		tag_compute(&tag, tag_key, frame + FRAME_HEAD_LEN, item_len - TAG_LEN);
		memcpy(frame + FRAME_HEAD_LEN + item_len - TAG_LEN, tag.b, TAG_LEN);
	}
	return DSKE_OK;
}

dske_rc frame_write(struct buf *out, const struct envelope *e, const uint8_t *tag_key)
{
	size_t start = out->len;

	head_write(out, e, e->body_len);
	buf_put(out, e->body, e->body_len);
	return finish(out, start, e->type, tag_key);
}

dske_rc frame_wrap(struct buf *b, size_t body_at, const struct envelope *e, const uint8_t *tag_key, size_t *start)
{
	uint8_t bytes[FRAME_WRAP_LEN];
	struct buf head;

	TRY(buf_rc(b));
	buf_fixed(&head, bytes, sizeof bytes);
	head_write(&head, e, b->len - body_at);
	TRY(buf_rc(&head));
	*start = body_at - head.len;
	memcpy(b->data + *start, bytes, head.len);
	return finish(b, *start, e->type, tag_key);
}

bool frame_verify(const struct envelope *e, const uint8_t tag_key[TAG_KEY_LEN])
{
	return tag_check(&e->tag, tag_key, e->item, e->item_len - TAG_LEN);
}

/*
 * The old SHA-256 calls, because they need no library context: EVP in the default one would read the
 * application's OpenSSL configuration, which may be what is loading us.  The digest recognises bytes
 * that were sent before; nobody's secrecy rests on it.
 */
void frame_digest(const struct envelope *e, uint8_t digest[FRAME_DIGEST_LEN])
{
	uint8_t whole[SHA256_DIGEST_LENGTH];
	SHA256_CTX sha;

	SHA256_Init(&sha);
	SHA256_Update(&sha, e->item, e->item_len);
	SHA256_Final(whole, &sha);
	memcpy(digest, whole, FRAME_DIGEST_LEN);
}
