/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pskm/lowwater.h - when a table has so little left that its operator should get the next PSKM, and how
 * often that is said.
 */
#ifndef DSKE_PSKM_LOWWATER_H
#define DSKE_PSKM_LOWWATER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/rc.h"
#include "pskm/table.h"

/* Below either mark a table is low. */
struct low_water {
	unsigned percent;  /* of the table that is left, in the scarcest of both directions and lease slots; 0: no such mark */
	uint64_t lasts_s;  /* that the rest lasts, by the forecast; 0: no such mark */
};
#define LOW_WATER_DEFAULT {.percent = 10, .lasts_s = SUPPLY_WEEK_S}

/* "10%", "7d", "10%, 7d", "none".  Errors: CONFIG with a sentence that names key and value. */
dske_rc low_water_parse(struct low_water *out, const char *key, const char *value);

/* Too little for another short key. */
#define LOW_WATER_LEAST 128 /* bytes */

/* What is left of the scarcest of both directions and lease slots, in millionths of the whole; 0: it is empty. */
#define LOW_WATER_WHOLE 1000000u
unsigned low_water_left(const struct table_status *s);

/* Has the table passed the mark?  An empty one has, whatever the mark. */
bool low_water_passed(const struct low_water *mark, const struct table_status *s);

/* What was said already of one table, in this process; begins zeroed. */
struct low_watch {
	bool told;
	unsigned left; /* low_water_left, when it was told */
};

/* Worth saying: when the mark is passed, whenever what is left has halved since it was said, and when the table is
 * empty; never twice the same. */
enum low_news { LOW_NOTHING_NEW, LOW_PASSED, LOW_HALVED, LOW_EMPTY };
enum low_news low_watch_look(struct low_watch *w, const struct low_water *mark, const struct table_status *s);

#endif
