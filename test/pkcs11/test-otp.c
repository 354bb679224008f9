/* SPDX-License-Identifier: Apache-2.0 */
/* CKM_DSKE_OTP: what is sent, taken and refused, and what a pad cannot be used for. */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pkcs11/key-form.h"
#include "pkcs11/otp-key.h"
#include "store/store.h"
#include "test/pkcs11/otp-fixture.h"

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

/* All comes with the last part, and uses nothing up before; nothing is given out of what is forged. */
static void in_parts(void **state)
{
	static struct message a;
	CK_BYTE text[20] = "0123456789abcdefghi", back[20] = "";
	CK_ULONG len, left;

	(void)state;
	both_agree(KEY_BYTES);
	CK_SESSION_HANDLE s = as("alice");
	left = number(s, CKA_DSKE_OTP_SEND_LEFT);
	IS(p11->C_EncryptInit(s, &otp, pad_of(s)), CKR_OK);
	for (size_t i = 0; i < 20; i += 5) {
		len = sizeof a.bytes;
		IS(p11->C_EncryptUpdate(s, text + i, 5, a.bytes, &len), CKR_OK);
		assert_int_equal(len, 0);
	}
	IS(p11->C_EncryptFinal(s, NULL, &len), CKR_OK);
	assert_int_equal(len, 20 + CKDSKE_OTP_MORE);
	len--;
	IS(p11->C_EncryptFinal(s, a.bytes, &len), CKR_BUFFER_TOO_SMALL);
	assert_int_equal(number(s, CKA_DSKE_OTP_SEND_LEFT), left);
	IS(p11->C_EncryptFinal(s, a.bytes, &len), CKR_OK);
	a.len = len;
	s = as("bob");
	for (int good = 0; good < 2; good++) {
		a.bytes[40] ^= 1;
		IS(p11->C_DecryptInit(s, &otp, pad_of(s)), CKR_OK);
		for (size_t i = 0; i < a.len; i += 17) {
			len = sizeof back;
			IS(p11->C_DecryptUpdate(s, a.bytes + i, 17, back, &len), CKR_OK);
			assert_int_equal(len, 0);
		}
		len = sizeof back;
		IS(p11->C_DecryptFinal(s, back, &len), good ? CKR_OK : CKR_ENCRYPTED_DATA_INVALID);
		assert_int_equal(memcmp(back, text, 20) == 0, good);
	}
	IS(opens(s, &a, "0123456789abcdefghi"), CKR_ENCRYPTED_DATA_INVALID);
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

/* By a session object, for which the count is written nowhere. */
static void forgeries_end_it(void **state)
{
	static struct message a;
	CK_OBJECT_HANDLE key = 0;
	char back[100];

	(void)state;
	IS(agree_on(as("alice"), "bob", "pad", KEY_BYTES, &yes, &key), CKR_OK);
	CK_SESSION_HANDLE s = as("alice");
	IS(seal(s, pad_of(s), "genuine", 7, &a), CKR_OK);
	s = as("bob");
	IS(agree_on(s, "alice", "pad", KEY_BYTES, &no, &key), CKR_OK);
	for (CK_ULONG i = 0; i <= OTPKEY_FORGERIES_MAX; i++) {
		CK_ULONG len = sizeof back;
		a.bytes[40] ^= 1;
		IS(unseal(s, key, &a, back, &len), i < OTPKEY_FORGERIES_MAX ? CKR_ENCRYPTED_DATA_INVALID : CKR_FUNCTION_REJECTED);
		a.bytes[40] ^= 1;
	}
	CK_ULONG len = sizeof back;
	IS(unseal(s, key, &a, back, &len), CKR_FUNCTION_REJECTED);
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
	/* Nor does one who agreed on it elsewhere and brings it. */
	CK_BYTE id[16], initiator[16];
	CK_ATTRIBUTE brought[] = {{CKA_CLASS, &secret_class, sizeof secret_class}, {CKA_KEY_TYPE, &aes, sizeof aes},
				  {CKA_VALUE, "0123456789abcdef", 16},             {CKA_DSKE_KEY_ID, id, sizeof id},
				  {CKA_DSKE_INITIATOR, initiator, sizeof initiator}};
	assert_int_equal(read_attr(s, key, CKA_DSKE_KEY_ID, id, sizeof id), sizeof id);
	assert_int_equal(read_attr(s, key, CKA_DSKE_INITIATOR, initiator, sizeof initiator), sizeof initiator);
	IS(p11->C_CreateObject(s, brought, 5, &other), CKR_FUNCTION_REJECTED);
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
	static struct message a, b;
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
	IS(seal(s, pad_of(s), "answer", 6, &b), CKR_OK);
	CK_ULONG answered = HALF - number(s, CKA_DSKE_OTP_SEND_LEFT);
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
		CK_ULONG first = bob ? used_by(a.bytes).to : sent, second = HALF + (bob ? answered : 0);
		for (CK_ULONG i = 0; i < KEY_BYTES; i++) {
			if (i < first || (i >= HALF && i < second))
				assert_int_equal(o->value.data[i], 0);
			else
				zeros += o->value.data[i] == 0;
		}
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

/* ---- what is said of what a process reserves --------------------------------------------------------------------------------------- */

#define EACH (40u + TAG_KEY_LEN)

static const char forty[] = "a message that has forty bytes, just so.";

static void by_the_configuration(void **state)
{
	static struct message a, b;
	CK_SESSION_HANDLE s;

	(void)state;
	both_agree(KEY_BYTES);
	put("dske.conf", "[client]\nname = alice\nid = " ALICE_ID "\npad_send_ahead = 500\npad_receive_ahead = 1K\n");
	s = as("alice");
	IS(seal(s, pad_of(s), forty, 40, &a), CKR_OK);
	assert_int_equal(number(s, CKA_DSKE_OTP_SEND_LEFT), HALF - EACH - 500);
	s = as("bob");
	IS(opens(s, &a, forty), CKR_OK);
	assert_int_equal(number(s, CKA_DSKE_OTP_RECEIVE_LEFT), HALF - EACH);
	IS(seal(s, pad_of(s), forty, 40, &b), CKR_OK);
	assert_int_equal(number(s, CKA_DSKE_OTP_SEND_LEFT), HALF - EACH - HALF / 64);
	s = as("alice");
	IS(opens(s, &b, forty), CKR_OK);
	assert_int_equal(number(s, CKA_DSKE_OTP_RECEIVE_LEFT), HALF - EACH - 1024);
}

static void pads_alone_have_it(void **state)
{
	static struct message a;
	CK_SESSION_HANDLE s = as("alice");
	CK_DSKE_DERIVE_PARAMS p = context("no pad");
	CK_ULONG ahead = 100, said = 0, len = KEY_BYTES;
	CK_ATTRIBUTE other_key[] = {{CKA_DSKE_OTP_SEND_AHEAD, &ahead, sizeof ahead}};
	CK_ATTRIBUTE pad[] = {{CKA_ALLOWED_MECHANISMS, &only, sizeof only}, {CKA_ENCRYPT, &yes, 1}, {CKA_LABEL, "pad", 3},
			      {CKA_TOKEN, &yes, 1}, {CKA_VALUE_LEN, &len, sizeof len}, {CKA_DSKE_OTP_SEND_AHEAD, &ahead, sizeof ahead}};
	CK_OBJECT_HANDLE key = 0;

	(void)state;
	IS(derive(s, peer(s, "bob"), &p, other_key, 1, &key), CKR_TEMPLATE_INCONSISTENT);
	IS(derive(s, peer(s, "bob"), &p, NULL, 0, &key), CKR_OK);
	IS(p11->C_SetAttributeValue(s, key, other_key, 1), CKR_ATTRIBUTE_TYPE_INVALID);
	p = context("pad");
	IS(derive(s, peer(s, "bob"), &p, pad, 6, &key), CKR_OK);
	s = as("alice");
	assert_int_equal(read_attr(s, pad_of(s), CKA_DSKE_OTP_SEND_AHEAD, &said, sizeof said), sizeof said);
	assert_int_equal(said, 100);
	IS(seal(s, pad_of(s), forty, 40, &a), CKR_OK);
	assert_int_equal(number(s, CKA_DSKE_OTP_SEND_LEFT), HALF - EACH - 100);
	ahead = (CK_ULONG)-2; /* all there is */
	IS(p11->C_SetAttributeValue(s, pad_of(s), other_key, 1), CKR_OK);
	for (size_t i = 1; i < 3; i++)
		IS(seal(s, pad_of(s), forty, 40, &a), CKR_OK);
	assert_int_equal(number(s, CKA_DSKE_OTP_SEND_LEFT), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		OTP_TEST(they_talk),
		OTP_TEST(lengths_are_asked_for),
		OTP_TEST(in_parts),
		OTP_TEST(nothing_is_replayed),
		OTP_TEST(nothing_is_forged),
		OTP_TEST(forgeries_end_it),
		OTP_TEST(it_ends),
		OTP_TEST(templates_are_strict),
		OTP_TEST(nothing_else_works),
		OTP_TEST(session_objects_too),
		OTP_TEST(used_bytes_are_wiped),
		OTP_TEST(a_store_put_back),
		OTP_TEST(by_the_configuration),
		OTP_TEST(pads_alone_have_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
