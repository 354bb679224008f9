/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "vpn/packet.h"

#include <endian.h>
#include <openssl/evp.h>
#include <string.h>

#include "base/crypto.h"

dske_rc packet_tagger_init(struct packet_tagger *t)
{
	EVP_MAC *maker = crypto_maker(CRYPTO_POLY1305);
	t->poly1305 = maker == NULL ? NULL : EVP_MAC_CTX_new(maker);
	return t->poly1305 != NULL ? DSKE_OK : rc_make(DSKE_RC_NOMEM);
}

void packet_tagger_drop(struct packet_tagger *t)
{
	EVP_MAC_CTX_free(t->poly1305);
	t->poly1305 = NULL;
}

/* ---- the head ---------------------------------------------------------------------------------------------- */

static void write_head(uint8_t out[PACKET_HEAD], enum packet_kind kind, uint8_t flags, uint32_t unit, uint64_t name)
{
	uint32_t u = htobe32(unit);
	uint64_t n = htobe64(name);
	out[0] = (uint8_t)kind;
	out[1] = flags;
	out[2] = out[3] = 0;
	memcpy(out + 4, &u, sizeof u);
	memcpy(out + 8, &n, sizeof n);
}

bool packet_read_head(struct packet_head *head, const uint8_t *datagram, size_t len)
{
	uint32_t unit;
	uint64_t name;
	if (len <= PACKET_MORE || len > PACKET_CONTENT_MAX + PACKET_MORE)
		return false;
	uint8_t most = datagram[0] == PACKET_DATA ? PACKET_PARTIAL : 0;
	if ((datagram[0] != PACKET_DATA && datagram[0] != PACKET_WORD) || datagram[1] > most || datagram[2] != 0 ||
	    datagram[3] != 0)
		return false;
	memcpy(&unit, datagram + 4, sizeof unit);
	memcpy(&name, datagram + 8, sizeof name);
	*head = (struct packet_head){datagram[0], datagram[1], be32toh(unit), be64toh(name)};
	return true;
}

/* ---- pad and tag ------------------------------------------------------------------------------------------- */

/* Registers of 16 bytes; a compiler makes none of a loop over bytes at -O2. */
typedef uint64_t lanes __attribute__((vector_size(16)));
#define LANES 4
#define STEP (LANES * sizeof(lanes))

/* in is out, or apart from it: a step is read whole before it is written. */
static void xor_step(uint8_t *out, const uint8_t *in, const uint8_t *pad)
{
	lanes a[LANES], b[LANES];
	memcpy(a, in, STEP);
	memcpy(b, pad, STEP);
	for (size_t i = 0; i < LANES; i++)
		a[i] ^= b[i];
	memcpy(out, a, STEP);
}

static void xor_pad(uint8_t *out, const uint8_t *in, const uint8_t *pad, size_t len)
{
	size_t at = 0;
	for (; len - at >= STEP; at += STEP)
		xor_step(out + at, in + at, pad + at);
	for (; at < len; at++)
		out[at] = in[at] ^ pad[at];
}

static bool tag_of(struct packet_tagger *t, uint8_t tag[PACKET_TAG], const uint8_t key[PACKET_KEY], const uint8_t *bytes, size_t len)
{
	size_t tag_len = PACKET_TAG;
	return EVP_MAC_init(t->poly1305, key, PACKET_KEY, NULL) == 1 && EVP_MAC_update(t->poly1305, bytes, len) == 1 &&
	       EVP_MAC_final(t->poly1305, tag, &tag_len, PACKET_TAG) == 1;
}

dske_rc packet_seal(struct packet_tagger *t, struct pad *pad, enum packet_kind kind, uint8_t flags, uint8_t *out,
		    const uint8_t *content, size_t len)
{
	uint32_t unit;
	const uint8_t *p = pad_take(pad, PACKET_KEY + len, &unit);
	if (p == NULL)
		return rc_make(DSKE_RC_EXHAUSTED);
	write_head(out, kind, flags, unit, pad->name);
	xor_pad(out + PACKET_HEAD, content, p + PACKET_KEY, len);
	bool ok = tag_of(t, out + PACKET_HEAD + len, p, out, PACKET_HEAD + len);
	pad_spent(pad, unit, PACKET_KEY + len);
	return ok ? DSKE_OK : rc_make(DSKE_RC_NOMEM);
}

dske_rc packet_open(struct packet_tagger *t, struct pad *pad, const struct packet_head *head, uint8_t *out,
		    const uint8_t *datagram, size_t len)
{
	uint8_t tag[PACKET_TAG];
	size_t content_len = len - PACKET_MORE;
	const uint8_t *p = pad_at(pad, head->unit, PACKET_KEY + content_len);
	if (p == NULL)
		return rc_make(DSKE_RC_USED);
	if (!tag_of(t, tag, p, datagram, len - PACKET_TAG))
		return rc_make(DSKE_RC_NOMEM);
	if (!mem_equal(tag, datagram + len - PACKET_TAG, PACKET_TAG))
		return rc_make(DSKE_RC_TAG);
	xor_pad(out, datagram + PACKET_HEAD, p + PACKET_KEY, content_len);
	pad_burn(pad, head->unit, PACKET_KEY + content_len);
	return DSKE_OK;
}
