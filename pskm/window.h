/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pskm/window.h - a stretch of one region that the ledger has given to this process for good.
 *
 * A window exists only after the ledger durably records all of its bytes as used; so nothing taken
 * from it needs another sync, and a crash wastes at most the window.  It lives in process memory and
 * nowhere else.  It belongs to the process that opened it: in a forked child every call fails FORKED.
 *
 * On the client the bytes are read and erased from the file at once.  On the hub they are read, and
 * erased from the file, in blocks of 4 KiB at most, as what is taken reaches them; two such blocks of a window
 * are in memory at most.
 */
#ifndef DSKE_PSKM_WINDOW_H
#define DSKE_PSKM_WINDOW_H

#include <stddef.h>
#include <stdint.h>

#include "base/rc.h"
#include "core/pad.h"

struct window; /* not thread-safe: one owner */

#define WINDOW_LEN_MAX (UINT64_C(64) << 20) /* bytes; whoever wants more gets this */

uint64_t window_start(const struct window *w);
uint64_t window_end(const struct window *w);

/* Bytes that window_reserve can still give. */
uint64_t window_left(const struct window *w);

/* Allocator: the next len unused bytes, moved out as a pad.  Errors: EXHAUSTED, FORKED, NOMEM, IO. */
dske_rc window_reserve(struct window *w, size_t len, struct pad *pad);

/* Verifier, first: are these bytes in the window and unused?  Errors: WINDOW, USED. */
dske_rc window_check(const struct window *w, uint64_t offset, uint64_t len);

/* Verifier, second: reads without using up, for the message-tag key alone (len <= 32).
 * Errors: as window_check, FORKED, IO. */
dske_rc window_peek(struct window *w, uint64_t offset, void *out, size_t len);

/* Verifier, after the tag held: marks the range as used and moves its bytes out.
 * Errors: as window_check, FORKED, NOMEM, IO. */
dske_rc window_take(struct window *w, uint64_t offset, size_t len, struct pad *pad);

/* Wipes and erases what is left; takes the hold of a hub's table.  Safe on NULL. */
void window_free(struct window *w);

#endif
