/* SPDX-License-Identifier: Apache-2.0 */
/* tools/passphrase.h - a PSKM's passphrase, where it comes from and where it goes. */
#ifndef DSKE_TOOLS_PASSPHRASE_H
#define DSKE_TOOLS_PASSPHRASE_H

#include "base/file.h"
#include "base/rc.h"
#include "base/secret.h"

/* file: as --passphrase-file has it: a file, env:NAME, file:PATH, or NULL: asks.  Errors: as secret_input. */
dske_rc passphrase_input(struct secret *out, const char *file);

/* Fails when a file of that name is there, before anything is made for it; NULL: nothing to do.  Errors: EXISTS. */
dske_rc passphrase_check_free(const char *file);

/* A new file, 0600, with the room it takes, before anything is made for it; removed again if nothing is put there.
 * file NULL: all of this does nothing.  Errors: as file_open, SYNC. */
struct pass_file {
	struct fd file;
	const char *path; /* the caller's; NULL: nothing to remove */
};
#define PASS_FILE_NONE {.file = FD_NONE}
void pass_file_drop(struct pass_file *p);
dske_rc passphrase_place(struct pass_file *p, const char *file);
dske_rc passphrase_put(struct pass_file *p, const char *text);

/* Writes it to a new file, 0600, durable; NULL: nothing to do.  One that has it already is as good.  A failure leaves
 * no file.  Errors: as file_open, SYNC. */
dske_rc passphrase_keep(const char *file, const char *text);

/* Tells where it is, or shows it, this once. */
void passphrase_tell(const char *file, const char *text);

#endif
