/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pskm/supply.h - how fast a table is used, and how long what is left of it lasts.
 *
 * The ledger keeps a few samples of what was left when (pskm/format.h, "usage history").  They are
 * information alone: no byte is given or refused by them, and they come from a clock that may be set
 * back or forward at any time.  Whatever the clock does, the answer is a sane forecast or none.
 *
 * Pure functions; no I/O, no clock of their own.  Times are seconds since the epoch.
 */
#ifndef DSKE_PSKM_SUPPLY_H
#define DSKE_PSKM_SUPPLY_H

#include <stddef.h>
#include <stdint.h>

#define SUPPLY_SAMPLES 32
#define SUPPLY_INTERVAL_S 60                          /* at most one sample in as long */
#define SUPPLY_EVIDENCE_S 600                         /* no forecast from less */
#define SUPPLY_DAY_S (UINT64_C(24) * 3600)
#define SUPPLY_WEEK_S (7 * SUPPLY_DAY_S)
#define SUPPLY_UNKNOWN UINT64_MAX                     /* no forecast */

struct supply_left {
	uint64_t up, down; /* bytes */
	uint64_t lease;    /* slots */
};

struct supply_sample {
	uint64_t time; /* never 0 */
	struct supply_left left;
};

/* Times rise, what is left never does. */
struct supply_history {
	size_t count;
	struct supply_sample at[SUPPLY_SAMPLES];
};

/* As in the ledger.  What is not possible there (times that fall, supplies that rise) reads as no history. */
#define SUPPLY_SAMPLE_LEN 32 /* bytes */
#define SUPPLY_HISTORY_LEN (SUPPLY_SAMPLES * SUPPLY_SAMPLE_LEN)
void supply_history_write(uint8_t out[SUPPLY_HISTORY_LEN], const struct supply_history *h);
void supply_history_read(struct supply_history *h, const uint8_t in[SUPPLY_HISTORY_LEN]);

/* Takes a sample, unless the last one is younger than SUPPLY_INTERVAL_S.  When there is no room that one goes
 * which is missed least: the older, the sparser they stand, and the first one stays.  Samples of a time that is
 * still to come go too: the clock was wrong then, or is wrong now. */
void supply_note(struct supply_history *h, uint64_t now, const struct supply_left *left);

struct supply {
	double up_rate, down_rate; /* bytes a second; 0: not in use, or not known */
	double lease_rate;         /* slots a second */
	uint64_t lasts_s;          /* until the scarcest of the three is gone; SUPPLY_UNKNOWN */
};

/* Looks back a day and a week, or as far as there are samples, and goes by the higher of the two rates: who
 * began to use more today is told today.  Errors: none; where nothing can be said, zeros and SUPPLY_UNKNOWN. */
struct supply supply_forecast(const struct supply_history *h, uint64_t now, const struct supply_left *left,
			      const struct supply_left *total);

/* How long that much lasts at s's rates, whatever s->lasts_s says; SUPPLY_UNKNOWN where nothing is used. */
uint64_t supply_lasts(const struct supply *s, const struct supply_left *left);

/* "9 days"; text holds SUPPLY_TEXT_MAX bytes and is returned.  No finer than the forecast is worth. */
#define SUPPLY_TEXT_MAX 64
const char *supply_duration(uint64_t seconds, char text[SUPPLY_TEXT_MAX]);

/* "empty in 9 days at this rate", "empty", "no forecast yet". */
const char *supply_sentence(uint64_t seconds, char text[SUPPLY_TEXT_MAX]);

#endif
