/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "vpn/otp-report.h"

static json_t *number(uint64_t n)
{
	return json_integer((json_int_t)n);
}

/* ---- rates ------------------------------------------------------------------------------------------------- */

#define WEIGHT 0.2 /* of the last second */

static void look(double *rate, uint64_t *before, uint64_t now, double seconds)
{
	double last = now > *before ? (double)(now - *before) / seconds : 0;
	*rate = seconds > 3600 ? last : *rate + WEIGHT * (last - *rate);
	*before = now;
}

void otp_rates_look(struct otp_rates *rates, const struct otp_report *r, int64_t now_ms)
{
	double seconds = (double)(now_ms - rates->looked_ms) / 1000;
	if (rates->looked_ms != 0 && seconds < 0.5)
		return;
	uint64_t agreed = r->supply.agreed_bytes[PAD_SENDS];
	look(&rates->sending, &rates->used[PAD_SENDS], r->stock.used[PAD_SENDS], seconds);
	look(&rates->receiving, &rates->used[PAD_RECEIVES], r->stock.used[PAD_RECEIVES], seconds);
	look(&rates->agreeing, &rates->agreed, agreed, seconds);
	rates->looked_ms = now_ms;
}

/* How long what is there lasts at the rates of late; null: as long as hubs give more. */
static json_t *lasts(const struct otp_report *r)
{
	double less = r->rates.sending - r->rates.agreeing;
	return less <= 1 ? json_null() : json_integer((json_int_t)((double)r->stock.send_left / less));
}

static json_t *rates(const struct otp_rates *r)
{
	return json_pack("{s:o, s:o, s:o}", "sending", json_integer((json_int_t)r->sending), "receiving",
			 json_integer((json_int_t)r->receiving), "agreeing", json_integer((json_int_t)r->agreeing));
}

/* ---- the object -------------------------------------------------------------------------------------------- */

/* One word that says it all. */
static const char *state_of(const struct otp_report *r, int64_t now_ms)
{
	if (r->tunnel.is_stopped)
		return r->supply.is_limited ? "stopped: the day's limit is reached" : "stopped: no pad that the other end holds";
	if (r->tunnel.heard_ms == 0 || now_ms - r->tunnel.heard_ms > 5000)
		return "the other end is silent";
	return "up";
}

static json_t *pads(const struct otp_report *r)
{
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "to_send_under", number(r->stock.send_left),
			 "to_send_under_not_confirmed", number(r->stock.send_unconfirmed), "to_receive_under",
			 number(r->stock.receive_left), "agreed_to_send_under", number(r->supply.agreed_bytes[PAD_SENDS]),
			 "agreed_to_receive_under", number(r->supply.agreed_bytes[PAD_RECEIVES]), "failed",
			 number(r->supply.failed[PAD_SENDS] + r->supply.failed[PAD_RECEIVES]), "given_up", number(r->stock.given_up),
			 "today", number(r->supply.today), "day_limit", number(r->conf->day_limit), "stops",
			 number(r->tunnel.stops), "other_end_keeps", number(r->stock.other_keeps));
}

static json_t *traffic(const struct tunnel_figures *t)
{
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "sent", number(t->sent), "sent_bytes", number(t->sent_bytes),
			 "received", number(t->received), "received_bytes", number(t->received_bytes), "forged", number(t->forged),
			 "repeated", number(t->repeated), "unknown_pad", number(t->unknown), "strange", number(t->strange),
			 "too_large", number(t->too_large), "unsent", number(t->unsent));
}

json_t *otp_report_make(const struct otp_report *r, int64_t now_ms)
{
	char remote[PLACE_TEXT_MAX];
	json_t *heard = r->tunnel.heard_ms == 0 ? json_null() : json_integer((now_ms - r->tunnel.heard_ms) / 1000);
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:s}", "tunnel", r->conf->name, "peer", r->conf->peer, "device",
			 r->device, "remote", place_text(&r->tunnel.remote, remote), "state", state_of(r, now_ms), "heard_s", heard,
			 "restarts_of_the_other_end", number(r->stock.restarts), "pads", pads(r), "pad_bytes_a_second", rates(&r->rates),
			 "lasts_s", lasts(r), "traffic", traffic(&r->tunnel),
			 "why", r->supply.why);
}
