/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cbor.h"

#include <string.h>

#include <cbor.h>

/*
 * libcbor's cbor_load() allocates what a length field asks for, before the bytes are there (0.8: five
 * bytes cost 1 GB).  Its streaming decoder allocates nothing: it reads one item and calls back.
 */
enum item_kind { ITEM_OTHER, ITEM_UINT, ITEM_BYTES, ITEM_TEXT, ITEM_ARRAY };

struct item {
	enum item_kind kind;
	uint64_t value;       /* integer, or length of a string, or items of an array */
	const uint8_t *bytes; /* content of a string */
};

static void on_uint64(void *context, uint64_t v)
{
	*(struct item *)context = (struct item){.kind = ITEM_UINT, .value = v};
}

static void on_uint32(void *context, uint32_t v)
{
	on_uint64(context, v);
}

static void on_uint16(void *context, uint16_t v)
{
	on_uint64(context, v);
}

static void on_uint8(void *context, uint8_t v)
{
	on_uint64(context, v);
}

static void on_bytes(void *context, cbor_data bytes, size_t len)
{
	*(struct item *)context = (struct item){ITEM_BYTES, len, bytes};
}

static void on_text(void *context, cbor_data bytes, size_t len)
{
	*(struct item *)context = (struct item){ITEM_TEXT, len, bytes};
}

static void on_array(void *context, size_t count)
{
	*(struct item *)context = (struct item){.kind = ITEM_ARRAY, .value = count};
}

/* What is not ours leaves the kind at ITEM_OTHER. */
static const struct cbor_callbacks callbacks = {
	.uint8 = on_uint8,
	.uint16 = on_uint16,
	.uint32 = on_uint32,
	.uint64 = on_uint64,
	.negint64 = cbor_null_negint64_callback,
	.negint32 = cbor_null_negint32_callback,
	.negint16 = cbor_null_negint16_callback,
	.negint8 = cbor_null_negint8_callback,
	.byte_string_start = cbor_null_byte_string_start_callback,
	.byte_string = on_bytes,
	.string = on_text,
	.string_start = cbor_null_string_start_callback,
	.indef_array_start = cbor_null_indef_array_start_callback,
	.array_start = on_array,
	.indef_map_start = cbor_null_indef_map_start_callback,
	.map_start = cbor_null_map_start_callback,
	.tag = cbor_null_tag_callback,
	.float2 = cbor_null_float2_callback,
	.float4 = cbor_null_float4_callback,
	.float8 = cbor_null_float8_callback,
	.undefined = cbor_null_undefined_callback,
	.null = cbor_null_null_callback,
	.boolean = cbor_null_boolean_callback,
	.indef_break = cbor_null_indef_break_callback,
};

void cbor_reader_init(struct cbor_reader *r, const uint8_t *bytes, size_t len)
{
	*r = (struct cbor_reader){.bytes = bytes, .len = len, .code = DSKE_RC_OK};
}

void cbor_refuse(struct cbor_reader *r, const char *why)
{
	if (r->code == DSKE_RC_OK)
		r->code = FAIL(FORMAT, "malformed CBOR before byte %zu: %s", r->at, why).code;
}

static size_t head_encode(const struct item *item, uint8_t head[CBOR_HEAD_MAX])
{
	switch (item->kind) {
	case ITEM_UINT:
		return cbor_encode_uint(item->value, head, CBOR_HEAD_MAX);
	case ITEM_BYTES:
		return cbor_encode_bytestring_start((size_t)item->value, head, CBOR_HEAD_MAX);
	case ITEM_TEXT:
		return cbor_encode_string_start((size_t)item->value, head, CBOR_HEAD_MAX);
	case ITEM_ARRAY:
		return cbor_encode_array_start((size_t)item->value, head, CBOR_HEAD_MAX);
	case ITEM_OTHER:
		break;
	}
	return 0;
}

/* RFC 8949, 4.2.1: the shortest head.  The decoder takes longer ones, so we encode again and compare. */
static bool head_is_shortest(const struct item *item, const uint8_t *bytes, size_t read)
{
	uint8_t head[CBOR_HEAD_MAX];
	size_t head_len = head_encode(item, head);
	size_t content_len = item->bytes ? (size_t)item->value : 0;

	return head_len > 0 && read == head_len + content_len && memcmp(bytes, head, head_len) == 0;
}

/* Counts an item that has been read in the array that holds it, and closes arrays that are complete. */
static void reader_count(struct cbor_reader *r)
{
	if (r->depth > 0)
		r->left[r->depth - 1]--;
	while (r->depth > 0 && r->left[r->depth - 1] == 0) {
		r->depth--;
		if (r->depth > 0)
			r->left[r->depth - 1]--;
	}
}

/* Reads the next item if it is of this kind with a value of min..max. */
static bool read_item(struct cbor_reader *r, struct item *item, enum item_kind kind, uint64_t min,
	uint64_t max)
{
	static const char *const expected[] = {
		[ITEM_UINT] = "expected an unsigned integer",
		[ITEM_BYTES] = "expected a byte string",
		[ITEM_TEXT] = "expected a text string",
		[ITEM_ARRAY] = "expected an array",
	};
	*item = (struct item){.kind = ITEM_OTHER};
	if (r->code != DSKE_RC_OK)
		return false;

	const uint8_t *bytes = r->bytes + r->at;
	struct cbor_decoder_result result = {.read = 0, .status = CBOR_DECODER_NEDATA};

	if (r->at < r->len)
		result = cbor_stream_decode(bytes, r->len - r->at, &callbacks, item);
	if (result.status != CBOR_DECODER_FINISHED)
		cbor_refuse(r, result.status == CBOR_DECODER_NEDATA ? "cut short" : "not CBOR");
	else if (item->kind != kind)
		cbor_refuse(r, expected[kind]);
	else if (!head_is_shortest(item, bytes, result.read))
		cbor_refuse(r, "not the shortest form");
	else if (item->value < min || item->value > max)
		cbor_refuse(r, "a value or length is out of range");
	if (r->code != DSKE_RC_OK)
		return false;
	r->at += result.read;
	return true;
}

uint64_t cbor_read_uint(struct cbor_reader *r, uint64_t min, uint64_t max)
{
	struct item item;

	if (!read_item(r, &item, ITEM_UINT, min, max))
		return 0;
	reader_count(r);
	return item.value;
}

const uint8_t *cbor_read_bytes(struct cbor_reader *r, size_t min, size_t max, size_t *len)
{
	struct item item;

	if (len)
		*len = 0;
	if (!read_item(r, &item, ITEM_BYTES, min, max))
		return NULL;
	reader_count(r);
	if (len)
		*len = (size_t)item.value;
	return item.bytes;
}

void cbor_read_copy(struct cbor_reader *r, void *out, size_t len)
{
	const uint8_t *bytes = cbor_read_bytes(r, len, len, NULL);

	if (bytes)
		memcpy(out, bytes, len);
	else
		memset(out, 0, len);
}

void cbor_read_id(struct cbor_reader *r, struct id *id)
{
	cbor_read_copy(r, id->b, ID_LEN);
}

void cbor_read_text(struct cbor_reader *r, size_t min, size_t max, char *out)
{
	struct item item;

	out[0] = '\0';
	if (!read_item(r, &item, ITEM_TEXT, min, max))
		return;
	size_t len = (size_t)item.value;
	for (size_t i = 0; i < len; i++) {
		if (item.bytes[i] < 0x20 || item.bytes[i] > 0x7e) {
			cbor_refuse(r, "text with other than printable ASCII characters");
			return;
		}
	}
	memcpy(out, item.bytes, len);
	out[len] = '\0';
	reader_count(r);
}

size_t cbor_read_array(struct cbor_reader *r, size_t min, size_t max)
{
	struct item item;

	if (!read_item(r, &item, ITEM_ARRAY, min, max))
		return 0;
	if (r->depth == CBOR_DEPTH_MAX) {
		cbor_refuse(r, "nested too deep");
		return 0;
	}
	if (item.value == 0) {
		reader_count(r);
		return 0;
	}
	r->left[r->depth++] = (size_t)item.value;
	return (size_t)item.value;
}

dske_rc cbor_end(struct cbor_reader *r)
{
	if (r->depth > 0)
		cbor_refuse(r, "an array has more items than expected");
	else if (r->at != r->len)
		cbor_refuse(r, "bytes follow the last item");
	return (dske_rc){r->code};
}

void cbor_write_uint(struct buf *out, uint64_t v)
{
	uint8_t head[CBOR_HEAD_MAX];

	buf_put(out, head, cbor_encode_uint(v, head, sizeof(head)));
}

void cbor_write_bytes_head(struct buf *out, size_t len)
{
	uint8_t head[CBOR_HEAD_MAX];

	buf_put(out, head, cbor_encode_bytestring_start(len, head, sizeof(head)));
}

void cbor_write_bytes(struct buf *out, const void *bytes, size_t len)
{
	cbor_write_bytes_head(out, len);
	buf_put(out, bytes, len);
}

void cbor_write_id(struct buf *out, const struct id *id)
{
	cbor_write_bytes(out, id->b, ID_LEN);
}

void cbor_write_text(struct buf *out, const char *text)
{
	uint8_t head[CBOR_HEAD_MAX];
	size_t len = strlen(text);

	buf_put(out, head, cbor_encode_string_start(len, head, sizeof(head)));
	buf_put(out, text, len);
}

void cbor_write_array(struct buf *out, size_t count)
{
	uint8_t head[CBOR_HEAD_MAX];

	buf_put(out, head, cbor_encode_array_start(count, head, sizeof(head)));
}
