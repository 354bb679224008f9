/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pkcs11/cipher.h - C_Encrypt and C_Decrypt, in one piece or in parts.
 *
 * cipher.c is the life of an operation and the conventions on lengths (PKCS#11 3.0, 5.2), the same for all;
 * cipher-param.c reads what the host gives beside the mechanism; cipher-block.c, cipher-aead.c and cipher-wrap.c
 * are the modes, one struct cipher_kind each.  C_WrapKey and the message-based calls use the same kinds.
 */
#ifndef DSKE_PKCS11_CIPHER_H
#define DSKE_PKCS11_CIPHER_H

#include <openssl/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "pkcs11/crypto.h"
#include "pkcs11/nonce.h"
#include "pkcs11/rv.h"

struct module;
struct session;
struct object;
struct cipher_op;

/* Whose parts are kept until the last one came: nothing of what an AEAD decrypts is given out before its tag is
 * checked (PKCS#11 3.0, 6.13), and some modes need the whole message. */
enum cipher_hold { HOLD_NOTHING, HOLD_DECRYPTION, HOLD_BOTH };

/* What a message brings beside its data where the tag stands apart: borrowed from the host. */
struct cipher_message {
	struct nonce nonce;
	CK_BYTE *tag;
	size_t tag_len, data_len; /* as in struct cipher_op */
};

/* One way to encrypt: a row of mech.c points here. */
struct cipher_kind {
	enum crypto_cipher cipher;
	unsigned unit;  /* parts give a multiple of so many bytes */
	unsigned slack; /* a plaintext may be so many bytes shorter than whole_len() says: padding */
	enum cipher_hold hold;
	bool single;    /* never in parts */
	bool waits;     /* for files and locks, and calls libcrypto in brackets of its own: not from within one */
	/* The parameter.  MECHANISM_PARAM_INVALID, HOST_MEMORY. */
	CK_RV (*read)(struct cipher_op *op, const CK_MECHANISM *mech);
	/* What a whole message of in_len bytes gives, at most; DATA_LEN_RANGE or ENCRYPTED_DATA_LEN_RANGE when there is
	 * no such message. */
	CK_RV (*whole_len)(const struct cipher_op *op, size_t in_len, size_t *out_len);
	/* XChaCha20: from a longer nonce a key of its own (op->subkey) and the nonce to begin with; or NULL.  Errors: NOMEM. */
	dske_rc (*extend)(struct cipher_op *op);
	/* Begins the message on op->ctx, the first time or over again.  NULL: run() makes a context of its own. */
	bool (*start)(struct cipher_op *op);
	/* A whole message, whose length whole_len() has seen.  out holds what that said, and may be where in is; it is
	 * wiped when the answer is not CKR_OK. */
	CK_RV (*run)(struct cipher_op *op, const uint8_t *in, size_t in_len, uint8_t *out, size_t *out_len);
	/* AEAD: the same with the tag apart, which is written or checked; what is left of out on failure is the caller's to
	 * wipe.  After parts it ends the message, with len 0. */
	bool (*detached)(struct cipher_op *op, const uint8_t *in, size_t len, uint8_t *out, uint8_t *tag);
	/* A parameter of message-based calls, whose size is message_size.  MECHANISM_PARAM_INVALID. */
	CK_RV (*read_message)(const void *param, CK_ULONG len, struct cipher_message *p);
	size_t message_size;
	/* Wrapping: a key is padded with zeros to a multiple of this; and a parameter that differs from read()'s, whose nonce
	 * is still to be made or copied. */
	unsigned key_unit;
	CK_RV (*read_wrap)(struct cipher_op *op, const CK_MECHANISM *mech, struct nonce *n);
};
extern const struct cipher_kind cipher_ecb, cipher_cbc, cipher_cbc_pad, cipher_cts, cipher_ctr, cipher_chacha20;
extern const struct cipher_kind cipher_gcm, cipher_ccm, cipher_chacha20_poly1305;
extern const struct cipher_kind cipher_otp;
extern const struct cipher_kind cipher_kw, cipher_kw_pkcs7, cipher_kwp;

enum { CIPHER_DECRYPT, CIPHER_ENCRYPT };

#define CIPHER_BLOCK 16u
#define CIPHER_IV_MAX NONCE_MAX
#define CIPHER_PART_MAX ((CK_ULONG)INT32_MAX - 4 * CIPHER_BLOCK) /* libcrypto counts in int */
#define CIPHER_ANY_LEN SIZE_MAX
#define CIPHER_NO_END UINT64_MAX

struct cipher_op {
	const struct cipher_kind *kind; /* NULL: none is active */
	struct object *key;             /* a reference */
	struct module *m;               /* by C_EncryptInit and C_DecryptInit; NULL in a message or wrapping */
	struct secret subkey;           /* in place of the key's value, if there is one */
	EVP_CIPHER_CTX *ctx;            /* owned; NULL for kinds without start() */
	bool encrypt, in_parts;
	bool finished;                  /* what the last call gives waits in `held` */
	uint8_t iv[CIPHER_IV_MAX];
	size_t iv_len, tag_len;
	size_t pending;                 /* bytes of a block that libcrypto holds back */
	uint64_t left;                  /* bytes until the counter comes round, or CIPHER_NO_END */
	uint8_t *ad;                    /* owned: kept for a second try with a larger buffer */
	size_t ad_len;
	size_t data_len;                /* CCM: the length that the host said, or CIPHER_ANY_LEN */
	struct buf held;                /* see enum cipher_hold */
};

/* For who runs a message of his own, after cipher_op_prepare(); row and attributes were checked.  Whatever it answers,
 * cipher_op_end() follows. */
CK_RV cipher_op_begin(struct cipher_op *op, const struct cipher_kind *kind, const CK_MECHANISM *mech);
/* The same in steps for who has read the parameter itself: first (takes over a reference), and when all is set. */
void cipher_op_prepare(struct cipher_op *op, struct object *key, bool encrypt);
CK_RV cipher_op_ready(struct cipher_op *op, const struct cipher_kind *kind);
bool cipher_holds(const struct cipher_op *op); /* are parts kept until the last? */
CK_RV cipher_op_len(const struct cipher_op *op, size_t in_len, size_t *out_len);
void cipher_op_end(struct cipher_op *op);

/* Parameters (cipher-param.c). */
CK_RV cipher_read_none(struct cipher_op *op, const CK_MECHANISM *mech);
CK_RV cipher_read_block(struct cipher_op *op, const CK_MECHANISM *mech);
CK_RV cipher_read_ctr(struct cipher_op *op, const CK_MECHANISM *mech);
CK_RV cipher_read_chacha20(struct cipher_op *op, const CK_MECHANISM *mech);
CK_RV cipher_read_gcm(struct cipher_op *op, const CK_MECHANISM *mech);
CK_RV cipher_read_ccm(struct cipher_op *op, const CK_MECHANISM *mech);
CK_RV cipher_read_chacha20_poly1305(struct cipher_op *op, const CK_MECHANISM *mech);
CK_RV cipher_read_kw(struct cipher_op *op, const CK_MECHANISM *mech);
CK_RV cipher_read_kwp(struct cipher_op *op, const CK_MECHANISM *mech);
CK_RV cipher_take_ad(struct cipher_op *op, const void *ad, CK_ULONG len); /* copies it */
CK_RV cipher_wrap_gcm(struct cipher_op *op, const CK_MECHANISM *mech, struct nonce *n);
CK_RV cipher_wrap_ccm(struct cipher_op *op, const CK_MECHANISM *mech, struct nonce *n);
CK_RV cipher_message_gcm(const void *param, CK_ULONG len, struct cipher_message *p);
CK_RV cipher_message_ccm(const void *param, CK_ULONG len, struct cipher_message *p);
CK_RV cipher_message_chacha20_poly1305(const void *param, CK_ULONG len, struct cipher_message *p);

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
