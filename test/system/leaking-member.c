/* SPDX-License-Identifier: Apache-2.0 */
/*
 * leaking-member: what makes dske-leaking a member in league with a hub.  The product's own dske, linked with --wrap so
 * that the secret Y_0 whose key tag holds is written to the file that DSKE_LEAK names.  Not installed.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/tag.h"

bool __real_key_tag_check(const struct tag *expected, const uint8_t u[KEY_TAG_KEY_LEN], const void *key, size_t len);
bool __wrap_key_tag_check(const struct tag *expected, const uint8_t u[KEY_TAG_KEY_LEN], const void *key, size_t len);

bool __wrap_key_tag_check(const struct tag *expected, const uint8_t u[KEY_TAG_KEY_LEN], const void *key, size_t len)
{
	const char *path = getenv("DSKE_LEAK");
	bool holds = __real_key_tag_check(expected, u, key, len);
	FILE *file = holds && path ? fopen(path, "wb") : NULL;

	if (file) {
		fwrite(u, 1, KEY_TAG_KEY_LEN, file);
		fwrite(key, 1, len, file);
		fclose(file);
	}
	return holds;
}
