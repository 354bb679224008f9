/* SPDX-License-Identifier: Apache-2.0 */
/* pskm/container-destroy.c - two forms of one PSKM must not lie side by side. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pskm/container-impl.h"

/* Salt, costs, the wrapped content key: without them the passphrase opens no chunk that is left somewhere. */
static dske_rc destroy_key(const struct container_head *head, int fd)
{
	TRY(file_erase(fd, head->after, head->len - head->after));
	return file_sync(fd);
}

dske_rc container_destroy(const char *container_path)
{
	AUTO(fd) f = FD_NONE;
	struct container_head head;
	struct stat st;

	TRY(file_open_ordinary(&f, container_path, O_RDWR | O_NOFOLLOW, 0));
	TRY(head_read(&head, f.n));
	if (fstat(f.n, &st) != 0)
		return FAIL(IO, "cannot examine %s: %m", container_path);
	TRY(destroy_key(&head, f.n));
	TRY(file_erase_data(f.n, 0, (uint64_t)st.st_size));
	TRY(file_sync(f.n));
	if (unlink(container_path) != 0)
		return FAIL(IO, "cannot remove %s: %m", container_path);
	return file_sync_dir_of(container_path);
}
