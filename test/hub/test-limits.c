/* SPDX-License-Identifier: Apache-2.0 */
/* A receiver's own limits, held by a hub that has none itself. */
#include "config.h"

#include "test/hub/pair.h"

#include <string.h>

static enum status send_policy(struct line *l, const struct policy *p, size_t range_len)
{
	AUTO(buf) body = {0};
	AUTO(ask) q = {0};

	buf_heap(&body, POLICY_BODY_MAX);
	assert_ok(msg_policy_write(&body, p));
	ask_make(&q, l, MESSAGE_POLICY, &body, range_len);
	return ask_status(&q, l);
}

static enum status tell(struct line *l, const struct policy *p)
{
	return send_policy(l, p, MSG_POLICY_RANGE_LEN);
}

/* One key more for bob. */
static enum status share(struct line *l, const struct party *from)
{
	struct terms t;

	terms_fill(&t, from, &bob, "");
	return share_send(l, &t);
}

/* What the next GRANT says. */
static uint64_t granted_version(struct line *l, struct party *p)
{
	AUTO(buf) frame = {0};
	struct envelope e;
	struct msg_grant g;

	line_close(l);
	line_open(l, p);
	lease_frame(l, 4096, &frame);
	line_send_frame(l, &frame);
	assert_true(line_next(l, &e));
	assert_ok(msg_grant_read(&g, e.body, e.body_len));
	line_close(l);
	line_ready(l, p);
	return g.policy;
}

static void none_by_default(void **state)
{
	(void)state;
	assert_int_equal(granted_version(&b, &bob), 0);
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(share(&a, &alice), STATUS_ACCEPTED);
}

static void keys_a_minute_of_all_and_of_one_peer(void **state)
{
	struct policy p = {.version = 5, .all.most[QUOTA_MINUTE][QUOTA_KEYS] = 3, .peer_count = 1};
	struct party carol;
	struct line c;

	(void)state;
	party_ready(&carol, &c, &rig, "carol");
	p.peer[0].id = carol.header.client;
	p.peer[0].quota.most[QUOTA_DAY][QUOTA_KEYS] = 1;
	assert_int_equal(tell(&b, &p), STATUS_ACCEPTED);
	assert_int_equal(granted_version(&b, &bob), 5);
	assert_int_equal(share(&c, &carol), STATUS_ACCEPTED);
	assert_int_equal(share(&c, &carol), STATUS_QUOTA); /* one a day of her */
	assert_int_equal(share(&a, &alice), STATUS_ACCEPTED);
	assert_int_equal(share(&a, &alice), STATUS_ACCEPTED);
	assert_int_equal(share(&a, &alice), STATUS_QUOTA); /* three a minute in all */
	assert_true(rig_logged(&rig, "as the receiver says"));
	rig_restart(&rig);
	line_close(&a);
	line_close(&b);
	line_ready(&a, &alice);
	line_ready(&b, &bob);
	assert_int_equal(share(&a, &alice), STATUS_QUOTA); /* nor after a kill */
	line_close(&c);
	party_drop(&carol);
}

static void an_older_version_replaces_nothing(void **state)
{
	struct policy p = {.version = 4, .waiting = 1};

	(void)state;
	assert_int_equal(tell(&b, &p), STATUS_OLDER);
	p.version = 5; /* the same number with other words */
	assert_int_equal(tell(&b, &p), STATUS_ACCEPTED);
	assert_int_equal(share(&a, &alice), STATUS_QUOTA);
	p.version = 6;
	p.waiting = 0;
	assert_int_equal(tell(&b, &p), STATUS_ACCEPTED);
	assert_int_equal(granted_version(&b, &bob), 6);
	assert_int_equal(share(&a, &alice), STATUS_ACCEPTED); /* no limit any more */
}

static void bytes_count_too(void **state)
{
	struct policy p = {.version = 7, .all.most[QUOTA_MINUTE][QUOTA_BYTES] = 1};

	(void)state;
	assert_int_equal(tell(&b, &p), STATUS_ACCEPTED);
	assert_int_equal(share(&a, &alice), STATUS_QUOTA);
}

static void keys_that_wait(void **state)
{
	struct policy p = {.version = 8, .waiting = 1};

	(void)state;
	assert_int_equal(tell(&b, &p), STATUS_ACCEPTED);
	assert_int_equal(share(&a, &alice), STATUS_MAILBOX_FULL);
	p.version = 9;
	p.waiting = 1000;
	assert_int_equal(tell(&b, &p), STATUS_ACCEPTED);
	assert_int_equal(share(&a, &alice), STATUS_ACCEPTED);
}

/* What one says of himself limits nobody else. */
static void only_its_own(void **state)
{
	struct policy p = {.version = 1, .all.most[QUOTA_MINUTE][QUOTA_KEYS] = 1, .waiting = 1};

	(void)state;
	assert_int_equal(tell(&a, &p), STATUS_ACCEPTED);
	assert_int_equal(share(&a, &alice), STATUS_ACCEPTED);
	assert_int_equal(share(&a, &alice), STATUS_ACCEPTED);
}

static void wrong_ones(void **state)
{
	struct policy p = {.version = 20};
	AUTO(buf) body = {0};
	AUTO(ask) q = {0};

	(void)state;
	assert_int_equal(send_policy(&b, &p, MSG_POLICY_RANGE_LEN + 8), STATUS_LENGTH);
	buf_heap(&body, 16);
	buf_put_u8(&body, 0x80);
	ask_make(&q, &b, MESSAGE_POLICY, &body, MSG_POLICY_RANGE_LEN);
	assert_int_equal(ask_status(&q, &b), STATUS_MALFORMED);
	assert_int_equal(granted_version(&b, &bob), 9);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(none_by_default),
		cmocka_unit_test(keys_a_minute_of_all_and_of_one_peer),
		cmocka_unit_test(an_older_version_replaces_nothing),
		cmocka_unit_test(bytes_count_too),
		cmocka_unit_test(keys_that_wait),
		cmocka_unit_test(only_its_own),
		cmocka_unit_test(wrong_ones),
	};

	return cmocka_run_group_tests(tests, pair_set_up, pair_tear_down);
}
