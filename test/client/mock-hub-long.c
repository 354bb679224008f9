/* SPDX-License-Identifier: Apache-2.0 */
/* test/client/mock-hub-long.c - long keys at a mock hub: PARTs in, PIECEs out, in its manner. */
#include <config.h>

#include "test/client/mock-hub-impl.h"

#include <string.h>
#include <time.h>

/* ---- in ----------------------------------------------------------------------------------------------------- */

static struct mock_share *share_named(struct mock_hub *h, const struct id *initiator, const struct id *key_id)
{
	for (size_t i = 0; i < h->shares; i++) {
		struct terms *t = &h->share[i].terms;
		if (id_equal(&t->initiator, initiator) && id_equal(&t->key_id, key_id))
			return &h->share[i];
	}
	return NULL;
}

static void keep_part(struct mock_share *s, const struct msg_part *m, const struct pad *pad)
{
	size_t len = terms_part_len(&s->terms, m->number);
	uint8_t *to = s->bytes.data + terms_part_offset(&s->terms, m->number);
	memcpy(to, pad_peek(pad, TAG_KEY_LEN, len), len);
	for (size_t i = 0; m->mode == SHARE_MODE_SEALED && i < len; i++)
		to[i] ^= m->share[i];
	if (m->has_tag)
		s->terms.key_tag = m->key_tag;
	s->next++;
}

void mock_take_part(struct mock_hub *h, struct mock_conn *c, const struct envelope *e, struct pad *pad)
{
	struct msg_part m;
	h->part_frames++;
	NEED(msg_part_read(&m, e->body, e->body_len));
	struct mock_share *s = share_named(h, &c->client->id, &m.key_id);
	if (h->manner == MOCK_HANGS_ON_PART)
		return;
	if (s == NULL || (h->manner == MOCK_REFUSES_PART && m.number == 2)) {
		mock_reply(h, c, e, pad, STATUS_UNKNOWN_KEY);
		return;
	}
	need_true(m.number <= s->next && e->length == MSG_PART_RANGE_LEN(&s->terms, m.number), "the next PART", __LINE__);
	need_true(m.has_tag == (m.number + 1 == terms_part_count(&s->terms)), "the key tag in the last PART alone", __LINE__);
	if (m.number == s->next)
		keep_part(s, &m, pad);
	if (h->manner == MOCK_DIES_AFTER_PART && h->bad_left > 0) {
		h->bad_left--;
		c->over = true;
		return;
	}
	mock_reply(h, c, e, pad, STATUS_ACCEPTED);
	mock_push_all(h);
}

/* ---- out ---------------------------------------------------------------------------------------------------- */

static void send_piece(struct mock_hub *h, struct mock_conn *c, const struct mock_share *s, unsigned number)
{
	AUTO(pad) pad = {0};
	AUTO(buf) body = {0};
	uint8_t keys[PAD_KEYS_LEN];
	size_t len = terms_part_len(&s->terms, number) - (h->manner == MOCK_SHORT_PART && number == 1);
	uint8_t *cipher = malloc(len);
	struct msg_piece m = {.initiator = s->terms.initiator, .key_id = s->terms.key_id, .number = number, .share = cipher,
			      .share_len = len};
	NEED(window_reserve(c->down, PAD_KEYS_LEN + len, &pad));
	NEED(pad_take(&pad, keys, sizeof keys));
	NEED(pad_xor(&pad, cipher, s->bytes.data + terms_part_offset(&s->terms, number), len));
	if (h->manner == MOCK_CORRUPTS_PART && number == 2)
		cipher[len / 2] ^= 1;
	if (h->manner == MOCK_OTHER_PART)
		m.key_id.b[0] ^= 1;
	buf_heap(&body, FRAME_MAX);
	NEED(msg_piece_write(&body, &m));
	h->pieces++;
	mock_frame(h, c, MESSAGE_PIECE, pad.offset, PAD_KEYS_LEN + len, &body, keys, h->manner == MOCK_SPOILS_PART);
	free(cipher);
}

void mock_swell(struct mock_hub *h)
{
	for (size_t i = 0; i < h->shares; i++) {
		struct mock_share *s = &h->share[i];
		if (s->is_invented || s->delivered || s->next < terms_part_count(&s->terms))
			continue;
		s->is_invented = true;
		s->terms.key_len *= 4;
		s->next = terms_part_count(&s->terms);
		secret_drop(&s->bytes);
		NEED(secret_random(&s->bytes, terms_share_len(&s->terms)));
	}
}

/* Which part is sent as the one that would be next, in this manner. */
static unsigned number_of(const struct mock_hub *h, unsigned next)
{
	if (h->manner == MOCK_SKIPS_PART)
		return next + 1;
	if (h->manner == MOCK_REPEATS_PART && next > 1)
		return next - 1;
	if (h->manner == MOCK_SWAPS_PARTS && next < 3)
		return 3 - next;
	return next;
}

bool mock_has_room(struct mock_conn *c, uint32_t len)
{
	if ((c->down == NULL || window_left(c->down) < len) && c->down_next != NULL) {
		window_free(c->down);
		c->down = c->down_next;
		c->down_next = NULL;
	}
	return c->down != NULL && window_left(c->down) >= len;
}

static void pieces_of(struct mock_hub *h, struct mock_conn *c, struct mock_share *s)
{
	unsigned count = terms_part_count(&s->terms);
	while (s->piece < count && !c->over) {
		unsigned number = number_of(h, s->piece);
		if (number >= count || !mock_has_room(c, MSG_PART_RANGE_LEN(&s->terms, number)))
			return;
		if (h->manner == MOCK_CUTS_PARTS && h->bad_left > 0 && s->piece == 2) {
			h->bad_left--;
			c->over = true;
			return;
		}
		if (h->manner == MOCK_DISOWNS_WAIT && h->bad_left > 0 && s->piece == 2) {
			h->bad_left--; /* and goes on when it hears from the client */
			mock_note(h, c, &(struct envelope){.offset = c->wait[0].offset, .length = PAD_KEYS_LEN}, NOTE_NO_LEASE, 0);
			return;
		}
		if (h->manner == MOCK_REPEATS_WHOLE && h->bad_left > 0 && s->piece == 1) {
			h->bad_left--;
			mock_note(h, c, &(struct envelope){.offset = c->wait[0].offset, .length = PAD_KEYS_LEN}, NOTE_WINDOW_SPENT, 0);
			return;
		}
		s->piece++;
		if (h->manner == MOCK_DRIPS)
			nanosleep(&(struct timespec){.tv_sec = 1, .tv_nsec = 500000000}, NULL);
		send_piece(h, c, s, number);
	}
	if (h->manner == MOCK_REPEATS_WHOLE && !s->is_repeated && s->piece == count) {
		s->is_repeated = true;
		s->sealed_for = NULL; /* to be sealed again */
	}
}

void mock_pieces(struct mock_hub *h, struct mock_conn *c)
{
	for (size_t i = 0; i < h->shares; i++) {
		if (h->share[i].sealed_for == c && !h->share[i].delivered)
			pieces_of(h, c, &h->share[i]);
	}
}
