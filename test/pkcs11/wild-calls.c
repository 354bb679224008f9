/* SPDX-License-Identifier: Apache-2.0 */
/* One row a function of PKCS#11 3.2: its arguments, and the answers that sections 5.4 to 5.21 list for it. */
#include <config.h>

#include "test/pkcs11/wild.h"

CK_FUNCTION_LIST_3_2 *p11_all;

/* ---- answers ----------------------------------------------------------------------------------------------- */

/* What says that the device is broken - CKR_GENERAL_ERROR, CKR_DEVICE_ERROR, CKR_FUNCTION_FAILED, CKR_HOST_MEMORY - is
 * listed for every function, and is no answer to a bad argument: only those rows have it that say so. */
#define IN_SESSION (1ul << 0)
#define OF_SLOT (1ul << 1)
#define ROOM (1ul << 2) /* by the conventions on lengths */
#define INIT (1ul << 3)
#define ACTIVE (1ul << 4) /* of a call that goes on with an operation */
#define DATA (1ul << 5)
#define CIPHERTEXT (1ul << 6)
#define VERIFIES (1ul << 7)
#define TEMPLATE (1ul << 8)
#define OBJECT (1ul << 9)
#define PINS (1ul << 10)
#define LOGIN (1ul << 11)
#define OPENING (1ul << 12)
#define MECHANISM (1ul << 13)
#define WRAPS (1ul << 14)
#define UNWRAPS (1ul << 15)
#define BASE_KEY (1ul << 16)
#define STATE (1ul << 17)
#define ABSENT (1ul << 18)
#define PARALLEL (1ul << 19)
#define EVENT (1ul << 20)
#define LIFE (1ul << 21)
#define INTERFACE (1ul << 22)
#define MEMORY (1ul << 23) /* sizes that no memory is for */
#define VALUE (1ul << 24)
#define MESSAGE (1ul << 25)
#define PARTS (1ul << 26)
#define COPY (1ul << 27)
#define DIGEST_INIT (1ul << 28)
#define SEED (1ul << 29)
#define DIGESTIBLE (1ul << 30)
#define ASYNC (1ul << 31)
#define CANCEL (1ul << 32)

#define SET_MAX 12
static const struct {
	unsigned long set;
	CK_RV codes[SET_MAX];
} sets[] = {
	{IN_SESSION, {CKR_SESSION_HANDLE_INVALID, CKR_SESSION_CLOSED}},
	{OF_SLOT, {CKR_SLOT_ID_INVALID, CKR_TOKEN_NOT_PRESENT}},
	{ROOM, {CKR_BUFFER_TOO_SMALL}},
	{INIT, {CKR_KEY_FUNCTION_NOT_PERMITTED, CKR_KEY_HANDLE_INVALID, CKR_KEY_SIZE_RANGE, CKR_KEY_TYPE_INCONSISTENT,
		CKR_MECHANISM_INVALID, CKR_MECHANISM_PARAM_INVALID, CKR_OPERATION_ACTIVE, CKR_USER_NOT_LOGGED_IN,
		CKR_OPERATION_CANCEL_FAILED}},
	{DIGEST_INIT, {CKR_MECHANISM_INVALID, CKR_MECHANISM_PARAM_INVALID, CKR_OPERATION_ACTIVE, CKR_OPERATION_CANCEL_FAILED}},
	/* Not listed, but what there is to say: the operation's key was destroyed; its mechanism has no parts. */
	{ACTIVE, {CKR_OPERATION_NOT_INITIALIZED, CKR_OPERATION_ACTIVE, CKR_KEY_HANDLE_INVALID}},
	{PARTS, {CKR_FUNCTION_NOT_SUPPORTED}},
	{DATA, {CKR_DATA_INVALID, CKR_DATA_LEN_RANGE}},
	{CIPHERTEXT, {CKR_ENCRYPTED_DATA_INVALID, CKR_ENCRYPTED_DATA_LEN_RANGE, CKR_AEAD_DECRYPT_FAILED, CKR_DATA_LEN_RANGE}},
	{VERIFIES, {CKR_SIGNATURE_INVALID, CKR_SIGNATURE_LEN_RANGE}},
	{TEMPLATE, {CKR_ATTRIBUTE_READ_ONLY, CKR_ATTRIBUTE_TYPE_INVALID, CKR_ATTRIBUTE_VALUE_INVALID, CKR_TEMPLATE_INCOMPLETE,
		    CKR_TEMPLATE_INCONSISTENT, CKR_SESSION_READ_ONLY, CKR_TOKEN_WRITE_PROTECTED, CKR_USER_NOT_LOGGED_IN,
		    CKR_CURVE_NOT_SUPPORTED, CKR_DOMAIN_PARAMS_INVALID, CKR_KEY_SIZE_RANGE}},
	{OBJECT, {CKR_OBJECT_HANDLE_INVALID}},
	{COPY, {CKR_ACTION_PROHIBITED, CKR_SESSION_READ_ONLY, CKR_TOKEN_WRITE_PROTECTED, CKR_INFORMATION_SENSITIVE}},
	{VALUE, {CKR_ATTRIBUTE_SENSITIVE, CKR_ATTRIBUTE_TYPE_INVALID}},
	{PINS, {CKR_PIN_INCORRECT, CKR_PIN_INVALID, CKR_PIN_LEN_RANGE, CKR_PIN_LOCKED, CKR_SESSION_READ_ONLY,
		CKR_TOKEN_WRITE_PROTECTED, CKR_USER_NOT_LOGGED_IN, CKR_SESSION_EXISTS, CKR_TOKEN_NOT_RECOGNIZED,
		CKR_USER_PIN_NOT_INITIALIZED}},
	{LOGIN, {CKR_PIN_INCORRECT, CKR_PIN_LOCKED, CKR_OPERATION_NOT_INITIALIZED, CKR_SESSION_READ_ONLY_EXISTS,
		 CKR_USER_ALREADY_LOGGED_IN, CKR_USER_ANOTHER_ALREADY_LOGGED_IN, CKR_USER_PIN_NOT_INITIALIZED,
		 CKR_USER_TOO_MANY_TYPES, CKR_USER_TYPE_INVALID, CKR_USER_NOT_LOGGED_IN}},
	{OPENING, {CKR_SESSION_COUNT, CKR_SESSION_PARALLEL_NOT_SUPPORTED, CKR_SESSION_READ_WRITE_SO_EXISTS,
		   CKR_TOKEN_NOT_RECOGNIZED, CKR_TOKEN_WRITE_PROTECTED, CKR_SESSION_ASYNC_NOT_SUPPORTED}},
	{MECHANISM, {CKR_MECHANISM_INVALID, CKR_MECHANISM_PARAM_INVALID, CKR_OPERATION_ACTIVE}},
	{WRAPS, {CKR_KEY_HANDLE_INVALID, CKR_KEY_NOT_WRAPPABLE, CKR_KEY_SIZE_RANGE, CKR_KEY_UNEXTRACTABLE,
		 CKR_WRAPPING_KEY_HANDLE_INVALID, CKR_WRAPPING_KEY_SIZE_RANGE, CKR_WRAPPING_KEY_TYPE_INCONSISTENT,
		 CKR_USER_NOT_LOGGED_IN, CKR_KEY_FUNCTION_NOT_PERMITTED}},
	{UNWRAPS, {CKR_UNWRAPPING_KEY_HANDLE_INVALID, CKR_UNWRAPPING_KEY_SIZE_RANGE, CKR_UNWRAPPING_KEY_TYPE_INCONSISTENT,
		   CKR_WRAPPED_KEY_INVALID, CKR_WRAPPED_KEY_LEN_RANGE, CKR_KEY_FUNCTION_NOT_PERMITTED}},
	{BASE_KEY, {CKR_KEY_HANDLE_INVALID, CKR_KEY_SIZE_RANGE, CKR_KEY_TYPE_INCONSISTENT, CKR_KEY_FUNCTION_NOT_PERMITTED}},
	{STATE, {CKR_OPERATION_NOT_INITIALIZED, CKR_STATE_UNSAVEABLE, CKR_KEY_CHANGED, CKR_KEY_NEEDED, CKR_KEY_NOT_NEEDED,
		 CKR_SAVED_STATE_INVALID}},
	{ABSENT, {CKR_FUNCTION_NOT_SUPPORTED}},
	{PARALLEL, {CKR_FUNCTION_NOT_PARALLEL}},
	{EVENT, {CKR_NO_EVENT}},
	{LIFE, {CKR_CRYPTOKI_ALREADY_INITIALIZED, CKR_CANT_LOCK, CKR_NEED_TO_CREATE_THREADS}},
	{INTERFACE, {CKR_FUNCTION_FAILED}}, /* 5.4.5 has no other for "there is no such interface" */
	{MEMORY, {CKR_HOST_MEMORY, CKR_DEVICE_MEMORY}},
	{MESSAGE, {CKR_MECHANISM_PARAM_INVALID}},
	{DIGESTIBLE, {CKR_KEY_HANDLE_INVALID, CKR_KEY_INDIGESTIBLE, CKR_KEY_SIZE_RANGE}},
	{ASYNC, {CKR_OPERATION_NOT_INITIALIZED, CKR_SAVED_STATE_INVALID, CKR_FUNCTION_NOT_SUPPORTED}},
	{CANCEL, {CKR_OPERATION_CANCEL_FAILED}},
	{SEED, {CKR_RANDOM_SEED_NOT_SUPPORTED, CKR_RANDOM_NO_RNG, CKR_OPERATION_ACTIVE}},
};

static const CK_RV always[] = {CKR_OK, CKR_ARGUMENTS_BAD, CKR_CRYPTOKI_NOT_INITIALIZED};

bool wild_may_answer(const struct wild_call *call, CK_RV rv)
{
	for (size_t i = 0; i < sizeof always / sizeof always[0]; i++) {
		if (always[i] == rv)
			return true;
	}
	for (size_t i = 0; i < sizeof sets / sizeof sets[0]; i++) {
		for (size_t k = 0; k < SET_MAX && (call->codes & sets[i].set) != 0; k++) {
			if (sets[i].codes[k] == rv)
				return true;
		}
	}
	return false;
}

/* ---- arguments --------------------------------------------------------------------------------------------- */

#define PLAIN_W_SESSION(w) w
#define PLAIN_W_OBJECT(w) w
#define PLAIN_W_KEY(w) w
#define PLAIN_W_SLOT(w) w
#define PLAIN_W_IN(w) (void *)(w)
#define PLAIN_W_IN_LEN(w) w
#define PLAIN_W_PIN(w) (void *)(w)
#define PLAIN_W_TEXT(w) (void *)(w)
#define PLAIN_W_OUT(w) (void *)(w)
#define PLAIN_W_LIST(w) (void *)(w)
#define PLAIN_W_OUT_LEN(w) (void *)(w)
#define PLAIN_W_MECH(w) (void *)(w)
#define PLAIN_W_TEMPL(w) (void *)(w)
#define PLAIN_W_COUNT(w) w
#define PLAIN_W_PARAM(w) (void *)(w)
#define PLAIN_W_NEW(w) (void *)(w)
#define PLAIN_W_RECORD(w) (void *)(w)
#define PLAIN_W_FILLED(w) (void *)(w)
#define PLAIN_W_HANDLES(w) (void *)(w)
#define PLAIN_W_NUMBER(w) w
#define PLAIN_W_MECH_TYPE(w) w
#define PLAIN_W_USER(w) w
#define PLAIN_W_FLAGS(w) w
#define PLAIN_W_BOOL(w) (CK_BBOOL)(w)
#define PLAIN_W_RESERVED(w) (void *)(w)
#define PLAIN_W_ARGS(w) (void *)(w)
#define PLAIN_W_NOTIFY(w) (CK_NOTIFY)(w)
#define PLAIN_W_ANY(w) (void *)(w)
#define PLAIN_W_LABEL(w) (void *)(w)
#define PLAIN_W_VERSION(w) (void *)(w)

#define GIVE_1(a) PLAIN_##a(w[0])
#define GIVE_2(a, b) GIVE_1(a), PLAIN_##b(w[1])
#define GIVE_3(a, b, c) GIVE_2(a, b), PLAIN_##c(w[2])
#define GIVE_4(a, b, c, d) GIVE_3(a, b, c), PLAIN_##d(w[3])
#define GIVE_5(a, b, c, d, e) GIVE_4(a, b, c, d), PLAIN_##e(w[4])
#define GIVE_6(a, b, c, d, e, f) GIVE_5(a, b, c, d, e), PLAIN_##f(w[5])
#define GIVE_7(a, b, c, d, e, f, g) GIVE_6(a, b, c, d, e, f), PLAIN_##g(w[6])
#define GIVE_8(a, b, c, d, e, f, g, h) GIVE_7(a, b, c, d, e, f, g), PLAIN_##h(w[7])
#define GIVE_9(a, b, c, d, e, f, g, h, i) GIVE_8(a, b, c, d, e, f, g, h), PLAIN_##i(w[8])
#define GIVE_10(a, b, c, d, e, f, g, h, i, j) GIVE_9(a, b, c, d, e, f, g, h, i), PLAIN_##j(w[9])

#define S W_SESSION
#define IN W_IN, W_IN_LEN
#define OUT W_OUT, W_OUT_LEN
#define TEMPL W_TEMPL, W_COUNT
#define PIN W_PIN, W_IN_LEN
#define PARAM W_PARAM, W_IN_LEN

/*	X(name, answers, the call before, flag of mechanisms, purpose, number of arguments, (arguments)) */
/* clang-format off */
#define WILD_ROWS(X) \
X(C_Initialize, LIFE, NOTHING, 0, 0, 1, (W_ARGS)) \
X(C_Finalize, 0, NOTHING, 0, 0, 1, (W_RESERVED)) \
X(C_GetInfo, 0, NOTHING, 0, 0, 1, (W_RECORD)) \
X(C_GetFunctionList, 0, NOTHING, 0, 0, 1, (W_NEW)) \
X(C_GetSlotList, ROOM, NOTHING, 0, 0, 3, (W_BOOL, W_LIST, W_OUT_LEN)) \
X(C_GetSlotInfo, OF_SLOT, NOTHING, 0, 0, 2, (W_SLOT, W_RECORD)) \
X(C_GetTokenInfo, OF_SLOT, NOTHING, 0, 0, 2, (W_SLOT, W_RECORD)) \
X(C_GetMechanismList, OF_SLOT | ROOM, NOTHING, 0, 0, 3, (W_SLOT, W_LIST, W_OUT_LEN)) \
X(C_GetMechanismInfo, OF_SLOT | MECHANISM, NOTHING, 0, 0, 3, (W_SLOT, W_MECH_TYPE, W_RECORD)) \
X(C_InitToken, OF_SLOT | PINS, NOTHING, 0, 0, 4, (W_SLOT, PIN, W_LABEL)) \
X(C_InitPIN, IN_SESSION | PINS, NOTHING, 0, 0, 3, (S, PIN)) \
X(C_SetPIN, IN_SESSION | PINS, NOTHING, 0, 0, 5, (S, PIN, PIN)) \
X(C_OpenSession, OF_SLOT | OPENING, NOTHING, 0, 0, 5, (W_SLOT, W_FLAGS, W_ANY, W_NOTIFY, W_NEW)) \
X(C_CloseSession, IN_SESSION, NOTHING, 0, 0, 1, (S)) \
X(C_CloseAllSessions, OF_SLOT, NOTHING, 0, 0, 1, (W_SLOT)) \
X(C_GetSessionInfo, IN_SESSION, NOTHING, 0, 0, 2, (S, W_RECORD)) \
X(C_GetOperationState, IN_SESSION | ROOM | STATE, C_DigestInit, 0, 0, 3, (S, OUT)) \
X(C_SetOperationState, IN_SESSION | STATE, C_GetOperationState, 0, 0, 5, (S, IN, W_KEY, W_KEY)) \
X(C_Login, IN_SESSION | LOGIN, NOTHING, 0, 0, 4, (S, W_USER, PIN)) \
X(C_Logout, IN_SESSION | LOGIN, NOTHING, 0, 0, 1, (S)) \
X(C_CreateObject, IN_SESSION | TEMPLATE | MEMORY, NOTHING, 0, FOR_CREATE, 4, (S, TEMPL, W_NEW)) \
X(C_CopyObject, IN_SESSION | TEMPLATE | OBJECT | COPY, NOTHING, 0, FOR_COPY, 5, (S, W_OBJECT, TEMPL, W_NEW)) \
X(C_DestroyObject, IN_SESSION | OBJECT | COPY, NOTHING, 0, 0, 2, (S, W_OBJECT)) \
X(C_GetObjectSize, IN_SESSION | OBJECT | COPY, NOTHING, 0, 0, 3, (S, W_OBJECT, W_NEW)) \
X(C_GetAttributeValue, IN_SESSION | OBJECT | VALUE | ROOM, NOTHING, 0, FOR_GET, 4, (S, W_OBJECT, TEMPL)) \
X(C_SetAttributeValue, IN_SESSION | OBJECT | TEMPLATE | COPY, NOTHING, 0, FOR_SET, 4, (S, W_OBJECT, TEMPL)) \
X(C_FindObjectsInit, IN_SESSION | DIGEST_INIT | TEMPLATE, NOTHING, 0, FOR_FIND, 3, (S, TEMPL)) \
X(C_FindObjects, IN_SESSION | ACTIVE, C_FindObjectsInit, 0, 0, 4, (S, W_HANDLES, W_IN_LEN, W_NEW)) \
X(C_FindObjectsFinal, IN_SESSION | ACTIVE, C_FindObjectsInit, 0, 0, 1, (S)) \
X(C_EncryptInit, IN_SESSION | INIT, NOTHING, CKF_ENCRYPT, 0, 3, (S, W_MECH, W_KEY)) \
X(C_Encrypt, IN_SESSION | ROOM | ACTIVE | DATA, C_EncryptInit, 0, 0, 5, (S, IN, OUT)) \
X(C_EncryptUpdate, IN_SESSION | ROOM | ACTIVE | DATA | PARTS, C_EncryptInit, 0, 0, 5, (S, IN, OUT)) \
X(C_EncryptFinal, IN_SESSION | ROOM | ACTIVE | DATA | PARTS, C_EncryptUpdate, 0, 0, 3, (S, OUT)) \
X(C_DecryptInit, IN_SESSION | INIT, NOTHING, CKF_DECRYPT, 0, 3, (S, W_MECH, W_KEY)) \
X(C_Decrypt, IN_SESSION | ROOM | ACTIVE | CIPHERTEXT, C_DecryptInit, 0, 0, 5, (S, IN, OUT)) \
X(C_DecryptUpdate, IN_SESSION | ROOM | ACTIVE | CIPHERTEXT | PARTS, C_DecryptInit, 0, 0, 5, (S, IN, OUT)) \
X(C_DecryptFinal, IN_SESSION | ROOM | ACTIVE | CIPHERTEXT | PARTS, C_DecryptUpdate, 0, 0, 3, (S, OUT)) \
X(C_DigestInit, IN_SESSION | DIGEST_INIT, NOTHING, CKF_DIGEST, 0, 2, (S, W_MECH)) \
X(C_Digest, IN_SESSION | ROOM | ACTIVE, C_DigestInit, 0, 0, 5, (S, IN, OUT)) \
X(C_DigestUpdate, IN_SESSION | ACTIVE, C_DigestInit, 0, 0, 3, (S, IN)) \
X(C_DigestKey, IN_SESSION | ACTIVE | DIGESTIBLE, C_DigestInit, 0, 0, 2, (S, W_KEY)) \
X(C_DigestFinal, IN_SESSION | ROOM | ACTIVE, C_DigestUpdate, 0, 0, 3, (S, OUT)) \
X(C_SignInit, IN_SESSION | INIT, NOTHING, CKF_SIGN, 0, 3, (S, W_MECH, W_KEY)) \
X(C_Sign, IN_SESSION | ROOM | ACTIVE | DATA, C_SignInit, 0, 0, 5, (S, IN, OUT)) \
X(C_SignUpdate, IN_SESSION | ACTIVE | DATA, C_SignInit, 0, 0, 3, (S, IN)) \
X(C_SignFinal, IN_SESSION | ROOM | ACTIVE | DATA, C_SignUpdate, 0, 0, 3, (S, OUT)) \
X(C_SignRecoverInit, IN_SESSION | INIT | ABSENT, NOTHING, CKF_SIGN, 0, 3, (S, W_MECH, W_KEY)) \
X(C_SignRecover, IN_SESSION | ABSENT, NOTHING, 0, 0, 5, (S, IN, OUT)) \
X(C_VerifyInit, IN_SESSION | INIT, NOTHING, CKF_VERIFY, 0, 3, (S, W_MECH, W_KEY)) \
X(C_Verify, IN_SESSION | ACTIVE | DATA | VERIFIES, C_VerifyInit, 0, 0, 5, (S, IN, IN)) \
X(C_VerifyUpdate, IN_SESSION | ACTIVE | DATA, C_VerifyInit, 0, 0, 3, (S, IN)) \
X(C_VerifyFinal, IN_SESSION | ACTIVE | DATA | VERIFIES, C_VerifyUpdate, 0, 0, 3, (S, IN)) \
X(C_VerifyRecoverInit, IN_SESSION | INIT | ABSENT, NOTHING, CKF_VERIFY, 0, 3, (S, W_MECH, W_KEY)) \
X(C_VerifyRecover, IN_SESSION | ABSENT, NOTHING, 0, 0, 5, (S, IN, OUT)) \
X(C_DigestEncryptUpdate, IN_SESSION | ROOM | ACTIVE | DATA | PARTS, C_EncryptInit, 0, 0, 5, (S, IN, OUT)) \
X(C_DecryptDigestUpdate, IN_SESSION | ROOM | ACTIVE | CIPHERTEXT | PARTS, C_DecryptInit, 0, 0, 5, (S, IN, OUT)) \
X(C_SignEncryptUpdate, IN_SESSION | ROOM | ACTIVE | DATA | PARTS, C_EncryptInit, 0, 0, 5, (S, IN, OUT)) \
X(C_DecryptVerifyUpdate, IN_SESSION | ROOM | ACTIVE | CIPHERTEXT | PARTS, C_DecryptInit, 0, 0, 5, (S, IN, OUT)) \
X(C_GenerateKey, IN_SESSION | TEMPLATE | MECHANISM | MEMORY, NOTHING, CKF_GENERATE, FOR_KEY, 5, (S, W_MECH, TEMPL, W_NEW)) \
X(C_GenerateKeyPair, IN_SESSION | TEMPLATE | MECHANISM | ABSENT, NOTHING, CKF_GENERATE, FOR_KEY, 8, (S, W_MECH, TEMPL, TEMPL, W_NEW, W_NEW)) \
X(C_WrapKey, IN_SESSION | ROOM | MECHANISM | WRAPS, NOTHING, CKF_WRAP, 0, 6, (S, W_MECH, W_KEY, W_OBJECT, OUT)) \
X(C_UnwrapKey, IN_SESSION | TEMPLATE | MECHANISM | UNWRAPS, NOTHING, CKF_UNWRAP, FOR_KEY, 8, (S, W_MECH, W_KEY, IN, TEMPL, W_NEW)) \
X(C_DeriveKey, IN_SESSION | TEMPLATE | MECHANISM | BASE_KEY | MEMORY, NOTHING, CKF_DERIVE, FOR_KEY, 6, (S, W_MECH, W_KEY, TEMPL, W_NEW)) \
X(C_SeedRandom, IN_SESSION | SEED, NOTHING, 0, 0, 3, (S, IN)) \
X(C_GenerateRandom, IN_SESSION | SEED, NOTHING, 0, 0, 3, (S, W_FILLED, W_IN_LEN)) \
X(C_GetFunctionStatus, IN_SESSION | PARALLEL, NOTHING, 0, 0, 1, (S)) \
X(C_CancelFunction, IN_SESSION | PARALLEL, NOTHING, 0, 0, 1, (S)) \
X(C_WaitForSlotEvent, EVENT, NOTHING, 0, 0, 3, (W_FLAGS, W_NEW, W_RESERVED)) \
X(C_GetInterfaceList, ROOM, NOTHING, 0, 0, 2, (W_LIST, W_OUT_LEN)) \
X(C_GetInterface, INTERFACE, NOTHING, 0, 0, 4, (W_TEXT, W_VERSION, W_NEW, W_FLAGS)) \
X(C_LoginUser, IN_SESSION | LOGIN, NOTHING, 0, 0, 6, (S, W_USER, PIN, IN)) \
X(C_SessionCancel, IN_SESSION | CANCEL, C_EncryptInit, 0, 0, 2, (S, W_FLAGS)) \
X(C_MessageEncryptInit, IN_SESSION | INIT, NOTHING, CKF_MESSAGE_ENCRYPT, 0, 3, (S, W_MECH, W_KEY)) \
X(C_EncryptMessage, IN_SESSION | ROOM | ACTIVE | DATA | MESSAGE, C_MessageEncryptInit, 0, 0, 9, (S, PARAM, IN, IN, OUT)) \
X(C_EncryptMessageBegin, IN_SESSION | ACTIVE | MESSAGE, C_MessageEncryptInit, 0, 0, 5, (S, PARAM, IN)) \
X(C_EncryptMessageNext, IN_SESSION | ROOM | ACTIVE | DATA | MESSAGE, C_EncryptMessageBegin, 0, 0, 8, (S, PARAM, IN, OUT, W_FLAGS)) \
X(C_MessageEncryptFinal, IN_SESSION | ACTIVE, C_MessageEncryptInit, 0, 0, 1, (S)) \
X(C_MessageDecryptInit, IN_SESSION | INIT, NOTHING, CKF_MESSAGE_DECRYPT, 0, 3, (S, W_MECH, W_KEY)) \
X(C_DecryptMessage, IN_SESSION | ROOM | ACTIVE | CIPHERTEXT | MESSAGE, C_MessageDecryptInit, 0, 0, 9, (S, PARAM, IN, IN, OUT)) \
X(C_DecryptMessageBegin, IN_SESSION | ACTIVE | MESSAGE, C_MessageDecryptInit, 0, 0, 5, (S, PARAM, IN)) \
X(C_DecryptMessageNext, IN_SESSION | ROOM | ACTIVE | CIPHERTEXT | MESSAGE, C_DecryptMessageBegin, 0, 0, 8, (S, PARAM, IN, OUT, W_FLAGS)) \
X(C_MessageDecryptFinal, IN_SESSION | ACTIVE, C_MessageDecryptInit, 0, 0, 1, (S)) \
X(C_MessageSignInit, IN_SESSION | INIT, NOTHING, CKF_MESSAGE_SIGN, 0, 3, (S, W_MECH, W_KEY)) \
X(C_SignMessage, IN_SESSION | ROOM | ACTIVE | DATA | MESSAGE, C_MessageSignInit, 0, 0, 7, (S, PARAM, IN, OUT)) \
X(C_SignMessageBegin, IN_SESSION | ACTIVE | MESSAGE, C_MessageSignInit, 0, 0, 3, (S, PARAM)) \
X(C_SignMessageNext, IN_SESSION | ROOM | ACTIVE | DATA | MESSAGE, C_SignMessageBegin, 0, 0, 7, (S, PARAM, IN, OUT)) \
X(C_MessageSignFinal, IN_SESSION | ACTIVE, C_MessageSignInit, 0, 0, 1, (S)) \
X(C_MessageVerifyInit, IN_SESSION | INIT, NOTHING, CKF_MESSAGE_VERIFY, 0, 3, (S, W_MECH, W_KEY)) \
X(C_VerifyMessage, IN_SESSION | ACTIVE | DATA | VERIFIES | MESSAGE, C_MessageVerifyInit, 0, 0, 7, (S, PARAM, IN, IN)) \
X(C_VerifyMessageBegin, IN_SESSION | ACTIVE | MESSAGE, C_MessageVerifyInit, 0, 0, 3, (S, PARAM)) \
X(C_VerifyMessageNext, IN_SESSION | ACTIVE | DATA | VERIFIES | MESSAGE, C_VerifyMessageBegin, 0, 0, 7, (S, PARAM, IN, IN)) \
X(C_MessageVerifyFinal, IN_SESSION | ACTIVE, C_MessageVerifyInit, 0, 0, 1, (S)) \
X(C_EncapsulateKey, IN_SESSION | ABSENT, NOTHING, CKF_DERIVE, FOR_KEY, 8, (S, W_MECH, W_KEY, TEMPL, OUT, W_NEW)) \
X(C_DecapsulateKey, IN_SESSION | ABSENT, NOTHING, CKF_DERIVE, FOR_KEY, 8, (S, W_MECH, W_KEY, TEMPL, IN, W_NEW)) \
X(C_VerifySignatureInit, IN_SESSION | INIT | VERIFIES, NOTHING, CKF_VERIFY, 0, 5, (S, W_MECH, W_KEY, IN)) \
X(C_VerifySignature, IN_SESSION | ACTIVE | DATA | VERIFIES, C_VerifySignatureInit, 0, 0, 3, (S, IN)) \
X(C_VerifySignatureUpdate, IN_SESSION | ACTIVE | DATA, C_VerifySignatureInit, 0, 0, 3, (S, IN)) \
X(C_VerifySignatureFinal, IN_SESSION | ACTIVE | DATA | VERIFIES, C_VerifySignatureUpdate, 0, 0, 1, (S)) \
X(C_GetSessionValidationFlags, IN_SESSION, NOTHING, 0, 0, 3, (S, W_NUMBER, W_NEW)) \
X(C_AsyncComplete, IN_SESSION | ASYNC, NOTHING, 0, 0, 3, (S, W_TEXT, W_RECORD)) \
X(C_AsyncGetID, IN_SESSION | ASYNC, NOTHING, 0, 0, 3, (S, W_TEXT, W_NEW)) \
X(C_AsyncJoin, IN_SESSION | ASYNC, NOTHING, 0, 0, 5, (S, W_TEXT, W_NUMBER, W_FILLED, W_IN_LEN)) \
X(C_WrapKeyAuthenticated, IN_SESSION | ROOM | MECHANISM | WRAPS, NOTHING, CKF_WRAP, 0, 8, (S, W_MECH, W_KEY, W_OBJECT, IN, OUT)) \
X(C_UnwrapKeyAuthenticated, IN_SESSION | TEMPLATE | MECHANISM | UNWRAPS, NOTHING, CKF_UNWRAP, FOR_KEY, 10, (S, W_MECH, W_KEY, IN, TEMPL, IN, W_NEW))
/* clang-format on */

#define APPLY(macro, ...) macro(__VA_ARGS__)
#define UNWRAP(...) __VA_ARGS__
#define X(name, answers, before, flags, of, number, arguments) \
	static CK_RV call_##name(const CK_ULONG *w) \
	{ \
		return p11_all->name(APPLY(GIVE_##number, UNWRAP arguments)); \
	}
WILD_ROWS(X)
#undef X

#define X(name, answers, before, flags, of, number, arguments) \
	[WILD_##name] = {#name, call_##name, number, {UNWRAP arguments}, answers, WILD_##before, flags, of},
static const struct wild_call rows[WILD_COUNT] = {WILD_ROWS(X)};
#undef X

const struct wild_call *wild_call(enum wild_id id)
{
	return &rows[id];
}
