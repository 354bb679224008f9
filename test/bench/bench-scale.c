/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test/bench/bench-scale.c - what grows with the number of clients, of names in a hub's mailbox, and of hubs:
 * time and memory at several sizes, and the line a + b x that fits them best (doc/benchmarks.md).
 *
 *     bench-scale clients|names|hubs [SIZE...]
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/bench/bench.h"
#include "test/bench/scale.h"

#define SIZES_MAX 16

static const struct scale_axis *const axes[] = {&scale_clients, &scale_names, &scale_hubs};

/* Least squares of value / size weights: a relative error counts the same at every size. */
static void fit(const struct scale_axis *axis, size_t column, const struct scale_row *row, size_t count)
{
	double w = 0, wx = 0, wy = 0, wxx = 0, wxy = 0;

	for (size_t i = 0; i < count; i++) {
		double x = row[i].size, y = row[i].value[column], weight = y > 0 ? 1 / (y * y) : 0;
		w += weight;
		wx += weight * x;
		wy += weight * y;
		wxx += weight * x * x;
		wxy += weight * x * y;
	}
	double determinant = w * wxx - wx * wx;

	if (count < 2 || determinant <= 0)
		return;
	double b = (w * wxy - wx * wy) / determinant, a = (wy - b * wx) / w;
	printf("# %-40s %10.4g + %.4g for each\n", axis->column[column], a, b);
}

static void print_head(const struct scale_axis *axis)
{
	printf("%s", axis->name);
	for (size_t i = 0; axis->column[i] != NULL; i++)
		printf(",%s", axis->column[i]);
	printf("\n");
}

static void print_row(const struct scale_axis *axis, const struct scale_row *row)
{
	printf("%.0f", row->size);
	for (size_t i = 0; axis->column[i] != NULL; i++)
		printf(",%.6g", row->value[i]);
	printf("\n");
	fflush(stdout);
}

static const struct scale_axis *axis_named(const char *name)
{
	for (size_t i = 0; i < sizeof axes / sizeof axes[0]; i++)
		if (strcmp(axes[i]->name, name) == 0)
			return axes[i];
	return NULL;
}

static size_t sizes_read(double *size, const struct scale_axis *axis, char **text, int count)
{
	size_t n = 0;

	for (int i = 0; i < count && n < SIZES_MAX; i++) {
		size[n] = strtod(text[i], NULL);
		bench_need(size[n] >= 1, "a size is a number from 1");
		n++;
	}
	for (size_t i = 0; count == 0 && axis->size[i] > 0; i++)
		size[n++] = axis->size[i];
	return n;
}

int main(int argc, char **argv)
{
	const struct scale_axis *axis = argc > 1 ? axis_named(argv[1]) : NULL;
	const struct path *scratch;
	struct scale_row row[SIZES_MAX] = {{0}};
	double size[SIZES_MAX];

	bench_need(axis != NULL, "usage: bench-scale clients|names|hubs [SIZE...]");
	size_t count = sizes_read(size, axis, argv + 2, argc - 2);
	scratch = bench_scratch();
	bench_header(scratch->s);
	print_head(axis);
	for (size_t i = 0; i < count; i++) {
		row[i].size = size[i];
		axis->measure(scratch, &row[i]);
		print_row(axis, &row[i]);
	}
	for (size_t c = 0; axis->column[c] != NULL; c++)
		fit(axis, c, row, count);
	return 0;
}
