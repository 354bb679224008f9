/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hubs that accept connections and never answer: who agrees on a key waits, nobody else does.  The real client; all
 * counts are of calls that began and returned while C_DeriveKey waited, so that no clock decides.
 */
#include <config.h>

#include "test/pkcs11/world-token.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "pkcs11/entry.h"

#define WAITERS 4

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
	login(s);
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
			IS(hmac(s, key), CKR_OK);
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
	CK_SESSION_HANDLE s = begin();
	(void)make_key(s, "kept", &yes);
	for (size_t i = 0; i < WAITERS; i++)
		waiter_start(&a[i], 2000, role);
	struct tally done = work_while(&a[0], s);
	for (size_t i = 0; i < WAITERS; i++) {
		waiter_join(&a[i]);
		assert_true(a[i].rv != CKR_OK);
	}
	printf("while C_DeriveKey waited: %u HMACs, and %u times everything else\n", done.macs, done.rounds);
	/* Behind a lock that is held for so long there were none; how many there are is the machine's matter. */
	assert_true(done.macs >= 100);
	assert_true(done.rounds >= 1);
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
	CK_SESSION_HANDLE s = begin();
	waiter_start(&a, 1500, CKDSKE_ROLE_INITIATOR);
	CK_OBJECT_HANDLE key = make_key(s, "of a session", &no);
	IS(entry_interface(NULL, NULL, &i, 0), CKR_OK);
	unsigned macs = 0;
	while (!a.returned) {
		IS(hmac(a.s, key), CKR_OK);
		IS(((CK_FUNCTION_LIST_3_2 *)i->pFunctionList)->C_SessionCancel(a.s, CKF_SIGN | CKF_DERIVE), CKR_OK);
		macs++;
	}
	waiter_join(&a);
	assert_true(a.rv != CKR_OK && macs >= 100);
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
	CK_SESSION_HANDLE s = begin();
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
	(void)state;
	let_all(MOCK_HONEST);
	derive_both(begin(), "well");
	IS(p11->C_Finalize(NULL), CKR_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hubs_that_never_answer), cmocka_unit_test(hubs_that_trickle),
		cmocka_unit_test(a_peer_who_is_away),     cmocka_unit_test(in_the_same_session),
		cmocka_unit_test(a_waiting_call_ends),    cmocka_unit_test(all_is_well_again),
	};

	return cmocka_run_group_tests_name("stalled", tests, world_token_set_up, world_token_tear_down);
}
