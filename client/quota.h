/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client/quota.h - how many keys this client agrees on, and how much of its tables they may take, in a minute and a day
 * (DSKE 4.1, depletion): of all, and with each peer; those that it initiates, and those that it receives.  The limits
 * are the configuration's; the accounts are the file `quotas` in the state folder, for all its processes.
 *
 * The clock is the wall's.  If it goes back, what was used counts as used just now; no clock decides about pads.
 */
#ifndef DSKE_CLIENT_QUOTA_H
#define DSKE_CLIENT_QUOTA_H

#include "client/config.h"
#include "client/group.h"

enum quota_side { QUOTA_WE_SEND, QUOTA_WE_RECEIVE, QUOTA_SIDES };

/* One key of so many bytes of each table, with these peers: those that we send to, or the one that we receive from.
 * charge: it is taken, or else only asked about.  Nothing is charged that does not fit all limits.  Errors: DENIED with
 * which limit and whose, IO, CORRUPT. */
dske_rc quotas_use(const struct config *c, enum quota_side side, const struct peer *peers, size_t count, uint64_t bytes, bool charge);

/* The most bytes of a table that one key from this peer may take by any quota to receive; UINT64_MAX: there is none. */
uint64_t quotas_longest(const struct config *c, const struct peer *peer);

#endif
