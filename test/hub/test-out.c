/* SPDX-License-Identifier: Apache-2.0 */
/* What is queued on a connection leaves in order and whole, copied or held, however little the kernel takes. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants those four before it */
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "hub/conn.h"
#include "hub/parcel.h"

#define TOTAL_MAX ((size_t)8 << 20)
#define ROUNDS 400

static struct hub hub;
static struct conn c;
static int far;
static uint8_t *expected;
static size_t queued, came;

static int set_up(void **state)
{
	int fds[2], small = 4096;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
	hub = (struct hub){0};
	c = (struct conn){.hub = &hub, .fd = {fds[0]}};
	buf_heap(&c.out, CONN_OUT_MAX);
	far = fds[1];
	expected = malloc(TOTAL_MAX);
	assert_non_null(expected);
	queued = came = 0;
	srand(3);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	conn_out_drop(&c);
	assert_int_equal(conn_queued(&c), 0);
	fd_drop(&c.fd);
	close(far);
	free(expected);
	return 0;
}

static void expect(const void *bytes, size_t len)
{
	assert_true(len <= TOTAL_MAX - queued);
	memcpy(expected + queued, bytes, len);
	queued += len;
}

static void put_bytes(size_t len)
{
	static uint8_t bytes[4096];

	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)rand();
	expect(bytes, len);
	conn_send(&c, bytes, len);
}

static struct parcel *make_parcel(size_t len)
{
	static const uint8_t key[TAG_KEY_LEN] = {7};
	const struct envelope e = {.type = MESSAGE_INSTRUCTION, .length = 200};
	struct parcel *p = parcel_new(len);

	assert_non_null(p);
	uint8_t *body = buf_grow(&p->bytes, len);
	assert_non_null(body);
	for (size_t i = 0; i < len; i++)
		body[i] = (uint8_t)rand();
	assert_true(rc_ok(parcel_close(p, &e, key)));
	return p;
}

static void put_parcel(struct parcel *p)
{
	expect(parcel_frame(p), parcel_len(p));
	conn_send_parcel(&c, p);
}

static void take(size_t most)
{
	static uint8_t bytes[65536];
	ssize_t n = recv(far, bytes, most < sizeof bytes ? most : sizeof bytes, MSG_DONTWAIT);

	if (n <= 0)
		return;
	assert_true((size_t)n <= queued - came);
	assert_memory_equal(bytes, expected + came, (size_t)n);
	came += (size_t)n;
}

static void test_any_order(void **state)
{
	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		int what = rand() % 4;
		if (what == 0)
			put_bytes((size_t)rand() % 400 + 1);
		if (what == 1) {
			struct parcel *p = make_parcel((size_t)rand() % 20000);
			put_parcel(p);
			if (rand() % 2 == 0)
				put_parcel(p); /* once more */
			parcel_drop(p);
		}
		if (what >= 2) {
			conn_send_some(&c);
			take((size_t)rand() % 9000 + 1);
		}
		assert_false(c.dead);
	}
	while (conn_queued(&c) > 0) {
		conn_send_some(&c);
		take(65536);
	}
	while (came < queued)
		take(65536);
	assert_int_equal(c.out.len, 0);
	assert_null(c.queued);
}

/* Nobody reads: the connection ends before it costs too much. */
static void test_too_much(void **state)
{
	struct parcel *p = make_parcel(1 << 20);
	size_t most = 0;

	(void)state;
	while (!c.dead) {
		conn_send_parcel(&c, p);
		most = conn_queued(&c) > most ? conn_queued(&c) : most;
	}
	assert_in_range(most, CONN_OUT_MAX / 2, CONN_OUT_MAX);
	parcel_drop(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_any_order, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_too_much, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("out", tests, NULL, NULL);
}
