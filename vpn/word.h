/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vpn/word.h - what the two programs tell each other inside the tunnel, so that a sender uses a pad for traffic only
 * when the receiver has it.  It travels under pads as traffic does (vpn/packet.h), each second and whenever it changes;
 * a lost one is made good by the next.
 *
 *	word = boot number keeps held unknown names       integers are big-endian
 *	boot     8 bytes   random, of this run of the program
 *	number   8 bytes   ascends in a run, so that words which overtake each other do no harm
 *	keeps    8 bytes   how many bytes of pads it keeps; of what is agreed beyond, the oldest goes
 *	held     2 bytes   how many of the names are of pads that it received lately, and holds
 *	unknown  2 bytes   how many, behind those, are of pads that it was sent something under, and does not hold
 *	names    8 bytes each
 */
#ifndef DSKE_VPN_WORD_H
#define DSKE_VPN_WORD_H

#include <stddef.h>
#include <stdint.h>

#include "base/rc.h"

#define WORD_HELD_MAX 96
#define WORD_UNKNOWN_MAX 16
#define WORD_HEAD 28
#define WORD_LEN_MAX (WORD_HEAD + 8 * (WORD_HELD_MAX + WORD_UNKNOWN_MAX))

struct word {
	uint64_t boot, number, keeps;
	uint16_t held_count, unknown_count;
	uint64_t held[WORD_HELD_MAX];
	uint64_t unknown[WORD_UNKNOWN_MAX];
};

/* Returns the length. */
size_t word_write(uint8_t out[WORD_LEN_MAX], const struct word *w);

/* Errors: FORMAT. */
dske_rc word_read(struct word *w, const uint8_t *bytes, size_t len);

#endif
