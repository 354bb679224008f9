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
	tell(b, a);
	struct word late;
	stock_make_word(b, &late);
	stock_free(b);
	b = new_stock(); /* another run: it has nothing */
	agree(a, b, 3);
	tell(b, a);
	assert_int_equal(stock_sending(a, 10)->name, 3);
	stock_figures(a, &f);
	assert_int_equal(f.restarts, 1);
	assert_int_equal(f.given_up, 2 * PAD_LEN);
	stock_take_word(a, &late); /* of the run before, overtaken: nobody believes it */
	assert_int_equal(stock_sending(a, 10)->name, 3);
	stock_figures(a, &f);
	assert_int_equal(f.restarts, 1);
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
	agree(a, b, 3); /* no room: the oldest goes */
	assert_null(stock_receiving(b, 1));
	assert_true(stock_word_due(b));
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
		cmocka_unit_test(what_is_dropped_is_told), cmocka_unit_test(many), cmocka_unit_test(receiving_ends_with_the_pad),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
