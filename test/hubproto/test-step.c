/* SPDX-License-Identifier: Apache-2.0 */
/* fanout_step: the wait is between `before` and `after`, can be cut short, and writes nothing by itself. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

#include "hubproto/fanout.h"
#include "test/hubproto/fake-hub.h"
#include "test/hubproto/samples.h"

#define LONG_MS 10000

static uint8_t bytes[512];
static size_t bytes_len;

struct record {
	struct fanout *f;
	struct fake_hub hub;
	struct fanout_pause pause;
	unsigned connected, frames, lost, before, after;
	void (*in_pause)(struct record *r); /* what another thread does meanwhile, or NULL */
};

static void on_connected(void *context, size_t i)
{
	struct record *r = context;

	assert_int_equal(i, 0);
	assert_int_equal(r->before, r->after); /* never while others may have the lock */
	r->connected++;
}

static void on_frame(void *context, size_t i, const struct envelope *e)
{
	struct record *r = context;

	(void)i;
	(void)e;
	assert_int_equal(r->before, r->after);
	r->frames++;
}

static void on_lost(void *context, size_t i, dske_rc why)
{
	struct record *r = context;

	(void)i;
	(void)why;
	r->lost++;
}

static void before(void *context)
{
	struct record *r = context;

	r->before++;
	if (r->in_pause != NULL)
		r->in_pause(r);
}

static void after(void *context)
{
	((struct record *)context)->after++;
}

static void begin(struct record *r, enum fake_manner manner)
{
	static const struct fanout_ops ops = {on_connected, on_frame, on_lost};
	struct buf out;
	uint8_t key[TAG_KEY_LEN];
	size_t i;

	buf_fixed(&out, bytes, sizeof bytes);
	sample_frame(0, &out, key);
	bytes_len = out.len;
	*r = (struct record){.pause = {.waker = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), .before = before, .after = after}};
	r->pause.context = r;
	assert_true(r->pause.waker >= 0);
	assert_true(rc_ok(fanout_new(&r->f, &ops, r)));
	fake_hub_start(&r->hub, manner, bytes, bytes_len);
	assert_true(rc_ok(fanout_add(r->f, r->hub.address, &i)));
	fanout_connect(r->f, i);
	int64_t end = clock_ms() + LONG_MS;
	while (r->connected == 0 && clock_ms() < end)
		assert_true(rc_ok(fanout_step(r->f, 100, &r->pause)));
	assert_int_equal(r->connected, 1);
}

static void end(struct record *r)
{
	fanout_free(r->f);
	fake_hub_stop(&r->hub);
	close(r->pause.waker);
	assert_int_equal(r->before, r->after);
}

static void what_is_queued_waits_for_the_flush(void **state)
{
	struct record r;

	(void)state;
	begin(&r, FAKE_ANSWERS);
	assert_true(rc_ok(fanout_send(r.f, 0, bytes, bytes_len)));
	assert_true(rc_ok(fanout_send(r.f, 0, bytes, bytes_len)));
	/* Nor is room to write it a reason to wake up. */
	int64_t began = clock_ms();
	assert_true(rc_ok(fanout_step(r.f, 50, &r.pause)));
	assert_true(clock_ms() - began >= 45);
	assert_int_equal(r.hub.received, 0);
	fanout_flush(r.f);
	assert_false(fanout_has_unsent(r.f));
	while (r.frames < 2 && clock_ms() - began < LONG_MS)
		assert_true(rc_ok(fanout_step(r.f, 100, &r.pause)));
	assert_int_equal(r.frames, 2);
	end(&r);
}

static void wake_it(struct record *r)
{
	const uint64_t once = 1;

	assert_int_equal(write(r->pause.waker, &once, sizeof once), sizeof once);
}

static void a_wait_is_cut_short_once(void **state)
{
	struct record r;

	(void)state;
	begin(&r, FAKE_SILENT);
	r.in_pause = wake_it;
	int64_t began = clock_ms();
	assert_true(rc_ok(fanout_step(r.f, LONG_MS, &r.pause)));
	assert_true(clock_ms() - began < LONG_MS / 2);
	r.in_pause = NULL;
	began = clock_ms();
	assert_true(rc_ok(fanout_step(r.f, 50, &r.pause)));
	assert_true(clock_ms() - began >= 45);
	end(&r);
}

static void close_it(struct record *r)
{
	unsigned changes = fanout_changes(r->f);

	fanout_close(r->f, 0);
	assert_int_not_equal(fanout_changes(r->f), changes);
	wake_it(r);
}

/* What another thread closed meanwhile is neither read nor told. */
static void what_is_closed_meanwhile_is_passed_over(void **state)
{
	struct record r;

	(void)state;
	begin(&r, FAKE_FLOODS);
	while (r.frames == 0)
		assert_true(rc_ok(fanout_step(r.f, 100, &r.pause)));
	unsigned frames = r.frames;
	r.in_pause = close_it;
	assert_true(rc_ok(fanout_step(r.f, LONG_MS, &r.pause)));
	assert_int_equal(r.frames, frames);
	assert_int_equal(r.lost, 0);
	assert_false(fanout_is_connected(r.f, 0));
	end(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_queued_waits_for_the_flush),
		cmocka_unit_test(a_wait_is_cut_short_once),
		cmocka_unit_test(what_is_closed_meanwhile_is_passed_over),
	};

	return cmocka_run_group_tests_name("step", tests, NULL, NULL);
}
