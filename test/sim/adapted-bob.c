/* SPDX-License-Identifier: Apache-2.0 */
/* test/sim/adapted-bob.c - the receiver in the adapted scheme, behind the first pass (doc/protocol.md, 9.4). */
#include <string.h>

#include "test/sim/sim.h"

#define LATE_MS 150 /* shares that are still out then are not waited for */

static void say(struct sim *s, enum direct_type type, const struct buf *body)
{
	sim_direct_send(s, TO_ALICE, type, body, NULL);
}

static void hello(struct sim *s)
{
	uint8_t bytes[64];
	struct buf body;

	buf_fixed(&body, bytes, sizeof bytes);
	if (!rc_ok(direct_hello_write(&body, &s->agreement[FIRST].terms.initiator)))
		sim_break(s, "a HELLO cannot be written");
	say(s, DIRECT_HELLO, &body);
}

static void bye(struct sim *s)
{
	uint8_t bytes[64];
	struct buf body;

	s->bob.gone = true;
	buf_fixed(&body, bytes, sizeof bytes);
	if (!rc_ok(direct_bye_write(&body, BYE_FAILED)))
		sim_break(s, "a BYE cannot be written");
	say(s, DIRECT_BYE, &body);
}

/* What the second pass must be, all but the length of the key, which Bob asks for. */
void sim_bob_begin(struct sim *s, const struct terms *t)
{
	struct sim_bob *bob = &s->bob;

	bob->has_material = true;
	bob->expected = *t;
	bob->expected.scheme = SCHEME_ADAPTED;
	bob->expected.key_len = s->key_len;
	memset(&bob->expected.key_tag, 0, sizeof bob->expected.key_tag);
	adapted_second_id(&bob->expected.key_id, &t->key_id);
	hello(s);
	sim_timer(s, TIMER_BOB, s->now + SIM_RESEND / 4);
}

bool sim_bob_share(struct sim *s, size_t hub, const struct terms *t, const uint8_t *share)
{
	struct sim_bob *bob = &s->bob;

	if (!bob->has_material || !terms_equal(&bob->expected, t) || bob->share[hub] || bob->vowed)
		return false;
	bob->share[hub] = sim_keep(s, share, terms_share_len(t));
	bob->share_count++;
	if (bob->share_count >= t->k && bob->enough_at == 0)
		bob->enough_at = s->now;
	return true;
}

/* ---- TAGS ------------------------------------------------------------------------------------------------ */

/* What tags two messages gives itself away. */
static void once(struct sim *s)
{
	struct sim_bob *bob = &s->bob;
	struct direct_item d;

	if (!rc_ok(direct_read(&d, bob->tags.bytes + FRAME_HEAD_LEN, bob->tags.len - FRAME_HEAD_LEN)))
		sim_break(s, "TAGS cannot be read");
	if (bob->vowed && memcmp(&d.tag, &bob->said, sizeof d.tag) != 0)
		sim_break(s, "material of a first pass tagged two messages");
	bob->said = d.tag;
	bob->vowed = true;
}

static bool state_begin(struct sim *s)
{
	const struct secret *first = &s->member[0].taking[FIRST].key;
	AUTO(secret) material = {0};

	return rc_ok(secret_from(&material, first->data, first->len)) &&
	       rc_ok(adapted_begin(&s->bob.state, &s->bob.expected, s->bob.expected.k, &material));
}

static void tag(struct sim *s)
{
	struct sim_bob *bob = &s->bob;
	const uint8_t *shares[TERMS_HUBS_MAX] = {0};
	struct adapted_marks marks;
	uint8_t bytes[SIM_FRAME_MAX];
	struct buf body;

	memcpy(shares, bob->share, sizeof bob->share);
	if (!state_begin(s) || !rc_ok(adapted_tag(&bob->state, shares, &marks)))
		sim_break(s, "shares cannot be tagged");
	buf_fixed(&body, bytes, sizeof bytes);
	if (!rc_ok(direct_tags_write(&body, &marks)))
		sim_break(s, "a TAGS cannot be written");
	bob->tags = sim_direct_seal(s, TO_ALICE, DIRECT_TAGS, &body, adapted_bobs_key(&bob->state));
	once(s);
	if (rc_ok(adapted_tag(&bob->state, shares, &marks)))
		sim_break(s, "shares were tagged twice");
	sim_direct_again(s, TO_ALICE, bob->tags);
}

/* He loses what he has in memory.  What he tagged is on record, so that he does not tag again. */
static void restart(struct sim *s)
{
	struct sim_bob *bob = &s->bob;

	bob->restart_at = 0;
	adapted_drop(&bob->state);
	bob->tags.bytes = NULL;
	if (sim_fault == FAULT_RETAG && bob->share_count > bob->expected.k) {
		for (size_t i = 0; bob->share_count > bob->expected.k; i++)
			if (bob->share[i]) {
				bob->share[i] = NULL;
				bob->share_count--;
			}
		tag(s);
	} else
		bye(s);
}

static void turn(struct sim *s)
{
	struct sim_bob *bob = &s->bob;
	bool all = bob->share_count == bob->expected.n;

	if (bob->gone || bob->key.data)
		return;
	if (bob->vowed && bob->restart_at != 0 && s->now >= bob->restart_at)
		restart(s);
	else if (bob->tags.bytes)
		sim_direct_again(s, TO_ALICE, bob->tags);
	else if (bob->enough_at != 0 && (all || s->now >= bob->enough_at + LATE_MS))
		tag(s);
	else if (bob->share_count == 0)
		hello(s);
	sim_timer(s, TIMER_BOB, s->now + SIM_RESEND / 4);
}

/* ---- LIST and DONE --------------------------------------------------------------------------------------- */

static void done_say(struct sim *s)
{
	struct sim_bob *bob = &s->bob;
	uint8_t bytes[64];
	struct tag proof;
	struct buf body;

	adapted_proof(&bob->state, &proof);
	buf_fixed(&body, bytes, sizeof bytes);
	if (!rc_ok(direct_done_write(&body, &proof)))
		sim_break(s, "a DONE cannot be written");
	bob->done = sim_direct_seal(s, TO_ALICE, DIRECT_DONE, &body, NULL);
	sim_direct_again(s, TO_ALICE, bob->done);
}

static void list_take(struct sim *s, const struct direct_item *d)
{
	struct sim_bob *bob = &s->bob;
	const uint8_t *shares[TERMS_HUBS_MAX] = {0};
	struct adapted_list list;

	if (!bob->state.material.data || !direct_verify(d, adapted_alices_key(&bob->state)))
		return;
	if (!sim_is_alices_list(s, d))
		sim_break(s, "Bob believes a LIST that Alice did not say");
	if (bob->key.data) {
		sim_direct_again(s, TO_ALICE, bob->done);
		return;
	}
	memcpy(shares, bob->share, sizeof bob->share);
	if (bob->state.state == ADAPTED_TAGGED && rc_ok(direct_list_read(&list, d->body, d->body_len)) &&
	    rc_ok(adapted_conclude(&bob->state, shares, &list)) && rc_ok(adapted_key(&bob->state, &bob->key)))
		done_say(s);
	else
		bye(s);
}

void sim_bob_event(struct sim *s, const struct sim_event *e)
{
	struct direct_item d;

	if (!s->bob.has_material)
		return;
	if (e->to == TIMER_BOB)
		turn(s);
	else if (!s->bob.gone && sim_direct_read(s, e, &d) && d.type == DIRECT_LIST)
		list_take(s, &d);
}
