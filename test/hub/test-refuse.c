/* SPDX-License-Identifier: Apache-2.0 */
/* What a hub refuses, under a tag or with a note; and that nothing is used up by what does not verify. */
#include "config.h"

#include "test/hub/rig.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

static struct rig rig;
static struct party alice, bob;
static struct line a;

static int begin(const char *limits, const char *groups)
{
	rig_init(&rig);
	rig.limits = limits;
	rig.groups = groups;
	rig_configure(&rig);
	rig_start(&rig);
	party_ready(&alice, &a, &rig, "alice");
	party_make(&bob, &rig, "bob");
	return 0;
}

static int setup(void **state)
{
	(void)state;
	return begin(NULL, "\n[group friends]\nmembers = alice, bob\n");
}

static int setup_small(void **state)
{
	(void)state;
	return begin("mailbox_per_pair = 2\n", NULL);
}

static int teardown(void **state)
{
	(void)state;
	line_close(&a);
	party_drop(&alice);
	party_drop(&bob);
	rig_drop(&rig);
	return 0;
}

/* ---- under a tag ----------------------------------------------------------------------------------------- */

static void refused(void (*change)(struct terms *t), enum status status)
{
	struct terms t;

	terms_fill(&t, &alice, &bob, "");
	change(&t);
	assert_string_equal(status_text(share_send(&a, &t)), status_text(status));
}

static void k_above_n(struct terms *t)
{
	t->k = 4;
}

static void hub_twice(struct terms *t)
{
	t->hub[2] = t->hub[0];
}

static void xor_with_less(struct terms *t)
{
	t->scheme = SCHEME_XOR;
}

/* share_send seals it; a share of a second pass is its pad. */
static void second_pass(struct terms *t)
{
	t->scheme = SCHEME_ADAPTED;
}

static void second_pass_with_key_tag(struct terms *t)
{
	t->scheme = SCHEME_ADAPTED;
	t->key_tag.b[3] = 1;
}

static void first_pass_too_short(struct terms *t)
{
	t->scheme = SCHEME_FIRST_PASS;
}

static void to_oneself(struct terms *t)
{
	t->receiver[0] = t->initiator;
}

static void other_initiator(struct terms *t)
{
	t->initiator = bob.header.client;
}

static void hub_missing(struct terms *t)
{
	memset(t->hub[1].b, 0x99, ID_LEN);
}

static void nobody(struct terms *t)
{
	memset(t->receiver[0].b, 0x99, ID_LEN);
}

static void test_terms(void **state)
{
	(void)state;
	refused(k_above_n, STATUS_TERMS);
	refused(hub_twice, STATUS_TERMS);
	refused(xor_with_less, STATUS_TERMS);
	refused(to_oneself, STATUS_TERMS);
	refused(other_initiator, STATUS_INITIATOR);
	refused(hub_missing, STATUS_NOT_LISTED);
	refused(nobody, STATUS_UNKNOWN_CLIENT);
	refused(second_pass, STATUS_TERMS);
	refused(second_pass_with_key_tag, STATUS_TERMS);
	refused(first_pass_too_short, STATUS_TERMS);
}

/* The parts of an adapted agreement are carried as other shares are. */
static void test_parts_are_carried(void **state)
{
	static const struct {
		enum scheme scheme;
		uint32_t key_len;
	} parts[] = {{SCHEME_FIRST_PASS, ADAPTED_MATERIAL_LEN(3)}, {SCHEME_ADAPTED, 4096}, {SCHEME_FALLBACK, 4096}};

	(void)state;
	for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
		AUTO(ask) ask = {0};
		struct terms t;

		terms_fill(&t, &alice, &bob, "adapted");
		t.scheme = parts[i].scheme;
		t.key_len = parts[i].key_len;
		share_ask(&ask, &a, &t, SHARE_MODE_PAD, 600, NULL);
		assert_int_equal(ask_status(&ask, &a), STATUS_ACCEPTED);
	}
}

/* A body that is nothing, and one in a range that is too long: refused under the tag, and burnt. */
static void test_malformed_and_length(void **state)
{
	static const uint8_t nothing[] = {0x81, 0x00};
	AUTO(ask) q = {0}, longer = {0}, wait = {0};
	struct buf body;
	struct msg_wait m = {.initiator = bob.header.client, .selector = WAIT_CONTEXT, .patience = 1};

	(void)state;
	buf_fixed(&body, (void *)(uintptr_t)nothing, sizeof nothing);
	body.len = sizeof nothing;
	ask_make(&q, &a, MESSAGE_SHARE, &body, PAD_KEYS_LEN + 80);
	assert_int_equal(ask_status(&q, &a), STATUS_MALFORMED);
	ask_make(&wait, &a, MESSAGE_WAIT, &body, PAD_KEYS_LEN);
	assert_int_equal(ask_status(&wait, &a), STATUS_MALFORMED);
	assert_int_equal(ask_status(&wait, &a), STATUS_MALFORMED); /* the same answer, not a new one */

	AUTO(buf) wait_body = {0};
	buf_heap(&wait_body, 256);
	assert_ok(msg_wait_write(&wait_body, &m));
	ask_make(&longer, &a, MESSAGE_WAIT, &wait_body, PAD_KEYS_LEN + 16);
	assert_int_equal(ask_status(&longer, &a), STATUS_LENGTH);
	/* Their ranges are used: the same frame, one bit changed, gets a note. */
	longer.frame.data[longer.frame.len - 1] ^= 1;
	line_send_frame(&a, &longer.frame);
	line_note(&a, NOTE_RANGE_USED);
}

static void test_key_exists(void **state)
{
	struct terms t;

	(void)state;
	terms_fill(&t, &alice, &bob, "");
	assert_int_equal(share_send(&a, &t), STATUS_ACCEPTED);
	assert_int_equal(share_send(&a, &t), STATUS_KEY_EXISTS);
	rig_restart(&rig);
	line_close(&a);
	line_ready(&a, &alice);
	assert_int_equal(share_send(&a, &t), STATUS_KEY_EXISTS);
}

static void test_mailbox_full(void **state)
{
	struct terms t;

	(void)state;
	for (int i = 0; i < 3; i++) {
		terms_fill(&t, &alice, &bob, "");
		assert_int_equal(share_send(&a, &t), i < 2 ? STATUS_ACCEPTED : STATUS_MAILBOX_FULL);
	}
}

/* ---- who may know of whom ---------------------------------------------------------------------------------- */

static void identity(const char *name, const struct id *id, struct msg_identity *m)
{
	AUTO(ask) q = {0};
	struct envelope e;

	identify_ask(&q, &a, name, id);
	line_send_frame(&a, &q.frame);
	ask_answer(&q, &a, MESSAGE_IDENTITY, &e);
	assert_ok(msg_identity_read(m, e.body, e.body_len));
}

static void test_identify(void **state)
{
	struct msg_identity m, by_id;

	(void)state;
	identity("bob", NULL, &m);
	assert_int_equal(m.status, STATUS_ACCEPTED);
	assert_string_equal(m.name, "bob");
	assert_true(id_equal(&m.id, &bob.header.client));
	assert_true(strlen(m.local) > 0);
	identity(NULL, &bob.header.client, &by_id);
	assert_memory_equal(&by_id, &m, sizeof m);
	identity("alice", NULL, &m);
	assert_true(id_equal(&m.id, &alice.header.client));
}

/* A client that no group joins, and one that does not exist: the same answers. */
static void test_strangers_do_not_exist(void **state)
{
	struct id nobody_id = {{9}};
	struct msg_identity m, none;
	struct party eve;
	struct terms t;

	(void)state;
	party_make(&eve, &rig, "eve");
	identity("eve", NULL, &m);
	identity("nobody", NULL, &none);
	assert_int_equal(m.status, STATUS_UNKNOWN_CLIENT);
	assert_memory_equal(&m, &none, sizeof m);
	identity(NULL, &eve.header.client, &m);
	identity(NULL, &nobody_id, &none);
	assert_memory_equal(&m, &none, sizeof m);
	terms_fill(&t, &alice, &eve, "");
	assert_int_equal(share_send(&a, &t), STATUS_UNKNOWN_CLIENT);
	assert_int_equal(wait_send(&a, &eve.header.client, NULL, ""), STATUS_UNKNOWN_CLIENT);
	assert_int_equal(wait_send(&a, &nobody_id, NULL, ""), STATUS_UNKNOWN_CLIENT);
	party_drop(&eve);
}

/* Two clients of one name: by name neither, by ID each. */
static void test_ambiguous_name(void **state)
{
	struct id other = {{8}};
	struct msg_identity m;
	struct party second;

	(void)state;
	identity("bob", NULL, &m);
	assert_int_equal(m.status, STATUS_ACCEPTED);
	party_make_for(&second, &rig, "bob", &other);
	identity("nobody", NULL, &m); /* makes the hub look */
	identity("bob", NULL, &m);
	assert_int_equal(m.status, STATUS_UNKNOWN_CLIENT);
	identity(NULL, &other, &m);
	assert_int_equal(m.status, STATUS_ACCEPTED);
	party_drop(&second);
}

/* What waits is not delivered once policy joins the two no more. */
static void test_policy_read_again(void **state)
{
	struct terms t;
	struct line b;

	(void)state;
	line_open(&b, &bob);
	line_activate(&b);
	line_lease(&b, 4096, 4096);
	terms_fill(&t, &alice, &bob, "");
	assert_int_equal(share_send(&a, &t), STATUS_ACCEPTED);
	rig.groups = "\n[group friends]\nmembers = alice\n";
	rig_configure(&rig);
	kill(rig.pid, SIGHUP);
	assert_true(rig_logged(&rig, "read "));
	assert_int_equal(wait_send(&b, &alice.header.client, &t.key_id, NULL), STATUS_UNKNOWN_CLIENT);
	terms_fill(&t, &alice, &bob, "");
	assert_int_equal(share_send(&a, &t), STATUS_UNKNOWN_CLIENT);
	line_close(&b);
}

static void test_bad_configuration_changes_nothing(void **state)
{
	struct msg_identity m;

	(void)state;
	rig.groups = "\n[group friends]\nmembers = b?b\n";
	rig_configure(&rig);
	kill(rig.pid, SIGHUP);
	assert_true(rig_logged(&rig, "the configuration stays as it was"));
	identity("bob", NULL, &m);
	assert_int_equal(m.status, STATUS_ACCEPTED);
}

/* ---- notes ---------------------------------------------------------------------------------------------- */

/* Changes the frame's envelope by writing it anew under the same key. */
static void ask_again_as(struct ask *q, uint64_t offset, uint32_t length, const struct id *sender,
			 const struct id *table, enum note code)
{
	AUTO(buf) frame = {0};
	struct envelope e;

	assert_ok(frame_read(&e, q->frame.data + FRAME_HEAD_LEN, q->frame.len - FRAME_HEAD_LEN));
	e.offset = offset;
	e.length = length;
	e.sender = *sender;
	e.table = *table;
	buf_heap(&frame, 4096);
	assert_ok(frame_write(&frame, &e, (const uint8_t[TAG_KEY_LEN]){1}));
	line_send_frame(&a, &frame);
	line_note(&a, code);
}

static void test_ranges_elsewhere(void **state)
{
	const struct layout *l = &alice.header.layout;
	const struct id *self = &alice.header.client, *table = &alice.header.table;
	AUTO(ask) q = {0};
	struct id other = {{3}};

	(void)state;
	identify_ask(&q, &a, "bob", NULL);
	ask_again_as(&q, l->region[REGION_DOWN].start, 64, self, table, NOTE_ENVELOPE);
	ask_again_as(&q, l->region[REGION_ACTIVATION].start, 64, self, table, NOTE_ENVELOPE);
	ask_again_as(&q, l->region[REGION_UP].end - 32, 64, self, table, NOTE_ENVELOPE);
	ask_again_as(&q, l->len - 1, 64, self, table, NOTE_ENVELOPE);
	ask_again_as(&q, window_end(a.up), 64, self, table, NOTE_NO_LEASE);
	ask_again_as(&q, window_end(a.up) - 32, 64, self, table, NOTE_NO_LEASE);
	ask_again_as(&q, q.pad.offset, 32, self, table, NOTE_ENVELOPE);
	ask_again_as(&q, q.pad.offset, 64, self, &other, NOTE_UNKNOWN_TABLE);
	ask_again_as(&q, q.pad.offset, 64, &other, table, NOTE_UNKNOWN_TABLE);
	ask_again_as(&q, q.pad.offset, 64, self, table, NOTE_BAD_TAG);
	/* After all that it is still good. */
	struct envelope e;
	line_send_frame(&a, &q.frame);
	ask_answer(&q, &a, MESSAGE_IDENTITY, &e);
}

/* Another client's table is not for this connection, whatever is sent. */
static void test_other_table_on_this_connection(void **state)
{
	AUTO(ask) q = {0};
	struct line b;

	(void)state;
	line_open(&b, &bob);
	line_activate(&b);
	line_lease(&b, 4096, 4096);
	wait_ask(&q, &b, &alice.header.client, NULL, "");
	line_send_frame(&a, &q.frame);
	line_note(&a, NOTE_NO_LEASE);
	assert_int_equal(ask_status(&q, &b), STATUS_ACCEPTED);
	line_close(&b);
}

/* Every byte of a SHARE, changed: a note, and the right one is accepted afterwards all the same. */
static void test_every_byte_of_a_share(void **state)
{
	AUTO(ask) q = {0};
	struct terms t;
	struct envelope e;
	unsigned failed = 0;

	(void)state;
	terms_fill(&t, &alice, &bob, "");
	share_ask(&q, &a, &t, SHARE_MODE_SEALED, 600, NULL);
	for (size_t i = FRAME_HEAD_LEN; i < q.frame.len; i++) {
		if (++failed == 9) {
			/* More would be slowed, and sixteen end a connection: a new one, and the same share under new pad. */
			line_close(&a);
			line_open(&a, &alice);
			line_lease(&a, 512, 64);
			ask_drop(&q);
			share_ask(&q, &a, &t, SHARE_MODE_SEALED, 600, NULL);
			failed = 0;
		}
		q.frame.data[i] ^= 0x11;
		line_send_frame(&a, &q.frame);
		q.frame.data[i] ^= 0x11;
		assert_true(line_next(&a, &e));
		assert_true(note_code(&e) != 0);
	}
	assert_int_equal(ask_status(&q, &a), STATUS_ACCEPTED);
}

/* What only hubs say, what nobody says, and what is too short to be anything. */
static void test_not_for_a_hub(void **state)
{
	static const uint8_t nonsense[][12] = {
		{0, 0, 0, 1, 0x80}, {0, 0, 0, 1, 0xff}, {0, 0, 0, 3, 0x82, 0x01, 0x02}, {0, 0, 0, 2, 0x81, 0x02},
	};
	static const enum note answer[] = {NOTE_ENVELOPE, NOTE_ENVELOPE, NOTE_ENVELOPE, NOTE_VERSION};
	AUTO(buf) frame = {0};
	struct envelope e = {.type = MESSAGE_GRANT, .sender = alice.header.client, .table = alice.header.table,
			     .body = nonsense[0], .body_len = 1};

	(void)state;
	for (size_t i = 0; i < sizeof nonsense / sizeof nonsense[0]; i++) {
		line_send(&a, nonsense[i], 4u + nonsense[i][3]);
		line_note(&a, answer[i]);
	}
	buf_heap(&frame, 4096);
	assert_ok(frame_write(&frame, &e, (const uint8_t[TAG_KEY_LEN]){1}));
	line_send_frame(&a, &frame);
	line_note(&a, NOTE_ENVELOPE);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_terms),
		T(test_parts_are_carried),
		T(test_malformed_and_length),
		T(test_key_exists),
		cmocka_unit_test_setup_teardown(test_mailbox_full, setup_small, teardown),
		T(test_identify),
		T(test_strangers_do_not_exist),
		T(test_ambiguous_name),
		T(test_policy_read_again),
		T(test_bad_configuration_changes_nothing),
		T(test_ranges_elsewhere),
		T(test_other_table_on_this_connection),
		T(test_every_byte_of_a_share),
		T(test_not_for_a_hub),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
