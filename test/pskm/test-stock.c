/* SPDX-License-Identifier: Apache-2.0 */
/* A stock between hub and distributor: portions become tables once, reports are taken once and in order, and a copy
 * of the stock is found. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "test/pskm/stock-world.h"

#define STOCK (UINT64_C(2) << 20)
#define SMALL TABLE_LEN_MIN
#define BIG (TABLE_CHUNK_LEN + 128 * 1024) /* two chunks */

static void cut(struct stock_world *w, const char *name, uint64_t size)
{
	assert_ok(world_cut(w, &w->stocks, name, size, NULL, NULL));
}

static void tell(struct stock_world *w, struct buf *out)
{
	assert_ok(world_tell(w, &w->stocks, 0, out));
}

static void assert_says(dske_rc rc, const char *name, const char *what)
{
	assert_string_equal(rc_name(rc), name);
	if (strstr(rc_detail(rc), what) == NULL)
		fail_msg("'%s' does not say '%s'", rc_detail(rc), what);
}

static enum table_state hub_state(const struct stock_world *w)
{
	AUTO(stock_view) v = {.log = FD_NONE};

	world_view(&w->hub_stocks, &w->header.table, &v);
	return v.state;
}

/* What client and hub hold of a cut are the stock's bytes, and the stock has them no more. */
static void assert_moved(struct stock_world *w, unsigned i)
{
	const struct portion *p = &w->cut[i].portion;
	uint64_t from = p->layout.region[REGION_ACTIVATION].start;
	size_t len = (size_t)(p->layout.len - from);
	uint8_t *bytes = malloc(len);

	world_read(&w->hub_tables, &p->table, SIDE_HUB, from, bytes, len);
	assert_memory_equal(bytes, w->truth + p->start + from, len);
	world_read(&w->clients, &p->table, SIDE_CLIENT, from, bytes, len);
	assert_memory_equal(bytes, w->truth + p->start + from, len);
	free(bytes);
	assert_true(world_erased(&w->hub_tables, &p->table, 0, from));
	assert_true(world_erased(&w->stocks, &w->header.table, p->start, portion_end(p)));
	assert_true(world_erased(&w->hub_stocks, &w->header.table, p->start, portion_end(p)));
}

static void activate(struct stock_world *w, unsigned i)
{
	struct path hub, client;
	struct table *h, *c;
	struct id nonce;

	assert_ok(table_folder(&hub, w->hub_tables.s, &w->cut[i].portion.table));
	assert_ok(table_folder(&client, w->clients.s, &w->cut[i].portion.table));
	assert_ok(table_open(&h, hub.s, SIDE_HUB, NULL));
	assert_ok(table_open(&c, client.s, SIDE_CLIENT, NULL));
	assert_ok(table_activation_begin(c, &nonce));
	assert_ok(table_activate(h, &nonce));
	assert_ok(table_activation_done(c));
	table_close(h);
	table_close(c);
}

static void test_walk(void **state)
{
	struct stock_world w;
	struct stock_accepted a;
	AUTO(buf) report = {0};
	AUTO(buf) again = {0};

	(void)state;
	world_init(&w, STOCK);
	cut(&w, "alice", SMALL);
	cut(&w, "bob", BIG);
	assert_int_equal(w.cut[1].portion.start, portion_end(&w.cut[0].portion));
	assert_ok(world_import(&w, 0));
	assert_ok(world_import(&w, 1));
	assert_int_equal(world_tables(&w.hub_tables), 0); /* only a report has them served */

	tell(&w, &report);
	assert_rc(world_tell(&w, &w.stocks, 0, &again), NOT_FOUND); /* nothing more to tell */
	assert_ok(world_tell(&w, &w.stocks, 1, &again));
	assert_int_equal(again.len, report.len);
	assert_memory_equal(again.data, report.data, report.len);
	assert_rc(world_tell(&w, &w.stocks, 2, &again), NOT_FOUND);

	assert_ok(world_accept(&w, report.data, report.len, &a));
	assert_int_equal(a.number, 1);
	assert_int_equal(a.count, 2);
	assert_false(a.repeated);
	assert_int_equal(world_tables(&w.hub_tables), 2);
	assert_moved(&w, 0);
	assert_moved(&w, 1);
	activate(&w, 0);

	assert_ok(world_accept(&w, report.data, report.len, &a)); /* does nothing, to an active table neither */
	assert_true(a.repeated);
	assert_int_equal(a.count, 0);
	activate(&w, 1);

	cut(&w, "carol", SMALL);
	assert_ok(world_import(&w, 2));
	buf_drop(&report);
	tell(&w, &report);
	assert_ok(world_accept(&w, report.data, report.len, &a));
	assert_int_equal(a.number, 2);
	assert_moved(&w, 2);
	world_drop(&w);
}

static void test_kinds(void **state)
{
	struct stock_world w;
	struct pskm_header h = {0};
	struct path container;
	struct stock *s;
	char passphrase[PASSPHRASE_TEXT_MAX];
	static const struct kdf_cost cheap = CHEAP;

	(void)state;
	world_init(&w, STOCK);
	assert_rc(pskm_kind_require(&w.header, PSKM_TABLE), DENIED);
	cut(&w, "alice", SMALL);
	assert_ok(container_peek(&h, w.cut[0].container.s));
	assert_rc(pskm_kind_require(&h, PSKM_STOCK), DENIED);
	assert_string_equal(h.client_name, "alice");
	assert_string_equal(h.hub_name, w.header.hub_name);
	assert_string_equal(h.hub_address, w.header.hub_address);
	assert_true(id_equal(&h.hub, &w.header.hub));
	/* a table in the folder of stocks is none */
	h.layout.len = SMALL;
	assert_ok(path_format(&container, "%s/x.pskm", w.scratch.s));
	assert_ok(container_make_at_cost(&h, w.hub_stocks.s, container.s, passphrase, &cheap, NULL, NULL));
	assert_rc(stock_open(&s, w.hub_stocks.s, &h.table, SIDE_HUB, NULL), DENIED);
	assert_null(s);
	world_drop(&w);
}

static void test_limits(void **state)
{
	struct stock_world w;
	AUTO(stock_view) v = {.log = FD_NONE};

	(void)state;
	world_init(&w, STOCK);
	assert_rc(world_cut(&w, &w.stocks, "alice", SMALL + 1, NULL, NULL), ARGS);
	assert_rc(world_cut(&w, &w.stocks, "alice", STOCK, NULL, NULL), EXHAUSTED);
	assert_rc(world_cut(&w, &w.stocks, "al ice", SMALL, NULL, NULL), ARGS);
	world_view(&w.stocks, &w.header.table, &v);
	assert_int_equal(v.left, v.len); /* nothing was wasted on those */
	uint64_t most = v.left / 64 * 64;
	cut(&w, "alice", most - SMALL);
	cut(&w, "bob", SMALL);
	assert_rc(world_cut(&w, &w.stocks, "carol", SMALL, NULL, NULL), EXHAUSTED);
	world_drop(&w);
}

static bool give_up(void *context, uint64_t done, uint64_t total)
{
	(void)context;
	(void)done;
	(void)total;
	return false;
}

static void test_wasted(void **state)
{
	struct stock_world w;
	struct stock_entry e;
	AUTO(stock_view) v = {.log = FD_NONE};
	AUTO(buf) report = {0};

	(void)state;
	world_init(&w, STOCK);
	assert_rc(world_cut(&w, &w.stocks, "alice", SMALL, give_up, NULL), CANCELLED);
	assert_int_equal(access(w.cut[0].container.s, F_OK), -1);
	cut(&w, "bob", SMALL);
	assert_ok(world_import(&w, 1));
	assert_int_equal(w.cut[1].portion.start, w.header.layout.region[REGION_UP].start + SMALL);
	tell(&w, &report);
	assert_ok(world_accept(&w, report.data, report.len, NULL));
	assert_int_equal(world_tables(&w.hub_tables), 1);
	assert_moved(&w, 1);
	world_view(&w.hub_stocks, &w.header.table, &v);
	assert_int_equal(v.portions, 2);
	assert_ok(stock_view_portion(&v, 0, &e));
	assert_true(e.portion.wasted);
	assert_string_equal(e.portion.client_name, "alice");
	assert_true(world_erased(&w.hub_stocks, &w.header.table, e.portion.start, portion_end(&e.portion)));
	world_drop(&w);
}

/* Whatever is done to a report on its way, it is refused, and the true one is taken afterwards. */
static void test_tampered(void **state)
{
	struct stock_world w;
	AUTO(buf) report = {0};

	(void)state;
	world_init(&w, STOCK);
	cut(&w, "alice", SMALL);
	cut(&w, "bob", SMALL);
	assert_ok(world_import(&w, 0));
	tell(&w, &report);
	for (size_t i = 0; i < report.len; i++) {
		report.data[i] ^= (uint8_t)(1u << i % 8);
		assert_false(rc_ok(world_accept(&w, report.data, report.len, NULL)));
		report.data[i] ^= (uint8_t)(1u << i % 8);
	}
	for (size_t len = 0; len < report.len; len++)
		assert_false(rc_ok(world_accept(&w, report.data, len, NULL)));
	assert_int_equal(world_tables(&w.hub_tables), 0);
	assert_int_equal(hub_state(&w), TABLE_IMPORTED);
	assert_ok(world_accept(&w, report.data, report.len, NULL));
	assert_moved(&w, 0);
	report.data[report.len - 1] ^= 1; /* nor does it raise an alarm later */
	assert_rc(world_accept(&w, report.data, report.len, NULL), TAG);
	assert_int_equal(hub_state(&w), TABLE_IMPORTED);
	world_drop(&w);
}

static void test_order(void **state)
{
	struct stock_world w;
	AUTO(buf) first = {0};
	AUTO(buf) second = {0};
	AUTO(buf) third = {0};

	(void)state;
	world_init(&w, STOCK);
	cut(&w, "alice", SMALL);
	tell(&w, &first);
	cut(&w, "bob", SMALL);
	tell(&w, &second);
	cut(&w, "carol", SMALL);
	tell(&w, &third);
	assert_says(world_accept(&w, second.data, second.len, NULL), "STATE", "report 1 is not accepted yet");
	assert_says(world_accept(&w, third.data, third.len, NULL), "STATE", "--number 1");
	assert_int_equal(world_tables(&w.hub_tables), 0);
	assert_ok(world_accept(&w, first.data, first.len, NULL));
	assert_says(world_accept(&w, third.data, third.len, NULL), "STATE", "report 2 is not accepted yet");
	assert_ok(world_accept(&w, second.data, second.len, NULL));
	assert_ok(world_accept(&w, first.data, first.len, NULL));
	assert_ok(world_accept(&w, third.data, third.len, NULL));
	assert_ok(world_accept(&w, second.data, second.len, NULL));
	assert_int_equal(world_tables(&w.hub_tables), 3);
	world_drop(&w);
}

/* ---- two copies of one stock ------------------------------------------------------------------------ */

/* Both have cut the same bytes, for alice and for mallory. */
static void twins(struct stock_world *w, struct buf *ours, struct buf *theirs)
{
	world_init(w, STOCK);
	world_copy(&w->stocks, &w->copied);
	cut(w, "alice", SMALL);
	assert_ok(world_cut(w, &w->copied, "mallory", BIG, NULL, NULL));
	assert_int_equal(w->cut[0].portion.start, w->cut[1].portion.start);
	tell(w, ours);
	assert_ok(world_tell(w, &w->copied, 0, theirs));
}

static void assert_frozen(struct stock_world *w, const struct buf *repeated)
{
	AUTO(stock_view) v = {.log = FD_NONE};

	world_view(&w->hub_stocks, &w->header.table, &v);
	assert_int_equal(v.state, TABLE_FROZEN);
	assert_int_equal(v.alarms, 1);
	assert_int_equal(world_tables(&w->hub_tables), 1);
	assert_ok(world_import(w, 0));
	assert_moved(w, 0); /* what was accepted stays served */
	activate(w, 0);
	assert_rc(world_accept(w, repeated->data, repeated->len, NULL), FROZEN);
}

static void test_double_allocation(void **state)
{
	struct stock_world w;
	AUTO(buf) ours = {0};
	AUTO(buf) theirs = {0};

	(void)state;
	twins(&w, &ours, &theirs);
	assert_ok(world_accept(&w, ours.data, ours.len, NULL));
	dske_rc rc = world_accept(&w, theirs.data, theirs.len, NULL);
	assert_says(rc, "CLONED", "DOUBLE ALLOCATION");
	assert_says(rc, "CLONED", "mallory");
	assert_says(rc, "CLONED", "alice");
	assert_frozen(&w, &ours);
	world_drop(&w);
}

/* A portion that lies below all that was ever cut, in another history: no owner is found, and it is frozen. */
static void test_double_of_nobody(void **state)
{
	struct stock_world w;
	AUTO(buf) ours = {0};
	AUTO(buf) theirs = {0};
	AUTO(stock_report) r = {0};
	uint8_t key[TAG_KEY_LEN];

	(void)state;
	twins(&w, &ours, &theirs);
	assert_ok(world_accept(&w, ours.data, ours.len, NULL));
	world_read(&w.hub_stocks, &w.header.table, SIDE_HUB, layout_lease_offset(&w.header.layout, 1), key, sizeof key);
	assert_ok(stock_report_read(&r, theirs.data, theirs.len));
	r.number = 2;
	r.portion[0].start = 0;
	buf_drop(&theirs);
	buf_heap(&theirs, STOCK_REPORT_LEN_MAX);
	assert_ok(stock_report_write(&theirs, &r, key));
	assert_says(world_accept(&w, theirs.data, theirs.len, NULL), "CLONED", "mallory");
	assert_frozen(&w, &ours);
	world_drop(&w);
}

/* The copy has gone on: its second report follows a first one that the hub never saw. */
static void test_other_history(void **state)
{
	struct stock_world w;
	AUTO(buf) ours = {0};
	AUTO(buf) theirs = {0};

	(void)state;
	twins(&w, &ours, &theirs);
	assert_ok(world_cut(&w, &w.copied, "mallory", SMALL, NULL, NULL));
	buf_drop(&theirs);
	assert_ok(world_tell(&w, &w.copied, 0, &theirs));
	assert_ok(world_accept(&w, ours.data, ours.len, NULL));
	assert_says(world_accept(&w, theirs.data, theirs.len, NULL), "CLONED", "follows another report");
	assert_frozen(&w, &ours);
	world_drop(&w);
}

/* Cuts of a folder put back to an older state, after its report: nothing of the first life is served twice. */
static void test_restored(void **state)
{
	struct stock_world w;
	AUTO(buf) first = {0};
	AUTO(buf) second = {0};

	(void)state;
	world_init(&w, STOCK);
	world_copy(&w.stocks, &w.copied);
	cut(&w, "alice", SMALL);
	tell(&w, &first);
	assert_ok(world_accept(&w, first.data, first.len, NULL));
	assert_ok(world_cut(&w, &w.copied, "alice", SMALL, NULL, NULL)); /* the same client even */
	assert_ok(world_tell(&w, &w.copied, 0, &second));
	assert_says(world_accept(&w, second.data, second.len, NULL), "CLONED", "DOUBLE ALLOCATION");
	assert_frozen(&w, &first);
	world_drop(&w);
}

/* A ledger that is older than the stock beside it. */
static void test_old_ledger(void **state)
{
	struct stock_world w;
	struct path now, old;

	(void)state;
	world_init(&w, STOCK);
	world_copy(&w.stocks, &w.copied);
	cut(&w, "alice", SMALL);
	assert_ok(table_folder(&now, w.stocks.s, &w.header.table));
	assert_ok(table_folder(&old, w.copied.s, &w.header.table));
	fixture_copy(fixture_file(&old, "ledger"), fixture_file(&now, "ledger"));
	assert_rc(world_cut(&w, &w.stocks, "bob", SMALL, NULL, NULL), CORRUPT);
	assert_int_equal(access(w.cut[1].container.s, F_OK), -1);
	assert_rc(world_cut(&w, &w.stocks, "bob", SMALL, NULL, NULL), LOCKED);
	world_drop(&w);
}

/* ---- policy, retiring ------------------------------------------------------------------------------- */

static dske_rc alice_is_served(void *context, const struct portion *p, bool *serve)
{
	(void)context;
	*serve = strcmp(p->client_name, "alice") == 0;
	return DSKE_OK;
}

static dske_rc only_alice(void *context, const struct portion *p, bool *serve)
{
	(void)context;
	(void)serve;
	return strcmp(p->client_name, "alice") == 0 ? DSKE_OK : FAIL(DENIED, "%s is nobody's client", p->client_name);
}

static void test_policy(void **state)
{
	struct stock_world w;
	struct stock *s;
	struct stock_accepted a;
	struct stock_place place = {.table_key = NULL};
	AUTO(buf) report = {0};

	(void)state;
	world_init(&w, STOCK);
	cut(&w, "alice", SMALL);
	cut(&w, "bob", SMALL);
	tell(&w, &report);
	place.tables_dir = w.hub_tables.s;
	assert_ok(stock_open(&s, w.hub_stocks.s, &w.header.table, SIDE_HUB, NULL));
	assert_says(stock_accept(s, report.data, report.len, &place, only_alice, NULL, &a), "DENIED", "bob is nobody");
	assert_int_equal(world_tables(&w.hub_tables), 0);
	assert_ok(stock_accept(s, report.data, report.len, &place, NULL, NULL, &a));
	assert_int_equal(a.count, 2);
	stock_close(s);
	world_drop(&w);
}

/* A report may be accepted without some of its clients, and does not hold up what comes behind it. */
static void test_left_out(void **state)
{
	struct stock_world w;
	struct stock *s;
	struct stock_accepted a;
	struct stock_place place = {.table_key = NULL};
	AUTO(buf) first = {0}, second = {0};

	(void)state;
	world_init(&w, STOCK);
	cut(&w, "bob", SMALL);
	cut(&w, "alice", SMALL);
	tell(&w, &first);
	cut(&w, "carol", SMALL);
	tell(&w, &second);
	place.tables_dir = w.hub_tables.s;
	assert_ok(stock_open(&s, w.hub_stocks.s, &w.header.table, SIDE_HUB, NULL));
	assert_says(stock_accept(s, first.data, first.len, &place, only_alice, NULL, &a), "DENIED", "bob is nobody");
	assert_says(stock_accept(s, second.data, second.len, &place, NULL, NULL, &a), "STATE", "report 1 is not accepted yet");
	assert_ok(stock_accept(s, first.data, first.len, &place, alice_is_served, NULL, &a));
	assert_int_equal(a.count, 2);
	assert_int_equal(world_tables(&w.hub_tables), 1);
	assert_ok(stock_accept(s, first.data, first.len, &place, NULL, NULL, &a)); /* said once is said */
	assert_true(a.repeated);
	assert_int_equal(world_tables(&w.hub_tables), 1);
	assert_ok(stock_accept(s, second.data, second.len, &place, NULL, NULL, &a));
	assert_int_equal(world_tables(&w.hub_tables), 2);
	stock_close(s);
	world_drop(&w);
}

static void test_retired(void **state)
{
	struct stock_world w;
	struct stock *s;
	AUTO(buf) first = {0};
	AUTO(buf) second = {0};
	const struct path *sides[2];

	(void)state;
	world_init(&w, STOCK);
	sides[SIDE_HUB] = &w.hub_stocks;
	sides[SIDE_CLIENT] = &w.stocks;
	cut(&w, "alice", SMALL);
	assert_ok(world_import(&w, 0));
	tell(&w, &first);
	assert_ok(world_accept(&w, first.data, first.len, NULL));
	cut(&w, "bob", SMALL);
	tell(&w, &second);
	for (enum side side = SIDE_CLIENT; side <= SIDE_HUB; side++) {
		assert_ok(stock_open(&s, sides[side]->s, &w.header.table, side, NULL));
		assert_ok(stock_retire(s));
		stock_close(s);
		const struct range *r = w.header.layout.region;
		assert_true(world_erased(sides[side], &w.header.table, r[REGION_LEASE].start, r[REGION_UP].end));
	}
	assert_rc(world_accept(&w, second.data, second.len, NULL), STATE);
	assert_rc(world_cut(&w, &w.stocks, "carol", SMALL, NULL, NULL), STATE);
	assert_int_equal(world_tables(&w.hub_tables), 1);
	assert_moved(&w, 0);
	activate(&w, 0);
	world_drop(&w);
}

/* A stock that is locked, or frozen, too: at the hub with a report whose tables are not made. */
static void test_retired_when_over(void **state)
{
	const enum table_state over[] = {TABLE_LOCKED, TABLE_FROZEN};

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		enum side side = i % 2;
		struct stock_world w;
		struct stock *s;
		world_init(&w, STOCK);
		const struct path *dir = side == SIDE_HUB ? &w.hub_stocks : &w.stocks;
		cut(&w, "alice", SMALL);
		assert_ok(stock_open(&s, dir->s, &w.header.table, side, NULL));
		{
			AUTO(hold) hold = {0};
			assert_ok(hold_take(&hold, s->table));
			struct ledger next = s->table->now;
			next.state = over[i / 2];
			next.stock.logged++;
			assert_ok(hold_commit(&hold, &next));
		}
		assert_ok(stock_retire(s));
		stock_close(s);
		const struct range *r = w.header.layout.region;
		assert_true(world_erased(dir, &w.header.table, r[REGION_LEASE].start, r[REGION_UP].end));
		world_drop(&w);
	}
}

static void test_many(void **state)
{
	struct stock_world w;
	struct stock_accepted a;
	AUTO(buf) report = {0};

	(void)state;
	world_init(&w, STOCK + 20 * SMALL);
	for (unsigned i = 0; i < 30; i++)
		cut(&w, "alice", SMALL);
	tell(&w, &report);
	assert_ok(world_accept(&w, report.data, report.len, &a));
	assert_int_equal(a.count, 30);
	for (unsigned i = 0; i < 30; i++) {
		assert_ok(world_import(&w, i));
		assert_moved(&w, i);
	}
	world_drop(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_walk),        cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_limits),      cmocka_unit_test(test_wasted),
		cmocka_unit_test(test_tampered),    cmocka_unit_test(test_order),
		cmocka_unit_test(test_double_allocation),
		cmocka_unit_test(test_double_of_nobody), cmocka_unit_test(test_other_history),
		cmocka_unit_test(test_restored),    cmocka_unit_test(test_old_ledger),
		cmocka_unit_test(test_policy),      cmocka_unit_test(test_retired),
		cmocka_unit_test(test_left_out),      cmocka_unit_test(test_retired),
		cmocka_unit_test(test_retired_when_over),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
