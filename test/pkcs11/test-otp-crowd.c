/* SPDX-License-Identifier: Apache-2.0 */
/* CKM_DSKE_OTP by many at once: threads and processes with one pad use each byte once. */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test/pkcs11/otp-fixture.h"

#define CROWD 4
#define EACH 80

static struct used crowd[CROWD * EACH];
static CK_OBJECT_HANDLE shared;

static void *sender(void *context)
{
	size_t who = *(size_t *)context;
	struct message m;
	CK_SESSION_HANDLE s = 0;

	if (p11->C_OpenSession(0, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &s) != CKR_OK)
		return context;
	for (int i = 0; i < EACH; i++) {
		if (seal(s, shared, "crowd", 5, &m) != CKR_OK)
			return context;
		crowd[who * EACH + (size_t)i] = used_by(m.bytes);
	}
	return NULL;
}

static void threads_share(void **state)
{
	pthread_t thread[CROWD];
	size_t who[CROWD];
	CK_SESSION_HANDLE s;

	(void)state;
	both_agree(8 * KEY_BYTES);
	s = as("alice");
	shared = pad_of(s);
	for (size_t i = 0; i < CROWD; i++) {
		who[i] = i;
		assert_int_equal(pthread_create(&thread[i], NULL, sender, &who[i]), 0);
	}
	for (size_t i = 0; i < CROWD; i++) {
		void *failed;
		assert_int_equal(pthread_join(thread[i], &failed), 0);
		assert_null(failed);
	}
	assert_once(crowd, CROWD * EACH);
}

static CK_SESSION_HANDLE begin_process(void)
{
	if (p11->C_Initialize(NULL) != CKR_OK)
		_exit(1);
	CK_SESSION_HANDLE s = session_new();
	login(s);
	return s;
}

/* All begin when nobody holds the other end of `start` any more. */
static void sender_process(int start, int out)
{
	struct message m;
	char none;
	CK_SESSION_HANDLE s = begin_process();

	(void)!read(start, &none, 1);
	for (int i = 0; i < EACH; i++) {
		if (seal(s, pad_of(s), "crowd", 5, &m) != CKR_OK)
			_exit(2);
		struct used u = used_by(m.bytes);
		if (write(out, &u, sizeof u) != sizeof u)
			_exit(3);
	}
	_exit(0);
}

static void processes_share(void **state)
{
	pid_t pid[CROWD];
	int pipes[2], start[2], status;

	(void)state;
	both_agree(8 * KEY_BYTES);
	(void)as("alice");
	assert_int_equal(pipe(pipes) | pipe(start), 0);
	for (int i = 0; i < CROWD; i++) {
		pid[i] = fork();
		if (pid[i] == 0) {
			close(start[1]);
			sender_process(start[0], pipes[1]);
		}
	}
	usleep(200000);
	close(start[1]);
	for (size_t i = 0; i < CROWD * EACH; i++)
		assert_int_equal(read(pipes[0], &crowd[i], sizeof crowd[i]), sizeof crowd[i]);
	for (int i = 0; i < CROWD; i++) {
		assert_int_equal(waitpid(pid[i], &status, 0), pid[i]);
		assert_int_equal(status, 0);
	}
	close(start[0]);
	close(pipes[0]);
	close(pipes[1]);
	assert_once(crowd, CROWD * EACH);
}

#define TURNS 12

static const CK_BYTE turn_text[100];

static void other_turns(int in, int out)
{
	static struct message m;
	CK_SESSION_HANDLE s = begin_process();
	char turn;

	while (read(in, &turn, 1) == 1) {
		if (seal(s, pad_of(s), turn_text, sizeof turn_text, &m) != CKR_OK || write(out, &m, sizeof m) != sizeof m)
			_exit(2);
	}
	_exit(0);
}

/* What one has reserved does not go on where the other's begins; and the receiver opens all of it. */
static void processes_take_turns(void **state)
{
	static struct message all[2 * TURNS];
	struct used used[2 * TURNS];
	int to[2], from[2], status;
	char back[200];

	(void)state;
	both_agree(8 * KEY_BYTES);
	(void)as("alice");
	assert_int_equal(pipe(to) | pipe(from), 0);
	pid_t pid = fork();
	if (pid == 0) {
		close(to[1]);
		other_turns(to[0], from[1]);
	}
	CK_SESSION_HANDLE s = as("alice");
	for (size_t i = 0; i < 2 * TURNS; i += 2) {
		IS(seal(s, pad_of(s), turn_text, sizeof turn_text, &all[i]), CKR_OK);
		assert_int_equal(write(to[1], "t", 1), 1);
		assert_int_equal(read(from[0], &all[i + 1], sizeof all[i]), sizeof all[i]);
	}
	close(to[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	for (size_t i = 0; i < 2 * TURNS; i++)
		used[i] = used_by(all[i].bytes);
	assert_once(used, 2 * TURNS);
	s = as("bob");
	for (size_t i = 0; i < 2 * TURNS; i++) {
		CK_ULONG len = sizeof back;
		IS(unseal(s, pad_of(s), &all[i], back, &len), CKR_OK);
	}
	close(to[0]);
	close(from[0]);
	close(from[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		OTP_TEST(threads_share),
		OTP_TEST(processes_share),
		OTP_TEST(processes_take_turns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
