/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test/bench/p11-otp.c - CKM_DSKE_OTP: alice seals messages with a pad in her token, and bob opens them with his.  A pad
 * is used up, so that every round has one of its own.
 */
#include "config.h"

#include "test/bench/p11-side.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pkcs11/dske-pkcs11.h"
#include "test/bench/bench.h"

#define ROUNDS 3
#define MESSAGES 32
#define TEXT_MAX 65536u

static const struct otp_size {
	const char *name;
	CK_ULONG text, pad; /* bytes */
} sizes[] = {{"64 bytes", 64, 65536}, {"1 KiB", 1024, 262144}, {"64 KiB", 65536, 8u << 20}};

static unsigned char text[TEXT_MAX], sealed[MESSAGES][TEXT_MAX + CKDSKE_OTP_MORE];
static CK_MECHANISM otp = {CKM_DSKE_OTP, NULL, 0};

/* As a process of that client. */
static void become(struct side *s, const char *conf)
{
	side_stop(s);
	setenv("DSKE_CONF", conf, 1);
	side_start(s);
}

static CK_OBJECT_HANDLE peer_of(struct side *s)
{
	CK_OBJECT_CLASS class = CKO_DSKE_PEER;
	CK_ATTRIBUTE by = {CKA_CLASS, &class, sizeof class};
	CK_OBJECT_HANDLE peer;
	CK_ULONG count;

	need(s->p11->C_FindObjectsInit(s->session, &by, 1), "C_FindObjectsInit");
	need(s->p11->C_FindObjects(s->session, &peer, 1, &count), "C_FindObjects");
	need(s->p11->C_FindObjectsFinal(s->session), "C_FindObjectsFinal");
	bench_need(count == 1, "there is no peer");
	return peer;
}

static CK_OBJECT_HANDLE pad_new(struct side *s, const char *name, CK_ULONG len)
{
	CK_MECHANISM_TYPE only = CKM_DSKE_OTP;
	CK_DSKE_DERIVE_PARAMS p = {.ulVersion = 1, .ulContextLen = strlen(name)};
	CK_MECHANISM m = {CKM_DSKE_DERIVE, &p, sizeof p};
	CK_ATTRIBUTE templ[] = {{CKA_ALLOWED_MECHANISMS, &only, sizeof only}, {CKA_TOKEN, &yes, 1},     {CKA_ENCRYPT, &yes, 1},
				{CKA_DECRYPT, &yes, 1},                       {CKA_VALUE_LEN, &len, sizeof len}};
	CK_OBJECT_HANDLE pad;

	memcpy(p.context, name, strlen(name));
	need(s->p11->C_DeriveKey(s->session, &m, peer_of(s), templ, sizeof templ / sizeof templ[0], &pad), "C_DeriveKey");
	return pad;
}

static double seal_all(struct side *s, CK_OBJECT_HANDLE pad, CK_ULONG len)
{
	double begun = bench_now();

	for (unsigned k = 0; k < MESSAGES; k++) {
		CK_ULONG sealed_len = sizeof sealed[k];
		need(s->p11->C_EncryptInit(s->session, &otp, pad), "C_EncryptInit");
		need(s->p11->C_Encrypt(s->session, text, len, sealed[k], &sealed_len), "C_Encrypt");
	}
	return MESSAGES / (bench_now() - begun);
}

static double open_all(struct side *s, CK_OBJECT_HANDLE pad, CK_ULONG len)
{
	double begun = bench_now();

	for (unsigned k = 0; k < MESSAGES; k++) {
		CK_ULONG text_len = sizeof text;
		need(s->p11->C_DecryptInit(s->session, &otp, pad), "C_DecryptInit");
		need(s->p11->C_Decrypt(s->session, sealed[k], len + CKDSKE_OTP_MORE, text, &text_len), "C_Decrypt");
	}
	return MESSAGES / (bench_now() - begun);
}

static void one_round(struct side *s, const struct otp_size *z, const char *alice, const char *bob, unsigned round)
{
	char name[64], seals[64], opens[64];

	snprintf(name, sizeof name, "%s %u", z->name, round);
	snprintf(seals, sizeof seals, "one-time pad: encrypt %s", z->name);
	snprintf(opens, sizeof opens, "one-time pad: decrypt %s", z->name);
	become(s, alice);
	CK_OBJECT_HANDLE pad = pad_new(s, name, z->pad);
	row(seals, s->name, seal_all(s, pad, z->text));
	need(s->p11->C_DestroyObject(s->session, pad), "C_DestroyObject");
	become(s, bob);
	pad = pad_new(s, name, z->pad);
	row(opens, s->name, open_all(s, pad, z->text));
	need(s->p11->C_DestroyObject(s->session, pad), "C_DestroyObject");
}

void otp_rows(struct side *s, const char *alice, const char *bob)
{
	for (unsigned round = 0; round < ROUNDS; round++)
		for (size_t k = 0; k < sizeof sizes / sizeof sizes[0]; k++)
			one_round(s, &sizes[k], alice, bob, round);
}
