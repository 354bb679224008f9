/* SPDX-License-Identifier: Apache-2.0 */
/* Walks an input as CBOR by what its own heads say; what is accepted must be written back the same. */
#include <stdlib.h>
#include <string.h>

#include "core/cbor.h"

#define LENGTH_MAX 70000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void copy_text(struct cbor_reader *r, struct buf *out)
{
	static char text[LENGTH_MAX + 1];

	cbor_read_text(r, 0, LENGTH_MAX, text);
	if (r->code == DSKE_RC_OK)
		cbor_write_text(out, text);
}

static void copy_bytes(struct cbor_reader *r, struct buf *out)
{
	size_t n = 0;
	const uint8_t *bytes = cbor_read_bytes(r, 0, LENGTH_MAX, &n);

	if (r->code == DSKE_RC_OK)
		cbor_write_bytes(out, bytes, n);
}

static void copy_item(struct cbor_reader *r, struct buf *out)
{
	switch (r->bytes[r->at] >> 5) { /* RFC 8949, section 3.1: the major type */
	case 2:
		copy_bytes(r, out);
		return;
	case 3:
		copy_text(r, out);
		return;
	case 4:
		cbor_write_array(out, cbor_read_array(r, 0, LENGTH_MAX));
		return;
	default:
		cbor_write_uint(out, cbor_read_uint(r, 0, UINT64_MAX));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	AUTO(buf) out = {0};
	struct cbor_reader r;

	buf_heap(&out, len + CBOR_HEAD_MAX);
	cbor_reader_init(&r, data, len);
	while (r.code == DSKE_RC_OK && r.at < r.len)
		copy_item(&r, &out);
	if (!rc_ok(cbor_end(&r)) || len == 0)
		return 0;
	if (!rc_ok(buf_rc(&out)) || out.len != len || memcmp(out.data, data, len) != 0)
		abort();
	return 0;
}
