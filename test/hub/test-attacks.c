/* SPDX-License-Identifier: Apache-2.0 */
/* Capture and replay (DSKE 4.1): all that a client said is said again, to the same hub, by somebody on the way. */
#define _GNU_SOURCE /* memmem */
#include "config.h"

#include "test/hub/pair.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int setup(void **state)
{
	(void)state;
	rig_init(&rig);
	rig_configure(&rig);
	pair_start();
	return 0;
}

/* Alice's own words, as they were on the wire. */
struct captured {
	struct buf lease, share, wait, identify;
};

static void capture(struct captured *c, const char *context)
{
	struct terms t;
	struct ask share = {0}, wait = {0}, identify = {0};
	struct envelope e;

	line_close(&a);
	line_open(&a, &alice);
	lease_frame(&a, 8192, &c->lease);
	line_send_frame(&a, &c->lease);
	line_granted(&a, 8192, true);
	terms_fill(&t, &alice, &bob, context);
	share_ask(&share, &a, &t, SHARE_MODE_SEALED, 60, NULL);
	assert_string_equal(status_text(ask_status(&share, &a)), "accepted");
	wait_ask(&wait, &a, &bob.header.client, NULL, context);
	assert_string_equal(status_text(ask_status(&wait, &a)), "accepted");
	identify_ask(&identify, &a, "bob", NULL);
	line_send_frame(&a, &identify.frame);
	ask_answer(&identify, &a, MESSAGE_IDENTITY, &e);
	c->share = share.frame;
	c->wait = wait.frame;
	c->identify = identify.frame;
	share.frame = wait.frame = identify.frame = (struct buf){0};
	ask_drop(&share);
	ask_drop(&wait);
	ask_drop(&identify);
}

static void captured_drop(struct captured *c)
{
	buf_drop(&c->lease);
	buf_drop(&c->share);
	buf_drop(&c->wait);
	buf_drop(&c->identify);
}

/* In whichever order on a connection of his own he gets notes, or the very answer that was given before; no lease, no second share. */
static void replayed(const struct captured *c)
{
	const struct buf *const frames[] = {&c->lease, &c->share, &c->wait, &c->identify, &c->share, &c->lease};
	struct line enemy;
	struct envelope e;

	line_open(&enemy, &alice);
	for (size_t i = 0; i < sizeof frames / sizeof frames[0]; i++) {
		line_send_frame(&enemy, frames[i]);
		assert_true(line_next(&enemy, &e));
		assert_true(e.type == MESSAGE_NOTE || (frames[i] == &c->share && e.type == MESSAGE_REPLY));
		if (frames[i] == &c->lease)
			assert_int_equal(note_code(&e), NOTE_SLOT_TAKEN);
	}
	assert_true(line_is_silent(&enemy));
	line_close(&enemy);
}

/* Bob finds one share of that context, and then none. */
static void bob_finds_one(const char *context)
{
	struct delivery d;

	assert_string_equal(status_text(wait_send(&b, &alice.header.client, NULL, context)), "accepted");
	delivery_next(&d, &b);
	receipt_send(&b, &d, RECEIPT_KEPT);
	delivery_drop(&d);
	assert_string_equal(status_text(wait_send(&b, &alice.header.client, NULL, context)), "accepted");
	assert_true(line_is_silent(&b));
}

static void said_again(void **state)
{
	struct captured c = {0};
	struct terms t;

	(void)state;
	capture(&c, "once");
	replayed(&c);
	bob_finds_one("once");
	replayed(&c); /* after its receipt */
	assert_true(line_is_silent(&b));
	terms_fill(&t, &alice, &bob, "alice goes on");
	assert_string_equal(status_text(share_send(&a, &t)), "accepted");
	captured_drop(&c);
}

/* A hub that was killed knows it all the same. */
static void said_again_after_a_crash(void **state)
{
	struct captured c = {0};

	(void)state;
	capture(&c, "crash");
	line_close(&a);
	line_close(&b);
	rig_restart(&rig);
	replayed(&c);
	line_ready(&b, &bob);
	bob_finds_one("crash");
	replayed(&c);
	line_ready(&a, &alice);
	captured_drop(&c);
}

/* In another's mouth: Alice's words on Bob's connection, and with Bob's table named, are nobody's. */
static void in_another_session(void **state)
{
	struct captured c = {0};
	struct envelope e;

	(void)state;
	capture(&c, "elsewhere");
	line_send_frame(&b, &c.identify);
	assert_true(line_next(&b, &e));
	assert_int_equal(e.type, MESSAGE_NOTE);

	uint8_t *at = memmem(c.identify.data, c.identify.len, alice.header.table.b, ID_LEN);

	assert_non_null(at);
	memcpy(at, bob.header.table.b, ID_LEN);
	line_send_frame(&b, &c.identify);
	assert_true(line_next(&b, &e));
	assert_int_equal(e.type, MESSAGE_NOTE);
	bob_finds_one("elsewhere");
	captured_drop(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(said_again),
		cmocka_unit_test(said_again_after_a_crash),
		cmocka_unit_test(in_another_session),
	};

	return cmocka_run_group_tests_name("attacks", tests, setup, pair_tear_down);
}
