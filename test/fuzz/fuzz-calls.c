/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Takes an input as a sequence of PKCS#11 calls (calls.h) over a token without hubs (test/pkcs11/fake-client.c), and asks a
 * model after each of them: handles are never given twice, nothing outlives its session or login, a search finds what
 * there is, no byte of a key that is not extractable comes out, no operation goes on without its key.
 *
 * Each input begins with the same token, whose PINs are cheap to try.
 */
#include <config.h>


#include "test/fuzz/calls-token.h"
#include "test/fuzz/calls.h"

#define STEPS_MAX 100

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

extern const size_t replay_budget;
const size_t replay_budget = 15;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct calls_shared all = {0};
	struct calls c = {.p = data, .left = len, .all = &all, .single = true};

	if (calls_p11 == NULL)
		token_make();
	token_restore();
	c.model = model_new();
	if (calls_p11->C_Initialize(NULL) != CKR_OK)
		calls_wrong("the module does not begin");
	for (int i = 0; i < STEPS_MAX && calls_step(&c); i++)
		continue;
	if (calls_p11->C_Finalize(NULL) != CKR_OK)
		calls_wrong("the module does not end");
	model_free(c.model);
	return 0;
}
