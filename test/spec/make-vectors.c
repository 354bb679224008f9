/* SPDX-License-Identifier: Apache-2.0 */
/* Prints test/vectors/frames.txt: a row an item, the rule it satisfies, its name, tag key, bytes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pskm/header.h"
#include "pskm/stock-report.h"
#include "test/hubproto/direct-samples.h"
#include "test/hubproto/samples.h"

static void print_hex(const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		printf("%02x", bytes[i]);
}

static void print_frame(size_t i)
{
	AUTO(buf) frame = {0};
	uint8_t key[TAG_KEY_LEN];

	buf_heap(&frame, SAMPLE_MAX);
	sample_frame(i, &frame, key);
	if (!rc_ok(buf_rc(&frame)) || !rc_ok(item_check(frame.data + FRAME_HEAD_LEN, frame.len - FRAME_HEAD_LEN)))
		abort();
	printf("item %s ", samples[i].name);
	if (samples[i].type == MESSAGE_NOTE)
		printf("-");
	else
		print_hex(key, sizeof(key));
	printf(" ");
	print_hex(frame.data, frame.len);
	printf("\n");
}

static void print_direct(size_t i)
{
	AUTO(buf) frame = {0};
	uint8_t key[TAG_KEY_LEN];

	buf_heap(&frame, SAMPLE_MAX);
	bool tagged = direct_sample_frame(i, &frame, key);
	if (!rc_ok(buf_rc(&frame)) || !rc_ok(direct_item_check(frame.data + FRAME_HEAD_LEN, frame.len - FRAME_HEAD_LEN)))
		abort();
	printf("direct-item %s ", direct_samples[i].name);
	if (tagged)
		print_hex(key, sizeof key);
	else
		printf("-");
	printf(" ");
	print_hex(frame.data, frame.len);
	printf("\n");
}

static void count_up(uint8_t *bytes, size_t len, uint8_t from)
{
	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)(from + i);
}

static void print_header(const char *name, const char *hub, const char *address, uint64_t created, uint64_t len,
			 enum pskm_kind kind)
{
	AUTO(buf) out = {0};
	struct pskm_header h = {.created = created, .kind = kind};

	count_up(h.table.b, ID_LEN, 0x70);
	count_up(h.hub.b, ID_LEN, 0x40);
	count_up(h.client.b, ID_LEN, 0xa0);
	snprintf(h.hub_name, sizeof(h.hub_name), "%s", hub);
	snprintf(h.client_name, sizeof(h.client_name), "alice");
	snprintf(h.hub_address, sizeof(h.hub_address), "%s", address);
	buf_heap(&out, SAMPLE_MAX);
	if (!rc_ok(kind == PSKM_STOCK ? layout_make_stock(&h.layout, len) : layout_make(&h.layout, len)) ||
	    !rc_ok(pskm_header_write(&out, &h)))
		abort();
	printf("pskm-header %s - ", name);
	print_hex(out.data, out.len);
	printf("\n");
}

static void print_report(const char *name, uint64_t number, size_t count)
{
	AUTO(buf) out = {0};
	struct portion portion[3] = {{.start = UINT64_C(1) << 16}};
	struct stock_report r = {.number = number, .portion = portion, .count = count};
	uint8_t key[TAG_KEY_LEN];

	count_up(r.stock.b, ID_LEN, 0x70);
	count_up(r.before, number > 1 ? sizeof r.before : 0, 0xb0);
	count_up(key, sizeof key, 0x10);
	for (size_t i = 0; i < count; i++) {
		struct portion *p = &portion[i];
		if (i > 0)
			p->start = portion_end(p - 1);
		if (!rc_ok(layout_make(&p->layout, TABLE_LEN_MIN << i)))
			abort();
		count_up(p->table.b, ID_LEN, (uint8_t)(0x20 + i));
		count_up(p->client.b, ID_LEN, (uint8_t)(0xa0 + i));
		snprintf(p->client_name, sizeof p->client_name, "client-%zu", i);
		p->cut = 1700000000 + i;
		p->wasted = i == 1;
	}
	buf_heap(&out, STOCK_REPORT_LEN_MAX);
	if (!rc_ok(stock_report_write(&out, &r, key)))
		abort();
	printf("stock-report %s ", name);
	print_hex(key, sizeof key);
	printf(" ");
	print_hex(out.data, out.len);
	printf("\n");
}

int main(void)
{
	printf("# SPDX-License-Identifier: Apache-2.0\n"
	       "# Origin: test/spec/make-vectors, from test/hubproto/samples.c; make check compares, and\n"
	       "# test/spec/check-vectors holds them against doc/dske.cddl and recomputes the tags.\n"
	       "# Rule, name, tag key ('-': none), bytes in hexadecimal; an item stands with its frame's length.\n");
	for (size_t i = 0; i < sample_count; i++)
		print_frame(i);
	for (size_t i = 0; i < direct_sample_count; i++)
		print_direct(i);
	print_header("least", "h", "", 0, TABLE_LEN_MIN, PSKM_TABLE);
	print_header("plain", "hub-1", "127.0.0.1:7001", 1700000000, UINT64_C(1) << 24, PSKM_TABLE);
	print_header("most", "0123456789.abcdefghijklmnopqrstuvwxyz_ABCDEFGHIJKLMNOPQRSTUVWXY", "[2001:db8::1]:65535",
		UINT64_MAX, TABLE_LEN_MAX, PSKM_TABLE);
	print_header("stock", "hub-1", "127.0.0.1:7001", 1700000000, UINT64_C(1) << 30, PSKM_STOCK);
	print_report("first", 1, 1);
	print_report("later", 300, 3);
	return 0;
}
