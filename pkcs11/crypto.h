/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11/crypto.h - what the token's mechanisms need of libcrypto, over base/crypto.h. */
#ifndef DSKE_PKCS11_CRYPTO_H
#define DSKE_PKCS11_CRYPTO_H

#include "base/crypto.h"

/* A context with the key, for one direction.  NULL when there is no memory or no such key length. */
EVP_CIPHER_CTX *crypto_cipher_new(enum crypto_cipher which, const struct secret *key, bool encrypt);
void crypto_cipher_free(EVP_CIPHER_CTX *c); /* nothing when libcrypto is gone; safe on NULL */

/* Begins a message on a keyed context, with an IV of the length that the context has now, or NULL. */
bool crypto_cipher_start(EVP_CIPHER_CTX *c, bool encrypt, const uint8_t *iv);

/* Could a context that was used before take another message of that cipher and direction? */
bool crypto_cipher_fits(const EVP_CIPHER_CTX *c, enum crypto_cipher which, bool encrypt);

/* HChaCha20: a key of 32 bytes from another and the first 16 bytes of a nonce (draft-irtf-cfrg-xchacha, 2.2).  *out must
 * be empty.  Errors: NOMEM. */
dske_rc crypto_hchacha20(struct secret *out, const struct secret *key, const uint8_t nonce[16]);

/* First three bytes of the encryption of a zero block (PKCS#11 2.40, 4.10.2: CKA_CHECK_VALUE). */
dske_rc crypto_aes_check(uint8_t out[3], const struct secret *key);

#endif
