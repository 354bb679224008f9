/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tables whose key the token's PIN has (`table_key = pin`): alice's module, with the real client and mock hubs.
 */
#include <config.h>

#include "test/client/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pskm/container-impl.h"
#include "pkcs11/entry.h"
#include "pkcs11/p11-3x.h"
#include "test/pkcs11/cheap-token.h"

#include "pkcs11/dske-pkcs11.h"

#define IS(call, wanted) assert_int_equal((call), (wanted))
#define SO "so-pin-1"
#define PIN "user-pin"
#define NEW "user-pin-2"

static CK_FUNCTION_LIST *p11;
static struct world w;
static CK_SESSION_HANDLE session;

static CK_UTF8CHAR *text(const char *pin)
{
	return (CK_UTF8CHAR *)(uintptr_t)pin;
}

/* A token, and the key that it has for the tables. */
static void make_token(struct secret *key)
{
	struct path state;
	assert_ok(path_format(&state, "%s/alice", w.scratch.s));
	assert_ok(cheap_token_make(state.s, &(struct token_words){"alice", SO, PIN}, key));
}

/* Instead of alice's table of this hub: another one, under the key. */
static void carry(size_t hub, const struct secret *key)
{
	static const struct kdf_cost cheap = {1, 8, 1};
	struct mock_hub *h = &w.hub[hub];
	struct pskm_header header = {.hub = h->id, .client = w.alice_id, .layout.len = 256u << 10}, imported;
	char passphrase[PASSPHRASE_TEXT_MAX], name[32];
	struct path tables;
	strcpy(header.hub_name, h->name);
	strcpy(header.client_name, "alice");
	strcpy(header.hub_address, h->address);
	snprintf(name, sizeof name, "locked-%zu", hub);
	const char *container = scratch_path(&w.scratch, name);
	assert_ok(path_format(&tables, "%s/alice/tables", w.scratch.s));
	assert_ok(container_make_at_cost(&header, h->tables.s, container, passphrase, &cheap, NULL, NULL));
	assert_ok(container_import(container, passphrase, &w.alice_id, tables.s, key, &imported, NULL, NULL));
	mock_hub_serve(h, &header);
}

static void activate_all(const struct secret *key)
{
	struct client_hub *hubs = NULL;
	size_t count = 0;
	assert_ok(client_open(&w.alice, w.alice_conf.s));
	assert_ok(client_hubs(w.alice, &hubs, &count));
	assert_int_equal(count, WORLD_HUBS);
	for (size_t i = 0; i < count; i++) {
		assert_rc(hubs[i].rc, KEY);
		assert_rc(client_activate(w.alice, &hubs[i].table, 2000), KEY);
	}
	assert_ok(client_unlock(w.alice, key));
	for (size_t i = 0; i < count; i++)
		assert_ok(client_activate(w.alice, &hubs[i].table, 5000));
	free(hubs);
	client_relock(w.alice);
}

static int set_up(void **state)
{
	char conf[1024], hex[ID_HEX_LEN];
	struct path tables, former;
	AUTO(secret) key = {0};
	(void)state;
	world_make(&w, TABLE_LEN_MIN, "timeout = 3s");
	client_close(w.alice);
	assert_ok(path_format(&tables, "%s/alice/tables", w.scratch.s));
	assert_ok(path_format(&former, "%s/former", w.scratch.s));
	assert_int_equal(rename(tables.s, former.s), 0);
	int len = snprintf(conf, sizeof conf, "[client]\nname = alice\nid = %s\ntable_key = pin\n[agreement]\ntimeout = 3s\n",
			   id_hex(&w.alice_id, hex));
	assert_ok(file_replace(w.alice_conf.s, conf, (size_t)len, 0600));
	make_token(&key);
	for (size_t i = 0; i < WORLD_HUBS; i++)
		carry(i, &key);
	activate_all(&key);
	setenv("DSKE_CONF", w.alice_conf.s, 1);
	IS(entry_function_list(&p11), CKR_OK);
	IS(p11->C_Initialize(NULL), CKR_OK);
	IS(p11->C_OpenSession(0, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &session), CKR_OK);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	(void)p11->C_Finalize(NULL);
	world_drop(&w);
	return 0;
}

/* What is left of all tables: bytes and lease slots. */
static uint64_t left(void)
{
	struct client_hub *hubs = NULL;
	size_t count = 0;
	uint64_t sum = 0;
	assert_ok(client_hubs(w.alice, &hubs, &count));
	for (size_t i = 0; i < count; i++)
		sum += hubs[i].status.up_left + hubs[i].status.down_left + hubs[i].status.lease_left;
	free(hubs);
	return sum;
}

static CK_OBJECT_HANDLE peer(void)
{
	CK_OBJECT_CLASS class = CKO_DSKE_PEER;
	CK_ATTRIBUTE like[] = {{CKA_CLASS, &class, sizeof class}, {CKA_LABEL, (void *)(uintptr_t) "bob", 3}};
	CK_OBJECT_HANDLE found = 0;
	CK_ULONG n = 0;
	IS(p11->C_FindObjectsInit(session, like, 2), CKR_OK);
	IS(p11->C_FindObjects(session, &found, 1, &n), CKR_OK);
	IS(p11->C_FindObjectsFinal(session), CKR_OK);
	assert_int_equal(n, 1);
	return found;
}

static CK_RV derive(const char *context)
{
	CK_DSKE_DERIVE_PARAMS p = {.ulVersion = 1};
	CK_MECHANISM m = {CKM_DSKE_DERIVE, &p, sizeof p};
	CK_OBJECT_HANDLE key;
	p.ulContextLen = strlen(context);
	memcpy(p.context, context, p.ulContextLen);
	return p11->C_DeriveKey(session, &m, peer(), NULL, 0, &key);
}

/* With bob at the other end. */
static void derive_both(const char *context)
{
	struct caller bob;
	caller_start(&bob, w.bob, "alice", context, 3000);
	IS(derive(context), CKR_OK);
	caller_join(&bob);
	assert_ok(bob.rc);
	agree_result_drop(&bob.r);
}

static void login(const char *pin)
{
	IS(p11->C_Login(session, CKU_USER, text(pin), strlen(pin)), CKR_OK);
}

static void logout(void)
{
	IS(p11->C_Logout(session), CKR_OK);
}

/* ---- with and without ---------------------------------------------------------------------------------------- */

static void locked(void **state)
{
	CK_TOKEN_INFO info;
	uint64_t before = left();
	(void)state;
	IS(derive("locked"), CKR_USER_NOT_LOGGED_IN);
	IS(p11->C_Login(session, CKU_USER, text("not this"), 8), CKR_PIN_INCORRECT);
	IS(derive("wrong pin"), CKR_USER_NOT_LOGGED_IN);
	assert_int_equal(left(), before);
	IS(p11->C_GetTokenInfo(1, &info), CKR_OK); /* what is left can be seen */
	assert_true(info.ulFreePublicMemory > 0 && info.ulFreePublicMemory != CK_UNAVAILABLE_INFORMATION);
	/* The SO sets PINs, and uses nothing. */
	IS(p11->C_Login(session, CKU_SO, text(SO), strlen(SO)), CKR_OK);
	IS(derive("so"), CKR_USER_NOT_LOGGED_IN);
	logout();
	assert_int_equal(left(), before);
}

static void unlocked_and_relocked(void **state)
{
	CK_SESSION_HANDLE other;
	(void)state;
	login(PIN);
	derive_both("unlocked");
	derive_both("again, with what the first call has left ready");
	logout();
	uint64_t before = left();
	IS(derive("relocked"), CKR_USER_NOT_LOGGED_IN);
	assert_int_equal(left(), before);
	login(PIN);
	derive_both("once more");
	/* The last session's end is a logout. */
	IS(p11->C_CloseAllSessions(0), CKR_OK);
	IS(p11->C_OpenSession(0, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &session), CKR_OK);
	IS(derive("closed"), CKR_USER_NOT_LOGGED_IN);
	IS(p11->C_OpenSession(0, CKF_SERIAL_SESSION, NULL, NULL, &other), CKR_OK);
	login(PIN);
	IS(p11->C_CloseSession(other), CKR_OK);
	derive_both("one session is left");
	logout();
}

/* ---- PINs that change ----------------------------------------------------------------------------------------- */

static void a_new_pin(void **state)
{
	(void)state;
	login(PIN);
	IS(p11->C_SetPIN(session, text(PIN), strlen(PIN), text(NEW), strlen(NEW)), CKR_OK);
	derive_both("while logged in");
	logout();
	IS(p11->C_Login(session, CKU_USER, text(PIN), strlen(PIN)), CKR_PIN_INCORRECT);
	login(NEW);
	derive_both("with the new one");
	logout();
}

/* The SO's reset of a PIN that nobody knows any more. */
static void a_reset(void **state)
{
	(void)state;
	IS(p11->C_Login(session, CKU_SO, text(SO), strlen(SO)), CKR_OK);
	IS(p11->C_InitPIN(session, text(PIN), strlen(PIN)), CKR_OK);
	logout();
	login(PIN);
	derive_both("after the reset");
	logout();
}

/* C_InitToken destroys keys, never a table. */
static void a_new_token(void **state)
{
	CK_UTF8CHAR label[32];
	(void)state;
	memset(label, ' ', sizeof label);
	IS(p11->C_CloseAllSessions(0), CKR_OK);
	IS(p11->C_InitToken(0, text(SO), strlen(SO), label), CKR_OK);
	IS(p11->C_OpenSession(0, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &session), CKR_OK);
	IS(derive("no user's PIN"), CKR_USER_NOT_LOGGED_IN);
	IS(p11->C_Login(session, CKU_SO, text(SO), strlen(SO)), CKR_OK);
	IS(p11->C_InitPIN(session, text(NEW), strlen(NEW)), CKR_OK);
	logout();
	login(NEW);
	derive_both("with the new token");
	logout();
}

/* ---- processes -------------------------------------------------------------------------------------------------- */

/* A child has its parent's login no more than its connections. */
static void a_child(void **state)
{
	struct caller bob;
	int status = 0;
	(void)state;
	login(NEW);
	caller_start(&bob, w.bob, "alice", "child", 5000);
	pid_t child = fork();
	if (child == 0) {
		bool right = p11->C_Initialize(NULL) == CKR_OK &&
			     p11->C_OpenSession(0, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &session) == CKR_OK &&
			     derive("child") == CKR_USER_NOT_LOGGED_IN &&
			     p11->C_Login(session, CKU_USER, text(NEW), strlen(NEW)) == CKR_OK && derive("child") == CKR_OK;
		_exit(right ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	caller_join(&bob);
	assert_ok(bob.rc);
	agree_result_drop(&bob.r);
	derive_both("and its parent goes on");
	logout();
}

/* Logins and logouts of two threads, and keys meanwhile: either a key or a refusal, and in the end it is locked. */
static _Atomic bool stop;

static void *log_in_and_out(void *context)
{
	(void)context;
	while (!stop) {
		(void)p11->C_Login(session, CKU_USER, text(NEW), strlen(NEW));
		(void)p11->C_Logout(session);
	}
	return NULL;
}

static void logins_at_once(void **state)
{
	pthread_t threads[2];
	(void)state;
	stop = false;
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, log_in_and_out, NULL), 0);
	for (int i = 0; i < 20; i++) {
		CK_DSKE_DERIVE_PARAMS p = {.ulVersion = 1, .ulTimeoutMs = 50, .role = CKDSKE_ROLE_INITIATOR};
		CK_MECHANISM m = {CKM_DSKE_DERIVE, &p, sizeof p};
		CK_OBJECT_HANDLE key;
		CK_RV rv = p11->C_DeriveKey(session, &m, peer(), NULL, 0, &key);
		assert_true(rv == CKR_OK || rv == CKR_USER_NOT_LOGGED_IN || rv == CKR_DEVICE_ERROR);
	}
	stop = true;
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	(void)p11->C_Logout(session);
	IS(derive("locked in the end"), CKR_USER_NOT_LOGGED_IN);
	login(NEW);
	derive_both("and opens again");
	logout();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(locked),      cmocka_unit_test(unlocked_and_relocked),
		cmocka_unit_test(a_new_pin),   cmocka_unit_test(a_reset),
		cmocka_unit_test(a_new_token), cmocka_unit_test(a_child),
		cmocka_unit_test(logins_at_once),
	};
	return cmocka_run_group_tests_name("locked", tests, set_up, tear_down);
}
