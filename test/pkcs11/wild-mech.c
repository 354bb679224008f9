/* SPDX-License-Identifier: Apache-2.0 */
/* Mechanisms and their parameters, by words: pointers stand where pointers are; lengths are true of them or of NULL. */
#include <config.h>

#include "test/pkcs11/wild.h"

#include <string.h>

/*
 * A parameter's words:
 *	d  pointer to bytes, and their length     l  the same the other way round
 *	D  ... that are written to (a nonce)      t  pointer to a tag and its bits; T  its bytes; p  16 bytes of it
 *	c  pointer to a counter and its bits      i  16 bytes, in the structure itself
 *	n  a small number                         h  a hash or MAC for a KDF
 *	k  a key's handle                         f  two CK_BBOOL
 *	s  one of the first few numbers           v  a KDF's pieces: their number, and an array
 *	a  additional keys: their number, and an array    z  NULL and 0
 */
struct shape {
	CK_MECHANISM_TYPE type;
	const char *words;
};

static const struct shape plain[] = {
	{CKM_AES_GCM, "dndn"}, {CKM_AES_CCM, "nddn"}, {CKM_AES_CTR, "ni"}, {CKM_CHACHA20, "cc"},
	{CKM_CHACHA20_POLY1305, "dd"}, {CKM_AES_CBC, "i"}, {CKM_AES_CBC_PAD, "i"}, {CKM_AES_CTS, "i"},
	{CKM_AES_KEY_WRAP, ""}, {CKM_AES_GMAC, "i"}, {CKM_AES_CMAC_GENERAL, "n"},
	{CKM_HKDF_DERIVE, "fhsdkd"}, {CKM_HKDF_DATA, "fhsdkd"}, {CKM_SP800_108_COUNTER_KDF, "hva"},
	{CKM_SP800_108_FEEDBACK_KDF, "hvla"}, {CKM_SP800_108_DOUBLE_PIPELINE_KDF, "hva"},
	{CKM_CONCATENATE_BASE_AND_KEY, "k"}, {CKM_CONCATENATE_BASE_AND_DATA, "d"}, {CKM_CONCATENATE_DATA_AND_BASE, "d"},
	{CKM_XOR_BASE_AND_DATA, "d"}, {CKM_EXTRACT_KEY_FROM_KEY, "n"}, {CKM_AES_ECB_ENCRYPT_DATA, "d"},
	{CKM_AES_CBC_ENCRYPT_DATA, "id"}, {CKM_TLS12_KDF, "hdddd"}, {CKM_TLS_KDF, "hdddd"}, {CKM_PKCS5_PBKD2, "sdsszd"},
	{CKM_ECDH1_DERIVE, "sll"},
};
static const struct shape message[] = {
	{CKM_AES_GCM, "Dnst"}, {CKM_AES_CCM, "nDnsT"}, {CKM_CHACHA20_POLY1305, "Dp"},
};
static const struct shape wrapping[] = {{CKM_AES_GCM, "Dnsdn"}, {CKM_AES_CCM, "nDnsdn"}};

static const char *shape_in(const struct shape *all, size_t count, CK_MECHANISM_TYPE type)
{
	for (size_t i = 0; i < count; i++) {
		if (all[i].type == type)
			return all[i].words;
	}
	return NULL;
}
#define SHAPE(all, type) shape_in(all, sizeof(all) / sizeof((all)[0]), type)

/* ---- words ------------------------------------------------------------------------------------------------- */

static CK_ULONG draw_length(char word)
{
	static const CK_ULONG likely[] = {12, 16, 12, 16, 8, 24, 13, 4, 32};

	if (word == 'D' || draw(3) > 0)
		return likely[draw(sizeof likely / sizeof likely[0])];
	return draw(300);
}

static CK_ULONG draw_number(const struct wild_case *c)
{
	static const CK_ULONG likely[] = {0, 4, 8, 12, 13, 16, 32, 64, 96, 128};

	return wild_is_bad(c) ? draw_odd() : likely[draw(sizeof likely / sizeof likely[0])];
}

static CK_ULONG draw_hash(const struct wild_case *c)
{
	static const CK_ULONG some[] = {CKM_SHA256,      CKM_SHA256_HMAC, CKM_SHA_1,
					CKM_SHA512_HMAC, CKM_AES_CMAC,    CKM_SHA3_256_HMAC};

	return wild_is_bad(c) ? draw_odd() : some[draw(sizeof some / sizeof some[0])];
}

/* Bytes that may be written to, and their number in units of 1 / unit bytes. */
static void *draw_written(const struct wild_case *c, char word, CK_ULONG unit, CK_ULONG *number)
{
	CK_ULONG len = word == 'p' || word == 't' || word == 'T' ? 16 : draw_length(word);

	*number = len * unit;
	if (!wild_is_bad(c))
		return one_in(2) ? wild_memory(len) : wild_memory_odd(len);
	*number = draw_odd();
	return NULL;
}

/* Types of pieces, and what each has behind its pointer. */
static void *draw_pieces(const struct wild_case *c, CK_ULONG *n)
{
	CK_PRF_DATA_PARAM *p;

	*n = 1 + draw(4);
	p = wild_memory(*n * sizeof *p);
	for (CK_ULONG i = 0; i < *n; i++) {
		CK_ULONG words[3] = {draw(4), 8u * (draw(4) + 1), draw(2)};
		p[i] = (CK_PRF_DATA_PARAM){.type = i == 0 ? CK_SP800_108_ITERATION_VARIABLE : 2 + draw(3)};
		if (p[i].type == CK_SP800_108_BYTE_ARRAY || wild_is_bad(c)) {
			p[i].pValue = draw_bytes(c, 64, &p[i].ulValueLen);
			continue;
		}
		p[i].ulValueLen = p[i].type == CK_SP800_108_DKM_LENGTH ? sizeof(CK_SP800_108_DKM_LENGTH_FORMAT)
								       : sizeof(CK_SP800_108_COUNTER_FORMAT);
		if (p[i].type == CK_SP800_108_DKM_LENGTH)
			words[1] = words[2];
		words[2] = 8u * (draw(4) + 1);
		p[i].pValue = wild_copy(words, p[i].ulValueLen);
	}
	if (wild_is_bad(c))
		*n = 0;
	return p;
}

static void *draw_additional(const struct wild_case *c, CK_ULONG *n)
{
	CK_DERIVED_KEY *p;

	*n = draw(3) > 0 ? 0 : 1 + draw(2);
	if (*n == 0 && !one_in(8))
		return NULL;
	p = wild_memory(*n * sizeof *p);
	for (CK_ULONG i = 0; i < *n; i++) {
		p[i].pTemplate = draw_templ(c, &p[i].ulAttributeCount);
		p[i].phKey = wild_is_bad(c) ? NULL : wild_memory(sizeof(CK_OBJECT_HANDLE));
	}
	return p;
}

/* One word, or two; how many. */
static size_t draw_word(const struct wild_case *c, char word, CK_ULONG *p)
{
	switch (word) {
	case 'd':
		p[0] = (CK_ULONG)draw_bytes(c, draw_length(word), &p[1]);
		return 2;
	case 'l':
		p[1] = (CK_ULONG)draw_bytes(c, draw_length(word), &p[0]);
		return 2;
	case 'D':
	case 'T':
		p[0] = (CK_ULONG)draw_written(c, word, 1, &p[1]);
		return 2;
	case 't':
	case 'c':
		p[0] = (CK_ULONG)draw_written(c, word, 8, &p[1]);
		return 2;
	case 'p':
		p[0] = (CK_ULONG)draw_written(c, word, 1, &p[1]);
		return 1;
	case 'v':
		p[1] = (CK_ULONG)draw_pieces(c, &p[0]);
		return 2;
	case 'a':
		p[1] = (CK_ULONG)draw_additional(c, &p[0]);
		return 2;
	case 'z':
		p[0] = p[1] = wild_is_bad(c) ? draw(2) : 0;
		return 2;
	case 'i':
		p[0] = draw(256), p[1] = one_in(4) ? ~0ul : draw(256);
		return 2;
	case 'h':
		p[0] = draw_hash(c);
		return 1;
	case 's':
		p[0] = wild_is_bad(c) ? draw_odd() : draw(5);
		return 1;
	case 'k':
		p[0] = one_in(6) ? draw_odd() : world.key[draw(WILD_KEYS)];
		return 1;
	case 'f':
		p[0] = draw(2) | draw(2) << 8;
		return 1;
	default:
		p[0] = draw_number(c);
		return 1;
	}
}

/* The whole structure, at an odd address often; its length may be wrong if it is short of that. */
static void *draw_words(const struct wild_case *c, const char *words, CK_ULONG *len)
{
	CK_ULONG p[24] = {0};
	size_t n = 0;

	for (const char *word = words; *word != '\0'; word++)
		n += draw_word(c, *word, p + n);
	*len = n * sizeof p[0];
	void *at = one_in(2) ? wild_memory_odd(*len) : wild_memory(*len);
	memcpy(at, p, *len);
	if (wild_is_bad(c))
		*len -= draw((unsigned)*len + 1);
	return at;
}

/* ---- whole parameters -------------------------------------------------------------------------------------- */

static void *draw_dske(const struct wild_case *c, CK_ULONG *len)
{
	CK_DSKE_DERIVE_PARAMS p = {.ulVersion = 1, .role = draw(3), .scheme = draw(4), .n = draw(5), .k = draw(4)};

	*len = 0;
	if (one_in(3))
		return NULL;
	p.ulContextLen = draw(20);
	memset(p.context, 'x', p.ulContextLen);
	p.bHasKeyId = draw(2);
	if (wild_is_bad(c))
		p.ulContextLen = draw_odd();
	if (wild_is_bad(c))
		p.role = draw_odd(), p.n = draw_odd();
	*len = sizeof p - (wild_is_bad(c) ? draw(sizeof p) : 0);
	return wild_copy(&p, *len);
}

/* Those have a message's parameter, with the tag apart. */
static bool is_sealed(const struct wild_call *call)
{
	return call == wild_call(WILD_C_WrapKeyAuthenticated) || call == wild_call(WILD_C_UnwrapKeyAuthenticated);
}

static const char *shape_of(const struct wild_call *call, CK_MECHANISM_TYPE type)
{
	const struct mech *row = mech_find(type);
	const char *words = is_sealed(call) ? SHAPE(message, type) : NULL;

	if (words == NULL && (call->flag & (CKF_WRAP | CKF_UNWRAP)) != 0)
		words = SHAPE(wrapping, type);
	if (words == NULL)
		words = SHAPE(plain, type);
	if (words == NULL && row != NULL && strstr(row->name, "_GENERAL") != NULL)
		words = "n";
	return words != NULL ? words : "";
}

static CK_MECHANISM_TYPE draw_type(const struct wild_case *c, CK_FLAGS flag)
{
	size_t count;
	const struct mech *rows = mech_rows(&count);

	if (is_sealed(c->call) && draw(4) > 0)
		return one_in(2) ? CKM_AES_GCM : CKM_AES_CCM;
	for (int tries = 0; tries < 1000; tries++) {
		const struct mech *row = &rows[draw((unsigned)count)];
		if ((row->flags & flag) == flag)
			return row->type;
	}
	return CKM_AES_GCM;
}

#define OF_MESSAGES (CKF_MESSAGE_ENCRYPT | CKF_MESSAGE_DECRYPT | CKF_MESSAGE_SIGN | CKF_MESSAGE_VERIFY)

CK_MECHANISM *draw_mech(struct wild_case *c)
{
	CK_MECHANISM m = {wild_is_bad(c) ? (one_in(2) ? draw_odd() : draw_type(c, 0)) : draw_type(c, c->call->flag), NULL, 0};
	bool in_messages = (c->call->flag & OF_MESSAGES) != 0;
	const char *words = shape_of(c->call, m.mechanism);

	c->mech = m.mechanism;
	if (wild_is_bad(c) && one_in(3))
		return NULL;
	if (m.mechanism == CKM_DSKE_DERIVE || m.mechanism == CKM_DSKE_KEY_GEN)
		m.pParameter = draw_dske(c, &m.ulParameterLen);
	else if ((words[0] != '\0' && !in_messages) || wild_is_bad(c))
		m.pParameter = draw_words(c, words, &m.ulParameterLen);
	if (wild_is_bad(c)) {
		m.pParameter = NULL;
		m.ulParameterLen = one_in(2) ? m.ulParameterLen : draw_odd();
	}
	return wild_copy(&m, sizeof m);
}

void *draw_message_param(const struct wild_case *c, CK_ULONG *len)
{
	const char *words = SHAPE(message, world.message[c->session]);

	*len = 0;
	if (wild_is_bad(c)) {
		*len = draw_odd();
		return NULL;
	}
	return words != NULL ? draw_words(c, words, len) : NULL;
}
