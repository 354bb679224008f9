/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An input is an item of the direct link.  What is accepted must be written back the same: envelope but for its tag, and
 * body.
 */
#include <stdlib.h>
#include <string.h>

#include "test/hubproto/direct-samples.h"

#define HEAD 4u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void insist(bool it)
{
	if (!it)
		abort();
}

static void take_body(const struct direct_item *d)
{
	AUTO(buf) out = {0};

	buf_heap(&out, d->body_len + 1);
	if (!rc_ok(direct_body_copy(d->type, &out, d->body, d->body_len)))
		return;
	insist(out.len == d->body_len && memcmp(out.data, d->body, out.len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	AUTO(buf) out = {0};
	struct direct_item d;

	if (len > DIRECT_ITEM_MAX || !rc_ok(direct_read(&d, data, len)))
		return 0;
	buf_heap(&out, HEAD + DIRECT_ITEM_MAX);
	insist(rc_ok(direct_write(&out, &d, NULL)));
	insist(out.len == HEAD + len && memcmp(out.data + HEAD, data, len - TAG_LEN) == 0);
	(void)direct_verify(&d, (const uint8_t[TAG_KEY_LEN]){1});
	take_body(&d);
	return 0;
}
