/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pskm/rest.h - the rest of a table, taken out of it for good, to become another table (pskm/reference.h).
 *
 * What nobody used are the up region from the hub's high water on, and the down region likewise.  The hub takes both
 * to their ends in one commit, which also makes the table MOVED: from then on it serves nobody, grants nothing and
 * takes no CONFIRM.  The client does the same with the ranges that the hub names, if it has used none of them.  A byte
 * that was taken is read within the hold that took it; a crash wastes it.
 *
 * Why no byte is used twice.  Of the up region a client sends only in what the hub granted, which lies below the
 * hub's high water.  Of the down region the hub seals only in what a client confirmed, below the hub's as well.
 * What a client confirmed and the hub never heard of lies above: REST_MARGIN bytes are left out for it, and where that is
 * not enough, or the hub was restored, the client's own high water is above the range, and it refuses.
 */
#ifndef DSKE_PSKM_REST_H
#define DSKE_PSKM_REST_H

#include <stdint.h>

#include "base/rc.h"
#include "core/ranges.h"
#include "pskm/table-impl.h"

/* Four windows of the usual size: as many CONFIRMs in a row may have been lost. */
#define REST_MARGIN (UINT64_C(64) << 10)

struct rest {
	struct range up, down;
};

/* The bytes of both. */
uint64_t rest_len(const struct rest *r);

/* Hub: what there is to take, a multiple of 64 bytes in all; nothing is changed.  Errors: NOT_ACTIVE, FROZEN, LOCKED, KEY,
 * EXHAUSTED (less than the smallest table). */
dske_rc rest_plan(struct table *t, struct rest *out);

struct rest_taking {
	struct hold hold;
	struct rest rest;
	uint64_t done; /* bytes of it that were read */
};

/* Takes it, durably; the table is held until rest_drop.  Errors: NOT_ACTIVE, FROZEN, LOCKED, EXHAUSTED (moved
 * already), REGION; USED (a part of it was used here: nothing is changed), SYNC. */
dske_rc rest_take(struct rest_taking *k, struct table *t, const struct rest *r);

/* The same in two steps, for the side that is told of it by a file: that is held against the bytes in between, so that
 * a forged one takes nothing.  Until the commit the table is as it was, and who reads the bytes compares tags with them
 * and keeps them nowhere.  Errors: those of rest_take, divided. */
dske_rc rest_look(struct rest_taking *k, struct table *t, const struct rest *r);
dske_rc rest_commit(struct rest_taking *k);

/* len bytes of it from there on; context is the taking.  Errors: IO, CORRUPT, STATE (there are not as many). */
dske_rc rest_read(void *context, uint64_t from, void *out, size_t len);

/* A pskm_fill; context is the taking.  Errors: IO, CORRUPT, STATE (there is no more). */
dske_rc rest_fill(void *context, void *out, size_t len);

/* Erases the bytes from the table's file, durably.  Errors: IO, SYNC. */
dske_rc rest_erase(struct rest_taking *k);

void rest_drop(struct rest_taking *k);
static inline void rest_taking_drop(struct rest_taking *k)
{
	rest_drop(k);
}

#endif
