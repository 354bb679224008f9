/* SPDX-License-Identifier: Apache-2.0 */
/* What clients and strangers who mean harm make the hub do stays small: its work, its log, its places, its mailbox. */
#include "config.h"

#include "test/hub/pair.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/net.h"

static int begin(const char *limits)
{
	rig_init(&rig);
	rig.limits = limits;
	rig.table_len = UINT64_C(32) << 20;
	rig_configure(&rig);
	pair_start();
	return 0;
}

static int setup(void **state)
{
	(void)state;
	return begin(NULL);
}

/* ---- shares that bob has no window for ------------------------------------------------------------------- */

/* Leases anew where the window does not suffice. */
static void share_of(struct line *l, const struct party *from, const struct party *to, uint32_t key_len, struct id *key_id)
{
	struct terms t;

	terms_fill(&t, from, to, "");
	t.key_len = key_len;
	if (window_left(l->up) < MSG_SHARE_RANGE_LEN(&t))
		line_lease(l, 2 << 20, 0);
	*key_id = t.key_id;
	assert_int_equal(share_send(l, &t), STATUS_ACCEPTED);
}

static void wait_in_vain(struct line *l, const struct id *key_id)
{
	assert_int_equal(wait_send(l, &alice.header.client, key_id, NULL), STATUS_ACCEPTED);
	line_note(l, NOTE_WINDOW_SPENT);
}

/* An answer has come, so all that was sent before is dealt with. */
static void settle(struct line *l)
{
	AUTO(ask) q = {0};
	struct envelope e;

	identify_ask(&q, l, "bob", NULL);
	line_send_frame(l, &q.frame);
	ask_answer(&q, l, MESSAGE_IDENTITY, &e);
}

enum { SHARES = 40 };

/* They come, one after the other as there is room, without a receipt in between. */
static void take_all(struct line *l, const struct id *keys)
{
	size_t replies = 0, taken = 0;

	for (size_t i = 0; i < SHARES; i++) {
		AUTO(ask) q = {0};

		wait_ask(&q, l, &alice.header.client, &keys[i], NULL);
		line_send_frame(l, &q.frame);
	}
	while (replies < SHARES || taken < SHARES) {
		AUTO(delivery) d = {0};
		struct envelope e;

		assert_true(line_next(l, &e));
		if (e.type == MESSAGE_REPLY) {
			replies++;
			continue;
		}
		delivery_open(&d, l, &e);
		assert_true(id_equal(&d.terms.key_id, &keys[taken]));
		taken++;
	}
}

/* A share that does not fit is not even opened: neither for a WAIT, nor for each byte of an unfinished frame. */
static void single_bytes(void **state)
{
	enum { WAITS = 200, BYTES = 400 };
	static const uint8_t head[] = {0, 0, 0xff, 0xff};
	struct id keys[SHARES], large;
	struct line m;
	int64_t before;

	(void)state;
	for (size_t i = 0; i < SHARES; i++)
		share_of(&a, &alice, &bob, 100000, &keys[i]);
	share_of(&a, &alice, &bob, 1 << 20, &large);
	line_open(&m, &bob);
	line_lease(&m, 65536, 0);
	line_lease(&a, 65536, 0);
	before = rig_cpu_ms(&rig);
	for (size_t i = 0; i < WAITS; i++)
		wait_in_vain(&m, &large);
	for (size_t i = 0; i < SHARES; i++)
		wait_in_vain(&m, &keys[i]);
	line_send(&m, head, sizeof head);
	for (size_t i = 0; i < BYTES; i++) {
		line_send(&m, "", 1);
		settle(&a); /* else the hub takes many bytes at once */
	}
	assert_in_range(rig_cpu_ms(&rig) - before, 0, 900);

	/* With a window they come all the same. */
	line_close(&m);
	line_open(&m, &bob);
	line_lease(&m, 4096, 5 << 20);
	take_all(&m, keys);
	line_close(&m);
}

/* ---- a share that bob never receipts ----------------------------------------------------------------------- */

/* How many times bob gets it, on a new connection each time, out of so many. */
static unsigned sealed(const struct id *key_id, unsigned times)
{
	unsigned count = 0;

	for (unsigned i = 0; i < times; i++) {
		AUTO(delivery) d = {0};
		struct envelope e;
		struct line l;

		line_open(&l, &bob);
		line_lease(&l, 256, 32768);
		assert_int_equal(wait_send(&l, &alice.header.client, key_id, NULL), STATUS_ACCEPTED);
		if (line_overtaken(&l, &e)) {
			delivery_open(&d, &l, &e);
			assert_int_equal(count, i); /* never again after it did not come */
			count++;
		}
		line_close(&l);
	}
	return count;
}

/* One share cannot use up the table of its receiver. */
static void sealed_so_often(void **state)
{
	struct id key_id, other;

	(void)state;
	share_of(&a, &alice, &bob, 20000, &key_id);
	assert_int_equal(sealed(&key_id, 8), 8);
	settle(&a); /* the hub has met the end of that connection */
	assert_int_equal(rig_stop(&rig), 0);
	rig_start(&rig);
	assert_int_equal(sealed(&key_id, 12), 8); /* and forgets nothing */
	assert_true(rig_logged(&rig, "was sealed 16 times for bob, who never said that he has it: it is given up"));
	line_close(&a);
	line_ready(&a, &alice);
	share_of(&a, &alice, &bob, 20000, &other);
	assert_int_equal(sealed(&other, 1), 1);
}

static int setup_quota(void **state)
{
	(void)state;
	return begin("receive_bytes_per_day = 100K\n");
}

/* Nor take more of it than the quota has. */
static void sealing_again_is_charged(void **state)
{
	struct id key_id;
	struct terms t;

	(void)state;
	share_of(&a, &alice, &bob, 20000, &key_id);
	assert_int_equal(sealed(&key_id, 8), 5); /* of 20112 bytes each */
	terms_fill(&t, &alice, &bob, "one more");
	t.key_len = 4096;
	assert_int_equal(share_send(&a, &t), STATUS_QUOTA);
}

/* ---- the mailbox ------------------------------------------------------------------------------------------- */

static int setup_small_mailbox(void **state)
{
	(void)state;
	return begin("mailbox_most = 4M\n");
}

static unsigned store(struct line *l, const struct party *from, const struct party *to, unsigned most)
{
	unsigned stored = 0;
	enum status status = STATUS_ACCEPTED;

	line_lease(l, 4 << 20, 0);
	for (; stored < most && status == STATUS_ACCEPTED; stored += status == STATUS_ACCEPTED) {
		struct terms t;

		terms_fill(&t, from, to, "");
		t.key_len = 20000;
		status = share_send(l, &t);
	}
	if (stored < most)
		assert_int_equal(status, STATUS_MAILBOX_FULL);
	return stored;
}

/* Alice stores as much as she can.  A quarter of the other half is there for each of the four all the same. */
static void one_client_fills_the_mailbox(void **state)
{
	struct party carol, dave;
	struct line c, d;

	(void)state;
	party_ready(&carol, &c, &rig, "carol");
	party_ready(&dave, &d, &rig, "dave");
	assert_in_range(store(&a, &alice, &bob, 200), 60, 105);
	assert_true(rig_logged(&rig, "the mailbox is half full, and alice holds"));
	assert_in_range(store(&b, &bob, &alice, 200), 20, 30);
	assert_in_range(store(&c, &carol, &bob, 200), 20, 30);
	assert_in_range(store(&d, &dave, &bob, 200), 20, 30);
	line_close(&c);
	line_close(&d);
	party_drop(&carol);
	party_drop(&dave);
}

/* ---- places ---------------------------------------------------------------------------------------------- */

enum { PLACES = 7 }; /* of eight connections one is for those that have no lease yet */

static int setup_few(void **state)
{
	(void)state;
	return begin("connections = 8\n");
}

static void lease_and_wait(struct line *l, struct party *p, const struct party *other)
{
	line_open(l, p);
	line_lease(l, 256, 256);
	assert_int_equal(wait_send(l, &other->header.client, NULL, "x"), STATUS_ACCEPTED);
}

static void assert_ended(struct line *l)
{
	struct envelope e;

	assert_false(line_next(l, &e));
}

/* Bob has as many connections as he can get, and waits on all of them; whoever has fewer gets a place all the same, one
 * of bob's.  The oldest goes, and never one of those who have few. */
static void one_client_takes_all_places(void **state)
{
	struct line many[PLACES + 3], c, d;
	struct party carol;

	(void)state;
	for (size_t i = 0; i < PLACES + 3; i++)
		lease_and_wait(&many[i], &bob, &alice);
	assert_ended(&b); /* his own oldest made room, and four more */
	for (size_t i = 0; i < 4; i++)
		assert_ended(&many[i]);
	settle(&a);
	lease_and_wait(&c, &alice, &bob);
	assert_ended(&many[4]);
	lease_and_wait(&d, &alice, &bob);
	assert_ended(&many[5]); /* three and four now */
	settle(&a);

	party_make(&carol, &rig, "carol");
	line_close(&many[0]);
	line_open(&many[0], &carol);
	line_activate(&many[0]);
	line_lease(&many[0], 256, 256);
	assert_ended(&many[6]);
	for (size_t i = 7; i < PLACES + 3; i++)
		assert_true(line_is_silent(&many[i]));
	for (size_t i = 0; i < PLACES + 3; i++)
		line_close(&many[i]);
	line_close(&c);
	line_close(&d);
	party_drop(&carol);
}

static bool is_answered(const struct line *l)
{
	uint8_t byte;

	return recv(l->fd, &byte, 1, MSG_PEEK) == 1;
}

static int setup_fewer(void **state)
{
	(void)state;
	return begin("connections = 4\n");
}

/* Where each has one nobody's is taken away, until somebody leaves. */
static void all_places_are_taken_fairly(void **state)
{
	AUTO(buf) frame = {0};
	struct party carol, dave;
	struct line c, d;

	(void)state;
	party_ready(&carol, &c, &rig, "carol");
	party_make(&dave, &rig, "dave");
	line_open(&d, &dave);
	line_activate(&d);
	lease_frame(&d, 256, &frame);
	line_send_frame(&d, &frame);
	line_note(&d, NOTE_BUSY);
	assert_ended(&d);
	settle(&a);
	settle(&b);
	settle(&c);
	line_close(&c);
	do {
		line_close(&d); /* the hub may have met it before it met the ends of the others */
		line_open(&d, &dave);
		buf_drop(&frame);
		lease_frame(&d, 256, &frame);
		line_send_frame(&d, &frame);
	} while (!is_answered(&d));
	line_granted(&d, 256, true);
	settle(&d);
	line_close(&d);
	party_drop(&carol);
	party_drop(&dave);
}

/* ---- what somebody recorded ------------------------------------------------------------------------------ */

enum { REPLAYS = 50, ENEMIES = 12 };

/* How many times is the frame answered, before the connection ends? */
static size_t answers(struct line *enemy, unsigned type)
{
	struct envelope e;
	size_t count = 0;

	while (line_next(enemy, &e))
		count += e.type == type;
	return count;
}

/* Several strangers, each of whom says it again and again, as fast as he can.  Each is put off soon. */
static void replay(struct party *p, const struct buf *frame, unsigned type)
{
	struct line enemy[ENEMIES];

	for (size_t i = 0; i < ENEMIES; i++) {
		line_open(&enemy[i], p);
		for (size_t j = 0; j < REPLAYS; j++)
			line_send_frame(&enemy[i], frame);
	}
	for (size_t i = 0; i < ENEMIES; i++) {
		assert_in_range(answers(&enemy[i], type), 1, 16);
		line_close(&enemy[i]);
	}
}

static void recorded_activate(void **state)
{
	AUTO(buf) frame = {0};
	struct party dave;
	struct line d;
	struct id nonce;
	struct envelope e;

	(void)state;
	party_make(&dave, &rig, "dave");
	assert_ok(table_activation_begin(dave.table, &nonce));
	activate_frame(&dave, &nonce, &frame);
	line_open(&d, &dave);
	line_send_frame(&d, &frame);
	assert_true(line_next(&d, &e));
	assert_int_equal(e.type, MESSAGE_ACTIVATED);
	line_close(&d);
	replay(&dave, &frame, MESSAGE_ACTIVATED);
	assert_int_equal(rig_log_count(&rig, "dave activated table"), 1);

	/* Who lost the answer gets it again. */
	line_open(&d, &dave);
	line_activate(&d);
	line_lease(&d, 4096, 4096);
	line_close(&d);
	party_drop(&dave);
}

static void recorded_share(void **state)
{
	struct terms t;
	AUTO(ask) q = {0};

	(void)state;
	terms_fill(&t, &alice, &bob, "");
	share_ask(&q, &a, &t, SHARE_MODE_SEALED, 60, NULL);
	assert_int_equal(ask_status(&q, &a), STATUS_ACCEPTED);
	replay(&alice, &q.frame, MESSAGE_REPLY);
}

/* What strangers cause to be logged is so many lines a second, whatever they do; that there was more is logged. */
static void strangers_fill_no_log(void **state)
{
	enum { STRANGERS = 200 };
	static const uint8_t nothing[] = {0, 0, 0, 1, 0x80};
	int64_t began = clock_ms();

	(void)state;
	for (size_t i = 0; i < STRANGERS; i++) {
		struct line l;

		line_open(&l, &alice);
		for (size_t j = 0; j < 4; j++)
			line_send(&l, nothing, sizeof nothing);
		line_note(&l, NOTE_ENVELOPE);
		line_close(&l);
	}
	assert_in_range(rig_log_count(&rig, "127.0.0.1:"), 1, 10 * (2 + (size_t)(clock_ms() - began) / 1000));
	assert_true(rig_logged(&rig, "lines more about connections without a lease"));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, pair_tear_down)
	const struct CMUnitTest tests[] = {
		T(single_bytes), T(recorded_activate), T(recorded_share), T(strangers_fill_no_log),
		T(sealed_so_often),
		cmocka_unit_test_setup_teardown(sealing_again_is_charged, setup_quota, pair_tear_down),
		cmocka_unit_test_setup_teardown(one_client_fills_the_mailbox, setup_small_mailbox, pair_tear_down),
		cmocka_unit_test_setup_teardown(one_client_takes_all_places, setup_few, pair_tear_down),
		cmocka_unit_test_setup_teardown(all_places_are_taken_fairly, setup_fewer, pair_tear_down),
	};
	return cmocka_run_group_tests_name("hostile", tests, NULL, NULL);
}
