/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The main program of a fuzzer when libFuzzer is not there: runs the target over its corpus, as a test.
 *
 * The corpus of fuzz-NAME is test/fuzz/corpus/NAME, one input a file.  Each input is also run cut at
 * every length and with each of its bytes damaged; up to a budget of calls, so that long inputs cost no
 * more than short ones.  The target finds faults by crashing; sanitizers help it.
 */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"

#define INPUT_MAX ((size_t)1024 * 1024)
#define BUDGET 4000 /* damaged copies of one input */

/* Of a target that takes long: fewer copies. */
extern const size_t replay_budget __attribute__((weak));

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* On a heap block of exactly its size, so that AddressSanitizer sees a read of one byte too many. */
static void run_one(const uint8_t *bytes, size_t len, size_t damaged, uint8_t mask)
{
	uint8_t *copy = malloc(len > 0 ? len : 1);

	if (copy == NULL)
		abort();
	if (len > 0)
		memcpy(copy, bytes, len);
	if (mask != 0)
		copy[damaged] ^= mask;
	LLVMFuzzerTestOneInput(copy, len);
	free(copy);
}

static void run_damaged(const uint8_t *bytes, size_t len)
{
	static const uint8_t masks[] = {0x01, 0x20, 0x80, 0xFF};
	const size_t *own = &replay_budget;
	size_t step = 1 + len * (1 + sizeof masks) / (own != NULL ? *own : BUDGET);

	run_one(bytes, len, 0, 0);
	for (size_t at = 0; at < len; at += step) {
		run_one(bytes, at, 0, 0);
		for (size_t m = 0; m < sizeof masks; m++)
			run_one(bytes, len, at, masks[m]);
	}
}

static int is_input(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

/* The corpus folder of the program called `self`. */
static dske_rc corpus_of(struct path *folder, const char *self)
{
	const char *top = getenv("top_srcdir");
	const char *base = strrchr(self, '/') != NULL ? strrchr(self, '/') + 1 : self;

	if (strncmp(base, "fuzz-", 5) != 0)
		return FAIL(ARGS, "%s: the program's name must begin with fuzz-", base);
	return path_format(folder, "%s/test/fuzz/corpus/%s", top != NULL ? top : ".", base + 5);
}

static dske_rc replay(const char *folder, int number, const char *name)
{
	AUTO(buf) input = {0};
	struct path path;

	TRY(path_format(&path, "%s/%s", folder, name));
	TRY(file_read_all(&input, path.s, INPUT_MAX));
	printf("# %s\n", path.s);
	fflush(stdout); /* if it crashes, this says where */
	run_damaged(input.data, input.len);
	printf("ok %d - %s\n", number, name);
	return DSKE_OK;
}

int main(int argc, char **argv)
{
	struct dirent **entries = NULL;
	struct path folder;
	int failures = 0;

	dske_rc rc = corpus_of(&folder, argc > 0 ? argv[0] : "");
	if (!rc_ok(rc)) {
		printf("Bail out! %s\n", rc_detail(rc));
		return 99;
	}
	int count = scandir(folder.s, &entries, is_input, alphasort);
	if (count <= 0) {
		printf("Bail out! no corpus in %s: %s\n", folder.s, count < 0 ? strerror(errno) : "it is empty");
		free(entries);
		return 99;
	}
	printf("1..%d\n", count);
	for (int i = 0; i < count; i++) {
		rc = replay(folder.s, i + 1, entries[i]->d_name);
		if (!rc_ok(rc)) {
			printf("not ok %d - %s # %s\n", i + 1, entries[i]->d_name, rc_detail(rc));
			failures++;
		}
		free(entries[i]);
	}
	free(entries);
	return failures;
}
