/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hubproto/fanout.h - n connections in one poll loop with one deadline.  Carries frames, knows nothing
 * of pads.  No thread, no signal, nothing outlives a call but the connections.  Not thread-safe: one thread at a time.
 */
#ifndef DSKE_HUBPROTO_FANOUT_H
#define DSKE_HUBPROTO_FANOUT_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "base/net.h"
#include "base/rc.h"
#include "hubproto/frame.h"

struct fanout;

/* Called from within fanout_run.  `i` is the connection's index.  They may call anything here but
 * fanout_run and fanout_free; an envelope lives until its callback returns, also after fanout_close. */
struct fanout_ops {
	void (*connected)(void *context, size_t i);
	void (*frame)(void *context, size_t i, const struct envelope *e);
	/* The connection failed or ended; why says what an operator needs.  It may be connected again. */
	void (*lost)(void *context, size_t i, dske_rc why);
};

dske_rc fanout_new(struct fanout **out, const struct fanout_ops *ops, void *context);

/* Adds a connection, not yet connecting; *i is its index, from 0 upwards.  Errors: NOMEM, CONFIG.
 * A host name is looked up when connecting, and that waits for the resolver; numbers never wait. */
dske_rc fanout_add(struct fanout *f, const char *address, size_t *i);

/* Closes it, without calling lost, and gives it another address.  Errors: CONFIG; then it stays as it was. */
dske_rc fanout_move(struct fanout *f, size_t i, const char *address);

/* Begins to connect unless connected or connecting.  A failure at once is told by `lost` in the next
 * run; so is an earlier one that is not told yet, and then this does nothing. */
void fanout_connect(struct fanout *f, size_t i);
bool fanout_is_connected(const struct fanout *f, size_t i);

/* Queues a whole frame (length included); copied; written by fanout_run.  Errors: CLOSED (not connected),
 * TOOBIG (more than two of the longest frames are queued: that hub does not read), NOMEM. */
dske_rc fanout_send(struct fanout *f, size_t i, const uint8_t *frame, size_t len);
bool fanout_has_unsent(const struct fanout *f); /* any connected one with bytes queued */

/* Longest item accepted from there; FRAME_MAX_BEFORE_LEASE again with each new connection. */
void fanout_set_frame_max(struct fanout *f, size_t i, size_t max);
void fanout_close(struct fanout *f, size_t i); /* without calling lost */

/* Polls and calls back until done(context) is true (OK) or the monotonic clock reaches deadline_ms
 * (TIMEOUT; what has come by then is looked at first), or cancelled is non-NULL and becomes true
 * (CANCELLED; looked at at least every 100 ms). */
dske_rc fanout_run(struct fanout *f, int64_t deadline_ms, bool (*done)(void *context), void *context,
		   const atomic_bool *cancelled);

/*
 * For several threads that use one fanout under one lock: a turn at a time, by whichever of them is there.  It waits for at
 * most wait_ms, reads what has come and hands it out.  What is queued is written by fanout_flush, so that one write serves
 * several.  Around the wait `before` and `after` are called: the lock is given away there, and others may call
 * everything here but this.  What they change is seen when `waker` becomes readable (an eventfd, which is emptied);
 * fanout_changes tells whether there is something to see: it counts.  Errors: IO.
 */
struct fanout_pause {
	int waker;
	void (*before)(void *context);
	void (*after)(void *context);
	void *context;
};
dske_rc fanout_step(struct fanout *f, int wait_ms, const struct fanout_pause *pause);
void fanout_flush(struct fanout *f);
unsigned fanout_changes(const struct fanout *f);

/* In a forked child: closes the descriptors without touching the connections (no shutdown). */
void fanout_free(struct fanout *f);

#endif
