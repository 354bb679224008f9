/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client/store.h - what the agreement token keeps: label, PINs and token objects, in one file that is
 * replaced as a whole, under an exclusive lock of a file beside it, so that many processes may share it.
 *
 *	header (STORE_HEADER_LEN bytes, integers big-endian)
 *	     0  16  "DSKE token v1\n", two zero bytes
 *	    16   4  Argon2id: memory in KiB
 *	    20   4  Argon2id: passes
 *	    24  32  label, padded with blanks
 *	    56   1  user PIN: 1 if set     57  1  failed attempts at it
 *	    58   1  failed attempts at the SO's
 *	    59   5  check of the master key: first bytes of HMAC-SHA256(master key, "DSKE token key")
 *	    64  76  master key under the SO's PIN: salt 16, nonce 12, sealed 32 + 16
 *	   140  76  master key under the user's PIN: the same, or zeros
 *	   216   8  number of records
 *	   224  32  HMAC-SHA256, by HMAC-SHA256(master key, "DSKE token file"), over all the file except the failed attempts
 *	            and both checksums, so that records cannot be taken out, put back or reordered
 *	   256  32  SHA-256 of bytes 0 to 255, so that damage is seen without a PIN
 *	records
 *	     0  16  name (random)
 *	    16   4  length of what is sealed, L
 *	    20  12  nonce
 *	    32  L + 16   AES-256-GCM under the master key, the name as associated data
 *	one of them may have the name "DSKE table key\0\0": no object, but the key of the tables, 32 bytes
 *
 * The master key is random.  Argon2id of a PIN gives the key that seals it, with the role and Argon2id's
 * parameters as associated data.  Counters of failed attempts are raised and synced before an attempt.
 *
 * Thread-safe.  Damage is CORRUPT, and the sentence names what is damaged.
 */
#ifndef DSKE_CLIENT_STORE_H
#define DSKE_CLIENT_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/id.h"
#include "base/rc.h"
#include "base/secret.h"

#define STORE_FILE_NAME "token"
#define STORE_HEADER_LEN 288u
#define STORE_FILE_MAX (256u << 20)
#define STORE_RECORD_MAX (17u << 20) /* a key of 16 MiB, and what is said of it */
#define STORE_LABEL_LEN 32
#define STORE_ATTEMPTS 10 /* failed ones that lock a PIN */
#define STORE_PIN_MIN 4   /* bytes */
#define STORE_PIN_MAX 255

struct store;

enum store_pin { STORE_PIN_SO, STORE_PIN_USER };

/* Argon2id's cost for new PINs; zeros choose the default. */
struct store_cost {
	uint32_t memory_kib, passes;
};

/* dir is the client's state folder; nothing is read yet.  Errors: NOMEM, TOOBIG. */
dske_rc store_new(struct store **out, const char *dir, struct store_cost cost);
void store_free(struct store *s); /* safe on NULL */

struct store_status {
	bool initialised, user_pin_set;
	unsigned so_failed, user_failed; /* attempts since the last success */
	uint8_t label[STORE_LABEL_LEN];
};
/* A missing file is a token that was never initialised, not an error.  Errors: CORRUPT, IO, DENIED. */
dske_rc store_status(struct store *s, struct store_status *out);

/* A new token: label, SO PIN, no user PIN, a new master key, no objects.  If there is one already, its SO
 * PIN must be the same, and its table key stays.  Errors: PIN, PIN_LOCKED, IO, SYNC, CORRUPT. */
dske_rc store_init(struct store *s, const void *so_pin, size_t pin_len, const uint8_t label[STORE_LABEL_LEN]);

/* Opens the master key, which the caller owns; also checks every record.  Errors: PIN, PIN_LOCKED, STATE
 * (no such PIN is set), CORRUPT. */
dske_rc store_login(struct store *s, enum store_pin which, const void *pin, size_t pin_len, struct secret *master);

/* Sets a PIN and clears its counter, given the master key.  Errors: as store_login, SYNC. */
dske_rc store_set_pin(struct store *s, const struct secret *master, enum store_pin which, const void *pin, size_t pin_len);

/* What this client's tables are under at rest where `table_key = pin` (man 5 dske.conf): 32 random bytes, drawn when
 * they are first asked for, in a record of their own.  Both PINs open the master key, and a change of either, or
 * a reset of the user's by the SO's, leaves that as it is; store_init takes the key over into the new token, in the
 * same replacement of the file.  So no PIN that is changed, and no moment at which the power goes, loses a table.
 * Errors: as store_add. */
dske_rc store_table_key(struct store *s, const struct secret *master, struct secret *key);

/* The same from a client's state folder with the user's PIN.  Errors: as store_login. */
dske_rc store_open_table_key(const char *dir, const void *pin, size_t pin_len, struct secret *key);

/* One object.  plain is borrowed for the call. */
typedef dske_rc store_visitor(void *context, const struct id *name, const struct secret *plain);

/* Has the file changed since store_each() last read it?  Cheap. */
bool store_changed(struct store *s);
/* Visits all objects; a failing visitor ends it.  Errors: CORRUPT, STATE (re-initialised under another master
 * key), the visitor's. */
dske_rc store_each(struct store *s, const struct secret *master, store_visitor *visit, void *context);

/* Adds (*name is drawn), replaces or removes one object, durably.  Only what store_each() has read is
 * replaced: BUSY when the file has changed since.  Errors: NOT_FOUND, TOOBIG, STATE, CORRUPT, SYNC. */
dske_rc store_add(struct store *s, const struct secret *master, const struct secret *plain, struct id *name);
dske_rc store_replace(struct store *s, const struct secret *master, const struct secret *plain, const struct id *name);
dske_rc store_remove(struct store *s, const struct secret *master, const struct id *name);

#endif
