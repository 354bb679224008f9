/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kill -9 at any moment.  What was accepted is delivered afterwards; a SHARE without an answer has either
 * been taken, and then gets its one answer again, or was not, and then has used nothing; and no byte of
 * the down region seals two instructions.
 */
#include "config.h"

#include "test/hub/pair.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "core/ranges.h"

#define ROUNDS 12
#define BURST 12
#define SMALL_TABLE_LEN (RIG_TABLE_LEN >> 2)

struct flight {
	struct terms t;
	struct ask ask;
	struct secret share;
	bool accepted;
};

/* Every instruction's range, over all rounds of a test.  Each comes once more only as the same bytes. */
static struct ranges sealed;

static int setup(void **state)
{
	(void)state;
	sealed = (struct ranges){0};
	rig_init(&rig);
	pair_start();
	return 0;
}

static int setup_small(void **state)
{
	(void)state;
	sealed = (struct ranges){0};
	rig_init(&rig);
	rig.table_len = SMALL_TABLE_LEN;
	pair_start();
	return 0;
}


static void instruction(struct line *l, const struct envelope *e)
{
	AUTO(delivery) d = {0};

	delivery_open(&d, l, e);
	assert_ok(ranges_add(&sealed, e->offset, e->offset + e->length));
}

static void launch(struct flight *f, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		AUTO(ask) w = {0};

		f[i] = (struct flight){0};
		terms_fill(&f[i].t, &alice, &bob, "");
		wait_ask(&w, &b, &alice.header.client, &f[i].t.key_id, NULL);
		line_send_frame(&b, &w.frame);
		share_ask(&f[i].ask, &a, &f[i].t, i % 2 ? SHARE_MODE_PAD : SHARE_MODE_SEALED, 600, &f[i].share);
		line_send_frame(&a, &f[i].ask.frame);
	}
}

static void reply(struct flight *f, size_t count, const struct envelope *e)
{
	struct msg_reply m;

	assert_string_equal(message_name(e->type), "REPLY");
	assert_ok(msg_reply_read(&m, e->body, e->body_len));
	for (size_t i = 0; i < count; i++)
		if (f[i].ask.pad.offset == e->offset) {
			assert_true(frame_verify(e, pad_peek(&f[i].ask.pad, 0, TAG_KEY_LEN)));
			assert_int_equal(m.status, STATUS_ACCEPTED);
			f[i].accepted = true;
			return;
		}
	fail_msg("an answer to nothing");
}

/* Everything that left the hub before it died. */
static void collect(struct flight *f, size_t count)
{
	struct envelope e;

	while (line_next(&a, &e))
		reply(f, count, &e);
	while (line_next(&b, &e))
		if (e.type != MESSAGE_REPLY)
			instruction(&b, &e);
}

/* The same bytes once more: the stored answer, or a note that nothing is known of them. */
static void settle(struct flight *f)
{
	struct envelope e;

	line_send_frame(&a, &f->ask.frame);
	assert_true(line_next(&a, &e));
	if (e.type == MESSAGE_REPLY)
		reply(f, 1, &e);
	else
		assert_int_equal(note_code(&e), NOTE_NO_LEASE);
}

static void fetch(struct flight *f)
{
	AUTO(delivery) d = {0};
	struct envelope e;

	assert_int_equal(wait_send(&b, &alice.header.client, &f->t.key_id, NULL), STATUS_ACCEPTED);
	if (!f->accepted)
		return;
	assert_true(line_next(&b, &e));
	assert_string_equal(message_name(e.type), "INSTRUCTION");
	delivery_open(&d, &b, &e);
	assert_ok(ranges_add(&sealed, e.offset, e.offset + e.length));
	assert_true(terms_equal(&d.terms, &f->t));
	assert_memory_equal(d.share.data, f->share.data, f->share.len);
}

static void test_kill_any_time(void **state)
{
	static struct flight f[BURST];
	size_t accepted = 0, lost = 0;

	(void)state;
	for (unsigned round = 0; round < ROUNDS; round++) {
		launch(f, BURST);
		usleep(round * round * 120);
		rig_kill(&rig);
		collect(f, BURST);
		rig_start(&rig);
		line_close(&a);
		line_close(&b);
		line_ready(&a, &alice);
		line_ready(&b, &bob);
		for (size_t i = 0; i < BURST; i++) {
			bool before = f[i].accepted;
			settle(&f[i]);
			assert_true(f[i].accepted || !before);
			fetch(&f[i]);
			accepted += f[i].accepted;
			lost += !f[i].accepted;
			ask_drop(&f[i].ask);
			secret_drop(&f[i].share);
		}
	}
	print_message("# %zu accepted, %zu lost on the way\n", accepted, lost);
	assert_true(accepted > 0);
}

/* A share with long terms, and whether the hub took it; it may end instead of answering. */
static bool offer(struct flight *f)
{
	struct envelope e;

	*f = (struct flight){0};
	terms_fill(&f->t, &alice, &bob, "");
	for (; f->t.n < TERMS_HUBS_MAX; f->t.n++)
		f->t.hub[f->t.n] = (struct id){{0xff, f->t.n}};
	share_ask(&f->ask, &a, &f->t, SHARE_MODE_PAD, 600, &f->share);
	line_send_frame(&a, &f->ask.frame);
	if (line_next(&a, &e))
		reply(f, 1, &e);
	return f->accepted;
}

/* A disk that takes no more from somewhere in the mailbox on: the hub ends with a sentence, having promised nothing that it
 * cannot keep. */
static void test_full_disk(void **state)
{
	static struct flight f[400];
	const struct rlimit limit = {SMALL_TABLE_LEN + (SMALL_TABLE_LEN >> 3), RLIM_INFINITY};
	size_t count = 0;

	(void)state;
	assert_int_equal(prlimit(rig.pid, RLIMIT_FSIZE, &limit, NULL), 0);
	while (count < 400 && offer(&f[count]))
		count++;
	assert_in_range(count, 1, 399);
	assert_int_equal(rig_wait(&rig), 1);
	assert_true(rig_logged(&rig, "; stopping"));
	rig_start(&rig);
	line_close(&b);
	line_ready(&b, &bob);
	for (size_t i = 0; i <= count; i++) {
		fetch(&f[i]);
		ask_drop(&f[i].ask);
		secret_drop(&f[i].share);
	}
	assert_true(line_is_silent(&b)); /* the one without an answer is not there */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_kill_any_time, setup, pair_tear_down),
		cmocka_unit_test_setup_teardown(test_full_disk, setup_small, pair_tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
