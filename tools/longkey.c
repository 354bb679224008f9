/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "tools/longkey.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "base/id.h"
#include "tools/output.h"

static dske_rc sink_write(void *context, const uint8_t *bytes, size_t len)
{
	struct long_key *k = context;
	if (k->digest == NULL) {
		k->digest = EVP_MD_CTX_new();
		if (k->digest == NULL || EVP_DigestInit_ex(k->digest, EVP_sha1(), NULL) != 1)
			return FAIL(UNSUPPORTED, "the crypto library refuses SHA-1");
	}
	if (EVP_DigestUpdate(k->digest, bytes, len) != 1)
		return rc_make(DSKE_RC_NOMEM);
	TRY(file_pwrite(k->file, bytes, len, k->done));
	k->done += len;
	return DSKE_OK;
}

static void sink_progress(void *context, uint64_t done, uint64_t total)
{
	(void)context;
	static char title[] = "agreeing";
	(void)output_progress(title, done, total);
}

/* The room is made before table bytes are spent.  A file system that cannot tell is believed. */
static dske_rc make_room(const struct fd *file, const char *path, uint64_t len)
{
	int code = len > 0 ? posix_fallocate(file->n, 0, (off_t)len) : 0;
	if (code == ENOSPC || code == EDQUOT || code == EFBIG)
		return FAIL(IO, "%s: there is no room for a key of %llu bytes", path, (unsigned long long)len);
	return DSKE_OK;
}

dske_rc long_key_begin(struct long_key *k, const struct fd *file, const char *path, uint64_t len)
{
	struct path folder;
	*k = (struct long_key){.file = file->n};
	TRY(make_room(file, path, len));
	TRY(path_folder(&folder, path));
	snprintf(k->folder, sizeof k->folder, "%s", folder.s);
	k->sink = (struct agree_sink){.context = k, .write = sink_write, .progress = sink_progress, .folder = k->folder};
	return DSKE_OK;
}

dske_rc long_key_check_value(struct long_key *k, char out[KCV_LEN])
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned len = 0;
	if (k->digest == NULL || EVP_DigestFinal_ex(k->digest, digest, &len) != 1)
		return FAIL(UNSUPPORTED, "the crypto library refuses SHA-1");
	hex_encode(out, digest, 3);
	return DSKE_OK;
}

void long_key_drop(struct long_key *k)
{
	EVP_MD_CTX_free(k->digest);
	*k = (struct long_key){.file = -1};
}
