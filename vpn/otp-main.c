/* SPDX-License-Identifier: Apache-2.0 */
/* vpn/otp-main.c - dske-vpn, a tunnel under one-time pads (man 8 dske-vpn). */
#include <config.h>

#include <errno.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/net.h"
#include "base/program.h"
#include "base/secret.h"
#include "vpn/confine.h"
#include "vpn/otp-conf.h"
#include "vpn/otp-report.h"
#include "vpn/status.h"
#include "vpn/supply.h"
#include "vpn/token.h"
#include "vpn/tunnel.h"

#define LOOK_MS 1000 /* for the rates */

/* ---- what runs --------------------------------------------------------------------------------------------- */

struct end {
	struct otp_conf conf;
	struct place listen, remote;
	struct fd udp, signals;
	struct device device;
	struct status status;
	struct token *token;
	struct stock *stock;
	struct supply *supply;
	struct tunnel *tunnel;
	struct otp_rates rates;
};

static void end_drop(void *context)
{
	struct end *e = context;
	if (e->token != NULL)
		token_cancel(e->token);
	tunnel_stop(e->tunnel);
	supply_stop(e->supply);
	token_close(e->token);
	stock_free(e->stock);
	status_drop(&e->status);
	device_drop(&e->device);
	fd_drop(&e->udp);
	fd_drop(&e->signals);
}

/* What wants rights comes first. */
static dske_rc open_privileged(struct end *e)
{
	const char *addresses[DEVICE_ADDRESSES_MAX];
	for (size_t i = 0; i < e->conf.address_count; i++)
		addresses[i] = e->conf.addresses[i];
	TRY(place_parse(&e->listen, e->conf.listen));
	TRY(place_listen(&e->udp, &e->listen));
	TRY(device_open(&e->device, e->conf.device, e->conf.offloads));
	TRY(device_set_up(&e->device, e->conf.mtu, addresses, e->conf.address_count));
	return status_open(&e->status, e->conf.status.s);
}

static dske_rc become(const struct end *e)
{
	const char *user = e->conf.user;
	if (user[0] == '\0' || geteuid() != 0)
		return DSKE_OK;
	const struct passwd *who = getpwnam(user);
	if (who == NULL)
		return FAIL(CONFIG, "user = %s: there is no such user", user);
	TRY(status_give(&e->status, who->pw_uid, who->pw_gid));
	if (initgroups(user, who->pw_gid) != 0 || setgid(who->pw_gid) != 0 || setuid(who->pw_uid) != 0 || setuid(0) == 0)
		return FAIL(DENIED, "cannot become %s: %s", user, strerror(errno));
	if (who->pw_dir != NULL)
		setenv("HOME", who->pw_dir, 1);
	process_harden(); /* once more: another user's process could be looked into again */
	return DSKE_OK;
}

/* The device stays open; who took the program over gets no further with it. */
static dske_rc give_up(const struct end *e)
{
	TRY(become(e));
	TRY(confine_rights(false));
	return confine_calls(false);
}

static dske_rc open_token(struct end *e)
{
	const struct otp_conf *c = &e->conf;
	struct token_where where = {.module = c->module.s[0] != '\0' ? c->module.s : NULL,
				    .token = c->token[0] != '\0' ? c->token : NULL,
				    .pin_file = c->pin_file.s[0] != '\0' ? c->pin_file.s : NULL};
	return token_open(&e->token, &where);
}

static int64_t silent_ms(void *tunnel)
{
	return tunnel_silent_ms(tunnel);
}

static dske_rc start(struct end *e)
{
	const struct otp_conf *c = &e->conf;
	struct supply_conf supply = {.peer = c->peer, .name = c->name, .block = (size_t)c->block, .ahead = c->ahead,
				     .day_limit = c->day_limit, .threads = c->agreements, .timeout_ms = c->timeout_ms, .silent_ms = silent_ms};
	TRY(program_signals(&e->signals, false));
	TRY(open_privileged(e));
	TRY(give_up(e));
	if (c->remote[0] != '\0')
		TRY(place_parse_as(&e->remote, c->remote, e->listen.address.ss_family));
	TRY(stock_new(&e->stock, 4 * c->ahead));
	TRY(open_token(e));
	TRY(tunnel_start(&e->tunnel, &e->device, e->udp.n, &e->remote, e->stock, c->mtu));
	supply.silent_context = e->tunnel;
	return supply_start(&e->supply, &supply, e->token, e->stock);
}

static void look(struct end *e, struct otp_report *r)
{
	*r = (struct otp_report){.conf = &e->conf, .device = e->device.name};
	stock_figures(e->stock, &r->stock);
	supply_figures(e->supply, &r->supply);
	tunnel_figures(e->tunnel, &r->tunnel);
	otp_rates_look(&e->rates, r, clock_ms());
	r->rates = e->rates;
}

static void answer(struct end *e)
{
	struct otp_report r;
	look(e, &r);
	json_t *object = otp_report_make(&r, clock_ms());
	status_answer(&e->status, object);
	json_decref(object);
}

static dske_rc run(struct end *e)
{
	struct pollfd f[] = {{e->signals.n, POLLIN, 0}, {e->status.fd.n, POLLIN, 0}};
	log_info("the tunnel %s with %s is up at %s", e->conf.name, e->conf.peer, e->device.name);
	while (f[0].revents == 0) {
		struct otp_report ignored;
		if (poll(f, 2, LOOK_MS) < 0 && errno != EINTR)
			return FAIL(IO, "poll: %s", strerror(errno));
		if ((f[1].revents & POLLIN) != 0)
			answer(e);
		else
			look(e, &ignored);
	}
	return tunnel_check(e->tunnel);
}

/* ---- main -------------------------------------------------------------------------------------------------- */

static dske_rc end_read(void *context, const char *file, struct program_log *log)
{
	struct end *e = context;
	TRY(otp_conf_read(&e->conf, file));
	*log = (struct program_log){e->conf.log, e->conf.log_level};
	return DSKE_OK;
}

static dske_rc end_run(void *context)
{
	TRY(start(context));
	return run(context);
}

int main(int argc, char **argv)
{
	static struct end e = {.udp = FD_NONE, .signals = FD_NONE, .device.fd = FD_NONE, .status.fd = FD_NONE};
	const struct program program = {
		.name = "dske-vpn",
		.what = "Runs one end of a tunnel under one-time pads in the foreground, until SIGTERM.",
		.more = "'dske vpn status' shows how it goes.  See dske-vpn(8), dske-vpn.conf(5).",
		.file = otp_conf_default_file(),
		.read = end_read,
		.run = end_run,
		.drop = end_drop,
	};
	return program_main(&program, &e, argc, argv);
}
