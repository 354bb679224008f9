/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "client/watch.h"

#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "client/media.h"

#define CHANGES                                                                                                          \
	(IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR)

/* Watching a folder again does no harm.  False: it is not there. */
static bool add(const struct watch *w, const char *folder)
{
	return inotify_add_watch(w->changes.n, folder, CHANGES) >= 0;
}

static void add_with_parent(const struct watch *w, const char *path)
{
	struct path parent;
	(void)add(w, path);
	if (rc_ok(path_folder(&parent, path)))
		(void)add(w, parent.s);
}

static void add_all(const struct watch *w, const struct config *c)
{
	AUTO(places) places = {0}, folders = {0};
	struct path p;
	bool whole = rc_ok(config_tables(c, &p)) && add(w, p.s);
	if (!rc_ok(accepted_folder(&p, c)) || !add(w, p.s) || !whole)
		(void)add(w, c->state.s); /* until both are there */
	if (rc_ok(places_match(&places, c))) {
		for (size_t i = 0; i < places.count; i++)
			add_with_parent(w, places.at[i].s);
	}
	if (rc_ok(places_find(&folders, c))) {
		for (size_t i = 0; i < folders.count; i++)
			(void)add(w, folders.at[i].s);
	}
}

void watch_begin(struct watch *w, const struct config *c)
{
	if (w->changes.n < 0)
		w->changes.n = fd_above_standard(inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
	if (w->mounts.n < 0)
		(void)file_open(&w->mounts, "/proc/self/mountinfo", O_RDONLY, 0);
	if (w->changes.n >= 0)
		add_all(w, c);
}

/* What changed is found by looking. */
static void drain(int fd)
{
	char events[4096];
	while (read(fd, events, sizeof events) > 0)
		continue;
}

void watch_wait(struct watch *w, int wake, int timeout_ms)
{
	struct pollfd fds[] = {
		{.fd = w->changes.n, .events = POLLIN},
		{.fd = w->mounts.n, .events = POLLPRI}, /* with POLLERR: proc(5) */
		{.fd = wake, .events = POLLIN},
	};
	if (poll(fds, sizeof fds / sizeof fds[0], timeout_ms) > 0 && (fds[0].revents & POLLIN) != 0)
		drain(w->changes.n);
}

void watch_drop(struct watch *w)
{
	fd_drop(&w->changes);
	fd_drop(&w->mounts);
}
