/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tools/secret-input.h - PINs and passphrases: from the environment, a file or the terminal, never from
 * the argument list, which every process on the machine can read.
 */
#ifndef DSKE_TOOLS_SECRET_INPUT_H
#define DSKE_TOOLS_SECRET_INPUT_H

#include "base/rc.h"
#include "base/secret.h"

#define SECRET_INPUT_MAX 1024

/* source: "env:NAME", "file:PATH", "prompt"; NULL: as "prompt".  what: "PIN", for prompts and sentences.
 * *out receives the text without its newline, and a zero byte that is counted in len.
 * Errors: ARGS (another source; or no terminal to ask on), NOT_FOUND, DENIED, IO, TOOBIG, NOMEM. */
dske_rc secret_input(struct secret *out, const char *source, const char *what);

/* Asks twice when it asks. */
dske_rc secret_input_new(struct secret *out, const char *source, const char *what);

#endif
