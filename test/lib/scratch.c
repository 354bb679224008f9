/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "test/lib/scratch.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/listing.h"

/* Not cmocka's assertions: they would need a running test, and a set-up is none. */
static void need(bool ok, const char *what)
{
	if (ok)
		return;
	perror(what);
	abort();
}

void scratch_make(struct path *folder)
{
	const char *base = getenv("TMPDIR");

	need(rc_ok(path_format(folder, "%s/dske-test-XXXXXX", base != NULL && base[0] == '/' ? base : "/tmp")), "TMPDIR");
	need(mkdtemp(folder->s) != NULL, folder->s);
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st;
	(void)ftw;
	/* A test may have taken away the right to look inside. */
	if (kind == FTW_DNR || kind == FTW_D)
		(void)chmod(path, 0700);
	return kind == FTW_D ? 0 : remove(path);
}

void scratch_remove(const struct path *folder)
{
	(void)nftw(folder->s, remove_one, 8, FTW_PHYS); /* opens closed folders */
	need(nftw(folder->s, remove_one, 8, FTW_PHYS | FTW_DEPTH) == 0, folder->s);
}

int scratch_set_up(void **state)
{
	static struct path folder;

	scratch_make(&folder);
	*state = &folder;
	return 0;
}

int scratch_tear_down(void **state)
{
	scratch_remove(*state);
	return 0;
}

struct path scratch_folder;

int scratch_group_set_up(void **state)
{
	(void)state;
	scratch_make(&scratch_folder);
	return 0;
}

int scratch_group_tear_down(void **state)
{
	(void)state;
	scratch_remove(&scratch_folder);
	return 0;
}

void scratch_copy(const char *from, const char *to)
{
	int status = 1;
	pid_t pid = fork();

	if (pid == 0) {
		execlp("sh", "sh", "-c", "rm -rf \"$2\" && exec cp -a \"$1\" \"$2\"", "sh", from, to, (char *)NULL);
		_exit(127);
	}
	need(waitpid(pid, &status, 0) == pid && status == 0, to);
}

const char *scratch_path(const struct path *folder, const char *name)
{
	static struct path places[8];
	static unsigned next;
	struct path *p = &places[next++ % 8];

	need(rc_ok(path_format(p, "%s/%s", folder->s, name)), name);
	return p->s;
}

const char *scratch_write(const struct path *folder, const char *name, const void *bytes, size_t len)
{
	AUTO(fd) f = FD_NONE;
	const char *path = scratch_path(folder, name);

	need(rc_ok(file_open(&f, path, O_WRONLY | O_CREAT | O_TRUNC, 0600)), path);
	need(rc_ok(file_pwrite(f.n, bytes, len, 0)), path);
	return path;
}

size_t scratch_read(const char *path, char *out, size_t cap)
{
	AUTO(fd) f = FD_NONE;

	need(rc_ok(file_open(&f, path, O_RDONLY, 0)), path);
	ssize_t n = read(f.n, out, cap);
	need(n >= 0 && (size_t)n < cap, path);
	out[n] = '\0';
	return (size_t)n;
}

size_t scratch_count(const struct path *folder)
{
	AUTO(listing) l = LISTING_NONE;
	const char *name;
	size_t count = 0;

	need(rc_ok(listing_open(&l, folder->s)), folder->s);
	while (rc_ok(listing_next(&name, &l)) && name != NULL)
		count++;
	return count;
}
