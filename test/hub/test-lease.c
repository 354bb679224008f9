/* SPDX-License-Identifier: Apache-2.0 */
/* Activation once, leases once a slot, and frames that are not what they say (doc/protocol.md, "The lease"). */
#include "config.h"

#include "test/hub/rig.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pskm/lowwater.h"

static struct rig rig;
static struct party alice;
static struct line a;

static int setup(void **state)
{
	(void)state;
	rig_init(&rig);
	rig_start(&rig);
	party_make(&alice, &rig, "alice");
	line_open(&a, &alice);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	line_close(&a);
	party_drop(&alice);
	rig_drop(&rig);
	return 0;
}

static void assert_frozen(struct line *l)
{
	uint8_t key[TAG_KEY_LEN];
	struct msg_activation m;
	struct envelope e;

	assert_true(line_next(l, &e));
	assert_string_equal(message_name(e.type), "FROZEN");
	assert_ok(table_activation_key(alice.table, ACTIVATION_KEY_FROZEN, key));
	assert_true(frame_verify(&e, key));
	assert_ok(msg_activation_read(&m, e.body, e.body_len));
	assert_true(id_is_zero(&m.nonce));
}

/* DSKE 2.1: activation binds once; whoever comes second shows that there is a copy. */
static void test_second_activation_freezes(void **state)
{
	AUTO(buf) same = {0}, other = {0}, lease = {0};
	struct envelope e;
	struct id nonce;
	struct line b;

	(void)state;
	assert_ok(table_activation_begin(alice.table, &nonce));
	activate_frame(&alice, &nonce, &same);
	memset(nonce.b, 0x55, ID_LEN);
	activate_frame(&alice, &nonce, &other);
	line_activate(&a);
	line_send_frame(&a, &same);
	assert_true(line_next(&a, &e));
	assert_string_equal(message_name(e.type), "ACTIVATED");
	line_lease(&a, 4096, 4096);
	line_open(&b, &alice);
	line_send_frame(&b, &other);
	assert_frozen(&b);
	line_send_frame(&b, &other);
	assert_frozen(&b);
	/* The first one's connection ends, and a lease is not to be had. */
	assert_false(line_next(&a, &e));
	line_close(&a);
	line_open(&a, &alice);
	lease_frame(&a, 4096, &lease);
	line_send_frame(&a, &lease);
	assert_frozen(&a);
	line_note(&a, NOTE_TABLE_FROZEN);
	rig_restart(&rig);
	line_close(&b);
	line_open(&b, &alice);
	line_send_frame(&b, &other);
	assert_frozen(&b);
	assert_true(rig_logged(&rig, "activated a second time"));
	line_close(&b);
}

static void test_no_lease_before_activation(void **state)
{
	AUTO(buf) frame = {0};
	uint8_t body[8] = {0};

	(void)state;
	/* The client's own table gives no slot yet, so the tag is made of nothing. */
	struct envelope e = {.type = MESSAGE_LEASE, .sender = alice.header.client, .table = alice.header.table,
			     .offset = layout_lease_offset(&alice.header.layout, 0), .length = LEASE_SLOT_LEN,
			     .body = body, .body_len = sizeof body};
	buf_heap(&frame, 4096);
	assert_ok(frame_write(&frame, &e, (const uint8_t[TAG_KEY_LEN]){1}));
	line_send_frame(&a, &frame);
	line_note(&a, NOTE_NOT_ACTIVE);
}

static void test_same_lease_same_grant(void **state)
{
	AUTO(buf) frame = {0};
	uint8_t first[512];
	struct envelope e;
	struct line b;

	(void)state;
	line_activate(&a);
	lease_frame(&a, 4096, &frame);
	line_send_frame(&a, &frame);
	assert_true(line_next(&a, &e));
	size_t len = e.item_len;
	assert_in_range(len, 1, sizeof first);
	memcpy(first, e.item, len);
	line_send_frame(&a, &frame);
	assert_true(line_next(&a, &e));
	assert_int_equal(e.item_len, len);
	assert_memory_equal(e.item, first, len);
	/* On another connection that window does not exist, so neither does its grant. */
	line_open(&b, &alice);
	line_send_frame(&b, &frame);
	assert_int_equal(line_note(&b, NOTE_SLOT_TAKEN), a.slot + 1);
	rig_restart(&rig);
	line_close(&b);
	line_open(&b, &alice);
	line_send_frame(&b, &frame);
	assert_int_equal(line_note(&b, NOTE_SLOT_TAKEN), a.slot + 1);
	line_close(&b);
}

/* Another LEASE on a slot that was granted: there is a copy of the table. */
static void test_clone_alarm(void **state)
{
	AUTO(buf) first = {0}, body = {0}, second = {0};
	struct msg_cloned m;
	struct envelope e;
	struct id nonce = {{7}};

	(void)state;
	line_activate(&a);
	lease_frame(&a, 4096, &first);
	line_send_frame(&a, &first);
	assert_true(line_next(&a, &e));
	buf_heap(&body, 128);
	assert_ok(msg_lease_write(&body, &(struct msg_lease){.slot = a.slot, .nonce_c = nonce, .wanted = 64}));
	struct envelope clone = {.type = MESSAGE_LEASE, .sender = alice.header.client, .table = alice.header.table,
				 .offset = layout_lease_offset(&alice.header.layout, a.slot), .length = LEASE_SLOT_LEN,
				 .body = body.data, .body_len = body.len};
	buf_heap(&second, 4096);
	assert_ok(frame_write(&second, &clone, a.keys.bytes.data));
	line_send_frame(&a, &second);
	assert_true(line_next(&a, &e));
	assert_string_equal(message_name(e.type), "CLONED");
	assert_true(frame_verify(&e, a.keys.bytes.data + 3 * TAG_KEY_LEN));
	assert_ok(msg_cloned_read(&m, e.body, e.body_len));
	assert_true(id_equal(&m.nonce_c, &nonce));
	assert_int_equal(m.next_slot, a.slot + 1);
	/* Once a slot: its fourth key is used. */
	line_send_frame(&a, &second);
	assert_int_equal(line_note(&a, NOTE_SLOT_TAKEN), a.slot + 1);
	assert_true(rig_logged(&rig, "a copy of the table is in use"));
	/* Both go on, on other bytes. */
	line_lease(&a, 4096, 4096);
	assert_true(window_left(a.up) > 0);
}

static void test_grants_are_disjoint(void **state)
{
	struct line b;

	(void)state;
	line_activate(&a);
	line_lease(&a, 4096, 4096);
	line_open(&b, &alice);
	line_lease(&b, 4096, 4096);
	assert_true(window_start(b.up) >= window_end(a.up));
	assert_true(window_start(b.down) >= window_end(a.down));
	rig_restart(&rig);
	line_close(&a);
	line_open(&a, &alice);
	line_lease(&a, 4096, 4096);
	assert_true(window_start(a.up) >= window_end(b.up));
	line_close(&b);
}

static void run(const char *program, const char *option, const char *first, const char *second)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		execlp(program, program, option, first, second, (char *)NULL);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void copy_state(const struct path *from, const struct path *to)
{
	run("rm", "-rf", to->s, NULL);
	run("cp", "-a", from->s, to->s);
}

/* A hub that was restored from a backup has forgotten what it granted since.  Whoever recorded the frames
 * has a LEASE that looks fresh, and a SHARE that fits its window; but no CONFIRM of the new GRANT. */
static void test_restored_hub_takes_no_replay(void **state)
{
	AUTO(buf) lease = {0};
	AUTO(ask) share = {0};
	struct path backup;
	struct terms t;
	struct envelope e;

	(void)state;
	line_activate(&a);
	rig_kill(&rig);
	assert_ok(path_format(&backup, "%s/backup", rig.scratch.s));
	copy_state(&rig.state, &backup);
	rig_start(&rig);

	line_close(&a);
	line_open(&a, &alice);
	lease_frame(&a, 4096, &lease);
	line_send_frame(&a, &lease);
	line_granted(&a, 4096, true);
	terms_fill(&t, &alice, &alice, "");
	memset(t.receiver[0].b, 0x77, ID_LEN);
	share_ask(&share, &a, &t, SHARE_MODE_PAD, 600, NULL);
	assert_int_equal(ask_status(&share, &a), STATUS_UNKNOWN_CLIENT);

	rig_kill(&rig);
	copy_state(&backup, &rig.state);
	rig_start(&rig);
	line_close(&a);
	line_open(&a, &alice);
	line_send_frame(&a, &lease);
	assert_true(line_next(&a, &e));
	assert_string_equal(message_name(e.type), "GRANT");
	line_send_frame(&a, &share.frame);
	line_note(&a, NOTE_NO_LEASE);
}

/* The client was granted more than the hub remembers: it says so, once. */
static void test_restored_hub_is_noticed(void **state)
{
	static const char text[] = "that this hub does not remember";
	struct path backup;

	(void)state;
	line_activate(&a);
	rig_kill(&rig);
	assert_ok(path_format(&backup, "%s/backup", rig.scratch.s));
	copy_state(&rig.state, &backup);
	rig_start(&rig);
	for (int i = 0; i < 2; i++) {
		line_close(&a);
		line_open(&a, &alice);
		line_lease(&a, 4096, 4096);
	}
	assert_int_equal(rig_log_count(&rig, text), 0);

	rig_kill(&rig);
	copy_state(&backup, &rig.state);
	rig_start(&rig);
	for (int i = 0; i < 2; i++) {
		line_close(&a);
		line_open(&a, &alice);
		line_lease(&a, 4096, 4096);
	}
	assert_int_equal(rig_log_count(&rig, text), 1);
}

/* Each lease takes a quarter of what is left: the log tells when it is low, at halvings, and when it is empty. */
static void test_running_low_is_told(void **state)
{
	struct table_status s;
	char hex[ID_HEX_LEN];

	(void)state;
	line_activate(&a);
	for (assert_ok(table_status(alice.table, &s)); s.up_left >= LOW_WATER_LEAST; assert_ok(table_status(alice.table, &s))) {
		if (s.up_left > s.up_len / 10)
			assert_int_equal(rig_log_count(&rig, "runs low"), 0);
		line_close(&a);
		line_open(&a, &alice);
		line_lease(&a, s.up_left / 4 + 32, 64);
	}
	assert_true(rig_logged(&rig, "is empty"));
	size_t told = rig_log_count(&rig, "runs low");
	assert_true(told >= 5 && told <= 10);
	line_close(&a);
	line_open(&a, &alice);
	line_lease(&a, 16, 64);
	assert_int_equal(rig_log_count(&rig, "is empty"), 1);
	assert_true(rig_logged(&rig, id_hex(&alice.header.table, hex)));
	assert_true(rig_logged(&rig, "dske pskm create --client alice --client-id "));
	assert_true(rig_logged(&rig, "no forecast yet"));
}

/* A drained region is granted empty, not refused. */
static void test_drained_region(void **state)
{
	uint64_t all = alice.header.layout.region[REGION_UP].end - alice.header.layout.region[REGION_UP].start;

	(void)state;
	line_activate(&a);
	line_lease(&a, all, 64);
	assert_int_equal(window_left(a.up), all);
	line_lease(&a, 4096, 64);
	assert_int_equal(window_left(a.up), 0);
}

/* One bit anywhere: no answer under a key, nothing used up. */
static void test_every_byte_of_a_lease(void **state)
{
	AUTO(buf) frame = {0};

	(void)state;
	line_activate(&a);
	lease_frame(&a, 4096, &frame);
	for (size_t i = FRAME_HEAD_LEN; i < frame.len; i++) {
		struct envelope e;
		struct line b;

		line_open(&b, &alice);
		frame.data[i] ^= 0x20;
		line_send_frame(&b, &frame);
		frame.data[i] ^= 0x20;
		assert_true(line_next(&b, &e));
		assert_true(note_code(&e) != 0);
		line_close(&b);
	}
	line_send_frame(&a, &frame);
	line_granted(&a, 4096, true);
}

static void test_confirm_must_fit(void **state)
{
	AUTO(buf) lease = {0}, body = {0}, frame = {0};
	struct envelope e;

	(void)state;
	line_activate(&a);
	lease_frame(&a, 4096, &lease);
	/* before any grant */
	buf_heap(&body, 128);
	assert_ok(msg_confirm_write(&body, &(struct msg_confirm){.start = 0, .end = 64}));
	struct envelope c = {.type = MESSAGE_CONFIRM, .sender = alice.header.client, .table = alice.header.table,
			     .offset = layout_lease_offset(&alice.header.layout, a.slot), .length = LEASE_SLOT_LEN,
			     .body = body.data, .body_len = body.len};
	buf_heap(&frame, 4096);
	assert_ok(frame_write(&frame, &c, a.keys.bytes.data + 2 * TAG_KEY_LEN));
	line_send_frame(&a, &frame);
	line_note(&a, NOTE_NO_LEASE);
	line_send_frame(&a, &lease);
	assert_true(line_next(&a, &e));
	assert_string_equal(message_name(e.type), "GRANT");
	/* with a nonce that is not the grant's */
	line_send_frame(&a, &frame);
	line_note(&a, NOTE_ENVELOPE);
}

/* Sixteen frames that fail end the connection; each has had one note. */
static void test_sixteen_failures(void **state)
{
	AUTO(buf) frame = {0};
	struct envelope e;
	unsigned notes = 0;

	(void)state;
	line_activate(&a);
	lease_frame(&a, 4096, &frame);
	frame.data[frame.len - 1] ^= 1;
	for (int i = 0; i < 20; i++)
		line_send_frame(&a, &frame);
	while (line_next(&a, &e))
		notes += note_code(&e) == NOTE_BAD_TAG;
	assert_int_equal(notes, 16);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_second_activation_freezes), T(test_no_lease_before_activation), T(test_same_lease_same_grant),
		T(test_clone_alarm),		   T(test_grants_are_disjoint),
		T(test_restored_hub_takes_no_replay),
		T(test_restored_hub_is_noticed),
		T(test_running_low_is_told),
		T(test_drained_region),
		T(test_every_byte_of_a_lease),	   T(test_confirm_must_fit),	       T(test_sixteen_failures),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
