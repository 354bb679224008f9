/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "pskm/unfinished.h"

#include <assert.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/crypto.h"
#include "pskm/passphrase.h"

#define DOMAIN "DSKE making 1"
#define SECRETS_LEN (AEAD_KEY_LEN + PASSPHRASE_LEN)

static_assert(MAKING_AT_HEAD + CONTAINER_HEAD_MAX <= MAKING_AT_SOURCES, "as in format.h");
static_assert(MAKING_AT_SEALED + SECRETS_LEN + AEAD_TAG_LEN <= MAKING_AT_MARKS, "as in format.h");
static_assert(sizeof((struct unfinished *)0)->output <= MAKING_AT_SALT - MAKING_AT_OUTPUT, "as in format.h");

void unfinished_drop(struct unfinished *u)
{
	fd_drop(&u->file);
}

void unfinished_secrets_drop(struct unfinished_secrets *s)
{
	secret_drop(&s->bytes);
}

static dske_rc path_of(struct path *p, const char *dir)
{
	return path_format(p, "%s/" TABLE_FILE_MAKING, dir);
}

/* ---- secrets ------------------------------------------------------------------------------------ */

/* Each salt makes a key that seals once. */
static dske_rc key_make(struct aead *a, const struct secret *table_key, const uint8_t salt[COVER_SALT_LEN])
{
	static const uint8_t none[COVER_KEY_LEN];
	bool outer = table_key != NULL && table_key->len != 0;
	uint8_t input[sizeof DOMAIN - 1 + COVER_SALT_LEN];
	AUTO(secret) root = {0};
	AUTO(secret) key = {0};

	memcpy(input, DOMAIN, sizeof DOMAIN - 1);
	memcpy(input + sizeof DOMAIN - 1, salt, COVER_SALT_LEN);
	TRY(secret_from(&root, outer ? table_key->data : none, COVER_KEY_LEN));
	TRY(secret_alloc(&key, CRYPTO_MAC_LEN));
	TRY(crypto_mac(key.data, &root, input, sizeof input));
	return aead_init(a, key.data);
}

static struct aead_context context_of(const uint8_t *front)
{
	struct aead_context c = {.data = front, .data_len = MAKING_AT_SALT};

	aead_nonce(c.nonce, 0);
	return c;
}

dske_rc unfinished_unseal(const struct unfinished *u, const struct secret *key, struct unfinished_secrets *s)
{
	uint8_t front[MAKING_AT_MARKS];
	AUTO(aead) a = {0};

	TRY(file_pread(u->file.n, front, sizeof front, 0));
	TRY(key_make(&a, key, front + MAKING_AT_SALT));
	TRY(secret_alloc(&s->bytes, SECRETS_LEN));
	struct aead_context c = context_of(front);
	dske_rc rc = aead_open(&a, &c, front + MAKING_AT_SEALED, SECRETS_LEN, s->bytes.data);
	return rc_is(rc, DSKE_RC_TAG) ? FAIL(KEY, "the unfinished PSKM was begun under another table key, or changed since")
				      : rc;
}

/* ---- marks -------------------------------------------------------------------------------------- */

static dske_rc mark_encode(uint8_t mark[MAKING_MARK_LEN], const struct unfinished *u)
{
	uint8_t sum[CRYPTO_SHA256_LEN];

	memset(mark, 0, MAKING_MARK_LEN);
	be64_put(mark, u->number);
	be64_put(mark + 8, u->filled);
	be64_put(mark + 16, u->sealed);
	TRY(crypto_sha256(sum, mark, 24));
	memcpy(mark + 24, sum, MAKING_SUM_LEN);
	return DSKE_OK;
}

dske_rc unfinished_mark(struct unfinished *u, uint64_t filled, uint64_t sealed)
{
	uint8_t mark[MAKING_MARK_LEN];

	u->number++;
	u->filled = filled;
	u->sealed = sealed;
	TRY(mark_encode(mark, u));
	TRY(file_pwrite(u->file.n, mark, sizeof mark, MAKING_AT_MARKS + u->number % 2 * MAKING_MARK_LEN));
	return file_sync(u->file.n);
}

static dske_rc mark_read(struct unfinished *u, unsigned which)
{
	uint8_t mark[MAKING_MARK_LEN], wanted[MAKING_MARK_LEN];
	struct unfinished found = {0};

	TRY(file_pread(u->file.n, mark, sizeof mark, MAKING_AT_MARKS + which * MAKING_MARK_LEN));
	found.number = be64_get(mark);
	found.filled = be64_get(mark + 8);
	found.sealed = be64_get(mark + 16);
	TRY(mark_encode(wanted, &found));
	if (memcmp(mark, wanted, 24 + MAKING_SUM_LEN) != 0 || found.number <= u->number)
		return DSKE_OK;
	u->number = found.number;
	u->filled = found.filled;
	u->sealed = found.sealed;
	return DSKE_OK;
}

/* ---- the file ----------------------------------------------------------------------------------- */

dske_rc unfinished_create(struct unfinished *u, const char *dir, const struct unfinished_secrets *s,
			  const struct secret *key)
{
	uint8_t front[MAKING_LEN] = {0};
	struct path p;
	AUTO(aead) a = {0};

	memcpy(front, MAKING_MAGIC, sizeof MAKING_MAGIC - 1);
	be32_put(front + MAKING_AT_VERSION, MAKING_VERSION);
	be32_put(front + MAKING_AT_HEAD_LEN, (uint32_t)u->head.len);
	memcpy(front + MAKING_AT_HEAD, u->head.bytes, u->head.len);
	memcpy(front + MAKING_AT_SOURCES, u->sources, strlen(u->sources));
	memcpy(front + MAKING_AT_OUTPUT, u->output, strlen(u->output));
	TRY(random_fill(front + MAKING_AT_SALT, COVER_SALT_LEN));
	TRY(key_make(&a, key, front + MAKING_AT_SALT));
	struct aead_context c = context_of(front);
	TRY(aead_seal(&a, &c, s->bytes.data, s->bytes.len, front + MAKING_AT_SEALED));
	TRY(path_of(&p, dir));
	TRY(file_open(&u->file, p.s, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0600));
	TRY(file_pwrite(u->file.n, front, sizeof front, 0));
	TRY(unfinished_mark(u, 0, 0));
	return file_sync_dir_of(p.s);
}

static dske_rc read_front(struct unfinished *u, const char *path)
{
	uint8_t front[MAKING_AT_SALT];

	TRY(file_pread(u->file.n, front, sizeof front, 0));
	if (memcmp(front, MAKING_MAGIC, sizeof MAKING_MAGIC - 1) != 0 ||
	    be32_get(front + MAKING_AT_VERSION) != MAKING_VERSION || front[MAKING_AT_OUTPUT - 1] != 0 ||
	    front[MAKING_AT_SALT - 1] != 0)
		return FAIL(CORRUPT, "%s cannot be read: discard what it stands for", path);
	memcpy(u->sources, front + MAKING_AT_SOURCES, sizeof u->sources);
	memcpy(u->output, front + MAKING_AT_OUTPUT, sizeof u->output);
	return head_parse(&u->head, front + MAKING_AT_HEAD, be32_get(front + MAKING_AT_HEAD_LEN));
}

dske_rc unfinished_open(struct unfinished *u, const char *dir)
{
	struct path p;

	TRY(path_of(&p, dir));
	TRY(file_open_ordinary(&u->file, p.s, O_RDWR | O_NOFOLLOW, 0));
	TRY(read_front(u, p.s));
	u->number = 0;
	TRY(mark_read(u, 0));
	TRY(mark_read(u, 1));
	return u->number != 0 ? DSKE_OK : FAIL(CORRUPT, "%s has no mark that verifies: discard what it stands for", p.s);
}

dske_rc unfinished_destroy(struct unfinished *u, const char *dir)
{
	struct path p;

	u->filled = u->sealed = 0;
	TRY(file_erase(u->file.n, 0, MAKING_LEN));
	TRY(file_sync(u->file.n));
	fd_drop(&u->file);
	TRY(path_of(&p, dir));
	if (unlink(p.s) != 0)
		return FAIL(IO, "cannot remove %s: %m", p.s);
	return file_sync_dir_of(p.s);
}
