/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vpn/service.h - what dske-vpn and dske-wg have alike: the settings of the token, the log and the status socket; what a
 * program that runs has open; and the wait for the signal that ends it.
 */
#ifndef DSKE_VPN_SERVICE_H
#define DSKE_VPN_SERVICE_H

#include <jansson.h>

#include "base/file.h"
#include "base/log.h"
#include "base/program.h"
#include "base/rc.h"
#include "vpn/status.h"
#include "vpn/token.h"

/* ---- its configuration ------------------------------------------------------------------------------------- */

struct service_conf {
	struct path status;           /* the socket that tells how it goes; the program has a default */
	struct path module, pin_file; /* empty: p11-kit's; nobody logs in */
	char token[33];               /* empty: the first that agrees keys */
	char log[256];                /* default stderr */
	enum log_level log_level;     /* default info */
};

void service_conf_init(struct service_conf *c);

/* [token] module, token, pin_file; [log] target, level; and status in the program's own section.  Errors: CONFIG, also for
 * any other setting. */
dske_rc service_setting(struct service_conf *c, const char *own, const char *section, const char *key, const char *value);

/* Once `file` is read: its paths count from there.  Errors: TOOBIG. */
dske_rc service_complete(struct service_conf *c, const char *file);

struct program_log service_log(const struct service_conf *c); /* as long as c */

/* ---- while it runs ----------------------------------------------------------------------------------------- */

struct service {
	struct fd signals;
	struct status status;
	struct token *token;
};

#define SERVICE_NONE {.signals = FD_NONE, .status.fd = FD_NONE}

/* Signals, then the socket.  Errors: as program_signals and status_open. */
dske_rc service_open(struct service *s, const struct service_conf *c);

/* The token; for a program that has given up its rights.  Errors: as token_open. */
dske_rc service_open_token(struct service *s, const struct service_conf *c);

/* Answers at the socket what report() makes, until a signal ends it (OK).  look, unless it is NULL, is called when a second
 * went by in which nobody asked.  Errors: IO. */
dske_rc service_run(struct service *s, json_t *(*report)(void *context), void (*look)(void *context), void *context);

/* No thread is inside the token any more: token_cancel() ends what they wait for. */
void service_drop(struct service *s);

#endif
