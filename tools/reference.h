/* SPDX-License-Identifier: Apache-2.0 */
/* tools/reference.h - PSKMs without bytes of their own (pskm/reference.h), for dske pskm create, verify and import. */
#ifndef DSKE_TOOLS_REFERENCE_H
#define DSKE_TOOLS_REFERENCE_H

#include "base/rc.h"
#include "base/secret.h"
#include "client/config.h"
#include "hub/conf.h"
#include "pskm/reference.h"

struct refer {
	const char *file;      /* of the PSKM */
	const char *qkd;       /* the link's name; NULL: none, or at a client the only one */
	struct id from_table;  /* zero: none */
	const char *tables;    /* this side's folder of them */
	const struct secret *table_key;
	bool gone;             /* keys were fetched, or bytes taken: what fails from then on is lost */
	enum reference_kind kind;
};

/* Is that what the options ask for? */
static inline bool refer_wanted(const struct refer *r)
{
	return r->qkd != NULL || !id_is_zero(&r->from_table);
}

/* Hub: out of the link's keys, or of the rest of from_table; h as reference_make_keys takes it. */
dske_rc refer_create(struct refer *r, struct pskm_header *h, const struct hub_conf *hub);

/* Client. */
dske_rc refer_import(struct refer *r, struct pskm_header *h, const struct config *config);

/* What can be said of the file without the bytes that it names. */
void refer_tell(const struct reference *what, const char *file, bool json);

/* What to do after a failure; NULL: nothing in particular. */
const char *refer_advice(const struct refer *r, dske_rc rc);

#endif
