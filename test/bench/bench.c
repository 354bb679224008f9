/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "test/bench/bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS 11
#define ROUND_SECONDS 0.005
#define WORKS_MAX 8

void bench_need(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "bench: %s\n", what);
	exit(1);
}

void bench_need_ok(dske_rc rc, const char *what)
{
	if (rc_ok(rc))
		return;
	fprintf(stderr, "bench: %s: %s\n", what, rc_detail(rc));
	exit(1);
}

double bench_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- the header ------------------------------------------------------------------------------------- */

static void print_cpu(void)
{
	char line[512], model[256] = "unknown";
	FILE *f = fopen("/proc/cpuinfo", "re");

	while (f != NULL && fgets(line, sizeof line, f) != NULL)
		if (sscanf(line, "model name : %255[^\n]", model) == 1)
			break;
	if (f != NULL)
		fclose(f);
	printf("# machine   %s, %ld cores\n", model, sysconf(_SC_NPROCESSORS_ONLN));
}

static const char *filesystem_name(long type)
{
	static const struct {
		long type;
		const char *name;
	} known[] = {
		{0xEF53, "ext4"}, {0x01021994, "tmpfs: nothing here is durable"}, {0x794c7630, "overlayfs"},
		{0x58465342, "xfs"}, {0x9123683E, "btrfs"},
	};

	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
		if (known[i].type == type)
			return known[i].name;
	return "unknown";
}

void bench_header(const char *folder)
{
	const char *commit = getenv("DSKE_BENCH_COMMIT");
	struct utsname u;
	struct statfs s;
	double load[1];

	printf("# commit    %s\n", commit != NULL && commit[0] != '\0' ? commit : "unknown; release " PACKAGE_VERSION);
	print_cpu();
	if (uname(&u) == 0)
		printf("# kernel    %s %s, compiler %s\n", u.sysname, u.release, __VERSION__);
	if (folder != NULL && statfs(folder, &s) == 0)
		printf("# files on  %s\n", filesystem_name((long)s.f_type));
	if (getloadavg(load, 1) == 1)
		printf("# load      %.2f before this began\n", load[0]);
	fflush(stdout);
}

void bench_line(const char *name, double number, const char *unit)
{
	int digits = number < 10 ? 2 : number < 1000 ? 1 : 0;

	printf("%-58s %10.*f %s\n", name, digits, number, unit);
	fflush(stdout);
}

/* ---- measuring ---------------------------------------------------------------------------------------- */

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double bench_quantile(double *values, size_t count, double share)
{
	bench_need(count > 0, "no values");
	qsort(values, count, sizeof *values, ascending);
	return values[(size_t)(share * (double)(count - 1) + 0.5)];
}

static clockid_t compared_by = CLOCK_MONOTONIC;

void bench_compare_processor_time(void)
{
	compared_by = CLOCK_THREAD_CPUTIME_ID;
}

static double compared_now(void)
{
	struct timespec t;

	clock_gettime(compared_by, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Seconds of one run, over `runs` of them. */
static double one_run(const struct bench_work *w, size_t runs)
{
	double start = compared_now();

	for (size_t i = 0; i < runs; i++)
		w->run(w->context);
	return (compared_now() - start) / (double)runs;
}

/* How many runs fill a round?  Warms up as well. */
static size_t calibrate(const struct bench_work *w)
{
	size_t runs = 1;

	while (one_run(w, runs) * (double)runs < ROUND_SECONDS)
		runs *= 2;
	return runs;
}

void bench_compare(struct bench_work *work, size_t count)
{
	double taken[WORKS_MAX][ROUNDS];
	size_t runs[WORKS_MAX];

	bench_need(count <= WORKS_MAX, "more works than places");
	for (size_t i = 0; i < count; i++)
		runs[i] = calibrate(&work[i]);
	for (size_t round = 0; round < ROUNDS; round++)
		for (size_t i = 0; i < count; i++)
			taken[i][round] = one_run(&work[i], runs[i]);
	for (size_t i = 0; i < count; i++)
		work[i].seconds = bench_quantile(taken[i], ROUNDS, 0.5);
}
