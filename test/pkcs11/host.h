/* SPDX-License-Identifier: Apache-2.0 */
/* test/pkcs11/host.h - what the programs that stand for hosts have in common.  All end the process with a sentence when
 * something is not as it should be, but for host_works(). */
#ifndef DSKE_TEST_PKCS11_HOST_H
#define DSKE_TEST_PKCS11_HOST_H

#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#include "pkcs11/p11-3x.h"

#define MUST(call)                                                                                   \
	do {                                                                                         \
		CK_RV must_ = (call);                                                                \
		if (must_ != CKR_OK) {                                                               \
			fprintf(stderr, "%s:%d: %s is 0x%lx\n", __FILE__, __LINE__, #call, must_);   \
			_exit(3);                                                                    \
		}                                                                                    \
	} while (0)

#define DEMAND(truth)                                                                                \
	do {                                                                                         \
		if (!(truth)) {                                                                      \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #truth);          \
			_exit(4);                                                                    \
		}                                                                                    \
	} while (0)

/* The module's list of functions; *handle is for dlclose(). */
CK_FUNCTION_LIST *host_load(const char *path, void **handle);

/* Opens a session, makes a key, computes a HMAC of RFC 4231 and encrypts, and closes it. */
bool host_works(CK_FUNCTION_LIST *p11);

/* How many entries a folder of /proc has. */
unsigned host_count(const char *folder);

#endif
