/* SPDX-License-Identifier: Apache-2.0 */
/* core/ranges.c - intervals in order, never touching one another, so that at most one can contain a range. */
#include "core/ranges.h"

#include <string.h>

/* Index of the first interval that ends at or after `at` (count when there is none). */
static size_t first_ending(const struct ranges *s, uint64_t at)
{
	size_t low = 0, high = s->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (s->r[middle].end < at)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

bool ranges_overlap(const struct ranges *s, uint64_t start, uint64_t end)
{
	if (start >= end)
		return false;
	size_t i = first_ending(s, start + 1);
	return i < s->count && s->r[i].start < end;
}

bool ranges_cover(const struct ranges *s, uint64_t start, uint64_t end)
{
	if (start >= end)
		return true;
	size_t i = first_ending(s, end);
	return i < s->count && s->r[i].start <= start;
}

static void remove_at(struct ranges *s, size_t i)
{
	memmove(&s->r[i], &s->r[i + 1], (s->count - i - 1) * sizeof s->r[0]);
	s->count--;
}

static void insert_at(struct ranges *s, size_t i, struct range r)
{
	memmove(&s->r[i + 1], &s->r[i], (s->count - i) * sizeof s->r[0]);
	s->r[i] = r;
	s->count++;
}

/* Puts r before interval i of a full set: the lowest hole is closed, be it beside r or not. */
static void insert_full(struct ranges *s, size_t i, struct range r)
{
	if (i == 0) {
		s->r[0].start = r.start;
	} else if (i == 1) {
		s->r[0].end = r.end;
	} else {
		s->r[0].end = s->r[1].end;
		remove_at(s, 1);
		insert_at(s, i - 1, r);
	}
}

dske_rc ranges_add(struct ranges *s, uint64_t start, uint64_t end)
{
	if (start >= end)
		return FAIL(ARGS, "an empty range cannot be added");
	if (ranges_overlap(s, start, end))
		return FAIL(USED, "bytes between %llu and %llu are already used", (unsigned long long)start,
			    (unsigned long long)end);

	size_t i = first_ending(s, start);
	bool joins_left = i < s->count && s->r[i].end == start;
	size_t right = joins_left ? i + 1 : i;
	bool joins_right = right < s->count && s->r[right].start == end;

	if (joins_left && joins_right) {
		s->r[i].end = s->r[right].end;
		remove_at(s, right);
	} else if (joins_left) {
		s->r[i].end = end;
	} else if (joins_right) {
		s->r[right].start = start;
	} else if (s->count == RANGES_MAX) {
		insert_full(s, i, (struct range){start, end});
	} else {
		insert_at(s, i, (struct range){start, end});
	}
	return DSKE_OK;
}
