/* SPDX-License-Identifier: Apache-2.0 */
#include "base/listing.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/file.h"

void listing_drop(struct listing *l)
{
	if (l->dir != NULL)
		closedir(l->dir);
	*l = (struct listing)LISTING_NONE;
}

dske_rc listing_open(struct listing *l, const char *path)
{
	AUTO(fd) f = FD_NONE;

	*l = (struct listing)LISTING_NONE;
	/* opendir(3) gives up on EINTR */
	TRY(file_open(&f, path, O_RDONLY | O_DIRECTORY, 0));
	l->dir = fdopendir(f.n);
	if (l->dir == NULL)
		return FAIL(NOMEM, "no memory to read folder %s", path);
	f.n = -1;
	l->path = path;
	return DSKE_OK;
}

dske_rc listing_next(const char **name, struct listing *l)
{
	const struct dirent *d;

	*name = NULL;
	if (l->dir == NULL)
		return DSKE_OK;
	do {
		errno = 0;
		d = readdir(l->dir);
		if (d == NULL && errno != 0)
			return FAIL(IO, "cannot read folder %s: %m", l->path);
	} while (d != NULL && (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0));
	if (d != NULL)
		*name = d->d_name;
	return DSKE_OK;
}
