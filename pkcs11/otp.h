/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pkcs11/otp.h - CKM_DSKE_OTP: a message under a one-time pad with a one-time tag, doc/protocol.md 16.
 *
 *	 0  1  version, 1
 *	 1  1  who sent it: 1 the initiator of the key's agreement, 2 its receiver
 *	 2  2  zeros
 *	 4  4  length n of the ciphertext, big-endian
 *	 8  8  offset in the sender's half of the key, big-endian
 *	16 16  key ID
 *	32  n  plaintext XOR pad
 *	32 + n  16  tag of all before it (core/tag.h)
 *
 * The pad at the offset is 32 bytes of tag key, then n that are XORed.
 */
#ifndef DSKE_PKCS11_OTP_H
#define DSKE_PKCS11_OTP_H

#include "base/id.h"
#include "core/tag.h"

#define OTP_HEAD 32u
#define OTP_MORE (OTP_HEAD + TAG_LEN) /* how much longer than its plaintext a message is */

enum otp_sender { OTP_INITIATOR = 1, OTP_RECEIVER = 2 };

struct otp_head {
	enum otp_sender sender;
	uint32_t len;
	uint64_t offset;
	struct id key_id;
};

void otp_head_write(const struct otp_head *h, uint8_t out[OTP_HEAD]);
bool otp_head_read(struct otp_head *h, const uint8_t in[OTP_HEAD]);

/* A whole message of head->len + OTP_MORE bytes; pad has TAG_KEY_LEN + head->len.  `in` may be where `out` is. */
void otp_seal(const struct otp_head *h, const uint8_t *pad, const uint8_t *in, uint8_t *out);
/* Is the tag the message's? */
bool otp_check(const struct otp_head *h, const uint8_t *pad, const uint8_t *message);

#endif
