/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "test/fuzz/calls-token.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "pkcs11/entry.h"
#include "pkcs11/slot.h"
#include "store/store.h"
#include "test/fuzz/calls.h"

#define FOLDER_MAX 300

static char folder[FOLDER_MAX];
static pid_t owner;
static struct buf fresh; /* the token's file */

static void need(bool done, const char *what)
{
	if (done)
		return;
	perror(what);
	exit(2);
}

static void name_of(char path[2 * FOLDER_MAX], const char *name)
{
	snprintf(path, 2 * FOLDER_MAX, "%s/%s", folder, name);
}

static void remove_folder(void)
{
	char path[2 * FOLDER_MAX];
	DIR *d = getpid() == owner ? opendir(folder) : NULL;

	for (struct dirent *e = d != NULL ? readdir(d) : NULL; e != NULL; e = readdir(d)) {
		snprintf(path, sizeof path, "%s/%.250s", folder, e->d_name);
		(void)unlink(path);
	}
	if (d != NULL)
		closedir(d);
	(void)rmdir(folder);
}

/* No syncing: it is to be quick, and nobody needs it later. */
static void put(const char *name, const void *bytes, size_t len)
{
	char path[2 * FOLDER_MAX];

	name_of(path, name);
	FILE *f = fopen(path, "w");
	need(f != NULL && fwrite(bytes, 1, len, f) == len && fclose(f) == 0, path);
}

static void put_token(void)
{
	struct secret master = {0};
	struct store *s;
	uint8_t label[STORE_LABEL_LEN];
	char path[2 * FOLDER_MAX];

	slot_pad(label, sizeof label, "alice");
	need(rc_ok(store_new(&s, folder, (struct store_cost){.memory_kib = 8, .passes = 1})), "store_new");
	need(rc_ok(store_init(s, "87654321", 8, label)), "store_init");
	need(rc_ok(store_login(s, STORE_PIN_SO, "87654321", 8, &master)), "store_login");
	need(rc_ok(store_set_pin(s, &master, STORE_PIN_USER, "123456", 6)), "store_set_pin");
	secret_drop(&master);
	store_free(s);
	name_of(path, STORE_FILE_NAME);
	buf_heap(&fresh, STORE_FILE_MAX);
	need(rc_ok(file_read_all(&fresh, path, STORE_FILE_MAX)), path);
}

void token_make(void)
{
	static const char conf[] = "[client]\nname = alice\nid = 0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a\n"
				   "[peer bob]\nextract = yes\n";
	static const char peers[] = "[peer bob]\nid = 0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b\nhubs_agreed = 3\nhubs_asked = 3\n";
	const char *tmp = getenv("TMPDIR");
	char path[2 * FOLDER_MAX];
	CK_INTERFACE *found;

	snprintf(folder, sizeof folder, "%.200s/dske-calls-XXXXXX", tmp != NULL ? tmp : "/tmp");
	need(mkdtemp(folder) != NULL, folder);
	owner = getpid();
	need(atexit(remove_folder) == 0, "atexit");
	put("dske.conf", conf, sizeof conf - 1);
	put("peers", peers, sizeof peers - 1);
	put_token();
	name_of(path, "dske.conf");
	setenv("DSKE_CONF", path, 1);
	need(entry_interface(NULL, NULL, &found, 0) == CKR_OK, "entry_interface");
	calls_p11 = found->pFunctionList;
}

void token_restore(void)
{
	static const char *const others[] = {"token.login", "token.lock"};
	char path[2 * FOLDER_MAX];

	put(STORE_FILE_NAME, fresh.data, fresh.len);
	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
		name_of(path, others[i]);
		(void)unlink(path);
	}
	unsetenv("DSKE_FAKE");
}
