/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client/store-impl.h - inside the token's store: the file as one call sees it (store-image.c), its PINs
 * (store-pin.c), the key of the tables (store-key.c), and the calls (store.c).  The layout is drawn in store.h.
 */
#ifndef DSKE_CLIENT_STORE_IMPL_H
#define DSKE_CLIENT_STORE_IMPL_H

#include <assert.h>
#include <pthread.h>
#include <sys/types.h>
#include <time.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/crypto.h"
#include "client/store.h"

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

/* A call holds the store until the block ends (clang calls a variable unused that only its cleanup uses). */
struct guard {
	struct store *s;
};
struct guard guard_take(struct store *s);
void guard_drop(struct guard *g);
#define HOLD(s) AUTO(guard) held_ __attribute__((unused)) = guard_take(s)

/* One call's view of the file: held locked while it lasts. */
struct image {
	struct fd lock;
	struct buf file;
	bool there;
};

void image_drop(struct image *i);
#define IMAGE_NONE {.lock = FD_NONE}

/* Numbers in the file. */
uint32_t store_get_u32(const uint8_t *p);
void store_set_u32(uint8_t *p, uint32_t v);
uint64_t store_get_u64(const uint8_t *p);
void store_set_u64(uint8_t *p, uint64_t v);

/* Is it the header of a token that this version can read?  Errors: CORRUPT. */
dske_rc header_check(const struct store *s, const uint8_t *h, size_t len);

/* The whole file, checked as far as it can be without a key.  A missing one is not an error: !there. */
dske_rc image_read(struct store *s, struct image *i);
/* The same for a change: no other process changes the file before image_drop(). */
dske_rc image_read_locked(struct store *s, struct image *i);
/* And only if it is still the token of this key, undamaged.  Errors: STATE, CORRUPT. */
dske_rc image_read_mine(struct store *s, struct image *i, const struct secret *master);
/* Puts the header's checksum right and replaces the file. */
dske_rc image_write(struct store *s, struct image *i);

/* Makes the image that of a new token, without PINs or objects. */
dske_rc image_begin(struct image *i, struct store_cost cost, const uint8_t label[STORE_LABEL_LEN],
		    const struct secret *master);
/* Binds the image to its master key, after a change. */
dske_rc image_seal(struct image *i, const struct secret *master);
/* Is it the image's key?  Else STATE. */
dske_rc image_check_master(const struct image *i, const struct secret *master);
/* Opens each record, so that damage has a name, and then holds the whole against its MAC. */
dske_rc image_visit(const struct store *s, const struct image *i, const struct secret *master, store_visitor *visit,
		    void *context);
dske_rc visit_nothing(void *context, const struct id *name, const struct secret *plain);
size_t record_len(const uint8_t *record);
/* The record of that name, or NULL. */
uint8_t *record_find(const struct image *i, const struct id *name);
dske_rc record_open(const struct store *s, const uint8_t *record, uint64_t index, const struct secret *master,
		    struct secret *plain);
dske_rc record_append(struct image *i, const struct secret *master, const struct secret *plain, const struct id *name);

/* Not an object (store-key.c). */
extern const struct id table_key_name;
/* Reads the key where there is one; else *key stays empty.  Errors: CORRUPT. */
dske_rc image_table_key(const struct store *s, const struct image *i, const struct secret *master, struct secret *key);

/* The file as it is now; false when it is not there. */
bool file_now(const struct store *s, struct seen *now);
bool seen_same(const struct seen *a, const struct seen *b);

/* Seals the master key under a PIN. */
dske_rc pin_wrap(uint8_t *header, enum store_pin which, const void *pin, size_t pin_len, const struct secret *master);
/* One attempt: counted and durable before it is made, so that cutting the power gives no free guess.
 * Errors: as store_login. */
dske_rc pin_try(struct store *s, struct image *i, enum store_pin which, const void *pin, size_t pin_len,
		struct secret *master);

#endif
