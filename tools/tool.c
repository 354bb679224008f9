/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "tools/tool.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "store/store.h"
#include "tools/output.h"
#include "tools/secret-input.h"

static const struct {
	int code, exit;
} exits[] = {
	{DSKE_RC_OK, EXIT_OK},
	{DSKE_RC_ARGS, EXIT_USAGE},
	{DSKE_RC_TOO_FEW, EXIT_TOO_FEW},
	{DSKE_RC_UNREACHABLE, EXIT_TOO_FEW},
	{DSKE_RC_TIMEOUT, EXIT_TIMEOUT},
	{DSKE_RC_REFUSED, EXIT_REFUSED},
	{DSKE_RC_DENIED, EXIT_REFUSED},
	{DSKE_RC_RETIRED, EXIT_REFUSED},
	{DSKE_RC_EXHAUSTED, EXIT_EXHAUSTED},
	{DSKE_RC_PIN, EXIT_PIN},
	{DSKE_RC_PIN_LOCKED, EXIT_PIN},
	{DSKE_RC_FROZEN, EXIT_ALARM},
	{DSKE_RC_CLONED, EXIT_ALARM},
	{DSKE_RC_CONFLICT, EXIT_ALARM},
	{DSKE_RC_NO_CANDIDATE, EXIT_ALARM},
};

int exit_code(dske_rc rc)
{
	for (size_t i = 0; i < sizeof exits / sizeof exits[0]; i++) {
		if (exits[i].code == rc.code)
			return exits[i].exit;
	}
	return EXIT_FAILED;
}

int tool_fail(const struct common *common, dske_rc rc, const char *advice)
{
	const char *why = rc_detail(rc);
	if (common != NULL && common->json) {
		json_t *o = json_pack("{s:{s:s, s:s}}", "error", "code", rc_name(rc), "message", why);
		if (advice != NULL && advice[0] != '\0')
			json_object_set_new(json_object_get(o, "error"), "advice", json_string(advice));
		output_json(o);
		return exit_code(rc);
	}
	fprintf(stderr, "%sdske:%s %s\n", colour(stderr, COLOUR_BAD), colour(stderr, COLOUR_OFF), why);
	if (advice != NULL && advice[0] != '\0')
		fprintf(stderr, "      %s\n", advice);
	return exit_code(rc);
}

int tool_usage(const struct command *self, const char *format, ...)
{
	va_list args;
	const char *space = self->group[0] != '\0' ? " " : "";
	fprintf(stderr, "dske %s%s%s: ", self->group, space, self->name);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, "\ntry: dske %s%s%s --help\n", self->group, space, self->name);
	return EXIT_USAGE;
}

const char *tool_pin_source(const char *given)
{
	return given != NULL || getenv("DSKE_PIN") == NULL ? given : "env:DSKE_PIN";
}

dske_rc tool_table_key(struct secret *key, const struct config *config, const struct common *common)
{
	AUTO(secret) pin = {0};
	const char *source = tool_pin_source(common->pin);
	if (!config_key_is_pin(config))
		return config_table_key(config, key);
	if (source == NULL && !isatty(STDIN_FILENO))
		return FAIL(PIN, "the tables are locked by the token's PIN: give --pin SOURCE, or set DSKE_PIN");
	TRY(secret_input(&pin, source, "PIN"));
	TRY(store_open_table_key(config->state.s, pin.data, pin.len - 1, key));
	if (common->pin_text != NULL)
		secret_move(common->pin_text, &pin);
	return DSKE_OK;
}

static dske_rc unlock(struct client *client, const struct common *common)
{
	AUTO(secret) key = {0};
	if (!common->needs_tables || !config_key_is_pin(client_config(client)))
		return DSKE_OK;
	TRY(tool_table_key(&key, client_config(client), common));
	return client_unlock(client, &key);
}

dske_rc tool_open(struct client **out, const struct common *common)
{
	if (common->conf != NULL && setenv("DSKE_CONF", common->conf, 1) != 0)
		return rc_make(DSKE_RC_NOMEM);
	TRY(client_open(out, common->conf));
	dske_rc rc = unlock(*out, common);
	if (rc_ok(rc))
		return rc;
	client_close(*out);
	*out = NULL;
	return rc;
}

dske_rc tool_own_folder(const char *path)
{
	TRY(file_make_dirs(path, 0700));
	return file_check_owner(path);
}
