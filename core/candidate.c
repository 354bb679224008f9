/* SPDX-License-Identifier: Apache-2.0 */
/* core/candidate.c - reconstruction and validation over one group of shares. */
#include "core/candidate.h"

#include <stdlib.h>
#include <string.h>

#include "core/search.h"
#include "core/shamir.h"
#include "core/subset.h"
#include "core/xorshare.h"

#define PIECE_LEN ((size_t)4096)

dske_rc share_group_new(struct share_group **out, const struct terms *t, const struct share_source *source)
{
	struct share_group *g = calloc(1, sizeof *g);

	if (!g)
		return rc_make(DSKE_RC_NOMEM);
	g->share = calloc(1, sizeof *g->share);
	if (!g->share) {
		share_group_free(g);
		return rc_make(DSKE_RC_NOMEM);
	}
	g->places = 1;
	g->terms = *t;
	g->source = source;
	*out = g;
	return DSKE_OK;
}

void share_group_free(struct share_group *g)
{
	if (!g)
		return;
	for (size_t i = 0; i < g->count; i++)
		secret_drop(&g->share[i].bytes);
	free(g->share);
	secret_drop(&g->room);
	search_free(g->search);
	free(g);
}

struct held_share *share_group_find(const struct share_group *g, uint8_t x)
{
	for (size_t i = 0; i < g->count; i++)
		if (g->share[i].x == x)
			return &g->share[i];
	return NULL;
}

/* A place for another share.  The first one's is there from the start. */
static dske_rc place_make(struct share_group *g)
{
	struct held_share *more;

	if (g->count < g->places)
		return DSKE_OK;
	more = reallocarray(g->share, g->places + 1, sizeof *more);
	if (!more)
		return rc_make(DSKE_RC_NOMEM);
	g->share = more;
	g->places++;
	return DSKE_OK;
}

dske_rc share_group_add(struct share_group *g, uint8_t x, struct secret *bytes)
{
	TRY(place_make(g));
	struct held_share *share = &g->share[g->count++];

	*share = (struct held_share){.x = x, .verdict = SHARE_UNUSED};
	secret_move(&share->bytes, bytes);
	return DSKE_OK;
}

dske_rc share_group_add_number(struct share_group *g, uint8_t x, size_t number)
{
	TRY(place_make(g));
	g->share[g->count++] = (struct held_share){.x = x, .verdict = SHARE_UNUSED, .number = number};
	return DSKE_OK;
}

void share_group_remove(struct share_group *g, uint8_t x)
{
	struct held_share *share = share_group_find(g, x);

	if (!share)
		return;
	secret_drop(&share->bytes);
	size_t at = (size_t)(share - g->share);

	memmove(share, share + 1, (g->count - at - 1) * sizeof *share);
	g->count--;
	search_free(g->search);
	g->search = NULL;
	g->won = false; /* its indices are others' now */
	g->judged = 0;
}

/* Blocks of as many shares as are there, and not before there are k: until then none is read, and n is what one hub says.
 * A group holds no more than one share of each hub that is accepted here, is in the terms, and has sent it, under a tag that
 * verified and with as much of its pad as the share is long.  So locked memory is had for shares that came, and for no other. */
static dske_rc room_make(struct share_group *g)
{
	size_t needed = g->count * SHARE_BLOCK_MAX;
	AUTO(secret) more = {0};

	if (!g->source || g->room.len >= needed)
		return DSKE_OK;
	TRY(secret_alloc(&more, needed)); /* else the room there is does for the key that it gave */
	secret_drop(&g->room);            /* nothing is in it between two calls */
	secret_move(&g->room, &more);
	return DSKE_OK;
}

/* ---- blocks --------------------------------------------------------------------------------------- */

size_t share_block_count(const struct terms *t)
{
	return ((size_t)t->key_len + SHARE_BLOCK_LEN - 1) / SHARE_BLOCK_LEN;
}

size_t share_block_len(const struct terms *t, size_t block)
{
	size_t left = t->key_len - block * SHARE_BLOCK_LEN;

	return (block == 0 ? KEY_TAG_KEY_LEN : 0) + (left < SHARE_BLOCK_LEN ? left : SHARE_BLOCK_LEN);
}

size_t share_group_blocks(const struct share_group *g)
{
	return g->source ? share_block_count(&g->terms) : 1;
}

size_t share_group_block_len(const struct share_group *g, size_t block)
{
	return g->source ? share_block_len(&g->terms, block) : terms_share_len(&g->terms);
}

dske_rc share_group_load(const struct share_group *g, size_t block, size_t i, const uint8_t **share)
{
	uint8_t *room = g->room.data + i * SHARE_BLOCK_MAX;

	*share = g->source ? room : g->share[i].bytes.data;
	if (!g->source)
		return DSKE_OK;
	return g->source->read(g->source->context, g->share[i].number, block, room, share_group_block_len(g, block));
}

/* ---- candidates --------------------------------------------------------------------------------- */

/* One block of the subset's shares. */
struct basis {
	const uint8_t *known[TERMS_HUBS_MAX];
	uint8_t x[TERMS_HUBS_MAX];
	size_t len;
};

static dske_rc basis_load(struct basis *b, const struct share_group *g, const uint8_t *subset, size_t block)
{
	b->len = share_group_block_len(g, block);
	for (size_t i = 0; i < g->terms.k; i++) {
		b->x[i] = g->share[subset[i]].x;
		TRY(share_group_load(g, block, subset[i], &b->known[i]));
	}
	return DSKE_OK;
}

/* The value at x of the polynomial through the subset's shares; 0 is Y_0.  out: as long as the block. */
static dske_rc value_at(const struct share_group *g, const struct basis *b, uint8_t x, uint8_t *out)
{
	if (g->terms.scheme == SCHEME_XOR) {
		xorshare_combine(out, b->known, g->terms.k, b->len); /* n = k: no share is left to compare with */
		return DSKE_OK;
	}
	return shamir_interpolate(b->x, b->known, g->terms.k, &x, &out, 1, b->len);
}

static bool in_subset(const uint8_t *subset, size_t k, size_t index)
{
	return memchr(subset, (int)index, k) != NULL;
}

/* ---- search ------------------------------------------------------------------------------------- */

/* What a search has found so far. */
struct found {
	bool any, rivalled;
	uint8_t subset[TERMS_HUBS_MAX];
	uint8_t rival[TERMS_HUBS_MAX]; /* gives the same key by another polynomial */
	struct secret key;   /* or what tells it from others */
	struct secret value; /* room for a block of a candidate */
	struct secret values; /* room for pieces of what other shares ought to be */
};

static void found_drop(struct found *f)
{
	secret_drop(&f->key);
	secret_drop(&f->value);
	secret_drop(&f->values);
}

/* Notes a confirmed candidate.  DSKE 2.4: "more than one distinct candidate remaining ... B aborts". */
static dske_rc found_note(struct found *f, const struct share_group *g, const uint8_t *subset, const uint8_t *key, size_t len)
{
	if (f->any && mem_equal(f->key.data, key, len)) {
		if (!f->rivalled)
			memcpy(f->rival, subset, g->terms.k);
		f->rivalled = true;
		return DSKE_OK;
	}
	if (f->any)
		return FAIL(CONFLICT, "the shares of one agreement give two valid keys: at least %d hubs are corrupt, "
			    "no key was taken", g->terms.k);
	TRY(secret_from(&f->key, key, len));
	memcpy(f->subset, subset, g->terms.k);
	f->any = true;
	return DSKE_OK;
}

static dske_rc short_try(struct found *f, const struct share_group *g, const uint8_t *subset, bool *valid)
{
	uint8_t *y0 = f->value.data;
	struct basis b;

	TRY(basis_load(&b, g, subset, 0));
	TRY(value_at(g, &b, 0, y0));
	*valid = key_tag_check(&g->terms.key_tag, y0, y0 + KEY_TAG_KEY_LEN, terms_tagged_len(&g->terms));
	return *valid ? found_note(f, g, subset, y0 + KEY_TAG_KEY_LEN, terms_tagged_len(&g->terms)) : DSKE_OK;
}

/* Y_0 block by block, through the key tag and through what tells it from other keys. */
static dske_rc blocks_tag(struct found *f, const struct share_group *g, const uint8_t *subset, struct key_tagger *tagger,
			  struct key_tagger *print)
{
	struct basis b;

	for (size_t block = 0; block < share_group_blocks(g); block++) {
		size_t u_len = block == 0 ? KEY_TAG_KEY_LEN : 0;

		TRY(basis_load(&b, g, subset, block));
		TRY(value_at(g, &b, 0, f->value.data));
		if (block == 0)
			key_tagger_begin(tagger, f->value.data);
		key_tagger_add(tagger, f->value.data + u_len, b.len - u_len);
		key_tagger_add(print, f->value.data + u_len, b.len - u_len);
	}
	return DSKE_OK;
}

static dske_rc long_try(struct found *f, const struct share_group *g, const uint8_t *subset, bool *valid)
{
	struct key_tagger tagger = {.of = {.len = 0}}, print;
	struct tag actual, other;

	key_tagger_begin(&print, g->source->print_key);

	dske_rc rc = blocks_tag(f, g, subset, &tagger, &print);

	key_tagger_end(&tagger, &actual);
	key_tagger_end(&print, &other);
	*valid = rc_ok(rc) && mem_equal(actual.b, g->terms.key_tag.b, TAG_LEN);
	if (*valid)
		rc = found_note(f, g, subset, other.b, TAG_LEN);
	mem_wipe(&actual, sizeof actual); /* the right tag of a wrong key is a forgery */
	mem_wipe(&other, sizeof other);
	return rc;
}

/* Reconstructs Y_0 = u || S; if S is confirmed by the key tag that came with the shares, it is noted (DSKE 2.4). */
static dske_rc candidate_try(struct found *f, const struct share_group *g, const uint8_t *subset, bool *valid)
{
	return g->source ? long_try(f, g, subset, valid) : short_try(f, g, subset, valid);
}

/* The shares that are judged: those that are neither of the subset nor found corrupt yet. */
struct others {
	const uint8_t *share[TERMS_HUBS_MAX];
	uint8_t x[TERMS_HUBS_MAX], index[TERMS_HUBS_MAX];
	size_t count;
};

static dske_rc others_load(struct others *o, const struct share_group *g, const uint8_t *subset, size_t block)
{
	o->count = 0;
	for (size_t i = 0; i < g->count; i++) {
		if (in_subset(subset, g->terms.k, i) || g->share[i].verdict == SHARE_CORRUPT)
			continue;
		TRY(share_group_load(g, block, i, &o->share[o->count]));
		o->x[o->count] = g->share[i].x;
		o->index[o->count++] = (uint8_t)i;
	}
	return DSKE_OK;
}

/* What they ought to be, all at once, and compared while it is in the nearest cache. */
static dske_rc piece_judge(struct share_group *g, const struct found *f, const struct basis *b, const struct others *o, size_t at,
			   size_t len)
{
	const uint8_t *known[TERMS_HUBS_MAX];
	uint8_t *value[TERMS_HUBS_MAX];

	for (size_t i = 0; i < g->terms.k; i++)
		known[i] = b->known[i] + at;
	for (size_t r = 0; r < o->count; r++)
		value[r] = f->values.data + r * len;
	TRY(shamir_interpolate(b->x, known, g->terms.k, o->x, value, o->count, len));
	for (size_t r = 0; r < o->count; r++)
		if (!mem_equal(value[r], o->share[r] + at, len))
			g->share[o->index[r]].verdict = SHARE_CORRUPT;
	return DSKE_OK;
}

/* Compares one block of each share with the polynomial that gave the key. */
static dske_rc block_judge(struct share_group *g, const struct found *f, size_t block)
{
	struct others o;
	struct basis b;

	TRY(basis_load(&b, g, f->subset, block));
	TRY(others_load(&o, g, f->subset, block));
	for (size_t at = 0; at < b.len && o.count > 0; at += PIECE_LEN)
		TRY(piece_judge(g, f, &b, &o, at, b.len - at < PIECE_LEN ? b.len - at : PIECE_LEN));
	return DSKE_OK;
}

/* Marks every share by the polynomial that gave the key; how many are not on it? */
static dske_rc verdicts_mark(struct share_group *g, struct found *f, size_t *corrupt)
{
	size_t others = g->count - g->terms.k, piece = share_group_block_len(g, 0);

	if (!f->values.data)
		TRY(secret_alloc(&f->values, others * (piece < PIECE_LEN ? piece : PIECE_LEN)));
	for (size_t i = 0; i < g->count; i++)
		g->share[i].verdict = SHARE_CONSISTENT;
	for (size_t block = 0; block < share_group_blocks(g) && g->count > g->terms.k; block++)
		TRY(block_judge(g, f, block));
	*corrupt = 0;
	for (size_t i = 0; i < g->count; i++)
		*corrupt += g->share[i].verdict == SHARE_CORRUPT;
	return DSKE_OK;
}

/* Tries what the search says.  Until the first key, if there was none before; to the end otherwise. */
static dske_rc candidates_try(struct share_group *g, uint64_t budget, struct found *f, enum search_state *state)
{
	uint8_t subset[TERMS_HUBS_MAX];
	bool valid = false, first = !f->any;

	for (;;) {
		TRY(search_next(g->search, &budget, subset, state));
		if (*state != SEARCH_TRY)
			return DSKE_OK;
		TRY(candidate_try(f, g, subset, &valid));
		g->tried++;
		if (valid && first)
			return DSKE_OK;
	}
}

static dske_rc search_failed(const struct share_group *g, const struct search *s, bool thorough, enum search_state state)
{
	if (!thorough && (state == SEARCH_PAUSE || search_is_partial(s)))
		return FAIL(NO_CANDIDATE, "some of %zu shares are corrupt; more shares may settle it", g->count);
	if (state == SEARCH_PAUSE)
		return FAIL(BUSY, "still searching the sets of %d among %zu shares", g->terms.k, g->count);
	if (search_is_partial(s))
		return FAIL(NO_CANDIDATE, "some of %zu shares are corrupt, and there are too many sets of %d to try all",
			    g->count, g->terms.k);
	return FAIL(NO_CANDIDATE, "%zu shares came, no %d of them give a key that its key tag confirms: "
		    "too many hubs are corrupt", g->count, g->terms.k);
}

/* A search for a key that was paused goes on, unless a share came since. */
static dske_rc search_resume(struct share_group *g, bool thorough)
{
	uint8_t judged[TERMS_HUBS_MAX];

	if (g->search && thorough && search_count(g->search) == g->count)
		return DSKE_OK;
	search_free(g->search);
	g->search = NULL;
	subset_first(judged, g->terms.k);
	TRY(search_new(&g->search, g));
	return search_begin(g->search, thorough ? SEARCH_THOROUGH : SEARCH_QUICK, judged);
}

static dske_rc search_key(struct share_group *g, bool thorough, struct found *f)
{
	enum search_state state;

	TRY(search_resume(g, thorough));
	TRY(candidates_try(g, SEARCH_STEP_LEN, f, &state));
	return f->any ? DSKE_OK : search_failed(g, g->search, thorough, state);
}

/* A corrupt share may be part of a second key. */
static dske_rc search_second(struct share_group *g, struct found *f)
{
	enum search_state state;

	if (!g->search)
		TRY(search_new(&g->search, g));
	TRY(search_begin(g->search, SEARCH_SECOND, f->subset));
	return candidates_try(g, SEARCH_SECOND_LEN, f, &state);
}

/* The k that gave the key before, or the first k (DSKE, footnote 11). */
static dske_rc fast_path(const struct share_group *g, struct found *f)
{
	uint8_t subset[TERMS_HUBS_MAX];
	bool valid;

	if (g->won)
		memcpy(subset, g->winner, g->terms.k);
	else
		subset_first(subset, g->terms.k);
	return candidate_try(f, g, subset, &valid);
}

/* Offsets that vanish at 0 leave the key as it is, and make honest shares look corrupt.  Of two polynomials that
 * give the key, the one with more shares on it judges. */
static dske_rc rival_judge(struct share_group *g, struct found *f, size_t corrupt)
{
	uint8_t subset[TERMS_HUBS_MAX];
	size_t by_rival;

	memcpy(subset, f->subset, g->terms.k);
	memcpy(f->subset, f->rival, g->terms.k);
	TRY(verdicts_mark(g, f, &by_rival));
	if (by_rival < corrupt)
		return DSKE_OK;
	memcpy(f->subset, subset, g->terms.k);
	return verdicts_mark(g, f, &corrupt);
}

static void verdicts_clear(struct share_group *g)
{
	for (size_t i = 0; i < g->count; i++)
		g->share[i].verdict = SHARE_UNUSED;
}

static dske_rc group_search(struct share_group *g, bool thorough, struct found *f)
{
	size_t corrupt;

	TRY(secret_alloc(&f->value, g->source ? SHARE_BLOCK_MAX : terms_share_len(&g->terms)));
	TRY(fast_path(g, f));
	if (!f->any)
		TRY(search_key(g, thorough, f));
	TRY(verdicts_mark(g, f, &corrupt));
	if (corrupt > 0)
		TRY(search_second(g, f));
	if (f->rivalled)
		TRY(rival_judge(g, f, corrupt));
	memcpy(g->winner, f->subset, g->terms.k);
	g->won = true;
	g->judged = g->count;
	if (g->source)
		memcpy(g->print.b, f->key.data, TAG_LEN);
	return DSKE_OK;
}

dske_rc share_group_key_block(const struct share_group *g, size_t block, uint8_t *out, size_t *len)
{
	size_t u_len = block == 0 ? KEY_TAG_KEY_LEN : 0;
	struct basis b;

	TRY(basis_load(&b, g, g->winner, block));
	TRY(value_at(g, &b, 0, out));
	memmove(out, out + u_len, b.len - u_len);
	mem_wipe(out + (b.len - u_len), u_len);
	*len = b.len - u_len;
	return DSKE_OK;
}

dske_rc candidate_search(struct share_group *g, bool thorough, struct secret *key)
{
	AUTO(found) f = {0};

	/* Of a long key nothing is read again for nothing. */
	if (g->source && g->won && g->judged == g->count)
		return secret_from(key, g->print.b, TAG_LEN);
	verdicts_clear(g);
	if (g->count < g->terms.k)
		return FAIL(TOO_FEW, "%zu of the %d shares needed came", g->count, g->terms.k);
	TRY(room_make(g));
	/* What is quick was tried before the long search of the same shares began, which is not to begin again. */
	if (!thorough && g->search && search_count(g->search) == g->count)
		return search_failed(g, g->search, thorough, SEARCH_PAUSE);

	dske_rc rc = group_search(g, thorough, &f);
	if (!rc_is(rc, DSKE_RC_BUSY)) {
		search_free(g->search);
		g->search = NULL;
	}
	if (rc_ok(rc))
		secret_move(key, &f.key);
	return rc;
}
