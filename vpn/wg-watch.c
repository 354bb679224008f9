/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "vpn/wg-watch.h"

/* WireGuard's own times (its paper, section 6.1). */
#define REKEY_AFTER_MS 120000
#define REKEY_TIMEOUT_MS 5000

#define STALE_MS (REKEY_AFTER_MS + 3 * REKEY_TIMEOUT_MS) /* three tries of the next handshake have failed */
#define TRYING_MS (3 * REKEY_TIMEOUT_MS)
#define GAP_MIN_MS 15000
#define GAP_MAX_MS 120000

void wg_watch_look(struct wg_watch *w, const struct wg_state *s, int64_t now)
{
	uint64_t bytes = s->sent + s->received;
	if (s->handshake_s != w->handshake_s) {
		w->handshake_s = s->handshake_s;
		w->handshake_ms = now;
		w->gap_ms = 0;
	}
	if (bytes != w->bytes && w->looked)
		w->bytes_ms = now;
	w->bytes = bytes;
	w->looked = true;
}

void wg_watch_changed(struct wg_watch *w, int64_t now)
{
	w->changed_ms = now;
}

bool wg_watch_is_stuck(const struct wg_watch *w, int64_t now)
{
	bool is_tried = w->bytes_ms != 0 && now - w->bytes_ms < TRYING_MS;
	bool is_fresh = w->handshake_s != 0 && now - w->handshake_ms < STALE_MS;
	bool had_time = now - w->changed_ms >= TRYING_MS;
	return is_tried && !is_fresh && had_time;
}

bool wg_watch_may_ask(struct wg_watch *w, int64_t now)
{
	if (w->gap_ms != 0 && now - w->asked_ms < w->gap_ms)
		return false;
	w->gap_ms = w->gap_ms == 0 ? GAP_MIN_MS : w->gap_ms * 2 < GAP_MAX_MS ? w->gap_ms * 2 : GAP_MAX_MS;
	w->asked_ms = now;
	return true;
}

int64_t wg_watch_age(const struct wg_watch *w, int64_t now)
{
	return w->handshake_s == 0 ? -1 : now - w->handshake_ms;
}
