/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "pkcs11/slot.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "pkcs11/module.h"

#define MAKER "DSKE project"

void slot_pad(unsigned char *field, size_t len, const char *text)
{
	size_t n = strlen(text);

	if (n > len) {
		n = len;
		while (n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80)
			n--;
	}
	memset(field, ' ', len);
	memcpy(field, text, n);
}

void slots_drop(struct slots *s)
{
	free(s->pskm);
	*s = (struct slots){0};
}

CK_RV slot_check(struct module *m, CK_SLOT_ID slot)
{
	if (slot != SLOT_AGREEMENT)
		slots_refresh(m, false);
	module_lock(m);
	CK_RV rv = CKR_OK;
	if (slot > m->slots.count)
		rv = CKR_SLOT_ID_INVALID;
	else if (slot == SLOT_AGREEMENT ? m->client == NULL : !m->slots.pskm[slot - 1].present)
		rv = CKR_TOKEN_NOT_PRESENT;
	module_unlock(m);
	return rv;
}

/* ---- tables come and go --------------------------------------------------------------------------- */

static struct slot_pskm *slot_of_table(struct slots *s, const struct id *table)
{
	for (size_t i = 0; i < s->count; i++) {
		if (id_equal(&s->pskm[i].table, table))
			return &s->pskm[i];
	}
	return NULL;
}

/* With the module's lock.  Who did not ask the ledgers (asked) may not know yet that a table is low. */
static bool slots_note(struct slots *s, const struct table_presence *t, bool asked)
{
	struct slot_pskm *p = slot_of_table(s, &t->table);

	if (p == NULL) {
		p = reallocarray(s->pskm, s->count + 1, sizeof *p);
		if (p == NULL)
			return false;
		s->pskm = p;
		p = &s->pskm[s->count++];
		*p = (struct slot_pskm){.table = t->table};
	}
	p->event = p->event || (s->known && (p->present == t->is_absent || (t->is_low && !p->low)));
	p->present = !t->is_absent;
	p->low = t->is_low || (p->low && !asked);
	return true;
}

/* With the module's lock: a table that the client does not know any more is as one that is away. */
static void slots_note_all(struct slots *s, const struct table_presence *list, size_t count, bool asked)
{
	for (size_t i = 0; i < s->count; i++) {
		const struct id *own = &s->pskm[i].table;
		size_t at = 0;
		while (at < count && !id_equal(&list[at].table, own))
			at++;
		if (at == count)
			(void)slots_note(s, &(struct table_presence){.table = *own, .is_absent = true}, asked);
	}
	for (size_t i = 0; i < count && slots_note(s, &list[i], asked); i++)
		continue;
	s->known = true;
}

static void close_sessions_of_removed(struct module *m)
{
	for (CK_SLOT_ID slot = 1;; slot++) {
		module_lock(m);
		bool there = slot <= m->slots.count;
		bool closes = there && !m->slots.pskm[slot - 1].present && session_count(&m->sessions, slot, false) > 0;
		module_unlock(m);
		if (!there)
			return;
		if (closes)
			(void)session_close_all(m, slot);
	}
}

/* Asks the ledgers which hubs' tables are low: another process may have used them.  False: what an exchange of this
 * process found last stands in the list. */
static bool ask_low(struct module *m, struct table_presence *list, size_t count)
{
	struct client_hub *hubs = NULL;
	size_t hub_count = 0;

	if (!rc_ok(client_hubs(m->client, &hubs, &hub_count)))
		return false;
	for (size_t i = 0; i < count; i++) {
		for (size_t k = 0; k < hub_count; k++) {
			if (id_equal(&hubs[k].table, &list[i].table))
				list[i].is_low = hubs[k].low && !hubs[k].relieved;
		}
	}
	free(hubs);
	return true;
}

void slots_refresh(struct module *m, bool ask)
{
	struct table_presence *list = NULL;
	size_t count = 0;

	if (m->client == NULL)
		return;
	module_lock(m);
	unsigned long look = ++m->slots.looks;
	ask = ask || !m->slots.known; /* what is low already is no event */
	module_unlock(m);
	dske_rc rc = client_refresh(m->client);
	if (rc_ok(rc))
		rc = client_presence(m->client, &list, &count);
	if (!rc_ok(rc)) {
		log_warn("cannot list the PSKMs: %s", rc_detail(rc));
		return;
	}
	bool asked = ask && ask_low(m, list, count);
	module_lock(m);
	if (look > m->slots.noted) { /* else another thread has seen something newer */
		m->slots.noted = look;
		slots_note_all(&m->slots, list, count, asked);
	}
	module_unlock(m);
	free(list);
	close_sessions_of_removed(m);
}

/* What the client knows of the table in a slot: TOKEN_NOT_PRESENT if it is gone. */
static CK_RV slot_hub(struct module *m, CK_SLOT_ID slot, struct client_hub *out)
{
	struct client_hub *hubs = NULL;
	size_t count = 0;
	CK_RV rv = CKR_TOKEN_NOT_PRESENT;

	module_lock(m);
	struct id table = m->slots.pskm[slot - 1].table;
	module_unlock(m);
	TRY_RV(rv_from(client_hubs(m->client, &hubs, &count)));
	for (size_t i = 0; i < count; i++) {
		if (id_equal(&hubs[i].table, &table)) {
			*out = hubs[i];
			rv = CKR_OK;
		}
	}
	free(hubs);
	return rv;
}

/* ---- handlers ------------------------------------------------------------------------------------- */

CK_RV slot_module_info(struct module *m, CK_INFO_PTR info)
{
	(void)m;
	if (info == NULL)
		return CKR_ARGUMENTS_BAD;
	/* The latest that the library has, as PKCS#11 Profiles 3.2 wants it (BL-M-1-32); each list has its own. */
	*info = (CK_INFO){.cryptokiVersion = {3, 2}, .libraryVersion = {0, 1}};
	slot_pad(info->manufacturerID, sizeof info->manufacturerID, MAKER);
	slot_pad(info->libraryDescription, sizeof info->libraryDescription, "DSKE key agreement");
	return CKR_OK;
}

CK_RV slot_list(struct module *m, CK_BBOOL present, CK_SLOT_ID_PTR list, CK_ULONG_PTR n)
{
	if (n == NULL)
		return CKR_ARGUMENTS_BAD;
	module_lock(m);
	bool renewed = list == NULL || !m->slots.known;
	module_unlock(m);
	slots_refresh(m, false);
	CK_RV rv = CKR_OK;
	CK_ULONG found = 0;
	module_lock(m);
	/* PKCS#11 2.40, 5.5: the set of slots changes only in a call without a buffer; what is in them, at any time. */
	if (renewed)
		m->slots.listed = m->slots.count;
	for (CK_SLOT_ID slot = 0; slot <= m->slots.listed; slot++) {
		bool there = slot == SLOT_AGREEMENT ? m->client != NULL : m->slots.pskm[slot - 1].present;
		if (present && !there)
			continue;
		if (list != NULL && found < *n)
			list[found] = slot;
		else if (list != NULL)
			rv = CKR_BUFFER_TOO_SMALL;
		found++;
	}
	module_unlock(m);
	*n = found;
	return rv;
}

CK_RV slot_info(struct module *m, CK_SLOT_ID slot, CK_SLOT_INFO_PTR info)
{
	struct client_hub hub;
	char text[96];

	if (info == NULL)
		return CKR_ARGUMENTS_BAD;
	CK_RV there = slot_check(m, slot);
	if (there == CKR_SLOT_ID_INVALID)
		return there;
	*info = (CK_SLOT_INFO){.flags = there == CKR_OK ? CKF_TOKEN_PRESENT : 0};
	bool known = slot != SLOT_AGREEMENT && slot_hub(m, slot, &hub) == CKR_OK;
	if (slot == SLOT_AGREEMENT)
		snprintf(text, sizeof text, "DSKE key agreement%s", there == CKR_OK ? "" : " (no usable configuration)");
	else if (there == CKR_OK && known)
		snprintf(text, sizeof text, "DSKE PSKM of hub %s", hub.name);
	else
		snprintf(text, sizeof text, "DSKE PSKM%s%s (not there)", known ? " of hub " : "", known ? hub.name : "");
	if (slot != SLOT_AGREEMENT)
		info->flags |= CKF_REMOVABLE_DEVICE;
	slot_pad(info->slotDescription, sizeof info->slotDescription, text);
	slot_pad(info->manufacturerID, sizeof info->manufacturerID, MAKER);
	return CKR_OK;
}

static void token_common(CK_TOKEN_INFO *info, const struct id *serial)
{
	char hex[ID_HEX_LEN];

	*info = (CK_TOKEN_INFO){
		.ulMaxSessionCount = CK_EFFECTIVELY_INFINITE,
		.ulSessionCount = CK_UNAVAILABLE_INFORMATION,
		.ulMaxRwSessionCount = CK_EFFECTIVELY_INFINITE,
		.ulRwSessionCount = CK_UNAVAILABLE_INFORMATION,
		.ulTotalPublicMemory = CK_UNAVAILABLE_INFORMATION,
		.ulFreePublicMemory = CK_UNAVAILABLE_INFORMATION,
		.ulTotalPrivateMemory = CK_UNAVAILABLE_INFORMATION,
		.ulFreePrivateMemory = CK_UNAVAILABLE_INFORMATION,
		.firmwareVersion = {0, 1},
	};
	slot_pad(info->manufacturerID, sizeof info->manufacturerID, MAKER);
	slot_pad((unsigned char *)info->utcTime, sizeof info->utcTime, "");
	id_hex(serial, hex);
	hex[sizeof info->serialNumber] = '\0';
	slot_pad(info->serialNumber, sizeof info->serialNumber, hex);
}

static CK_FLAGS attempts_flags(unsigned failed, CK_FLAGS low, CK_FLAGS last, CK_FLAGS locked)
{
	if (failed >= STORE_ATTEMPTS)
		return locked;
	return (failed > 0 ? low : 0) | (failed == STORE_ATTEMPTS - 1 ? last : 0);
}

static CK_RV agreement_info(struct module *m, CK_TOKEN_INFO *info)
{
	const struct config *c = client_config(m->client);
	struct store_status st;

	token_common(info, &c->id);
	slot_pad(info->label, sizeof info->label, c->name);
	slot_pad(info->model, sizeof info->model, "DSKE agreement");
	info->ulMinPinLen = STORE_PIN_MIN;
	info->ulMaxPinLen = STORE_PIN_MAX;
	info->flags = CKF_RNG;
	dske_rc rc = store_status(m->store, &st);
	if (!rc_ok(rc)) {
		log_error("%s", rc_detail(rc));
		return rv_from(rc);
	}
	if (st.initialised) {
		memcpy(info->label, st.label, sizeof info->label);
		info->flags |= CKF_TOKEN_INITIALIZED | CKF_LOGIN_REQUIRED;
	}
	if (st.user_pin_set)
		info->flags |= CKF_USER_PIN_INITIALIZED;
	if (st.user_pin_reset)
		info->flags |= CKF_USER_PIN_TO_BE_CHANGED;
	info->flags |= attempts_flags(st.user_failed, CKF_USER_PIN_COUNT_LOW, CKF_USER_PIN_FINAL_TRY, CKF_USER_PIN_LOCKED);
	info->flags |= attempts_flags(st.so_failed, CKF_SO_PIN_COUNT_LOW, CKF_SO_PIN_FINAL_TRY, CKF_SO_PIN_LOCKED);
	return CKR_OK;
}

/* The memory figures are the table: bytes that are left, and bytes in all, both directions. */
static CK_RV pskm_info(struct module *m, CK_SLOT_ID slot, CK_TOKEN_INFO *info)
{
	struct client_hub hub;

	TRY_RV(slot_hub(m, slot, &hub));
	token_common(info, &hub.table);
	slot_pad(info->label, sizeof info->label, hub.name);
	slot_pad(info->model, sizeof info->model, "DSKE PSKM");
	info->flags = CKF_TOKEN_INITIALIZED | CKF_WRITE_PROTECTED;
	if (!rc_ok(hub.rc) && !rc_is(hub.rc, DSKE_RC_KEY)) /* the ledger is read without the key of the tables */
		return CKR_OK;
	info->ulTotalPublicMemory = hub.status.up_len + hub.status.down_len;
	info->ulFreePublicMemory = hub.status.up_left + hub.status.down_left;
	return CKR_OK;
}

CK_RV slot_token_info(struct module *m, CK_SLOT_ID slot, CK_TOKEN_INFO_PTR info)
{
	if (info == NULL)
		return CKR_ARGUMENTS_BAD;
	TRY_RV(slot_check(m, slot));
	TRY_RV(slot == SLOT_AGREEMENT ? agreement_info(m, info) : pskm_info(m, slot, info));
	module_lock(m);
	info->ulSessionCount = session_count(&m->sessions, slot, false);
	info->ulRwSessionCount = info->ulSessionCount - session_count(&m->sessions, slot, true);
	module_unlock(m);
	return CKR_OK;
}
