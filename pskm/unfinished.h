/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pskm/unfinished.h - the file `making` in the folder of a PSKM that is being made: what it takes to go on after an
 * interruption (pskm/format.h has the bytes).  Its secrets are sealed under the maker's table key; it is erased
 * before the table gets its name.
 *
 * Two marks say how far the making has come, in chunks of the container: below `filled` the table is durable, and
 * below `sealed` the container is.  A chunk is sealed only when it is below a durable `filled`, so that the nonce of a
 * chunk never meets two plaintexts.  A folder restored from a backup is found by a container that reaches further; one
 * restored together with its container is not (doc/threat-model.md).
 */
#ifndef DSKE_PSKM_UNFINISHED_H
#define DSKE_PSKM_UNFINISHED_H

#include "base/file.h"
#include "base/secret.h"
#include "pskm/container-impl.h"
#include "pskm/entropy.h"

struct unfinished {
	struct fd file;
	uint64_t number;         /* of the newest mark */
	uint64_t filled, sealed; /* chunks; sealed beyond the last chunk: the end is, too */
	struct container_head head;
	char sources[ENTROPY_SPEC_MAX + 1];
	char output[4096];       /* where the container is, absolute */
};
#define UNFINISHED_NONE {.file = FD_NONE}
void unfinished_drop(struct unfinished *u);

struct unfinished_secrets {
	struct secret bytes; /* owned; the content key, then the passphrase's bits */
};
void unfinished_secrets_drop(struct unfinished_secrets *s);

/* Writes the file for head, sources and output, which are set, with marks 0; durable.  key: the table key, NULL or
 * empty for none.  Errors: as file_open, SYNC, NOMEM. */
dske_rc unfinished_create(struct unfinished *u, const char *dir, const struct unfinished_secrets *s,
			  const struct secret *key);

/* Reads what is in clear.  Errors: as file_open; CORRUPT. */
dske_rc unfinished_open(struct unfinished *u, const char *dir);

/* Errors: KEY (another table key, or the file was changed), NOMEM. */
dske_rc unfinished_unseal(const struct unfinished *u, const struct secret *key, struct unfinished_secrets *s);

/* Durably.  Errors: IO, SYNC. */
dske_rc unfinished_mark(struct unfinished *u, uint64_t filled, uint64_t sealed);

/* Overwrites all of it, durably, and removes it; from the call on nothing can be resumed.  Errors: IO, SYNC. */
dske_rc unfinished_destroy(struct unfinished *u, const char *dir);

#endif
