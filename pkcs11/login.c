/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "pkcs11/login.h"

#include <string.h>

#include "base/log.h"
#include "pkcs11/key.h"
#include "pkcs11/module.h"
#include "pkcs11/otp-key.h"

/* What went wrong with the file or a PIN, for the log, and as the host sees it. */
static CK_RV login_rv(dske_rc rc)
{
	if (rc_ok(rc))
		return CKR_OK;
	if (rc_is(rc, DSKE_RC_PIN) || rc_is(rc, DSKE_RC_PIN_LOCKED))
		log_warn("%s", rc_detail(rc));
	else if (!rc_is(rc, DSKE_RC_STATE))
		log_error("%s", rc_detail(rc));
	return rc_is(rc, DSKE_RC_STATE) ? CKR_USER_PIN_NOT_INITIALIZED : rv_from(rc);
}

static CK_RV pin_check(const void *pin, CK_ULONG len)
{
	if (pin == NULL)
		return CKR_ARGUMENTS_BAD;
	return len < STORE_PIN_MIN || len > STORE_PIN_MAX ? CKR_PIN_LEN_RANGE : CKR_OK;
}

bool login_suffices(const struct module *m)
{
	bool required = m->login.required || (m->client != NULL && config_key_is_pin(client_config(m->client)));

	return !required || m->login.who == LOGIN_USER;
}

bool login_sees(const struct module *m, enum object_sight sight)
{
	switch (sight) {
	case SIGHT_ALL:
		return true;
	case SIGHT_LOGGED_IN:
		return m->login.who != LOGIN_NOBODY;
	case SIGHT_USER:
		return m->login.who == LOGIN_USER;
	}
	return false;
}

void login_end(struct module *m)
{
	m->login.who = LOGIN_NOBODY;
	secret_drop(&m->login.master);
	objects_end_login(&m->objects);
}

void login_follow(struct module *m)
{
	if (m->client == NULL || !config_key_is_pin(client_config(m->client)))
		return;
	pthread_mutex_lock(&m->token_lock); /* so that of a login and a logout at once the later one counts */
	module_lock(m);
	bool is_user = m->login.who == LOGIN_USER;
	module_unlock(m);
	if (!is_user)
		client_relock(m->client);
	pthread_mutex_unlock(&m->token_lock);
}

CK_RV login_refresh(struct module *m)
{
	struct store_status st;

	TRY_RV(login_rv(store_status(m->store, &st)));
	module_lock(m);
	m->login.required = st.initialised;
	module_unlock(m);
	return CKR_OK;
}

/* With the module's lock: may this one log in now (PKCS#11 2.40, 5.6)? */
static CK_RV login_possible(const struct module *m, enum login_who who)
{
	if (m->login.who == who)
		return CKR_USER_ALREADY_LOGGED_IN;
	if (m->login.who != LOGIN_NOBODY)
		return CKR_USER_ANOTHER_ALREADY_LOGGED_IN;
	if (who == LOGIN_SO && session_count(&m->sessions, SLOT_AGREEMENT, true) > 0)
		return CKR_SESSION_READ_ONLY_EXISTS;
	return CKR_OK;
}

/* The PIN was right: of two threads that log in at once, the second is told so. */
static CK_RV login_enter(struct module *m, const struct session *s, enum login_who who, struct secret *master)
{
	module_lock(m);
	CK_RV rv = s->closed ? CKR_SESSION_HANDLE_INVALID : login_possible(m, who);
	if (rv == CKR_OK) {
		m->login.who = who;
		m->login.required = true;
		secret_move(&m->login.master, master);
	}
	module_unlock(m);
	return rv;
}

/* The key of the tables, where the user's PIN has it; else *key stays empty. */
static CK_RV read_table_key(struct module *m, enum login_who who, const struct secret *master, struct secret *key)
{
	if (who != LOGIN_USER || !config_key_is_pin(client_config(m->client)))
		return CKR_OK;
	return login_rv(store_table_key(m->store, master, key));
}

/* What a PIN gives. */
struct login_gain {
	struct secret master, table_key;
	struct key_news news;
	bool all; /* that was in the store */
};

static void login_gain_drop(struct login_gain *g)
{
	secret_drop(&g->master);
	secret_drop(&g->table_key);
	key_news_drop(&g->news);
}

/* What was read for nothing the store takes as told: another thread, if it is in by now, has to ask anew. */
static CK_RV login_try(struct module *m, enum login_who who, const void *pin, CK_ULONG pin_len, struct login_gain *g)
{
	enum store_pin which = who == LOGIN_SO ? STORE_PIN_SO : STORE_PIN_USER;

	CK_RV rv = login_rv(store_login_each(m->store, which, pin, pin_len, &g->master, key_visit, &g->news, &g->all));
	if (rv == CKR_OK)
		rv = read_table_key(m, who, &g->master, &g->table_key);
	if (rv != CKR_OK && g->news.count > 0) {
		pthread_mutex_lock(&m->token_lock);
		m->login.unread = true;
		pthread_mutex_unlock(&m->token_lock);
	}
	return rv;
}

/* Login and tables in one step, as login_follow() sees it.  Where not all was read for it, objects are made when somebody
 * looks for one. */
static CK_RV login_unlock(struct module *m, const struct session *s, enum login_who who, struct login_gain *g)
{
	pthread_mutex_lock(&m->token_lock);
	CK_RV rv = login_enter(m, s, who, &g->master);
	if (rv == CKR_OK)
		m->login.unread = !g->all || key_take_in(m, &g->news) != CKR_OK;
	else if (g->all)
		m->login.unread = true;
	if (rv == CKR_OK && g->table_key.len > 0)
		rv = rv_from(client_unlock(m->client, &g->table_key));
	pthread_mutex_unlock(&m->token_lock);
	return rv;
}

CK_RV login_login(struct module *m, struct session *s, CK_USER_TYPE user, CK_UTF8CHAR_PTR pin, CK_ULONG pin_len)
{
	AUTO(login_gain) gain = {0};
	enum login_who who = user == CKU_SO ? LOGIN_SO : LOGIN_USER;

	if (user == CKU_CONTEXT_SPECIFIC)
		return CKR_OPERATION_NOT_INITIALIZED;
	if (user != CKU_SO && user != CKU_USER)
		return CKR_USER_TYPE_INVALID;
	if (pin == NULL)
		return CKR_ARGUMENTS_BAD;
	if (s->slot != SLOT_AGREEMENT)
		return CKR_USER_PIN_NOT_INITIALIZED;
	module_lock(m);
	CK_RV rv = login_possible(m, who);
	module_unlock(m);
	TRY_RV(rv);
	if (pin_check(pin, pin_len) != CKR_OK)
		return CKR_PIN_INCORRECT;
	TRY_RV(login_try(m, who, pin, pin_len, &gain));
	return login_unlock(m, s, who, &gain);
}

/* PKCS#11 3.0, 5.6.7.  The token has one user, who may be called by the client's name.  Another name is nobody's, so that
 * no PIN is tried. */
CK_RV login_login_user(struct module *m, struct session *s, CK_USER_TYPE user, CK_UTF8CHAR_PTR pin, CK_ULONG pin_len,
		       CK_UTF8CHAR_PTR name, CK_ULONG name_len)
{
	if (name == NULL && name_len > 0)
		return CKR_ARGUMENTS_BAD;
	const char *own = m->client != NULL ? client_config(m->client)->name : "";
	bool known = name_len == 0 || (name_len == strlen(own) && memcmp(name, own, name_len) == 0);
	return known ? login_login(m, s, user, pin, pin_len) : CKR_PIN_INCORRECT;
}

CK_RV login_logout(struct module *m, struct session *s)
{
	CK_RV rv = CKR_USER_NOT_LOGGED_IN;

	if (s->slot != SLOT_AGREEMENT)
		return rv;
	otpkey_give_back(m);
	module_lock(m);
	if (m->login.who != LOGIN_NOBODY) {
		login_end(m);
		rv = CKR_OK;
	}
	module_unlock(m);
	login_follow(m);
	session_end_gone(m, SLOT_AGREEMENT);
	return rv;
}

CK_RV login_init_token(struct module *m, CK_SLOT_ID slot, CK_UTF8CHAR_PTR pin, CK_ULONG pin_len, CK_UTF8CHAR_PTR label)
{
	TRY_RV(slot_check(m, slot));
	/* It never touches a pad: those of a PSKM are not this token's. */
	if (slot != SLOT_AGREEMENT)
		return CKR_TOKEN_WRITE_PROTECTED;
	if (label == NULL)
		return CKR_ARGUMENTS_BAD;
	TRY_RV(pin_check(pin, pin_len));
	module_lock(m);
	bool open = session_count(&m->sessions, slot, false) > 0;
	module_unlock(m);
	if (open)
		return CKR_SESSION_EXISTS;
	TRY_RV(login_rv(store_init(m->store, pin, pin_len, label)));
	return login_refresh(m);
}

/* A copy of the key that a PIN is to open; USER_NOT_LOGGED_IN when it is not this one who is. */
static CK_RV master_of(struct module *m, enum login_who who, struct secret *master)
{
	CK_RV rv = CKR_USER_NOT_LOGGED_IN;

	module_lock(m);
	if (m->login.who == who)
		rv = rv_from(secret_from(master, m->login.master.data, m->login.master.len));
	module_unlock(m);
	return rv;
}

CK_RV login_init_pin(struct module *m, struct session *s, CK_UTF8CHAR_PTR pin, CK_ULONG pin_len)
{
	AUTO(secret) master = {0};

	if (s->slot != SLOT_AGREEMENT)
		return CKR_TOKEN_WRITE_PROTECTED;
	TRY_RV(pin_check(pin, pin_len));
	TRY_RV(master_of(m, LOGIN_SO, &master));
	return login_rv(store_reset_pin(m->store, &master, pin, pin_len));
}

/* Changes the PIN of whoever is logged in, or the user's (PKCS#11 2.40, 5.5). */
CK_RV login_set_pin(struct module *m, struct session *s, CK_UTF8CHAR_PTR old, CK_ULONG old_len, CK_UTF8CHAR_PTR pin,
		    CK_ULONG pin_len)
{
	AUTO(secret) master = {0};

	if (s->slot != SLOT_AGREEMENT)
		return CKR_TOKEN_WRITE_PROTECTED;
	if (!s->rw)
		return CKR_SESSION_READ_ONLY;
	if (old == NULL)
		return CKR_ARGUMENTS_BAD;
	TRY_RV(pin_check(pin, pin_len));
	if (pin_check(old, old_len) != CKR_OK)
		return CKR_PIN_INCORRECT;
	module_lock(m);
	enum store_pin which = m->login.who == LOGIN_SO ? STORE_PIN_SO : STORE_PIN_USER;
	module_unlock(m);
	TRY_RV(login_rv(store_login(m->store, which, old, old_len, &master)));
	return login_rv(store_set_pin(m->store, &master, which, pin, pin_len));
}
