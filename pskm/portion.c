/* SPDX-License-Identifier: Apache-2.0 */
/* pskm/portion.c - a portion as a fixed record and as CBOR, and the table that it becomes. */
#include "config.h"

#include "pskm/portion.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "pskm/format.h"

#define FIELDS 7
#define PORTION_ALIGN 64

static_assert(PORTION_AT_NAME + NAME_MAX_LEN + 1 <= PORTION_RECORD_LEN, "as in format.h");

uint64_t portion_end(const struct portion *p)
{
	return p->start + p->layout.len;
}

dske_rc portion_check(const struct portion *p, const struct pskm_header *stock)
{
	TRY(layout_check(&p->layout));
	if (p->start % PORTION_ALIGN != 0 || !layout_holds(&stock->layout, REGION_UP, p->start, p->layout.len))
		return FAIL(FORMAT, "a portion from %llu on of %llu bytes lies outside of the stock's body",
			    (unsigned long long)p->start, (unsigned long long)p->layout.len);
	if (!name_check(p->client_name) || id_is_zero(&p->client) || id_is_zero(&p->table))
		return FAIL(FORMAT, "a portion names client or table by something that is no name or no ID");
	return DSKE_OK;
}

void portion_header(struct pskm_header *h, const struct portion *p, const struct pskm_header *stock)
{
	*h = *stock;
	h->kind = PSKM_TABLE;
	h->table = p->table;
	h->client = p->client;
	(void)snprintf(h->client_name, sizeof h->client_name, "%s", p->client_name);
	h->created = p->cut;
	h->layout = p->layout;
}

/* ---- a fixed record -------------------------------------------------------------------------------- */

void portion_encode(uint8_t out[PORTION_RECORD_LEN], const struct portion *p)
{
	memset(out, 0, PORTION_RECORD_LEN);
	be64_put(out + PORTION_AT_START, p->start);
	for (size_t i = 0; i < REGION_COUNT; i++)
		be64_put(out + PORTION_AT_ENDS + 8 * i, p->layout.region[i].end);
	memcpy(out + PORTION_AT_TABLE, p->table.b, ID_LEN);
	memcpy(out + PORTION_AT_CLIENT, p->client.b, ID_LEN);
	be64_put(out + PORTION_AT_CUT, p->cut);
	out[PORTION_AT_WASTED] = p->wasted;
	memcpy(out + PORTION_AT_NAME, p->client_name, strnlen(p->client_name, NAME_MAX_LEN));
}

dske_rc portion_decode(struct portion *p, const uint8_t in[PORTION_RECORD_LEN])
{
	uint64_t start = 0;

	*p = (struct portion){.start = be64_get(in + PORTION_AT_START), .cut = be64_get(in + PORTION_AT_CUT)};
	for (size_t i = 0; i < REGION_COUNT; i++) {
		p->layout.region[i] = (struct range){start, be64_get(in + PORTION_AT_ENDS + 8 * i)};
		start = p->layout.region[i].end;
	}
	p->layout.len = start;
	memcpy(p->table.b, in + PORTION_AT_TABLE, ID_LEN);
	memcpy(p->client.b, in + PORTION_AT_CLIENT, ID_LEN);
	p->wasted = in[PORTION_AT_WASTED] != 0;
	memcpy(p->client_name, in + PORTION_AT_NAME, NAME_MAX_LEN);
	if (!name_check(p->client_name))
		return FAIL(FORMAT, "a record of a portion has no client's name");
	return layout_check(&p->layout);
}

/* ---- CBOR ------------------------------------------------------------------------------------------ */

void portion_write(struct buf *out, const struct portion *p)
{
	cbor_write_array(out, FIELDS);
	cbor_write_uint(out, p->start);
	pskm_layout_write(out, &p->layout);
	cbor_write_id(out, &p->table);
	cbor_write_id(out, &p->client);
	cbor_write_text(out, p->client_name);
	cbor_write_uint(out, p->cut);
	cbor_write_uint(out, p->wasted);
}

void portion_read(struct cbor_reader *r, struct portion *p)
{
	*p = (struct portion){0};
	cbor_read_array(r, FIELDS, FIELDS);
	p->start = cbor_read_uint(r, 0, TABLE_LEN_MAX);
	pskm_layout_read(r, &p->layout);
	cbor_read_id(r, &p->table);
	cbor_read_id(r, &p->client);
	cbor_read_text(r, 1, NAME_MAX_LEN, p->client_name);
	p->cut = cbor_read_uint(r, 0, UINT64_MAX);
	p->wasted = cbor_read_uint(r, 0, 1) == 1;
	if (r->code == DSKE_RC_OK && (!name_check(p->client_name) || !rc_ok(layout_check(&p->layout))))
		cbor_refuse(r, "a portion that is no client's table");
}
