/* SPDX-License-Identifier: Apache-2.0 */
/* pskm/lowwater.c - marks, and what was said of them. */
#include "config.h"

#include "pskm/lowwater.h"

#include <string.h>

#include "base/conf.h"

/* ---- the setting ---------------------------------------------------------------------------------- */

static dske_rc mark_percent(struct low_water *out, const char *key, const char *word, size_t len)
{
	char digits[8] = "";
	uint64_t n = 0;

	if (len - 1 < sizeof digits)
		memcpy(digits, word, len - 1);
	TRY(conf_uint(&n, key, digits, 1, 99));
	out->percent = (unsigned)n;
	return DSKE_OK;
}

static dske_rc mark_time(struct low_water *out, const char *key, const char *word, size_t len)
{
	char text[16] = "";
	int64_t ms = 0;

	if (len < sizeof text)
		memcpy(text, word, len);
	TRY(conf_duration_ms(&ms, key, text));
	if (ms < 1000)
		return FAIL(CONFIG, "%s = %s: at least 1s", key, text);
	out->lasts_s = (uint64_t)ms / 1000;
	return DSKE_OK;
}

static dske_rc mark_one(struct low_water *out, const char *key, const char *word, size_t len)
{
	bool percent = word[len - 1] == '%';

	if (percent ? out->percent != 0 : out->lasts_s != 0)
		return FAIL(CONFIG, "%s: one share and one time at most", key);
	return percent ? mark_percent(out, key, word, len) : mark_time(out, key, word, len);
}

dske_rc low_water_parse(struct low_water *out, const char *key, const char *value)
{
	static const char blank[] = ", \t";
	struct low_water mark = {0};

	if (strcmp(value, "none") != 0) {
		for (const char *p = value + strspn(value, blank); *p != '\0'; p += strspn(p, blank)) {
			size_t len = strcspn(p, blank);
			if (!rc_ok(mark_one(&mark, key, p, len)))
				return FAIL(CONFIG, "%s = %s: a share of the table (1%% to 99%%), a time that it lasts (7d, 12h), "
						    "both, or none", key, value);
			p += len;
		}
		if (mark.percent == 0 && mark.lasts_s == 0)
			return FAIL(CONFIG, "%s: a share of the table (10%%), a time that it lasts (7d), both, or none", key);
	}
	*out = mark;
	return DSKE_OK;
}

/* ---- the marks ------------------------------------------------------------------------------------ */

static unsigned part(uint64_t left, uint64_t total, uint64_t least)
{
	return left < least || total == 0 ? 0 : (unsigned)((double)left / (double)total * LOW_WATER_WHOLE + 1);
}

static unsigned min(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

unsigned low_water_left(const struct table_status *s)
{
	unsigned left = min(part(s->up_left, s->up_len, LOW_WATER_LEAST), part(s->down_left, s->down_len, LOW_WATER_LEAST));

	return min(min(left, part(s->lease_left, s->lease_slots, 1)), LOW_WATER_WHOLE);
}

bool low_water_passed(const struct low_water *mark, const struct table_status *s)
{
	unsigned left = low_water_left(s);

	return left == 0 || left < mark->percent * (LOW_WATER_WHOLE / 100) || s->supply.lasts_s < mark->lasts_s;
}

enum low_news low_watch_look(struct low_watch *w, const struct low_water *mark, const struct table_status *s)
{
	unsigned left = low_water_left(s);
	enum low_news news = LOW_NOTHING_NEW;

	if (!w->told)
		news = low_water_passed(mark, s) ? LOW_PASSED : LOW_NOTHING_NEW;
	else if (left <= w->left / 2)
		news = LOW_HALVED;
	if (left == 0 && (!w->told || w->left != 0))
		news = LOW_EMPTY;
	else if (left == 0)
		news = LOW_NOTHING_NEW;
	if (news != LOW_NOTHING_NEW)
		*w = (struct low_watch){.told = true, .left = left};
	return news;
}
