/* SPDX-License-Identifier: Apache-2.0 */
/* test/core/vectors.h - reads test/vectors: lines of hexadecimal fields, '-' for the empty string. */
#ifndef DSKE_TEST_CORE_VECTORS_H
#define DSKE_TEST_CORE_VECTORS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/id.h"

#define VECTOR_FIELDS_MAX 4
#define VECTOR_LEN_MAX 2048

struct vector {
	size_t count;
	size_t len[VECTOR_FIELDS_MAX];
	uint8_t field[VECTOR_FIELDS_MAX][VECTOR_LEN_MAX];
};

static inline void vector_parse(struct vector *v, char *line)
{
	char *rest = NULL;

	v->count = 0;
	for (char *word = strtok_r(line, " \n", &rest); word; word = strtok_r(NULL, " \n", &rest)) {
		size_t len = strcmp(word, "-") == 0 ? 0 : strlen(word) / 2;

		assert_true(v->count < VECTOR_FIELDS_MAX && len <= VECTOR_LEN_MAX);
		if (len > 0)
			assert_true(rc_ok(hex_decode(v->field[v->count], len, word)));
		v->len[v->count++] = len;
	}
}

/* Calls `check` for each line of test/vectors/NAME, which must have `fields` fields; at least one. */
static inline void vectors_each(const char *name, size_t fields, void (*check)(const struct vector *v))
{
	static char line[2 * VECTOR_FIELDS_MAX * VECTOR_LEN_MAX];
	static struct vector v;
	const char *top = getenv("top_srcdir");
	char path[4096];
	size_t lines = 0;

	snprintf(path, sizeof path, "%s/test/vectors/%s", top ? top : "..", name);
	FILE *f = fopen(path, "r");
	if (!f)
		fail_msg("cannot open %s: set top_srcdir", path);
	while (fgets(line, sizeof line, f)) {
		if (line[0] == '#')
			continue;
		vector_parse(&v, line);
		assert_int_equal(v.count, fields);
		check(&v);
		lines++;
	}
	fclose(f);
	assert_true(lines > 0);
}

#endif
