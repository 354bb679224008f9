/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pkcs11/ticket.h - CKM_DSKE_REDEEM: the initiator of an agreement wraps the key under the peer's object and gets a
 * ticket, by which the receiver unwraps the key, that is, fetches his shares from the hubs.
 *
 * A ticket names a key and holds nothing of it.  It is not authenticated: who changes it makes the receiver ask for
 * another key or for none, and what comes then has been authenticated by the hubs and the key tag (DSKE 2.3.2).
 *
 *	 0  8  "DSKEtkt", and the version, 1
 *	 8  4  length of the key in bytes, big-endian
 *	12  4  zeros
 *	16 16  key ID
 *	32 16  client ID of the initiator
 *	48 16  client ID of the receiver
 */
#ifndef DSKE_PKCS11_TICKET_H
#define DSKE_PKCS11_TICKET_H

#include "base/id.h"
#include "pkcs11/rv.h"
#include "pkcs11/wrap.h"

#define TICKET_LEN 64u

struct ticket {
	uint32_t key_len;
	struct id key_id, initiator, receiver;
};

void ticket_write(const struct ticket *t, uint8_t out[TICKET_LEN]);
/* WRAPPED_KEY_LEN_RANGE, WRAPPED_KEY_INVALID. */
CK_RV ticket_read(struct ticket *t, const uint8_t *in, CK_ULONG len);

extern const struct wrap_kind wrap_ticket;

#endif
