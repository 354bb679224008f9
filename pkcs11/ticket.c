/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "pkcs11/ticket.h"

#include <string.h>

#include "base/log.h"
#include "core/terms.h"
#include "pkcs11/agree.h"
#include "pkcs11/key.h"
#include "pkcs11/module.h"
#include "pkcs11/output.h"

static const uint8_t magic[8] = {'D', 'S', 'K', 'E', 't', 'k', 't', 1};
static const uint8_t zeros[4];

/* ---- the bytes -------------------------------------------------------------------------------------------- */

void ticket_write(const struct ticket *t, uint8_t out[TICKET_LEN])
{
	memset(out, 0, TICKET_LEN);
	memcpy(out, magic, sizeof magic);
	for (int i = 0; i < 4; i++)
		out[8 + i] = (uint8_t)(t->key_len >> (24 - 8 * i));
	memcpy(out + 16, t->key_id.b, ID_LEN);
	memcpy(out + 32, t->initiator.b, ID_LEN);
	memcpy(out + 48, t->receiver.b, ID_LEN);
}

CK_RV ticket_read(struct ticket *t, const uint8_t *in, CK_ULONG len)
{
	if (len != TICKET_LEN)
		return CKR_WRAPPED_KEY_LEN_RANGE;
	if (memcmp(in, magic, sizeof magic) != 0 || memcmp(in + 12, zeros, sizeof zeros) != 0)
		return CKR_WRAPPED_KEY_INVALID;
	t->key_len = (uint32_t)in[8] << 24 | (uint32_t)in[9] << 16 | (uint32_t)in[10] << 8 | in[11];
	memcpy(t->key_id.b, in + 16, ID_LEN);
	memcpy(t->initiator.b, in + 32, ID_LEN);
	memcpy(t->receiver.b, in + 48, ID_LEN);
	return t->key_len >= KEY_LEN_MIN && t->key_len <= KEY_HELD_MAX ? CKR_OK : CKR_WRAPPED_KEY_INVALID;
}

/* ---- who and which ---------------------------------------------------------------------------------------- */

static bool is_peer(const struct object *o)
{
	return o->kind == OBJECT_PEER || (o->kind == OBJECT_PEER_KEY && !o->named);
}

/* An attribute that is a client's or a key's ID.  With the module's lock. */
static bool get_id(const struct object *o, CK_ATTRIBUTE_TYPE type, struct id *id)
{
	const CK_ATTRIBUTE *a = attrs_get(&o->attrs, type);

	if (a == NULL || a->ulValueLen != sizeof id->b)
		return false;
	memcpy(id->b, a->pValue, sizeof id->b);
	return true;
}

/* ---- the initiator ---------------------------------------------------------------------------------------- */

/* Of a key that was agreed on with that peer, and by us: only then the hubs keep shares for him. */
static CK_RV ticket_of(struct module *m, const struct object *peer, const struct object *key, struct ticket *t)
{
	const struct id own = client_config(m->client)->id;
	struct id with;

	module_lock(m);
	bool agreed = key->kind == OBJECT_KEY && get_id(key, CKA_DSKE_KEY_ID, &t->key_id) &&
		      get_id(key, CKA_DSKE_INITIATOR, &t->initiator) && get_id(key, CKA_DSKE_PEER, &with) &&
		      get_id(peer, CKA_DSKE_PEER, &t->receiver);
	t->key_len = (uint32_t)attrs_get_ulong(&key->attrs, CKA_VALUE_LEN, 0);
	module_unlock(m);
	return agreed && id_equal(&with, &t->receiver) && id_equal(&t->initiator, &own) ? CKR_OK : CKR_KEY_NOT_WRAPPABLE;
}

static CK_RV write_under(struct module *m, const struct object *peer, const struct object *key, CK_BYTE *out,
			 CK_ULONG *out_len)
{
	struct ticket t;
	CK_RV rv;

	if (!is_peer(peer))
		return CKR_WRAPPING_KEY_TYPE_INCONSISTENT;
	TRY_RV(ticket_of(m, peer, key, &t));
	if (!output_wanted(out, out_len, TICKET_LEN, &rv))
		return rv;
	ticket_write(&t, out);
	return CKR_OK;
}

static CK_RV wrap(struct module *m, struct session *s, const CK_MECHANISM *mech, CK_OBJECT_HANDLE wrapping,
		  CK_OBJECT_HANDLE handle, CK_BYTE *out, CK_ULONG *out_len)
{
	if (mech->pParameter != NULL || mech->ulParameterLen != 0)
		return CKR_MECHANISM_PARAM_INVALID;
	struct object *peer = object_get(m, s, wrapping);
	if (peer == NULL)
		return CKR_WRAPPING_KEY_HANDLE_INVALID;
	struct object *key = object_get(m, s, handle);
	CK_RV rv = key != NULL ? write_under(m, peer, key, out, out_len) : CKR_KEY_HANDLE_INVALID;
	object_unref(key);
	object_unref(peer);
	return rv;
}

/* ---- the receiver ----------------------------------------------------------------------------------------- */

static CK_RV read_request(const struct agreement *a, const struct object *key, struct agree_request *q)
{
	const struct ticket *t = a->given;
	const CK_ATTRIBUTE *len = attr_find(a->templ, a->n, CKA_VALUE_LEN);

	if (len != NULL && q->key_len != t->key_len)
		return CKR_TEMPLATE_INCONSISTENT;
	if (!key_len_possible(attrs_get_ulong(&key->attrs, CKA_KEY_TYPE, CKK_GENERIC_SECRET), t->key_len))
		return CKR_TEMPLATE_INCONSISTENT;
	q->role = ROLE_RECEIVER;
	q->key_len = t->key_len;
	q->has_key_id = true;
	q->key_id = t->key_id;
	return CKR_OK;
}

/* Is it from that peer, and for us? */
static CK_RV check_parties(struct module *m, const struct object *peer, const struct ticket *t)
{
	const struct id own = client_config(m->client)->id;
	struct id from;

	module_lock(m);
	bool theirs = get_id(peer, CKA_DSKE_PEER, &from) && id_equal(&from, &t->initiator);
	module_unlock(m);
	if (theirs && id_equal(&t->receiver, &own))
		return CKR_OK;
	log_warn("the ticket is not one from %s to us", peer->peer);
	return CKR_WRAPPED_KEY_INVALID;
}

static CK_RV unwrap(struct module *m, struct session *s, const CK_MECHANISM *mech, CK_OBJECT_HANDLE unwrapping,
		    const CK_BYTE *in, CK_ULONG in_len, const CK_ATTRIBUTE *templ, CK_ULONG n, CK_OBJECT_HANDLE *out)
{
	struct ticket t;

	if (mech->pParameter != NULL || mech->ulParameterLen != 0)
		return CKR_MECHANISM_PARAM_INVALID;
	TRY_RV(ticket_read(&t, in, in_len));
	struct object *peer = object_get(m, s, unwrapping);
	if (peer == NULL)
		return CKR_UNWRAPPING_KEY_HANDLE_INVALID;
	const struct agreement a = {.m = m,
				    .s = s,
				    .peer = peer,
				    .templ = templ,
				    .n = n,
				    .out = out,
				    .when = ATTR_IN_UNWRAP,
				    .generator = CK_UNAVAILABLE_INFORMATION,
				    .read = read_request,
				    .given = &t};
	CK_RV rv = is_peer(peer) ? check_parties(m, peer, &t) : CKR_UNWRAPPING_KEY_TYPE_INCONSISTENT;
	if (rv == CKR_OK)
		rv = agree_key(&a);
	object_unref(peer);
	return rv;
}

const struct wrap_kind wrap_ticket = {wrap, unwrap};
