/* SPDX-License-Identifier: Apache-2.0 */
/* hub/loop.h - parts of hub/hub.h's loop that its own files share. */
#ifndef DSKE_HUB_LOOP_H
#define DSKE_HUB_LOOP_H

#include "hub/hub.h"

/* Accepts what waits at the door, within the limit of connections. */
void loop_accept(struct hub *h);

/* Watches the door, or not. */
void loop_watch_door(struct hub *h, bool open);

/* Once a second: expiry, idle connections, the door. */
dske_rc loop_tick(struct hub *h);

#endif
