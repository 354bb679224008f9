/* SPDX-License-Identifier: Apache-2.0 */
/* test/vpn/test-conf.c - what configurations of dske-vpn and dske-wg must not say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <netinet/in.h>

#include <cmocka.h>

#include "vpn/otp-conf.h"
#include "vpn/place.h"
#include "vpn/status.h"
#include "vpn/wg-conf.h"

static char file[512];

static int make_file(void **state)
{
	(void)state;
	const char *folder = getenv("TMPDIR");
	snprintf(file, sizeof file, "%s/dske-conf.XXXXXX", folder != NULL ? folder : "/tmp");
	int fd = mkstemp(file);
	return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state)
{
	(void)state;
	return unlink(file);
}

static void put(const char *text)
{
	FILE *f = fopen(file, "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

/* A packet as long as the MTU, with what the tunnel adds, has room where datagrams are made. */
static void an_mtu_fits_a_datagram(void **state)
{
	(void)state;
	static struct outbox o;
	struct place nowhere = {.len = 0};
	struct otp_conf c;
	char text[96];
	for (unsigned mtu = OTP_MTU_MOST - 2; mtu <= 65536; mtu += 1) {
		snprintf(text, sizeof text, "[tunnel]\npeer = bob\nmtu = %u\n", mtu);
		put(text);
		dske_rc rc = otp_conf_read(&c, file);
		assert_int_equal(rc.code, mtu <= OTP_MTU_MOST ? DSKE_RC_OK : DSKE_RC_CONFIG);
		if (!rc_ok(rc))
			continue;
		outbox_init(&o, -1);
		uint8_t *at = outbox_place(&o, &nowhere, c.mtu + PACKET_MORE);
		assert_true(at + c.mtu + PACKET_MORE <= o.bytes + sizeof o.bytes);
	}
}

/* Beside the client's files, where the unit may write; one that is named counts from the file's folder. */
static void days_are_counted_in_a_file(void **state)
{
	(void)state;
	struct otp_conf c;
	put("[tunnel]\npeer = bob\nname = west\nday_limit = 1G\n");
	assert_true(rc_ok(otp_conf_read(&c, file)));
	assert_string_equal(c.day_file.s, "/var/lib/dske/vpn-west.day");
	put("[tunnel]\npeer = bob\nday_file = bytes\n");
	assert_true(rc_ok(otp_conf_read(&c, file)));
	assert_true(c.day_file.s[0] == '/' && strcmp(strrchr(c.day_file.s, '/'), "/bytes") == 0);
}

/* A forged ICMP message does not make datagrams too large. */
static void no_stranger_says_what_is_too_large(void **state)
{
	(void)state;
	static const char *const places[] = {"127.0.0.1:0", ":0"};
	for (size_t i = 0; i < 2; i++) {
		AUTO(fd) f = FD_NONE;
		struct place p;
		int value = -1;
		socklen_t len = sizeof value;
		assert_true(rc_ok(place_parse(&p, places[i])));
		if (!rc_ok(place_listen(&f, &p)))
			continue; /* no IPv6 here */
		assert_int_equal(getsockopt(f.n, IPPROTO_IP, IP_MTU_DISCOVER, &value, &len), 0);
		assert_int_equal(value, IP_PMTUDISC_OMIT);
		if (p.address.ss_family != AF_INET6)
			continue;
		assert_int_equal(getsockopt(f.n, IPPROTO_IPV6, IPV6_MTU_DISCOVER, &value, &len), 0);
		assert_int_equal(value, IPV6_PMTUDISC_OMIT);
	}
}

/* The program has closed its umask by then; the socket is its user's alone, who has to get there. */
static void status_is_for_its_user(void **state)
{
	(void)state;
	struct status s;
	struct stat st;
	char folder[600], path[700];
	snprintf(folder, sizeof folder, "%s.d", file);
	snprintf(path, sizeof path, "%s/vpn", folder);
	mode_t before = umask(077);
	assert_true(rc_ok(status_open(&s, path)));
	assert_int_equal(umask(before), 077);
	assert_int_equal(stat(folder, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0755);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0077, 0);
	status_drop(&s);
	assert_int_equal(rmdir(folder), 0);
}

#define KEY_A "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg="
#define KEY_B "yTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg="

static dske_rc two_links(const char *first, const char *second)
{
	struct wg_conf c;
	char text[512];
	snprintf(text, sizeof text, "[link a]\n%s[link b]\n%s", first, second);
	put(text);
	dske_rc rc = wg_conf_read(&c, file);
	if (rc_ok(rc))
		wg_conf_drop(&c);
	return rc;
}

static void links_are_apart(void **state)
{
	(void)state;
	const char *plain = "peer = bob\ninterface = wg0\npublic_key = " KEY_A "\n";
	assert_int_equal(two_links(plain, plain).code, DSKE_RC_CONFIG);
	assert_int_equal(two_links(plain, "peer = bob\nhook = /bin/true\n").code, DSKE_RC_CONFIG); /* both are named wg */
	assert_int_equal(two_links(plain, "peer = carol\ninterface = wg0\npublic_key = " KEY_A "\n").code, DSKE_RC_CONFIG);
	assert_true(rc_ok(two_links(plain, "peer = carol\ninterface = wg0\npublic_key = " KEY_B "\n")));
	assert_true(rc_ok(two_links(plain, "peer = bob\nname = two\ninterface = wg1\npublic_key = " KEY_A "\n")));
	assert_true(rc_ok(two_links(plain, "peer = bob\nname = two\nhook = /bin/true\n")));
}

#define SERVICE "[token]\nmodule = m.so\npin_file = /p/pin\ntoken = mine\n[log]\ntarget = none\nlevel = warn\n"

/* Paths that are not absolute count from the file's folder. */
static void assert_service(const struct service_conf *c)
{
	struct path folder, module, status;
	assert_true(rc_ok(path_folder(&folder, file)));
	assert_true(rc_ok(path_format(&module, "%s/m.so", folder.s)));
	assert_true(rc_ok(path_format(&status, "%s/s", folder.s)));
	assert_string_equal(c->module.s, module.s);
	assert_string_equal(c->status.s, status.s);
	assert_string_equal(c->pin_file.s, "/p/pin");
	assert_string_equal(c->token, "mine");
	assert_string_equal(c->log, "none");
	assert_int_equal(c->log_level, LOG_LEVEL_WARN);
}

static void both_have_a_token_a_log_and_a_socket(void **state)
{
	(void)state;
	struct otp_conf otp;
	struct wg_conf wg;
	put("[tunnel]\npeer = bob\nstatus = s\n" SERVICE);
	assert_true(rc_ok(otp_conf_read(&otp, file)));
	assert_service(&otp.service);
	put("[wg]\nstatus = s\n[link a]\npeer = bob\nhook = /bin/true\n" SERVICE);
	assert_true(rc_ok(wg_conf_read(&wg, file)));
	assert_service(&wg.service);
	wg_conf_drop(&wg);
}

static void what_is_unknown_is_refused(void **state)
{
	(void)state;
	static const char *const unknown[] = {"[token]\nlevel = info\n", "[log]\nstatus = s\n", "[log]\nlevel = loud\n", "[x]\nstatus = s\n",
					      "[token]\nstatus = s\n"};
	struct otp_conf otp;
	for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
		char text[128];
		snprintf(text, sizeof text, "[tunnel]\npeer = bob\n%s", unknown[i]);
		put(text);
		assert_int_equal(otp_conf_read(&otp, file).code, DSKE_RC_CONFIG);
		snprintf(text, sizeof text, "peer = carol\nhook = /bin/true\n%s", unknown[i]);
		assert_int_equal(two_links("peer = bob\nhook = /bin/true\n", text).code, DSKE_RC_CONFIG);
	}
	put("[wg]\nstatus = s\n[tunnel]\npeer = bob\n");
	assert_int_equal(otp_conf_read(&otp, file).code, DSKE_RC_CONFIG);
	assert_int_equal(two_links("peer = bob\nhook = /bin/true\n", "peer = carol\nhook = /bin/true\n[tunnel]\nstatus = s\n").code,
			 DSKE_RC_CONFIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(an_mtu_fits_a_datagram),
					    cmocka_unit_test(days_are_counted_in_a_file),
					    cmocka_unit_test(links_are_apart),
					    cmocka_unit_test(no_stranger_says_what_is_too_large),
					    cmocka_unit_test(status_is_for_its_user),
					    cmocka_unit_test(both_have_a_token_a_log_and_a_socket),
					    cmocka_unit_test(what_is_unknown_is_refused)};
	return cmocka_run_group_tests(tests, make_file, remove_file);
}
