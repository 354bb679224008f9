/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pkcs11/p11-3x-mac.h - what p11-kit's header lacks for hashes, MACs, key generation and derivation.  Values
 * are those of the OASIS texts, PKCS#11 3.0; test-tables.c compares them with NSS's header.
 */
#ifndef DSKE_PKCS11_P11_3X_MAC_H
#define DSKE_PKCS11_P11_3X_MAC_H

#include <p11-kit/pkcs11.h>

/* SHA-3, and key generation for all HMACs. */
#ifndef CKM_SHA3_224
#define CKM_SHA3_224 0x2b5UL
#define CKM_SHA3_256 0x2b0UL
#define CKM_SHA3_384 0x2c0UL
#define CKM_SHA3_512 0x2d0UL
#define CKM_SHA3_224_HMAC 0x2b6UL
#define CKM_SHA3_256_HMAC 0x2b1UL
#define CKM_SHA3_384_HMAC 0x2c1UL
#define CKM_SHA3_512_HMAC 0x2d1UL
#define CKM_SHA3_224_HMAC_GENERAL 0x2b7UL
#define CKM_SHA3_256_HMAC_GENERAL 0x2b2UL
#define CKM_SHA3_384_HMAC_GENERAL 0x2c2UL
#define CKM_SHA3_512_HMAC_GENERAL 0x2d2UL
#define CKM_SHA3_224_KEY_GEN 0x2b8UL
#define CKM_SHA3_256_KEY_GEN 0x2b3UL
#define CKM_SHA3_384_KEY_GEN 0x2c3UL
#define CKM_SHA3_512_KEY_GEN 0x2d3UL
#define CKM_SHA3_224_KEY_DERIVATION 0x398UL
#define CKM_SHA3_256_KEY_DERIVATION 0x397UL
#define CKM_SHA3_384_KEY_DERIVATION 0x399UL
#define CKM_SHA3_512_KEY_DERIVATION 0x39aUL
#define CKM_SHA_1_KEY_GEN 0x4003UL
#define CKM_SHA224_KEY_GEN 0x4004UL
#define CKM_SHA256_KEY_GEN 0x4005UL
#define CKM_SHA384_KEY_GEN 0x4006UL
#define CKM_SHA512_KEY_GEN 0x4007UL
#define CKM_SHA512_224_KEY_GEN 0x4008UL
#define CKM_SHA512_256_KEY_GEN 0x4009UL
#endif

/* Key types of HMACs. */
#ifndef CKK_SHA3_224_HMAC
#define CKK_SHA3_224_HMAC 0x36UL
#define CKK_SHA3_256_HMAC 0x37UL
#define CKK_SHA3_384_HMAC 0x38UL
#define CKK_SHA3_512_HMAC 0x39UL
#define CKK_SHA512_224_HMAC 0x43UL
#define CKK_SHA512_256_HMAC 0x44UL
#endif

/* ChaCha20 and Poly1305. */
#ifndef CKM_POLY1305
#define CKM_POLY1305 0x1228UL
#define CKM_POLY1305_KEY_GEN 0x1227UL
#define CKM_CHACHA20_KEY_GEN 0x1225UL
#define CKK_CHACHA20 0x33UL
#define CKK_POLY1305 0x34UL
#endif

/* HKDF. */
#ifndef CKM_HKDF_DERIVE
#define CKM_HKDF_DERIVE 0x402aUL
#define CKM_HKDF_DATA 0x402bUL
#define CKM_HKDF_KEY_GEN 0x402cUL
#define CKK_HKDF 0x42UL
#define CKF_HKDF_SALT_NULL 0x1UL
#define CKF_HKDF_SALT_DATA 0x2UL
#define CKF_HKDF_SALT_KEY 0x4UL
#endif

/* SP 800-108 key derivation. */
#ifndef CKM_SP800_108_COUNTER_KDF
#define CKM_SP800_108_COUNTER_KDF 0x3acUL
#define CKM_SP800_108_FEEDBACK_KDF 0x3adUL
#define CKM_SP800_108_DOUBLE_PIPELINE_KDF 0x3aeUL
#define CK_SP800_108_ITERATION_VARIABLE 0x1UL
#define CK_SP800_108_COUNTER 0x2UL
#define CK_SP800_108_DKM_LENGTH 0x3UL
#define CK_SP800_108_BYTE_ARRAY 0x4UL
#define CK_SP800_108_DKM_LENGTH_SUM_OF_KEYS 0x1UL
#define CK_SP800_108_DKM_LENGTH_SUM_OF_SEGMENTS 0x2UL
#endif

/* PKCS #5 password-based key derivation. */
#ifndef CKP_PKCS5_PBKD2_HMAC_SHA1
#define CKP_PKCS5_PBKD2_HMAC_SHA1 0x1UL
#define CKP_PKCS5_PBKD2_HMAC_SHA224 0x3UL
#define CKP_PKCS5_PBKD2_HMAC_SHA256 0x4UL
#define CKP_PKCS5_PBKD2_HMAC_SHA384 0x5UL
#define CKP_PKCS5_PBKD2_HMAC_SHA512 0x6UL
#define CKP_PKCS5_PBKD2_HMAC_SHA512_224 0x7UL
#define CKP_PKCS5_PBKD2_HMAC_SHA512_256 0x8UL
#define CKZ_SALT_SPECIFIED 0x1UL
#endif

typedef CK_ULONG CK_MAC_GENERAL_PARAMS;
typedef CK_ULONG CK_EXTRACT_PARAMS;

typedef struct CK_HKDF_PARAMS {
	CK_BBOOL bExtract, bExpand;
	CK_MECHANISM_TYPE prfHashMechanism;
	CK_ULONG ulSaltType; /* CKF_HKDF_SALT_ */
	CK_BYTE_PTR pSalt;
	CK_ULONG ulSaltLen;
	CK_OBJECT_HANDLE hSaltKey;
	CK_BYTE_PTR pInfo;
	CK_ULONG ulInfoLen;
} CK_HKDF_PARAMS;

typedef struct CK_PRF_DATA_PARAM {
	CK_ULONG type; /* CK_SP800_108_ */
	CK_VOID_PTR pValue;
	CK_ULONG ulValueLen;
} CK_PRF_DATA_PARAM;

typedef struct CK_SP800_108_COUNTER_FORMAT {
	CK_BBOOL bLittleEndian;
	CK_ULONG ulWidthInBits;
} CK_SP800_108_COUNTER_FORMAT;

typedef struct CK_SP800_108_DKM_LENGTH_FORMAT {
	CK_ULONG dkmLengthMethod;
	CK_BBOOL bLittleEndian;
	CK_ULONG ulWidthInBits;
} CK_SP800_108_DKM_LENGTH_FORMAT;

typedef struct CK_DERIVED_KEY {
	CK_ATTRIBUTE_PTR pTemplate;
	CK_ULONG ulAttributeCount;
	CK_OBJECT_HANDLE_PTR phKey;
} CK_DERIVED_KEY;

typedef struct CK_SP800_108_KDF_PARAMS {
	CK_MECHANISM_TYPE prfType;
	CK_ULONG ulNumberOfDataParams;
	CK_PRF_DATA_PARAM *pDataParams;
	CK_ULONG ulAdditionalDerivedKeys;
	CK_DERIVED_KEY *pAdditionalDerivedKeys;
} CK_SP800_108_KDF_PARAMS;

typedef struct CK_SP800_108_FEEDBACK_KDF_PARAMS {
	CK_MECHANISM_TYPE prfType;
	CK_ULONG ulNumberOfDataParams;
	CK_PRF_DATA_PARAM *pDataParams;
	CK_ULONG ulIVLen;
	CK_BYTE_PTR pIV;
	CK_ULONG ulAdditionalDerivedKeys;
	CK_DERIVED_KEY *pAdditionalDerivedKeys;
} CK_SP800_108_FEEDBACK_KDF_PARAMS;

/* The password's length is behind a pointer in the first, which 2.40 corrected by the second. */
typedef struct CK_PKCS5_PBKD2_PARAMS {
	CK_ULONG saltSource; /* CKZ_SALT_SPECIFIED */
	CK_VOID_PTR pSaltSourceData;
	CK_ULONG ulSaltSourceDataLen;
	CK_ULONG iterations;
	CK_ULONG prf; /* CKP_ */
	CK_VOID_PTR pPrfData;
	CK_ULONG ulPrfDataLen;
	CK_UTF8CHAR_PTR pPassword;
	CK_ULONG_PTR ulPasswordLen;
} CK_PKCS5_PBKD2_PARAMS;

typedef struct CK_PKCS5_PBKD2_PARAMS2 {
	CK_ULONG saltSource;
	CK_VOID_PTR pSaltSourceData;
	CK_ULONG ulSaltSourceDataLen;
	CK_ULONG iterations;
	CK_ULONG prf;
	CK_VOID_PTR pPrfData;
	CK_ULONG ulPrfDataLen;
	CK_UTF8CHAR_PTR pPassword;
	CK_ULONG ulPasswordLen;
} CK_PKCS5_PBKD2_PARAMS2;

/* The TLS PRF as a key derivation. */
typedef struct CK_SSL3_RANDOM_DATA {
	CK_BYTE_PTR pClientRandom;
	CK_ULONG ulClientRandomLen;
	CK_BYTE_PTR pServerRandom;
	CK_ULONG ulServerRandomLen;
} CK_SSL3_RANDOM_DATA;

typedef struct CK_TLS_KDF_PARAMS {
	CK_MECHANISM_TYPE prfMechanism;
	CK_BYTE_PTR pLabel;
	CK_ULONG ulLabelLength;
	CK_SSL3_RANDOM_DATA RandomInfo;
	CK_BYTE_PTR pContextData;
	CK_ULONG ulContextDataLength;
} CK_TLS_KDF_PARAMS;

#endif
