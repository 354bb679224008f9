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
#include "base/secret.h"
#include "vpn/confine.h"
#include "vpn/otp-conf.h"
#include "vpn/otp-report.h"
#include "vpn/program.h"
#include "vpn/status.h"
#include "vpn/supply.h"
#include "vpn/token.h"
#include "vpn/tunnel.h"

#define LOOK_MS 1000 /* for the rates */

static struct program_text text = {
	.name = "dske-vpn",
	.what = "Runs one end of a tunnel under one-time pads in the foreground, until SIGTERM.",
	.more = "'dske vpn status' shows how it goes.  See dske-vpn(8), dske-vpn.conf(5).",
};

/* ---- what runs --------------------------------------------------------------------------------------------- */

struct program {
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

static void program_drop(struct program *p)
{
	if (p->token != NULL)
		token_cancel(p->token);
	tunnel_stop(p->tunnel);
	supply_stop(p->supply);
	token_close(p->token);
	stock_free(p->stock);
	status_drop(&p->status);
	device_drop(&p->device);
	fd_drop(&p->udp);
	fd_drop(&p->signals);
}

/* What wants rights comes first. */
static dske_rc open_privileged(struct program *p)
{
	const char *addresses[DEVICE_ADDRESSES_MAX];
	for (size_t i = 0; i < p->conf.address_count; i++)
		addresses[i] = p->conf.addresses[i];
	TRY(place_parse(&p->listen, p->conf.listen));
	TRY(place_listen(&p->udp, &p->listen));
	TRY(device_open(&p->device, p->conf.device, p->conf.offloads));
	TRY(device_set_up(&p->device, p->conf.mtu, addresses, p->conf.address_count));
	return status_open(&p->status, p->conf.status.s);
}

static dske_rc become(const struct program *p)
{
	const char *user = p->conf.user;
	if (user[0] == '\0' || geteuid() != 0)
		return DSKE_OK;
	const struct passwd *who = getpwnam(user);
	if (who == NULL)
		return FAIL(CONFIG, "user = %s: there is no such user", user);
	TRY(status_give(&p->status, who->pw_uid, who->pw_gid));
	if (initgroups(user, who->pw_gid) != 0 || setgid(who->pw_gid) != 0 || setuid(who->pw_uid) != 0 || setuid(0) == 0)
		return FAIL(DENIED, "cannot become %s: %s", user, strerror(errno));
	if (who->pw_dir != NULL)
		setenv("HOME", who->pw_dir, 1);
	process_harden(); /* once more: another user's process could be looked into again */
	return DSKE_OK;
}

/* The device stays open; who took the program over gets no further with it. */
static dske_rc give_up(const struct program *p)
{
	TRY(become(p));
	TRY(confine_rights(false));
	return confine_calls(false);
}

static dske_rc open_token(struct program *p)
{
	const struct otp_conf *c = &p->conf;
	struct token_where where = {.module = c->module.s[0] != '\0' ? c->module.s : NULL,
				    .token = c->token[0] != '\0' ? c->token : NULL,
				    .pin_file = c->pin_file.s[0] != '\0' ? c->pin_file.s : NULL};
	return token_open(&p->token, &where);
}

static int64_t silent_ms(void *tunnel)
{
	return tunnel_silent_ms(tunnel);
}

static dske_rc start(struct program *p)
{
	const struct otp_conf *c = &p->conf;
	struct supply_conf supply = {.peer = c->peer, .name = c->name, .block = (size_t)c->block, .ahead = c->ahead,
				     .day_limit = c->day_limit, .threads = c->agreements, .timeout_ms = c->timeout_ms, .silent_ms = silent_ms};
	TRY(open_privileged(p));
	TRY(give_up(p));
	if (c->remote[0] != '\0')
		TRY(place_parse_as(&p->remote, c->remote, p->listen.address.ss_family));
	TRY(stock_new(&p->stock, 4 * c->ahead));
	TRY(open_token(p));
	TRY(tunnel_start(&p->tunnel, &p->device, p->udp.n, &p->remote, p->stock, c->mtu));
	supply.silent_context = p->tunnel;
	return supply_start(&p->supply, &supply, p->token, p->stock);
}

static void look(struct program *p, struct otp_report *r)
{
	*r = (struct otp_report){.conf = &p->conf, .device = p->device.name};
	stock_figures(p->stock, &r->stock);
	supply_figures(p->supply, &r->supply);
	tunnel_figures(p->tunnel, &r->tunnel);
	otp_rates_look(&p->rates, r, clock_ms());
	r->rates = p->rates;
}

static void answer(struct program *p)
{
	struct otp_report r;
	look(p, &r);
	json_t *object = otp_report_make(&r, clock_ms());
	status_answer(&p->status, object);
	json_decref(object);
}

static dske_rc run(struct program *p)
{
	struct pollfd f[] = {{p->signals.n, POLLIN, 0}, {p->status.fd.n, POLLIN, 0}};
	log_info("the tunnel %s with %s is up at %s", p->conf.name, p->conf.peer, p->device.name);
	while (f[0].revents == 0) {
		struct otp_report ignored;
		if (poll(f, 2, LOOK_MS) < 0 && errno != EINTR)
			return FAIL(IO, "poll: %s", strerror(errno));
		if ((f[1].revents & POLLIN) != 0)
			answer(p);
		else
			look(p, &ignored);
	}
	return tunnel_check(p->tunnel);
}

/* ---- main -------------------------------------------------------------------------------------------------- */

static int serve(struct program *p)
{
	dske_rc rc = log_open(p->conf.log, p->conf.log_level, "dske-vpn");
	if (!rc_ok(rc))
		return program_complain(&text, rc, EXIT_CONFIG);
	rc = program_signals(&p->signals);
	if (rc_ok(rc))
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
	static struct program p = {.udp = FD_NONE, .signals = FD_NONE, .device.fd = FD_NONE, .status.fd = FD_NONE};
	struct program_options o;
	text.file = otp_conf_default_file();
	int status = program_options_read(&o, &text, argc, argv);
	if (status >= 0)
		return status;
	program_harden();
	dske_rc rc = otp_conf_read(&p.conf, o.config);
	if (!rc_ok(rc))
		return program_complain(&text, rc, EXIT_CONFIG);
	if (o.check)
		return printf("%s: valid\n", o.config) > 0 ? EXIT_GOOD : EXIT_FAILED;
	return serve(&p);
}
