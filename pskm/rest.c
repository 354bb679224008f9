/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "pskm/rest.h"

#include "core/layout.h"

#define LEN_STEP 64 /* of a table */

static uint64_t range_len(const struct range *r)
{
	return r->end - r->start;
}

uint64_t rest_len(const struct rest *r)
{
	return range_len(&r->up) + range_len(&r->down);
}

static uint64_t min64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

dske_rc rest_plan(struct table *t, struct rest *out)
{
	AUTO(hold) hold = {0};
	const struct range *up = &t->header.layout.region[REGION_UP], *down = &t->header.layout.region[REGION_DOWN];
	char hex[ID_HEX_LEN];

	TRY(table_require_side(t, SIDE_HUB));
	TRY(hold_take(&hold, t));
	TRY(hold_require_active(&hold));
	out->up = (struct range){t->now.up_high, up->end};
	out->down = (struct range){min64(t->now.down_high + REST_MARGIN, down->end), down->end};
	uint64_t more = rest_len(out) % LEN_STEP;
	struct range *cut = range_len(&out->down) >= more ? &out->down : &out->up;
	cut->end -= more;
	if (rest_len(out) >= TABLE_LEN_MIN)
		return DSKE_OK;
	return FAIL(EXHAUSTED, "table %s has %llu bytes left to take, and the smallest table %llu", id_hex(&t->header.table, hex),
		    (unsigned long long)rest_len(out), (unsigned long long)TABLE_LEN_MIN);
}

/* Inside the table, and nothing of it used here? */
static dske_rc check(const struct table *t, const struct rest *r)
{
	const struct layout *l = &t->header.layout;

	if (r->up.start > r->up.end || r->down.start > r->down.end || !layout_holds(l, REGION_UP, r->up.start, range_len(&r->up)) ||
	    !layout_holds(l, REGION_DOWN, r->down.start, range_len(&r->down)))
		return FAIL(REGION, "the ranges do not lie in that table's regions");
	if (t->now.up_high > r->up.start || t->now.down_high > r->down.start)
		return FAIL(USED, "some of these bytes were used here already, so none of them is taken: the hub did not know of it "
				  "(it was restored, or confirmations were lost); get a new PSKM");
	return DSKE_OK;
}

dske_rc rest_look(struct rest_taking *k, struct table *t, const struct rest *r)
{
	TRY(hold_take(&k->hold, t));
	TRY(hold_require_active(&k->hold));
	TRY(check(t, r));
	k->rest = *r;
	k->done = 0;
	return DSKE_OK;
}

dske_rc rest_commit(struct rest_taking *k)
{
	const struct table *t = k->hold.t;
	struct ledger next = t->now;

	k->done = 0;
	next.up_high = t->header.layout.region[REGION_UP].end;
	next.down_high = t->header.layout.region[REGION_DOWN].end;
	next.state = TABLE_MOVED;
	return hold_commit(&k->hold, &next);
}

dske_rc rest_take(struct rest_taking *k, struct table *t, const struct rest *r)
{
	TRY(rest_look(k, t, r));
	return rest_commit(k);
}

/* What lies at `from` of the rest, at most len bytes in one piece: where it is, and how long. */
static uint64_t piece_at(const struct rest_taking *k, uint64_t from, size_t *len)
{
	uint64_t up = range_len(&k->rest.up), total = rest_len(&k->rest);
	uint64_t end = from < up ? up : total;

	*len = (size_t)min64(*len, end - from);
	return from < up ? k->rest.up.start + from : k->rest.down.start + (from - up);
}

dske_rc rest_read(void *context, uint64_t from, void *out, size_t len)
{
	const struct rest_taking *k = context;
	uint8_t *to = out;

	if (k->hold.t == NULL || from > rest_len(&k->rest) || len > rest_len(&k->rest) - from)
		return FAIL(STATE, "no more bytes were taken of that table");
	while (len > 0) {
		size_t part = len;
		uint64_t at = piece_at(k, from, &part);

		TRY(cover_read(&k->hold.t->cover, at, to, part));
		from += part;
		to += part;
		len -= part;
	}
	return DSKE_OK;
}

dske_rc rest_fill(void *context, void *out, size_t len)
{
	struct rest_taking *k = context;

	TRY(rest_read(k, k->done, out, len));
	k->done += len;
	return DSKE_OK;
}

dske_rc rest_erase(struct rest_taking *k)
{
	return hold_sweep(&k->hold);
}

void rest_drop(struct rest_taking *k)
{
	hold_drop(&k->hold);
}
