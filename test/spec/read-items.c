/* SPDX-License-Identifier: Apache-2.0 */
/* Reads "RULE HEX" a line, RULE `item`, `direct-item`, `pskm-header` or `stock-report`; prints "yes" or "no REASON" as our decoders do. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pskm/header.h"
#include "pskm/stock-report.h"
#include "test/hubproto/direct-samples.h"
#include "test/hubproto/samples.h"

#define LINE_MAX_LEN ((size_t)4 << 20)

/* On the heap, exactly as long, so that a sanitizer sees a byte read too many. */
static dske_rc read_bytes(const char *rule, const uint8_t *bytes, size_t len)
{
	struct pskm_header h;
	AUTO(stock_report) report = {0};

	if (strcmp(rule, "item") == 0)
		return item_check(bytes, len);
	if (strcmp(rule, "direct-item") == 0)
		return direct_item_check(bytes, len);
	if (strcmp(rule, "pskm-header") == 0)
		return pskm_header_read(&h, bytes, len);
	if (strcmp(rule, "stock-report") == 0)
		return stock_report_read(&report, bytes, len);
	return FAIL(ARGS, "no such rule: %s", rule);
}

static void read_line(char *line)
{
	char *hex = strchr(line, ' ');

	line[strcspn(line, "\n")] = '\0';
	if (!hex)
		abort();
	*hex++ = '\0';

	size_t len = strlen(hex) / 2;
	uint8_t *bytes = malloc(len > 0 ? len : 1);

	if (!bytes || !rc_ok(hex_decode(bytes, len, hex)))
		abort();

	dske_rc rc = read_bytes(line, bytes, len);

	if (rc_ok(rc))
		printf("yes\n");
	else
		printf("no %s\n", rc_detail(rc));
	free(bytes);
}

int main(void)
{
	char *line = malloc(LINE_MAX_LEN);

	if (!line)
		abort();
	while (fgets(line, (int)LINE_MAX_LEN, stdin))
		read_line(line);
	free(line);
	return 0;
}
