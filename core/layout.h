/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/layout.h - how a table is split when it is made.  Each region is allocated from by one side
 * alone, so that client and hub never reach for the same byte (the paper's single cursor would).
 *
 *   container   48-byte keys of the h' tags that authenticate the PSKM's chunks      hub, making it
 *   activation  proof of possession                                                  client
 *   lease       slots of LEASE_SLOT_LEN bytes                                        client
 *   up          client to hub                                                        client
 *   down        hub to client                                                        hub
 */
#ifndef DSKE_CORE_LAYOUT_H
#define DSKE_CORE_LAYOUT_H

#include <stddef.h>
#include <stdint.h>

#include "base/rc.h"
#include "core/ranges.h"
#include "core/tag.h"

enum region { REGION_CONTAINER, REGION_ACTIVATION, REGION_LEASE, REGION_UP, REGION_DOWN, REGION_COUNT };

#define LEASE_SLOT_LEN (4 * TAG_KEY_LEN) /* keys of LEASE, GRANT, CONFIRM, CLONED */
#define ACTIVATION_LEN (3 * TAG_KEY_LEN) /* keys of ACTIVATE, ACTIVATED, FROZEN */
#define RETIRING_LEN (2 * TAG_KEY_LEN)   /* behind them, in tables that have room: keys of RETIRE, RETIRED */

#define TABLE_LEN_MIN (UINT64_C(64) << 10)
#define TABLE_LEN_MAX (UINT64_C(1) << 46)
#define TABLE_CHUNK_LEN (UINT64_C(1) << 20) /* bytes of table under one container tag */

struct layout {
	uint64_t len;                        /* bytes of the whole table */
	struct range region[REGION_COUNT];   /* in order, adjoining, covering [0, len) */
};

/* The project's split of a table of len bytes.  Errors: ARGS (len out of bounds or no multiple of 64). */
dske_rc layout_make(struct layout *l, uint64_t len);

/* The split of a stock (pskm/stock.h), which has the same regions for other ends: lease holds the keys of reports,
 * up is the body that portions are cut from, and down the least that a region has, which nobody uses.
 * Errors: as layout_make. */
dske_rc layout_make_stock(struct layout *l, uint64_t len);

/* Accepts a split made by someone else: order, alignment, sizes.  Errors: FORMAT. */
dske_rc layout_check(const struct layout *l);

/* Does [start, start+len) lie in that region?  Safe against wrap-around. */
bool layout_holds(const struct layout *l, enum region region, uint64_t start, uint64_t len);

/* Where the two keys of retiring lie; UINT64_MAX in a table that was made without. */
uint64_t layout_retiring_offset(const struct layout *l);

uint64_t layout_lease_slots(const struct layout *l);
uint64_t layout_lease_offset(const struct layout *l, uint64_t slot); /* UINT64_MAX: no such slot */
const char *region_name(enum region region);

#endif
