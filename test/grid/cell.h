/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test/grid/cell.h - one cell of the grid of DSKE 5.1: n hubs, k needed, s shares received, some of them
 * corrupt; what happens, and what DSKE 4.2 says has to.
 */
#ifndef DSKE_TEST_GRID_CELL_H
#define DSKE_TEST_GRID_CELL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum cell_kind {
	CELL_MISMATCHED, /* shares that the key tag does not match, as of data corrupted on the way */
	CELL_HOSTILE,    /* hubs that know what all corrupt hubs know, and do what serves them best */
};

struct cell {
	uint8_t n, k, s, corrupt;
	uint8_t k_b; /* the receiver's least k, at most k */
	enum cell_kind kind;
	uint32_t key_len;
	uint64_t seed; /* of pads, of who is corrupt and who is silent, and of the order of arrival */
};

enum cell_outcome {
	CELL_KEY = 'K',      /* the receiver has the initiator's key */
	CELL_ABORT = 'A',    /* it has none, and knows */
	CELL_INJECTED = 'I', /* it has the corrupt hubs' key, and the initiator another: injection and malleability */
	CELL_WRONG = 'W',    /* it has a key that neither of them knows: never */
};

struct cell_result {
	enum cell_outcome outcome;
	bool leaked;    /* the corrupt hubs' shares gave them the initiator's key */
	double seconds; /* of the receiver's conclusion */
};

struct cell_result cell_run(const struct cell *c);

/* DSKE 4.2.  Disruption at min(n - k + 1, k_B): when n - k + 1 hubs or more are silent or corrupt, and when
 * k_B of those accepted collude; injection and malleability at k_B; leakage at k. */
enum cell_outcome cell_predict(const struct cell *c);

#endif
