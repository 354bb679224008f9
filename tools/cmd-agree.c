/* SPDX-License-Identifier: Apache-2.0 */
/* dske key agree: one agreement, with the report of every hub; the key into a file, the token, or both. */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tools/commands.h"
#include "tools/keyfile.h"
#include "tools/longkey.h"
#include "tools/output.h"
#include "tools/report.h"
#include "tools/secret-input.h"
#include "tools/token-key.h"

struct agree {
	struct common common;
	const struct operands *peers;
	const char *context, *role, *label, *output, *scheme;
	uint64_t k, length;
	bool confirm;
	struct id key_id;
	struct agree_request request;
	struct agree_result result; /* owned */
	struct fd file;             /* made before anything is agreed ... */
	bool is_unnamed;            /* ... and named when there is a key */
	struct long_key long_key;   /* owned */
	struct secret pin_text;     /* owned */
	bool extractable;           /* the configuration's word for this peer */
	uint32_t ttl_s;             /* and for how long hubs are asked to keep an initiator's shares */
	char kcv[KCV_LEN];
	char with[512]; /* the peers' names, for sentences; perhaps cut */
};

/* ---- what is asked ------------------------------------------------------------------------------------------ */

struct word {
	const char *word;
	int value;
};

static dske_rc find_word(int *value, const struct word *words, const char *what, const char *text)
{
	if (text == NULL)
		return DSKE_OK;
	for (; words->word != NULL; words++) {
		if (strcmp(words->word, text) == 0) {
			*value = words->value;
			return DSKE_OK;
		}
	}
	return FAIL(ARGS, "--%s %s: there is no such %s", what, text, what);
}

static dske_rc fill_request(struct agree *a)
{
	static const struct word roles[] = {
		{"auto", ROLE_AUTO}, {"initiator", ROLE_INITIATOR}, {"receiver", ROLE_RECEIVER}, {NULL, 0}};
	struct agree_request *q = &a->request;
	int role = ROLE_AUTO;
	enum scheme scheme = SCHEME_COUNT;
	TRY(find_word(&role, roles, "role", a->role));
	if (a->scheme != NULL && !rc_ok(scheme_parse(&scheme, a->scheme)))
		return FAIL(ARGS, "--scheme %s: shamir, xor or adapted", a->scheme);
	if (q->direct != NULL && q->direct_listen != NULL)
		return FAIL(ARGS, "--direct and --direct-listen: one end listens, the other connects");
	for (size_t i = 0; i < a->peers->count; i++)
		if (!name_check(a->peers->at[i]))
			return FAIL(ARGS, "%s is not a name of a peer", a->peers->at[i]);
	if (a->context != NULL && strlen(a->context) > TERMS_CONTEXT_MAX)
		return FAIL(ARGS, "--context: at most %d bytes", TERMS_CONTEXT_MAX);
	if (a->k > TERMS_HUBS_MAX)
		return FAIL(ARGS, "--k: at most %d", TERMS_HUBS_MAX);
	if (a->length != 0 && (a->length < KEY_LEN_MIN || a->length > KEY_LEN_MAX))
		return FAIL(ARGS, "--length: between %u bytes and 1G", KEY_LEN_MIN);
	if (a->length > KEY_HELD_MAX && (a->output == NULL || strcmp(a->output, "-") == 0 || a->label != NULL))
		return FAIL(ARGS, "--length: a key of more than 16M goes to a file alone: say --output FILE, and no --label");
	snprintf(q->peer, sizeof q->peer, "%s", a->peers->at[0]);
	q->more = a->peers->at + 1;
	q->more_count = a->peers->count - 1;
	q->role = (enum agree_role)role;
	q->scheme = scheme;
	q->has_key_id = !id_is_zero(&a->key_id);
	q->key_id = a->key_id;
	q->k = (uint8_t)a->k;
	q->confirm = a->confirm;
	q->key_len = (uint32_t)a->length;
	if (a->context != NULL) {
		q->context_len = (uint8_t)strlen(a->context);
		memcpy(q->context, a->context, q->context_len);
	}
	return DSKE_OK;
}

/* ---- where the key goes --------------------------------------------------------------------------------------- */

/* Nobody is asked for a PIN that was never set. */
static dske_rc try_pin(struct agree *a)
{
	AUTO(token) token = {0};
	TRY(token_load(&token));
	TRY(token_need_pin(&token));
	if (a->pin_text.len == 0) /* else it has opened the tables already */
		TRY(secret_input(&a->pin_text, tool_pin_source(a->common.pin), "PIN"));
	TRY(token_session(&token, true));
	return token_login(&token, CKU_USER, &a->pin_text);
}

/* A key of a group may be read where that holds of its key with each of them. */
static const char *who_forbids(const struct agree *a, const struct client *client)
{
	for (size_t i = 0; i < a->peers->count; i++)
		if (!config_extract_allowed(client_config(client), a->peers->at[i]))
			return a->peers->at[i];
	return NULL;
}

/* Long keys are for a file that nobody sees before they are whole, and for it alone. */
static dske_rc make_file(struct agree *a)
{
	TRY(keyfile_begin(&a->file, a->output, &a->is_unnamed));
	if (!a->is_unnamed && a->length > KEY_HELD_MAX)
		return FAIL(UNSUPPORTED, "%s is on a file system that cannot keep a long key until it is whole (O_TMPFILE)", a->output);
	if (!a->is_unnamed || a->label != NULL)
		return DSKE_OK;
	TRY(long_key_begin(&a->long_key, &a->file, a->output, a->length > KEY_PART_LEN ? a->length : 0));
	a->request.sink = &a->long_key.sink;
	return DSKE_OK;
}

/* Everything that could fail for want of a right or a place fails before table bytes are spent. */
static dske_rc prepare(struct agree *a, const struct client *client)
{
	const char *forbids = who_forbids(a, client);
	if (a->output != NULL && forbids != NULL)
		return FAIL(DENIED, "keys agreed with %s may not be read in clear; to allow it, write in the configuration: "
				    "[peer %s] extract = yes",
			    forbids, forbids);
	if (a->label != NULL)
		TRY(try_pin(a));
	return a->output != NULL ? make_file(a) : DSKE_OK;
}

/* Before the hubs are told to forget their shares: a kill in between loses nothing. */
static dske_rc keep(void *context, const struct agree_result *r)
{
	struct agree *a = context;
	bool is_written = r->key.len == 0; /* it went into the file as it came */
	TRY(is_written ? long_key_check_value(&a->long_key, a->kcv) : key_check_value(a->kcv, &r->key));
	if (a->output != NULL && !is_written)
		TRY(keyfile_finish(&a->file, a->is_unnamed ? NULL : a->output, &r->key));
	if (a->is_unnamed)
		TRY(keyfile_name(&a->file, a->output));
	struct token_keeping kept = {.label = a->label,
				     .peer = a->peers->count == 1 ? a->peers->at[0] : NULL,
				     .extractable = a->extractable,
				     .pin = &a->pin_text,
				     .result = r};
	return a->label != NULL ? token_key_keep(&kept) : DSKE_OK;
}

/* ---- telling --------------------------------------------------------------------------------------------------- */

static unsigned columns_of(const struct agree *a)
{
	return a->result.initiated ? REPORT_SHORT : REPORT_VERDICT;
}

/* An initiator is done before its peer is.  Hubs may keep shares for less than they are asked to (ttl_most). */
static void tell_what_peer_does(const struct agree *a, FILE *to)
{
	char until[32] = "";
	struct tm local;
	time_t end = time(NULL) + (time_t)a->ttl_s;
	if (localtime_r(&end, &local) != NULL)
		strftime(until, sizeof until, "%Y-%m-%d %H:%M:%S", &local);
	if (a->peers->count == 1)
		fprintf(to, "%s has the key once it fetches it; the hubs keep its shares until %s at the latest\n", a->with, until);
	else
		fprintf(to, "%s have the key once they fetch it; the hubs keep their shares until %s at the latest\n", a->with,
			until);
}

static json_t *peers_json(const struct agree *a)
{
	json_t *out = json_array();
	for (size_t i = 0; i < a->peers->count; i++)
		json_array_append_new(out, json_string(a->peers->at[i]));
	return out;
}

static void tell_agreed(const struct agree *a)
{
	const struct agree_result *r = &a->result;
	char key_id[ID_HEX_LEN];
	FILE *to = a->output != NULL && strcmp(a->output, "-") == 0 ? stderr : stdout;
	if (a->common.json && to == stdout) {
		json_t *o = json_pack("{s:s, s:o, s:s, s:s, s:i, s:i, s:i, s:s, s:b, s:o}", "peer", a->peers->at[0], "peers",
				      peers_json(a), "key_id", id_hex(&r->key_id, key_id), "role", r->initiated ? "initiator" : "receiver", "n", (int)r->n,
				      "k", (int)r->k, "length", (int)r->key_len, "check_value", a->kcv, "confirmed", r->confirmed, "hubs",
				      report_json(&r->report, columns_of(a)));
		json_object_set_new(o, "scheme", json_string(scheme_name(r->scheme)));
		if (r->fallback[0] != '\0')
			json_object_set_new(o, "fallback", json_string(r->fallback));
		output_json(o);
		return;
	}
	report_print(&r->report, columns_of(a), to);
	fprintf(to, "%sagreed%s with %s as %s: %zu bytes, n = %u, k = %u, key ID %s, check value %s\n", colour(to, COLOUR_GOOD),
		colour(to, COLOUR_OFF), a->with, r->initiated ? "initiator" : "receiver", (size_t)r->key_len, r->n, r->k,
		id_hex(&r->key_id, key_id), a->kcv);
	if (r->fallback[0] != '\0')
		fprintf(to, "%sby %s%s, not by the adapted scheme: %s\n", colour(to, COLOUR_WARN), scheme_name(r->scheme),
			colour(to, COLOUR_OFF), r->fallback);
	if (r->scheme == SCHEME_ADAPTED)
		fprintf(to, "by the adapted scheme: %s has the key\n", r->initiated ? a->with : "the initiator");
	else if (r->confirmed && r->initiated)
		fprintf(to, "confirmed: %s had the same key ready\n", a->with);
	else if (r->confirmed)
		fprintf(to, "confirmed: it is the one that every member had ready\n");
	else if (r->initiated)
		tell_what_peer_does(a, to);
	if (a->output == NULL && a->label == NULL)
		fprintf(to, "the key was dropped; --output FILE or --label LABEL keeps it\n");
}

static int tell_failed(const struct agree *a, dske_rc rc)
{
	const char *advice = a->result.report.advice;
	if (a->common.json) {
		json_t *error = json_pack("{s:s, s:s}", "code", rc_name(rc), "message", rc_detail(rc));
		if (advice[0] != '\0')
			json_object_set_new(error, "advice", json_string(advice));
		output_json(json_pack("{s:o, s:o}", "error", error, "hubs", report_json(&a->result.report, columns_of(a))));
		return exit_code(rc);
	}
	if (a->result.report.count > 0 && !rc_is(rc, DSKE_RC_NOT_FOUND)) /* such a peer: no hub was asked */
		report_print(&a->result.report, columns_of(a), stderr);
	return tool_fail(&a->common, rc, advice);
}

/* ---- the command ----------------------------------------------------------------------------------------------- */

static dske_rc agree(struct agree *a)
{
	struct client *client = NULL;
	TRY(fill_request(a));
	TRY(tool_open(&client, &a->common));
	dske_rc rc = prepare(a, client);
	if (rc_ok(rc)) {
		a->extractable = who_forbids(a, client) == NULL;
		a->ttl_s = client_config(client)->ttl_s;
		a->request.keep = keep;
		a->request.keep_context = a;
		rc = client_agree(client, &a->request, &a->result);
		if (!rc_ok(rc) && a->output != NULL && a->file.n >= 0 && !a->is_unnamed && strcmp(a->output, "-") != 0)
			(void)unlink(a->output);
	}
	client_close(client);
	return rc;
}

static void name_peers(struct agree *a)
{
	size_t len = 0;
	for (size_t i = 0; i < a->peers->count && len < sizeof a->with; i++)
		len += (size_t)snprintf(a->with + len, sizeof a->with - len, "%s%s", i == 0 ? "" : ", ", a->peers->at[i]);
}

int cmd_key_agree(const struct command *self, int argc, char **argv)
{
	struct agree a = {.file = FD_NONE, .common.needs_tables = true};
	a.common.pin_text = &a.pin_text;
	struct operands peers;
	const struct option_row rows[] = {
		{"context", OPTION_TEXT, &a.context, "TEXT", "meeting point: both ends say the same (default: the empty one)"},
		{"key-id", OPTION_ID, &a.key_id, "HEX", "or this key ID, 32 digits, at both ends"},
		{"role", OPTION_TEXT, &a.role, "ROLE", "initiator, receiver or auto: the lower ID initiates (default)"},
		{"length", OPTION_SIZE, &a.length, "BYTES", "of the key, up to 1G; above 16M with --output (default: the configuration's)"},
		{"k", OPTION_UINT, &a.k, "N", "hubs needed (default: the configuration's)"},
		{"scheme", OPTION_TEXT, &a.scheme, "SCHEME", "shamir, xor or adapted (default: the configuration's)"},
		{"direct", OPTION_TEXT, &a.request.direct, "ADDRESS", "adapted: the peer listens there (default: the configuration's)"},
		{"direct-listen", OPTION_TEXT, &a.request.direct_listen, "ADDRESS", "or this end listens there, at HOST:PORT"},
		{"timeout", OPTION_DURATION, &a.request.timeout_ms, "TIME", "how long to wait (default: the configuration's)"},
		{"confirm", OPTION_FLAG, &a.confirm, NULL, "take the key when all are known to have the same (all of them call at one time)"},
		{"output", OPTION_TEXT, &a.output, "FILE", "write the key there, raw, 0600; - is standard output"},
		{"label", OPTION_TEXT, &a.label, "LABEL", "keep the key in the token under this label"},
		{"pin", OPTION_TEXT, &a.common.pin, "SOURCE", "the token's PIN: env:NAME, file:PATH or prompt (default: env:DSKE_PIN)"},
		COMMON_ROWS(a.common),
		{0},
	};
	int leave = options_read(self, rows, argc, argv, 1, TERMS_RECEIVERS_MAX + 1, &peers);
	if (leave >= 0)
		return leave;
	if (peers.count > TERMS_RECEIVERS_MAX)
		return tool_usage(self, "a group has at most %d besides this client", TERMS_RECEIVERS_MAX);
	a.peers = &peers;
	name_peers(&a);
	dske_rc rc = agree(&a);
	if (rc_ok(rc))
		tell_agreed(&a);
	leave = rc_ok(rc) ? EXIT_OK : tell_failed(&a, rc);
	long_key_drop(&a.long_key);
	agree_result_drop(&a.result);
	secret_drop(&a.pin_text);
	fd_drop(&a.file);
	return leave;
}
