/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pkcs11/mac.h - a message authentication code with its key, for as many messages as come: what an object keeps
 * at rest, and what derivation uses as its pseudorandom function.
 *
 * One thread at a time uses one.  The host's error queue stays as it was, but for want of memory within a message:
 * marking the queue would take a tenth of the time of a short one.
 */
#ifndef DSKE_PKCS11_MAC_H
#define DSKE_PKCS11_MAC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pkcs11/hash.h"

#define MAC_MAX CRYPTO_HASH_MAX
#define MAC_BLOCK 16 /* bytes of a CMAC, GMAC or Poly1305 */

struct mac;

/* hash: of CRYPTO_HMAC, else NULL.  Keys: any; of AES; of AES; 32 bytes.  NULL: no such key, or no memory. */
struct mac *mac_new(enum crypto_maker maker, const struct hash *hash, const uint8_t *key, size_t key_len);
void mac_free(struct mac *c); /* nothing of libcrypto when that is gone; safe on NULL */

bool mac_is(const struct mac *c, enum crypto_maker maker, const struct hash *hash);
size_t mac_len(const struct mac *c); /* bytes of a whole code */

/* Begins a message with the same key: before each, the first too.  iv: of GMAC, 12 bytes, else NULL.
 * Poly1305 does one message in its life. */
bool mac_start(struct mac *c, const uint8_t *iv);
bool mac_update(struct mac *c, const uint8_t *in, size_t len);
bool mac_final(struct mac *c, uint8_t out[MAC_MAX]); /* writes mac_len() bytes */

/* What is left of a message, and its code. */
bool mac_last(struct mac *c, const uint8_t *in, size_t len, uint8_t out[MAC_MAX]);

/* One message in one piece. */
bool mac_whole(struct mac *c, const uint8_t *in, size_t len, uint8_t out[MAC_MAX]);

#define MAC_IV_LEN 12

#endif
