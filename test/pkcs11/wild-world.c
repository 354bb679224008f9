/* SPDX-License-Identifier: Apache-2.0 */
/* A token with keys of all kinds, and sessions that a case may leave in any state. */
#include <config.h>

#include "test/pkcs11/wild.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/pkcs11/token-fixture.h"

struct wild_world world;

/* ---- keys -------------------------------------------------------------------------------------------------- */

enum { OPEN = 1, HIDDEN = 2, TOKEN = 4, PRIVATE = 8, FIXED = 16, PAD = 32 };

static const struct {
	CK_KEY_TYPE type;
	CK_ULONG len;
	unsigned how;
} kinds[WILD_KEYS] = {
	{CKK_AES, 16, OPEN}, {CKK_AES, 24, OPEN}, {CKK_AES, 32, OPEN}, {CKK_AES, 32, HIDDEN}, {CKK_AES, 16, OPEN | TOKEN},
	{CKK_AES, 32, HIDDEN | TOKEN | PRIVATE}, {CKK_GENERIC_SECRET, 32, OPEN}, {CKK_GENERIC_SECRET, 1, OPEN},
	{CKK_GENERIC_SECRET, 200, HIDDEN | PRIVATE}, {CKK_GENERIC_SECRET, 64, OPEN | FIXED}, {CKK_CHACHA20, 32, OPEN},
	{CKK_CHACHA20, 32, HIDDEN}, {CKK_POLY1305, 32, OPEN}, {CKK_HKDF, 48, OPEN}, {CKK_SHA256_HMAC, 32, OPEN},
	{CKK_SHA512_HMAC, 64, HIDDEN}, {CKK_GENERIC_SECRET, 512, PAD}, {CKK_GENERIC_SECRET, 4000, OPEN},
};

CK_KEY_TYPE world_key_type(size_t i)
{
	return kinds[i].type;
}

/* Always another: a pad that was destroyed does not come back. */
static CK_OBJECT_HANDLE pad_new(void)
{
	static unsigned long count;
	char name[40];
	static CK_MECHANISM_TYPE only = CKM_DSKE_OTP;
	static CK_KEY_TYPE generic = CKK_GENERIC_SECRET;
	static CK_ULONG len = 512;
	CK_ATTRIBUTE templ[] = {{CKA_KEY_TYPE, &generic, sizeof generic}, {CKA_VALUE_LEN, &len, sizeof len},
				{CKA_TOKEN, &yes, 1}, {CKA_ENCRYPT, &yes, 1}, {CKA_DECRYPT, &yes, 1},
				{CKA_ALLOWED_MECHANISMS, &only, sizeof only}};
	CK_OBJECT_HANDLE key = 0;

	snprintf(name, sizeof name, "pad %lu", count++);
	CK_DSKE_DERIVE_PARAMS p = context(name);
	(void)derive(world.home, peer(world.home, "bob"), &p, templ, 6, &key);
	return key;
}

static CK_OBJECT_HANDLE key_new(size_t i)
{
	static unsigned char value[4096];
	CK_BBOOL open = (kinds[i].how & OPEN) != 0, token = (kinds[i].how & TOKEN) != 0;
	CK_BBOOL private = (kinds[i].how & PRIVATE) != 0;
	CK_BBOOL loose = (kinds[i].how & FIXED) == 0;
	CK_KEY_TYPE type = kinds[i].type;
	CK_ATTRIBUTE templ[20] = {{CKA_CLASS, &secret_class, sizeof secret_class}, {CKA_KEY_TYPE, &type, sizeof type},
				  {CKA_VALUE, value, kinds[i].len}, {CKA_EXTRACTABLE, &open, 1}, {CKA_TOKEN, &token, 1},
				  {CKA_PRIVATE, &private, 1}, {CKA_MODIFIABLE, &loose, 1}, {CKA_COPYABLE, &loose, 1}};
	static const CK_ATTRIBUTE_TYPE uses[] = {CKA_ENCRYPT, CKA_DECRYPT, CKA_SIGN,  CKA_VERIFY,
						 CKA_WRAP,    CKA_UNWRAP,  CKA_DERIVE};
	CK_OBJECT_HANDLE key = 0;
	size_t n = 8;

	if (kinds[i].how == PAD)
		return pad_new();
	memset(value, (int)(17 * i + 1), sizeof value);
	for (size_t k = 0; k < sizeof uses / sizeof uses[0]; k++)
		templ[n++] = (CK_ATTRIBUTE){uses[k], &yes, 1};
	(void)p11->C_CreateObject(world.home, templ, n, &key);
	return key;
}

static bool is_there(CK_OBJECT_HANDLE key)
{
	CK_ULONG size;

	return key != 0 && p11->C_GetObjectSize(world.home, key, &size) == CKR_OK;
}

/* What was there before the first case: a peer, a peer's key, profiles. */
static void others_find(void)
{
	CK_OBJECT_HANDLE list[8];
	CK_ULONG n = 0;
	CK_OBJECT_CLASS profile = CKO_PROFILE;
	CK_ATTRIBUTE templ = {CKA_CLASS, &profile, sizeof profile};

	world.other[0] = peer(world.home, "bob");
	world.other[1] = ec_key(world.home, "bob/key");
	world.other_count = 2;
	(void)p11->C_FindObjectsInit(world.home, &templ, 1);
	(void)p11->C_FindObjects(world.home, list, 8, &n);
	(void)p11->C_FindObjectsFinal(world.home);
	for (CK_ULONG i = 0; i < n; i++)
		world.other[world.other_count++] = list[i];
}

/* ---- sessions ---------------------------------------------------------------------------------------------- */

void world_bury(CK_ULONG handle)
{
	world.dead[world.dead_count < WILD_DEAD ? world.dead_count++ : draw(WILD_DEAD)] = handle;
}

static CK_SESSION_HANDLE open_one(CK_SLOT_ID slot, CK_FLAGS flags)
{
	CK_SESSION_HANDLE s = 0;

	(void)p11->C_OpenSession(slot, CKF_SERIAL_SESSION | flags, NULL, NULL, &s);
	return s;
}

static bool is_open(CK_SESSION_HANDLE s)
{
	CK_SESSION_INFO info;

	return s != 0 && p11->C_GetSessionInfo(s, &info) == CKR_OK;
}

/* The last two are read-only: one of the token, one of a PSKM. */
static void sessions_mend(void)
{
	for (size_t i = 0; i < WILD_SESSIONS; i++) {
		if (is_open(world.session[i]))
			continue;
		world_bury(world.session[i]);
		world.session[i] = open_one(i == WILD_SESSIONS - 1 ? 1 : 0, i < WILD_SESSIONS - 2 ? CKF_RW_SESSION : 0);
		world.message[i] = CK_UNAVAILABLE_INFORMATION;
	}
}

/* ---- all of it --------------------------------------------------------------------------------------------- */

static bool user_is_in(void)
{
	CK_SESSION_INFO info = {0};

	return p11->C_GetSessionInfo(world.home, &info) == CKR_OK && info.state == CKS_RW_USER_FUNCTIONS;
}

static void fill(void)
{
	(void)p11->C_Initialize(NULL);
	if (!is_open(world.home)) {
		world.home = open_one(0, CKF_RW_SESSION);
		world.other_count = 0;
	}
	(void)p11_all->C_SessionCancel(world.home, ~0ul); /* a number that was to be none may have been this session */
	sessions_mend();
	if (!user_is_in()) {
		(void)p11->C_Logout(world.home);
		login(world.home);
	}
	if (world.other_count == 0)
		others_find();
	for (size_t i = 0; i < WILD_KEYS; i++) {
		if (is_there(world.key[i]))
			continue;
		world_bury(world.key[i]);
		world.key[i] = key_new(i);
	}
}

void world_begin(void)
{
	memset(&world, 0, sizeof world);
	if (setup(NULL) != 0)
		abort();
	(void)p11->C_Finalize(NULL);
	make_token();
	fill();
}

void world_end(void)
{
	if (teardown(NULL) != 0)
		abort();
}

void world_mend(void)
{
	if (world.spoilt) {
		world_end();
		world_begin();
	} else if (one_in(3)) { /* else the next case meets what this one left */
		fill();
	}
}

bool world_works(void)
{
	CK_BYTE text[40] = "as useful as before", sealed[64], again[64];
	CK_BYTE iv[12] = {1};
	CK_GCM_PARAMS p = {iv, sizeof iv, 96, NULL, 0, 128};
	CK_MECHANISM gcm = {CKM_AES_GCM, &p, sizeof p};
	CK_ULONG sealed_len = sizeof sealed, again_len = sizeof again;

	fill();
	for (size_t i = 0; i < WILD_KEYS; i++) {
		if (is_there(world.key[i]))
			continue;
		fprintf(stderr, "key %zu cannot be made\n", i);
		return false;
	}
	CK_OBJECT_HANDLE key = key_new(0); /* a case may have said of the others that they are for nothing */
	bool right = p11->C_EncryptInit(world.home, &gcm, key) == CKR_OK &&
		     p11->C_Encrypt(world.home, text, sizeof text, sealed, &sealed_len) == CKR_OK &&
		     p11->C_DecryptInit(world.home, &gcm, key) == CKR_OK &&
		     p11->C_Decrypt(world.home, sealed, sealed_len, again, &again_len) == CKR_OK;
	return right && again_len == sizeof text && memcmp(text, again, sizeof text) == 0 &&
	       p11->C_DestroyObject(world.home, key) == CKR_OK;
}
