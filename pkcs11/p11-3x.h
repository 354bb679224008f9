/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pkcs11/p11-3x.h - PKCS#11 as the token uses it: p11-kit's header, which is 2.40, and what we need of
 * 3.x beyond it.  Values are those of the OASIS texts, PKCS#11 3.0, sections 3.4 to 3.6 and 5.4, and 3.2 where so noted.
 */
#ifndef DSKE_PKCS11_P11_3X_H
#define DSKE_PKCS11_P11_3X_H

#include <p11-kit/pkcs11.h>

#include "pkcs11/calls.h"
#include "pkcs11/dske-pkcs11.h"
#include "pkcs11/p11-3x-mac.h"

typedef struct CK_INTERFACE {
	CK_UTF8CHAR *pInterfaceName; /* "PKCS 11" */
	CK_VOID_PTR pFunctionList;   /* begins with a CK_VERSION */
	CK_FLAGS flags;
} CK_INTERFACE;
typedef CK_INTERFACE *CK_INTERFACE_PTR;
typedef CK_INTERFACE **CK_INTERFACE_PTR_PTR;

/* ChaCha20 (6.58, 6.61), CCM (6.13), AES Key Wrap (6.16). */
#ifndef CKM_CHACHA20
#define CKM_CHACHA20 0x1226UL
#define CKM_CHACHA20_POLY1305 0x4021UL
#endif
#ifndef CKM_AES_KEY_WRAP_KWP
#define CKM_AES_KEY_WRAP_KWP 0x210bUL
#endif
#ifndef CKM_AES_KEY_WRAP_PKCS7
#define CKM_AES_KEY_WRAP_PKCS7 0x210cUL
#endif

typedef struct CK_CCM_PARAMS {
	CK_ULONG ulDataLen; /* of the data, without the MAC */
	CK_BYTE_PTR pNonce;
	CK_ULONG ulNonceLen;
	CK_BYTE_PTR pAAD;
	CK_ULONG ulAADLen;
	CK_ULONG ulMACLen;
} CK_CCM_PARAMS;

typedef struct CK_CHACHA20_PARAMS {
	CK_BYTE_PTR pBlockCounter;
	CK_ULONG blockCounterBits;
	CK_BYTE_PTR pNonce;
	CK_ULONG ulNonceBits;
} CK_CHACHA20_PARAMS;

typedef struct CK_SALSA20_CHACHA20_POLY1305_PARAMS {
	CK_BYTE_PTR pNonce;
	CK_ULONG ulNonceLen;
	CK_BYTE_PTR pAAD;
	CK_ULONG ulAADLen;
} CK_SALSA20_CHACHA20_POLY1305_PARAMS;

/* Messages (5.9, 6.13, 6.61). */
#ifndef CKF_MESSAGE_ENCRYPT
#define CKF_MESSAGE_ENCRYPT 0x2UL
#define CKF_MESSAGE_DECRYPT 0x4UL
#define CKF_MESSAGE_SIGN 0x8UL
#define CKF_MESSAGE_VERIFY 0x10UL
#endif
#ifndef CKF_MULTI_MESSAGE
#define CKF_MULTI_MESSAGE 0x20UL
#endif
#ifndef CKF_END_OF_MESSAGE
#define CKF_END_OF_MESSAGE 0x1UL
#endif

typedef CK_ULONG CK_GENERATOR_FUNCTION;
#ifndef CKG_NO_GENERATE
#define CKG_NO_GENERATE 0UL
#define CKG_GENERATE 1UL
#define CKG_GENERATE_COUNTER 2UL
#define CKG_GENERATE_RANDOM 3UL
#define CKG_GENERATE_COUNTER_XOR 4UL
#endif

typedef struct CK_GCM_MESSAGE_PARAMS {
	CK_BYTE_PTR pIv; /* bytes; also written */
	CK_ULONG ulIvLen;
	CK_ULONG ulIvFixedBits; /* its first bits, which are the host's */
	CK_GENERATOR_FUNCTION ivGenerator;
	CK_BYTE_PTR pTag; /* written, or checked */
	CK_ULONG ulTagBits;
} CK_GCM_MESSAGE_PARAMS;

typedef struct CK_CCM_MESSAGE_PARAMS {
	CK_ULONG ulDataLen;
	CK_BYTE_PTR pNonce;
	CK_ULONG ulNonceLen;
	CK_ULONG ulNonceFixedBits;
	CK_GENERATOR_FUNCTION nonceGenerator;
	CK_BYTE_PTR pMAC;
	CK_ULONG ulMACLen;
} CK_CCM_MESSAGE_PARAMS;

typedef struct CK_SALSA20_CHACHA20_POLY1305_MSG_PARAMS {
	CK_BYTE_PTR pNonce;
	CK_ULONG ulNonceLen;
	CK_BYTE_PTR pTag; /* 16 bytes */
} CK_SALSA20_CHACHA20_POLY1305_MSG_PARAMS;

/* PKCS#11 3.2: session validation flags (4.15.3.1), asynchronous calls (3.5, 5.6.1, 5.21). */
typedef CK_ULONG CK_SESSION_VALIDATION_FLAGS_TYPE;
#ifndef CKS_LAST_VALIDATION_OK
#define CKS_LAST_VALIDATION_OK 1UL
#endif
#ifndef CKF_ASYNC_SESSION
#define CKF_ASYNC_SESSION (1UL << 3)
#define CKR_SESSION_ASYNC_NOT_SUPPORTED 0x205UL
#endif
typedef struct CK_ASYNC_DATA {
	CK_ULONG ulVersion;
	CK_BYTE_PTR pValue;
	CK_ULONG ulValue;
	CK_OBJECT_HANDLE hObject, hAdditionalObject;
} CK_ASYNC_DATA;
typedef CK_ASYNC_DATA *CK_ASYNC_DATA_PTR;

/* Wrapping, PKCS#11 3.2, 6.13.7. */
typedef struct CK_GCM_WRAP_PARAMS {
	CK_BYTE_PTR pIv;
	CK_ULONG ulIvLen;
	CK_ULONG ulIvFixedBits;
	CK_GENERATOR_FUNCTION ivGenerator;
	CK_BYTE_PTR pAAD;
	CK_ULONG ulAADLen;
	CK_ULONG ulTagBits;
} CK_GCM_WRAP_PARAMS;

typedef struct CK_CCM_WRAP_PARAMS {
	CK_ULONG ulDataLen; /* ignored */
	CK_BYTE_PTR pNonce;
	CK_ULONG ulNonceLen;
	CK_ULONG ulNonceFixedBits;
	CK_GENERATOR_FUNCTION nonceGenerator;
	CK_BYTE_PTR pAAD;
	CK_ULONG ulAADLen;
	CK_ULONG ulMACLen;
} CK_CCM_WRAP_PARAMS;

/* The functions of 2.40 in their order, then those that 3.0 adds. */
typedef struct CK_FUNCTION_LIST_3_0 {
	CK_VERSION version;
#define X(guard, name, handler, parameters, arguments) CK_RV(*name) parameters;
	CALLS_2_40(X) CALLS_3_0(X)
#undef X
} CK_FUNCTION_LIST_3_0;

/* And those that 3.2 adds. */
typedef struct CK_FUNCTION_LIST_3_2 {
	CK_VERSION version;
#define X(guard, name, handler, parameters, arguments) CK_RV(*name) parameters;
	CALLS_2_40(X) CALLS_3_0(X) CALLS_3_2(X)
#undef X
} CK_FUNCTION_LIST_3_2;

#ifndef CKF_INTERFACE_FORK_SAFE
#define CKF_INTERFACE_FORK_SAFE 1UL
#endif
#ifndef CKF_FIND_OBJECTS
#define CKF_FIND_OBJECTS (1UL << 6)
#endif
#ifndef CKR_OPERATION_CANCEL_FAILED
#define CKR_OPERATION_CANCEL_FAILED 0x202UL
#endif
#ifndef CKR_AEAD_DECRYPT_FAILED
#define CKR_AEAD_DECRYPT_FAILED 0x42UL
#endif
#ifndef CKR_TOKEN_RESOURCE_EXCEEDED
#define CKR_TOKEN_RESOURCE_EXCEEDED 0x201UL
#endif

/* Attributes and classes (PKCS#11 3.0, annex B; CKA_UNIQUE_ID also 4.4.1; CKP_HKDF_TLS_TOKEN is 3.1's). */
#ifndef CKA_UNIQUE_ID
#define CKA_UNIQUE_ID 0x4UL
#endif
#ifndef CKO_PROFILE
#define CKO_PROFILE 9UL
#define CKA_PROFILE_ID 0x601UL
#define CKP_BASELINE_PROVIDER 1UL
#define CKP_EXTENDED_PROVIDER 2UL
#endif
#ifndef CKP_HKDF_TLS_TOKEN
#define CKP_HKDF_TLS_TOKEN 6UL
#endif

#endif
