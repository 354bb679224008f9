/* SPDX-License-Identifier: Apache-2.0 */
/* test/sim/link.c - time, links that lose, double, damage, delay and replay, and table bytes that are used once. */
#include <stdlib.h>
#include <string.h>

#include "test/sim/sim.h"

#define DELAY_MAX 150 /* ms: what was sent later may come first */

void sim_break(struct sim *s, const char *what)
{
	if (!s->broken)
		s->broken = what;
}

bool sim_chance(struct sim *s, int of_100)
{
	return (int)seeded_below(&s->seed, 100) < of_100;
}

void *sim_keep(struct sim *s, const void *bytes, size_t len)
{
	uint8_t *kept = s->arena + s->arena_len;

	if (len > SIM_ARENA - s->arena_len)
		abort(); /* of the simulation, not of what it simulates */
	memcpy(kept, bytes, len);
	s->arena_len += (len + 15) & ~(size_t)15;
	return kept;
}

static void event_add(struct sim *s, struct sim_event e)
{
	if (s->event_count < SIM_EVENTS)
		s->event[s->event_count++] = e;
}

void sim_timer(struct sim *s, enum sim_address which, uint8_t hub, int time)
{
	event_add(s, (struct sim_event){.time = time, .to = which, .hub = hub});
}

static void deliver(struct sim *s, enum sim_address to, uint8_t hub, const uint8_t *item, size_t len)
{
	int time = s->now + 1 + (int)seeded_below(&s->seed, DELAY_MAX);

	if (sim_chance(s, s->damage) && s->arena_len + len < SIM_ARENA / 2) {
		uint8_t *damaged = sim_keep(s, item, len);

		if (sim_chance(s, 30))
			len = seeded_below(&s->seed, len);
		else
			damaged[seeded_below(&s->seed, len)] ^= (uint8_t)(1u << seeded_below(&s->seed, 8));
		item = damaged;
	}
	event_add(s, (struct sim_event){.time = time, .to = to, .hub = hub, .item = item, .len = len});
}

void sim_send(struct sim *s, enum sim_address to, uint8_t hub, const uint8_t *frame, size_t len)
{
	const uint8_t *item = frame + FRAME_HEAD_LEN;

	len -= FRAME_HEAD_LEN;
	if (!sim_chance(s, s->loss))
		deliver(s, to, hub, item, len);
	if (sim_chance(s, s->copies))
		deliver(s, to, hub, item, len);
	if (sim_chance(s, s->replays)) /* to anybody at all */
		deliver(s, (enum sim_address)seeded_below(&s->seed, TIMER_INITIATOR), (uint8_t)seeded_below(&s->seed, s->terms.n),
			item, len);
}

/* The earliest; of equals the one that was put in first. */
bool sim_next(struct sim *s, struct sim_event *e)
{
	size_t first = 0;

	if (s->event_count == 0)
		return false;
	for (size_t i = 1; i < s->event_count; i++)
		if (s->event[i].time < s->event[first].time)
			first = i;
	*e = s->event[first];
	s->event_count--;
	memmove(s->event + first, s->event + first + 1, (s->event_count - first) * sizeof *e);
	s->now = e->time;
	return e->time <= SIM_DEADLINE;
}

uint64_t sim_allocate(struct sim *s, struct sim_region *r, size_t len)
{
	uint64_t at = r->cursor;

	if (at + len > SIM_REGION) {
		sim_break(s, "a region is used up");
		return 0;
	}
	r->cursor += len;
	return at;
}

bool sim_receive(struct sim_region *r, enum message_type type, const uint8_t *item, size_t len, struct envelope *e)
{
	if (!rc_ok(frame_read(e, item, len)) || e->type != type)
		return false;
	if (e->offset >= SIM_REGION || e->length > SIM_REGION - e->offset || e->length < PAD_KEYS_LEN)
		return false;
	if (ranges_overlap(&r->taken, e->offset, e->offset + e->length))
		return false;
	if (!sim_ignores_tags && !frame_verify(e, message_key(type, r->bytes + e->offset)))
		return false;
	return rc_ok(ranges_add(&r->taken, e->offset, e->offset + e->length));
}
