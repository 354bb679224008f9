/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hub/lease.h - the hub as witness of what its clients allocate (doc/protocol.md, "The lease").
 *
 *   LEASE    a fresh slot: recorded together with the window it is granted, then GRANT; the same bytes
 *            again on the same connection get the same GRANT.  On another connection, or after a restart,
 *            the window is gone, so there is none to grant again: a note names the next free slot.
 *            Other bytes on a used slot are the clone alarm, answered once a slot by CLONED.
 *   CONFIRM  of the lease just granted: opens its up window and the down window.  It has no answer.
 */
#ifndef DSKE_HUB_LEASE_H
#define DSKE_HUB_LEASE_H

#include "hub/dispatch.h"

void lease_receive(struct request *r);
void lease_confirm_receive(struct request *r);

#endif
