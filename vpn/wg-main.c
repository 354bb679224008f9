/* SPDX-License-Identifier: Apache-2.0 */
/* vpn/wg-main.c - dske-wg, which keeps WireGuard's pre-shared keys fresh (man 8 dske-wg). */
#include <config.h>

#include "base/log.h"
#include "base/program.h"
#include "vpn/confine.h"
#include "vpn/service.h"
#include "vpn/wg-conf.h"
#include "vpn/wg-link.h"
#include "vpn/wg-report.h"

struct keeper {
	struct wg_conf conf;
	struct service service;
	struct wg_hook *hooks[WG_LINKS_MAX]; /* NULL: that link has none */
	struct wg_link *links[WG_LINKS_MAX];
};

static void keeper_drop(void *context)
{
	struct keeper *k = context;
	for (size_t i = 0; i < k->conf.count; i++)
		wg_link_end(k->links[i]);
	token_cancel(k->service.token);
	for (size_t i = 0; i < k->conf.count; i++)
		wg_link_free(k->links[i]);
	for (size_t i = 0; i < k->conf.count; i++)
		wg_hook_free(k->hooks[i]);
	service_drop(&k->service);
	wg_conf_drop(&k->conf);
}

/* Hooks keep what this program gives up. */
static dske_rc give_up(struct keeper *k)
{
	for (size_t i = 0; i < k->conf.count; i++) {
		const struct wg_link_conf *c = &k->conf.links[i];
		if (c->hook.s[0] != '\0')
			TRY(wg_hook_start(&k->hooks[i], c->hook.s, c->label, c->peer));
	}
	TRY(confine_rights(true));
	return confine_calls(false);
}

static dske_rc start(struct keeper *k)
{
	const struct wg_conf *c = &k->conf;
	TRY(service_open(&k->service, &c->service));
	TRY(give_up(k));
	TRY(service_open_token(&k->service, &c->service));
	for (size_t i = 0; i < c->count; i++)
		TRY(wg_link_start(&k->links[i], &c->links[i], k->hooks[i], k->service.token));
	return DSKE_OK;
}

static json_t *report(void *context)
{
	struct keeper *k = context;
	return wg_report_make(&k->conf, k->links);
}

static dske_rc keeper_read(void *context, const char *file, struct program_log *log)
{
	struct keeper *k = context;
	TRY(wg_conf_read(&k->conf, file));
	*log = service_log(&k->conf.service);
	return DSKE_OK;
}

static dske_rc keeper_run(void *context)
{
	struct keeper *k = context;
	TRY(start(k));
	log_info("%zu link%s kept", k->conf.count, k->conf.count == 1 ? " is" : "s are");
	return service_run(&k->service, report, NULL, k);
}

int main(int argc, char **argv)
{
	static struct keeper k = {.service = SERVICE_NONE};
	const struct program program = {
		.name = "dske-wg",
		.what = "Keeps the pre-shared keys of WireGuard peers fresh, in the foreground, until SIGTERM.",
		.more = "'dske wg status' shows how it goes.  See dske-wg(8), dske-wg.conf(5).",
		.file = wg_conf_default_file(),
		.read = keeper_read,
		.run = keeper_run,
		.drop = keeper_drop,
	};
	return program_main(&program, &k, argc, argv);
}
