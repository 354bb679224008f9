/* SPDX-License-Identifier: Apache-2.0 */
/* What keys are for: each verb beside permissions, mechanisms and keys that do not fit; and where keys are made. */
#include "test/pkcs11/p11test.h"

static unsigned char value[32] = {9, 8, 7}, iv[16], out[128];
static CK_MECHANISM cbc = {CKM_AES_CBC, iv, sizeof iv}, hmac = {CKM_SHA256_HMAC, NULL, 0};
static CK_MECHANISM sha256 = {CKM_SHA256, NULL, 0};
static CK_MECHANISM wrap = {CKM_AES_KEY_WRAP, NULL, 0}, aes_gen = {CKM_AES_KEY_GEN, NULL, 0};
static CK_BYTE text[32];
static CK_KEY_DERIVATION_STRING_DATA string = {text, sizeof text};
static CK_MECHANISM encrypt_data = {CKM_AES_ECB_ENCRYPT_DATA, &string, sizeof string};
static CK_ULONG n, len16 = 16;
static CK_OBJECT_HANDLE made;

/* A session key that may do what is asked of it, but for one thing. */
static CK_OBJECT_HANDLE key_without(CK_SESSION_HANDLE s, CK_KEY_TYPE type, CK_ATTRIBUTE_TYPE not)
{
	static const CK_ATTRIBUTE_TYPE all[] = {CKA_ENCRYPT, CKA_DECRYPT, CKA_SIGN, CKA_VERIFY, CKA_WRAP, CKA_UNWRAP,
						CKA_DERIVE, CKA_EXTRACTABLE};
	CK_ATTRIBUTE templ[12] = {{CKA_CLASS, &secret_class, sizeof secret_class}, {CKA_KEY_TYPE, &type, sizeof type},
				  {CKA_VALUE, value, sizeof value}, {CKA_PRIVATE, &no, 1}};
	CK_OBJECT_HANDLE key = 0;

	for (size_t i = 0; i < 8; i++)
		templ[4 + i] = (CK_ATTRIBUTE){all[i], all[i] == not ? &no : &yes, 1};
	IS(p11->C_CreateObject(s, templ, 12, &key), CKR_OK);
	return key;
}

static CK_RV unwrap(CK_SESSION_HANDLE s, CK_MECHANISM *mech, CK_OBJECT_HANDLE with, CK_BBOOL token, CK_BBOOL private)
{
	CK_ATTRIBUTE templ[] = {{CKA_CLASS, &secret_class, sizeof secret_class}, {CKA_KEY_TYPE, &aes, sizeof aes},
				{CKA_TOKEN, &token, 1}, {CKA_PRIVATE, &private, 1}};
	/* RFC 3394, 4.1, would be another key's: this one opens under `value`, once it was wrapped. */
	return p11->C_UnwrapKey(s, mech, with, out, n, templ, 4, &made);
}

static CK_RV derive(CK_SESSION_HANDLE s, CK_MECHANISM *mech, CK_OBJECT_HANDLE with, CK_BBOOL token, CK_BBOOL private)
{
	CK_ATTRIBUTE templ[] = {{CKA_CLASS, &secret_class, sizeof secret_class}, {CKA_KEY_TYPE, &generic, sizeof generic},
				{CKA_TOKEN, &token, 1}, {CKA_PRIVATE, &private, 1}, {CKA_VALUE_LEN, &len16, sizeof len16}};

	return p11->C_DeriveKey(s, mech, with, templ, 5, &made);
}

static CK_RV generate(CK_SESSION_HANDLE s, CK_BBOOL token, CK_BBOOL private)
{
	CK_ATTRIBUTE templ[] = {{CKA_TOKEN, &token, 1}, {CKA_PRIVATE, &private, 1}, {CKA_VALUE_LEN, &len16, sizeof len16}};

	return p11->C_GenerateKey(s, &aes_gen, templ, 3, &made);
}

/* Something that unwraps under `value`. */
static void wrapped(CK_SESSION_HANDLE s)
{
	n = sizeof out;
	IS(p11->C_WrapKey(s, &wrap, key_without(s, CKK_AES, CKA_ID), key_without(s, CKK_AES, CKA_ID), out, &n), CKR_OK);
}

/* ---- permissions -------------------------------------------------------------------------------------------- */

void case_permissions(void)
{
	CK_SESSION_HANDLE s = session_user();
	CK_ULONG m = sizeof out;
	CK_OBJECT_HANDLE good = key_without(s, CKK_AES, CKA_ID);

	ASK("CKA_ENCRYPT is false", "5.8.1", p11->C_EncryptInit(s, &cbc, key_without(s, CKK_AES, CKA_ENCRYPT)),
	    CKR_KEY_FUNCTION_NOT_PERMITTED);
	ASK("CKA_DECRYPT is false", "5.10.1", p11->C_DecryptInit(s, &cbc, key_without(s, CKK_AES, CKA_DECRYPT)),
	    CKR_KEY_FUNCTION_NOT_PERMITTED);
	ASK("CKA_SIGN is false", "5.13.1", p11->C_SignInit(s, &hmac, key_without(s, CKK_GENERIC_SECRET, CKA_SIGN)),
	    CKR_KEY_FUNCTION_NOT_PERMITTED);
	ASK("CKA_VERIFY is false", "5.15.1", p11->C_VerifyInit(s, &hmac, key_without(s, CKK_GENERIC_SECRET, CKA_VERIFY)),
	    CKR_KEY_FUNCTION_NOT_PERMITTED);
	ASK("CKA_WRAP is false", "5.18.3", p11->C_WrapKey(s, &wrap, key_without(s, CKK_AES, CKA_WRAP), good, out, &m),
	    CKR_KEY_FUNCTION_NOT_PERMITTED);
	ASK("CKA_EXTRACTABLE is false", "5.18.3",
	    p11->C_WrapKey(s, &wrap, good, key_without(s, CKK_AES, CKA_EXTRACTABLE), out, &m), CKR_KEY_UNEXTRACTABLE);
	wrapped(s);
	ASK("CKA_UNWRAP is false", "5.18.4", unwrap(s, &wrap, key_without(s, CKK_AES, CKA_UNWRAP), no, no),
	    CKR_KEY_FUNCTION_NOT_PERMITTED);
	ASK("CKA_DERIVE is false", "5.18.5", derive(s, &encrypt_data, key_without(s, CKK_AES, CKA_DERIVE), no, no),
	    CKR_KEY_FUNCTION_NOT_PERMITTED);
	ASK("all is true, to encrypt", "5.8.1", p11->C_EncryptInit(session_new(0), &cbc, good), CKR_OK);
	ASK("all is true, to decrypt", "5.10.1", p11->C_DecryptInit(session_new(0), &cbc, good), CKR_OK);
	ASK("all is true, to wrap", "5.18.3", (m = sizeof out, p11->C_WrapKey(s, &wrap, good, good, out, &m)), CKR_OK);
	ASK("all is true, to unwrap", "5.18.4", unwrap(s, &wrap, good, no, no), CKR_OK);
	ASK("all is true, to derive", "5.18.5", derive(s, &encrypt_data, good, no, no), CKR_OK);
	IS(p11->C_CloseAllSessions(slot), CKR_OK);
}

/* A permission that is taken away later holds at the next beginning. */
void case_permissions_change(void)
{
	CK_SESSION_HANDLE s = session_user();
	CK_OBJECT_HANDLE key = key_without(s, CKK_AES, CKA_ENCRYPT);
	CK_ATTRIBUTE on = {CKA_ENCRYPT, &yes, 1}, off = {CKA_ENCRYPT, &no, 1};

	MUST(p11->C_SetAttributeValue(s, key, &on, 1));
	ASK("given", "5.8.1", p11->C_EncryptInit(session_new(0), &cbc, key), CKR_OK);
	MUST(p11->C_SetAttributeValue(s, key, &off, 1));
	ASK("taken away", "5.8.1", p11->C_EncryptInit(session_new(0), &cbc, key), CKR_KEY_FUNCTION_NOT_PERMITTED);
	IS(p11->C_CloseAllSessions(slot), CKR_OK);
}

/* ---- mechanisms that are for something else ------------------------------------------------------------- */

void case_other_mechanisms(void)
{
	CK_SESSION_HANDLE s = session_user();
	CK_OBJECT_HANDLE key = key_without(s, CKK_AES, CKA_ID), mac = key_without(s, CKK_GENERIC_SECRET, CKA_ID);
	CK_ULONG m = sizeof out;
	CK_ATTRIBUTE templ = {CKA_VALUE_LEN, &len16, sizeof len16};

	ASK("a digest encrypts", "5.8.1", p11->C_EncryptInit(s, &sha256, key), CKR_MECHANISM_INVALID);
	ASK("a MAC encrypts", "5.8.1", p11->C_EncryptInit(s, &hmac, mac), CKR_MECHANISM_INVALID);
	ASK("a digest decrypts", "5.10.1", p11->C_DecryptInit(s, &sha256, key), CKR_MECHANISM_INVALID);
	ASK("a cipher digests", "5.12.1", p11->C_DigestInit(s, &cbc), CKR_MECHANISM_INVALID);
	ASK("a MAC digests", "5.12.1", p11->C_DigestInit(s, &hmac), CKR_MECHANISM_INVALID);
	ASK("a cipher signs", "5.13.1", p11->C_SignInit(s, &cbc, key), CKR_MECHANISM_INVALID);
	ASK("a digest signs", "5.13.1", p11->C_SignInit(s, &sha256, mac), CKR_MECHANISM_INVALID);
	ASK("a cipher verifies", "5.15.1", p11->C_VerifyInit(s, &cbc, key), CKR_MECHANISM_INVALID);
	ASK("a cipher makes keys", "5.18.1", p11->C_GenerateKey(s, &cbc, &templ, 1, &made), CKR_MECHANISM_INVALID);
	ASK("a digest wraps", "5.18.3", p11->C_WrapKey(s, &sha256, key, key, out, &m), CKR_MECHANISM_INVALID);
	n = 24;
	ASK("a digest unwraps", "5.18.4", unwrap(s, &sha256, key, no, no), CKR_MECHANISM_INVALID);
	ASK("a cipher derives", "5.18.5", derive(s, &cbc, key, no, no), CKR_MECHANISM_INVALID);
	ASK("a key's making derives", "5.18.5", derive(s, &aes_gen, key, no, no), CKR_MECHANISM_INVALID);
	IS(p11->C_CloseAllSessions(slot), CKR_OK);
}

/* ---- keys that there are not ------------------------------------------------------------------------------- */

void case_other_keys(void)
{
	CK_SESSION_HANDLE s = session_user();
	CK_OBJECT_HANDLE key = key_without(s, CKK_AES, CKA_ID), mac = key_without(s, CKK_GENERIC_SECRET, CKA_ID);
	CK_OBJECT_HANDLE gone = key + mac + 1000;
	CK_ULONG m = sizeof out;

	wrapped(s);
	ASK("none, to decrypt", "5.10.1", p11->C_DecryptInit(s, &cbc, gone), CKR_KEY_HANDLE_INVALID);
	ASK("none, to verify", "5.15.1", p11->C_VerifyInit(s, &hmac, gone), CKR_KEY_HANDLE_INVALID);
	ASK("none, to wrap with", "5.18.3", p11->C_WrapKey(s, &wrap, gone, key, out + 64, &m),
	    CKR_WRAPPING_KEY_HANDLE_INVALID);
	ASK("none, to be wrapped", "5.18.3", p11->C_WrapKey(s, &wrap, key, gone, out + 64, &m), CKR_KEY_HANDLE_INVALID);
	ASK("none, to unwrap with", "5.18.4", unwrap(s, &wrap, gone, no, no), CKR_UNWRAPPING_KEY_HANDLE_INVALID);
	ASK("none, to derive from", "5.18.5", derive(s, &encrypt_data, gone, no, no), CKR_KEY_HANDLE_INVALID);
	ASK("a generic one, to decrypt", "5.10.1", p11->C_DecryptInit(s, &cbc, mac), CKR_KEY_TYPE_INCONSISTENT);
	ASK("an AES one, to verify an HMAC", "5.15.1", p11->C_VerifyInit(s, &hmac, key), CKR_KEY_TYPE_INCONSISTENT);
	ASK("a generic one, to wrap with", "5.18.3", p11->C_WrapKey(s, &wrap, mac, key, out + 64, &m),
	    CKR_WRAPPING_KEY_TYPE_INCONSISTENT);
	ASK("a generic one, to unwrap with", "5.18.4", unwrap(s, &wrap, mac, no, no), CKR_UNWRAPPING_KEY_TYPE_INCONSISTENT);
	ASK("a generic one, to derive from", "5.18.5", derive(s, &encrypt_data, mac, no, no), CKR_KEY_TYPE_INCONSISTENT);
	ASK("what was wrapped, changed", "5.18.4", (out[3] ^= 1, unwrap(s, &wrap, key, no, no)), CKR_WRAPPED_KEY_INVALID);
	ASK("what was wrapped, cut", "5.18.4", (n -= 3, unwrap(s, &wrap, key, no, no)), CKR_WRAPPED_KEY_LEN_RANGE);
	IS(p11->C_CloseAllSessions(slot), CKR_OK);
}

/* ---- where keys may come to be (the usage guide, access to objects) ------------------------------------------- */

void case_making_read_only(void)
{
	CK_SESSION_HANDLE rw = session_user(), ro = session_new(0);
	CK_OBJECT_HANDLE key = key_without(rw, CKK_AES, CKA_ID);

	wrapped(rw);
	ASK("a session key, generated", "5.18.1", generate(ro, no, yes), CKR_OK);
	ASK("a session key, derived", "5.18.5", derive(ro, &encrypt_data, key, no, yes), CKR_OK);
	ASK("a session key, unwrapped", "5.18.4", unwrap(ro, &wrap, key, no, yes), CKR_OK);
	ASK("a token key, generated", "5.18.1", generate(ro, yes, yes), CKR_SESSION_READ_ONLY);
	ASK("a token key, derived", "5.18.5", derive(ro, &encrypt_data, key, yes, yes), CKR_SESSION_READ_ONLY);
	ASK("a token key, unwrapped", "5.18.4", unwrap(ro, &wrap, key, yes, yes), CKR_SESSION_READ_ONLY);
	ASK("a token key, generated, read-write", "5.18.1", generate(rw, yes, yes), CKR_OK);
	IS(p11->C_DestroyObject(rw, made), CKR_OK);
	ASK("a token key, derived, read-write", "5.18.5", derive(rw, &encrypt_data, key, yes, yes), CKR_OK);
	IS(p11->C_DestroyObject(rw, made), CKR_OK);
	ASK("a token key, unwrapped, read-write", "5.18.4", unwrap(rw, &wrap, key, yes, yes), CKR_OK);
	IS(p11->C_DestroyObject(rw, made), CKR_OK);
	IS(p11->C_CloseAllSessions(slot), CKR_OK);
}

void case_making_public(void)
{
	CK_SESSION_HANDLE s = session_new(CKF_RW_SESSION);
	CK_OBJECT_HANDLE key = key_without(s, CKK_AES, CKA_ID);

	wrapped(s);
	ASK("a public key, generated", "5.18.1", generate(s, no, no), CKR_OK);
	ASK("a public key, derived", "5.18.5", derive(s, &encrypt_data, key, no, no), CKR_OK);
	ASK("a public key, unwrapped", "5.18.4", unwrap(s, &wrap, key, no, no), CKR_OK);
	ASK("a private key, generated", "5.18.1", generate(s, no, yes), CKR_USER_NOT_LOGGED_IN);
	ASK("a private key, derived", "5.18.5", derive(s, &encrypt_data, key, no, yes), CKR_USER_NOT_LOGGED_IN);
	ASK("a private key, unwrapped", "5.18.4", unwrap(s, &wrap, key, no, yes), CKR_USER_NOT_LOGGED_IN);
	ASK("a use of a public key", "5.8.1", p11->C_EncryptInit(s, &cbc, key), CKR_OK);
	IS(p11->C_CloseAllSessions(slot), CKR_OK);
}

/* ---- lengths (PKCS#11 3.0, 5.2) ---------------------------------------------------------------------------- */

typedef CK_RV act(CK_SESSION_HANDLE, CK_BYTE_PTR, CK_ULONG, CK_BYTE_PTR, CK_ULONG_PTR);

/* Asked for the length, with a buffer that is too small, with one that fits, and after it is over. */
static void lengths(const char *name, act *whole, CK_SESSION_HANDLE s, CK_ULONG wanted)
{
	char line[64];
	CK_ULONG m = 0;

	snprintf(line, sizeof line, "%s, how long", name);
	ASK(line, "5.2", whole(s, text, 32, NULL, &m), CKR_OK);
	snprintf(line, sizeof line, "%s says it", name);
	TRUTH(line, "5.2", m >= wanted && m <= wanted + 16);
	m = wanted - 1;
	snprintf(line, sizeof line, "%s, a byte too short", name);
	ASK(line, "5.2", whole(s, text, 32, out, &m), CKR_BUFFER_TOO_SMALL);
	snprintf(line, sizeof line, "%s, long enough", name);
	m = sizeof out;
	ASK(line, "5.2", whole(s, text, 32, out, &m), CKR_OK);
	snprintf(line, sizeof line, "%s says how long it was", name);
	TRUTH(line, "5.2", m == wanted);
	snprintf(line, sizeof line, "%s, after its end", name);
	ASK(line, "5.2", whole(s, text, 32, out, &m), CKR_OPERATION_NOT_INITIALIZED);
}

void case_lengths(void)
{
	CK_SESSION_HANDLE s = session_user(), t = session_new(0), u = session_new(0), v = session_new(0);
	CK_OBJECT_HANDLE key = key_without(s, CKK_AES, CKA_ID), mac = key_without(s, CKK_GENERIC_SECRET, CKA_ID);

	MUST(p11->C_EncryptInit(s, &cbc, key));
	lengths("C_Encrypt", p11->C_Encrypt, s, 32);
	MUST(p11->C_DecryptInit(t, &cbc, key));
	lengths("C_Decrypt", p11->C_Decrypt, t, 32);
	MUST(p11->C_DigestInit(u, &sha256));
	lengths("C_Digest", p11->C_Digest, u, 32);
	MUST(p11->C_SignInit(v, &hmac, mac));
	lengths("C_Sign", p11->C_Sign, v, 32);
	IS(p11->C_CloseAllSessions(slot), CKR_OK);
}

/* What goes wrong within an operation is its end, but a buffer. */
void case_errors_end(void)
{
	CK_SESSION_HANDLE s = session_user(), t = session_new(0);
	CK_OBJECT_HANDLE key = key_without(s, CKK_AES, CKA_ID), mac = key_without(s, CKK_GENERIC_SECRET, CKA_ID);
	CK_ULONG m = sizeof out;

	MUST(p11->C_EncryptInit(s, &cbc, key));
	ASK("data of a wrong length", "5.8.2", p11->C_Encrypt(s, text, 17, out, &m), CKR_DATA_LEN_RANGE);
	ASK("are the end", "5.8.2", (m = sizeof out, p11->C_Encrypt(s, text, 16, out, &m)), CKR_OPERATION_NOT_INITIALIZED);
	MUST(p11->C_EncryptInit(s, &cbc, key));
	MUST(p11->C_EncryptUpdate(s, text, 7, out, (m = sizeof out, &m)));
	ASK("parts of a wrong length", "5.8.4", (m = sizeof out, p11->C_EncryptFinal(s, out, &m)), CKR_DATA_LEN_RANGE);
	ASK("are the end too", "5.8.4", (m = sizeof out, p11->C_EncryptFinal(s, out, &m)), CKR_OPERATION_NOT_INITIALIZED);
	MUST(p11->C_VerifyInit(s, &hmac, mac));
	ASK("a wrong MAC", "5.15.2", p11->C_Verify(s, text, 16, text, 32), CKR_SIGNATURE_INVALID);
	ASK("is the end", "5.15.2", p11->C_Verify(s, text, 16, text, 32), CKR_OPERATION_NOT_INITIALIZED);
	MUST(p11->C_VerifyInit(s, &hmac, mac));
	ASK("a MAC of a wrong length", "5.15.2", p11->C_Verify(s, text, 16, text, 31), CKR_SIGNATURE_LEN_RANGE);
	ASK("is the end too", "5.15.2", p11->C_Verify(s, text, 16, text, 32), CKR_OPERATION_NOT_INITIALIZED);
	MUST(p11->C_EncryptInit(t, &cbc, key));
	IS(p11->C_CloseSession(t), CKR_OK);
	ASK("its session closed", "5.6.2", (m = sizeof out, p11->C_Encrypt(t, text, 16, out, &m)), CKR_SESSION_HANDLE_INVALID);
	IS(p11->C_CloseAllSessions(slot), CKR_OK);
}
