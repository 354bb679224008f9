/* SPDX-License-Identifier: Apache-2.0 */
/* vpn/wg-main.c - dske-wg, which keeps WireGuard's pre-shared keys fresh (man 8 dske-wg). */
#include <config.h>

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "vpn/confine.h"
#include "vpn/program.h"
#include "vpn/status.h"
#include "vpn/token.h"
#include "vpn/wg-conf.h"
#include "vpn/wg-link.h"
#include "vpn/wg-report.h"

static struct program_text text = {
	.name = "dske-wg",
	.what = "Keeps the pre-shared keys of WireGuard peers fresh, in the foreground, until SIGTERM.",
	.more = "'dske wg status' shows how it goes.  See dske-wg(8), dske-wg.conf(5).",
};

struct program {
	struct wg_conf conf;
	struct fd signals;
	struct status status;
	struct token *token;
	struct wg_link *links[WG_LINKS_MAX];
};

static void program_drop(struct program *p)
{
	for (size_t i = 0; i < p->conf.count; i++)
		wg_link_end(p->links[i]);
	if (p->token != NULL)
		token_cancel(p->token);
	for (size_t i = 0; i < p->conf.count; i++)
		wg_link_free(p->links[i]);
	token_close(p->token);
	status_drop(&p->status);
	fd_drop(&p->signals);
	wg_conf_drop(&p->conf);
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

static dske_rc start(struct program *p)
{
	const struct wg_conf *c = &p->conf;
	struct token_where where = {.module = c->module.s[0] != '\0' ? c->module.s : NULL,
				    .token = c->token[0] != '\0' ? c->token : NULL,
				    .pin_file = c->pin_file.s[0] != '\0' ? c->pin_file.s : NULL};
	TRY(program_signals(&p->signals));
	TRY(status_open(&p->status, c->status.s));
	TRY(give_up(c));
	TRY(token_open(&p->token, &where));
	for (size_t i = 0; i < c->count; i++)
		TRY(wg_link_start(&p->links[i], &c->links[i], p->token));
	return DSKE_OK;
}

static dske_rc run(struct program *p)
{
	struct pollfd f[] = {{p->signals.n, POLLIN, 0}, {p->status.fd.n, POLLIN, 0}};
	log_info("%zu link%s kept", p->conf.count, p->conf.count == 1 ? " is" : "s are");
	while (f[0].revents == 0) {
		if (poll(f, 2, -1) < 0 && errno != EINTR)
			return FAIL(IO, "poll: %s", strerror(errno));
		if ((f[1].revents & POLLIN) == 0)
			continue;
		json_t *object = wg_report_make(&p->conf, p->links);
		status_answer(&p->status, object);
		json_decref(object);
	}
	return DSKE_OK;
}

static int serve(struct program *p)
{
	dske_rc rc = log_open(p->conf.log, p->conf.log_level, text.name);
	if (!rc_ok(rc))
		return program_complain(&text, rc, EXIT_CONFIG);
	rc = start(p);
	if (rc_ok(rc))
		rc = run(p);
	if (rc_ok(rc))
		log_info("stopped");
	else
		log_error("%s", rc_detail(rc));
	program_drop(p);
	log_close();
	return rc_ok(rc) ? EXIT_GOOD : EXIT_FAILED;
}

int main(int argc, char **argv)
{
	static struct program p = {.signals = FD_NONE, .status.fd = FD_NONE};
	struct program_options o;
	text.file = wg_conf_default_file();
	int status = program_options_read(&o, &text, argc, argv);
	if (status >= 0)
		return status;
	program_harden();
	dske_rc rc = wg_conf_read(&p.conf, o.config);
	if (!rc_ok(rc))
		return program_complain(&text, rc, EXIT_CONFIG);
	if (o.check) {
		wg_conf_drop(&p.conf);
		return printf("%s: valid\n", o.config) > 0 ? EXIT_GOOD : EXIT_FAILED;
	}
	return serve(&p);
}
