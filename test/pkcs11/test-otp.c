/* SPDX-License-Identifier: Apache-2.0 */
/* CKM_DSKE_OTP: alice and bob with the same key in tokens of their own; no byte of it is used twice. */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "client/store.h"
#include "pkcs11/key-form.h"
#include "pkcs11/otp-key.h"
#include "pkcs11/otp.h"
#include "test/pkcs11/token-fixture.h"

#define KEY_BYTES 4096ul
#define HALF (KEY_BYTES / 2)
#define MESSAGE_MAX 3000

static char home[256]; /* alice's folder; bob's is in it */
static CK_MECHANISM otp = {CKM_DSKE_OTP, NULL, 0};
static CK_MECHANISM_TYPE only = CKM_DSKE_OTP;

/* ---- two clients, one at a time --------------------------------------------------------------------------- */

static int setup_two(void **state)
{
	char path[300], text[700];

	if (setup(state) != 0)
		return -1;
	strcpy(home, dir);
	make_token();
	snprintf(path, sizeof path, "%s/bob", home);
	strcpy(dir, path);
	if (!rc_ok(file_make_dirs(dir, 0700)))
		return -1;
	snprintf(text, sizeof text, "[client]\nname = bob\nid = " BOB_ID "\nlog = %s/log\n", dir);
	put("dske.conf", text);
	put("peers", "[peer alice]\nid = " ALICE_ID "\nhubs_agreed = 3\nhubs_asked = 3\n");
	make_token();
	strcpy(dir, home);
	return 0;
}

static int teardown_two(void **state)
{
	strcpy(dir, home);
	return teardown(state);
}

#define OTP_TEST(name) cmocka_unit_test_setup_teardown(name, setup_two, teardown_two)

/* Begins afresh, as a new process of this client would. */
static CK_SESSION_HANDLE as(const char *name)
{
	char conf[600];

	(void)p11->C_Finalize(NULL);
	snprintf(dir, sizeof dir, "%.200s%s", home, strcmp(name, "bob") == 0 ? "/bob" : "");
	snprintf(conf, sizeof conf, "%s/dske.conf", dir);
	setenv("DSKE_CONF", conf, 1);
	IS(p11->C_Initialize(NULL), CKR_OK);
	CK_SESSION_HANDLE s = session_new();
	login(s);
	return s;
}

static CK_RV agree_on(CK_SESSION_HANDLE s, const char *with, const char *label, CK_ULONG len, CK_BBOOL *token, CK_OBJECT_HANDLE *key)
{
	CK_DSKE_DERIVE_PARAMS p = context(label);
	CK_ATTRIBUTE templ[] = {{CKA_ALLOWED_MECHANISMS, &only, sizeof only},
				{CKA_ENCRYPT, &yes, 1},
				{CKA_DECRYPT, &yes, 1},
				{CKA_TOKEN, token, 1},
				{CKA_VALUE_LEN, &len, sizeof len},
				{CKA_LABEL, (void *)label, strlen(label)}};

	return derive(s, peer(s, with), &p, templ, 6, key);
}

static CK_OBJECT_HANDLE pad_of(CK_SESSION_HANDLE s)
{
	CK_OBJECT_HANDLE key = 0;

	IS(find(s, &secret_class, CKA_LABEL, "pad", 3, &key), 1);
	return key;
}

static void both_agree(CK_ULONG len)
{
	CK_OBJECT_HANDLE key;

	IS(agree_on(as("bob"), "alice", "pad", len, &yes, &key), CKR_OK);
	IS(agree_on(as("alice"), "bob", "pad", len, &yes, &key), CKR_OK);
}

struct message {
	CK_BYTE bytes[MESSAGE_MAX];
	CK_ULONG len;
};

static CK_RV seal(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE key, const void *text, CK_ULONG len, struct message *out)
{
	out->len = sizeof out->bytes;
	CK_RV rv = p11->C_EncryptInit(s, &otp, key);
	return rv != CKR_OK ? rv : p11->C_Encrypt(s, (CK_BYTE *)text, len, out->bytes, &out->len);
}

static CK_RV unseal(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE key, const struct message *in, void *text, CK_ULONG *len)
{
	CK_RV rv = p11->C_DecryptInit(s, &otp, key);
	return rv != CKR_OK ? rv : p11->C_Decrypt(s, (CK_BYTE *)in->bytes, in->len, text, len);
}

static CK_RV opens(CK_SESSION_HANDLE s, const struct message *in, const char *text)
{
	char back[MESSAGE_MAX];
	CK_ULONG len = sizeof back;

	CK_RV rv = unseal(s, pad_of(s), in, back, &len);
	if (rv == CKR_OK) {
		assert_int_equal(len, strlen(text));
		assert_memory_equal(back, text, len);
	}
	return rv;
}

static CK_ULONG number(CK_SESSION_HANDLE s, CK_ATTRIBUTE_TYPE type)
{
	CK_ULONG n = 0;

	assert_int_equal(read_attr(s, pad_of(s), type, &n, sizeof n), sizeof n);
	return n;
}

/* ---- the auditor: what bytes of whose half a message took ------------------------------------------------------ */

struct used {
	unsigned sender;
	uint64_t from, to;
};

static struct used used_by(const CK_BYTE *message)
{
	struct otp_head h;

	assert_true(otp_head_read(&h, message));
	return (struct used){h.sender, h.offset, h.offset + TAG_KEY_LEN + h.len};
}

static void assert_once(const struct used *all, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		for (size_t k = 0; k < i; k++)
			assert_true(all[i].sender != all[k].sender || all[i].to <= all[k].from || all[k].to <= all[i].from);
	}
}

/* ---- messages ------------------------------------------------------------------------------------------------- */

static void they_talk(void **state)
{
	static struct message a, b, empty;
	CK_SESSION_HANDLE s;

	(void)state;
	both_agree(KEY_BYTES);
	s = as("alice");
	assert_int_equal(number(s, CKA_DSKE_OTP_SEND_LEFT), HALF);
	IS(seal(s, pad_of(s), "to bob", 6, &a), CKR_OK);
	assert_int_equal(a.len, 6 + CKDSKE_OTP_MORE);
	IS(seal(s, pad_of(s), "", 0, &empty), CKR_OK);
	assert_true(number(s, CKA_DSKE_OTP_SEND_LEFT) <= HALF - 70);
	IS(opens(s, &a, "to bob"), CKR_ENCRYPTED_DATA_INVALID); /* her own */
	s = as("bob");
	IS(opens(s, &empty, ""), CKR_OK); /* in another order */
	IS(opens(s, &a, "to bob"), CKR_OK);
	assert_int_equal(number(s, CKA_DSKE_OTP_RECEIVE_LEFT), HALF - 70);
	IS(seal(s, pad_of(s), "to alice", 8, &b), CKR_OK);
	s = as("alice");
	IS(opens(s, &b, "to alice"), CKR_OK);
	assert_int_equal(used_by(a.bytes).sender, OTP_INITIATOR);
	assert_int_equal(used_by(b.bytes).sender, OTP_RECEIVER);
}

static void lengths_are_asked_for(void **state)
{
	CK_SESSION_HANDLE s;
	CK_BYTE out[100], in_place[100] = "in place";
	CK_ULONG len = 0, left;

	(void)state;
	both_agree(KEY_BYTES);
	s = as("alice");
	left = number(s, CKA_DSKE_OTP_SEND_LEFT);
	IS(p11->C_EncryptInit(s, &otp, pad_of(s)), CKR_OK);
	IS(p11->C_Encrypt(s, (CK_BYTE *)"text", 4, NULL, &len), CKR_OK);
	assert_int_equal(len, 52);
	len = 51;
	IS(p11->C_Encrypt(s, (CK_BYTE *)"text", 4, out, &len), CKR_BUFFER_TOO_SMALL);
	assert_int_equal(number(s, CKA_DSKE_OTP_SEND_LEFT), left);
	IS(p11->C_Encrypt(s, (CK_BYTE *)"text", 4, out, &len), CKR_OK);
	IS(p11->C_Encrypt(s, (CK_BYTE *)"text", 4, out, &len), CKR_OPERATION_NOT_INITIALIZED);
	assert_true(number(s, CKA_DSKE_OTP_SEND_LEFT) < left);
	IS(p11->C_EncryptInit(s, &otp, pad_of(s)), CKR_OK);
	IS(p11->C_EncryptUpdate(s, (CK_BYTE *)"text", 4, out, &len), CKR_FUNCTION_NOT_SUPPORTED);
	IS(p11->C_EncryptInit(s, &otp, pad_of(s)), CKR_OK);
	len = sizeof in_place;
	IS(p11->C_Encrypt(s, in_place, 8, in_place, &len), CKR_OK);
	s = as("bob");
	IS(p11->C_DecryptInit(s, &otp, pad_of(s)), CKR_OK);
	CK_ULONG plain = 7;
	IS(p11->C_Decrypt(s, in_place, len, in_place, &plain), CKR_BUFFER_TOO_SMALL);
	IS(p11->C_Decrypt(s, in_place, len, in_place, &plain), CKR_OK);
	assert_memory_equal(in_place, "in place", 8);
	IS(p11->C_DecryptInit(s, &otp, pad_of(s)), CKR_OK);
	IS(p11->C_Decrypt(s, out, 47, in_place, &plain), CKR_ENCRYPTED_DATA_LEN_RANGE);
}

/* What came once does not come again: not in this process, nor in the next, nor as a part of another. */
static void nothing_is_replayed(void **state)
{
	static struct message a, b;
	CK_SESSION_HANDLE s;

	(void)state;
	both_agree(KEY_BYTES);
	s = as("alice");
	IS(seal(s, pad_of(s), "first", 5, &a), CKR_OK);
	IS(seal(s, pad_of(s), "second", 6, &b), CKR_OK);
	s = as("bob");
	IS(opens(s, &a, "first"), CKR_OK);
	IS(opens(s, &a, "first"), CKR_ENCRYPTED_DATA_INVALID);
	s = as("bob");
	IS(opens(s, &a, "first"), CKR_ENCRYPTED_DATA_INVALID);
	IS(opens(s, &b, "second"), CKR_OK);
	assert_int_equal(number(s, CKA_DSKE_OTP_FORGED), 0);
}

static void nothing_is_forged(void **state)
{
	static struct message a;
	CK_SESSION_HANDLE s;
	char back[100];
	CK_ULONG len, left;

	(void)state;
	both_agree(KEY_BYTES);
	s = as("alice");
	IS(seal(s, pad_of(s), "genuine", 7, &a), CKR_OK);
	s = as("bob");
	left = number(s, CKA_DSKE_OTP_RECEIVE_LEFT);
	for (CK_ULONG i = 0; i < a.len; i++) {
		a.bytes[i] ^= 1;
		len = sizeof back;
		IS(unseal(s, pad_of(s), &a, back, &len), CKR_ENCRYPTED_DATA_INVALID);
		a.bytes[i] ^= 1;
	}
	for (CK_ULONG cut = a.len; a.len > 0;) {
		a.len--;
		len = sizeof back;
		IS(unseal(s, pad_of(s), &a, back, &len), a.len < CKDSKE_OTP_MORE ? CKR_ENCRYPTED_DATA_LEN_RANGE : CKR_ENCRYPTED_DATA_INVALID);
		if (a.len == 0) {
			a.len = cut;
			break;
		}
	}
	/* Only what is under the tag's key is a try at it: 7 + 16 bytes, and an offset that may be. */
	assert_in_range(number(s, CKA_DSKE_OTP_FORGED), 23, 32);
	assert_int_equal(number(s, CKA_DSKE_OTP_RECEIVE_LEFT), left);
	s = as("bob");
	assert_in_range(number(s, CKA_DSKE_OTP_FORGED), 23, 32);
	IS(opens(s, &a, "genuine"), CKR_OK);
}

static void it_ends(void **state)
{
	static struct message a;
	static const CK_BYTE text[1500];
	CK_SESSION_HANDLE s;

	(void)state;
	both_agree(KEY_BYTES);
	s = as("alice");
	IS(seal(s, pad_of(s), text, 1500, &a), CKR_OK);
	IS(seal(s, pad_of(s), text, 1500, &a), CKR_DATA_LEN_RANGE);
	IS(seal(s, pad_of(s), text, HALF - 1500 - 2 * TAG_KEY_LEN, &a), CKR_OK);
	assert_int_equal(used_by(a.bytes).to, HALF);
	assert_int_equal(number(s, CKA_DSKE_OTP_SEND_LEFT), 0);
	IS(seal(s, pad_of(s), text, 0, &a), CKR_KEY_SIZE_RANGE);
}

/* ---- the key is for nothing else ---------------------------------------------------------------------------- */

static CK_RV with(CK_SESSION_HANDLE s, CK_ATTRIBUTE more)
{
	static unsigned count;
	char label[20];
	CK_ULONG len = KEY_BYTES;
	CK_ATTRIBUTE templ[] = {{CKA_ALLOWED_MECHANISMS, &only, sizeof only}, {CKA_VALUE_LEN, &len, sizeof len}, more};
	CK_OBJECT_HANDLE key;

	snprintf(label, sizeof label, "with %u", count++);
	CK_DSKE_DERIVE_PARAMS p = context(label);
	return derive(s, peer(s, "bob"), &p, templ, 3, &key);
}

static void templates_are_strict(void **state)
{
	static const CK_ATTRIBUTE_TYPE never[] = {CKA_EXTRACTABLE, CKA_COPYABLE, CKA_WRAP, CKA_UNWRAP, CKA_SIGN, CKA_VERIFY, CKA_DERIVE};
	CK_SESSION_HANDLE s = as("alice");
	CK_MECHANISM_TYPE two[] = {CKM_DSKE_OTP, CKM_SHA256_HMAC};
	CK_MECHANISM gen = {CKM_GENERIC_SECRET_KEY_GEN, NULL, 0};
	CK_ULONG len = KEY_BYTES;
	CK_BYTE check[3] = {1, 2, 3};
	CK_ATTRIBUTE own[] = {{CKA_ALLOWED_MECHANISMS, &only, sizeof only}, {CKA_VALUE_LEN, &len, sizeof len}};
	CK_ATTRIBUTE both[] = {{CKA_ALLOWED_MECHANISMS, two, sizeof two}, {CKA_ENCRYPT, &yes, 1}};
	CK_DSKE_DERIVE_PARAMS p = context("both");
	CK_OBJECT_HANDLE key = 0;
	static struct message out;

	(void)state;
	for (size_t i = 0; i < sizeof never / sizeof never[0]; i++) {
		IS(with(s, (CK_ATTRIBUTE){never[i], &yes, 1}), CKR_TEMPLATE_INCONSISTENT);
		IS(with(s, (CK_ATTRIBUTE){never[i], &no, 1}), CKR_OK);
	}
	IS(with(s, (CK_ATTRIBUTE){CKA_SENSITIVE, &no, 1}), CKR_TEMPLATE_INCONSISTENT);
	IS(with(s, (CK_ATTRIBUTE){CKA_KEY_TYPE, &aes, sizeof aes}), CKR_TEMPLATE_INCONSISTENT);
	IS(with(s, (CK_ATTRIBUTE){CKA_CHECK_VALUE, check, 3}), CKR_ATTRIBUTE_VALUE_INVALID);
	IS(derive(s, peer(s, "bob"), &p, both, 2, &key), CKR_TEMPLATE_INCONSISTENT);
	/* Keys that DSKE did not agree on may be anybody's. */
	IS(p11->C_GenerateKey(s, &gen, own, 2, &key), CKR_TEMPLATE_INCONSISTENT);
	/* And one without a list is none. */
	p = context("other");
	IS(derive(s, peer(s, "bob"), &p, both + 1, 1, &key), CKR_OK);
	IS(seal(s, key, "x", 1, &out), CKR_KEY_FUNCTION_NOT_PERMITTED);
}

static void nothing_else_works(void **state)
{
	CK_MECHANISM hmac = {CKM_SHA256_HMAC, NULL, 0}, sha = {CKM_SHA256, NULL, 0}, bad = {CKM_DSKE_OTP, &only, 1};
	CK_ATTRIBUTE label = {CKA_LABEL, "copy", 4}, value = {CKA_VALUE, NULL, 0}, check = {CKA_CHECK_VALUE, NULL, 0};
	CK_ATTRIBUTE sign = {CKA_SIGN, &yes, 1}, list = {CKA_ALLOWED_MECHANISMS, &hmac.mechanism, sizeof hmac.mechanism};
	CK_OBJECT_HANDLE key, other = 0;
	CK_SESSION_HANDLE s;

	(void)state;
	both_agree(KEY_BYTES);
	s = as("alice");
	key = pad_of(s);
	IS(p11->C_CopyObject(s, key, &label, 1, &other), CKR_ACTION_PROHIBITED);
	IS(p11->C_GetAttributeValue(s, key, &value, 1), CKR_ATTRIBUTE_SENSITIVE);
	IS(p11->C_GetAttributeValue(s, key, &check, 1), CKR_OK);
	assert_int_equal(check.ulValueLen, 0);
	IS(p11->C_SetAttributeValue(s, key, &list, 1), CKR_ATTRIBUTE_READ_ONLY);
	IS(p11->C_SetAttributeValue(s, key, &sign, 1), CKR_OK);
	IS(p11->C_SignInit(s, &hmac, key), CKR_MECHANISM_INVALID);
	IS(p11->C_DigestInit(s, &sha), CKR_OK);
	IS(p11->C_DigestKey(s, key), CKR_KEY_INDIGESTIBLE);
	IS(p11->C_EncryptInit(s, &bad, key), CKR_MECHANISM_PARAM_INVALID);
	/* An agreement that comes again, as after a crash, gives no second pad, nor another key of the same bytes. */
	IS(agree_on(s, "bob", "pad", KEY_BYTES, &yes, &other), CKR_FUNCTION_REJECTED);
	CK_DSKE_DERIVE_PARAMS p = context("pad");
	IS(derive(s, peer(s, "bob"), &p, NULL, 0, &other), CKR_FUNCTION_REJECTED);
}

static void session_objects_too(void **state)
{
	static struct message a, b;
	CK_SESSION_HANDLE s = as("alice");
	CK_OBJECT_HANDLE key = 0;
	struct used all[2];

	(void)state;
	IS(agree_on(s, "bob", "pad", 101, &no, &key), CKR_OK);
	IS(seal(s, key, "ab", 2, &a), CKR_OK);
	IS(seal(s, key, "ab", 2, &b), CKR_KEY_SIZE_RANGE);
	IS(agree_on(s, "bob", "larger", KEY_BYTES, &no, &key), CKR_OK);
	IS(seal(s, key, "ab", 2, &a), CKR_OK);
	IS(seal(s, key, "ab", 2, &b), CKR_OK);
	all[0] = used_by(a.bytes);
	all[1] = used_by(b.bytes);
	assert_once(all, 2);
}

/* ---- what is durable ------------------------------------------------------------------------------------------ */

static dske_rc look_at(void *context, const struct id *name, const struct secret *plain)
{
	struct object *o = context;

	(void)name;
	secret_drop(&o->value);
	return key_read(o, plain);
}

/* The bytes of a message are gone from the store before the host has it; the others are there. */
static void used_bytes_are_wiped(void **state)
{
	static struct message a;
	AUTO(secret) master = {0};
	CK_SESSION_HANDLE s;
	struct store *store;

	(void)state;
	both_agree(KEY_BYTES);
	s = as("alice");
	IS(seal(s, pad_of(s), "wiped", 5, &a), CKR_OK);
	CK_ULONG sent = HALF - number(s, CKA_DSKE_OTP_SEND_LEFT);
	assert_true(sent >= used_by(a.bytes).to);
	s = as("bob");
	IS(opens(s, &a, "wiped"), CKR_OK);
	for (int bob = 0; bob < 2; bob++) {
		struct object *o = object_new(OBJECT_KEY, 0);
		size_t zeros = 0;
		(void)as(bob ? "bob" : "alice");
		assert_true(rc_ok(store_new(&store, dir, (struct store_cost){.memory_kib = 8, .passes = 1})));
		secret_drop(&master);
		assert_true(rc_ok(store_login(store, STORE_PIN_USER, PIN, strlen(PIN), &master)));
		assert_true(rc_ok(store_each(store, &master, look_at, o)));
		store_free(store);
		assert_int_equal(o->value.len, KEY_BYTES);
		CK_ULONG gone = bob ? used_by(a.bytes).to : sent;
		for (CK_ULONG i = 0; i < gone; i++)
			assert_int_equal(o->value.data[i], 0);
		for (CK_ULONG i = gone; i < KEY_BYTES; i++)
			zeros += o->value.data[i] == 0;
		assert_true(zeros < KEY_BYTES / 64);
		object_unref(o);
	}
}

/* Whoever puts back an older store under a process that runs does not make it use a byte again. */
static void a_store_put_back(void **state)
{
	static struct message m;
	char command[1200];
	struct used all[8];
	CK_SESSION_HANDLE s;

	(void)state;
	both_agree(KEY_BYTES);
	s = as("alice");
	snprintf(command, sizeof command, "cp '%s/token' '%s/backup'", home, home);
	assert_int_equal(system(command), 0);
	for (int i = 0; i < 4; i++) {
		IS(seal(s, pad_of(s), "before", 6, &m), CKR_OK);
		all[i] = used_by(m.bytes);
	}
	snprintf(command, sizeof command, "cp '%s/backup' '%s/token.new' && mv '%s/token.new' '%s/token'", home, home, home, home);
	assert_int_equal(system(command), 0);
	for (int i = 4; i < 8; i++) {
		IS(seal(s, pad_of(s), "after", 5, &m), CKR_OK);
		all[i] = used_by(m.bytes);
	}
	assert_once(all, 8);
}

/* ---- many at once ------------------------------------------------------------------------------------------- */

#define CROWD 4
#define EACH 12

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

static void sender_process(int out)
{
	struct message m;

	if (p11->C_Initialize(NULL) != CKR_OK)
		_exit(1);
	CK_SESSION_HANDLE s = session_new();
	login(s);
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
	int pipes[2], status;

	(void)state;
	both_agree(8 * KEY_BYTES);
	(void)as("alice");
	assert_int_equal(pipe(pipes), 0);
	for (int i = 0; i < CROWD; i++) {
		pid[i] = fork();
		if (pid[i] == 0)
			sender_process(pipes[1]);
	}
	for (size_t i = 0; i < CROWD * EACH; i++)
		assert_int_equal(read(pipes[0], &crowd[i], sizeof crowd[i]), sizeof crowd[i]);
	for (int i = 0; i < CROWD; i++) {
		assert_int_equal(waitpid(pid[i], &status, 0), pid[i]);
		assert_int_equal(status, 0);
	}
	close(pipes[0]);
	close(pipes[1]);
	assert_once(crowd, CROWD * EACH);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		OTP_TEST(they_talk),         OTP_TEST(lengths_are_asked_for), OTP_TEST(nothing_is_replayed),
		OTP_TEST(nothing_is_forged), OTP_TEST(it_ends),               OTP_TEST(templates_are_strict),
		OTP_TEST(nothing_else_works), OTP_TEST(session_objects_too),  OTP_TEST(used_bytes_are_wiped),
		OTP_TEST(a_store_put_back),  OTP_TEST(threads_share),         OTP_TEST(processes_share),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
