/* SPDX-License-Identifier: Apache-2.0 */
/* vpn/wg-main.c - dske-wg, which keeps WireGuard's pre-shared keys fresh (man 8 dske-wg). */
#include <config.h>

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/program.h"
#include "vpn/confine.h"
#include "vpn/status.h"
#include "vpn/token.h"
#include "vpn/wg-conf.h"
#include "vpn/wg-link.h"
#include "vpn/wg-report.h"

struct keeper {
	struct wg_conf conf;
	struct fd signals;
	struct status status;
	struct token *token;
	struct wg_link *links[WG_LINKS_MAX];
};

static void keeper_drop(void *context)
{
	struct keeper *k = context;
	for (size_t i = 0; i < k->conf.count; i++)
		wg_link_end(k->links[i]);
	if (k->token != NULL)
		token_cancel(k->token);
	for (size_t i = 0; i < k->conf.count; i++)
		wg_link_free(k->links[i]);
	token_close(k->token);
	status_drop(&k->status);
	fd_drop(&k->signals);
	wg_conf_drop(&k->conf);
}

/* A hook has what this program has. */
static dske_rc give_up(const struct wg_conf *c)
{
	bool has_hook = false;
	for (size_t i = 0; i < c->count; i++)
		has_hook = has_hook || c->links[i].hook.s[0] != '\0';
	if (has_hook)
		return DSKE_OK;
	TRY(confine_rights(true));
	return confine_calls(false);
}

static dske_rc start(struct keeper *k)
{
	const struct wg_conf *c = &k->conf;
	struct token_where where = {.module = c->module.s[0] != '\0' ? c->module.s : NULL,
				    .token = c->token[0] != '\0' ? c->token : NULL,
				    .pin_file = c->pin_file.s[0] != '\0' ? c->pin_file.s : NULL};
	TRY(program_signals(&k->signals, false));
	TRY(status_open(&k->status, c->status.s));
	TRY(give_up(c));
	TRY(token_open(&k->token, &where));
	for (size_t i = 0; i < c->count; i++)
		TRY(wg_link_start(&k->links[i], &c->links[i], k->token));
	return DSKE_OK;
}

static dske_rc run(struct keeper *k)
{
	struct pollfd f[] = {{k->signals.n, POLLIN, 0}, {k->status.fd.n, POLLIN, 0}};
	log_info("%zu link%s kept", k->conf.count, k->conf.count == 1 ? " is" : "s are");
	while (f[0].revents == 0) {
		if (poll(f, 2, -1) < 0 && errno != EINTR)
			return FAIL(IO, "poll: %s", strerror(errno));
		if ((f[1].revents & POLLIN) == 0)
			continue;
		json_t *object = wg_report_make(&k->conf, k->links);
		status_answer(&k->status, object);
		json_decref(object);
	}
	return DSKE_OK;
}

static dske_rc keeper_read(void *context, const char *file, struct program_log *log)
{
	struct keeper *k = context;
	TRY(wg_conf_read(&k->conf, file));
	*log = (struct program_log){k->conf.log, k->conf.log_level};
	return DSKE_OK;
}

static dske_rc keeper_run(void *context)
{
	TRY(start(context));
	return run(context);
}

int main(int argc, char **argv)
{
	static struct keeper k = {.signals = FD_NONE, .status.fd = FD_NONE};
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
