/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "vpn/wg-hook.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"

#define WAIT_MS 30000
#define HOOK_PATH "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

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

dske_rc wg_hook_run(const char *file, const char *link, const char *peer, const struct secret *key)
{
	AUTO(fd) in = FD_NONE;
	AUTO(fd) out = FD_NONE;
	int ends[2];
	pid_t pid;
	if (pipe2(ends, O_CLOEXEC) != 0)
		return FAIL(IO, "no pipe: %s", strerror(errno));
	in.n = ends[0];
	out.n = ends[1];
	TRY(spawn(&pid, file, link, peer, in.n));
	fd_drop(&in);
	dske_rc written = write_key(out.n, key);
	fd_drop(&out);
	dske_rc ended = await(pid, file);
	return rc_ok(ended) ? written : ended;
}
