/* SPDX-License-Identifier: Apache-2.0 */
/* qkd/answer.c - the three bodies that a KME sends. */
#include "config.h"

#include "qkd/answer.h"

#include <stdio.h>
#include <string.h>

#include "base/secret.h"
#include "qkd/base64.h"
#include "qkd/json.h"

#define ROOM_BESIDE_KEY 256 /* names, ID, extensions */

/* ---- UUIDs ---------------------------------------------------------------------------------------- */

static bool dash_at(size_t i)
{
	return i == 8 || i == 13 || i == 18 || i == 23;
}

const char *uuid_text(const struct id *id, char out[UUID_TEXT_LEN + 1])
{
	char hex[ID_HEX_LEN];
	const char *from = id_hex(id, hex);

	for (size_t i = 0; i < UUID_TEXT_LEN; i++)
		out[i] = dash_at(i) ? '-' : *from++;
	out[UUID_TEXT_LEN] = '\0';
	return out;
}

bool uuid_read(struct id *id, const uint8_t *text, size_t len)
{
	char hex[ID_HEX_LEN];
	size_t digits = 0;

	if (len != UUID_TEXT_LEN)
		return false;
	for (size_t i = 0; i < UUID_TEXT_LEN; i++) {
		if (dash_at(i) != (text[i] == '-') || (text[i] >= 'A' && text[i] <= 'F'))
			return false;
		if (!dash_at(i))
			hex[digits++] = (char)text[i];
	}
	hex[digits] = '\0';
	return rc_ok(id_parse(id, hex));
}

/* ---- status --------------------------------------------------------------------------------------- */

static const struct {
	const char *name;
	size_t at;
} status_fields[] = {
	{"key_size", offsetof(struct kme_status, key_size)},
	{"stored_key_count", offsetof(struct kme_status, stored_key_count)},
	{"max_key_per_request", offsetof(struct kme_status, max_key_per_request)},
	{"min_key_size", offsetof(struct kme_status, min_key_size)},
	{"max_key_size", offsetof(struct kme_status, max_key_size)},
};
#define STATUS_FIELDS (sizeof status_fields / sizeof status_fields[0])

static size_t status_field(const struct json_text *name)
{
	size_t i = 0;

	while (i < STATUS_FIELDS && !json_text_is(name, status_fields[i].name))
		i++;
	return i;
}

dske_rc answer_status(struct kme_status *out, uint8_t *body, size_t len)
{
	struct json j;
	struct json_text name;
	bool seen[STATUS_FIELDS + 1] = {false};

	*out = (struct kme_status){0};
	json_begin(&j, body, len);
	(void)json_enter(&j, '{');
	while (json_member(&j, &name)) {
		size_t i = status_field(&name);

		if (i == STATUS_FIELDS) {
			(void)json_skip(&j);
			continue;
		}
		if (seen[i])
			return FAIL(FORMAT, "the KME's status says %s twice", status_fields[i].name);
		seen[i] = true;
		(void)json_uint(&j, (uint64_t *)((char *)out + status_fields[i].at));
	}
	(void)json_end(&j);
	TRY(json_rc(&j));
	for (size_t i = 0; i < STATUS_FIELDS; i++) {
		if (!seen[i])
			return FAIL(FORMAT, "the KME's status lacks %s", status_fields[i].name);
	}
	return DSKE_OK;
}

/* ---- key container -------------------------------------------------------------------------------- */

struct reading {
	const struct answer_wanted *wanted;
	struct json j;
	struct id *ids;
	uint8_t *keys;
	size_t count;
};

static dske_rc take_id(struct reading *r, const struct json_text *text)
{
	struct id *id = &r->ids[r->count];

	if (!uuid_read(id, text->bytes, text->len))
		return FAIL(FORMAT, "key %zu of the KME's answer has an ID that is no UUID in lower case", r->count + 1);
	for (size_t i = 0; i < r->count; i++) {
		if (id_equal(id, &r->ids[i]))
			return FAIL(FORMAT, "the KME's answer has one key ID twice");
	}
	return DSKE_OK;
}

static dske_rc take_key(struct reading *r, const struct json_text *text)
{
	size_t len = r->wanted->key_len;

	if (base64_decode(r->keys + r->count * len, len, text->bytes, text->len))
		return DSKE_OK;
	return FAIL(FORMAT, "key %zu of the KME's answer is not base64 of the %zu bits that were asked for", r->count + 1, 8 * len);
}

static dske_rc read_text(struct reading *r, bool *seen, dske_rc (*take)(struct reading *, const struct json_text *))
{
	struct json_text text;

	if (*seen)
		return FAIL(FORMAT, "key %zu of the KME's answer has a member twice", r->count + 1);
	*seen = true;
	if (!json_text(&r->j, &text))
		return json_rc(&r->j);
	return take(r, &text);
}

static dske_rc read_key(struct reading *r)
{
	struct json_text name;
	bool id = false, key = false;

	if (r->count == r->wanted->number)
		return FAIL(FORMAT, "the KME's answer has more than the %zu keys that were asked for", r->wanted->number);
	(void)json_enter(&r->j, '{');
	while (json_member(&r->j, &name)) {
		if (json_text_is(&name, "key_ID"))
			TRY(read_text(r, &id, take_id));
		else if (json_text_is(&name, "key"))
			TRY(read_text(r, &key, take_key));
		else
			(void)json_skip(&r->j);
	}
	TRY(json_rc(&r->j));
	if (!id || !key)
		return FAIL(FORMAT, "key %zu of the KME's answer lacks its %s", r->count + 1, id ? "key" : "key_ID");
	r->count++;
	return DSKE_OK;
}

static dske_rc read_keys(struct reading *r)
{
	(void)json_enter(&r->j, '[');
	while (json_element(&r->j))
		TRY(read_key(r));
	TRY(json_rc(&r->j));
	if (r->count < r->wanted->number)
		return FAIL(FORMAT, "the KME's answer has %zu keys where %zu were asked for", r->count, r->wanted->number);
	return DSKE_OK;
}

static dske_rc read_container(struct reading *r)
{
	struct json_text name;
	bool seen = false;

	(void)json_enter(&r->j, '{');
	while (json_member(&r->j, &name)) {
		if (!json_text_is(&name, "keys")) {
			(void)json_skip(&r->j);
			continue;
		}
		if (seen)
			return FAIL(FORMAT, "the KME's answer has two lists of keys");
		seen = true;
		TRY(read_keys(r));
	}
	(void)json_end(&r->j);
	TRY(json_rc(&r->j));
	return seen ? DSKE_OK : FAIL(FORMAT, "the KME's answer has no keys");
}

dske_rc answer_keys(const struct answer_wanted *wanted, uint8_t *body, size_t len, struct id *ids, uint8_t *keys)
{
	struct reading r = {.wanted = wanted, .ids = ids, .keys = keys};

	json_begin(&r.j, body, len);
	dske_rc rc = read_container(&r);
	if (!rc_ok(rc))
		mem_wipe(keys, wanted->number * wanted->key_len);
	return rc;
}

size_t answer_keys_room(const struct answer_wanted *wanted)
{
	/* twice the base64: each slash may be written as "\/" */
	return ANSWER_SMALL_ROOM + wanted->number * (2 * BASE64_LEN(wanted->key_len) + ROOM_BESIDE_KEY);
}

/* ---- errors --------------------------------------------------------------------------------------- */

const char *answer_message(char out[ANSWER_MESSAGE_MAX + 1], uint8_t *body, size_t len)
{
	struct json j;
	struct json_text name, text = {.len = 0};

	json_begin(&j, body, len);
	(void)json_enter(&j, '{');
	while (text.len == 0 && json_member(&j, &name)) {
		if (!json_text_is(&name, "message"))
			(void)json_skip(&j);
		else if (!json_text(&j, &text))
			text.len = 0;
	}
	size_t n = text.len < ANSWER_MESSAGE_MAX ? text.len : ANSWER_MESSAGE_MAX;
	for (size_t i = 0; i < n; i++)
		out[i] = text.bytes[i] >= ' ' && text.bytes[i] < 0x7F ? (char)text.bytes[i] : '?';
	out[n] = '\0';
	return out;
}
