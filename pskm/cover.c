/* SPDX-License-Identifier: Apache-2.0 */
/* pskm/cover.c - chunks of a table, their salts and their keys. */
#include "config.h"

#include "pskm/cover.h"

#include <assert.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/crypto.h"

#define ERASE_PUNCH_MIN (64u << 10) /* a hole costs more than it saves below this */
#define ERASED_BLOCK 16
#define PIECE_LEN 16384
#define CHECK_CHUNK UINT64_MAX /* the check value is made like a key, of a chunk that no table has */

static_assert(KEYS_AT_CHECK + KEYS_CHECK_LEN == KEYS_AT_RANDOM, "as in format.h");
static_assert(KEYS_AT_RANDOM + KEYS_RANDOM_LEN == KEYS_AT_ZERO, "as in format.h");
static_assert(TABLE_MARK_LEN == CRYPTO_SHA256_LEN, "the mark is a digest");
static_assert(KEYS_AT_SUM + CRYPTO_SHA256_LEN == KEYS_HEAD_LEN, "as in format.h");

static const uint8_t zeros[PIECE_LEN];

static uint64_t chunk_count(const struct cover *c)
{
	return (c->len + COVER_CHUNK_LEN - 1) / COVER_CHUNK_LEN;
}

static uint64_t salt_at(uint64_t chunk)
{
	return KEYS_HEAD_LEN + chunk * COVER_SALT_LEN;
}

/* ---- keys --------------------------------------------------------------------------------------- */

static dske_rc derive(const struct cover *c, const struct secret *key, uint64_t chunk, const uint8_t salt[COVER_SALT_LEN],
		      uint8_t out[COVER_KEY_LEN])
{
	uint8_t input[ID_LEN + 8 + COVER_SALT_LEN];

	memcpy(input, c->table.b, ID_LEN);
	be64_put(input + ID_LEN, chunk);
	memcpy(input + ID_LEN + 8, salt, COVER_SALT_LEN);
	return crypto_mac(out, key, input, sizeof input);
}

/* What tells this key from all others, and nothing else of it. */
static dske_rc check_value(const struct cover *c, const struct secret *key, uint8_t out[KEYS_CHECK_LEN])
{
	uint8_t mac[COVER_KEY_LEN];

	TRY(derive(c, key, CHECK_CHUNK, zeros, mac));
	memcpy(out, mac, KEYS_CHECK_LEN);
	mem_wipe(mac, sizeof mac);
	return DSKE_OK;
}

static void forget_chunk(struct cover_chunk *k)
{
	secret_drop(&k->key);
}

static void forget_chunks(struct cover *c)
{
	for (size_t i = 0; i < COVER_KEYS_KEPT; i++)
		forget_chunk(&c->kept[i]);
}

static dske_rc fail_erased(const struct cover *c)
{
	char hex[ID_HEX_LEN];

	return FAIL(CORRUPT, "table %s: bytes that the ledger calls unused are erased, so the ledger is older than "
			     "the table (was it restored from a copy?); the table is locked, get a new PSKM",
		    id_hex(&c->table, hex));
}

static dske_rc chunk_derive(struct cover *c, uint64_t number, struct cover_chunk *k)
{
	uint8_t salt[COVER_SALT_LEN];
	AUTO(secret) key = {0};

	TRY(file_pread(c->salts.n, salt, sizeof salt, salt_at(number)));
	if (memcmp(salt, zeros, sizeof salt) == 0)
		return fail_erased(c);
	TRY(secret_alloc(&key, COVER_KEY_LEN));
	TRY(derive(c, &c->key, number, salt, key.data));
	k->number = number;
	secret_move(&k->key, &key);
	return DSKE_OK;
}

/* *key is borrowed until the next call. */
static dske_rc chunk_key(struct cover *c, uint64_t number, const struct secret **key)
{
	for (size_t i = 0; i < COVER_KEYS_KEPT; i++)
		if (c->kept[i].key.len != 0 && c->kept[i].number == number) {
			*key = &c->kept[i].key;
			return DSKE_OK;
		}
	struct cover_chunk *k = &c->kept[c->next++ % COVER_KEYS_KEPT];
	TRY(chunk_derive(c, number, k));
	*key = &k->key;
	return DSKE_OK;
}

static bool has_outer_key(const struct cover *c)
{
	return c->front[KEYS_AT_MODE] == KEYS_MODE_KEY;
}

dske_rc cover_unlock(struct cover *c, const struct secret *key)
{
	uint8_t check[KEYS_CHECK_LEN];
	char hex[ID_HEX_LEN];
	AUTO(secret) copy = {0};

	if (!has_outer_key(c))
		return DSKE_OK;
	if (key == NULL || key->len != COVER_KEY_LEN)
		return cover_require_key(c);
	TRY(check_value(c, key, check));
	if (!mem_equal(check, c->front + KEYS_AT_CHECK, sizeof check))
		return FAIL(KEY, "table %s is under another table key than this one: is it the right key file?",
			    id_hex(&c->table, hex));
	TRY(secret_from(&copy, key->data, key->len));
	secret_move(&c->key, &copy);
	return DSKE_OK;
}

void cover_relock(struct cover *c)
{
	if (!has_outer_key(c))
		return;
	forget_chunks(c);
	secret_drop(&c->key);
}

dske_rc cover_require_key(const struct cover *c)
{
	char hex[ID_HEX_LEN];

	if (c->key.len == COVER_KEY_LEN)
		return DSKE_OK;
	return FAIL(KEY, "table %s is encrypted, and its table key is not known", id_hex(&c->table, hex));
}

/* ---- opening ------------------------------------------------------------------------------------ */

void cover_init(struct cover *c, const struct id *table, uint64_t len)
{
	*c = (struct cover){.table = *table, .len = len, .bytes = FD_NONE, .salts = FD_NONE};
}

void cover_close(struct cover *c)
{
	forget_chunks(c);
	fd_drop(&c->bytes);
	fd_drop(&c->salts);
}

void cover_drop(struct cover *c)
{
	cover_close(c);
	secret_drop(&c->key);
}

static dske_rc head_write(struct cover *c, uint8_t head[KEYS_HEAD_LEN], uint8_t mode)
{
	memset(head, 0, KEYS_HEAD_LEN);
	memcpy(head, KEYS_MAGIC, sizeof KEYS_MAGIC - 1);
	be32_put(head + KEYS_AT_VERSION, KEYS_VERSION);
	be32_put(head + KEYS_AT_CHUNK_LEN, COVER_CHUNK_LEN);
	memcpy(head + KEYS_AT_TABLE, c->table.b, ID_LEN);
	head[KEYS_AT_MODE] = mode;
	TRY(random_fill(head + KEYS_AT_RANDOM, KEYS_RANDOM_LEN));
	TRY(check_value(c, &c->key, head + KEYS_AT_CHECK));
	return crypto_sha256(head + KEYS_AT_SUM, head, KEYS_AT_SUM);
}

static dske_rc salts_write(struct cover *c)
{
	uint64_t end = salt_at(chunk_count(c));
	uint8_t piece[PIECE_LEN];

	for (uint64_t at = salt_at(0); at < end; at += sizeof piece) {
		size_t len = end - at < sizeof piece ? (size_t)(end - at) : sizeof piece;
		TRY(random_fill(piece, len));
		TRY(file_pwrite(c->salts.n, piece, len, at));
	}
	return DSKE_OK;
}

static dske_rc open_both(struct cover *c, const char *dir, int flags)
{
	struct path p;

	TRY(path_format(&p, "%s/" TABLE_FILE_KEYS, dir));
	TRY(file_open_ordinary(&c->salts, p.s, O_RDWR | O_NOFOLLOW | flags, 0600));
	TRY(path_format(&p, "%s/" TABLE_FILE_TABLE, dir));
	return file_open_ordinary(&c->bytes, p.s, O_RDWR | O_NOFOLLOW | flags, 0600);
}

dske_rc cover_create(struct cover *c, const char *dir, const struct secret *key)
{
	bool outer = key != NULL && key->len != 0;
	uint8_t head[KEYS_HEAD_LEN];

	if (outer && key->len != COVER_KEY_LEN)
		return FAIL(ARGS, "a table key has %d bytes", COVER_KEY_LEN);
	TRY(secret_from(&c->key, outer ? key->data : zeros, COVER_KEY_LEN));
	TRY(head_write(c, head, outer ? KEYS_MODE_KEY : KEYS_MODE_OPEN));
	memcpy(c->front, head, sizeof c->front);
	c->is_known = true;
	TRY(open_both(c, dir, O_CREAT | O_EXCL | O_NOFOLLOW));
	TRY(file_pwrite(c->salts.n, head, sizeof head, 0));
	TRY(salts_write(c));
	return file_resize(c->bytes.n, c->len);
}

static dske_rc check_size(int fd, const char *dir, const char *name, uint64_t wanted)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return FAIL(IO, "cannot examine %s/%s: %m", dir, name);
	if ((uint64_t)st.st_size != wanted)
		return FAIL(CORRUPT, "%s/%s has %lld bytes, by the table's header it should have %llu", dir, name,
			    (long long)st.st_size, (unsigned long long)wanted);
	return DSKE_OK;
}

static dske_rc head_check(const struct cover *c, const uint8_t head[KEYS_HEAD_LEN], const char *dir)
{
	uint8_t sum[CRYPTO_SHA256_LEN];

	TRY(crypto_sha256(sum, head, KEYS_AT_SUM));
	if (memcmp(sum, head + KEYS_AT_SUM, sizeof sum) != 0 || memcmp(head, KEYS_MAGIC, sizeof KEYS_MAGIC - 1) != 0)
		return FAIL(CORRUPT, "the head of %s/" TABLE_FILE_KEYS " is damaged: the table cannot be read; get a new PSKM",
			    dir);
	if (be32_get(head + KEYS_AT_VERSION) != KEYS_VERSION || be32_get(head + KEYS_AT_CHUNK_LEN) != COVER_CHUNK_LEN ||
	    head[KEYS_AT_MODE] > KEYS_MODE_KEY)
		return FAIL(CORRUPT, "%s/" TABLE_FILE_KEYS " is of a version that this program does not read", dir);
	if (memcmp(head + KEYS_AT_TABLE, c->table.b, ID_LEN) != 0)
		return FAIL(CORRUPT, "%s/" TABLE_FILE_KEYS " belongs to another table than the header beside it", dir);
	return DSKE_OK;
}

/* At the first opening the head is verified; later it must be the same. */
static dske_rc head_read(struct cover *c, const char *dir)
{
	uint8_t head[KEYS_HEAD_LEN];

	TRY(file_pread(c->salts.n, head, c->is_known ? sizeof c->front : sizeof head, 0));
	if (c->is_known && memcmp(head, c->front, sizeof c->front) != 0)
		return FAIL(CORRUPT, "%s/" TABLE_FILE_KEYS " was exchanged while this process had the table", dir);
	if (c->is_known)
		return DSKE_OK;
	TRY(head_check(c, head, dir));
	memcpy(c->front, head, sizeof c->front);
	c->is_known = true;
	return has_outer_key(c) ? DSKE_OK : secret_from(&c->key, zeros, COVER_KEY_LEN);
}

dske_rc cover_open(struct cover *c, const char *dir)
{
	TRY(open_both(c, dir, 0));
	TRY(check_size(c->bytes.n, dir, TABLE_FILE_TABLE, c->len));
	TRY(check_size(c->salts.n, dir, TABLE_FILE_KEYS, salt_at(chunk_count(c))));
	return head_read(c, dir);
}

dske_rc cover_mark(const struct cover *c, uint8_t mark[TABLE_MARK_LEN])
{
	return crypto_sha256(mark, c->front, sizeof c->front);
}

/* ---- bytes -------------------------------------------------------------------------------------- */

/* Both directions: out = in XOR the keystream at that place of the table. */
static dske_rc apply(struct cover *c, uint64_t at, uint8_t *out, const uint8_t *in, size_t len)
{
	while (len > 0) {
		const struct secret *key;
		uint64_t from = at % COVER_CHUNK_LEN, left = COVER_CHUNK_LEN - from;
		size_t part = left < len ? (size_t)left : len;

		TRY(chunk_key(c, at / COVER_CHUNK_LEN, &key));
		TRY(crypto_ctr(key, from, out, in, part));
		at += part;
		out += part;
		in += part;
		len -= part;
	}
	return DSKE_OK;
}

/* Does any whole block hold nothing but zeros?  Looks at every byte, whatever it finds. */
static bool erased_within(const uint8_t *bytes, size_t len)
{
	unsigned found = 0;

	for (size_t at = 0; at + ERASED_BLOCK <= len; at += ERASED_BLOCK) {
		unsigned any = 0;
		for (size_t i = 0; i < ERASED_BLOCK; i++)
			any |= bytes[at + i];
		found |= (any - 1) >> 31;
	}
	return found != 0;
}

dske_rc cover_read(struct cover *c, uint64_t at, void *out, size_t len)
{
	TRY(cover_require_key(c));
	TRY(file_pread(c->bytes.n, out, len, at));
	dske_rc rc = erased_within(out, len) ? fail_erased(c) : apply(c, at, out, out, len);
	if (!rc_ok(rc))
		mem_wipe(out, len);
	return rc;
}

dske_rc cover_write(struct cover *c, uint64_t at, const void *bytes, size_t len)
{
	const uint8_t *in = bytes;
	uint8_t piece[PIECE_LEN];

	TRY(cover_require_key(c));
	for (size_t done = 0; done < len; done += sizeof piece) {
		size_t part = len - done < sizeof piece ? len - done : sizeof piece;
		TRY(apply(c, at + done, piece, in + done, part));
		TRY(file_pwrite(c->bytes.n, piece, part, at + done));
	}
	return DSKE_OK;
}

dske_rc cover_is_erased(const struct cover *c, uint64_t at, size_t len, bool *erased)
{
	uint8_t any = 0, piece[64];

	for (size_t done = 0; done < len; done += sizeof piece) {
		size_t part = len - done < sizeof piece ? len - done : sizeof piece;
		TRY(file_pread(c->bytes.n, piece, part, at + done));
		for (size_t i = 0; i < part; i++)
			any |= piece[i];
	}
	*erased = any == 0;
	return DSKE_OK;
}

static dske_rc zero(int fd, uint64_t at, uint64_t len)
{
	for (uint64_t done = 0; done < len; done += sizeof zeros) {
		uint64_t left = len - done;
		TRY(file_pwrite(fd, zeros, left < sizeof zeros ? (size_t)left : sizeof zeros, at + done));
	}
	return DSKE_OK;
}

dske_rc cover_forget(struct cover *c, uint64_t from, uint64_t to)
{
	uint64_t first = (from + COVER_CHUNK_LEN - 1) / COVER_CHUNK_LEN;
	uint64_t end = to == c->len ? chunk_count(c) : to / COVER_CHUNK_LEN;

	for (size_t i = 0; i < COVER_KEYS_KEPT; i++)
		if (c->kept[i].number >= first && c->kept[i].number < end)
			forget_chunk(&c->kept[i]);
	return first < end ? zero(c->salts.n, salt_at(first), (end - first) * COVER_SALT_LEN) : DSKE_OK;
}

dske_rc cover_erase(struct cover *c, uint64_t from, uint64_t to)
{
	if (from >= to)
		return DSKE_OK;
	TRY(cover_forget(c, from, to));
	if (to - from >= ERASE_PUNCH_MIN)
		return file_erase_data(c->bytes.n, from, to);
	return zero(c->bytes.n, from, to - from);
}

static dske_rc give_back(struct cover *c)
{
	uint64_t from = c->zeroed, to = c->zeroed_end;

	c->zeroed = c->zeroed_end = 0;
	return file_erase_end(c->bytes.n, from, to - from);
}

dske_rc cover_erase_read(struct cover *c, uint64_t from, uint64_t to)
{
	if (from >= to)
		return DSKE_OK;
	TRY(cover_forget(c, from, to));
	if (to - from < ERASE_PUNCH_MIN)
		return zero(c->bytes.n, from, to - from);
	TRY(file_erase_begin(c->bytes.n, from, to - from));
	TRY(give_back(c));
	c->zeroed = from;
	c->zeroed_end = to;
	return DSKE_OK;
}

dske_rc cover_sync(const struct cover *c)
{
	TRY(file_sync(c->bytes.n));
	return file_sync(c->salts.n);
}
