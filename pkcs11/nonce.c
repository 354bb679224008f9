/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "pkcs11/nonce.h"

#include <string.h>

#include "base/secret.h"

#define RANDOM_BITS_MIN 64

/* The bits of byte i that are ours, of a nonce whose first `fixed` bits are not. */
static uint8_t our_bits(size_t i, CK_ULONG fixed)
{
	size_t theirs = fixed > 8 * i ? fixed - 8 * i : 0;

	return (uint8_t)(theirs < 8 ? 0xffu >> theirs : 0u);
}

/* out = first, with our bits from `ours`. */
static void combine(uint8_t *out, const uint8_t *first, const uint8_t *ours, const struct nonce *n)
{
	for (size_t i = 0; i < n->len; i++) {
		uint8_t mask = our_bits(i, n->fixed);
		out[i] = (uint8_t)((first[i] & ~mask) | (ours[i] & mask));
	}
}

static void put_counter(uint8_t *out, size_t len, uint64_t counter)
{
	memset(out, 0, len);
	for (size_t i = 0; i < len && i < sizeof counter; i++)
		out[len - 1 - i] = (uint8_t)(counter >> 8 * i);
}

static CK_RV draw(uint8_t *out, size_t len)
{
	return rc_ok(random_fill(out, len)) ? CKR_OK : CKR_FUNCTION_FAILED;
}

/* How many a process may make: 2 to that power.  Of random ones so many that two are the same in one of 2^32 processes. */
static CK_ULONG power(CK_GENERATOR_FUNCTION how, CK_ULONG bits)
{
	return how == CKG_GENERATE_RANDOM ? (bits - 32) / 2 : bits;
}

static bool possible(const struct nonce *n)
{
	bool drawn = n->how == CKG_GENERATE || n->how == CKG_GENERATE_RANDOM;
	bool counted = n->how == CKG_GENERATE_COUNTER || n->how == CKG_GENERATE_COUNTER_XOR;

	if (n->len > NONCE_MAX || n->fixed >= 8 * n->len)
		return false;
	return counted || (drawn && 8 * n->len - n->fixed >= RANDOM_BITS_MIN);
}

/* Whoever begins with one generator stays with it: two of them could meet. */
static CK_RV begin(struct nonce_maker *maker, const struct nonce *n)
{
	if (!possible(n))
		return CKR_MECHANISM_PARAM_INVALID;
	if (maker->begun) {
		bool same = maker->how == n->how && maker->fixed == n->fixed && maker->len == n->len;
		return same ? CKR_OK : CKR_MECHANISM_PARAM_INVALID;
	}
	if (n->how == CKG_GENERATE)
		TRY_RV(draw(maker->last, n->len));
	memcpy(maker->first, n->at, n->len);
	maker->how = n->how;
	maker->fixed = n->fixed;
	maker->len = n->len;
	maker->begun = true;
	return CKR_OK;
}

/* The text: what is given "must not vary from call to call".  Many hosts leave there what came out last. */
static CK_RV make_xored(struct nonce_maker *maker, const struct nonce *n, uint8_t *out)
{
	uint8_t counter[NONCE_MAX], ours[NONCE_MAX];
	bool first = memcmp(n->at, maker->first, n->len) == 0;

	if (!first && (maker->made == 0 || memcmp(n->at, maker->last, n->len) != 0))
		return CKR_MECHANISM_PARAM_INVALID;
	put_counter(counter, n->len, maker->made);
	for (size_t i = 0; i < n->len; i++)
		ours[i] = maker->first[i] ^ counter[i];
	combine(out, maker->first, ours, n);
	memcpy(maker->last, out, n->len);
	return CKR_OK;
}

/* The next after the last; what runs over into the host's bits is dropped by combine(). */
static void count_on(uint8_t *last, size_t len)
{
	for (size_t i = len; i-- > 0 && ++last[i] == 0;)
		;
}

CK_RV nonce_make(struct nonce_maker *maker, const struct nonce *n, uint8_t *out)
{
	uint8_t ours[NONCE_MAX];

	TRY_RV(begin(maker, n));
	CK_ULONG most = power(n->how, 8 * n->len - n->fixed);
	if (most < 64 && maker->made >> most != 0)
		return CKR_DATA_LEN_RANGE;
	if (n->how == CKG_GENERATE_COUNTER_XOR) {
		TRY_RV(make_xored(maker, n, out));
	} else {
		if (n->how == CKG_GENERATE_COUNTER)
			put_counter(ours, n->len, maker->made);
		else if (n->how == CKG_GENERATE_RANDOM)
			TRY_RV(draw(ours, n->len));
		else
			memcpy(ours, maker->last, n->len);
		if (n->how == CKG_GENERATE)
			count_on(maker->last, n->len);
		combine(out, n->at, ours, n);
	}
	maker->made++;
	return CKR_OK;
}
