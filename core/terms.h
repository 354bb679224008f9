/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/terms.h - what every hub is told of one agreement, byte for byte the same (DSKE 2.3.2): the
 * tuple by which the receiver groups shares.
 */
#ifndef DSKE_CORE_TERMS_H
#define DSKE_CORE_TERMS_H

#include <stddef.h>
#include <stdint.h>

#include "base/id.h"
#include "base/rc.h"
#include "core/tag.h"

#define TERMS_HUBS_MAX 255
#define TERMS_RECEIVERS_MAX 64
#define TERMS_CONTEXT_MAX 255
#define KEY_LEN_MIN 16u
#define KEY_LEN_MAX (1u << 30)
#ifndef KEY_PART_LEN /* less, of whole blocks (core/candidate.h), to try out each call of what handles parts: CONTRIBUTING.md */
#define KEY_PART_LEN (1u << 20) /* bytes of S in one message; longer keys travel in parts */
#endif
#define KEY_HELD_MAX (16u << 20) /* bytes of S that are held in memory at once; longer keys go to a file */
#define KEY_PARTS_MAX (KEY_LEN_MAX / KEY_PART_LEN)

#define CONFIRM_MASK_LEN 16 /* of core/confirm.h */

/* Bytes of key material of an adapted agreement's first pass. */
#define ADAPTED_MATERIAL_LEN(n) (TAG_KEY_LEN * ((unsigned)(n) + 2u))

/* The first three can be asked for; the others are parts of an adapted agreement (core/adapted.h). */
enum scheme {
	SCHEME_SHAMIR = 0,
	SCHEME_XOR = 1,
	SCHEME_ADAPTED = 2,    /* its second pass: simple shares without a key tag, of which n' >= k will be chosen */
	SCHEME_FIRST_PASS = 3, /* its first pass: Shamir, for 32 (n + 2) bytes of key material */
	SCHEME_FALLBACK = 4,   /* Shamir, since the direct link failed */
	SCHEME_COUNT,
};

/* "shamir", "xor", "adapted"; "?" for what nobody asks for. */
const char *scheme_name(enum scheme s);
/* Errors: ARGS. */
dske_rc scheme_parse(enum scheme *s, const char *name);

struct terms {
	struct id initiator;
	struct id key_id;               /* with the initiator, the key's name */
	uint8_t receiver_count;         /* 1..64 */
	struct id receiver[TERMS_RECEIVERS_MAX];
	uint8_t n, k;                   /* 1 <= k <= n */
	struct id hub[TERMS_HUBS_MAX];  /* n distinct; hub[i] holds the share at x = i + 1 */
	enum scheme scheme;             /* SCHEME_XOR only with n = k */
	uint32_t key_len;               /* m, in bytes */
	struct tag key_tag;             /* zeros in SCHEME_ADAPTED */
	uint8_t context_len;
	uint8_t context[TERMS_CONTEXT_MAX];
	bool confirm;                   /* receivers are told once all are ready (core/confirm.h) */
};

/* Length of a share: u || S, or u || d' || S where it is to be confirmed; and without u. */
size_t terms_share_len(const struct terms *t);
size_t terms_tagged_len(const struct terms *t);

/*
 * The parts of a share, numbered from 0: u and the first KEY_PART_LEN bytes of S; then as many bytes of S each, and
 * in the last what is left.  A key of at most KEY_PART_LEN bytes has one.
 */
unsigned key_part_count(uint32_t key_len);
size_t key_part_len(uint32_t key_len, unsigned number); /* bytes of the share; number < count */
unsigned terms_part_count(const struct terms *t);
size_t terms_part_len(const struct terms *t, unsigned number);
size_t terms_part_offset(const struct terms *t, unsigned number); /* in the share */

/* Is it in more than one part? */
bool terms_are_long(const struct terms *t);

/* While a long key is dealt its key tag is not known; it comes with the last part, and is zeros until then. */
bool terms_lack_tag(const struct terms *t);

/* Counts in range, k <= n, distinct hubs and receivers, initiator not among the receivers, scheme
 * fits (one receiver, length of a first pass, no key tag in a second), key length in range.  Errors: FORMAT with the reason. */
dske_rc terms_check(const struct terms *t);

/* Equal in every field. */
bool terms_equal(const struct terms *a, const struct terms *b);

/* Position of the hub in the list, or -1. */
int terms_hub_index(const struct terms *t, const struct id *hub);
int terms_receiver_index(const struct terms *t, const struct id *client);

#endif
