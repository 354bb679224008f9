/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls/import.h - external keys for TLS 1.3 (RFC 9258, section 5.1).
 *
 *	struct {
 *		opaque external_identity<1...2^16-1>;
 *		opaque context<0..2^16-1>;
 *		uint16 target_protocol;
 *		uint16 target_kdf;
 *	} ImportedIdentity;
 *
 *	epskx = HKDF-Extract(0, epsk)
 *	ipskx = HKDF-Expand-Label(epskx, "derived psk", Hash(ImportedIdentity), L)
 *
 * The hash is the external key's own, SHA-256 here; L is the length of target_kdf's output.
 */
#ifndef DSKE_TLS_IMPORT_H
#define DSKE_TLS_IMPORT_H

#include <stddef.h>
#include <stdint.h>

#include "base/rc.h"
#include "base/secret.h"

#define IMPORT_PROTOCOL_TLS13 0x0304
#define IMPORT_KDF_SHA256 0x0001 /* RFC 9258, section 10: TLS KDF identifiers */
#define IMPORT_KDF_SHA384 0x0002

#define IMPORT_PSK_MAX 48
#define IMPORT_KEY_MIN 16          /* bytes; RFC 9257, section 6: at least 128 bits */
#define IMPORT_KEY_MAX (1u << 20)
#define IMPORT_EXTERNAL_MAX 255
#define IMPORT_CONTEXT_MAX 255
#define IMPORT_IDENTITY_MAX (2 + IMPORT_EXTERNAL_MAX + 2 + IMPORT_CONTEXT_MAX + 4)

struct imported_identity {
	uint8_t external[IMPORT_EXTERNAL_MAX];
	size_t external_len; /* at least 1 */
	uint8_t context[IMPORT_CONTEXT_MAX];
	size_t context_len;
	uint16_t protocol, kdf;
};

/* Returns the length, at most IMPORT_IDENTITY_MAX. */
size_t import_write(uint8_t out[IMPORT_IDENTITY_MAX], const struct imported_identity *identity);

/* All of bytes is one ImportedIdentity, within our limits.  Errors: FORMAT. */
dske_rc import_read(struct imported_identity *out, const uint8_t *bytes, size_t len);

/* L: 32 or 48; 0 for any other KDF. */
size_t import_psk_len(uint16_t kdf);

/* The HkdfLabel of ipskx (RFC 8446, section 7.1), which is HKDF's info.  Errors: NOMEM. */
#define IMPORT_INFO_LEN (2 + 1 + 17 + 1 + 32)
dske_rc import_info(uint8_t info[IMPORT_INFO_LEN], const uint8_t *identity, size_t len, size_t psk_len);

/* HKDF-SHA256 without a salt, of what psk_len bytes (at most IMPORT_PSK_MAX) are taken.  *psk must be empty.
 * Errors: NOMEM. */
dske_rc import_psk(struct secret *psk, const struct secret *key, const uint8_t info[IMPORT_INFO_LEN], size_t psk_len);

#endif
