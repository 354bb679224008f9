/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base/log.h - lines for an operator.  Text only: there is no way to log bytes.
 *
 * Until log_open() nothing is written.  One line a call, newline added, control characters in the
 * text replaced by '?', so that a peer's name cannot forge lines (also what is not UTF-8, and what turns
 * the direction of writing around).  Texts beyond 2 KiB end in "...".  Each is written at once, unless log_gather() was
 * called.
 *
 * Lines come whole from any thread and from forked children, without a lock of ours or of the C library's that a child could
 * find held: syslog(3) has one, and is called at the gate (base/gate.h).  log_open() and log_close() are for one thread,
 * while no other logs.
 */
#ifndef DSKE_BASE_LOG_H
#define DSKE_BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/rc.h"

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* target:
 *   "none"
 *   "stderr"      "IDENT: warning: text"; or "<4>text" when standard error is the journal, which knows
 *                 the program itself (JOURNAL_STREAM names standard error's device and inode)
 *   "syslog"      "IDENT: warning: text" by syslog(3), without openlog(3), which belongs to the host
 *   "/PATH"       appended, 0600, "2026-01-31T12:00:00Z IDENT[PID]: warning: text"
 * After a failure the former target stays.  Errors: ARGS, IO. */
dske_rc log_open(const char *target, enum log_level least, const char *ident);
void log_close(void);

/* For a program of one thread that does not fork meanwhile: from now on lines are kept, and written together by
 * log_flush(), by log_close(), at a line of level error, or when there are 64 KiB of them.  What goes to syslog is not kept.
 * With false each is written at once again. */
void log_gather(bool on);
void log_flush(void);

dske_rc log_level_parse(enum log_level *out, const char *text); /* "error" .. "debug"; CONFIG */

/* Replaces in place, by '?', whatever could act on a terminal or look like another line, and what is no
 * UTF-8.  Each line is treated so; other text that is shown may need it too. */
void log_sanitise(char *text);

/* "2026-01-31T12:00:00Z" of a time from 1970 to 9999: gmtime(3) and strftime(3) take a lock. */
#define LOG_STAMP_LEN 21 /* with the zero */
void log_stamp(char out[LOG_STAMP_LEN], int64_t seconds);

/* Is a line of that level written? */
bool log_wants(enum log_level level);

void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...) log_line(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warn(...) log_line(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_info(...) log_line(LOG_LEVEL_INFO, __VA_ARGS__)
/* What it would say is not even put together where nobody wants it. */
#define log_debug(...) (log_wants(LOG_LEVEL_DEBUG) ? log_line(LOG_LEVEL_DEBUG, __VA_ARGS__) : (void)0)

#endif
