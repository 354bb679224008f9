/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "pkcs11/profile.h"

#include <string.h>

#include "pkcs11/mech.h"
#include "pkcs11/module.h"

static bool always(void)
{
	return true;
}

static bool has_hkdf_data(void)
{
	const struct mech *row = mech_find(CKM_HKDF_DATA);

	return row != NULL && (row->flags & CKF_DERIVE) != 0;
}

/* PKCS#11 Profiles 3.2, 5.1, 5.3 and 5.6. */
static const struct profile {
	CK_ULONG id;
	const char *name;
	bool (*met)(void);
} profiles[] = {
	{CKP_BASELINE_PROVIDER, "Baseline Provider", always},
	{CKP_EXTENDED_PROVIDER, "Extended Provider", always},
	{CKP_HKDF_TLS_TOKEN, "HKDF TLS Token", has_hkdf_data},
};
#define PROFILE_COUNT (sizeof profiles / sizeof profiles[0])

static CK_RV fill(struct attrs *a, const struct profile *p)
{
	TRY_RV(attrs_set_ulong(a, CKA_CLASS, CKO_PROFILE));
	TRY_RV(attrs_set_bool(a, CKA_TOKEN, true));
	TRY_RV(attrs_set_bool(a, CKA_PRIVATE, false));
	TRY_RV(attrs_set_bool(a, CKA_MODIFIABLE, false));
	TRY_RV(attrs_set_bool(a, CKA_COPYABLE, false));
	TRY_RV(attrs_set_bool(a, CKA_DESTROYABLE, false));
	TRY_RV(attrs_set_text(a, CKA_LABEL, p->name));
	TRY_RV(attrs_set_text(a, CKA_UNIQUE_ID, p->name));
	return attrs_set_ulong(a, CKA_PROFILE_ID, p->id);
}

/* With the module's lock. */
static CK_RV add(struct module *m, const struct profile *p)
{
	struct object *o = object_new(OBJECT_PROFILE, SLOT_AGREEMENT);

	if (o == NULL)
		return CKR_HOST_MEMORY;
	CK_RV rv = fill(&o->attrs, p);
	if (rv == CKR_OK)
		return objects_add(&m->objects, o);
	object_unref(o);
	return rv;
}

static bool is_there(const struct module *m, const struct profile *p)
{
	const struct object *o = objects_first(&m->objects, CKA_UNIQUE_ID, p->name, strlen(p->name));

	while (o != NULL && !(o->kind == OBJECT_PROFILE && attrs_get_ulong(&o->attrs, CKA_PROFILE_ID, 0) == p->id))
		o = objects_next(o, CKA_UNIQUE_ID);
	return o != NULL;
}

CK_RV profile_sync(struct module *m)
{
	CK_RV rv = CKR_OK;

	module_lock(m);
	for (size_t i = 0; i < PROFILE_COUNT && rv == CKR_OK; i++) {
		if (profiles[i].met() && !is_there(m, &profiles[i]))
			rv = add(m, &profiles[i]);
	}
	module_unlock(m);
	return rv;
}
