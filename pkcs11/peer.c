/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "pkcs11/peer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "pkcs11/module.h"

/* OBJECT IDENTIFIER of P-256 (RFC 5480, 2.1.1.1), and a point of it in an OCTET STRING: a client wants to
 * see a public key.  x is the text "DSKE stand-in, not a public key!", so that nobody knows a private key
 * for it; y is the even root. */
static const unsigned char ec_params[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
static const unsigned char ec_point[] =
	"\x04\x41\x04"
	"DSKE stand-in, not a public key!"
	"\xdf\x5e\xbf\x0e\x08\x25\x65\xd4\x55\x79\xa8\x4c\xe1\x2d\xe2\x0e"
	"\x74\xf2\x30\x4c\xf1\x71\x45\x69\xa4\xd9\x08\xff\xa7\xef\x5b\x6e";

/* ---- making ---------------------------------------------------------------------------------------- */

/* The token's own objects have a CKA_UNIQUE_ID that follows from whose they are, so that every process tells the same. */
static CK_RV common_attributes(struct attrs *a, CK_OBJECT_CLASS class, bool token, bool is_private)
{
	TRY_RV(attrs_set_ulong(a, CKA_CLASS, class));
	TRY_RV(attrs_set_bool(a, CKA_TOKEN, token));
	TRY_RV(attrs_set_bool(a, CKA_PRIVATE, is_private));
	TRY_RV(attrs_set_bool(a, CKA_MODIFIABLE, false));
	TRY_RV(attrs_set_bool(a, CKA_COPYABLE, false));
	return attrs_set_bool(a, CKA_DESTROYABLE, false);
}

static CK_RV set_unique_id(struct attrs *a, const char *kind, const struct id *whose)
{
	char text[ID_HEX_LEN + 16], hex[ID_HEX_LEN];

	snprintf(text, sizeof text, "%s-%s", kind, id_hex(whose, hex));
	return attrs_set_text(a, CKA_UNIQUE_ID, text);
}

static CK_RV peer_attributes(struct attrs *a, const struct peer *p)
{
	TRY_RV(common_attributes(a, CKO_DSKE_PEER, true, false));
	TRY_RV(set_unique_id(a, "peer", &p->id));
	TRY_RV(attrs_set_text(a, CKA_LABEL, p->name));
	TRY_RV(attrs_set(a, CKA_ID, p->id.b, sizeof p->id.b));
	TRY_RV(attrs_set_bool(a, CKA_DERIVE, true));
	TRY_RV(attrs_set_bool(a, CKA_WRAP, true)); /* tickets: ticket.h */
	TRY_RV(attrs_set_bool(a, CKA_UNWRAP, true));
	TRY_RV(attrs_set(a, CKA_DSKE_PEER, p->id.b, sizeof p->id.b));
	return attrs_set_text(a, CKA_DSKE_PEER_NAME, p->name);
}

/* id: "PEER", a token object, or "PEER/NAME", which lives as long as a session. */
static CK_RV ec_attributes(struct attrs *a, const struct peer *p, const void *id, size_t id_len, bool token,
			   bool is_private)
{
	struct id own = p->id;

	if (!token)
		TRY_RV(rv_from(id_random(&own)));
	TRY_RV(common_attributes(a, CKO_PRIVATE_KEY, token, is_private));
	TRY_RV(set_unique_id(a, token ? "peer-key" : "named-key", &own));
	TRY_RV(attrs_set_ulong(a, CKA_KEY_TYPE, CKK_EC));
	TRY_RV(attrs_set(a, CKA_LABEL, id, id_len));
	TRY_RV(attrs_set(a, CKA_ID, id, id_len));
	TRY_RV(attrs_set_bool(a, CKA_SENSITIVE, true));
	TRY_RV(attrs_set_bool(a, CKA_EXTRACTABLE, false));
	TRY_RV(attrs_set_bool(a, CKA_ALWAYS_SENSITIVE, true));
	TRY_RV(attrs_set_bool(a, CKA_NEVER_EXTRACTABLE, true));
	TRY_RV(attrs_set_bool(a, CKA_ALWAYS_AUTHENTICATE, false));
	TRY_RV(attrs_set_bool(a, CKA_LOCAL, false));
	TRY_RV(attrs_set_bool(a, CKA_SIGN, false));
	TRY_RV(attrs_set_bool(a, CKA_DECRYPT, false));
	TRY_RV(attrs_set_bool(a, CKA_UNWRAP, token));
	TRY_RV(attrs_set_bool(a, CKA_DERIVE, true));
	TRY_RV(attrs_set(a, CKA_EC_PARAMS, ec_params, sizeof ec_params));
	TRY_RV(attrs_set(a, CKA_EC_POINT, ec_point, sizeof ec_point - 1));
	TRY_RV(attrs_set(a, CKA_DSKE_PEER, p->id.b, sizeof p->id.b));
	return attrs_set_text(a, CKA_DSKE_PEER_NAME, p->name);
}

/* With the module's lock.  Takes the reference, whatever happens. */
static CK_RV add_or_drop(struct module *m, struct object *o, CK_RV filled)
{
	if (filled == CKR_OK)
		return objects_add(&m->objects, o);
	object_unref(o);
	return filled;
}

/* With the module's lock.  The EC keys that are found by listing are private on a token with a PIN: stock
 * clients look without a login first, and log in only if they find no key. */
static enum object_sight peer_sight(const struct module *m, enum object_kind kind)
{
	return kind == OBJECT_PEER_KEY && m->login.required ? SIGHT_USER : SIGHT_ALL;
}

/* With the module's lock. */
static CK_RV peer_object_add(struct module *m, enum object_kind kind, const struct peer *p)
{
	struct object *o = object_new(kind, SLOT_AGREEMENT);

	if (o == NULL)
		return CKR_HOST_MEMORY;
	strcpy(o->peer, p->name);
	o->seen = true;
	o->sight = peer_sight(m, kind);
	return add_or_drop(m, o, kind == OBJECT_PEER
					 ? peer_attributes(&o->attrs, p)
					 : ec_attributes(&o->attrs, p, p->name, strlen(p->name), true,
							 o->sight == SIGHT_USER));
}

/* ---- peers ------------------------------------------------------------------------------------------ */

/* With the module's lock: the object of this kind for this peer, if it still says what holds now. */
static struct object *peer_object(const struct module *m, enum object_kind kind, const struct peer *p)
{
	struct object *o = objects_first(&m->objects, CKA_LABEL, p->name, strlen(p->name));

	for (; o != NULL; o = objects_next(o, CKA_LABEL)) {
		const CK_ATTRIBUTE *id = attrs_get(&o->attrs, CKA_DSKE_PEER);
		if (o->kind == kind && !o->named && o->sight == peer_sight(m, kind) && strcmp(o->peer, p->name) == 0 &&
		    id != NULL && memcmp(id->pValue, p->id.b, sizeof p->id.b) == 0)
			return o;
	}
	return NULL;
}

static bool is_peer(const struct object *o)
{
	return o->kind == OBJECT_PEER || o->kind == OBJECT_PEER_KEY;
}

/* With the module's lock: those of peers that are no longer known go. */
static void peers_sweep(struct module *m, const struct peers *known)
{
	for (struct object *o = m->objects.oldest, *newer; o != NULL; o = newer) {
		newer = o->newer;
		if (is_peer(o) && !o->seen && !(o->named && peers_by_name(known, o->peer) != NULL))
			objects_remove(&m->objects, o);
	}
}

/* With the module's lock: are all there, and no others?  Asked at each search, it looks at no key. */
static bool peers_stand(const struct module *m, const struct peers *known)
{
	if (m->objects.peers != 2 * known->count)
		return false;
	for (size_t i = 0; i < known->count; i++)
		if (peer_object(m, OBJECT_PEER, &known->peer[i]) == NULL ||
		    peer_object(m, OBJECT_PEER_KEY, &known->peer[i]) == NULL)
			return false;
	return true;
}

/* With the module's lock. */
static CK_RV peers_merge(struct module *m, const struct peers *known)
{
	static const enum object_kind kinds[] = {OBJECT_PEER, OBJECT_PEER_KEY};

	if (peers_stand(m, known))
		return CKR_OK;
	for (struct object *o = m->objects.oldest; o != NULL; o = o->newer)
		o->seen = false;
	for (size_t i = 0; i < known->count; i++) {
		for (int k = 0; k < 2; k++) {
			struct object *o = peer_object(m, kinds[k], &known->peer[i]);
			if (o == NULL)
				TRY_RV(peer_object_add(m, kinds[k], &known->peer[i]));
			else
				o->seen = true;
		}
	}
	peers_sweep(m, known);
	return CKR_OK;
}

static CK_RV known_peers(struct module *m, struct peers *known)
{
	dske_rc rc = client_refresh(m->client);

	if (rc_ok(rc))
		rc = client_peers(m->client, known);
	if (!rc_ok(rc))
		log_error("cannot list the peers: %s", rc_detail(rc));
	return rv_from(rc);
}

static CK_RV agreement_sync(struct module *m)
{
	AUTO(peers) known = {0};

	TRY_RV(login_refresh(m));
	TRY_RV(known_peers(m, &known));
	module_lock(m);
	CK_RV rv = peers_merge(m, &known);
	module_unlock(m);
	return rv;
}

CK_RV peer_named(struct module *m, const void *name, size_t len, struct object **peer)
{
	if (m->client == NULL)
		return CKR_TOKEN_NOT_PRESENT;
	TRY_RV(agreement_sync(m));
	module_lock(m);
	struct object *o = objects_first(&m->objects, CKA_LABEL, name, len);
	while (o != NULL && (o->kind != OBJECT_PEER || strlen(o->peer) != len || memcmp(o->peer, name, len) != 0))
		o = objects_next(o, CKA_LABEL);
	*peer = o != NULL ? object_ref(o) : NULL;
	module_unlock(m);
	return CKR_OK;
}

CK_RV peer_name_key(struct module *m, const struct session *s, const void *id, size_t len)
{
	AUTO(peers) known = {0};
	char name[NAME_MAX_LEN + 1];
	const char *slash = memchr(id, '/', len);
	size_t name_len = slash != NULL ? (size_t)(slash - (const char *)id) : sizeof name;

	/* The context of an agreement is at most 255 bytes; an empty NAME is no name. */
	if (name_len == 0 || name_len >= sizeof name || len - name_len - 1 == 0 || len - name_len - 1 > TERMS_CONTEXT_MAX)
		return CKR_OK;
	memcpy(name, id, name_len);
	name[name_len] = '\0';
	TRY_RV(known_peers(m, &known));
	const struct peer *p = peers_by_name(&known, name);
	if (p == NULL)
		return CKR_OK;

	CK_RV rv = CKR_OK;
	module_lock(m);
	struct object *o = objects_first(&m->objects, CKA_ID, id, len);
	while (o != NULL && (!o->named || o->session != s->handle))
		o = objects_next(o, CKA_ID);
	if (o == NULL && !s->closed) {
		o = object_new(OBJECT_PEER_KEY, SLOT_AGREEMENT);
		if (o != NULL) {
			o->named = true;
			o->session = s->handle;
			strcpy(o->peer, p->name);
			o->context_len = (unsigned char)(len - name_len - 1);
			memcpy(o->context, slash + 1, o->context_len);
			rv = add_or_drop(m, o, ec_attributes(&o->attrs, p, id, len, false, false));
		} else {
			rv = CKR_HOST_MEMORY;
		}
	}
	module_unlock(m);
	return rv;
}

/* ---- PSKMs ------------------------------------------------------------------------------------------ */

static CK_RV pskm_attributes(struct attrs *a, const struct client_hub *h)
{
	bool usable = rc_ok(h->rc);
	uint64_t lasts = usable ? h->status.supply.lasts_s : SUPPLY_UNKNOWN;

	TRY_RV(common_attributes(a, CKO_DSKE_PSKM, true, false));
	TRY_RV(set_unique_id(a, "pskm", &h->table));
	TRY_RV(attrs_set_text(a, CKA_LABEL, h->name));
	TRY_RV(attrs_set(a, CKA_ID, h->table.b, sizeof h->table.b));
	TRY_RV(attrs_set(a, CKA_DSKE_HUB, h->hub.b, sizeof h->hub.b));
	TRY_RV(attrs_set(a, CKA_DSKE_TABLE, h->table.b, sizeof h->table.b));
	TRY_RV(attrs_set_text(a, CKA_DSKE_STATE, usable ? table_state_name(h->status.state) : rc_text(h->rc)));
	TRY_RV(attrs_set_ulong(a, CKA_DSKE_UP_LEFT, usable ? h->status.up_left : 0));
	TRY_RV(attrs_set_ulong(a, CKA_DSKE_DOWN_LEFT, usable ? h->status.down_left : 0));
	TRY_RV(attrs_set_ulong(a, CKA_DSKE_UP_SIZE, usable ? h->status.up_len : 0));
	TRY_RV(attrs_set_ulong(a, CKA_DSKE_DOWN_SIZE, usable ? h->status.down_len : 0));
	TRY_RV(attrs_set_ulong(a, CKA_DSKE_LASTS_S, lasts == SUPPLY_UNKNOWN ? CK_UNAVAILABLE_INFORMATION : lasts));
	TRY_RV(attrs_set_bool(a, CKA_DSKE_LOW, h->low));
	return attrs_set_ulong(a, CKA_DSKE_CLONE_ALARMS, h->status.clone_alarms);
}

/* With the module's lock. */
static CK_RV pskm_merge(struct module *m, CK_SLOT_ID slot, const struct client_hub *h)
{
	struct attrs fresh = {0};
	struct object *o = objects_first(&m->objects, CKA_ID, h->table.b, sizeof h->table.b);

	while (o != NULL && o->kind != OBJECT_PSKM)
		o = objects_next(o, CKA_ID);
	if (o == NULL) {
		o = object_new(OBJECT_PSKM, slot);
		return o == NULL ? CKR_HOST_MEMORY : add_or_drop(m, o, pskm_attributes(&o->attrs, h));
	}
	CK_RV rv = pskm_attributes(&fresh, h);
	if (rv == CKR_OK) {
		struct attrs former = o->attrs;
		o->attrs = fresh;
		fresh = former;
		objects_reindex(&m->objects, o);
	}
	attrs_drop(&fresh);
	return rv;
}

static CK_RV pskm_sync(struct module *m, CK_SLOT_ID slot)
{
	struct client_hub *hubs = NULL;
	size_t count = 0;
	CK_RV rv = CKR_OK;

	TRY_RV(rv_from(client_hubs(m->client, &hubs, &count)));
	module_lock(m);
	for (size_t i = 0; i < count && rv == CKR_OK; i++) {
		if (id_equal(&hubs[i].table, &m->slots.pskm[slot - 1].table))
			rv = pskm_merge(m, slot, &hubs[i]);
	}
	module_unlock(m);
	free(hubs);
	return rv;
}

CK_RV peer_sync(struct module *m, CK_SLOT_ID slot)
{
	if (m->client == NULL)
		return CKR_OK;
	return slot == SLOT_AGREEMENT ? agreement_sync(m) : pskm_sync(m, slot);
}
