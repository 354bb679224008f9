/* SPDX-License-Identifier: Apache-2.0 */
/* dske token status, init, pin, officer */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/commands.h"
#include "tools/output.h"
#include "tools/secret-input.h"
#include "tools/token.h"

struct pins {
	struct common common;
	const char *pin, *so_pin, *new_pin, *label;
	bool reset, erase;
};

static dske_rc open_module(struct token *t, const struct common *common)
{
	if (common->conf != NULL && setenv("DSKE_CONF", common->conf, 1) != 0)
		return rc_make(DSKE_RC_NOMEM);
	return token_load(t);
}

static int tell(const struct common *common, const char *sentence)
{
	if (common->json)
		output_json(json_pack("{s:s}", "result", sentence));
	else
		printf("%s\n", sentence);
	return EXIT_OK;
}

/* ---- status ------------------------------------------------------------------------------------------------ */

/* What a flag of the token says, in words. */
static const struct note {
	CK_FLAGS flag;
	const char *name, *sentence;
} notes[] = {
	{CKF_USER_PIN_LOCKED, "pin_locked", "the PIN is locked: dske token pin --reset"},
	{CKF_USER_PIN_FINAL_TRY, "pin_final_try", "one more wrong PIN locks it"},
	{CKF_USER_PIN_COUNT_LOW, "pin_failed", "the last PIN that was tried was wrong"},
	{CKF_USER_PIN_TO_BE_CHANGED, "pin_to_be_changed", "the security officer knows the PIN: dske token pin"},
	{CKF_SO_PIN_LOCKED, "so_pin_locked", "the security officer's PIN is locked, and nothing unlocks it"},
	{CKF_SO_PIN_FINAL_TRY, "so_pin_final_try", "one more wrong PIN of the security officer locks it for ever"},
	{CKF_SO_PIN_COUNT_LOW, "so_pin_failed", "the last PIN of the security officer that was tried was wrong"},
};
#define NOTE_COUNT (sizeof notes / sizeof notes[0])

static void show_json(const struct token_state *s)
{
	json_t *o = json_pack("{s:s, s:b, s:b}", "label", s->label, "initialised", (s->flags & CKF_TOKEN_INITIALIZED) != 0, "pin",
			      (s->flags & CKF_USER_PIN_INITIALIZED) != 0);
	for (size_t i = 0; i < NOTE_COUNT; i++)
		json_object_set_new(o, notes[i].name, json_boolean((s->flags & notes[i].flag) != 0));
	output_json(o);
}

static void show(const struct token_state *s)
{
	printf("token %s: %s\n", s->label,
	       (s->flags & CKF_TOKEN_INITIALIZED) == 0      ? "no PINs yet, so that it keeps no keys: dske token init"
	       : (s->flags & CKF_USER_PIN_INITIALIZED) == 0 ? "no PIN of the user yet: dske token pin --reset"
							    : "PINs are set");
	for (size_t i = 0; i < NOTE_COUNT; i++) {
		if ((s->flags & notes[i].flag) != 0)
			printf("%s\n", notes[i].sentence);
	}
}

static dske_rc status(const struct common *common)
{
	AUTO(token) t = {0};
	struct token_state s;
	TRY(open_module(&t, common));
	TRY(token_state_read(&s, &t));
	(common->json ? show_json : show)(&s);
	return DSKE_OK;
}

int cmd_token_status(const struct command *self, int argc, char **argv)
{
	struct common common = {0};
	struct operands none;
	const struct option_row rows[] = {COMMON_ROWS(common), {0}};
	int leave = options_read(self, rows, argc, argv, 0, 0, &none);
	if (leave >= 0)
		return leave;
	dske_rc rc = status(&common);
	return rc_ok(rc) ? EXIT_OK : tool_fail(&common, rc, NULL);
}

/* ---- init -------------------------------------------------------------------------------------------------- */

static dske_rc init(const struct pins *p)
{
	AUTO(token) t = {0};
	AUTO(secret) so_pin = {0};
	AUTO(secret) pin = {0};
	struct token_state s;
	TRY(open_module(&t, &p->common));
	TRY(token_state_read(&s, &t));
	bool again = (s.flags & CKF_TOKEN_INITIALIZED) != 0;
	if (again && !p->erase)
		return FAIL(EXISTS, "the token has PINs already; dske token pin changes one, and --erase makes it anew, without its keys");
	/* Made anew, the security officer's PIN stays what it was. */
	TRY((again ? secret_input : secret_input_new)(&so_pin, p->so_pin, "SO PIN"));
	TRY(secret_input_new(&pin, p->pin, "PIN"));
	return token_init(&t, p->label != NULL ? p->label : s.label, &so_pin, &pin);
}

int cmd_token_init(const struct command *self, int argc, char **argv)
{
	struct pins p = {0};
	struct operands none;
	const struct option_row rows[] = {
		{"pin", OPTION_TEXT, &p.pin, "SOURCE", "the user's PIN: env:NAME, file:PATH or prompt (default)"},
		{"so-pin", OPTION_TEXT, &p.so_pin, "SOURCE", "and the security officer's, which can reset it"},
		{"label", OPTION_TEXT, &p.label, "NAME", "what programs call the token (default: the client's name)"},
		{"erase", OPTION_FLAG, &p.erase, NULL, "also a token that has PINs: the keys that it keeps are destroyed"},
		COMMON_ROWS(p.common),
		{0},
	};
	int leave = options_read(self, rows, argc, argv, 0, 0, &none);
	if (leave >= 0)
		return leave;
	dske_rc rc = init(&p);
	return rc_ok(rc) ? tell(&p.common, "the PINs are set") : tool_fail(&p.common, rc, NULL);
}

/* ---- pin, officer ------------------------------------------------------------------------------------------ */

/* The former PIN is tried before a new one is asked for. */
static dske_rc change(const struct pins *p, CK_USER_TYPE who, const char *source, const char *what)
{
	AUTO(token) t = {0};
	AUTO(secret) former = {0};
	AUTO(secret) fresh = {0};
	TRY(open_module(&t, &p->common));
	if (who == CKU_USER)
		TRY(token_need_pin(&t));
	TRY(token_session(&t, true));
	TRY(secret_input(&former, source, what));
	TRY(token_login(&t, who, &former));
	TRY(secret_input_new(&fresh, p->new_pin, who == CKU_SO ? "new SO PIN" : "new PIN"));
	return token_set_pin(&t, &former, &fresh);
}

static dske_rc reset(const struct pins *p)
{
	AUTO(token) t = {0};
	AUTO(secret) so_pin = {0};
	AUTO(secret) fresh = {0};
	TRY(open_module(&t, &p->common));
	TRY(token_session(&t, true));
	TRY(secret_input(&so_pin, p->so_pin, "SO PIN"));
	TRY(token_login(&t, CKU_SO, &so_pin));
	TRY(secret_input_new(&fresh, p->new_pin, "new PIN"));
	return token_reset_pin(&t, &fresh);
}

int cmd_token_pin(const struct command *self, int argc, char **argv)
{
	struct pins p = {0};
	struct operands none;
	const struct option_row rows[] = {
		{"pin", OPTION_TEXT, &p.pin, "SOURCE", "the PIN until now: env:NAME, file:PATH or prompt (default: env:DSKE_PIN)"},
		{"new-pin", OPTION_TEXT, &p.new_pin, "SOURCE", "the PIN from now on (default: prompt)"},
		{"reset", OPTION_FLAG, &p.reset, NULL, "the security officer sets it, and unlocks it"},
		{"so-pin", OPTION_TEXT, &p.so_pin, "SOURCE", "his PIN, with --reset (default: prompt)"},
		COMMON_ROWS(p.common),
		{0},
	};
	int leave = options_read(self, rows, argc, argv, 0, 0, &none);
	if (leave >= 0)
		return leave;
	if (p.reset ? p.pin != NULL : p.so_pin != NULL)
		return tool_usage(self, "--pin is the user's, to change it; --so-pin the security officer's, to --reset it");
	dske_rc rc = p.reset ? reset(&p) : change(&p, CKU_USER, tool_pin_source(p.pin), "PIN");
	return rc_ok(rc) ? tell(&p.common, p.reset ? "the PIN is set" : "the PIN is changed") : tool_fail(&p.common, rc, NULL);
}

int cmd_token_officer(const struct command *self, int argc, char **argv)
{
	struct pins p = {0};
	struct operands none;
	const struct option_row rows[] = {
		{"so-pin", OPTION_TEXT, &p.so_pin, "SOURCE", "the PIN until now: env:NAME, file:PATH or prompt (default)"},
		{"new-pin", OPTION_TEXT, &p.new_pin, "SOURCE", "the PIN from now on (default: prompt)"},
		COMMON_ROWS(p.common),
		{0},
	};
	int leave = options_read(self, rows, argc, argv, 0, 0, &none);
	if (leave >= 0)
		return leave;
	dske_rc rc = change(&p, CKU_SO, p.so_pin, "SO PIN");
	return rc_ok(rc) ? tell(&p.common, "the security officer's PIN is changed") : tool_fail(&p.common, rc, NULL);
}
