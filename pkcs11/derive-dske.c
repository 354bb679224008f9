/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "pkcs11/derive.h"
#include "pkcs11/key.h"
#include "pkcs11/mech.h"
#include "pkcs11/module.h"

/* ---- CKM_DSKE_DERIVE ----------------------------------------------------------------------------------- */

/* How many hubs an agreement would have: those that we have a table of (tables are ordered by hub). */
static CK_RV hub_count(struct module *m, CK_ULONG *out)
{
	struct client_hub *hubs = NULL;
	size_t count = 0;

	TRY_RV(rv_from(client_hubs(m->client, &hubs, &count)));
	*out = 0;
	for (size_t i = 0; i < count; i++)
		*out += i == 0 || !id_equal(&hubs[i].hub, &hubs[i - 1].hub);
	free(hubs);
	return CKR_OK;
}

static CK_RV read_dske(struct module *m, struct agree_request *q, const CK_MECHANISM *mech)
{
	static const enum scheme schemes[] = {
		[CKDSKE_SCHEME_DEFAULT] = SCHEME_COUNT, [CKDSKE_SCHEME_SHAMIR] = SCHEME_SHAMIR, [CKDSKE_SCHEME_XOR] = SCHEME_XOR,
		[CKDSKE_SCHEME_ADAPTED] = SCHEME_ADAPTED};
	static const enum agree_role roles[] = {[CKDSKE_ROLE_AUTO] = ROLE_AUTO,
						[CKDSKE_ROLE_INITIATOR] = ROLE_INITIATOR,
						[CKDSKE_ROLE_RECEIVER] = ROLE_RECEIVER};
	CK_DSKE_DERIVE_PARAMS p;
	CK_ULONG hubs;

	if (mech->pParameter == NULL && mech->ulParameterLen == 0)
		return CKR_OK;
	if (mech->pParameter == NULL || mech->ulParameterLen != sizeof p)
		return CKR_MECHANISM_PARAM_INVALID;
	memcpy(&p, mech->pParameter, sizeof p);
	if (p.ulVersion != 1 || p.role > CKDSKE_ROLE_RECEIVER || p.scheme > CKDSKE_SCHEME_ADAPTED || p.k > TERMS_HUBS_MAX ||
	    p.ulTimeoutMs > INT32_MAX || p.bHasKeyId > 1 || p.ulContextLen > CKDSKE_CONTEXT_MAX)
		return CKR_MECHANISM_PARAM_INVALID;
	if (p.n != 0) {
		TRY_RV(hub_count(m, &hubs));
		if (p.n != hubs)
			return CKR_MECHANISM_PARAM_INVALID;
	}
	q->role = roles[p.role];
	q->scheme = schemes[p.scheme];
	q->k = (uint8_t)p.k;
	q->timeout_ms = (int64_t)p.ulTimeoutMs;
	q->has_key_id = p.bHasKeyId == 1;
	memcpy(q->key_id.b, p.keyId, sizeof q->key_id.b);
	q->context_len = (uint8_t)p.ulContextLen;
	memcpy(q->context, p.context, p.ulContextLen);
	return CKR_OK;
}

const struct derive_kind derive_dske = {.run = derive_agreement, .base = OBJECT_PEER, .read = read_dske};

/* ---- CKM_ECDH1_DERIVE ---------------------------------------------------------------------------------- */

/* Uncompressed points as they are, and in an OCTET STRING (PKCS#11 2.40, 2.3.7 allows both). */
static const struct curve {
	size_t raw, der, header, bytes;
} curves[] = {
	{65, 67, 2, 32},   /* P-256 */
	{97, 99, 2, 48},   /* P-384 */
	{133, 136, 3, 66}, /* P-521 */
};

/* Finds x of the point: big-endian, curve->bytes long. */
static const struct curve *point_x(const unsigned char *point, size_t len, const unsigned char **x)
{
	for (size_t i = 0; i < sizeof curves / sizeof curves[0]; i++) {
		const struct curve *c = &curves[i];
		size_t skip = len == c->der ? c->header : 0;
		if ((len != c->der && len != c->raw) || point[0] != 0x04 || point[skip] != 0x04)
			continue;
		*x = point + skip + 1;
		return c;
	}
	return NULL;
}

/* Route B: a key ID in x's last 32 bytes.  A point without the mark is a stand-in. */
static void point_key_id(struct agree_request *q, const unsigned char *x, size_t len)
{
	const unsigned char *last = x + len - 32;
	size_t mark = strlen(DERIVE_POINT_MARK);

	if (memcmp(last, DERIVE_POINT_MARK, mark) != 0)
		return;
	q->has_key_id = true;
	memcpy(q->key_id.b, last + mark, sizeof q->key_id.b);
}

static CK_RV read_ecdh1(struct module *m, struct agree_request *q, const CK_MECHANISM *mech)
{
	CK_ECDH1_DERIVE_PARAMS p;
	const unsigned char *x;

	(void)m;
	if (mech->pParameter == NULL || mech->ulParameterLen != sizeof p)
		return CKR_MECHANISM_PARAM_INVALID;
	memcpy(&p, mech->pParameter, sizeof p);
	if (p.kdf != CKD_NULL || p.ulSharedDataLen != 0 || p.pPublicData == NULL || p.ulPublicDataLen == 0)
		return CKR_MECHANISM_PARAM_INVALID;
	const struct curve *c = point_x(p.pPublicData, p.ulPublicDataLen, &x);
	if (c == NULL)
		return CKR_MECHANISM_PARAM_INVALID;
	if (q->key_len == 0)
		q->key_len = (uint32_t)c->bytes;
	if (q->key_len > c->bytes)
		return CKR_TEMPLATE_INCONSISTENT;
	point_key_id(q, x, c->bytes);
	return CKR_OK;
}

const struct derive_kind derive_ecdh1 = {.run = derive_agreement, .base = OBJECT_PEER_KEY, .read = read_ecdh1};

/* ---- the request ---------------------------------------------------------------------------------------- */

/* How long a key the template wants; 0: neither it nor the key's type says. */
static CK_RV wanted_len(const struct object *key, const CK_ATTRIBUTE *templ, CK_ULONG n, uint32_t *len)
{
	CK_KEY_TYPE type = attrs_get_ulong(&key->attrs, CKA_KEY_TYPE, CKK_GENERIC_SECRET);
	CK_ULONG given = attr_ulong(templ, n, CKA_VALUE_LEN, key_len_preset(type));

	if (attr_find(templ, n, CKA_VALUE_LEN) != NULL && (given < KEY_LEN_MIN || given > KEY_HELD_MAX))
		return CKR_KEY_SIZE_RANGE;
	if (given != 0 && !key_len_possible(type, given))
		return CKR_KEY_SIZE_RANGE;
	*len = (uint32_t)given;
	return CKR_OK;
}

static CK_RV check_login(struct module *m)
{
	TRY_RV(login_refresh(m));
	module_lock(m);
	bool enough = login_suffices(m);
	module_unlock(m);
	return enough ? CKR_OK : CKR_USER_NOT_LOGGED_IN;
}

/* Everything that can be wrong is found here, before a byte of a table is used. */
static CK_RV derive_prepare(const struct derive_call *c, struct agree_request *q, struct object **key)
{
	const struct key_origin agreed = {.when = ATTR_IN_GENERATE,
					  .type = CKK_GENERIC_SECRET,
					  .mech = CK_UNAVAILABLE_INFORMATION,
					  .base = c->base};

	if (c->base->kind != c->row->derive->base)
		return CKR_KEY_TYPE_INCONSISTENT;
	TRY_RV(check_login(c->m));
	TRY_RV(attr_check(c->templ, c->n, ATTR_OF_KEY, ATTR_IN_GENERATE));
	/* Extraction asked for and forbidden is refused, never silently changed. */
	if (attr_bool(c->templ, c->n, CKA_EXTRACTABLE, false) &&
	    !config_extract_allowed(client_config(c->m->client), c->base->peer))
		return CKR_TEMPLATE_INCONSISTENT;
	*q = (struct agree_request){
		.scheme = SCHEME_COUNT, .context_len = c->base->context_len, .cancelled = &c->s->closed};
	strcpy(q->peer, c->base->peer);
	memcpy(q->context, c->base->context, c->base->context_len);
	TRY_RV(key_new(c->m, c->s, &agreed, c->templ, c->n, key));
	TRY_RV(wanted_len(*key, c->templ, c->n, &q->key_len));
	return c->row->derive->read(c->m, q, c->mech);
}

/* ---- the result ----------------------------------------------------------------------------------------- */

/* The sentence first, then a line for each hub that failed, then what to do. */
static void derive_log_failure(const struct agree_request *q, const struct agree_result *r, dske_rc rc)
{
	log_warn("no key with %s: %s", q->peer, rc_detail(rc));
	for (size_t i = 0; i < r->report.count; i++) {
		const struct hub_report *h = &r->report.hub[i];
		if (!rc_ok(h->rc))
			log_warn("hub %s at %s: %s", h->name, h->address, h->detail[0] != '\0' ? h->detail : rc_text(h->rc));
	}
	if (r->report.advice[0] != '\0')
		log_warn("what to do: %s", r->report.advice);
}

/* Names of the hubs that took part, by commas. */
static CK_RV set_hubs(struct attrs *a, const struct report *r)
{
	char *text = malloc(r->count * (NAME_MAX_LEN + 2) + 1);
	size_t len = 0;

	if (text == NULL)
		return CKR_HOST_MEMORY;
	text[0] = '\0';
	for (size_t i = 0; i < r->count; i++) {
		if (rc_ok(r->hub[i].rc))
			len += (size_t)sprintf(text + len, "%s%s", len > 0 ? "," : "", r->hub[i].name);
	}
	CK_RV rv = attrs_set(a, CKA_DSKE_HUBS, text, len);
	free(text);
	return rv;
}

/* ID and label, if the template did not say them: the key ID; peer and context. */
static CK_RV set_names(struct attrs *a, const struct agree_request *q, const struct agree_result *r)
{
	char label[NAME_MAX_LEN + 1 + TERMS_CONTEXT_MAX];
	size_t len = strlen(q->peer);

	if (attrs_get(a, CKA_ID)->ulValueLen == 0)
		TRY_RV(attrs_set(a, CKA_ID, r->key_id.b, sizeof r->key_id.b));
	if (attrs_get(a, CKA_LABEL)->ulValueLen > 0)
		return CKR_OK;
	memcpy(label, q->peer, len);
	if (q->context_len > 0) {
		label[len++] = '/';
		memcpy(label + len, q->context, q->context_len);
		len += q->context_len;
	}
	return attrs_set(a, CKA_LABEL, label, len);
}

static CK_ULONG scheme_of(const struct agree_result *r)
{
	switch (r->scheme) {
	case SCHEME_XOR:
		return CKDSKE_SCHEME_XOR;
	case SCHEME_ADAPTED:
		return CKDSKE_SCHEME_ADAPTED;
	default:
		return CKDSKE_SCHEME_SHAMIR;
	}
}

static CK_RV derive_attributes(struct attrs *a, const struct agree_request *q, const struct agree_result *r)
{
	TRY_RV(set_names(a, q, r));
	TRY_RV(set_hubs(a, &r->report));
	TRY_RV(attrs_set(a, CKA_DSKE_PEER, r->peer.b, sizeof r->peer.b));
	TRY_RV(attrs_set_text(a, CKA_DSKE_PEER_NAME, q->peer));
	TRY_RV(attrs_set(a, CKA_DSKE_INITIATOR, r->initiator.b, sizeof r->initiator.b));
	TRY_RV(attrs_set_ulong(a, CKA_DSKE_N, r->n));
	TRY_RV(attrs_set_ulong(a, CKA_DSKE_K, r->k));
	return attrs_set_ulong(a, CKA_DSKE_SCHEME, scheme_of(r));
}

/* What client_agree() gives back to derive_keep(). */
struct keeping {
	struct module *m;
	const struct agree_request *q;
	struct object *key;
	CK_RV rv; /* why it was not kept */
	bool kept;
};

static CK_RV keep_key(const struct keeping *k, const struct agree_result *r)
{
	AUTO(secret) value = {0};

	TRY_RV(rv_from(secret_from(&value, r->key.data, r->key.len)));
	TRY_RV(key_set_value(k->key, &value));
	TRY_RV(derive_attributes(&k->key->attrs, k->q, r));
	return key_keep(k->m, k->key);
}

/* Before the hubs are told to forget their shares: whoever is killed in between loses nothing. */
static dske_rc derive_keep(void *context, const struct agree_result *r)
{
	struct keeping *k = context;

	k->rv = keep_key(k, r);
	k->kept = k->rv == CKR_OK;
	return k->kept ? DSKE_OK : FAIL(STATE, "the token could not keep the key (CKR 0x%lx)", k->rv);
}

/* The agreement itself.  No lock is held here: it waits for the network. */
static CK_RV derive_agree(struct module *m, struct agree_request *q, struct object *key)
{
	AUTO(agree_result) r = {0};
	struct keeping k = {.m = m, .q = q, .key = key};

	q->keep = derive_keep;
	q->keep_context = &k;
	dske_rc rc = client_agree(m->client, q, &r);
	if (r.fallback[0] != '\0')
		log_warn("the key with %s is not by the adapted scheme: %s", q->peer, r.fallback);
	if (rc_ok(rc))
		return CKR_OK;
	derive_log_failure(q, &r, rc);
	if (k.kept)
		(void)key_forget(m, key);
	if (k.rv != CKR_OK)
		return k.rv;
	return rc_is(rc, DSKE_RC_TOOBIG) ? CKR_KEY_SIZE_RANGE : rv_from(rc); /* what the peer agreed on goes to a file */
}

CK_RV derive_agreement(const struct derive_call *c)
{
	struct agree_request q;
	struct object *key = NULL;

	CK_RV rv = derive_prepare(c, &q, &key);
	if (rv == CKR_OK)
		rv = derive_agree(c->m, &q, key);
	if (rv != CKR_OK) {
		object_unref(key);
		return rv;
	}
	return key_add(c->m, c->s, key, c->out);
}
