/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pkcs11/digest.h - digests, in one piece or in parts; and their state, kept by the host (digest-state.c).
 *
 * libcrypto 3.0 does not give out what a digest has come to.  A state is what went in, up to DIGEST_HELD_MAX bytes,
 * sealed under a key of this process: the host can neither read nor make one, and it ends with C_Finalize.  Beyond
 * that, and once C_DigestKey put a key in, a digest cannot be saved; nor can what works with a key.
 */
#ifndef DSKE_PKCS11_DIGEST_H
#define DSKE_PKCS11_DIGEST_H

#include <openssl/types.h>
#include <stdbool.h>

#include "base/buf.h"
#include "pkcs11/rv.h"

struct module;
struct session;
struct hash;

#define DIGEST_HELD_MAX 65536u

struct digest_op {
	const struct hash *hash; /* NULL: none is active */
	EVP_MD_CTX *ctx;         /* owned */
	struct object *key;      /* a reference to the first that went in of those that a login stands before, or NULL */
	bool in_parts;
	bool kept;               /* held has all that went in */
	struct buf held;
};
void digest_op_end(struct digest_op *op);

CK_RV digest_init(struct module *m, struct session *s, CK_MECHANISM_PTR mech);
CK_RV digest_whole(struct module *m, struct session *s, CK_BYTE_PTR in, CK_ULONG in_len, CK_BYTE_PTR out,
		   CK_ULONG_PTR out_len);
CK_RV digest_update(struct module *m, struct session *s, CK_BYTE_PTR in, CK_ULONG in_len);
CK_RV digest_key(struct module *m, struct session *s, CK_OBJECT_HANDLE key);
CK_RV digest_final(struct module *m, struct session *s, CK_BYTE_PTR out, CK_ULONG_PTR out_len);

/* Begins, and goes on with bytes that the host may have; the caller has the session's lock. */
CK_RV digest_op_begin(struct digest_op *op, const struct hash *hash);
CK_RV digest_op_add(struct digest_op *op, const uint8_t *in, size_t in_len);

CK_RV digest_state_get(struct module *m, struct session *s, CK_BYTE_PTR state, CK_ULONG_PTR state_len);
CK_RV digest_state_set(struct module *m, struct session *s, CK_BYTE_PTR state, CK_ULONG state_len,
		       CK_OBJECT_HANDLE cipher_key, CK_OBJECT_HANDLE sign_key);

#endif
