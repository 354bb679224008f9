/* SPDX-License-Identifier: Apache-2.0 */
/* make-token FOLDER LABEL SO-PIN PIN [costly]: a token for scripts, as test/pkcs11/cheap-token.h has them. */
#include <config.h>

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "test/pkcs11/cheap-token.h"

int main(int argc, char **argv)
{
	bool costly = argc == 6 && strcmp(argv[5], "costly") == 0;

	if (argc != 5 && !costly)
		return 2;
	struct token_words words = {argv[2], argv[3], argv[4]};
	dske_rc rc = costly ? costly_token_make(argv[1], &words, NULL) : cheap_token_make(argv[1], &words, NULL);
	if (!rc_ok(rc))
		fprintf(stderr, "make-token: %s\n", rc_detail(rc));
	return !rc_ok(rc);
}
