/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11/cipher.h - AES-GCM, AES-CBC and AES-CBC-PAD, in one piece or in parts. */
#ifndef DSKE_PKCS11_CIPHER_H
#define DSKE_PKCS11_CIPHER_H

#include <openssl/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "pkcs11/crypto.h"
#include "pkcs11/rv.h"

struct module;
struct session;
struct object;
struct cipher_op;

/* One way to encrypt: a row of mech.c points here. */
struct cipher_kind {
	enum crypto_cipher cipher;
	bool pad;
	CK_RV (*init)(struct cipher_op *op, const CK_MECHANISM *mech); /* reads the parameter */
};
extern const struct cipher_kind cipher_gcm, cipher_cbc, cipher_cbc_pad;

enum { CIPHER_DECRYPT, CIPHER_ENCRYPT };

#define CIPHER_IV_MAX 128

struct cipher_op {
	const struct cipher_kind *kind; /* NULL: none is active */
	struct object *key;             /* a reference */
	EVP_CIPHER_CTX *ctx;            /* owned */
	bool encrypt, in_parts;
	uint8_t iv[CIPHER_IV_MAX];
	size_t iv_len, tag_len;
	size_t pending;                 /* CBC: bytes that libcrypto holds back */
	uint8_t *ad;                    /* GCM, owned: kept for a second try with a larger buffer */
	size_t ad_len;
	struct buf held;                /* GCM decryption in parts: nothing is released before the tag is checked */
};
void cipher_op_end(struct cipher_op *op);

CK_RV cipher_encrypt_init(struct module *m, struct session *s, CK_MECHANISM_PTR mech, CK_OBJECT_HANDLE key);
CK_RV cipher_encrypt(struct module *m, struct session *s, CK_BYTE_PTR in, CK_ULONG in_len, CK_BYTE_PTR out,
		     CK_ULONG_PTR out_len);
CK_RV cipher_encrypt_update(struct module *m, struct session *s, CK_BYTE_PTR in, CK_ULONG in_len, CK_BYTE_PTR out,
			    CK_ULONG_PTR out_len);
CK_RV cipher_encrypt_final(struct module *m, struct session *s, CK_BYTE_PTR out, CK_ULONG_PTR out_len);
CK_RV cipher_decrypt_init(struct module *m, struct session *s, CK_MECHANISM_PTR mech, CK_OBJECT_HANDLE key);
CK_RV cipher_decrypt(struct module *m, struct session *s, CK_BYTE_PTR in, CK_ULONG in_len, CK_BYTE_PTR out,
		     CK_ULONG_PTR out_len);
CK_RV cipher_decrypt_update(struct module *m, struct session *s, CK_BYTE_PTR in, CK_ULONG in_len, CK_BYTE_PTR out,
			    CK_ULONG_PTR out_len);
CK_RV cipher_decrypt_final(struct module *m, struct session *s, CK_BYTE_PTR out, CK_ULONG_PTR out_len);

#endif
