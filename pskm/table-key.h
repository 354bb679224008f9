/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pskm/table-key.h - the table key of a side: what its tables are encrypted under at rest (pskm/cover.h).
 *
 * A key file holds 32 to TABLE_KEY_FILE_MAX bytes of any kind; the key is HMAC-SHA256("DSKE table key 1",
 * contents).  Ours hold 64 hexadecimal digits and a newline, so that they can be kept on paper.
 */
#ifndef DSKE_PSKM_TABLE_KEY_H
#define DSKE_PSKM_TABLE_KEY_H

#include "base/rc.h"
#include "base/secret.h"

#define TABLE_KEY_FILE_MIN 32
#define TABLE_KEY_FILE_MAX 65536
#define TABLE_KEY_NAME "table.key" /* where `dske init` puts one, beside the configuration */

/* Errors: NOT_FOUND (and what that means), as file_open, FORMAT (too short), TOOBIG, NOMEM. */
dske_rc table_key_read(struct secret *out, const char *path);

/* Makes the file, 0600, durable; one that is there stays as it is, and must be good.  Errors: as file_open and
 * table_key_read, SYNC. */
dske_rc table_key_make(const char *path);

#endif
