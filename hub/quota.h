/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hub/quota.h - what one client may use up of the hub and of others' tables (DSKE 4.1, depletion): by what it sends, by what
 * is sent to it, and by pair.  Limits are the configuration's ([limits]); the accounts are in the mailbox, changed in
 * the commit that takes the share, so that neither a crash nor a restart gives a client its quota anew.
 */
#ifndef DSKE_HUB_QUOTA_H
#define DSKE_HUB_QUOTA_H

#include "hub/hub.h"

/* May this share be taken?  Otherwise a sentence for the log in why.  Charges nothing.  Errors: IO, as the mailbox. */
dske_rc quota_allows(struct hub *h, const struct terms *t, uint64_t range_len, bool *allowed, char why[160]);

/* It is taken.  Errors: IO. */
dske_rc quota_take(struct hub *h, const struct terms *t, uint64_t range_len);

/* May it be sealed once more for one of its receivers, whose table that uses up again?  Charged to what he receives if
 * *allowed.  Errors: IO. */
dske_rc quota_take_again(struct hub *h, const struct terms *t, const struct id *receiver, uint64_t range_len, bool *allowed,
			 char why[160]);

#endif
