/* SPDX-License-Identifier: Apache-2.0 */
/* The form of CKM_DSKE_OTP's messages, beside vectors that another program made. */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pkcs11/otp.h"

static size_t unhex(const char *hex, uint8_t *out)
{
	size_t len = 0;
	unsigned byte;

	for (; hex[2 * len] != '\0' && sscanf(hex + 2 * len, "%2x", &byte) == 1; len++)
		out[len] = (uint8_t)byte;
	return len;
}

/* test/vectors/otp.txt: made by another program, which opens ours as well (test/spec/check-otp). */
static void known_messages(void **state)
{
	static char line[4000], key_hex[1300], id_hex[40], text_hex[700], message_hex[800], path[300];
	static uint8_t key[600], text[300], wanted[400], message[400], pad[400];
	struct otp_head h = {0};
	unsigned sender, offset, count = 0;
	const char *source = getenv("top_srcdir");

	(void)state;
	snprintf(path, sizeof path, "%s/test/vectors/otp.txt", source != NULL ? source : ".");
	FILE *f = fopen(path, "r");
	assert_non_null(f);
	while (fgets(line, sizeof line, f) != NULL) {
		if (sscanf(line, "%1299[0-9a-f] %u %u %39s %699s %799s", key_hex, &sender, &offset, id_hex, text_hex,
			   message_hex) != 6)
			continue;
		size_t half = unhex(key_hex, key) / 2, len = unhex(text_hex, text), whole = unhex(message_hex, wanted);
		assert_int_equal(unhex(id_hex, h.key_id.b), ID_LEN);
		h.sender = sender == 1 ? OTP_INITIATOR : OTP_RECEIVER;
		h.len = (uint32_t)len;
		h.offset = offset;
		memcpy(pad, key + (sender - 1) * half + offset, TAG_KEY_LEN + len);
		assert_int_equal(whole, len + OTP_MORE);
		otp_seal(&h, pad, text, message);
		assert_memory_equal(message, wanted, whole);
		assert_true(otp_check(&h, pad, message));
		count++;
	}
	fclose(f);
	assert_int_equal(count, 6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(known_messages)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
