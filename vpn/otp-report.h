/* SPDX-License-Identifier: Apache-2.0 */
/* vpn/otp-report.h - what dske-vpn tells of itself, as JSON. */
#ifndef DSKE_VPN_OTP_REPORT_H
#define DSKE_VPN_OTP_REPORT_H

#include <jansson.h>
#include <stdint.h>

#include "vpn/otp-conf.h"
#include "vpn/stock.h"
#include "vpn/supply.h"
#include "vpn/tunnel.h"

/* Bytes of pad a second, over the last few. */
struct otp_rates {
	double sending, receiving; /* used */
	double agreeing;           /* that came, to send under */
	uint64_t used[2], agreed;  /* up to the last look */
	int64_t looked_ms;         /* 0: never */
};

struct otp_report {
	const struct otp_conf *conf;
	const char *device;
	struct stock_figures stock;
	struct supply_figures supply;
	struct tunnel_figures tunnel;
	struct otp_rates rates;
};

/* Goes on with the rates by the figures of now; about once a second. */
void otp_rates_look(struct otp_rates *rates, const struct otp_report *r, int64_t now_ms);

/* The caller's, for json_decref; NULL when there is no memory. */
json_t *otp_report_make(const struct otp_report *r, int64_t now_ms);

#endif
