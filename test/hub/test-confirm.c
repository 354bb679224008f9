/* SPDX-License-Identifier: Apache-2.0 */
/* The confirmation round through a real hub: who may say what, what is held back, and what a kill leaves of it. */
#include "config.h"

#include "test/hub/pair.h"

#include <string.h>

#include "core/confirm.h"

static const struct confirmation said = {.point.b = {1, 2, 3}, .value.b = {4, 5, 6}};
static const struct confirmation another = {.point.b = {1, 2, 3}, .value.b = {4, 5, 7}};
static struct party carol;
static struct line c;

static int set_up(void **state)
{
	pair_set_up(state);
	party_ready(&carol, &c, &rig, "carol");
	return 0;
}

static int tear_down(void **state)
{
	line_close(&c);
	party_drop(&carol);
	return pair_tear_down(state);
}

static void lose_hub(void)
{
	rig_restart(&rig);
	line_close(&a);
	line_close(&b);
	line_close(&c);
	line_ready(&a, &alice);
	line_ready(&b, &bob);
	line_ready(&c, &carol);
}

/* Of alice for bob and carol, accepted. */
static void put_as(struct terms *t, bool confirm)
{
	terms_fill(t, &alice, &bob, "lunch");
	t->receiver[t->receiver_count++] = carol.header.client;
	t->confirm = confirm;
	assert_int_equal(share_send(&a, t), STATUS_ACCEPTED);
}

static void put(struct terms *t)
{
	put_as(t, true);
}

static void fetch(struct line *l, const struct terms *t, enum receipt_verdict verdict)
{
	AUTO(delivery) d = {0};

	assert_int_equal(wait_send(l, &alice.header.client, &t->key_id, NULL), STATUS_ACCEPTED);
	delivery_next(&d, l);
	assert_true(d.terms.confirm);
	receipt_send(l, &d, verdict);
}

/* ---- asking ---------------------------------------------------------------------------------------------- */

static void send_ready(struct ask *q, struct line *l, const struct terms *t, uint32_t patience)
{
	AUTO(buf) body = {0};

	buf_heap(&body, 128);
	assert_ok(msg_ready_write(&body, &(struct msg_ready){t->initiator, t->key_id, patience}));
	ask_make(q, l, MESSAGE_READY, &body, MSG_CONFIRM_RANGE_LEN);
	line_send_frame(l, &q->frame);
}

static enum status take_confirmation(struct ask *q, struct line *l)
{
	struct envelope e;
	struct msg_confirmation m;

	ask_answer(q, l, MESSAGE_CONFIRMATION, &e);
	assert_ok(msg_confirmation_read(&m, e.body, e.body_len));
	if (m.status == STATUS_ACCEPTED)
		assert_memory_equal(&m.said, &said, sizeof said);
	return m.status;
}

static void send_muster(struct ask *q, struct line *l, const struct terms *t, uint32_t patience)
{
	AUTO(buf) body = {0};

	buf_heap(&body, 128);
	assert_ok(msg_muster_write(&body, &(struct msg_muster){t->key_id, patience}));
	ask_make(q, l, MESSAGE_MUSTER, &body, MSG_CONFIRM_RANGE_LEN);
	line_send_frame(l, &q->frame);
}

/* The first byte of who is ready: 1 bob, 2 carol; or minus the status. */
static int take_mustered(struct ask *q, struct line *l)
{
	struct envelope e;
	struct msg_mustered m;

	ask_answer(q, l, MESSAGE_MUSTERED, &e);
	assert_ok(msg_mustered_read(&m, e.body, e.body_len));
	return m.status == STATUS_ACCEPTED ? m.ready.b[0] : -(int)m.status;
}

static enum status attest(struct line *l, const struct terms *t, const struct confirmation *what)
{
	AUTO(buf) body = {0};
	AUTO(ask) q = {0};

	buf_heap(&body, 128);
	assert_ok(msg_attest_write(&body, &(struct msg_attest){t->key_id, *what}));
	ask_make(&q, l, MESSAGE_ATTEST, &body, MSG_CONFIRM_RANGE_LEN);
	return ask_status(&q, l);
}

static enum status ready_status(struct line *l, const struct terms *t)
{
	AUTO(ask) q = {0};

	send_ready(&q, l, t, 1);
	return take_confirmation(&q, l);
}

static int muster_now(struct line *l, const struct terms *t)
{
	AUTO(ask) q = {0};

	send_muster(&q, l, t, 1);
	return take_mustered(&q, l);
}

/* ---- tests ----------------------------------------------------------------------------------------------- */

static void all_are_ready_then_all_are_told(void **state)
{
	AUTO(ask) of_alice = {0}, of_bob = {0}, of_carol = {0}, late = {0};
	struct terms t;

	(void)state;
	put(&t);
	send_muster(&of_alice, &a, &t, 60);
	send_ready(&of_bob, &b, &t, 60);
	assert_true(line_is_silent(&b)); /* he is ready now */
	assert_true(line_is_silent(&a)); /* carol is not */
	send_ready(&of_carol, &c, &t, 60);
	assert_int_equal(take_mustered(&of_alice, &a), 3);
	assert_true(line_is_silent(&b));
	assert_int_equal(attest(&a, &t, &said), STATUS_ACCEPTED);
	assert_int_equal(take_confirmation(&of_bob, &b), STATUS_ACCEPTED);
	assert_int_equal(take_confirmation(&of_carol, &c), STATUS_ACCEPTED);
	/* Who asks again is told again, and a MUSTER finds all ready, also after the receipts. */
	send_ready(&late, &b, &t, 60);
	assert_int_equal(take_confirmation(&late, &b), STATUS_ACCEPTED);
	fetch(&b, &t, RECEIPT_KEPT);
	assert_int_equal(muster_now(&a, &t), 3);
	assert_int_equal(ready_status(&b, &t), STATUS_UNKNOWN_KEY); /* he has it */
}

static void patience_ends(void **state)
{
	struct terms t;

	(void)state;
	put(&t);
	assert_int_equal(muster_now(&a, &t), 0);
	assert_int_equal(ready_status(&c, &t), STATUS_UNCONFIRMED);
	assert_int_equal(muster_now(&a, &t), 2);
}

static void others_have_no_say(void **state)
{
	struct terms t, plain, other;

	(void)state;
	put(&t);
	put_as(&plain, false);
	other = t;
	other.key_id.b[3] ^= 1;
	assert_int_equal(ready_status(&a, &t), STATUS_UNKNOWN_KEY);      /* the initiator is no receiver */
	assert_int_equal(ready_status(&b, &other), STATUS_UNKNOWN_KEY);  /* no such key */
	assert_int_equal(ready_status(&b, &plain), STATUS_UNKNOWN_KEY);  /* nothing to confirm */
	assert_int_equal(muster_now(&b, &t), -STATUS_UNKNOWN_KEY);       /* not his */
	assert_int_equal(muster_now(&a, &plain), -STATUS_UNKNOWN_KEY);
	assert_int_equal(attest(&b, &t, &said), STATUS_UNKNOWN_KEY);
	assert_int_equal(attest(&a, &plain, &said), STATUS_UNKNOWN_KEY);
	assert_int_equal(muster_now(&a, &t), 0);
	fetch(&c, &t, RECEIPT_REFUSED);
	assert_int_equal(ready_status(&c, &t), STATUS_UNKNOWN_KEY); /* she will not have it */
}

static void the_first_attestation_counts(void **state)
{
	struct terms t;

	(void)state;
	put(&t);
	assert_int_equal(attest(&a, &t, &said), STATUS_ACCEPTED);
	assert_int_equal(attest(&a, &t, &said), STATUS_ACCEPTED);
	assert_int_equal(attest(&a, &t, &another), STATUS_KEY_EXISTS);
	assert_int_equal(ready_status(&b, &t), STATUS_ACCEPTED); /* and is what he is told */
}

static void a_kill_forgets_nothing(void **state)
{
	AUTO(ask) of_bob = {0};
	struct terms t;

	(void)state;
	put(&t);
	assert_int_equal(ready_status(&c, &t), STATUS_UNCONFIRMED);
	lose_hub();
	assert_int_equal(muster_now(&a, &t), 2);
	send_ready(&of_bob, &b, &t, 60);
	assert_true(line_is_silent(&b));
	assert_int_equal(attest(&a, &t, &said), STATUS_ACCEPTED);
	lose_hub(); /* bob's answer is lost with his connection, or came */
	assert_int_equal(muster_now(&a, &t), 3);
	assert_int_equal(attest(&a, &t, &another), STATUS_KEY_EXISTS);
	assert_int_equal(ready_status(&b, &t), STATUS_ACCEPTED);
	assert_int_equal(ready_status(&c, &t), STATUS_ACCEPTED);
}

static void the_same_bytes_get_one_answer(void **state)
{
	AUTO(ask) q = {0};
	AUTO(buf) first = {0};
	struct envelope e;
	struct terms t;

	(void)state;
	put(&t);
	send_ready(&q, &b, &t, 60);
	for (unsigned i = 0; i < 20; i++)
		line_send_frame(&b, &q.frame); /* no failure: the answer is held back */
	assert_true(line_is_silent(&b));
	assert_int_equal(attest(&a, &t, &said), STATUS_ACCEPTED);
	ask_answer(&q, &b, MESSAGE_CONFIRMATION, &e);
	buf_heap(&first, 1024);
	buf_put(&first, e.item, e.item_len);
	assert_true(line_is_silent(&b));
	line_send_frame(&b, &q.frame);
	assert_true(line_next(&b, &e));
	assert_int_equal(e.item_len, first.len);
	assert_memory_equal(e.item, first.data, first.len);
}

static void what_is_held_is_bounded(void **state)
{
	AUTO(ask) q = {0};
	struct terms t;

	(void)state;
	put(&t);
	for (unsigned i = 0; i < 64; i++) {
		AUTO(ask) held = {0};
		send_ready(&held, &b, &t, 60);
	}
	send_ready(&q, &b, &t, 60);
	assert_int_equal(take_confirmation(&q, &b), STATUS_QUOTA);
	line_close(&b); /* and ends with the connection */
	line_ready(&b, &bob);
	assert_int_equal(ready_status(&b, &t), STATUS_UNCONFIRMED);
}

static void bodies_and_ranges_are_checked(void **state)
{
	AUTO(buf) body = {0}, ready = {0};
	AUTO(ask) q = {0}, longer = {0};
	struct terms t;

	(void)state;
	put(&t);
	buf_heap(&body, 16);
	buf_put_u8(&body, 0x80);
	ask_make(&q, &b, MESSAGE_READY, &body, MSG_CONFIRM_RANGE_LEN);
	line_send_frame(&b, &q.frame);
	assert_int_equal(take_confirmation(&q, &b), STATUS_MALFORMED);
	buf_heap(&ready, 128);
	assert_ok(msg_ready_write(&ready, &(struct msg_ready){t.initiator, t.key_id, 1}));
	ask_make(&longer, &b, MESSAGE_READY, &ready, MSG_CONFIRM_RANGE_LEN + 1);
	line_send_frame(&b, &longer.frame);
	assert_int_equal(take_confirmation(&longer, &b), STATUS_LENGTH);
	assert_int_equal(muster_now(&a, &t), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_are_ready_then_all_are_told),
		cmocka_unit_test(patience_ends),
		cmocka_unit_test(others_have_no_say),
		cmocka_unit_test(the_first_attestation_counts),
		cmocka_unit_test(a_kill_forgets_nothing),
		cmocka_unit_test(the_same_bytes_get_one_answer),
		cmocka_unit_test(what_is_held_is_bounded),
		cmocka_unit_test(bodies_and_ranges_are_checked),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
