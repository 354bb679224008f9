/* SPDX-License-Identifier: Apache-2.0 */
/* base/net.h: addresses, and connections on loopback with ports that the kernel chooses. */
#include "config.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/heirloom.h"
#include "base/net.h"

static struct net_address address_of(const char *host, uint16_t port)
{
	struct net_address a;
	char text[300];

	snprintf(text, sizeof text, strchr(host, ':') != NULL ? "[%s]:%u" : "%s:%u", host, (unsigned)port);
	assert_true(rc_ok(net_address_parse(&a, text)));
	return a;
}

static uint16_t listen_on(struct fd *f, const char *host)
{
	struct net_address a = address_of(host, 0);
	uint16_t port = 0;

	assert_true(rc_ok(net_listen(f, &a, 8)));
	assert_true(rc_ok(net_local_port(f->n, &port)));
	assert_int_not_equal(port, 0);
	return port;
}

static bool wait_for(int fd, short events)
{
	struct pollfd p = {.fd = fd, .events = events};

	return poll(&p, 1, 5000) == 1;
}

/* Both ends of one connection. */
struct pair {
	struct fd listener, near, far;
};

static void pair_drop(struct pair *p)
{
	fd_drop(&p->near);
	fd_drop(&p->far);
	fd_drop(&p->listener);
}

static void pair_make(struct pair *p)
{
	char peer[64] = "";

	*p = (struct pair){FD_NONE, FD_NONE, FD_NONE};
	struct net_address a = address_of("127.0.0.1", listen_on(&p->listener, "127.0.0.1"));
	assert_true(rc_ok(net_connect_start(&p->near, &a)));
	assert_true(wait_for(p->near.n, POLLOUT));
	assert_true(rc_ok(net_connect_result(p->near.n)));
	assert_true(wait_for(p->listener.n, POLLIN));
	assert_true(rc_ok(net_accept(&p->far, p->listener.n, peer, sizeof peer)));
	assert_true(p->far.n >= 0);
	uint16_t port = 0;
	char expected[64];
	assert_true(rc_ok(net_local_port(p->near.n, &port)));
	snprintf(expected, sizeof expected, "127.0.0.1:%u", (unsigned)port);
	assert_string_equal(peer, expected);
}

static void the_clock_counts_milliseconds(void **state)
{
	const struct timespec nap = {0, 30 * 1000 * 1000};

	(void)state;
	int64_t start = clock_ms();
	nanosleep(&nap, NULL);
	int64_t passed = clock_ms() - start;
	assert_in_range(passed, 29, 10000);
}

static void addresses_are_split(void **state)
{
	static const struct {
		const char *text, *host, *port;
	} good[] = {{"127.0.0.1:7000", "127.0.0.1", "7000"},
		    {"hub1.example.org:1", "hub1.example.org", "1"},
		    {"[::1]:65535", "::1", "65535"},
		    {"[fe80::1%eth0]:0", "fe80::1%eth0", "0"},
		    {"[127.0.0.1]:80", "127.0.0.1", "80"},
		    {"localhost:00080", "localhost", "80"}};
	static const char *const bad[] = {
		"",	      ":",	   ":80",      "host",	     "host:",	 "host:65536", "host:999999", "host:-1", "host:+1", "host: 1",
		"host:1 ",    "host:http", "::1:80",   "[::1]",	     "[::1]80",	 "[::1",       "[]:80",	      "[::1]x:80", "x[::1]:80", "[[::1]]:80",
		"a host:80",  "host\n:80", " host:80", "host:80:80", "host\x7F:80", "[:80", "]:80", "[a:80"};
	struct net_address a;

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		assert_true(rc_ok(net_address_parse(&a, good[i].text)));
		assert_string_equal(a.host, good[i].host);
		assert_string_equal(a.port, good[i].port);
	}
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		dske_rc rc = net_address_parse(&a, bad[i]);
		if (!rc_is(rc, DSKE_RC_CONFIG))
			fail_msg("'%s' was taken", bad[i]);
		assert_non_null(strstr(rc_detail(rc), bad[i]));
	}
}

static void hosts_have_a_limit(void **state)
{
	struct net_address a;
	char text[300];

	(void)state;
	for (size_t len = 1; len < 290; len++) {
		memset(text, 'h', len);
		memcpy(text + len, ":1", 3);
		assert_int_equal(net_address_parse(&a, text).code, len < sizeof a.host ? DSKE_RC_OK : DSKE_RC_CONFIG);
	}
}

static void bytes_go_both_ways(void **state)
{
	AUTO(pair) p;
	char text[8] = "";
	size_t done = 99;

	(void)state;
	pair_make(&p);
	assert_true(rc_ok(net_read(p.far.n, text, sizeof text, &done)));
	assert_int_equal(done, 0); /* nothing yet */
	assert_true(rc_ok(net_write(p.near.n, "hello", 5, &done)));
	assert_int_equal(done, 5);
	assert_true(wait_for(p.far.n, POLLIN));
	assert_true(rc_ok(net_read(p.far.n, text, sizeof text, &done)));
	assert_int_equal(done, 5);
	assert_string_equal(text, "hello");
	assert_true(rc_ok(net_write(p.far.n, "back", 4, &done)));
	assert_true(wait_for(p.near.n, POLLIN));
	assert_true(rc_ok(net_read(p.near.n, text, 2, &done)));
	assert_int_equal(done, 2);
	assert_memory_equal(text, "ba", 2);
	assert_true(rc_ok(net_read(p.near.n, NULL, 0, &done)));
	assert_int_equal(done, 0);
	assert_true(rc_ok(net_write(p.near.n, NULL, 0, &done)));
	assert_int_equal(done, 0);
}

static void assert_flags(int fd)
{
	int nodelay = 0, keepalive = 0;
	socklen_t len = sizeof nodelay;

	assert_true((fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
	assert_true((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
	assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &nodelay, &len), 0);
	assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &keepalive, &len), 0);
	assert_true(nodelay != 0 && keepalive != 0);
}

static void sockets_do_not_block_and_do_not_leak(void **state)
{
	AUTO(pair) p;

	(void)state;
	pair_make(&p);
	assert_flags(p.near.n);
	assert_flags(p.far.n);
	assert_true((fcntl(p.listener.n, F_GETFL) & O_NONBLOCK) != 0);
	assert_true((fcntl(p.listener.n, F_GETFD) & FD_CLOEXEC) != 0);
}

static void full_pipes_write_nothing(void **state)
{
	AUTO(pair) p;
	static char bytes[65536];
	size_t done = 1, total = 0;

	(void)state;
	pair_make(&p);
	while (done > 0) {
		assert_true(rc_ok(net_write(p.near.n, bytes, sizeof bytes, &done)));
		total += done;
		assert_true(total < (size_t)1 << 30);
	}
	assert_true(total > 0);
}

static void closed_connections_are_told(void **state)
{
	AUTO(pair) p;
	char text[8];
	size_t done = 99;

	(void)state;
	pair_make(&p);
	assert_true(rc_ok(net_write(p.far.n, "last", 4, &done)));
	fd_drop(&p.far);
	assert_true(wait_for(p.near.n, POLLIN));
	assert_true(rc_ok(net_read(p.near.n, text, sizeof text, &done)));
	assert_int_equal(done, 4);
	assert_true(wait_for(p.near.n, POLLIN));
	dske_rc rc = net_read(p.near.n, text, sizeof text, &done);
	assert_true(rc_is(rc, DSKE_RC_CLOSED));
	assert_int_equal(done, 0);
}

/* SIGPIPE keeps its deadly default here: no write may raise it. */
static void writing_to_a_closed_connection_raises_no_signal(void **state)
{
	AUTO(pair) p;
	size_t done = 0;
	dske_rc rc = DSKE_OK;

	(void)state;
	signal(SIGPIPE, SIG_DFL);
	pair_make(&p);
	fd_drop(&p.far);
	int64_t end = clock_ms() + 5000;
	while (rc_ok(rc) && clock_ms() < end)
		rc = net_write(p.near.n, "x", 1, &done);
	assert_true(rc_is(rc, DSKE_RC_CLOSED));
	assert_int_equal(done, 0);
	assert_true(rc_is(net_write(p.near.n, "x", 1, &done), DSKE_RC_CLOSED));
}

static void resets_are_closings(void **state)
{
	AUTO(pair) p;
	char byte;
	size_t done = 0;
	const struct linger at_once = {1, 0};

	(void)state;
	pair_make(&p);
	assert_int_equal(setsockopt(p.far.n, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once), 0);
	fd_drop(&p.far);
	assert_true(wait_for(p.near.n, POLLIN));
	assert_true(rc_is(net_read(p.near.n, &byte, 1, &done), DSKE_RC_CLOSED));
}

static void descriptors_of_nothing_are_errors(void **state)
{
	char byte = 0;
	size_t done = 0;
	uint16_t port = 0;
	AUTO(fd) f = FD_NONE;

	(void)state;
	assert_true(rc_is(net_read(-1, &byte, 1, &done), DSKE_RC_IO));
	assert_true(rc_is(net_write(-1, &byte, 1, &done), DSKE_RC_IO));
	assert_true(rc_is(net_local_port(-1, &port), DSKE_RC_IO));
	assert_true(rc_is(net_accept(&f, -1, &byte, 1), DSKE_RC_IO));
	assert_true(rc_is(net_connect_result(-1), DSKE_RC_UNREACHABLE));
}

static dske_rc connect_to(struct fd *f, const char *host, uint16_t port)
{
	struct net_address a = address_of(host, port);

	TRY(net_connect_start(f, &a));
	assert_true(wait_for(f->n, POLLOUT));
	return net_connect_result(f->n);
}

static void refused_connections_are_unreachable(void **state)
{
	AUTO(fd) listener = FD_NONE;
	AUTO(fd) f = FD_NONE;

	(void)state;
	uint16_t port = listen_on(&listener, "127.0.0.1");
	fd_drop(&listener);
	dske_rc rc = connect_to(&f, "127.0.0.1", port);
	assert_true(rc_is(rc, DSKE_RC_UNREACHABLE));
	assert_non_null(strstr(rc_detail(rc), "refused"));
}

static void unknown_names_are_unreachable(void **state)
{
	AUTO(fd) f = FD_NONE;
	struct net_address a = address_of("300.1.2.3.invalid", 1);

	(void)state;
	/* RFC 6761: no resolver knows a name below .invalid */
	dske_rc rc = net_connect_start(&f, &a);
	assert_true(rc_is(rc, DSKE_RC_UNREACHABLE));
	assert_non_null(strstr(rc_detail(rc), "300.1.2.3.invalid"));
	assert_int_equal(f.n, -1);
	assert_true(rc_is(net_listen(&f, &a, 1), DSKE_RC_UNREACHABLE));
}

static void localhost_finds_the_address_that_answers(void **state)
{
	AUTO(fd) listener = FD_NONE;
	AUTO(fd) f = FD_NONE;

	(void)state;
	uint16_t port = listen_on(&listener, "127.0.0.1");
	assert_true(rc_ok(connect_to(&f, "localhost", port)));
}

static void ipv6_works_where_it_is(void **state)
{
	AUTO(fd) listener = FD_NONE;
	AUTO(fd) near = FD_NONE;
	AUTO(fd) far = FD_NONE;
	struct net_address a = address_of("::1", 0);
	uint16_t port = 0;
	char peer[64];

	(void)state;
	if (rc_is(net_listen(&listener, &a, 1), DSKE_RC_UNREACHABLE)) {
		print_message("# this kernel has no IPv6\n");
		skip();
	}
	assert_true(rc_ok(net_local_port(listener.n, &port)));
	assert_true(rc_ok(connect_to(&near, "::1", port)));
	assert_true(wait_for(listener.n, POLLIN));
	assert_true(rc_ok(net_accept(&far, listener.n, peer, sizeof peer)));
	assert_true(strncmp(peer, "[::1]:", 6) == 0);
}

static void ports_in_use_are_busy(void **state)
{
	AUTO(fd) first = FD_NONE;
	AUTO(fd) second = FD_NONE;
	char text[16];

	(void)state;
	uint16_t port = listen_on(&first, "127.0.0.1");
	struct net_address a = address_of("127.0.0.1", port);
	dske_rc rc = net_listen(&second, &a, 8);
	assert_true(rc_is(rc, DSKE_RC_BUSY));
	snprintf(text, sizeof text, "port %u ", (unsigned)port);
	assert_non_null(strstr(rc_detail(rc), text));
	assert_int_equal(second.n, -1);
	fd_drop(&first);
	assert_true(rc_ok(net_listen(&second, &a, 8)));
}

static void ports_are_free_again_after_a_connection(void **state)
{
	AUTO(pair) p;
	uint16_t port = 0;

	(void)state;
	pair_make(&p);
	assert_true(rc_ok(net_local_port(p.listener.n, &port)));
	fd_drop(&p.far); /* our side closes first and keeps TIME_WAIT */
	fd_drop(&p.near);
	fd_drop(&p.listener);
	struct net_address a = address_of("127.0.0.1", port);
	assert_true(rc_ok(net_listen(&p.listener, &a, 8)));
}

static void accepting_nothing_is_no_error(void **state)
{
	AUTO(fd) listener = FD_NONE;
	AUTO(fd) f = FD_NONE;
	char peer[64] = "kept";

	(void)state;
	listen_on(&listener, "127.0.0.1");
	assert_true(rc_ok(net_accept(&f, listener.n, peer, sizeof peer)));
	assert_int_equal(f.n, -1);
	assert_string_equal(peer, "kept");
}

static void running_out_of_descriptors_is_told(void **state)
{
	AUTO(fd) listener = FD_NONE;
	AUTO(fd) near = FD_NONE;
	AUTO(fd) far = FD_NONE;
	struct rlimit before, limit;
	char peer[64];

	(void)state;
	assert_true(rc_ok(connect_to(&near, "127.0.0.1", listen_on(&listener, "127.0.0.1"))));
	assert_true(wait_for(listener.n, POLLIN));
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	limit = before;
	limit.rlim_cur = 3; /* all are taken */
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	dske_rc rc = net_accept(&far, listener.n, peer, sizeof peer);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_true(rc_is(rc, DSKE_RC_IO));
	assert_int_equal(far.n, -1);
	assert_true(rc_ok(net_accept(&far, listener.n, peer, sizeof peer)));
	assert_true(far.n >= 0);
}

/* ---- what a forked child inherits ------------------------------------------------------------------------------ */

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

/* A number that was closed and came again is somebody else's. */
static void children_close_what_was_made_here(void **state)
{
	AUTO(fd) listener = FD_NONE, there = FD_NONE, here = FD_NONE;
	char peer[80];
	int status = 0;

	(void)state;
	struct net_address a = address_of("127.0.0.1", listen_on(&listener, "127.0.0.1"));
	assert_true(rc_ok(net_connect_start(&there, &a)));
	assert_true(wait_for(listener.n, POLLIN));
	assert_true(rc_ok(net_accept(&here, listener.n, peer, sizeof peer)));
	int reused = there.n;
	fd_drop(&there);
	int strangers = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(strangers, reused);
	pid_t child = fork();
	if (child == 0) {
		heirloom_close();
		_exit(!is_open(listener.n) && !is_open(here.n) && is_open(strangers) ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_true(is_open(listener.n) && is_open(here.n));
	close(strangers);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_clock_counts_milliseconds),
		cmocka_unit_test(addresses_are_split),
		cmocka_unit_test(hosts_have_a_limit),
		cmocka_unit_test(bytes_go_both_ways),
		cmocka_unit_test(sockets_do_not_block_and_do_not_leak),
		cmocka_unit_test(full_pipes_write_nothing),
		cmocka_unit_test(closed_connections_are_told),
		cmocka_unit_test(writing_to_a_closed_connection_raises_no_signal),
		cmocka_unit_test(resets_are_closings),
		cmocka_unit_test(descriptors_of_nothing_are_errors),
		cmocka_unit_test(refused_connections_are_unreachable),
		cmocka_unit_test(unknown_names_are_unreachable),
		cmocka_unit_test(localhost_finds_the_address_that_answers),
		cmocka_unit_test(ipv6_works_where_it_is),
		cmocka_unit_test(ports_in_use_are_busy),
		cmocka_unit_test(ports_are_free_again_after_a_connection),
		cmocka_unit_test(accepting_nothing_is_no_error),
		cmocka_unit_test(running_out_of_descriptors_is_told),
		cmocka_unit_test(children_close_what_was_made_here),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
