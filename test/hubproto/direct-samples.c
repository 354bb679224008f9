/* SPDX-License-Identifier: Apache-2.0 */
#include "test/hubproto/direct-samples.h"

#include <string.h>

static void fill(void *out, size_t len, unsigned seed)
{
	uint8_t *bytes = out;

	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)(seed * 0x1f + i * 0x13 + (i >> 4));
}

static struct id id_of(unsigned seed)
{
	struct id id;

	fill(id.b, ID_LEN, seed);
	return id;
}

enum { SEED_ALICE = 0xa1, SEED_BOB = 0xb0, SEED_KEY = 0x1d };

static void hello(struct buf *body)
{
	struct id peer = id_of(SEED_ALICE);

	direct_hello_write(body, &peer);
}

static void tags_of(struct buf *body, unsigned count, unsigned step)
{
	struct adapted_marks m = {.count = (uint8_t)count};

	for (unsigned i = 0; i < count; i++) {
		m.at[i].x = (uint8_t)(1 + i * step);
		fill(m.at[i].tag.b, TAG_LEN, i);
	}
	direct_tags_write(body, &m);
}

static void tags(struct buf *body)
{
	tags_of(body, 3, 30);
}

static void tags_least(struct buf *body)
{
	tags_of(body, 1, 0);
}

static void tags_most(struct buf *body)
{
	tags_of(body, TERMS_HUBS_MAX, 1);
}

static void list_of(struct buf *body, unsigned count)
{
	struct adapted_list l = {.count = (uint8_t)count};

	for (unsigned i = 0; i < count; i++)
		l.x[i] = (uint8_t)(i + 1);
	fill(l.key_tag.b, TAG_LEN, 0x99);
	direct_list_write(body, &l);
}

static void list(struct buf *body)
{
	list_of(body, 5);
}

static void list_least(struct buf *body)
{
	list_of(body, 1);
}

static void list_most(struct buf *body)
{
	list_of(body, TERMS_HUBS_MAX);
}

static void done(struct buf *body)
{
	struct tag proof;

	fill(proof.b, TAG_LEN, 0xd0);
	direct_done_write(body, &proof);
}

static void bye(struct buf *body)
{
	direct_bye_write(body, BYE_TOO_FEW);
}

const struct direct_sample direct_samples[] = {
	{"direct-hello", DIRECT_HELLO, hello},
	{"direct-tags", DIRECT_TAGS, tags},
	{"direct-tags-least", DIRECT_TAGS, tags_least},
	{"direct-tags-most", DIRECT_TAGS, tags_most},
	{"direct-list", DIRECT_LIST, list},
	{"direct-list-least", DIRECT_LIST, list_least},
	{"direct-list-most", DIRECT_LIST, list_most},
	{"direct-done", DIRECT_DONE, done},
	{"direct-bye", DIRECT_BYE, bye},
};
const size_t direct_sample_count = sizeof direct_samples / sizeof direct_samples[0];

bool direct_sample_frame(size_t i, struct buf *frame, uint8_t key[TAG_KEY_LEN])
{
	AUTO(buf) body = {0};
	const struct direct_sample *s = &direct_samples[i];
	bool tagged = s->type == DIRECT_TAGS || s->type == DIRECT_LIST;

	buf_heap(&body, DIRECT_ITEM_MAX);
	s->write(&body);
	fill(key, TAG_KEY_LEN, (unsigned)i + 1);
	direct_write(frame,
		     &(struct direct_item){.type = s->type, .sender = id_of(s->type == DIRECT_LIST ? SEED_ALICE : SEED_BOB),
					   .key_id = id_of(SEED_KEY), .body = body.data, .body_len = body.len},
		     tagged ? key : NULL);
	return tagged;
}

#define COPY(name, type, give)                                                                 \
	static dske_rc copy_##name(struct buf *out, const uint8_t *body, size_t len)           \
	{                                                                                      \
		type m;                                                                        \
		TRY(direct_##name##_read(&m, body, len));                                      \
		return direct_##name##_write(out, give);                                       \
	}
COPY(hello, struct id, &m)
COPY(tags, struct adapted_marks, &m)
COPY(list, struct adapted_list, &m)
COPY(done, struct tag, &m)
COPY(bye, unsigned, (enum direct_bye)m)

dske_rc direct_body_copy(unsigned type, struct buf *out, const uint8_t *body, size_t len)
{
	static dske_rc (*const copies[])(struct buf *, const uint8_t *, size_t) = {
		[DIRECT_HELLO] = copy_hello, [DIRECT_TAGS] = copy_tags, [DIRECT_LIST] = copy_list,
		[DIRECT_DONE] = copy_done,   [DIRECT_BYE] = copy_bye,
	};
	return copies[type](out, body, len);
}

dske_rc direct_item_check(const uint8_t *item, size_t len)
{
	AUTO(buf) copy = {0};
	struct direct_item d;

	TRY(direct_read(&d, item, len));
	buf_heap(&copy, d.body_len + 1);
	return direct_body_copy(d.type, &copy, d.body, d.body_len);
}
