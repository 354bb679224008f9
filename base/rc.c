/* SPDX-License-Identifier: Apache-2.0 */
#include "base/rc.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const texts[DSKE_RC_COUNT] = {
#define X(name, text) [DSKE_RC_##name] = text,
	DSKE_RC_LIST(X)
#undef X
};

static const char *const names[DSKE_RC_COUNT] = {
#define X(name, text) [DSKE_RC_##name] = #name,
	DSKE_RC_LIST(X)
#undef X
};

/* The thread's last failure.  An empty sentence stands for the code's own text. */
static _Thread_local struct {
	int code;
	char sentence[RC_SENTENCE_MAX];
} last;

static bool code_known(int code)
{
	return code >= 0 && code < DSKE_RC_COUNT;
}

dske_rc rc_fail(int code, const char *format, ...)
{
	/* errno survives, so that a caller may report first and look at it afterwards.  The sentence is
	 * built aside, because the arguments may quote the previous sentence: "%s: %s", path, rc_detail(rc). */
	int saved_errno = errno;
	char sentence[sizeof last.sentence];
	va_list args;

	va_start(args, format);
	int written = vsnprintf(sentence, sizeof sentence, format, args);
	va_end(args);
	if (written < 0)
		sentence[0] = '\0';
	strcpy(last.sentence, sentence);
	last.code = code;
	errno = saved_errno;
	return (dske_rc){code};
}

void rc_note(int code)
{
	last.code = code;
	last.sentence[0] = '\0';
}

const char *rc_text(dske_rc rc)
{
	return code_known(rc.code) ? texts[rc.code] : "an error that this version does not know";
}

const char *rc_name(dske_rc rc)
{
	return code_known(rc.code) ? names[rc.code] : "UNKNOWN";
}

const char *rc_detail(dske_rc rc)
{
	if (rc.code == DSKE_RC_OK || rc.code != last.code || last.sentence[0] == '\0')
		return rc_text(rc);
	return last.sentence;
}
