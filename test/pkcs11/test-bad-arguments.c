/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every function of PKCS#11 3.2 with arguments by chance: NULL, lengths without end, dead and unheard-of handles, odd
 * addresses, CK_UNAVAILABLE_INFORMATION, buffers that end where the process would, that overlap, that are one byte short;
 * in sessions that do anything.  Nobody crashes or writes where he may not; each answer is one that the text lists for
 * the function; the conventions on lengths hold; and the module is as useful afterwards.
 *
 *   DSKE_BAD_CASES=N   calls (default 4000)
 *   DSKE_BAD_SEED=N    of the first ROUND of them (default 1); a failure prints which round it was
 */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pkcs11/entry.h"
#include "test/pkcs11/token-fixture.h"
#include "test/pkcs11/wild.h"

#define ROUND 500 /* cases with one token; they follow from the round's number alone */

/* What the parent sees of the process that may end. */
static struct seen {
	unsigned long round, at;
	unsigned long calls[WILD_COUNT], done[WILD_COUNT]; /* done: CKR_OK */
	unsigned call;
	char wrong[200];
} *seen;

#define WRONG(...) snprintf(seen->wrong, sizeof seen->wrong, __VA_ARGS__)

/* ---- after a call ------------------------------------------------------------------------------------------ */

static bool check_length(const struct wild_case *c, CK_RV rv)
{
	if (c->out_len == NULL || (rv != CKR_OK && rv != CKR_BUFFER_TOO_SMALL))
		return true;
	CK_ULONG len = *c->out_len;
	if (rv == CKR_OK && c->out != NULL && len > c->room)
		WRONG("%s gave %lu for a room of %lu", c->call->name, len, c->room);
	else if (rv == CKR_BUFFER_TOO_SMALL && (c->out == NULL || len <= c->room))
		WRONG("%s says that %lu is too little for %lu", c->call->name, c->room, len);
	return seen->wrong[0] == '\0';
}

static bool check(const struct wild_case *c, CK_RV rv)
{
	if (!wild_may_answer(c->call, rv))
		WRONG("%s answers 0x%lx, mechanism 0x%lx", c->call->name, rv, c->mech);
	else if (!wild_memory_whole())
		WRONG("%s wrote where it may not, and answers 0x%lx", c->call->name, rv);
	return seen->wrong[0] == '\0' && check_length(c, rv);
}

static void keep(CK_OBJECT_HANDLE made)
{
	size_t most = sizeof world.other / sizeof world.other[0];

	if (world.other_count < most) {
		world.other[world.other_count++] = made;
		return;
	}
	size_t i = 2 + draw((unsigned)most - 2); /* not the peer */
	if (p11->C_DestroyObject(world.home, world.other[i]) == CKR_OK)
		world_bury(world.other[i]);
	world.other[i] = made;
}

static bool is_call(const struct wild_case *c, enum wild_id id)
{
	return c->call == wild_call(id);
}

/* What the world has to know of a call that was done. */
static void note(const struct wild_case *c)
{
	CK_ULONG last = c->w[c->call->count - 1];
	bool makes = c->call->purpose == FOR_KEY || is_call(c, WILD_C_CreateObject) || is_call(c, WILD_C_CopyObject);

	if ((c->call->flag & (CKF_MESSAGE_ENCRYPT | CKF_MESSAGE_DECRYPT)) != 0)
		world.message[c->session] = c->mech;
	if (c->out != NULL && c->out_len != NULL && !is_call(c, WILD_C_GetSlotList))
		wild_remember(c->out, *c->out_len);
	if (makes)
		keep(*(const CK_OBJECT_HANDLE *)last);
	if (is_call(c, WILD_C_OpenSession) && p11->C_CloseSession(*(const CK_SESSION_HANDLE *)last) == CKR_OK)
		world_bury(*(const CK_SESSION_HANDLE *)last);
	if (is_call(c, WILD_C_DestroyObject))
		world_bury(last);
	world.spoilt = world.spoilt || is_call(c, WILD_C_SetPIN) || is_call(c, WILD_C_InitPIN) || is_call(c, WILD_C_InitToken);
}

/* ---- a call ------------------------------------------------------------------------------------------------ */

static bool run(enum wild_id id, size_t session, unsigned bad)
{
	struct wild_case c = {.call = wild_call(id), .session = session, .bad = bad};

	wild_draw(&c);
	seen->call = id;
	CK_RV rv = c.call->call(c.w);
	seen->calls[id]++;
	seen->done[id] += rv == CKR_OK;
	bool right = check(&c, rv);
	if (right && rv == CKR_OK)
		note(&c);
	wild_memory_reset();
	return right;
}

/* What has to be before it, so that it comes farther than the first look. */
static bool prepare(enum wild_id id, size_t session)
{
	static const struct {
		enum wild_id id, other;
	} two[] = {{WILD_C_DigestEncryptUpdate, WILD_C_DigestInit}, {WILD_C_DecryptDigestUpdate, WILD_C_DigestInit},
		   {WILD_C_SignEncryptUpdate, WILD_C_SignInit}, {WILD_C_DecryptVerifyUpdate, WILD_C_VerifyInit}};
	const struct wild_call *call = wild_call(id);

	if (id == WILD_C_InitToken && one_in(2))
		(void)p11->C_CloseAllSessions(0);
	if (id == WILD_C_Initialize && one_in(2))
		(void)p11->C_Finalize(NULL);
	if ((id == WILD_C_Login || id == WILD_C_LoginUser) && one_in(2))
		(void)p11->C_Logout(world.home);
	if ((id == WILD_C_InitPIN || id == WILD_C_SetPIN) && one_in(2)) {
		(void)p11->C_CloseSession(world.session[WILD_SESSIONS - 2]); /* a read-only one */
		(void)p11->C_Logout(world.home);
		(void)p11->C_Login(world.home, CKU_SO, (CK_UTF8CHAR *)"87654321", 8);
	}
	for (size_t i = 0; i < sizeof two / sizeof two[0]; i++) {
		if (id == two[i].id && !run(two[i].other, session, 0))
			return false;
	}
	if (call->needs == WILD_NOTHING)
		return true;
	return prepare(call->needs, session) && run(call->needs, session, 0);
}

/* Something else beside it, as for the calls that go on with two operations. */
static bool prepare_more(size_t session)
{
	static const enum wild_id beside[] = {WILD_C_DigestInit, WILD_C_SignInit, WILD_C_VerifyInit, WILD_C_FindObjectsInit,
					      WILD_C_EncryptInit, WILD_C_DecryptInit, WILD_C_SessionCancel};

	return !one_in(4) || run(beside[draw(sizeof beside / sizeof beside[0])], session, 0);
}

static bool one_case(void)
{
	static const unsigned rates[] = {0, 3, 8, 8, 15, 15, 30, 30};
	enum wild_id id = draw(WILD_COUNT);
	size_t session = draw(WILD_SESSIONS);

	if (!prepare_more(session) || (draw(5) > 0 && !prepare(id, session)))
		return false;
	if (!run(id, session, rates[draw(sizeof rates / sizeof rates[0])]))
		return false;
	world_mend();
	return true;
}

static void one_round(unsigned long round, unsigned long cases)
{
	wild_seed(round);
	world_begin();
	for (unsigned long i = 0; i < cases && seen->wrong[0] == '\0'; i++) {
		seen->at = i;
		if (!one_case())
			break;
	}
	if (seen->wrong[0] == '\0' && !world_works())
		WRONG("the module is not of use any more");
	world_end();
}

/* ---- all of them ------------------------------------------------------------------------------------------- */

static unsigned long setting(const char *name, unsigned long otherwise)
{
	const char *text = getenv(name);

	return text != NULL && text[0] != '\0' ? strtoul(text, NULL, 10) : otherwise;
}

static int work(unsigned long cases, unsigned long first)
{
	for (unsigned long i = 0; i * ROUND < cases && seen->wrong[0] == '\0'; i++) {
		seen->round = first + i;
		one_round(seen->round, cases - i * ROUND < ROUND ? cases - i * ROUND : ROUND);
	}
	return seen->wrong[0] != '\0';
}

static void tell(int status)
{
	if (WIFSIGNALED(status))
		print_message("# signal %d in %s\n", WTERMSIG(status), wild_call(seen->call)->name);
	else if (seen->wrong[0] == '\0')
		print_message("# exit %d in %s\n", WEXITSTATUS(status), wild_call(seen->call)->name);
	print_message("# %s\n# case %lu of a round: DSKE_BAD_CASES=%d DSKE_BAD_SEED=%lu\n", seen->wrong, seen->at, ROUND,
		      seen->round);
}

/* Not there, or right only with a MAC that is, or when a table comes. */
static bool is_never_done(size_t id)
{
	static const enum wild_id all[] = {
		WILD_C_SignRecoverInit, WILD_C_SignRecover, WILD_C_VerifyRecoverInit, WILD_C_VerifyRecover,
		WILD_C_GenerateKeyPair, WILD_C_GetFunctionStatus, WILD_C_CancelFunction, WILD_C_EncapsulateKey,
		WILD_C_DecapsulateKey, WILD_C_AsyncComplete, WILD_C_AsyncGetID, WILD_C_AsyncJoin, WILD_C_SeedRandom,
		WILD_C_Verify, WILD_C_VerifyFinal, WILD_C_VerifyMessage, WILD_C_VerifyMessageNext, WILD_C_VerifySignature,
		WILD_C_VerifySignatureFinal, WILD_C_DecryptMessage, WILD_C_UnwrapKeyAuthenticated, WILD_C_WaitForSlotEvent,
	};

	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
		if (all[i] == id)
			return true;
	}
	return false;
}

/* Was there something to try? */
static unsigned long count_missed(unsigned long cases)
{
	unsigned long missed = 0;

	for (size_t i = 0; i < WILD_COUNT; i++) {
		if (wild_call((enum wild_id)i)->name != NULL && seen->calls[i] > 0 && (seen->done[i] > 0 || is_never_done(i) || cases < 20000))
			continue;
		print_message("# never done: row %zu, of %lu calls\n", i, seen->calls[i]);
		missed++;
	}
	return missed;
}

static void bad_arguments(void **state)
{
	unsigned long cases = setting("DSKE_BAD_CASES", 4000), made = 0;
	CK_INTERFACE *found;
	int status;

	(void)state;
	IS(entry_function_list(&p11), CKR_OK);
	IS(entry_interface(NULL, NULL, &found, 0), CKR_OK);
	p11_all = found->pFunctionList;
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0)
		_exit(work(cases, setting("DSKE_BAD_SEED", 1)));
	assert_int_equal(waitpid(child, &status, 0), child);
	if (status != 0)
		tell(status);
	assert_int_equal(status, 0);
	for (size_t i = 0; i < WILD_COUNT; i++)
		made += seen->calls[i];
	print_message("# %lu cases, %lu calls\n", cases, made);
	assert_true(cases < 4000 || count_missed(cases) == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(bad_arguments)};

	seen = mmap(NULL, sizeof *seen, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (seen == MAP_FAILED)
		return 99;
	return cmocka_run_group_tests_name("bad arguments", tests, NULL, NULL);
}
