/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "pskm/table-key.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/crypto.h"
#include "base/file.h"
#include "pskm/format.h"

#define DOMAIN "DSKE table key 1"
#define RANDOM_LEN 32
#define TEXT_LEN (2 * RANDOM_LEN + 1)

static dske_rc read_contents(struct secret *contents, const char *path)
{
	AUTO(fd) f = FD_NONE;
	struct stat st;

	dske_rc rc = file_open_ordinary(&f, path, O_RDONLY, 0);
	if (rc_is(rc, DSKE_RC_NOT_FOUND))
		return FAIL(NOT_FOUND, "the table key %s is not there: put in the medium that it is on; without it the "
				       "tables cannot be read, and a new one would not help", path);
	TRY(rc);
	if (fstat(f.n, &st) != 0)
		return FAIL(IO, "cannot examine the table key %s: %m", path);
	if (st.st_size < TABLE_KEY_FILE_MIN)
		return FAIL(FORMAT, "the table key %s has fewer than %d bytes: restore it", path, TABLE_KEY_FILE_MIN);
	if (st.st_size > TABLE_KEY_FILE_MAX)
		return FAIL(TOOBIG, "the table key %s is larger than %d bytes", path, TABLE_KEY_FILE_MAX);
	TRY(secret_alloc(contents, (size_t)st.st_size));
	return file_pread(f.n, contents->data, contents->len, 0);
}

dske_rc table_key_read(struct secret *out, const char *path)
{
	AUTO(secret) contents = {0};
	AUTO(secret) domain = {0};
	AUTO(secret) key = {0};

	TRY(read_contents(&contents, path));
	TRY(secret_from(&domain, DOMAIN, strlen(DOMAIN)));
	TRY(secret_alloc(&key, COVER_KEY_LEN));
	TRY(crypto_mac(key.data, &domain, contents.data, contents.len));
	secret_move(out, &key);
	return DSKE_OK;
}

/* Hexadecimal, without a branch or address on the value. */
static uint8_t digit(unsigned v)
{
	return (uint8_t)('0' + v + ((9 - v) >> 31) * ('a' - '0' - 10));
}

static dske_rc make_new(const char *path)
{
	AUTO(fd) f = FD_NONE;
	AUTO(secret) random = {0};
	AUTO(secret) text = {0};

	TRY(secret_random(&random, RANDOM_LEN));
	TRY(secret_alloc(&text, TEXT_LEN));
	for (size_t i = 0; i < RANDOM_LEN; i++) {
		text.data[2 * i] = digit(random.data[i] >> 4);
		text.data[2 * i + 1] = digit(random.data[i] & 15);
	}
	text.data[TEXT_LEN - 1] = '\n';
	TRY(file_open(&f, path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600));
	TRY(file_pwrite(f.n, text.data, text.len, 0));
	TRY(file_sync(f.n));
	return file_sync_dir_of(path);
}

dske_rc table_key_make(const char *path)
{
	AUTO(secret) probe = {0};

	dske_rc rc = make_new(path);
	return rc_is(rc, DSKE_RC_EXISTS) ? table_key_read(&probe, path) : rc;
}
