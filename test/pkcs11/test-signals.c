/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hosts that live by signals: a timer that goes off 5,000 times a second, whose handler is set without SA_RESTART, in the
 * thread that calls the module; the same with every second system call interrupted that may be; and connections and
 * standard errors that are closed, with SIGPIPE as it is by default.  Linked with --wrap for those calls.
 */
#include <config.h>

#include "test/pkcs11/world-token.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* ---- system calls that are interrupted ----------------------------------------------------------------------------- */

static _Thread_local bool interrupting;
static _Thread_local unsigned calls;
static atomic_uint interrupted;

/* Every second one of this thread, while it is asked for. */
static bool strikes(void)
{
	if (!interrupting || ++calls % 2 == 0)
		return false;
	interrupted++;
	errno = EINTR;
	return true;
}

#define WRAP(type, name, parameters, ...)                                                            \
	type __real_##name parameters;                                                               \
	type __wrap_##name parameters;                                                               \
	type __wrap_##name parameters                                                                \
	{                                                                                            \
		return strikes() ? -1 : __real_##name(__VA_ARGS__);                                  \
	}

WRAP(ssize_t, read, (int fd, void *out, size_t n), fd, out, n)
WRAP(ssize_t, pread, (int fd, void *out, size_t n, off_t at), fd, out, n, at)
WRAP(ssize_t, write, (int fd, const void *in, size_t n), fd, in, n)
WRAP(ssize_t, pwrite, (int fd, const void *in, size_t n, off_t at), fd, in, n, at)
WRAP(ssize_t, recv, (int fd, void *out, size_t n, int flags), fd, out, n, flags)
WRAP(ssize_t, send, (int fd, const void *in, size_t n, int flags), fd, in, n, flags)
WRAP(ssize_t, getrandom, (void *out, size_t n, unsigned flags), out, n, flags)
WRAP(int, poll, (struct pollfd * p, nfds_t n, int timeout), p, n, timeout)
WRAP(int, fsync, (int fd), fd)
WRAP(int, fdatasync, (int fd), fd)
WRAP(int, ftruncate, (int fd, off_t len), fd, len)
WRAP(int, fallocate, (int fd, int mode, off_t at, off_t len), fd, mode, at, len)
WRAP(int, open, (const char *path, int flags, mode_t mode), path, flags, mode)

/* Waiting for a lock may be interrupted; looking at one may not. */
int __real_fcntl(int fd, int command, void *argument);
int __wrap_fcntl(int fd, int command, void *argument);
int __wrap_fcntl(int fd, int command, void *argument)
{
	return command == F_OFD_SETLKW && strikes() ? -1 : __real_fcntl(fd, command, argument);
}

/* An interrupted connect(2) goes on. */
int __real_connect(int fd, const struct sockaddr *to, socklen_t len);
int __wrap_connect(int fd, const struct sockaddr *to, socklen_t len);
int __wrap_connect(int fd, const struct sockaddr *to, socklen_t len)
{
	int rc = __real_connect(fd, to, len);

	if (rc != 0 && errno == EINPROGRESS)
		(void)strikes();
	return rc;
}

/* ---- a timer ----------------------------------------------------------------------------------------------------------- */

static atomic_uint alarms, astray;
static pid_t host_thread;
static timer_t timer;

static pid_t thread_id(void)
{
	return (pid_t)syscall(SYS_gettid);
}

static void on_alarm(int signal)
{
	(void)signal;
	alarms++;
	if (thread_id() != host_thread)
		astray++;
}

static void timer_begin(void)
{
	struct sigaction action = {.sa_handler = on_alarm};
	struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGALRM};
	struct itimerspec every = {{0, 200000}, {0, 200000}};

	host_thread = thread_id();
	event._sigev_un._tid = host_thread;
	assert_int_equal(sigaction(SIGALRM, &action, NULL), 0);
	assert_int_equal(timer_create(CLOCK_MONOTONIC, &event, &timer), 0);
	assert_int_equal(timer_settime(timer, 0, &every, NULL), 0);
}

static void timer_end(void)
{
	assert_int_equal(timer_delete(timer), 0);
	signal(SIGALRM, SIG_DFL);
}

/* ---- what hosts do ------------------------------------------------------------------------------------------------------ */

static void do_everything(unsigned round)
{
	CK_SLOT_ID slots[1 + WORLD_HUBS], event;
	CK_ULONG n = 1 + WORLD_HUBS;
	CK_TOKEN_INFO info;
	CK_SESSION_HANDLE s = begin();
	char context[32];

	IS(p11->C_GetSlotList(CK_TRUE, slots, &n), CKR_OK);
	IS(n, 1 + WORLD_HUBS);
	for (CK_ULONG i = 0; i < n; i++)
		IS(p11->C_GetTokenInfo(slots[i], &info), CKR_OK);
	snprintf(context, sizeof context, "signals %u", round);
	derive_both(s, context);
	CK_OBJECT_HANDLE stored = make_key(s, "stored", &yes);
	IS(hmac(s, stored), CKR_OK);
	CK_RV rv = p11->C_WaitForSlotEvent(CKF_DONT_BLOCK, &event, NULL);
	assert_true(rv == CKR_NO_EVENT || rv == CKR_OK); /* the tables become low */
	IS(p11->C_Login(s, CKU_USER, text("wrong-pin"), 9), CKR_USER_ALREADY_LOGGED_IN);
	IS(p11->C_SetPIN(s, text(PIN), strlen(PIN), text(PIN), strlen(PIN)), CKR_OK);
	IS(p11->C_Logout(s), CKR_OK);
	IS(p11->C_Login(s, CKU_USER, text("wrong-pin"), 9), CKR_PIN_INCORRECT);
	login(s);
	IS(p11->C_DestroyObject(s, find(s, &secret_class, "stored")), CKR_OK);
	IS(p11->C_Finalize(NULL), CKR_OK);
}

static void a_timer(void **state)
{
	(void)state;
	let_all(MOCK_HONEST);
	timer_begin();
	for (unsigned round = 0; round < 10; round++)
		do_everything(round);
	timer_end();
	printf("%u alarms\n", (unsigned)alarms);
	assert_true(alarms > 100);
	assert_int_equal(astray, 0);
}

static void every_call_interrupted(void **state)
{
	(void)state;
	let_all(MOCK_HONEST);
	interrupting = true;
	for (unsigned round = 10; round < 13; round++)
		do_everything(round);
	interrupting = false;
	printf("%u interrupted calls\n", (unsigned)interrupted);
	assert_true(interrupted > 100);
}

static void *finalize_later(void *unused)
{
	(void)unused;
	sleep_ms(300);
	return p11->C_Finalize(NULL) == CKR_OK ? NULL : (void *)1;
}

/* Waiting goes on over signals; C_Finalize ends it. */
static void waiting_for_an_event(void **state)
{
	CK_SLOT_ID slot;
	pthread_t thread;
	void *wrong = NULL;

	(void)state;
	(void)begin();
	while (p11->C_WaitForSlotEvent(CKF_DONT_BLOCK, &slot, NULL) == CKR_OK)
		continue;
	alarms = 0;
	assert_int_equal(pthread_create(&thread, NULL, finalize_later, NULL), 0);
	timer_begin();
	IS(p11->C_WaitForSlotEvent(0, &slot, NULL), CKR_CRYPTOKI_NOT_INITIALIZED);
	timer_end();
	assert_int_equal(pthread_join(thread, &wrong), 0);
	assert_true(wrong == NULL && alarms > 10);
}

/* ---- SIGPIPE ---------------------------------------------------------------------------------------------------------- */

static void hubs_that_hang_up(void **state)
{
	static const enum mock_manner manners[] = {MOCK_HANGS_UP, MOCK_DIES_ON_SHARE, MOCK_CUTS_GRANTS, MOCK_GARBAGE};

	(void)state;
	assert_ptr_equal(signal(SIGPIPE, SIG_DFL), SIG_DFL);
	CK_SESSION_HANDLE s = begin();
	for (size_t i = 0; i < sizeof manners / sizeof manners[0]; i++) {
		let_all(manners[i]);
		char context[] = "hang up ?";
		context[8] = (char)('a' + i);
		(void)derive(s, context, 500);
	}
	IS(p11->C_Finalize(NULL), CKR_OK);
}

/* In a child: the configuration says `log = stderr`, and nobody reads that any more.  0, or a line's number. */
static int fail_with_a_log(const char *conf)
{
	CK_SESSION_HANDLE s;
	int ends[2];

	setenv("DSKE_CONF", conf, 1);
	signal(SIGPIPE, SIG_DFL);
	if (pipe(ends) != 0 || dup2(ends[1], STDERR_FILENO) != STDERR_FILENO || close(ends[0]) != 0 || close(ends[1]) != 0)
		return __LINE__;
	if (p11->C_Initialize(NULL) != CKR_OK || p11->C_OpenSession(0, CKF_SERIAL_SESSION, NULL, NULL, &s) != CKR_OK)
		return __LINE__;
	if (p11->C_Login(s, CKU_USER, text("wrong-pin"), 9) != CKR_PIN_INCORRECT)
		return __LINE__;
	sigset_t pending;
	if (sigpending(&pending) != 0 || sigismember(&pending, SIGPIPE))
		return __LINE__;
	/* What the host itself writes there is its own matter. */
	pid_t pid = fork();
	if (pid == 0) {
		(void)!write(STDERR_FILENO, "x", 1);
		_exit(0);
	}
	int status = 0;
	return waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) && WTERMSIG(status) == SIGPIPE ? 0 : __LINE__;
}

static void a_log_that_nobody_reads(void **state)
{
	char conf[1024], hex[ID_HEX_LEN];
	struct path other;
	int status = 0;

	(void)state;
	int len = snprintf(conf, sizeof conf, "[client]\nname = alice\nid = %s\nlog = stderr\nlog_level = info\n",
			   id_hex(&w.alice_id, hex));
	assert_ok(path_format(&other, "%s/alice/stderr.conf", w.scratch.s));
	assert_ok(file_replace(other.s, conf, (size_t)len, 0600));
	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0)
		_exit(fail_with_a_log(other.s) & 0xff);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_timer),           cmocka_unit_test(every_call_interrupted),
		cmocka_unit_test(waiting_for_an_event), cmocka_unit_test(hubs_that_hang_up),
		cmocka_unit_test(a_log_that_nobody_reads),
	};

	return cmocka_run_group_tests_name("signals", tests, world_token_set_up, world_token_tear_down);
}
