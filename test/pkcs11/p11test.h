/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test/pkcs11/p11test.h - what the cases of p11test share.
 *
 * A group is a function that runs in a process of its own, with the module initialised.  It has one case or many, each
 * with a name and a verdict.  Of two forms:
 *	ASK     one call, whose answer is the verdict; the row says which answers are right, and which section of the
 *		standard has it so: 3.0 for 4 and 5, 3.2 for 6, unless it says another.  TRUTH is the same of a condition.
 *	item()  begins a case of several calls: the CHECKs, ISs and MUSTs up to the next case are its own, and its verdict
 *		is "right", or "wrong" with the first answer that was.  A case goes on after a failed check.
 * A group with neither is one case of the second form.  "Not offered" is a verdict of its own.
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
extern const char *token_label, *pin, *so_pin; /* NULL: not given */
extern bool strict;       /* everything must be offered */
extern bool partial;      /* not all groups run */
extern CK_SLOT_ID slot;   /* of the token with the label */
extern unsigned failures; /* checks of the case that runs */

extern CK_BBOOL yes, no;
extern CK_OBJECT_CLASS secret_class;
extern CK_KEY_TYPE aes, generic;

void fail(const char *file, int line, const char *format, ...) __attribute__((format(printf, 3, 4)));
void note(const char *format, ...) __attribute__((format(printf, 1, 2)));
void answer_is(const char *file, int line, const char *call, CK_RV rv);

#define CHECK(condition)                                                                             \
	do {                                                                                         \
		if (!(condition))                                                                    \
			fail(__FILE__, __LINE__, "not so: %s", #condition);                          \
	} while (0)

#define IS(call, wanted)                                                                             \
	do {                                                                                         \
		CK_RV is_ = (call);                                                                  \
		if (is_ != (wanted))                                                                 \
			answer_is(__FILE__, __LINE__, #call, is_);                                   \
	} while (0)

/* As IS, and leaves the group when it is not. */
#define MUST(call)                                                                                   \
	do {                                                                                         \
		CK_RV must_ = (call);                                                                \
		if (must_ != CKR_OK) {                                                               \
			answer_is(__FILE__, __LINE__, #call, must_);                                 \
			return;                                                                      \
		}                                                                                    \
	} while (0)

/* Either of two answers that the standard allows. */
#define EITHER(call, one, other)                                                                     \
	do {                                                                                         \
		CK_RV either_ = (call);                                                              \
		if (either_ != (one) && either_ != (other))                                          \
			answer_is(__FILE__, __LINE__, #call, either_);                               \
	} while (0)

/* A case that is one call: its name, the section, the call, and the answers that are right. */
#define ASK(name, section, call, ...)                                                                \
	do {                                                                                         \
		if (ask_begin(name)) {                                                               \
			const CK_RV wanted_[] = {__VA_ARGS__};                                       \
			CK_RV ask_ = (call);                                                         \
			ask_end(section, #call, ask_, wanted_, sizeof wanted_ / sizeof wanted_[0]);  \
		}                                                                                    \
	} while (0)

/* A case that is one question, whose answer has to be yes. */
#define TRUTH(name, section, condition) answer(section, name, condition, true)

void item(const char *format, ...) __attribute__((format(printf, 1, 2)));
void item_end(void); /* what follows belongs to no case */
void absent(void);   /* the case that runs asks for what the module does not have */
void excused(const char *why); /* it is not asked, which is nobody's fault */
bool ask_begin(const char *name); /* false: the module crashed here before */
void ask_end(const char *section, const char *call, CK_RV rv, const CK_RV *wanted, size_t count);
void answer(const char *section, const char *name, bool is, bool wanted);
const char *rv_name(CK_RV rv); /* good until the next call */
const char *mechanism_name(CK_MECHANISM_TYPE type);

/* What the case that runs has shown, unless a check failed: an answer by this source; the same answer as OpenSSL. */
void known_answer(CK_MECHANISM_TYPE type, const char *source);
void crossed(CK_MECHANISM_TYPE type);
const char *proof_of(CK_MECHANISM_TYPE type, bool crossed); /* NULL: none */

enum group_kind { RAW, PUBLIC, USER, LOGIN }; /* initialises itself; wants a token; makes keys; and logs in and out */
struct group {
	const char *name;
	enum group_kind kind;
	void (*run)(void);
};
void board_new(bool verdicts, FILE *also); /* verdicts alone are printed; where they are written as well, or NULL */
void group_run(const struct group *g);
unsigned group_count(unsigned *bad);
bool usable(void); /* the token lets us in, and is no read-only one */

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

/* A base key to derive from, its value as known_bytes() reads it; and what it gives (len 0: as long as it comes). */
CK_OBJECT_HANDLE base_new(CK_SESSION_HANDLE s, CK_KEY_TYPE type, const char *text);
void derives(CK_SESSION_HANDLE s, CK_MECHANISM *mech, CK_OBJECT_HANDLE base, CK_ULONG len, const char *wanted);

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

/* The groups, in the order in which they run. */
#define GROUPS(X) \
	X(not_initialized, RAW) X(initialize, RAW) X(initialize_arguments, RAW) X(lists, PUBLIC) \
	X(defaults, USER) X(templates_refused, USER) X(check_value, USER) X(one_way, USER) X(unchangeable, USER) \
	X(copy, USER) X(copy_refused, USER) X(data_object, USER) X(find_any, USER) X(allowed_mechanisms, USER) \
	X(unique_id, USER) X(attributes, USER) X(set_attributes, USER) X(create_refused, USER) X(destroy, USER) \
	X(token_object, LOGIN) X(find, USER) X(known_answers, USER) X(known_tampered, USER) X(counters, USER) \
	X(chacha20, USER) X(ccm_length, USER) X(generated_parameters, USER) X(generated_messages, USER) \
	X(generated_wraps, USER) X(key_goes, LOGIN) X(gcm_without_bits, USER) X(shared_key, USER) \
	X(messages, USER) X(messages_tampered, USER) X(messages_conventions, USER) X(messages_nonces, USER) \
	X(messages_xchacha, USER) X(wrap_known, USER) X(wrap_ways, USER) X(wrap_refused, USER) \
	X(wrap_policies, USER) X(wrap_nonces, USER) X(wrap_apart, USER) X(dual_digest, USER) X(dual_sign, USER) \
	X(gcm, USER) X(gcm_tampered, USER) X(gcm_parts, USER) X(gcm_parameters, USER) X(cbc, USER) \
	X(cbc_pad, USER) X(wrong_keys, USER) X(hmac_tampered, USER) X(hmac_general, USER) X(interleaved, USER) \
	X(digest, PUBLIC) X(digest_sha1, PUBLIC) X(digest_sha224, PUBLIC) X(digest_sha256, PUBLIC) \
	X(digest_sha384, PUBLIC) X(digest_sha512, PUBLIC) X(digest_sha512_224, PUBLIC) \
	X(digest_sha512_256, PUBLIC) X(digest_sha3_224, PUBLIC) X(digest_sha3_256, PUBLIC) \
	X(digest_sha3_384, PUBLIC) X(digest_sha3_512, PUBLIC) X(digest_key, USER) X(digest_state, PUBLIC) \
	X(hmac_sha1, USER) X(hmac_sha224, USER) X(hmac_sha256, USER) X(hmac_sha384, USER) X(hmac_sha512, USER) \
	X(hmac_sha3_224, USER) X(hmac_sha3_256, USER) X(hmac_sha3_384, USER) X(hmac_sha3_512, USER) \
	X(aes_cmac, USER) X(aes_gmac, USER) X(poly1305, USER) X(sign_messages, USER) \
	X(sign_messages_refused, USER) X(keygen_aes128, USER) X(keygen_aes192, USER) X(keygen_aes256, USER) \
	X(keygen_generic, USER) X(keygen_hkdf, USER) X(keygen_chacha20, USER) X(keygen_poly1305, USER) \
	X(keygen_sha1, USER) X(keygen_sha224, USER) X(keygen_sha256, USER) X(keygen_sha384, USER) \
	X(keygen_sha512, USER) X(keygen_sha512_224, USER) X(keygen_sha512_256, USER) X(keygen_sha3_224, USER) \
	X(keygen_sha3_256, USER) X(keygen_sha3_384, USER) X(keygen_sha3_512, USER) X(keygen_refused, USER) \
	X(pbkdf2, USER) X(pbkdf2_old_params, USER) X(hkdf, USER) X(hkdf_data, USER) X(sp800_108_counter, USER) \
	X(sp800_108_feedback, USER) X(sp800_108_pipeline, USER) X(tls12_kdf, USER) X(concatenate, USER) \
	X(xor_base_and_data, USER) X(extract_key, USER) X(aes_encrypt_data, USER) X(general_length, USER) \
	X(digest_derivation, USER) X(examples, USER) X(random, PUBLIC) X(threads, USER) \
	X(closed_under_way, PUBLIC) X(fork, USER) X(fork_under_load, USER) X(after_finalize, USER) \
	X(descriptions, PUBLIC) X(slot_lists, PUBLIC) X(mechanism_lists, PUBLIC) X(mechanism_flags, PUBLIC) \
	X(session_rules, PUBLIC) X(many_sessions, PUBLIC) X(no_session, PUBLIC) X(nothing_begun, PUBLIC) \
	X(no_pointer, USER) X(no_length, USER) X(active, USER) X(login_rules, LOGIN) X(officer_rules, LOGIN) \
	X(pin_rules, LOGIN) X(token_anew, LOGIN) X(access_public, LOGIN) X(access_user, LOGIN) \
	X(create_rules, USER) X(create_kinds, USER) X(get_rules, USER) X(set_rules, USER) \
	X(set_all_or_none, USER) X(copy_rules, USER) X(find_rules, USER) X(permissions, USER) \
	X(permissions_change, USER) X(other_mechanisms, USER) X(other_keys, USER) X(making_read_only, LOGIN) \
	X(making_public, LOGIN) X(lengths, USER) X(errors_end, USER) X(crossed_ciphers, USER) \
	X(crossed_macs, USER) X(crossed_digests, PUBLIC) X(crossed_derivations, USER) X(crossed_passwords, USER) \
	X(has_known_answer, PUBLIC) X(has_been_crossed, PUBLIC) X(finalize, USER)

#define X(name, kind) void case_##name(void);
GROUPS(X)
#undef X

#endif
