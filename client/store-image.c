/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "client/store-impl.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define MAGIC "DSKE token v1\n"
#define MAGIC_LEN 16

/* What a file may ask of us. */
#define MEMORY_KIB_MAX (1u << 20)
#define PASSES_MAX 64u

void image_drop(struct image *i)
{
	fd_drop(&i->lock);
	buf_drop(&i->file);
}

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

/* ---- the file as a whole ---------------------------------------------------------------------------- */

/* Each record lies inside the file, and the last ends with it. */
static dske_rc records_check(const struct store *s, const struct image *i)
{
	uint64_t count = store_get_u64(i->file.data + AT_COUNT);
	size_t at = STORE_HEADER_LEN;

	for (uint64_t n = 0; n < count; n++) {
		size_t left = i->file.len - at;
		if (left < RECORD_HEAD + CRYPTO_TAG_LEN)
			return FAIL(CORRUPT, "%s is damaged: it ends before object %llu of %llu", s->file.s,
				    (unsigned long long)n + 1, (unsigned long long)count);
		uint32_t len = store_get_u32(i->file.data + at + ID_LEN);
		if (len > STORE_RECORD_MAX || left - RECORD_HEAD - CRYPTO_TAG_LEN < len)
			return FAIL(CORRUPT, "%s is damaged: the length of object %llu of %llu is not possible", s->file.s,
				    (unsigned long long)n + 1, (unsigned long long)count);
		at += RECORD_HEAD + len + CRYPTO_TAG_LEN;
	}
	if (at != i->file.len)
		return FAIL(CORRUPT, "%s is damaged: %zu bytes follow the last object", s->file.s, i->file.len - at);
	return DSKE_OK;
}

dske_rc header_check(const struct store *s, const uint8_t *h, size_t len)
{
	uint8_t sum[CRYPTO_SHA256_LEN];

	if (len < STORE_HEADER_LEN)
		return FAIL(CORRUPT, "%s is damaged: it is cut off in its header", s->file.s);
	TRY(crypto_sha256(sum, h, AT_SUM));
	if (memcmp(sum, h + AT_SUM, sizeof sum) != 0)
		return FAIL(CORRUPT, "%s is damaged: its header does not have its checksum", s->file.s);
	if (memcmp(h, MAGIC "\0", MAGIC_LEN) != 0)
		return FAIL(CORRUPT, "%s is not the file of a token of this version", s->file.s);
	uint32_t memory = store_get_u32(h + AT_MEMORY), passes = store_get_u32(h + AT_PASSES);
	if (memory < 8 || memory > MEMORY_KIB_MAX || passes < 1 || passes > PASSES_MAX)
		return FAIL(CORRUPT, "%s asks for an impossible cost of PINs", s->file.s);
	return DSKE_OK;
}

dske_rc image_read(struct store *s, struct image *i)
{
	dske_rc rc = file_read_all(&i->file, s->file.s, STORE_FILE_MAX);

	i->there = rc_ok(rc);
	if (rc_is(rc, DSKE_RC_NOT_FOUND))
		return DSKE_OK;
	TRY(rc);
	TRY(header_check(s, i->file.data, i->file.len));
	return records_check(s, i);
}

dske_rc image_read_locked(struct store *s, struct image *i)
{
	TRY(file_open(&i->lock, s->lock_file.s, O_RDWR | O_CREAT, 0600));
	TRY(file_lock(i->lock.n, FILE_LOCK_EXCLUSIVE, true));
	return image_read(s, i);
}

bool file_now(const struct store *s, struct seen *now)
{
	struct stat st;

	memset(now, 0, sizeof *now);
	if (stat(s->file.s, &st) != 0)
		return false;
	now->dev = st.st_dev;
	now->ino = st.st_ino;
	now->size = st.st_size;
	now->changed = st.st_mtim;
	return true;
}

bool seen_same(const struct seen *a, const struct seen *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->size == b->size && a->changed.tv_sec == b->changed.tv_sec &&
	       a->changed.tv_nsec == b->changed.tv_nsec;
}

/* Writes the image back.  What we wrote ourselves need not be read again. */
dske_rc image_write(struct store *s, struct image *i)
{
	struct seen before;
	bool known = file_now(s, &before) && seen_same(&before, &s->seen);

	TRY(buf_rc(&i->file));
	TRY(crypto_sha256(i->file.data + AT_SUM, i->file.data, AT_SUM));
	TRY(file_replace(s->file.s, i->file.data, i->file.len, 0600));
	if (known)
		(void)file_now(s, &s->seen);
	return DSKE_OK;
}

/* ---- the master key ---------------------------------------------------------------------------------- */

/* HMAC-SHA256 of a text under the master key. */
static dske_rc master_hmac(const struct secret *master, const char *purpose, uint8_t out[CRYPTO_MAC_LEN])
{
	EVP_MAC_CTX *c = crypto_mac_new(master);
	bool done = c != NULL && crypto_mac_update(c, (const uint8_t *)purpose, strlen(purpose)) && crypto_mac_final(c, out);

	crypto_mac_free(c);
	return done ? DSKE_OK : FAIL(NOMEM, "libcrypto could not compute a MAC");
}

dske_rc image_check_master(const struct image *i, const struct secret *master)
{
	uint8_t check[CRYPTO_MAC_LEN];

	TRY(master_hmac(master, "DSKE token key", check));
	if (memcmp(check, i->file.data + AT_CHECK, CHECK_LEN) != 0)
		return FAIL(STATE, "the token was initialised again");
	return DSKE_OK;
}

/* HMAC-SHA256 under a key of its own over all that only the master key's owner may change. */
static dske_rc image_mac(const struct image *i, const struct secret *master, uint8_t mac[CRYPTO_MAC_LEN])
{
	AUTO(secret) key = {0};
	uint8_t head[AT_MAC];

	TRY(secret_alloc(&key, CRYPTO_MAC_LEN));
	memcpy(head, i->file.data, sizeof head);
	head[AT_USER_FAILED] = head[AT_SO_FAILED] = 0;
	TRY(master_hmac(master, "DSKE token file", key.data));
	EVP_MAC_CTX *c = crypto_mac_new(&key);
	bool done = c != NULL && crypto_mac_update(c, head, sizeof head) &&
		    crypto_mac_update(c, i->file.data + STORE_HEADER_LEN, i->file.len - STORE_HEADER_LEN) &&
		    crypto_mac_final(c, mac);
	crypto_mac_free(c);
	return done ? DSKE_OK : FAIL(NOMEM, "libcrypto could not authenticate the token's file");
}

dske_rc image_seal(struct image *i, const struct secret *master)
{
	TRY(buf_rc(&i->file));
	return image_mac(i, master, i->file.data + AT_MAC);
}

size_t record_len(const uint8_t *record)
{
	return RECORD_HEAD + store_get_u32(record + ID_LEN) + CRYPTO_TAG_LEN;
}

uint8_t *record_find(const struct image *i, const struct id *name)
{
	uint8_t *record = i->file.data + STORE_HEADER_LEN;

	for (uint64_t n = store_get_u64(i->file.data + AT_COUNT); n > 0; n--) {
		if (memcmp(record, name->b, ID_LEN) == 0)
			return record;
		record += record_len(record);
	}
	return NULL;
}

dske_rc record_open(const struct store *s, const uint8_t *record, uint64_t index, const struct secret *master,
		    struct secret *plain)
{
	char name[ID_HEX_LEN];
	struct id id;
	uint32_t len = store_get_u32(record + ID_LEN);

	memcpy(id.b, record, ID_LEN);
	TRY(secret_alloc(plain, len));
	dske_rc rc = crypto_open(plain->data, master, record + ID_LEN + 4, record, ID_LEN, record + RECORD_HEAD, len);
	if (rc_is(rc, DSKE_RC_TAG))
		return FAIL(CORRUPT, "%s is damaged: object %llu (%s) was changed; take the file back from a backup, or "
			    "initialise the token again", s->file.s, (unsigned long long)index + 1, id_hex(&id, name));
	return rc;
}

dske_rc visit_nothing(void *context, const struct id *name, const struct secret *plain)
{
	(void)context, (void)name, (void)plain;
	return DSKE_OK;
}

dske_rc image_visit(const struct store *s, const struct image *i, const struct secret *master,
			   store_visitor *visit, void *context)
{
	uint8_t mac[CRYPTO_MAC_LEN];
	const uint8_t *record = i->file.data + STORE_HEADER_LEN;

	for (uint64_t n = store_get_u64(i->file.data + AT_COUNT), k = 0; k < n; k++) {
		AUTO(secret) plain = {0};
		struct id name;
		memcpy(name.b, record, ID_LEN);
		TRY(record_open(s, record, k, master, &plain));
		TRY(visit(context, &name, &plain));
		record += record_len(record);
	}
	TRY(image_mac(i, master, mac));
	if (!mem_equal(mac, i->file.data + AT_MAC, sizeof mac))
		return FAIL(CORRUPT, "%s is damaged: objects were taken out or put back, or its header was changed", s->file.s);
	return DSKE_OK;
}

dske_rc image_begin(struct image *i, struct store_cost cost, const uint8_t label[STORE_LABEL_LEN],
		    const struct secret *master)
{
	uint8_t check[CRYPTO_MAC_LEN];

	TRY(master_hmac(master, "DSKE token key", check));
	buf_drop(&i->file);
	buf_heap(&i->file, STORE_FILE_MAX);
	uint8_t *h = buf_grow(&i->file, STORE_HEADER_LEN);
	TRY(buf_rc(&i->file));
	memset(h, 0, STORE_HEADER_LEN);
	memcpy(h, MAGIC, strlen(MAGIC));
	store_set_u32(h + AT_MEMORY, cost.memory_kib);
	store_set_u32(h + AT_PASSES, cost.passes);
	memcpy(h + AT_LABEL, label, STORE_LABEL_LEN);
	memcpy(h + AT_CHECK, check, CHECK_LEN);
	return DSKE_OK;
}

/* Reads for a change, and makes sure that the key is still this token's. */
dske_rc image_read_mine(struct store *s, struct image *i, const struct secret *master)
{
	uint8_t mac[CRYPTO_MAC_LEN];

	TRY(image_read_locked(s, i));
	if (!i->there)
		return FAIL(STATE, "the token was taken away");
	TRY(image_check_master(i, master));
	TRY(image_mac(i, master, mac));
	if (mem_equal(mac, i->file.data + AT_MAC, sizeof mac))
		return DSKE_OK;
	return image_visit(s, i, master, visit_nothing, NULL); /* says what is damaged */
}
