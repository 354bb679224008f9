/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base/rc.h - the one list of errors, and the type that carries them.
 *
 * A function that can fail returns a `dske_rc`: a structure, so that it can be confused neither with
 * an int nor with a CK_RV.  Beside the code a thread keeps one sentence of detail for a person
 * ("cannot open ... : permission denied"), set by FAIL() and read by rc_detail().  The sentence never
 * holds secret bytes.
 */
#ifndef DSKE_BASE_RC_H
#define DSKE_BASE_RC_H

#include <stdbool.h>

/* One row an error: name, what it means to a person. */
#define DSKE_RC_LIST(X)                                                                              \
	X(OK, "success")                                                                             \
	X(NOMEM, "out of memory")                                                                    \
	X(ARGS, "an argument is not valid")                                                          \
	X(IO, "an input or output operation failed")                                                 \
	X(SYNC, "data could not be made durable; the table is locked")                               \
	X(CORRUPT, "stored data is damaged")                                                         \
	X(FORMAT, "malformed data")                                                                  \
	X(TOOBIG, "larger than the limit allows")                                                    \
	X(TAG, "authentication failed")                                                              \
	X(USED, "these table bytes are already used")                                                \
	X(REGION, "the range lies outside its region of the table")                                  \
	X(WINDOW, "the range lies outside the windows of this connection")                           \
	X(EXHAUSTED, "no unused table bytes are left")                                               \
	X(LOCKED, "the table is locked")                                                             \
	X(FROZEN, "the table was activated twice and is frozen")                                     \
	X(RETIRED, "the table is retired")                                                           \
	X(CLONED, "another copy of this table is in use")                                            \
	X(NOT_ACTIVE, "the PSKM is not activated")                                                   \
	X(STATE, "not possible in this state")                                                       \
	X(NOT_FOUND, "not found")                                                                    \
	X(EXISTS, "exists already")                                                                  \
	X(DENIED, "refused by policy")                                                               \
	X(TIMEOUT, "timed out")                                                                      \
	X(UNREACHABLE, "cannot be reached")                                                          \
	X(CLOSED, "the other side closed the connection")                                            \
	X(REFUSED, "the hub refused")                                                                \
	X(TOO_FEW, "too few hubs answered")                                                          \
	X(NO_CANDIDATE, "no set of shares gives a key that its key tag confirms")                    \
	X(CONFLICT, "the shares give more than one valid key")                                       \
	X(PIN, "wrong PIN or passphrase")                                                            \
	X(PIN_LOCKED, "the PIN is locked")                                                           \
	X(KEY, "the table is locked: its table key is not known")                                    \
	X(FORKED, "not usable in a forked child")                                                    \
	X(CONFIG, "the configuration is not valid")                                                  \
	X(BUSY, "in use by another process")                                                         \
	X(CANCELLED, "cancelled")                                                                    \
	X(UNSUPPORTED, "not supported")

enum {
#define X(name, text) DSKE_RC_##name,
	DSKE_RC_LIST(X)
#undef X
	DSKE_RC_COUNT
};

typedef struct {
	int code; /* DSKE_RC_* */
} dske_rc;

#define DSKE_OK ((dske_rc){DSKE_RC_OK})

/* Fails with a code and a printf sentence: return FAIL(IO, "cannot open %s", path);
 * The code is a constant here, so that compilers see that TRY() leaves. */
#define FAIL(name, ...) ((void)rc_fail(DSKE_RC_##name, __VA_ARGS__), (dske_rc){DSKE_RC_##name})

/* Returns from the calling function when e fails. */
#define TRY(e)                                                                                       \
	do {                                                                                         \
		dske_rc try_rc_ = (e);                                                               \
		if (try_rc_.code != DSKE_RC_OK)                                                      \
			return try_rc_;                                                              \
	} while (0)

/* A local of `struct type` that type##_drop() empties on every path out: AUTO(secret) key = {0};
 * `unused` for one that is held for its end alone, which clang does not count as a use. */
#define AUTO(type) __attribute__((cleanup(type##_drop), unused)) struct type

static inline bool rc_ok(dske_rc rc)
{
	return rc.code == DSKE_RC_OK;
}

static inline bool rc_is(dske_rc rc, int code)
{
	return rc.code == code;
}

#define RC_SENTENCE_MAX 512 /* with its final zero; a longer one is cut */

/* Stores the sentence for this thread and returns the code.  An empty format keeps the code's own text. */
dske_rc rc_fail(int code, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Makes the code the thread's last failure, with its own text as detail. */
void rc_note(int code);

/* The same, and returns it. */
static inline dske_rc rc_make(int code)
{
	rc_note(code);
	return (dske_rc){code};
}

/* What the code means; static storage. */
const char *rc_text(dske_rc rc);

/* The code's name without prefix ("TIMEOUT"); static storage. */
const char *rc_name(dske_rc rc);

/* The sentence of this thread's last rc_fail() if it was for this code, else rc_text(rc).
 * Borrowed: valid until the thread's next failure. */
const char *rc_detail(dske_rc rc);

#endif
