/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hubs that accept connections and never answer: who agrees on a key waits, nobody else does.  The real client; all
 * counts are of calls that began and returned while C_DeriveKey waited, so that no clock decides.
 */
#include <config.h>

#include "test/client/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client/store.h"
#include "pkcs11/entry.h"
#include "pkcs11/p11-3x.h"

#define IS(call, wanted) assert_int_equal((call), (wanted))
#define PIN "user-pin"
#define WAITERS 4

static CK_FUNCTION_LIST *p11;
static struct world w;
static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
static CK_OBJECT_CLASS secret_class = CKO_SECRET_KEY, peer_class = CKO_DSKE_PEER;

static CK_UTF8CHAR *text(const char *s)
{
	return (CK_UTF8CHAR *)(uintptr_t)s;
}

/* A token with cheap PINs. */
static void make_token(void)
{
	static const uint8_t label[STORE_LABEL_LEN] = "alice                          ";
	struct store *store = NULL;
	struct path state;
	AUTO(secret) master = {0};

	assert_ok(path_format(&state, "%s/alice", w.scratch.s));
	assert_ok(store_new(&store, state.s, (struct store_cost){.memory_kib = 8, .passes = 1}));
	assert_ok(store_init(store, "so-pin-1", 8, label));
	assert_ok(store_login(store, STORE_PIN_SO, "so-pin-1", 8, &master));
	assert_ok(store_set_pin(store, &master, STORE_PIN_USER, PIN, strlen(PIN)));
	store_free(store);
}

static void let_all(enum mock_manner manner)
{
	for (size_t i = 0; i < WORLD_HUBS; i++)
		world_let_hub(&w, i, manner);
}

static int set_up(void **state)
{
	(void)state;
	world_make(&w, TABLE_LEN_MIN, "timeout = 60s");
	client_close(w.alice);
	w.alice = NULL;
	make_token();
	setenv("DSKE_CONF", w.alice_conf.s, 1);
	return entry_function_list(&p11) == CKR_OK ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	world_drop(&w);
	return 0;
}

static CK_SESSION_HANDLE session_new(void)
{
	CK_SESSION_HANDLE s = 0;

	IS(p11->C_OpenSession(0, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &s), CKR_OK);
	return s;
}

static CK_SESSION_HANDLE log_in(void)
{
	IS(p11->C_Initialize(NULL), CKR_OK);
	CK_SESSION_HANDLE s = session_new();
	IS(p11->C_Login(s, CKU_USER, text(PIN), strlen(PIN)), CKR_OK);
	return s;
}

static CK_OBJECT_HANDLE find(CK_SESSION_HANDLE s, CK_OBJECT_CLASS *class, const char *label)
{
	CK_ATTRIBUTE like[] = {{CKA_CLASS, class, sizeof *class}, {CKA_LABEL, text(label), strlen(label)}};
	CK_OBJECT_HANDLE found = 0;
	CK_ULONG n = 0;

	IS(p11->C_FindObjectsInit(s, like, 2), CKR_OK);
	IS(p11->C_FindObjects(s, &found, 1, &n), CKR_OK);
	IS(p11->C_FindObjectsFinal(s), CKR_OK);
	IS(n, 1);
	return found;
}

static CK_OBJECT_HANDLE make_key(CK_SESSION_HANDLE s, const char *label, CK_BBOOL *token)
{
	CK_KEY_TYPE type = CKK_GENERIC_SECRET;
	unsigned char value[32] = {1};
	CK_OBJECT_HANDLE key = 0;
	CK_ATTRIBUTE templ[] = {
		{CKA_CLASS, &secret_class, sizeof secret_class}, {CKA_KEY_TYPE, &type, sizeof type},
		{CKA_VALUE, value, sizeof value},                {CKA_LABEL, text(label), strlen(label)},
		{CKA_TOKEN, token, sizeof *token},               {CKA_SIGN, &yes, sizeof yes},
	};

	IS(p11->C_CreateObject(s, templ, sizeof templ / sizeof templ[0], &key), CKR_OK);
	return key;
}

/* ---- who waits ------------------------------------------------------------------------------------------------- */

struct waiter {
	CK_SESSION_HANDLE s;
	CK_OBJECT_HANDLE peer;
	CK_ULONG timeout_ms, role;
	CK_RV rv;
	atomic_bool began, returned;
	pthread_t thread;
};

static void *wait_for_key(void *context)
{
	struct waiter *a = context;
	CK_DSKE_DERIVE_PARAMS p = {.ulVersion = 1, .ulTimeoutMs = a->timeout_ms, .role = a->role, .ulContextLen = 7};
	CK_MECHANISM m = {CKM_DSKE_DERIVE, &p, sizeof p};
	CK_OBJECT_HANDLE key;

	memcpy(p.context, "stalled", 7);
	p.context[0] = (CK_BYTE)((a->s & 0x3f) | 0x40); /* each its own */
	a->began = true;
	a->rv = p11->C_DeriveKey(a->s, &m, a->peer, NULL, 0, &key);
	a->returned = true;
	return NULL;
}

static void waiter_start(struct waiter *a, CK_ULONG timeout_ms, CK_ULONG role)
{
	*a = (struct waiter){.s = session_new(), .timeout_ms = timeout_ms, .role = role};
	a->peer = find(a->s, &peer_class, "bob");
	assert_int_equal(pthread_create(&a->thread, NULL, wait_for_key, a), 0);
	while (!a->began)
		sleep_ms(1);
	sleep_ms(100);
	assert_false(a->returned);
}

static void waiter_join(struct waiter *a)
{
	assert_int_equal(pthread_join(a->thread, NULL), 0);
}

/* ---- who does not ----------------------------------------------------------------------------------------------- */

static void hmac(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE key)
{
	CK_MECHANISM m = {CKM_SHA256_HMAC, NULL, 0};
	unsigned char mac[32];
	CK_ULONG n = sizeof mac;

	IS(p11->C_SignInit(s, &m, key), CKR_OK);
	IS(p11->C_Sign(s, mac, sizeof mac, mac, &n), CKR_OK);
}

/* Everything else that a host may want meanwhile. */
static void all_else(CK_SESSION_HANDLE s)
{
	CK_SLOT_ID slots[1 + WORLD_HUBS], event;
	CK_ULONG n = 1 + WORLD_HUBS;
	CK_SLOT_INFO slot;
	CK_TOKEN_INFO token;
	CK_SESSION_HANDLE other = session_new(), on_pskm;

	IS(p11->C_GetSlotList(CK_TRUE, slots, &n), CKR_OK);
	for (CK_SLOT_ID i = 0; i < n; i++) {
		IS(p11->C_GetSlotInfo(i, &slot), CKR_OK);
		IS(p11->C_GetTokenInfo(i, &token), CKR_OK);
	}
	IS(p11->C_WaitForSlotEvent(CKF_DONT_BLOCK, &event, NULL), CKR_NO_EVENT);
	IS(p11->C_OpenSession(1, CKF_SERIAL_SESSION, NULL, NULL, &on_pskm), CKR_OK);
	IS(p11->C_CloseSession(on_pskm), CKR_OK);
	IS(p11->C_DestroyObject(s, make_key(s, "stored", &yes)), CKR_OK);
	(void)find(other, &peer_class, "bob");
	IS(p11->C_Logout(other), CKR_OK);
	IS(p11->C_Login(s, CKU_USER, text(PIN), strlen(PIN)), CKR_OK);
	(void)find(s, &secret_class, "kept");
	IS(p11->C_CloseSession(other), CKR_OK);
}

struct tally {
	unsigned macs, rounds;
};

/* Until the waiter's call returns.  What had not returned before it did is not counted. */
static struct tally work_while(const struct waiter *a, CK_SESSION_HANDLE s)
{
	struct tally done = {0};

	for (;;) {
		CK_OBJECT_HANDLE key = find(s, &secret_class, "kept");
		for (int i = 0; i < 100; i++) {
			hmac(s, key);
			if (a->returned)
				return done;
			done.macs++;
		}
		all_else(s);
		if (a->returned)
			return done;
		done.rounds++;
	}
}

static void assert_nobody_stalls(enum mock_manner manner, CK_ULONG role)
{
	struct waiter a[WAITERS];

	let_all(manner);
	CK_SESSION_HANDLE s = log_in();
	CK_OBJECT_HANDLE kept = make_key(s, "kept", &yes);
	for (size_t i = 0; i < WAITERS; i++)
		waiter_start(&a[i], 2000, role);
	struct tally done = work_while(&a[0], s);
	for (size_t i = 0; i < WAITERS; i++) {
		waiter_join(&a[i]);
		assert_true(a[i].rv != CKR_OK);
	}
	printf("while C_DeriveKey waited: %u HMACs, and %u times everything else\n", done.macs, done.rounds);
	assert_true(done.macs >= 1000);
	assert_true(done.rounds >= 5);
	(void)kept;
	IS(p11->C_DestroyObject(s, find(s, &secret_class, "kept")), CKR_OK);
	IS(p11->C_Finalize(NULL), CKR_OK);
}

static void hubs_that_never_answer(void **state)
{
	(void)state;
	assert_nobody_stalls(MOCK_MUTE, CKDSKE_ROLE_INITIATOR);
}

static void hubs_that_trickle(void **state)
{
	(void)state;
	assert_nobody_stalls(MOCK_TRICKLES, CKDSKE_ROLE_RECEIVER);
}

/* The peer calls never. */
static void a_peer_who_is_away(void **state)
{
	(void)state;
	assert_nobody_stalls(MOCK_HONEST, CKDSKE_ROLE_RECEIVER);
}

/* A session in whose call somebody waits is free for another thread, too. */
static void in_the_same_session(void **state)
{
	struct waiter a;
	CK_INTERFACE *i;

	(void)state;
	let_all(MOCK_MUTE);
	CK_SESSION_HANDLE s = log_in();
	waiter_start(&a, 1500, CKDSKE_ROLE_INITIATOR);
	CK_OBJECT_HANDLE key = make_key(s, "of a session", &no);
	IS(entry_interface(NULL, NULL, &i, 0), CKR_OK);
	unsigned macs = 0;
	while (!a.returned) {
		hmac(a.s, key);
		IS(((CK_FUNCTION_LIST_3_2 *)i->pFunctionList)->C_SessionCancel(a.s, CKF_SIGN | CKF_DERIVE), CKR_OK);
		macs++;
	}
	waiter_join(&a);
	assert_true(a.rv != CKR_OK && macs >= 1000);
	IS(p11->C_Finalize(NULL), CKR_OK);
}

/* ---- who waits is not kept waiting -------------------------------------------------------------------------------- */

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

enum way { BY_CLOSING, BY_CLOSING_ALL, BY_FINALIZING };

/* A call that would wait for a minute, whichever hubs there are, ends when it is told to. */
static void ends(enum way way, enum mock_manner manner, CK_ULONG role)
{
	struct waiter a;

	let_all(manner);
	CK_SESSION_HANDLE s = log_in();
	waiter_start(&a, 60000, role);
	int64_t from = now_ms();
	if (way == BY_CLOSING)
		IS(p11->C_CloseSession(a.s), CKR_OK);
	else if (way == BY_CLOSING_ALL)
		IS(p11->C_CloseAllSessions(0), CKR_OK);
	else
		IS(p11->C_Finalize(NULL), CKR_OK);
	waiter_join(&a);
	assert_int_equal(a.rv, CKR_FUNCTION_CANCELED);
	assert_true(now_ms() - from < 20000); /* a third: the machine may be busy */
	IS(p11->C_CloseSession(s), way == BY_CLOSING       ? CKR_OK
				   : way == BY_CLOSING_ALL ? CKR_SESSION_HANDLE_INVALID
							   : CKR_CRYPTOKI_NOT_INITIALIZED);
	if (way != BY_FINALIZING)
		IS(p11->C_Finalize(NULL), CKR_OK);
}

static void a_waiting_call_ends(void **state)
{
	(void)state;
	for (enum way way = BY_CLOSING; way <= BY_FINALIZING; way++) {
		ends(way, MOCK_MUTE, CKDSKE_ROLE_INITIATOR);
		ends(way, MOCK_TRICKLES, CKDSKE_ROLE_INITIATOR);
		ends(way, MOCK_HONEST, CKDSKE_ROLE_RECEIVER);
	}
}

/* And then the hubs are well again: no call has left anything locked. */
static void all_is_well_again(void **state)
{
	struct waiter a;
	struct caller bob;

	(void)state;
	let_all(MOCK_HONEST);
	CK_SESSION_HANDLE s = log_in();
	a = (struct waiter){.s = s, .peer = find(s, &peer_class, "bob"), .timeout_ms = 30000};
	char context[8] = "stalled";
	context[0] = (char)((s & 0x3f) | 0x40);
	caller_start(&bob, w.bob, "alice", context, 30000);
	(void)wait_for_key(&a);
	caller_join(&bob);
	IS(a.rv, CKR_OK);
	assert_ok(bob.rc);
	agree_result_drop(&bob.r);
	IS(p11->C_Finalize(NULL), CKR_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hubs_that_never_answer), cmocka_unit_test(hubs_that_trickle),
		cmocka_unit_test(a_peer_who_is_away),     cmocka_unit_test(in_the_same_session),
		cmocka_unit_test(a_waiting_call_ends),    cmocka_unit_test(all_is_well_again),
	};

	return cmocka_run_group_tests_name("stalled", tests, set_up, tear_down);
}
