/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hub/control.h - a running hub's control socket, STATE/control (0600): commands of the hub's own user and of
 * root (SO_PEERCRED), a line each (hub/command.h).  Part of the hub's loop, and never waited for.
 */
#ifndef DSKE_HUB_CONTROL_H
#define DSKE_HUB_CONTROL_H

#include "hub/hub.h"

#define CONTROL_CONNS_MAX 8 /* one more, and the oldest ends */

struct control;

/* Behind the lock of the state folder; a socket that a killed hub left is replaced.  Errors: IO, DENIED, NOMEM. */
dske_rc control_open(struct control **out, struct hub *h);
void control_close(struct control *c); /* safe on NULL */

/* Is this epoll pointer one of its own?  Then control_event takes it: the command is done at once. */
bool control_owns(const struct control *c, const void *pointer);
void control_event(struct control *c, void *pointer);

/* Now and then: closes what was lent to an operator's command and is in use no more; lets in who could not be. */
void control_tick(struct hub *h);

/* Phase 3: sends the answers. */
void control_flush(struct control *c);

#endif
