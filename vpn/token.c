/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "vpn/token.h"

#include <errno.h>
#include <fcntl.h>
#include <p11-kit/p11-kit.h>
#include <p11-kit/pkcs11.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/id.h"
#include "p11/answer.h"
#include "p11/modules.h"
#include "p11/value.h"
#include "pkcs11/dske-pkcs11.h"

#define PIN_MAX 255

struct token {
	struct modules modules; /* managed by p11-kit */
	CK_FUNCTION_LIST *f;    /* the module of the token */
	CK_SLOT_ID slot;
	CK_SESSION_HANDLE kept; /* holds the login */
	atomic_bool closing;
};

/* ---- errors ------------------------------------------------------------------------------------------------ */

/* What the programs tell apart beyond p11/answer.h. */
static const struct {
	CK_RV rv;
	int code;
} codes[] = {
	{CKR_FUNCTION_CANCELED, DSKE_RC_CANCELLED},
	{CKR_SESSION_HANDLE_INVALID, DSKE_RC_CANCELLED},
	{CKR_CRYPTOKI_NOT_INITIALIZED, DSKE_RC_CANCELLED},
	{CKR_TEMPLATE_INCONSISTENT, DSKE_RC_DENIED},
	{CKR_DEVICE_ERROR, DSKE_RC_TIMEOUT}, /* the token's log says which hubs, and what to do */
	{CKR_DEVICE_MEMORY, DSKE_RC_EXHAUSTED},
};

static dske_rc from_rv(CK_RV rv, const char *what)
{
	for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
		if (codes[i].rv == rv)
			return rc_fail(codes[i].code, "%s: %s", what, p11_kit_strerror(rv));
	}
	return answer_rc(rv, what);
}

/* ---- opening ----------------------------------------------------------------------------------------------- */

static dske_rc initialize(const struct token *t)
{
	for (CK_FUNCTION_LIST **m = t->modules.list; *m != NULL; m++)
		TRY(from_rv(p11_kit_module_initialize(*m), "a PKCS#11 module does not start"));
	return DSKE_OK;
}

/* user: the label; NULL: any that agrees keys. */
static bool is_it(CK_FUNCTION_LIST *f, CK_SLOT_ID slot, const CK_TOKEN_INFO *info, void *user)
{
	CK_MECHANISM_INFO agreeing;
	const char *label = user;
	return f->C_GetMechanismInfo(slot, CKM_DSKE_DERIVE, &agreeing) == CKR_OK &&
	       (label == NULL || value_is_padded(info->label, sizeof info->label, label));
}

static dske_rc find(struct token *t, const char *label)
{
	if (modules_find(&t->modules, is_it, (void *)(uintptr_t)label, &t->f, &t->slot))
		return DSKE_OK;
	return FAIL(NOT_FOUND, "no PKCS#11 module has a token %s%sthat agrees keys", label != NULL ? label : "",
		    label != NULL ? " " : "");
}

static dske_rc read_pin(struct secret *pin, const char *path)
{
	AUTO(fd) f = FD_NONE;
	size_t len = 0;
	TRY(file_open(&f, path, O_RDONLY, 0));
	TRY(secret_alloc(pin, PIN_MAX + 1));
	for (ssize_t got = 1; got > 0 && len < pin->len; len += (size_t)got) {
		do
			got = read(f.n, pin->data + len, pin->len - len);
		while (got < 0 && errno == EINTR);
		if (got < 0)
			return FAIL(IO, "cannot read %s: %s", path, strerror(errno));
	}
	const uint8_t *end = memchr(pin->data, '\n', len);
	len = end != NULL ? (size_t)(end - pin->data) : len;
	if (len == 0 || len > PIN_MAX)
		return FAIL(PIN, "the first line of %s is no PIN: 1 to %d bytes", path, PIN_MAX);
	secret_cut(pin, len);
	return DSKE_OK;
}

static dske_rc log_in(struct token *t, const char *pin_file)
{
	AUTO(secret) pin = {0};
	CK_TOKEN_INFO info;
	TRY(from_rv(t->f->C_GetTokenInfo(t->slot, &info), "the token does not tell what it is"));
	if (pin_file == NULL && (info.flags & CKF_LOGIN_REQUIRED) != 0)
		return FAIL(PIN, "the token wants a PIN: give pin_file, a file with the PIN that no other user can read");
	if (pin_file == NULL || (info.flags & CKF_LOGIN_REQUIRED) == 0)
		return DSKE_OK;
	TRY(read_pin(&pin, pin_file));
	CK_RV rv = t->f->C_Login(t->kept, CKU_USER, pin.data, pin.len);
	return rv == CKR_USER_ALREADY_LOGGED_IN ? DSKE_OK : from_rv(rv, "the token refuses the login");
}

static dske_rc open_token(struct token *t, const struct token_where *where)
{
	TRY(modules_load(&t->modules, where->module, 0));
	TRY(initialize(t));
	TRY(find(t, where->token));
	TRY(from_rv(t->f->C_OpenSession(t->slot, CKF_SERIAL_SESSION, NULL, NULL, &t->kept), "no session at the token"));
	return log_in(t, where->pin_file);
}

dske_rc token_open(struct token **out, const struct token_where *where)
{
	struct token *t = calloc(1, sizeof *t);
	*out = NULL;
	if (t == NULL)
		return rc_make(DSKE_RC_NOMEM);
	dske_rc rc = open_token(t, where);
	if (!rc_ok(rc)) {
		token_close(t);
		return rc;
	}
	*out = t;
	return DSKE_OK;
}

void token_cancel(struct token *t)
{
	if (t == NULL)
		return;
	atomic_store(&t->closing, true);
	t->f->C_CloseAllSessions(t->slot);
}

void token_close(struct token *t)
{
	if (t == NULL)
		return;
	for (CK_FUNCTION_LIST **m = t->modules.list; m != NULL && *m != NULL; m++)
		p11_kit_module_finalize(*m);
	modules_drop(&t->modules);
	free(t);
}

/* ---- agreeing ---------------------------------------------------------------------------------------------- */

/* A session for one agreement. */
struct visit {
	CK_FUNCTION_LIST *f;
	CK_SESSION_HANDLE session;
};

static void visit_drop(struct visit *v)
{
	if (v->session != CK_INVALID_HANDLE)
		v->f->C_CloseSession(v->session);
}

static dske_rc visit_begin(struct visit *v, struct token *t)
{
	v->f = t->f;
	if (atomic_load(&t->closing))
		return rc_make(DSKE_RC_CANCELLED);
	TRY(from_rv(t->f->C_OpenSession(t->slot, CKF_SERIAL_SESSION, NULL, NULL, &v->session), "no session at the token"));
	return atomic_load(&t->closing) ? rc_make(DSKE_RC_CANCELLED) : DSKE_OK;
}

static dske_rc find_peer(const struct visit *v, const char *name, CK_OBJECT_HANDLE *peer)
{
	CK_OBJECT_CLASS class = CKO_DSKE_PEER;
	CK_ATTRIBUTE like[] = {{CKA_CLASS, &class, sizeof class}, {CKA_LABEL, (void *)(uintptr_t)name, strlen(name)}};
	CK_ULONG count = 0;
	TRY(from_rv(v->f->C_FindObjectsInit(v->session, like, 2), "the token's peers cannot be listed"));
	CK_RV rv = v->f->C_FindObjects(v->session, peer, 1, &count);
	v->f->C_FindObjectsFinal(v->session);
	TRY(from_rv(rv, "the token's peers cannot be listed"));
	return count == 1 ? DSKE_OK : FAIL(NOT_FOUND, "the token has no peer %s: see dske peer", name);
}

/* The token's serial number is the beginning of its client's ID, 16 digits (doc/token.md). */
dske_rc token_initiates(struct token *t, const char *peer, bool *initiates)
{
	AUTO(visit) v = {0};
	CK_OBJECT_HANDLE object;
	CK_TOKEN_INFO info;
	uint8_t id[16] = {0};
	char text[2 * sizeof info.serialNumber + 1];
	CK_ATTRIBUTE a = {CKA_DSKE_PEER, id, sizeof id};
	TRY(visit_begin(&v, t));
	TRY(find_peer(&v, peer, &object));
	TRY(from_rv(t->f->C_GetAttributeValue(v.session, object, &a, 1), "the peer's ID cannot be read"));
	TRY(from_rv(t->f->C_GetTokenInfo(t->slot, &info), "the token does not tell what it is"));
	hex_encode(text, id, sizeof info.serialNumber / 2);
	int order = memcmp(info.serialNumber, text, sizeof info.serialNumber);
	*initiates = order < 0;
	return order != 0 ? DSKE_OK : FAIL(STATE, "the IDs of this client and of %s begin alike", peer);
}

static dske_rc parameter(CK_DSKE_DERIVE_PARAMS *p, const struct token_ask *ask)
{
	static const CK_ULONG roles[] = {CKDSKE_ROLE_AUTO, CKDSKE_ROLE_INITIATOR, CKDSKE_ROLE_RECEIVER};
	size_t len = strlen(ask->context);
	if (len > CKDSKE_CONTEXT_MAX)
		return FAIL(TOOBIG, "a context has at most %d bytes", CKDSKE_CONTEXT_MAX);
	*p = (CK_DSKE_DERIVE_PARAMS){.ulVersion = 1, .role = roles[ask->role], .bConfirm = ask->confirm, .ulContextLen = len,
				     .ulTimeoutMs = (CK_ULONG)ask->timeout_ms};
	memcpy(p->context, ask->context, len);
	return DSKE_OK;
}

/* Takes the bytes of a key out of the token, which destroys it. */
static dske_rc take_value(const struct visit *v, CK_OBJECT_HANDLE object, size_t len, struct secret *key, uint8_t *key_id)
{
	TRY(secret_alloc(key, len));
	CK_ATTRIBUTE values[] = {{CKA_VALUE, key->data, key->len}, {CKA_DSKE_KEY_ID, key_id, TOKEN_KEY_ID_LEN}};
	CK_RV rv = v->f->C_GetAttributeValue(v->session, object, values, 2);
	v->f->C_DestroyObject(v->session, object);
	if (rv == CKR_OK && values[0].ulValueLen == len && values[1].ulValueLen == TOKEN_KEY_ID_LEN)
		return DSKE_OK;
	secret_drop(key);
	return rv == CKR_OK ? FAIL(FORMAT, "the token's key has another length than was asked for")
			    : from_rv(rv, "the key does not come out of the token");
}

dske_rc token_agree(struct token *t, const struct token_ask *ask, struct secret *key, uint8_t key_id[TOKEN_KEY_ID_LEN])
{
	AUTO(visit) v = {0};
	CK_OBJECT_HANDLE peer, object;
	CK_DSKE_DERIVE_PARAMS p;
	CK_OBJECT_CLASS class = CKO_SECRET_KEY;
	CK_KEY_TYPE type = CKK_GENERIC_SECRET;
	CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
	CK_ULONG len = ask->key_len;
	CK_ATTRIBUTE template[] = {
		{CKA_CLASS, &class, sizeof class}, {CKA_KEY_TYPE, &type, sizeof type}, {CKA_VALUE_LEN, &len, sizeof len},
		{CKA_TOKEN, &no, sizeof no},       {CKA_SENSITIVE, &no, sizeof no},    {CKA_EXTRACTABLE, &yes, sizeof yes},
	};
	CK_MECHANISM mechanism = {CKM_DSKE_DERIVE, &p, sizeof p};
	TRY(parameter(&p, ask));
	TRY(visit_begin(&v, t));
	TRY(find_peer(&v, ask->peer, &peer));
	CK_RV rv = t->f->C_DeriveKey(v.session, &mechanism, peer, template, sizeof template / sizeof template[0], &object);
	if (rv == CKR_TEMPLATE_INCONSISTENT)
		return FAIL(DENIED, "keys with %s may not leave the token: set extract = yes for it in dske.conf", ask->peer);
	TRY(from_rv(rv, "no key was agreed"));
	return take_value(&v, object, ask->key_len, key, key_id);
}
