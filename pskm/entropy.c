/* SPDX-License-Identifier: Apache-2.0 */
/* pskm/entropy.c - sources opened, tested and combined. */
#include "config.h"

#include "pskm/entropy.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/net.h"

#define STEP_LEN ((size_t)64 << 10)
#define LOOK_MS 200 /* so late is it noticed that waiting is to end */

/* ---- the specification -------------------------------------------------------------------------- */

/* Takes spec apart in e, whose names then point into its copy. */
static dske_rc split(struct entropy *e, const char *spec)
{
	if (strlen(spec) > ENTROPY_SPEC_MAX)
		return FAIL(ARGS, "the list of entropy sources is longer than %d bytes", ENTROPY_SPEC_MAX);
	strcpy(e->spec, spec);
	for (char *at = e->spec, *next; at != NULL; at = next) {
		next = strchr(at, '+');
		if (next != NULL)
			*next++ = '\0';
		if (e->count == ENTROPY_SOURCES_MAX)
			return FAIL(ARGS, "more than %d entropy sources", ENTROPY_SOURCES_MAX);
		if (strcmp(at, ENTROPY_KERNEL) != 0 && at[0] != '/')
			return FAIL(ARGS, "'%s' is no entropy source: name 'kernel', or the absolute path of a device, pipe or file",
				    at);
		for (size_t i = 0; i < e->count; i++)
			if (strcmp(e->source[i].name, at) == 0)
				return FAIL(ARGS, "the entropy source %s is named twice", at);
		e->source[e->count++] = (struct entropy_source){.name = at, .fd = FD_NONE};
	}
	return DSKE_OK;
}

dske_rc entropy_check(const char *spec)
{
	struct entropy e = {0};

	return split(&e, spec);
}

/* ---- opening ------------------------------------------------------------------------------------ */

static bool is_kernel(const struct entropy_source *s)
{
	return s->fd.n < 0;
}

/* Read again, does it give other bytes? */
static bool is_fresh(const struct entropy_source *s)
{
	return is_kernel(s) || S_ISCHR(s->stat.st_mode) || S_ISFIFO(s->stat.st_mode);
}

static bool is_same(const struct stat *a, const struct stat *b)
{
	if ((S_ISCHR(a->st_mode) && S_ISCHR(b->st_mode)) || (S_ISBLK(a->st_mode) && S_ISBLK(b->st_mode)))
		return a->st_rdev == b->st_rdev;
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* ---- devices: one that does not know poll(2), as /dev/hwrng, is always ready, and blocks with nothing --------- */

struct reader {
	int from, to;
};

/* Reads a device into a pipe, which can be waited for, until nobody reads that any more.  One that never answers
 * keeps its thread until the process ends. */
static void *reader_run(void *argument)
{
	struct reader r = *(struct reader *)argument;
	uint8_t piece[512];
	ssize_t n;

	free(argument);
	do {
		n = read(r.from, piece, sizeof piece);
	} while ((n < 0 && errno == EINTR) || (n > 0 && send(r.to, piece, (size_t)n, MSG_NOSIGNAL) == n));
	mem_wipe(piece, sizeof piece);
	close(r.from);
	close(r.to);
	return NULL;
}

/* The thread has the device from here on, and s the other end. */
static dske_rc reader_start(struct entropy_source *s)
{
	struct reader *r = malloc(sizeof *r);
	int pair[2];
	pthread_t thread;

	if (r == NULL || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
		free(r);
		return FAIL(IO, "cannot set up the entropy source %s: %m", s->name);
	}
	*r = (struct reader){s->fd.n, pair[1]};
	s->fd.n = pair[0];
	if (pthread_create(&thread, NULL, reader_run, r) != 0) {
		close(r->from);
		close(r->to);
		free(r);
		return FAIL(IO, "cannot start a reader of the entropy source %s", s->name);
	}
	pthread_detach(thread);
	return DSKE_OK;
}

/* Not blocking, since the other end of a pipe may come later, or never: poll(2) waits for it. */
static dske_rc open_path(struct entropy_source *s)
{
	TRY(file_open(&s->fd, s->name, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0));
	if (fstat(s->fd.n, &s->stat) != 0)
		return FAIL(IO, "cannot examine the entropy source %s: %m", s->name);
	if (S_ISDIR(s->stat.st_mode))
		return FAIL(ARGS, "the entropy source %s is a folder", s->name);
	if (!S_ISFIFO(s->stat.st_mode) && fcntl(s->fd.n, F_SETFL, 0) != 0)
		return FAIL(IO, "cannot set up the entropy source %s: %m", s->name);
	return S_ISCHR(s->stat.st_mode) ? reader_start(s) : DSKE_OK;
}

static dske_rc open_all(struct entropy *e)
{
	bool fresh = false;

	for (size_t i = 0; i < e->count; i++) {
		struct entropy_source *s = &e->source[i];

		if (strcmp(s->name, ENTROPY_KERNEL) != 0)
			TRY(open_path(s));
		fresh |= is_fresh(s);
		for (size_t j = 0; j < i && !is_kernel(s); j++)
			if (!is_kernel(&e->source[j]) && is_same(&s->stat, &e->source[j].stat))
				return FAIL(ARGS, "the entropy sources %s and %s are the same, so they cancel out: name one of them",
					    e->source[j].name, s->name);
	}
	if (!fresh)
		return FAIL(ARGS, "%s gives the same bytes to the next PSKM, too: add a fresh source, as in kernel+%s",
			    e->source[0].name, e->source[0].name);
	return DSKE_OK;
}

dske_rc entropy_open(struct entropy *e, const char *spec, int stall_ms)
{
	uint8_t startup[ENTROPY_STARTUP_LEN];

	*e = (struct entropy){.stall_ms = stall_ms};
	TRY(split(e, spec));
	TRY(open_all(e));
	TRY(secret_alloc(&e->scratch, STEP_LEN));
	dske_rc rc = entropy_fill(e, startup, sizeof startup);
	mem_wipe(startup, sizeof startup);
	return rc;
}

void entropy_drop(struct entropy *e)
{
	for (size_t i = 0; i < e->count; i++) {
		fd_drop(&e->source[i].fd);
		health_drop(&e->source[i].health);
	}
	health_drop(&e->sum);
	secret_drop(&e->scratch);
	e->count = 0;
}

/* ---- reading ------------------------------------------------------------------------------------ */

/* The signal may reach another thread, so it is looked for now and then. */
static dske_rc wait_for(const struct entropy *e, const struct entropy_source *s)
{
	struct pollfd p = {.fd = s->fd.n, .events = POLLIN};
	int64_t end_ms = clock_ms() + e->stall_ms;
	int n;

	do {
		int64_t left_ms = end_ms - clock_ms();

		if (e->stopped != NULL && *e->stopped != 0)
			return FAIL(CANCELLED, "interrupted while waiting for the entropy source %s", s->name);
		n = poll(&p, 1, left_ms < 0 ? 0 : left_ms < LOOK_MS ? (int)left_ms : LOOK_MS);
	} while ((n < 0 && errno == EINTR) || (n == 0 && clock_ms() < end_ms));
	if (n < 0)
		return FAIL(IO, "cannot wait for the entropy source %s: %m", s->name);
	if (n == 0)
		return FAIL(TIMEOUT, "the entropy source %s gave nothing for %d ms: check it, or leave it out", s->name,
			    e->stall_ms);
	return DSKE_OK;
}

/* One read; *got > 0. */
static dske_rc read_some(const struct entropy *e, const struct entropy_source *s, uint8_t *out, size_t len, size_t *got)
{
	ssize_t n;

	do {
		TRY(wait_for(e, s));
		n = read(s->fd.n, out, len);
	} while (n < 0 && (errno == EINTR || errno == EAGAIN));
	if (n < 0)
		return FAIL(IO, "cannot read the entropy source %s: %m", s->name);
	if (n == 0)
		return FAIL(IO, "the entropy source %s ended after %llu bytes: give one that goes on", s->name,
			    (unsigned long long)s->health.seen);
	*got = (size_t)n;
	return DSKE_OK;
}

static dske_rc judge(struct health *h, const char *what, const char *name, const uint8_t *samples, size_t len)
{
	enum health_verdict v = health_take(h, samples, len);

	if (v == HEALTH_GOOD)
		return DSKE_OK;
	return FAIL(IO, "%s%s %s, at byte %llu; nothing of it is used", what, name, health_verdict_text(v),
		    (unsigned long long)h->seen);
}

static dske_rc source_read(const struct entropy *e, struct entropy_source *s, uint8_t *out, size_t len)
{
	size_t got = 0;

	if (is_kernel(s))
		return random_fill(out, len);
	for (; len > 0; out += got, len -= got) {
		TRY(read_some(e, s, out, len, &got));
		TRY(judge(&s->health, "the entropy source ", s->name, out, got));
	}
	return DSKE_OK;
}

/* At most STEP_LEN bytes. */
static dske_rc fill_step(struct entropy *e, uint8_t *out, size_t len)
{
	TRY(source_read(e, &e->source[0], out, len));
	if (e->count == 1)
		return DSKE_OK;
	for (size_t i = 1; i < e->count; i++) {
		TRY(source_read(e, &e->source[i], e->scratch.data, len));
		for (size_t j = 0; j < len; j++)
			out[j] ^= e->scratch.data[j];
	}
	return judge(&e->sum, "the exclusive-or of the entropy sources", "", out, len);
}

static dske_rc fill(void *context, void *out, size_t len)
{
	return entropy_fill(context, out, len);
}

struct pskm_source entropy_bytes(struct entropy *e)
{
	return (struct pskm_source){fill, e};
}

bool entropy_failed(const struct entropy *e)
{
	return e->scratch.data == NULL;
}

dske_rc entropy_fill(struct entropy *e, void *out, size_t len)
{
	if (entropy_failed(e))
		return FAIL(IO, "the entropy sources have failed before");
	for (size_t at = 0; at < len; at += STEP_LEN) {
		dske_rc rc = fill_step(e, (uint8_t *)out + at, len - at < STEP_LEN ? len - at : STEP_LEN);

		if (!rc_ok(rc)) {
			mem_wipe(out, len);
			secret_drop(&e->scratch);
			return rc;
		}
	}
	return DSKE_OK;
}
