/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store/impl.h - inside the token's store: the file as one call sees it (image.c), one record
 * (record.c), what is where (index.c), reading what was appended (load.c), whether all of it has to be read again (sound.c),
 * appending and the new file (append.c, renew.c), PINs (pin.c), the key of the tables (key.c), and the calls (store.c).
 * The layout is drawn in store.h.
 */
#ifndef DSKE_STORE_IMPL_H
#define DSKE_STORE_IMPL_H

#include <assert.h>
#include <pthread.h>
#include <sys/types.h>
#include <time.h>

#include "base/buf.h"
#include "base/crypto.h"
#include "base/file.h"
#include "store/store.h"

enum { /* header */
	AT_MEMORY = 16,
	AT_PASSES = 20,
	AT_LABEL = 24,
	AT_USER_SET = 56,
	AT_CHECK = 57,
	AT_SO_WRAP = 64,
	AT_USER_WRAP = 140,
	AT_GENERATION = 216,
	AT_MAC = 232,
	AT_SUM = 4064,
};

/* What stands at AT_USER_SET, else 0. */
enum { USER_SET = 1, USER_RESET = 2 };
enum { /* state */
	AT_SO_FAILED = 0,
	AT_USER_FAILED = STORE_ATTEMPTS,
	AT_MARKS = 32,
	STATE_LEN = 96,
};
enum { /* record */
	AT_KIND = 4,
	AT_SEQUENCE = 8,
	AT_NAME = 16,
	AT_VERSION = 32,
	AT_NONCE = 40,
	AT_HEAD_SUM = 52,
};

#define CHECK_LEN 7
#define SALT_LEN 16
#define MASTER_LEN 32
#define WRAP_LEN (SALT_LEN + CRYPTO_NONCE_LEN + MASTER_LEN + CRYPTO_TAG_LEN)
#define GENERATION_LEN 16
#define MARKS 2
#define MARK_LEN 32
#define MARK_MAC_LEN 16
#define HEAD_LEN STORE_RECORD_HEAD
#define HEAD_SUM_LEN 12
#define END_LEN STORE_RECORD_END
#define LINK_LEN CRYPTO_SHA256_LEN
#define LINK_SUM_LEN 16 /* of it, in the record */
#define FAILED_BYTE 0xa5

static_assert(AT_USER_WRAP - AT_SO_WRAP == WRAP_LEN && AT_GENERATION - AT_USER_WRAP == WRAP_LEN &&
		      AT_MAC - AT_GENERATION == GENERATION_LEN && AT_SUM + CRYPTO_SHA256_LEN == STORE_HEADER_LEN &&
		      AT_MARKS + MARKS * MARK_LEN == STATE_LEN && AT_HEAD_SUM + HEAD_SUM_LEN == HEAD_LEN,
	      "the places");

enum kind { KIND_OBJECT = 1, KIND_REMOVED = 2 };

/* ---- what is where (index.c) --------------------------------------------------------------------- */

struct place {
	struct id name;
	uint64_t at;       /* of its record; 0: removed */
	uint64_t sequence;
	uint64_t version;
	uint64_t told;     /* the version that was visited; 0: none */
	uint8_t link[32];  /* of the record before */
	uint32_t len;      /* of what is sealed in it */
	bool bad;          /* it does not open: damage, unless a later record makes it dead */
	bool waiting;      /* to be visited */
	struct place *chain;           /* of its bucket */
	struct place *earlier, *later; /* of those that wait, in the order of changes */
	uint64_t next_at, next_sequence; /* in a file that is being made */
	uint8_t next_link[32];
};

struct index {
	struct place **bucket; /* bucket_count: a power of two */
	size_t bucket_count, count;
	struct place *first, *last; /* that wait */
	uint64_t live_len;          /* bytes of records that are not dead */
	size_t bad;
};

void index_drop(struct index *x);
struct place *index_find(const struct index *x, const struct id *name); /* removed ones too, or NULL */
/* A record of that name, which the place then has: what was there is dead.  Errors: NOMEM. */
dske_rc index_put(struct index *x, const struct place *now);
/* A record says that it is gone. */
void index_remove(struct index *x, const struct id *name, uint64_t version);
/* Before all is read anew, and after: what was not found again is gone. */
void index_lift(struct index *x);
void index_settle(struct index *x);
/* The place was visited as it is now; it may end with that. */
void index_told(struct index *x, struct place *p);
dske_rc index_tell_all(struct index *x); /* nothing was: all that live wait.  Errors: NOMEM. */
void index_move(struct index *x);        /* the new file is there */
const struct place *index_first_bad(const struct index *x);
static inline uint64_t record_size(uint32_t len)
{
	return HEAD_LEN + (uint64_t)len + END_LEN;
}

/* ---- the store and one call's view of the file ------------------------------------------------------------ */

/* How far the watched file was read, if it is of this generation. */
struct position {
	bool known;
	uint8_t generation[GENERATION_LEN];
	uint64_t end, sequence; /* of the last record */
	uint8_t link[LINK_LEN];
};

/* What nobody changes the file without: the ctime is the kernel's, and is not set back as an mtime is. */
struct stamp {
	dev_t dev;
	ino_t ino;
	uint64_t size;
	struct timespec changed;
};

struct store {
	struct path file, lock_file, login_file, new_file;
	struct store_cost cost;
	pthread_mutex_t lock; /* for all below; other processes are kept out by lock_file */
	struct index index;
	struct position position;
	struct stamp sound;       /* when all records had been opened, or when we wrote since, and nobody else */
	bool sound_known;
	struct fd watched;        /* the file that was read, for store_changed(); read by pread alone */
	dev_t dev;
	ino_t ino;
	uint8_t marks[MARKS * MARK_LEN]; /* as they were then */
};

/* A call holds the store until the block ends. */
struct guard {
	struct store *s;
};
struct guard guard_take(struct store *s);
void guard_drop(struct guard *g);
#define HOLD(s) AUTO(guard) held_ = guard_take(s)

/* A lock file, held until the block ends: given back by word too, since a fork may have doubled the descriptor. */
struct latch {
	struct fd f;
};
void latch_drop(struct latch *l);
dske_rc latch_take(struct latch *l, const struct path *file, enum file_lock kind);
#define LATCH_NONE {.f = FD_NONE}

struct image {
	struct latch latch;
	struct fd file;
	bool there, writing;
	dev_t dev;
	ino_t ino;
	uint64_t size;
	struct stamp stamp; /* when it was opened */
	uint8_t header[STORE_HEADER_LEN], state[STATE_LEN];
	/* for image_load(): to visit each object as it is opened, if all of them are; or NULL */
	store_visitor *visit;
	void *visit_context;
	/* after image_load() */
	struct secret key; /* of the records */
	bool visited;      /* all was read, and visited */
	unsigned mark;     /* the one that counts */
	uint64_t marked;   /* the end that it says */
	bool mark_bad;     /* the other one does not have its MAC */
	bool torn;         /* something lies after the last record that is not whole */
	struct extent {
		uint64_t at;
		uint32_t len;
	} *dead; /* what is dead and was not overwritten */
	size_t dead_count, dead_cap;
};
#define IMAGE_NONE {.latch = LATCH_NONE, .file = FD_NONE}
void image_drop(struct image *i);

/* Numbers in the file. */
uint32_t store_get_u32(const uint8_t *p);
void store_set_u32(uint8_t *p, uint32_t v);
uint64_t store_get_u64(const uint8_t *p);
void store_set_u64(uint8_t *p, uint64_t v);

/* Takes the lock and reads header and state, checked as far as that goes without a key.  A missing file is not an error:
 * !there.  Errors: CORRUPT, IO, DENIED. */
dske_rc image_open(struct store *s, struct image *i, enum file_lock kind);
/* The same without a lock: the file may be another one's by then, and be overwritten. */
dske_rc image_read(const struct store *s, struct image *i);
dske_rc header_check(const struct store *s, const uint8_t *h);

/* A header without PINs or MAC. */
dske_rc header_begin(uint8_t h[STORE_HEADER_LEN], struct store_cost cost, const uint8_t label[STORE_LABEL_LEN],
		     const struct secret *master);
/* A fresh generation, MAC and checksum. */
dske_rc header_seal(uint8_t h[STORE_HEADER_LEN], const struct secret *master);
/* Is it the file's key?  Else STATE. */
dske_rc image_check_master(const struct image *i, const struct secret *master);
dske_rc header_check_mac(const struct store *s, const uint8_t *h, const struct secret *master);

dske_rc records_key(const uint8_t *header, const struct secret *master, struct secret *key);
/* The k-th mark. */
dske_rc mark_write(uint8_t *state, unsigned k, const uint8_t *header, const struct secret *master, const struct position *to);
dske_rc mark_check(const uint8_t *state, unsigned k, const uint8_t *header, const struct secret *master, bool *good);

/* ---- one record (record.c) ------------------------------------------------------------------------- */

struct record {
	enum kind kind;
	struct id name;
	uint64_t sequence, version;
	uint32_t len;
};
/* Is it a whole head, and the one that has to come now?  *r is filled in as far as it says something. */
bool store_head_read(const uint8_t head[HEAD_LEN], uint64_t sequence, struct record *r);
/* Into record_size(plain->len) bytes, which *at then is after; plain may be empty. */
dske_rc record_seal(uint8_t *out, const struct record *r, const struct secret *plain, struct position *at,
		    const struct secret *key);
/* Before the first record. */
void position_begin(struct position *p, const uint8_t *header);
/* After the next; *good: does the record end with its link?  Nothing happens if not.  Errors: NOMEM. */
dske_rc position_advance(struct position *p, const uint8_t *record, bool *good);

/* A part of the file, for reading records one after the other, and what opens them. */
struct view {
	int fd;
	uint64_t at; /* of bytes.data in the file */
	struct buf bytes;
	EVP_CIPHER_CTX *opener; /* under the records' key, from the first one on */
	struct secret room;     /* for what is opened */
};
void view_drop(struct view *w);
/* len bytes at `at`, borrowed until the next call; reads ahead up to `ahead`.  Errors: IO, CORRUPT, NOMEM. */
dske_rc view_get(struct view *w, uint64_t at, uint64_t len, uint64_t ahead, const uint8_t **out);
/* What a record seals, borrowed until the next call: nobody drops it.  Errors: TAG, NOMEM. */
dske_rc record_open(struct view *w, const uint8_t *record, const uint8_t link[LINK_LEN], const struct secret *key,
		    struct secret *plain);

/* ---- reading and writing records ---------------------------------------------------------------------------- */

/* A new file whose maker died: overwritten and removed. */
void leftover_sweep(const struct store *s);
/* Makes the file with which the index now agrees the one that store_changed() looks at. */
void store_watch(struct store *s, const struct image *i);
void store_unwatch(struct store *s);

/* Reads what was appended since the store's position (all of it in a file of another generation), so that the index says
 * what the file does.  Errors: STATE (another master key), CORRUPT, SYNC, IO, NOMEM. */
enum load {
	LOAD_NEW,
	LOAD_ALL,        /* the records before too, unless the store is sound; and visits them */
	LOAD_WHAT_OPENS, /* all, whatever else does not */
};
dske_rc image_load(struct store *s, struct image *i, const struct secret *master, enum load what);
/* The object of a place, which image_load() has read; borrowed, as record_open() has it.  Errors: CORRUPT. */
dske_rc place_open(const struct store *s, struct view *w, const struct image *i, const struct place *p, struct secret *plain);

/* Did this process open all records, and has nobody else written to the file since (sound.c)? */
bool store_is_sound(const struct store *s, const struct stamp *now);
void store_sound_at(struct store *s, const struct stamp *now);
dske_rc stamp_take(struct stamp *out, const struct store *s, int fd);
/* Every write into a file that is in use: what was sound before it is so after it.  Errors: IO. */
dske_rc image_pwrite(struct store *s, const struct image *i, const void *bytes, size_t len, uint64_t at);

/* Opens, locks exclusively and loads for a change.  Errors: as image_load; STATE (no token). */
dske_rc image_for_change(struct store *s, struct image *i, const struct secret *master, enum load what);
/* One record, durably, and what it makes dead overwritten.  Errors: TOOBIG, SYNC, IO, NOMEM. */
dske_rc image_append(struct store *s, struct image *i, const struct secret *master, struct record *r, const struct secret *plain);

/* A new file with this header (sealed here), these failed attempts, and all that lives. */
dske_rc image_renew(struct store *s, struct image *i, const struct secret *master, const uint8_t *header, const uint8_t *state);
/* A new file with the objects given alone (one, or none if plain is empty), whatever was there. */
dske_rc image_begin(struct store *s, struct image *i, const struct secret *master, const uint8_t *header, const struct id *name,
		    const struct secret *plain);
/* If the dead are more than half. */
void image_compact(struct store *s, struct image *i, const struct secret *master);

/* Not an object (key.c). */
extern const struct id table_key_name;
/* Reads the key where there is one; else *key stays empty.  After image_load().  Errors: CORRUPT. */
dske_rc image_table_key(const struct store *s, const struct image *i, struct secret *key);

/* ---- PINs (pin.c) ------------------------------------------------------------------------------------- */

/* Seals the master key under a PIN, for a header to be; the caller clears the counter. */
dske_rc pin_wrap(uint8_t *header, enum store_pin which, const void *pin, size_t pin_len, const struct secret *master);
void pin_clear(uint8_t *state, enum store_pin which);
unsigned pin_failed(const uint8_t *state, enum store_pin which);
/* One attempt: counted and durable before it is made, so that cutting the power gives no free guess.  The caller has the
 * lock of login_file, and not the store's.  Errors: as store_login. */
dske_rc pin_try(struct store *s, enum store_pin which, const void *pin, size_t pin_len, struct secret *master);

#endif
