/* SPDX-License-Identifier: Apache-2.0 */
/* dske key list, export, check */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "core/terms.h"
#include "tools/commands.h"
#include "tools/key-type.h"
#include "tools/keyfile.h"
#include "tools/output.h"
#include "tools/secret-input.h"
#include "tools/token.h"
#include "tools/token-key.h"

#include "pkcs11/dske-pkcs11.h"

#define KEYS_MOST 4096
#define TEXT_MOST 256

/* ---- at the token ---------------------------------------------------------------------------------------------- */

/* For a terminal or JSON: what an application named a key may be any bytes. */
static void text_attribute(const struct token *t, CK_OBJECT_HANDLE key, CK_ATTRIBUTE_TYPE type, char out[TEXT_MOST])
{
	size_t len = 0;
	token_attribute(t, key, type, out, TEXT_MOST - 1, &len);
	out[len] = '\0';
	log_sanitise(out);
}

static CK_ULONG number_attribute(const struct token *t, CK_OBJECT_HANDLE key, CK_ATTRIBUTE_TYPE type)
{
	CK_ULONG value = 0;
	size_t len = 0;
	token_attribute(t, key, type, &value, sizeof value, &len);
	return len == sizeof value ? value : 0;
}

/* ---- list ------------------------------------------------------------------------------------------------------ */

struct key_row {
	char label[TEXT_MOST], peer[TEXT_MOST], id[2 * TEXT_MOST];
	const char *type;
	CK_ULONG len, n, k, made, send_left, receive_left;
	bool extractable, is_pad;
};

/* Keys of a type alone do not tell a pad from others. */
static bool is_pad(const struct token *t, CK_OBJECT_HANDLE key)
{
	CK_MECHANISM_TYPE only = 0;
	size_t len = 0;
	token_attribute(t, key, CKA_ALLOWED_MECHANISMS, &only, sizeof only, &len);
	return len == sizeof only && only == CKM_DSKE_OTP;
}

static const char *type_of(const struct token *t, CK_OBJECT_HANDLE key)
{
	const char *name = key_type_name(number_attribute(t, key, CKA_KEY_TYPE));
	if (is_pad(t, key))
		return "one-time pad";
	return name != NULL ? name : "other";
}

static void read_key(struct key_row *row, const struct token *t, CK_OBJECT_HANDLE key)
{
	uint8_t id[TEXT_MOST];
	size_t id_len = 0, flag_len = 0;
	CK_BBOOL extractable = CK_FALSE;
	text_attribute(t, key, CKA_LABEL, row->label);
	text_attribute(t, key, CKA_DSKE_PEER_NAME, row->peer);
	token_attribute(t, key, CKA_ID, id, sizeof id - 1, &id_len);
	hex_encode(row->id, id, id_len);
	token_attribute(t, key, CKA_EXTRACTABLE, &extractable, sizeof extractable, &flag_len);
	row->extractable = extractable == CK_TRUE;
	row->type = type_of(t, key);
	if (is_pad(t, key)) {
		row->is_pad = true;
		row->send_left = number_attribute(t, key, CKA_DSKE_OTP_SEND_LEFT);
		row->receive_left = number_attribute(t, key, CKA_DSKE_OTP_RECEIVE_LEFT);
	}
	row->made = number_attribute(t, key, CKA_DSKE_MADE);
	row->len = number_attribute(t, key, CKA_VALUE_LEN);
	row->n = number_attribute(t, key, CKA_DSKE_N);
	row->k = number_attribute(t, key, CKA_DSKE_K);
}

static json_t *key_json(const struct key_row *row)
{
	json_t *o = json_pack("{s:s, s:s, s:s, s:I, s:b}", "label", row->label, "id", row->id, "type", row->type, "length",
			      (json_int_t)row->len, "extractable", row->extractable);
	if (row->peer[0] != '\0')
		json_object_set_new(o, "peer", json_string(row->peer));
	if (row->made > 0)
		json_object_set_new(o, "made", json_integer((json_int_t)row->made));
	if (row->is_pad) {
		json_object_set_new(o, "send_left", json_integer((json_int_t)row->send_left));
		json_object_set_new(o, "receive_left", json_integer((json_int_t)row->receive_left));
	}
	if (row->n > 0) {
		json_object_set_new(o, "n", json_integer((json_int_t)row->n));
		json_object_set_new(o, "k", json_integer((json_int_t)row->k));
	}
	return o;
}

static void grid_key(struct grid *g, const struct key_row *row)
{
	grid_row(g, COLOUR_OFF);
	grid_cell(g, 0, "%s", row->label);
	grid_cell(g, 1, "%s", row->type);
	grid_cell(g, 2, "%lu", row->len);
	grid_cell(g, 3, "%s", row->peer[0] != '\0' ? row->peer : "-");
	if (row->n > 0)
		grid_cell(g, 4, "%lu of %lu", row->k, row->n);
	else
		grid_cell(g, 4, "-");
	grid_cell(g, 5, "%s", row->extractable ? "yes" : "no");
	grid_cell(g, 6, "%s", row->id);
}

static void tell_keys(const struct token *t, const CK_OBJECT_HANDLE *keys, size_t count, bool as_json)
{
	static const char *const headings[] = {"LABEL", "TYPE", ">BYTES", "PEER", ">HUBS", "EXTRACT", "ID"};
	AUTO(grid) g = {0};
	json_t *list = json_array();
	grid_init(&g, 7, headings);
	for (size_t i = 0; i < count; i++) {
		struct key_row row = {0};
		read_key(&row, t, keys[i]);
		json_array_append_new(list, key_json(&row));
		grid_key(&g, &row);
	}
	if (as_json)
		output_json(json_pack("{s:O}", "keys", list));
	else if (count > 0)
		grid_print(&g, stdout);
	else
		printf("no keys\n");
	json_decref(list);
}

static dske_rc list_keys(const struct common *common, const char *pin)
{
	AUTO(token) t = {0};
	CK_OBJECT_CLASS class = CKO_SECRET_KEY;
	CK_ATTRIBUTE like[] = {{CKA_CLASS, &class, sizeof class}};
	size_t count = 0;
	TRY(token_key_open(&t, common, pin, false));
	CK_OBJECT_HANDLE *keys = calloc(KEYS_MOST, sizeof *keys);
	if (keys == NULL)
		return rc_make(DSKE_RC_NOMEM);
	dske_rc rc = token_find(&t, like, 1, keys, KEYS_MOST, &count);
	if (rc_ok(rc)) {
		tell_keys(&t, keys, count, common->json);
		if (tool_pin_source(pin) == NULL)
			fprintf(stderr, "without a PIN private keys are not shown: --pin SOURCE, or DSKE_PIN\n");
	}
	free(keys);
	return rc;
}

int cmd_key_list(const struct command *self, int argc, char **argv)
{
	struct common common = {0};
	const char *pin = NULL;
	struct operands none;
	const struct option_row rows[] = {
		{"pin", OPTION_TEXT, &pin, "SOURCE", "the token's PIN: env:NAME, file:PATH or prompt (default: env:DSKE_PIN)"},
		COMMON_ROWS(common),
		{0},
	};
	int leave = options_read(self, rows, argc, argv, 0, 0, &none);
	if (leave >= 0)
		return leave;
	dske_rc rc = list_keys(&common, pin);
	return rc_ok(rc) ? EXIT_OK : tool_fail(&common, rc, NULL);
}

/* ---- export ---------------------------------------------------------------------------------------------------- */

struct export {
	struct common common;
	const char *label, *from, *format, *output, *identity, *cipher, *derive, *pin;
};

static dske_rc export(const struct export *x)
{
	AUTO(secret) key = {0};
	AUTO(secret) text = {0};
	AUTO(fd) file = FD_NONE;
	const struct key_format *format = key_format_find(x->format);
	if (format == NULL)
		return FAIL(ARGS, "--format %s: one of raw, hex, tls-session, psk-file", x->format);
	TRY(x->from != NULL ? keyfile_read(&key, x->from) : token_key_read(&key, &x->common, x->pin, x->label, x->derive));
	TRY(format->encode(&text, &key, x->cipher, x->identity));
	TRY(keyfile_create(&file, x->output));
	return keyfile_finish(&file, x->output, &text);
}

int cmd_key_export(const struct command *self, int argc, char **argv)
{
	struct export x = {.format = "raw", .identity = "dske", .cipher = "TLS_AES_256_GCM_SHA384"};
	struct operands label;
	const struct option_row rows[] = {
		{"from", OPTION_TEXT, &x.from, "FILE", "a raw key, instead of one in the token"},
		{"format", OPTION_TEXT, &x.format, "FORMAT", "raw, hex, tls-session (openssl -psk_session), psk-file (gnutls-serv)"},
		{"output", OPTION_TEXT, &x.output, "FILE", "the file to write, 0600; - is standard output (required)"},
		{"identity", OPTION_TEXT, &x.identity, "ID", "of a psk-file (default: dske)"},
		{"cipher", OPTION_TEXT, &x.cipher, "SUITE", "of a tls-session (default: TLS_AES_256_GCM_SHA384)"},
		{"derive", OPTION_TEXT, &x.derive, "PURPOSE", "not the key, but 32 bytes that the token derives from it for this purpose"},
		{"pin", OPTION_TEXT, &x.pin, "SOURCE", "the token's PIN: env:NAME, file:PATH or prompt (default: env:DSKE_PIN)"},
		COMMON_ROWS(x.common),
		{0},
	};
	int leave = options_read(self, rows, argc, argv, 0, 1, &label);
	if (leave >= 0)
		return leave;
	if ((x.from != NULL) == (label.count == 1))
		return tool_usage(self, "name the key's label, or --from FILE");
	if (x.from != NULL && x.derive != NULL)
		return tool_usage(self, "--derive is for a key in the token");
	if (x.output == NULL)
		return tool_usage(self, "--output FILE is needed");
	x.label = label.count == 1 ? label.at[0] : NULL;
	dske_rc rc = export(&x);
	if (!rc_ok(rc))
		return tool_fail(&x.common, rc, NULL);
	if (strcmp(x.output, "-") == 0)
		return EXIT_OK;
	if (x.common.json)
		output_json(json_pack("{s:s, s:s}", "format", x.format, "file", x.output));
	else
		printf("%s written as %s; only you may read it\n", x.output, x.format);
	return EXIT_OK;
}

/* ---- check ----------------------------------------------------------------------------------------------------- */

static dske_rc check(const char *path, char kcv[KCV_LEN], size_t *len)
{
	AUTO(secret) key = {0};
	TRY(keyfile_read(&key, path));
	*len = key.len;
	return key_check_value(kcv, &key);
}

int cmd_key_check(const struct command *self, int argc, char **argv)
{
	struct common common = {0};
	struct operands file;
	char kcv[KCV_LEN];
	size_t len = 0;
	const struct option_row rows[] = {{"json", OPTION_FLAG, &common.json, NULL, "write JSON, for programs"}, {0}};
	int leave = options_read(self, rows, argc, argv, 1, 1, &file);
	if (leave >= 0)
		return leave;
	dske_rc rc = check(file.at[0], kcv, &len);
	if (!rc_ok(rc))
		return tool_fail(&common, rc, NULL);
	if (common.json)
		output_json(json_pack("{s:s, s:I, s:s}", "file", file.at[0], "length", (json_int_t)len, "check_value", kcv));
	else
		printf("%s  %s  (%zu bytes)\n", kcv, file.at[0], len);
	return EXIT_OK;
}
