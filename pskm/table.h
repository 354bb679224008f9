/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pskm/table.h - one imported table and its durable ledger (DSKE 2.1: "tracks which bits have been
 * consumed").  Both sides use it; each moves only what is its own.
 *
 * On disk a folder named by the table's ID (pskm/format.h): `header`, `table` (the bytes, encrypted), `keys`,
 * `ledger`.
 * Thread-safe, and safe for many processes on the client's side: each change of the ledger is made
 * under an exclusive lock of the ledger file and is durable before the call returns.  On the hub's
 * side one process holds the folder.  After a failed sync the table is LOCKED for good.
 *
 * No call here waits for the network.
 */
#ifndef DSKE_PSKM_TABLE_H
#define DSKE_PSKM_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "base/rc.h"
#include "base/secret.h"
#include "pskm/header.h"
#include "pskm/supply.h"
#include "pskm/window.h"

enum side { SIDE_CLIENT, SIDE_HUB };

struct table;

/* dir is the table's own folder.  Sweeps: used bytes still in the file are erased.  Every call fails
 * FORKED in a forked child, which opens the table afresh.  A client keeps no file of it open between calls; where
 * the folder is gone, calls fail NOT_FOUND until it is there again.
 * key: this side's table key, or NULL or empty when it is not known (yet); it is copied.  Without it whatever reads
 * bytes fails KEY, and uses nothing up; all else works.  A table without outer key never needs one.
 * Errors: NOT_FOUND, CORRUPT (no ledger record verifies: locked, never guessed), BUSY (hub: another process),
 * STATE (the other side's copy), KEY (another key than the table's), IO, SYNC (it is locked now). */
dske_rc table_open(struct table **out, const char *dir, enum side side, const struct secret *key);

/* Gives the key, or takes it away again.  Errors: KEY (another one; nothing changes), NOT_FOUND, CORRUPT, IO. */
dske_rc table_unlock(struct table *t, const struct secret *key);
void table_relock(struct table *t);
void table_close(struct table *t); /* after its windows are freed; safe on NULL */

const struct pskm_header *table_header(const struct table *t); /* borrowed, lives as long as t */

/* What tells this folder, and its copies, from any other one that bears the table's name and header.  No secret, and
 * nobody guesses it.  It is fixed by table_open: folders exchanged later under an open table fail CORRUPT.  Errors: NOMEM. */
#define TABLE_MARK_LEN 32
dske_rc table_mark(const struct table *t, uint8_t mark[TABLE_MARK_LEN]);

enum table_state { TABLE_IMPORTED, TABLE_ACTIVATING, TABLE_ACTIVE, TABLE_FROZEN, TABLE_LOCKED, TABLE_RETIRED, TABLE_MOVED };
const char *table_state_name(enum table_state s);

/* How a table was retired.  Our word is what we tell the other side under a key that tells nothing else, so it
 * stays as it was recorded. */
enum retire_reason { RETIRE_ENDED = 1, RETIRE_REPLACED, RETIRE_LOST, RETIRE_STOLEN, RETIRE_REASON_END };
struct retiring {
	uint8_t reason;  /* enum retire_reason; the other side may know more */
	uint64_t time;   /* of our word: seconds since the epoch */
	bool repeats;    /* our word: reason and time are the other side's, whose word came first */
	bool receipted;  /* the other side's word is recorded ... */
	bool repeated;   /* ... and repeats ours */
	uint64_t seen;   /* ... at this time of our clock; 0: not yet */
	bool let_go;     /* client: its operator knows that the hub is gone (doc/protocol.md, "Retiring") */
};

struct table_status {
	enum table_state state;
	uint64_t up_left, up_len, down_left, down_len; /* bytes */
	uint64_t lease_left, lease_slots;              /* slots */
	uint64_t clone_alarms;
	struct retiring retired; /* of TABLE_RETIRED */
	struct supply supply; /* how fast it is used, and how long it lasts */
	bool needs_key; /* its table key is not known: no bytes can be read */
};
dske_rc table_status(struct table *t, struct table_status *out);

/* Locks for good (durable).  Used after a failed sync, or on the operator's word. */
dske_rc table_lock(struct table *t);

/* ---- activation: keys ACTIVATE, ACTIVATED, FROZEN; and of retiring ------------------------------ */

enum activation_key {
	ACTIVATION_KEY_ACTIVATE, ACTIVATION_KEY_ACTIVATED, ACTIVATION_KEY_FROZEN,
	ACTIVATION_KEY_RETIRE, ACTIVATION_KEY_RETIRED, /* UNSUPPORTED in a table that was made without them */
};
dske_rc table_activation_key(struct table *t, enum activation_key which, uint8_t out[TAG_KEY_LEN]);

/* Client.  Durably chooses the nonce of ACTIVATE the first time, returns the same one afterwards, so
 * that repetition sends identical bytes.  Errors: STATE (already active), FROZEN, LOCKED. */
dske_rc table_activation_begin(struct table *t, struct id *nonce);
dske_rc table_activation_done(struct table *t);   /* client, when ACTIVATED verified */
dske_rc table_freeze(struct table *t);            /* either side */

/* Hub.  Binds the table to the first ACTIVATE by its nonce: OK the first time and for repetitions of the
 * same nonce; a different one freezes the table durably and fails FROZEN. */
dske_rc table_activate(struct table *t, const struct id *nonce);

/* ---- retiring (doc/protocol.md, "Retiring") ------------------------------------------------------ */

const char *retire_reason_name(unsigned reason); /* "lost"; "for a reason unknown here" */
/* Errors: ARGS, with the list. */
dske_rc retire_reason_parse(uint8_t *out, const char *name);

/* Either side, in any state: durably RETIRED, by the word in *r (reason, time, repeats, let_go); from now on no byte is
 * handed out.  A table that is retired already keeps its word; *r is overwritten with what is recorded.  Nothing is
 * erased yet.  Errors: LOCKED (a sync failed in this process), SYNC. */
dske_rc table_retire(struct table *t, struct retiring *r);

/* Destroys what a retired table still holds, at most so many bytes of its regions, durably; again until *done.  The
 * two keys of retiring stay, as long as they may be needed.  Errors: STATE, IO, SYNC. */
dske_rc table_destroy(struct table *t, uint64_t most, bool *done);

/* The other side's word verified.  Durably recorded, once; then the key that verified it is destroyed, and ours too
 * if it repeats our word: then nobody will ask for it again.  Errors: STATE (not retired), SYNC. */
dske_rc table_retire_receipt(struct table *t, bool repeated, uint64_t now);

/* Client: its operator knows.  Errors: STATE, SYNC. */
dske_rc table_let_go(struct table *t);

/* ---- the lease (doc/protocol.md, "The lease") --------------------------------------------------- */

struct lease_keys {
	struct secret bytes; /* owned; LEASE_SLOT_LEN: LEASE, GRANT, CONFIRM, CLONED, 32 bytes each */
};
void lease_keys_drop(struct lease_keys *k);

/* Client: takes its next slot, durably; *lowest is the lowest up offset it may still send from a new
 * window.  Errors: NOT_ACTIVE, EXHAUSTED (no slot left), LOCKED, FROZEN, SYNC. */
dske_rc table_lease_take(struct table *t, uint64_t *slot, uint64_t *lowest, struct lease_keys *keys);

/* Client: slots below `slot` are taken.  alarm: the hub said so under the clone key; that is believed, and
 * counts as a clone alarm.  Otherwise it was an untagged note, which anybody on the way can write: it moves
 * the client by at most one slot.  Durable. */
dske_rc table_lease_skip(struct table *t, uint64_t slot, bool alarm);

/* Client: GRANT named [start, end) of the up region.  In one durable step records it and the next
 * down_wanted bytes of the down region (fewer when fewer are left) as used, and opens both windows; *up
 * covers only what lies above this client's own high water (it may be empty: when the region is drained,
 * or the hub was restored and lags behind; table_status tells which).
 * Errors: REGION (not in the up region, or longer than WINDOW_LEN_MAX), NOT_ACTIVE, FROZEN, LOCKED, SYNC,
 * NOMEM, CORRUPT (the bytes are erased already, so the ledger is older than the table: locked). */
dske_rc table_lease_granted(struct table *t, uint64_t start, uint64_t end, uint64_t down_wanted,
			    struct window **up, struct window **down);

/* Hub: the keys of a slot, read without using it up (the hub keeps them).  Errors: REGION, NOT_ACTIVE,
 * FROZEN, LOCKED. */
dske_rc table_lease_keys(struct table *t, uint64_t slot, struct lease_keys *keys);

/* Hub, after a LEASE's tag held: what is it?  digest is the front of SHA-256 of its frame.  The
 * hub remembers the digests of the LEASE_MEMORY slots below the next free one; of an older slot it cannot
 * tell a replay from a clone: STALE, which is answered like a clone but is no alarm. */
enum lease_kind { LEASE_FRESH, LEASE_REPEATED, LEASE_CLONE, LEASE_STALE };
#define LEASE_MEMORY 64
#define LEASE_DIGEST_LEN 16 /* bytes */
dske_rc table_lease_classify(struct table *t, uint64_t slot, const uint8_t digest[LEASE_DIGEST_LEN], enum lease_kind *kind,
			     uint64_t *next_free_slot);

/* Hub: before the answer under a slot's fourth key (LEASE_CLONE, LEASE_STALE).  Durably uses that key up,
 * so that one such answer is ever made, and counts an alarm for LEASE_CLONE.  Errors: USED (answered
 * before: send nothing tagged), REGION, LOCKED, SYNC. */
dske_rc table_lease_refuse(struct table *t, uint64_t slot, enum lease_kind kind);

/* Hub: records a fresh LEASE and the window granted for it, in one durable step, and opens it:
 * wanted bytes (bounded by policy_most, WINDOW_LEN_MAX and by what is left), never below any earlier
 * grant, nor below `lowest`; but one LEASE moves the hub past at most 1/LEASE_JUMP_SHARE of the region,
 * since a clone may have exposed its key: a hub that was restored catches up in a few leases.
 * An exhausted region grants an empty window.  Errors: STATE (the slot is used), SYNC, NOMEM. */
#define LEASE_JUMP_SHARE 16
dske_rc table_lease_grant(struct table *t, uint64_t slot, const uint8_t digest[LEASE_DIGEST_LEN], uint64_t lowest,
			  uint64_t wanted, uint64_t policy_most, struct window **up);

/* Hub: CONFIRM named [start, end) of the down region: durable, and opens the part of it that lies above
 * anything this hub ever had (it may be empty).  Errors: REGION, SYNC, NOMEM. */
dske_rc table_lease_confirm(struct table *t, uint64_t start, uint64_t end, struct window **down);

#endif
