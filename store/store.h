/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store/store.h - what the agreement token keeps: label, PINs and token objects, in one file that many
 * processes share.  Each change of an object is one record at the file's end; integers are big-endian.
 *
 *	header (STORE_HEADER_LEN bytes, never written in place: a new one comes with a new file)
 *	     0  16  "DSKE token v3\n", two zero bytes
 *	    16   4  Argon2id: memory in KiB
 *	    20   4  Argon2id: passes
 *	    24  32  label, padded with blanks
 *	    56   1  user PIN: 1 if set, 2 if the SO set it in another one's place and the user has not changed it since
 *	    57   7  check of the master key: first bytes of HMAC-SHA256(master key, "DSKE token key")
 *	    64  76  master key under the SO's PIN: salt 16, nonce 12, sealed 32 + 16
 *	   140  76  master key under the user's PIN: the same, or zeros
 *	   216  16  generation: random, another one in each new file
 *	   232  32  HMAC-SHA256, by HMAC-SHA256(master key, "DSKE token file"), of bytes 0 to 231
 *	   264      zeros
 *	  4064  32  SHA-256 of bytes 0 to 4063, so that damage is seen without a PIN
 *	state (the page at STORE_HEADER_LEN, written in place)
 *	     0  10  failed attempts at the SO's PIN: a byte for each that may be, 0x00 or 0xa5
 *	    10  10  the same for the user's
 *	    32  32  commit mark      64  32  commit mark
 *	    96      nothing; it is not looked at
 *	commit mark (the two are written in turn, in a new file both; the one that goes further counts)
 *	     0   8  where in the file the records end that were reported as done
 *	     8   8  sequence number of the last of them
 *	    16  16  first bytes of HMAC-SHA256(master key, "DSKE token mark", 0 or 1: which of the two,
 *	        generation, bytes 0 to 15)
 *	records (from STORE_RECORDS_AT on; after the last come zeros, and whatever a writer left that died)
 *	     0   4  length of what is sealed, L
 *	     4   1  1: an object, new or in another's place      2: the object is removed (L is 0)
 *	     5   3  zeros
 *	     8   8  sequence number: 1, 2, ...
 *	    16  16  name of the object (random)
 *	    32   8  version of the object: one more with each of its records, over all generations
 *	    40  12  nonce
 *	    52  12  first bytes of SHA-256 of bytes 0 to 51
 *	    64   L  what is sealed: AES-256-GCM under HMAC-SHA256(master key, "DSKE token records", generation)
 *	64 + L  16  its tag
 *	80 + L  16  first bytes of the link: SHA-256(link of the record before, bytes 0 to 63, tag)
 *	The first record's link before is the generation and 16 zeros.  Associated data: link of the record before, bytes 0 to 63.
 *	So none can be taken out, put back, reordered, or brought over from another file.
 *	An object may have the name "DSKE table key\0\0": it is none, but the key of the tables, 32 bytes.
 *
 * Writing.  A record is written and synced; then a mark is written, which the next record's sync takes along; then it is
 * reported as done.  What a record replaces or removes is dead: its L bytes are then overwritten with zeros, so
 * that who copies the file later and learns a PIN does not find it.  The rest of it stays, for the links.
 * When the dead are more than half, those that live are sealed anew into a new file, of another generation, which
 * replaces the old one; that is overwritten.  New PINs and a new token make a new file too.
 *
 * Reading.  Whatever is wrong before the mark is damage, and named, but for the L bytes of what is dead.  After it
 * whole records count, once the reader has synced them: their writer died before it could report them.  The first that
 * is not whole was never reported, and the next writer overwrites it.  A mark that does not have its MAC was
 * torn; the other then is one record behind, and nothing is lost: there must be a whole record after it.
 *
 * The master key is random.  Argon2id of a PIN gives the key that seals it, with the role and Argon2id's
 * parameters as associated data.  Failed attempts are raised and synced before an attempt; what a success clears is not
 * waited for, so that after a power cut an attempt too many may be counted.  They are counted in bytes of their own,
 * since one byte is never torn and any third value is damage.
 *
 * Locks: token.lock, shared to read records and exclusive to write; token.login for the length of an attempt at a PIN,
 * before the other, so that nobody waits for Argon2id but who has a PIN to try.
 *
 * Thread-safe.  Damage is CORRUPT, and the sentence names what is damaged.
 */
#ifndef DSKE_STORE_STORE_H
#define DSKE_STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/id.h"
#include "base/rc.h"
#include "base/secret.h"

#define STORE_FILE_NAME "token"
#define STORE_HEADER_LEN 4096u
#define STORE_RECORDS_AT 8192u
#define STORE_RECORD_HEAD 64u
#define STORE_RECORD_END 32u /* tag, link */
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
	bool user_pin_reset; /* by the SO, who knows it therefore */
	unsigned so_failed, user_failed; /* attempts since the last success */
	uint8_t label[STORE_LABEL_LEN];
};
/* A missing file is a token that was never initialised, not an error.  Errors: CORRUPT, IO, DENIED. */
dske_rc store_status(struct store *s, struct store_status *out);

/* A new token: label, SO PIN, no user PIN, a new master key, no objects.  If there is one already, its SO
 * PIN must be the same, and its table key stays; other objects of it may be damaged.  Errors: PIN, PIN_LOCKED, IO, SYNC,
 * CORRUPT. */
dske_rc store_init(struct store *s, const void *so_pin, size_t pin_len, const uint8_t label[STORE_LABEL_LEN]);

/* Opens the master key, which the caller owns; also checks every record, unless this process did before and the file's
 * inode, size and ctime say that nobody else has written to it since (sound.c).  Errors: PIN, PIN_LOCKED,
 * STATE (no such PIN is set), CORRUPT. */
dske_rc store_login(struct store *s, enum store_pin which, const void *pin, size_t pin_len, struct secret *master);

/* Sets a PIN and clears its counter, given the master key.  Errors: as store_login, SYNC. */
dske_rc store_set_pin(struct store *s, const struct secret *master, enum store_pin which, const void *pin, size_t pin_len);
/* The same for the user's, by the SO. */
dske_rc store_reset_pin(struct store *s, const struct secret *master, const void *pin, size_t pin_len);

/* What this client's tables are under at rest where `table_key = pin` (man 5 dske.conf): 32 random bytes, drawn when
 * they are first asked for, in a record of their own.  Both PINs open the master key, and a change of either, or
 * a reset of the user's by the SO's, leaves that as it is; store_init takes the key over into the new token, in the
 * same replacement of the file.  So no PIN that is changed, and no moment at which the power goes, loses a table.
 * Errors: as store_add. */
dske_rc store_table_key(struct store *s, const struct secret *master, struct secret *key);

/* The same from a client's state folder with the user's PIN.  Errors: as store_login. */
dske_rc store_open_table_key(const char *dir, const void *pin, size_t pin_len, struct secret *key);

/* One object; plain is borrowed for the call, and NULL for one that is no longer there. */
typedef dske_rc store_visitor(void *context, const struct id *name, const struct secret *plain);

/* Is there something that store_follow() would visit?  Cheap: what the file says of itself is asked for, not read. */
bool store_changed(struct store *s);

/* Visits what has changed since the last visit, by whomever, once each and in the order of the changes: new
 * and replaced objects, and names that were visited and are gone.  A failing visitor ends it; what it failed on comes
 * again.  store_replace() and store_remove() of this process are taken as visited, store_add() is not.
 * Errors: CORRUPT, SYNC, STATE (re-initialised under another master key, or gone), the visitor's. */
dske_rc store_follow(struct store *s, const struct secret *master, store_visitor *visit, void *context);
/* The same as if nothing had been visited: all objects there are, each opened for it. */
dske_rc store_each(struct store *s, const struct secret *master, store_visitor *visit, void *context);

/* store_login() and store_each() in one reading, where the login has to open every record: *visited.  Else nothing is
 * visited.  An object that was replaced or removed may be visited before that is. */
dske_rc store_login_each(struct store *s, enum store_pin which, const void *pin, size_t pin_len, struct secret *master,
			 store_visitor *visit, void *context, bool *visited);

/* Adds (*name is drawn), replaces or removes one object, durably.  Only what was visited is replaced: BUSY when another
 * process has replaced the same object since.  After SYNC and IO the object is as it was, or (if the disk does
 * not do what it is told) as it was to be, but whole.  Errors: NOT_FOUND, TOOBIG, STATE, CORRUPT, SYNC, IO. */
dske_rc store_add(struct store *s, const struct secret *master, const struct secret *plain, struct id *name);
dske_rc store_replace(struct store *s, const struct secret *master, const struct secret *plain, const struct id *name);
dske_rc store_remove(struct store *s, const struct secret *master, const struct id *name);

#endif
