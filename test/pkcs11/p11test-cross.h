/* SPDX-License-Identifier: Apache-2.0 */
/* test/pkcs11/p11test-cross.h - what the cases beside OpenSSL share. */
#ifndef DSKE_TEST_PKCS11_P11TEST_CROSS_H
#define DSKE_TEST_PKCS11_P11TEST_CROSS_H

#include <openssl/evp.h>

#include "test/pkcs11/p11test.h"

void cross_seed(void); /* and says it */
uint64_t cross_draw(void);
void cross_fill(unsigned char *out, size_t len);

#define CROSS_HASHES 11
extern const struct cross_hash {
	CK_MECHANISM_TYPE digest, derivation;
	const char *evp;
} cross_hashes[CROSS_HASHES];

/* Bytes written, at most 64; 0: OpenSSL would not. */
size_t cross_digest(const char *name, const unsigned char *in, size_t len, unsigned char *out);
/* iv: 12 bytes, or NULL; what: the digest or cipher, or NULL. */
size_t cross_mac(const char *name, const char *what, const unsigned char *iv, const unsigned char *key, size_t key_len,
		 const unsigned char *in, size_t len, unsigned char *out);

#endif
