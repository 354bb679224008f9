/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "tools/secret-input.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"

/* Takes a line's text, up to a newline, from memory that is wiped here. */
static dske_rc take_line(struct secret *out, char *text, size_t len, const char *what)
{
	size_t end = 0;
	while (end < len && text[end] != '\n' && text[end] != '\r' && text[end] != '\0')
		end++;
	dske_rc rc = end == 0 ? FAIL(ARGS, "the %s is empty", what) : secret_alloc(out, end + 1);
	if (rc_ok(rc))
		memcpy(out->data, text, end);
	mem_wipe(text, len);
	return rc;
}

static dske_rc from_fd(struct secret *out, int fd, const char *what)
{
	AUTO(secret) room = {0};
	size_t len = 0;
	TRY(secret_alloc(&room, SECRET_INPUT_MAX));
	for (;;) {
		ssize_t n = read(fd, room.data + len, room.len - len);
		if (n < 0)
			return FAIL(IO, "the %s cannot be read: %m", what);
		len += (size_t)n;
		if (n == 0 || memchr(room.data, '\n', len) != NULL)
			break;
		if (len == room.len)
			return FAIL(TOOBIG, "the %s is longer than %d bytes", what, SECRET_INPUT_MAX);
	}
	return take_line(out, (char *)room.data, len, what);
}

/* Of a file; a pipe is a shell's. */
static void warn_of_readers(int fd, const char *path, const char *what)
{
	struct stat st;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & 077) != 0)
		log_warn("other users may have access to %s, and so to the %s: chmod 600 it", path, what);
}

static dske_rc from_file(struct secret *out, const char *path, const char *what)
{
	AUTO(fd) f = FD_NONE;
	TRY(file_open(&f, path, O_RDONLY, 0));
	warn_of_readers(f.n, path, what);
	return from_fd(out, f.n, what);
}

static dske_rc from_environment(struct secret *out, const char *name, const char *what)
{
	const char *value = getenv(name);
	if (value == NULL || value[0] == '\0')
		return FAIL(NOT_FOUND, "the environment variable %s, which should hold the %s, is not set", name, what);
	return secret_from(out, value, strlen(value) + 1);
}

/* ---- the terminal ------------------------------------------------------------------------------------------- */

/* What would end or stop the program while the echo is off waits until the terminal is as before.  It is let
 * through in one place only, await_line, so that none comes unnoticed before the program sleeps. */
static const int held_signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP};
#define HELD_COUNT (sizeof held_signals / sizeof held_signals[0])

struct hold {
	sigset_t mask;
	struct sigaction action[HELD_COUNT];
};

static volatile sig_atomic_t came;

static void note_signal(int number)
{
	came = number;
}

static void hold_signals(struct hold *before)
{
	struct sigaction note = {.sa_handler = note_signal};
	sigset_t held;
	came = 0;
	sigemptyset(&held);
	for (size_t i = 0; i < HELD_COUNT; i++)
		sigaddset(&held, held_signals[i]);
	sigprocmask(SIG_BLOCK, &held, &before->mask);
	for (size_t i = 0; i < HELD_COUNT; i++)
		sigaction(held_signals[i], &note, &before->action[i]);
}

static void release_signals(const struct hold *before)
{
	for (size_t i = 0; i < HELD_COUNT; i++)
		sigaction(held_signals[i], &before->action[i], NULL);
	sigprocmask(SIG_SETMASK, &before->mask, NULL);
	if (came != 0)
		raise(came);
}

static dske_rc await_line(int fd, const struct hold *before, const char *what)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	if (ppoll(&p, 1, NULL, &before->mask) < 0)
		return FAIL(CANCELLED, "the %s was not given", what);
	return DSKE_OK;
}

static dske_rc from_terminal(struct secret *out, const char *what)
{
	AUTO(fd) tty = FD_NONE;
	struct termios shown, quiet;
	struct hold before;
	if (!rc_ok(file_open(&tty, "/dev/tty", O_RDWR, 0)) || tcgetattr(tty.n, &shown) != 0)
		return FAIL(ARGS, "there is no terminal to ask for the %s on: give it by env:NAME or file:PATH", what);
	quiet = shown;
	quiet.c_lflag &= ~(tcflag_t)ECHO;
	hold_signals(&before);
	dprintf(tty.n, "%s: ", what);
	tcsetattr(tty.n, TCSAFLUSH, &quiet);
	dske_rc rc = await_line(tty.n, &before, what);
	if (rc_ok(rc))
		rc = from_fd(out, tty.n, what);
	tcsetattr(tty.n, TCSAFLUSH, &shown);
	dprintf(tty.n, "\n");
	release_signals(&before);
	return rc;
}

static bool asks(const char *source)
{
	return source == NULL || strcmp(source, "prompt") == 0;
}

dske_rc secret_input(struct secret *out, const char *source, const char *what)
{
	if (asks(source))
		return from_terminal(out, what);
	if (strncmp(source, "env:", 4) == 0)
		return from_environment(out, source + 4, what);
	if (strncmp(source, "file:", 5) == 0)
		return from_file(out, source + 5, what);
	return FAIL(ARGS, "the %s comes from env:NAME, file:PATH or prompt, never from the command line itself", what);
}

dske_rc secret_input_new(struct secret *out, const char *source, const char *what)
{
	AUTO(secret) again = {0};
	char prompt[64];
	TRY(secret_input(out, source, what));
	if (!asks(source))
		return DSKE_OK;
	snprintf(prompt, sizeof prompt, "%s again", what);
	TRY(from_terminal(&again, prompt));
	if (again.len != out->len || !mem_equal(again.data, out->data, out->len)) {
		secret_drop(out);
		return FAIL(ARGS, "the two are not the same");
	}
	return DSKE_OK;
}
