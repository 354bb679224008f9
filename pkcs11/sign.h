/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11/sign.h - MACs, full or cut to the length that the mechanism's parameter says. */
#ifndef DSKE_PKCS11_SIGN_H
#define DSKE_PKCS11_SIGN_H

#include <stdbool.h>
#include <stddef.h>

#include "pkcs11/mac.h"
#include "pkcs11/rv.h"

struct module;
struct session;
struct object;

struct mech;
struct sign_op;

/* One way to sign: a row of mech.c points here.  With CRYPTO_HMAC the row names a hash. */
struct sign_kind {
	enum crypto_maker maker;
	CK_RV (*read)(struct sign_op *op, const CK_MECHANISM *mech); /* the parameter */
};
extern const struct sign_kind sign_hmac, sign_hmac_general, sign_cmac, sign_cmac_general, sign_gmac, sign_poly1305;

enum {
	SIGN_SIGN,
	SIGN_VERIFY,
	SIGN_VERIFY_GIVEN, /* the code came first: PKCS#11 3.2, 5.15.7 */
	SIGN_MESSAGES,     /* many messages with one key: sign-message.c */
	SIGN_VERIFY_MESSAGES,
	SIGN_COUNT
};

struct sign_op {
	const struct mech *row; /* NULL: none is active */
	struct object *key;     /* a reference */
	struct mac *mac;        /* owned */
	size_t len;             /* bytes of the code that go out or come in */
	uint8_t iv[MAC_IV_LEN];
	bool has_iv, in_parts;  /* of messages: one in parts is under way */
	uint8_t given[MAC_MAX]; /* SIGN_VERIFY_GIVEN: `len` bytes */
};
void sign_op_end(struct sign_op *op);

/* Steps, with the session's lock.  `whole`: `in` is all there is, and nothing was added before. */
CK_RV sign_op_init(struct module *m, struct session *s, int which, const CK_MECHANISM *mech, CK_OBJECT_HANDLE key);
CK_RV sign_op_check(const struct sign_op *op); /* is one active, and its key still there? */
CK_RV sign_op_add(struct sign_op *op, const uint8_t *in, CK_ULONG in_len);
/* The code of what was added, and of `in` if that is the whole. */
CK_RV sign_op_sign(struct sign_op *op, bool whole, const uint8_t *in, CK_ULONG in_len, uint8_t *out, CK_ULONG *out_len);
/* Is it the code of what was added and of `in`?  SIGNATURE_INVALID, SIGNATURE_LEN_RANGE. */
CK_RV sign_op_verify(struct sign_op *op, bool whole, const uint8_t *in, CK_ULONG in_len, const uint8_t *given,
		     CK_ULONG given_len);

CK_RV sign_sign_init(struct module *m, struct session *s, CK_MECHANISM_PTR mech, CK_OBJECT_HANDLE key);
CK_RV sign_sign(struct module *m, struct session *s, CK_BYTE_PTR in, CK_ULONG in_len, CK_BYTE_PTR out,
		CK_ULONG_PTR out_len);
CK_RV sign_sign_update(struct module *m, struct session *s, CK_BYTE_PTR in, CK_ULONG in_len);
CK_RV sign_sign_final(struct module *m, struct session *s, CK_BYTE_PTR out, CK_ULONG_PTR out_len);
CK_RV sign_verify_init(struct module *m, struct session *s, CK_MECHANISM_PTR mech, CK_OBJECT_HANDLE key);
CK_RV sign_verify(struct module *m, struct session *s, CK_BYTE_PTR in, CK_ULONG in_len, CK_BYTE_PTR mac, CK_ULONG mac_len);
CK_RV sign_verify_update(struct module *m, struct session *s, CK_BYTE_PTR in, CK_ULONG in_len);
CK_RV sign_verify_final(struct module *m, struct session *s, CK_BYTE_PTR mac, CK_ULONG mac_len);

CK_RV sign_given_init(struct module *m, struct session *s, CK_MECHANISM_PTR mech, CK_OBJECT_HANDLE key, CK_BYTE_PTR mac,
		      CK_ULONG mac_len);
CK_RV sign_given(struct module *m, struct session *s, CK_BYTE_PTR in, CK_ULONG in_len);
CK_RV sign_given_update(struct module *m, struct session *s, CK_BYTE_PTR in, CK_ULONG in_len);
CK_RV sign_given_final(struct module *m, struct session *s);

CK_RV sign_messages_init(struct module *m, struct session *s, CK_MECHANISM_PTR mech, CK_OBJECT_HANDLE key);
CK_RV sign_message(struct module *m, struct session *s, CK_VOID_PTR param, CK_ULONG param_len, CK_BYTE_PTR in,
		   CK_ULONG in_len, CK_BYTE_PTR out, CK_ULONG_PTR out_len);
CK_RV sign_message_begin(struct module *m, struct session *s, CK_VOID_PTR param, CK_ULONG param_len);
CK_RV sign_message_next(struct module *m, struct session *s, CK_VOID_PTR param, CK_ULONG param_len, CK_BYTE_PTR in,
			CK_ULONG in_len, CK_BYTE_PTR out, CK_ULONG_PTR out_len);
CK_RV sign_messages_final(struct module *m, struct session *s);
CK_RV sign_verify_messages_init(struct module *m, struct session *s, CK_MECHANISM_PTR mech, CK_OBJECT_HANDLE key);
CK_RV sign_verify_message(struct module *m, struct session *s, CK_VOID_PTR param, CK_ULONG param_len, CK_BYTE_PTR in,
			  CK_ULONG in_len, CK_BYTE_PTR mac, CK_ULONG mac_len);
CK_RV sign_verify_message_begin(struct module *m, struct session *s, CK_VOID_PTR param, CK_ULONG param_len);
CK_RV sign_verify_message_next(struct module *m, struct session *s, CK_VOID_PTR param, CK_ULONG param_len,
			       CK_BYTE_PTR in, CK_ULONG in_len, CK_BYTE_PTR mac, CK_ULONG mac_len);
CK_RV sign_verify_messages_final(struct module *m, struct session *s);

#endif
