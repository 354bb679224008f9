/* SPDX-License-Identifier: Apache-2.0 */
/* tools/nearest.h - what was probably meant by a command that there is not. */
#ifndef DSKE_TOOLS_NEAREST_H
#define DSKE_TOOLS_NEAREST_H

#include "tools/tool.h"

/* Letters to change, leave out, put in or swap with their neighbour to make one of the other. */
size_t nearest_distance(const char *a, const char *b);

/* Borrowed; NULL: nothing is near enough. */
const struct command *nearest_command(const char *group, const char *name);
const char *nearest_group(const char *word);

#endif
