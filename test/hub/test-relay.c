/* SPDX-License-Identifier: Apache-2.0 */
/* One share's journey through a real hub (DSKE 2.3.2), and what a kill on the way leaves of it. */
#include "config.h"

#include "test/hub/pair.h"

#include <string.h>
#include <unistd.h>

#include "hub/mailbox.h"

/* kill -9, start, and both clients with new leases. */
static void lose_hub(void)
{
	rig_restart(&rig);
	line_close(&a);
	line_close(&b);
	line_ready(&a, &alice);
	line_ready(&b, &bob);
}

static void assert_share(const struct delivery *d, const struct terms *t, const struct secret *share)
{
	assert_true(terms_equal(&d->terms, t));
	assert_int_equal(d->share.len, share->len);
	assert_memory_equal(d->share.data, share->data, share->len);
}

/* An accepted share. */
static void put(struct terms *t, const char *context, struct secret *share)
{
	AUTO(ask) q = {0};

	terms_fill(t, &alice, &bob, context);
	share_ask(&q, &a, t, SHARE_MODE_SEALED, 600, share);
	assert_int_equal(ask_status(&q, &a), STATUS_ACCEPTED);
}

static void ask_for(const struct terms *t)
{
	assert_int_equal(wait_send(&b, &alice.header.client, &t->key_id, NULL), STATUS_ACCEPTED);
}

static void ask_for_context(const char *context)
{
	assert_int_equal(wait_send(&b, &alice.header.client, NULL, context), STATUS_ACCEPTED);
}

static void journey(enum share_mode mode, bool wait_first)
{
	AUTO(ask) q = {0};
	AUTO(secret) share = {0};
	AUTO(delivery) d = {0};
	struct terms t;

	terms_fill(&t, &alice, &bob, "lunch");
	if (wait_first)
		ask_for(&t);
	share_ask(&q, &a, &t, mode, 600, &share);
	assert_int_equal(ask_status(&q, &a), STATUS_ACCEPTED);
	if (!wait_first)
		ask_for(&t);
	delivery_next(&d, &b);
	assert_share(&d, &t, &share);
	receipt_send(&b, &d, RECEIPT_KEPT);
	/* Once it is receipted it is gone, and its name stays taken. */
	ask_for(&t);
	assert_true(line_is_silent(&b));
	assert_int_equal(share_send(&a, &t), STATUS_KEY_EXISTS);
}

static void test_share_then_wait(void **state)
{
	(void)state;
	journey(SHARE_MODE_SEALED, false);
	journey(SHARE_MODE_PAD, false);
}

static void test_wait_then_share(void **state)
{
	(void)state;
	journey(SHARE_MODE_SEALED, true);
	journey(SHARE_MODE_PAD, true);
}

static void test_accepted_share_survives_a_kill(void **state)
{
	AUTO(secret) share = {0};
	AUTO(delivery) d = {0};
	struct terms t;

	(void)state;
	put(&t, "", &share);
	lose_hub();
	ask_for(&t);
	delivery_next(&d, &b);
	assert_share(&d, &t, &share);
}

/* Sent but not receipted: sealed anew, under bytes that were never used. */
static void test_kill_before_the_receipt(void **state)
{
	AUTO(secret) share = {0};
	AUTO(delivery) first = {0}, second = {0};
	struct terms t;

	(void)state;
	put(&t, "", &share);
	ask_for(&t);
	delivery_next(&first, &b);
	lose_hub();
	ask_for(&t);
	delivery_next(&second, &b);
	assert_share(&second, &t, &share);
	assert_true(second.offset >= first.offset + first.length);
	receipt_send(&b, &second, RECEIPT_KEPT);
	ask_for(&t); /* a round trip: the receipt is there, and durable soon */
	usleep(10 * MAILBOX_LAZY_MS * 1000);
	lose_hub();
	ask_for(&t);
	assert_true(line_is_silent(&b));
}

/* On one connection an instruction stays these bytes; on another one it is under other pad. */
static void test_instruction_again(void **state)
{
	AUTO(secret) share = {0};
	AUTO(delivery) first = {0}, other = {0};
	struct envelope e;
	struct terms t;
	struct line c;

	(void)state;
	put(&t, "", &share);
	ask_for(&t);
	delivery_next(&first, &b);
	ask_for(&t);
	assert_true(line_next(&b, &e));
	assert_int_equal(e.item_len, first.bytes.len);
	assert_memory_equal(e.item, first.bytes.data, e.item_len);
	line_ready(&c, &bob);
	assert_int_equal(wait_send(&c, &alice.header.client, &t.key_id, NULL), STATUS_ACCEPTED);
	delivery_next(&other, &c);
	assert_share(&other, &t, &share);
	assert_true(other.offset >= first.offset + first.length || other.offset + other.length <= first.offset);
	line_close(&c);
}

/* The same bytes get the same answer: at once, on another connection, and after a kill. */
static void test_same_share_same_answer(void **state)
{
	AUTO(ask) q = {0};
	struct terms t;

	(void)state;
	terms_fill(&t, &alice, &bob, "x");
	share_ask(&q, &a, &t, SHARE_MODE_SEALED, 600, NULL);
	assert_int_equal(ask_status(&q, &a), STATUS_ACCEPTED);
	assert_int_equal(ask_status(&q, &a), STATUS_ACCEPTED);
	lose_hub();
	assert_int_equal(ask_status(&q, &a), STATUS_ACCEPTED);
	line_close(&a);
	line_open(&a, &alice);
	assert_int_equal(ask_status(&q, &a), STATUS_ACCEPTED);
	/* Other bytes on that range get a note. */
	q.frame.data[q.frame.len - 1] ^= 1;
	line_send_frame(&a, &q.frame);
	line_note(&a, NOTE_NO_LEASE);
}

/* A share that the hub never saw is not taken from a connection that is gone. */
static void test_lost_share_needs_a_lease(void **state)
{
	AUTO(ask) q = {0};
	struct terms t;

	(void)state;
	terms_fill(&t, &alice, &bob, "x");
	share_ask(&q, &a, &t, SHARE_MODE_SEALED, 600, NULL);
	lose_hub();
	line_send_frame(&a, &q.frame);
	line_note(&a, NOTE_NO_LEASE);
	assert_int_equal(share_send(&a, &t), STATUS_ACCEPTED); /* under fresh pad it is */
}

/* By context the newest counts; by key ID each is there. */
static void test_newest_of_a_context(void **state)
{
	AUTO(secret) old_share = {0}, new_share = {0}, other_share = {0};
	AUTO(delivery) d = {0}, named = {0};
	struct terms old, new, other;

	(void)state;
	put(&old, "lunch", &old_share);
	put(&new, "lunch", &new_share);
	put(&other, "dinner", &other_share);
	ask_for_context("lunch");
	delivery_next(&d, &b);
	assert_share(&d, &new, &new_share);
	assert_true(line_is_silent(&b));
	ask_for(&old);
	delivery_next(&named, &b);
	assert_share(&named, &old, &old_share);
}

/* A wait by context stays: it gets what comes later too. */
static void test_wait_by_context_stays(void **state)
{
	AUTO(secret) share1 = {0}, share2 = {0};
	AUTO(delivery) d1 = {0}, d2 = {0};
	struct terms t1, t2;

	(void)state;
	ask_for_context("");
	put(&t1, "", &share1);
	delivery_next(&d1, &b);
	assert_share(&d1, &t1, &share1);
	put(&t2, "", &share2);
	delivery_next(&d2, &b);
	assert_share(&d2, &t2, &share2);
}

static void test_filters_hold(void **state)
{
	struct terms t;

	(void)state;
	ask_for_context("lunc");
	ask_for_context("lunch2");
	assert_int_equal(wait_send(&b, &bob.header.client, NULL, "lunch"), STATUS_ACCEPTED);
	put(&t, "lunch", NULL);
	t.key_id.b[0] ^= 1;
	ask_for(&t);
	assert_true(line_is_silent(&b));
}

/* Each of several receivers gets it, and it is kept until the last one has it. */
static void test_two_receivers(void **state)
{
	AUTO(ask) q = {0};
	AUTO(secret) share = {0};
	AUTO(delivery) at_bob = {0}, at_carol = {0};
	struct party carol;
	struct terms t;
	struct line c;

	(void)state;
	party_ready(&carol, &c, &rig, "carol");
	terms_fill(&t, &alice, &bob, "");
	t.receiver[t.receiver_count++] = carol.header.client;
	share_ask(&q, &a, &t, SHARE_MODE_SEALED, 600, &share);
	assert_int_equal(ask_status(&q, &a), STATUS_ACCEPTED);
	ask_for(&t);
	delivery_next(&at_bob, &b);
	assert_share(&at_bob, &t, &share);
	receipt_send(&b, &at_bob, RECEIPT_KEPT);
	ask_for(&t);
	assert_true(line_is_silent(&b));
	assert_int_equal(wait_send(&c, &alice.header.client, &t.key_id, NULL), STATUS_ACCEPTED);
	delivery_next(&at_carol, &c);
	assert_share(&at_carol, &t, &share);
	line_close(&c);
	party_drop(&carol);
}

/* Two tables of one client: whichever connection waits is served. */
static void test_two_tables(void **state)
{
	AUTO(secret) share = {0};
	AUTO(delivery) d = {0};
	struct party again;
	struct terms t;
	struct line c;

	(void)state;
	put(&t, "", &share);
	party_make_for(&again, &rig, "bob", &bob.header.client);
	line_open(&c, &again);
	line_activate(&c);
	line_lease(&c, 4096, 4096);
	assert_int_equal(wait_send(&c, &alice.header.client, &t.key_id, NULL), STATUS_ACCEPTED);
	delivery_next(&d, &c);
	assert_share(&d, &t, &share);
	line_close(&c);
	party_drop(&again);
}

/* The down window is too small: a note asks for a lease, and then it comes. */
static void test_window_spent(void **state)
{
	AUTO(secret) share = {0};
	AUTO(delivery) d = {0};
	struct terms t;
	struct line c;

	(void)state;
	put(&t, "", &share);
	line_open(&c, &bob);
	line_lease(&c, 4096, 128);
	assert_int_equal(wait_send(&c, &alice.header.client, &t.key_id, NULL), STATUS_ACCEPTED);
	line_note(&c, NOTE_WINDOW_SPENT);
	assert_true(line_is_silent(&c));
	line_lease(&c, 4096, 4096);
	delivery_next(&d, &c);
	assert_share(&d, &t, &share);
	line_close(&c);
}

/* The longest key there is, with a wait before it. */
static void test_longest_key(void **state)
{
	AUTO(ask) q = {0};
	AUTO(secret) share = {0};
	AUTO(delivery) d = {0};
	struct terms t;

	(void)state;
	line_lease(&a, 200 << 10, 4096);
	line_lease(&b, 4096, 200 << 10);
	terms_fill(&t, &alice, &bob, "");
	t.key_len = 150 << 10;
	ask_for(&t);
	share_ask(&q, &a, &t, SHARE_MODE_SEALED, 600, &share);
	assert_int_equal(ask_status(&q, &a), STATUS_ACCEPTED);
	delivery_next(&d, &b);
	assert_share(&d, &t, &share);
}

/* Neither a receipt that is not one, nor one from elsewhere, erases a share. */
static void test_receipts_that_do_not_count(void **state)
{
	AUTO(secret) share = {0};
	AUTO(delivery) d = {0}, again = {0};
	struct terms t;

	(void)state;
	put(&t, "", &share);
	ask_for(&t);
	delivery_next(&d, &b);
	d.receipt_key[3] ^= 1;
	receipt_send(&b, &d, RECEIPT_KEPT);
	line_note(&b, NOTE_BAD_TAG);
	d.receipt_key[3] ^= 1;
	d.offset += 64;
	receipt_send(&b, &d, RECEIPT_KEPT);
	line_note(&b, NOTE_NO_LEASE);
	line_close(&b);
	line_ready(&b, &bob);
	d.offset -= 64;
	receipt_send(&b, &d, RECEIPT_KEPT);
	line_note(&b, NOTE_NO_LEASE);
	ask_for(&t);
	delivery_next(&again, &b);
	assert_share(&again, &t, &share);
	receipt_send(&b, &again, RECEIPT_CORRUPT);
	assert_true(rig_logged(&rig, "found corrupt by the receiver"));
}

/* A clean stop loses nothing either, and takes no time. */
static void test_clean_stop(void **state)
{
	AUTO(secret) share = {0};
	AUTO(delivery) d = {0};
	struct terms t;

	(void)state;
	put(&t, "", &share);
	assert_int_equal(rig_stop(&rig), 0);
	assert_true(rig_logged(&rig, "stopped"));
	rig_start(&rig);
	line_close(&b);
	line_ready(&b, &bob);
	ask_for(&t);
	delivery_next(&d, &b);
	assert_share(&d, &t, &share);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, pair_set_up, pair_tear_down)
	const struct CMUnitTest tests[] = {
		T(test_share_then_wait),
		T(test_wait_then_share),
		T(test_accepted_share_survives_a_kill),
		T(test_kill_before_the_receipt),
		T(test_instruction_again),
		T(test_same_share_same_answer),
		T(test_lost_share_needs_a_lease),
		T(test_newest_of_a_context),
		T(test_wait_by_context_stays),
		T(test_filters_hold),
		T(test_two_receivers),
		T(test_two_tables),
		T(test_window_spent),
		T(test_longest_key),
		T(test_receipts_that_do_not_count),
		T(test_clean_stop),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
