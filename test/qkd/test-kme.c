/* SPDX-License-Identifier: Apache-2.0 */
/* Keys from one KME and the same from the other; and each way in which a KME can fail us. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/net.h"
#include "qkd/kme.h"
#include "test/qkd/mock.h"

#define KEY_LEN 32
#define NUMBER 6

static int setup(void **state)
{
	struct mock *m = calloc(1, sizeof *m);

	mock_start(m, "--most", "8");
	*state = m;
	return 0;
}

static int teardown(void **state)
{
	mock_stop(*state);
	free(*state);
	return 0;
}

static void expect(dske_rc rc, int code, const char *says)
{
	if (rc.code != code || strstr(rc_detail(rc), says) == NULL)
		fail_msg("%s: %s; not %s", rc_name(rc), rc_detail(rc), says);
}

static struct kme *open_end(struct mock *m, int end)
{
	struct kme *k = NULL;

	expect(kme_open(&k, &m->end[end]), DSKE_RC_OK, "");
	return k;
}

static dske_rc ask(struct kme *k, const struct id *named, struct id *ids, uint8_t *keys)
{
	TRY(kme_ask(k, named, NUMBER));
	return kme_take(k, ids, keys);
}

static void test_status(void **state)
{
	struct mock *m = *state;
	struct kme *k = open_end(m, 0);

	assert_int_equal(kme_status(k)->max_key_per_request, 8);
	assert_int_equal(kme_batch(k), 8);
	assert_int_equal(kme_key_len(k), KEY_LEN);
	kme_close(k);
	m->end[0].key_bits = 32;
	expect(kme_open(&k, &m->end[0]), DSKE_RC_CONFIG, "keys of 64 to 65536 bits");
	m->end[0].key_bits = 256;
}

/* Both ends get the same keys, in the order of the IDs asked for, over more requests than there are slots. */
static void test_both_ends(void **state)
{
	struct mock *m = *state;
	struct kme *a = open_end(m, 0), *b = open_end(m, 1);
	struct id ids[8 * NUMBER];
	uint8_t keys[8 * NUMBER][KEY_LEN], same[8 * NUMBER][KEY_LEN];
	size_t asked = 0;

	for (size_t taken = 0; taken < 8; taken++) {
		for (; asked < 8 && kme_has_room(a); asked++)
			assert_true(rc_ok(kme_ask(a, NULL, NUMBER)));
		expect(kme_take(a, &ids[taken * NUMBER], keys[taken * NUMBER]), DSKE_RC_OK, "");
	}
	mock_fault(m, "reorder");
	asked = 0;
	for (size_t taken = 0; taken < 8; taken++) {
		for (; asked < 8 && kme_has_room(b); asked++)
			assert_true(rc_ok(kme_ask(b, &ids[asked * NUMBER], NUMBER)));
		expect(kme_take(b, NULL, same[taken * NUMBER]), DSKE_RC_OK, "");
	}
	assert_memory_equal(keys, same, sizeof keys);
	mock_fault(m, NULL);

	/* and no second time */
	expect(ask(b, ids, NULL, same[0]), DSKE_RC_REFUSED, "at least one key ID is unknown");
	kme_close(a);
	kme_close(b);
}

static const struct {
	const char *fault;
	int code;
	const char *says;
} faults[] = {
	{"too-few", DSKE_RC_FORMAT, "5 keys where 6"},
	{"too-many", DSKE_RC_FORMAT, "more than the 6 keys"},
	{"size", DSKE_RC_FORMAT, "not base64 of the 256 bits"},
	{"same-id", DSKE_RC_FORMAT, "twice"},
	{"upper", DSKE_RC_FORMAT, "lower case"},
	{"cut", DSKE_RC_FORMAT, "bad JSON"},
	{"garbage", DSKE_RC_FORMAT, "bad JSON"},
	{"html", DSKE_RC_FORMAT, "bad JSON"},
	{"deep", DSKE_RC_FORMAT, "bad JSON"},
	{"huge", DSKE_RC_TOOBIG, "nobody asked for"},
	{"break", DSKE_RC_CLOSED, "broke off"},
	{"400", DSKE_RC_REFUSED, "a fault that the test asked for"},
	{"401", DSKE_RC_DENIED, "does not serve us"},
	{"500", DSKE_RC_REFUSED, "status 500"},
	{"slashes", DSKE_RC_OK, ""},
};

static void test_faults(void **state)
{
	struct mock *m = *state;
	struct id ids[NUMBER];
	uint8_t keys[NUMBER * KEY_LEN];

	for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
		struct kme *k = open_end(m, 0);

		mock_fault(m, faults[i].fault);
		expect(ask(k, NULL, ids, keys), faults[i].code, faults[i].says);
		mock_fault(m, NULL);
		expect(ask(k, NULL, ids, keys), DSKE_RC_OK, ""); /* a fault does not stay */
		kme_close(k);
	}
}

static void test_other_id(void **state)
{
	struct mock *m = *state;
	struct kme *a = open_end(m, 0), *b = open_end(m, 1);
	struct id ids[NUMBER];
	uint8_t keys[NUMBER * KEY_LEN];

	expect(ask(a, NULL, ids, keys), DSKE_RC_OK, "");
	mock_fault(m, "other-id");
	expect(ask(b, ids, NULL, keys), DSKE_RC_FORMAT, "nobody asked for");
	mock_fault(m, NULL);
	kme_close(a);
	kme_close(b);
}

static void test_hang(void **state)
{
	struct mock *m = *state;
	struct id ids[NUMBER];
	uint8_t keys[NUMBER * KEY_LEN];

	m->end[0].timeout_ms = 300;
	struct kme *k = open_end(m, 0);
	mock_fault(m, "hang");
	int64_t start = clock_ms();
	expect(ask(k, NULL, ids, keys), DSKE_RC_TIMEOUT, "gives no answer");
	assert_true(clock_ms() - start < 5000);
	mock_fault(m, NULL);
	kme_close(k);
	m->end[0].timeout_ms = 3000;
}

/* A KME without keys is asked again, and given up in the end. */
static void test_not_ready(void **state)
{
	struct mock *m = *state;
	struct id ids[NUMBER];
	uint8_t keys[NUMBER * KEY_LEN];

	m->end[0].timeout_ms = 1200;
	struct kme *k = open_end(m, 0);
	mock_fault(m, "503");
	int64_t start = clock_ms();
	expect(ask(k, NULL, ids, keys), DSKE_RC_TIMEOUT, "has had no keys");
	assert_true(clock_ms() - start >= 500);
	mock_fault(m, NULL);
	expect(ask(k, NULL, ids, keys), DSKE_RC_OK, "");
	kme_close(k);
	m->end[0].timeout_ms = 3000;
}

static void test_nobody(void **state)
{
	struct mock *m = *state;
	struct qkdconf c = m->end[0];
	struct kme *k;

	snprintf(c.url, sizeof c.url, "http://127.0.0.1:1");
	expect(kme_open(&k, &c), DSKE_RC_UNREACHABLE, "cannot be reached");
	assert_null(k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_status),	 cmocka_unit_test(test_both_ends), cmocka_unit_test(test_faults),
		cmocka_unit_test(test_other_id), cmocka_unit_test(test_hang),	   cmocka_unit_test(test_not_ready),
		cmocka_unit_test(test_nobody),
	};

	return cmocka_run_group_tests_name("kme", tests, setup, teardown);
}
