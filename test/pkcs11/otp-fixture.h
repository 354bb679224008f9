/* SPDX-License-Identifier: Apache-2.0 */
/* test/pkcs11/otp-fixture.h - alice and bob with one-time pads in tokens of their own, one of them at a time. */
#ifndef DSKE_TEST_PKCS11_OTP_FIXTURE_H
#define DSKE_TEST_PKCS11_OTP_FIXTURE_H

#include "pkcs11/otp.h"
#include "test/pkcs11/token-fixture.h"

#define KEY_BYTES 4096ul
#define HALF (KEY_BYTES / 2)
#define MESSAGE_MAX 3000

extern char home[256]; /* alice's folder; bob's is in it */
extern CK_MECHANISM otp;
extern CK_MECHANISM_TYPE only; /* CKM_DSKE_OTP */

int setup_two(void **state);
int teardown_two(void **state);
#define OTP_TEST(name) cmocka_unit_test_setup_teardown(name, setup_two, teardown_two)

/* Begins afresh, as a new process of this client would. */
CK_SESSION_HANDLE as(const char *name);
CK_RV agree_on(CK_SESSION_HANDLE s, const char *with, const char *label, CK_ULONG len, CK_BBOOL *token, CK_OBJECT_HANDLE *key);
/* Both keep a pad of that name; its object. */
void both_agree(CK_ULONG len);
CK_OBJECT_HANDLE pad_of(CK_SESSION_HANDLE s);

struct message {
	CK_BYTE bytes[MESSAGE_MAX];
	CK_ULONG len;
};
CK_RV seal(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE key, const void *text, CK_ULONG len, struct message *out);
CK_RV unseal(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE key, const struct message *in, void *text, CK_ULONG *len);
/* The same with the pad of pad_of(), and it must be that text. */
CK_RV opens(CK_SESSION_HANDLE s, const struct message *in, const char *text);
CK_ULONG number(CK_SESSION_HANDLE s, CK_ATTRIBUTE_TYPE type); /* of the pad */

/* The auditor: what bytes of whose half a message took; and none twice. */
struct used {
	unsigned sender;
	uint64_t from, to;
};
struct used used_by(const CK_BYTE *message);
void assert_once(const struct used *all, size_t count);

#endif
