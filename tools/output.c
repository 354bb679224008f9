/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "tools/output.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/net.h"

const char *colour(FILE *to, enum colour which)
{
	static const char *const sequences[] = {
		[COLOUR_OFF] = "\033[0m",   [COLOUR_BOLD] = "\033[1m", [COLOUR_GOOD] = "\033[32m",
		[COLOUR_WARN] = "\033[33m", [COLOUR_BAD] = "\033[31m",
	};
	const char *refused = getenv("NO_COLOR"), *terminal = getenv("TERM");
	bool dumb = terminal == NULL || strcmp(terminal, "dumb") == 0;
	if ((refused != NULL && refused[0] != '\0') || dumb || !isatty(fileno(to)))
		return "";
	return sequences[which];
}

/* ---- tables ---------------------------------------------------------------------------------------------- */

static void *grown(void *old, size_t count, size_t size)
{
	void *p = reallocarray(old, count, size);
	if (p == NULL) {
		fprintf(stderr, "dske: out of memory\n");
		exit(EXIT_FAILURE);
	}
	return p;
}

void grid_row(struct grid *g, enum colour row_colour)
{
	g->cell = grown(g->cell, (g->rows + 1) * g->columns, sizeof g->cell[0]);
	g->row_colour = grown(g->row_colour, g->rows + 1, sizeof g->row_colour[0]);
	memset(g->cell[g->rows * g->columns], 0, g->columns * sizeof g->cell[0]);
	g->row_colour[g->rows++] = row_colour;
}

void grid_cell(struct grid *g, size_t column, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	vsnprintf(g->cell[(g->rows - 1) * g->columns + column], GRID_CELL_MAX, format, args);
	va_end(args);
}

void grid_init(struct grid *g, size_t columns, const char *const *headings)
{
	*g = (struct grid){.columns = columns};
	grid_row(g, COLOUR_BOLD);
	for (size_t i = 0; i < columns; i++)
		grid_cell(g, i, "%s", headings[i]);
}

static bool is_right(const struct grid *g, size_t column)
{
	return g->cell[column][0] == '>';
}

static const char *cell_text(const struct grid *g, size_t row, size_t column)
{
	return g->cell[row * g->columns + column] + (row == 0 && is_right(g, column) ? 1 : 0);
}

static int column_width(const struct grid *g, size_t column)
{
	size_t width = 0;
	for (size_t r = 0; r < g->rows; r++) {
		size_t len = strlen(cell_text(g, r, column));
		width = len > width ? len : width;
	}
	return (int)width;
}

void grid_print(const struct grid *g, FILE *to)
{
	for (size_t r = 0; r < g->rows; r++) {
		bool plain = g->row_colour[r] == COLOUR_OFF;
		fputs(plain ? "" : colour(to, g->row_colour[r]), to);
		for (size_t c = 0; c < g->columns; c++) {
			bool last = c + 1 == g->columns;
			int width = column_width(g, c);
			const char *text = cell_text(g, r, c);
			if (is_right(g, c))
				fprintf(to, "%*s%s", width, text, last ? "" : "  ");
			else
				fprintf(to, "%-*s%s", last ? 0 : width, text, last ? "" : "  ");
		}
		fprintf(to, "%s\n", plain ? "" : colour(to, COLOUR_OFF));
	}
}

void grid_drop(struct grid *g)
{
	free(g->cell);
	free(g->row_colour);
	*g = (struct grid){0};
}

/* ---- the rest ---------------------------------------------------------------------------------------------- */

void output_json(json_t *value)
{
	char *text = json_dumps(value, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
	if (text != NULL)
		puts(text);
	free(text);
	json_decref(value);
}

const char *size_text(uint64_t bytes, char text[16])
{
	static const char *const units[] = {"KiB", "MiB", "GiB", "TiB"};
	double value = (double)bytes / 1024;
	size_t unit = 0;
	if (bytes < 1024) {
		snprintf(text, 16, "%" PRIu64 " B", bytes);
		return text;
	}
	for (; value >= 1024 && unit < 3; unit++)
		value /= 1024;
	snprintf(text, 16, "%.1f %s", value, units[unit]);
	return text;
}

/* 1234 seconds as "20 min 34 s": two units, the second whole. */
static const char *time_text(uint64_t s, char text[32])
{
	if (s < 60)
		snprintf(text, 32, "%" PRIu64 " s", s);
	else if (s < 3600)
		snprintf(text, 32, "%" PRIu64 " min %" PRIu64 " s", s / 60, s % 60);
	else
		snprintf(text, 32, "%" PRIu64 " h %" PRIu64 " min", s / 3600, s % 3600 / 60);
	return text;
}

/* How fast since the first call of this run, and how long at that rate; nothing in the first second. */
static void print_rate(uint64_t done, uint64_t total)
{
	static int64_t begun_ms;
	static uint64_t begun_at, before = UINT64_MAX;
	char rate_text[16], left_text[32];
	int64_t now = clock_ms();
	if (done < before) {
		begun_ms = now;
		begun_at = done;
	}
	before = done;
	double seconds = (double)(now - begun_ms) / 1000, rate = seconds >= 1 ? (double)(done - begun_at) / seconds : 0;
	if (rate >= 1)
		fprintf(stderr, "%s/s, %s left ", size_text((uint64_t)rate, rate_text),
			time_text((uint64_t)((double)(total - done) / rate), left_text));
}

bool output_progress(void *context, uint64_t done, uint64_t total)
{
	enum { WIDTH = 30 };
	static const char bar[] = "##############################";
	char done_text[16], total_text[16];
	if (!isatty(STDERR_FILENO) || total == 0)
		return true;
	int filled = (int)((double)done / (double)total * WIDTH);
	fprintf(stderr, "\r%s [%-*.*s] %s of %s ", (const char *)context, WIDTH, filled, bar, size_text(done, done_text),
		size_text(total, total_text));
	print_rate(done, total);
	fprintf(stderr, "\033[K");
	if (done >= total)
		fprintf(stderr, "\r\033[K");
	return true;
}
