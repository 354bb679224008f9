/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An input is a stream of frames.  What is accepted must be written back the same: envelope but for its
 * tag, and body.
 */
#include <stdlib.h>
#include <string.h>

#include "test/hubproto/samples.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void insist(bool it)
{
	if (!it)
		abort();
}

static void take_body(const struct envelope *e)
{
	AUTO(buf) out = {0};

	buf_heap(&out, e->body_len + 1);
	if (!rc_ok(body_copy(e->type, &out, e->body, e->body_len)))
		return;
	insist(out.len == e->body_len && memcmp(out.data, e->body, out.len) == 0);
}

static void take_item(const uint8_t *item, size_t len)
{
	AUTO(buf) out = {0};
	struct envelope e;
	uint8_t digest[FRAME_DIGEST_LEN];

	if (!rc_ok(frame_read(&e, item, len)))
		return;
	buf_heap(&out, FRAME_HEAD_LEN + len);
	insist(rc_ok(frame_write(&out, &e, NULL)));
	insist(out.len == FRAME_HEAD_LEN + len && memcmp(out.data + FRAME_HEAD_LEN, item, len - TAG_LEN) == 0);
	frame_digest(&e, digest);
	(void)frame_verify(&e, (const uint8_t[TAG_KEY_LEN]){1});
	take_body(&e);
	(void)item_check(item, len);
}

/* The length of each piece is taken from the bytes themselves, so that inputs find the seams. */
static size_t piece_len(const uint8_t *data, size_t len, size_t cap)
{
	size_t piece = (size_t)data[0] + 1;

	piece = piece < len ? piece : len;
	return piece < cap ? piece : cap;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct stream s;
	bool sound = true;

	stream_init(&s, FRAME_MAX_BEFORE_LEASE);
	while (sound && len > 0) {
		const uint8_t *item;
		size_t cap, item_len;
		uint8_t *space = stream_space(&s, &cap);

		insist(space != NULL && cap > 0);
		size_t piece = piece_len(data, len, cap);
		memcpy(space, data, piece);
		stream_filled(&s, piece);
		data += piece;
		len -= piece;
		while ((sound = rc_ok(stream_next(&s, &item, &item_len))) && item)
			take_item(item, item_len);
	}
	stream_drop(&s);
	return 0;
}
