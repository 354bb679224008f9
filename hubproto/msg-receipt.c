/* SPDX-License-Identifier: Apache-2.0 */
#include "hubproto/msg.h"

#define RECEIPT_ITEMS 1

dske_rc msg_receipt_write(struct buf *out, const struct msg_receipt *m)
{
	cbor_write_array(out, RECEIPT_ITEMS);
	cbor_write_uint(out, m->verdict);
	return buf_rc(out);
}

dske_rc msg_receipt_read(struct msg_receipt *m, const uint8_t *body, size_t len)
{
	struct cbor_reader r;

	*m = (struct msg_receipt){0};
	cbor_reader_init(&r, body, len);
	cbor_read_array(&r, RECEIPT_ITEMS, RECEIPT_ITEMS);
	m->verdict = (enum receipt_verdict)cbor_read_uint(&r, RECEIPT_KEPT, RECEIPT_CORRUPT);
	return cbor_end(&r);
}
