/* SPDX-License-Identifier: Apache-2.0 */
/* base/alike.h - names that a person may take for one another. */
#ifndef DSKE_BASE_ALIKE_H
#define DSKE_BASE_ALIKE_H

#include <stdbool.h>

#include "base/id.h"

/*
 * Two different names (base/id.h, name_check) that look alike: they differ in case alone, in characters that fonts draw
 * alike (1 l I i, 0 O, rn m, vv w, cl d, 5 S, 8 B, 2 Z), in which of . _ - stands between words, or in those at the
 * end.  False for equal names.
 */
bool names_alike(const char *a, const char *b);

/* What a reader sees of it: equal for names that look alike, and no longer than the name. */
void name_look(char out[NAME_MAX_LEN + 1], const char *name);

#endif
