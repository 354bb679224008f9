/* SPDX-License-Identifier: Apache-2.0 */
/* pskm/stock-accept.c - the hub takes a report, and makes the tables that it tells of. */
#include "config.h"

#include <fcntl.h>
#include <string.h>

#include "pskm/folder.h"
#include "pskm/header-file.h"
#include "pskm/list.h"
#include "pskm/stock-impl.h"

struct taking {
	struct stock *stock;
	struct hold hold;
	const uint8_t *bytes;
	size_t len;
	const struct stock_place *place;
	uint64_t number;
	struct stock_report report;
};

static void taking_drop(struct taking *a)
{
	stock_report_drop(&a->report);
	hold_drop(&a->hold);
}

/* ---- moving a portion ------------------------------------------------------------------------------- */

/* Is that table the one that this portion became, before a crash? */
static dske_rc moved_before(const struct pskm_header *h, const char *tables_dir)
{
	struct pskm_header there;
	struct path folder, p;

	TRY(table_folder(&folder, tables_dir, &h->table));
	TRY(path_format(&p, "%s/" TABLE_FILE_HEADER, folder.s));
	TRY(header_file_read(&there, p.s));
	if (!id_equal(&there.client, &h->client) || !id_equal(&there.hub, &h->hub) || there.layout.len != h->layout.len)
		return FAIL(EXISTS, "%s is another table than the one that the report names", folder.s);
	return file_sync_dir_of(folder.s); /* whoever gave it its name may have got no further */
}

static dske_rc copy_bytes(struct stock *s, const struct portion *p, struct cover *table)
{
	AUTO(secret) bytes = {0};

	TRY(secret_alloc(&bytes, TABLE_CHUNK_LEN));
	for (uint64_t done = 0; done < p->layout.len; done += TABLE_CHUNK_LEN) {
		uint64_t left = p->layout.len - done;
		size_t len = (size_t)(left < TABLE_CHUNK_LEN ? left : TABLE_CHUNK_LEN);
		TRY(cover_read(&s->table->cover, p->start + done, bytes.data, len));
		TRY(cover_write(table, done, bytes.data, len));
	}
	return DSKE_OK;
}

/* The hub's copy, as container_make leaves it: without the keys that the distributor used for the container. */
static dske_rc make_table(struct stock *s, const struct portion *p, const struct stock_place *place)
{
	AUTO(folder) folder = {.lock = FD_NONE};
	AUTO(cover) table = {.bytes = FD_NONE, .salts = FD_NONE};
	struct pskm_header h;
	const struct range *keys = &p->layout.region[REGION_CONTAINER];

	portion_header(&h, p, &s->table->header);
	dske_rc rc = folder_begin(&folder, place->tables_dir, &h.table);
	if (rc_is(rc, DSKE_RC_EXISTS))
		return moved_before(&h, place->tables_dir);
	TRY(rc);
	TRY(folder_create_cover(&folder, &table, &h, place->table_key));
	TRY(copy_bytes(s, p, &table));
	TRY(cover_erase(&table, keys->start, keys->end));
	TRY(cover_sync(&table));
	return folder_finish(&folder, &h, SIDE_HUB);
}

/* Portions that are accepted and not moved yet, in their order.  A table is there before the stock's ledger says so. */
static dske_rc settle_moves(struct stock *s, struct hold *h, const struct stock_place *place)
{
	while (stock_now(s)->settled < stock_now(s)->logged) {
		struct ledger next = s->table->now;
		struct stock_entry e;

		TRY(stock_log_read(s->log.n, &s->table->header.table, next.stock.settled, &e));
		if (!e.portion.wasted)
			TRY(make_table(s, &e.portion, place));
		next.stock.settled++;
		next.up_high = portion_end(&e.portion);
		TRY(hold_commit(h, &next));
		TRY(hold_sweep(h));
	}
	return DSKE_OK;
}

/* ---- alarms ----------------------------------------------------------------------------------------- */

static dske_rc freeze(struct taking *a)
{
	struct ledger next = a->stock->table->now;

	next.state = TABLE_FROZEN;
	next.clone_alarms++;
	return hold_commit(&a->hold, &next);
}

#define FROZEN_NOW                                                                                            \
	"the stock is frozen, since two copies of it are in use. What was accepted stays served, nothing of the other " \
	"copy ever will be; find out how it came to be copied"

/* Whose the portion was in which `at` lies.  Errors: NOT_FOUND. */
static dske_rc find_owner(const struct stock *s, uint64_t at, struct stock_entry *e)
{
	for (uint64_t i = stock_now(s)->logged; i-- > 0;) {
		TRY(stock_log_read(s->log.n, &s->table->header.table, i, e));
		if (e->portion.start <= at)
			return DSKE_OK;
	}
	return FAIL(NOT_FOUND, "no portion lies there");
}

static dske_rc refuse_double(struct taking *a, const struct portion *p)
{
	struct stock_entry e;
	char before[ID_HEX_LEN], now[ID_HEX_LEN];

	TRY(freeze(a));
	if (!rc_ok(find_owner(a->stock, p->start, &e)))
		return FAIL(CLONED, "report %llu gives bytes %llu to %llu to client %s (%s), which were used before: " FROZEN_NOW,
			    (unsigned long long)a->number, (unsigned long long)p->start, (unsigned long long)portion_end(p),
			    p->client_name, id_hex(&p->client, now));
	return FAIL(CLONED, "DOUBLE ALLOCATION: report %llu gives bytes %llu to %llu to client %s (%s), and report %llu gave bytes "
			    "%llu to %llu to client %s (%s): " FROZEN_NOW,
		    (unsigned long long)a->number, (unsigned long long)p->start, (unsigned long long)portion_end(p),
		    p->client_name, id_hex(&p->client, now), (unsigned long long)e.report,
		    (unsigned long long)e.portion.start, (unsigned long long)portion_end(&e.portion), e.portion.client_name,
		    id_hex(&e.portion.client, before));
}

/* ---- judging a report ------------------------------------------------------------------------------- */

static dske_rc read_and_check_front(struct taking *a)
{
	AUTO(secret) key = {0};
	struct id stock;

	TRY(stock_report_peek(a->bytes, a->len, &stock, &a->number));
	if (!id_equal(&stock, &a->stock->table->header.table))
		return FAIL(DENIED, "the report is about another stock");
	TRY(stock_report_key(a->stock, a->number, &key));
	TRY(stock_report_verify(a->bytes, a->len, key.data));
	return stock_report_read(&a->report, a->bytes, a->len);
}

/* Two texts under one number: which portion is the first that they tell otherwise? */
static dske_rc refuse_other_text(struct taking *a, const struct buf *kept)
{
	AUTO(stock_report) before = {0};
	size_t i = 0;

	TRY(stock_report_read(&before, kept->data, kept->len));
	while (i < before.count && i < a->report.count && id_equal(&before.portion[i].table, &a->report.portion[i].table))
		i++;
	if (i < before.count && i < a->report.count)
		return refuse_double(a, &a->report.portion[i]);
	TRY(freeze(a));
	return FAIL(CLONED, "report %llu was accepted before with other contents: " FROZEN_NOW, (unsigned long long)a->number);
}

static dske_rc check_repeated(struct taking *a)
{
	AUTO(buf) kept = {0};

	TRY(stock_report_load(a->stock, a->number, &kept));
	if (kept.len == a->len && memcmp(kept.data, a->bytes, a->len) == 0)
		return DSKE_OK;
	return refuse_other_text(a, &kept);
}

static dske_rc check_history(struct taking *a)
{
	const struct stock_record *now = stock_now(a->stock);

	if (a->number > now->reports + 1)
		return FAIL(STATE, "this is report %llu, and report %llu is not accepted yet: accept that one first. If it was refused, "
				   "change what the refusal named, or leave those clients out (--leave-out); if it never came, at "
				   "the distributor: dske distributor report --number %llu",
			    (unsigned long long)a->number, (unsigned long long)now->reports + 1,
			    (unsigned long long)now->reports + 1);
	if (memcmp(a->report.before, now->digest, STOCK_DIGEST_LEN) == 0)
		return DSKE_OK;
	if (a->report.portion[0].start < a->stock->table->now.up_high)
		return refuse_double(a, &a->report.portion[0]);
	TRY(freeze(a));
	return FAIL(CLONED, "report %llu follows another report %llu than the one that was accepted, which gave other portions "
			    "to other clients: " FROZEN_NOW,
		    (unsigned long long)a->number, (unsigned long long)now->reports);
}

static dske_rc check_new_table(const struct taking *a, size_t i)
{
	const struct id *table = &a->report.portion[i].table;
	char hex[ID_HEX_LEN];
	struct pskm_header h;
	struct path folder, p;

	for (size_t j = 0; j < i; j++)
		if (id_equal(table, &a->report.portion[j].table))
			return FAIL(FORMAT, "the report names table %s twice", id_hex(table, hex));
	TRY(table_folder(&folder, a->place->tables_dir, table));
	TRY(path_format(&p, "%s/" TABLE_FILE_HEADER, folder.s));
	if (rc_is(header_file_read(&h, p.s), DSKE_RC_NOT_FOUND))
		return DSKE_OK;
	return FAIL(EXISTS, "there is a table %s already", id_hex(table, hex));
}

static dske_rc check_portion(struct taking *a, size_t i, uint64_t expected)
{
	const struct portion *p = &a->report.portion[i];

	TRY(portion_check(p, &a->stock->table->header));
	if (p->start < expected)
		return refuse_double(a, p);
	if (p->start > expected)
		return FAIL(FORMAT, "the report leaves out bytes %llu to %llu of the stock", (unsigned long long)expected,
			    (unsigned long long)p->start);
	return check_new_table(a, i);
}

static dske_rc check_portions(struct taking *a, stock_policy *policy, void *context)
{
	uint64_t expected = a->stock->table->now.up_high;

	for (size_t i = 0; i < a->report.count; i++) {
		TRY(check_portion(a, i, expected));
		expected = portion_end(&a->report.portion[i]);
	}
	for (size_t i = 0; i < a->report.count; i++) {
		struct portion *p = &a->report.portion[i];
		bool serve = true;

		if (policy != NULL && !p->wasted)
			TRY(policy(context, p, &serve));
		p->wasted = p->wasted || !serve;
	}
	return DSKE_OK;
}

/* ---- accepting -------------------------------------------------------------------------------------- */

/* Durable, one text for ever; what follows can be finished by whoever comes next. */
static dske_rc record(struct taking *a)
{
	struct ledger next = a->stock->table->now;

	TRY(stock_log_append(a->stock, a->report.portion, a->report.count, a->number));
	TRY(stock_report_keep(a->stock, a->number, a->bytes, a->len));
	next.stock.logged += a->report.count;
	next.stock.reports = a->number;
	memcpy(next.stock.before, next.stock.digest, STOCK_DIGEST_LEN);
	TRY(stock_report_digest(next.stock.digest, a->bytes, a->len));
	return hold_commit(&a->hold, &next);
}

dske_rc stock_accept(struct stock *s, const void *bytes, size_t len, const struct stock_place *place, stock_policy *policy,
		     void *context, struct stock_accepted *out)
{
	AUTO(taking) a = {.stock = s, .bytes = bytes, .len = len, .place = place};

	TRY(table_require_side(s->table, SIDE_HUB));
	TRY(stock_hold(s, &a.hold));
	TRY(settle_moves(s, &a.hold, place));
	TRY(read_and_check_front(&a));
	*out = (struct stock_accepted){.number = a.number, .first = stock_now(s)->logged};
	if (a.number <= stock_now(s)->reports) {
		out->repeated = true;
		return check_repeated(&a);
	}
	TRY(check_history(&a));
	TRY(check_portions(&a, policy, context));
	TRY(record(&a));
	out->count = a.report.count;
	return settle_moves(s, &a.hold, place);
}
