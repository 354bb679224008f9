/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pkcs11/dual.h - two operations over the same plaintext (PKCS#11 3.0, 5.17).  Both have to be active.  What the
 * conventions on lengths keep from the cipher (a question for the length, a buffer that is too small) reaches neither.
 * What decryption holds back, C_DecryptFinal gives, and the host hands it on itself, as the text's examples do.
 */
#ifndef DSKE_PKCS11_DUAL_H
#define DSKE_PKCS11_DUAL_H

#include "pkcs11/rv.h"

struct module;
struct session;

CK_RV dual_digest_encrypt(struct module *m, struct session *s, CK_BYTE_PTR in, CK_ULONG in_len, CK_BYTE_PTR out,
			  CK_ULONG_PTR out_len);
CK_RV dual_decrypt_digest(struct module *m, struct session *s, CK_BYTE_PTR in, CK_ULONG in_len, CK_BYTE_PTR out,
			  CK_ULONG_PTR out_len);
CK_RV dual_sign_encrypt(struct module *m, struct session *s, CK_BYTE_PTR in, CK_ULONG in_len, CK_BYTE_PTR out,
			CK_ULONG_PTR out_len);
CK_RV dual_decrypt_verify(struct module *m, struct session *s, CK_BYTE_PTR in, CK_ULONG in_len, CK_BYTE_PTR out,
			  CK_ULONG_PTR out_len);

#endif
