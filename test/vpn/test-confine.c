/* SPDX-License-Identifier: Apache-2.0 */
/* test/vpn/test-confine.c - what a confined program cannot do any more, and what it still can. */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "vpn/confine.h"

/* What happens in a child, since nothing is given back: its exit status. */
static int in_child(int (*what)(void))
{
	int status;
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(what());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static bool is_refused(long result)
{
	return result == -1 && errno == EPERM;
}

/* Each is one that an unprivileged process has, or that fails otherwise when nothing forbids it. */
static int tries_what_is_forbidden(void)
{
	char *const none[] = {NULL};
	if (!rc_ok(confine_calls(false)))
		return 1;
	if (!is_refused(execve("/bin/true", none, none)))
		return 2;
	if (!is_refused(ptrace(PTRACE_TRACEME, 0, NULL, NULL)))
		return 3;
	if (!is_refused(unshare(CLONE_NEWUSER)))
		return 4;
	if (!is_refused(socket(AF_ALG, SOCK_SEQPACKET, 0)) || !is_refused(socket(AF_PACKET, SOCK_DGRAM, 0)))
		return 5;
	if (!is_refused(syscall(SYS_io_uring_setup, 0, NULL)) || !is_refused(syscall(SYS_bpf, 99, NULL, 0)))
		return 6;
	if (!is_refused(syscall(SYS_setuid, geteuid())) || !is_refused(syscall(SYS_keyctl, 0, 0, 0, 0, 0)))
		return 7;
	return is_refused(mount("none", "/nowhere", "none", 0, NULL)) ? 0 : 8;
}

static void calls_are_refused(void **state)
{
	(void)state;
	assert_int_equal(in_child(tries_what_is_forbidden), 0);
}

static void *thread(void *given)
{
	return given;
}

/* What a module does at any time. */
static int does_what_it_must(void)
{
	static const int families[] = {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK};
	char *const none[] = {NULL};
	pthread_t t;
	if (!rc_ok(confine_calls(true)))
		return 1;
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (fd < 0 || close(fd) != 0 || pthread_create(&t, NULL, thread, NULL) != 0 || pthread_join(t, NULL) != 0)
		return 2;
	for (size_t i = 0; i < sizeof families / sizeof families[0]; i++) {
		fd = socket(families[i], families[i] == AF_NETLINK ? SOCK_RAW : SOCK_DGRAM, 0);
		if (fd < 0 && errno == EPERM)
			return 3;
	}
	execve("/bin/true", none, none); /* which may run here: a hook does */
	return 4;
}

static void others_are_not(void **state)
{
	(void)state;
	assert_int_equal(in_child(does_what_it_must), 0);
}

static unsigned long long status_number(const char *name)
{
	char line[128];
	unsigned long long value = ~0ULL;
	FILE *f = fopen("/proc/self/status", "re");
	while (f != NULL && fgets(line, sizeof line, f) != NULL) {
		if (strncmp(line, name, strlen(name)) == 0)
			value = strtoull(line + strlen(name), NULL, 16);
	}
	if (f != NULL)
		fclose(f);
	return value;
}

/* CAP_DAC_OVERRIDE 1, CAP_FOWNER 3, CAP_NET_ADMIN 12, CAP_IPC_LOCK 14 (linux/capability.h) */
static int gives_up_rights(void)
{
	const unsigned long long files = geteuid() == 0 ? 1ULL << 1 | 1ULL << 3 : 0, lock = 1ULL << 14, net = 1ULL << 12;
	if (!rc_ok(confine_rights(true)) || (status_number("CapPrm:") & ~(files | lock | net)) != 0)
		return 1;
	if (geteuid() == 0 && (status_number("CapEff:") & net) == 0 && (status_number("CapBnd:") & net) != 0)
		return 2;
	if (!rc_ok(confine_rights(false)) || (status_number("CapPrm:") & ~(files | lock)) != 0)
		return 3;
	if (status_number("CapEff:") != status_number("CapPrm:") || status_number("CapInh:") != 0 || status_number("CapAmb:") != 0)
		return 4;
	return rc_ok(confine_rights(true)) && (status_number("CapPrm:") & net) == 0 ? 0 : 5; /* not to be had again */
}

static void rights_are_given_up(void **state)
{
	(void)state;
	assert_int_equal(in_child(gives_up_rights), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(calls_are_refused), cmocka_unit_test(others_are_not), cmocka_unit_test(rights_are_given_up),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
