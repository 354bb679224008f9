/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "pkcs11/store.h"

#include <argon2.h>
#include <assert.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/file.h"
#include "pkcs11/crypto.h"

#define MAGIC "DSKE token v1\n"
#define MAGIC_LEN 16

enum {
	AT_MEMORY = 16,
	AT_PASSES = 20,
	AT_LABEL = 24,
	AT_USER_SET = 56,
	AT_USER_FAILED = 57,
	AT_SO_FAILED = 58,
	AT_CHECK = 59,
	AT_SO_WRAP = 64,
	AT_USER_WRAP = 140,
	AT_COUNT = 216,
	AT_MAC = 224,
	AT_SUM = 256,
};

#define CHECK_LEN 5
#define SALT_LEN 16
#define MASTER_LEN 32
#define WRAP_LEN (SALT_LEN + CRYPTO_NONCE_LEN + MASTER_LEN + CRYPTO_TAG_LEN)
#define RECORD_HEAD 32 /* name, length, nonce */

static_assert(AT_USER_WRAP - AT_SO_WRAP == WRAP_LEN && AT_COUNT - AT_USER_WRAP == WRAP_LEN, "the header's places");

/* 64 MiB and three passes: about 0.15 s for one guess on one core of 2024. */
#define DEFAULT_MEMORY_KIB (64u << 10)
#define DEFAULT_PASSES 3u
/* What a file may ask of us. */
#define MEMORY_KIB_MAX (1u << 20)
#define PASSES_MAX 64u

struct seen {
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec changed;
};

struct store {
	struct path file, lock_file;
	struct store_cost cost;
	pthread_mutex_t lock; /* one call at a time; other processes are kept out by lock_file */
	struct seen seen;     /* of the last store_each() */
};

/* One call's view of the file: held locked while it lasts. */
struct image {
	struct fd lock;
	struct buf file;
	bool there;
};

static void image_drop(struct image *i)
{
	fd_drop(&i->lock);
	buf_drop(&i->file);
}
#define IMAGE_NONE {.lock = FD_NONE}

static uint32_t get_u32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void set_u32(uint8_t *p, uint32_t v)
{
	for (int i = 3; i >= 0; i--, v >>= 8)
		p[i] = (uint8_t)v;
}

static uint64_t get_u64(const uint8_t *p)
{
	return (uint64_t)get_u32(p) << 32 | get_u32(p + 4);
}

static void set_u64(uint8_t *p, uint64_t v)
{
	set_u32(p, (uint32_t)(v >> 32));
	set_u32(p + 4, (uint32_t)v);
}

/* ---- life ------------------------------------------------------------------------------------------ */

dske_rc store_new(struct store **out, const char *dir, struct store_cost cost)
{
	struct store *s = calloc(1, sizeof *s);

	if (s == NULL)
		return FAIL(NOMEM, "no memory for the token's store");
	s->cost.memory_kib = cost.memory_kib != 0 ? cost.memory_kib : DEFAULT_MEMORY_KIB;
	s->cost.passes = cost.passes != 0 ? cost.passes : DEFAULT_PASSES;
	pthread_mutex_init(&s->lock, NULL);
	dske_rc rc = path_format(&s->file, "%s/" STORE_FILE_NAME, dir);
	if (rc_ok(rc))
		rc = path_format(&s->lock_file, "%s/" STORE_FILE_NAME ".lock", dir);
	if (!rc_ok(rc)) {
		store_free(s);
		return rc;
	}
	*out = s;
	return DSKE_OK;
}

void store_free(struct store *s)
{
	if (s == NULL)
		return;
	pthread_mutex_destroy(&s->lock);
	free(s);
}

/* ---- the file as a whole ---------------------------------------------------------------------------- */

/* Each record lies inside the file, and the last ends with it. */
static dske_rc records_check(const struct store *s, const struct image *i)
{
	uint64_t count = get_u64(i->file.data + AT_COUNT);
	size_t at = STORE_HEADER_LEN;

	for (uint64_t n = 0; n < count; n++) {
		size_t left = i->file.len - at;
		if (left < RECORD_HEAD + CRYPTO_TAG_LEN)
			return FAIL(CORRUPT, "%s is damaged: it ends before object %llu of %llu", s->file.s,
				    (unsigned long long)n + 1, (unsigned long long)count);
		uint32_t len = get_u32(i->file.data + at + ID_LEN);
		if (len > STORE_RECORD_MAX || left - RECORD_HEAD - CRYPTO_TAG_LEN < len)
			return FAIL(CORRUPT, "%s is damaged: the length of object %llu of %llu is not possible", s->file.s,
				    (unsigned long long)n + 1, (unsigned long long)count);
		at += RECORD_HEAD + len + CRYPTO_TAG_LEN;
	}
	if (at != i->file.len)
		return FAIL(CORRUPT, "%s is damaged: %zu bytes follow the last object", s->file.s, i->file.len - at);
	return DSKE_OK;
}

static dske_rc header_check(const struct store *s, const uint8_t *h, size_t len)
{
	uint8_t sum[CRYPTO_SHA256_LEN];

	if (len < STORE_HEADER_LEN)
		return FAIL(CORRUPT, "%s is damaged: it is cut off in its header", s->file.s);
	TRY(crypto_sha256(sum, h, AT_SUM));
	if (memcmp(sum, h + AT_SUM, sizeof sum) != 0)
		return FAIL(CORRUPT, "%s is damaged: its header does not have its checksum", s->file.s);
	if (memcmp(h, MAGIC "\0", MAGIC_LEN) != 0)
		return FAIL(CORRUPT, "%s is not the file of a token of this version", s->file.s);
	uint32_t memory = get_u32(h + AT_MEMORY), passes = get_u32(h + AT_PASSES);
	if (memory < 8 || memory > MEMORY_KIB_MAX || passes < 1 || passes > PASSES_MAX)
		return FAIL(CORRUPT, "%s asks for an impossible cost of PINs", s->file.s);
	return DSKE_OK;
}

static dske_rc image_read(struct store *s, struct image *i)
{
	dske_rc rc = file_read_all(&i->file, s->file.s, STORE_FILE_MAX);

	i->there = rc_ok(rc);
	if (rc_is(rc, DSKE_RC_NOT_FOUND))
		return DSKE_OK;
	TRY(rc);
	TRY(header_check(s, i->file.data, i->file.len));
	return records_check(s, i);
}

/* For a change: no other process changes the file before image_drop(). */
static dske_rc image_read_locked(struct store *s, struct image *i)
{
	TRY(file_open(&i->lock, s->lock_file.s, O_RDWR | O_CREAT, 0600));
	TRY(file_lock(i->lock.n, FILE_LOCK_EXCLUSIVE, true));
	return image_read(s, i);
}

/* The file as it is now; false when it is not there. */
static bool file_now(const struct store *s, struct seen *now)
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

static bool seen_same(const struct seen *a, const struct seen *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->size == b->size && a->changed.tv_sec == b->changed.tv_sec &&
	       a->changed.tv_nsec == b->changed.tv_nsec;
}

/* Writes the image back.  What we wrote ourselves need not be read again. */
static dske_rc image_write(struct store *s, struct image *i)
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

/* Is it this token's key?  Else the token was initialised again since it was opened. */
static dske_rc master_check(const struct image *i, const struct secret *master)
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

static dske_rc image_seal(struct image *i, const struct secret *master)
{
	TRY(buf_rc(&i->file));
	return image_mac(i, master, i->file.data + AT_MAC);
}

static size_t record_len(const uint8_t *record)
{
	return RECORD_HEAD + get_u32(record + ID_LEN) + CRYPTO_TAG_LEN;
}

static dske_rc record_open(const struct store *s, const uint8_t *record, uint64_t index, const struct secret *master,
			   struct secret *plain)
{
	char name[ID_HEX_LEN];
	struct id id;
	uint32_t len = get_u32(record + ID_LEN);

	memcpy(id.b, record, ID_LEN);
	TRY(secret_alloc(plain, len));
	dske_rc rc = crypto_open(plain->data, master, record + ID_LEN + 4, record, ID_LEN, record + RECORD_HEAD, len);
	if (rc_is(rc, DSKE_RC_TAG))
		return FAIL(CORRUPT, "%s is damaged: object %llu (%s) was changed; take the file back from a backup, or "
			    "initialise the token again", s->file.s, (unsigned long long)index + 1, id_hex(&id, name));
	return rc;
}

static dske_rc nothing(void *context, const struct id *name, const struct secret *plain)
{
	(void)context, (void)name, (void)plain;
	return DSKE_OK;
}

/* Opens each record, so that damage has a name, and then holds the whole against its MAC. */
static dske_rc image_visit(const struct store *s, const struct image *i, const struct secret *master,
			   store_visitor *visit, void *context)
{
	uint8_t mac[CRYPTO_MAC_LEN];
	const uint8_t *record = i->file.data + STORE_HEADER_LEN;

	for (uint64_t n = get_u64(i->file.data + AT_COUNT), k = 0; k < n; k++) {
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

/* ---- PINs --------------------------------------------------------------------------------------------- */

static const struct pin_place {
	const char *role;
	unsigned wrap, failed;
} pins[] = {
	[STORE_PIN_SO] = {"DSKE token SO PIN", AT_SO_WRAP, AT_SO_FAILED},
	[STORE_PIN_USER] = {"DSKE token user PIN", AT_USER_WRAP, AT_USER_FAILED},
};

static dske_rc pin_key(const uint8_t *header, const uint8_t *salt, const void *pin, size_t pin_len, struct secret *key)
{
	TRY(secret_alloc(key, MASTER_LEN));
	int rc = argon2id_hash_raw(get_u32(header + AT_PASSES), get_u32(header + AT_MEMORY), 1, pin, pin_len, salt, SALT_LEN,
				   key->data, key->len);
	return rc == ARGON2_OK ? DSKE_OK : FAIL(NOMEM, "cannot compute a key from the PIN: %s", argon2_error_message(rc));
}

/* Role and cost are what the wrapping is bound to. */
static size_t pin_ad(const uint8_t *header, enum store_pin which, uint8_t ad[64])
{
	size_t len = strlen(pins[which].role);

	memcpy(ad, pins[which].role, len);
	memcpy(ad + len, header + AT_MEMORY, 8);
	return len + 8;
}

static dske_rc pin_wrap(uint8_t *header, enum store_pin which, const void *pin, size_t pin_len,
			const struct secret *master)
{
	AUTO(secret) key = {0};
	uint8_t *wrap = header + pins[which].wrap, ad[64];

	TRY(random_fill(wrap, SALT_LEN + CRYPTO_NONCE_LEN));
	TRY(pin_key(header, wrap, pin, pin_len, &key));
	header[pins[which].failed] = 0;
	return crypto_seal(wrap + SALT_LEN + CRYPTO_NONCE_LEN, &key, wrap + SALT_LEN, ad, pin_ad(header, which, ad), master->data,
			   master->len);
}

static dske_rc pin_unwrap(const uint8_t *header, enum store_pin which, const void *pin, size_t pin_len,
			  struct secret *master)
{
	AUTO(secret) key = {0};
	const uint8_t *wrap = header + pins[which].wrap;
	uint8_t ad[64];

	TRY(pin_key(header, wrap, pin, pin_len, &key));
	TRY(secret_alloc(master, MASTER_LEN));
	dske_rc rc = crypto_open(master->data, &key, wrap + SALT_LEN, ad, pin_ad(header, which, ad),
				 wrap + SALT_LEN + CRYPTO_NONCE_LEN, MASTER_LEN);
	if (rc_ok(rc))
		return rc;
	secret_drop(master);
	return rc_is(rc, DSKE_RC_TAG) ? FAIL(PIN, "the PIN is wrong") : rc;
}

/* One attempt: counted and durable before it is made, so that cutting the power gives no free guess. */
static dske_rc pin_try(struct store *s, struct image *i, enum store_pin which, const void *pin, size_t pin_len,
		       struct secret *master)
{
	uint8_t *failed = i->file.data + pins[which].failed;

	if (which == STORE_PIN_USER && i->file.data[AT_USER_SET] == 0)
		return FAIL(STATE, "no user PIN is set");
	if (*failed >= STORE_ATTEMPTS)
		return rc_make(DSKE_RC_PIN_LOCKED);
	++*failed;
	TRY(image_write(s, i));
	dske_rc rc = pin_unwrap(i->file.data, which, pin, pin_len, master);
	if (!rc_ok(rc))
		return rc_is(rc, DSKE_RC_PIN) && *failed >= STORE_ATTEMPTS ? rc_make(DSKE_RC_PIN_LOCKED) : rc;
	*failed = 0;
	return image_write(s, i);
}

/* ---- calls: each takes the store's lock and the file's ----------------------------------------------- */

struct guard {
	struct store *s;
};

static void guard_drop(struct guard *g)
{
	pthread_mutex_unlock(&g->s->lock);
}

static struct guard guard_take(struct store *s)
{
	pthread_mutex_lock(&s->lock);
	return (struct guard){s};
}

/* Holds the store's lock until the block ends (clang calls a variable unused that only its cleanup uses). */
#define HOLD(s) AUTO(guard) held_ __attribute__((unused)) = guard_take(s)

/* Reads the header alone: it is asked for often, and a token may hold many objects. */
dske_rc store_status(struct store *s, struct store_status *out)
{
	AUTO(fd) f = FD_NONE;
	uint8_t h[STORE_HEADER_LEN];

	*out = (struct store_status){0};
	dske_rc rc = file_open(&f, s->file.s, O_RDONLY, 0);
	if (rc_is(rc, DSKE_RC_NOT_FOUND))
		return DSKE_OK;
	TRY(rc);
	rc = file_pread(f.n, h, sizeof h, 0);
	if (rc_is(rc, DSKE_RC_CORRUPT))
		return header_check(s, h, 0);
	TRY(rc);
	TRY(header_check(s, h, sizeof h));
	out->initialised = true;
	out->user_pin_set = h[AT_USER_SET] != 0;
	out->so_failed = h[AT_SO_FAILED];
	out->user_failed = h[AT_USER_FAILED];
	memcpy(out->label, h + AT_LABEL, sizeof out->label);
	return DSKE_OK;
}

dske_rc store_init(struct store *s, const void *so_pin, size_t pin_len, const uint8_t label[STORE_LABEL_LEN])
{
	HOLD(s);
	AUTO(image) i = IMAGE_NONE;
	AUTO(secret) former = {0};
	AUTO(secret) master = {0};

	TRY(image_read_locked(s, &i));
	if (i.there)
		TRY(pin_try(s, &i, STORE_PIN_SO, so_pin, pin_len, &former));
	buf_drop(&i.file);
	buf_heap(&i.file, STORE_FILE_MAX);
	uint8_t *h = buf_grow(&i.file, STORE_HEADER_LEN);
	TRY(buf_rc(&i.file));
	memset(h, 0, STORE_HEADER_LEN);
	memcpy(h, MAGIC, strlen(MAGIC));
	set_u32(h + AT_MEMORY, s->cost.memory_kib);
	set_u32(h + AT_PASSES, s->cost.passes);
	memcpy(h + AT_LABEL, label, STORE_LABEL_LEN);
	TRY(secret_random(&master, MASTER_LEN));
	uint8_t check[CRYPTO_MAC_LEN];
	TRY(master_hmac(&master, "DSKE token key", check));
	memcpy(h + AT_CHECK, check, CHECK_LEN);
	TRY(pin_wrap(h, STORE_PIN_SO, so_pin, pin_len, &master));
	TRY(image_seal(&i, &master));
	return image_write(s, &i);
}

dske_rc store_login(struct store *s, enum store_pin which, const void *pin, size_t pin_len, struct secret *master)
{
	HOLD(s);
	AUTO(image) i = IMAGE_NONE;
	AUTO(secret) opened = {0};

	TRY(image_read_locked(s, &i));
	if (!i.there)
		return FAIL(STATE, "the token is not initialised");
	TRY(pin_try(s, &i, which, pin, pin_len, &opened));
	TRY(image_visit(s, &i, &opened, nothing, NULL));
	secret_move(master, &opened);
	return DSKE_OK;
}

/* Reads for a change, and makes sure that the key is still this token's. */
static dske_rc image_read_mine(struct store *s, struct image *i, const struct secret *master)
{
	uint8_t mac[CRYPTO_MAC_LEN];

	TRY(image_read_locked(s, i));
	if (!i->there)
		return FAIL(STATE, "the token was taken away");
	TRY(master_check(i, master));
	TRY(image_mac(i, master, mac));
	if (mem_equal(mac, i->file.data + AT_MAC, sizeof mac))
		return DSKE_OK;
	return image_visit(s, i, master, nothing, NULL); /* says what is damaged */
}

dske_rc store_set_pin(struct store *s, const struct secret *master, enum store_pin which, const void *pin, size_t pin_len)
{
	HOLD(s);
	AUTO(image) i = IMAGE_NONE;

	TRY(image_read_mine(s, &i, master));
	TRY(pin_wrap(i.file.data, which, pin, pin_len, master));
	if (which == STORE_PIN_USER)
		i.file.data[AT_USER_SET] = 1;
	TRY(image_seal(&i, master));
	return image_write(s, &i);
}

/* ---- objects -------------------------------------------------------------------------------------------- */

bool store_changed(struct store *s)
{
	HOLD(s);
	struct seen now;

	(void)file_now(s, &now);
	return !seen_same(&now, &s->seen);
}

dske_rc store_each(struct store *s, const struct secret *master, store_visitor *visit, void *context)
{
	HOLD(s);
	AUTO(image) i = IMAGE_NONE;
	struct seen now;

	/* Looked at before it is read: a change in between is seen the next time. */
	(void)file_now(s, &now);
	TRY(image_read(s, &i));
	if (!i.there)
		return FAIL(STATE, "the token was taken away");
	TRY(master_check(&i, master));
	TRY(image_visit(s, &i, master, visit, context));
	s->seen = now;
	return DSKE_OK;
}

static dske_rc record_append(struct image *i, const struct secret *master, const struct secret *plain,
			     const struct id *name)
{
	if (plain->len > STORE_RECORD_MAX)
		return FAIL(TOOBIG, "an object is larger than the token can keep");
	uint8_t *record = buf_grow(&i->file, RECORD_HEAD + plain->len + CRYPTO_TAG_LEN);
	if (record == NULL)
		return FAIL(TOOBIG, "the token is full");
	memcpy(record, name->b, ID_LEN);
	set_u32(record + ID_LEN, (uint32_t)plain->len);
	TRY(random_fill(record + ID_LEN + 4, CRYPTO_NONCE_LEN));
	TRY(crypto_seal(record + RECORD_HEAD, master, record + ID_LEN + 4, name->b, ID_LEN, plain->data, plain->len));
	set_u64(i->file.data + AT_COUNT, get_u64(i->file.data + AT_COUNT) + 1);
	return DSKE_OK;
}

static dske_rc record_cut(struct image *i, const struct id *name)
{
	uint64_t count = get_u64(i->file.data + AT_COUNT);
	uint8_t *record = i->file.data + STORE_HEADER_LEN, *end = i->file.data + i->file.len;

	for (uint64_t k = 0; k < count; k++) {
		size_t len = record_len(record);
		if (memcmp(record, name->b, ID_LEN) == 0) {
			memmove(record, record + len, (size_t)(end - record) - len);
			i->file.len -= len;
			set_u64(i->file.data + AT_COUNT, count - 1);
			return DSKE_OK;
		}
		record += len;
	}
	return FAIL(NOT_FOUND, "the object is not stored any more");
}

dske_rc store_add(struct store *s, const struct secret *master, const struct secret *plain, struct id *name)
{
	HOLD(s);
	AUTO(image) i = IMAGE_NONE;

	TRY(id_random(name));
	TRY(image_read_mine(s, &i, master));
	TRY(record_append(&i, master, plain, name));
	TRY(image_seal(&i, master));
	return image_write(s, &i);
}

dske_rc store_replace(struct store *s, const struct secret *master, const struct secret *plain, const struct id *name)
{
	HOLD(s);
	AUTO(image) i = IMAGE_NONE;

	TRY(image_read_mine(s, &i, master));
	TRY(record_cut(&i, name));
	TRY(record_append(&i, master, plain, name));
	TRY(image_seal(&i, master));
	return image_write(s, &i);
}

dske_rc store_remove(struct store *s, const struct secret *master, const struct id *name)
{
	HOLD(s);
	AUTO(image) i = IMAGE_NONE;

	TRY(image_read_mine(s, &i, master));
	TRY(record_cut(&i, name));
	TRY(image_seal(&i, master));
	return image_write(s, &i);
}
