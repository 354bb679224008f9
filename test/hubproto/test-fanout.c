/* SPDX-License-Identifier: Apache-2.0 */
/* hubproto/fanout.h against servers on loopback that answer, dawdle, flood and misbehave. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "hubproto/fanout.h"
#include "test/hubproto/fake-hub.h"
#include "test/hubproto/samples.h"

#define HUBS_MAX 8
#define LONG_MS 10000 /* far beyond what any of this takes */

/* What happened, and what the callbacks shall do. */
struct record {
	struct fanout *f;
	struct fake_hub hubs[HUBS_MAX];
	struct buf longest; /* a frame of a MiB; outlives the hubs that send it */
	size_t hub_count;
	size_t connected[HUBS_MAX], frames[HUBS_MAX];
	int lost[HUBS_MAX]; /* code, 0 if not */
	char why[HUBS_MAX][400];
	size_t frames_wanted, losses_wanted; /* done when either has come; 0 is never */
	size_t frame_total, loss_total;
	bool send_when_connected;
	void (*on_frame)(struct record *r, size_t i, const struct envelope *e);
	void (*on_lost)(struct record *r, size_t i);
};

static uint8_t reply[512];
static size_t reply_len;

static void connected(void *context, size_t i)
{
	struct record *r = context;

	r->connected[i]++;
	assert_true(fanout_is_connected(r->f, i));
	if (r->send_when_connected)
		assert_true(rc_ok(fanout_send(r->f, i, reply, reply_len)));
}

static void frame(void *context, size_t i, const struct envelope *e)
{
	struct record *r = context;

	r->frames[i]++;
	r->frame_total++;
	if (r->on_frame)
		r->on_frame(r, i, e);
}

static void lost(void *context, size_t i, dske_rc why)
{
	struct record *r = context;

	assert_false(fanout_is_connected(r->f, i));
	r->lost[i] = why.code;
	strncpy(r->why[i], rc_detail(why), sizeof(r->why[i]) - 1);
	r->loss_total++;
	if (r->on_lost)
		r->on_lost(r, i);
}

static bool is_done(void *context)
{
	struct record *r = context;

	return (r->frames_wanted > 0 && r->frame_total >= r->frames_wanted) ||
	       (r->losses_wanted > 0 && r->loss_total >= r->losses_wanted);
}

static int setup(void **state)
{
	static const struct fanout_ops ops = {connected, frame, lost};
	struct record *r = calloc(1, sizeof(*r));
	struct buf out;
	uint8_t key[TAG_KEY_LEN];

	assert_non_null(r);
	buf_fixed(&out, reply, sizeof(reply));
	sample_frame(0, &out, key);
	reply_len = out.len;
	assert_true(rc_ok(fanout_new(&r->f, &ops, r)));
	r->send_when_connected = true;
	*state = r;
	return 0;
}

static int teardown(void **state)
{
	struct record *r = *state;

	fanout_free(r->f);
	for (size_t i = 0; i < r->hub_count; i++)
		fake_hub_stop(&r->hubs[i]);
	buf_drop(&r->longest);
	free(r);
	return 0;
}

static size_t add_hub_saying(struct record *r, enum fake_manner manner, const void *answer, size_t len)
{
	struct fake_hub *h = &r->hubs[r->hub_count++];
	size_t i;

	fake_hub_start(h, manner, answer, len);
	assert_true(rc_ok(fanout_add(r->f, h->address, &i)));
	fanout_connect(r->f, i);
	return i;
}

static size_t add_hub(struct record *r, enum fake_manner manner)
{
	return add_hub_saying(r, manner, reply, reply_len);
}

static int run_for(struct record *r, int64_t ms)
{
	return fanout_run(r->f, clock_ms() + ms, is_done, r, NULL).code;
}

/* ---- answers ------------------------------------------------------------------------------------- */

static void all_answer(void **state)
{
	struct record *r = *state;

	for (size_t i = 0; i < 5; i++)
		assert_int_equal(add_hub(r, FAKE_ANSWERS), i);
	r->frames_wanted = 5;
	assert_int_equal(run_for(r, LONG_MS), DSKE_RC_OK);
	for (size_t i = 0; i < 5; i++) {
		assert_int_equal(r->connected[i], 1);
		assert_int_equal(r->frames[i], 1);
		assert_int_equal(r->lost[i], 0);
	}
	assert_false(fanout_has_unsent(r->f));
}

/* DSKE 2.3.2: the initiator goes on when k hubs have answered. */
static void enough_answers_end_the_wait(void **state)
{
	struct record *r = *state;

	add_hub(r, FAKE_SILENT);
	add_hub(r, FAKE_ANSWERS);
	add_hub(r, FAKE_DEAF);
	add_hub(r, FAKE_ANSWERS);
	add_hub(r, FAKE_ANSWERS);
	r->frames_wanted = 3;
	int64_t start = clock_ms();
	assert_int_equal(run_for(r, LONG_MS), DSKE_RC_OK);
	assert_true(clock_ms() - start < LONG_MS / 2);
	assert_int_equal(r->frames[1] + r->frames[3] + r->frames[4], 3);
}

static void late_and_trickling_answers_come_after_the_others(void **state)
{
	struct record *r = *state;
	size_t late = add_hub(r, FAKE_LATE);
	size_t trickling = add_hub(r, FAKE_TRICKLES);

	add_hub(r, FAKE_ANSWERS);
	add_hub(r, FAKE_ANSWERS);
	r->frames_wanted = 2;
	assert_int_equal(run_for(r, LONG_MS), DSKE_RC_OK);
	assert_int_equal(r->frames[late] + r->frames[trickling], 0);
	r->frames_wanted = 4;
	assert_int_equal(run_for(r, LONG_MS), DSKE_RC_OK);
	assert_int_equal(r->frames[late], 1);
	assert_int_equal(r->frames[trickling], 1);
	assert_int_equal(r->loss_total, 0);
}

static void frames_left_over_come_with_the_next_run(void **state)
{
	static uint8_t three[3 * sizeof(reply)];
	struct record *r = *state;

	for (size_t i = 0; i < 3; i++)
		memcpy(three + i * reply_len, reply, reply_len);
	add_hub_saying(r, FAKE_GREETS, three, 3 * reply_len);
	for (r->frames_wanted = 1; r->frames_wanted <= 3; r->frames_wanted++) {
		assert_int_equal(run_for(r, LONG_MS), DSKE_RC_OK);
		assert_int_equal(r->frame_total, r->frames_wanted);
	}
}

/* ---- time ---------------------------------------------------------------------------------------- */

static void the_deadline_holds(void **state)
{
	struct record *r = *state;

	add_hub(r, FAKE_SILENT);
	add_hub(r, FAKE_DEAF);
	int64_t start = clock_ms();
	assert_int_equal(run_for(r, 150), DSKE_RC_TIMEOUT);
	int64_t took = clock_ms() - start;
	assert_true(took >= 150);
	assert_true(took < 150 + 2000);
	assert_int_equal(r->connected[0], 1);
}

static void the_deadline_holds_under_a_flood(void **state)
{
	struct record *r = *state;
	size_t flood = add_hub(r, FAKE_FLOODS);

	int64_t start = clock_ms();
	assert_int_equal(run_for(r, 150), DSKE_RC_TIMEOUT);
	int64_t took = clock_ms() - start;
	assert_true(took >= 150 && took < 150 + 2000);
	assert_true(r->frames[flood] > 10);
}

static void a_past_deadline_still_looks(void **state)
{
	struct record *r = *state;

	add_hub(r, FAKE_LATE);
	while (r->connected[0] == 0 || fanout_has_unsent(r->f))
		run_for(r, 1);
	usleep(500000); /* the answer is here by now, and nobody has looked */
	assert_int_equal(r->frames[0], 0);
	r->frames_wanted = 1;
	for (int tries = 0; tries < 100 && run_for(r, -1000) != DSKE_RC_OK; tries++)
		usleep(10000);
	assert_int_equal(r->frames[0], 1);
}

struct canceller {
	atomic_bool cancelled;
	pthread_t thread;
};

static void *cancel_soon(void *context)
{
	struct canceller *c = context;

	usleep(50000);
	atomic_store(&c->cancelled, true);
	return NULL;
}

static void a_run_can_be_cancelled(void **state)
{
	struct record *r = *state;
	struct canceller c = {.cancelled = false};

	add_hub(r, FAKE_SILENT);
	assert_int_equal(pthread_create(&c.thread, NULL, cancel_soon, &c), 0);
	int64_t start = clock_ms();
	assert_int_equal(fanout_run(r->f, start + LONG_MS, is_done, r, &c.cancelled).code, DSKE_RC_CANCELLED);
	assert_true(clock_ms() - start < LONG_MS / 2);
	assert_int_equal(pthread_join(c.thread, NULL), 0);
}

/* ---- failures ------------------------------------------------------------------------------------ */

static void a_refused_connection_is_told_with_its_address(void **state)
{
	struct record *r = *state;
	char address[32];
	size_t i;

	fake_address_unused(address);
	assert_true(rc_ok(fanout_add(r->f, address, &i)));
	fanout_connect(r->f, i);
	add_hub(r, FAKE_ANSWERS);
	r->losses_wanted = 1;
	assert_int_equal(run_for(r, LONG_MS), DSKE_RC_OK);
	assert_int_equal(r->lost[i], DSKE_RC_UNREACHABLE);
	assert_non_null(strstr(r->why[i], address));
	assert_non_null(strstr(r->why[i], "refused"));
	assert_int_equal(r->connected[i], 0);
	r->losses_wanted = 0;
	r->frames_wanted = 1;
	assert_int_equal(run_for(r, LONG_MS), DSKE_RC_OK); /* the other one still answers */
}

static void addresses_are_checked_when_added(void **state)
{
	struct record *r = *state;
	size_t i;

	assert_true(rc_is(fanout_add(r->f, "nowhere", &i), DSKE_RC_CONFIG));
	assert_true(rc_is(fanout_add(r->f, "", &i), DSKE_RC_CONFIG));
}

/* Greeted with this, a connection ends with that. */
static void expect_loss(struct record *r, enum fake_manner manner, const void *answer, size_t len, int code)
{
	size_t i = add_hub_saying(r, manner, answer, len);

	r->losses_wanted = r->loss_total + 1;
	assert_int_equal(run_for(r, LONG_MS), DSKE_RC_OK);
	assert_int_equal(r->lost[i], code);
	assert_non_null(strstr(r->why[i], r->hubs[i].address));
}

static void nonsense_ends_a_connection(void **state)
{
	struct record *r = *state;

	expect_loss(r, FAKE_GREETS, "HTTP/1.1 400 Bad Request\r\n\r\n", 28, DSKE_RC_TOOBIG);
	expect_loss(r, FAKE_GREETS, "\0\0\0\0", 4, DSKE_RC_FORMAT);
	assert_int_equal(r->frame_total, 0);
}

static void frames_that_cannot_be_read_are_passed_over(void **state)
{
	struct record *r = *state;
	uint8_t bytes[16 * (sizeof reply + 9)], other_version[sizeof reply];
	size_t at = 0;

	for (size_t i = 0; i < 15; i++, at += 9)
		memcpy(bytes + at, i % 2 ? "\0\0\0\x05hello" : "\0\0\0\x05\x9b\xff\xff\xff\xff", 9);
	memcpy(bytes + at, reply, reply_len);
	memcpy(other_version, reply, reply_len);
	other_version[FRAME_HEAD_LEN + 1] = 2;
	memcpy(bytes + at + reply_len, other_version, reply_len); /* the sixteenth */
	expect_loss(r, FAKE_GREETS, bytes, at + 2 * reply_len, DSKE_RC_UNSUPPORTED);
	assert_int_equal(r->frame_total, 1);
}

static void a_frame_that_is_cut_is_no_frame(void **state)
{
	struct record *r = *state;

	expect_loss(r, FAKE_LEAVES, reply, reply_len - 1, DSKE_RC_CLOSED);
	expect_loss(r, FAKE_LEAVES, reply, 2, DSKE_RC_CLOSED);
	expect_loss(r, FAKE_LEAVES, reply, 0, DSKE_RC_CLOSED);
	assert_int_equal(r->frame_total, 0);
}

static void frames_before_an_end_are_handed_out(void **state)
{
	struct record *r = *state;

	r->send_when_connected = false; /* data that nobody reads would turn the end into a reset */
	expect_loss(r, FAKE_LEAVES, reply, reply_len, DSKE_RC_CLOSED);
	assert_int_equal(r->frame_total, 1);
}

static void close_it(struct record *r, size_t i, const struct envelope *e)
{
	fanout_close(r->f, i);
	/* what the envelope borrows is still there */
	assert_memory_equal(e->item, reply + FRAME_HEAD_LEN, e->item_len);
}

static void closing_from_a_callback_is_quiet(void **state)
{
	struct record *r = *state;

	r->on_frame = close_it;
	add_hub(r, FAKE_FLOODS);
	r->frames_wanted = 1;
	assert_int_equal(run_for(r, LONG_MS), DSKE_RC_OK);
	r->frames_wanted = 0;
	assert_int_equal(run_for(r, 50), DSKE_RC_TIMEOUT);
	assert_int_equal(r->frame_total, 1);
	assert_int_equal(r->loss_total, 0);
	assert_false(fanout_is_connected(r->f, 0));
}

static void close_and_connect(struct record *r, size_t i, const struct envelope *e)
{
	if (r->frame_total > 4)
		return;
	fanout_close(r->f, i);
	fanout_connect(r->f, i);
	assert_memory_equal(e->item, reply + FRAME_HEAD_LEN, e->item_len);
}

static void connecting_anew_from_a_callback(void **state)
{
	struct record *r = *state;

	r->on_frame = close_and_connect;
	add_hub(r, FAKE_ANSWERS);
	r->frames_wanted = 5;
	assert_int_equal(run_for(r, LONG_MS), DSKE_RC_OK);
	assert_int_equal(r->connected[0], 5);
	assert_int_equal(r->loss_total, 0);
}

static void connect_again(struct record *r, size_t i)
{
	fanout_connect(r->f, i);
}

static void a_lost_connection_can_be_made_anew(void **state)
{
	struct record *r = *state;

	r->on_lost = connect_again;
	r->send_when_connected = false;
	add_hub(r, FAKE_LEAVES);
	r->losses_wanted = 3;
	assert_int_equal(run_for(r, LONG_MS), DSKE_RC_OK);
	assert_int_equal(r->connected[0], 3);
	assert_int_equal(r->frame_total, 3);
}

/* No poll() announces a connect(2) that fails before it begins: to a broadcast address. */
/* From a hub that is silent to one that answers; an address that is none changes nothing. */
static void a_connection_can_be_moved(void **state)
{
	struct record *r = *state;
	struct fake_hub *second = &r->hubs[1];
	size_t i = add_hub(r, FAKE_SILENT);

	assert_int_equal(run_for(r, 100), DSKE_RC_TIMEOUT);
	assert_true(fanout_is_connected(r->f, i));
	assert_int_equal(fanout_move(r->f, i, "nowhere").code, DSKE_RC_CONFIG);
	assert_true(fanout_is_connected(r->f, i));
	fake_hub_start(second, FAKE_ANSWERS, reply, reply_len);
	r->hub_count++;
	assert_true(rc_ok(fanout_move(r->f, i, second->address)));
	assert_false(fanout_is_connected(r->f, i));
	fanout_connect(r->f, i);
	r->frames_wanted = 1;
	assert_int_equal(run_for(r, LONG_MS), DSKE_RC_OK);
	assert_int_equal(r->connected[i], 2);
	assert_int_equal(r->frames[i], 1);
	assert_int_equal(r->loss_total, 0);
}

static void failures_at_once_are_told_at_once(void **state)
{
	struct record *r = *state;
	size_t i;

	r->on_lost = connect_again;
	assert_true(rc_ok(fanout_add(r->f, "255.255.255.255:9", &i)));
	fanout_connect(r->f, i);
	r->losses_wanted = 3;
	int64_t start = clock_ms();
	assert_int_equal(run_for(r, LONG_MS), DSKE_RC_OK);
	assert_true(clock_ms() - start < LONG_MS / 2);
	assert_int_equal(r->lost[i], DSKE_RC_UNREACHABLE);
}

static void nothing_is_sent_where_nobody_is(void **state)
{
	struct record *r = *state;
	size_t i;

	assert_true(rc_ok(fanout_add(r->f, "127.0.0.1:1", &i)));
	assert_true(rc_is(fanout_send(r->f, i, reply, reply_len), DSKE_RC_CLOSED));
	assert_false(fanout_has_unsent(r->f));
}

/* ---- sizes --------------------------------------------------------------------------------------- */

static void make_longest(struct record *r)
{
	size_t body_len = 1 << 20;
	uint8_t *body = calloc(1, body_len);
	struct envelope e = {.type = MESSAGE_SHARE, .length = 128, .body = body, .body_len = body_len};

	assert_non_null(body);
	buf_heap(&r->longest, 2 * FRAME_MAX);
	assert_true(rc_ok(frame_write(&r->longest, &e, (const uint8_t[TAG_KEY_LEN]){0})));
	free(body);
}

static void long_frames_need_leave(void **state)
{
	struct record *r = *state;

	make_longest(r);
	expect_loss(r, FAKE_GREETS, r->longest.data, r->longest.len, DSKE_RC_TOOBIG);
	r->losses_wanted = 0;
	r->on_lost = NULL;
	size_t i = add_hub_saying(r, FAKE_ANSWERS, r->longest.data, r->longest.len);
	r->send_when_connected = false;
	while (!fanout_is_connected(r->f, i))
		run_for(r, 1);
	fanout_set_frame_max(r->f, i, FRAME_MAX);
	assert_true(rc_ok(fanout_send(r->f, i, r->longest.data, r->longest.len)));
	assert_true(fanout_has_unsent(r->f));
	r->frames_wanted = 1;
	assert_int_equal(run_for(r, LONG_MS), DSKE_RC_OK);
	assert_int_equal(r->frames[i], 1);
	assert_int_equal(atomic_load(&r->hubs[i].received), r->longest.len);
}

/* More is queued while a long frame is half written: every byte once, in order. */
static void frames_queue_behind_each_other(void **state)
{
	struct record *r = *state;
	size_t i = add_hub(r, FAKE_ANSWERS);
	size_t sent = 0, sent_len = 0;

	r->send_when_connected = false;
	make_longest(r);
	while (!fanout_is_connected(r->f, i))
		run_for(r, 1);
	for (int round = 0; round < 40; round++) {
		const struct buf small = {.data = reply, .len = reply_len};
		const struct buf *next = round % 2 ? &small : &r->longest;

		if (rc_ok(fanout_send(r->f, i, next->data, next->len))) {
			sent++;
			sent_len += next->len;
		}
		run_for(r, 0);
	}
	assert_true(sent > 20);
	r->frames_wanted = sent;
	assert_int_equal(run_for(r, LONG_MS), DSKE_RC_OK);
	assert_int_equal(r->frames[i], sent);
	assert_int_equal(atomic_load(&r->hubs[i].received), sent_len);
	assert_false(fanout_has_unsent(r->f));
}

static void a_deaf_hub_delays_nobody(void **state)
{
	struct record *r = *state;
	size_t deaf = add_hub(r, FAKE_DEAF);
	dske_rc rc = DSKE_OK;
	size_t queued = 0;

	make_longest(r);
	while (!fanout_is_connected(r->f, deaf))
		run_for(r, 1);
	while (rc_ok(rc = fanout_send(r->f, deaf, r->longest.data, r->longest.len))) {
		assert_true(++queued < 64);
		run_for(r, 1);
	}
	assert_true(rc_is(rc, DSKE_RC_TOOBIG));
	assert_non_null(strstr(rc_detail(rc), r->hubs[deaf].address));
	assert_true(fanout_has_unsent(r->f));
	size_t other = add_hub(r, FAKE_ANSWERS);
	r->frames_wanted = 1;
	assert_int_equal(run_for(r, LONG_MS), DSKE_RC_OK);
	assert_int_equal(r->frames[other], 1);
	assert_int_equal(r->loss_total, 0);
}

static void a_flood_delays_nobody(void **state)
{
	struct record *r = *state;
	size_t flood = add_hub(r, FAKE_FLOODS);

	r->frames_wanted = 10;
	assert_int_equal(run_for(r, LONG_MS), DSKE_RC_OK);
	size_t other = add_hub(r, FAKE_ANSWERS);
	int64_t start = clock_ms();
	while (r->frames[other] == 0 && clock_ms() - start < LONG_MS) {
		r->frames_wanted = r->frame_total + 1;
		assert_int_equal(run_for(r, LONG_MS), DSKE_RC_OK);
	}
	assert_int_equal(r->frames[other], 1);
	assert_true(r->frames[flood] >= 10);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(all_answer),
		TEST(enough_answers_end_the_wait),
		TEST(late_and_trickling_answers_come_after_the_others),
		TEST(frames_left_over_come_with_the_next_run),
		TEST(the_deadline_holds), TEST(the_deadline_holds_under_a_flood),
		TEST(a_past_deadline_still_looks),
		TEST(a_run_can_be_cancelled),
		TEST(a_refused_connection_is_told_with_its_address),
		TEST(addresses_are_checked_when_added),
		TEST(nonsense_ends_a_connection),
		TEST(frames_that_cannot_be_read_are_passed_over),
		TEST(a_frame_that_is_cut_is_no_frame),
		TEST(frames_before_an_end_are_handed_out),
		TEST(closing_from_a_callback_is_quiet),
		TEST(connecting_anew_from_a_callback),
		TEST(a_lost_connection_can_be_made_anew),
		TEST(a_connection_can_be_moved),
		TEST(failures_at_once_are_told_at_once),
		TEST(nothing_is_sent_where_nobody_is),
		TEST(long_frames_need_leave),
		TEST(frames_queue_behind_each_other),
		TEST(a_deaf_hub_delays_nobody), TEST(a_flood_delays_nobody),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
