/* SPDX-License-Identifier: Apache-2.0 */
/* Reads an input as a PSKM's header and as a passphrase; what is accepted must be written back the same. */
#include <stdlib.h>
#include <string.h>

#include "pskm/format.h"
#include "pskm/header.h"
#include "pskm/passphrase.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void try_header(const uint8_t *data, size_t len)
{
	struct pskm_header h;
	uint8_t bytes[PSKM_HEADER_MAX];
	struct buf out;

	if (!rc_ok(pskm_header_read(&h, data, len)))
		return;
	buf_fixed(&out, bytes, sizeof bytes);
	if (!rc_ok(pskm_header_write(&out, &h)) || out.len != len || memcmp(bytes, data, len) != 0)
		abort();
}

static void try_passphrase(const uint8_t *data, size_t len)
{
	char text[256], again[PASSPHRASE_TEXT_MAX];
	uint8_t bits[PASSPHRASE_LEN], same[PASSPHRASE_LEN];

	if (len >= sizeof text)
		return;
	memcpy(text, data, len);
	text[len] = '\0';
	if (!rc_ok(passphrase_read(bits, text)))
		return;
	passphrase_write(again, bits);
	if (!rc_ok(passphrase_read(same, again)) || memcmp(bits, same, sizeof bits) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	try_header(data, len);
	try_passphrase(data, len);
	return 0;
}
