/* SPDX-License-Identifier: Apache-2.0 */
/* Passphrases: what a person may do to them, and what is noticed. */
#include "config.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/secret.h"
#include "pskm/passphrase.h"
#include "test/pskm/fixture.h"

#define TEXT_LEN 41

static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

static void sample(uint8_t bits[PASSPHRASE_LEN], char text[PASSPHRASE_TEXT_MAX], unsigned seed)
{
	for (unsigned i = 0; i < PASSPHRASE_LEN; i++)
		bits[i] = (uint8_t)(i * 37 + seed * 101);
	passphrase_write(text, bits);
}

static void assert_reads(const char *text, const uint8_t bits[PASSPHRASE_LEN])
{
	uint8_t read[PASSPHRASE_LEN];

	assert_ok(passphrase_read(read, text));
	assert_memory_equal(read, bits, PASSPHRASE_LEN);
}

static void test_round_trip(void **state)
{
	uint8_t bits[PASSPHRASE_LEN];
	char text[PASSPHRASE_TEXT_MAX];

	(void)state;
	for (unsigned i = 0; i < 1000; i++) {
		assert_ok(random_fill(bits, sizeof bits));
		passphrase_write(text, bits);
		assert_int_equal(strlen(text), TEXT_LEN);
		assert_int_equal(strspn(text, "0123456789ABCDEFGHJKMNPQRSTVWXYZ-"), TEXT_LEN);
		assert_reads(text, bits);
	}
}

/* The format itself: a change of it would lock out every PSKM on its way. */
static void test_known(void **state)
{
	static const uint8_t zero[PASSPHRASE_LEN] = {0};
	char text[PASSPHRASE_TEXT_MAX];

	(void)state;
	passphrase_write(text, zero);
	/* SHA-256 of 16 zero bytes begins 374: after 128 zero bits its 12 are ..000|00 11011 10100 */
	assert_string_equal(text, "00001-00002-00003-00004-00005-00006-00VM6");
}

static void test_as_people_write(void **state)
{
	uint8_t bits[PASSPHRASE_LEN];
	char text[PASSPHRASE_TEXT_MAX], other[2 * PASSPHRASE_TEXT_MAX];

	(void)state;
	for (unsigned seed = 0; seed < 50; seed++) {
		size_t at = 0;
		sample(bits, text, seed);
		for (size_t i = 0; text[i] != '\0'; i++) {
			char c = text[i];
			if (c == '-')
				continue;
			other[at++] = (char)(c == '0' ? "oO"[i % 2] : c == '1' ? "iIlL"[i % 4] : tolower(c));
			if (i % 3 == 0)
				other[at++] = " -\t\n"[i % 4];
		}
		other[at] = '\0';
		assert_reads(other, bits);
	}
}

static void test_every_wrong_character(void **state)
{
	uint8_t bits[PASSPHRASE_LEN], read[PASSPHRASE_LEN];
	char text[PASSPHRASE_TEXT_MAX], group[16];

	(void)state;
	sample(bits, text, 7);
	for (size_t i = 0; i < TEXT_LEN; i++) {
		char right = text[i];
		if (right == '-')
			continue;
		(void)snprintf(group, sizeof group, "group %zu ", i / 6 + 1);
		for (const char *c = alphabet; *c != '\0'; c++) {
			if (*c == right)
				continue;
			text[i] = *c;
			dske_rc rc = passphrase_read(read, text);
			assert_rc(rc, PIN);
			assert_non_null(strstr(rc_detail(rc), group));
		}
		for (const char *c = "U!~\x7f\xff_"; *c != '\0'; c++) {
			text[i] = *c;
			assert_rc(passphrase_read(read, text), PIN);
		}
		text[i] = right;
	}
	assert_reads(text, bits);
}

static void test_exchanged(void **state)
{
	uint8_t bits[PASSPHRASE_LEN], read[PASSPHRASE_LEN];
	char text[PASSPHRASE_TEXT_MAX], other[PASSPHRASE_TEXT_MAX];

	(void)state;
	sample(bits, text, 3);
	for (size_t i = 0; i + 1 < TEXT_LEN; i++) {
		if (text[i] == '-' || text[i + 1] == '-' || text[i] == text[i + 1])
			continue;
		strcpy(other, text);
		other[i] = text[i + 1];
		other[i + 1] = text[i];
		assert_rc(passphrase_read(read, other), PIN);
	}
	for (size_t a = 0; a < 7; a++) {
		for (size_t b = 0; b < a; b++) {
			strcpy(other, text);
			memcpy(other + 6 * a, text + 6 * b, 5);
			memcpy(other + 6 * b, text + 6 * a, 5);
			assert_rc(passphrase_read(read, other), PIN);
		}
	}
}

static void test_length(void **state)
{
	uint8_t bits[PASSPHRASE_LEN], read[PASSPHRASE_LEN];
	char text[PASSPHRASE_TEXT_MAX], other[PASSPHRASE_TEXT_MAX];

	(void)state;
	sample(bits, text, 9);
	for (size_t len = 0; len < TEXT_LEN; len++) {
		memcpy(other, text, len);
		other[len] = '\0';
		assert_rc(passphrase_read(read, other), PIN);
	}
	memcpy(other, text, TEXT_LEN);
	strcpy(other + TEXT_LEN, "-0");
	assert_rc(passphrase_read(read, other), PIN);
}

/* A code of another kind is told from a slip, and no group of it can stand in one of ours. */
static void test_kinds(void **state)
{
	static const char *const names[] = {"passphrase", "first code", "second code", "answer"};
	uint8_t bits[CODE_LEN], read[CODE_LEN];
	char text[4][CODE_TEXT_MAX], mixed[CODE_TEXT_MAX], group[32];

	(void)state;
	for (unsigned kind = 0; kind < 4; kind++) {
		assert_ok(random_fill(bits, sizeof bits));
		code_write(text[kind], bits, kind);
		assert_ok(code_read(read, text[kind], kind));
		assert_memory_equal(read, bits, CODE_LEN);
	}
	for (unsigned want = 0; want < 4; want++) {
		for (unsigned is = 0; is < 4; is++) {
			if (is == want)
				continue;
			dske_rc rc = code_read(read, text[is], want);
			assert_string_equal(rc_name(rc), want == CODE_PASSPHRASE ? "PIN" : "ARGS");
			assert_non_null(strstr(rc_detail(rc), names[is]));
			for (unsigned g = 0; g < 7; g++) {
				strcpy(mixed, text[want]);
				memcpy(mixed + 6 * g, text[is] + 6 * g, 5);
				rc = code_read(read, mixed, want);
				assert_false(rc_ok(rc));
				snprintf(group, sizeof group, "group %u of the %s", g + 1, names[want]);
				assert_non_null(strstr(rc_detail(rc), group));
			}
		}
	}
}

/* What two programs of different age say to each other over the telephone. */
static void test_known_codes(void **state)
{
	static const uint8_t zero[CODE_LEN] = {0};
	char text[CODE_TEXT_MAX];

	(void)state;
	code_write(text, zero, CODE_NONCE);
	assert_string_equal(text, "00008-00009-0000A-0000B-0000C-0000D-00VMF");
	code_write(text, zero, CODE_TAG);
	assert_string_equal(text, "0000F-0000G-0000H-0000J-0000K-0000M-00VMM");
	code_write(text, zero, CODE_ANSWER);
	assert_string_equal(text, "0000P-0000Q-0000R-0000S-0000T-0000V-00VMX");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_known),
		cmocka_unit_test(test_as_people_write),
		cmocka_unit_test(test_every_wrong_character),
		cmocka_unit_test(test_exchanged),
		cmocka_unit_test(test_length),
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_known_codes),
	};

	return cmocka_run_group_tests_name("passphrase", tests, NULL, NULL);
}
