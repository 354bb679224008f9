/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The derivations that join, cut, hash or encrypt (PKCS#11 3.0, mechanisms, "Miscellaneous simple key derivation
 * mechanisms", "Key derivation by data encryption", "SHA-1 key derivation" and those after it).
 *
 * Those that join and cut show a key's own bytes.  Who could get a few of them alone into a key, or beside bytes of
 * his own, or any two pieces that overlap, would try the rest through and so read a key that cannot be read.  Hence what
 * comes of a protected key holds all of it, or what is between two bounds (derive-kdf.h).  Of one that was joined, whose other
 * bytes he may know, or cut before, it is all, and not turned: CKA_DSKE_JOINED, which goes on to what is joined or cut
 * of it, and to copies; and which a key has that came wrapped.
 */
#include "config.h"

#include <openssl/evp.h>
#include <string.h>

#include "core/terms.h"
#include "pkcs11/derive-kdf.h"
#include "pkcs11/mech.h"

#define AES_BLOCK 16u

/* May these bytes of the key, from `bit` on and round over the end, be in what is derived?  What is not all is marked. */
static CK_RV check_shown(struct kdf *k, const struct object *key, size_t bit, size_t shown)
{
	size_t len = key->value.len, end = (bit / 8 + shown) % len;

	if ((bit == 0 && shown == len) || !kdf_protected(k->call->m, key))
		return CKR_OK;
	if (bit % 8 != 0 || !kdf_is_bound(bit / 8, len) || !kdf_is_bound(end, len) ||
	    object_bool(k->call->m, key, CKA_DSKE_JOINED))
		return CKR_KEY_SIZE_RANGE;
	k->joined = true;
	return CKR_OK;
}

/* The parameter of three mechanisms. */
static CK_RV read_string(const struct derive_call *c, CK_KEY_DERIVATION_STRING_DATA *p)
{
	TRY_RV(kdf_param(c, p, sizeof *p));
	return kdf_input_ok(p->pData, p->ulLen, KEY_HELD_MAX) ? CKR_OK : CKR_MECHANISM_PARAM_INVALID;
}

/* ---- joining ---------------------------------------------------------------------------------------------- */

struct piece {
	const uint8_t *data;
	size_t len;
	const struct object *of; /* the key whose value it is; NULL: the host's */
};

/* The one after the other, and cut at the end. */
static CK_RV join(struct kdf *k, const struct piece *first, const struct piece *second)
{
	const struct piece *both[2] = {first, second};
	size_t at = 0;

	TRY_RV(kdf_alloc(k, first->len + second->len));
	for (int i = 0; i < 2; i++) {
		size_t rest = k->len - at, part = both[i]->len < rest ? both[i]->len : rest;
		if (both[i]->of != NULL && part > 0)
			TRY_RV(check_shown(k, both[i]->of, 0, part));
		if (part > 0)
			memcpy(k->value.data + at, both[i]->data, part);
		k->joined = k->joined || (at > 0 && part > 0);
		at += part;
	}
	return CKR_OK;
}

static struct piece piece_of_key(const struct object *key)
{
	return (struct piece){key->value.data, key->value.len, key};
}

static CK_RV base_and_data(struct kdf *k)
{
	CK_KEY_DERIVATION_STRING_DATA p;

	TRY_RV(read_string(k->call, &p));
	const struct piece base = piece_of_key(k->call->base), data = {p.pData, p.ulLen, NULL};
	return join(k, &base, &data);
}

/* None of the key at all would make it a key that the host knows, and says that it is secret. */
static CK_RV data_and_base(struct kdf *k)
{
	CK_KEY_DERIVATION_STRING_DATA p;

	TRY_RV(read_string(k->call, &p));
	if (k->len != 0 && k->len <= p.ulLen)
		return CKR_KEY_SIZE_RANGE;
	const struct piece base = piece_of_key(k->call->base), data = {p.pData, p.ulLen, NULL};
	return join(k, &data, &base);
}

static CK_RV base_and_key(struct kdf *k)
{
	const struct piece base = piece_of_key(k->call->base), other = piece_of_key(k->call->other);

	return join(k, &base, &other);
}

static CK_RV derive_of_two(const struct derive_call *c)
{
	struct derive_call both = *c;
	CK_OBJECT_HANDLE handle;
	struct object *other;

	TRY_RV(kdf_param(c, &handle, sizeof handle));
	TRY_RV(kdf_other_key(c, handle, &other));
	both.other = other;
	CK_RV rv = derive_kdf(&both);
	object_unref(other);
	return rv;
}

static CK_RV xor_data(struct kdf *k)
{
	CK_KEY_DERIVATION_STRING_DATA p;

	TRY_RV(read_string(k->call, &p));
	TRY_RV(kdf_alloc(k, p.ulLen < k->key->len ? p.ulLen : k->key->len));
	TRY_RV(check_shown(k, k->call->base, 0, k->len));
	for (size_t i = 0; i < k->len; i++)
		k->value.data[i] = k->key->data[i] ^ p.pData[i];
	return CKR_OK;
}

const struct derive_kind derive_base_and_key = {.run = derive_of_two, .value = base_and_key, .inherits = true};
const struct derive_kind derive_base_and_data = {.run = derive_kdf, .value = base_and_data, .inherits = true};
const struct derive_kind derive_data_and_base = {.run = derive_kdf, .value = data_and_base, .inherits = true};
const struct derive_kind derive_xor = {.run = derive_kdf, .value = xor_data, .inherits = true};

/* ---- cutting ---------------------------------------------------------------------------------------------- */

/* From a bit on, the first being the highest of the first byte, and round over the end. */
static CK_RV extract(struct kdf *k)
{
	CK_EXTRACT_PARAMS bit;
	size_t len = k->key->len;

	TRY_RV(kdf_param(k->call, &bit, sizeof bit));
	if (bit / 8 >= len)
		return CKR_MECHANISM_PARAM_INVALID;
	TRY_RV(kdf_alloc_wanted(k, len));
	TRY_RV(check_shown(k, k->call->base, bit, k->len));
	for (size_t i = 0; i < k->len; i++) {
		unsigned high = k->key->data[(bit / 8 + i) % len], low = k->key->data[(bit / 8 + i + 1) % len];
		k->value.data[i] = (uint8_t)((high << 8 | low) >> (8 - bit % 8));
	}
	return CKR_OK;
}

const struct derive_kind derive_extract = {.run = derive_kdf, .value = extract, .inherits = true};

/* ---- hashing ---------------------------------------------------------------------------------------------- */

static CK_RV hash_value(struct kdf *k)
{
	const struct hash *hash = k->call->row->hash;
	const EVP_MD *md = crypto_hash(hash->which);
	uint8_t digest[CRYPTO_HASH_MAX];

	if (k->call->mech->pParameter != NULL || k->call->mech->ulParameterLen != 0)
		return CKR_MECHANISM_PARAM_INVALID;
	TRY_RV(kdf_alloc(k, hash->len));
	if (md == NULL || EVP_Digest(k->key->data, k->key->len, digest, NULL, md, NULL) != 1)
		return CKR_DEVICE_ERROR;
	memcpy(k->value.data, digest, k->len);
	mem_wipe(digest, sizeof digest);
	return CKR_OK;
}

const struct derive_kind derive_hash = {.run = derive_kdf, .value = hash_value};

/* ---- encrypting ------------------------------------------------------------------------------------------- */

static bool encrypt(const struct kdf *k, enum crypto_cipher which, const uint8_t *iv, const uint8_t *in, size_t len,
		    uint8_t *out)
{
	const EVP_CIPHER *cipher = crypto_cipher(which, k->key->len);
	EVP_CIPHER_CTX *ctx = cipher != NULL ? EVP_CIPHER_CTX_new() : NULL;
	int n = 0;

	bool done = ctx != NULL && EVP_EncryptInit_ex2(ctx, cipher, k->key->data, iv, NULL) == 1 &&
		    EVP_CIPHER_CTX_set_padding(ctx, 0) == 1 && EVP_EncryptUpdate(ctx, out, &n, in, (int)len) == 1 &&
		    (size_t)n == len;
	EVP_CIPHER_CTX_free(ctx);
	return done;
}

/* What comes out is what C_Encrypt would give: who may not encrypt with a protected key gets nothing of it to read.
 * "If not all the cipher text is used then the part discarded will be from the trailing end." */
static CK_RV encrypt_data(struct kdf *k, enum crypto_cipher which, const uint8_t *iv, const uint8_t *in, CK_ULONG len)
{
	AUTO(secret) text = {0};

	if (!kdf_input_ok(in, len, KEY_HELD_MAX) || len == 0 || len % AES_BLOCK != 0)
		return CKR_MECHANISM_PARAM_INVALID;
	TRY_RV(kdf_alloc(k, len));
	TRY_RV(rv_from(secret_alloc(&text, len)));
	if (!encrypt(k, which, iv, in, len, text.data))
		return CKR_DEVICE_ERROR;
	memcpy(k->value.data, text.data, k->len);
	return CKR_OK;
}

static CK_RV aes_ecb(struct kdf *k)
{
	CK_KEY_DERIVATION_STRING_DATA p;

	TRY_RV(kdf_param(k->call, &p, sizeof p));
	return encrypt_data(k, CRYPTO_ECB, NULL, p.pData, p.ulLen);
}

static CK_RV aes_cbc(struct kdf *k)
{
	CK_AES_CBC_ENCRYPT_DATA_PARAMS p;

	TRY_RV(kdf_param(k->call, &p, sizeof p));
	return encrypt_data(k, CRYPTO_CBC, p.iv, p.pData, p.length);
}

const struct derive_kind derive_aes_ecb = {.run = derive_kdf, .value = aes_ecb, .encrypts = CKM_AES_ECB};
const struct derive_kind derive_aes_cbc = {.run = derive_kdf, .value = aes_cbc, .encrypts = CKM_AES_CBC};
