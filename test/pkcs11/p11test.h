/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test/pkcs11/p11test.h - what the cases of p11test share.  A case goes on after a failed check; what it
 * found is counted, and printed as comments of the TAP.
 */
#ifndef DSKE_TEST_PKCS11_P11TEST_H
#define DSKE_TEST_PKCS11_P11TEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "pkcs11/p11-3x.h"

extern CK_FUNCTION_LIST *p11;
extern CK_FUNCTION_LIST_3_0 *p11_3; /* NULL where the module has none */
extern CK_FUNCTION_LIST_3_2 *p11_32;
extern const char *token_label, *pin;
extern bool strict;       /* everything must be offered, and be done as we want it */
extern CK_SLOT_ID slot;   /* of the token with the label */
extern unsigned failures; /* of the case that runs */

extern CK_BBOOL yes, no;
extern CK_OBJECT_CLASS secret_class;
extern CK_KEY_TYPE aes, generic;

void fail(const char *file, int line, const char *format, ...) __attribute__((format(printf, 3, 4)));

#define CHECK(condition)                                                                             \
	do {                                                                                         \
		if (!(condition))                                                                    \
			fail(__FILE__, __LINE__, "not so: %s", #condition);                          \
	} while (0)

#define IS(call, wanted)                                                                             \
	do {                                                                                         \
		CK_RV is_ = (call);                                                                  \
		if (is_ != (wanted))                                                                 \
			fail(__FILE__, __LINE__, "%s is 0x%lx, not %s", #call, is_, #wanted);        \
	} while (0)

/* As IS, and leaves the case when it is not. */
#define MUST(call)                                                                                   \
	do {                                                                                         \
		CK_RV must_ = (call);                                                                \
		if (must_ != CKR_OK) {                                                               \
			fail(__FILE__, __LINE__, "%s is 0x%lx", #call, must_);                       \
			return;                                                                      \
		}                                                                                    \
	} while (0)

/* Either of two answers that the standard allows. */
#define EITHER(call, one, other)                                                                     \
	do {                                                                                         \
		CK_RV either_ = (call);                                                              \
		if (either_ != (one) && either_ != (other))                                          \
			fail(__FILE__, __LINE__, "%s is 0x%lx", #call, either_);                     \
	} while (0)

CK_RV initialize(void);
CK_SLOT_ID find_slot(void);
bool offers(CK_MECHANISM_TYPE type);
CK_SESSION_HANDLE session_new(CK_FLAGS flags);
CK_SESSION_HANDLE session_user(void); /* read-write, logged in */
/* A session key that may do everything. */
CK_OBJECT_HANDLE key_new(CK_SESSION_HANDLE s, CK_KEY_TYPE type, const void *value, CK_ULONG len, const char *label);
size_t unhex(unsigned char *out, const char *text);
/* Hexadecimal, "'TEXT", "XX*COUNT" or "..COUNT" (00 01 02 ...) as bytes; returns how many. */
size_t known_bytes(unsigned char *out, const char *text);

/* A known answer of AES-GCM, with its key on the token. */
struct gcm_vector {
	const char *key, *iv, *ad, *plain, *sealed;
};
extern const struct gcm_vector gcm_vectors[2];
struct gcm_case {
	unsigned char key[32], iv[16], ad[32], plain[80], sealed[96];
	size_t plain_len, sealed_len;
	CK_GCM_PARAMS params;
	CK_MECHANISM mech;
	CK_OBJECT_HANDLE handle;
};
void gcm_load(struct gcm_case *c, CK_SESSION_HANDLE s, const struct gcm_vector *v);

/* The cases, in the order in which they run. */
#define CASES(X)                                                                                     \
	X(before) X(initialize) X(lists) X(slots) X(token_info) X(mechanisms) X(sessions) \
	X(defaults) X(templates_refused) X(check_value) X(one_way) X(unchangeable) X(copy) X(copy_refused) \
	X(data_object) X(find_any) X(allowed_mechanisms) X(set_pin) X(security_officer) X(unique_id) \
	X(login) X(attributes) X(set_attributes) X(create_refused) X(destroy) X(token_object) \
	X(find) X(known_answers) X(known_tampered) X(counters) X(chacha20) X(ccm_length) X(generated_parameters) X(generated_messages) X(generated_wraps) \
	X(key_goes) X(gcm_without_bits) X(shared_key) \
	X(messages) X(messages_tampered) X(messages_conventions) X(messages_nonces) X(messages_xchacha) \
	X(wrap_known) X(wrap_ways) X(wrap_refused) X(wrap_policies) X(wrap_nonces) X(wrap_apart) X(dual_digest) X(dual_sign) X(gcm) X(gcm_tampered) X(gcm_parts) X(gcm_parameters) X(cbc) X(cbc_pad) \
	X(wrong_keys) X(hmac) X(hmac_tampered) X(hmac_general) X(interleaved) X(digest) \
	X(digest_sha1) X(digest_sha224) X(digest_sha256) X(digest_sha384) X(digest_sha512) \
	X(digest_sha512_224) X(digest_sha512_256) X(digest_sha3_224) X(digest_sha3_256) \
	X(digest_sha3_384) X(digest_sha3_512) X(digest_key) X(digest_state) \
	X(hmac_sha1) X(hmac_sha224) X(hmac_sha256) X(hmac_sha384) X(hmac_sha512) \
	X(hmac_sha3_224) X(hmac_sha3_256) X(hmac_sha3_384) X(hmac_sha3_512) X(aes_cmac) X(aes_gmac) X(poly1305) \
	X(sign_messages) X(sign_messages_refused) \
	X(keygen_aes128) X(keygen_aes192) X(keygen_aes256) X(keygen_generic) X(keygen_hkdf) \
	X(keygen_chacha20) X(keygen_poly1305) X(keygen_sha1) X(keygen_sha224) X(keygen_sha256) \
	X(keygen_sha384) X(keygen_sha512) X(keygen_sha512_224) X(keygen_sha512_256) X(keygen_sha3_224) \
	X(keygen_sha3_256) X(keygen_sha3_384) X(keygen_sha3_512) X(keygen_refused) X(pbkdf2) \
	X(pbkdf2_old_params) \
	X(hkdf) X(hkdf_data) X(sp800_108_counter) X(sp800_108_feedback) X(sp800_108_pipeline) \
	X(tls12_kdf) X(concatenate) X(xor_base_and_data) X(extract_key) X(aes_encrypt_data) \
	X(sha_key_derivation) \
	X(random) X(dead_session) X(bad_arguments) X(threads) X(closed_under_way) X(fork) \
	X(fork_under_load) X(finalize)

#define X(name) void case_##name(void);
CASES(X)
#undef X

#endif
