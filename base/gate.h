/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base/gate.h - the gate before libcrypto, whose locks a forked child gets as they are at that moment, held by threads
 * that it does not have, and whose clean-up at exit takes everything away from under threads that still run.
 *
 * Whoever calls libcrypto does it between gate_enter() and gate_leave(), which may nest.  A fork waits until everybody
 * has left, and nobody enters before it is done; the clean-up waits likewise, and nobody enters any more.  Both wait for
 * a bounded time only: the gate spares children and the end of a process trouble, and may cost nobody else a deadlock
 * (a host's own fork handler may wait for a thread that waits here).
 *
 * Between the two nothing waits for a lock of ours that somebody could hold who enters: not a module's, a client's
 * or a store's.  vfork, posix_spawn, system and popen are not noticed, and need not be: their child only execs.
 */
#ifndef DSKE_BASE_GATE_H
#define DSKE_BASE_GATE_H

#include <stdbool.h>

/* Once a process, before its first libcrypto call; again in a forked child.  Without it nobody waits for anybody.  From then
 * on a forked child closes what base/heirloom.h knows. */
void gate_start(void);

/* False: libcrypto has been cleaned up, or is about to be; nothing of it may be called, and gate_leave() neither. */
bool gate_enter(void) __attribute__((warn_unused_result));

/* The same for what frees contexts, under any lock: waits for no fork, since freeing takes no lock of libcrypto's. */
bool gate_enter_to_free(void) __attribute__((warn_unused_result));

void gate_leave(void);

/* How often somebody's patience ended, in this process: 0 unless something hangs or works very long. */
unsigned gate_given_up(void);

#endif
