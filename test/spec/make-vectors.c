/* SPDX-License-Identifier: Apache-2.0 */
/* Prints test/vectors/frames.txt: a row an item, the rule it satisfies, its name, tag key, bytes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pskm/header.h"
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

static void print_header(const char *name, const char *hub, const char *address, uint64_t created, uint64_t len)
{
	AUTO(buf) out = {0};
	struct pskm_header h = {.created = created};

	for (uint8_t i = 0; i < ID_LEN; i++) {
		h.table.b[i] = (uint8_t)(0x70 + i);
		h.hub.b[i] = (uint8_t)(0x40 + i);
		h.client.b[i] = (uint8_t)(0xa0 + i);
	}
	snprintf(h.hub_name, sizeof(h.hub_name), "%s", hub);
	snprintf(h.client_name, sizeof(h.client_name), "alice");
	snprintf(h.hub_address, sizeof(h.hub_address), "%s", address);
	buf_heap(&out, SAMPLE_MAX);
	if (!rc_ok(layout_make(&h.layout, len)) || !rc_ok(pskm_header_write(&out, &h)))
		abort();
	printf("pskm-header %s - ", name);
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
	print_header("least", "h", "", 0, TABLE_LEN_MIN);
	print_header("plain", "hub-1", "127.0.0.1:7001", 1700000000, UINT64_C(1) << 24);
	print_header("most", "0123456789.abcdefghijklmnopqrstuvwxyz_ABCDEFGHIJKLMNOPQRSTUVWXY", "[2001:db8::1]:65535",
		UINT64_MAX, TABLE_LEN_MAX);
	return 0;
}
