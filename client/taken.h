/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client/taken.h - the names of the keys that this client has taken as a receiver, for all its processes.
 *
 * A hub keeps a share until its RECEIPT, and a RECEIPT can be lost, or held up by an enemy: then the next
 * WAIT by the same context would be given the same shares, and so the old key as if it were a new one.
 *
 * The folder `taken.d` in the state folder: 256 files, by the first byte of the key ID, each the number of its names and
 * then these.  They are kept for TAKEN_KEPT_S, twice as long as any share: a hub's clock stands still while it is down.
 * They outlive a process, and are not synced: a power cut may undo the last names.
 */
#ifndef DSKE_CLIENT_TAKEN_H
#define DSKE_CLIENT_TAKEN_H

#include "base/id.h"
#include "base/rc.h"
#include "client/config.h"

#define TAKEN_KEPT_S (INT64_C(14) * 24 * 3600)

/* Was it entered in the last TAKEN_KEPT_S?  Errors: as file_open, IO, CORRUPT. */
dske_rc taken_look(const struct config *c, const struct id *initiator, const struct id *key_id, bool *taken);

/* Enters it, before the key is handed out.  Errors: EXISTS (it is there: another call has that key), else as
 * taken_look. */
dske_rc taken_enter(const struct config *c, const struct id *initiator, const struct id *key_id);

/* Enters it, whether it is there or not: for who asked for the key by its name.  Costs the same however many there are.
 * Errors: as taken_look. */
dske_rc taken_note(const struct config *c, const struct id *initiator, const struct id *key_id);

/*
 * The folder `ready.d`, of the same form: the keys of which READY was said (doc/protocol.md 8.7), and those of first passes
 * under which shares were tagged (9.4).  An entry is durable when vow_enter returns.
 */
dske_rc vow_look(const struct config *c, const struct id *initiator, const struct id *key_id, bool *vowed);

/* Errors: DENIED (it is there: another call of this client is, or was, ready for that key), SYNC, else as taken_look. */
dske_rc vow_enter(const struct config *c, const struct id *initiator, const struct id *key_id);

#endif
