/* SPDX-License-Identifier: Apache-2.0 */
/* client/report.c - what hubs did, as who asked is told. */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>

#include "client/client.h"

void report_drop(struct report *r)
{
	free(r->hub);
	*r = (struct report){0};
}

char *report_hubs(const struct report *r)
{
	char *text = malloc(r->count * (NAME_MAX_LEN + 1) + 1);
	size_t len = 0;

	if (text == NULL)
		return NULL;
	text[0] = '\0';
	for (size_t i = 0; i < r->count; i++) {
		if (rc_ok(r->hub[i].rc))
			len += (size_t)sprintf(text + len, "%s%s", len > 0 ? "," : "", r->hub[i].name);
	}
	return text;
}
