/* SPDX-License-Identifier: Apache-2.0 */
/* What an operator asks of a hub: through its control socket while it runs, under the state's lock while not. */
#include "config.h"

#include "test/hub/rig.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/net.h"
#include "hub/command.h"
#include "hub/control.h"

static struct rig rig;
static struct hub_conf conf;

static int setup(void **state)
{
	(void)state;
	rig_init(&rig);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	hub_conf_drop(&conf);
	rig_drop(&rig);
	return 0;
}

static dske_rc command(const char *text, json_t **answer)
{
	json_t *request = json_loads(text, 0, NULL);

	assert_non_null(request);
	hub_conf_drop(&conf);
	assert_ok(hub_conf_read(&conf, rig.conf.s));

	dske_rc rc = hub_command(&conf, request, answer);

	json_decref(request);
	return rc;
}

static const char *string_of(const json_t *o, const char *name)
{
	const char *s = json_string_value(json_object_get(o, name));

	assert_non_null(s);
	return s;
}

/* The one table, as `tables` shows it; a new reference. */
static json_t *only_table(bool running)
{
	json_t *answer = NULL;

	assert_ok(command("{\"command\": \"tables\"}", &answer));
	assert_true(json_is_boolean(json_object_get(answer, "running")));
	assert_int_equal(json_is_true(json_object_get(answer, "running")), running);
	assert_int_equal(json_array_size(json_object_get(answer, "tables")), 1);
	json_t *t = json_incref(json_array_get(json_object_get(answer, "tables"), 0));
	json_decref(answer);
	return t;
}

static void assert_state(bool running, const char *state, int connections)
{
	json_t *t = only_table(running);

	assert_string_equal(string_of(t, "client"), "alice");
	assert_string_equal(string_of(t, "state"), state);
	assert_int_equal(json_integer_value(json_object_get(t, "connections")), connections);
	assert_int_equal(json_integer_value(json_object_get(t, "size")), RIG_TABLE_LEN);
	json_decref(t);
}

static void test_tables(void **state)
{
	struct party alice;
	struct line l;
	json_t *answer = NULL;

	(void)state;
	assert_ok(file_make_dirs(rig.state.s, 0700));
	assert_ok(command("{\"command\": \"tables\"}", &answer));
	assert_int_equal(json_array_size(json_object_get(answer, "tables")), 0);
	json_decref(answer);
	rig_start(&rig);
	party_make(&alice, &rig, "alice");
	assert_state(true, "inactive", 0);
	line_open(&l, &alice);
	line_activate(&l);
	line_lease(&l, 4096, 4096);
	assert_state(true, "active", 1);
	line_close(&l);
	rig_kill(&rig); /* leaves its socket behind */
	assert_state(false, "active", 0);
	rig_start(&rig);
	assert_state(true, "active", 0);
	assert_int_equal(rig_stop(&rig), 0);
	assert_int_equal(access(scratch_path(&rig.state, "control"), F_OK), -1);
	party_drop(&alice);
}

/* Names that a reader may take for one another are told to the operator, too: by the log, and with the tables. */
static void test_alike(void **state)
{
	static const char *const names[] = {"bill", "carol", "bi11", "dave"};
	struct party p[4];
	json_t *answer = NULL, *t;
	size_t i, said = 0;

	(void)state;
	rig_start(&rig);
	for (i = 0; i < 4; i++)
		party_make_for(&p[i], &rig, names[i], &(struct id){{1, (uint8_t)i}});
	assert_ok(command("{\"command\": \"tables\"}", &answer));
	json_array_foreach(json_object_get(answer, "tables"), i, t) {
		const char *name = string_of(t, "client"), *alike = json_string_value(json_object_get(t, "alike"));

		if (strcmp(name, "bill") == 0)
			assert_string_equal(alike, "bi11");
		else if (strcmp(name, "bi11") == 0)
			assert_string_equal(alike, "bill");
		else
			assert_null(alike);
		said += alike != NULL;
	}
	assert_int_equal(said, 2);
	json_decref(answer);
	rig_restart(&rig);
	assert_true(rig_logged(&rig, "look alike: others may take one for the other"));
	for (i = 0; i < 4; i++)
		party_drop(&p[i]);
}

/* What is wrong with a table is shown, where the hub leaves it out. */
static void test_damaged(void **state)
{
	struct party alice;
	struct path header;
	char hex[ID_HEX_LEN];

	(void)state;
	party_make(&alice, &rig, "alice");
	assert_ok(path_format(&header, "%s/tables/%s/header", rig.state.s, id_hex(&alice.header.table, hex)));
	assert_int_equal(truncate(header.s, 20), 0);
	for (int running = 0; running < 2; running++) {
		if (running)
			rig_start(&rig);
		json_t *t = only_table(running);
		assert_string_equal(string_of(t, "table"), hex);
		assert_true(strlen(string_of(t, "detail")) > 0);
		json_decref(t);
	}
	party_drop(&alice);
}

/* ---- the socket --------------------------------------------------------------------------------- */

static int reach(void)
{
	struct sockaddr_un at = {0};
	AUTO(fd) folder = FD_NONE;
	int n = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_ok(command_address(&at, &folder, rig.state.s));
	assert_int_equal(connect(n, (struct sockaddr *)&at, sizeof at), 0);
	return n;
}

/* Sends a text, and reads what comes until the end. */
static void talk(const char *text, size_t len, char *answer, size_t cap)
{
	int n = reach();
	size_t at = 0;

	(void)send(n, text, len, MSG_NOSIGNAL);
	for (ssize_t got; at + 1 < cap && (got = recv(n, answer + at, cap - 1 - at, 0)) > 0;)
		at += (size_t)got;
	answer[at] = '\0';
	close(n);
}

static void test_nonsense(void **state)
{
	static char big[COMMAND_REQUEST_MAX + 1];
	static const struct {
		const char *line, *code;
	} lines[] = {
		{"\n", "FORMAT"},
		{"hello\n", "FORMAT"},
		{"[1]\n", "FORMAT"},
		{"{}\n", "UNSUPPORTED"},
		{"{\"command\": 1}\n", "UNSUPPORTED"},
		{"{\"command\": \"dance\"}\n{\"command\": \"tables\"}\n", "UNSUPPORTED"},
	};
	char answer[1024];

	(void)state;
	rig_start(&rig);
	for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
		talk(lines[i].line, strlen(lines[i].line), answer, sizeof answer);
		if (!strstr(answer, lines[i].code))
			fail_msg("'%s' was answered by '%s'", lines[i].line, answer);
	}
	memset(big, 'x', sizeof big);
	talk(big, sizeof big, answer, sizeof answer);
	assert_string_equal(answer, "");
	json_t *none = NULL;
	assert_string_equal(rc_name(command("{\"command\": \"dance\"}", &none)), "UNSUPPORTED");
	assert_null(none);
}

/* A table is left to an operator's command: its line ends, and it is served again a little later.  Which table has to
 * be said in full, and no other line is touched. */
static void test_release(void **state)
{
	static const struct {
		const char *table, *code;
	} refused[] = {
		{"", "ARGS"}, {", \"table\": 1", "ARGS"}, {", \"table\": \"\"", "ARGS"}, {", \"table\": \"alice\"", "ARGS"},
		{", \"table\": \"00112233445566778899aabbccddeef\"", "ARGS"},
		{", \"table\": \"00112233445566778899aabbccddeeff00\"", "ARGS"},
		{", \"table\": \"00112233445566778899aabbccddeeff\"", "NOT_FOUND"},
	};
	char text[256], hex[ID_HEX_LEN];
	struct party alice, bob;
	struct envelope e;
	struct line a, b;
	json_t *answer = NULL;

	(void)state;
	rig_start(&rig);
	party_ready(&alice, &a, &rig, "alice");
	party_ready(&bob, &b, &rig, "bob");
	for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
		snprintf(text, sizeof text, "{\"command\": \"release\"%s}", refused[i].table);
		if (strcmp(rc_name(command(text, &answer)), refused[i].code) != 0)
			fail_msg("%s was not refused with %s", text, refused[i].code);
		assert_null(answer);
	}
	line_lease(&a, 4096, 4096);
	snprintf(text, sizeof text, "{\"command\": \"release\", \"table\": \"%s\"}", id_hex(&alice.header.table, hex));
	assert_ok(command(text, &answer));
	assert_true(json_is_true(json_object_get(answer, "lent")));
	json_decref(answer);
	assert_false(line_next(&a, &e));
	line_close(&a);
	line_lease(&b, 4096, 4096);
	assert_int_equal(rig_stop(&rig), 0);
	line_close(&b);
	assert_ok(command(text, &answer)); /* nobody has it, so there is nothing to be left */
	assert_true(json_is_false(json_object_get(answer, "lent")));
	json_decref(answer);
	party_drop(&alice);
	party_drop(&bob);
}

/* Whoever says nothing keeps nobody out, neither here nor at the port. */
static void test_silent(void **state)
{
	int silent[3 * CONTROL_CONNS_MAX];
	struct party alice;
	struct line l;

	(void)state;
	rig_start(&rig);
	party_ready(&alice, &l, &rig, "alice");
	for (size_t i = 0; i < sizeof silent / sizeof silent[0]; i++) {
		silent[i] = reach();
		(void)send(silent[i], "{\"comm", 6, MSG_NOSIGNAL);
	}
	assert_state(true, "active", 1);
	line_lease(&l, 4096, 4096);
	for (size_t i = 0; i < sizeof silent / sizeof silent[0]; i++)
		close(silent[i]);
	line_close(&l);
	party_drop(&alice);
}

/* In a process of another user, in the state folder: 0 when it was let in by the system, and told nothing. */
static int stranger(void)
{
	const struct sockaddr_un at = {.sun_family = AF_UNIX, .sun_path = "control"};
	int n = socket(AF_UNIX, SOCK_STREAM, 0);
	char c;

	if (connect(n, (const struct sockaddr *)&at, sizeof at) != 0)
		return 3;
	(void)send(n, "{\"command\": \"tables\"}\n", 22, MSG_NOSIGNAL);
	return recv(n, &c, 1, 0) > 0;
}

/* A connection at a door that cannot be opened: the hub neither spins nor loses it. */
static void test_no_descriptors(void **state)
{
	struct rlimit before, none;
	json_t *answer = NULL;

	(void)state;
	rig_start(&rig);
	assert_int_equal(prlimit(rig.pid, RLIMIT_NOFILE, NULL, &before), 0);
	none = (struct rlimit){.rlim_cur = 3, .rlim_max = before.rlim_max};
	assert_int_equal(prlimit(rig.pid, RLIMIT_NOFILE, &none, NULL), 0);
	int64_t begun = clock_ms();
	int n = reach();
	assert_true(rig_logged(&rig, "control: cannot accept a connection"));
	usleep(500 * 1000);
	size_t tried = rig_log_count(&rig, "cannot accept a connection");
	assert_in_range(tried, 1, 2 + (clock_ms() - begun) / 1000); /* once a second, however long this took */
	assert_int_equal(prlimit(rig.pid, RLIMIT_NOFILE, &before, NULL), 0);
	assert_ok(command("{\"command\": \"tables\"}", &answer));
	json_decref(answer);
	close(n);
}

/* The socket is the hub's own user's and root's, whatever its mode. */
static void test_strangers(void **state)
{
	struct stat st;
	int status = 0;

	(void)state;
	rig_start(&rig);
	assert_int_equal(stat(scratch_path(&rig.state, "control"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	if (geteuid() != 0) {
		print_message("# skip: only root can become somebody else\n");
		skip();
	}
	assert_int_equal(chmod(scratch_path(&rig.state, "control"), 0777), 0);
	assert_int_equal(chmod(rig.state.s, 0755), 0);
	pid_t pid = fork();
	if (pid == 0)
		_exit(chdir(rig.state.s) == 0 && setuid(12345) == 0 ? stranger() : 4);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_true(rig_logged(&rig, "user 12345 was turned away"));
}

/* One that holds the folder and does not listen. */
static void test_busy(void **state)
{
	AUTO(fd) lock = FD_NONE;
	json_t *answer = NULL;

	(void)state;
	assert_ok(file_make_dirs(rig.state.s, 0700));
	assert_ok(file_open(&lock, scratch_path(&rig.state, "lock"), O_RDWR | O_CREAT, 0600));
	assert_ok(file_lock(lock.n, FILE_LOCK_EXCLUSIVE, false));
	assert_string_equal(rc_name(command("{\"command\": \"tables\"}", &answer)), "BUSY");
}

/* A folder whose name is longer than a socket's address. */
static void test_long_name(void **state)
{
	char name[140], text[512], hex[ID_HEX_LEN];
	json_t *answer = NULL;

	(void)state;
	memset(name, 'n', sizeof name - 1);
	name[sizeof name - 1] = '\0';
	snprintf(text, sizeof text, "[hub]\nname = hub1\nid = %s\nlisten = 127.0.0.1:0\nstate = %s\n",
		 id_hex(&rig.hub, hex), name);
	assert_ok(file_replace(rig.conf.s, text, strlen(text), 0600));
	assert_ok(path_format(&rig.state, "%s/%s", rig.scratch.s, name));
	rig_start(&rig);
	assert_ok(file_replace(rig.conf.s, text, strlen(text), 0600)); /* which rig_start wrote anew */
	assert_ok(command("{\"command\": \"tables\"}", &answer));
	assert_true(json_is_true(json_object_get(answer, "running")));
	json_decref(answer);
}

/* ---- acknowledgement by telephone ---------------------------------------------------------------- */

struct call {
	char client[64];
	struct id nonce;
	struct tag tag;
	const char *outcome; /* borrowed from the answer */
	struct tag answer;
	json_t *whole;       /* owned */
};

static void client_tag(struct party *p, unsigned type, const struct id *nonce, struct tag *out)
{
	const struct pskm_header *h = &p->header;
	const struct activation_place at = {h->client, h->hub, h->table, h->layout.region[REGION_ACTIVATION].start};
	uint8_t key[TAG_KEY_LEN];

	assert_ok(table_activation_key(p->table, message_row(type)->key, key));
	assert_ok(msg_activation_tag(out, type, &at, nonce, key));
}

static void call_make(struct call *c, struct party *p, const char *client)
{
	*c = (struct call){0};
	snprintf(c->client, sizeof c->client, "%s", client);
	assert_ok(table_activation_begin(p->table, &c->nonce));
	client_tag(p, MESSAGE_ACTIVATE, &c->nonce, &c->tag);
}

static dske_rc call(struct call *c)
{
	char text[512], nonce[ID_HEX_LEN], tag[ID_HEX_LEN];
	struct id answer;

	hex_encode(tag, c->tag.b, TAG_LEN);
	snprintf(text, sizeof text, "{\"command\": \"acknowledge\", \"client\": \"%s\", \"nonce\": \"%s\", \"tag\": \"%s\"}",
		 c->client, id_hex(&c->nonce, nonce), tag);
	json_decref(c->whole);
	TRY(command(text, &c->whole));
	c->outcome = string_of(c->whole, "outcome");
	assert_ok(id_parse(&answer, string_of(c->whole, "answer")));
	memcpy(c->answer.b, answer.b, TAG_LEN);
	return DSKE_OK;
}

static void assert_answer(const struct call *c, struct party *p, unsigned type, const struct id *nonce)
{
	struct tag expected;

	client_tag(p, type, nonce, &expected);
	assert_memory_equal(c->answer.b, expected.b, TAG_LEN);
}

static enum table_state state_at_hub(const struct party *p)
{
	char hex[ID_HEX_LEN];
	json_t *answer = NULL, *t;
	int found = -1;
	size_t i;

	assert_ok(command("{\"command\": \"tables\"}", &answer));
	json_array_foreach(json_object_get(answer, "tables"), i, t)
		if (strcmp(string_of(t, "table"), id_hex(&p->header.table, hex)) == 0)
			for (found = 0; strcmp(table_state_name((enum table_state)found), string_of(t, "state")) != 0; found++)
				;
	json_decref(answer);
	assert_true(found >= 0);
	return (enum table_state)found;
}

/* running: 0, no hub; 1, a hub. */
static void acknowledge_all(int running)
{
	struct party alice, more, bob;
	struct call c, d;
	struct id zero = {0};

	party_make(&alice, &rig, "alice");
	party_make(&more, &rig, "alice");
	party_make(&bob, &rig, "bob");
	if (running)
		rig_start(&rig);
	call_make(&c, &alice, "bob");
	assert_string_equal(rc_name(call(&c)), "TAG"); /* the wrong client */
	strcpy(c.client, "carol");
	assert_string_equal(rc_name(call(&c)), "NOT_FOUND");
	strcpy(c.client, "alice");
	for (size_t bit = 0; bit < 8 * TAG_LEN; bit += running ? 17 : 1) { /* whatever was misheard */
		c.tag.b[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_string_equal(rc_name(call(&c)), "TAG");
		c.tag.b[bit / 8] ^= (uint8_t)(1u << bit % 8);
		c.nonce.b[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_string_equal(rc_name(call(&c)), "TAG");
		c.nonce.b[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	assert_int_equal(state_at_hub(&alice), TABLE_IMPORTED);
	for (int again = 0; again < 2; again++) { /* a replay changes nothing, and has the same answer */
		assert_ok(call(&c));
		assert_string_equal(c.outcome, "activated");
		assert_answer(&c, &alice, MESSAGE_ACTIVATED, &c.nonce);
	}
	assert_int_equal(state_at_hub(&alice), TABLE_ACTIVE);
	assert_int_equal(state_at_hub(&more), TABLE_IMPORTED);
	assert_int_equal(state_at_hub(&bob), TABLE_IMPORTED);

	call_make(&d, &more, "alice"); /* the tag tells which table */
	d.tag = c.tag;
	assert_string_equal(rc_name(call(&d)), "TAG"); /* two codes of two tables */
	json_decref(d.whole);
	call_make(&d, &more, "61616161616161616161616161616161"); /* alice's ID */
	assert_ok(call(&d));
	assert_answer(&d, &more, MESSAGE_ACTIVATED, &d.nonce);
	assert_int_equal(state_at_hub(&more), TABLE_ACTIVE);

	c.nonce.b[0] ^= 1; /* whoever has a copy of the PSKM draws another nonce */
	client_tag(&alice, MESSAGE_ACTIVATE, &c.nonce, &c.tag);
	for (int again = 0; again < 2; again++) {
		assert_ok(call(&c));
		assert_string_equal(c.outcome, "frozen");
		assert_answer(&c, &alice, MESSAGE_FROZEN, &zero);
	}
	assert_int_equal(state_at_hub(&alice), TABLE_FROZEN);
	assert_int_equal(state_at_hub(&more), TABLE_ACTIVE);
	json_decref(c.whole);
	json_decref(d.whole);
	party_drop(&alice);
	party_drop(&more);
	party_drop(&bob);
}

static void test_acknowledge(void **state)
{
	(void)state;
	acknowledge_all(1);
}

static void test_acknowledge_alone(void **state)
{
	(void)state;
	acknowledge_all(0);
}

/* By both ways it is one message; and a second nonce by telephone ends what is being served. */
static void test_both_ways(void **state)
{
	struct party alice;
	struct line l;
	struct call c, thief;
	struct envelope e;

	(void)state;
	rig_start(&rig);
	party_make(&alice, &rig, "alice");
	call_make(&c, &alice, "alice");
	thief = c;
	thief.nonce.b[5] ^= 4;
	client_tag(&alice, MESSAGE_ACTIVATE, &thief.nonce, &thief.tag);
	assert_ok(call(&c));
	line_open(&l, &alice);
	line_activate(&l);
	line_lease(&l, 4096, 4096);
	assert_ok(call(&thief));
	assert_string_equal(thief.outcome, "frozen");
	assert_false(line_next(&l, &e));
	assert_true(rig_logged(&rig, "by telephone"));
	json_decref(c.whole);
	json_decref(thief.whole);
	line_close(&l);
	party_drop(&alice);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_tables, setup, teardown),
		cmocka_unit_test_setup_teardown(test_alike, setup, teardown),
		cmocka_unit_test_setup_teardown(test_damaged, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nonsense, setup, teardown),
		cmocka_unit_test_setup_teardown(test_release, setup, teardown),
		cmocka_unit_test_setup_teardown(test_silent, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_descriptors, setup, teardown),
		cmocka_unit_test_setup_teardown(test_strangers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_busy, setup, teardown),
		cmocka_unit_test_setup_teardown(test_long_name, setup, teardown),
		cmocka_unit_test_setup_teardown(test_acknowledge, setup, teardown),
		cmocka_unit_test_setup_teardown(test_acknowledge_alone, setup, teardown),
		cmocka_unit_test_setup_teardown(test_both_ways, setup, teardown),
	};

	return cmocka_run_group_tests_name("hub/control", tests, NULL, NULL);
}
