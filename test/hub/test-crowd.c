/* SPDX-License-Identifier: Apache-2.0 */
/* An honest client is served while others send garbage, promise long frames, dawdle, or come in hundreds. */
#include "config.h"

#include "test/hub/pair.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/net.h"
#include "hub/stranger.h"

#define CROWD 200

static int begin(const char *limits)
{
	rig_init(&rig);
	rig.limits = limits;
	rig_configure(&rig);
	pair_start();
	return 0;
}

static int setup(void **state)
{
	(void)state;
	return begin(NULL);
}

static int setup_few(void **state)
{
	(void)state;
	return begin("connections = 8\n");
}

static void serve_once(void)
{
	AUTO(ask) q = {0};
	AUTO(secret) share = {0};
	AUTO(delivery) d = {0};
	struct terms t;

	terms_fill(&t, &alice, &bob, "");
	assert_int_equal(wait_send(&b, &alice.header.client, &t.key_id, NULL), STATUS_ACCEPTED);
	share_ask(&q, &a, &t, SHARE_MODE_PAD, 600, &share);
	assert_int_equal(ask_status(&q, &a), STATUS_ACCEPTED);
	delivery_next(&d, &b);
	assert_memory_equal(d.share.data, share.data, share.len);
	receipt_send(&b, &d, RECEIPT_KEPT);
}

/* Until the other side ends it; what came before that does not matter. */
static bool ends(int fd, int ms)
{
	uint8_t bytes[4096];
	struct timeval limit = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
	ssize_t n;

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
	while ((n = recv(fd, bytes, sizeof bytes, 0)) > 0)
		;
	return n == 0 || errno == ECONNRESET;
}

static void test_garbage(void **state)
{
	AUTO(secret) noise = {0};
	struct line c;

	(void)state;
	assert_ok(secret_random(&noise, 100000));
	for (int i = 0; i < 20; i++) {
		line_open(&c, &alice);
		noise.data[0] = (uint8_t)(i % 2); /* a length that may be, or none */
		noise.data[1] = 0;
		line_send(&c, noise.data, noise.len);
		shutdown(c.fd, SHUT_WR);
		line_close(&c);
	}
	serve_once();
}

/* 64 KiB at most before a lease, and the word of a length costs no memory. */
static void test_oversize(void **state)
{
	static const uint8_t too_big[] = {0x00, 0x01, 0x00, 0x01, 0x88}, huge[] = {0xff, 0xff, 0xff, 0xff};
	struct line c;

	(void)state;
	line_open(&c, &alice);
	line_send(&c, too_big, sizeof too_big);
	line_note(&c, NOTE_TOO_BIG);
	assert_true(ends(c.fd, 3000));
	line_close(&c);
	line_send(&a, huge, sizeof huge); /* with a lease too */
	line_note(&a, NOTE_TOO_BIG);
	line_close(&a);
	line_ready(&a, &alice);
	serve_once();
}

/* One byte now and then; and many frames whose answers nobody takes. */
static void test_slow(void **state)
{
	AUTO(ask) q = {0};
	struct line slow, deaf;

	(void)state;
	line_ready(&slow, &alice);
	identify_ask(&q, &slow, "bob", NULL);
	for (size_t i = 0; i < q.frame.len; i++) {
		line_send(&slow, q.frame.data + i, 1);
		if (i % 32 == 0)
			serve_once();
	}
	struct envelope e;
	ask_answer(&q, &slow, MESSAGE_IDENTITY, &e);
	line_close(&slow);

	line_ready(&deaf, &alice);
	ask_drop(&q);
	identify_ask(&q, &deaf, "bob", NULL);
	for (int i = 0; i < 20000; i++) /* the same question: the same answer, again and again */
		if (send(deaf.fd, q.frame.data, q.frame.len, MSG_DONTWAIT | MSG_NOSIGNAL) <= 0)
			break;
	serve_once();
	line_close(&deaf);
	serve_once();
}

/* Two hundred connections of one client, all with a lease, all asking. */
static void test_two_hundred(void **state)
{
	static struct line crowd[CROWD];
	AUTO(delivery) d = {0};
	struct terms t;

	(void)state;
	for (size_t i = 0; i < CROWD; i++) {
		line_open(&crowd[i], &bob);
		line_lease(&crowd[i], 256, 256);
	}
	for (size_t i = 0; i < CROWD; i++)
		assert_int_equal(wait_send(&crowd[i], &alice.header.client, NULL, i == CROWD / 2 ? "x" : "y"),
				 STATUS_ACCEPTED);
	terms_fill(&t, &alice, &bob, "x");
	assert_int_equal(share_send(&a, &t), STATUS_ACCEPTED);
	delivery_next(&d, &crowd[CROWD / 2]);
	assert_true(id_equal(&d.terms.key_id, &t.key_id));
	assert_true(line_is_silent(&crowd[0]));
	for (size_t i = 0; i < CROWD; i++)
		line_close(&crowd[i]);
	serve_once();
}

/* Whoever holds many connections open without a lease keeps no client out. */
static void test_door_is_not_blocked(void **state)
{
	struct line idle[20], c;

	(void)state;
	for (size_t i = 0; i < 20; i++)
		line_open(&idle[i], &alice);
	serve_once();
	usleep(1200 * 1000); /* what has no lease may be put out after a second */
	line_ready(&c, &alice);
	assert_true(window_left(c.up) > 0);
	line_close(&c);
	for (size_t i = 0; i < 20; i++)
		line_close(&idle[i]);
	serve_once();
}

/* Strangers' frames that are never whole cost no more than so much memory, of all of them together. */
static void test_half_frames(void **state)
{
	static const uint8_t head[] = {0x00, 0x00, 0xff, 0xff};
	static uint8_t most[60000];
	static struct line crowd[400];
	size_t left = 0;
	struct line c;

	(void)state;
	for (size_t i = 0; i < 400; i++) {
		line_open(&crowd[i], &alice);
		line_send(&crowd[i], head, sizeof head);
		line_send(&crowd[i], most, sizeof most);
	}
	line_open(&c, &alice);
	line_send(&c, head, sizeof head); /* a little is always taken */
	line_send(&c, most, 1000);
	serve_once();
	usleep(200 * 1000);
	for (size_t i = 0; i < 400; i++)
		left += !ends(crowd[i].fd, 1);
	assert_in_range(left, 200, STRANGER_BYTES / sizeof most + 1);
	assert_false(ends(c.fd, 1));
	line_close(&c);
	for (size_t i = 0; i < 400; i++)
		line_close(&crowd[i]);
	line_ready(&c, &alice);
	serve_once();
	line_close(&c);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, pair_tear_down)
	const struct CMUnitTest tests[] = {
		T(test_garbage), T(test_oversize), T(test_slow), T(test_two_hundred), T(test_half_frames),
		cmocka_unit_test_setup_teardown(test_door_is_not_blocked, setup_few, pair_tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
