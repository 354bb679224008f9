/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11/sign.h - HMAC-SHA256, full or cut to the length that the mechanism's parameter says. */
#ifndef DSKE_PKCS11_SIGN_H
#define DSKE_PKCS11_SIGN_H

#include <openssl/types.h>
#include <stdbool.h>
#include <stddef.h>

#include "pkcs11/rv.h"

struct module;
struct session;
struct object;

/* One way to sign: a row of mech.c points here. */
struct sign_kind {
	bool general; /* the parameter is a CK_ULONG, the length in bytes */
};
extern const struct sign_kind sign_hmac, sign_hmac_general;

enum { SIGN_SIGN, SIGN_VERIFY };

struct sign_op {
	const struct sign_kind *kind; /* NULL: none is active */
	struct object *key;           /* a reference */
	EVP_MAC_CTX *ctx;             /* owned */
	size_t mac_len;
	bool in_parts;
};
void sign_op_end(struct sign_op *op);

CK_RV sign_sign_init(struct module *m, struct session *s, CK_MECHANISM_PTR mech, CK_OBJECT_HANDLE key);
CK_RV sign_sign(struct module *m, struct session *s, CK_BYTE_PTR in, CK_ULONG in_len, CK_BYTE_PTR out,
		CK_ULONG_PTR out_len);
CK_RV sign_sign_update(struct module *m, struct session *s, CK_BYTE_PTR in, CK_ULONG in_len);
CK_RV sign_sign_final(struct module *m, struct session *s, CK_BYTE_PTR out, CK_ULONG_PTR out_len);
CK_RV sign_verify_init(struct module *m, struct session *s, CK_MECHANISM_PTR mech, CK_OBJECT_HANDLE key);
CK_RV sign_verify(struct module *m, struct session *s, CK_BYTE_PTR in, CK_ULONG in_len, CK_BYTE_PTR mac, CK_ULONG mac_len);
CK_RV sign_verify_update(struct module *m, struct session *s, CK_BYTE_PTR in, CK_ULONG in_len);
CK_RV sign_verify_final(struct module *m, struct session *s, CK_BYTE_PTR mac, CK_ULONG mac_len);

#endif
