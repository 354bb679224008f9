/* SPDX-License-Identifier: Apache-2.0 */
/* Retiring at the hub: by its operator, by the client, while it runs and while not; what others see of it. */
#include "config.h"

#include "test/hub/pair.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/net.h"
#include "hub/command.h"
#include "pskm/format.h"

static dske_rc command(const char *text, json_t **answer)
{
	AUTO(hub_conf) conf = {0};
	json_t *request = json_loads(text, 0, NULL);

	assert_ok(hub_conf_read(&conf, rig.conf.s));

	dske_rc rc = hub_command(&conf, request, answer);

	json_decref(request);
	return rc;
}

static void operator_revokes(const char *what, const char *whom, const char *reason)
{
	char text[256];
	json_t *answer = NULL;

	snprintf(text, sizeof text, "{\"command\": \"revoke\", \"%s\": \"%s\", \"reason\": \"%s\"}", what, whom, reason);
	assert_ok(command(text, &answer));
	assert_int_equal(json_array_size(json_object_get(answer, "tables")), 1);
	json_decref(answer);
}

/* What `dske hub tables` shows of it; a new reference. */
static json_t *shown(const struct party *p)
{
	json_t *answer = NULL, *t, *found = NULL;
	char hex[ID_HEX_LEN];
	size_t i;

	assert_ok(command("{\"command\": \"tables\"}", &answer));
	json_array_foreach(json_object_get(answer, "tables"), i, t)
		if (strcmp(json_string_value(json_object_get(t, "table")), id_hex(&p->header.table, hex)) == 0)
			found = json_incref(t);
	json_decref(answer);
	assert_non_null(found);
	return found;
}

static void assert_retired(const struct party *p, const char *reason, const char *by, bool receipt)
{
	json_t *t = shown(p), *r = json_object_get(t, "retired");

	assert_string_equal(json_string_value(json_object_get(t, "state")), "retired");
	assert_string_equal(json_string_value(json_object_get(r, "reason")), reason);
	assert_string_equal(json_string_value(json_object_get(r, "by")), by);
	assert_true(json_integer_value(json_object_get(r, "time")) > 1700000000);
	assert_int_equal(json_integer_value(json_object_get(r, "receipt")) > 0, receipt);
	json_decref(t);
}

/* All but these keys of retiring is gone from the hub's file; waits for it. */
static void await_destroyed(const struct party *p, bool retire, bool retired)
{
	uint64_t at = layout_retiring_offset(&p->header.layout);
	struct path file;
	char hex[ID_HEX_LEN];
	bool right = false;

	assert_ok(path_format(&file, "%s/tables/%s/table", rig.state.s, id_hex(&p->header.table, hex)));
	for (int64_t end = clock_ms() + RIG_PATIENCE_MS; !right && clock_ms() < end; usleep(20000)) {
		AUTO(buf) bytes = {0};
		assert_ok(file_read_all(&bytes, file.s, RIG_TABLE_LEN));
		bool found[2] = {false, false}, other = false;
		for (uint64_t i = 0; i < bytes.len; i++) {
			if (bytes.data[i] == 0)
				continue;
			if (i >= at && i < at + RETIRING_LEN)
				found[(i - at) / TAG_KEY_LEN] = true;
			else
				other = true;
		}
		right = !other && found[0] == retire && found[1] == retired;
	}
	assert_true(right);
}

/* ---- the client's side, by hand -------------------------------------------------------------------------- */

static struct activation_place place_of(const struct party *p)
{
	const struct pskm_header *h = &p->header;

	return (struct activation_place){h->client, h->hub, h->table, layout_retiring_offset(&h->layout)};
}

static void retire_frame(struct party *p, const struct msg_retiring *m, struct buf *frame)
{
	const struct activation_place at = place_of(p);
	uint8_t key[TAG_KEY_LEN];

	assert_ok(table_activation_key(p->table, ACTIVATION_KEY_RETIRE, key));
	buf_heap(frame, 4096);
	assert_ok(msg_retiring_frame(frame, MESSAGE_RETIRE, &at, m, key));
}

/* The next frame is a RETIRED that verifies. */
static struct msg_retiring next_retired(struct line *l)
{
	struct msg_retiring m;
	struct envelope e;
	uint8_t key[TAG_KEY_LEN];

	assert_true(line_next(l, &e));
	assert_string_equal(message_name(e.type), "RETIRED");
	assert_int_equal(e.offset, layout_retiring_offset(&l->party->header.layout));
	assert_ok(table_activation_key(l->party->table, ACTIVATION_KEY_RETIRED, key));
	assert_true(frame_verify(&e, key));
	assert_ok(msg_retiring_read(&m, e.body, e.body_len));
	return m;
}

static void again(struct line *l)
{
	struct party *p = l->party;

	line_close(l);
	line_open(l, p);
}

static void say_retire(struct line *l, const struct msg_retiring *m)
{
	AUTO(buf) frame = {0};

	retire_frame(l->party, m, &frame);
	line_send_frame(l, &frame);
}

/* ---- the tests -------------------------------------------------------------------------------------------- */

static void test_by_the_operator(void **state)
{
	char hex[ID_HEX_LEN];
	struct msg_retiring said, repeated;
	struct envelope e;
	AUTO(buf) lease = {0};

	(void)state;
	operator_revokes("table", id_hex(&alice.header.table, hex), "stolen");
	assert_retired(&alice, "stolen", "hub", false);
	said = next_retired(&a); /* who is connected hears it at once, and the connection ends */
	assert_false(line_next(&a, &e));
	assert_int_equal(said.reason, RETIRE_STOLEN);
	assert_false(said.repeats);
	await_destroyed(&alice, true, true);
	rig_restart(&rig);
	for (int i = 0; i < 2; i++) { /* whoever comes later hears the same */
		again(&a);
		lease_frame(&a, 4096, &lease);
		line_send_frame(&a, &lease);
		buf_drop(&lease);
		repeated = next_retired(&a);
		assert_int_equal(repeated.time, said.time);
		assert_int_equal(repeated.reason, said.reason);
		line_note(&a, NOTE_TABLE_RETIRED);
	}
	operator_revokes("table", id_hex(&alice.header.table, hex), "ended"); /* once more changes nothing */
	assert_retired(&alice, "stolen", "hub", false);

	said.repeats = true;
	again(&a);
	say_retire(&a, &said);
	(void)next_retired(&a);
	assert_false(line_next(&a, &e));
	assert_retired(&alice, "stolen", "hub", true);
	await_destroyed(&alice, false, false); /* nobody will ask for the word again */
	again(&a);
	say_retire(&a, &said); /* but he may not know */
	line_note(&a, NOTE_TABLE_RETIRED);
	rig_restart(&rig);
	assert_retired(&alice, "stolen", "hub", true);
}

static void test_by_the_client(void **state)
{
	struct msg_retiring m = {RETIRE_REPLACED, 1750000000, false}, said;
	struct line second = {0};
	struct envelope e;

	(void)state;
	line_open(&second, &alice);
	for (int i = 0; i < 2; i++) {
		say_retire(&second, &m);
		said = next_retired(&second);
		assert_int_equal(said.reason, m.reason);
		assert_int_equal(said.time, m.time);
		assert_true(said.repeats);
		again(&second);
		if (i == 0)
			(void)next_retired(&a); /* the leased connection ends too */
	}
	assert_false(line_next(&a, &e));
	assert_retired(&alice, "replaced", "client", true);
	await_destroyed(&alice, false, true); /* its last word may be asked for again */
	rig_restart(&rig);
	again(&second);
	say_retire(&second, &m);
	said = next_retired(&second);
	assert_true(said.repeats);
	line_close(&second);
}

/* Both at once: each word stands for itself, and each is a receipt. */
static void test_crossing(void **state)
{
	struct msg_retiring m = {RETIRE_ENDED, 1750000000, false};
	char hex[ID_HEX_LEN];

	(void)state;
	operator_revokes("table", id_hex(&alice.header.table, hex), "lost");
	again(&a);
	say_retire(&a, &m);
	struct msg_retiring said = next_retired(&a);
	assert_int_equal(said.reason, RETIRE_LOST);
	assert_false(said.repeats);
	assert_retired(&alice, "lost", "hub", true);
	await_destroyed(&alice, false, true);
}

/* Nothing but the one frame retires a table. */
static void test_refused(void **state)
{
	struct msg_retiring m = {RETIRE_ENDED, 1750000000, false};
	AUTO(buf) frame = {0};

	(void)state;
	retire_frame(&alice, &m, &frame);
	for (size_t i = FRAME_HEAD_LEN; i < frame.len; i++) { /* every byte */
		AUTO(buf) wrong = {0};
		struct line l = {0};
		struct envelope e;
		buf_heap(&wrong, 4096);
		buf_put(&wrong, frame.data, frame.len);
		wrong.data[i] ^= 1;
		line_open(&l, &alice);
		line_send_frame(&l, &wrong);
		assert_true(line_next(&l, &e));
		assert_int_equal(e.type, MESSAGE_NOTE);
		line_close(&l);
	}
	json_t *t = shown(&alice);
	assert_string_equal(json_string_value(json_object_get(t, "state")), "active");
	json_decref(t);
	line_lease(&a, 4096, 4096);
}

/* A client whose tables are all retired is as one that never was; what waits for and from him is gone; and another one
 * may have his name. */
static void test_forgotten(void **state)
{
	struct terms t;
	struct ask ask = {0};
	struct party fresh;
	struct line f;
	struct envelope e;
	struct id other = {{0x77}};
	struct msg_identity m;

	(void)state;
	terms_fill(&t, &alice, &bob, "from");
	assert_int_equal(share_send(&a, &t), STATUS_ACCEPTED);
	terms_fill(&t, &bob, &alice, "for");
	assert_int_equal(share_send(&b, &t), STATUS_ACCEPTED);
	operator_revokes("client", "alice", "lost");
	assert_true(rig_logged(&rig, "2 shares for or from alice are destroyed"));
	json_t *none = NULL;
	assert_string_equal(rc_name(command("{\"command\": \"revoke\", \"client\": \"alice\"}", &none)), "NOT_FOUND");
	for (int restarted = 0; restarted < 2; restarted++) {
		identify_ask(&ask, &b, "alice", NULL);
		line_send_frame(&b, &ask.frame);
		ask_answer(&ask, &b, MESSAGE_IDENTITY, &e);
		assert_ok(msg_identity_read(&m, e.body, e.body_len));
		assert_int_equal(m.status, STATUS_UNKNOWN_CLIENT);
		ask_drop(&ask);
		terms_fill(&t, &bob, &alice, restarted ? "later" : "now");
		assert_int_equal(share_send(&b, &t), STATUS_UNKNOWN_CLIENT);
		assert_int_equal(wait_send(&b, &alice.header.client, NULL, "from"), STATUS_UNKNOWN_CLIENT);
		if (!restarted) {
			rig_restart(&rig);
			line_close(&b);
			line_ready(&b, &bob);
		}
	}
	party_make_for(&fresh, &rig, "alice", &other);
	line_open(&f, &fresh);
	line_activate(&f);
	identify_ask(&ask, &b, "alice", NULL);
	line_send_frame(&b, &ask.frame);
	ask_answer(&ask, &b, MESSAGE_IDENTITY, &e);
	assert_ok(msg_identity_read(&m, e.body, e.body_len));
	assert_int_equal(m.status, STATUS_ACCEPTED);
	assert_memory_equal(m.id.b, other.b, ID_LEN);
	ask_drop(&ask);
	line_close(&f);
	party_drop(&fresh);
}

/* While no hub runs: everything is destroyed at once, and the next start purges the mailbox. */
static void test_without_a_hub(void **state)
{
	struct terms t;

	(void)state;
	terms_fill(&t, &alice, &bob, "from");
	assert_int_equal(share_send(&a, &t), STATUS_ACCEPTED);
	assert_int_equal(rig_stop(&rig), 0);
	operator_revokes("client", "alice", "lost");
	assert_retired(&alice, "lost", "hub", false);
	await_destroyed(&alice, true, true);
	rig_start(&rig);
	assert_true(rig_logged(&rig, "1 shares for or from alice are destroyed"));
	again(&a);
	AUTO(buf) lease = {0};
	lease_frame(&a, 4096, &lease);
	line_send_frame(&a, &lease);
	assert_int_equal(next_retired(&a).reason, RETIRE_LOST);
}

/* Killed while it destroys: it goes on. */
static void test_killed(void **state)
{
	char hex[ID_HEX_LEN];

	(void)state;
	operator_revokes("table", id_hex(&alice.header.table, hex), "lost");
	rig_kill(&rig);
	rig_start(&rig);
	await_destroyed(&alice, true, true);
	assert_retired(&alice, "lost", "hub", false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_by_the_operator, pair_set_up, pair_tear_down),
		cmocka_unit_test_setup_teardown(test_by_the_client, pair_set_up, pair_tear_down),
		cmocka_unit_test_setup_teardown(test_crossing, pair_set_up, pair_tear_down),
		cmocka_unit_test_setup_teardown(test_refused, pair_set_up, pair_tear_down),
		cmocka_unit_test_setup_teardown(test_forgotten, pair_set_up, pair_tear_down),
		cmocka_unit_test_setup_teardown(test_without_a_hub, pair_set_up, pair_tear_down),
		cmocka_unit_test_setup_teardown(test_killed, pair_set_up, pair_tear_down),
	};

	return cmocka_run_group_tests_name("hub/retire", tests, NULL, NULL);
}
