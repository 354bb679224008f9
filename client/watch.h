/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client/watch.h - waiting until tables may have come or gone, in the caller's thread and without a lock.
 *
 *	watch_begin        first, so that nothing happens unseen between looking and waiting
 *	look (client_refresh, client_presence); leave if that is enough
 *	watch_wait, and from the start again
 *
 * The kernel tells of changes in folders (inotify) and of mounts (/proc/self/mountinfo); where it cannot, the caller's
 * timeout is how often it looks.  No descriptor of a watch keeps a medium from being unmounted.
 */
#ifndef DSKE_CLIENT_WATCH_H
#define DSKE_CLIENT_WATCH_H

#include "base/file.h"
#include "base/rc.h"
#include "client/config.h"

struct watch {
	struct fd changes, mounts;
};
#define WATCH_NONE {FD_NONE, FD_NONE}

/* Begins, or takes in folders that are new.  What cannot be watched is not. */
void watch_begin(struct watch *w, const struct config *c);

/* Returns after a change, when wake (a descriptor; -1: none) becomes readable, or at the end of timeout_ms. */
void watch_wait(struct watch *w, int wake, int timeout_ms);

void watch_drop(struct watch *w);

#endif
