/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base/conf.h - configuration files: [section] or [section NAME], key = value, ';' and '#' comments (at
 * the start of a line or after a blank).  UTF-8, at most 1 MiB; sections at most 127 bytes, lines and
 * values of any length.  Errors name file and line.
 */
#ifndef DSKE_BASE_CONF_H
#define DSKE_BASE_CONF_H

#include <stddef.h>
#include <stdint.h>

#include "base/file.h"
#include "base/rc.h"

/* Called for each setting.  `name` is the second word of "[hub hub1]", or "".  A failing rc stops the
 * reading; its sentence is prefixed by "FILE:LINE: ". */
typedef dske_rc conf_handler(void *context, const char *section, const char *name, const char *key, const char *value);

/* The strings that the handler is given die when it returns.  Errors: NOT_FOUND, DENIED, IO, CONFIG,
 * and the handler's own. */
dske_rc conf_read(const char *path, conf_handler *handler, void *context);

/* Values.  Errors: CONFIG with a sentence that names key and value. */
dske_rc conf_uint(uint64_t *out, const char *key, const char *value, uint64_t least, uint64_t most);
dske_rc conf_bool(bool *out, const char *key, const char *value);                  /* yes/no/true/false/on/off/1/0 */
dske_rc conf_text(char *out, size_t cap, const char *key, const char *value);      /* not empty, < cap bytes */
dske_rc conf_size(uint64_t *out, const char *key, const char *value);              /* 64K, 16M, 2G, 1T: powers of 1024 */
dske_rc conf_duration_ms(int64_t *out, const char *key, const char *value);        /* 500ms, 10s, 2m, 1h, 7d; bare = s */

/* "3..9", "5" (5..5), "3.." (no upper bound but most).  Errors: CONFIG. */
struct conf_range {
	unsigned least, most;
};
dske_rc conf_range(struct conf_range *out, const char *key, const char *value, unsigned least, unsigned most);
bool conf_range_has(const struct conf_range *r, unsigned value);

/* Resolves a folder or file that a setting of `file` names, in place: one that is not absolute counts from the file's own
 * folder, which an empty name means.  Errors: TOOBIG. */
dske_rc conf_folder(struct path *folder, const char *file);

/* Fails for a key that the section does not have, naming it.  Errors: CONFIG. */
dske_rc conf_unknown(const char *section, const char *key);

#endif
