/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hub/siphash.h - SipHash-2-4 (Aumasson and Bernstein, 2012): 64 bits under a key of 128.
 * Who does not know the key can neither foretell what collides in a table nor make a record that verifies.
 */
#ifndef DSKE_HUB_SIPHASH_H
#define DSKE_HUB_SIPHASH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct siphash_key {
	uint64_t k[2];
};

struct siphash {
	uint64_t v[4], last, len; /* last: bytes that fill no word yet; only the last piece leaves any */
};

static inline uint64_t siphash_turn(uint64_t x, int by)
{
	return x << by | x >> (64 - by);
}

static inline void siphash_round(uint64_t v[4])
{
	v[0] += v[1];
	v[2] += v[3];
	v[1] = siphash_turn(v[1], 13) ^ v[0];
	v[3] = siphash_turn(v[3], 16) ^ v[2];
	v[0] = siphash_turn(v[0], 32) + v[3];
	v[2] += v[1];
	v[3] = siphash_turn(v[3], 21) ^ v[0];
	v[1] = siphash_turn(v[1], 17) ^ v[2];
	v[2] = siphash_turn(v[2], 32);
}

static inline void siphash_begin(struct siphash *s, const struct siphash_key *key)
{
	*s = (struct siphash){.v = {key->k[0] ^ UINT64_C(0x736f6d6570736575), key->k[1] ^ UINT64_C(0x646f72616e646f6d),
				    key->k[0] ^ UINT64_C(0x6c7967656e657261), key->k[1] ^ UINT64_C(0x7465646279746573)}};
}

static inline void siphash_word(struct siphash *s, uint64_t word)
{
	s->v[3] ^= word;
	siphash_round(s->v);
	siphash_round(s->v);
	s->v[0] ^= word;
}

/* All pieces but the last are of whole words of 8 bytes, little-endian. */
static inline void siphash_add(struct siphash *s, const void *bytes, size_t len)
{
	const uint8_t *p = bytes;
	uint64_t word;

	s->len += len;
	for (; len >= sizeof word; len -= sizeof word, p += sizeof word) {
		memcpy(&word, p, sizeof word);
		siphash_word(s, word);
	}
	for (size_t i = 0; i < len; i++)
		s->last |= (uint64_t)p[i] << (8 * i);
}

static inline uint64_t siphash_end(struct siphash *s)
{
	siphash_word(s, s->last | s->len << 56);
	s->v[2] ^= 0xff;
	for (int i = 0; i < 4; i++)
		siphash_round(s->v);
	return s->v[0] ^ s->v[1] ^ s->v[2] ^ s->v[3];
}

#endif
