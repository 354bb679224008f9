/* SPDX-License-Identifier: Apache-2.0 */
/* What a KME says: known answers, and everything that is nearly right. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/secret.h"
#include "qkd/answer.h"
#include "qkd/base64.h"
#include "qkd/json.h"

#define ID1 "bc490419-7d60-487f-adc1-4ddcc177c139"
#define ID2 "0a782fb5-3434-48fe-aa4d-14f41d46cf92"
/* 32 bytes of 0, and of 0xFF */
#define KEY0 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
#define KEY1 "//////////////////////////////////////////8="
#define ITEM(id, key) "{\"key_ID\":\"" id "\",\"key\":\"" key "\"}"
#define CONTAINER(items) "{\"keys\":[" items "]}"
#define TWO CONTAINER(ITEM(ID1, KEY0) "," ITEM(ID2, KEY1))

static const struct answer_wanted two = {.number = 2, .key_len = 32};

/* ---- base64 --------------------------------------------------------------------------------------- */

/* RFC 4648, section 10. */
static void test_base64_known(void **state)
{
	static const struct {
		const char *bytes, *text;
	} known[] = {{"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="}, {"foobar", "Zm9vYmFy"}};

	(void)state;
	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
		uint8_t out[8] = {0};
		size_t len = strlen(known[i].bytes);

		assert_true(base64_decode(out, len, (const uint8_t *)known[i].text, strlen(known[i].text)));
		assert_memory_equal(out, known[i].bytes, len);
		assert_false(base64_decode(out, len + 1, (const uint8_t *)known[i].text, strlen(known[i].text)) && len % 3 != 0);
	}
}

static void test_base64_alphabet(void **state)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	uint8_t out[3];

	(void)state;
	for (unsigned c = 0; c < 256; c++) {
		const uint8_t text[4] = {'A', 'A', 'A', (uint8_t)c};
		const char *found = c != 0 ? strchr(alphabet, (int)c) : NULL;

		assert_int_equal(base64_decode(out, 3, text, 4), found != NULL);
		if (found != NULL)
			assert_int_equal(out[2], found - alphabet);
	}
}

static void test_base64_refused(void **state)
{
	static const struct {
		const char *text;
		size_t len;
	} bad[] = {{"Zg=", 1}, {"Zg", 1}, {"Zh==", 1} /* bits behind the end */, {"Zm9=", 2}, {"Z===", 1}, {"Zg=A", 1},
		   {"Zm9v\n", 3}, {"Zm 9", 3}, {"Zm-_", 3}, {"=m9v", 3}, {"Zm9v", 2}, {"Zg==", 2}};
	uint8_t out[8];

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_false(base64_decode(out, bad[i].len, (const uint8_t *)bad[i].text, strlen(bad[i].text)));
}

/* ---- key containers -------------------------------------------------------------------------------- */

/* Reads it out of a block of its very length, so that a sanitizer sees a byte too many. */
static dske_rc read_bytes(const void *bytes, size_t len, struct id ids[2], uint8_t keys[64])
{
	uint8_t *body = malloc(len > 0 ? len : 1);

	memcpy(body, bytes, len);
	dske_rc rc = answer_keys(&two, body, len, ids, keys);
	free(body);
	return rc;
}

static dske_rc read_two(const char *text, struct id ids[2], uint8_t keys[64])
{
	return read_bytes(text, strlen(text), ids, keys);
}

static void expect_two(const char *text)
{
	struct id ids[2];
	uint8_t keys[64], zeros[32] = {0}, ones[32];
	char uuid[UUID_TEXT_LEN + 1];

	memset(ones, 0xFF, sizeof ones);
	memset(keys, 0x55, sizeof keys);
	dske_rc rc = read_two(text, ids, keys);
	if (!rc_ok(rc))
		fail_msg("%s: %s", text, rc_detail(rc));
	assert_string_equal(uuid_text(&ids[0], uuid), ID1);
	assert_string_equal(uuid_text(&ids[1], uuid), ID2);
	assert_memory_equal(keys, zeros, 32);
	assert_memory_equal(keys + 32, ones, 32);
}

static void test_container(void **state)
{
	(void)state;
	expect_two(TWO);
	expect_two(" {\n\t\"keys\" : [ " ITEM(ID1, KEY0) " ,\r" ITEM(ID2, KEY1) " ] } ");
	/* members that the standard allows beside ours, wherever they stand */
	expect_two("{\"key_container_extension\":{\"a\":[1,-2.5e+3,true,false,null,\"\\u00e9\\n\"]},\"keys\":["
		   "{\"key_extension\":{},\"key\":\"" KEY0 "\",\"key_ID_extension\":[[]],\"key_ID\":\"" ID1 "\"},"
		   ITEM(ID2, KEY1) "]}");
	/* a writer that escapes its slashes */
	expect_two(CONTAINER(ITEM(ID1, KEY0) "," ITEM(ID2, "\\/\\/\\u002f\\/\\/\\/\\/\\/\\/\\/\\/\\/\\/\\/\\/\\/\\/\\/\\/\\/\\/\\/\\/\\/"
							    "\\/\\/\\/\\/\\/\\/\\/\\/\\/\\/\\/\\/\\/\\/\\/\\/\\/\\/8=")));
}

static void expect_refused(const char *text, const char *why)
{
	struct id ids[2];
	uint8_t keys[64], zeros[64] = {0};

	memset(keys, 0x55, sizeof keys);
	dske_rc rc = read_two(text, ids, keys);
	assert_int_equal(rc.code, DSKE_RC_FORMAT);
	if (strstr(rc_detail(rc), why) == NULL)
		fail_msg("%s: '%s' does not say '%s'", text, rc_detail(rc), why);
	assert_memory_equal(keys, zeros, sizeof keys);
}

static void test_container_refused(void **state)
{
	(void)state;
	expect_refused(CONTAINER(ITEM(ID1, KEY0)), "1 keys where 2");
	expect_refused(CONTAINER(""), "0 keys where 2");
	expect_refused(CONTAINER(ITEM(ID1, KEY0) "," ITEM(ID2, KEY1) "," ITEM("00000000-0000-0000-0000-000000000000", KEY1)), "more than");
	expect_refused(CONTAINER(ITEM(ID1, KEY0) "," ITEM(ID1, KEY1)), "twice");
	expect_refused(CONTAINER(ITEM(ID1, KEY0) "," ITEM("0A782FB5-3434-48fe-aa4d-14f41d46cf92", KEY1)), "lower case");
	expect_refused(CONTAINER(ITEM(ID1, KEY0) "," ITEM("0a782fb5-3434-48fe-aa4d-14f41d46cf9", KEY1)), "no UUID");
	expect_refused(CONTAINER(ITEM(ID1, KEY0) "," ITEM("0a782fb5-3434-48fe-aa4d014f41d46cf92", KEY1)), "no UUID");
	expect_refused(CONTAINER(ITEM(ID1, KEY0) "," ITEM("0a782fb5-3434-48fe-aa4d-14f41d46cfg2", KEY1)), "no UUID");
	expect_refused(CONTAINER(ITEM(ID1, KEY0) "," ITEM(ID2, "//////////////////////////////////////////8")), "the 256 bits");
	expect_refused(CONTAINER(ITEM(ID1, KEY0) "," ITEM(ID2, "/////////////////////////////////////////////w==")), "the 256 bits");
	expect_refused(CONTAINER(ITEM(ID1, KEY0) "," ITEM(ID2, "//////////////////////////////////////////9=")), "not base64");
	expect_refused(CONTAINER(ITEM(ID1, KEY0) "," ITEM(ID2, "/////////-////////////////////////////////8=")), "not base64");
	expect_refused(CONTAINER(ITEM(ID1, KEY0) ",{\"key_ID\":\"" ID2 "\"}"), "lacks its key");
	expect_refused(CONTAINER(ITEM(ID1, KEY0) ",{\"key\":\"" KEY1 "\"}"), "lacks its key_ID");
	expect_refused(CONTAINER(ITEM(ID1, KEY0) ",{\"key\":\"" KEY1 "\",\"key\":\"" KEY1 "\",\"key_ID\":\"" ID2 "\"}"), "twice");
	expect_refused("{\"keys\":[" ITEM(ID1, KEY0) "," ITEM(ID2, KEY1) "],\"keys\":[]}", "two lists");
	expect_refused("{}", "no keys");
	expect_refused("{\"keys\":{}}", "bad JSON");
	expect_refused("{\"keys\":null}", "bad JSON");
	expect_refused("[]", "bad JSON");
	expect_refused("", "bad JSON");
	expect_refused(CONTAINER(ITEM(ID1, KEY0) ",,"), "bad JSON");
	expect_refused(CONTAINER(ITEM(ID1, KEY0) ","), "bad JSON");
	expect_refused(CONTAINER("," ITEM(ID1, KEY0)), "bad JSON");
	expect_refused(TWO "x", "follows");
	expect_refused("{\"x\":[[[[[[[[[[]]]]]]]]]]}", "nested");
	expect_refused("{\"x\":01}", "bad JSON");
	expect_refused("{\"x\":\"\\u12g4\"}", "escape");
	expect_refused("{\"x\":\"\\x\"}", "escape");
	expect_refused("{\"x\":\"a\nb\"}", "control");
	expect_refused("{\"x\":nul}", "bad JSON");
	expect_refused("{\"keys\":[{\"key_ID\":5}]}", "bad JSON");
}

static void test_container_cut(void **state)
{
	struct id ids[2];
	uint8_t keys[64];

	(void)state;
	for (size_t len = 0; len < sizeof TWO - 1; len++)
		assert_int_equal(read_bytes(TWO, len, ids, keys).code, DSKE_RC_FORMAT);
}

/* Every byte replaced by every other: no key comes out that differs from ours, unless its own text was changed. */
static void test_container_damaged(void **state)
{
	char text[sizeof TWO];
	struct id ids[2];
	uint8_t keys[64];

	(void)state;
	for (size_t at = 0; at < sizeof TWO - 1; at++) {
		for (int c = 0; c < 256; c++) {
			memcpy(text, TWO, sizeof TWO);
			text[at] = (char)c;
			dske_rc rc = read_bytes(text, sizeof TWO - 1, ids, keys);
			assert_true(rc_ok(rc) || rc_is(rc, DSKE_RC_FORMAT));
		}
	}
}

/* ---- status and errors ----------------------------------------------------------------------------- */

/* The example of the standard, 6.1. */
#define STATUS                                                                                       \
	"{\"source_KME_ID\":\"AAAABBBBCCCCDDDD\",\"target_KME_ID\":\"EEEEFFFFGGGGHHHH\",\"master_SAE_ID\":\"IIIIJJJJKKKKLLLL\","            \
	"\"slave_SAE_ID\":\"MMMMNNNNOOOOPPPP\",\"key_size\":352,\"stored_key_count\":25000,\"max_key_count\":100000,"                      \
	"\"max_key_per_request\":128,\"max_key_size\":1024,\"min_key_size\":64,\"max_SAE_ID_count\":0}"

static dske_rc read_status(const char *text, struct kme_status *s)
{
	char copy[1024];

	snprintf(copy, sizeof copy, "%s", text);
	return answer_status(s, (uint8_t *)copy, strlen(copy));
}

static void test_status(void **state)
{
	struct kme_status s;

	(void)state;
	assert_int_equal(read_status(STATUS, &s).code, DSKE_RC_OK);
	assert_int_equal(s.key_size, 352);
	assert_int_equal(s.stored_key_count, 25000);
	assert_int_equal(s.max_key_per_request, 128);
	assert_int_equal(s.max_key_size, 1024);
	assert_int_equal(s.min_key_size, 64);
	assert_int_equal(read_status("{\"key_size\":352}", &s).code, DSKE_RC_FORMAT);
	assert_int_equal(read_status("{\"key_size\":352,\"key_size\":352}", &s).code, DSKE_RC_FORMAT);
	assert_int_equal(read_status("{\"key_size\":\"352\"}", &s).code, DSKE_RC_FORMAT);
	assert_int_equal(read_status("{\"key_size\":-1}", &s).code, DSKE_RC_FORMAT);
	assert_int_equal(read_status("{\"key_size\":1.5}", &s).code, DSKE_RC_FORMAT);
	assert_int_equal(read_status("{\"key_size\":18446744073709551616}", &s).code, DSKE_RC_FORMAT);
}

static void test_message(void **state)
{
	static const struct {
		const char *body, *says;
	} known[] = {
		{"{\"message\":\"size is not supported\",\"details\":[]}", "size is not supported"},
		{"{\"details\":[{\"message\":\"inner\"}],\"message\":\"outer\"}", "outer"},
		{"{\"message\":\"a\\u001b[31mb\\nc\"}", "a?[31mb?c"},
		{"{\"message\":5}", ""},
		{"<html>", ""},
		{"", ""},
	};
	char copy[256], out[ANSWER_MESSAGE_MAX + 1];

	(void)state;
	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
		snprintf(copy, sizeof copy, "%s", known[i].body);
		assert_string_equal(answer_message(out, (uint8_t *)copy, strlen(copy)), known[i].says);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_base64_known),	   cmocka_unit_test(test_base64_alphabet),
		cmocka_unit_test(test_base64_refused),	   cmocka_unit_test(test_container),
		cmocka_unit_test(test_container_refused), cmocka_unit_test(test_container_cut),
		cmocka_unit_test(test_container_damaged), cmocka_unit_test(test_status),
		cmocka_unit_test(test_message),
	};

	return cmocka_run_group_tests_name("answer", tests, NULL, NULL);
}
