/* SPDX-License-Identifier: Apache-2.0 */
/* test/vpn/test-stock.c - two stocks that tell each other words: who may send under what, over losses and restarts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "vpn/stock.h"

enum { PAD_LEN = 4096 };

static void give(struct stock *s, enum pad_side side, uint64_t name)
{
	struct secret key = {0};
	assert_true(rc_ok(secret_alloc(&key, PAD_LEN)));
	memset(key.data, (int)name, key.len);
	assert_true(rc_ok(stock_add(s, side, name, &key)));
}

/* As an agreement does: both ends have it. */
static void agree(struct stock *from, struct stock *to, uint64_t name)
{
	give(from, PAD_SENDS, name);
	give(to, PAD_RECEIVES, name);
}

static void tell(struct stock *from, struct stock *to)
{
	struct word w, read;
	uint8_t bytes[WORD_LEN_MAX];
	stock_make_word(from, &w);
	size_t len = word_write(bytes, &w);
	assert_true(rc_ok(word_read(&read, bytes, len)));
	for (size_t cut = 1; cut <= len; cut++)
		assert_int_equal(word_read(&w, bytes, len - cut).code, DSKE_RC_FORMAT);
	stock_take_word(to, &read);
}

static struct stock *new_stock(void)
{
	struct stock *s;
	assert_true(rc_ok(stock_new(&s, 100 * PAD_LEN)));
	return s;
}

static void sends_under_what_is_held(void **state)
{
	(void)state;
	struct stock *a = new_stock(), *b = new_stock();
	assert_null(stock_sending(a, 100));
	give(a, PAD_SENDS, 1); /* b has not got it yet */
	assert_true(stock_word_due(a));
	assert_null(stock_sending(a, 100));
	assert_int_equal(stock_sending_new(a, 100)->name, 1); /* a word may go */
	assert_true(stock_is_waiting(a, 1));
	tell(b, a);
	assert_null(stock_sending(a, 100));
	give(b, PAD_RECEIVES, 1);
	tell(b, a);
	assert_false(stock_is_waiting(a, 1));
	assert_int_equal(stock_sending(a, 100)->name, 1);
	assert_null(stock_sending_new(a, 100));
	assert_null(stock_sending(b, 1)); /* directions are apart */
	stock_free(a);
	stock_free(b);
}

static void in_order_until_spent(void **state)
{
	(void)state;
	struct stock *a = new_stock(), *b = new_stock();
	uint32_t unit;
	for (uint64_t name = 1; name <= 3; name++)
		agree(a, b, name);
	tell(b, a);
	for (uint64_t name = 1; name <= 3; name++) {
		struct pad *p = stock_sending(a, 3000);
		assert_int_equal(p->name, name);
		assert_non_null(pad_take(p, 3000, &unit));
	}
	assert_null(stock_sending(a, 3000)); /* what is left of each is too little */
	stock_free(a);
	stock_free(b);
}

static void a_restart_gives_up_what_it_lost(void **state)
{
	(void)state;
	struct stock *a = new_stock(), *b = new_stock();
	struct stock_figures f;
	agree(a, b, 1);
	agree(a, b, 2);
	agree(b, a, 101);
	assert_non_null(stock_receiving(a, 101));
	tell(b, a);
	struct word late;
	stock_make_word(b, &late);
	stock_free(b);
	b = new_stock(); /* another run: it has nothing */
	agree(a, b, 3);
	agree(b, a, 102);
	assert_non_null(stock_receiving(a, 102));
	tell(b, a);
	assert_int_equal(stock_sending(a, 10)->name, 3);
	stock_figures(a, &f);
	assert_int_equal(f.restarts, 1);
	assert_int_equal(f.given_up, 2 * PAD_LEN);
	assert_non_null(stock_receiving(a, 101));
	stock_take_word(a, &late); /* of the run before, overtaken: nobody believes it */
	assert_int_equal(stock_sending(a, 10)->name, 3);
	stock_figures(a, &f);
	assert_int_equal(f.restarts, 1);
	stock_free(a);
	stock_free(b);
}

/* The same, of the run before the first that was heard of: nothing is known of it. */
static void an_old_run_is_not_taken_for_a_new_one(void **state)
{
	(void)state;
	struct stock *a = new_stock(), *old = new_stock(), *b = new_stock();
	struct word late;
	agree(old, a, 101);
	stock_make_word(old, &late);
	agree(b, a, 102);
	agree(a, b, 1);
	assert_non_null(stock_receiving(a, 102));
	tell(b, a);
	assert_int_equal(stock_sending(a, 10)->name, 1);
	assert_non_null(stock_receiving(a, 101)); /* somebody kept a datagram back, and lets it go now */
	stock_take_word(a, &late);
	assert_int_equal(stock_sending(a, 10)->name, 1);
	agree(a, b, 2);
	assert_non_null(stock_receiving(a, 102));
	tell(b, a);
	assert_false(stock_is_waiting(a, 2)); /* the run that is goes on being heard */
	stock_free(a);
	stock_free(b);
	stock_free(old);
}

static int64_t now;

static int64_t told_now(void)
{
	return now;
}

/* Pads whose shares the other end never got do not count for ever: none would be agreed in their place. */
static void what_it_never_gets_is_given_up(void **state)
{
	(void)state;
	struct stock *a = new_stock(), *b = new_stock();
	struct stock_figures f;
	now = 1000;
	stock_set_clock(a, told_now);
	give(a, PAD_SENDS, 1);
	give(a, PAD_SENDS, 2);
	now += 3600 * 1000; /* nobody is there: nothing changes, lest more and more is agreed for nobody */
	stock_figures(a, &f);
	assert_int_equal(f.send_unconfirmed, 2 * PAD_LEN);
	give(a, PAD_SENDS, 3);
	give(b, PAD_RECEIVES, 3);
	tell(b, a);
	stock_figures(a, &f);
	assert_int_equal(f.send_unconfirmed, 0);
	assert_int_equal(f.send_left, PAD_LEN);
	assert_int_equal(stock_sending(a, 10)->name, 3);
	give(a, PAD_SENDS, 4);
	now += 50 * 1000;
	tell(b, a);
	assert_true(stock_is_waiting(a, 4));
	now += 11 * 1000;
	tell(b, a);
	assert_false(stock_is_waiting(a, 4));
	tell(a, b); /* which frees them */
	stock_figures(a, &f);
	assert_int_equal(f.given_up, 3 * PAD_LEN);
	stock_free(a);
	stock_free(b);
}

static void what_is_superseded_is_given_up(void **state)
{
	(void)state;
	struct stock *a = new_stock(), *b = new_stock();
	struct stock_figures f;
	give(a, PAD_SENDS, 1);
	agree(a, b, 2);
	tell(b, a);
	for (uint64_t name = 0; name <= 2; name++)
		stock_give_up(a, name);
	tell(a, b); /* which frees what was given up */
	stock_figures(a, &f);
	assert_int_equal(f.given_up, PAD_LEN);
	assert_null(stock_sending_new(a, 10));
	assert_int_equal(stock_sending(a, 10)->name, 2); /* not one that the other end has */
	stock_free(a);
	stock_free(b);
}

/* Names alone, which anybody writes, end no pad, and make no word due: words cost pads. */
static void names_cost_nothing(void **state)
{
	(void)state;
	struct stock *a = new_stock();
	struct word w;
	now = 1000;
	stock_set_clock(a, told_now);
	for (uint64_t name = 1; name <= 4; name++)
		give(a, PAD_RECEIVES, name);
	stock_make_word(a, &w);
	for (uint64_t name = 1; name <= 4; name++)
		assert_non_null(stock_receiving(a, name));
	now += 31 * 1000;
	for (uint64_t name = 1; name <= 4; name++)
		assert_non_null(stock_receiving(a, name));
	for (uint64_t name = 100; name < 200; name++)
		assert_null(stock_receiving(a, name));
	assert_false(stock_word_due(a));
	stock_make_word(a, &w);
	assert_int_equal(w.held_count, 4);
	assert_int_equal(w.unknown_count, WORD_UNKNOWN_MAX);
	for (size_t i = 0; i < WORD_UNKNOWN_MAX; i++)
		assert_true(w.unknown[i] >= 184); /* the last ones */
	stock_free(a);
}

/* A pad that traffic left behind is forgotten, a while after a later one has traffic. */
static void traffic_ends_those_before(void **state)
{
	(void)state;
	struct stock *a = new_stock();
	now = 1000;
	stock_set_clock(a, told_now);
	for (uint64_t name = 1; name <= 3; name++)
		give(a, PAD_RECEIVES, name);
	assert_non_null(stock_receiving(a, 1));
	stock_used(a, now);
	now += 20 * 1000;
	assert_non_null(stock_receiving(a, 3));
	stock_used(a, now);
	assert_non_null(stock_receiving(a, 1)); /* a late one */
	now += 31 * 1000;
	assert_non_null(stock_receiving(a, 2));
	assert_null(stock_receiving(a, 1));
	assert_non_null(stock_receiving(a, 3));
	stock_free(a);
}

/* Who agrees more and more, and sends nothing, fills no memory. */
static void no_more_is_kept_than_may_be(void **state)
{
	(void)state;
	struct stock *a;
	struct stock_figures f;
	assert_true(rc_ok(stock_new(&a, 2 * PAD_LEN)));
	for (uint64_t name = 1; name <= 10; name++)
		give(a, PAD_RECEIVES, name);
	stock_figures(a, &f);
	assert_int_equal(f.receive_left, 2 * PAD_LEN);
	assert_int_equal(f.used[PAD_RECEIVES], 8 * PAD_LEN); /* wiped */
	assert_non_null(stock_receiving(a, 9));
	for (uint64_t name = 11; name <= 20; name++)
		give(a, PAD_RECEIVES, name);
	assert_null(stock_receiving(a, 9)); /* the one in its hands waits for that */
	stock_figures(a, &f);
	assert_int_equal(f.used[PAD_RECEIVES], 18 * PAD_LEN);
	stock_free(a);
}

/* The two that packets pass through give nothing back to the kernel; who tidies does. */
static void what_is_over_waits_for_who_tidies(void **state)
{
	(void)state;
	struct stock *a = new_stock(), *b = new_stock();
	struct pad *p;
	uint32_t unit;
	for (uint64_t name = 1; name <= 3; name++)
		agree(a, b, name);
	tell(b, a);
	assert_non_null(p = stock_sending(a, PAD_LEN));
	assert_non_null(pad_take(p, PAD_LEN, &unit));
	assert_int_equal(stock_tidy(a), 0);
	assert_int_equal(stock_sending(a, 16)->name, 2);
	assert_int_equal(stock_tidy(a), 1);
	assert_non_null(p = stock_receiving(b, 1));
	pad_burn(p, 0, PAD_LEN);
	assert_non_null(stock_receiving(b, 2));
	assert_int_equal(stock_tidy(b), 1);
	assert_int_equal(stock_tidy(b), 0);
	stock_free(a);
	stock_free(b);
}

static void words_that_overtake_each_other(void **state)
{
	(void)state;
	struct stock *a = new_stock(), *b = new_stock();
	struct word old;
	agree(a, b, 1);
	stock_make_word(b, &old);
	old.unknown_count = 1;
	old.unknown[0] = 1;
	old.held_count = 0;
	tell(b, a);
	stock_take_word(a, &old); /* older than what was told: passed over */
	assert_int_equal(stock_sending(a, 10)->name, 1);
	stock_free(a);
	stock_free(b);
}

static void what_is_dropped_is_told(void **state)
{
	(void)state;
	struct stock *a = new_stock(), *b;
	assert_true(rc_ok(stock_new(&b, 2 * PAD_LEN)));
	for (uint64_t name = 1; name <= 2; name++)
		agree(a, b, name);
	tell(b, a);
	assert_int_equal(stock_sending(a, 10)->name, 1);
	struct stock_figures f;
	stock_figures(a, &f);
	assert_int_equal(f.other_keeps, 2 * PAD_LEN); /* so a would not have agreed another */
	agree(a, b, 3); /* no room: the oldest goes */
	assert_null(stock_receiving(b, 1));
	tell(b, a);
	assert_int_equal(stock_sending(a, 10)->name, 2);
	stock_free(a);
	stock_free(b);
}

/* More pads than a word has room for: all are named in the end. */
static void many(void **state)
{
	(void)state;
	struct stock *a = new_stock(), *b;
	struct stock_figures f;
	enum { PADS = 700 };
	assert_true(rc_ok(stock_new(&b, (uint64_t)PADS * PAD_LEN)));
	for (uint64_t name = 1; name <= PADS; name++)
		agree(a, b, name);
	for (int i = 0; i < 2 + PADS / (WORD_HELD_MAX / 2); i++)
		tell(b, a);
	stock_figures(a, &f);
	assert_int_equal(f.send_unconfirmed, 0);
	assert_int_equal(f.send_left, (uint64_t)PADS * PAD_LEN);
	stock_free(a);
	stock_free(b);
}

static void receiving_ends_with_the_pad(void **state)
{
	(void)state;
	struct stock *a = new_stock();
	give(a, PAD_RECEIVES, 5);
	struct pad *p = stock_receiving(a, 5);
	assert_non_null(p);
	pad_burn(p, 0, PAD_LEN);
	assert_non_null(stock_receiving(a, 5)); /* a repeated datagram is told from an unknown one for as long as it is in use */
	give(a, PAD_RECEIVES, 6);
	assert_non_null(stock_receiving(a, 6));
	assert_null(stock_receiving(a, 5));
	stock_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sends_under_what_is_held), cmocka_unit_test(in_order_until_spent),
		cmocka_unit_test(a_restart_gives_up_what_it_lost), cmocka_unit_test(words_that_overtake_each_other),
		cmocka_unit_test(an_old_run_is_not_taken_for_a_new_one), cmocka_unit_test(what_it_never_gets_is_given_up),
		cmocka_unit_test(what_is_superseded_is_given_up), cmocka_unit_test(names_cost_nothing), cmocka_unit_test(traffic_ends_those_before),
		cmocka_unit_test(no_more_is_kept_than_may_be),
		cmocka_unit_test(what_is_over_waits_for_who_tidies), cmocka_unit_test(what_is_dropped_is_told), cmocka_unit_test(many), cmocka_unit_test(receiving_ends_with_the_pad),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
