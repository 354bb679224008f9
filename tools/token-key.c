/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "tools/token-key.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/terms.h"
#include "p11/answer.h"
#include "pkcs11/dske-pkcs11.h"
#include "pkcs11/p11-3x-mac.h"
#include "tools/secret-input.h"

dske_rc token_key_open(struct token *t, const struct common *common, const char *pin, bool must)
{
	AUTO(secret) text = {0};
	const char *source = tool_pin_source(pin);
	if (common->conf != NULL && setenv("DSKE_CONF", common->conf, 1) != 0)
		return rc_make(DSKE_RC_NOMEM);
	TRY(token_load(t));
	TRY(token_session(t, false));
	if (source == NULL && !must)
		return DSKE_OK;
	TRY(token_need_pin(t));
	TRY(secret_input(&text, source, "PIN"));
	return token_login(t, CKU_USER, &text);
}

static dske_rc find(const struct token *t, const char *label, CK_OBJECT_HANDLE *key)
{
	CK_OBJECT_CLASS class = CKO_SECRET_KEY;
	CK_ATTRIBUTE like[] = {
		{CKA_CLASS, &class, sizeof class},
		{CKA_LABEL, (void *)(uintptr_t)label, strlen(label)},
	};
	CK_OBJECT_HANDLE found[2];
	size_t count = 0;
	TRY(token_find(t, like, 2, found, 2, &count));
	if (count == 0)
		return FAIL(NOT_FOUND, "the token has no key labelled %s; dske key list shows all", label);
	if (count > 1)
		return FAIL(ARGS, "the token has more than one key labelled %s: delete those that are not wanted "
				  "(pkcs11-tool --delete-object --type secrkey --id ID; dske key list shows the IDs)",
			    label);
	*key = found[0];
	return DSKE_OK;
}

static dske_rc read_value(struct secret *key, const struct token *t, CK_OBJECT_HANDLE object, const char *label)
{
	CK_ULONG len = 0;
	size_t got = 0;
	token_attribute(t, object, CKA_VALUE_LEN, &len, sizeof len, &got);
	if (got != sizeof len || len == 0 || len > KEY_PART_LEN)
		return FAIL(IO, "the token does not tell the length of %s", label);
	TRY(secret_alloc(key, len));
	token_attribute(t, object, CKA_VALUE, key->data, key->len, &got);
	if (got != key->len)
		return FAIL(DENIED, "the token does not give %s out: it was agreed while its peer had no extract = yes", label);
	return DSKE_OK;
}

static dske_rc derive(const struct token *t, CK_OBJECT_HANDLE base, const char *purpose, CK_OBJECT_HANDLE *derived)
{
	char info[sizeof "dske " + TOKEN_PURPOSE_MAX];
	CK_OBJECT_CLASS class = CKO_SECRET_KEY;
	CK_KEY_TYPE type = CKK_GENERIC_SECRET;
	CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
	CK_ULONG len = TOKEN_DERIVED_LEN;
	CK_ATTRIBUTE template[] = {
		{CKA_CLASS, &class, sizeof class}, {CKA_KEY_TYPE, &type, sizeof type}, {CKA_VALUE_LEN, &len, sizeof len},
		{CKA_TOKEN, &no, sizeof no},       {CKA_SENSITIVE, &no, sizeof no},    {CKA_EXTRACTABLE, &yes, sizeof yes},
	};
	if (strlen(purpose) > TOKEN_PURPOSE_MAX)
		return FAIL(ARGS, "a purpose has at most %d bytes", TOKEN_PURPOSE_MAX);
	int info_len = snprintf(info, sizeof info, "dske %s", purpose);
	CK_HKDF_PARAMS p = {.bExtract = CK_TRUE,
			    .bExpand = CK_TRUE,
			    .prfHashMechanism = CKM_SHA256,
			    .ulSaltType = CKF_HKDF_SALT_NULL,
			    .pInfo = (CK_BYTE_PTR)info,
			    .ulInfoLen = (CK_ULONG)info_len};
	CK_MECHANISM mechanism = {CKM_HKDF_DERIVE, &p, sizeof p};
	return answer_rc(t->f->C_DeriveKey(t->session, &mechanism, base, template, sizeof template / sizeof template[0], derived),
			"the token does not derive from the key");
}

dske_rc token_key_read(struct secret *key, const struct common *common, const char *pin, const char *label,
		       const char *purpose)
{
	AUTO(token) t = {0};
	CK_OBJECT_HANDLE object;
	TRY(token_key_open(&t, common, pin, true));
	TRY(find(&t, label, &object));
	if (purpose != NULL)
		TRY(derive(&t, object, purpose, &object));
	return read_value(key, &t, object, label);
}

/* ---- keeping --------------------------------------------------------------------------------------------------- */

/* The template as it grows. */
struct template {
	CK_ATTRIBUTE at[24];
	CK_ULONG count;
};

static void give(struct template *t, CK_ATTRIBUTE_TYPE type, const void *value, size_t len)
{
	t->at[t->count++] = (CK_ATTRIBUTE){type, (void *)(uintptr_t)value, len};
}

static CK_ULONG scheme_number(enum scheme scheme)
{
	return scheme == SCHEME_XOR ? CKDSKE_SCHEME_XOR : scheme == SCHEME_ADAPTED ? CKDSKE_SCHEME_ADAPTED : CKDSKE_SCHEME_SHAMIR;
}

/* What the token says itself of a key that it agreed on. */
struct agreed {
	CK_ULONG n, k, scheme;
	CK_BBOOL confirmed;
	char *hubs; /* owned */
};

static void agreed_drop(struct agreed *a)
{
	free(a->hubs);
}

static dske_rc give_agreed(struct template *t, const struct token_keeping *k, struct agreed *a)
{
	const struct agree_result *r = k->result;
	*a = (struct agreed){r->n, r->k, scheme_number(r->scheme), r->confirmed ? CK_TRUE : CK_FALSE, report_hubs(&r->report)};
	if (a->hubs == NULL)
		return rc_make(DSKE_RC_NOMEM);
	give(t, CKA_DSKE_KEY_ID, r->key_id.b, ID_LEN);
	give(t, CKA_DSKE_INITIATOR, r->initiator.b, ID_LEN);
	give(t, CKA_DSKE_N, &a->n, sizeof a->n);
	give(t, CKA_DSKE_K, &a->k, sizeof a->k);
	give(t, CKA_DSKE_SCHEME, &a->scheme, sizeof a->scheme);
	give(t, CKA_DSKE_CONFIRMED, &a->confirmed, sizeof a->confirmed);
	give(t, CKA_DSKE_HUBS, a->hubs, strlen(a->hubs));
	if (k->peer != NULL) {
		give(t, CKA_DSKE_PEER, r->peer.b, ID_LEN);
		give(t, CKA_DSKE_PEER_NAME, k->peer, strlen(k->peer));
	}
	return DSKE_OK;
}

dske_rc token_key_keep(const struct token_keeping *k)
{
	static const CK_OBJECT_CLASS class = CKO_SECRET_KEY;
	static const CK_KEY_TYPE type = CKK_GENERIC_SECRET;
	static const CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
	AUTO(token) token = {0};
	struct template t = {0};
	AUTO(agreed) agreed = {0};
	CK_OBJECT_HANDLE object;
	give(&t, CKA_CLASS, &class, sizeof class);
	give(&t, CKA_KEY_TYPE, &type, sizeof type);
	give(&t, CKA_TOKEN, &yes, sizeof yes);
	give(&t, CKA_PRIVATE, &yes, sizeof yes);
	give(&t, CKA_LABEL, k->label, strlen(k->label));
	give(&t, CKA_ID, k->result->key_id.b, ID_LEN);
	give(&t, CKA_EXTRACTABLE, k->extractable ? &yes : &no, sizeof yes);
	give(&t, CKA_SENSITIVE, k->extractable ? &no : &yes, sizeof yes);
	give(&t, CKA_DERIVE, &yes, sizeof yes);
	give(&t, CKA_SIGN, &yes, sizeof yes);
	give(&t, CKA_VERIFY, &yes, sizeof yes);
	give(&t, CKA_VALUE, k->result->key.data, k->result->key.len);
	TRY(give_agreed(&t, k, &agreed));
	TRY(token_load(&token));
	TRY(token_session(&token, true));
	TRY(token_login(&token, CKU_USER, k->pin));
	return answer_rc(token.f->C_CreateObject(token.session, t.at, t.count, &object), "the token does not take the key");
}
