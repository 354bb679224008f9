/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test/fuzz/calls.h - bytes as a sequence of PKCS#11 calls over a small world: some sessions, some objects, one token.
 *
 * calls-step.c, calls-keys.c and calls-use.c decode and call; calls-model.c says what must be true of it; fuzz-calls.c is
 * the fuzzer.  Threads that share a world go without a model (test/pkcs11/test-shared.c).
 */
#ifndef DSKE_TEST_FUZZ_CALLS_H
#define DSKE_TEST_FUZZ_CALLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pkcs11/p11-3x.h"

#define CALLS_SESSIONS 6
#define CALLS_TOKEN_SESSIONS 4 /* the first ones: of the token; the others are of PSKMs */
#define CALLS_OBJECTS 20
#define CALLS_SLOTS 4 /* the token, and three PSKMs */
#define CALLS_VALUE 32

struct calls_shared {
	_Atomic(CK_ULONG) session[CALLS_SESSIONS], object[CALLS_OBJECTS]; /* 0: none */
};

struct calls_model;

struct calls {
	const uint8_t *p;
	size_t left;
	struct calls_shared *all;
	struct calls_model *model; /* NULL: nobody looks */
	bool single;               /* nobody else calls meanwhile, so that the module may be ended */
};

extern CK_FUNCTION_LIST_3_2 *calls_p11;

/* One call, or a few that belong together; false when the bytes are used up. */
bool calls_step(struct calls *c);

/* What follows in the input: 0 when there is nothing. */
unsigned calls_take(struct calls *c, unsigned below);
size_t calls_session_at(struct calls *c); /* an index */
size_t calls_object_at(struct calls *c);
CK_SESSION_HANDLE calls_session(struct calls *c, size_t i);
CK_OBJECT_HANDLE calls_object(struct calls *c, size_t i);

void calls_keys(struct calls *c); /* makes, changes and looks at objects */
void calls_use(struct calls *c);  /* operations with them */

/* What a new object is asked to be. */
struct calls_wish {
	CK_BBOOL token, private, open, sensitive;
	unsigned char value[CALLS_VALUE];
	unsigned char label[4];
	CK_ULONG key_type;
	CK_ATTRIBUTE templ[16];
	CK_ULONG n;
};
/* Draws one; its template has no class, type or value yet. */
void calls_wish(struct calls *c, struct calls_wish *w);
void calls_put(struct calls_wish *w, CK_ATTRIBUTE_TYPE type, void *p, CK_ULONG len);
size_t calls_room(const struct calls *c); /* index for a new object, or CALLS_OBJECTS */
void calls_keep(struct calls *c, size_t at, size_t session, CK_OBJECT_HANDLE made); /* at that index */

/* ---- the model: each does nothing without one -------------------------------------------------------------- */

struct calls_model *model_new(void);
void model_free(struct calls_model *m);
_Noreturn void calls_wrong(const char *what);

void model_opened(struct calls *c, size_t session, CK_SLOT_ID slot, bool rw);
void model_closed(struct calls *c, size_t session);
void model_slot_closed(struct calls *c, CK_SLOT_ID slot);
void model_login(struct calls *c, CK_USER_TYPE who);
void model_logout(struct calls *c);
void model_ended(struct calls *c); /* C_Finalize */
void model_token_lost(struct calls *c); /* C_InitToken */

/* A key that was made of `from` (CALLS_OBJECTS: of nothing), and one that is no more. */
void model_made(struct calls *c, size_t object, size_t session, const struct calls_wish *w, bool known_value,
		size_t from);
void model_destroyed(struct calls *c, size_t object);
bool model_hides(const struct calls *c, size_t object);       /* must its value not be read? */
void model_closes(struct calls *c, size_t object);            /* from now on it must not */
void model_given(struct calls *c, const void *bytes, size_t len); /* what came out: no byte of a key's hidden value */
void model_wrapped(struct calls *c); /* an extractable key was: who unwraps it may say that it is not sensitive */
/* All keys, or one by its label. */
void model_found(struct calls *c, const CK_OBJECT_HANDLE *list, size_t n, size_t only);
void model_label(const struct calls *c, size_t object, unsigned char label[4]);

/* Operations, by an index of 0 to 10: begun with a key, surely ended, gone on with. */
void model_begun(struct calls *c, size_t session, unsigned op, size_t key);
void model_over(struct calls *c, size_t session, unsigned op);
void model_went_on(struct calls *c, size_t session, unsigned op, CK_RV rv);

/* After each step: what is gone stays away, what is there is there. */
void model_check(struct calls *c);

#endif
