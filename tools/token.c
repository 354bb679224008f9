/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "tools/token.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "p11/answer.h"
#include "p11/value.h"

const char *token_module_path(void)
{
	const char *named = secure_getenv("DSKE_MODULE");
	return named != NULL && named[0] != '\0' ? named : P11_MODULE_DIR "/dske-pkcs11.so";
}

dske_rc token_load(struct token *t)
{
	const char *path = token_module_path();
	if (access(path, F_OK) != 0)
		return FAIL(NOT_FOUND, "there is no PKCS#11 module %s: install it, or let DSKE_MODULE name it", path);
	t->f = p11_kit_module_load(path, P11_KIT_MODULE_UNMANAGED | P11_KIT_MODULE_CRITICAL);
	if (t->f == NULL)
		return FAIL(UNSUPPORTED, "the PKCS#11 module %s cannot be loaded: %s", path, p11_kit_message());
	TRY(answer_rc(p11_kit_module_initialize(t->f), "the PKCS#11 module does not start"));
	t->initialized = true;
	CK_SLOT_ID slots[256];
	CK_ULONG count = sizeof slots / sizeof slots[0];
	TRY(answer_rc(t->f->C_GetSlotList(CK_FALSE, slots, &count), "the PKCS#11 module tells no slots"));
	if (count == 0)
		return FAIL(NOT_FOUND, "the PKCS#11 module has no slot: is there a configuration (dske init)?");
	t->slot = slots[0];
	return DSKE_OK;
}

dske_rc token_session(struct token *t, bool writable)
{
	CK_FLAGS flags = CKF_SERIAL_SESSION | (writable ? CKF_RW_SESSION : 0);
	return answer_rc(t->f->C_OpenSession(t->slot, flags, NULL, NULL, &t->session), "no session at the token");
}

static dske_rc no_pin_yet(void)
{
	return FAIL(STATE, "the token has no PIN yet, and keeps no keys before: dske token init sets the security officer's and the user's");
}

dske_rc token_state_read(struct token_state *out, const struct token *t)
{
	CK_TOKEN_INFO info;
	TRY(answer_rc(t->f->C_GetTokenInfo(t->slot, &info), "the token does not tell what it is"));
	value_trim(out->label, info.label, sizeof info.label);
	log_sanitise(out->label);
	out->flags = info.flags;
	return DSKE_OK;
}

dske_rc token_need_pin(const struct token *t)
{
	struct token_state s;
	TRY(token_state_read(&s, t));
	return (s.flags & CKF_USER_PIN_INITIALIZED) != 0 ? DSKE_OK : no_pin_yet();
}

dske_rc token_login(struct token *t, CK_USER_TYPE who, const struct secret *pin)
{
	CK_RV rv = t->f->C_Login(t->session, who, pin->data, pin->len - 1);
	if (rv == CKR_USER_ALREADY_LOGGED_IN)
		return DSKE_OK;
	if (rv == CKR_USER_PIN_NOT_INITIALIZED)
		return no_pin_yet();
	if (rv == CKR_PIN_LOCKED)
		return FAIL(PIN_LOCKED, "the PIN is locked after ten wrong ones; " TOKEN_NEW_PIN);
	if (rv == CKR_PIN_INCORRECT)
		return FAIL(PIN, "the PIN is wrong; ten wrong ones in a row lock it");
	return answer_rc(rv, "the token refuses the login");
}

/* What the module says of a new PIN, and how to do better. */
static dske_rc new_pin_rc(CK_RV rv)
{
	if (rv == CKR_PIN_LEN_RANGE)
		return FAIL(PIN, "a PIN has 4 to 255 bytes");
	return answer_rc(rv, "the PIN cannot be set");
}

dske_rc token_set_pin(struct token *t, const struct secret *former, const struct secret *fresh)
{
	return new_pin_rc(t->f->C_SetPIN(t->session, former->data, former->len - 1, fresh->data, fresh->len - 1));
}

dske_rc token_reset_pin(struct token *t, const struct secret *fresh)
{
	return new_pin_rc(t->f->C_InitPIN(t->session, fresh->data, fresh->len - 1));
}

static dske_rc label_padded(CK_UTF8CHAR out[32], const char *label)
{
	size_t len = strlen(label);
	if (len > 32)
		return FAIL(TOOBIG, "a token's label has at most 32 bytes");
	memset(out, ' ', 32);
	memcpy(out, label, len);
	return DSKE_OK;
}

dske_rc token_init(struct token *t, const char *label, const struct secret *so_pin, const struct secret *pin)
{
	CK_UTF8CHAR padded[32];
	TRY(label_padded(padded, label));
	TRY(answer_rc(t->f->C_InitToken(t->slot, so_pin->data, so_pin->len - 1, padded), "the token cannot be initialised"));
	TRY(token_session(t, true));
	TRY(token_login(t, CKU_SO, so_pin));
	return token_reset_pin(t, pin);
}

void token_attribute(const struct token *t, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type, void *out, size_t cap,
		     size_t *len)
{
	*len = value_read(t->f, t->session, object, type, out, cap);
}

dske_rc token_find(const struct token *t, CK_ATTRIBUTE *like, size_t like_count, CK_OBJECT_HANDLE *out, size_t most,
		   size_t *count)
{
	CK_ULONG found = 0;
	TRY(answer_rc(t->f->C_FindObjectsInit(t->session, like, like_count), "the token's objects cannot be listed"));
	CK_RV rv = t->f->C_FindObjects(t->session, out, most, &found);
	t->f->C_FindObjectsFinal(t->session);
	*count = found;
	return answer_rc(rv, "the token's objects cannot be listed");
}

void token_drop(struct token *t)
{
	if (t->f == NULL)
		return;
	if (t->session != 0)
		t->f->C_CloseSession(t->session);
	if (t->initialized)
		p11_kit_module_finalize(t->f);
	p11_kit_module_release(t->f);
	*t = (struct token){0};
}
