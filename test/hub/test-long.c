/* SPDX-License-Identifier: Apache-2.0 */
/* A long key's journey through a real hub: in by PARTs, out by PIECEs, and what goes wrong on the way. */
#include "config.h"

#include "test/hub/pair.h"

#include <string.h>

#define KEY_LEN (2 * KEY_PART_LEN + 17)
#define PARTS 3
#define ROOM (3 * (uint64_t)KEY_PART_LEN) /* a window for all of one key */

static const struct tag tag = {{1, 2, 3}};

#define assert_status(got, name) assert_string_equal(status_text(got), status_text(STATUS_##name))

static int set_up_with(const char *limits)
{
	rig_init(&rig);
	rig.table_len = UINT64_C(32) << 20;
	rig.limits = limits;
	rig_configure(&rig);
	pair_start();
	line_lease(&a, ROOM, 4096);
	line_close(&b); /* the hub takes the oldest window that has room, and a line has only its newest */
	line_open(&b, &bob);
	line_lease(&b, 4096, ROOM);
	return 0;
}

static int set_up(void **state)
{
	(void)state;
	return set_up_with(NULL);
}

static void long_terms(struct terms *t, const char *context)
{
	terms_fill(t, &alice, &bob, context);
	t->key_len = KEY_LEN;
}

static void need(uint64_t len)
{
	if (window_left(a.up) < len)
		line_lease(&a, ROOM, 4096);
}

static enum status begin(const struct terms *t, struct secret *first)
{
	AUTO(ask) q = {0};

	need(MSG_SHARE_RANGE_LEN(t));
	share_ask(&q, &a, t, SHARE_MODE_SEALED, 600, first);
	return ask_status(&q, &a);
}

static enum status part(const struct terms *t, unsigned number, enum share_mode mode, const struct tag *key_tag, struct secret *out)
{
	AUTO(ask) q = {0};

	need(MSG_PART_RANGE_LEN(t, number));
	part_ask(&q, &a, t, number, mode, key_tag, out);
	return ask_status(&q, &a);
}

static void put_whole(struct terms *t, const char *context, struct secret share[PARTS])
{
	long_terms(t, context);
	assert_status(begin(t, &share[0]), ACCEPTED);
	assert_status(part(t, 1, SHARE_MODE_PAD, NULL, &share[1]), ACCEPTED);
	assert_status(part(t, 2, SHARE_MODE_SEALED, &tag, &share[2]), ACCEPTED);
	t->key_tag = tag;
}

static void ask_for(const struct terms *t)
{
	assert_int_equal(wait_send(&b, &alice.header.client, &t->key_id, NULL), STATUS_ACCEPTED);
}

static void assert_same(const struct secret *got, const struct secret *sent)
{
	assert_int_equal(got->len, sent->len);
	assert_memory_equal(got->data, sent->data, sent->len);
}

static void take_piece(const struct terms *t, unsigned number, const struct secret *sent)
{
	AUTO(secret) got = {0};

	delivery_piece(&b, t, number, &got);
	assert_same(&got, sent);
}

static void drop(struct secret share[PARTS])
{
	for (unsigned i = 0; i < PARTS; i++)
		secret_drop(&share[i]);
}

/* Nothing goes out before the last part is in; then all does, in order, under one receipt. */
static void all_parts_travel(void **state)
{
	struct secret share[PARTS] = {{0}};
	AUTO(delivery) d = {0};
	struct terms t;

	(void)state;
	long_terms(&t, "long");
	ask_for(&t);
	assert_status(begin(&t, &share[0]), ACCEPTED);
	assert_status(part(&t, 1, SHARE_MODE_SEALED, NULL, &share[1]), ACCEPTED);
	assert_true(line_is_silent(&b));
	assert_status(part(&t, 2, SHARE_MODE_PAD, &tag, &share[2]), ACCEPTED);
	delivery_next(&d, &b);
	t.key_tag = tag; /* it came with the last part */
	assert_true(terms_equal(&d.terms, &t));
	assert_same(&d.share, &share[0]);
	take_piece(&t, 1, &share[1]);
	take_piece(&t, 2, &share[2]);
	receipt_send(&b, &d, RECEIPT_KEPT);
	ask_for(&t);
	assert_true(line_is_silent(&b));
	t.key_tag = (struct tag){{0}};
	assert_status(begin(&t, NULL), KEY_EXISTS);
	drop(share);
}

/* The down windows have room for the first part alone: a note, and the rest follows a new lease. */
static void pieces_wait_for_a_window(void **state)
{
	struct secret share[PARTS] = {{0}};
	AUTO(delivery) d = {0};
	struct terms t;

	(void)state;
	put_whole(&t, "narrow", share);
	line_close(&b);
	line_open(&b, &bob);
	line_lease(&b, 4096, MSG_SHARE_RANGE_LEN(&t));
	ask_for(&t);
	delivery_next(&d, &b);
	line_note(&b, NOTE_WINDOW_SPENT);
	assert_true(line_is_silent(&b));
	line_lease(&b, 4096, KEY_PART_LEN + 4096);
	take_piece(&t, 1, &share[1]);
	take_piece(&t, 2, &share[2]); /* which is short */
	drop(share);
}

static void parts_that_do_not_fit_are_refused(void **state)
{
	struct terms t, other;

	(void)state;
	long_terms(&t, "refused");
	assert_status(part(&t, 1, SHARE_MODE_PAD, NULL, NULL), UNKNOWN_KEY);
	other = t;
	other.key_tag = tag;
	assert_status(begin(&other, NULL), TERMS);
	assert_status(begin(&t, NULL), ACCEPTED);
	assert_status(begin(&t, NULL), KEY_EXISTS);
	other = t;
	other.key_len += 1;
	assert_status(part(&other, 2, SHARE_MODE_PAD, &tag, NULL), LENGTH);
	other.key_len = 4 * KEY_PART_LEN;
	assert_status(part(&other, 3, SHARE_MODE_PAD, &tag, NULL), MALFORMED);
	assert_status(part(&t, 2, SHARE_MODE_PAD, NULL, NULL), MALFORMED);
	assert_status(part(&t, 1, SHARE_MODE_PAD, &tag, NULL), MALFORMED);
	assert_status(part(&t, 2, SHARE_MODE_PAD, &tag, NULL), ORDER);
	/* Another client's key of that ID is none of this one's. */
	line_lease(&b, ROOM, 4096);
	AUTO(ask) q = {0};
	other.key_len = KEY_PART_LEN + 17;
	part_ask(&q, &b, &other, 1, SHARE_MODE_PAD, &tag, NULL);
	assert_status(ask_status(&q, &b), UNKNOWN_KEY);
}

/* Sealed afresh after its answer was lost: the first counts; and over a restart of the hub the parts are there. */
static void parts_come_again_and_later(void **state)
{
	struct secret share[PARTS] = {{0}};
	AUTO(delivery) d = {0};
	struct terms t;

	(void)state;
	long_terms(&t, "again");
	assert_status(begin(&t, &share[0]), ACCEPTED);
	assert_status(part(&t, 1, SHARE_MODE_SEALED, NULL, &share[1]), ACCEPTED);
	rig_restart(&rig);
	line_close(&a);
	line_close(&b);
	line_open(&a, &alice);
	line_open(&b, &bob);
	line_lease(&a, ROOM, 4096);
	line_lease(&b, 4096, ROOM);
	assert_status(part(&t, 1, SHARE_MODE_SEALED, NULL, NULL), ACCEPTED);
	assert_status(part(&t, 2, SHARE_MODE_SEALED, &tag, &share[2]), ACCEPTED);
	assert_status(part(&t, 2, SHARE_MODE_PAD, &tag, NULL), ACCEPTED);
	ask_for(&t);
	delivery_next(&d, &b);
	t.key_tag = tag;
	assert_true(terms_equal(&d.terms, &t));
	take_piece(&t, 1, &share[1]);
	take_piece(&t, 2, &share[2]);
	drop(share);
}

/* What a receiver did not get to the end begins anew on its next connection, under other pad. */
static void a_lost_receiver_begins_anew(void **state)
{
	struct secret share[PARTS] = {{0}};
	AUTO(delivery) first = {0}, second = {0};
	struct terms t;

	(void)state;
	put_whole(&t, "lost", share);
	ask_for(&t);
	delivery_next(&first, &b);
	take_piece(&t, 1, &share[1]);
	line_close(&b);
	line_open(&b, &bob);
	line_lease(&b, 4096, ROOM);
	ask_for(&t);
	delivery_next(&second, &b);
	assert_true(second.offset >= first.offset + first.length);
	take_piece(&t, 1, &share[1]);
	take_piece(&t, 2, &share[2]);
	receipt_send(&b, &second, RECEIPT_KEPT);
	drop(share);
}

/* An older key of the context is to be had until the newer one is whole. */
static void a_key_supersedes_when_it_is_whole(void **state)
{
	struct secret old[PARTS] = {{0}};
	AUTO(delivery) d = {0}, later = {0};
	struct terms t, new;

	(void)state;
	put_whole(&t, "both", old);
	line_lease(&a, ROOM, 4096);
	long_terms(&new, "both");
	assert_status(begin(&new, NULL), ACCEPTED);
	assert_status(wait_send(&b, &alice.header.client, NULL, "both"), ACCEPTED);
	delivery_next(&d, &b);
	assert_true(id_equal(&d.terms.key_id, &t.key_id));
	line_close(&b);
	assert_status(part(&new, 1, SHARE_MODE_PAD, NULL, NULL), ACCEPTED);
	assert_status(part(&new, 2, SHARE_MODE_PAD, &tag, NULL), ACCEPTED);
	line_open(&b, &bob);
	line_lease(&b, 4096, ROOM);
	assert_status(wait_send(&b, &alice.header.client, NULL, "both"), ACCEPTED);
	delivery_next(&later, &b);
	assert_true(id_equal(&later.terms.key_id, &new.key_id));
	drop(old);
}

/* On one connection a long key is delivered to its end before the next one begins, however close the two WAITs are. */
static void one_after_the_other(void **state)
{
	struct secret one[PARTS] = {{0}}, two[PARTS] = {{0}};
	AUTO(ask) first = {0}, second = {0};
	unsigned instructions = 0, pieces = 0;
	struct terms t, next;
	struct envelope e;

	(void)state;
	put_whole(&t, "one", one);
	put_whole(&next, "two", two);
	line_close(&b);
	line_open(&b, &bob);
	line_lease(&b, 4096, 2 * ROOM);
	wait_ask(&first, &b, &alice.header.client, &t.key_id, NULL);
	wait_ask(&second, &b, &alice.header.client, &next.key_id, NULL);
	line_send_frame(&b, &first.frame);
	line_send_frame(&b, &second.frame);
	while (pieces < 2 * (PARTS - 1)) {
		assert_true(line_next(&b, &e));
		if (e.type == MESSAGE_INSTRUCTION)
			assert_int_equal(pieces, (PARTS - 1) * instructions++);
		pieces += e.type == MESSAGE_PIECE;
	}
	assert_int_equal(instructions, 2);
	drop(one);
	drop(two);
}

/* Who takes no long keys is sent none, and loses no pad to one, however often he asks; it waits for who does. */
static void who_takes_none_is_sent_none(void **state)
{
	struct secret share[PARTS] = {{0}};
	AUTO(delivery) d = {0};
	struct terms t, more;

	(void)state;
	put_whole(&t, "waits", share);
	for (unsigned i = 0; i < 4; i++) {
		line_close(&b);
		line_open(&b, &bob);
		line_lease(&b, 4096, MSG_SHARE_RANGE_LEN(&t));
		b.takes_no_long = true;
		assert_int_equal(wait_send(&b, &alice.header.client, i % 2 ? &t.key_id : NULL, "waits"), STATUS_ACCEPTED);
		assert_true(line_is_silent(&b));
	}
	/* Nor when it comes while he waits. */
	line_lease(&a, ROOM, 4096);
	long_terms(&more, "comes");
	assert_int_equal(wait_send(&b, &alice.header.client, NULL, "comes"), STATUS_ACCEPTED);
	assert_status(begin(&more, NULL), ACCEPTED);
	assert_status(part(&more, 1, SHARE_MODE_PAD, NULL, NULL), ACCEPTED);
	assert_status(part(&more, 2, SHARE_MODE_PAD, &tag, NULL), ACCEPTED);
	assert_true(line_is_silent(&b));
	/* On the same connection, the same filter, and now he takes it, in the window that nothing was taken of. */
	b.takes_no_long = false;
	assert_int_equal(wait_send(&b, &alice.header.client, &t.key_id, NULL), STATUS_ACCEPTED);
	delivery_next(&d, &b);
	assert_true(terms_equal(&d.terms, &t));
	line_note(&b, NOTE_WINDOW_SPENT);
	line_lease(&b, 4096, ROOM);
	take_piece(&t, 1, &share[1]);
	take_piece(&t, 2, &share[2]);
	drop(share);
}

/* The quota and the mailbox have room for all of a key, or for none of it. */
static void bounds_are_held_at_the_share(void **state)
{
	struct terms t;

	(void)state;
	set_up_with("send_bytes_per_day = 3M\n");
	long_terms(&t, "one");
	assert_status(begin(&t, NULL), ACCEPTED);
	long_terms(&t, "two");
	assert_status(begin(&t, NULL), QUOTA);
	pair_tear_down(NULL);

	set_up_with("mailbox_most = 8M\n");
	long_terms(&t, "one");
	assert_status(begin(&t, NULL), ACCEPTED);
	long_terms(&t, "two");
	assert_status(begin(&t, NULL), MAILBOX_FULL);
	pair_tear_down(NULL);

	set_up_with("mailbox_per_pair = 1\n");
	long_terms(&t, "one");
	assert_status(begin(&t, NULL), ACCEPTED);
	long_terms(&t, "two");
	assert_status(begin(&t, NULL), MAILBOX_FULL); /* though none is whole */
	pair_tear_down(NULL);
}

#define WITH_PAIR(test) cmocka_unit_test_setup_teardown(test, set_up, pair_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_PAIR(all_parts_travel),
		WITH_PAIR(pieces_wait_for_a_window),
		WITH_PAIR(parts_that_do_not_fit_are_refused),
		WITH_PAIR(parts_come_again_and_later),
		WITH_PAIR(a_lost_receiver_begins_anew),
		WITH_PAIR(a_key_supersedes_when_it_is_whole),
		WITH_PAIR(one_after_the_other),
		WITH_PAIR(who_takes_none_is_sent_none),
		cmocka_unit_test(bounds_are_held_at_the_share),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
