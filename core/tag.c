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

void tagger_begin(struct tagger *t, const uint8_t key[TAG_KEY_LEN])
{
	*t = (struct tagger){.c = gf128_load(key), .d = gf128_load(key + GF128_LEN), .power = {1, 0}, .stride = {1, 0}};
}

void tagger_add(struct tagger *t, const void *bytes, size_t len)
{
	struct gf128 acc = gf128_horner((struct gf128){0, 0}, t->c, bytes, len);

	if (len != t->stride_len) {
		t->stride = power_of(t->c, (len + GF128_LEN - 1) / GF128_LEN);
		t->stride_len = len;
	}
	t->sum = gf128_add(t->sum, gf128_mul(t->power, acc));
	t->power = gf128_mul(t->power, t->stride);
	t->len += len;
}

/* With the length: what tag_compute adds to d. */
static struct gf128 whole_sum(const struct tagger *t)
{
	return gf128_add(t->sum, gf128_mul(t->power, gf128_mul(t->c, (struct gf128){t->len << 3, t->len >> 61})));
}

void tagger_end(struct tagger *t, struct tag *out)
{
	gf128_store(out->b, gf128_add(t->d, whole_sum(t)));
	mem_wipe(t, sizeof *t);
}

void key_tagger_begin(struct key_tagger *k, const uint8_t u[KEY_TAG_KEY_LEN])
{
	tagger_begin(&k->of, u);
	k->e = gf128_load(u + 2 * GF128_LEN);
}

void key_tagger_add(struct key_tagger *k, const void *bytes, size_t len)
{
	tagger_add(&k->of, bytes, len);
}

void key_tagger_end(struct key_tagger *k, struct tag *out)
{
	const struct tagger *t = &k->of;

	gf128_store(out->b, gf128_add(t->d, gf128_mul(t->c, gf128_add(k->e, whole_sum(t)))));
	mem_wipe(k, sizeof *k);
}
