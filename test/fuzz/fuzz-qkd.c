/* SPDX-License-Identifier: Apache-2.0 */
/* Reads an input as each of the bodies that a KME sends.  The readers write into their input, so each has a copy. */
#include <stdlib.h>
#include <string.h>

#include "qkd/answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define NUMBER 2
#define KEY_LEN 32

static uint8_t *copy_of(const uint8_t *data, size_t len)
{
	uint8_t *copy = malloc(len > 0 ? len : 1);

	if (copy == NULL)
		abort();
	memcpy(copy, data, len);
	return copy;
}

static void try_keys(uint8_t *body, size_t len)
{
	static const struct answer_wanted wanted = {.number = NUMBER, .key_len = KEY_LEN};
	struct id ids[NUMBER], again;
	uint8_t keys[NUMBER * KEY_LEN];
	char uuid[UUID_TEXT_LEN + 1];

	if (!rc_ok(answer_keys(&wanted, body, len, ids, keys)))
		return;
	if (id_equal(&ids[0], &ids[1]))
		abort();
	if (!uuid_read(&again, (const uint8_t *)uuid_text(&ids[1], uuid), UUID_TEXT_LEN) || !id_equal(&again, &ids[1]))
		abort();
}

static void try_message(uint8_t *body, size_t len)
{
	char text[ANSWER_MESSAGE_MAX + 1];

	for (const char *p = answer_message(text, body, len); *p != '\0'; p++) {
		if (*p < ' ' || *p >= 0x7F)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct kme_status status;
	uint8_t *body = copy_of(data, len);

	try_keys(body, len);
	memcpy(body, data, len);
	(void)answer_status(&status, body, len);
	memcpy(body, data, len);
	try_message(body, len);
	free(body);
	return 0;
}
