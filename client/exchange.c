/* SPDX-License-Identifier: Apache-2.0 */
/* client/exchange.c - one exchange with all hubs: who took part, who did not and why, and what to do. */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client/agreement.h"
#include "client/convoy.h"

#define GRACE_LEAST_MS 20
#define GRACE_MOST_MS 500
#define GRACE_REPORT_MS 100

double clock_fine_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static bool is_among(const struct id *list, size_t count, const struct id *id)
{
	for (size_t i = 0; i < count; i++) {
		if (id_equal(&list[i], id))
			return true;
	}
	return false;
}

/* Takes them out of the list, into x; with them, where keys are agreed on, those that the user does not accept. */
static dske_rc leave_out(struct exchange *x, struct hub_table **hubs, size_t *count, const struct id *left_out, size_t left_out_count)
{
	size_t kept = 0;
	x->left_out = calloc(*count + 1, sizeof(struct hub_table *));
	if (x->left_out == NULL)
		return rc_make(DSKE_RC_NOMEM);
	for (size_t i = 0; i < *count; i++) {
		bool refused = left_out != NULL && config_hub_refused(&x->client->config, hubs[i]->name);
		if (refused || is_among(left_out, left_out_count, &hubs[i]->hub))
			x->left_out[x->left_out_count++] = hubs[i];
		else
			hubs[kept++] = hubs[i];
	}
	*count = kept;
	return DSKE_OK;
}

static dske_rc take_links(struct exchange *x, struct hub_table *const *hubs, size_t count, bool shared, const struct id *key_id)
{
	if (shared)
		TRY(convoy_join(&x->set, x->client, hubs, count, key_id));
	return x->set != NULL ? DSKE_OK : pool_take(x->client, hubs, count, &x->set);
}

dske_rc exchange_begin(struct exchange *x, struct client *c, int64_t timeout_ms, const atomic_bool *cancelled,
		       const struct id *left_out, size_t left_out_count)
{
	*x = (struct exchange){0};
	TRY(client_refresh(c));
	return exchange_begin_shared(x, c, timeout_ms, cancelled, left_out, left_out_count, false, NULL);
}

dske_rc exchange_begin_shared(struct exchange *x, struct client *c, int64_t timeout_ms, const atomic_bool *cancelled,
			      const struct id *left_out, size_t left_out_count, bool shared, const struct id *key_id)
{
	struct hub_table **hubs = NULL;
	size_t count = 0;
	*x = (struct exchange){.client = c, .cancelled = cancelled};
	x->deadline_ms = clock_ms() + (timeout_ms > 0 ? timeout_ms : c->config.timeout_ms);
	TRY(pool_tables(c, &hubs, &count));
	dske_rc rc = leave_out(x, hubs, &count, left_out, left_out_count);
	if (rc_ok(rc) && count == 0)
		rc = x->left_out_count > 0
			     ? FAIL(TOO_FEW, "the only usable tables are of hubs that are left out: by accept = no, or since they contradict the others about this peer")
			     : FAIL(TOO_FEW, "there is no usable table of any hub: import a PSKM (dske pskm import) and activate it");
	if (rc_ok(rc))
		rc = take_links(x, hubs, count, shared, key_id);
	free(hubs);
	TRY(rc);
	x->outcome = calloc(count, sizeof *x->outcome);
	if (x->outcome == NULL)
		return rc_make(DSKE_RC_NOMEM);
	for (size_t i = 0; i < count; i++)
		x->outcome[i].rtt_ms = -1;
	return DSKE_OK;
}

dske_rc exchange_unshare(struct exchange *x)
{
	struct hub_table *hubs[TERMS_HUBS_MAX];
	size_t count = x->set->count;
	for (size_t i = 0; i < count; i++)
		hubs[i] = x->set->link[i].hub;
	pool_put(x->client, x->set);
	x->set = NULL;
	TRY(pool_take(x->client, hubs, count, &x->set));
	exchange_again(x);
	return DSKE_OK;
}

void exchange_again(struct exchange *x)
{
	for (size_t i = 0; i < x->set->count; i++)
		x->outcome[i] = (struct outcome){.rtt_ms = -1};
}

size_t exchange_hubs(const struct exchange *x)
{
	return x->set->count;
}

void exchange_sent(struct exchange *x, const struct link *l)
{
	x->outcome[l->at].sent_ms = clock_fine_ms();
}

void exchange_settle(struct exchange *x, const struct link *l, dske_rc rc)
{
	struct outcome *o = &x->outcome[l->at];
	if (o->settled)
		return;
	o->settled = true;
	o->code = rc.code;
	if (rc_ok(rc) && o->sent_ms > 0)
		o->rtt_ms = clock_fine_ms() - o->sent_ms;
	if (!rc_ok(rc))
		snprintf(o->why, sizeof o->why, "%s", rc_detail(rc));
}

void exchange_unsettle(struct exchange *x, const struct link *l)
{
	x->outcome[l->at].settled = false;
}

size_t exchange_good(const struct exchange *x)
{
	size_t good = 0;
	for (size_t i = 0; i < x->set->count; i++)
		good += x->outcome[i].settled && x->outcome[i].code == DSKE_RC_OK;
	return good;
}

size_t exchange_bad(const struct exchange *x)
{
	size_t bad = 0;
	for (size_t i = 0; i < x->set->count; i++)
		bad += x->outcome[i].settled && x->outcome[i].code != DSKE_RC_OK;
	return bad;
}

bool exchange_is_settled(const struct exchange *x)
{
	return exchange_good(x) + exchange_bad(x) == x->set->count;
}

int64_t grace_ms(double took_ms)
{
	int64_t grace = (int64_t)(2 * took_ms);
	if (grace < GRACE_LEAST_MS)
		return GRACE_LEAST_MS;
	return grace > GRACE_MOST_MS ? GRACE_MOST_MS : grace;
}

int64_t exchange_grace(const struct exchange *x, double took_ms)
{
	int64_t until = clock_ms() + grace_ms(took_ms);
	return until < x->deadline_ms ? until : x->deadline_ms;
}

/* ---- in words ------------------------------------------------------------------------------------------ */

/* What was under way when the exchange ended without a word from this hub. */
static const char *unfinished(const struct link *l)
{
	static const char *const texts[] = {
		[LINK_IDLE] = "not asked",
		[LINK_CONNECTING] = "no answer to the connection",
		[LINK_LEASING] = "connected, but no answer to the lease",
		[LINK_READY] = "connected, but no answer",
		[LINK_FAILED] = "failed",
	};
	return texts[l->state];
}

/* One that was still at work when the others had failed was not at fault. */
static dske_rc unsettled(const struct exchange *x, const struct link *l)
{
	if (clock_ms() < x->deadline_ms)
		return l->state == LINK_READY ? DSKE_OK : FAIL(TIMEOUT, "not waited for");
	if (l->objections > 0)
		return link_objection(l);
	return FAIL(TIMEOUT, "%s", unfinished(l));
}

static void describe_hub(const struct exchange *x, struct hub_report *out, const struct link *l, const struct outcome *o,
			 bool left)
{
	struct table_status s;
	out->hub = l->hub->hub;
	snprintf(out->name, sizeof out->name, "%s", l->hub->name);
	snprintf(out->address, sizeof out->address, "%s", l->hub->address);
	out->rc = o->settled ? rc_fail(o->code, "%s", o->why) : unsettled(x, l);
	if (!rc_ok(out->rc))
		snprintf(out->detail, sizeof out->detail, "%s", rc_detail(out->rc));
	out->rtt_ms = o->rtt_ms;
	out->verdict = o->verdict;
	out->low = l->hub->hub_is_low;
	out->lasts_s = SUPPLY_UNKNOWN;
	if (left && rc_ok(table_status(l->hub->table, &s))) {
		out->up_left = s.up_left;
		out->down_left = s.down_left;
		out->lasts_s = s.supply.lasts_s;
	}
}

/* Hubs whose table cannot be used took no part, and the operator wants to know why. */
static void describe_unusable(struct hub_report *out, const struct client_hub *h)
{
	out->hub = h->hub;
	snprintf(out->name, sizeof out->name, "%s", h->name);
	snprintf(out->address, sizeof out->address, "%s", h->address);
	out->rc = h->rc;
	snprintf(out->detail, sizeof out->detail, "%s", h->detail);
	out->rtt_ms = -1;
	out->lasts_s = SUPPLY_UNKNOWN;
}

/* DSKE 2.2: a hub "that conflicts with a consensus is excluded from the protocol". */
static void describe_left_out(const struct exchange *x, struct hub_report *out, const struct hub_table *h)
{
	out->hub = h->hub;
	snprintf(out->name, sizeof out->name, "%s", h->name);
	snprintf(out->address, sizeof out->address, "%s", h->address);
	out->rc = config_hub_refused(&x->client->config, h->name)
			  ? FAIL(DENIED, "left out: [hub %s] has accept = no", h->name)
			  : FAIL(DENIED, "left out: it contradicts the other hubs about who the peer is; dske peer verify asks them again");
	snprintf(out->detail, sizeof out->detail, "%s", rc_detail(out->rc));
	out->rtt_ms = -1;
	out->lasts_s = SUPPLY_UNKNOWN;
}

static bool is_let_go(const struct client_hub *h)
{
	return rc_is(h->rc, DSKE_RC_RETIRED) && h->status.retired.let_go;
}

static bool takes_part(const struct exchange *x, const struct id *hub)
{
	for (size_t i = 0; x->set != NULL && i < x->set->count; i++) {
		if (id_equal(&x->set->link[i].hub->hub, hub))
			return true;
	}
	for (size_t i = 0; i < x->left_out_count; i++) {
		if (id_equal(&x->left_out[i]->hub, hub))
			return true;
	}
	return false;
}

void exchange_report(const struct exchange *x, struct report *report, bool agreed)
{
	struct client_hub *hubs = NULL;
	size_t count = 0, linked = x->set != NULL && x->outcome != NULL ? x->set->count : 0;
	bool brief = agreed && !x->wants_left; /* ledgers are read for this */
	if (x->client == NULL || (brief && pool_all_usable(x->client)) || !rc_ok(client_hubs(x->client, &hubs, &count)))
		count = 0;
	report_drop(report);
	report->hub = calloc(linked + x->left_out_count + count + 1, sizeof *report->hub);
	for (size_t i = 0; report->hub != NULL && i < linked; i++)
		describe_hub(x, &report->hub[report->count++], &x->set->link[i], &x->outcome[i], !brief);
	for (size_t i = 0; report->hub != NULL && i < x->left_out_count; i++)
		describe_left_out(x, &report->hub[report->count++], x->left_out[i]);
	for (size_t i = 0; report->hub != NULL && i < count && report->count < REPORT_HUBS_MAX; i++) {
		if (!rc_ok(hubs[i].rc) && !is_let_go(&hubs[i]) && !takes_part(x, &hubs[i].hub))
			describe_unusable(&report->hub[report->count++], &hubs[i]);
	}
	free(hubs);
}

/* One row an error: what an operator does about it. */
static const struct {
	int code;
	const char *advice;
} advice_rows[] = {
	{DSKE_RC_TOO_FEW, "start the hubs that did not answer or mend the way to them; or lower k in [agreement] of both ends"},
	{DSKE_RC_TIMEOUT, "is the other end calling, with the same key ID or context, and does each end name all the others? raise the timeout "
			   "if it is only slow"},
	{DSKE_RC_EXHAUSTED, "get new PSKMs from the hubs named above and import them"},
	{DSKE_RC_REFUSED, "ask the hubs' operators whether policy joins the two clients"},
	{DSKE_RC_NO_CANDIDATE, "too many hubs sent wrong shares: compare the verdicts, and try again with another key ID"},
	{DSKE_RC_CONFLICT, "hubs or the initiator are dishonest: use no key, find out which"},
};

#define OTHER_GROUP \
	"a key of this context has come for other clients than were named here: at each end name all the others, and no one else"

#define UNCONFIRMED \
	"a key of this context has come that its initiator does not confirm: let it say --confirm too, or confirm = in its configuration"

#define OUTGROWN \
	"a hub says that it has a longer key in this context than this call can take: ask for the same length at each end"

static bool is_outgrown(const struct exchange *x)
{
	for (size_t i = 0; i < x->set->count; i++) {
		if (x->set->link[i].is_outgrown)
			return true;
	}
	return false;
}

static void write_advice(const struct exchange *x, struct report *report, dske_rc rc)
{
	const char *why = x->other_group ? OTHER_GROUP : x->unconfirmed ? UNCONFIRMED : is_outgrown(x) ? OUTGROWN : NULL;
	if (rc_is(rc, DSKE_RC_TIMEOUT) && why != NULL) {
		snprintf(report->advice, sizeof report->advice, "%s", why);
		return;
	}
	for (size_t i = 0; i < sizeof advice_rows / sizeof advice_rows[0]; i++) {
		if (rc_is(rc, advice_rows[i].code))
			snprintf(report->advice, sizeof report->advice, "%s", advice_rows[i].advice);
	}
}

dske_rc exchange_end(struct exchange *x, dske_rc rc, struct report *report)
{
	char why[1024];
	snprintf(why, sizeof why, "%s", rc_detail(rc));
	exchange_report(x, report, rc_ok(rc));
	if (!rc_ok(rc) && x->set != NULL) /* else no hub was asked, and the sentence says it all */
		write_advice(x, report, rc);
	if (x->client != NULL)
		retire_tell_due(x->client);
	free(x->outcome);
	free(x->left_out);
	x->outcome = NULL;
	x->left_out = NULL;
	x->left_out_count = 0;
	if (x->client != NULL)
		pool_put(x->client, x->set);
	x->set = NULL;
	return rc_ok(rc) ? rc : rc_fail(rc.code, "%s", why);
}

/* Refusals, exhausted tables and keys too long for the caller that alone decide the matter name it better than "too few". */
static int common_code(const struct exchange *x, size_t needed)
{
	static const int telling[] = {DSKE_RC_REFUSED, DSKE_RC_EXHAUSTED, DSKE_RC_TOOBIG};
	for (size_t t = 0; t < sizeof telling / sizeof telling[0]; t++) {
		size_t same = 0;
		for (size_t i = 0; i < x->set->count; i++)
			same += x->outcome[i].settled && x->outcome[i].code == telling[t];
		if (same > 0 && same + needed > x->set->count)
			return telling[t];
	}
	return DSKE_RC_TOO_FEW;
}

/* What this client refused at hubs that alone decide the matter, for one reason. */
static const struct outcome *common_refusal(const struct exchange *x, size_t needed)
{
	for (size_t i = 0; i < x->set->count; i++) {
		const struct outcome *o = &x->outcome[i];
		size_t same = 0;
		for (size_t j = 0; j < x->set->count; j++)
			same += x->outcome[j].settled && x->outcome[j].code == o->code && strcmp(x->outcome[j].why, o->why) == 0;
		if (o->settled && (o->code == DSKE_RC_ARGS || o->code == DSKE_RC_DENIED) && same + needed > x->set->count)
			return o;
	}
	return NULL;
}

static bool none_is_under_way(void *context)
{
	const struct exchange *x = context;
	for (size_t i = 0; i < x->set->count; i++) {
		const struct link *l = &x->set->link[i];
		if (l->state == LINK_CONNECTING || l->state == LINK_LEASING)
			return false;
	}
	return true;
}

dske_rc exchange_too_few(struct exchange *x, size_t needed)
{
	/* It is settled; a short while more shows which of the other hubs are well. */
	(void)links_run_until(x->set, exchange_grace(x, GRACE_REPORT_MS / 2.0), none_is_under_way, x, x->cancelled);
	const struct outcome *refusal = common_refusal(x, needed);
	if (refusal != NULL)
		return rc_fail(refusal->code, "%s", refusal->why);
	return rc_fail(common_code(x, needed), "%zu of %zu hubs are needed, %zu can be used", needed, x->set->count,
		       x->set->count - exchange_bad(x));
}
