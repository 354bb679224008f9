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

/* With the module's lock. */
static bool slots_note(struct slots *s, const struct id *table)
{
	struct slot_pskm *p = slot_of_table(s, table);

	if (p == NULL) {
		p = reallocarray(s->pskm, s->count + 1, sizeof *p);
		if (p == NULL)
			return false;
		s->pskm = p;
		p = &s->pskm[s->count++];
		*p = (struct slot_pskm){.table = *table};
	}
	p->present = true;
	return true;
}

/* Looks for tables that were added or taken away. */
static void slots_refresh(struct module *m)
{
	struct client_hub *hubs = NULL;
	size_t count = 0;

	if (m->client == NULL)
		return;
	dske_rc rc = client_refresh(m->client);
	if (rc_ok(rc))
		rc = client_hubs(m->client, &hubs, &count);
	if (!rc_ok(rc)) {
		log_warn("cannot list the PSKMs: %s", rc_detail(rc));
		return;
	}
	module_lock(m);
	for (size_t i = 0; i < m->slots.count; i++)
		m->slots.pskm[i].present = false;
	m->slots.known = true;
	for (size_t i = 0; i < count && slots_note(&m->slots, &hubs[i].table); i++)
		continue;
	module_unlock(m);
	free(hubs);
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
	*info = (CK_INFO){.cryptokiVersion = {2, 40}, .libraryVersion = {0, 1}};
	slot_pad(info->manufacturerID, sizeof info->manufacturerID, MAKER);
	slot_pad(info->libraryDescription, sizeof info->libraryDescription, "DSKE key agreement");
	return CKR_OK;
}

CK_RV slot_list(struct module *m, CK_BBOOL present, CK_SLOT_ID_PTR list, CK_ULONG_PTR n)
{
	if (n == NULL)
		return CKR_ARGUMENTS_BAD;
	/* PKCS#11 2.40, 5.5: the set of slots may change only here. */
	module_lock(m);
	bool known = m->slots.known;
	module_unlock(m);
	if (list == NULL || !known)
		slots_refresh(m);
	CK_RV rv = CKR_OK;
	CK_ULONG found = 0;
	module_lock(m);
	for (CK_SLOT_ID slot = 0; slot <= m->slots.count; slot++) {
		bool there = slot == SLOT_AGREEMENT ? m->client != NULL : m->slots.pskm[slot - 1].present;
		if (slot != SLOT_AGREEMENT)
			m->slots.pskm[slot - 1].announced = true;
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
	if (slot == SLOT_AGREEMENT)
		snprintf(text, sizeof text, "DSKE key agreement%s", there == CKR_OK ? "" : " (no usable configuration)");
	else if (there == CKR_OK && slot_hub(m, slot, &hub) == CKR_OK)
		snprintf(text, sizeof text, "DSKE PSKM of hub %s", hub.name);
	else
		snprintf(text, sizeof text, "DSKE PSKM (taken away)");
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
	if (!rc_ok(hub.rc))
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

/* A table that was added is an event.  Waiting for one would take a thread. */
CK_RV slot_wait(struct module *m, CK_FLAGS flags, CK_SLOT_ID_PTR slot, CK_VOID_PTR reserved)
{
	if (slot == NULL || reserved != NULL)
		return CKR_ARGUMENTS_BAD;
	if ((flags & CKF_DONT_BLOCK) == 0)
		return CKR_FUNCTION_NOT_SUPPORTED;
	slots_refresh(m);
	CK_RV rv = CKR_NO_EVENT;
	module_lock(m);
	for (size_t i = 0; i < m->slots.count && rv == CKR_NO_EVENT; i++) {
		if (!m->slots.pskm[i].present || m->slots.pskm[i].announced)
			continue;
		m->slots.pskm[i].announced = true;
		*slot = i + 1;
		rv = CKR_OK;
	}
	module_unlock(m);
	return rv;
}
