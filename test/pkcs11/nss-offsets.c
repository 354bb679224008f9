/* SPDX-License-Identifier: Apache-2.0 */
/* The 3.0 function list and constants as NSS's header has them, for test-tables.c; nothing where that is not
 * installed. */
#include <stddef.h>

#include "pkcs11/p11-3x-names.h"

struct offset {
	const char *name;
	size_t at;
};
extern const struct offset nss_offsets[];
extern const size_t nss_offset_count, nss_list_size;
struct constant {
	const char *name;
	unsigned long value;
};
extern const struct constant nss_constants[];

#if __has_include(<nss/pkcs11.h>) && __has_include(<prtypes.h>)
#define CK_PKCS11_3_0 1
#include <nss/pkcs11.h>

const struct offset nss_offsets[] = {
#define CK_PKCS11_FUNCTION_INFO(name) {#name, offsetof(CK_FUNCTION_LIST_3_0, name)},
#include <nss/pkcs11f.h>
};
const size_t nss_offset_count = sizeof nss_offsets / sizeof nss_offsets[0];
const size_t nss_list_size = sizeof(CK_FUNCTION_LIST_3_0);

#define FIELD(type, field) {#type "." #field, offsetof(type, field)},
#define X(name) {#name, name},
const struct constant nss_constants[] = {P11_3X_MAC_NAMES(X) P11_3X_OBJECT_NAMES(X) P11_3X_CIPHER_NAMES(X)
					   P11_3X_CIPHER_FIELDS(FIELD)};
#undef X
#else
const struct offset nss_offsets[] = {{"", 0}};
const size_t nss_offset_count = 0;
const size_t nss_list_size = 0;
const struct constant nss_constants[] = {{"", 0}};
#endif
