/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "vpn/wg-report.h"

static json_t *seconds(int64_t ms)
{
	return ms < 0 ? json_null() : json_integer(ms / 1000);
}

static const char *state_of(const struct wg_link_conf *c, const struct wg_link_figures *f)
{
	if (f->closed)
		return "closed: no key yet";
	if (f->key_ms < 0)
		return c->closed && c->wg.interface[0] != '\0' ? "not closed yet, and no key" : "open: no key yet";
	if (!f->in_place)
		return "the key is not in place";
	if (f->stuck)
		return "handshakes fail";
	return f->key_ms > 2 * c->interval_ms + c->timeout_ms ? "the key is old" : "up";
}

static json_t *link_report(const struct wg_link_conf *c, struct wg_link *l)
{
	struct wg_link_figures f;
	wg_link_figures(l, &f);
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:b, s:s, s:o, s:o, s:I, s:I, s:I, s:I, s:s}", "link", c->label, "peer", c->peer,
			 "name", c->name, "interface", c->wg.interface, "hook", c->hook.s, "initiates", f.initiates, "state",
			 state_of(c, &f), "key_s", seconds(f.key_ms), "handshake_s", seconds(f.handshake_ms), "keys",
			 (json_int_t)f.keys, "failures", (json_int_t)f.failures, "put_in_place_again", (json_int_t)f.resets,
			 "interval_s", (json_int_t)(c->interval_ms / 1000), "why", f.why);
}

json_t *wg_report_make(const struct wg_conf *conf, struct wg_link *const *links)
{
	json_t *list = json_array();
	for (size_t i = 0; i < conf->count; i++)
		json_array_append_new(list, link_report(&conf->links[i], links[i]));
	return json_pack("{s:o}", "links", list);
}
