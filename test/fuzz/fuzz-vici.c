/* SPDX-License-Identifier: Apache-2.0 */
/* Reads an input as an answer of charon's; its reason is printable. */
#include <stdlib.h>

#include "tools/vici.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char reason[VICI_REASON_MAX];
	bool success;

	if (!rc_ok(vici_read(data, len, &success, reason)))
		return 0;
	for (const char *p = reason; *p != '\0'; p++) {
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			abort();
	}
	return 0;
}
