/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "hub/lowwater.h"

#include <inttypes.h>

#include "base/log.h"

static void tell_low(const struct vault_table *t, const struct table_status *s)
{
	const struct identity *who = &t->client->who;
	char table[ID_HEX_LEN], client[ID_HEX_LEN], forecast[SUPPLY_TEXT_MAX];

	log_warn("%s: its table %s runs low: %" PRIu64 " of %" PRIu64 " bytes up, %" PRIu64 " of %" PRIu64 " down and %" PRIu64
		 " of %" PRIu64 " leases are left, %s; unless it has another one, make a new PSKM: dske pskm create --client %s "
		 "--client-id %s --size %" PRIu64 " --output %s.pskm",
		 who->name, id_hex(&t->id, table), s->up_left, s->up_len, s->down_left, s->down_len, s->lease_left,
		 s->lease_slots, supply_sentence(s->supply.lasts_s, forecast), who->name, id_hex(&who->id, client),
		 t->header.layout.len, who->name);
}

static void tell_empty(const struct vault_table *t)
{
	const struct identity *who = &t->client->who;
	char table[ID_HEX_LEN], client[ID_HEX_LEN];

	log_warn("%s: its table %s is empty; unless it has another one it agrees on no key through this hub, so make a new "
		 "PSKM: dske pskm create --client %s --client-id %s --size %" PRIu64 " --output %s.pskm",
		 who->name, id_hex(&t->id, table), who->name, id_hex(&who->id, client), t->header.layout.len, who->name);
}

void lowwater_look(const struct hub *h, struct vault_table *t)
{
	struct table_status s;

	if (!t->table || !rc_ok(table_status(t->table, &s)))
		return;
	switch (low_watch_look(&t->low, &h->conf.low_water, &s)) {
	case LOW_PASSED:
	case LOW_HALVED:
		tell_low(t, &s);
		break;
	case LOW_EMPTY:
		tell_empty(t);
		break;
	case LOW_NOTHING_NEW:
		break;
	}
}
