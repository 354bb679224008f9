/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hub/hub.h - one hub: what it has, and its loop (hub/loop.c).
 *
 * One thread.  A round of the loop has three phases that never mix:
 *   1. take every whole frame of every connection that is ready, and queue the answers;
 *   2. make the mailbox durable in one commit;
 *   3. send what is queued.
 * So no answer and no instruction leaves before what it depends on is durable, and one sync serves all
 * frames of a round.  When phase 2 fails there is no phase 3: the loop ends.
 */
#ifndef DSKE_HUB_HUB_H
#define DSKE_HUB_HUB_H

#include "base/file.h"
#include "base/rc.h"
#include "hub/conf.h"
#include "hub/mailbox.h"
#include "hub/vault.h"

struct conn;
struct control;

#define HUB_READ_LEN ((size_t)64 << 10)

struct hub {
	struct hub_conf conf;
	struct vault *vault;
	struct mailbox *mailbox;
	struct fd lock;             /* of the state folder */
	struct fd epoll, listener, signals;
	int64_t now_ms;             /* clock_ms() as of this round */
	uint64_t round;             /* counts them */
	struct control *control;    /* what the operator asks (hub/control.h) */
	struct conn *first, *last;  /* connections, oldest first */
	size_t conn_count, leased_count;
	struct conn *marked;        /* connections with something to do at the round's end */
	int64_t wake_ms;            /* when a connection has whole frames to be looked at; INT64_MAX: never */
	bool accept_paused;         /* no descriptors left: try again with the next tick */
	int64_t tick_ms;            /* when the next tick is due */
	struct {
		uint64_t round;     /* in which it was read; 0: not at all */
		struct id client;
		struct policy policy;
	} policy;                   /* the last that was asked for (hub/limits.c) */
	uint8_t *read_space;        /* owned; HUB_READ_LEN bytes that each connection reads into in its turn */
	size_t stranger_lines, stranger_left_out; /* of the log, since the last tick (hub/stranger.h) */
	size_t stranger_bytes;      /* of frames that are not whole (hub/stranger.h) */
	bool stop;
};

/* Opens state and port; conf is moved in, whatever comes of it.  Signals TERM, INT and HUP are blocked
 * and taken by the loop.  Errors: as vault_new and mailbox_open; BUSY (another hub has this state folder, or
 * the port is in use), DENIED, UNREACHABLE. */
dske_rc hub_open(struct hub **out, struct hub_conf *conf);

/* Until SIGTERM or SIGINT (OK).  Errors: SYNC (the mailbox), IO. */
dske_rc hub_run(struct hub *h);

/* Reads the configuration again: groups, limits, log.  The rest needs a restart.  A file that is not
 * valid is logged and changes nothing. */
void hub_reload(struct hub *h);

void hub_close(struct hub *h); /* safe on NULL */

#endif
