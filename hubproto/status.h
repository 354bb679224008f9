/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hubproto/status.h - what a hub answers, each with the sentence an operator can act on.
 * Numbers are on the wire (doc/protocol.md, "Status"); never renumber.
 */
#ifndef DSKE_HUBPROTO_STATUS_H
#define DSKE_HUBPROTO_STATUS_H

/* Tagged answers: number, name, meaning. */
#define DSKE_STATUS_LIST(X)                                                                          \
	X(0, ACCEPTED, "accepted")                                                                   \
	X(1, MALFORMED, "the request could not be decoded")                                          \
	X(2, LENGTH, "the range does not have the length that the request needs")                    \
	X(3, INITIATOR, "the initiator is not the client of this table")                             \
	X(4, TERMS, "n, k, the hub list or the key length are not valid")                            \
	X(5, NOT_LISTED, "this hub is not in the list of hubs")                                      \
	X(6, UNKNOWN_CLIENT, "no such client, or policy does not join the two")                      \
	X(7, KEY_EXISTS, "this key ID is already taken; choose another")                             \
	X(8, QUOTA, "a quota is used up; try again later")                                           \
	X(9, MAILBOX_FULL, "too many keys wait for this receiver")                                   \
	X(10, UNSUPPORTED, "this hub does not support that")                                         \
	X(11, INTERNAL, "the hub could not store the request")                                       \
	X(12, UNKNOWN_KEY, "no key of that name is under way, or to be confirmed, there")            \
	X(13, ORDER, "that part is not the next one")                                                \
	X(14, UNCONFIRMED, "no confirmation came in time")                                           \
	X(15, OLDER, "a later policy of this client stands")

/* Untagged notes (prove nothing, change no state but that they may prompt a lease exchange). */
#define DSKE_NOTE_LIST(X)                                                                            \
	X(1, BAD_TAG, "the message tag did not verify")                                              \
	X(2, NO_LEASE, "no window of this connection covers the range")                              \
	X(3, SLOT_TAKEN, "the lease slot is used")                                                   \
	X(4, UNKNOWN_TABLE, "the hub does not know this table")                                      \
	X(5, RANGE_USED, "the range is used")                                                        \
	X(6, WINDOW_SPENT, "more waits than the down window has room for: renew the lease")          \
	X(7, NOT_ACTIVE, "the PSKM is not activated")                                                \
	X(8, TABLE_FROZEN, "the table was activated twice and is frozen")                            \
	X(9, TOO_BIG, "the frame is too big")                                                        \
	X(10, BUSY, "the hub is overloaded")                                                         \
	X(11, VERSION, "the hub speaks another version")                                             \
	X(12, ENVELOPE, "the frame could not be decoded")                                            \
	X(13, TABLE_LOCKED, "the hub locked this table after a failed write")                        \
	X(14, TABLE_RETIRED, "the table is retired")                                                 \
	X(15, TABLE_MOVED, "the rest of this table went into another one")

enum status {
#define X(number, name, text) STATUS_##name = (number),
	DSKE_STATUS_LIST(X)
#undef X
};

enum note {
#define X(number, name, text) NOTE_##name = (number),
	DSKE_NOTE_LIST(X)
#undef X
};

/* Sentences; "unknown status" for a number that is not in the list.  Static storage. */
const char *status_text(unsigned status);
const char *note_text(unsigned note);

#endif
