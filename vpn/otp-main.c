/* SPDX-License-Identifier: Apache-2.0 */
/* vpn/otp-main.c - dske-vpn, a tunnel under one-time pads (man 8 dske-vpn). */
#include <config.h>

#include <errno.h>
#include <grp.h>
#include <pwd.h>
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
#include "vpn/service.h"
#include "vpn/supply.h"
#include "vpn/tunnel.h"

/* ---- what runs --------------------------------------------------------------------------------------------- */

struct end {
	struct otp_conf conf;
	struct place listen, remote;
	struct fd udp;
	struct device device;
	struct service service;
	struct stock *stock;
	struct supply *supply;
	struct tunnel *tunnel;
	struct otp_rates rates;
};

static void end_drop(void *context)
{
	struct end *e = context;
	token_cancel(e->service.token);
	tunnel_stop(e->tunnel);
	supply_stop(e->supply);
	service_drop(&e->service);
	stock_free(e->stock);
	device_drop(&e->device);
	fd_drop(&e->udp);
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
	return service_open(&e->service, &e->conf.service);
}

static dske_rc become(const struct end *e)
{
	const char *user = e->conf.user;
	if (user[0] == '\0' || geteuid() != 0)
		return DSKE_OK;
	const struct passwd *who = getpwnam(user);
	if (who == NULL)
		return FAIL(CONFIG, "user = %s: there is no such user", user);
	TRY(status_give(&e->service.status, who->pw_uid, who->pw_gid));
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

static int64_t silent_ms(void *tunnel)
{
	return tunnel_silent_ms(tunnel);
}

static dske_rc start(struct end *e)
{
	const struct otp_conf *c = &e->conf;
	struct supply_conf supply = {.peer = c->peer, .name = c->name, .block = (size_t)c->block, .ahead = c->ahead,
				     .day_limit = c->day_limit, .day_file = c->day_file.s, .threads = c->agreements, .timeout_ms = c->timeout_ms, .silent_ms = silent_ms};
	TRY(open_privileged(e));
	TRY(give_up(e));
	if (c->remote[0] != '\0')
		TRY(place_parse_as(&e->remote, c->remote, e->listen.address.ss_family));
	TRY(stock_new(&e->stock, 4 * c->ahead));
	TRY(service_open_token(&e->service, &c->service));
	TRY(tunnel_start(&e->tunnel, &e->device, e->udp.n, &e->remote, e->stock, c->mtu));
	supply.silent_context = e->tunnel;
	return supply_start(&e->supply, &supply, e->service.token, e->stock);
}

static void figures(struct end *e, struct otp_report *r)
{
	*r = (struct otp_report){.conf = &e->conf, .device = e->device.name};
	stock_figures(e->stock, &r->stock);
	supply_figures(e->supply, &r->supply);
	tunnel_figures(e->tunnel, &r->tunnel);
	otp_rates_look(&e->rates, r, clock_ms());
	r->rates = e->rates;
}

static json_t *report(void *context)
{
	struct otp_report r;
	figures(context, &r);
	return otp_report_make(&r, clock_ms());
}

/* For the rates; and where all that agree keys wait for hubs, nobody else gives back what is over. */
static void look(void *context)
{
	struct end *e = context;
	struct otp_report ignored;
	figures(e, &ignored);
	stock_tidy(e->stock);
}

static dske_rc run(struct end *e)
{
	log_info("the tunnel %s with %s is up at %s", e->conf.name, e->conf.peer, e->device.name);
	TRY(service_run(&e->service, report, look, e));
	return tunnel_check(e->tunnel);
}

/* ---- main -------------------------------------------------------------------------------------------------- */

static dske_rc end_read(void *context, const char *file, struct program_log *log)
{
	struct end *e = context;
	TRY(otp_conf_read(&e->conf, file));
	*log = service_log(&e->conf.service);
	return DSKE_OK;
}

static dske_rc end_run(void *context)
{
	TRY(start(context));
	return run(context);
}

int main(int argc, char **argv)
{
	static struct end e = {.udp = FD_NONE, .device.fd = FD_NONE, .service = SERVICE_NONE};
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
