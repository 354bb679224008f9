/* SPDX-License-Identifier: Apache-2.0 */
/* tools/keyfile.h - keys in files: reading, check values, and the forms that programs want. */
#ifndef DSKE_TOOLS_KEYFILE_H
#define DSKE_TOOLS_KEYFILE_H

#include "base/file.h"
#include "base/rc.h"
#include "base/secret.h"

/* A raw key.  Errors: as file_open, TOOBIG, FORMAT (empty). */
dske_rc keyfile_read(struct secret *key, const char *path);

/* A file that nobody else may read and that is not there yet; "-" is standard output.
 * Errors: as file_open. */
dske_rc keyfile_create(struct fd *f, const char *path);

/* The same, of a file that gets its name by keyfile_name only, so that nothing is left if that is never called, whatever
 * ends this process.  *is_unnamed: false for standard output, and where the file system has no such files; then it is
 * keyfile_create's.  Errors: as keyfile_create, EXISTS. */
dske_rc keyfile_begin(struct fd *f, const char *path, bool *is_unnamed);

/* Durably.  Errors: EXISTS, IO, SYNC. */
dske_rc keyfile_name(const struct fd *f, const char *path);

/* Writes it all, durably where that makes sense (path NULL: the file has no name yet); after a failure the file is removed.  Errors: IO, SYNC. */
dske_rc keyfile_finish(struct fd *f, const char *path, const struct secret *text);

/* Key check value: the first three bytes of SHA-1, as six digits. */
#define KCV_LEN 7
dske_rc key_check_value(char out[KCV_LEN], const struct secret *key);

struct key_format {
	const char *name; /* "raw", "hex", "tls-session", "psk-file" */
	/* cipher: "TLS_AES_256_GCM_SHA384"; identity: of a psk-file. */
	dske_rc (*encode)(struct secret *out, const struct secret *key, const char *cipher, const char *identity);
};
/* NULL: no such format. */
const struct key_format *key_format_find(const char *name);

#endif
