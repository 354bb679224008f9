/* SPDX-License-Identifier: Apache-2.0 */
/* client/adapted-receiver.c - Bob in the adapted protocol (DSKE 3), behind the first pass. */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "client/adapted.h"
#include "client/direct.h"
#include "client/taken.h"

#define FLUSH_MS 200

struct second {
	struct terms terms; /* of the second pass; m is known when shares are tagged */
	struct id first;    /* key ID of the first pass */
	uint32_t wanted_len; /* m, where the caller asked for one; or 0 */
	struct adapted state;
	struct secret material; /* owned, until shares are tagged */
	uint8_t least;
	struct direct *link; /* or NULL */
	struct secret share[TERMS_HUBS_MAX]; /* owned; by position in the list of hubs */
	struct request wait[TERMS_HUBS_MAX]; /* by link */
	int64_t began_ms, enough_ms; /* when it began, and when there were shares enough; or 0 */
	struct buf tags;     /* as sealed */
	unsigned said_on;    /* the connection on which they were said */
	bool has_key;
	struct adapted_list list;
	char why[300];       /* why it did not give the key */
};

static void give_up(struct second *s, const char *why, enum direct_bye reason)
{
	snprintf(s->why, sizeof s->why, "%s", why);
	direct_close(s->link, reason);
	s->link = NULL;
}

/* ---- shares ------------------------------------------------------------------------------------------------ */

static dske_rc send_wait(struct second *s, struct reception *v, struct link *l)
{
	uint8_t room[128];
	struct buf body;
	int64_t left_s = (v->a->x.deadline_ms - clock_ms() + 999) / 1000;
	struct request *r = &s->wait[l->at];
	struct msg_wait m = {.initiator = s->terms.initiator, .selector = WAIT_KEY_ID, .value = s->terms.key_id.b,
			     .value_len = ID_LEN, .patience = left_s < 1 ? 1 : (uint32_t)left_s};
	buf_fixed(&body, room, sizeof room);
	TRY(request_reserve(r, l, MESSAGE_WAIT, MSG_WAIT_RANGE_LEN));
	TRY(msg_wait_write(&body, &m));
	TRY(request_seal(r, l, &body));
	return request_send(r, l);
}

void second_ask(struct second *s, struct reception *v, struct link *l)
{
	if (s == NULL || s->link == NULL)
		return;
	struct request *r = &s->wait[l->at];
	bool stands = r->type != 0 && !l->lease_lost && r->connection == l->connection;
	if (stands && !l->is_asked_again)
		return;
	dske_rc rc = stands ? request_send(r, l) : send_wait(s, v, l);
	if (!rc_ok(rc))
		link_fail(l, rc);
}

bool second_awaits(const struct second *s, const struct link *l, uint64_t offset)
{
	return s != NULL && request_is_at(&s->wait[l->at], offset);
}

bool second_is_answered(struct second *s, const struct link *l, const struct envelope *e)
{
	return s != NULL && request_answered_by(&s->wait[l->at], e, MESSAGE_REPLY);
}

/* DSKE 3: Bob rejects shares "that do not come from the Security Hubs of the first pass".  All but m follows from that. */
bool second_is_meant(const struct second *s, const struct terms *t)
{
	if (s == NULL)
		return false;
	struct terms same = s->terms;
	same.key_len = t->key_len;
	return terms_equal(&same, t);
}

bool second_is_fallback(const struct second *s, const struct id *key_id)
{
	struct id fallback;
	if (s == NULL)
		return false;
	adapted_fallback_id(&fallback, &s->first);
	return id_equal(&fallback, key_id);
}

dske_rc second_take(struct second *s, struct reception *v, const struct link *l, const struct msg_instruction *m, struct pad *pad)
{
	int at = terms_hub_index(&s->terms, &l->hub->hub);
	if (at < 0)
		return FAIL(DENIED, "it is none of the first pass's hubs");
	if (s->share[at].data != NULL || s->tags.len > 0 || v->is_over)
		return FAIL(EXISTS, "its share came before, or too late");
	if (s->wanted_len != 0 && m->terms.key_len != s->wanted_len)
		return FAIL(DENIED, "its share is of a key of another length than is asked for");
	dske_rc rc = agree_admits(v->a, m->terms.key_len); /* accounts that cannot be read are told of at the end */
	if (rc_is(rc, DSKE_RC_DENIED))
		return rc;
	AUTO(secret) share = {0};
	TRY(secret_alloc(&share, m->share_len));
	TRY(pad_xor(pad, share.data, m->share, m->share_len));
	secret_move(&s->share[at], &share);
	return DSKE_OK;
}

/* m is the one thing that a hub could say otherwise than the rest: what most of them say counts. */
static size_t usual_len(const struct second *s, size_t *count)
{
	size_t len = 0;
	*count = 0;
	for (size_t i = 0; i < s->terms.n; i++) {
		size_t alike = 0;
		for (size_t j = 0; j < s->terms.n; j++)
			alike += s->share[j].len == s->share[i].len;
		if (s->share[i].data != NULL && alike > *count) {
			*count = alike;
			len = s->share[i].len;
		}
	}
	return len;
}

static void gather_shares(const struct second *s, const uint8_t *shares[TERMS_HUBS_MAX])
{
	for (size_t i = 0; i < s->terms.n; i++)
		shares[i] = s->share[i].len == terms_share_len(&s->terms) ? s->share[i].data : NULL;
}

/* ---- TAGS ---------------------------------------------------------------------------------------------------- */

/* Can nothing more come, or is it late? */
static bool is_time_to_tag(struct second *s, const struct reception *v)
{
	size_t count = 0, out = 0;
	int64_t now = clock_ms();
	(void)usual_len(s, &count);
	if (count < s->least)
		return false;
	if (s->enough_ms == 0)
		s->enough_ms = now;
	for (size_t h = 0; h < v->a->n; h++) {
		int at = terms_hub_index(&s->terms, &v->a->x.set->link[h].hub->hub);
		out += at >= 0 && s->share[at].data == NULL && link_is_alive(&v->a->x.set->link[h]);
	}
	return out == 0 || now >= s->enough_ms + grace_ms((double)(s->enough_ms - s->began_ms));
}

/* The keys of the first pass serve one set of tags, in whichever call of this client: two would give them away. */
static dske_rc vow_to_tag(const struct second *s, const struct reception *v)
{
	dske_rc rc = vow_enter(&v->a->x.client->config, &s->terms.initiator, &s->first);
	return rc_is(rc, DSKE_RC_DENIED) ? FAIL(DENIED, "shares of this key were tagged before, by another call") : rc;
}

static dske_rc write_tags(struct second *s, const struct reception *v)
{
	const uint8_t *shares[TERMS_HUBS_MAX];
	struct adapted_marks marks;
	size_t count = 0;
	AUTO(buf) body = {0};
	s->terms.key_len = (uint32_t)(usual_len(s, &count) - KEY_TAG_KEY_LEN);
	TRY(vow_to_tag(s, v));
	TRY(adapted_begin(&s->state, &s->terms, s->least, &s->material));
	gather_shares(s, shares);
	TRY(adapted_tag(&s->state, shares, &marks));
	buf_heap(&body, DIRECT_ITEM_MAX);
	buf_heap(&s->tags, FRAME_HEAD_LEN + DIRECT_ITEM_MAX);
	TRY(direct_tags_write(&body, &marks));
	struct direct_item item = {.type = DIRECT_TAGS, .sender = s->terms.receiver[0], .key_id = s->first, .body = body.data,
				   .body_len = body.len};
	return direct_write(&s->tags, &item, adapted_bobs_key(&s->state));
}

/* On each connection once, the same bytes. */
static void say_tags(struct second *s, const struct reception *v)
{
	if (s->tags.len == 0 && is_time_to_tag(s, v)) {
		dske_rc rc = write_tags(s, v);
		if (!rc_ok(rc)) {
			give_up(s, rc_detail(rc), BYE_FAILED);
			return;
		}
	}
	if (s->tags.len == 0 || !direct_is_up(s->link) || s->said_on == direct_connection(s->link))
		return;
	s->said_on = direct_connection(s->link);
	direct_send(s->link, s->tags.data, s->tags.len);
}

/* ---- LIST, DONE -------------------------------------------------------------------------------------------------- */

static void say_done(struct second *s)
{
	uint8_t room[32], frame_room[128];
	struct buf body, frame;
	struct tag proof;
	buf_fixed(&body, room, sizeof room);
	buf_fixed(&frame, frame_room, sizeof frame_room);
	adapted_proof(&s->state, &proof);
	struct direct_item item = {.type = DIRECT_DONE, .sender = s->terms.receiver[0], .key_id = s->first};
	if (rc_ok(direct_done_write(&body, &proof))) {
		item.body = body.data;
		item.body_len = body.len;
		if (rc_ok(direct_write(&frame, &item, NULL)))
			direct_send(s->link, frame.data, frame.len);
	}
	buf_drop(&body);
	buf_drop(&frame);
	mem_wipe(&proof, sizeof proof);
}

static dske_rc conclude(struct second *s, struct reception *v, const struct direct_item *item)
{
	const uint8_t *shares[TERMS_HUBS_MAX];
	TRY(direct_list_read(&s->list, item->body, item->body_len));
	gather_shares(s, shares);
	TRY(adapted_conclude(&s->state, shares, &s->list));
	return adapted_key(&s->state, &v->a->r->key);
}

static void on_list(struct second *s, struct reception *v, const struct direct_item *item)
{
	if (s->state.state != ADAPTED_TAGGED || !direct_verify(item, adapted_alices_key(&s->state))) {
		direct_fail(s->link, FAIL(TAG, "on the direct link came a LIST that is not the peer's"));
		return;
	}
	dske_rc rc = conclude(s, v, item);
	if (!rc_ok(rc)) {
		give_up(s, rc_detail(rc), rc_is(rc, DSKE_RC_TOO_FEW) ? BYE_TOO_FEW : BYE_FAILED);
		return;
	}
	s->has_key = true;
	v->terms = &s->terms;
	reception_over(v, DSKE_OK);
}

static void take_item(struct second *s, struct reception *v, const struct direct_item *item)
{
	unsigned reason = 0;
	if (item->type == DIRECT_LIST) {
		on_list(s, v, item);
	} else if (item->type == DIRECT_BYE) {
		(void)direct_bye_read(&reason, item->body, item->body_len);
		give_up(s, direct_bye_text(reason), 0);
	} else {
		direct_fail(s->link, FAIL(FORMAT, "on the direct link came a %s", direct_name(item->type)));
	}
}

void second_turn(struct second *s, struct reception *v)
{
	struct direct_item item;
	if (s == NULL || s->link == NULL || v->is_over)
		return;
	direct_turn(s->link, 0);
	say_tags(s, v);
	while (s->link != NULL && !s->has_key && direct_next(s->link, &item))
		take_item(s, v, &item);
	if (s->link != NULL && direct_is_dead(s->link))
		give_up(s, direct_why(s->link), BYE_FAILED);
}

/* ---- the end ------------------------------------------------------------------------------------------------------ */

bool second_judge(const struct second *s, struct reception *v)
{
	if (s == NULL || !s->has_key)
		return false;
	for (size_t h = 0; h < v->a->n; h++) {
		struct link *l = &v->a->x.set->link[h];
		int at = terms_hub_index(&s->terms, &l->hub->hub);
		bool came = at >= 0 && s->share[at].data != NULL;
		bool listed = came && memchr(s->list.x, at + 1, s->list.count) != NULL;
		v->a->x.outcome[h].verdict = listed ? SHARE_CONSISTENT : came ? SHARE_CORRUPT : SHARE_ABSENT;
		if (listed)
			exchange_settle(&v->a->x, l, DSKE_OK);
		else if (came)
			exchange_settle(&v->a->x, l, FAIL(TAG, "its share is not the one that was sent"));
	}
	return true;
}

/* Only when the key is kept: before, who is killed finds it nowhere else. */
static void tell_peer(struct second *s)
{
	int64_t until = clock_ms() + FLUSH_MS;
	say_done(s);
	do
		direct_turn(s->link, 0);
	while (!direct_is_flushed(s->link) && clock_ms() < until);
}

static dske_rc second_begin(struct second *s, const struct agreement *a, const struct terms *first, struct secret *material)
{
	s->terms = *first;
	s->terms.scheme = SCHEME_ADAPTED;
	s->terms.key_tag = (struct tag){{0}};
	s->first = first->key_id;
	adapted_second_id(&s->terms.key_id, &s->first);
	s->least = a->k_b > first->k ? a->k_b : first->k;
	s->wanted_len = a->key_len;
	s->began_ms = clock_ms();
	secret_move(&s->material, material);
	if (a->connect[0] == '\0' && a->listen[0] == '\0') {
		snprintf(s->why, sizeof s->why, "no direct link with %s is configured here", a->peer.name);
		return DSKE_OK;
	}
	struct direct_names names = {.self = first->receiver[0], .peer = first->initiator, .key_id = s->first};
	return direct_open(&s->link, a->x.client, a->connect, a->listen, &names);
}

static void second_end(struct second *s, size_t links)
{
	direct_close(s->link, BYE_TIME);
	for (size_t i = 0; i < TERMS_HUBS_MAX; i++)
		secret_drop(&s->share[i]);
	for (size_t h = 0; h < links; h++)
		request_drop(&s->wait[h]);
	secret_drop(&s->material);
	adapted_drop(&s->state);
	buf_drop(&s->tags);
	free(s);
}

/* The wait for the fallback, with the second pass beside it.  Who asked by context goes on waiting by that: the first pass may
 * be of an attempt that was given up, whose fallback never comes, and that of the next one shall. */
static dske_rc receive(struct second *s, struct agreement *a)
{
	struct agree_request q = *a->q;
	struct agreement b = *a;
	if (q.has_key_id)
		adapted_fallback_id(&q.key_id, &s->first);
	b.q = &q;
	b.second = s;
	exchange_again(&a->x);
	dske_rc rc = agree_receive(&b);
	if (rc_ok(rc) && s->has_key)
		tell_peer(s);
	if (rc_ok(rc) && !s->has_key)
		snprintf(a->r->fallback, sizeof a->r->fallback, "%s",
			 s->link != NULL ? "the key came by the hubs before it came by the direct link" : s->why);
	if (!rc_is(rc, DSKE_RC_TIMEOUT))
		return rc;
	return FAIL(TIMEOUT, "no key by the direct link with %s (%s), and no fallback came in time", a->peer.name,
		    s->link != NULL ? direct_why(s->link) : s->why);
}

dske_rc adapted_receive(struct agreement *a, const struct terms *first, struct secret *material)
{
	struct second *s = calloc(1, sizeof *s);
	if (s == NULL)
		return rc_make(DSKE_RC_NOMEM);
	dske_rc rc = second_begin(s, a, first, material);
	if (rc_ok(rc))
		rc = receive(s, a);
	char why[512];
	snprintf(why, sizeof why, "%s", rc_detail(rc));
	second_end(s, a->n);
	return rc_ok(rc) ? rc : rc_fail(rc.code, "%s", why);
}
