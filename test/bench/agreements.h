/* SPDX-License-Identifier: Apache-2.0 */
/* test/bench/agreements.h - what pairs do together over a real network: agreements of one kind. */
#ifndef DSKE_TEST_BENCH_AGREEMENTS_H
#define DSKE_TEST_BENCH_AGREEMENTS_H

#include "test/bench/network.h"
#include "test/bench/pairs.h"

struct agreements { /* the context of pairs_start() */
	struct network network;
	uint32_t key_len;
	enum scheme scheme;
};

extern const struct way agreements_way;

#endif
