/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base/quota.h - how much in a minute and in a day: limits on what one party may use of another's table (DSKE 4.1,
 * depletion).  Keys are counted, and bytes of table.  Arithmetic only: the caller has the clock and keeps the account.
 */
#ifndef DSKE_BASE_QUOTA_H
#define DSKE_BASE_QUOTA_H

#include <stdint.h>

#include "base/rc.h"

enum quota_unit { QUOTA_KEYS, QUOTA_BYTES, QUOTA_UNITS };
enum quota_period { QUOTA_MINUTE, QUOTA_DAY, QUOTA_PERIODS };

struct quota {
	uint64_t most[QUOTA_PERIODS][QUOTA_UNITS]; /* 0: no limit */
};

/* What was used of late.  A period is six slots; what the present one and the six before it hold is at least what any
 * stretch of a period's length that ends now holds: so no stretch ever exceeds a limit, wherever it begins. */
#define QUOTA_SLOTS 7
struct quota_use {
	int64_t slot[QUOTA_PERIODS]; /* the newest */
	uint64_t used[QUOTA_PERIODS][QUOTA_UNITS][QUOTA_SLOTS];
};

/* Can it be one that was written here?  What is read from a file is asked about before anything else is done with it. */
bool quota_use_is_sound(const struct quota_use *u);

/* The longest that a use counts. */
#define QUOTA_MEMORY_S (7 * 4 * 3600)

/* Settings are PREFIX_keys_per_minute, PREFIX_bytes_per_day and so on; 0 is no limit.  *known: is key one of them?
 * Errors: CONFIG. */
dske_rc quota_set(struct quota *q, const char *prefix, const char *key, const char *value, bool *known);

bool quota_is_set(const struct quota *q); /* any limit at all */

/* One more key of so many bytes of table, now?  Otherwise which limit it would pass, as "3 keys a minute", in what[64].
 * now_s: seconds since any moment, not negative.  If the clock goes back by a slot at most, time stands still; by
 * more, then all that was used counts as used now.  Nothing is charged. */
bool quota_admits(const struct quota *q, const struct quota_use *u, int64_t now_s, uint64_t bytes, char what[64]);

void quota_charge(struct quota_use *u, int64_t now_s, uint64_t bytes);

#endif
