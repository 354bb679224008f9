/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "vpn/wg-hook.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"

#define WAIT_MS 30000
#define ANSWER_S 40 /* of its process, which waits so long for the command */
#define HOOK_PATH "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

struct wg_hook {
	const char *file, *link, *peer; /* borrowed */
	struct fd fd;                   /* SOCK_SEQPACKET: the end of this process */
	pid_t pid;                      /* of the other */
};

/* ---- base64 ------------------------------------------------------------------------------------------------ */

/* All ones where v >= a, else zero; for small numbers. */
static unsigned at_least(unsigned v, unsigned a)
{
	return ((v - a) >> 31) - 1;
}

static uint8_t digit(unsigned v)
{
	unsigned c = 'A' + v;
	c += at_least(v, 26) & (unsigned)('a' - 'A' - 26);
	c += at_least(v, 52) & (unsigned)('0' - 'a' - 26);
	c += at_least(v, 62) & (unsigned)('+' - '0' - 10);
	c += at_least(v, 63) & (unsigned)('/' - '+' - 1);
	return (uint8_t)c;
}

void wg_base64(uint8_t *out, const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i += 3, out += 4) {
		unsigned v = (unsigned)bytes[i] << 16;
		v |= i + 1 < len ? (unsigned)bytes[i + 1] << 8 : 0;
		v |= i + 2 < len ? bytes[i + 2] : 0;
		out[0] = digit(v >> 18 & 63);
		out[1] = digit(v >> 12 & 63);
		out[2] = (uint8_t)(i + 1 < len ? digit(v >> 6 & 63) : '=');
		out[3] = (uint8_t)(i + 2 < len ? digit(v & 63) : '=');
	}
}

/* ---- the command ------------------------------------------------------------------------------------------- */

/* The child has the signals as they were, and this end of the pipe alone. */
static dske_rc spawn(pid_t *pid, const char *file, const char *link, const char *peer, int in)
{
	char link_text[96], peer_text[96];
	snprintf(link_text, sizeof link_text, "DSKE_LINK=%s", link);
	snprintf(peer_text, sizeof peer_text, "DSKE_PEER=%s", peer);
	char *const argv[] = {(char *)(uintptr_t)file, NULL};
	char path_text[] = HOOK_PATH;
	char *const env[] = {path_text, link_text, peer_text, NULL};
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none, preset;
	sigemptyset(&none);
	sigemptyset(&preset);
	sigaddset(&preset, SIGPIPE);
	sigaddset(&preset, SIGXFSZ);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, in, 0);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setsigdefault(&attributes, &preset);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	int e = posix_spawn(pid, file, &actions, &attributes, argv, env);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	return e == 0 ? DSKE_OK : FAIL(IO, "cannot run %s: %s", file, strerror(e));
}

/* A key fits a pipe, so this does not wait for the command. */
static dske_rc write_key(int fd, const struct secret *key)
{
	AUTO(secret) text = {0};
	TRY(secret_alloc(&text, WG_BASE64_LEN(key->len) + 1));
	wg_base64(text.data, key->data, key->len);
	text.data[text.len - 1] = '\n';
	ssize_t n = write(fd, text.data, text.len);
	return n == (ssize_t)text.len ? DSKE_OK : FAIL(IO, "the command does not take the key");
}

static dske_rc await(pid_t pid, const char *file)
{
	AUTO(fd) f = {(int)syscall(SYS_pidfd_open, pid, 0)};
	struct pollfd p = {f.n, POLLIN, 0};
	int status = 0, ready = 0;
	while (f.n >= 0 && (ready = poll(&p, 1, WAIT_MS)) < 0 && errno == EINTR)
		continue; /* stopped and continued: it has its time again */
	if (ready != 1)
		kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	if (WIFSIGNALED(status))
		return FAIL(IO, "%s ended by signal %d%s", file, WTERMSIG(status), WTERMSIG(status) == SIGKILL ? ": it took too long" : "");
	return WEXITSTATUS(status) == 0 ? DSKE_OK : FAIL(IO, "%s failed with %d", file, WEXITSTATUS(status));
}

static dske_rc run_command(const struct wg_hook *h, const struct secret *key)
{
	AUTO(fd) in = FD_NONE;
	AUTO(fd) out = FD_NONE;
	int ends[2];
	pid_t pid;
	if (pipe2(ends, O_CLOEXEC) != 0)
		return FAIL(IO, "no pipe: %s", strerror(errno));
	in.n = ends[0];
	out.n = ends[1];
	TRY(spawn(&pid, h->file, h->link, h->peer, in.n));
	fd_drop(&in);
	dske_rc written = write_key(out.n, key);
	fd_drop(&out);
	dske_rc ended = await(pid, h->file);
	return rc_ok(ended) ? written : ended;
}

/* ---- the process ------------------------------------------------------------------------------------------- */

/* A key is one message, the answer to it another: empty, or why it failed. */
static void serve(const struct wg_hook *h)
{
	AUTO(secret) key = {0};
	ssize_t n = -1;
	if (!rc_ok(secret_alloc(&key, WG_HOOK_KEY_MAX)))
		return;
	while ((n = recv(h->fd.n, key.data, WG_HOOK_KEY_MAX, 0)) > 0 || (n < 0 && errno == EINTR)) {
		if (n < 0)
			continue;
		struct secret given = {key.data, (size_t)n}; /* borrowed */
		dske_rc rc = run_command(h, &given);
		mem_wipe(key.data, key.len);
		const char *why = rc_ok(rc) ? "" : rc_detail(rc);
		(void)!send(h->fd.n, why, strlen(why) + 1, MSG_NOSIGNAL);
	}
}

/* It has nothing of what dske-wg has open but this end, and ends when the other is closed, by dske-wg or with it. */
static _Noreturn void be_the_hook(struct wg_hook *h, int fd)
{
	int end = dup2(fd, STDERR_FILENO + 1);
	(void)close_range((unsigned)end + 1, ~0u, 0);
	h->fd.n = fcntl(end, F_SETFD, FD_CLOEXEC) == 0 ? end : -1;
	serve(h);
	_exit(0);
}

dske_rc wg_hook_start(struct wg_hook **out, const char *file, const char *link, const char *peer)
{
	int ends[2];
	struct wg_hook *h = calloc(1, sizeof *h);
	*out = NULL;
	if (h == NULL)
		return rc_make(DSKE_RC_NOMEM);
	*h = (struct wg_hook){.file = file, .link = link, .peer = peer, .fd = FD_NONE};
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
		free(h);
		return FAIL(IO, "no pair of sockets: %s", strerror(errno));
	}
	h->pid = fork();
	if (h->pid == 0)
		be_the_hook(h, ends[1]);
	const struct timeval wait = {.tv_sec = ANSWER_S};
	close(ends[1]);
	h->fd.n = ends[0];
	(void)setsockopt(h->fd.n, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
	*out = h;
	return h->pid > 0 ? DSKE_OK : FAIL(IO, "no process for the hook %s: %s", file, strerror(errno));
}

void wg_hook_free(struct wg_hook *h)
{
	if (h == NULL)
		return;
	fd_drop(&h->fd);
	while (h->pid > 0 && waitpid(h->pid, NULL, 0) < 0 && errno == EINTR)
		continue;
	free(h);
}

dske_rc wg_hook_run(struct wg_hook *h, const struct secret *key)
{
	char why[256];
	ssize_t n = send(h->fd.n, key->data, key->len, MSG_NOSIGNAL);
	while (n >= 0 && (n = recv(h->fd.n, why, sizeof why - 1, 0)) < 0 && errno == EINTR)
		n = 0;
	if (n <= 0) {
		fd_drop(&h->fd); /* lest a late answer is taken for that to another key */
		return FAIL(IO, "the process that runs %s is gone: start dske-wg anew", h->file);
	}
	why[n] = '\0';
	return why[0] == '\0' ? DSKE_OK : FAIL(IO, "%s", why);
}
