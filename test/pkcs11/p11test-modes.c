/* SPDX-License-Identifier: Apache-2.0 */
/* What is particular to one mode: counters that end, lengths that were said beforehand, parameters that cannot be. */
#include "test/pkcs11/p11test.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

static CK_RV encrypt(CK_SESSION_HANDLE s, CK_MECHANISM *mech, CK_OBJECT_HANDLE key, size_t len, unsigned char *out)
{
	static unsigned char zeros[256];
	CK_ULONG n = 256;
	CK_RV rv = p11->C_EncryptInit(s, mech, key);

	return rv == CKR_OK ? p11->C_Encrypt(s, zeros, len, out, &n) : rv;
}

/* ---- counters -------------------------------------------------------------------------------------------- */

static void counter_of(CK_AES_CTR_PARAMS *p, CK_ULONG bits, const char *block)
{
	p->ulCounterBits = bits;
	unhex(p->cb, block);
}

/* PKCS#11 3.0, 6.11: "if ulCounterBits = 2 and the counter bits start as 1 then only 3 blocks of data can be processed". */
static void counter_ends(CK_OBJECT_HANDLE key, CK_ULONG bits, const char *block, size_t room)
{
	CK_SESSION_HANDLE s = session_new(0);
	CK_AES_CTR_PARAMS p;
	CK_MECHANISM mech = {CKM_AES_CTR, &p, sizeof p};
	unsigned char data[256] = {0}, out[256];
	CK_ULONG n = sizeof out;

	item("%lu bits of %s", bits, block);
	counter_of(&p, bits, block);
	IS(encrypt(s, &mech, key, room, out), CKR_OK);
	IS(encrypt(s, &mech, key, room + 1, out), CKR_DATA_LEN_RANGE);
	MUST(p11->C_DecryptInit(s, &mech, key));
	IS(p11->C_DecryptUpdate(s, data, room - 1, out, &n), CKR_OK);
	n = sizeof out;
	IS(p11->C_DecryptUpdate(s, data, 1, out, &n), CKR_OK);
	n = sizeof out;
	IS(p11->C_DecryptUpdate(s, data, 1, out, &n), CKR_DATA_LEN_RANGE);
	IS(p11->C_DecryptFinal(s, out, &n), CKR_OPERATION_NOT_INITIALIZED);
}

void case_counters(void)
{
	CK_SESSION_HANDLE s = session_user();
	unsigned char value[16] = {5}, two[256], second[256];
	CK_AES_CTR_PARAMS p;
	CK_MECHANISM mech = {CKM_AES_CTR, &p, sizeof p};

	if (offers(CKM_AES_CTR)) {
		CK_OBJECT_HANDLE key = key_new(s, CKK_AES, value, sizeof value, "ctr");
		counter_ends(key, 2, "000102030405060708090a0b0c0d0e01", 48);
		counter_ends(key, 2, "00000000000000000000000000000003", 16);
		counter_ends(key, 1, "ffffffffffffffffffffffffffffff00", 32);
		counter_ends(key, 9, "000000000000000000000000000001f3", 16 * 13);
		counter_ends(key, 32, "000000000000000000000000fffffffe", 32);
		counter_ends(key, 64, "0000000000000000fffffffffffffffd", 48);
		counter_ends(key, 128, "ffffffffffffffffffffffffffffffff", 16);
		item("what is carried goes all the way");
		counter_of(&p, 128, "0000000000000000ffffffffffffffff");
		IS(encrypt(s, &mech, key, 32, two), CKR_OK);
		counter_of(&p, 64, "00000000000000010000000000000000");
		IS(encrypt(s, &mech, key, 16, second), CKR_OK);
		CHECK(memcmp(two + 16, second, 16) == 0);
		item("bits that there cannot be");
		for (CK_ULONG bits = 129; bits != 0; bits = bits > 0x10000000 ? 0 : bits * 3) {
			counter_of(&p, bits, "00000000000000000000000000000000");
			IS(p11->C_EncryptInit(s, &mech, key), CKR_MECHANISM_PARAM_INVALID);
		}
		p.ulCounterBits = 0;
		IS(p11->C_EncryptInit(s, &mech, key), CKR_MECHANISM_PARAM_INVALID);
	}
	IS(p11->C_CloseAllSessions(slot), CKR_OK);
}

void case_chacha20(void)
{
	CK_SESSION_HANDLE s = session_user();
	unsigned char value[32] = {7}, counter[8] = {0xff, 0xff, 0xff, 0xff}, after[8] = {0, 0, 0, 0, 1}, nonce[12] = {9};
	unsigned char two[256], second[256];
	CK_CHACHA20_PARAMS p = {counter, 64, nonce, 64};
	CK_MECHANISM mech = {CKM_CHACHA20, &p, sizeof p};

	if (offers(CKM_CHACHA20)) {
		CK_OBJECT_HANDLE key = key_new(s, CKK_CHACHA20, value, sizeof value, "chacha");
		/* The original's counter has 64 bits. */
		IS(encrypt(s, &mech, key, 128, two), CKR_OK);
		p.pBlockCounter = after;
		IS(encrypt(s, &mech, key, 64, second), CKR_OK);
		CHECK(memcmp(two + 64, second, 64) == 0);
		/* RFC 8439's has 32, and ends before it runs into the nonce. */
		p = (CK_CHACHA20_PARAMS){counter, 32, nonce, 96};
		IS(encrypt(s, &mech, key, 64, two), CKR_OK);
		IS(encrypt(s, &mech, key, 65, two), CKR_DATA_LEN_RANGE);
		static const CK_ULONG bad[][2] = {{32, 64}, {64, 96}, {0, 96}, {32, 0}, {33, 96}, {32, 12}, {32, 192}, {~0ul, ~0ul}};
		for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
			p.blockCounterBits = bad[i][0];
			p.ulNonceBits = bad[i][1];
			IS(p11->C_EncryptInit(s, &mech, key), CKR_MECHANISM_PARAM_INVALID);
		}
		p = (CK_CHACHA20_PARAMS){NULL, 32, nonce, 96};
		IS(p11->C_EncryptInit(s, &mech, key), CKR_MECHANISM_PARAM_INVALID);
		p = (CK_CHACHA20_PARAMS){counter, 32, NULL, 96};
		IS(p11->C_EncryptInit(s, &mech, key), CKR_MECHANISM_PARAM_INVALID);
		/* An AES key is none of ChaCha20, though it is as long. */
		p = (CK_CHACHA20_PARAMS){counter, 32, nonce, 96};
		CK_OBJECT_HANDLE other = key_new(s, CKK_AES, value, sizeof value, "aes");
		IS(p11->C_EncryptInit(s, &mech, other), CKR_KEY_TYPE_INCONSISTENT);
	}
	IS(p11->C_CloseAllSessions(slot), CKR_OK);
}

/* ---- the length of CCM's data --------------------------------------------------------------------------- */

void case_ccm_length(void)
{
	CK_SESSION_HANDLE s = session_user();
	unsigned char value[16] = {5}, nonce[13] = {1}, data[64] = {0}, out[96];
	CK_CCM_PARAMS p = {20, nonce, 12, NULL, 0, 8};
	CK_MECHANISM mech = {CKM_AES_CCM, &p, sizeof p};
	CK_ULONG n = sizeof out;

	if (offers(CKM_AES_CCM)) {
		CK_OBJECT_HANDLE key = key_new(s, CKK_AES, value, sizeof value, "ccm");
		IS(encrypt(s, &mech, key, 20, out), CKR_OK);
		IS(encrypt(s, &mech, key, 19, out), CKR_DATA_LEN_RANGE);
		IS(encrypt(s, &mech, key, 21, out), CKR_DATA_LEN_RANGE);
		MUST(p11->C_DecryptInit(s, &mech, key));
		IS(p11->C_Decrypt(s, data, 27, out, &n), CKR_ENCRYPTED_DATA_LEN_RANGE);
		n = sizeof out;
		MUST(p11->C_EncryptInit(s, &mech, key));
		IS(p11->C_EncryptUpdate(s, data, 19, out, &n), CKR_OK);
		CHECK(n == 0);
		n = sizeof out;
		IS(p11->C_EncryptFinal(s, out, &n), CKR_DATA_LEN_RANGE);
		/* Nothing, authenticated, and every length of MAC. */
		p.ulDataLen = 0;
		for (p.ulMACLen = 0; p.ulMACLen < 20; p.ulMACLen++) {
			bool right = p.ulMACLen >= 4 && p.ulMACLen <= 16 && p.ulMACLen % 2 == 0;
			IS(encrypt(s, &mech, key, 0, out), right ? CKR_OK : CKR_MECHANISM_PARAM_INVALID);
			if (!right)
				continue;
			for (int wrong = 0; wrong < 2; wrong++) {
				out[p.ulMACLen - 1] ^= (unsigned char)wrong;
				MUST(p11->C_DecryptInit(s, &mech, key));
				n = sizeof data;
				IS(p11->C_Decrypt(s, out, p.ulMACLen, data, &n), wrong ? CKR_ENCRYPTED_DATA_INVALID : CKR_OK);
			}
		}
		p.ulMACLen = 8;
		for (p.ulNonceLen = 0; p.ulNonceLen < 20; p.ulNonceLen++) {
			bool right = p.ulNonceLen >= 7 && p.ulNonceLen <= 13;
			IS(encrypt(s, &mech, key, 0, out), right ? CKR_OK : CKR_MECHANISM_PARAM_INVALID);
		}
	}
	IS(p11->C_CloseAllSessions(slot), CKR_OK);
}

/* ---- GCM's parameter without ulIvBits, as the text of 2.40 has it --------------------------------------- */

void case_gcm_without_bits(void)
{
	CK_SESSION_HANDLE s = session_user();
	struct gcm_case c;
	unsigned char out[128];
	CK_ULONG n = sizeof out;

	if (offers(CKM_AES_GCM)) {
		gcm_load(&c, s, &gcm_vectors[0]);
		CK_ULONG words[5] = {(CK_ULONG)c.iv, c.params.ulIvLen, (CK_ULONG)c.ad, c.params.ulAADLen, 128};
		CK_MECHANISM mech = {CKM_AES_GCM, words, sizeof words};
		MUST(p11->C_EncryptInit(s, &mech, c.handle));
		IS(p11->C_Encrypt(s, c.plain, c.plain_len, out, &n), CKR_OK);
		CHECK(n == c.sealed_len && memcmp(out, c.sealed, n) == 0);
	}
	IS(p11->C_CloseAllSessions(slot), CKR_OK);
}

/* ---- a key that goes ------------------------------------------------------------------------------------ */

/* Operations of session s with a key end when `go` takes it away; another key's go on. */
static void key_goes(CK_OBJECT_HANDLE key, CK_RV (*go)(CK_SESSION_HANDLE, CK_OBJECT_HANDLE), CK_SESSION_HANDLE owner)
{
	CK_SESSION_HANDLE s = session_new(0), t = session_new(0);
	unsigned char iv[16] = {0}, data[64] = {0}, out[96];
	CK_GCM_PARAMS gcm = {iv, 12, 96, NULL, 0, 128};
	CK_MECHANISM mech = {CKM_AES_GCM, &gcm, sizeof gcm};
	CK_ULONG n = sizeof out;

	MUST(p11->C_EncryptInit(s, &mech, key));
	IS(p11->C_EncryptUpdate(s, data, 20, out, &n), CKR_OK);
	MUST(p11->C_DecryptInit(t, &mech, key));
	MUST(go(owner, key));
	n = sizeof out;
	EITHER(p11->C_EncryptUpdate(s, data, 20, out, &n), CKR_KEY_HANDLE_INVALID, CKR_OPERATION_NOT_INITIALIZED);
	IS(p11->C_EncryptFinal(s, out, &n), CKR_OPERATION_NOT_INITIALIZED);
	EITHER(p11->C_Decrypt(t, data, 40, out, &n), CKR_KEY_HANDLE_INVALID, CKR_OPERATION_NOT_INITIALIZED);
	IS(p11->C_EncryptInit(s, &mech, key), CKR_KEY_HANDLE_INVALID);
}

static CK_RV destroy(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE key)
{
	return p11->C_DestroyObject(s, key);
}

static CK_RV close_owner(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE key)
{
	(void)key;
	return p11->C_CloseSession(s);
}

static CK_RV logout(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE key)
{
	(void)key;
	return p11->C_Logout(s);
}

void case_key_goes(void)
{
	CK_SESSION_HANDLE s = session_user(), owner = session_new(CKF_RW_SESSION);
	unsigned char value[32] = {3};
	CK_KEY_TYPE type = CKK_AES;
	CK_ATTRIBUTE templ[] = {
		{CKA_CLASS, &secret_class, sizeof secret_class}, {CKA_KEY_TYPE, &type, sizeof type},
		{CKA_VALUE, value, sizeof value}, {CKA_ENCRYPT, &yes, sizeof yes}, {CKA_DECRYPT, &yes, sizeof yes},
		{CKA_PRIVATE, &yes, sizeof yes},
	};
	CK_OBJECT_HANDLE key = 0;

	if (offers(CKM_AES_GCM)) {
		item("it is destroyed");
		key_goes(key_new(owner, CKK_AES, value, sizeof value, "destroyed"), destroy, owner);
		item("its session is closed");
		key_goes(key_new(owner, CKK_AES, value, sizeof value, "its session closed"), close_owner, owner);
		item("it is private, and the user is logged out");
		MUST(p11->C_CreateObject(s, templ, 6, &key));
		key_goes(key, logout, s);
	}
	IS(p11->C_CloseAllSessions(slot), CKR_OK);
}

/* ---- one key, many threads ------------------------------------------------------------------------------- */

struct sharer {
	CK_SESSION_HANDLE s;
	struct gcm_case gcm;
	unsigned char sealed[16]; /* of zeros by CBC */
	atomic_uint *started;
	unsigned wrong, rounds;
};

/* One message each way: GCM with its tag, or a block by CBC.  The key's going is the end. */
static bool share_once(struct sharer *me, bool gcm, bool encrypt)
{
	static const unsigned char zeros[16];
	unsigned char iv[16] = {0}, out[128];
	CK_MECHANISM cbc = {CKM_AES_CBC, iv, 16};
	const unsigned char *plain = gcm ? me->gcm.plain : zeros, *sealed = gcm ? me->gcm.sealed : me->sealed;
	CK_ULONG plain_len = gcm ? me->gcm.plain_len : 16, sealed_len = gcm ? me->gcm.sealed_len : 16, n = sizeof out;
	CK_RV rv = (encrypt ? p11->C_EncryptInit : p11->C_DecryptInit)(me->s, gcm ? &me->gcm.mech : &cbc, me->gcm.handle);

	if (rv == CKR_OK && encrypt)
		rv = p11->C_Encrypt(me->s, (CK_BYTE *)plain, plain_len, out, &n);
	else if (rv == CKR_OK)
		rv = p11->C_Decrypt(me->s, (CK_BYTE *)sealed, sealed_len, out, &n);
	if (rv == CKR_KEY_HANDLE_INVALID || rv == CKR_OBJECT_HANDLE_INVALID || rv == CKR_OPERATION_NOT_INITIALIZED)
		return false;
	bool right = rv == CKR_OK && n == (encrypt ? sealed_len : plain_len) && memcmp(out, encrypt ? sealed : plain, n) == 0;
	me->wrong += !right;
	return true;
}

static void *share(void *arg)
{
	struct sharer *me = arg;

	for (; share_once(me, me->rounds % 3 != 0, me->rounds % 2 == 0); me->rounds++)
		if (me->rounds == 200)
			atomic_fetch_add(me->started, 1);
	atomic_fetch_add(me->started, me->rounds < 200);
	return NULL;
}

void case_shared_key(void)
{
	CK_SESSION_HANDLE s = session_user();
	struct sharer all[6];
	pthread_t thread[6];
	atomic_uint started = 0;
	unsigned char iv[16] = {0}, zeros[16] = {0};
	CK_MECHANISM cbc = {CKM_AES_CBC, iv, 16};

	if (offers(CKM_AES_GCM) && offers(CKM_AES_CBC)) {
		gcm_load(&all[0].gcm, s, &gcm_vectors[1]);
		CK_OBJECT_HANDLE key = all[0].gcm.handle;
		for (size_t i = 0; i < 6; i++) {
			gcm_load(&all[i].gcm, s, &gcm_vectors[1]);
			all[i].gcm.handle = key;
			CK_ULONG n = 16;
			MUST(p11->C_EncryptInit(s, &cbc, key));
			IS(p11->C_Encrypt(s, zeros, 16, all[i].sealed, &n), CKR_OK);
			all[i].s = session_new(0);
			all[i].started = &started;
			all[i].wrong = all[i].rounds = 0;
		}
		for (size_t i = 0; i < 6; i++)
			CHECK(pthread_create(&thread[i], NULL, share, &all[i]) == 0);
		while (atomic_load(&started) < 6)
			sched_yield();
		IS(p11->C_DestroyObject(s, key), CKR_OK);
		for (size_t i = 0; i < 6; i++) {
			pthread_join(thread[i], NULL);
			CHECK(all[i].wrong == 0 && all[i].rounds > 200);
		}
	}
	IS(p11->C_CloseAllSessions(slot), CKR_OK);
}
