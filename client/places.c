/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "client/places.h"

#include <errno.h>
#include <glob.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/conf.h"

void places_drop(struct places *p)
{
	free(p->at);
	*p = (struct places){0};
}

/* ---- patterns -------------------------------------------------------------------------------------- */

static dske_rc places_append(struct places *p, const char *path)
{
	if (p->count == MEDIA_PLACES_MAX)
		return DSKE_OK;
	struct path *grown = reallocarray(p->at, p->count + 1, sizeof *grown);
	if (grown == NULL)
		return rc_make(DSKE_RC_NOMEM);
	p->at = grown;
	TRY(path_format(&grown[p->count], "%s", path));
	p->count++;
	return DSKE_OK;
}

/* A folder that cannot be read matches nothing, as one that is not there. */
static dske_rc match_one(struct places *out, const char *pattern, const char *below)
{
	struct path whole;
	glob_t found = {0};
	dske_rc rc = DSKE_OK;
	TRY(path_format(&whole, "%s%s", pattern, below));
	if (glob(whole.s, 0, NULL, &found) == 0) {
		for (size_t i = 0; rc_ok(rc) && i < found.gl_pathc; i++)
			rc = places_append(out, found.gl_pathv[i]);
	}
	globfree(&found);
	return rc;
}

/* The next of the patterns, made absolute; false after the last. */
static bool next_pattern(struct path *out, const struct config *c, const char **rest, dske_rc *rc)
{
	size_t len;
	do {
		*rest += strspn(*rest, ", \t");
		len = strcspn(*rest, ",");
	} while (len == 0 && **rest != '\0');
	if (len == 0)
		return false;
	const char *start = *rest;
	*rest += len;
	while (start[len - 1] == ' ' || start[len - 1] == '\t' || (start[len - 1] == '/' && len > 1))
		len--;
	*rc = path_format(out, "%.*s", (int)len, start);
	if (rc_ok(*rc))
		*rc = conf_folder(out, c->file.s);
	return rc_ok(*rc);
}

static dske_rc match_all(struct places *out, const struct config *c, const char *below)
{
	struct path pattern;
	const char *rest = c->media;
	dske_rc rc = DSKE_OK;
	*out = (struct places){0};
	while (rc_ok(rc) && next_pattern(&pattern, c, &rest, &rc))
		rc = match_one(out, pattern.s, below);
	if (!rc_ok(rc))
		places_drop(out);
	return rc;
}

dske_rc places_match(struct places *out, const struct config *c)
{
	return match_all(out, c, "");
}

dske_rc places_find(struct places *out, const struct config *c)
{
	return match_all(out, c, "/" MEDIA_FOLDER);
}

static bool is_below(const char *path, const char *folder)
{
	size_t len = strlen(folder);
	return strncmp(path, folder, len) == 0 && (path[len] == '/' || path[len] == '\0' || (len == 1 && folder[0] == '/'));
}

/* The innermost. */
dske_rc place_of(struct path *out, const struct config *c, const char *path)
{
	AUTO(places) p = {0};
	char real[PATH_MAX], place[PATH_MAX];
	size_t best = 0;
	if (realpath(path, real) == NULL)
		return rc_fail(errno == ENOENT ? DSKE_RC_NOT_FOUND : DSKE_RC_IO, "%s: %m", path);
	TRY(places_match(&p, c));
	for (size_t i = 0; i < p.count; i++) {
		if (realpath(p.at[i].s, place) == NULL || !is_below(real, place) || strlen(place) <= best)
			continue;
		best = strlen(place);
		TRY(path_format(out, "%s/" MEDIA_FOLDER, p.at[i].s));
	}
	if (best > 0)
		return DSKE_OK;
	return FAIL(NOT_FOUND, "%s lies on none of the media that %s names: put a line such as `media = /media/*/*` below [client]",
		    path, c->file.s);
}
