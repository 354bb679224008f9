/* SPDX-License-Identifier: Apache-2.0 */
/* test/sim/link.c - time, links that lose, double, damage, delay and replay, and table bytes that are used once. */
#include <stdlib.h>
#include <string.h>

#include "test/sim/sim.h"

enum sim_fault sim_fault;

void sim_break(struct sim *s, const char *what)
{
	if (!s->broken)
		s->broken = what;
}

bool sim_chance(struct sim *s, int of_100)
{
	return (int)seeded_below(&s->seed, 100) < of_100;
}

void sim_fill(struct sim *s, void *out, size_t len)
{
	for (size_t at = 0; at < len; at += sizeof(uint64_t)) {
		uint64_t word = seeded_next(&s->seed);

		memcpy((uint8_t *)out + at, &word, len - at < sizeof word ? len - at : sizeof word);
	}
}

void *sim_room(struct sim *s, size_t len)
{
	uint8_t *room = s->arena + s->arena_len;

	if (len > SIM_ARENA - s->arena_len)
		abort(); /* of the simulation, not of what it simulates */
	s->arena_len += (len + 15) & ~(size_t)15;
	return room;
}

void *sim_keep(struct sim *s, const void *bytes, size_t len)
{
	return memcpy(sim_room(s, len), bytes, len);
}

/* ---- events: a heap, of which equals come out as they were put in ---------------------------------------- */

static bool is_before(const struct sim_event *a, const struct sim_event *b)
{
	return a->time != b->time ? a->time < b->time : a->order < b->order;
}

void sim_event_add(struct sim *s, struct sim_event e)
{
	size_t at = s->event_count;

	if (e.time > s->deadline)
		return;
	if (at == SIM_EVENTS)
		abort();
	e.order = s->event_order++;
	for (s->event_count++; at > 0 && is_before(&e, &s->event[(at - 1) / 2]); at = (at - 1) / 2)
		s->event[at] = s->event[(at - 1) / 2];
	s->event[at] = e;
}

bool sim_next(struct sim *s, struct sim_event *e)
{
	size_t at = 0, child;

	if (s->event_count == 0)
		return false;
	*e = s->event[0];
	struct sim_event last = s->event[--s->event_count];
	while ((child = 2 * at + 1) < s->event_count) {
		child += child + 1 < s->event_count && is_before(&s->event[child + 1], &s->event[child]);
		if (!is_before(&s->event[child], &last))
			break;
		s->event[at] = s->event[child];
		at = child;
	}
	s->event[at] = last;
	s->now = e->time;
	return true;
}

void sim_timer(struct sim *s, enum sim_address which, int time)
{
	sim_event_add(s, (struct sim_event){.time = time, .to = which});
}

/* ---- links ----------------------------------------------------------------------------------------------- */

static void deliver(struct sim *s, struct sim_event e)
{
	e.time = s->now + 1 + (int)seeded_below(&s->seed, SIM_DELAY_MAX);
	if (sim_chance(s, s->damage) && s->arena_len + e.len < SIM_ARENA / 2) {
		uint8_t *damaged = sim_keep(s, e.item, e.len);

		if (sim_chance(s, 30))
			e.len = seeded_below(&s->seed, e.len);
		else
			damaged[seeded_below(&s->seed, e.len)] ^= (uint8_t)(1u << seeded_below(&s->seed, 8));
		e.item = damaged;
	}
	sim_event_add(s, e);
}

void sim_send(struct sim *s, enum sim_address to, size_t hub, size_t member, struct sim_frame frame)
{
	struct sim_event e = {.to = to, .hub = (uint8_t)hub, .member = (uint8_t)member, .item = frame.bytes + FRAME_HEAD_LEN,
			      .len = frame.len - FRAME_HEAD_LEN};
	bool is_kept_back = to == TO_RECEIVER && sim_is_pressed(s, hub, member) && sim_chance(s, 90);

	if (!sim_chance(s, s->loss) && !is_kept_back)
		deliver(s, e);
	if (sim_chance(s, s->copies) && !is_kept_back)
		deliver(s, e);
	if (sim_chance(s, s->replays)) { /* to anybody at all */
		e.to = (enum sim_address)seeded_below(&s->seed, TO_ALICE + (s->kind == KIND_ADAPTED ? 2 : 0));
		e.hub = (uint8_t)seeded_below(&s->seed, s->agreement[FIRST].terms.n);
		e.member = (uint8_t)seeded_below(&s->seed, s->members);
		deliver(s, e);
	}
}

/* ---- tables ---------------------------------------------------------------------------------------------- */

struct sim_region *sim_region_new(struct sim *s, size_t size)
{
	struct sim_region *r = sim_room(s, sizeof *r);

	r->bytes = sim_room(s, size);
	sim_fill(s, r->bytes, size);
	r->size = size;
	r->cursor = r->sealed = 0;
	r->taken.count = 0;
	memset(r->seen, 0, sizeof r->seen);
	return r;
}

uint64_t sim_allocate(struct sim *s, struct sim_region *r, size_t len)
{
	uint64_t at = r->cursor;

	if (at + len > r->size) {
		sim_break(s, "a region is used up");
		return 0;
	}
	r->cursor += len;
	return at;
}

/* The key of the request, or of the answer to it. */
static bool is_request(enum message_type type)
{
	return message_row(type)->key == 0;
}

struct sim_frame sim_seal(struct sim *s, struct sim_region *r, enum message_type type, size_t hub, uint64_t at,
	size_t len, const struct buf *body)
{
	const struct terms *t = &s->agreement[FIRST].terms;
	uint8_t bytes[SIM_FRAME_MAX];
	struct buf frame;

	if (is_request(type)) {
		if (at < r->sealed && s->dealer != DEALER_OVERLAPS)
			sim_break(s, "one range for two messages");
		r->sealed = at + len;
	}
	buf_fixed(&frame, bytes, sizeof bytes);
	if (!rc_ok(frame_write(&frame, &(struct envelope){.type = (uint8_t)type, .sender = t->hub[hub], .table = t->hub[hub],
			       .offset = at, .length = (uint32_t)len, .body = body->data, .body_len = body->len},
			       message_key(type, r->bytes + at))))
		sim_break(s, "a frame cannot be written");
	return (struct sim_frame){.bytes = sim_keep(s, frame.data, frame.len), .len = frame.len};
}

/* Bits of bytes, counted apart from core/ranges.h: the check must not share its mistakes. */
static void seen_add(struct sim *s, struct sim_region *r, uint64_t from, uint64_t to)
{
	for (uint64_t at = from; at < to; at++) {
		uint64_t bit = UINT64_C(1) << at % 64;

		if (r->seen[at / 64] & bit)
			sim_break(s, "a table byte was taken twice");
		r->seen[at / 64] |= bit;
	}
}

bool sim_take(struct sim *s, struct sim_region *r, const struct envelope *e)
{
	if (e->offset >= r->size || e->length > r->size - e->offset || e->length < PAD_KEYS_LEN)
		return false;
	uint64_t end = e->offset + e->length;

	if (sim_fault != FAULT_RANGES && ranges_overlap(&r->taken, e->offset, end))
		return false;
	if (sim_fault != FAULT_TAGS && !frame_verify(e, message_key(e->type, r->bytes + e->offset)))
		return false;
	if (!rc_ok(ranges_add(&r->taken, e->offset, end)) && sim_fault != FAULT_RANGES)
		return false;
	seen_add(s, r, e->offset, end);
	return true;
}

bool sim_is_answer(const struct sim_region *r, const struct envelope *e, uint64_t at)
{
	return e->offset == at && at + PAD_KEYS_LEN <= r->size && frame_verify(e, message_key(e->type, r->bytes + at));
}
