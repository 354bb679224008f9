/* SPDX-License-Identifier: Apache-2.0 */
/*
 * splitting-hub: what makes dske-hubd-splitting give a member of a group another key.  The product's own hub, linked with
 * --wrap.  Once the file that DSKE_LEAK names has a secret Y_0, a share that is sealed is shifted by what makes Y_0,
 * by XOR, end in another byte and the key tag hold: u = (c, d, e) gets another d.  Not installed.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/pad.h"
#include "core/tag.h"

#define SECRET_MAX 4096

dske_rc __real_pad_xor(struct pad *p, void *out, const void *in, size_t len);
dske_rc __wrap_pad_xor(struct pad *p, void *out, const void *in, size_t len);

static size_t secret_read(uint8_t *y0)
{
	const char *path = getenv("DSKE_LEAK");
	FILE *file = path ? fopen(path, "rb") : NULL;
	size_t len = file ? fread(y0, 1, SECRET_MAX, file) : 0;

	if (file)
		fclose(file);
	return len;
}

/* Sealing is done in place, opening is not. */
dske_rc __wrap_pad_xor(struct pad *p, void *out, const void *in, size_t len)
{
	uint8_t y0[SECRET_MAX], *share = out;
	struct tag before, after;
	const bool seals = out == in;
	dske_rc rc = __real_pad_xor(p, out, in, len);

	if (!rc_ok(rc) || !seals || len <= KEY_TAG_KEY_LEN || secret_read(y0) != len)
		return rc;
	key_tag_compute(&before, y0, y0 + KEY_TAG_KEY_LEN, len - KEY_TAG_KEY_LEN);
	y0[len - 1] ^= 0x55;
	share[len - 1] ^= 0x55;
	key_tag_compute(&after, y0, y0 + KEY_TAG_KEY_LEN, len - KEY_TAG_KEY_LEN);
	for (size_t i = 0; i < TAG_LEN; i++)
		share[TAG_LEN + i] ^= (uint8_t)(before.b[i] ^ after.b[i]);
	return rc;
}
