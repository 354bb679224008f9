/* SPDX-License-Identifier: Apache-2.0 */
/* test/lib/scratch.h - a folder that a test makes and removes; and looking at single files of it. */
#ifndef DSKE_TEST_LIB_SCRATCH_H
#define DSKE_TEST_LIB_SCRATCH_H

#include <stddef.h>

#include "base/file.h"

/* Makes a new folder below TMPDIR or /tmp.  Aborts the program where that is not possible. */
void scratch_make(struct path *folder);

/* Removes it with all that is in it. */
void scratch_remove(const struct path *folder);

/* The same as cmocka's set-up and tear-down; *state is the folder's path. */
int scratch_set_up(void **state);
int scratch_tear_down(void **state);

/* The same for a whole group of tests: cmocka's group set-up and tear-down, and the folder between them. */
extern struct path scratch_folder;
int scratch_group_set_up(void **state);
int scratch_group_tear_down(void **state);

/* A copy of a folder with all that is in it; what was at `to` before is gone. */
void scratch_copy(const char *from, const char *to);

/* FOLDER/NAME; in one of eight static places that are used in turn. */
const char *scratch_path(const struct path *folder, const char *name);

/* Writes len bytes to FOLDER/NAME and returns its path, as scratch_path. */
const char *scratch_write(const struct path *folder, const char *name, const void *bytes, size_t len);

/* Reads a text of less than cap bytes and ends it with a zero byte; returns its length. */
size_t scratch_read(const char *path, char *out, size_t cap);

/* The number of names in the folder. */
size_t scratch_count(const struct path *folder);

#endif
