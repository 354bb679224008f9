/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/gate.h"
#include "base/pid.h"

#define TEXT_MAX 2048

enum target { TARGET_NONE, TARGET_STDERR, TARGET_JOURNAL, TARGET_SYSLOG, TARGET_FILE };

static const struct {
	const char *name; /* in configuration files */
	const char *word; /* in lines */
	int priority;     /* of syslog(3) and of the journal's <N> */
} levels[] = {
	[LOG_LEVEL_ERROR] = {"error", "error", LOG_ERR},
	[LOG_LEVEL_WARN] = {"warn", "warning", LOG_WARNING},
	[LOG_LEVEL_INFO] = {"info", "info", LOG_INFO},
	[LOG_LEVEL_DEBUG] = {"debug", "debug", LOG_DEBUG},
};
#define LEVEL_COUNT (sizeof levels / sizeof levels[0])

/* No lock: a line is one write(2), and a child forked by the host cannot inherit a held one. */
static struct {
	enum target target;
	enum log_level least;
	int fd;
	struct stat file; /* that it led to */
	char path[PATH_MAX];
	char ident[64];
} state = {.fd = -1};

#define GATHER_LEN ((size_t)64 << 10) /* more than a round of a busy hub has to say at the default level */

/* Of log_gather(): one thread's, so that it needs no lock. */
static struct {
	char *bytes;      /* owned; NULL: each line is written at once */
	size_t len;
	int64_t second;   /* that the stamp is of */
	char stamp[LOG_STAMP_LEN];
} gathered;

#define FILE_FLAGS (O_WRONLY | O_APPEND | O_CREAT | O_NOCTTY)

/* A host may have closed all descriptors that it did not know, and opened others. */
static bool file_is_ours(void)
{
	struct stat st;

	return state.fd >= 0 && fstat(state.fd, &st) == 0 && st.st_dev == state.file.st_dev && st.st_ino == state.file.st_ino;
}

/* systemd sets JOURNAL_STREAM to the device and inode of the standard error that it made; a program
 * whose standard error was redirected since inherits the variable, so the two are compared. */
static bool stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	struct stat st;
	char expected[64];

	if (stream == NULL || fstat(STDERR_FILENO, &st) != 0)
		return false;
	snprintf(expected, sizeof expected, "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	return strcmp(stream, expected) == 0;
}

dske_rc log_open(const char *target, enum log_level least, const char *ident)
{
	AUTO(fd) f = FD_NONE;
	enum target kind;

	if (strcmp(target, "none") == 0) {
		kind = TARGET_NONE;
	} else if (strcmp(target, "stderr") == 0) {
		kind = stderr_is_journal() ? TARGET_JOURNAL : TARGET_STDERR;
	} else if (strcmp(target, "syslog") == 0) {
		kind = TARGET_SYSLOG;
	} else if (target[0] == '/') {
		if (strlen(target) >= sizeof state.path || !rc_ok(file_open(&f, target, FILE_FLAGS, 0600)))
			return FAIL(IO, "cannot open the log file %s: %m", target);
		kind = TARGET_FILE;
	} else {
		return FAIL(ARGS, "'%.64s' is no log target: use none, stderr, syslog or an absolute file name", target);
	}
	log_close();
	state.least = least;
	state.fd = f.n;
	if (f.n >= 0) {
		(void)fstat(f.n, &state.file);
		strcpy(state.path, target);
	}
	f.n = -1;
	snprintf(state.ident, sizeof state.ident, "%s", ident);
	state.target = kind;
	return DSKE_OK;
}

void log_close(void)
{
	log_flush();
	state.target = TARGET_NONE;
	if (file_is_ours())
		close(state.fd);
	state.fd = -1;
}

dske_rc log_level_parse(enum log_level *out, const char *text)
{
	for (size_t i = 0; i < LEVEL_COUNT; i++) {
		if (strcmp(text, levels[i].name) == 0 || strcmp(text, levels[i].word) == 0) {
			*out = (enum log_level)i;
			return DSKE_OK;
		}
	}
	return FAIL(CONFIG, "'%.64s' is no log level: use error, warn, info or debug", text);
}

/* The length of the well-formed UTF-8 sequence at s, or 0 (RFC 3629); its code point in *point. */
static size_t utf8_read(const unsigned char *s, uint32_t *point)
{
	static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
	size_t len = s[0] < 0x80 ? 1 : s[0] >> 5 == 6 ? 2 : s[0] >> 4 == 14 ? 3 : s[0] >> 3 == 30 ? 4 : 0;

	if (len == 0)
		return 0;
	uint32_t v = len == 1 ? s[0] : s[0] & (0xFFu >> (len + 1));
	for (size_t i = 1; i < len; i++) {
		if (s[i] >> 6 != 2) /* also stops at the final zero byte */
			return 0;
		v = v << 6 | (s[i] & 0x3Fu);
	}
	if (v < least[len] || v > 0x10FFFF || (v >= 0xD800 && v <= 0xDFFF))
		return 0;
	*point = v;
	return len;
}

/* Controls of ASCII and Latin-1, line separators, and what turns the direction of text around. */
static bool forges(uint32_t point)
{
	return point < 0x20 || (point >= 0x7F && point < 0xA0) || (point >= 0x2028 && point <= 0x202E) ||
	       (point >= 0x2066 && point <= 0x2069);
}

void log_sanitise(char *text)
{
	unsigned char *in = (unsigned char *)text;
	char *out = text;

	while (*in != '\0') {
		uint32_t point = 0;
		size_t len = utf8_read(in, &point);
		if (len == 0 || forges(point)) {
			*out++ = '?';
			in += len == 0 ? 1 : len;
			continue;
		}
		memmove(out, in, len);
		out += len;
		in += len;
	}
	*out = '\0';
}

static bool is_leap(int64_t year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int64_t month_len(int64_t year, unsigned month)
{
	static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	return days[month] + (month == 1 && is_leap(year) ? 1 : 0);
}

void log_stamp(char out[LOG_STAMP_LEN], int64_t seconds)
{
	int64_t days = seconds / 86400, year = 1970;
	unsigned rest = (unsigned)(seconds % 86400);
	unsigned month = 0;

	while (days >= 365 + is_leap(year))
		days -= 365 + is_leap(year++);
	while (days >= month_len(year, month))
		days -= month_len(year, month++);
	/* The last of each tells the compiler how many digits there are. */
	snprintf(out, LOG_STAMP_LEN, "%04u-%02u-%02uT%02u:%02u:%02uZ", (unsigned)year % 10000, (month + 1) % 100,
		 ((unsigned)days + 1) % 100, rest / 3600 % 100, rest / 60 % 60, rest % 60);
}

/* Once a second where lines are gathered. */
static void stamp_now(char out[LOG_STAMP_LEN])
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME_COARSE, &now);
	if (gathered.bytes == NULL) {
		log_stamp(out, now.tv_sec);
		return;
	}
	if (gathered.stamp[0] == '\0' || now.tv_sec != gathered.second)
		log_stamp(gathered.stamp, now.tv_sec);
	gathered.second = now.tv_sec;
	memcpy(out, gathered.stamp, LOG_STAMP_LEN);
}

/* Everything of a line that stands before its text. */
static void prefix(char *out, size_t cap, enum log_level level)
{
	char stamp[LOG_STAMP_LEN];

	switch (state.target) {
	case TARGET_JOURNAL: /* which adds time, program and process itself */
		snprintf(out, cap, "<%d>", levels[level].priority);
		return;
	case TARGET_FILE:
		stamp_now(stamp);
		snprintf(out, cap, "%s %s[%ld]: %s: ", stamp, state.ident, (long)process_id(), levels[level].word);
		return;
	default:
		snprintf(out, cap, "%s: %s: ", state.ident, levels[level].word);
	}
}

/* A pipe that nobody reads any more: the host may die of what it writes itself, but not of our line.  SIGPIPE goes to
 * the thread that wrote, and is taken back there; one that was pending before is the host's. */
struct no_pipe {
	sigset_t pipe, before;
	bool was_pending;
};

static void pipe_hold(struct no_pipe *h)
{
	sigset_t pending;

	sigemptyset(&h->pipe);
	sigaddset(&h->pipe, SIGPIPE);
	sigpending(&pending);
	h->was_pending = sigismember(&pending, SIGPIPE) == 1;
	pthread_sigmask(SIG_BLOCK, &h->pipe, &h->before);
}

static void pipe_release(const struct no_pipe *h, bool broken)
{
	if (broken && !h->was_pending)
		while (sigtimedwait(&h->pipe, NULL, &(struct timespec){0}) < 0 && errno == EINTR)
			continue;
	pthread_sigmask(SIG_SETMASK, &h->before, NULL);
}

/* One write for one line or more, so that lines of several processes in one file do not mix. */
static bool write_once(int fd, const char *lines, size_t len)
{
	ssize_t n;

	do
		n = write(fd, lines, len);
	while (n < 0 && errno == EINTR);
	return n >= 0;
}

static void write_lines(int fd, const char *lines, size_t len)
{
	struct no_pipe hold;

	pipe_hold(&hold);
	pipe_release(&hold, !write_once(fd, lines, len) && errno == EPIPE);
}

static void write_to_file(const char *lines, size_t len)
{
	AUTO(fd) again = FD_NONE;

	/* A program that gathers lines closes no descriptors that it does not know; and an ordinary file is no pipe. */
	if (gathered.bytes != NULL && state.fd >= 0 && S_ISREG(state.file.st_mode)) {
		(void)write_once(state.fd, lines, len);
		return;
	}
	if (file_is_ours()) {
		write_lines(state.fd, lines, len);
		return;
	}
	again.n = open(state.path, FILE_FLAGS | O_CLOEXEC, 0600);
	if (again.n >= 0)
		write_lines(again.n, lines, len);
}

static void write_out(const char *lines, size_t len)
{
	if (state.target == TARGET_FILE)
		write_to_file(lines, len);
	else
		write_lines(STDERR_FILENO, lines, len);
}

/* ---- gathering -------------------------------------------------------------------------------------- */

void log_flush(void)
{
	int saved_errno = errno;

	if (gathered.len > 0 && state.target != TARGET_NONE)
		write_out(gathered.bytes, gathered.len);
	gathered.len = 0;
	errno = saved_errno;
}

void log_gather(bool on)
{
	log_flush();
	if (on && gathered.bytes == NULL)
		gathered.bytes = malloc(GATHER_LEN); /* without it lines are written as ever */
	if (on)
		return;
	free(gathered.bytes);
	gathered.bytes = NULL;
}

/* What an operator must not miss is not kept back. */
static void keep(enum log_level level, const char *line, size_t len)
{
	if (len > GATHER_LEN - gathered.len)
		log_flush();
	memcpy(gathered.bytes + gathered.len, line, len);
	gathered.len += len;
	if (level == LOG_LEVEL_ERROR)
		log_flush();
}

/* There is room behind the line for its end. */
static void end_line(enum log_level level, char *line, size_t len)
{
	line[len] = '\n';
	if (gathered.bytes != NULL)
		keep(level, line, len + 1);
	else
		write_out(line, len + 1);
}

/* Without openlog(3): in a module, that belongs to the host. */
static void to_syslog(enum log_level level, const char *line)
{
	bool entered = gate_enter();

	syslog(levels[level].priority, "%s", line);
	if (entered)
		gate_leave();
}

bool log_wants(enum log_level level)
{
	return state.target != TARGET_NONE && level <= state.least;
}

void log_line(enum log_level level, const char *format, ...)
{
	int saved_errno = errno;
	char line[128 + TEXT_MAX + 1];
	va_list args;

	if (!log_wants(level))
		return;
	prefix(line, 128, level);
	size_t start = strlen(line);
	errno = saved_errno; /* for %m */
	va_start(args, format);
	int written = vsnprintf(line + start, TEXT_MAX, format, args);
	va_end(args);
	if (written >= 0) {
		if (written >= TEXT_MAX)
			memcpy(line + start + TEXT_MAX - 4, "...", 4);
		log_sanitise(line + start);
		if (state.target == TARGET_SYSLOG)
			to_syslog(level, line);
		else
			end_line(level, line, strlen(line));
	}
	errno = saved_errno;
}
