/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test/bench/bench.h - measuring, with no verdict.
 *
 * Numbers of another machine, or of this one an hour later, say little; the ratio of two things that were
 * run in turn in one process says much.  So what is measured stands beside something that anybody knows
 * (a copy, OpenSSL, a write and fdatasync), and both numbers and their ratio are printed.
 */
#ifndef DSKE_TEST_BENCH_BENCH_H
#define DSKE_TEST_BENCH_BENCH_H

#include <stddef.h>

#include "base/rc.h"

/* Ends the program with a sentence: a benchmark of something that fails measures nothing. */
void bench_need(bool ok, const char *what);
void bench_need_ok(dske_rc rc, const char *what);

double bench_now(void); /* seconds of CLOCK_MONOTONIC */

/* Which commit, machine, compiler, file system of `folder` (NULL: none is used), and how busy it is. */
void bench_header(const char *folder);

/* "NAME  NUMBER UNIT", aligned. */
void bench_line(const char *name, double number, const char *unit);

/* The value below which `share` (0 to 1) of them lie; sorts them. */
double bench_quantile(double *values, size_t count, double share);

struct bench_work {
	const char *name;
	void (*run)(void *context);
	void *context;
	double seconds; /* of one run, the median of the rounds; set by bench_compare */
};

/* Runs each for some milliseconds, in turn, for an odd number of rounds. */
void bench_compare(struct bench_work *work, size_t count);

/* From here on bench_compare counts this thread's processor time, which others on the machine lengthen less: for works that
 * only compute. */
void bench_compare_processor_time(void);

#endif
