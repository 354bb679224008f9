/* SPDX-License-Identifier: Apache-2.0 */
/* core/tag.c - both tags are one sum, evaluated by Horner's rule from the last block to the first. */
#include "core/tag.h"

#include <string.h>

#include "base/secret.h"

/* sum_{j=1..s} c^j y_j, the length block y_s included. */
static struct gf128 hash(struct gf128 c, const uint8_t *message, size_t len)
{
	size_t whole = len / GF128_LEN, rest = len % GF128_LEN;
	uint8_t last[GF128_LEN] = {0};
	uint64_t bytes = len;
	struct gf128 acc = gf128_mul(c, (struct gf128){bytes << 3, bytes >> 61});

	if (rest > 0) {
		memcpy(last, message + whole * GF128_LEN, rest);
		acc = gf128_horner(acc, c, last, 1);
		mem_wipe(last, sizeof last);
	}
	return whole > 0 ? gf128_horner(acc, c, message, whole) : acc;
}

void tag_compute(struct tag *out, const uint8_t key[TAG_KEY_LEN], const void *message, size_t len)
{
	struct gf128 c = gf128_load(key), d = gf128_load(key + GF128_LEN);

	gf128_store(out->b, gf128_add(d, hash(c, message, len)));
}

void key_tag_compute(struct tag *out, const uint8_t u[KEY_TAG_KEY_LEN], const void *key, size_t len)
{
	struct gf128 c = gf128_load(u), d = gf128_load(u + GF128_LEN), e = gf128_load(u + 2 * GF128_LEN);

	/* d + c e + sum c^(j+1) y_j = d + c (e + sum c^j y_j) */
	gf128_store(out->b, gf128_add(d, gf128_mul(c, gf128_add(e, hash(c, key, len)))));
}

bool tag_check(const struct tag *expected, const uint8_t key[TAG_KEY_LEN], const void *message, size_t len)
{
	struct tag actual;

	tag_compute(&actual, key, message, len);
	bool equal = mem_equal(actual.b, expected->b, TAG_LEN);
	mem_wipe(&actual, sizeof actual); /* the right tag of a wrong message is a forgery */
	return equal;
}

bool key_tag_check(const struct tag *expected, const uint8_t u[KEY_TAG_KEY_LEN], const void *key, size_t len)
{
	struct tag actual;

	key_tag_compute(&actual, u, key, len);
	bool equal = mem_equal(actual.b, expected->b, TAG_LEN);
	mem_wipe(&actual, sizeof actual);
	return equal;
}
