/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11/random.h - random bytes, from the kernel. */
#ifndef DSKE_PKCS11_RANDOM_H
#define DSKE_PKCS11_RANDOM_H

#include "pkcs11/rv.h"

struct module;
struct session;

CK_RV random_seed(struct module *m, struct session *s, CK_BYTE_PTR seed, CK_ULONG seed_len);
CK_RV random_generate(struct module *m, struct session *s, CK_BYTE_PTR out, CK_ULONG out_len);

#endif
