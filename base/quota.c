/* SPDX-License-Identifier: Apache-2.0 */
/* base/quota.c - accounts in slots of a sixth of a period. */
#include "base/quota.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/conf.h"

static const struct {
	const char *name;
	int64_t slot_s;
} periods[QUOTA_PERIODS] = {[QUOTA_MINUTE] = {"minute", 10}, [QUOTA_DAY] = {"day", 4 * 3600}};

static const char *const units[QUOTA_UNITS] = {[QUOTA_KEYS] = "keys", [QUOTA_BYTES] = "bytes"};

static dske_rc set_one(uint64_t *most, enum quota_unit unit, const char *key, const char *value)
{
	return unit == QUOTA_BYTES ? conf_size(most, key, value) : conf_uint(most, key, value, 0, UINT32_MAX);
}

dske_rc quota_set(struct quota *q, const char *prefix, const char *key, const char *value, bool *known)
{
	char name[64];

	*known = false;
	for (size_t p = 0; p < QUOTA_PERIODS; p++)
		for (size_t u = 0; u < QUOTA_UNITS; u++) {
			snprintf(name, sizeof name, "%s_%s_per_%s", prefix, units[u], periods[p].name);
			if (strcmp(name, key) != 0)
				continue;
			*known = true;
			return set_one(&q->most[p][u], (enum quota_unit)u, key, value);
		}
	return DSKE_OK;
}

bool quota_is_set(const struct quota *q)
{
	for (size_t p = 0; p < QUOTA_PERIODS; p++)
		for (size_t u = 0; u < QUOTA_UNITS; u++)
			if (q->most[p][u] != 0)
				return true;
	return false;
}

bool quota_use_is_sound(const struct quota_use *u)
{
	for (size_t p = 0; p < QUOTA_PERIODS; p++)
		if (u->slot[p] < 0) /* it is an index, modulo QUOTA_SLOTS */
			return false;
	return true;
}

static uint64_t used(const struct quota_use *u, size_t period, size_t unit)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < QUOTA_SLOTS; i++)
		sum += u->used[period][unit][i];
	return sum;
}

/* Everything into one slot. */
static void gather(struct quota_use *u, size_t period, int64_t slot)
{
	for (size_t unit = 0; unit < QUOTA_UNITS; unit++) {
		uint64_t sum = used(u, period, unit);

		memset(u->used[period][unit], 0, sizeof u->used[period][unit]);
		u->used[period][unit][slot % QUOTA_SLOTS] = sum;
	}
	u->slot[period] = slot;
}

/* Slot s lies at s modulo QUOTA_SLOTS; those that the time passes over are empty. */
static void advance(struct quota_use *u, size_t period, int64_t now_s)
{
	int64_t slot = now_s / periods[period].slot_s, passed = slot - u->slot[period];

	if (passed < -1)
		gather(u, period, slot);
	if (passed <= 0)
		return;
	for (int64_t i = 1; i <= passed && i <= QUOTA_SLOTS; i++)
		for (size_t unit = 0; unit < QUOTA_UNITS; unit++)
			u->used[period][unit][(u->slot[period] + i) % QUOTA_SLOTS] = 0;
	u->slot[period] = slot;
}

bool quota_admits(const struct quota *q, const struct quota_use *u, int64_t now_s, uint64_t bytes, char what[64])
{
	const uint64_t more[QUOTA_UNITS] = {[QUOTA_KEYS] = 1, [QUOTA_BYTES] = bytes};
	struct quota_use now = *u;

	for (size_t p = 0; p < QUOTA_PERIODS; p++) {
		advance(&now, p, now_s);
		for (size_t unit = 0; unit < QUOTA_UNITS; unit++) {
			uint64_t most = q->most[p][unit], so_far = used(&now, p, unit);

			if (most == 0 || (so_far <= most && more[unit] <= most - so_far))
				continue;
			snprintf(what, 64, "%" PRIu64 " %s a %s", most, units[unit], periods[p].name);
			return false;
		}
	}
	return true;
}

void quota_charge(struct quota_use *u, int64_t now_s, uint64_t bytes)
{
	for (size_t p = 0; p < QUOTA_PERIODS; p++) {
		advance(u, p, now_s);
		u->used[p][QUOTA_KEYS][u->slot[p] % QUOTA_SLOTS] += 1;
		u->used[p][QUOTA_BYTES][u->slot[p] % QUOTA_SLOTS] += bytes;
	}
}
