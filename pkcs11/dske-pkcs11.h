/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dske-pkcs11.h - the vendor-defined part of the DSKE token's PKCS#11 interface.  Installed.
 * Include a PKCS#11 header (p11-kit/pkcs11.h or any other) before this one.
 *
 * An agreed key:
 *
 *	CK_DSKE_DERIVE_PARAMS p = { .ulVersion = 1, .role = CKDSKE_ROLE_AUTO };
 *	memcpy (p.context, "backup", p.ulContextLen = 6);
 *	CK_MECHANISM m = { CKM_DSKE_DERIVE, &p, sizeof p };
 *	C_DeriveKey (session, &m, peer_object, template, count, &key);
 *
 * where peer_object is the CKO_DATA-like peer object: class CKO_DSKE_PEER, CKA_LABEL the peer's name.
 * Both ends calling with the same key ID, or the same context, get the same key, whoever comes first.
 */
#ifndef DSKE_PKCS11_H
#define DSKE_PKCS11_H 1

/* "DSKE" after the vendor bit */
#define CKDSKE_VENDOR_BASE (0x80000000UL | 0x44530000UL)

/* Agree on a key with the peer that is the base key.  Parameter: CK_DSKE_DERIVE_PARAMS, or none. */
#define CKM_DSKE_DERIVE (CKDSKE_VENDOR_BASE | 0x0001UL)

/* The same by C_GenerateKey, for clients that know no other way: the template's CKA_LABEL is the peer's name, its CKA_ID the
 * key ID if it has 16 bytes, else the context (none: the empty one).  Parameter: CK_DSKE_DERIVE_PARAMS without key ID and
 * context, or none. */
#define CKM_DSKE_KEY_GEN (CKDSKE_VENDOR_BASE | 0x0002UL)

/* A key's name instead of its bytes.  C_WrapKey of a key that this client initiated, under the peer's object, gives a ticket
 * of CKDSKE_TICKET_LEN bytes, in which there is no secret; C_UnwrapKey of that under the initiator's object makes
 * the peer fetch the key from the hubs.  No parameter. */
#define CKM_DSKE_REDEEM (CKDSKE_VENDOR_BASE | 0x0003UL)
#define CKDSKE_TICKET_LEN 64

/* Encryption by a one-time pad with a one-time tag: each byte of the agreed key is used once, the first half by who
 * initiated the agreement, the second by who received it.  The key's template has CKA_ALLOWED_MECHANISMS = CKM_DSKE_OTP
 * alone, and CKA_ENCRYPT or CKA_DECRYPT or both.  No parameter.  In parts all comes with the last call.  A message is
 * CKDSKE_OTP_MORE bytes longer than its plaintext, and uses 32 bytes more than that of the key. */
#define CKM_DSKE_OTP (CKDSKE_VENDOR_BASE | 0x0004UL)
#define CKDSKE_OTP_MORE 48

/* Peers and PSKMs as objects.  A peer is also the base key of CKM_DSKE_DERIVE. */
#define CKO_DSKE_PEER (CKDSKE_VENDOR_BASE | 0x0001UL)
#define CKO_DSKE_PSKM (CKDSKE_VENDOR_BASE | 0x0002UL)

/* Attributes of an agreed key.  Byte strings, or CK_ULONG where so noted.  C_CreateObject takes them too (of a key that was agreed
 * on outside of the token), and believes them. */
#define CKA_DSKE_PEER (CKDSKE_VENDOR_BASE | 0x0101UL)       /* peer's client ID, 16 bytes (also of a peer) */
#define CKA_DSKE_PEER_NAME (CKDSKE_VENDOR_BASE | 0x0102UL)  /* text */
#define CKA_DSKE_INITIATOR (CKDSKE_VENDOR_BASE | 0x0103UL)  /* client ID of the initiator, 16 bytes */
#define CKA_DSKE_N (CKDSKE_VENDOR_BASE | 0x0104UL)          /* CK_ULONG */
#define CKA_DSKE_K (CKDSKE_VENDOR_BASE | 0x0105UL)          /* CK_ULONG */
#define CKA_DSKE_SCHEME (CKDSKE_VENDOR_BASE | 0x0106UL)     /* CK_ULONG, CKDSKE_SCHEME_* */
#define CKA_DSKE_HUBS (CKDSKE_VENDOR_BASE | 0x0107UL)       /* names of the hubs that took part, comma-separated */
#define CKA_DSKE_KEY_ID (CKDSKE_VENDOR_BASE | 0x0108UL)     /* 16 bytes; CKA_ID is the same unless a template said else */
/* Of a key for CKM_DSKE_OTP. */
#define CKA_DSKE_OTP_SEND_LEFT (CKDSKE_VENDOR_BASE | 0x0109UL)    /* CK_ULONG, bytes that no process has reserved */
#define CKA_DSKE_OTP_RECEIVE_LEFT (CKDSKE_VENDOR_BASE | 0x010aUL) /* CK_ULONG, bytes that no message and no process has */
#define CKA_DSKE_OTP_RECEIVED (CKDSKE_VENDOR_BASE | 0x010bUL)     /* the others: pairs of start and end, 8 bytes each, big-endian */
#define CKA_DSKE_OTP_FORGED (CKDSKE_VENDOR_BASE | 0x010cUL)       /* CK_ULONG, messages with a wrong tag */
#define CKA_DSKE_JOINED (CKDSKE_VENDOR_BASE | 0x010dUL) /* CK_BBOOL, of a key: joined of two, cut of one, or perhaps so (unwrapped) */
#define CKA_DSKE_CONFIRMED (CKDSKE_VENDOR_BASE | 0x010eUL) /* CK_BBOOL, of an agreed key: all ends are known to have it (bConfirm) */
/* Of a key for CKM_DSKE_OTP: CK_ULONG, bytes that a process reserves beyond what it needs, for the messages after; absent: as
 * dske.conf(5) has it.  In templates, and by C_SetAttributeValue. */
#define CKA_DSKE_OTP_SEND_AHEAD (CKDSKE_VENDOR_BASE | 0x010fUL)
#define CKA_DSKE_OTP_RECEIVE_AHEAD (CKDSKE_VENDOR_BASE | 0x0110UL)
#define CKA_DSKE_OTP_CHANGES (CKDSKE_VENDOR_BASE | 0x0111UL) /* CK_ULONG, how often the stored key has changed */
/* Of every key: CK_ULONG, when it came about in this token, or what it is a copy of; seconds since 1970, by this machine's clock. */
#define CKA_DSKE_MADE (CKDSKE_VENDOR_BASE | 0x0112UL)
/* Attributes of a PSKM. */
#define CKA_DSKE_HUB (CKDSKE_VENDOR_BASE | 0x0201UL)        /* hub ID, 16 bytes */
#define CKA_DSKE_TABLE (CKDSKE_VENDOR_BASE | 0x0202UL)      /* table ID, 16 bytes */
#define CKA_DSKE_UP_LEFT (CKDSKE_VENDOR_BASE | 0x0203UL)    /* CK_ULONG, bytes */
#define CKA_DSKE_DOWN_LEFT (CKDSKE_VENDOR_BASE | 0x0204UL)  /* CK_ULONG, bytes */
#define CKA_DSKE_STATE (CKDSKE_VENDOR_BASE | 0x0205UL)      /* text: imported, active, frozen, locked */
#define CKA_DSKE_UP_SIZE (CKDSKE_VENDOR_BASE | 0x0206UL)    /* CK_ULONG, bytes in all */
#define CKA_DSKE_DOWN_SIZE (CKDSKE_VENDOR_BASE | 0x0207UL)  /* CK_ULONG, bytes in all */
#define CKA_DSKE_LASTS_S (CKDSKE_VENDOR_BASE | 0x0208UL)    /* CK_ULONG, seconds that what is left lasts at the rate of
								late; CK_UNAVAILABLE_INFORMATION: no forecast */
#define CKA_DSKE_LOW (CKDSKE_VENDOR_BASE | 0x0209UL)        /* CK_BBOOL: below low_water: get a new PSKM of this hub */
#define CKA_DSKE_CLONE_ALARMS (CKDSKE_VENDOR_BASE | 0x020aUL) /* CK_ULONG, how often another copy was in use */

enum {
	CKDSKE_ROLE_AUTO = 0, /* the lower client ID initiates */
	CKDSKE_ROLE_INITIATOR = 1,
	CKDSKE_ROLE_RECEIVER = 2
};

enum {
	CKDSKE_SCHEME_DEFAULT = 0,
	CKDSKE_SCHEME_SHAMIR = 1,
	CKDSKE_SCHEME_XOR = 2,
	CKDSKE_SCHEME_ADAPTED = 3 /* by a direct link with the peer, as dske.conf(5) has it; an agreed key's attribute
				     tells whether it came by that, or by SHAMIR since the link failed */
};

#define CKDSKE_KEY_ID_LEN 16
#define CKDSKE_CONTEXT_MAX 255

/* Flat: no pointers, so that it can cross a process boundary as bytes.  Zero means the default. */
typedef struct CK_DSKE_DERIVE_PARAMS {
	CK_ULONG ulVersion;      /* 1 */
	CK_ULONG role;           /* CKDSKE_ROLE_* */
	CK_ULONG scheme;         /* CKDSKE_SCHEME_* */
	CK_ULONG n;              /* 0, or exactly the number of configured hubs */
	CK_ULONG k;              /* 0: the configuration's */
	CK_ULONG ulTimeoutMs;    /* 0: the configuration's */
	CK_ULONG bHasKeyId;      /* 1: keyId is used; 0: the initiator draws one */
	CK_ULONG bConfirm;       /* 1: both ends get the key, or neither (a wait for the peer); 0: as the configuration has it */
	CK_ULONG ulContextLen;   /* bytes of context, at most CKDSKE_CONTEXT_MAX */
	CK_BYTE keyId[CKDSKE_KEY_ID_LEN];
	CK_BYTE context[CKDSKE_CONTEXT_MAX + 1];
} CK_DSKE_DERIVE_PARAMS;

#endif
