/* SPDX-License-Identifier: Apache-2.0 */
/* client/spool.c - blocks in files without names; a block's nonce is its share's number and its own. */
#include <config.h>

#include "client/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/crypto.h"

#define KEY_BYTES 32
#define STRIDE (SHARE_BLOCK_MAX + CRYPTO_TAG_LEN) /* of a block in its file */

dske_rc spool_init(struct spool *s, const char *folder)
{
	*s = (struct spool){0};
	TRY(path_format(&s->folder, "%s", folder));
	TRY(secret_random(&s->key, KEY_BYTES));
	return secret_alloc(&s->room, STRIDE);
}

void spool_drop(struct spool *s)
{
	for (size_t i = 0; i < s->count; i++)
		fd_drop(&s->file[i]);
	free(s->file);
	secret_drop(&s->key);
	secret_drop(&s->room);
	*s = (struct spool){0};
}

dske_rc spool_new(struct spool *s, size_t *number)
{
	struct fd *more = reallocarray(s->file, s->count + 1, sizeof *more);
	if (more == NULL)
		return rc_make(DSKE_RC_NOMEM);
	s->file = more;
	more[s->count] = (struct fd)FD_NONE;
	more[s->count].n = fd_above_standard(open(s->folder.s, O_TMPFILE | O_RDWR | O_CLOEXEC | O_EXCL, 0600));
	if (more[s->count].n < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == ENOENT))
		return FAIL(UNSUPPORTED, "%s is on a file system that cannot keep the shares of a long key (O_TMPFILE): write the key "
					 "to a local disk", s->folder.s);
	if (more[s->count].n < 0)
		return FAIL(IO, "%s: the shares of a long key cannot be kept there: %m", s->folder.s);
	*number = s->count++;
	return DSKE_OK;
}

void spool_forget(struct spool *s, size_t number)
{
	fd_drop(&s->file[number]);
}

static void nonce_of(uint8_t nonce[CRYPTO_NONCE_LEN], size_t number, size_t block)
{
	memset(nonce, 0, CRYPTO_NONCE_LEN);
	for (size_t i = 0; i < 4; i++) {
		nonce[i] = (uint8_t)(number >> (8 * i));
		nonce[4 + i] = (uint8_t)(block >> (8 * i));
	}
}

dske_rc spool_write(struct spool *s, size_t number, size_t block, const uint8_t *bytes, size_t len)
{
	uint8_t nonce[CRYPTO_NONCE_LEN];
	nonce_of(nonce, number, block);
	s->is_full = false;
	TRY(crypto_seal(s->room.data, &s->key, nonce, NULL, 0, bytes, len));
	errno = 0;
	dske_rc rc = file_pwrite(s->file[number].n, s->room.data, len + CRYPTO_TAG_LEN, (uint64_t)block * STRIDE);
	s->is_full = !rc_ok(rc) && (errno == ENOSPC || errno == EDQUOT);
	return rc;
}

uint64_t spool_need(const struct terms *t)
{
	size_t last = share_block_count(t) - 1;
	return (uint64_t)last * STRIDE + share_block_len(t, last) + CRYPTO_TAG_LEN;
}

/* A file system that has no size, as some over a network say, is not full. */
uint64_t spool_left(const struct spool *s)
{
	struct statvfs v;
	if (statvfs(s->folder.s, &v) != 0 || v.f_blocks == 0)
		return UINT64_MAX;
	return (uint64_t)v.f_bavail * v.f_frsize;
}

dske_rc spool_read(struct spool *s, size_t number, size_t block, uint8_t *out, size_t len)
{
	uint8_t nonce[CRYPTO_NONCE_LEN];
	nonce_of(nonce, number, block);
	TRY(file_pread(s->file[number].n, s->room.data, len + CRYPTO_TAG_LEN, (uint64_t)block * STRIDE));
	dske_rc rc = crypto_open(out, &s->key, nonce, NULL, 0, s->room.data, len);
	return rc_is(rc, DSKE_RC_TAG) ? FAIL(CORRUPT, "what was kept of a share is not what was written: is the disk in order?") : rc;
}
