/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vpn/day.h - a limit on the bytes of a day that a new run of the program does not begin anew (DSKE 4.1, depletion).
 *
 * The account (base/quota.h) is in a file.  It is charged a portion at a time, durably, before the first byte of the
 * portion is taken; what a run has charged and not taken is lost with it.  So a portion is a small part of the limit, and
 * the disk is waited for once in many keys.  A period is a stretch of 24 hours; what was used leaves the account 24 to 28
 * hours later.
 *
 * One thread at a time; now_s: seconds of the day's clock, which goes on while the program does not run.
 */
#ifndef DSKE_VPN_DAY_H
#define DSKE_VPN_DAY_H

#include <stdint.h>

#include "base/file.h"
#include "base/quota.h"
#include "base/rc.h"

struct day {
	struct fd file;       /* locked while it is open */
	uint64_t limit;       /* bytes; 0: none, and no file */
	uint64_t portion;
	uint64_t charged;     /* of what is in the account: not taken yet */
	int64_t charged_s;    /* when the last portion was */
	struct quota_use use;
};
#define DAY_NONE {.file = FD_NONE}

/* Makes the file if it is not there.  limit 0: everything is granted, and path not looked at.  least: bytes that are taken at a
 * time at most.  Errors: BUSY (another program counts there), CORRUPT, NOT_FOUND (no such folder), DENIED, IO. */
dske_rc day_open(struct day *d, const char *path, uint64_t limit, uint64_t least);
void day_drop(struct day *d); /* safe on an empty one */

/* *granted: so many bytes more are in the limit, and taken.  Errors: IO, SYNC (then nothing is taken). */
dske_rc day_take(struct day *d, int64_t now_s, uint64_t bytes, bool *granted);

/* What was taken, and not used. */
void day_give_back(struct day *d, uint64_t bytes);

/* Bytes taken, of those that count now. */
uint64_t day_used(const struct day *d, int64_t now_s);

#endif
