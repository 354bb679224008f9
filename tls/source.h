/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls/source.h - the PKCS#11 token that keys come from.
 *
 * One session is kept for the login's sake; each call has another of its own, so any thread may call.  After a fork,
 * or when somebody logged the token out, the next call initialises and logs in again.
 */
#ifndef DSKE_TLS_SOURCE_H
#define DSKE_TLS_SOURCE_H

#include <stddef.h>
#include <stdint.h>

#include "base/rc.h"
#include "base/secret.h"
#include "tls/dske-tls.h"

struct source;

#define SOURCE_ID_MAX 255
#define SOURCE_LABEL_MAX 256
#define SOURCE_SERIAL_MAX 17

struct source_key {
	uint8_t id[SOURCE_ID_MAX];
	size_t id_len;                 /* 0: found by its label, and has no ID */
	char label[SOURCE_LABEL_MAX];  /* a longer one is cut; its ID in hexadecimal where it has none */
	uint8_t peer[16];              /* CKA_DSKE_PEER */
	bool has_peer;
};

/* *out is the caller's, for source_free.  Errors: NOT_FOUND, PIN, PIN_LOCKED, IO, NOMEM. */
dske_rc source_new(struct source **out, const struct dske_tls_token *where);
void source_free(struct source *s); /* safe on NULL */

/* The token's serial number, without the blanks; borrowed, lives as long as s. */
const char *source_serial(const struct source *s);

/*
 * By "id:HEX", "peer:NAME" (or a client ID), or by label, which "label:" may stand before.  Only keys that can be used now
 * count: with an ID, of a length that will do, which the token may derive from or gives out, between CKA_START_DATE and
 * CKA_END_DATE.  Of several for a peer or with a label it is the newest, by CKA_DSKE_MADE.  Errors: NOT_FOUND, ARGS (more
 * than one, and the token does not say when they were made; or of one ID), and source_new's.
 */
dske_rc source_find(struct source *s, const char *name, struct source_key *out);

/* By CKA_ID; the same count. */
dske_rc source_find_id(struct source *s, const uint8_t *id, size_t len, struct source_key *out);

/* What tls/import.h says of a key: computed in the token where it offers CKM_HKDF_DERIVE, so that the key itself never
 * leaves it; else here.  *psk must be empty.  Errors: NOT_FOUND, DENIED (the token does neither), TOOBIG. */
dske_rc source_import(struct source *s, const struct source_key *key, const uint8_t *info, size_t psk_len,
		      struct secret *psk);

#endif
