/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pkcs11/peer.h - peers and PSKMs as objects.  A known peer is two: CKO_DSKE_PEER, and for stock clients
 * a CKO_PRIVATE_KEY of type CKK_EC with the peer's name as label and ID.  Its public point is a stand-in.
 */
#ifndef DSKE_PKCS11_PEER_H
#define DSKE_PKCS11_PEER_H

#include "pkcs11/rv.h"

struct module;
struct object;
struct session;

/* Brings the objects of all peers (slot 0) or of a PSKM up to date with the client. */
CK_RV peer_sync(struct module *m, CK_SLOT_ID slot);

/* A reference to the CKO_DSKE_PEER of that name, or NULL in *peer if nobody has it. */
CK_RV peer_named(struct module *m, const void *name, size_t len, struct object **peer);

/* For the ID "PEER/NAME", if the peer is known: an EC key object that belongs to the session and is found
 * by this whole ID only.  Touches no network. */
CK_RV peer_name_key(struct module *m, const struct session *s, const void *id, size_t len);

#endif
