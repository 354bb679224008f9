/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench-otp [LINE...]: messages a second under one-time pads (CKM_DSKE_OTP), by the size of messages and of pads, for
 * token objects and for session objects; one thread, both ends in turn, no network.  Each LINE goes into both ends'
 * configurations: what they reserve ahead, for one.  The tokens lie below TMPDIR.
 */
#include "config.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "pkcs11/p11-3x.h"
#include "pkcs11/slot.h"
#include "store/store.h"
#include "test/bench/bench.h"
#include "test/lib/scratch.h"

#define PIN "123456"
#define SO_PIN "87654321"
#define SECONDS 1.0 /* of one row, at most; or until the pad is used up */
#define MESSAGES_MAX 20000
#define MORE CKDSKE_OTP_MORE

static struct end {
	const char *name, *peer, *id, *peer_id;
	char folder[600], conf[700];
} alice = {"alice", "bob", "0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a", "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "", ""},
  bob = {"bob", "alice", "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a", "", ""};

static CK_FUNCTION_LIST *p11;
static CK_MECHANISM otp = {CKM_DSKE_OTP, NULL, 0};
static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
static unsigned char *sent; /* the messages of a row, one after the other */
static unsigned char text[1 << 20];

static void need(CK_RV rv, const char *what)
{
	if (rv == CKR_OK)
		return;
	fprintf(stderr, "bench-otp: %s: 0x%lx\n", what, rv);
	exit(1);
}

/* ---- two clients --------------------------------------------------------------------------------------------- */

static dske_rc make_token(const char *folder, const char *name)
{
	AUTO(secret) master = {0};
	uint8_t label[STORE_LABEL_LEN];
	struct store *s;

	slot_pad(label, sizeof label, name);
	TRY(store_new(&s, folder, (struct store_cost){.memory_kib = 8, .passes = 1}));
	dske_rc rc = store_init(s, SO_PIN, strlen(SO_PIN), label);
	if (rc_ok(rc))
		rc = store_login(s, STORE_PIN_SO, SO_PIN, strlen(SO_PIN), &master);
	if (rc_ok(rc))
		rc = store_set_pin(s, &master, STORE_PIN_USER, PIN, strlen(PIN));
	store_free(s);
	return rc;
}

static void end_make(struct end *e, const char *root, char **lines, int count)
{
	char path[700];

	snprintf(e->folder, sizeof e->folder, "%s/%s", root, e->name);
	snprintf(e->conf, sizeof e->conf, "%s/dske.conf", e->folder);
	bench_need_ok(file_make_dirs(e->folder, 0700), "a folder");
	FILE *f = fopen(e->conf, "w");
	bench_need(f != NULL, "a configuration was not written");
	fprintf(f, "[client]\nname = %s\nid = %s\nlog = %s/log\n", e->name, e->id, e->folder);
	for (int i = 0; i < count; i++)
		fprintf(f, "%s\n", lines[i]);
	fclose(f);
	snprintf(path, sizeof path, "%s/peers", e->folder);
	f = fopen(path, "w");
	bench_need(f != NULL, "a list of peers was not written");
	fprintf(f, "[peer %s]\nid = %s\nhubs_agreed = 3\nhubs_asked = 3\n", e->peer, e->peer_id);
	fclose(f);
	bench_need_ok(make_token(e->folder, e->name), "a token");
}

/* As a process of that client. */
static CK_SESSION_HANDLE as(const struct end *e)
{
	CK_SESSION_HANDLE s;

	(void)p11->C_Finalize(NULL);
	setenv("DSKE_CONF", e->conf, 1);
	need(p11->C_Initialize(NULL), "C_Initialize");
	need(p11->C_OpenSession(0, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &s), "C_OpenSession");
	need(p11->C_Login(s, CKU_USER, (CK_UTF8CHAR *)(uintptr_t)PIN, strlen(PIN)), "C_Login");
	return s;
}

static CK_OBJECT_HANDLE find(CK_SESSION_HANDLE s, CK_OBJECT_CLASS class, const char *label)
{
	CK_ATTRIBUTE templ[] = {{CKA_CLASS, &class, sizeof class}, {CKA_LABEL, (void *)(uintptr_t)label, strlen(label)}};
	CK_OBJECT_HANDLE found;
	CK_ULONG n = 0;

	need(p11->C_FindObjectsInit(s, templ, 2), "C_FindObjectsInit");
	need(p11->C_FindObjects(s, &found, 1, &n), "C_FindObjects");
	need(p11->C_FindObjectsFinal(s), "C_FindObjectsFinal");
	bench_need(n == 1, "an object was not found");
	return found;
}

static CK_OBJECT_HANDLE agree(CK_SESSION_HANDLE s, const struct end *e, const char *label, CK_ULONG len, CK_BBOOL *token)
{
	CK_DSKE_DERIVE_PARAMS p = {.ulVersion = 1, .ulContextLen = strlen(label)};
	CK_MECHANISM derive = {CKM_DSKE_DERIVE, &p, sizeof p};
	CK_ATTRIBUTE templ[] = {{CKA_ALLOWED_MECHANISMS, &otp.mechanism, sizeof otp.mechanism},
				{CKA_ENCRYPT, &yes, 1},
				{CKA_DECRYPT, &yes, 1},
				{CKA_TOKEN, token, 1},
				{CKA_VALUE_LEN, &len, sizeof len},
				{CKA_LABEL, (void *)(uintptr_t)label, strlen(label)}};
	CK_OBJECT_HANDLE key;

	memcpy(p.context, label, strlen(label));
	need(p11->C_DeriveKey(s, &derive, find(s, CKO_DSKE_PEER, e->peer), templ, 6, &key), "C_DeriveKey");
	return key;
}

/* ---- a row --------------------------------------------------------------------------------------------------- */

struct row {
	CK_ULONG pad_len, text_len;
	CK_BBOOL *token;
};

static size_t send_all(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE key, const struct row *r, double *seconds)
{
	size_t n = 0, most = r->pad_len / 2 / (r->text_len + 32);
	double from = bench_now();

	for (*seconds = 0; n < most && n < MESSAGES_MAX && *seconds < SECONDS; n++) {
		CK_ULONG len = r->text_len + MORE;
		need(p11->C_EncryptInit(s, &otp, key), "C_EncryptInit");
		need(p11->C_Encrypt(s, text, r->text_len, sent + n * len, &len), "C_Encrypt");
		*seconds = bench_now() - from;
	}
	return n;
}

static size_t receive_all(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE key, const struct row *r, size_t count, double *seconds)
{
	size_t n = 0, whole = r->text_len + MORE;
	double from = bench_now();

	for (*seconds = 0; n < count && *seconds < SECONDS; n++) {
		CK_ULONG len = sizeof text;
		need(p11->C_DecryptInit(s, &otp, key), "C_DecryptInit");
		need(p11->C_Decrypt(s, sent + n * whole, whole, text, &len), "C_Decrypt");
		*seconds = bench_now() - from;
	}
	return n;
}

static void run(const struct row *r)
{
	static unsigned number;
	const char *kind = r->token == &yes ? "token" : "session";
	char label[40], name[100];
	double sending, receiving;

	snprintf(label, sizeof label, "pad %u", number++);
	CK_SESSION_HANDLE s = as(&alice);
	CK_OBJECT_HANDLE key = agree(s, &alice, label, r->pad_len, r->token);
	size_t n = send_all(s, key, r, &sending);
	if (r->token == &yes)
		need(p11->C_DestroyObject(s, key), "C_DestroyObject");
	s = as(&bob);
	key = agree(s, &bob, label, r->pad_len, r->token);
	size_t taken = receive_all(s, key, r, n, &receiving);
	if (r->token == &yes)
		need(p11->C_DestroyObject(s, key), "C_DestroyObject");
	snprintf(name, sizeof name, "%s, pad of %lu KiB, %lu bytes: encrypt", kind, r->pad_len >> 10, r->text_len);
	bench_line(name, (double)n / sending, "/s");
	snprintf(name, sizeof name, "%s, pad of %lu KiB, %lu bytes: decrypt", kind, r->pad_len >> 10, r->text_len);
	bench_line(name, (double)taken / receiving, "/s");
}

int main(int argc, char **argv)
{
	static const CK_ULONG lens[] = {64, 1 << 10, 64 << 10, 1 << 20}, pads[] = {1 << 20, 16 << 20};
	struct path folder;

	sent = malloc((size_t)64 << 20);
	bench_need(sent != NULL, "no memory");
	scratch_make(&folder);
	end_make(&alice, folder.s, argv + 1, argc - 1);
	end_make(&bob, folder.s, argv + 1, argc - 1);
	need(C_GetFunctionList(&p11), "C_GetFunctionList");
	bench_header(folder.s);
	for (int token = 0; token < 2; token++) {
		for (size_t p = 0; p < 2; p++) {
			for (size_t i = 0; i < 4; i++) {
				struct row r = {pads[p], lens[i], token ? &yes : &no};
				if (r.text_len + 32 <= r.pad_len / 2)
					run(&r);
			}
		}
	}
	(void)p11->C_Finalize(NULL);
	free(sent);
	scratch_remove(&folder);
	return 0;
}
