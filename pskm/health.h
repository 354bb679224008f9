/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pskm/health.h - the two continuous health tests of NIST SP 800-90B (January 2018), section 4.4, for a
 * source whose samples are bytes.  Pure: bytes in, a verdict out.
 *
 * They notice a source that has failed: one that is stuck, or gives one value far too often.  They do not
 * measure randomness: a counter passes them, as the standard means it to.
 *
 * H = 6 bits of min-entropy a byte, alpha = 2^-40 a test.  A source whose bytes fill a one-time pad has
 * about 8; H is stated lower so that years of good bytes raise no false alarm (bytes with 8 bits each fail
 * with probability 2^-56 a byte in the first test, 2^-98 a window in the second), while a source with less
 * than about 3.9 bits of min-entropy is expected to fail in any window that begins with its commonest value.
 */
#ifndef DSKE_PSKM_HEALTH_H
#define DSKE_PSKM_HEALTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HEALTH_MIN_ENTROPY 6 /* H, bits a byte */
#define HEALTH_ALPHA_LOG2 40 /* alpha = 2^-40 */

/* SP 800-90B 4.4.1: C = 1 + ceil(-log2(alpha) / H) = 1 + ceil(40 / 6). */
#define HEALTH_REPETITION_CUTOFF 8

/* SP 800-90B 4.4.2: W = 512 for samples of more than two values; C = 1 + CRITBINOM(W, 2^-H, 1 - alpha), where
 * CRITBINOM is the least k for which at most k successes in W trials have that probability or more: 34. */
#define HEALTH_WINDOW 512
#define HEALTH_PROPORTION_CUTOFF 35

enum health_verdict { HEALTH_GOOD, HEALTH_STUCK /* repetition count */, HEALTH_BIASED /* adaptive proportion */ };

/* Wiped by health_drop: it remembers samples. */
struct health {
	uint64_t seen;           /* samples up to the failing one, that one counted */
	unsigned run, window_at, proportion;
	uint8_t last, first;     /* of the run, of the window */
	enum health_verdict verdict; /* the first failure stays */
};

/* Begins with all zero.  Takes len samples into both tests and returns the verdict on all samples so far. */
enum health_verdict health_take(struct health *h, const uint8_t *samples, size_t len);

void health_drop(struct health *h);

/* The test that says so, for a sentence; static storage. */
const char *health_verdict_text(enum health_verdict v);

#endif
