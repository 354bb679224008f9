/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pskm/code.c - characters are 5-bit values v; a group (v_0 .. v_3) at place g = 1..7 is checked by
 * p + a v_0 + a^2 v_1 + a^3 v_2 + a^4 v_3 in GF(32) = GF(2)[a]/(a^5 + a^2 + 1), where p = 7 * kind + g, below
 * 32 for the four kinds.  All factors differ and none is 0, so one wrong character or two that changed places
 * alter it; and all p differ, so every group of a code of another kind is wrong.  No branch and no address
 * depends on a value that may be right.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "config.h"

#include "pskm/code.h"

#include <openssl/sha.h>
#include <string.h>

#include "base/secret.h"
#include "pskm/passphrase.h"

#define GROUPS 7
#define GROUP_DATA 4
#define GROUP_LEN (GROUP_DATA + 1)
#define SYMBOLS (GROUPS * GROUP_LEN)
#define BAD_SYMBOL 32u

static const struct {
	const char *name;
	int failure;
} kinds[] = {
	[CODE_PASSPHRASE] = {"passphrase", DSKE_RC_PIN},
	[CODE_NONCE] = {"first code", DSKE_RC_ARGS},
	[CODE_TAG] = {"second code", DSKE_RC_ARGS},
	[CODE_ANSWER] = {"answer", DSKE_RC_ARGS},
};

static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/* 1 when a equals b, for values below 2^31. */
static unsigned equal_bit(unsigned a, unsigned b)
{
	return ((a ^ b) - 1) >> 31;
}

static char symbol_char(unsigned v)
{
	unsigned c = 0;

	for (unsigned i = 0; i < 32; i++)
		c |= (unsigned)alphabet[i] & (0u - equal_bit(i, v));
	return (char)c;
}

static unsigned symbol_value(char raw)
{
	unsigned c = (unsigned char)raw, v = BAD_SYMBOL;

	c -= (equal_bit(c >> 5, 3)) << 5; /* lower case */
	c ^= (c ^ '0') & (0u - equal_bit(c, 'O'));
	c ^= (c ^ '1') & (0u - (equal_bit(c, 'I') | equal_bit(c, 'L')));
	for (unsigned i = 0; i < 32; i++)
		v ^= (v ^ i) & (0u - equal_bit(c, (unsigned char)alphabet[i]));
	return v;
}

static unsigned times_a(unsigned v)
{
	v <<= 1;
	return v ^ ((v >> 5) * 0x25);
}

/* Of group g, from 0. */
static unsigned group_check(const uint8_t *group, enum code kind, unsigned g)
{
	unsigned place = GROUPS * (unsigned)kind + g + 1, sum = 0;

	for (unsigned i = GROUP_DATA; i-- > 0;)
		sum = times_a(sum ^ group[i]);
	return (sum ^ place) & 31;
}

static void whole_check(uint8_t out[2], const uint8_t bits[CODE_LEN])
{
	uint8_t sum[SHA256_DIGEST_LENGTH];
	SHA256_CTX sha; /* SHA256() would make libcrypto load the host's configuration */

	SHA256_Init(&sha);
	SHA256_Update(&sha, bits, CODE_LEN);
	SHA256_Final(sum, &sha);
	out[0] = sum[0];
	out[1] = sum[1] & 0xF0;
	mem_wipe(sum, sizeof sum);
	mem_wipe(&sha, sizeof sha);
}

/* The 140 bits as 28 symbols, most significant bit first, each at its place among the 35. */
static void symbols_split(uint8_t symbols[SYMBOLS], const uint8_t data[CODE_LEN + 2])
{
	for (unsigned i = 0; i < GROUPS * GROUP_DATA; i++) {
		unsigned v = 0;
		for (unsigned bit = 5 * i; bit < 5 * i + 5; bit++)
			v = v << 1 | ((unsigned)data[bit / 8] >> (7 - bit % 8) & 1u);
		symbols[i / GROUP_DATA * GROUP_LEN + i % GROUP_DATA] = (uint8_t)v;
	}
}

static void symbols_join(uint8_t data[CODE_LEN + 2], const uint8_t symbols[SYMBOLS])
{
	memset(data, 0, CODE_LEN + 2);
	for (unsigned bit = 0; bit < 5 * GROUPS * GROUP_DATA; bit++) {
		unsigned i = bit / 5;
		unsigned v = (unsigned)symbols[i / GROUP_DATA * GROUP_LEN + i % GROUP_DATA] >> (4 - bit % 5) & 1u;
		data[bit / 8] |= (uint8_t)(v << (7 - bit % 8));
	}
}

void code_write(char text[CODE_TEXT_MAX], const uint8_t bits[CODE_LEN], enum code kind)
{
	uint8_t data[CODE_LEN + 2], symbols[SYMBOLS];
	size_t at = 0;

	memcpy(data, bits, CODE_LEN);
	whole_check(data + CODE_LEN, bits);
	symbols_split(symbols, data);
	for (unsigned g = 0; g < GROUPS; g++) {
		uint8_t *group = symbols + g * GROUP_LEN;
		group[GROUP_DATA] = (uint8_t)group_check(group, kind, g);
		for (unsigned i = 0; i < GROUP_LEN; i++)
			text[at++] = symbol_char(group[i]);
		text[at++] = g + 1 < GROUPS ? '-' : '\0';
	}
	mem_wipe(data, sizeof data);
	mem_wipe(symbols, sizeof symbols);
}

/* Separators are no secret; the place of a character that is none is named. */
static dske_rc symbols_read(uint8_t symbols[SYMBOLS], const char *text, enum code kind)
{
	const char *name = kinds[kind].name;
	size_t count = 0;

	for (; *text != '\0'; text++) {
		if (strchr(" -\t\r\n", *text) != NULL)
			continue;
		if (count == SYMBOLS)
			return rc_fail(kinds[kind].failure, "the %s is too long: it has %d groups of %d characters", name,
				       GROUPS, GROUP_LEN);
		unsigned v = symbol_value(*text);
		if (v == BAD_SYMBOL)
			return rc_fail(kinds[kind].failure, "group %zu of the %s holds a character that none can hold",
				       count / GROUP_LEN + 1, name);
		symbols[count++] = (uint8_t)v;
	}
	if (count < SYMBOLS)
		return rc_fail(kinds[kind].failure, "the %s is too short: it has %d groups of %d characters", name, GROUPS,
			       GROUP_LEN);
	return DSKE_OK;
}

/* The first group that is wrong for a code of that kind, from 0, or GROUPS. */
static unsigned wrong_group(const uint8_t symbols[SYMBOLS], enum code kind)
{
	for (unsigned g = 0; g < GROUPS; g++) {
		const uint8_t *group = symbols + g * GROUP_LEN;
		if (group_check(group, kind, g) != group[GROUP_DATA])
			return g;
	}
	return GROUPS;
}

static dske_rc check_groups(const uint8_t symbols[SYMBOLS], enum code kind)
{
	unsigned wrong = wrong_group(symbols, kind);

	if (wrong == GROUPS)
		return DSKE_OK;
	for (unsigned other = 0; other < sizeof kinds / sizeof kinds[0]; other++)
		if (wrong_group(symbols, other) == GROUPS)
			return rc_fail(kinds[kind].failure, "this is the %s; here the %s is wanted", kinds[other].name,
				       kinds[kind].name);
	return rc_fail(kinds[kind].failure, "group %u of the %s was misheard or mistyped", wrong + 1, kinds[kind].name);
}

static dske_rc decode(uint8_t data[CODE_LEN + 2], uint8_t symbols[SYMBOLS], const char *text, enum code kind)
{
	uint8_t sum[2];

	TRY(symbols_read(symbols, text, kind));
	TRY(check_groups(symbols, kind));
	symbols_join(data, symbols);
	whole_check(sum, data);
	if (!mem_equal(sum, data + CODE_LEN, sizeof sum))
		return rc_fail(kinds[kind].failure, "the %s was misheard or mistyped in more than one place",
			       kinds[kind].name);
	return DSKE_OK;
}

dske_rc code_read(uint8_t bits[CODE_LEN], const char *text, enum code kind)
{
	uint8_t data[CODE_LEN + 2], symbols[SYMBOLS];

	dske_rc rc = decode(data, symbols, text, kind);
	if (rc_ok(rc))
		memcpy(bits, data, CODE_LEN);
	mem_wipe(data, sizeof data);
	mem_wipe(symbols, sizeof symbols);
	return rc;
}

void passphrase_write(char text[PASSPHRASE_TEXT_MAX], const uint8_t bits[PASSPHRASE_LEN])
{
	code_write(text, bits, CODE_PASSPHRASE);
}

dske_rc passphrase_read(uint8_t bits[PASSPHRASE_LEN], const char *text)
{
	return code_read(bits, text, CODE_PASSPHRASE);
}
