/* SPDX-License-Identifier: Apache-2.0 */
/* test/vpn/test-packet.c - pads and datagrams: known answers, that every bit counts, that no byte serves twice. */
#include "test/core/vectors.h"

#include "test/core/seeded.h"
#include "vpn/packet.h"

static const uint64_t NAME = UINT64_C(0x0123456789abcdef);

struct ends {
	struct packet_tagger tagger;
	struct pad out, in;
};

static void ends_drop(struct ends *e)
{
	packet_tagger_drop(&e->tagger);
	pad_drop(&e->out);
	pad_drop(&e->in);
}

static void pad_of(struct pad *p, enum pad_side side, uint64_t name, const uint8_t *bytes, size_t len)
{
	struct secret key = {0};
	assert_true(rc_ok(secret_from(&key, bytes, len)));
	assert_true(rc_ok(pad_init(p, side, name, &key)));
	assert_null(key.data);
}

static void ends_make(struct ends *e, size_t len)
{
	uint8_t *bytes = malloc(len);
	struct seeded seed = {7};
	seeded_fill(&seed, bytes, len);
	*e = (struct ends){0};
	assert_true(rc_ok(packet_tagger_init(&e->tagger)));
	pad_of(&e->out, PAD_SENDS, NAME, bytes, len);
	pad_of(&e->in, PAD_RECEIVES, NAME, bytes, len);
	free(bytes);
}

/* A pad that is zero up to the unit, then the vector's. */
static void check_vector(const struct vector *v)
{
	AUTO(ends) e = {0};
	uint8_t out[VECTOR_LEN_MAX + PACKET_MORE];
	struct packet_head head;
	uint32_t unit = (uint32_t)v->field[0][2] << 24 | (uint32_t)v->field[0][3] << 16 | (uint32_t)v->field[0][4] << 8 | v->field[0][5];
	uint64_t name = 0;
	for (size_t i = 0; i < 8; i++)
		name = name << 8 | v->field[0][6 + i];
	size_t len = unit * PAD_UNIT + (v->len[1] + PAD_UNIT - 1) / PAD_UNIT * PAD_UNIT;
	uint8_t *bytes = calloc(1, len);
	memcpy(bytes + unit * PAD_UNIT, v->field[1], v->len[1]);
	pad_of(&e.out, PAD_SENDS, name, bytes, len);
	pad_of(&e.in, PAD_RECEIVES, name, bytes, len);
	free(bytes);
	assert_true(rc_ok(packet_tagger_init(&e.tagger)));
	uint32_t skipped;
	assert_true(unit == 0 || pad_take(&e.out, unit * PAD_UNIT, &skipped) != NULL);
	assert_true(rc_ok(packet_seal(&e.tagger, &e.out, v->field[0][0], v->field[0][1], out, v->field[2], v->len[2])));
	assert_int_equal(v->len[3], v->len[2] + PACKET_MORE);
	assert_memory_equal(out, v->field[3], v->len[3]);
	assert_true(packet_read_head(&head, out, v->len[3]));
	assert_true(rc_ok(packet_open(&e.tagger, &e.in, &head, out + PACKET_HEAD, out, v->len[3])));
	assert_memory_equal(out + PACKET_HEAD, v->field[2], v->len[2]);
}

static void known_answers(void **state)
{
	(void)state;
	vectors_each("datagram.txt", 4, check_vector);
}

static dske_rc open_it(struct ends *e, uint8_t *out, const uint8_t *datagram, size_t len)
{
	struct packet_head head;
	if (!packet_read_head(&head, datagram, len))
		return rc_make(DSKE_RC_FORMAT);
	if (head.name != NAME)
		return rc_make(DSKE_RC_NOT_FOUND);
	return packet_open(&e->tagger, &e->in, &head, out, datagram, len);
}

static void every_bit_counts(void **state)
{
	(void)state;
	uint8_t content[70], out[70 + PACKET_MORE], plain[70];
	struct seeded seed = {3};
	seeded_fill(&seed, content, sizeof content);
	AUTO(ends) e = {0};
	ends_make(&e, 1 << 16);
	for (size_t len = 1; len <= sizeof content; len += 23) {
		assert_true(rc_ok(packet_seal(&e.tagger, &e.out, PACKET_DATA, 0, out, content, len)));
		uint64_t left = e.in.left;
		for (size_t bit = 0; bit < 8 * (len + PACKET_MORE); bit++) {
			out[bit / 8] ^= (uint8_t)(1 << bit % 8);
			assert_false(rc_ok(open_it(&e, plain, out, len + PACKET_MORE)));
			out[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
		for (size_t cut = 1; cut < len + PACKET_MORE; cut++)
			assert_false(rc_ok(open_it(&e, plain, out, len + PACKET_MORE - cut)));
		assert_int_equal(e.in.left, left); /* what fails uses nothing up */
		assert_true(rc_ok(open_it(&e, plain, out, len + PACKET_MORE)));
		assert_memory_equal(plain, content, len);
		assert_int_equal(open_it(&e, plain, out, len + PACKET_MORE).code, DSKE_RC_USED);
	}
}

static bool is_zero(const uint8_t *p, size_t len)
{
	uint8_t any = 0;
	for (size_t i = 0; i < len; i++)
		any |= p[i];
	return any == 0;
}

enum { MANY = 400 };

/* Shuffled, some twice, some never: each is opened once, and bytes are gone where they were used. */
static void any_order_once(void **state)
{
	(void)state;
	static uint8_t datagrams[MANY][600], plain[600];
	size_t len[MANY], order[MANY];
	bool seen[MANY] = {false};
	struct seeded seed = {99};
	AUTO(ends) e = {0};
	ends_make(&e, 1 << 18);
	for (size_t i = 0; i < MANY; i++) {
		uint8_t content[500];
		len[i] = 1 + seeded_below(&seed, sizeof content);
		memset(content, (int)i & 0xff, sizeof content);
		assert_true(rc_ok(packet_seal(&e.tagger, &e.out, PACKET_DATA, 0, datagrams[i], content, len[i])));
		order[i] = seeded_below(&seed, MANY);
	}
	assert_true(is_zero(e.out.bytes.data, (size_t)e.out.next * PAD_UNIT));
	uint64_t burnt = 0, whole = e.in.left;
	for (size_t i = 0; i < MANY; i++) {
		size_t d = order[i];
		dske_rc rc = open_it(&e, plain, datagrams[d], len[d] + PACKET_MORE);
		assert_int_equal(rc.code, seen[d] ? DSKE_RC_USED : DSKE_RC_OK);
		if (!seen[d])
			burnt += (PACKET_KEY + len[d] + PAD_UNIT - 1) / PAD_UNIT * PAD_UNIT;
		assert_true(seen[d] || plain[len[d] - 1] == (uint8_t)d);
		seen[d] = true;
		assert_int_equal(e.in.left, whole - burnt);
	}
	for (size_t i = 0; i < MANY; i++) {
		struct packet_head head;
		assert_true(packet_read_head(&head, datagrams[i], len[i] + PACKET_MORE));
		assert_int_equal(is_zero(e.in.bytes.data + (size_t)head.unit * PAD_UNIT, PACKET_KEY + len[i]), seen[i]);
	}
}

/* What reaches into a used part, from either side, is refused. */
static void no_overlap(void **state)
{
	(void)state;
	AUTO(ends) e = {0};
	ends_make(&e, 1 << 14);
	for (uint32_t from = 100; from < 300; from += 67) {
		for (size_t units = 1; units < 140; units += 23) {
			struct pad *p = &e.in;
			if (pad_at(p, from, units * PAD_UNIT) == NULL)
				continue;
			pad_burn(p, from, units * PAD_UNIT);
			assert_null(pad_at(p, from, 1));
			assert_null(pad_at(p, from + (uint32_t)units - 1, PAD_UNIT));
			assert_null(pad_at(p, from - 1, 2 * PAD_UNIT));
			assert_null(pad_at(p, 0, (size_t)(from + 1) * PAD_UNIT));
			assert_non_null(pad_at(p, 0, 90 * PAD_UNIT));
		}
	}
	assert_null(pad_at(&e.in, e.in.units, 1));
	assert_null(pad_at(&e.in, UINT32_MAX, 1));
	assert_null(pad_at(&e.in, e.in.units - 1, PAD_UNIT + 1));
}

static void the_end(void **state)
{
	(void)state;
	uint8_t content[100] = {1}, out[200];
	AUTO(ends) e = {0};
	ends_make(&e, 3 * 144 + 40); /* three packets of 100 bytes take 132, rounded up */
	for (int i = 0; i < 3; i++)
		assert_true(rc_ok(packet_seal(&e.tagger, &e.out, PACKET_DATA, 0, out, content, sizeof content)));
	assert_int_equal(packet_seal(&e.tagger, &e.out, PACKET_DATA, 0, out, content, sizeof content).code, DSKE_RC_EXHAUSTED);
	assert_int_equal(e.out.left, 32);
	pad_end(&e.out);
	assert_true(is_zero(e.out.bytes.data, (size_t)e.out.units * PAD_UNIT));
	assert_int_equal(packet_seal(&e.tagger, &e.out, PACKET_DATA, 0, out, content, 1).code, DSKE_RC_EXHAUSTED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_answers), cmocka_unit_test(every_bit_counts), cmocka_unit_test(any_order_once),
		cmocka_unit_test(no_overlap),    cmocka_unit_test(the_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
