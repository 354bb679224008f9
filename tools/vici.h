/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tools/vici.h - as much of strongSwan's control protocol (vici, README.md of its libcharon) as one command needs.
 *
 * A packet is its length (4 bytes, big-endian), a type, for a request the command's name (one byte of length), and a
 * message: elements, each a type and then a name (one byte of length), a value (two bytes of length), or both.
 */
#ifndef DSKE_TOOLS_VICI_H
#define DSKE_TOOLS_VICI_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/rc.h"

#define VICI_ANSWER_MAX 4096 /* bytes; a longer one is no answer to what we ask */
#define VICI_REASON_MAX 256  /* with its final zero */

/* Begins a request in b, which is on the caller's memory: of a secret, where the message holds one. */
void vici_begin(struct buf *b, const char *command);
void vici_value(struct buf *b, const char *name, const void *value, size_t len);
void vici_text(struct buf *b, const char *name, const char *value);
void vici_list(struct buf *b, const char *name, const char *const *items, size_t count);

/* Reads an answer without its length.  *success is whether it says so; reason its errmsg, printable, perhaps cut.
 * Errors: FORMAT. */
dske_rc vici_read(const uint8_t *answer, size_t len, bool *success, char reason[VICI_REASON_MAX]);

/* Connects to a daemon's socket.  Errors: UNREACHABLE, ARGS (the path is too long). */
dske_rc vici_connect(struct fd *f, const char *path);

/* Sends the request, and waits ten seconds for its answer.  Errors: DENIED with the daemon's reason, TIMEOUT, IO,
 * FORMAT, TOOBIG. */
dske_rc vici_call(int fd, const struct buf *request);

#endif
