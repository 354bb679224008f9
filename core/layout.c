/* SPDX-License-Identifier: Apache-2.0 */
/* core/layout.c - the project's split of a table, and the check of any split. */
#include "core/layout.h"

#include "core/gf128.h"

#define REGION_ALIGN UINT64_C(64)
#define LEASE_LEN_MIN (UINT64_C(32) << 10)
#define LEASE_LEN_MAX (UINT64_C(16) << 20)
#define LEASE_SHARE 64 /* one part in so many of the table goes to leases */

static uint64_t round_up(uint64_t value, uint64_t align)
{
	return (value + align - 1) / align * align;
}

/* One key a chunk and one for the header. */
static uint64_t container_len(uint64_t table_len)
{
	return ((table_len + TABLE_CHUNK_LEN - 1) / TABLE_CHUNK_LEN + 1) * KEY_TAG_KEY_LEN;
}

static uint64_t lease_len(uint64_t table_len)
{
	uint64_t len = table_len / LEASE_SHARE;

	if (len < LEASE_LEN_MIN)
		len = LEASE_LEN_MIN;
	if (len > LEASE_LEN_MAX)
		len = LEASE_LEN_MAX;
	return len / LEASE_SLOT_LEN * LEASE_SLOT_LEN;
}

static bool table_len_fits(uint64_t len)
{
	return len >= TABLE_LEN_MIN && len <= TABLE_LEN_MAX && len % REGION_ALIGN == 0;
}

/* up and down: halves of what the others leave, or down the least that it can be. */
static dske_rc split(struct layout *l, uint64_t len, bool halves)
{
	uint64_t end[REGION_COUNT], start = 0;

	if (!table_len_fits(len))
		return FAIL(ARGS, "a table has %llu to %llu bytes, a multiple of %llu; not %llu",
			    (unsigned long long)TABLE_LEN_MIN, (unsigned long long)TABLE_LEN_MAX,
			    (unsigned long long)REGION_ALIGN, (unsigned long long)len);

	end[REGION_CONTAINER] = round_up(container_len(len), REGION_ALIGN);
	/* so that the slots that follow never straddle a page */
	end[REGION_ACTIVATION] = round_up(end[REGION_CONTAINER] + ACTIVATION_LEN + RETIRING_LEN, LEASE_SLOT_LEN);
	end[REGION_LEASE] = end[REGION_ACTIVATION] + lease_len(len);
	end[REGION_UP] = halves ? end[REGION_LEASE] + (len - end[REGION_LEASE]) / 2 / REGION_ALIGN * REGION_ALIGN :
				  len - REGION_ALIGN;
	end[REGION_DOWN] = len;

	l->len = len;
	for (enum region i = 0; i < REGION_COUNT; i++) {
		l->region[i] = (struct range){start, end[i]};
		start = end[i];
	}
	return DSKE_OK;
}

dske_rc layout_make(struct layout *l, uint64_t len)
{
	return split(l, len, true);
}

dske_rc layout_make_stock(struct layout *l, uint64_t len)
{
	return split(l, len, false);
}

static uint64_t region_len_min(enum region region, uint64_t table_len)
{
	switch (region) {
	case REGION_CONTAINER:
		return container_len(table_len);
	case REGION_ACTIVATION:
		return ACTIVATION_LEN;
	case REGION_LEASE:
		return LEASE_SLOT_LEN;
	default:
		return REGION_ALIGN;
	}
}

dske_rc layout_check(const struct layout *l)
{
	uint64_t start = 0;

	if (!table_len_fits(l->len))
		return FAIL(FORMAT, "the table's length, %llu bytes, is out of bounds", (unsigned long long)l->len);
	for (enum region i = 0; i < REGION_COUNT; i++) {
		const struct range *r = &l->region[i];

		if (r->start != start || r->end <= r->start || r->end > l->len)
			return FAIL(FORMAT, "the %s region does not adjoin the one before it", region_name(i));
		if (r->end % REGION_ALIGN != 0)
			return FAIL(FORMAT, "the %s region is not aligned", region_name(i));
		if (r->end - r->start < region_len_min(i, l->len))
			return FAIL(FORMAT, "the %s region is too small", region_name(i));
		start = r->end;
	}
	if (start != l->len)
		return FAIL(FORMAT, "the regions do not cover the table");
	if (l->region[REGION_LEASE].start % LEASE_SLOT_LEN != 0)
		return FAIL(FORMAT, "the lease region is not aligned to its slots");
	return DSKE_OK;
}

bool layout_holds(const struct layout *l, enum region region, uint64_t start, uint64_t len)
{
	const struct range *r = &l->region[region];

	return start >= r->start && start <= r->end && len <= r->end - start;
}

uint64_t layout_retiring_offset(const struct layout *l)
{
	uint64_t offset = l->region[REGION_ACTIVATION].start + ACTIVATION_LEN;

	return layout_holds(l, REGION_ACTIVATION, offset, RETIRING_LEN) ? offset : UINT64_MAX;
}

uint64_t layout_lease_slots(const struct layout *l)
{
	return (l->region[REGION_LEASE].end - l->region[REGION_LEASE].start) / LEASE_SLOT_LEN;
}

uint64_t layout_lease_offset(const struct layout *l, uint64_t slot)
{
	if (slot >= layout_lease_slots(l))
		return UINT64_MAX;
	return l->region[REGION_LEASE].start + slot * LEASE_SLOT_LEN;
}

const char *region_name(enum region region)
{
	static const char *const names[REGION_COUNT] = {
		[REGION_CONTAINER] = "container", [REGION_ACTIVATION] = "activation", [REGION_LEASE] = "lease",
		[REGION_UP] = "up",               [REGION_DOWN] = "down",
	};

	return (unsigned)region < REGION_COUNT ? names[region] : "unknown";
}
