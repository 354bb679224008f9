/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base/program.h - what every daemon does alike: options, hardening, its log, signals, exit codes.
 *
 * A library of its own, libprogram.la: what applications load has no use for it.
 */
#ifndef DSKE_BASE_PROGRAM_H
#define DSKE_BASE_PROGRAM_H

#include <stdbool.h>

#include "base/file.h"
#include "base/log.h"
#include "base/rc.h"

struct program_log {
	const char *target; /* as log_open() has it; the context's */
	enum log_level level;
};

/* Its three functions are given the context of program_main(). */
struct program {
	const char *name; /* "dske-vpn" */
	const char *what; /* what it does, a sentence for --help */
	const char *more; /* where to read on, sentences */
	const char *file; /* the default configuration */

	/* Reads the configuration into the context, and says where the log goes.  Leaves nothing behind when it fails. */
	dske_rc (*read)(void *context, const char *file, struct program_log *log);
	/* Opens what it needs, and goes on until a signal ends it (OK). */
	dske_rc (*run)(void *context);
	/* Drops what the other two made, however far they came. */
	void (*drop)(void *context);
};

enum exit_status { EXIT_GOOD = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_CONFIG = 3 };

/* The whole of a main(): returns its exit status.  An invalid configuration is a sentence on standard error, what ends
 * run() one in the log. */
int program_main(const struct program *p, void *context, int argc, char **argv);

/* *f is readable, without waiting, when SIGTERM or SIGINT came, or SIGHUP if that is wanted; threads that are started later
 * inherit that they are blocked.  Errors: IO. */
dske_rc program_signals(struct fd *f, bool with_hangup);

#endif
