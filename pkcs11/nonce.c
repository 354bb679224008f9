/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "pkcs11/nonce.h"

#include <string.h>

#include "base/log.h"
#include "base/secret.h"
#include "pkcs11/module.h"
#include "pkcs11/nonce-book.h"

#define DRAWN_BITS_MIN 64

/* ---- bits --------------------------------------------------------------------------------------------------- */

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

static CK_ULONG bits_of(const struct nonce *n)
{
	return 8 * n->len - n->fixed;
}

/* ---- how many ----------------------------------------------------------------------------------------------- */

static bool is_drawn(const struct nonce *n)
{
	return n->how == CKG_GENERATE || n->how == CKG_GENERATE_RANDOM;
}

static bool is_counted(const struct nonce *n)
{
	return n->how == CKG_GENERATE_COUNTER || n->how == CKG_GENERATE_COUNTER_XOR;
}

static bool possible(const struct nonce *n)
{
	if (n->len > NONCE_MAX || n->fixed >= 8 * n->len)
		return false;
	return is_counted(n) || (is_drawn(n) && bits_of(n) >= DRAWN_BITS_MIN);
}

static bool reached(uint64_t made, CK_ULONG power)
{
	return power < 64 && made >> power != 0;
}

/* So many with a key that one which was drawn from so many bits is likely (in one of 2^32 cases) to be another again. */
static bool may_meet(uint64_t made, CK_ULONG bits)
{
	return reached(made, (bits - 32) / 2);
}

static CK_RV count_drawn(struct nonce_made *made, CK_ULONG bits)
{
	if (may_meet(made->all, bits))
		return CKR_DATA_LEN_RANGE;
	if (made->drawn == 0 || bits < made->drawn)
		made->drawn = bits;
	made->all++;
	return CKR_OK;
}

/* The text: what is given "must not vary from call to call".  Many hosts leave there what came out last: the first, with
 * a number that has been. */
static bool is_of_first(const struct nonce_counter *c, const struct nonce *n)
{
	uint64_t number = 0;

	for (size_t i = 0; i < n->len; i++) {
		uint8_t differs = n->at[i] ^ c->first[i];
		if ((differs & ~our_bits(i, n->fixed)) != 0 || number >> 56 != 0)
			return false;
		number = number << 8 | differs;
	}
	return number == 0 || number < c->next;
}

/* A counter keeps to one form, since nonces of two could meet. */
static CK_RV check_form(struct nonce_counter *c, const struct nonce *n)
{
	if (c->how == CKG_NO_GENERATE) {
		*c = (struct nonce_counter){.how = n->how, .fixed = n->fixed, .len = n->len};
		memcpy(c->first, n->at, n->len);
	}
	if (c->how != n->how || c->fixed != n->fixed || c->len != n->len)
		return CKR_MECHANISM_PARAM_INVALID;
	return n->how == CKG_GENERATE_COUNTER || is_of_first(c, n) ? CKR_OK : CKR_MECHANISM_PARAM_INVALID;
}

CK_RV nonce_count(struct nonce_made *made, const struct nonce *n, uint64_t *number)
{
	if (!possible(n))
		return CKR_MECHANISM_PARAM_INVALID;
	if (is_drawn(n))
		return count_drawn(made, bits_of(n));
	TRY_RV(check_form(&made->counter, n));
	if (reached(made->counter.next, bits_of(n)) || made->counter.next == UINT64_MAX ||
	    (made->drawn != 0 && may_meet(made->all, made->drawn)))
		return CKR_DATA_LEN_RANGE;
	*number = made->counter.next++;
	made->all++;
	return CKR_OK;
}

/* ---- one nonce ---------------------------------------------------------------------------------------------- */

bool nonce_key_elsewhere(const struct object *key)
{
	return key->session == 0 || key->elsewhere;
}

/* Nobody counts for all who have the key.  A store that is put back would count again, and the other end of an agreement
 * counts from zero as we would. */
static CK_RV check_alone(const struct object *key)
{
	if (!nonce_key_elsewhere(key))
		return CKR_OK;
	log_warn("no counter makes nonces with a key that the token keeps or DSKE agreed on, which others have too: "
		 "ask for CKG_GENERATE, or derive a key");
	return CKR_MECHANISM_PARAM_INVALID;
}

static CK_RV draw(const struct nonce *n, uint8_t *out)
{
	uint8_t ours[NONCE_MAX];

	if (!rc_ok(random_fill(ours, n->len)))
		return CKR_FUNCTION_FAILED;
	combine(out, n->at, ours, n);
	return CKR_OK;
}

static void put_number(const struct nonce *n, const uint8_t *first, uint64_t number, uint8_t *out)
{
	uint8_t ours[NONCE_MAX];

	put_counter(ours, n->len, number);
	for (size_t i = 0; n->how == CKG_GENERATE_COUNTER_XOR && i < n->len; i++)
		ours[i] ^= first[i];
	combine(out, n->at, ours, n);
}

CK_RV nonce_make(struct module *m, struct object *key, const struct nonce *n, uint8_t *out)
{
	uint8_t first[NONCE_MAX];
	struct nonce_made *made;
	uint64_t number = 0;

	if (is_counted(n))
		TRY_RV(check_alone(key));
	TRY_RV(nonce_book_find(m, key, &made));
	module_lock(m);
	CK_RV rv = nonce_count(made, n, &number);
	memcpy(first, made->counter.first, sizeof first);
	module_unlock(m);
	TRY_RV(rv);
	if (is_drawn(n))
		return draw(n, out);
	put_number(n, first, number, out);
	return CKR_OK;
}
