/* SPDX-License-Identifier: Apache-2.0 */
/* core/tag.c - both tags are one sum (core/gf128.h), which can also come piece by piece. */
#include "core/tag.h"

#include "base/secret.h"

void tag_compute(struct tag *out, const uint8_t key[TAG_KEY_LEN], const void *message, size_t len)
{
	gf128_selected()->tag(out->b, key, key + GF128_LEN, NULL, message, len);
}

void key_tag_compute(struct tag *out, const uint8_t u[KEY_TAG_KEY_LEN], const void *key, size_t len)
{
	gf128_selected()->tag(out->b, u, u + GF128_LEN, u + 2 * GF128_LEN, key, len);
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

/* ---- in pieces -------------------------------------------------------------------------------------- */

/* How many there are is public. */
static struct gf128 power_of(struct gf128 c, size_t exponent)
{
	struct gf128 out = {1, 0};

	for (; exponent > 0; exponent >>= 1) {
		if (exponent & 1)
			out = gf128_mul(out, c);
		c = gf128_mul(c, c);
	}
	return out;
}

void key_tagger_begin(struct key_tagger *k, const uint8_t u[KEY_TAG_KEY_LEN])
{
	*k = (struct key_tagger){.c = gf128_load(u), .d = gf128_load(u + GF128_LEN), .e = gf128_load(u + 2 * GF128_LEN),
				 .power = {1, 0}};
}

void key_tagger_add(struct key_tagger *k, const void *bytes, size_t len)
{
	struct gf128 acc = gf128_horner((struct gf128){0, 0}, k->c, bytes, len);

	k->sum = gf128_add(k->sum, gf128_mul(k->power, acc));
	k->power = gf128_mul(k->power, power_of(k->c, (len + GF128_LEN - 1) / GF128_LEN));
	k->len += len;
}

void key_tagger_end(struct key_tagger *k, struct tag *out)
{
	struct gf128 length = gf128_mul(k->c, (struct gf128){k->len << 3, k->len >> 61});
	struct gf128 sum = gf128_add(k->sum, gf128_mul(k->power, length));

	gf128_store(out->b, gf128_add(k->d, gf128_mul(k->c, gf128_add(k->e, sum))));
	mem_wipe(k, sizeof *k);
}
