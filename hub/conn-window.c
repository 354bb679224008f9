/* SPDX-License-Identifier: Apache-2.0 */
/* hub/conn-window.c - the windows of a connection. */
#include <string.h>

#include "hub/conn.h"

static void window_forget(struct conn_windows *ws, size_t at)
{
	window_free(ws->w[at]);
	ws->count--;
	memmove(&ws->w[at], &ws->w[at + 1], (ws->count - at) * sizeof ws->w[0]);
}

void conn_window_add(struct conn_windows *ws, struct window *w)
{
	if (w && window_left(w) == 0) {
		window_free(w);
		return;
	}
	if (!w)
		return;
	if (ws->count == CONN_WINDOWS_MAX)
		window_forget(ws, 0);
	ws->w[ws->count++] = w;
}

dske_rc conn_window_find(const struct conn_windows *ws, uint64_t offset, uint64_t len, struct window **w)
{
	int code = DSKE_RC_WINDOW;

	for (size_t i = 0; i < ws->count; i++) {
		if (offset < window_start(ws->w[i]) || offset >= window_end(ws->w[i]))
			continue;

		dske_rc rc = window_check(ws->w[i], offset, len);

		if (rc_ok(rc)) {
			*w = ws->w[i];
			return rc;
		}
		if (rc_is(rc, DSKE_RC_USED))
			code = DSKE_RC_USED;
	}
	return rc_make(code);
}

bool conn_window_room(const struct conn_windows *ws, size_t len)
{
	for (size_t i = 0; i < ws->count; i++)
		if (window_left(ws->w[i]) >= len)
			return true;
	return false;
}

dske_rc conn_window_reserve(struct conn_windows *ws, size_t len, struct pad *pad)
{
	for (size_t i = 0; i < ws->count; i++)
		if (window_left(ws->w[i]) >= len)
			return window_reserve(ws->w[i], len, pad);
	return rc_make(DSKE_RC_EXHAUSTED);
}
