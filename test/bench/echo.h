/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test/bench/echo.h - the least that an agreement through hubs can be: processes that pass on messages of
 * the same number and size as a hub does, make 8 bytes or a long share durable before they do, and check nothing.
 *
 *	receiver -- WAIT -->  stub  <-- SHARE -- initiator
 *	                     sync
 *	   <-- INSTRUCTION --      -- REPLY -->
 *	   -- RECEIPT -->    sync
 *
 * A stub syncs once for all that it took in one round of its loop, as a hub does.
 */
#ifndef DSKE_TEST_BENCH_ECHO_H
#define DSKE_TEST_BENCH_ECHO_H

#include <stddef.h>
#include <sys/types.h>

#include "base/file.h"
#include "test/bench/pairs.h"

#define ECHO_STUBS_MAX 9

struct echo_end { /* one thread's connections */
	int fd[ECHO_STUBS_MAX];
};

struct echo {
	size_t count;
	pid_t pid[ECHO_STUBS_MAX];
	unsigned port[ECHO_STUBS_MAX];
	struct echo_end initiator[PAIRS_MAX], receiver[PAIRS_MAX];
};

/* Starts the stubs, whose files are in `folder`, and connects all pairs.  An INSTRUCTION is longer by `share_len` than that
 * of a key of 256 bits, and so much is written before it is sent.  No thread of ours may run yet. */
void echo_start(struct echo *e, size_t stubs, const struct path *folder, size_t share_len);
void echo_stop(struct echo *e);

extern const struct way echo_way; /* its pairs' context is the struct echo */

#endif
