/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11/message.h - message-based encryption and decryption (PKCS#11 3.0, 5.9 and 5.11): many messages with one key. */
#ifndef DSKE_PKCS11_MESSAGE_H
#define DSKE_PKCS11_MESSAGE_H

#include "pkcs11/cipher.h"

/* A process of messages, one for each direction in a session.  An error ends the message that it belongs to, and the
 * process goes on until C_MessageEncryptFinal. */
struct message_op {
	const struct cipher_kind *kind; /* NULL: none is active */
	struct object *key;             /* a reference */
	bool encrypt;
	struct module *m;               /* borrowed */
	struct cipher_op one;           /* the message in parts that is under way; its kind is NULL when there is none */
};
void message_op_end(struct message_op *op);

CK_RV message_encrypt_init(struct module *m, struct session *s, CK_MECHANISM_PTR mech, CK_OBJECT_HANDLE key);
CK_RV message_encrypt(struct module *m, struct session *s, CK_VOID_PTR param, CK_ULONG param_len, CK_BYTE_PTR ad,
		      CK_ULONG ad_len, CK_BYTE_PTR in, CK_ULONG in_len, CK_BYTE_PTR out, CK_ULONG_PTR out_len);
CK_RV message_encrypt_begin(struct module *m, struct session *s, CK_VOID_PTR param, CK_ULONG param_len, CK_BYTE_PTR ad,
			    CK_ULONG ad_len);
CK_RV message_encrypt_next(struct module *m, struct session *s, CK_VOID_PTR param, CK_ULONG param_len, CK_BYTE_PTR in,
			   CK_ULONG in_len, CK_BYTE_PTR out, CK_ULONG_PTR out_len, CK_FLAGS flags);
CK_RV message_encrypt_final(struct module *m, struct session *s);
CK_RV message_decrypt_init(struct module *m, struct session *s, CK_MECHANISM_PTR mech, CK_OBJECT_HANDLE key);
CK_RV message_decrypt(struct module *m, struct session *s, CK_VOID_PTR param, CK_ULONG param_len, CK_BYTE_PTR ad,
		      CK_ULONG ad_len, CK_BYTE_PTR in, CK_ULONG in_len, CK_BYTE_PTR out, CK_ULONG_PTR out_len);
CK_RV message_decrypt_begin(struct module *m, struct session *s, CK_VOID_PTR param, CK_ULONG param_len, CK_BYTE_PTR ad,
			    CK_ULONG ad_len);
CK_RV message_decrypt_next(struct module *m, struct session *s, CK_VOID_PTR param, CK_ULONG param_len, CK_BYTE_PTR in,
			   CK_ULONG in_len, CK_BYTE_PTR out, CK_ULONG_PTR out_len, CK_FLAGS flags);
CK_RV message_decrypt_final(struct module *m, struct session *s);

#endif
