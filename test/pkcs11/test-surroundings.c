/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What hosts do to the process around the module: standard descriptors that are closed, few descriptors or many, any
 * umask, another working directory, another user, another root.  Each in a child, which exits with the number of a line
 * that was wrong; the hubs and bob stay with the parent.
 */
#include <config.h>

#include "test/pkcs11/world-token.h"

#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* In a child, cmocka cannot say what was wrong. */
#define DEMAND(truth)                                                                                \
	do {                                                                                         \
		if (!(truth))                                                                        \
			_exit(__LINE__ & 0xff ? __LINE__ & 0xff : 1);                                \
	} while (0)

static void in_a_child(void (*host)(void), const char *context)
{
	struct caller bob;
	int status = 0;

	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0) {
		alarm(60);
		host();
		_exit(0);
	}
	if (context != NULL) /* not before: AddressSanitizer's allocator does not survive a fork beside busy threads */
		caller_start(&bob, w.bob, "alice", context, 20000);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (status != 0)
		printf("the child ended by signal %d, or at line %d (or that and a multiple of 256)\n", WTERMSIG(status),
		       WEXITSTATUS(status));
	if (context != NULL) {
		caller_join(&bob);
		agree_result_drop(&bob.r);
	}
	assert_int_equal(status, 0);
	if (context != NULL)
		assert_ok(bob.rc);
}

static CK_SESSION_HANDLE c_begin(void)
{
	CK_SESSION_HANDLE s;

	DEMAND(p11->C_Initialize(NULL) == CKR_OK);
	DEMAND(p11->C_OpenSession(0, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &s) == CKR_OK);
	DEMAND(p11->C_Login(s, CKU_USER, text(PIN), strlen(PIN)) == CKR_OK);
	return s;
}

static CK_RV c_make_key(CK_SESSION_HANDLE s, CK_BBOOL *token, CK_OBJECT_HANDLE *key)
{
	CK_KEY_TYPE type = CKK_GENERIC_SECRET;
	unsigned char value[32] = {1};
	CK_ATTRIBUTE templ[] = {
		{CKA_CLASS, &secret_class, sizeof secret_class}, {CKA_KEY_TYPE, &type, sizeof type},
		{CKA_VALUE, value, sizeof value},                {CKA_TOKEN, token, sizeof *token},
		{CKA_SIGN, &yes, sizeof yes},                    {CKA_LABEL, text("kept"), 4},
	};

	return p11->C_CreateObject(s, templ, sizeof templ / sizeof templ[0], key);
}

/* The first object of a class, or 0. */
static CK_RV c_find(CK_SESSION_HANDLE s, CK_OBJECT_CLASS *class, const char *label, CK_OBJECT_HANDLE *found)
{
	CK_ATTRIBUTE like[] = {{CKA_CLASS, class, sizeof *class}, {CKA_LABEL, text(label), strlen(label)}};
	CK_ULONG n = 0;
	CK_RV rv = p11->C_FindObjectsInit(s, like, 2);

	*found = 0;
	if (rv != CKR_OK)
		return rv;
	rv = p11->C_FindObjects(s, found, 1, &n);
	(void)p11->C_FindObjectsFinal(s);
	return rv;
}

static CK_RV c_derive(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE peer, const char *context, CK_ULONG timeout_ms)
{
	CK_DSKE_DERIVE_PARAMS p = {.ulVersion = 1, .ulTimeoutMs = timeout_ms, .ulContextLen = strlen(context)};
	CK_MECHANISM m = {CKM_DSKE_DERIVE, &p, sizeof p};
	CK_OBJECT_HANDLE key;

	memcpy(p.context, context, p.ulContextLen);
	return p11->C_DeriveKey(s, &m, peer, NULL, 0, &key);
}

static void c_everything(CK_SESSION_HANDLE s, const char *context)
{
	CK_OBJECT_HANDLE key, peer;
	CK_SLOT_ID slot;

	DEMAND(c_make_key(s, &yes, &key) == CKR_OK && hmac(s, key) == CKR_OK);
	DEMAND(c_find(s, &peer_class, "bob", &peer) == CKR_OK && peer != 0);
	DEMAND(c_derive(s, peer, context, 20000) == CKR_OK);
	CK_RV rv = p11->C_WaitForSlotEvent(CKF_DONT_BLOCK, &slot, NULL);
	DEMAND(rv == CKR_OK || rv == CKR_NO_EVENT);
	DEMAND(p11->C_DestroyObject(s, key) == CKR_OK);
	DEMAND(p11->C_Finalize(NULL) == CKR_OK);
}

/* ---- descriptors -------------------------------------------------------------------------------------------- */

/* Daemons close them, and what is opened next gets their numbers: whatever the host says on standard error then would
 * go into our files. */
static void host_without_standard_descriptors(void)
{
	CK_OBJECT_HANDLE key;

	for (int fd = 0; fd <= 2; fd++)
		close(fd);
	CK_SESSION_HANDLE s = c_begin();
	DEMAND(c_make_key(s, &yes, &key) == CKR_OK);
	for (int fd = 0; fd <= 2; fd++)
		DEMAND(fcntl(fd, F_GETFD) == -1 && write(fd, "What the host says.", 19) == -1);
	c_everything(s, "closed");
	for (int fd = 0; fd <= 2; fd++)
		DEMAND(fcntl(fd, F_GETFD) == -1);
}

static void no_standard_descriptors(void **state)
{
	(void)state;
	in_a_child(host_without_standard_descriptors, "closed");
}

/* Nothing is written there, whatever goes wrong. */
static void host_with_silent_output(void)
{
	CK_OBJECT_HANDLE peer;
	struct stat st;
	int fd = open(scratch_path(&w.scratch, "output"), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	DEMAND(fd > 2 && dup2(fd, 1) == 1 && dup2(fd, 2) == 2);
	CK_SESSION_HANDLE s = c_begin();
	DEMAND(p11->C_Login(s, CKU_USER, text("wrong"), 5) == CKR_USER_ALREADY_LOGGED_IN);
	DEMAND(c_find(s, &peer_class, "bob", &peer) == CKR_OK && c_derive(s, peer, "silent", 200) != CKR_OK);
	DEMAND(p11->C_Finalize(NULL) == CKR_OK);
	DEMAND(fstat(fd, &st) == 0 && st.st_size == 0);
}

static void nothing_on_standard_output(void **state)
{
	(void)state;
	let_all(MOCK_GARBAGE);
	in_a_child(host_with_silent_output, NULL);
	let_all(MOCK_HONEST);
}

/* More than select(2) could take. */
static void host_with_many_descriptors(void)
{
	struct rlimit most = {4096, 4096};
	int fd;

	DEMAND(setrlimit(RLIMIT_NOFILE, &most) == 0);
	do
		fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	while (fd >= 0 && fd < 1100);
	DEMAND(fd >= 1100);
	c_everything(c_begin(), "many");
}

static void many_descriptors(void **state)
{
	struct rlimit now;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &now), 0);
	if (now.rlim_max < 4096)
		skip();
	in_a_child(host_with_many_descriptors, "many");
}

static unsigned open_descriptors(void)
{
	unsigned n = 0;

	for (int fd = 0; fd < 1024; fd++)
		n += fcntl(fd, F_GETFD) != -1;
	return n;
}

/* An answer, or one of what PKCS#11 has for a device that cannot do it now. */
static bool is_sound(CK_RV rv)
{
	return rv == CKR_OK || rv == CKR_DEVICE_ERROR || rv == CKR_HOST_MEMORY || rv == CKR_DEVICE_MEMORY ||
	       rv == CKR_TOKEN_NOT_PRESENT || rv == CKR_FUNCTION_FAILED;
}

static void host_with_few_descriptors(void)
{
	CK_OBJECT_HANDLE key, peer = 0;
	struct rlimit before;
	unsigned refused = 0;

	DEMAND(getrlimit(RLIMIT_NOFILE, &before) == 0);
	CK_SESSION_HANDLE s = c_begin();
	DEMAND(c_find(s, &peer_class, "bob", &peer) == CKR_OK && peer != 0);
	unsigned held = open_descriptors();
	for (rlim_t more = 0; more < 7; more++) {
		CK_RV rv[3];
		CK_TOKEN_INFO info;
		DEMAND(setrlimit(RLIMIT_NOFILE, &(struct rlimit){held + more, before.rlim_max}) == 0);
		rv[0] = c_make_key(s, &yes, &key);
		rv[1] = p11->C_GetTokenInfo(1, &info);
		rv[2] = c_derive(s, peer, "few", 300);
		DEMAND(setrlimit(RLIMIT_NOFILE, &before) == 0);
		for (size_t i = 0; i < 3; i++) {
			DEMAND(is_sound(rv[i]));
			refused += rv[i] != CKR_OK;
		}
		DEMAND(rv[0] != CKR_OK || p11->C_DestroyObject(s, key) == CKR_OK);
	}
	DEMAND(refused > 0);
	c_everything(s, "enough");
}

static void few_descriptors(void **state)
{
	(void)state;
	in_a_child(host_with_few_descriptors, "enough");
}

/* From the start: the module says so and begins when there are some again. */
static void host_without_descriptors(void)
{
	struct rlimit before;
	CK_SESSION_HANDLE s;

	DEMAND(getrlimit(RLIMIT_NOFILE, &before) == 0);
	DEMAND(setrlimit(RLIMIT_NOFILE, &(struct rlimit){0, before.rlim_max}) == 0);
	DEMAND(p11->C_Initialize(NULL) == CKR_OK);
	DEMAND(p11->C_OpenSession(0, CKF_SERIAL_SESSION, NULL, NULL, &s) == CKR_TOKEN_NOT_PRESENT);
	DEMAND(p11->C_Finalize(NULL) == CKR_OK);
	DEMAND(setrlimit(RLIMIT_NOFILE, &before) == 0);
	c_everything(c_begin(), "some");
}

static void no_descriptors(void **state)
{
	(void)state;
	in_a_child(host_without_descriptors, "some");
}

/* ---- names and rights --------------------------------------------------------------------------------------- */

static void host_with_umask(void)
{
	struct path file;
	struct stat st;

	umask(0);
	DEMAND(rc_ok(path_format(&file, "%s/alice/token", w.scratch.s)));
	CK_SESSION_HANDLE s = c_begin();
	DEMAND(p11->C_SetPIN(s, text(PIN), strlen(PIN), text(PIN), strlen(PIN)) == CKR_OK); /* a new file */
	c_everything(s, "umask");
	DEMAND(stat(file.s, &st) == 0 && (st.st_mode & 0777) == 0600);
	char command[3 * sizeof file.s];
	snprintf(command, sizeof command, "test -z \"$(find '%s/alice' -type f -newer '%s' -perm /077)\"", w.scratch.s,
		 w.alice_conf.s);
	DEMAND(system(command) == 0);
	umask(077);
}

static void any_umask(void **state)
{
	(void)state;
	in_a_child(host_with_umask, "umask");
}

/* DSKE_CONF is relative to where the host was when it called C_Initialize, and stays what it was. */
static void host_that_moves(void)
{
	DEMAND(chdir(w.scratch.s) == 0 && setenv("DSKE_CONF", "alice/dske.conf", 1) == 0);
	CK_SESSION_HANDLE s = c_begin();
	DEMAND(chdir("/") == 0);
	setenv("DSKE_CONF", "/nowhere", 1);
	c_everything(s, "moves");
}

static void another_working_directory(void **state)
{
	(void)state;
	in_a_child(host_that_moves, "moves");
}

/* What is in memory goes on, what is in alice's folder does not: an answer, and no crash. */
static void go_on_without_files(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE key, CK_OBJECT_HANDLE peer)
{
	CK_TOKEN_INFO info;
	CK_OBJECT_HANDLE other;
	CK_SLOT_ID slot;
	CK_SESSION_HANDLE more;

	DEMAND(hmac(s, key) == CKR_OK);
	DEMAND(c_make_key(s, &no, &other) == CKR_OK && hmac(s, other) == CKR_OK);
	DEMAND(c_make_key(s, &yes, &other) != CKR_OK);
	DEMAND(is_sound(c_find(s, &peer_class, "bob", &other)) && is_sound(c_find(s, &secret_class, "kept", &other)));
	DEMAND(c_derive(s, peer, "gone", 300) != CKR_OK);
	(void)p11->C_GetTokenInfo(0, &info);
	(void)p11->C_GetTokenInfo(1, &info);
	(void)p11->C_WaitForSlotEvent(CKF_DONT_BLOCK, &slot, NULL);
	(void)p11->C_OpenSession(0, CKF_SERIAL_SESSION, NULL, NULL, &more);
	DEMAND(hmac(s, key) == CKR_OK);
	DEMAND(p11->C_Finalize(NULL) == CKR_OK);
}

static void host_that_changes(bool root)
{
	CK_OBJECT_HANDLE key, peer;
	CK_SESSION_HANDLE s = c_begin();

	DEMAND(c_make_key(s, &no, &key) == CKR_OK);
	DEMAND(c_find(s, &peer_class, "bob", &peer) == CKR_OK && peer != 0);
	const char *empty = scratch_path(&w.scratch, "empty");
	if (root)
		DEMAND(mkdir(empty, 0755) == 0 && chroot(empty) == 0 && chdir("/") == 0);
	DEMAND(setgroups(0, NULL) == 0 && setgid(65534) == 0 && setuid(65534) == 0);
	go_on_without_files(s, key, peer);
}

static void host_that_changes_user(void)
{
	host_that_changes(false);
}

static void host_that_changes_root(void)
{
	host_that_changes(true);
}

static void another_user(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	in_a_child(host_that_changes_user, NULL);
	in_a_child(host_that_changes_root, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_standard_descriptors),   cmocka_unit_test(nothing_on_standard_output),
		cmocka_unit_test(many_descriptors),          cmocka_unit_test(few_descriptors),
		cmocka_unit_test(no_descriptors),            cmocka_unit_test(any_umask),
		cmocka_unit_test(another_working_directory), cmocka_unit_test(another_user),
	};

	return cmocka_run_group_tests_name("surroundings", tests, world_token_set_up, world_token_tear_down);
}
