/* SPDX-License-Identifier: Apache-2.0 */
/* Reads an input as a PSKM's header, as a reference's head, as a passphrase and as a distributor's report; what is accepted
 * must be written back the same. */
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

#include "pskm/format.h"
#include "pskm/header.h"
#include "pskm/passphrase.h"
#include "pskm/reference-impl.h"
#include "pskm/stock-report.h"

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

/* The checksum is not guessed: it is made right first. */
static void try_reference(const uint8_t *data, size_t len)
{
	struct reference_head head, again;
	uint8_t bytes[REFERENCE_HEAD_MAX];

	if (len < REFERENCE_AFTER_END || len > sizeof bytes)
		return;
	memcpy(bytes, data, len);
	SHA256(bytes, len - SHA256_DIGEST_LENGTH, bytes + len - SHA256_DIGEST_LENGTH);
	if (!rc_ok(reference_head_parse(&head, bytes, len)))
		return;
	if (!rc_ok(reference_head_write(&again, &head.r)) || again.len != len || memcmp(again.bytes, bytes, len) != 0)
		abort();
	uint64_t chunks = reference_chunks(&head.r);
	if (chunks == 0 || reference_first_key(&head.r, chunks) != (head.r.kind == REFERENCE_KEYS ? head.r.keys : 0))
		abort();
	for (uint64_t i = 0; i < chunks && i < 64; i++) {
		if (reference_first_key(&head.r, i) > reference_first_key(&head.r, i + 1))
			abort();
	}
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

/* The tag apart, which is whatever it is. */
static void try_report(const uint8_t *data, size_t len)
{
	static const uint8_t key[TAG_KEY_LEN];
	AUTO(stock_report) r = {0};
	AUTO(buf) out = {0};

	if (!rc_ok(stock_report_read(&r, data, len)))
		return;
	buf_heap(&out, STOCK_REPORT_LEN_MAX);
	if (!rc_ok(stock_report_write(&out, &r, key)) || out.len != len || memcmp(out.data, data, len - TAG_LEN) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	try_header(data, len);
	try_reference(data, len);
	try_passphrase(data, len);
	try_report(data, len);
	return 0;
}
