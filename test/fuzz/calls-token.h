/* SPDX-License-Identifier: Apache-2.0 */
/* test/fuzz/calls-token.h - a folder with a client's configuration and a token whose PINs are cheap to try. */
#ifndef DSKE_TEST_FUZZ_CALLS_TOKEN_H
#define DSKE_TEST_FUZZ_CALLS_TOKEN_H

/* In a new folder below TMPDIR, which goes with the process; sets DSKE_CONF and calls_p11.  A failure ends the process. */
void token_make(void);
/* As it was made: no objects, no failed attempts.  While no module is initialised. */
void token_restore(void);

#endif
