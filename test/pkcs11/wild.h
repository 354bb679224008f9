/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test/pkcs11/wild.h - calls with arguments by chance: what test-bad-arguments.c is made of.
 *
 * wild-calls.c says of each function of PKCS#11 3.2 what its arguments are and which answers the text has for it;
 * wild-memory.c has memory that ends where nothing may be touched; wild-values.c, wild-mech.c and wild-templ.c draw
 * values; wild-world.c is a token with keys of all kinds and sessions in all states.
 */
#ifndef DSKE_TEST_PKCS11_WILD_H
#define DSKE_TEST_PKCS11_WILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pkcs11/mech.h"
#include "pkcs11/p11-3x.h"

/* ---- chance ------------------------------------------------------------------------------------------------ */

void wild_seed(uint64_t seed);
unsigned draw(unsigned below); /* below > 0 */
bool one_in(unsigned n);
CK_ULONG draw_odd(void); /* a number that is none: 0, CK_UNAVAILABLE_INFORMATION, 2^31, ... */

/* ---- memory ------------------------------------------------------------------------------------------------ */

#define WILD_ROOM 8192u /* the most that is given out in one piece */

/* What lies around is watched: wild_memory_whole().  Behind the last byte, or right before the first one, is a page
 * that ends the process; lives until wild_memory_reset(). */
void *wild_memory(size_t len);
void *wild_memory_odd(size_t len); /* at an odd address */
void *wild_copy(const void *bytes, size_t len);
void *wild_huge(size_t *len); /* more than 2 GiB of zeros that cannot be written to; NULL: not to be had here */
/* What was given out is not to be written to from now on. */
void wild_memory_protect(void *p);
/* Of all that was given out: is what lies before it as it was? */
bool wild_memory_whole(void);
void wild_memory_reset(void);

/* ---- functions --------------------------------------------------------------------------------------------- */

enum wild_kind {
	W_NONE,
	W_SESSION,
	W_OBJECT,    /* of any kind */
	W_KEY,       /* for the mechanism */
	W_SLOT,
	W_IN,        /* bytes; W_IN_LEN follows */
	W_IN_LEN,
	W_PIN,       /* as W_IN */
	W_TEXT,      /* bytes that end with zero */
	W_OUT,       /* room for bytes; W_OUT_LEN follows, a pointer to how much */
	W_LIST,      /* the same for an array of numbers */
	W_OUT_LEN,
	W_MECH,
	W_TEMPL,     /* W_COUNT follows */
	W_COUNT,
	W_PARAM,     /* of a message; W_IN_LEN follows */
	W_NEW,       /* room for a handle, number or pointer */
	W_RECORD,    /* room for a structure */
	W_FILLED,    /* room for bytes; W_IN_LEN follows */
	W_HANDLES,   /* room for handles; their number and W_NEW follow */
	W_NUMBER,
	W_MECH_TYPE,
	W_USER,
	W_FLAGS,
	W_BOOL,
	W_RESERVED,  /* NULL */
	W_ARGS,      /* of C_Initialize */
	W_NOTIFY,
	W_ANY,       /* a pointer that nobody follows */
	W_LABEL,     /* 32 bytes */
	W_VERSION,
};

enum wild_id {
#define X(guard, name, handler, parameters, arguments) WILD_##name,
	CALLS_2_40(X) CALLS_3_0(X) CALLS_3_2(X)
#undef X
	WILD_COUNT
};
#define WILD_NOTHING WILD_COUNT

/* What templates are for. */
enum wild_purpose { FOR_CREATE, FOR_COPY, FOR_GET, FOR_SET, FOR_FIND, FOR_KEY };

#define WILD_ARGUMENTS 10

struct wild_call {
	const char *name;
	CK_RV (*call)(const CK_ULONG *w);
	unsigned count;
	enum wild_kind kind[WILD_ARGUMENTS];
	unsigned long codes;       /* sets of answers */
	enum wild_id needs;        /* the call that has to come before, or WILD_NOTHING */
	CK_FLAGS flag;             /* of mechanisms for it */
	enum wild_purpose purpose; /* of its template */
};
const struct wild_call *wild_call(enum wild_id id);
bool wild_may_answer(const struct wild_call *call, CK_RV rv);

extern CK_FUNCTION_LIST_3_2 *p11_all;

/* ---- the world --------------------------------------------------------------------------------------------- */

#define WILD_SESSIONS 8
#define WILD_KEYS 18
#define WILD_DEAD 64

struct wild_world {
	CK_SESSION_HANDLE home;                    /* whose objects the keys are; no case gets it */
	CK_SESSION_HANDLE session[WILD_SESSIONS];
	CK_MECHANISM_TYPE message[WILD_SESSIONS];  /* that its messages are of */
	CK_OBJECT_HANDLE key[WILD_KEYS];
	CK_OBJECT_HANDLE other[16];                /* data, peers, profiles, and what cases made */
	size_t other_count;
	CK_ULONG dead[WILD_DEAD];                  /* handles of sessions and objects that are gone */
	size_t dead_count;
	bool spoilt;                               /* PINs are not what they were */
};
extern struct wild_world world;

void world_begin(void); /* a fresh token, module initialised, user logged in */
void world_end(void);
void world_mend(void);  /* after a case: sessions and keys that went come back */
CK_KEY_TYPE world_key_type(size_t i);
void world_bury(CK_ULONG handle);
/* Is the module as useful as before? */
bool world_works(void);

/* ---- values ------------------------------------------------------------------------------------------------ */

struct wild_case {
	const struct wild_call *call;
	size_t session;            /* index of world.session */
	CK_ULONG w[WILD_ARGUMENTS];
	CK_ULONG mech;             /* type of the mechanism that was drawn, or CK_UNAVAILABLE_INFORMATION */
	unsigned char *in;         /* and the last bytes drawn, that others may overlap with */
	CK_ULONG in_len;
	CK_ULONG *out_len, room;   /* W_OUT_LEN and what it said; NULL: none */
	void *out;
	unsigned bad;              /* 1 in so many arguments is; 0: none */
};

void wild_draw(struct wild_case *c);
bool wild_is_bad(const struct wild_case *c); /* is the next value to be a bad one? */
/* Bytes and their length, which are true of each other, or NULL with a length that is not. */
void wild_remember(const void *bytes, size_t len); /* what a call gave: another may take it */
void *draw_bytes(const struct wild_case *c, CK_ULONG most, CK_ULONG *len);
CK_MECHANISM *draw_mech(struct wild_case *c);
void *draw_message_param(const struct wild_case *c, CK_ULONG *len);
CK_ATTRIBUTE *draw_templ(const struct wild_case *c, CK_ULONG *n);

#endif
