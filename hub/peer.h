/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hub/peer.h - whom may this client know of?  One answer for a client that does not exist and for one
 * that policy keeps apart: NULL, after the same steps, so that neither words nor time tell which.
 */
#ifndef DSKE_HUB_PEER_H
#define DSKE_HUB_PEER_H

#include "hub/hub.h"

/* Borrowed.  A client may always know itself. */
const struct hub_client *peer_by_id(struct hub *h, const struct hub_client *asking, const struct id *id);
const struct hub_client *peer_by_name(struct hub *h, const struct hub_client *asking, const char *name);

#endif
