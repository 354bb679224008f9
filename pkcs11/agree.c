/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "pkcs11/agree.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "pkcs11/key.h"
#include "pkcs11/module.h"
#include "pkcs11/otp-key.h"

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
static CK_RV prepare(const struct agreement *a, struct agree_request *q, struct object **key)
{
	const struct key_origin agreed = {
		.when = a->when, .type = CKK_GENERIC_SECRET, .mech = a->generator, .base = a->peer};

	TRY_RV(check_login(a->m));
	TRY_RV(attr_check(a->templ, a->n, ATTR_OF_KEY, a->when));
	/* Extraction asked for and forbidden is refused, never silently changed. */
	if (attr_bool(a->templ, a->n, CKA_EXTRACTABLE, false) &&
	    !config_extract_allowed(client_config(a->m->client), a->peer->peer))
		return CKR_TEMPLATE_INCONSISTENT;
	*q = (struct agree_request){.scheme = SCHEME_COUNT, .context_len = a->peer->context_len, .cancelled = &a->s->closed};
	strcpy(q->peer, a->peer->peer);
	memcpy(q->context, a->peer->context, a->peer->context_len);
	TRY_RV(key_new(a->m, a->s, &agreed, a->templ, a->n, key));
	TRY_RV(wanted_len(*key, a->templ, a->n, &q->key_len));
	return a->read(a, *key, q);
}

/* ---- the result ----------------------------------------------------------------------------------------- */

/* The sentence first, then a line for each hub that failed, then what to do. */
static void log_failure(const struct agree_request *q, const struct agree_result *r, dske_rc rc)
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

static CK_RV set_hubs(struct attrs *a, const struct report *r)
{
	char *text = report_hubs(r);

	if (text == NULL)
		return CKR_HOST_MEMORY;
	CK_RV rv = attrs_set_text(a, CKA_DSKE_HUBS, text);
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

static CK_RV set_attributes(struct attrs *a, const struct agree_request *q, const struct agree_result *r)
{
	TRY_RV(set_names(a, q, r));
	TRY_RV(attrs_set(a, CKA_DSKE_KEY_ID, r->key_id.b, sizeof r->key_id.b));
	TRY_RV(set_hubs(a, &r->report));
	TRY_RV(attrs_set(a, CKA_DSKE_PEER, r->peer.b, sizeof r->peer.b));
	TRY_RV(attrs_set_text(a, CKA_DSKE_PEER_NAME, q->peer));
	TRY_RV(attrs_set(a, CKA_DSKE_INITIATOR, r->initiator.b, sizeof r->initiator.b));
	TRY_RV(attrs_set_ulong(a, CKA_DSKE_N, r->n));
	TRY_RV(attrs_set_ulong(a, CKA_DSKE_K, r->k));
	TRY_RV(attrs_set_bool(a, CKA_DSKE_CONFIRMED, r->confirmed));
	return attrs_set_ulong(a, CKA_DSKE_SCHEME, scheme_of(r));
}

/* What client_agree() gives back to keep(). */
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
	TRY_RV(set_attributes(&k->key->attrs, k->q, r));
	k->key->elsewhere = true; /* at the other end */
	TRY_RV(otpkey_is_alone(k->m, k->key));
	return key_keep(k->m, k->key);
}

/* Before the hubs are told to forget their shares: whoever is killed in between loses nothing. */
static dske_rc keep(void *context, const struct agree_result *r)
{
	struct keeping *k = context;

	k->rv = keep_key(k, r);
	k->kept = k->rv == CKR_OK;
	return k->kept ? DSKE_OK : FAIL(STATE, "the token could not keep the key (CKR 0x%lx)", k->rv);
}

/* The agreement itself.  No lock is held here: it waits for the network. */
static CK_RV agree(struct module *m, struct agree_request *q, struct object *key)
{
	AUTO(agree_result) r = {0};
	struct keeping k = {.m = m, .q = q, .key = key};

	q->keep = keep;
	q->keep_context = &k;
	dske_rc rc = client_agree(m->client, q, &r);
	if (r.fallback[0] != '\0')
		log_warn("the key with %s is not by the adapted scheme: %s", q->peer, r.fallback);
	if (rc_ok(rc))
		return CKR_OK;
	log_failure(q, &r, rc);
	if (k.kept)
		(void)key_forget(m, key);
	if (k.rv != CKR_OK)
		return k.rv;
	return rc_is(rc, DSKE_RC_TOOBIG) ? CKR_KEY_SIZE_RANGE : rv_from(rc); /* what the peer agreed on goes to a file */
}

CK_RV agree_key(const struct agreement *a)
{
	struct agree_request q;
	struct object *key = NULL;

	CK_RV rv = prepare(a, &q, &key);
	if (rv == CKR_OK)
		rv = agree(a->m, &q, key);
	if (rv != CKR_OK) {
		object_unref(key);
		return rv;
	}
	return key_add(a->m, a->s, key, a->out);
}
