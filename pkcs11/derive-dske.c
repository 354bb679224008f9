/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "pkcs11/agree.h"
#include "pkcs11/derive.h"
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
	    p.ulTimeoutMs > INT32_MAX || p.bHasKeyId > 1 || p.bConfirm > 1 || p.ulContextLen > CKDSKE_CONTEXT_MAX)
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
	q->confirm = p.bConfirm == 1;
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

/* ---- the call -------------------------------------------------------------------------------------------- */

static CK_RV read_call(const struct agreement *a, const struct object *key, struct agree_request *q)
{
	const struct derive_call *c = a->given;

	(void)key;
	return c->row->derive->read(c->m, q, c->mech);
}

CK_RV derive_agreement(const struct derive_call *c)
{
	const struct agreement a = {.m = c->m,
				    .s = c->s,
				    .peer = c->base,
				    .templ = c->templ,
				    .n = c->n,
				    .out = c->out,
				    .when = ATTR_IN_GENERATE,
				    .generator = CK_UNAVAILABLE_INFORMATION,
				    .read = read_call,
				    .given = c};

	return c->base->kind == c->row->derive->base ? agree_key(&a) : CKR_KEY_TYPE_INCONSISTENT;
}
