/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where secrets live.  Two kinds of mapping, both between inaccessible guard pages:
 *
 *     small (at most SMALL_MAX bytes): granules of a shared chunk
 *         | guard | mark | granule 1 | granule 2 | ... | granule 2047 | guard |
 *     large: pages of its own
 *         | guard | bytes ... rounded up to pages | guard |
 *
 * Mapping, locking and unmapping pages costs more than what is done with them.  So some that are given back are kept,
 * wiped, for the next secret of as many pages: STOCK_MOST bytes at most.  Where locked memory is short they go first.
 *
 * Invariants:
 *  1. A free granule and a kept page hold zeros: memory is wiped when it is given back, not when it is taken.
 *  2. What a secret occupies follows from its address and length alone, so nothing is stored beside it.
 *  3. What describes the chunks is outside the pages that a fork empties.  The chunk's first granule
 *     is inside: its mark reads zero in a child, and then the chunk is not ours.  We allocate nothing
 *     in such a chunk (locks are not inherited, and its books may be half written), and a secret
 *     dropped in it is only wiped.
 *  4. The mutex lies in a page that a fork empties too, because a mutex of zeros is an unlocked one:
 *     a child cannot hang on a lock that another thread of its parent held.  So does the list of kept pages: a child
 *     has none, leaves its parent's alone, and keeps none, since of those it gives back some are its parent's, whose
 *     locks it has not.
 */
#include "config.h"

#include "base/secret.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <unistd.h>

#define GRANULE 32
#define CHUNK_LEN ((size_t)64 * 1024)
#define CHUNK_GRANULES (CHUNK_LEN / GRANULE)
#define SMALL_MAX ((size_t)4096)
#define WORD_BITS 64
#define STOCK_PLACES 32
#define STOCK_MOST ((size_t)16 << 20)

struct chunk {
	struct chunk *next;
	uint8_t *data;                 /* CHUNK_LEN bytes */
	size_t used;                   /* granules, without the mark's */
	size_t first;                  /* none before it is free */
	uint64_t taken[CHUNK_GRANULES / WORD_BITS]; /* a bit a granule; the first is the mark's */
};

/* Pages that wait for the next secret of their length, the latest last. */
struct stock {
	size_t count, bytes;
	struct {
		uint8_t *data;
		size_t inner; /* bytes, whole pages */
	} place[STOCK_PLACES];
};

struct control {
	pthread_mutex_t lock;
	struct stock stock; /* under it */
	bool is_makers;     /* of the process that made this page, not of a child */
};

static _Atomic(struct control *) control;
static struct chunk *chunks; /* under the lock; changed by single stores, whole at any fork */

static size_t page_len(void)
{
	static _Atomic size_t known;
	size_t len = atomic_load_explicit(&known, memory_order_relaxed);

	if (len == 0) {
		len = (size_t)sysconf(_SC_PAGESIZE);
		atomic_store_explicit(&known, len, memory_order_relaxed);
	}
	return len;
}

static size_t round_up(size_t len, size_t unit)
{
	return (len + unit - 1) / unit * unit;
}

/* Maps len bytes (rounded up to pages) with a guard page on either side, or NULL.  *locked: are they? */
static uint8_t *pages_map(size_t len, bool *locked)
{
	size_t page = page_len();

	if (len > SIZE_MAX - 3 * page)
		return NULL;
	size_t inner = round_up(len, page);
	uint8_t *outer = mmap(NULL, inner + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (outer == MAP_FAILED)
		return NULL;
	uint8_t *data = outer + page;
	if (mprotect(data, inner, PROT_READ | PROT_WRITE) != 0) {
		munmap(outer, inner + 2 * page);
		return NULL;
	}
	/* Each may be refused (limits, old kernels, sandboxes), and the memory is still usable and wiped. */
	(void)madvise(data, inner, MADV_DONTDUMP);
	(void)madvise(data, inner, MADV_WIPEONFORK);
	*locked = mlock(data, inner) == 0;
	return data;
}

static void pages_unmap(uint8_t *data, size_t len)
{
	size_t page = page_len();

	munmap(data - page, round_up(len, page) + 2 * page);
}

/* Gives back the pages that a shorter length no longer needs; the first of them becomes the guard. */
static void pages_cut(uint8_t *data, size_t old_len, size_t new_len)
{
	size_t page = page_len();
	size_t old_inner = round_up(old_len, page);
	size_t new_inner = round_up(new_len, page);

	if (new_inner == old_inner)
		return;
	(void)munlock(data + new_inner, page);
	(void)mprotect(data + new_inner, page, PROT_NONE);
	munmap(data + new_inner + page, old_inner - new_inner);
}

/* The control page, made by whichever thread comes first. */
static struct control *control_get(void)
{
	struct control *c = atomic_load(&control);

	if (c != NULL)
		return c;
	bool locked;
	struct control *made = (struct control *)(void *)pages_map(sizeof *made, &locked);
	if (made == NULL)
		return NULL;
	made->lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
	made->is_makers = true;
	if (atomic_compare_exchange_strong(&control, &c, made))
		return made;
	pages_unmap((uint8_t *)made, sizeof *made);
	return c;
}

/* ---- kept pages --------------------------------------------------------------------------------- */

/* The latest of that length, which are the likeliest to be in a cache; or NULL. */
static uint8_t *stock_take(struct stock *s, size_t inner)
{
	for (size_t i = s->count; i-- > 0;) {
		if (s->place[i].inner != inner)
			continue;
		uint8_t *data = s->place[i].data;
		memmove(&s->place[i], &s->place[i + 1], (--s->count - i) * sizeof s->place[0]);
		s->bytes -= inner;
		return data;
	}
	return NULL;
}

/* Makes room for that many bytes by letting the oldest go. */
static void stock_shrink(struct stock *s, size_t most)
{
	size_t gone = 0;

	while (gone < s->count && (s->bytes > most || s->count - gone >= STOCK_PLACES)) {
		s->bytes -= s->place[gone].inner;
		pages_unmap(s->place[gone].data, s->place[gone].inner);
		gone++;
	}
	s->count -= gone;
	memmove(&s->place[0], &s->place[gone], s->count * sizeof s->place[0]);
}

static void stock_put(struct stock *s, uint8_t *data, size_t inner)
{
	stock_shrink(s, STOCK_MOST - inner);
	s->place[s->count].data = data;
	s->place[s->count++].inner = inner;
	s->bytes += inner;
}

/* Fresh ones; where they cannot be locked, or had, those that wait give way. */
static uint8_t *pages_fresh(struct control *ctl, size_t len)
{
	bool locked = true;
	uint8_t *data = pages_map(len, &locked);

	if ((data != NULL && locked) || ctl == NULL)
		return data;
	pthread_mutex_lock(&ctl->lock);
	bool had_some = ctl->stock.count > 0;
	stock_shrink(&ctl->stock, 0);
	pthread_mutex_unlock(&ctl->lock);
	if (data == NULL)
		return had_some ? pages_map(len, &locked) : NULL;
	if (had_some)
		(void)mlock(data, round_up(len, page_len()));
	return data;
}

static uint8_t *large_take(size_t len)
{
	struct control *ctl = control_get();
	uint8_t *data = NULL;

	if (ctl != NULL && len <= STOCK_MOST) {
		pthread_mutex_lock(&ctl->lock);
		data = stock_take(&ctl->stock, round_up(len, page_len()));
		pthread_mutex_unlock(&ctl->lock);
	}
	return data != NULL ? data : pages_fresh(ctl, len);
}

/* Wiped already. */
static void large_give(uint8_t *data, size_t len)
{
	struct control *ctl = control_get();

	if (ctl == NULL || len > STOCK_MOST || !ctl->is_makers) {
		pages_unmap(data, len);
		return;
	}
	pthread_mutex_lock(&ctl->lock);
	stock_put(&ctl->stock, data, round_up(len, page_len()));
	pthread_mutex_unlock(&ctl->lock);
}

/* ---- chunks ------------------------------------------------------------------------------------- */

static bool chunk_is_ours(const struct chunk *c)
{
	return c->data[0] != 0;
}

static void mark_granules(struct chunk *c, size_t first, size_t n, bool taken)
{
	for (size_t i = first; i < first + n; i++) {
		uint64_t bit = UINT64_C(1) << i % WORD_BITS;
		c->taken[i / WORD_BITS] = taken ? c->taken[i / WORD_BITS] | bit : c->taken[i / WORD_BITS] & ~bit;
	}
}

/* The next granule from there on that is taken, or that is free; CHUNK_GRANULES: none is. */
static size_t next_granule(const struct chunk *c, size_t at, bool taken)
{
	while (at < CHUNK_GRANULES) {
		uint64_t word = taken ? c->taken[at / WORD_BITS] : ~c->taken[at / WORD_BITS];
		word &= ~UINT64_C(0) << at % WORD_BITS;
		if (word != 0)
			return at / WORD_BITS * WORD_BITS + (size_t)__builtin_ctzll(word);
		at = (at / WORD_BITS + 1) * WORD_BITS;
	}
	return CHUNK_GRANULES;
}

static struct chunk *chunk_new(void)
{
	struct chunk *c = calloc(1, sizeof *c);
	bool locked;

	if (c == NULL)
		return NULL;
	c->data = pages_map(CHUNK_LEN, &locked);
	if (c->data == NULL) {
		free(c);
		return NULL;
	}
	c->data[0] = 1;
	c->taken[0] = 1;
	c->first = 1;
	c->next = chunks;
	chunks = c;
	return c;
}

/* First fit: marks n granules in a row as taken and returns them, or NULL. */
static uint8_t *chunk_take(struct chunk *c, size_t n)
{
	if (!chunk_is_ours(c) || CHUNK_GRANULES - 1 - c->used < n)
		return NULL;
	for (size_t at = next_granule(c, c->first, false); at + n <= CHUNK_GRANULES;) {
		size_t end = next_granule(c, at, true);
		if (end - at < n) {
			at = next_granule(c, end, false);
			continue;
		}
		mark_granules(c, at, n, true);
		c->used += n;
		if (at == c->first)
			c->first += n;
		return c->data + at * GRANULE;
	}
	return NULL;
}

/* The chunk that holds an address, or NULL if it is a large secret's. */
static struct chunk *chunk_of(const uint8_t *data)
{
	for (struct chunk *c = chunks; c != NULL; c = c->next) {
		if ((uintptr_t)data >= (uintptr_t)c->data && (uintptr_t)data < (uintptr_t)c->data + CHUNK_LEN)
			return c;
	}
	return NULL;
}

/* Unmaps an empty chunk, but keeps the last one, so that a single key does not map and unmap for ever. */
static void chunk_retire(struct chunk *c)
{
	struct chunk **link = &chunks;

	if (c->used > 0 || (chunks == c && c->next == NULL))
		return;
	while (*link != c)
		link = &(*link)->next;
	*link = c->next;
	pages_unmap(c->data, CHUNK_LEN);
	free(c);
}

static uint8_t *small_take(size_t n)
{
	struct control *ctl = control_get();
	uint8_t *data = NULL;

	if (ctl == NULL)
		return NULL;
	pthread_mutex_lock(&ctl->lock);
	for (struct chunk *c = chunks; c != NULL && data == NULL; c = c->next)
		data = chunk_take(c, n);
	if (data == NULL) {
		struct chunk *c = chunk_new();
		data = c != NULL ? chunk_take(c, n) : NULL;
	}
	pthread_mutex_unlock(&ctl->lock);
	return data;
}

/* Gives back what lies between two lengths of the secret at data, if it is a small one.  All of it is
 * wiped already.  False if it is a large one. */
static bool small_give(uint8_t *data, size_t old_len, size_t new_len)
{
	struct control *ctl = control_get();

	if (ctl == NULL)
		return false; /* without a control page no chunk was ever made */
	pthread_mutex_lock(&ctl->lock);
	struct chunk *c = chunk_of(data);
	if (c != NULL && chunk_is_ours(c)) {
		size_t keep = round_up(new_len, GRANULE) / GRANULE;
		size_t give = round_up(old_len, GRANULE) / GRANULE - keep;
		size_t first = (size_t)(data - c->data) / GRANULE + keep;
		mark_granules(c, first, give, false);
		c->used -= give;
		if (give > 0 && first < c->first)
			c->first = first;
		chunk_retire(c);
	}
	pthread_mutex_unlock(&ctl->lock);
	return c != NULL;
}

dske_rc secret_alloc(struct secret *s, size_t len)
{
	*s = (struct secret){0};
	if (len == 0)
		return DSKE_OK;
	uint8_t *data = len <= SMALL_MAX ? small_take(round_up(len, GRANULE) / GRANULE) : large_take(len);
	if (data == NULL)
		return FAIL(NOMEM, "no memory for a secret of %zu bytes", len);
	*s = (struct secret){.data = data, .len = len};
	return DSKE_OK;
}

dske_rc secret_from(struct secret *s, const void *bytes, size_t len)
{
	TRY(secret_alloc(s, len));
	if (len > 0)
		memcpy(s->data, bytes, len);
	return DSKE_OK;
}

dske_rc secret_random(struct secret *s, size_t len)
{
	TRY(secret_alloc(s, len));
	dske_rc rc = random_fill(s->data, len);
	if (!rc_ok(rc))
		secret_drop(s);
	return rc;
}

void secret_move(struct secret *to, struct secret *from)
{
	if (to == from)
		return;
	secret_drop(to);
	*to = *from;
	*from = (struct secret){0};
}

void secret_cut(struct secret *s, size_t len)
{
	if (len >= s->len)
		return;
	if (len == 0) {
		secret_drop(s);
		return;
	}
	mem_wipe(s->data + len, s->len - len);
	if (!small_give(s->data, s->len, len))
		pages_cut(s->data, s->len, len);
	s->len = len;
}

void secret_drop(struct secret *s)
{
	if (s->data == NULL)
		return;
	mem_wipe(s->data, s->len);
	if (!small_give(s->data, s->len, 0))
		large_give(s->data, s->len);
	*s = (struct secret){0};
}

void mem_wipe(void *p, size_t len)
{
	if (len > 0)
		explicit_bzero(p, len);
}

/* Eight bytes at any address. */
typedef uint64_t word __attribute__((may_alias, aligned(1)));

/* Volatile: every byte is read, whatever those before were. */
static uint64_t words_differing(const void *a, const void *b, size_t count)
{
	const volatile word *x = a;
	const volatile word *y = b;
	uint64_t differing = 0;

	for (size_t i = 0; i < count; i++)
		differing |= x[i] ^ y[i];
	return differing;
}

bool mem_equal(const void *a, const void *b, size_t len)
{
	const volatile uint8_t *x = a;
	const volatile uint8_t *y = b;
	uint64_t words = words_differing(a, b, len / sizeof(word));
	uint32_t differing = (uint32_t)(words | words >> 32);

	for (size_t i = len - len % sizeof(word); i < len; i++)
		differing |= (uint32_t)(x[i] ^ y[i]);
	/* All bits into the lower half, so that subtracting 1 borrows into the top bit for 0 alone. */
	differing = (differing | differing >> 16) & 0xffff;
	/* Hidden from the compiler, so that it has no value to branch on: 0 - 1 borrows into the top bit.
	 * Not by an empty asm: MemorySanitizer takes that for a use, and test/ct looks for uses. */
	volatile uint32_t hidden = differing;
	return (bool)((hidden - 1) >> 31);
}

dske_rc random_fill(void *p, size_t len)
{
	uint8_t *out = p;

	while (len > 0) {
		ssize_t got = getrandom(out, len, 0);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return FAIL(IO, "the kernel's random generator failed: %m");
		out += got;
		len -= (size_t)got;
	}
	return DSKE_OK;
}

void process_harden(void)
{
	const struct rlimit none = {0, 0};

	(void)setrlimit(RLIMIT_CORE, &none);
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}
