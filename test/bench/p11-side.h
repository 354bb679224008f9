/* SPDX-License-Identifier: Apache-2.0 */
/* test/bench/p11-side.h - the sides of bench-pkcs11: PKCS#11 modules, libcrypto itself, and `openssl speed`. */
#ifndef DSKE_TEST_BENCH_P11_SIDE_H
#define DSKE_TEST_BENCH_P11_SIDE_H

#include <stdbool.h>

#include "pkcs11/p11-3x.h"

struct side {
	const char *name; /* NULL: no such module here */
	CK_FUNCTION_LIST *p11;
	CK_SLOT_ID slot;
	CK_SESSION_HANDLE session;
	CK_OBJECT_HANDLE key, hmac_key;
	unsigned made; /* token keys "key 0" to "key made-1" */
};

extern CK_BBOOL yes, no;
extern unsigned char in[1024], out[1024 + 64];

void need(CK_RV rv, const char *what);

/* Loads a module and finds the token of that label. */
void side_load(struct side *s, const char *name, const char *module, const char *label);
void side_start(struct side *s); /* initialises, opens a session, logs in */
void side_stop(struct side *s);
CK_OBJECT_HANDLE side_key(struct side *s, CK_KEY_TYPE type, CK_BBOOL token, const char *label);

/* What is measured; each run is one call, or as many as it takes. */
typedef void run_side(struct side *s);
run_side side_login, side_login_and_find, side_start_and_find, side_session, side_create_session_key,
	side_create_token_key, side_find, side_get_attribute, side_gcm_64, side_gcm_1024, side_hmac_64, side_hmac_1024, side_digest, side_random;

/* libcrypto's, with a key that is set up once, and for each message its own IV and tag.  The side is not looked at. */
run_side bare_gcm_64, bare_gcm_1024, bare_hmac_64, bare_hmac_1024, bare_digest;
/* And the disk's: 8 bytes written over in a file beside the configuration, and fdatasync. */
run_side bare_sync;

/* Calls a second, by the clock or (as `openssl speed` has it) of processor time. */
enum bench_clock { BY_CLOCK, BY_PROCESSOR };
double rate(run_side *run, struct side *s, enum bench_clock by);
void row(const char *name, const char *side, double number);

#endif
