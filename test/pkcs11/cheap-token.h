/* SPDX-License-Identifier: Apache-2.0 */
/* test/pkcs11/cheap-token.h - a token whose PINs are cheap to try, so that tests are quick; or cost what they do by default. */
#ifndef DSKE_TEST_PKCS11_CHEAP_TOKEN_H
#define DSKE_TEST_PKCS11_CHEAP_TOKEN_H

#include "base/rc.h"
#include "base/secret.h"

struct token_words {
	const char *label, *so_pin, *pin;
};

/* A token in the folder.  table_key, unless NULL, is given the key that it has for tables.  Errors: as the store's. */
dske_rc cheap_token_make(const char *folder, const struct token_words *words, struct secret *table_key);
dske_rc costly_token_make(const char *folder, const struct token_words *words, struct secret *table_key);

#endif
