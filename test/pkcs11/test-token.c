/* SPDX-License-Identifier: Apache-2.0 */
/* The token around an agreement: peers and PSKMs as objects, PINs, kept keys, failures, waiting. */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "store/store.h"
#include "test/pkcs11/token-fixture.h"

/* ---- peers and PSKMs as objects ------------------------------------------------------------------------------------ */

static void peers_are_objects(void **state)
{
	CK_SESSION_HANDLE s = session_new();
	unsigned char id[16], wanted[16];
	CK_OBJECT_HANDLE bob = peer(s, "bob"), found;

	(void)state;
	memset(wanted, 0x0b, sizeof wanted);
	IS(read_attr(s, bob, CKA_DSKE_PEER, id, sizeof id), sizeof id);
	assert_memory_equal(id, wanted, sizeof id);
	IS(find(s, &peer_class, CKA_LABEL, "mallory", 7, &found), 0);
	/* Handles stay while the peer is known, and are not given again. */
	assert_int_equal(peer(s, "bob"), bob);
	CK_OBJECT_HANDLE carol = peer(s, "carol");
	write_peers(false);
	IS(find(s, &peer_class, CKA_LABEL, "carol", 5, &found), 0);
	assert_int_equal(peer(s, "bob"), bob);
	write_peers(true);
	assert_true(peer(s, "carol") > carol);
	/* Nobody changes or destroys one. */
	IS(p11->C_DestroyObject(s, bob), CKR_ACTION_PROHIBITED);
}

static void named_keys(void **state)
{
	CK_SESSION_HANDLE s = session_new(), t = session_new();
	CK_OBJECT_HANDLE found, list[16];
	CK_ULONG n = 0;
	unsigned char point[67];
	static const char *const none[] = {"mallory/x", "bob/", "/x", "/", "bob/\xff/"};

	(void)state;
	CK_OBJECT_HANDLE key = ec_key(s, "bob/backup");
	assert_int_equal(ec_key(s, "bob/backup"), key);
	assert_int_not_equal(ec_key(s, "bob/other"), key);
	for (size_t i = 0; i < 4; i++)
		IS(find(s, &private_class, CKA_ID, none[i], strlen(none[i]), &found), 0);
	ec_key(s, none[4]); /* a context is bytes */
	/* A point of P-256, in an OCTET STRING. */
	IS(read_attr(s, key, CKA_EC_POINT, point, sizeof point), sizeof point);
	assert_memory_equal(point, "\x04\x41\x04", 3);
	/* A listing shows the peers alone. */
	CK_ATTRIBUTE templ = {CKA_CLASS, &private_class, sizeof private_class};
	IS(p11->C_FindObjectsInit(s, &templ, 1), CKR_OK);
	IS(p11->C_FindObjects(s, list, 16, &n), CKR_OK);
	IS(p11->C_FindObjectsFinal(s), CKR_OK);
	assert_int_equal(n, 2);
	/* It lives as long as the session that found it, and no other session's search finds it. */
	CK_OBJECT_HANDLE own = ec_key(t, "bob/backup");
	assert_int_not_equal(own, key);
	IS(p11->C_CloseSession(s), CKR_OK);
	assert_int_equal(ec_key(t, "bob/backup"), own);
	IS(p11->C_GetAttributeValue(t, key, NULL, 0), CKR_OBJECT_HANDLE_INVALID);
}

static void pskms_are_slots(void **state)
{
	CK_SLOT_ID list[8];
	CK_ULONG n = 8, left = 0;
	CK_TOKEN_INFO info;
	CK_SESSION_HANDLE s;
	CK_OBJECT_CLASS class = CKO_DSKE_PSKM;
	CK_OBJECT_HANDLE o;
	char text[32];
	CK_BBOOL low;

	(void)state;
	IS(p11->C_GetSlotList(CK_TRUE, list, &n), CKR_OK);
	assert_int_equal(n, 4);
	assert_int_equal(list[0], 0);
	IS(p11->C_GetTokenInfo(list[2], &info), CKR_OK);
	assert_memory_equal(info.label, "hub2 ", 5);
	assert_int_equal(info.ulTotalPublicMemory, 2000000);
	assert_int_equal(info.ulFreePublicMemory, 1499999);
	assert_true((info.flags & CKF_WRITE_PROTECTED) != 0);
	IS(p11->C_InitToken(list[2], (CK_UTF8CHAR *)"87654321", 8, info.label), CKR_TOKEN_WRITE_PROTECTED);
	IS(p11->C_OpenSession(list[2], CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &s), CKR_TOKEN_WRITE_PROTECTED);
	IS(p11->C_OpenSession(list[2], CKF_SERIAL_SESSION, NULL, NULL, &s), CKR_OK);
	setenv("DSKE_FAKE", "low", 1);
	IS(find(s, &class, CKA_LABEL, "hub2", 4, &o), 1);
	IS(read_attr(s, o, CKA_DSKE_UP_LEFT, &left, sizeof left), sizeof left);
	assert_int_equal(left, 999999);
	IS(read_attr(s, o, CKA_DSKE_UP_SIZE, &left, sizeof left), sizeof left);
	assert_int_equal(left, 1000000);
	IS(read_attr(s, o, CKA_DSKE_DOWN_SIZE, &left, sizeof left), sizeof left);
	assert_int_equal(left, 1000000);
	IS(read_attr(s, o, CKA_DSKE_LASTS_S, &left, sizeof left), sizeof left);
	assert_int_equal(left, 777600);
	IS(read_attr(s, o, CKA_DSKE_CLONE_ALARMS, &left, sizeof left), sizeof left);
	assert_int_equal(left, 1);
	IS(read_attr(s, o, CKA_DSKE_LOW, &low, sizeof low), sizeof low);
	assert_int_equal(low, CK_TRUE);
	IS(read_attr(s, o, CKA_DSKE_STATE, text, sizeof text), 6);
	assert_memory_equal(text, "active", 6);
	/* One that cannot be used says so. */
	setenv("DSKE_FAKE", "broken", 1);
	IS(find(s, &class, CKA_LABEL, "hub2", 4, &o), 1);
	IS(read_attr(s, o, CKA_DSKE_STATE, text, sizeof text), strlen("stored data is damaged"));
	IS(read_attr(s, o, CKA_DSKE_LASTS_S, &left, sizeof left), sizeof left);
	assert_int_equal(left, CK_UNAVAILABLE_INFORMATION);
	IS(p11->C_GetTokenInfo(list[2], &info), CKR_OK);
	assert_int_equal(info.ulFreePublicMemory, CK_UNAVAILABLE_INFORMATION);
	/* Its slot agrees on nothing, and has no peers. */
	IS(p11->C_GetMechanismList(list[2], NULL, &n), CKR_OK);
	assert_int_equal(n, 0);
	IS(find(s, &peer_class, CKA_LABEL, "bob", 3, &o), 0);
	IS(p11->C_WaitForSlotEvent(CKF_DONT_BLOCK, list, NULL), CKR_NO_EVENT);
	/* Running low is an event, being refilled none. */
	for (int i = 0; i < 3; i++) {
		setenv("DSKE_FAKE", i == 2 ? "low" : "sinking", 1); /* found by ourselves; or by looking, as another process made it so */
		IS(p11->C_WaitForSlotEvent(CKF_DONT_BLOCK, list, NULL), CKR_OK);
		assert_int_equal(list[0], 2);
		IS(p11->C_WaitForSlotEvent(CKF_DONT_BLOCK, list, NULL), CKR_NO_EVENT);
		unsetenv("DSKE_FAKE");
		IS(p11->C_WaitForSlotEvent(CKF_DONT_BLOCK, list, NULL), CKR_NO_EVENT);
	}
}

/* ---- with a PIN --------------------------------------------------------------------------------------------------------- */

static void a_pin_stands_before_it(void **state)
{
	CK_OBJECT_HANDLE key, found;
	CK_DSKE_DERIVE_PARAMS p = context("backup");

	(void)state;
	make_token();
	CK_SESSION_HANDLE s = session_new();
	IS(derive(s, peer(s, "bob"), &p, NULL, 0, &key), CKR_USER_NOT_LOGGED_IN);
	/* Named keys are seen, so that pkcs11-tool says what is missing; listed ones are not, so that OpenSSL's
	 * engine logs in. */
	ec_key(s, "bob/backup");
	IS(find(s, &private_class, CKA_ID, "bob", 3, &found), 0);
	login(s);
	ec_key(s, "bob");
	IS(derive(s, peer(s, "bob"), &p, NULL, 0, &key), CKR_OK);
	/* The key was private by default: it goes with the login. */
	IS(p11->C_Logout(s), CKR_OK);
	CK_ULONG size;
	IS(p11->C_GetObjectSize(s, key, &size), CKR_OBJECT_HANDLE_INVALID);
}

static void agreed_keys_persist(void **state)
{
	CK_DSKE_DERIVE_PARAMS p = context("kept");
	CK_ATTRIBUTE templ[] = {{CKA_TOKEN, &yes, sizeof yes},
				{CKA_KEY_TYPE, &aes, sizeof aes},
				{CKA_ENCRYPT, &yes, sizeof yes},
				extractable};
	unsigned char one[32], two[32], text[64];
	CK_OBJECT_HANDLE key;

	(void)state;
	make_token();
	CK_SESSION_HANDLE s = session_new();
	login(s);
	IS(derive(s, peer(s, "bob"), &p, templ, 4, &key), CKR_OK);
	IS(read_attr(s, key, CKA_VALUE, one, sizeof one), sizeof one);
	IS(p11->C_Finalize(NULL), CKR_OK);
	IS(p11->C_Initialize(NULL), CKR_OK);
	s = session_new();
	IS(find(s, &secret_class, CKA_LABEL, "bob/kept", 8, &key), 0);
	login(s);
	IS(find(s, &secret_class, CKA_LABEL, "bob/kept", 8, &key), 1);
	IS(read_attr(s, key, CKA_VALUE, two, sizeof two), sizeof two);
	assert_memory_equal(one, two, sizeof one);
	IS(read_attr(s, key, CKA_DSKE_HUBS, text, sizeof text), 14);
	/* Neither its value nor its label is in the file. */
	struct path path;
	struct buf file;
	assert_true(rc_ok(path_format(&path, "%s/" STORE_FILE_NAME, dir)));
	assert_true(rc_ok(file_read_all(&file, path.s, 1 << 20)));
	assert_null(memmem(file.data, file.len, one, 8));
	assert_null(memmem(file.data, file.len, "kept", 4));
	/* A damaged file is not used. */
	file.data[STORE_RECORDS_AT] ^= 1;
	assert_true(rc_ok(file_replace(path.s, file.data, file.len, 0600)));
	buf_drop(&file);
	CK_ATTRIBUTE class = {CKA_CLASS, &secret_class, sizeof secret_class};
	IS(p11->C_FindObjectsInit(s, &class, 1), CKR_DEVICE_ERROR);
	IS(p11->C_Logout(s), CKR_OK);
	IS(p11->C_Login(s, CKU_USER, (CK_UTF8CHAR *)PIN, strlen(PIN)), CKR_DEVICE_ERROR);
}

/* One byte of what the first record seals, in place, with the mtime as it was. */
static void flip_in_store(void)
{
	struct path path;
	struct stat was;
	unsigned char byte;

	usleep(20000); /* more than a tick, for kernels that count the ctime in them */
	assert_true(rc_ok(path_format(&path, "%s/" STORE_FILE_NAME, dir)));
	int fd = open(path.s, O_RDWR);
	IS(fstat(fd, &was), 0);
	IS(pread(fd, &byte, 1, STORE_RECORDS_AT + STORE_RECORD_HEAD + 40), 1);
	byte ^= 1;
	IS(pwrite(fd, &byte, 1, STORE_RECORDS_AT + STORE_RECORD_HEAD + 40), 1);
	IS(futimens(fd, (struct timespec[]){was.st_atim, was.st_mtim}), 0);
	close(fd);
}

/* A login after a login opens no objects where nobody else has written; but whoever looks for one does. */
static void damage_between_logins(void **state)
{
	CK_DSKE_DERIVE_PARAMS p = context("kept");
	CK_ATTRIBUTE templ[] = {{CKA_TOKEN, &yes, sizeof yes}, {CKA_KEY_TYPE, &aes, sizeof aes}};
	CK_ATTRIBUTE class = {CKA_CLASS, &secret_class, sizeof secret_class};
	CK_OBJECT_HANDLE key;

	(void)state;
	make_token();
	CK_SESSION_HANDLE s = session_new();
	login(s);
	IS(derive(s, peer(s, "bob"), &p, templ, 2, &key), CKR_OK);
	for (int round = 0; round < 2; round++) {
		IS(p11->C_Logout(s), CKR_OK);
		flip_in_store();
		IS(p11->C_Login(s, CKU_USER, (CK_UTF8CHAR *)PIN, strlen(PIN)), CKR_DEVICE_ERROR);
		IS(find(s, &secret_class, CKA_LABEL, "bob/kept", 8, &key), 0);
		flip_in_store();
		login(s); /* and opens all of it, */
		IS(find(s, &secret_class, CKA_LABEL, "bob/kept", 8, &key), 1);
		IS(p11->C_Logout(s), CKR_OK);
		login(s); /* which this one does not */
		flip_in_store();
		for (int k = 0; k < 2; k++)
			IS(p11->C_FindObjectsInit(s, &class, 1), CKR_DEVICE_ERROR);
		flip_in_store();
		IS(find(s, &secret_class, CKA_LABEL, "bob/kept", 8, &key), 1);
	}
}

/* A call that another thread makes. */
struct job {
	CK_SESSION_HANDLE session;
	CK_OBJECT_HANDLE base;
	CK_ATTRIBUTE *templ; /* or NULL */
	CK_RV rv;
};

static void *run_job(void *argument)
{
	struct job *j = argument;
	CK_OBJECT_HANDLE key;

	j->rv = derive(j->session, j->base, NULL, j->templ, j->templ != NULL, &key);
	return NULL;
}

/* The key is in the store before the hubs are told to forget theirs: who is killed then has it. */
static void kept_before_the_hubs_forget(void **state)
{
	CK_DSKE_DERIVE_PARAMS p = context("kept");
	CK_ATTRIBUTE templ = {CKA_TOKEN, &yes, sizeof yes};
	CK_OBJECT_HANDLE key;
	unsigned char text[64];
	int status = 0;

	(void)state;
	make_token();
	pid_t child = fork();
	if (child == 0) {
		setenv("DSKE_FAKE", "killed", 1);
		if (p11->C_Initialize(NULL) != CKR_OK)
			_exit(1);
		CK_SESSION_HANDLE s = session_new();
		login(s);
		(void)derive(s, peer(s, "bob"), &p, &templ, 1, &key);
		_exit(2);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	CK_SESSION_HANDLE s = session_new();
	login(s);
	IS(find(s, &secret_class, CKA_LABEL, "bob/kept", 8, &key), 1);
	IS(read_attr(s, key, CKA_DSKE_HUBS, text, sizeof text), 14);
	assert_memory_equal(text, "hub1,hub2,hub3", 14);
}

/* An agreement that fails after all leaves no key behind. */
static void a_failed_agreement_keeps_nothing(void **state)
{
	CK_ATTRIBUTE templ = {CKA_TOKEN, &yes, sizeof yes};
	CK_OBJECT_HANDLE key;

	(void)state;
	make_token();
	CK_SESSION_HANDLE s = session_new();
	login(s);
	setenv("DSKE_FAKE", "unkept", 1);
	IS(derive(s, peer(s, "bob"), NULL, &templ, 1, &key), CKR_DEVICE_ERROR);
	unsetenv("DSKE_FAKE");
	IS(find(s, &secret_class, CKA_LABEL, "bob", 3, &key), 0);
	IS(p11->C_Logout(s), CKR_OK);
	login(s);
	IS(find(s, &secret_class, CKA_LABEL, "bob", 3, &key), 0);
	/* Nor does one whose user has left: the key is not kept, and the agreement knows it. */
	setenv("DSKE_FAKE", "slow", 1);
	struct job j = {.session = s, .base = peer(s, "bob"), .templ = &templ};
	pthread_t thread;
	pthread_create(&thread, NULL, run_job, &j);
	usleep(50000);
	IS(p11->C_Logout(s), CKR_OK);
	pthread_join(thread, NULL);
	unsetenv("DSKE_FAKE");
	assert_int_equal(j.rv, CKR_USER_NOT_LOGGED_IN);
	login(s);
	IS(find(s, &secret_class, CKA_LABEL, "bob", 3, &key), 0);
}

/* What another process made more secret is not undone by a change of something else, here or in the file. */
static void secrecy_survives_other_changes(void **state)
{
	CK_ATTRIBUTE templ[] = {{CKA_TOKEN, &yes, sizeof yes}, {CKA_LABEL, "k", 1}, extractable};
	CK_ATTRIBUTE label = {CKA_LABEL, "new", 3}, sensitive = {CKA_SENSITIVE, &yes, sizeof yes};
	CK_OBJECT_HANDLE key;
	unsigned char text[64];
	CK_ATTRIBUTE value = {CKA_VALUE, text, sizeof text};
	int status = 0;

	(void)state;
	make_token();
	CK_SESSION_HANDLE s = session_new();
	login(s);
	IS(derive(s, peer(s, "bob"), NULL, templ, 3, &key), CKR_OK);
	pid_t child = fork();
	if (child == 0) {
		if (p11->C_Initialize(NULL) != CKR_OK)
			_exit(1);
		s = session_new();
		login(s);
		IS(find(s, &secret_class, CKA_LABEL, "k", 1, &key), 1);
		_exit(p11->C_SetAttributeValue(s, key, &sensitive, 1) == CKR_OK ? 0 : 2);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	IS(p11->C_SetAttributeValue(s, key, &label, 1), CKR_OK);
	IS(p11->C_GetAttributeValue(s, key, &value, 1), CKR_ATTRIBUTE_SENSITIVE);
	IS(p11->C_Logout(s), CKR_OK);
	login(s);
	IS(find(s, &secret_class, CKA_LABEL, "new", 3, &key), 1);
	IS(p11->C_GetAttributeValue(s, key, &value, 1), CKR_ATTRIBUTE_SENSITIVE);
}

/* ---- failures ------------------------------------------------------------------------------------------------------------- */

static void a_failure_is_explained(void **state)
{
	CK_SESSION_HANDLE s = session_new();
	CK_OBJECT_HANDLE key;
	struct path path;
	struct buf log;

	(void)state;
	setenv("DSKE_FAKE", "too-few", 1);
	IS(derive(s, peer(s, "bob"), NULL, NULL, 0, &key), CKR_DEVICE_ERROR);
	assert_true(rc_ok(path_format(&path, "%s/log", dir)));
	assert_true(rc_ok(file_read_all(&log, path.s, 1 << 20)));
	buf_put(&log, "", 1);
	const char *text = (const char *)log.data;
	const char *headline = strstr(text, "no key with bob: 1 of 3 hubs answered, 2 are needed");
	assert_non_null(headline);
	assert_null(strstr(headline + 1, "no key with"));
	assert_non_null(strstr(text, "hub hub2 at 127.0.0.1:7002: connection refused"));
	assert_non_null(strstr(text, "hub hub3 at 127.0.0.1:7003: connection refused"));
	assert_non_null(strstr(text, "what to do: start hub2 or hub3"));
	assert_null(strstr(text, "hub1 at"));
	buf_drop(&log);
	setenv("DSKE_FAKE", "too-long", 1); /* the other end agreed on one for a file */
	IS(derive(s, peer(s, "bob"), NULL, NULL, 0, &key), CKR_KEY_SIZE_RANGE);
}

/* No lock is held over the network: others go on, and closing the session ends the wait. */
static void waiting_holds_nothing_up(void **state)
{
	struct job j = {.session = session_new()};
	CK_SESSION_HANDLE s = session_new();
	struct timespec before, after;
	pthread_t thread;
	unsigned char b[16];
	CK_TOKEN_INFO info;

	(void)state;
	j.base = peer(s, "bob");
	setenv("DSKE_FAKE", "stuck", 1);
	clock_gettime(CLOCK_MONOTONIC, &before);
	pthread_create(&thread, NULL, run_job, &j);
	usleep(50000);
	IS(p11->C_GenerateRandom(s, b, sizeof b), CKR_OK);
	IS(p11->C_GenerateRandom(j.session, b, sizeof b), CKR_OK);
	IS(p11->C_GetTokenInfo(0, &info), CKR_OK);
	peer(s, "carol");
	IS(p11->C_CloseSession(j.session), CKR_OK);
	pthread_join(thread, NULL);
	clock_gettime(CLOCK_MONOTONIC, &after);
	assert_true(j.rv == CKR_FUNCTION_CANCELED || j.rv == CKR_SESSION_HANDLE_INVALID);
	assert_true((after.tv_sec - before.tv_sec) * 1000 + (after.tv_nsec - before.tv_nsec) / 1000000 < 8000); /* of 10,000 */
}

/* C_Finalize beside a waiting call: it answers, and takes nothing away from under it. */
static void finalize_under_way(void **state)
{
	struct job j = {.session = session_new()};
	pthread_t thread;

	(void)state;
	j.base = peer(j.session, "bob");
	setenv("DSKE_FAKE", "slow", 1);
	pthread_create(&thread, NULL, run_job, &j);
	usleep(50000);
	IS(p11->C_Finalize(NULL), CKR_OK);
	IS(p11->C_Initialize(NULL), CKR_OK);
	pthread_join(thread, NULL);
	assert_true(j.rv == CKR_FUNCTION_CANCELED || j.rv == CKR_SESSION_HANDLE_INVALID);
	unsetenv("DSKE_FAKE");
	CK_SESSION_HANDLE s = session_new();
	CK_OBJECT_HANDLE key;
	IS(derive(s, peer(s, "bob"), NULL, NULL, 0, &key), CKR_OK);
}

/* The child of a namespace's first process, itself the first of another: it has its parent's ID. */
static int child_with_the_same_id(void)
{
	CK_INFO info;
	int status = 1;

	if (p11->C_Initialize(NULL) != CKR_OK || p11->C_GetInfo(&info) != CKR_OK || unshare(CLONE_NEWPID) != 0)
		return 2;
	pid_t child = fork();
	if (child == 0) {
		bool good = getpid() == 1 && p11->C_GetInfo(&info) == CKR_CRYPTOKI_NOT_INITIALIZED &&
			    p11->C_Initialize(NULL) == CKR_OK && p11->C_GetInfo(&info) == CKR_OK;
		_exit(good ? 0 : 3);
	}
	return waitpid(child, &status, 0) == child && p11->C_GetInfo(&info) == CKR_OK ? WEXITSTATUS(status) : 4;
}

static void a_child_is_known_by_more_than_its_id(void **state)
{
	int status = 0;

	(void)state;
	pid_t outer = fork();
	if (outer == 0) {
		if (unshare(CLONE_NEWPID) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWPID) != 0)
			_exit(77);
		pid_t first = fork();
		if (first == 0)
			_exit(child_with_the_same_id());
		_exit(waitpid(first, &status, 0) == first ? WEXITSTATUS(status) : 5);
	}
	assert_int_equal(waitpid(outer, &status, 0), outer);
	if (WEXITSTATUS(status) == 77)
		skip(); /* no namespaces here */
	assert_int_equal(status, 0);
}

/* Every p11-kit application loads the module: without a usable configuration it is there, and does nothing. */
static void without_a_configuration(void **state)
{
	CK_ULONG n = 7;
	CK_SLOT_INFO slot;
	CK_TOKEN_INFO token;
	CK_SESSION_HANDLE s;

	(void)state;
	for (int i = 0; i < 2; i++) {
		IS(p11->C_Finalize(NULL), CKR_OK);
		if (i == 0)
			setenv("DSKE_CONF", "/nonexistent/dske.conf", 1);
		else
			put("dske.conf", "[client]\nthis is not a configuration\n");
		IS(p11->C_Initialize(NULL), CKR_OK);
		IS(p11->C_GetSlotList(CK_TRUE, NULL, &n), CKR_OK);
		assert_int_equal(n, 0);
		IS(p11->C_GetSlotList(CK_FALSE, NULL, &n), CKR_OK);
		assert_int_equal(n, 1);
		IS(p11->C_GetSlotInfo(0, &slot), CKR_OK);
		assert_int_equal(slot.flags & CKF_TOKEN_PRESENT, 0);
		IS(p11->C_GetTokenInfo(0, &token), CKR_TOKEN_NOT_PRESENT);
		IS(p11->C_OpenSession(0, CKF_SERIAL_SESSION, NULL, NULL, &s), CKR_TOKEN_NOT_PRESENT);
		IS(p11->C_InitToken(0, (CK_UTF8CHAR *)"87654321", 8, token.label), CKR_TOKEN_NOT_PRESENT);
		IS(p11->C_WaitForSlotEvent(CKF_DONT_BLOCK, &n, NULL), CKR_NO_EVENT);
		char text[300];
		snprintf(text, sizeof text, "%s/dske.conf", dir);
		setenv("DSKE_CONF", text, 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(peers_are_objects), TEST(named_keys), TEST(pskms_are_slots), TEST(a_pin_stands_before_it),
		TEST(agreed_keys_persist), TEST(damage_between_logins), TEST(kept_before_the_hubs_forget),
		TEST(a_failed_agreement_keeps_nothing), TEST(secrecy_survives_other_changes), TEST(a_failure_is_explained), TEST(waiting_holds_nothing_up),
		TEST(finalize_under_way), TEST(a_child_is_known_by_more_than_its_id),
		TEST(without_a_configuration),
	};

	return cmocka_run_group_tests_name("the token around an agreement", tests, NULL, NULL);
}
