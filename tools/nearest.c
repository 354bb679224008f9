/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "tools/nearest.h"

#include <string.h>

#define WORD_MAX 40 /* longer ones are nobody's slip */

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

size_t nearest_distance(const char *a, const char *b)
{
	size_t d[WORD_MAX + 1][WORD_MAX + 1], a_len = strlen(a), b_len = strlen(b);
	if (a_len > WORD_MAX || b_len > WORD_MAX)
		return SIZE_MAX / 4; /* which may be added and doubled */
	for (size_t i = 0; i <= a_len; i++) {
		for (size_t j = 0; j <= b_len; j++) {
			if (i == 0 || j == 0) {
				d[i][j] = i + j;
				continue;
			}
			d[i][j] = least(least(d[i - 1][j], d[i][j - 1]) + 1, d[i - 1][j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				d[i][j] = least(d[i][j], d[i - 2][j - 2] + 1);
		}
	}
	return d[a_len][b_len];
}

/* A word of another group costs more than a slip of a letter. */
static size_t command_distance(const struct command *c, const char *group, const char *name)
{
	size_t words = nearest_distance(c->group, group) + nearest_distance(c->name, name);
	return least(words, nearest_distance(c->name, name) * 2 + 1);
}

const struct command *nearest_command(const char *group, const char *name)
{
	const struct command *best = NULL;
	size_t best_distance = strlen(name) / 3 + 2; /* beyond, it would be a guess */
	for (const struct command *c = commands; c->name != NULL; c++) {
		size_t distance = command_distance(c, group, name);
		if (distance < best_distance) {
			best_distance = distance;
			best = c;
		}
	}
	return best;
}

const char *nearest_group(const char *word)
{
	const char *best = NULL;
	size_t best_distance = strlen(word) / 3 + 2;
	for (const struct command *c = commands; c->name != NULL; c++) {
		size_t distance = nearest_distance(c->group, word);
		if (c->group[0] != '\0' && distance < best_distance) {
			best_distance = distance;
			best = c->group;
		}
	}
	return best;
}
