/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pskm/entropy.h - where the bytes of a new PSKM come from (DSKE 2.1: "high-quality random bits").
 *
 * One source or several, joined by '+' and combined by exclusive-or, which is as good as the best of
 * independent ones:
 *   kernel       the kernel's generator, a computational one
 *   /dev/hwrng   a device, a pipe, or a file, by its absolute path; '+' cannot stand in it
 * All but the kernel pass through the health tests of pskm/health.h, from the first byte on; so does the
 * combination, where there is one.  The first ENTROPY_STARTUP_LEN bytes are the start-up test (SP 800-90B
 * 4.3, at least 1024 samples), and are thrown away.  Constant memory.
 */
#ifndef DSKE_PSKM_ENTROPY_H
#define DSKE_PSKM_ENTROPY_H

#include <signal.h>
#include <stddef.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/rc.h"
#include "base/secret.h"
#include "pskm/health.h"
#include "pskm/source.h"

#define ENTROPY_KERNEL "kernel"
#define ENTROPY_SOURCES_MAX 8
#define ENTROPY_SPEC_MAX 1023 /* bytes */
#define ENTROPY_STARTUP_LEN 4096
#define ENTROPY_STALL_MS 60000 /* so long a source may give nothing */

struct entropy_source {
	const char *name; /* inside `spec` */
	struct fd fd;     /* FD_NONE: the kernel */
	struct stat stat; /* which file or device it is */
	struct health health;
};

struct entropy {
	char spec[ENTROPY_SPEC_MAX + 1];
	struct entropy_source source[ENTROPY_SOURCES_MAX];
	size_t count;
	struct health sum;     /* of the combination */
	struct secret scratch;
	int stall_ms;
	const volatile sig_atomic_t *stopped; /* NULL, or the caller's: where it becomes other than 0, waiting ends */
};

/* Is spec well formed?  Touches no device.  Errors: ARGS with the reason. */
dske_rc entropy_check(const char *spec);

/*
 * Opens all sources and tests them.  *e is overwritten; the caller drops it, also after a failure.  Points into
 * itself: not to be copied.  Refused, since the next table would be like this one, or zero: files alone
 * (with nothing fresh beside them), and one source named twice.
 * Errors: ARGS, as file_open, and those of entropy_fill.
 */
dske_rc entropy_open(struct entropy *e, const char *spec, int stall_ms);

/* Fills out with len bytes; after a failure they are zero, and every further call fails.
 * Errors: IO (a source ended, could not be read, or failed a health test: which, where), TIMEOUT (it stalls),
 * CANCELLED (stopped). */
dske_rc entropy_fill(struct entropy *e, void *out, size_t len);

/* The same as a source of a table; borrows e. */
struct pskm_source entropy_bytes(struct entropy *e);

/* Has it failed, or was it never opened? */
bool entropy_failed(const struct entropy *e);

/* Wipes and closes. */
void entropy_drop(struct entropy *e);

#endif
