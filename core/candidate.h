/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/candidate.h - which key do these shares give?  (DSKE 2.3.3 and 2.4.)
 *
 * A group holds the shares that came with one tuple.  A candidate is Y_0 = u || S, reconstructed from k
 * of them; it stands when the key tag confirms it.  Without a corrupt share the first k give the key
 * and all others lie on the same polynomial.  Otherwise sets of them are searched (core/search.h), in steps.
 */
#ifndef DSKE_CORE_CANDIDATE_H
#define DSKE_CORE_CANDIDATE_H

#include <stddef.h>
#include <stdint.h>

#include "base/rc.h"
#include "base/secret.h"
#include "core/agree.h"
#include "core/terms.h"

/* Where no redundancy is left, no more bytes than this of candidates, C(s,k) * (m + 48), are tried. */
#define SEARCH_LEN_MAX (UINT64_C(1) << 38)

/* Share bytes read, k * (m + 48) a subset, in one step: a fraction of a second. */
#define SEARCH_STEP_LEN (UINT64_C(1) << 27)

struct search;

/*
 * Shares that are too long for memory lie elsewhere, and are read in blocks: u and the first SHARE_BLOCK_LEN bytes of
 * S, then as many of S each.  A part of a share is whole blocks.
 */
#define SHARE_BLOCK_LEN ((size_t)64 << 10)
#define SHARE_BLOCK_MAX (KEY_TAG_KEY_LEN + SHARE_BLOCK_LEN)
size_t share_block_count(const struct terms *t);
size_t share_block_len(const struct terms *t, size_t block);

struct share_source {
	void *context;
	/* The whole block, of len bytes, of the share that has this number.  Errors: its own, which end what reads. */
	dske_rc (*read)(void *context, size_t share, size_t block, uint8_t *out, size_t len);
	/* Random: keys that are not in memory are told apart by their key tags under this. */
	uint8_t print_key[KEY_TAG_KEY_LEN];
};

struct held_share {
	uint8_t x;            /* position of its hub in the terms, from 1 */
	struct secret bytes;  /* owned; terms_share_len; empty where the group has a source ... */
	size_t number;        /* ... and this its number there */
	enum share_verdict verdict;
};

struct share_group {
	struct terms terms;
	size_t count;             /* s */
	size_t places;            /* at share */
	struct held_share *share; /* owned; in order of arrival */
	const struct share_source *source; /* borrowed; NULL: shares are in memory */
	struct secret room;       /* owned; with a source, and once k shares came: for a block of each */
	struct tag print;         /* with a source, when `won`: what candidate_search gives for the key ... */
	size_t judged;            /* ... and how many shares it has judged */
	struct search *search;    /* owned; under way in steps, or NULL */
	uint64_t tried;           /* candidates reconstructed, the fast path's not counted */
	bool is_aside;            /* its key stands, and is not final: core/receiver.c */
	bool won;                 /* `winner` gave the key: late shares are judged by it, without a search */
	uint8_t winner[TERMS_HUBS_MAX]; /* k indices into share */
};

/* source: borrowed, or NULL.  Errors: NOMEM. */
dske_rc share_group_new(struct share_group **out, const struct terms *t, const struct share_source *source);
void share_group_free(struct share_group *g);

/* The share at x, or NULL. */
struct held_share *share_group_find(const struct share_group *g, uint8_t x);

/* Adds a share at an x that is not there yet; bytes are moved in.  Or one that lies in the source.  Errors: NOMEM, but not
 * for a group's first. */
dske_rc share_group_add(struct share_group *g, uint8_t x, struct secret *bytes);
dske_rc share_group_add_number(struct share_group *g, uint8_t x, size_t number);

/* Forgets the share at x, if it is there, and what was found with it: the next search begins afresh. */
void share_group_remove(struct share_group *g, uint8_t x);

/* A group's shares are looked at in as many steps; one, where they are in memory. */
size_t share_group_blocks(const struct share_group *g);
size_t share_group_block_len(const struct share_group *g, size_t block);

/* share[i]: that block of share i, until the next call with the same i.  Errors: the source's. */
dske_rc share_group_load(const struct share_group *g, size_t block, size_t i, const uint8_t **share);

/* Of a key that was found (`won`), with a source: that block of it, without u.  out: SHARE_BLOCK_MAX bytes, of which the
 * first *len are the key's.  Errors: the source's. */
dske_rc share_group_key_block(const struct share_group *g, size_t block, uint8_t *out, size_t *len);

/*
 * Looks for the key in this group and marks each share with its verdict.  *key must be empty.
 *   OK            *key is S, or d' || S (terms_tagged_len); of a group with a source, 16 bytes that tell keys apart
 *   TOO_FEW       fewer than k shares
 *   NO_CANDIDATE  no k of them give a key, or too many subsets to try
 *   CONFLICT      two distinct keys, both confirmed.  A second one is looked for when shares do not fit the
 *                 first: among all sets of more than k that are consistent; among the k-subsets of those
 *                 shares; among all k-subsets where that costs little
 *   BUSY          with `thorough` alone: not found in this step; call again to go on
 * Without `thorough` nothing is begun that takes more than one step; if it might have given a key:
 * NO_CANDIDATE.  A search that is under way over the same shares stays where it is.
 * Errors besides: NOMEM, IO.
 */
dske_rc candidate_search(struct share_group *g, bool thorough, struct secret *key);
#endif
