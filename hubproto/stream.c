/* SPDX-License-Identifier: Apache-2.0 */
#include "hubproto/frame.h"

/* One read's worth.  A buffer that a long frame made large is given back when it is empty. */
#define STREAM_CHUNK_LEN ((size_t)16 << 10)
#define STREAM_KEEP_LEN  ((size_t)64 << 10)

static void stream_empty(struct stream *s)
{
	buf_heap(&s->in, FRAME_HEAD_LEN + FRAME_MAX + STREAM_CHUNK_LEN);
	s->start = 0;
}

void stream_init(struct stream *s, size_t max)
{
	stream_empty(s);
	s->max = max < FRAME_MAX ? max : FRAME_MAX;
}

static void consume(struct stream *s)
{
	buf_consume(&s->in, s->start);
	s->start = 0;
}

uint8_t *stream_space(struct stream *s, size_t *cap)
{
	consume(s);
	if (s->in.len == 0 && s->in.cap > STREAM_KEEP_LEN) {
		buf_drop(&s->in);
		stream_empty(s);
	}

	uint8_t *space = buf_grow(&s->in, STREAM_CHUNK_LEN);

	/* All that there is room for, since a long item ought not to take many reads. */
	*cap = space ? s->in.cap - (s->in.len - STREAM_CHUNK_LEN) : 0;
	if (space)
		s->in.len -= STREAM_CHUNK_LEN;
	return space;
}

dske_rc stream_feed(struct stream *s, const void *bytes, size_t len)
{
	consume(s);
	buf_put(&s->in, bytes, len);
	return buf_rc(&s->in);
}

void stream_rest(struct stream *s)
{
	if (s->in.len > s->start || s->in.cap == 0)
		return;
	buf_drop(&s->in);
	stream_empty(s);
}

size_t stream_held(const struct stream *s)
{
	return s->in.len - s->start;
}

bool stream_is_long(const struct stream *s)
{
	return stream_held(s) >= STREAM_CHUNK_LEN;
}

void stream_filled(struct stream *s, size_t len)
{
	s->in.len += len;
}

dske_rc stream_next(struct stream *s, const uint8_t **item, size_t *len)
{
	size_t there = s->in.len - s->start;
	size_t item_len = 0;

	*item = NULL;
	*len = 0;
	if (there < FRAME_HEAD_LEN)
		return DSKE_OK;

	const uint8_t *head = s->in.data + s->start;

	for (size_t i = 0; i < FRAME_HEAD_LEN; i++)
		item_len = item_len << 8 | head[i];
	if (item_len == 0)
		return FAIL(FORMAT, "an empty frame");
	if (item_len > s->max)
		return FAIL(TOOBIG, "a frame of %zu bytes, where %zu are allowed", item_len, s->max);
	if (there - FRAME_HEAD_LEN < item_len)
		return DSKE_OK;
	*item = head + FRAME_HEAD_LEN;
	*len = item_len;
	s->start += FRAME_HEAD_LEN + item_len;
	return DSKE_OK;
}

void stream_drop(struct stream *s)
{
	buf_drop(&s->in);
	s->start = 0;
}
