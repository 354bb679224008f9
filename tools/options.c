/* SPDX-License-Identifier: Apache-2.0 */
/* tools/options.c - options by table: --name VALUE, --name=VALUE, "--" ends them. */
#include <config.h>

#include <stdio.h>
#include <string.h>

#include "base/conf.h"
#include "tools/tool.h"

void command_help(const struct command *self, const struct option_row *rows)
{
	printf("usage: dske %s%s%s [OPTIONS]%s%s\n\n%s\n", self->group, self->group[0] != '\0' ? " " : "", self->name,
	       self->operands[0] != '\0' ? " " : "", self->operands, self->summary);
	printf("\noptions:\n");
	for (const struct option_row *o = rows; o->name != NULL; o++) {
		char left[64];
		snprintf(left, sizeof left, "--%s%s%s", o->name, o->argument != NULL ? " " : "",
			 o->argument != NULL ? o->argument : "");
		printf("  %-24s %s\n", left, o->help);
	}
	printf("  %-24s %s\n", "--help", "this text");
	if (self->examples[0] != '\0')
		printf("\nexamples:\n%s", self->examples);
}

static const struct option_row *find_row(const struct option_row *rows, const char *name, size_t len)
{
	for (const struct option_row *o = rows; o->name != NULL; o++) {
		if (strlen(o->name) == len && memcmp(o->name, name, len) == 0)
			return o;
	}
	return NULL;
}

static dske_rc take_value(const struct option_row *o, const char *value)
{
	switch (o->kind) {
	case OPTION_TEXT:
		*(const char **)o->to = value;
		return DSKE_OK;
	case OPTION_UINT:
		return conf_uint(o->to, o->name, value, 0, UINT32_MAX);
	case OPTION_SIZE:
		return conf_size(o->to, o->name, value);
	case OPTION_DURATION:
		return conf_duration_ms(o->to, o->name, value);
	case OPTION_ID:
		return id_parse(o->to, value);
	case OPTION_FLAG:
		break;
	}
	return FAIL(ARGS, "--%s takes no value", o->name);
}

/* One option at argv[*i], with its value.  -1, or an exit code. */
static int read_option(const struct command *self, const struct option_row *rows, int argc, char **argv, int *i)
{
	const char *name = argv[*i] + 2, *equals = strchr(name, '=');
	size_t len = equals != NULL ? (size_t)(equals - name) : strlen(name);
	const struct option_row *o = find_row(rows, name, len);
	if (o == NULL)
		return tool_usage(self, "there is no option --%.*s", (int)len, name);
	if (o->kind == OPTION_FLAG && equals == NULL) {
		*(bool *)o->to = true;
		return -1;
	}
	const char *value = equals != NULL ? equals + 1 : *i + 1 < argc ? argv[++*i] : NULL;
	if (value == NULL)
		return tool_usage(self, "--%s needs a value: %s", o->name, o->argument);
	dske_rc rc = take_value(o, value);
	return rc_ok(rc) ? -1 : tool_usage(self, "--%s: %s", o->name, rc_detail(rc));
}

int options_read(const struct command *self, const struct option_row *rows, int argc, char **argv, size_t least,
		 size_t most, struct operands *operands)
{
	bool options = true;
	operands->count = 0;
	for (int i = 1; i < argc; i++) {
		int leave = -1;
		if (options && strcmp(argv[i], "--") == 0) {
			options = false;
		} else if (options && (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)) {
			command_help(self, rows);
			return EXIT_OK;
		} else if (options && argv[i][0] == '-' && argv[i][1] == '-') {
			leave = read_option(self, rows, argc, argv, &i);
		} else if (options && argv[i][0] == '-' && argv[i][1] != '\0') {
			leave = tool_usage(self, "there is no option %s", argv[i]);
		} else if (operands->count == most) {
			leave = tool_usage(self, "too many operands, at %s", argv[i]);
		} else {
			operands->at[operands->count++] = argv[i];
		}
		if (leave >= 0)
			return leave;
	}
	if (operands->count < least)
		return tool_usage(self, "an operand is missing: %s", self->operands);
	return -1;
}
