/* SPDX-License-Identifier: Apache-2.0 */
/* tools/output.h - aligned tables, colours on a terminal alone, JSON, sizes and progress. */
#ifndef DSKE_TOOLS_OUTPUT_H
#define DSKE_TOOLS_OUTPUT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum colour { COLOUR_OFF, COLOUR_BOLD, COLOUR_GOOD, COLOUR_WARN, COLOUR_BAD };

/* The escape sequence, or "" when `to` is no terminal or NO_COLOR is set. */
const char *colour(FILE *to, enum colour which);

/* A table with a heading; cells are copied.  Columns whose heading begins with '>' are right-aligned. */
#define GRID_COLUMNS_MAX 10
#define GRID_CELL_MAX 256
struct grid {
	size_t columns, rows;
	char (*cell)[GRID_CELL_MAX]; /* owned; the heading is row 0 */
	enum colour *row_colour;     /* owned */
};
void grid_init(struct grid *g, size_t columns, const char *const *headings);
/* Begins a row; its cells are set by grid_cell. */
void grid_row(struct grid *g, enum colour row_colour);
void grid_cell(struct grid *g, size_t column, const char *format, ...) __attribute__((format(printf, 3, 4)));
void grid_print(const struct grid *g, FILE *to);
void grid_drop(struct grid *g);

/* Prints to standard output with a newline, and drops the reference. */
void output_json(json_t *value);

/* "1.5 MiB"; text holds at least 16 bytes and is returned. */
const char *size_text(uint64_t bytes, char text[16]);

/* A bar on standard error, when that is a terminal.  A pskm_progress; context is a title. */
bool output_progress(void *context, uint64_t done, uint64_t total);

#endif
