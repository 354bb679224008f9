/* SPDX-License-Identifier: Apache-2.0 */
/* dske-hubd as an operator meets it: options, sentences, exit codes. */
#include "config.h"

#include "test/hub/rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

static struct rig rig;

static int setup(void **state)
{
	(void)state;
	rig_init(&rig);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	rig_drop(&rig);
	return 0;
}

/* Writes a file, and what --check-config says of it. */
static void check(const char *text, int status, const char *says)
{
	char out[4096];
	const char *conf = scratch_write(&rig.scratch, "x.conf", text, strlen(text));

	assert_int_equal(rig_run(&rig, out, sizeof out, "--check-config", "--config", conf, NULL), status);
	if (strstr(out, says) == NULL)
		fail_msg("'%s' does not say '%s'", out, says);
}

#define GOOD "[hub]\nname = h\nid = 11111111111111111111111111111111\nlisten = 127.0.0.1:0\n"

static void test_check_config(void **state)
{
	(void)state;
	check(GOOD, 0, "valid");
	check(GOOD "window_most = 64K\nlog_level = warn\nlog = none\nstate = s\n"
		   "[limits]\nconnections = 5\nmailbox_per_pair = 7\nttl_most = 2h\nidle = 1m\n"
		   "[group a]\nmembers = x, y\nmembers = z\n[group b]\nmembers = *\n", 0, "valid");
	check(GOOD "[limits]\nn = 3..20\nk = 2..\nmailbox_most = 1G\nsend_keys_per_minute = 60\nreceive_bytes_per_day = 1G\n"
		   "pair_keys_per_day = 1000\n", 0, "valid");
	check("[limits]\nn = 20..3\n", 3, "x.conf:2: ");
	check("[limits]\npair_keys_per_day = many\n", 3, "x.conf:2: ");
	check("[limits]\npair_keys_per_week = 5\n", 3, "pair_keys_per_week");
	check("[hub]\npair_keys_per_day = 5\n", 3, "pair_keys_per_day");
	check("", 3, "lacks 'name'");
	check("[hub]\nname = h\nlisten = h:1\n", 3, "lacks 'id'");
	check("[hub]\nname = h\nid = 11111111111111111111111111111111\n", 3, "lacks 'listen'");
	check("[hub]\nname = a b\n", 3, "x.conf:2: ");
	check("[hub]\n\nid = 00000000000000000000000000000000\n", 3, "x.conf:3: ");
	check("[hub]\nid = 123\n", 3, "x.conf:2: ");
	check("[hub]\nlisten = nowhere\n", 3, "x.conf:2: ");
	check("[hub]\nwindow_most = 1\n", 3, "x.conf:2: ");
	check("[hub]\nwindow_most = 1G\n", 3, "x.conf:2: ");
	check(GOOD "table_key = /media/key/hub1.key\n", 0, "valid");
	check("[hub]\ntable_key =\n", 3, "x.conf:2: ");
	check(GOOD "low_water = 5%, 30d\n", 0, "valid");
	check("[hub]\nlow_water = 5 pints\n", 3, "x.conf:2: ");
	check("[hub]\ncolour = red\n", 3, "colour");
	check("[hob]\nname = h\n", 3, "no section [hob]");
	check("[limits]\nttl_most = 8d\n", 3, "x.conf:2: ");
	check("[limits]\nidle = 5ms\n", 3, "x.conf:2: ");
	check("[limits]\nconnections = 0\n", 3, "x.conf:2: ");
	check("[group a]\nmembers = x, y/z\n", 3, "'y/z' is not a client's name");
	check("[group a]\nfriends = x\n", 3, "friends");
	check("[group]\nmembers = x\n", 3, "a group needs a name");
	check("[hub]\nlog_level = loud\n", 3, "x.conf:2: ");
}

static void test_options(void **state)
{
	char out[4096];

	(void)state;
	assert_int_equal(rig_run(&rig, out, sizeof out, "--version", NULL), 0);
	assert_string_equal(out, "dske-hubd " PACKAGE_VERSION "\n");
	assert_int_equal(rig_run(&rig, out, sizeof out, "--help", NULL), 0);
	assert_non_null(strstr(out, "--check-config"));
	assert_int_equal(rig_run(&rig, out, sizeof out, "--colour", NULL), 2);
	assert_int_equal(rig_run(&rig, out, sizeof out, "extra", NULL), 2);
	assert_non_null(strstr(out, "extra"));
	assert_int_equal(rig_run(&rig, out, sizeof out, "-c", "/nonexistent/hubd.conf", NULL), 3);
	assert_non_null(strstr(out, "dske hub init"));
}

static void test_port_in_use(void **state)
{
	char text[512], hex[ID_HEX_LEN], out[4096];

	(void)state;
	rig_start(&rig);
	snprintf(text, sizeof text, "[hub]\nname = h\nid = %s\nlisten = %s\nstate = other\n", id_hex(&rig.hub, hex),
		 rig.listen);
	const char *conf = scratch_write(&rig.scratch, "second.conf", text, strlen(text));
	assert_int_equal(rig_run(&rig, out, sizeof out, "-c", conf, NULL), 1);
	assert_non_null(strstr(out, "in use"));
	assert_null(strstr(out, "Sanitizer"));
}

static void test_state_in_use(void **state)
{
	char text[512], hex[ID_HEX_LEN], out[4096];

	(void)state;
	rig_start(&rig);
	snprintf(text, sizeof text, "[hub]\nname = h\nid = %s\nlisten = 127.0.0.1:0\nstate = state\n",
		 id_hex(&rig.hub, hex));
	const char *conf = scratch_write(&rig.scratch, "second.conf", text, strlen(text));
	assert_int_equal(rig_run(&rig, out, sizeof out, "-c", conf, NULL), 1);
	assert_non_null(strstr(out, "another dske-hubd is running"));
}

static void test_lost_store_key(void **state)
{
	char out[4096];

	(void)state;
	rig_start(&rig);
	assert_int_equal(rig_stop(&rig), 0);
	assert_int_equal(unlink(scratch_path(&rig.state, "store.key")), 0);
	assert_int_equal(rig_run(&rig, out, sizeof out, "-c", rig.conf.s, NULL), 1);
	assert_non_null(strstr(out, "store.key is missing"));
}

#ifdef HAVE_SYSTEMD
/* sd_notify(3): a datagram to the socket that NOTIFY_SOCKET names. */
static void test_notifies(void **state)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	struct timeval limit = {.tv_sec = 10};
	char text[256];
	int n = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	(void)state;
	const char *path = scratch_path(&rig.scratch, "n");
	assert_in_range(strlen(path), 1, sizeof at.sun_path - 1);
	strcpy(at.sun_path, path);
	assert_int_equal(bind(n, (struct sockaddr *)&at, sizeof at), 0);
	setsockopt(n, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
	setenv("NOTIFY_SOCKET", at.sun_path, 1);
	rig_start(&rig);
	unsetenv("NOTIFY_SOCKET");
	ssize_t len = recv(n, text, sizeof text - 1, 0);
	assert_true(len > 0);
	text[len] = '\0';
	assert_string_equal(text, "READY=1");
	assert_int_equal(rig_stop(&rig), 0);
	len = recv(n, text, sizeof text - 1, 0);
	assert_true(len > 0);
	text[len] = '\0';
	assert_string_equal(text, "STOPPING=1");
	close(n);
}
#endif

/* What it writes is for its own user alone. */
static void test_modes(void **state)
{
	struct stat st;

	(void)state;
	rig_start(&rig);
	static const char *const names[] = {"store.key", "mailbox/segment-000001", "lock"};
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(stat(scratch_path(&rig.state, names[i]), &st), 0);
		assert_int_equal(st.st_mode & 0777, 0600);
	}
	assert_int_equal(stat(rig.state.s, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
}

/* A table of another hub, and a damaged one, are left out; the hub runs. */
static void test_bad_tables(void **state)
{
	struct path folder;
	struct party alice, other;
	struct id mine = rig.hub;

	(void)state;
	memset(rig.hub.b, 0x22, ID_LEN);
	party_make(&other, &rig, "other");
	rig.hub = mine;
	party_make(&alice, &rig, "alice");
	assert_ok(path_format(&folder, "%s/tables/%032d", rig.state.s, 7));
	assert_ok(file_make_dirs(folder.s, 0700));
	rig_start(&rig);
	assert_true(rig_logged(&rig, "1 clients, 1 tables"));
	assert_int_equal(rig_log_count(&rig, "is left out"), 2);
	party_drop(&alice);
	party_drop(&other);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_check_config), T(test_options), T(test_port_in_use), T(test_state_in_use),
		T(test_lost_store_key), T(test_modes), T(test_bad_tables),
#ifdef HAVE_SYSTEMD
		T(test_notifies),
#endif
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
