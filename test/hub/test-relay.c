/* SPDX-License-Identifier: Apache-2.0 */
/* One share's journey through a real hub (DSKE 2.3.2), and what a kill on the way leaves of it. */
#include "config.h"

#include "test/hub/rig.h"

#include <string.h>

static struct rig rig;
static struct party alice, bob;
static struct line a, b;

static int setup(void **state)
{
	(void)state;
	rig_init(&rig);
	rig_start(&rig);
	party_ready(&alice, &a, &rig, "alice");
	party_ready(&bob, &b, &rig, "bob");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	line_close(&a);
	line_close(&b);
	party_drop(&alice);
	party_drop(&bob);
	rig_drop(&rig);
	return 0;
}

static void assert_share(const struct delivery *d, const struct terms *t, const struct secret *share)
{
	assert_true(terms_equal(&d->terms, t));
	assert_int_equal(d->share.len, share->len);
	assert_memory_equal(d->share.data, share->data, share->len);
}

static void journey(enum share_mode mode, bool wait_first)
{
	AUTO(ask) q = {0};
	AUTO(secret) share = {0};
	AUTO(delivery) d = {0};
	struct terms t;

	terms_fill(&t, &alice, &bob, "lunch");
	if (wait_first)
		assert_int_equal(wait_send(&b, &alice.header.client, &t.key_id, NULL), STATUS_ACCEPTED);
	share_ask(&q, &a, &t, mode, 600, &share);
	assert_int_equal(ask_status(&q, &a), STATUS_ACCEPTED);
	if (!wait_first)
		assert_int_equal(wait_send(&b, &alice.header.client, &t.key_id, NULL), STATUS_ACCEPTED);
	delivery_next(&d, &b);
	assert_share(&d, &t, &share);
	receipt_send(&b, &d, RECEIPT_KEPT);
	assert_true(line_is_silent(&b, 50));
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_share_then_wait, setup, teardown),
		cmocka_unit_test_setup_teardown(test_wait_then_share, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
