/* SPDX-License-Identifier: Apache-2.0 */
/* What a step is; sessions, logins, slots, searches. */
#include <config.h>

#include "test/fuzz/calls.h"

#include <stdlib.h>
#include <string.h>

#define SO_PIN "87654321"

CK_FUNCTION_LIST_3_2 *calls_p11;

unsigned calls_take(struct calls *c, unsigned below)
{
	if (c->left == 0)
		return 0;
	c->left--;
	return *c->p++ % below;
}

size_t calls_session_at(struct calls *c)
{
	size_t i = calls_take(c, 256);

	for (size_t k = 0; i < 240 && k < CALLS_TOKEN_SESSIONS; k++) {
		if (c->all->session[(i + k) % CALLS_TOKEN_SESSIONS] != 0)
			return (i + k) % CALLS_TOKEN_SESSIONS;
	}
	return i % CALLS_TOKEN_SESSIONS;
}

/* One that there is, if there is any, but now and then. */
size_t calls_object_at(struct calls *c)
{
	size_t there[CALLS_OBJECTS], count = 0;
	unsigned which = calls_take(c, 256);

	for (size_t i = 0; i < CALLS_OBJECTS; i++) {
		if (c->all->object[i] != 0)
			there[count++] = i;
	}
	return count > 0 && which < 240 ? there[which % count] : which % CALLS_OBJECTS;
}

CK_SESSION_HANDLE calls_session(struct calls *c, size_t i)
{
	return c->all->session[i];
}

CK_OBJECT_HANDLE calls_object(struct calls *c, size_t i)
{
	return c->all->object[i];
}

/* ---- sessions ---------------------------------------------------------------------------------------------- */

static void step_open(struct calls *c)
{
	size_t i = calls_take(c, CALLS_SESSIONS);
	CK_SLOT_ID slot = i < CALLS_TOKEN_SESSIONS ? 0 : 1 + calls_take(c, CALLS_SLOTS - 1);
	CK_FLAGS flags = calls_take(c, 4) > 0 && slot == 0 ? CKF_RW_SESSION : 0;
	CK_SESSION_HANDLE s = 0;
	CK_SESSION_INFO info;

	if (c->model == NULL && calls_p11->C_GetSessionInfo(c->all->session[i], &info) != CKR_OK)
		c->all->session[i] = 0; /* another thread closed it */
	if (c->all->session[i] != 0 || calls_p11->C_OpenSession(slot, CKF_SERIAL_SESSION | flags, NULL, NULL, &s) != CKR_OK)
		return;
	c->all->session[i] = s;
	model_opened(c, i, slot, flags != 0);
}

static void step_close(struct calls *c)
{
	size_t i = calls_take(c, CALLS_SESSIONS);

	CK_RV rv = calls_p11->C_CloseSession(c->all->session[i]);
	if (c->model != NULL && (rv == CKR_OK) != (c->all->session[i] != 0))
		calls_wrong("a session that is closed twice, or not at all");
	if (rv == CKR_OK) {
		c->all->session[i] = 0;
		model_closed(c, i);
	}
}

static void step_close_all(struct calls *c)
{
	CK_SLOT_ID slot = 3 - calls_take(c, CALLS_SLOTS);

	if (calls_p11->C_CloseAllSessions(slot) == CKR_OK)
		model_slot_closed(c, slot);
	for (size_t i = 0; c->model == NULL && slot == 0 && i < CALLS_TOKEN_SESSIONS; i++)
		c->all->session[i] = 0;
}

/* ---- logins ------------------------------------------------------------------------------------------------ */

/* Wrong ones now and then; as few as lock no PIN in the end count. */
static const char *pin_of(struct calls *c, CK_USER_TYPE who)
{
	if (calls_take(c, 32) == 31)
		return "not this one";
	return who == CKU_SO ? SO_PIN : "123456";
}

static void step_login(struct calls *c)
{
	size_t i = calls_session_at(c);
	CK_USER_TYPE who = calls_take(c, 4) == 0 ? CKU_SO : CKU_USER;
	const char *pin = pin_of(c, who);

	if (calls_p11->C_Login(c->all->session[i], who, (CK_UTF8CHAR *)pin, strlen(pin)) != CKR_OK)
		return;
	if (pin[0] == 'n')
		calls_wrong("a wrong PIN opens");
	model_login(c, who);
}

static void step_logout(struct calls *c)
{
	if (calls_p11->C_Logout(c->all->session[calls_session_at(c)]) == CKR_OK)
		model_logout(c);
}

/* To what it is already: the next input begins with the same. */
static void step_pin(struct calls *c)
{
	CK_SESSION_HANDLE s = c->all->session[calls_session_at(c)];
	CK_UTF8CHAR *user = (CK_UTF8CHAR *)"123456", *so = (CK_UTF8CHAR *)SO_PIN;

	if (calls_take(c, 2) == 0)
		(void)calls_p11->C_InitPIN(s, user, 6);
	else if (calls_take(c, 2) == 0)
		(void)calls_p11->C_SetPIN(s, so, 8, so, 8);
	else
		(void)calls_p11->C_SetPIN(s, user, 6, user, 6);
}

static void step_init_token(struct calls *c)
{
	CK_UTF8CHAR label[33] = "alice                           ";

	if (calls_take(c, 8) == 7 && calls_p11->C_InitToken(0, (CK_UTF8CHAR *)SO_PIN, 8, label) == CKR_OK)
		model_token_lost(c);
}

static void step_again(struct calls *c)
{
	if (!c->single || calls_take(c, 3) != 0)
		return;
	if (calls_p11->C_Finalize(NULL) != CKR_OK)
		calls_wrong("the module cannot be ended");
	model_ended(c);
	if (calls_p11->C_Initialize(NULL) != CKR_OK)
		calls_wrong("the module cannot begin again");
}

/* ---- slots ------------------------------------------------------------------------------------------------- */

static void step_slots(struct calls *c)
{
	CK_SLOT_ID list[CALLS_SLOTS], slot = calls_take(c, CALLS_SLOTS);
	CK_ULONG n = CALLS_SLOTS;
	CK_SLOT_INFO info;
	CK_TOKEN_INFO token;
	CK_MECHANISM_TYPE types[200];

	if (c->single)
		setenv("DSKE_FAKE", calls_take(c, 3) == 0 ? "pulled low" : "low", 1);
	(void)calls_p11->C_WaitForSlotEvent(CKF_DONT_BLOCK, &slot, NULL);
	(void)calls_p11->C_GetSlotList(calls_take(c, 2) == 0, list, &n);
	(void)calls_p11->C_GetSlotInfo(slot, &info);
	(void)calls_p11->C_GetTokenInfo(slot, &token);
	n = sizeof types / sizeof types[0];
	(void)calls_p11->C_GetMechanismList(slot, types, &n);
	CK_SESSION_INFO is;
	for (size_t i = CALLS_TOKEN_SESSIONS; i < CALLS_SESSIONS; i++) {
		if (c->all->session[i] == 0 || calls_p11->C_GetSessionInfo(c->all->session[i], &is) == CKR_OK)
			continue;
		model_closed(c, i); /* its table went */
		c->all->session[i] = 0;
	}
}

/* ---- searches ---------------------------------------------------------------------------------------------- */

static void step_find(struct calls *c)
{
	CK_SESSION_HANDLE s = c->all->session[calls_session_at(c)];
	size_t only = calls_take(c, 2) == 0 ? CALLS_OBJECTS : calls_object_at(c);
	CK_OBJECT_CLASS key = CKO_SECRET_KEY;
	unsigned char label[4];
	CK_ATTRIBUTE templ[] = {{CKA_CLASS, &key, sizeof key}, {CKA_LABEL, label, sizeof label}};
	CK_OBJECT_HANDLE list[2 * CALLS_OBJECTS];
	CK_ULONG n = 0, more = 1;

	(void)calls_p11->C_SessionCancel(s, CKF_FIND_OBJECTS);
	if (only < CALLS_OBJECTS && (c->model == NULL || c->all->object[only] == 0))
		only = CALLS_OBJECTS;
	if (only < CALLS_OBJECTS)
		model_label(c, only, label);
	if (calls_p11->C_FindObjectsInit(s, templ, only < CALLS_OBJECTS ? 2 : 1) != CKR_OK)
		return;
	CK_ULONG at_once = 1 + calls_take(c, CALLS_OBJECTS);
	while (more > 0 && n + at_once <= sizeof list / sizeof list[0]) {
		if (calls_p11->C_FindObjects(s, list + n, at_once, &more) != CKR_OK)
			break;
		n += more;
	}
	if (calls_take(c, 8) != 0)
		(void)calls_p11->C_FindObjectsFinal(s);
	model_found(c, list, n, only);
}

static void step_random(struct calls *c)
{
	CK_SESSION_HANDLE s = c->all->session[calls_session_at(c)];
	CK_BYTE bytes[16] = {0};
	CK_SESSION_INFO info;
	CK_ULONG size;

	(void)calls_p11->C_GetSessionInfo(s, &info);
	(void)calls_p11->C_GetObjectSize(s, c->all->object[calls_object_at(c)], &size);
	(void)calls_p11->C_SeedRandom(s, bytes, sizeof bytes);
	(void)calls_p11->C_GenerateRandom(s, bytes, sizeof bytes);
}

/* What takes away from others what they work with: among threads less often. */
static bool is_rude(void (*step)(struct calls *))
{
	return step == step_close || step == step_close_all || step == step_logout || step == step_init_token;
}

bool calls_step(struct calls *c)
{
	static void (*const steps[])(struct calls *) = {
		step_open, step_open, step_open, step_close, step_close_all, step_login, step_login, step_logout, step_pin,
		step_init_token, step_again, step_slots, step_find, step_random,
		calls_keys, calls_keys, calls_keys, calls_keys, calls_keys, calls_keys, calls_keys, calls_keys,
		calls_use, calls_use, calls_use, calls_use, calls_use, calls_use, calls_use, calls_use, calls_use, calls_use,
	};

	if (c->left == 0)
		return false;
	void (*step)(struct calls *) = steps[calls_take(c, sizeof steps / sizeof steps[0])];
	if (c->model == NULL && is_rude(step) && calls_take(c, 64) != 63)
		step = calls_keys;
	step(c);
	model_check(c);
	return true;
}
