/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "tools/key-type.h"

#include <stddef.h>

static const struct {
	CK_KEY_TYPE type;
	const char *name;
} names[] = {
	{CKK_GENERIC_SECRET, "generic"},          {CKK_AES, "AES"},
	{CKK_CHACHA20, "ChaCha20"},               {CKK_POLY1305, "Poly1305"},
	{CKK_HKDF, "HKDF"},                       {CKK_SHA_1_HMAC, "HMAC-SHA1"},
	{CKK_SHA224_HMAC, "HMAC-SHA224"},         {CKK_SHA256_HMAC, "HMAC-SHA256"},
	{CKK_SHA384_HMAC, "HMAC-SHA384"},         {CKK_SHA512_HMAC, "HMAC-SHA512"},
	{CKK_SHA512_224_HMAC, "HMAC-SHA512/224"}, {CKK_SHA512_256_HMAC, "HMAC-SHA512/256"},
	{CKK_SHA3_224_HMAC, "HMAC-SHA3-224"},     {CKK_SHA3_256_HMAC, "HMAC-SHA3-256"},
	{CKK_SHA3_384_HMAC, "HMAC-SHA3-384"},     {CKK_SHA3_512_HMAC, "HMAC-SHA3-512"},
};

const char *key_type_name(CK_KEY_TYPE type)
{
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		if (names[i].type == type)
			return names[i].name;
	}
	return NULL;
}
