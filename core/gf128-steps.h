/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/gf128-steps.h - Horner's rule for variants with a carry-less multiplication of 64 bits.  Included by one such
 * variant a file, after it has defined
 *
 *     TARGET                                         attribute
 *     vec, load, store, add, from_element, to_element   128 bits, and their bytes and integers
 *     struct wide, product, wide_add, reduce         a product that is not reduced yet
 *
 * Horner's rule waits for each product before it begins the next.  Here eight blocks go into one step,
 *
 *     acc = (acc + y_8) c^8 + y_7 c^7 + .. + y_1 c
 *
 * whose products are independent, are added unreduced, and are reduced once.  The first step has what is left over.
 */
#include <string.h>

#include "base/secret.h"

#define STRIDE 8u

TARGET static struct gf128 mul(struct gf128 a, struct gf128 b)
{
	return to_element(reduce(product(from_element(a), from_element(b))));
}

/* power[i] = c^(i+1).  Each is made of two from its middle, so that few wait for each other. */
TARGET static inline void powers_make(vec power[STRIDE], size_t count, vec c)
{
	power[0] = c;
	for (size_t i = 1; i < count; i++)
		power[i] = reduce(product(power[(i + 1) / 2 - 1], power[i - (i + 1) / 2]));
}

/* As many blocks as powers are given; `last` is the highest of them, with what is added to it. */
TARGET static inline vec step(const vec power[STRIDE], const uint8_t *blocks, size_t count, vec last)
{
	struct wide sum = product(last, power[count - 1]);

	for (size_t i = 0; i < count - 1; i++)
		sum = wide_add(sum, product(load(blocks + i * GF128_LEN), power[i]));
	return reduce(sum);
}

TARGET static inline vec load_padded(const uint8_t *bytes, size_t len)
{
	uint8_t block[GF128_LEN] = {0};

	if (len == GF128_LEN)
		return load(bytes);
	memcpy(block, bytes, len);
	vec loaded = load(block);
	mem_wipe(block, sizeof block);
	return loaded;
}

TARGET static inline vec sum(vec acc, vec c, const uint8_t *bytes, size_t len)
{
	vec power[STRIDE];
	size_t blocks = (len + GF128_LEN - 1) / GF128_LEN, top = (blocks - 1) % STRIDE + 1;

	if (len == 0)
		return acc;
	powers_make(power, blocks < STRIDE ? blocks : STRIDE, c);

	size_t at = (blocks - top) * GF128_LEN, last = (blocks - 1) * GF128_LEN;

	acc = step(power, bytes + at, top, add(acc, load_padded(bytes + last, len - last)));
	while (at > 0) {
		at -= STRIDE * GF128_LEN;
		acc = step(power, bytes + at, STRIDE, add(acc, load(bytes + at + (STRIDE - 1) * GF128_LEN)));
	}
	return acc;
}

TARGET static struct gf128 horner(struct gf128 acc, struct gf128 c, const uint8_t *bytes, size_t len)
{
	return to_element(sum(from_element(acc), from_element(c), bytes, len));
}

TARGET static void tag(uint8_t out[GF128_LEN], const uint8_t *c_bytes, const uint8_t *d, const uint8_t *e, const uint8_t *bytes,
		       size_t len)
{
	vec c = load(c_bytes), all = sum(reduce(product(c, from_element(gf128_bits(len)))), c, bytes, len);

	if (e)
		all = reduce(product(c, add(all, load(e))));
	store(out, add(all, load(d)));
}
