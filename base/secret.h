/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base/secret.h - memory for secrets.
 *
 * A `struct secret` owns its bytes on pages of their own: locked while RLIMIT_MEMLOCK allows, always
 * excluded from core files (MADV_DONTDUMP), emptied in a forked child (MADV_WIPEONFORK), guarded by
 * inaccessible pages, and wiped when dropped.  It is moved, never copied, and nothing prints it.
 * Small secrets share pages from an arena; the guards then stand around the arena.
 *
 * Any thread may allocate, cut and drop.  A forked child may too: the secrets it inherited read as
 * zeros, and may be dropped.  data is aligned to 32 bytes.
 */
#ifndef DSKE_BASE_SECRET_H
#define DSKE_BASE_SECRET_H

#include <stddef.h>
#include <stdint.h>

#include "base/rc.h"

struct secret {
	uint8_t *data; /* owned; NULL when empty */
	size_t len;    /* bytes */
};

/* Allocates len zero bytes (len 0 gives an empty secret).  *s must be empty.  Errors: NOMEM. */
dske_rc secret_alloc(struct secret *s, size_t len);

/* Allocates and copies in from plain memory; the caller wipes its own copy.  Errors: NOMEM. */
dske_rc secret_from(struct secret *s, const void *bytes, size_t len);

/* Allocates len bytes from the kernel's generator (getrandom).  Errors: NOMEM, IO. */
dske_rc secret_random(struct secret *s, size_t len);

/* Moves ownership; *to is dropped first, *from is empty afterwards.  Nothing happens where to == from. */
void secret_move(struct secret *to, struct secret *from);

/* Shortens to len bytes; the rest is wiped and given back.  A len that is no less changes nothing. */
void secret_cut(struct secret *s, size_t len);

/* Wipes and frees; *s is empty afterwards.  Safe on an empty one. */
void secret_drop(struct secret *s);

/* Wipes memory in a way that no compiler removes. */
void mem_wipe(void *p, size_t len);

/* Compares in time that depends on len alone. */
bool mem_equal(const void *a, const void *b, size_t len);

/* Fills p with bytes of the kernel's generator.  Errors: IO. */
dske_rc random_fill(void *p, size_t len);

/* Turns off core files and tracing for this process (programs only, never the module). */
void process_harden(void);

#endif
