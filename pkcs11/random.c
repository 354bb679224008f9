/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "pkcs11/random.h"

#include "base/secret.h"

CK_RV random_seed(struct module *m, struct session *s, CK_BYTE_PTR seed, CK_ULONG seed_len)
{
	(void)m, (void)s, (void)seed, (void)seed_len;
	return CKR_RANDOM_SEED_NOT_SUPPORTED;
}

CK_RV random_generate(struct module *m, struct session *s, CK_BYTE_PTR out, CK_ULONG out_len)
{
	(void)m, (void)s;
	if (out == NULL && out_len > 0)
		return CKR_ARGUMENTS_BAD;
	return rv_from(random_fill(out, out_len));
}
