/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "pkcs11/dual.h"

#include "base/secret.h"
#include "pkcs11/module.h"

typedef CK_RV update(struct module *m, struct session *s, CK_BYTE_PTR in, CK_ULONG in_len);

static bool digests(const struct session *s)
{
	return s->digest.hash != NULL;
}

static bool signs(const struct session *s)
{
	return s->sign[SIGN_SIGN].row != NULL;
}

static bool verifies(const struct session *s)
{
	return s->sign[SIGN_VERIFY].row != NULL;
}

/* Before anything is used up. */
static bool is_active(struct session *s, bool (*with)(const struct session *))
{
	pthread_mutex_lock(&s->lock);
	bool active = with(s);
	pthread_mutex_unlock(&s->lock);
	return active;
}

/* "The plaintext and ciphertext can be in the same place": the other operation wants what was there before. */
static CK_RV keep_plaintext(struct secret *copy, CK_BYTE **in, CK_ULONG len, const CK_BYTE *out, const CK_ULONG *out_len)
{
	if (*in == NULL || out == NULL || out_len == NULL || len == 0 || len > CIPHER_PART_MAX)
		return CKR_OK;
	if ((uintptr_t)*in >= (uintptr_t)out + *out_len || (uintptr_t)out >= (uintptr_t)*in + len)
		return CKR_OK;
	TRY_RV(rv_from(secret_from(copy, *in, len)));
	*in = copy->data;
	return CKR_OK;
}

static CK_RV encrypt_and(struct module *m, struct session *s, bool (*with)(const struct session *), update *also,
			 CK_BYTE *in, CK_ULONG in_len, CK_BYTE *out, CK_ULONG *out_len)
{
	AUTO(secret) copy = {0};
	CK_BYTE *plain = in;

	if (!is_active(s, with))
		return CKR_OPERATION_NOT_INITIALIZED;
	TRY_RV(keep_plaintext(&copy, &plain, in_len, out, out_len));
	TRY_RV(cipher_encrypt_update(m, s, in, in_len, out, out_len));
	return out != NULL ? also(m, s, plain, in_len) : CKR_OK;
}

static CK_RV decrypt_and(struct module *m, struct session *s, bool (*with)(const struct session *), update *also,
			 CK_BYTE *in, CK_ULONG in_len, CK_BYTE *out, CK_ULONG *out_len)
{
	if (!is_active(s, with))
		return CKR_OPERATION_NOT_INITIALIZED;
	TRY_RV(cipher_decrypt_update(m, s, in, in_len, out, out_len));
	return out != NULL ? also(m, s, out, *out_len) : CKR_OK;
}

CK_RV dual_digest_encrypt(struct module *m, struct session *s, CK_BYTE_PTR in, CK_ULONG in_len, CK_BYTE_PTR out,
			  CK_ULONG_PTR out_len)
{
	return encrypt_and(m, s, digests, digest_update, in, in_len, out, out_len);
}

CK_RV dual_decrypt_digest(struct module *m, struct session *s, CK_BYTE_PTR in, CK_ULONG in_len, CK_BYTE_PTR out,
			  CK_ULONG_PTR out_len)
{
	return decrypt_and(m, s, digests, digest_update, in, in_len, out, out_len);
}

CK_RV dual_sign_encrypt(struct module *m, struct session *s, CK_BYTE_PTR in, CK_ULONG in_len, CK_BYTE_PTR out,
			CK_ULONG_PTR out_len)
{
	return encrypt_and(m, s, signs, sign_sign_update, in, in_len, out, out_len);
}

CK_RV dual_decrypt_verify(struct module *m, struct session *s, CK_BYTE_PTR in, CK_ULONG in_len, CK_BYTE_PTR out,
			  CK_ULONG_PTR out_len)
{
	return decrypt_and(m, s, verifies, sign_verify_update, in, in_len, out, out_len);
}
