/* SPDX-License-Identifier: Apache-2.0 */
/* Depletion (DSKE 4.1): quotas by key and by byte, in each direction and by pair; bounds on the mailbox; a flood. */
#include "config.h"

#include "test/hub/rig.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct rig rig;
static struct party alice, bob, carol, dave;
static struct line a, c;

static void begin(const char *limits)
{
	rig_init(&rig);
	rig.limits = limits;
	rig_configure(&rig);
	rig_start(&rig);
	party_ready(&alice, &a, &rig, "alice");
	party_ready(&carol, &c, &rig, "carol");
	party_make(&bob, &rig, "bob");
	party_make(&dave, &rig, "dave");
}

static void end(void)
{
	line_close(&a);
	line_close(&c);
	party_drop(&alice);
	party_drop(&bob);
	party_drop(&carol);
	party_drop(&dave);
	rig_drop(&rig);
}

static enum status send_to(struct line *l, const struct party *from, const struct party *to, uint32_t key_len)
{
	struct terms t;
	static unsigned number;
	char context[16];

	snprintf(context, sizeof context, "%u", number++);
	terms_fill(&t, from, to, context);
	t.key_len = key_len;
	return share_send(l, &t);
}

#define assert_status(got, name) assert_string_equal(status_text(got), status_text(STATUS_##name))

/* By pair: who has sent bob his two keys may still send to dave, and carol to bob. */
static void a_pair_has_its_keys(void **state)
{
	(void)state;
	begin("pair_keys_per_minute = 2\n");
	assert_status(send_to(&a, &alice, &bob, 32), ACCEPTED);
	assert_status(send_to(&a, &alice, &bob, 32), ACCEPTED);
	assert_status(send_to(&a, &alice, &bob, 32), QUOTA);
	assert_true(rig_logged(&rig, "refused a SHARE: the quota of this pair is used up: 2 keys a minute"));
	assert_status(send_to(&a, &alice, &dave, 32), ACCEPTED);
	assert_status(send_to(&c, &carol, &bob, 32), ACCEPTED);
	end();
}

static void a_sender_has_its_bytes(void **state)
{
	(void)state;
	begin("send_bytes_per_day = 3000\n"); /* a key of 1000 bytes takes 1112 */
	assert_status(send_to(&a, &alice, &bob, 1000), ACCEPTED);
	assert_status(send_to(&a, &alice, &dave, 1000), ACCEPTED);
	assert_status(send_to(&a, &alice, &bob, 1000), QUOTA);
	assert_status(send_to(&a, &alice, &dave, 600), ACCEPTED);
	assert_status(send_to(&c, &carol, &bob, 1000), ACCEPTED);
	end();
}

/* By receiver: nobody can send bob more together than he is to have, nor keep dave from his. */
static void a_receiver_is_spared(void **state)
{
	(void)state;
	begin("receive_keys_per_day = 3\n");
	assert_status(send_to(&a, &alice, &bob, 32), ACCEPTED);
	assert_status(send_to(&c, &carol, &bob, 32), ACCEPTED);
	assert_status(send_to(&a, &alice, &bob, 32), ACCEPTED);
	assert_status(send_to(&c, &carol, &bob, 32), QUOTA);
	assert_status(send_to(&a, &alice, &bob, 32), QUOTA);
	assert_status(send_to(&c, &carol, &dave, 32), ACCEPTED);
	end();
}

/* A group counts for each of its receivers, once for its sender; when one of them has had enough, nobody is charged. */
static void a_group_counts_for_each(void **state)
{
	struct terms t;

	(void)state;
	begin("pair_keys_per_minute = 2\nsend_keys_per_minute = 4\n");
	terms_fill(&t, &alice, &bob, "group");
	t.receiver_count = 2;
	t.receiver[1] = dave.header.client;
	assert_status(share_send(&a, &t), ACCEPTED);
	assert_status(send_to(&a, &alice, &bob, 32), ACCEPTED);
	terms_fill(&t, &alice, &bob, "group again");
	t.receiver_count = 2;
	t.receiver[1] = dave.header.client;
	assert_status(share_send(&a, &t), QUOTA);
	assert_status(send_to(&a, &alice, &dave, 32), ACCEPTED);
	assert_status(send_to(&a, &alice, &dave, 32), QUOTA);
	assert_status(send_to(&a, &alice, &carol, 32), ACCEPTED);
	assert_status(send_to(&a, &alice, &carol, 32), QUOTA); /* four were sent */
	end();
}

/* What is refused for another reason, or comes again, is not charged; nor does a crash give the quota anew. */
static void over_crashes(void **state)
{
	struct terms t;
	struct ask again = {0};
	struct envelope e;

	(void)state;
	begin("pair_keys_per_day = 2\n");
	terms_fill(&t, &alice, &bob, "");
	t.k = 9;
	for (int i = 0; i < 3; i++)
		assert_status(share_send(&a, &t), TERMS);
	terms_fill(&t, &alice, &bob, "twice");
	share_ask(&again, &a, &t, SHARE_MODE_SEALED, 60, NULL);
	assert_status(ask_status(&again, &a), ACCEPTED);
	line_send_frame(&a, &again.frame);
	assert_true(line_next(&a, &e));
	assert_int_equal(e.type, MESSAGE_REPLY);
	ask_drop(&again);
	assert_status(send_to(&a, &alice, &bob, 32), ACCEPTED);
	line_close(&a);
	rig_restart(&rig);
	line_ready(&a, &alice);
	assert_status(send_to(&a, &alice, &bob, 32), QUOTA);
	assert_status(send_to(&a, &alice, &dave, 32), ACCEPTED);
	end();
}

static void ranges_of_n_and_k(void **state)
{
	struct terms t;

	(void)state;
	begin("n = 3..20\nk = 2..\n");
	terms_fill(&t, &alice, &bob, "");
	assert_status(share_send(&a, &t), ACCEPTED);
	terms_fill(&t, &alice, &bob, "k");
	t.k = 1;
	assert_status(share_send(&a, &t), TERMS);
	assert_true(rig_logged(&rig, "k = 1 is outside [limits] k = 2..255"));
	terms_fill(&t, &alice, &bob, "n");
	t.n = 2;
	assert_status(share_send(&a, &t), TERMS);
	assert_true(rig_logged(&rig, "n = 2 is outside [limits] n = 3..20"));
	end();
}

/* The mailbox as a whole is bounded, in bytes, and so is each client's part of its second half; a refusal breaks nothing. */
static void the_mailbox_is_bounded(void **state)
{
	unsigned accepted = 0;

	(void)state;
	begin("mailbox_most = 256K\n");
	line_lease(&a, 384 << 10, 4 << 10);
	while (accepted < 100 && send_to(&a, &alice, &bob, 8192) == STATUS_ACCEPTED)
		accepted++;
	assert_in_range(accepted, 4, 15);
	assert_true(rig_logged(&rig, "the mailbox is half full, and alice holds"));
	assert_status(send_to(&a, &alice, &bob, 200000), MAILBOX_FULL);
	assert_true(rig_logged(&rig, "mailbox_most is 262144"));
	assert_status(send_to(&c, &carol, &dave, 8192), ACCEPTED); /* each of the four has an eighth */
	line_lease(&c, 65536, 0);
	assert_status(send_to(&c, &carol, &dave, 8192), ACCEPTED);
	assert_status(send_to(&c, &carol, &dave, 8192), ACCEPTED);
	assert_status(send_to(&c, &carol, &dave, 7000), MAILBOX_FULL);
	assert_status(send_to(&c, &carol, &dave, 16), ACCEPTED);
	end();
}

/* How often the hub's log has one text before the first of another one, which is there. */
static size_t log_count_before(const char *text, const char *other)
{
	AUTO(buf) log = {0};
	size_t count = 0;

	assert_ok(file_read_all(&log, rig.log.s, 16u << 20));
	buf_put_u8(&log, 0);

	const char *at = (const char *)log.data, *end = strstr(at, other);

	assert_non_null(end);
	for (; (at = strstr(at, text)) != NULL && at < end; at++)
		count++;
	return count;
}

/* Alice floods the hub on several connections; while all of it waits, carol asks once, behind it. */
static void a_flood_delays_nobody(void **state)
{
	enum { LINES = 4, EACH = 400 };
	struct line flood[LINES];
	struct ask one = {0};
	struct envelope e;

	(void)state;
	begin(NULL);
	for (size_t i = 0; i < LINES; i++)
		line_open(&flood[i], &alice), line_lease(&flood[i], 32 << 10, 4 << 10);
	kill(rig.pid, SIGSTOP);
	for (size_t i = 0; i < LINES; i++)
		for (size_t j = 0; j < EACH; j++) {
			struct ask q = {0};

			identify_ask(&q, &flood[i], "nobody", NULL);
			line_send_frame(&flood[i], &q.frame);
			ask_drop(&q);
		}
	identify_ask(&one, &c, "nobody", NULL);
	line_send_frame(&c, &one.frame);
	kill(rig.pid, SIGCONT);
	ask_answer(&one, &c, MESSAGE_IDENTITY, &e);
	ask_drop(&one);
	for (size_t i = 0; i < LINES; i++) {
		for (size_t j = 0; j < EACH; j++)
			assert_true(line_next(&flood[i], &e));
		line_close(&flood[i]);
	}
	assert_int_equal(rig_log_count(&rig, "alice: refused an IDENTIFY"), LINES * EACH);
	/* the log says in which order: without turns all of them come first */
	assert_true(log_count_before("alice: refused an IDENTIFY", "carol: refused an IDENTIFY") < LINES * EACH / 2);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pair_has_its_keys),  cmocka_unit_test(a_sender_has_its_bytes),
		cmocka_unit_test(a_receiver_is_spared), cmocka_unit_test(a_group_counts_for_each),
		cmocka_unit_test(over_crashes),         cmocka_unit_test(ranges_of_n_and_k),
		cmocka_unit_test(the_mailbox_is_bounded), cmocka_unit_test(a_flood_delays_nobody),
	};

	return cmocka_run_group_tests_name("quota", tests, NULL, NULL);
}
