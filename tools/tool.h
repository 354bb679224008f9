/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tools/tool.h - what all subcommands of dske share: the table of them, options, exit codes.
 *
 * A subcommand is one source, cmd-NAME.c, with one or more rows of the table in commands.c.
 */
#ifndef DSKE_TOOLS_TOOL_H
#define DSKE_TOOLS_TOOL_H

#include <stddef.h>
#include <stdint.h>

#include "base/id.h"
#include "base/rc.h"
#include "client/client.h"

/* Exit codes (man 1 dske). */
enum {
	EXIT_OK = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
	EXIT_TOO_FEW = 3,
	EXIT_TIMEOUT = 4,
	EXIT_REFUSED = 5,
	EXIT_EXHAUSTED = 6,
	EXIT_PIN = 7,
	EXIT_ALARM = 8, /* someone is dishonest: clone, frozen table, conflicting keys, corrupt shares */
	EXIT_LOW = 9,   /* of dske status: a table runs low */
};
int exit_code(dske_rc rc);

/* ---- subcommands ------------------------------------------------------------------------------------- */

struct command {
	const char *group;    /* "key", or "" */
	const char *name;     /* "agree" */
	const char *operands; /* "PEER", "[FILE]" */
	const char *summary;
	const char *examples; /* lines, each ending in a newline */
	/* argv[0] is the subcommand's name.  Returns an exit code. */
	int (*run)(const struct command *self, int argc, char **argv);
};
extern const struct command commands[]; /* ends with a NULL name */

/* ---- options ------------------------------------------------------------------------------------------- */

enum option_kind {
	OPTION_FLAG,     /* bool */
	OPTION_TEXT,     /* const char *, borrowed from argv */
	OPTION_UINT,     /* uint64_t */
	OPTION_SIZE,     /* uint64_t: 64K, 16M */
	OPTION_DURATION, /* int64_t ms: 500ms, 10s */
	OPTION_ID,       /* struct id; id_is_zero when not given */
};

struct option_row {
	const char *name; /* without "--" */
	enum option_kind kind;
	void *to;
	const char *argument; /* "FILE", for the help; NULL for a flag */
	const char *help;
};

/* --conf and --json, which most subcommands have. */
struct common {
	const char *conf, *pin;
	bool json;
	bool needs_tables; /* tool_open: where the token's PIN has the key of the tables, it is asked for ... */
	struct secret *pin_text; /* ... and left here, for another use; NULL: nowhere */
};
#define COMMON_ROWS(c)                                                                               \
	{"conf", OPTION_TEXT, &(c).conf, "FILE", "the client's configuration (default: DSKE_CONF, the user's, the system's)"}, \
	{"json", OPTION_FLAG, &(c).json, NULL, "write JSON, for programs"}

/* --pin, for those that open tables. */
#define PIN_ROW(c)                                                                                   \
	{"pin", OPTION_TEXT, &(c).pin, "SOURCE", "where the PIN locks the tables: env:NAME, file:PATH or prompt (default: env:DSKE_PIN)"}

/* The same for a Local Distributor. */
#define DISTRIBUTOR_ROWS(c)                                                                          \
	{"conf", OPTION_TEXT, &(c).conf, "FILE", "the distributor's configuration (default: the user's, the system's)"}, \
	{"json", OPTION_FLAG, &(c).json, NULL, "write JSON, for programs"}

#define OPERANDS_MOST 65 /* of a group: TERMS_RECEIVERS_MAX, and one that is too many */
struct operands {
	const char *at[OPERANDS_MOST];
	size_t count;
};

/* Reads argv by rows (ending with a NULL name).  Returns -1 to go on, or the exit code to leave with:
 * EXIT_OK after --help, EXIT_USAGE after a sentence. */
int options_read(const struct command *self, const struct option_row *rows, int argc, char **argv, size_t least,
		 size_t most, struct operands *operands);

void command_help(const struct command *self, const struct option_row *rows);

/* Makes the folder where it is missing; it must be the user's own.  Errors: as file_make_dirs, file_check_owner. */
dske_rc tool_own_folder(const char *path);

/* ---- failing ------------------------------------------------------------------------------------------- */

/* Writes the sentence (and the advice, if any) to standard error, or as JSON to standard output, and
 * returns the exit code. */
int tool_fail(const struct common *common, dske_rc rc, const char *advice);

/* A sentence about how the command was called. */
int tool_usage(const struct command *self, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Opens the client that --conf names, and lets the module see the same file.  Errors: as client_open, tool_table_key. */
dske_rc tool_open(struct client **out, const struct common *common);

/* The key that new tables of this client are to be under; with `table_key = pin` the token's PIN gives it, from --pin,
 * DSKE_PIN or the terminal.  *key stays empty where none is configured.  Errors: as config_table_key, secret_input,
 * store_login. */
dske_rc tool_table_key(struct secret *key, const struct config *config, const struct common *common);

/* Where a PIN is to be read when no option says so: env:DSKE_PIN if it is set; NULL, for the terminal. */
const char *tool_pin_source(const char *given);

#endif
