/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11/crypto.h - what the token's mechanisms need of libcrypto, over base/crypto.h. */
#ifndef DSKE_PKCS11_CRYPTO_H
#define DSKE_PKCS11_CRYPTO_H

#include "base/crypto.h"

/* A context for AES with a key of 16, 24 or 32 bytes, in CRYPTO_GCM or CRYPTO_CBC.  GCM runs AES
 * forwards in both directions, so that its context serves either; a CBC one serves the direction it was made
 * for.  NULL when there is no memory or no such key length. */
EVP_CIPHER_CTX *crypto_cipher_new(enum crypto_cipher which, const struct secret *key, bool encrypt);
void crypto_cipher_free(EVP_CIPHER_CTX *c); /* nothing when libcrypto is gone; safe on NULL */

/* Begins a message on a keyed context.  CBC takes 16 bytes of IV, and `pad` adds PKCS#7 padding; GCM
 * takes 1 to 128. */
bool crypto_cipher_start(EVP_CIPHER_CTX *c, enum crypto_cipher which, bool encrypt, const uint8_t *iv, size_t iv_len,
			 bool pad);

/* First three bytes of the encryption of a zero block (PKCS#11 2.40, 4.10.2: CKA_CHECK_VALUE). */
dske_rc crypto_aes_check(uint8_t out[3], const struct secret *key);

#endif
