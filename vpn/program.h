/* SPDX-License-Identifier: Apache-2.0 */
/* vpn/program.h - what both daemons do alike: options, hardening, signals, exit codes. */
#ifndef DSKE_VPN_PROGRAM_H
#define DSKE_VPN_PROGRAM_H

#include <stdbool.h>

#include "base/file.h"
#include "base/rc.h"

enum exit_status { EXIT_GOOD = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_CONFIG = 3 };

struct program_text {
	const char *name; /* "dske-vpn" */
	const char *what; /* what it does, a sentence for --help */
	const char *more; /* where to read on, a sentence */
	const char *file; /* the default configuration */
};

struct program_options {
	const char *config; /* preset to the default */
	bool check;         /* --check-config */
};

/* Returns -1 to go on, or the exit status to leave with. */
int program_options_read(struct program_options *o, const struct program_text *text, int argc, char **argv);

/* No core file, no debugger, nothing gained by executing anything, files for this user alone, no SIGPIPE. */
void program_harden(void);

/* *f is readable when SIGTERM or SIGINT came; threads that are started later inherit that they are blocked.  Errors: IO. */
dske_rc program_signals(struct fd *f);

/* The sentence to standard error; returns status. */
int program_complain(const struct program_text *text, dske_rc rc, enum exit_status status);

#endif
