/* SPDX-License-Identifier: Apache-2.0 */
/* test/sim/hub.c - a hub (doc/protocol.md, 8.2 to 8.4), and what corrupt ones do instead. */
#include <string.h>

#include "core/gf256.h"
#include "core/shamir.h"
#include "core/xorshare.h"
#include "test/sim/sim.h"

bool sim_is_corrupt(const struct sim_hub *h)
{
	return h->conduct > HUB_CRASHES;
}

/* ---- what corrupt hubs say --------------------------------------------------------------------------------- */

/* With k of them a key under the initiator's terms: c = 0 makes h' = d.  With k_B < k the same with k_B in place of k. */
static void forge(struct sim *s, const struct terms *told)
{
	uint8_t x[SIM_HUBS], known_x[SIM_HUBS] = {0}, values[SIM_HUBS][SIM_SHARE_MAX];
	const uint8_t *known[SIM_HUBS];
	uint8_t *wanted[SIM_HUBS];
	size_t count = 0;

	for (uint8_t i = 0; i < s->terms.n; i++)
		if (s->hub[i].conduct == HUB_FORGES) {
			wanted[count] = s->forged[i];
			x[count++] = (uint8_t)(i + 1);
		}
	if (count < s->k_b || s->forged_terms)
		return;
	s->forged_terms = sim_keep(s, told, sizeof *told);
	if (count < told->k)
		s->forged_terms->k = s->k_b;
	for (size_t i = 0; i < s->forged_terms->k; i++) {
		seeded_fill(&s->seed, values[i], sizeof values[i]);
		known[i] = values[i];
		known_x[i] = i == 0 ? 0 : x[i - 1];
	}
	memset(values[0], 0, GF128_LEN);
	memcpy(values[0] + GF128_LEN, told->key_tag.b, TAG_LEN);
	if (!rc_ok(shamir_interpolate(known_x, known, s->forged_terms->k, x, wanted, count, terms_share_len(told))))
		sim_break(s, "corrupt hubs cannot compute");
}

/* Offsets on a polynomial of degree below k. */
static void shift(const struct sim *s, uint8_t x, uint8_t *share, size_t len)
{
	uint8_t factor = 1;

	for (uint8_t j = 1; j < s->terms.k; j++)
		factor = gf256_mul(factor, x ^ (uint8_t)(100 + j));
	for (size_t b = 0; b < len; b++)
		share[b] ^= gf256_mul(factor, s->shift[b]);
}

static void pervert(struct sim *s, uint8_t i, struct terms *t, uint8_t *share)
{
	size_t len = terms_share_len(t);

	switch (s->hub[i].conduct) {
	case HUB_FORGES:
		forge(s, t);
		if (!s->forged_terms)
			seeded_fill(&s->seed, share, len);
		else {
			*t = *s->forged_terms;
			memcpy(share, s->forged[i], len);
		}
		return;
	case HUB_SHIFTS:
		shift(s, (uint8_t)(i + 1), share, len);
		return;
	case HUB_RETELLS:
		if (sim_chance(s, 50) && t->k > 1)
			t->k--;
		else
			t->key_tag.b[seeded_below(&s->seed, TAG_LEN)] ^= 1;
		return;
	default:
		seeded_fill(&s->seed, share, len);
	}
}

/* ---- out: INSTRUCTION ------------------------------------------------------------------------------------------ */

static void instruct(struct sim *s, uint8_t i, const struct terms *t, const uint8_t *share)
{
	struct sim_hub *h = &s->hub[i];
	uint8_t cipher[SIM_SHARE_MAX], body_bytes[SIM_FRAME_MAX], frame_bytes[SIM_FRAME_MAX];
	struct msg_instruction m = {.terms = *t, .share = cipher, .share_len = terms_share_len(t)};
	size_t len = PAD_KEYS_LEN + m.share_len;
	struct buf body, frame;

	if (h->down.cursor + len > SIM_REGION)
		return; /* what is left after crashes and lies */
	uint64_t at = sim_allocate(s, &h->down, len);
	xor_bytes(cipher, share, h->down.bytes + at + PAD_KEYS_LEN, m.share_len);
	buf_fixed(&body, body_bytes, sizeof body_bytes);
	buf_fixed(&frame, frame_bytes, sizeof frame_bytes);
	if (!rc_ok(msg_instruction_write(&body, &m)) ||
	    !rc_ok(frame_write(&frame, &(struct envelope){.type = MESSAGE_INSTRUCTION, .sender = s->terms.hub[i],
			       .table = s->terms.hub[i], .offset = at, .length = (uint32_t)len, .body = body.data,
			       .body_len = body.len}, message_key(MESSAGE_INSTRUCTION, h->down.bytes + at))))
		sim_break(s, "an INSTRUCTION cannot be written");
	h->sealed = sim_keep(s, frame.data, frame.len);
	h->sealed_len = frame.len;
}

static void seal(struct sim *s, uint8_t i)
{
	struct sim_hub *h = &s->hub[i];
	struct terms t = *h->terms;
	uint8_t share[SIM_SHARE_MAX];

	memcpy(share, h->share, terms_share_len(&t));
	if (h->conduct == HUB_EQUIVOCATES) {
		instruct(s, i, &t, share);
		if (h->sealed)
			sim_send(s, TO_RECEIVER, i, h->sealed, h->sealed_len);
	}
	if (sim_is_corrupt(h))
		pervert(s, i, &t, share);
	instruct(s, i, &t, share);
}

static bool is_away(const struct sim *s, const struct sim_hub *h)
{
	return s->now >= h->away_from && s->now < h->away_until;
}

/* Sealed once a life; the same bytes until the receipt. */
static void push(struct sim *s, uint8_t i)
{
	struct sim_hub *h = &s->hub[i];

	if (h->receipted || h->conduct == HUB_SILENT)
		return;
	if (is_away(s, h))
		h->sealed = NULL;
	else {
		if (!h->sealed)
			seal(s, i);
		if (h->sealed)
			sim_send(s, TO_RECEIVER, i, h->sealed, h->sealed_len);
	}
	sim_timer(s, TIMER_HUB, i, s->now + SIM_RESEND);
}

/* ---- in: SHARE and RECEIPT ----------------------------------------------------------------------------------- */

static void answer(struct sim *s, uint8_t i, const struct envelope *e, unsigned status)
{
	struct sim_hub *h = &s->hub[i];
	uint8_t body_bytes[16], frame_bytes[256];
	struct buf body, frame;

	buf_fixed(&body, body_bytes, sizeof body_bytes);
	buf_fixed(&frame, frame_bytes, sizeof frame_bytes);
	if (!rc_ok(msg_reply_write(&body, &(struct msg_reply){status})) ||
	    !rc_ok(frame_write(&frame, &(struct envelope){.type = MESSAGE_REPLY, .sender = s->terms.hub[i],
			       .table = s->terms.hub[i], .offset = e->offset, .length = e->length, .body = body.data,
			       .body_len = body.len}, message_key(MESSAGE_REPLY, h->up.bytes + e->offset))))
		sim_break(s, "a REPLY cannot be written");
	h->answer = sim_keep(s, frame.data, frame.len);
	h->answer_len = frame.len;
	frame_digest(e, h->digest);
	sim_send(s, TO_INITIATOR, i, h->answer, h->answer_len);
}

static unsigned check(const struct sim *s, uint8_t i, const struct envelope *e, const struct msg_share *m)
{
	if (e->length != MSG_SHARE_RANGE_LEN(&m->terms))
		return STATUS_LENGTH;
	if (!id_equal(&m->terms.initiator, &s->terms.initiator))
		return STATUS_INITIATOR;
	if (!rc_ok(terms_check(&m->terms)))
		return STATUS_TERMS;
	if (terms_hub_index(&m->terms, &s->terms.hub[i]) != i)
		return STATUS_NOT_LISTED;
	return s->hub[i].accepted ? STATUS_KEY_EXISTS : STATUS_ACCEPTED;
}

static void take_share(struct sim *s, uint8_t i, const struct envelope *e)
{
	struct sim_hub *h = &s->hub[i];
	struct msg_share m;

	if (!rc_ok(msg_share_read(&m, e->body, e->body_len))) {
		answer(s, i, e, STATUS_MALFORMED);
		return;
	}
	unsigned status = check(s, i, e, &m);
	if (status == STATUS_ACCEPTED) {
		const uint8_t *pad = h->up.bytes + e->offset + PAD_KEYS_LEN;
		size_t len = terms_share_len(&m.terms);

		if (m.mode == SHARE_MODE_PAD)
			memcpy(h->share, pad, len);
		else
			xor_bytes(h->share, m.share, pad, len);
		h->terms = sim_keep(s, &m.terms, sizeof m.terms);
		h->accepted = true;
	}
	answer(s, i, e, status);
	if (status == STATUS_ACCEPTED)
		push(s, i);
}

/* The same bytes again get the same answer. */
static void answer_again(struct sim *s, const struct sim_event *e)
{
	struct sim_hub *h = &s->hub[e->hub];
	uint8_t digest[FRAME_DIGEST_LEN];
	struct envelope v;

	if (!h->answer || !rc_ok(frame_read(&v, e->item, e->len)))
		return;
	frame_digest(&v, digest);
	if (memcmp(digest, h->digest, sizeof digest) == 0)
		sim_send(s, TO_INITIATOR, e->hub, h->answer, h->answer_len);
}

static void receipt_take(struct sim *s, const struct sim_event *e)
{
	struct sim_hub *h = &s->hub[e->hub];
	struct envelope v;

	if (rc_ok(frame_read(&v, e->item, e->len)) && v.type == MESSAGE_RECEIPT && v.offset < h->down.cursor &&
	    frame_verify(&v, message_key(MESSAGE_RECEIPT, h->down.bytes + v.offset)))
		h->receipted = true;
}

void sim_hub_event(struct sim *s, const struct sim_event *e)
{
	struct envelope v;

	if (e->to == TIMER_HUB)
		push(s, e->hub);
	else if (is_away(s, &s->hub[e->hub]))
		return;
	else if (e->to == TO_HUB_DOWN)
		receipt_take(s, e);
	else if (sim_receive(&s->hub[e->hub].up, MESSAGE_SHARE, e->item, e->len, &v))
		take_share(s, e->hub, &v);
	else
		answer_again(s, e);
}
