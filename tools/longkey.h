/* SPDX-License-Identifier: Apache-2.0 */
/* tools/longkey.h - a key that is too long for memory, on its way into a file. */
#ifndef DSKE_TOOLS_LONGKEY_H
#define DSKE_TOOLS_LONGKEY_H

#include "base/rc.h"
#include "client/client.h"
#include "tools/keyfile.h"

struct long_key {
	int file;         /* borrowed; that keyfile_begin made, without a name */
	uint64_t done;
	void *digest;     /* owned; of the check value, NULL before the first bytes */
	char folder[4096]; /* of the file, where a receiver's shares are kept too */
	struct agree_sink sink; /* for the request; borrows this structure, which stays where it is */
};

/* For the key that goes to `path`; len: how long it will be, if that is known, so that room is made now; else 0.
 * Errors: IO (no room), TOOBIG. */
dske_rc long_key_begin(struct long_key *k, const struct fd *file, const char *path, uint64_t len);

/* The check value of what was written, as key_check_value.  Errors: UNSUPPORTED. */
dske_rc long_key_check_value(struct long_key *k, char out[KCV_LEN]);

void long_key_drop(struct long_key *k);

#endif
