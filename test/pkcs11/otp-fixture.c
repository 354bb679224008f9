/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "test/pkcs11/otp-fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

char home[256];
CK_MECHANISM otp = {CKM_DSKE_OTP, NULL, 0};
CK_MECHANISM_TYPE only = CKM_DSKE_OTP;

int setup_two(void **state)
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

int teardown_two(void **state)
{
	strcpy(dir, home);
	return teardown(state);
}

/* Begins afresh, as a new process of this client would. */
CK_SESSION_HANDLE as(const char *name)
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

CK_RV agree_on(CK_SESSION_HANDLE s, const char *with, const char *label, CK_ULONG len, CK_BBOOL *token, CK_OBJECT_HANDLE *key)
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

CK_OBJECT_HANDLE pad_of(CK_SESSION_HANDLE s)
{
	CK_OBJECT_HANDLE key = 0;

	IS(find(s, &secret_class, CKA_LABEL, "pad", 3, &key), 1);
	return key;
}

void both_agree(CK_ULONG len)
{
	CK_OBJECT_HANDLE key;

	IS(agree_on(as("bob"), "alice", "pad", len, &yes, &key), CKR_OK);
	IS(agree_on(as("alice"), "bob", "pad", len, &yes, &key), CKR_OK);
}

CK_RV seal(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE key, const void *text, CK_ULONG len, struct message *out)
{
	out->len = sizeof out->bytes;
	CK_RV rv = p11->C_EncryptInit(s, &otp, key);
	return rv != CKR_OK ? rv : p11->C_Encrypt(s, (CK_BYTE *)text, len, out->bytes, &out->len);
}

CK_RV unseal(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE key, const struct message *in, void *text, CK_ULONG *len)
{
	CK_RV rv = p11->C_DecryptInit(s, &otp, key);
	return rv != CKR_OK ? rv : p11->C_Decrypt(s, (CK_BYTE *)in->bytes, in->len, text, len);
}

CK_RV opens(CK_SESSION_HANDLE s, const struct message *in, const char *text)
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

CK_ULONG number(CK_SESSION_HANDLE s, CK_ATTRIBUTE_TYPE type)
{
	CK_ULONG n = 0;

	assert_int_equal(read_attr(s, pad_of(s), type, &n, sizeof n), sizeof n);
	return n;
}


struct used used_by(const CK_BYTE *message)
{
	struct otp_head h;

	assert_true(otp_head_read(&h, message));
	return (struct used){h.sender, h.offset, h.offset + TAG_KEY_LEN + h.len};
}

void assert_once(const struct used *all, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		for (size_t k = 0; k < i; k++)
			assert_true(all[i].sender != all[k].sender || all[i].to <= all[k].from || all[k].to <= all[i].from);
	}
}
