/* SPDX-License-Identifier: Apache-2.0 */
/* CKM_DSKE_KEY_GEN: an agreed key by C_GenerateKey, which is all that some stock clients can ask for. */
#include "config.h"

#include <string.h>

#include "base/log.h"
#include "pkcs11/agree.h"
#include "pkcs11/derive.h"
#include "pkcs11/keygen.h"
#include "pkcs11/module.h"
#include "pkcs11/peer.h"

/* The parameter says how, the ID which key. */
static CK_RV read_template(const struct agreement *a, const struct object *key, struct agree_request *q)
{
	const CK_ATTRIBUTE *id = attr_find(a->templ, a->n, CKA_ID);

	(void)key;
	TRY_RV(derive_dske.read(a->m, q, a->given));
	if (q->has_key_id || q->context_len > 0)
		return CKR_MECHANISM_PARAM_INVALID;
	if (id == NULL || id->ulValueLen == 0)
		return CKR_OK;
	if (id->ulValueLen > sizeof q->context)
		return CKR_ATTRIBUTE_VALUE_INVALID;
	q->has_key_id = id->ulValueLen == sizeof q->key_id.b;
	if (q->has_key_id) {
		memcpy(q->key_id.b, id->pValue, sizeof q->key_id.b);
	} else {
		q->context_len = (uint8_t)id->ulValueLen;
		memcpy(q->context, id->pValue, id->ulValueLen);
	}
	return CKR_OK;
}

static CK_RV generate(struct module *m, struct session *s, const CK_MECHANISM *mech, const CK_ATTRIBUTE *templ, CK_ULONG n,
		      CK_OBJECT_HANDLE *out)
{
	const CK_ATTRIBUTE *label = attr_find(templ, n, CKA_LABEL);
	struct object *peer = NULL;

	if (label == NULL)
		return CKR_TEMPLATE_INCOMPLETE;
	if (label->pValue == NULL || label->ulValueLen == 0)
		return CKR_ATTRIBUTE_VALUE_INVALID;
	TRY_RV(peer_named(m, label->pValue, label->ulValueLen, &peer));
	if (peer == NULL) {
		log_warn("no key is agreed on: the template's label has to be the name of a peer (dske peer list)");
		return CKR_ATTRIBUTE_VALUE_INVALID;
	}
	const struct agreement a = {.m = m,
				    .s = s,
				    .peer = peer,
				    .templ = templ,
				    .n = n,
				    .out = out,
				    .when = ATTR_IN_GENERATE,
				    .generator = mech->mechanism,
				    .read = read_template,
				    .given = mech};
	CK_RV rv = agree_key(&a);
	object_unref(peer);
	return rv;
}

const struct keygen_kind keygen_dske = {.run = generate};
