/* SPDX-License-Identifier: Apache-2.0 */
/* make-token FOLDER LABEL SO-PIN PIN [costly]: a token whose PINs are cheap to try, so that tests are quick; or cost what they do
 * by default. */
#include <config.h>

#include <stdio.h>
#include <string.h>

#include "pkcs11/slot.h"
#include "store/store.h"

static dske_rc make(struct store *s, char **argv)
{
	AUTO(secret) master = {0};
	uint8_t label[STORE_LABEL_LEN];

	slot_pad(label, sizeof label, argv[2]);
	TRY(store_init(s, argv[3], strlen(argv[3]), label));
	TRY(store_login(s, STORE_PIN_SO, argv[3], strlen(argv[3]), &master));
	return store_set_pin(s, &master, STORE_PIN_USER, argv[4], strlen(argv[4]));
}

int main(int argc, char **argv)
{
	bool costly = argc == 6 && strcmp(argv[5], "costly") == 0;
	struct store_cost cost = costly ? (struct store_cost){0} : (struct store_cost){.memory_kib = 8, .passes = 1};
	struct store *s;

	if ((argc != 5 && !costly) || !rc_ok(store_new(&s, argv[1], cost)))
		return 2;
	dske_rc rc = make(s, argv);
	if (!rc_ok(rc))
		fprintf(stderr, "make-token: %s\n", rc_detail(rc));
	store_free(s);
	return !rc_ok(rc);
}
