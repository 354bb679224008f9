/* SPDX-License-Identifier: Apache-2.0 */
/* CKM_PKCS5_PBKD2: a key from a password (PKCS #5, RFC 8018, 5.2). */
#include "config.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/crypto.h"
#include "pkcs11/hash.h"
#include "pkcs11/keygen.h"

/*
 * PARAMS and PARAMS2 are as long, and differ in their last word: a pointer to the password's length, or the length
 * itself.  No pointer is so small as a length may be; and what looks like a pointer is read by the kernel, which says
 * so where a host's mere nonsense would end the process.
 */
static bool password_len(CK_ULONG word, CK_ULONG *len)
{
	*len = word;
	if (word <= PBKDF2_INPUT_MAX)
		return true;
	struct iovec here = {len, sizeof *len}, there = {(void *)word, sizeof *len};
	return process_vm_readv(getpid(), &here, 1, &there, 1, 0) == (ssize_t)sizeof *len && *len <= PBKDF2_INPUT_MAX;
}

static const struct hash *read_params(CK_PKCS5_PBKD2_PARAMS2 *p, const CK_MECHANISM *mech)
{
	if (mech->pParameter == NULL || mech->ulParameterLen != sizeof *p)
		return NULL;
	memcpy(p, mech->pParameter, sizeof *p);
	if (!password_len(p->ulPasswordLen, &p->ulPasswordLen) || (p->pPassword == NULL && p->ulPasswordLen > 0))
		return NULL;
	if (p->saltSource != CKZ_SALT_SPECIFIED || p->ulSaltSourceDataLen > PBKDF2_INPUT_MAX ||
	    (p->pSaltSourceData == NULL && p->ulSaltSourceDataLen > 0))
		return NULL;
	if (p->iterations == 0 || p->iterations > PBKDF2_ITERATIONS_MAX || p->pPrfData != NULL || p->ulPrfDataLen != 0)
		return NULL;
	return hash_by_prf(p->prf);
}

static bool derive(const CK_PKCS5_PBKD2_PARAMS2 *p, const char *md, struct secret *value)
{
	static char empty[1];
	uint64_t iterations = p->iterations;
	int unchecked = 1; /* short salts and few iterations are the host's choice */
	const OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)md, 0),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_PASSWORD,
						  p->ulPasswordLen > 0 ? (void *)p->pPassword : empty, p->ulPasswordLen),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT,
						  p->ulSaltSourceDataLen > 0 ? p->pSaltSourceData : empty,
						  p->ulSaltSourceDataLen),
		OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_ITER, &iterations),
		OSSL_PARAM_construct_int(OSSL_KDF_PARAM_PKCS5, &unchecked),
		OSSL_PARAM_construct_end(),
	};
	EVP_KDF *kdf = crypto_pbkdf2();

	EVP_KDF_CTX *ctx = kdf != NULL ? EVP_KDF_CTX_new(kdf) : NULL;
	bool done = ctx != NULL && EVP_KDF_derive(ctx, value->data, value->len, params) == 1;
	EVP_KDF_CTX_free(ctx);
	return done;
}

CK_RV keygen_pbkdf2_make(const CK_MECHANISM *mech, size_t len, struct secret *value)
{
	CK_PKCS5_PBKD2_PARAMS2 p;

	const struct hash *hash = read_params(&p, mech);
	if (hash == NULL)
		return CKR_MECHANISM_PARAM_INVALID;
	const EVP_MD *md = crypto_hash(hash->which);
	if (md == NULL)
		return CKR_HOST_MEMORY;
	TRY_RV(rv_from(secret_alloc(value, len)));
	if (!crypto_quiet_begin())
		return CKR_DEVICE_ERROR;
	bool done = derive(&p, EVP_MD_get0_name(md), value);
	crypto_quiet_end();
	return done ? CKR_OK : CKR_DEVICE_ERROR;
}
