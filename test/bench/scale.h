/* SPDX-License-Identifier: Apache-2.0 */
/* test/bench/scale.h - the axes along which bench-scale measures. */
#ifndef DSKE_TEST_BENCH_SCALE_H
#define DSKE_TEST_BENCH_SCALE_H

#include <stddef.h>

#include "base/file.h"
#include "test/bench/tables.h"

#define SCALE_COLUMNS_MAX 8

struct scale_row {
	double size, value[SCALE_COLUMNS_MAX];
};

struct scale_axis {
	const char *name;
	const char *column[SCALE_COLUMNS_MAX + 1]; /* until NULL; with its unit */
	double size[8];                            /* where nothing else is asked for; until 0 */
	void (*measure)(const struct path *scratch, struct scale_row *row);
};

extern const struct scale_axis scale_clients, scale_names, scale_hubs;

#endif
