/* SPDX-License-Identifier: Apache-2.0 */
/* test/qkd/mock.h - the mock pair of KMEs (mock-kme.py) as a child of a test. */
#ifndef DSKE_TEST_QKD_MOCK_H
#define DSKE_TEST_QKD_MOCK_H

#include <sys/types.h>

#include "pskm/qkdconf.h"

struct mock {
	struct path folder;
	pid_t pid;
	unsigned port[2];
	struct qkdconf end[2]; /* over http, each with the other as its peer; short timeouts */
};

/* Starts it, with one more argument and its value where option is not NULL.  Aborts the test where it does not come
 * up. */
void mock_start(struct mock *m, const char *option, const char *value);
void mock_stop(struct mock *m);

/* "too-few 2", as mock-kme.py has it; NULL: none. */
void mock_fault(struct mock *m, const char *fault);

#endif
