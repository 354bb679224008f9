/* SPDX-License-Identifier: Apache-2.0 */
/* test/core/seeded.h - numbers that look random and are the same in every run (splitmix64). */
#ifndef DSKE_TEST_CORE_SEEDED_H
#define DSKE_TEST_CORE_SEEDED_H

#include <stddef.h>
#include <stdint.h>

struct seeded {
	uint64_t state;
};

static inline uint64_t seeded_next(struct seeded *s)
{
	uint64_t z = s->state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

/* Below `limit`, which is small. */
static inline size_t seeded_below(struct seeded *s, size_t limit)
{
	return (size_t)(seeded_next(s) % limit);
}

static inline void seeded_fill(struct seeded *s, void *out, size_t len)
{
	uint8_t *p = out;

	for (size_t i = 0; i < len; i++)
		p[i] = (uint8_t)(seeded_next(s) >> 32);
}

#endif
