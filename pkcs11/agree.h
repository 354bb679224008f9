/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pkcs11/agree.h - an agreement with a peer (DSKE 2.3) that becomes a key of the token, whichever call asks for it:
 *
 *	C_DeriveKey     derive-dske.c   the base key is the peer, the mechanism's parameter the request
 *	C_GenerateKey   keygen-dske.c   the template's label is the peer's name, its ID the key ID or context
 *	C_UnwrapKey     ticket.c        the unwrapping key is the peer, the wrapped bytes are a ticket
 */
#ifndef DSKE_PKCS11_AGREE_H
#define DSKE_PKCS11_AGREE_H

#include "client/client.h"
#include "pkcs11/object.h"
#include "pkcs11/rv.h"

/* What a call asks for; all of it is borrowed. */
struct agreement {
	struct module *m;
	struct session *s;
	const struct object *peer; /* OBJECT_PEER or OBJECT_PEER_KEY */
	const CK_ATTRIBUTE *templ;
	CK_ULONG n;
	CK_OBJECT_HANDLE *out;
	enum attr_when when;         /* which call's template it is */
	CK_MECHANISM_TYPE generator; /* of C_GenerateKey; else CK_UNAVAILABLE_INFORMATION */
	/* Reads what the call was given into the request, whose key_len is what the template asks for, or 0.  The key
	 * has its attributes and no value yet. */
	CK_RV (*read)(const struct agreement *a, const struct object *key, struct agree_request *q);
	const void *given;
};

/* Agrees, stores the key if it is the token's, and puts it into the table.  Everything that can be wrong with the call is
 * found before a byte of a table is used.  No lock is held over the network. */
CK_RV agree_key(const struct agreement *a);

#endif
