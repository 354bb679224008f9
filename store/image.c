/* SPDX-License-Identifier: Apache-2.0 */
/* store/image.c - the token's file as one call sees it: locks, header, state, what is under the master key. */
#include <config.h>

#include "store/impl.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#define MAGIC "DSKE token v3\n"
#define MAGIC_LEN 16

/* What a file may ask of us. */
#define MEMORY_KIB_MAX (1u << 20)
#define PASSES_MAX 64u

/* ---- numbers ------------------------------------------------------------------------------------------ */

uint32_t store_get_u32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

void store_set_u32(uint8_t *p, uint32_t v)
{
	for (int i = 3; i >= 0; i--, v >>= 8)
		p[i] = (uint8_t)v;
}

uint64_t store_get_u64(const uint8_t *p)
{
	return (uint64_t)store_get_u32(p) << 32 | store_get_u32(p + 4);
}

void store_set_u64(uint8_t *p, uint64_t v)
{
	store_set_u32(p, (uint32_t)(v >> 32));
	store_set_u32(p + 4, (uint32_t)v);
}

/* ---- locks -------------------------------------------------------------------------------------------- */

void latch_drop(struct latch *l)
{
	if (l->f.n >= 0)
		file_unlock(l->f.n);
	fd_drop(&l->f);
}

dske_rc latch_take(struct latch *l, const struct path *file, enum file_lock kind)
{
	struct path folder;

	TRY(path_folder(&folder, file->s));
	TRY(file_check_owner(folder.s)); /* root's files would shut the owner out */
	TRY(file_open_ordinary(&l->f, file->s, O_RDWR | O_CREAT | O_NOFOLLOW, 0600));
	return file_lock(l->f.n, kind, true);
}

void image_drop(struct image *i)
{
	secret_drop(&i->key);
	free(i->dead);
	fd_drop(&i->file);
	latch_drop(&i->latch);
}

/* ---- header and state ------------------------------------------------------------------------------------ */

static dske_rc header_damaged(const struct store *s, const char *how)
{
	return FAIL(CORRUPT, "%s is damaged: its header %s", s->file.s, how);
}

dske_rc header_check(const struct store *s, const uint8_t *h)
{
	uint8_t sum[CRYPTO_SHA256_LEN];

	if (memcmp(h, MAGIC "\0", MAGIC_LEN) != 0)
		return header_damaged(s, "does not begin as that of a token of this version");
	TRY(crypto_sha256(sum, h, AT_SUM));
	if (memcmp(sum, h + AT_SUM, sizeof sum) != 0)
		return header_damaged(s, "does not have its checksum");
	uint32_t memory = store_get_u32(h + AT_MEMORY), passes = store_get_u32(h + AT_PASSES);
	if (memory < 8 || memory > MEMORY_KIB_MAX || passes < 1 || passes > PASSES_MAX)
		return FAIL(CORRUPT, "%s asks for an impossible cost of PINs", s->file.s);
	return DSKE_OK;
}

static dske_rc state_check(const struct store *s, const uint8_t *state)
{
	for (unsigned k = 0; k < AT_MARKS; k++)
		if (state[k] != 0 && (k >= AT_USER_FAILED + STORE_ATTEMPTS || state[k] != FAILED_BYTE))
			return FAIL(CORRUPT, "%s is damaged: the count of failed attempts, behind its header, was changed", s->file.s);
	return DSKE_OK;
}

/* A link is not followed: a new file would take the link's place, and not that of what it leads to. */
dske_rc image_read(const struct store *s, struct image *i)
{
	dske_rc rc = file_open_ordinary(&i->file, s->file.s, (i->writing ? O_RDWR : O_RDONLY) | O_NOFOLLOW, 0);

	i->there = rc_ok(rc);
	if (rc_is(rc, DSKE_RC_NOT_FOUND))
		return DSKE_OK;
	TRY(rc);
	TRY(stamp_take(&i->stamp, s, i->file.n));
	i->dev = i->stamp.dev;
	i->ino = i->stamp.ino;
	i->size = i->stamp.size;
	if (i->size < STORE_RECORDS_AT)
		return header_damaged(s, "is cut off");
	if (i->size > STORE_FILE_MAX)
		return FAIL(CORRUPT, "%s is larger than a token's file can be", s->file.s);
	TRY(file_pread(i->file.n, i->header, sizeof i->header, 0));
	TRY(header_check(s, i->header));
	TRY(file_pread(i->file.n, i->state, sizeof i->state, STORE_HEADER_LEN));
	return state_check(s, i->state);
}

dske_rc image_open(struct store *s, struct image *i, enum file_lock kind)
{
	TRY(latch_take(&i->latch, &s->lock_file, kind));
	i->writing = kind == FILE_LOCK_EXCLUSIVE;
	return image_read(s, i);
}

/* ---- under the master key -------------------------------------------------------------------------------- */

/* HMAC-SHA256 under the master key of what it is for, and of more. */
static dske_rc master_mac(const struct secret *master, const char *purpose, const void *more, size_t more_len,
			  uint8_t out[CRYPTO_MAC_LEN])
{
	uint8_t text[64];
	size_t len = strlen(purpose);

	assert(len + more_len <= sizeof text);
	memcpy(text, purpose, len);
	memcpy(text + len, more, more_len);
	return crypto_mac(out, master, text, len + more_len);
}

dske_rc image_check_master(const struct image *i, const struct secret *master)
{
	uint8_t check[CRYPTO_MAC_LEN];

	TRY(master_mac(master, "DSKE token key", "", 0, check));
	if (memcmp(check, i->header + AT_CHECK, CHECK_LEN) != 0)
		return FAIL(STATE, "the token was initialised again");
	return DSKE_OK;
}

static dske_rc header_mac(const uint8_t *h, const struct secret *master, uint8_t mac[CRYPTO_MAC_LEN])
{
	AUTO(secret) key = {0};

	TRY(secret_alloc(&key, CRYPTO_MAC_LEN));
	TRY(master_mac(master, "DSKE token file", "", 0, key.data));
	return crypto_mac(mac, &key, h, AT_MAC);
}

dske_rc header_check_mac(const struct store *s, const uint8_t *h, const struct secret *master)
{
	uint8_t mac[CRYPTO_MAC_LEN];

	TRY(header_mac(h, master, mac));
	return mem_equal(mac, h + AT_MAC, sizeof mac) ? DSKE_OK : header_damaged(s, "was changed by another hand");
}

dske_rc header_begin(uint8_t h[STORE_HEADER_LEN], struct store_cost cost, const uint8_t label[STORE_LABEL_LEN],
		     const struct secret *master)
{
	uint8_t check[CRYPTO_MAC_LEN];

	TRY(master_mac(master, "DSKE token key", "", 0, check));
	memset(h, 0, STORE_HEADER_LEN);
	memcpy(h, MAGIC, strlen(MAGIC));
	store_set_u32(h + AT_MEMORY, cost.memory_kib);
	store_set_u32(h + AT_PASSES, cost.passes);
	memcpy(h + AT_LABEL, label, STORE_LABEL_LEN);
	memcpy(h + AT_CHECK, check, CHECK_LEN);
	return DSKE_OK;
}

dske_rc header_seal(uint8_t h[STORE_HEADER_LEN], const struct secret *master)
{
	TRY(random_fill(h + AT_GENERATION, GENERATION_LEN));
	TRY(header_mac(h, master, h + AT_MAC));
	return crypto_sha256(h + AT_SUM, h, AT_SUM);
}

dske_rc records_key(const uint8_t *header, const struct secret *master, struct secret *key)
{
	TRY(secret_alloc(key, CRYPTO_MAC_LEN));
	return master_mac(master, "DSKE token records", header + AT_GENERATION, GENERATION_LEN, key->data);
}

/* ---- commit marks ---------------------------------------------------------------------------------------- */

/* Bound to its place: else the other one's copy could stand in for it, and the last record be taken out. */
static dske_rc mark_mac(const uint8_t *mark, unsigned k, const uint8_t *header, const struct secret *master,
			uint8_t mac[CRYPTO_MAC_LEN])
{
	uint8_t what[1 + GENERATION_LEN + MARK_LEN - MARK_MAC_LEN] = {(uint8_t)k};

	memcpy(what + 1, header + AT_GENERATION, GENERATION_LEN);
	memcpy(what + 1 + GENERATION_LEN, mark, MARK_LEN - MARK_MAC_LEN);
	return master_mac(master, "DSKE token mark", what, sizeof what, mac);
}

dske_rc mark_write(uint8_t *state, unsigned k, const uint8_t *header, const struct secret *master, const struct position *to)
{
	uint8_t *mark = state + AT_MARKS + k * MARK_LEN, mac[CRYPTO_MAC_LEN];

	store_set_u64(mark, to->end);
	store_set_u64(mark + 8, to->sequence);
	TRY(mark_mac(mark, k, header, master, mac));
	memcpy(mark + MARK_LEN - MARK_MAC_LEN, mac, MARK_MAC_LEN);
	return DSKE_OK;
}

dske_rc mark_check(const uint8_t *state, unsigned k, const uint8_t *header, const struct secret *master, bool *good)
{
	const uint8_t *mark = state + AT_MARKS + k * MARK_LEN;
	uint8_t mac[CRYPTO_MAC_LEN];

	TRY(mark_mac(mark, k, header, master, mac));
	*good = mem_equal(mac, mark + MARK_LEN - MARK_MAC_LEN, MARK_MAC_LEN);
	return DSKE_OK;
}
