/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "tls/source.h"

#include <p11-kit/p11-kit.h>
#include <p11-kit/pkcs11.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/id.h"
#include "p11/answer.h"
#include "p11/modules.h"
#include "p11/value.h"
#include "pkcs11/dske-pkcs11.h"
#include "pkcs11/p11-3x-mac.h"
#include "tls/import.h"

#define PIN_MAX 256
#define FOUND_AT_ONCE 64

struct source {
	pthread_mutex_t lock; /* of what follows, while it is set up */
	_Atomic pid_t owner;  /* the process whose lock this is; its negative: that makes the lock */
	struct modules modules; /* unmanaged, see open_source */
	bool is_initialized, is_child;
	CK_FUNCTION_LIST *f; /* the module of the token */
	CK_SLOT_ID slot;
	CK_SESSION_HANDLE kept; /* holds the login */
	char serial[SOURCE_SERIAL_MAX];
	bool has_token_name;
	char token[33];
	size_t (*pin)(char *pin, size_t cap, void *user);
	void *pin_user;
};

/* ---- the lock ---------------------------------------------------------------------------------------------- */

/* A fork may have come while another thread held the lock, who is not there to release it: the child makes it anew, by
 * the first of its threads that comes here, and then the modules. */
static void source_lock(struct source *s)
{
	pid_t self = getpid(), seen = atomic_load(&s->owner);
	while (seen != self) {
		if (seen != -self && atomic_compare_exchange_strong(&s->owner, &seen, -self)) {
			pthread_mutex_init(&s->lock, NULL);
			s->is_initialized = false;
			s->is_child = true;
			atomic_store(&s->owner, self);
		}
		sched_yield();
		seen = atomic_load(&s->owner);
	}
	pthread_mutex_lock(&s->lock);
}

/* ---- the token --------------------------------------------------------------------------------------------- */

/* In a forked child by the modules' own call, for the same reason. */
static CK_RV initialize_one(const struct source *s, CK_FUNCTION_LIST *f)
{
	CK_C_INITIALIZE_ARGS args = {.flags = CKF_OS_LOCKING_OK};
	CK_RV rv = s->is_child ? f->C_Initialize(&args) : p11_kit_module_initialize(f);
	return rv == CKR_CRYPTOKI_ALREADY_INITIALIZED ? CKR_OK : rv;
}

static dske_rc initialize(struct source *s)
{
	for (CK_FUNCTION_LIST **m = s->modules.list; *m != NULL; m++)
		TRY(answer_rc(initialize_one(s, *m), "a PKCS#11 module does not start"));
	s->is_initialized = true;
	s->kept = CK_INVALID_HANDLE;
	return DSKE_OK;
}

static bool is_it(CK_FUNCTION_LIST *f, CK_SLOT_ID slot, const CK_TOKEN_INFO *info, void *user)
{
	struct source *s = user;
	(void)f;
	(void)slot;
	if (s->has_token_name && !value_is_padded(info->label, sizeof info->label, s->token))
		return false;
	if (s->serial[0] == '\0') /* in a child it is known, and others may read it now */
		value_trim(s->serial, info->serialNumber, sizeof info->serialNumber);
	return true;
}

static dske_rc find_token(struct source *s)
{
	if (modules_find(&s->modules, is_it, s, &s->f, &s->slot))
		return DSKE_OK;
	return FAIL(NOT_FOUND, "no PKCS#11 module has a token %s", s->has_token_name ? s->token : "at all");
}

/* ---- sessions ---------------------------------------------------------------------------------------------- */

static dske_rc log_in(struct source *s)
{
	AUTO(secret) pin = {0};
	TRY(secret_alloc(&pin, PIN_MAX));
	size_t len = s->pin((char *)pin.data, pin.len, s->pin_user);
	if (len == 0)
		return FAIL(PIN, "no PIN was given for the token");
	if (len > pin.len)
		return FAIL(TOOBIG, "a PIN has at most %d bytes", PIN_MAX);
	CK_RV rv = s->f->C_Login(s->kept, CKU_USER, pin.data, len);
	return rv == CKR_USER_ALREADY_LOGGED_IN ? DSKE_OK : answer_rc(rv, "the token refuses the login");
}

static dske_rc ready(struct source *s)
{
	CK_TOKEN_INFO token;
	CK_SESSION_INFO session;
	if (!s->is_initialized) {
		TRY(initialize(s));
		TRY(find_token(s));
	}
	if (s->kept == CK_INVALID_HANDLE || s->f->C_GetSessionInfo(s->kept, &session) != CKR_OK) {
		TRY(answer_rc(s->f->C_OpenSession(s->slot, CKF_SERIAL_SESSION, NULL, NULL, &s->kept), "no session at the token"));
		TRY(answer_rc(s->f->C_GetSessionInfo(s->kept, &session), "no session at the token"));
	}
	TRY(answer_rc(s->f->C_GetTokenInfo(s->slot, &token), "the token does not tell what it is"));
	bool is_in = session.state == CKS_RO_USER_FUNCTIONS || session.state == CKS_RW_USER_FUNCTIONS;
	return s->pin == NULL || is_in || (token.flags & CKF_LOGIN_REQUIRED) == 0 ? DSKE_OK : log_in(s);
}

/* A session for one call. */
struct visit {
	CK_FUNCTION_LIST *f;
	CK_SESSION_HANDLE session;
};

static void visit_drop(struct visit *v)
{
	if (v->session != CK_INVALID_HANDLE)
		v->f->C_CloseSession(v->session);
	v->session = CK_INVALID_HANDLE;
}

static dske_rc visit_begin(struct visit *v, struct source *s)
{
	source_lock(s);
	dske_rc rc = ready(s);
	v->f = s->f;
	CK_SLOT_ID slot = s->slot;
	pthread_mutex_unlock(&s->lock);
	TRY(rc);
	return answer_rc(v->f->C_OpenSession(slot, CKF_SERIAL_SESSION, NULL, NULL, &v->session), "no session at the token");
}

/* ---- keys -------------------------------------------------------------------------------------------------- */

/* How long; 0: not there. */
static size_t attribute(const struct visit *v, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type, void *out, size_t cap)
{
	return value_read(v->f, v->session, object, type, out, cap);
}

/* What a search found that can be used now. */
struct search {
	CK_OBJECT_HANDLE key; /* the newest */
	CK_ULONG made;        /* when it was; 0: the token does not say */
	unsigned found, usable;
};

static bool is_true(const struct visit *v, CK_OBJECT_HANDLE key, CK_ATTRIBUTE_TYPE type)
{
	CK_BBOOL value = CK_FALSE;
	return attribute(v, key, type, &value, sizeof value) == sizeof value && value == CK_TRUE;
}

/* yyyymmdd, as CK_DATE is; false: the key has none. */
static bool date_of(const struct visit *v, CK_OBJECT_HANDLE key, CK_ATTRIBUTE_TYPE type, char date[8])
{
	return attribute(v, key, type, date, 8) == 8;
}

/* Cryptoki leaves it to applications to heed dates: here the last day is one on which it can be used, by UTC. */
static bool is_of_today(const struct visit *v, CK_OBJECT_HANDLE key)
{
	time_t now = time(NULL);
	struct tm tm;
	char today[9], date[8];
	if (gmtime_r(&now, &tm) == NULL || strftime(today, sizeof today, "%Y%m%d", &tm) != 8)
		return false;
	return !(date_of(v, key, CKA_START_DATE, date) && memcmp(date, today, 8) > 0) &&
	       !(date_of(v, key, CKA_END_DATE, date) && memcmp(date, today, 8) < 0);
}

/* May the token derive from it, as far as it says which mechanisms may? */
static bool may_derive(const struct visit *v, CK_OBJECT_HANDLE key)
{
	CK_MECHANISM_TYPE list[64];
	size_t len = attribute(v, key, CKA_ALLOWED_MECHANISMS, list, sizeof list);
	bool allowed = len == 0;
	for (size_t i = 0; i < len / sizeof list[0]; i++)
		allowed = allowed || list[i] == CKM_HKDF_DERIVE;
	return allowed && is_true(v, key, CKA_DERIVE);
}

static bool is_usable(const struct visit *v, CK_OBJECT_HANDLE key)
{
	uint8_t id[SOURCE_ID_MAX];
	CK_ULONG len = 0;
	attribute(v, key, CKA_VALUE_LEN, &len, sizeof len);
	return attribute(v, key, CKA_ID, id, sizeof id) > 0 && len >= IMPORT_KEY_MIN && len <= IMPORT_KEY_MAX && is_of_today(v, key) &&
	       (may_derive(v, key) || (is_true(v, key, CKA_EXTRACTABLE) && !is_true(v, key, CKA_SENSITIVE)));
}

static void consider(const struct visit *v, CK_OBJECT_HANDLE key, struct search *s)
{
	CK_ULONG made = 0;
	s->found++;
	if (!is_usable(v, key))
		return;
	attribute(v, key, CKA_DSKE_MADE, &made, sizeof made);
	if (s->usable++ == 0 || made > s->made) {
		s->key = key;
		s->made = made;
	}
}

/* All keys with that attribute; a token that shows no more of them at a time than it likes is asked again. */
static dske_rc search(const struct visit *v, CK_ATTRIBUTE_TYPE by, const void *value, size_t len, struct search *s)
{
	CK_OBJECT_CLASS class = CKO_SECRET_KEY;
	CK_ATTRIBUTE like[] = {{CKA_CLASS, &class, sizeof class}, {by, (void *)(uintptr_t)value, len}};
	CK_OBJECT_HANDLE found[FOUND_AT_ONCE];
	CK_ULONG count = 0;
	TRY(answer_rc(v->f->C_FindObjectsInit(v->session, like, 2), "the token's keys cannot be listed"));
	CK_RV rv;
	do {
		rv = v->f->C_FindObjects(v->session, found, FOUND_AT_ONCE, &count);
		for (CK_ULONG i = 0; rv == CKR_OK && i < count; i++)
			consider(v, found[i], s);
	} while (rv == CKR_OK && count > 0);
	v->f->C_FindObjectsFinal(v->session);
	return answer_rc(rv, "the token's keys cannot be listed");
}

/* One of several: the newest, where a name may be that of many and the token says when each was made. */
static dske_rc choose(const struct search *s, bool one_of_many, const char *shown, CK_OBJECT_HANDLE *key)
{
	if (s->found == 0)
		return FAIL(NOT_FOUND, "the token has no key %s", shown);
	if (s->usable == 0)
		return FAIL(NOT_FOUND, "the token has a key %s, but none for TLS now: with an ID, %d bytes or more, CKA_DERIVE, or "
				       "extractable, and between its dates", shown, IMPORT_KEY_MIN);
	if (s->usable > 1 && !(one_of_many && s->made > 0))
		return FAIL(ARGS, "the token has more than one key %s", shown);
	*key = s->key;
	return DSKE_OK;
}

static dske_rc find(const struct visit *v, CK_ATTRIBUTE_TYPE by, const void *value, size_t len, const char *shown,
		    CK_OBJECT_HANDLE *key)
{
	struct search s = {0};
	TRY(search(v, by, value, len, &s));
	return choose(&s, by != CKA_ID, shown, key);
}

static void describe(const struct visit *v, CK_OBJECT_HANDLE key, struct source_key *out)
{
	*out = (struct source_key){0};
	out->id_len = attribute(v, key, CKA_ID, out->id, sizeof out->id);
	attribute(v, key, CKA_LABEL, out->label, sizeof out->label - 1);
	out->has_peer = attribute(v, key, CKA_DSKE_PEER, out->peer, sizeof out->peer) == sizeof out->peer;
	if (out->label[0] == '\0')
		hex_encode(out->label, out->id, out->id_len < 32 ? out->id_len : 32);
}

static dske_rc find_by(struct source *s, CK_ATTRIBUTE_TYPE by, const void *value, size_t len, const char *shown,
		       struct source_key *out)
{
	AUTO(visit) v = {0};
	CK_OBJECT_HANDLE key;
	TRY(visit_begin(&v, s));
	TRY(find(&v, by, value, len, shown, &key));
	describe(&v, key, out);
	return DSKE_OK;
}

dske_rc source_find_id(struct source *s, const uint8_t *id, size_t len, struct source_key *out)
{
	return find_by(s, CKA_ID, id, len, "with the ID that was offered", out);
}

static dske_rc find_peer(struct source *s, const char *name, const char *peer, struct source_key *out)
{
	uint8_t id[ID_LEN];
	bool is_id = strlen(peer) == 2 * sizeof id && rc_ok(hex_decode(id, sizeof id, peer));
	if (peer[0] == '\0')
		return FAIL(ARGS, "%s: after peer: comes a peer's name, or its client ID", name);
	return is_id ? find_by(s, CKA_DSKE_PEER, id, sizeof id, name, out)
		     : find_by(s, CKA_DSKE_PEER_NAME, peer, strlen(peer), name, out);
}

static dske_rc find_hex(struct source *s, const char *name, const char *hex, struct source_key *out)
{
	uint8_t id[SOURCE_ID_MAX];
	size_t digits = strlen(hex);
	if (digits == 0 || digits % 2 != 0 || digits / 2 > sizeof id || !rc_ok(hex_decode(id, digits / 2, hex)))
		return FAIL(ARGS, "%s: after id: come pairs of hexadecimal digits", name);
	return find_by(s, CKA_ID, id, digits / 2, name, out);
}

dske_rc source_find(struct source *s, const char *name, struct source_key *out)
{
	if (strncmp(name, "id:", 3) == 0)
		return find_hex(s, name, name + 3, out);
	if (strncmp(name, "peer:", 5) == 0)
		return find_peer(s, name, name + 5, out);
	const char *label = strncmp(name, "label:", 6) == 0 ? name + 6 : name;
	return find_by(s, CKA_LABEL, label, strlen(label), label, out);
}

/* ---- deriving ---------------------------------------------------------------------------------------------- */

/* The whole of HKDF in the token; the key stays there. */
static CK_RV derive_inside(const struct visit *v, CK_OBJECT_HANDLE key, const uint8_t *info, struct secret *psk)
{
	CK_OBJECT_CLASS class = CKO_SECRET_KEY;
	CK_KEY_TYPE type = CKK_GENERIC_SECRET;
	CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
	CK_ULONG len = psk->len;
	CK_HKDF_PARAMS p = {CK_TRUE, CK_TRUE, CKM_SHA256, CKF_HKDF_SALT_NULL, NULL, 0, 0, (CK_BYTE_PTR)(uintptr_t)info, IMPORT_INFO_LEN};
	CK_MECHANISM mechanism = {CKM_HKDF_DERIVE, &p, sizeof p};
	CK_ATTRIBUTE template[] = {
		{CKA_CLASS, &class, sizeof class}, {CKA_KEY_TYPE, &type, sizeof type},  {CKA_VALUE_LEN, &len, sizeof len},
		{CKA_TOKEN, &no, sizeof no},       {CKA_SENSITIVE, &no, sizeof no},     {CKA_EXTRACTABLE, &yes, sizeof yes},
	};
	CK_OBJECT_HANDLE derived;
	CK_RV rv = v->f->C_DeriveKey(v->session, &mechanism, key, template, sizeof template / sizeof template[0], &derived);
	if (rv != CKR_OK)
		return rv;
	size_t got = attribute(v, derived, CKA_VALUE, psk->data, psk->len);
	v->f->C_DestroyObject(v->session, derived);
	return got == psk->len ? CKR_OK : CKR_ATTRIBUTE_SENSITIVE;
}

static dske_rc derive_outside(const struct visit *v, CK_OBJECT_HANDLE object, CK_ULONG len, const uint8_t *info, struct secret *psk)
{
	AUTO(secret) key = {0};
	size_t psk_len = psk->len;
	TRY(secret_alloc(&key, len));
	if (attribute(v, object, CKA_VALUE, key.data, key.len) != key.len)
		return FAIL(DENIED, "the token neither derives from this key (CKM_HKDF_DERIVE) nor gives it out");
	secret_drop(psk);
	return import_psk(psk, &key, info, psk_len);
}

dske_rc source_import(struct source *s, const struct source_key *key, const uint8_t *info, size_t psk_len,
		      struct secret *psk)
{
	AUTO(visit) v = {0};
	CK_OBJECT_HANDLE object;
	CK_ULONG len = 0;
	TRY(visit_begin(&v, s));
	TRY(find(&v, CKA_ID, key->id, key->id_len, key->label, &object));
	attribute(&v, object, CKA_VALUE_LEN, &len, sizeof len);
	if (len < IMPORT_KEY_MIN || len > IMPORT_KEY_MAX)
		return FAIL(TOOBIG, "%s has %lu bytes; for TLS a key has %d to %d", key->label, len, IMPORT_KEY_MIN, IMPORT_KEY_MAX);
	TRY(secret_alloc(psk, psk_len));
	if (derive_inside(&v, object, info, psk) == CKR_OK)
		return DSKE_OK;
	return derive_outside(&v, object, len, info, psk);
}

/* ---- life -------------------------------------------------------------------------------------------------- */

static dske_rc open_source(struct source *s, const struct dske_tls_token *where)
{
	if (where->token != NULL && strlen(where->token) >= sizeof s->token)
		return FAIL(TOOBIG, "a token's label has at most 32 bytes");
	s->has_token_name = where->token != NULL;
	if (s->has_token_name)
		strcpy(s->token, where->token);
	s->pin = where->pin;
	s->pin_user = where->pin_user;
	/* Unmanaged: what p11-kit puts before a managed module has a lock that a forked child may find taken. */
	TRY(modules_load(&s->modules, where->module, P11_KIT_MODULE_UNMANAGED));
	return ready(s);
}

dske_rc source_new(struct source **out, const struct dske_tls_token *where)
{
	*out = NULL;
	struct source *s = calloc(1, sizeof *s);
	if (s == NULL)
		return rc_make(DSKE_RC_NOMEM);
	pthread_mutex_init(&s->lock, NULL);
	atomic_store(&s->owner, getpid());
	dske_rc rc = open_source(s, where);
	if (!rc_ok(rc)) {
		source_free(s);
		return rc;
	}
	*out = s;
	return DSKE_OK;
}

void source_free(struct source *s)
{
	if (s == NULL)
		return;
	bool is_ours = s->is_initialized && atomic_load(&s->owner) == getpid();
	if (is_ours && s->kept != CK_INVALID_HANDLE)
		s->f->C_CloseSession(s->kept);
	for (CK_FUNCTION_LIST **m = s->modules.list; is_ours && *m != NULL; m++)
		s->is_child ? (*m)->C_Finalize(NULL) : p11_kit_module_finalize(*m);
	modules_drop(&s->modules);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

const char *source_serial(const struct source *s)
{
	return s->serial;
}
