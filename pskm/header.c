/* SPDX-License-Identifier: Apache-2.0 */
/* pskm/header.c - the header as CBOR, and as a file beside a table. */
#include "config.h"

#include "pskm/header.h"

#include <string.h>

#include "base/crypto.h"
#include "base/file.h"
#include "core/cbor.h"
#include "pskm/format.h"
#include "pskm/header-file.h"

#define HEADER_VERSION 1 /* of a table; a stock's is the next, so that who knows none refuses it */

/* Names are names and the split holds.  Errors: FORMAT. */
static dske_rc header_check(const struct pskm_header *h)
{
	if (!name_check(h->hub_name) || !name_check(h->client_name))
		return FAIL(FORMAT, "the PSKM's header names hub or client by something that is no name");
	return layout_check(&h->layout);
}

dske_rc pskm_kind_require(const struct pskm_header *h, enum pskm_kind kind)
{
	if (h->kind == kind)
		return DSKE_OK;
	if (h->kind == PSKM_STOCK)
		return FAIL(DENIED, "this is a stock of unallocated bytes for the distributor %s, no client's PSKM: "
				    "dske distributor import takes it",
			    h->client_name);
	return FAIL(DENIED, "this is the PSKM of client %s, no distributor's stock: dske pskm import takes it", h->client_name);
}

void pskm_layout_write(struct buf *out, const struct layout *l)
{
	cbor_write_array(out, REGION_COUNT);
	for (size_t i = 0; i < REGION_COUNT; i++)
		cbor_write_uint(out, l->region[i].end);
}

dske_rc pskm_header_write(struct buf *out, const struct pskm_header *h)
{
	TRY(header_check(h));
	cbor_write_array(out, 9);
	cbor_write_uint(out, HEADER_VERSION + (uint64_t)h->kind);
	cbor_write_id(out, &h->table);
	cbor_write_id(out, &h->hub);
	cbor_write_id(out, &h->client);
	cbor_write_text(out, h->hub_name);
	cbor_write_text(out, h->client_name);
	cbor_write_text(out, h->hub_address);
	cbor_write_uint(out, h->created);
	pskm_layout_write(out, &h->layout);
	return buf_rc(out);
}

/* The regions adjoin, so their ends say it all. */
void pskm_layout_read(struct cbor_reader *r, struct layout *l)
{
	uint64_t start = 0;

	cbor_read_array(r, REGION_COUNT, REGION_COUNT);
	for (size_t i = 0; i < REGION_COUNT; i++) {
		l->region[i] = (struct range){start, cbor_read_uint(r, 1, TABLE_LEN_MAX)};
		start = l->region[i].end;
	}
	l->len = start;
}

dske_rc pskm_header_read(struct pskm_header *h, const uint8_t *bytes, size_t len)
{
	struct cbor_reader r;

	*h = (struct pskm_header){0};
	cbor_reader_init(&r, bytes, len);
	cbor_read_array(&r, 9, 9);
	h->kind = cbor_read_uint(&r, HEADER_VERSION, HEADER_VERSION + PSKM_STOCK) == HEADER_VERSION ? PSKM_TABLE : PSKM_STOCK;
	cbor_read_id(&r, &h->table);
	cbor_read_id(&r, &h->hub);
	cbor_read_id(&r, &h->client);
	cbor_read_text(&r, 1, NAME_MAX_LEN, h->hub_name);
	cbor_read_text(&r, 1, NAME_MAX_LEN, h->client_name);
	cbor_read_text(&r, 0, PSKM_ADDRESS_MAX, h->hub_address);
	h->created = cbor_read_uint(&r, 0, UINT64_MAX);
	pskm_layout_read(&r, &h->layout);
	TRY(cbor_end(&r));
	return header_check(h);
}

dske_rc header_file_write(const char *path, const struct pskm_header *h)
{
	uint8_t bytes[HEADER_AT_CBOR + PSKM_HEADER_MAX + HEADER_SUM_LEN];
	struct buf out;

	buf_fixed(&out, bytes, sizeof bytes);
	buf_put(&out, HEADER_MAGIC, sizeof HEADER_MAGIC - 1);
	buf_put_be32(&out, 0);
	TRY(pskm_header_write(&out, h));
	be32_put(bytes + HEADER_AT_LEN, (uint32_t)(out.len - HEADER_AT_CBOR));
	uint8_t sum[HEADER_SUM_LEN];
	TRY(crypto_sha256(sum, bytes, out.len));
	buf_put(&out, sum, sizeof sum);
	TRY(buf_rc(&out));
	return file_replace(path, bytes, out.len, 0600);
}

static dske_rc header_parse(struct pskm_header *h, const struct buf *in, const char *path)
{
	uint8_t sum[HEADER_SUM_LEN];

	if (in->len < HEADER_AT_CBOR + HEADER_SUM_LEN)
		return FAIL(CORRUPT, "%s is cut short", path);
	size_t body_len = in->len - HEADER_SUM_LEN;
	TRY(crypto_sha256(sum, in->data, body_len));
	if (memcmp(sum, in->data + body_len, sizeof sum) != 0 ||
	    memcmp(in->data, HEADER_MAGIC, sizeof HEADER_MAGIC - 1) != 0 ||
	    be32_get(in->data + HEADER_AT_LEN) != body_len - HEADER_AT_CBOR)
		return FAIL(CORRUPT, "%s is damaged", path);
	if (!rc_ok(pskm_header_read(h, in->data + HEADER_AT_CBOR, body_len - HEADER_AT_CBOR)))
		return FAIL(CORRUPT, "%s holds no PSKM header that this version reads", path);
	return DSKE_OK;
}

dske_rc header_file_read(struct pskm_header *h, const char *path)
{
	AUTO(buf) in = {0};

	TRY(file_read_ordinary(&in, path, HEADER_AT_CBOR + PSKM_HEADER_MAX + HEADER_SUM_LEN));
	return header_parse(h, &in, path);
}
