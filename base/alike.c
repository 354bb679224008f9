/* SPDX-License-Identifier: Apache-2.0 */
/* base/alike.c - two names look alike when they have one look. */
#include "base/alike.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>

/* What a reader sees, and what stands for it; the first that fits counts.  In lower case. */
static const struct {
	const char *seen, *as;
} looks[] = {
	{"rn", "m"}, {"vv", "w"}, {"cl", "d"},
	{"i", "l"},  {"1", "l"},  {"0", "o"},  {"5", "s"}, {"8", "b"}, {"2", "z"},
	{".", "-"},  {"_", "-"},
};

static void lower(char out[NAME_MAX_LEN + 1], const char *name)
{
	size_t len = 0;

	for (; name[len] != '\0' && len < NAME_MAX_LEN; len++)
		out[len] = (char)tolower((unsigned char)name[len]);
	out[len] = '\0';
}

/* Length of what was read; *as: what stands for it, one character. */
static size_t look(const char *at, char *as)
{
	for (size_t i = 0; i < sizeof looks / sizeof looks[0]; i++) {
		size_t len = strlen(looks[i].seen);

		if (strncmp(at, looks[i].seen, len) == 0) {
			*as = looks[i].as[0];
			return len;
		}
	}
	*as = at[0];
	return 1;
}

void name_look(char out[NAME_MAX_LEN + 1], const char *name)
{
	char text[NAME_MAX_LEN + 1];
	size_t len = 0;

	lower(text, name);
	for (const char *at = text; *at != '\0';) {
		at += look(at, &out[len]);
		if (out[len] != '-' || len == 0 || out[len - 1] != '-') /* of several in a row one is seen */
			len++;
	}
	while (len > 0 && out[len - 1] == '-')
		len--;
	out[len] = '\0';
}

bool names_alike(const char *a, const char *b)
{
	char x[NAME_MAX_LEN + 1], y[NAME_MAX_LEN + 1];

	name_look(x, a);
	name_look(y, b);
	return strcmp(x, y) == 0 && strcmp(a, b) != 0;
}
