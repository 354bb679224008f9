/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "test/fuzz/calls.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OPS 11
#define DEAD_MAX 256
#define WINDOW 12 /* bytes of a secret in a row are no accident */
#define NOBODY CK_UNAVAILABLE_INFORMATION

struct thing {
	bool used, token, private, hidden;
	size_t session;
	unsigned char value[CALLS_VALUE], label[4];
	bool open;      /* it was extractable once */
	bool never_out; /* its value comes out in no way at all */
};

struct calls_model {
	struct {
		CK_SLOT_ID slot;
		bool open, rw;
		struct {
			bool maybe;
			CK_OBJECT_HANDLE key;
		} op[OPS];
	} session[CALLS_SESSIONS];
	struct thing thing[CALLS_OBJECTS];
	CK_USER_TYPE who;
	CK_ULONG dead[DEAD_MAX];
	size_t dead_count;
	CK_ULONG last_session, last_object; /* handles count up */
};

struct calls_model *model_new(void)
{
	struct calls_model *m = calloc(1, sizeof *m);

	if (m == NULL)
		abort();
	m->who = NOBODY;
	return m;
}

void model_free(struct calls_model *m)
{
	free(m);
}

_Noreturn void calls_wrong(const char *what)
{
	fprintf(stderr, "what must not be: %s\n", what);
	abort();
}

/* ---- sessions and logins ----------------------------------------------------------------------------------- */

static void bury(struct calls_model *m, CK_ULONG handle)
{
	if (handle != 0 && m->dead_count < DEAD_MAX)
		m->dead[m->dead_count++] = handle;
}

/* Its handle is dead; a token object may come again under another one. */
static void hide(struct calls *c, size_t i)
{
	struct thing *t = &c->model->thing[i];

	bury(c->model, c->all->object[i]);
	c->all->object[i] = 0;
	if (!t->token)
		*t = (struct thing){0};
}

static void login_ends(struct calls *c)
{
	c->model->who = NOBODY;
	for (size_t i = 0; i < CALLS_OBJECTS; i++) {
		if (c->model->thing[i].used && (c->model->thing[i].token || c->model->thing[i].private))
			hide(c, i);
	}
}

static bool slot_has_session(const struct calls_model *m, CK_SLOT_ID slot)
{
	for (size_t i = 0; i < CALLS_SESSIONS; i++) {
		if (m->session[i].open && m->session[i].slot == slot)
			return true;
	}
	return false;
}

void model_opened(struct calls *c, size_t session, CK_SLOT_ID slot, bool rw)
{
	struct calls_model *m = c->model;

	if (m == NULL)
		return;
	if (c->all->session[session] <= m->last_session)
		calls_wrong("a session's handle was given before");
	m->last_session = c->all->session[session];
	memset(&m->session[session], 0, sizeof m->session[session]);
	m->session[session].open = true;
	m->session[session].slot = slot;
	m->session[session].rw = rw;
	if (!rw && slot == 0 && m->who == CKU_SO)
		calls_wrong("a read-only session beside the SO");
}

void model_closed(struct calls *c, size_t session)
{
	struct calls_model *m = c->model;

	if (m == NULL)
		return;
	m->session[session].open = false;
	for (size_t i = 0; i < CALLS_OBJECTS; i++) {
		if (m->thing[i].used && !m->thing[i].token && m->thing[i].session == session)
			hide(c, i);
	}
	if (m->session[session].slot == 0 && !slot_has_session(m, 0))
		login_ends(c);
}

void model_slot_closed(struct calls *c, CK_SLOT_ID slot)
{
	for (size_t i = 0; c->model != NULL && i < CALLS_SESSIONS; i++) {
		if (c->model->session[i].open && c->model->session[i].slot == slot) {
			model_closed(c, i);
			c->all->session[i] = 0;
		}
	}
}

static bool find_one(CK_SESSION_HANDLE s, const unsigned char label[4], CK_OBJECT_HANDLE *found)
{
	CK_OBJECT_CLASS key = CKO_SECRET_KEY;
	CK_ATTRIBUTE templ[] = {{CKA_CLASS, &key, sizeof key}, {CKA_LABEL, (void *)label, 4}};
	CK_OBJECT_HANDLE list[2];
	CK_ULONG n = 0;

	(void)calls_p11->C_SessionCancel(s, CKF_FIND_OBJECTS);
	if (calls_p11->C_FindObjectsInit(s, templ, 2) != CKR_OK || calls_p11->C_FindObjects(s, list, 2, &n) != CKR_OK)
		calls_wrong("a search fails");
	(void)calls_p11->C_FindObjectsFinal(s);
	if (n > 1)
		calls_wrong("two keys have one label");
	*found = n == 1 ? list[0] : 0;
	return n == 1;
}

static CK_SESSION_HANDLE any_session(const struct calls *c)
{
	for (size_t i = 0; i < CALLS_SESSIONS; i++) {
		if (c->model->session[i].open && c->model->session[i].slot == 0)
			return c->all->session[i];
	}
	return 0;
}

void model_login(struct calls *c, CK_USER_TYPE who)
{
	struct calls_model *m = c->model;

	if (m == NULL)
		return;
	if (m->who != NOBODY)
		calls_wrong("two are logged in");
	m->who = who;
	for (size_t i = 0; i < CALLS_OBJECTS; i++) {
		CK_OBJECT_HANDLE found;
		if (!m->thing[i].used || !m->thing[i].token)
			continue;
		bool there = find_one(any_session(c), m->thing[i].label, &found);
		if (there != (who == CKU_USER || !m->thing[i].private))
			calls_wrong(there ? "the SO sees a private key" : "a token's key is lost");
		c->all->object[i] = found;
		if (found > m->last_object)
			m->last_object = found;
	}
}

void model_logout(struct calls *c)
{
	if (c->model != NULL)
		login_ends(c);
}

void model_ended(struct calls *c)
{
	struct calls_model *m = c->model;

	for (size_t i = 0; i < CALLS_SESSIONS; i++)
		c->all->session[i] = 0;
	for (size_t i = 0; i < CALLS_OBJECTS; i++)
		c->all->object[i] = 0;
	if (m == NULL)
		return;
	for (size_t i = 0; i < CALLS_OBJECTS; i++) {
		if (!m->thing[i].token)
			m->thing[i] = (struct thing){0};
	}
	memset(m->session, 0, sizeof m->session);
	m->who = NOBODY;
	m->dead_count = 0;
	m->last_session = m->last_object = 0;
}

void model_token_lost(struct calls *c)
{
	if (c->model != NULL)
		memset(c->model->thing, 0, sizeof c->model->thing);
}

/* ---- objects ----------------------------------------------------------------------------------------------- */

void model_made(struct calls *c, size_t object, size_t session, const struct calls_wish *w, bool known_value,
		size_t from)
{
	struct calls_model *m = c->model;

	if (m == NULL)
		return;
	struct thing *t = &m->thing[object], *base = from < CALLS_OBJECTS ? &m->thing[from] : NULL;
	if (c->all->object[object] <= m->last_object)
		calls_wrong("an object's handle was given before");
	m->last_object = c->all->object[object];
	if (w->private && m->who != CKU_USER)
		calls_wrong("a private object without its user");
	if (w->token && (m->who == NOBODY || !m->session[session].rw))
		calls_wrong("a token object from a session that may not");
	*t = (struct thing){.used = true, .token = w->token, .private = w->private, .session = session};
	t->hidden = w->sensitive || !w->open || (base != NULL && base->hidden);
	t->open = w->open;
	t->never_out = known_value && t->hidden;
	memcpy(t->value, w->value, sizeof t->value);
	memcpy(t->label, w->label, sizeof t->label);
}

void model_destroyed(struct calls *c, size_t object)
{
	if (c->model == NULL) {
		c->all->object[object] = 0;
		return;
	}
	bury(c->model, c->all->object[object]);
	c->all->object[object] = 0;
	c->model->thing[object] = (struct thing){0};
}

bool model_hides(const struct calls *c, size_t object)
{
	return c->model != NULL && c->model->thing[object].used && c->model->thing[object].hidden;
}

void model_closes(struct calls *c, size_t object)
{
	if (c->model != NULL)
		c->model->thing[object].hidden = true;
}

void model_given(struct calls *c, const void *bytes, size_t len)
{
	for (size_t i = 0; c->model != NULL && i < CALLS_OBJECTS; i++) {
		const struct thing *t = &c->model->thing[i];
		for (size_t at = 0; t->used && t->never_out && at + WINDOW <= CALLS_VALUE; at++) {
			if (memmem(bytes, len, t->value + at, WINDOW) != NULL)
				calls_wrong("bytes came out of a key that must not be told");
		}
	}
}

void model_label(const struct calls *c, size_t object, unsigned char label[4])
{
	memset(label, 0, 4);
	if (c->model != NULL)
		memcpy(label, c->model->thing[object].label, 4);
}

void model_wrapped(struct calls *c)
{
	for (size_t i = 0; c->model != NULL && i < CALLS_OBJECTS; i++) {
		if (c->model->thing[i].open)
			c->model->thing[i].never_out = false;
	}
}

static size_t at_handle(const struct calls *c, CK_OBJECT_HANDLE handle)
{
	size_t i = 0;

	while (i < CALLS_OBJECTS && (handle == 0 || c->all->object[i] != handle))
		i++;
	return i;
}

void model_found(struct calls *c, const CK_OBJECT_HANDLE *list, size_t n, size_t only)
{
	size_t expected = 0;

	if (c->model == NULL)
		return;
	for (size_t i = 0; i < CALLS_OBJECTS; i++)
		expected += c->all->object[i] != 0 && c->model->thing[i].used && (only == CALLS_OBJECTS || only == i);
	if (n != expected)
		calls_wrong("a search finds more or less than there is");
	for (size_t i = 0; i < n; i++) {
		size_t at = at_handle(c, list[i]);
		if (at == CALLS_OBJECTS || (only != CALLS_OBJECTS && at != only))
			calls_wrong("a search finds what it should not");
		if (i > 0 && list[i] == list[i - 1])
			calls_wrong("a search finds one twice");
	}
}

/* ---- operations -------------------------------------------------------------------------------------------- */

void model_begun(struct calls *c, size_t session, unsigned op, size_t key)
{
	if (c->model == NULL)
		return;
	c->model->session[session].op[op].maybe = true;
	c->model->session[session].op[op].key = key < CALLS_OBJECTS ? c->all->object[key] : 0;
}

void model_over(struct calls *c, size_t session, unsigned op)
{
	if (c->model != NULL)
		c->model->session[session].op[op].maybe = false;
}

void model_went_on(struct calls *c, size_t session, unsigned op, CK_RV rv)
{
	if (c->model == NULL || !c->model->session[session].open || rv != CKR_OK)
		return;
	if (!c->model->session[session].op[op].maybe)
		calls_wrong("an operation goes on that was never begun, or is over");
	CK_OBJECT_HANDLE key = c->model->session[session].op[op].key;
	if (key != 0 && at_handle(c, key) == CALLS_OBJECTS)
		calls_wrong("an operation goes on with a key that is gone");
}

/* ---- after each step --------------------------------------------------------------------------------------- */

static void check_sessions(const struct calls *c)
{
	static const CK_STATE states[2][3] = {
		{CKS_RO_PUBLIC_SESSION, CKS_RO_USER_FUNCTIONS, CKS_RW_SO_FUNCTIONS},
		{CKS_RW_PUBLIC_SESSION, CKS_RW_USER_FUNCTIONS, CKS_RW_SO_FUNCTIONS},
	};
	const struct calls_model *m = c->model;
	size_t who = m->who == NOBODY ? 0 : m->who == CKU_USER ? 1 : 2;
	CK_SESSION_INFO info;

	for (size_t i = 0; i < CALLS_SESSIONS; i++) {
		if (!m->session[i].open)
			continue;
		if (calls_p11->C_GetSessionInfo(c->all->session[i], &info) != CKR_OK)
			calls_wrong("a session is lost");
		if (info.state != states[m->session[i].rw][m->session[i].slot == 0 ? who : 0])
			calls_wrong("a session's state");
	}
}

void model_check(struct calls *c)
{
	const struct calls_model *m = c->model;
	CK_SESSION_HANDLE s = m != NULL ? any_session(c) : 0;
	CK_ULONG size;

	if (m == NULL)
		return;
	check_sessions(c);
	for (size_t i = 0; s != 0 && i < m->dead_count; i++) {
		if (at_handle(c, m->dead[i]) == CALLS_OBJECTS && calls_p11->C_GetObjectSize(s, m->dead[i], &size) == CKR_OK)
			calls_wrong("a dead handle lives");
	}
	for (size_t i = 0; s != 0 && i < CALLS_OBJECTS; i++) {
		if (c->all->object[i] != 0 && calls_p11->C_GetObjectSize(s, c->all->object[i], &size) != CKR_OK)
			calls_wrong("an object is lost");
	}
}
