/* SPDX-License-Identifier: Apache-2.0 */
/* pskm/supply.c - samples of what is left, and what they foretell. */
#include "config.h"

#include "pskm/supply.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "pskm/format.h"

#define HOUR_S UINT64_C(3600)
#define MONTH_S (UINT64_C(30) * SUPPLY_DAY_S)
#define YEAR_S (UINT64_C(365) * SUPPLY_DAY_S)
#define YEARS_TOLD 10 /* nothing is foretold beyond */

/* ---- the samples ---------------------------------------------------------------------------------- */

static bool is_within(const struct supply_left *left, const struct supply_left *most)
{
	return left->up <= most->up && left->down <= most->down && left->lease <= most->lease;
}

void supply_history_write(uint8_t out[SUPPLY_HISTORY_LEN], const struct supply_history *h)
{
	memset(out, 0, SUPPLY_HISTORY_LEN);
	for (size_t i = 0; i < h->count; i++) {
		uint8_t *to = out + i * SUPPLY_SAMPLE_LEN;
		be64_put(to, h->at[i].time);
		be64_put(to + 8, h->at[i].left.up);
		be64_put(to + 16, h->at[i].left.down);
		be64_put(to + 24, h->at[i].left.lease);
	}
}

void supply_history_read(struct supply_history *h, const uint8_t in[SUPPLY_HISTORY_LEN])
{
	*h = (struct supply_history){0};
	for (size_t i = 0; i < SUPPLY_SAMPLES; i++) {
		const uint8_t *from = in + i * SUPPLY_SAMPLE_LEN;
		struct supply_sample s = {
			.time = be64_get(from),
			.left = {.up = be64_get(from + 8), .down = be64_get(from + 16), .lease = be64_get(from + 24)},
		};
		if (s.time == 0)
			return;
		if (i > 0 && (s.time <= h->at[i - 1].time || !is_within(&s.left, &h->at[i - 1].left))) {
			h->count = 0;
			return;
		}
		h->at[h->count++] = s;
	}
}

/* How much is lost with sample i: the gap that it leaves, measured by its age. */
static double loss_of(const struct supply_history *h, size_t i, uint64_t now)
{
	return (double)(h->at[i + 1].time - h->at[i - 1].time) / (double)(now - h->at[i].time + 1);
}

/* Gaps in proportion to age: 32 samples reach from a minute back to many years. */
static void make_room(struct supply_history *h, uint64_t now)
{
	size_t goes = 1;
	if (h->count < SUPPLY_SAMPLES)
		return;
	for (size_t i = 2; i + 1 < h->count; i++) {
		if (loss_of(h, i, now) < loss_of(h, goes, now))
			goes = i;
	}
	h->count--;
	memmove(&h->at[goes], &h->at[goes + 1], (h->count - goes) * sizeof h->at[0]);
}

void supply_note(struct supply_history *h, uint64_t now, const struct supply_left *left)
{
	if (now == 0)
		return;
	while (h->count > 0 && h->at[h->count - 1].time > now)
		h->count--;
	if (h->count > 0) {
		const struct supply_sample *last = &h->at[h->count - 1];
		if (now - last->time < SUPPLY_INTERVAL_S)
			return;
		if (!is_within(left, &last->left))
			h->count = 0; /* a supply that grew: these samples are of something else */
	}
	make_room(h, now);
	h->at[h->count++] = (struct supply_sample){.time = now, .left = *left};
}

/* ---- the forecast --------------------------------------------------------------------------------- */

static void raise_to(double *rate, uint64_t before, uint64_t left, uint64_t elapsed)
{
	double r = before > left ? (double)(before - left) / (double)elapsed : 0;
	if (r > *rate)
		*rate = r;
}

/* From the oldest sample that is not older than `back`.  One just before it does not do: after a clock that
 * jumped ahead, or a long rest, the time in between says nothing about today. */
static void look_back(struct supply *s, const struct supply_history *h, uint64_t now, uint64_t back,
		      const struct supply_left *left)
{
	size_t i = 0;
	while (i < h->count && now - h->at[i].time > back)
		i++;
	if (i == h->count || now - h->at[i].time < SUPPLY_EVIDENCE_S)
		return;
	uint64_t elapsed = now - h->at[i].time;
	raise_to(&s->up_rate, h->at[i].left.up, left->up, elapsed);
	raise_to(&s->down_rate, h->at[i].left.down, left->down, elapsed);
	raise_to(&s->lease_rate, h->at[i].left.lease, left->lease, elapsed);
}

static uint64_t lasts(uint64_t left, double rate)
{
	if (left == 0)
		return 0;
	double seconds = rate > 0 ? (double)left / rate : -1;
	return seconds >= 0 && seconds < (double)(UINT64_C(1) << 62) ? (uint64_t)seconds : SUPPLY_UNKNOWN;
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

uint64_t supply_lasts(const struct supply *s, const struct supply_left *left)
{
	return least(least(lasts(left->up, s->up_rate), lasts(left->down, s->down_rate)), lasts(left->lease, s->lease_rate));
}

struct supply supply_forecast(const struct supply_history *h, uint64_t now, const struct supply_left *left,
			      const struct supply_left *total)
{
	struct supply s = {0};
	bool usable = h->count > 0 && h->at[h->count - 1].time <= now && is_within(&h->at[0].left, total) &&
		      is_within(left, &h->at[h->count - 1].left);
	if (usable) {
		look_back(&s, h, now, SUPPLY_DAY_S, left);
		look_back(&s, h, now, SUPPLY_WEEK_S, left);
	}
	s.lasts_s = supply_lasts(&s, left);
	return s;
}

/* ---- in words ------------------------------------------------------------------------------------- */

/* One row a unit: up to so many seconds it is told in that unit. */
static const struct {
	uint64_t below, unit;
	const char *name;
} units[] = {
	{2 * HOUR_S, 60, "minute"},
	{2 * SUPPLY_DAY_S, HOUR_S, "hour"},
	{60 * SUPPLY_DAY_S, SUPPLY_DAY_S, "day"},
	{2 * YEAR_S, MONTH_S, "month"},
	{(YEARS_TOLD + 1) * YEAR_S, YEAR_S, "year"},
};

const char *supply_duration(uint64_t seconds, char text[SUPPLY_TEXT_MAX])
{
	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
		if (seconds >= units[i].below)
			continue;
		uint64_t n = seconds / units[i].unit;
		if (n == 0)
			snprintf(text, SUPPLY_TEXT_MAX, "less than a minute");
		else
			snprintf(text, SUPPLY_TEXT_MAX, "%" PRIu64 " %s%s", n, units[i].name, n == 1 ? "" : "s");
		return text;
	}
	if (seconds == SUPPLY_UNKNOWN)
		snprintf(text, SUPPLY_TEXT_MAX, "unknown");
	else
		snprintf(text, SUPPLY_TEXT_MAX, "more than %d years", YEARS_TOLD);
	return text;
}

const char *supply_sentence(uint64_t seconds, char text[SUPPLY_TEXT_MAX])
{
	char duration[SUPPLY_TEXT_MAX];
	if (seconds == SUPPLY_UNKNOWN)
		snprintf(text, SUPPLY_TEXT_MAX, "no forecast yet");
	else if (seconds == 0)
		snprintf(text, SUPPLY_TEXT_MAX, "empty");
	else
		snprintf(text, SUPPLY_TEXT_MAX, "empty in %.32s at this rate", supply_duration(seconds, duration));
	return text;
}
