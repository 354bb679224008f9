/* SPDX-License-Identifier: Apache-2.0 */
/* tools/key-type.h - what people call types of keys. */
#ifndef DSKE_TOOLS_KEY_TYPE_H
#define DSKE_TOOLS_KEY_TYPE_H

#include "pkcs11/p11-3x-mac.h"

/* NULL: it is none of a secret key. */
const char *key_type_name(CK_KEY_TYPE type);

#endif
