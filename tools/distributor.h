/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tools/distributor.h - a Local Distributor's configuration (man 1 dske, "For a Local Distributor").
 *
 *   [distributor]  name, id (32 digits), state (folder; default: the file's own), entropy,
 *                  table_key (file; default: none)
 *
 * Its stocks lie in STATE/stock.  It needs no network.
 */
#ifndef DSKE_TOOLS_DISTRIBUTOR_H
#define DSKE_TOOLS_DISTRIBUTOR_H

#include "base/file.h"
#include "base/id.h"
#include "base/rc.h"
#include "base/secret.h"
#include "pskm/entropy.h"

struct distributor {
	struct path file;   /* where it was read from */
	struct path state, stocks;
	struct path table_key; /* the key file of its stocks at rest; empty: none */
	char name[NAME_MAX_LEN + 1];
	struct id id;
	char entropy[ENTROPY_SPEC_MAX + 1]; /* of the passphrases and content keys of what it cuts */
};

/* The file that was named, or the user's, or the system's.  Errors: TOOBIG. */
dske_rc distributor_locate(struct path *out, const char *named);

/* Errors: NOT_FOUND with what to do, DENIED, CONFIG with FILE:LINE. */
dske_rc distributor_read(struct distributor *d, const char *named);

/* The key in that file; *out stays empty where none is configured.  Errors: as table_key_read. */
dske_rc distributor_table_key(const struct distributor *d, struct secret *out);

/* Writes a new one, 0600, durable, with a table key beside it, and makes its folders; id zero: a fresh one.  state NULL: the file's own folder.
 * Errors: ARGS (the name), EXISTS, as file_open. */
dske_rc distributor_make(struct distributor *d, const char *named, const char *name, const struct id *id,
			 const char *state);

#endif
