/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "vpn/status.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static dske_rc address_of(struct sockaddr_un *a, const char *path)
{
	*a = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (strlen(path) >= sizeof a->sun_path)
		return FAIL(TOOBIG, "%s: a socket's path has at most %zu bytes", path, sizeof a->sun_path - 1);
	strcpy(a->sun_path, path);
	return DSKE_OK;
}

static bool somebody_answers(const struct sockaddr_un *a)
{
	AUTO(fd) f = {socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
	return f.n >= 0 && connect(f.n, (const struct sockaddr *)a, sizeof *a) == 0;
}

static dske_rc listen_there(struct status *s, const struct sockaddr_un *a)
{
	s->fd.n = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (s->fd.n < 0)
		return FAIL(IO, "no socket: %s", strerror(errno));
	mode_t before = umask(077);
	int e = bind(s->fd.n, (const struct sockaddr *)a, sizeof *a) == 0 && listen(s->fd.n, 8) == 0 ? 0 : errno;
	umask(before);
	if (e != 0)
		return FAIL(IO, "cannot listen at %s: %s", s->path.s, strerror(e));
	return DSKE_OK;
}

dske_rc status_open(struct status *s, const char *path)
{
	struct sockaddr_un a;
	struct path folder;
	*s = (struct status){.fd = FD_NONE};
	TRY(address_of(&a, path));
	TRY(path_folder(&folder, path));
	mode_t before = umask(022); /* whoever the socket is given to has to get there */
	dske_rc made = file_make_dirs(folder.s, 0755);
	umask(before);
	TRY(made);
	if (somebody_answers(&a))
		return FAIL(BUSY, "%s: another program runs there already", path);
	if (unlink(path) != 0 && errno != ENOENT)
		return FAIL(IO, "cannot replace %s: %s", path, strerror(errno));
	TRY(path_format(&s->path, "%s", path));
	dske_rc rc = listen_there(s, &a);
	if (!rc_ok(rc))
		status_drop(s);
	return rc;
}

void status_drop(struct status *s)
{
	fd_drop(&s->fd);
	if (s->path.s[0] != '\0')
		(void)unlink(s->path.s);
	s->path.s[0] = '\0';
}

dske_rc status_give(const struct status *s, unsigned uid, unsigned gid)
{
	return chown(s->path.s, uid, gid) == 0 ? DSKE_OK : FAIL(IO, "cannot give %s away: %s", s->path.s, strerror(errno));
}

void status_answer(const struct status *s, const json_t *object)
{
	AUTO(fd) f = {accept4(s->fd.n, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)};
	if (f.n < 0)
		return;
	char *text = json_dumps(object, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
	if (text != NULL)
		(void)!send(f.n, text, strlen(text), MSG_NOSIGNAL); /* fits a socket's buffer, or who asked gets a part */
	free(text);
}
