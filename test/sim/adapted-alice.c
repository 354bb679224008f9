/* SPDX-License-Identifier: Apache-2.0 */
/* test/sim/adapted-alice.c - the initiator in the adapted scheme, behind the first pass (doc/protocol.md, 9.4). */
#include <string.h>

#include "test/sim/sim.h"

#define FAILURES_MAX 8 /* of the link */

static void hello(struct sim *s)
{
	uint8_t bytes[64];
	struct buf body;

	buf_fixed(&body, bytes, sizeof bytes);
	if (!rc_ok(direct_hello_write(&body, &s->agreement[FIRST].terms.receiver[0])))
		sim_break(s, "a HELLO cannot be written");
	sim_direct_send(s, TO_BOB, DIRECT_HELLO, &body, NULL);
}

void sim_alice_begin(struct sim *s)
{
	s->alice.until = s->now + (s->deadline - s->now) / 2;
	hello(s);
	sim_timer(s, TIMER_ALICE, s->now + SIM_RESEND);
}

/* ---- second pass ----------------------------------------------------------------------------------------- */

static void second_pass(struct sim *s)
{
	struct sim_agreement *a = &s->agreement[SECOND];
	AUTO(secret) material = {0};
	const struct secret *first = &s->agreement[FIRST].deal.key;

	s->alice.second = true;
	if (!rc_ok(secret_from(&material, first->data, first->len)) ||
	    !rc_ok(adapted_begin(&s->alice.state, &a->terms, a->terms.k, &material)))
		sim_break(s, "the second pass cannot begin");
	for (size_t i = 0; i < a->terms.n && !s->broken; i++) {
		uint64_t at = sim_allocate(s, s->hub[i].up, MSG_SHARE_RANGE_LEN(&a->terms));

		a->deal.origin[i] = SHARE_IS_PAD;
		sim_send_share(s, SECOND, i, at);
	}
}

/* ---- fallback -------------------------------------------------------------------------------------------- */

static bool has_chosen(const struct sim *s)
{
	return s->alice.state.state == ADAPTED_CHOSEN;
}

static void fall_back(struct sim *s)
{
	struct sim_alice *alice = &s->alice;
	bool again = has_chosen(s) && sim_fault != FAULT_ANEW;

	alice->has_fallen = true;
	sim_initiate(s, FALLBACK, again ? alice->state.y0.data : NULL);
	if (again && memcmp(&s->agreement[FALLBACK].terms.key_tag, &alice->list.key_tag, TAG_LEN) != 0)
		sim_break(s, "the fallback has another key tag than LIST");
}

static void check_hopes(struct sim *s)
{
	struct sim_alice *alice = &s->alice;

	alice->is_over |= s->now >= alice->until || alice->bad >= FAILURES_MAX;
	if (alice->is_over && !alice->done && !alice->has_fallen)
		fall_back(s);
}

/* ---- what comes ------------------------------------------------------------------------------------------ */

/* What is listed came to Bob as it was sent, unless he cannot be believed. */
static void chosen_check(struct sim *s)
{
	const struct adapted_list *list = &s->alice.list;

	if (list->count < s->agreement[FIRST].terms.k)
		sim_break(s, "a key was chosen of fewer than k shares");
	for (size_t i = 0; i < list->count; i++) {
		size_t hub = list->x[i] - 1u;

		if (s->corrupt < s->k_b && (!s->bob.share[hub] || memcmp(s->bob.share[hub], sim_dealt_share(s, SECOND, hub),
									  terms_share_len(&s->agreement[SECOND].terms)) != 0))
			sim_break(s, "a share was chosen that did not come as it was sent");
	}
	for (size_t i = TAG_LEN; i < TAG_KEY_LEN * (size_t)s->agreement[FIRST].terms.n; i++)
		if (s->alice.state.material.data[i] != 0)
			sim_break(s, "a key of a share's tag outlives its use");
}

static bool choose(struct sim *s, const struct direct_item *d)
{
	const uint8_t *shares[TERMS_HUBS_MAX];
	struct sim_alice *alice = &s->alice;
	struct adapted_marks marks;
	uint8_t bytes[SIM_FRAME_MAX];
	struct buf body;

	for (size_t i = 0; i < s->agreement[SECOND].terms.n; i++)
		shares[i] = sim_dealt_share(s, SECOND, i);
	if (!rc_ok(direct_tags_read(&marks, d->body, d->body_len)) ||
	    !rc_ok(adapted_choose(&alice->state, shares, &marks, &alice->list)))
		return false;
	chosen_check(s);
	buf_fixed(&body, bytes, sizeof bytes);
	if (!rc_ok(direct_list_write(&body, &alice->list)))
		sim_break(s, "a LIST cannot be written");
	alice->answer = sim_direct_seal(s, TO_BOB, DIRECT_LIST, &body, adapted_alices_key(&alice->state));
	return true;
}

static void tags_take(struct sim *s, const struct direct_item *d)
{
	struct sim_alice *alice = &s->alice;

	if (!alice->second || !alice->state.material.data)
		return;
	if (!direct_verify(d, adapted_bobs_key(&alice->state))) {
		alice->bad++;
		return;
	}
	if (!s->bob.vowed || memcmp(&d->tag, &s->bob.said, sizeof d->tag) != 0)
		sim_break(s, "Alice believes TAGS that Bob did not say");
	if (alice->state.state == ADAPTED_OPEN && !alice->has_fallen)
		alice->is_over |= !choose(s, d);
	if (has_chosen(s) && alice->answer.bytes)
		sim_direct_again(s, TO_BOB, alice->answer);
}

bool sim_is_alices_list(const struct sim *s, const struct direct_item *d)
{
	const struct sim_frame *said = &s->alice.answer;

	return said->bytes && said->len == FRAME_HEAD_LEN + d->item_len &&
	       memcmp(said->bytes + FRAME_HEAD_LEN, d->item, d->item_len) == 0;
}

static void done_take(struct sim *s, const struct direct_item *d)
{
	struct tag proof;

	if (rc_ok(direct_done_read(&proof, d->body, d->body_len)) && adapted_is_proof(&s->alice.state, &proof))
		s->alice.done = true;
	else
		s->alice.bad++;
}

static void hello_take(struct sim *s, const struct direct_item *d)
{
	struct id peer;

	if (rc_ok(direct_hello_read(&peer, d->body, d->body_len)) && id_equal(&peer, &s->agreement[FIRST].terms.initiator) &&
	    !s->alice.second && !s->alice.is_over)
		second_pass(s);
}

static void item_take(struct sim *s, const struct direct_item *d)
{
	if (d->type == DIRECT_HELLO)
		hello_take(s, d);
	else if (d->type == DIRECT_TAGS)
		tags_take(s, d);
	else if (d->type == DIRECT_DONE)
		done_take(s, d);
	else if (d->type == DIRECT_BYE)
		s->alice.is_over = true;
	else
		s->alice.bad++;
}

void sim_alice_event(struct sim *s, const struct sim_event *e)
{
	struct sim_alice *alice = &s->alice;
	struct direct_item d;

	if (alice->until == 0 || alice->done || alice->has_fallen)
		return;
	if (e->to == TIMER_ALICE) {
		if (!alice->second)
			hello(s);
		sim_timer(s, TIMER_ALICE, s->now + SIM_RESEND);
	} else if (sim_direct_read(s, e, &d))
		item_take(s, &d);
	else
		alice->bad++;
	check_hopes(s);
}

bool sim_alice_key(const struct sim *s, struct secret *key)
{
	const struct sim_agreement *f = &s->agreement[FALLBACK];

	if (s->alice.done)
		return rc_ok(adapted_key(&s->alice.state, key));
	return f->verdict == DEAL_AGREED && rc_ok(secret_from(key, f->deal.key.data, f->deal.key.len));
}
