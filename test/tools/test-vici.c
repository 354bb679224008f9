/* SPDX-License-Identifier: Apache-2.0 */
/* test/tools/test-vici.c - requests to charon as bytes, and what it may answer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "tools/vici.h"

/* As strongSwan's README of the protocol encodes its example. */
static void request(void **state)
{
	static const char expected[] = "\0\0\0\0" "\0" "\x0b" "load-shared" "\3\2id\0\4name" "\3\4data\0\3\0\xff\x01" "\4\6owners"
				       "\5\0\1a" "\5\0\2bc" "\6";
	static const char *const owners[] = {"a", "bc"};
	uint8_t room[128];
	struct buf b;

	(void)state;
	buf_fixed(&b, room, sizeof room);
	vici_begin(&b, "load-shared");
	vici_text(&b, "id", "name");
	vici_value(&b, "data", "\0\xff\1", 3);
	vici_list(&b, "owners", owners, 2);
	assert_true(rc_ok(buf_rc(&b)));
	assert_int_equal(b.len, sizeof expected - 1);
	assert_memory_equal(b.data, expected, b.len);
}

static const char good[] = "\1\3\7success\0\3yes";
static const char bad[] = "\1\3\7success\0\2no\3\6errmsg\0\4why\n";
static const char nested[] = "\1\1\1x\3\7success\0\3yes\2\4\1l\5\0\1i\6";

static dske_rc read_text(const char *answer, size_t len, bool *success, char reason[VICI_REASON_MAX])
{
	return vici_read((const uint8_t *)answer, len, success, reason);
}

static void answers(void **state)
{
	char reason[VICI_REASON_MAX];
	bool success;

	(void)state;
	assert_true(rc_ok(read_text(good, sizeof good - 1, &success, reason)));
	assert_true(success);
	assert_true(rc_ok(read_text(bad, sizeof bad - 1, &success, reason)));
	assert_false(success);
	assert_memory_equal(reason, "why", 3);
	assert_true(reason[3] >= ' ');
	assert_true(rc_ok(read_text(nested, sizeof nested - 1, &success, reason)));
	assert_false(success); /* a section's own is not the answer's */
}

static void cut_everywhere(void **state)
{
	char reason[VICI_REASON_MAX];
	bool success;

	(void)state;
	for (size_t len = 0; len < sizeof good - 1; len++) {
		dske_rc rc = read_text(good, len, &success, reason);
		assert_true(len == 1 ? rc_ok(rc) : rc_is(rc, DSKE_RC_FORMAT)); /* an empty message is one */
		assert_false(success);
	}
	assert_true(rc_is(read_text(nested, sizeof nested - 2, &success, reason), DSKE_RC_FORMAT));
}

static void malformed(void **state)
{
	static const char *const answer[] = {"\2", "\1\7", "\1\2", "\1\6", "\5"};
	char reason[VICI_REASON_MAX];
	bool success;

	(void)state;
	for (size_t i = 0; i < sizeof answer / sizeof answer[0]; i++)
		assert_true(rc_is(read_text(answer[i], strlen(answer[i]), &success, reason), DSKE_RC_FORMAT));
	assert_true(rc_is(read_text("\1\0", 2, &success, reason), DSKE_RC_FORMAT));
}

/* What a daemon that sends these bytes, and hangs up, makes of a call. */
static dske_rc call_answered(const void *bytes, size_t len)
{
	uint8_t room[64], sent[64];
	struct buf b;
	int pair[2];

	buf_fixed(&b, room, sizeof room);
	vici_begin(&b, "version");
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	assert_int_equal(write(pair[1], bytes, len), (ssize_t)len);
	assert_int_equal(shutdown(pair[1], SHUT_WR), 0);
	dske_rc rc = vici_call(pair[0], &b);
	assert_int_equal(read(pair[1], sent, sizeof sent), 4 + 1 + 1 + 7);
	assert_memory_equal(sent, "\0\0\0\x09\0\7version", 13);
	close(pair[0]);
	close(pair[1]);
	return rc;
}

static void calls(void **state)
{
	uint8_t packet[4 + 64] = {0};

	(void)state;
	packet[3] = sizeof good - 1;
	memcpy(packet + 4, good, sizeof good - 1);
	assert_true(rc_ok(call_answered(packet, 4 + sizeof good - 1)));
	for (size_t len = 0; len < 4 + sizeof good - 1; len++)
		assert_true(rc_is(call_answered(packet, len), DSKE_RC_IO));
	packet[3] = sizeof bad - 1;
	memcpy(packet + 4, bad, sizeof bad - 1);
	assert_true(rc_is(call_answered(packet, 4 + sizeof bad - 1), DSKE_RC_DENIED));
	packet[0] = 0xff;
	assert_true(rc_is(call_answered(packet, 4), DSKE_RC_TOOBIG));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(request),   cmocka_unit_test(answers), cmocka_unit_test(cut_everywhere),
		cmocka_unit_test(malformed), cmocka_unit_test(calls),
	};

	return cmocka_run_group_tests_name("tools vici", tests, NULL, NULL);
}
