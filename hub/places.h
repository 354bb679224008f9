/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hub/places.h - connections are bounded, and shared out: among clients by who has proved to be one with a LEASE, never
 * by who knocks.  One place in eight is kept for connections without a lease, so that a client always gets as far as
 * that.
 */
#ifndef DSKE_HUB_PLACES_H
#define DSKE_HUB_PLACES_H

#include "hub/hub.h"

/* A newcomer is at the door.  The oldest connection without a lease makes room, if it had its time. */
bool places_for_newcomer(struct hub *h);

/* A connection is to get its first lease, of that client.  When all places are taken the oldest connection of the client
 * that has the most makes room, or the client's own oldest if that one has not at least two more.  False: there is
 * neither. */
bool places_for_client(struct hub *h, const struct hub_client *client);

#endif
