/* SPDX-License-Identifier: Apache-2.0 */
/* test/sim/adapted-link.c - the direct link of the adapted scheme, and who sits on it (doc/protocol.md, 9.4). */
#include <string.h>

#include "test/sim/sim.h"

static const struct id *speaker(const struct sim *s, enum sim_address to)
{
	const struct terms *t = &s->agreement[FIRST].terms;

	return to == TO_BOB ? &t->initiator : &t->receiver[0];
}

struct sim_frame sim_direct_seal(struct sim *s, enum sim_address to, enum direct_type type, const struct buf *body,
				 const uint8_t *key)
{
	uint8_t bytes[SIM_FRAME_MAX];
	struct buf frame;
	struct direct_item item = {.type = (uint8_t)type,
		.sender = *speaker(s, to),
		.key_id = s->agreement[FIRST].terms.key_id,
		.body = body->data,
		.body_len = body->len};

	buf_fixed(&frame, bytes, sizeof bytes);
	if (!rc_ok(direct_write(&frame, &item, key)))
		sim_break(s, "a frame of the direct link cannot be written");
	return (struct sim_frame){.bytes = sim_keep(s, frame.data, frame.len), .len = frame.len};
}

static void arrive(struct sim *s, enum sim_address to, struct sim_frame frame)
{
	sim_event_add(s, (struct sim_event){.time = s->now + 1 + (int)seeded_below(&s->seed, 30), .to = to,
		      .item = frame.bytes + FRAME_HEAD_LEN, .len = frame.len - FRAME_HEAD_LEN});
}

/* ---- who lies on the link -------------------------------------------------------------------------------- */

static void changed(struct sim *s, enum sim_address to, struct sim_frame frame)
{
	uint8_t *copy = sim_keep(s, frame.bytes, frame.len);

	copy[FRAME_HEAD_LEN + seeded_below(&s->seed, frame.len - FRAME_HEAD_LEN)] ^=
		(uint8_t)(1u << seeded_below(&s->seed, 8));
	arrive(s, to, (struct sim_frame){copy, frame.len});
}

static void body_forge(struct sim *s, enum direct_type type, struct buf *body)
{
	uint8_t n = s->agreement[FIRST].terms.n;
	struct adapted_marks marks = {.count = n};
	struct adapted_list list = {.count = n};
	struct tag proof;

	for (uint8_t i = 0; i < n; i++)
		marks.at[i].x = list.x[i] = (uint8_t)(i + 1);
	sim_fill(s, &list.key_tag, sizeof list.key_tag);
	sim_fill(s, &proof, sizeof proof);
	if (type == DIRECT_TAGS)
		(void)direct_tags_write(body, &marks);
	else if (type == DIRECT_LIST)
		(void)direct_list_write(body, &list);
	else if (type == DIRECT_DONE)
		(void)direct_done_write(body, &proof);
	else if (type == DIRECT_HELLO)
		(void)direct_hello_write(body, speaker(s, TO_BOB));
	else
		(void)direct_bye_write(body, BYE_TIME);
}

static void forged(struct sim *s, enum sim_address to)
{
	enum direct_type type = (enum direct_type)(DIRECT_HELLO + seeded_below(&s->seed, sim_chance(s, 20) ? 5 : 4));
	bool has_tag = type == DIRECT_TAGS || type == DIRECT_LIST;
	uint8_t bytes[SIM_FRAME_MAX], key[TAG_KEY_LEN];
	struct buf body;

	buf_fixed(&body, bytes, sizeof bytes);
	sim_fill(s, key, sizeof key);
	body_forge(s, type, &body);
	arrive(s, to, sim_direct_seal(s, to, type, &body, has_tag ? key : NULL));
}

static void lied(struct sim *s, enum sim_address to, struct sim_frame frame)
{
	if (sim_chance(s, 30))
		changed(s, to, frame);
	if (sim_chance(s, 20))
		forged(s, sim_chance(s, 50) ? TO_ALICE : TO_BOB);
	if (sim_chance(s, 20)) /* back to who said it */
		arrive(s, to == TO_ALICE ? TO_BOB : TO_ALICE, frame);
	if (sim_chance(s, 60))
		arrive(s, to, frame);
}

void sim_direct_again(struct sim *s, enum sim_address to, struct sim_frame frame)
{
	switch (s->path) {
	case PATH_LOSSY:
		if (sim_chance(s, 60))
			arrive(s, to, frame);
		if (sim_chance(s, 20))
			arrive(s, to, frame);
		return;
	case PATH_LIES:
		lied(s, to, frame);
		return;
	case PATH_DOWN:
		return;
	default:
		arrive(s, to, frame);
	}
}

void sim_direct_send(
	struct sim *s, enum sim_address to, enum direct_type type, const struct buf *body, const uint8_t *key)
{
	sim_direct_again(s, to, sim_direct_seal(s, to, type, body, key));
}

bool sim_direct_read(const struct sim *s, const struct sim_event *e, struct direct_item *d)
{
	return rc_ok(direct_read(d, e->item, e->len)) && id_equal(&d->key_id, &s->agreement[FIRST].terms.key_id) &&
	       id_equal(&d->sender, speaker(s, e->to));
}
