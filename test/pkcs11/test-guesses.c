/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many processes guess a token's PIN through the module, while processes are killed at random and replaced.  Nobody may
 * have one guess more than the limit, whenever the kill comes: before the attempt is counted, before it is made, or before
 * its outcome is told.
 *
 *   DSKE_GUESS_PROCESSES=N   how many at once (default 8; at closing 64)
 *   DSKE_GUESS_ROUNDS=N      how often the PIN is set anew (default 8)
 *
 * A guess is a computation of Argon2id, which this program counts by standing before the library's function, in memory that
 * all processes share.  To show that the count would tell, in one round a saboteur puts the token's file back.
 */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <argon2.h>
#include <dlfcn.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "pkcs11/entry.h"
#include "pkcs11/slot.h"
#include "store/store.h"
#include "test/pkcs11/token-fixture.h"

#define SO_PIN "87654321"
#define WRONG "not the PIN"
#define PROCESSES_MAX 256

enum { SAW_LOCKED = 0, SAW_TROUBLE = 3 };

static struct shared {
	_Atomic unsigned guesses; /* computations of Argon2id by those who guess */
	_Atomic unsigned told;    /* outcomes that they saw: wrong, and not locked yet */
	_Atomic unsigned other;   /* answers that should not be */
} *shared;
static bool guessing; /* in this process */

typedef int argon2_function(const uint32_t t_cost, const uint32_t m_cost, const uint32_t parallelism, const void *pwd,
			const size_t pwdlen, const void *salt, const size_t saltlen, void *hash, const size_t hashlen);

int argon2id_hash_raw(const uint32_t t_cost, const uint32_t m_cost, const uint32_t parallelism, const void *pwd,
		      const size_t pwdlen, const void *salt, const size_t saltlen, void *hash, const size_t hashlen)
{
	static argon2_function *next;

	if (next == NULL)
		*(void **)&next = dlsym(RTLD_NEXT, "argon2id_hash_raw");
	if (guessing)
		atomic_fetch_add(&shared->guesses, 1);
	return next(t_cost, m_cost, parallelism, pwd, pwdlen, salt, saltlen, hash, hashlen);
}

static unsigned setting(const char *name, unsigned otherwise, unsigned most)
{
	const char *text = getenv(name);
	unsigned long v = text != NULL ? strtoul(text, NULL, 10) : 0;

	return v == 0 ? otherwise : v > most ? most : (unsigned)v;
}

/* ---- who guesses ----------------------------------------------------------------------------------------------- */

static int guess(const char *pin)
{
	CK_SESSION_HANDLE s;

	if (p11->C_Initialize(NULL) != CKR_OK || p11->C_OpenSession(0, CKF_SERIAL_SESSION, NULL, NULL, &s) != CKR_OK)
		return SAW_TROUBLE;
	for (;;) {
		CK_RV rv = p11->C_Login(s, CKU_USER, (CK_UTF8CHAR *)pin, strlen(pin));
		if (rv == CKR_PIN_LOCKED)
			return SAW_LOCKED;
		if (rv != CKR_PIN_INCORRECT) {
			fprintf(stderr, "# C_Login: 0x%lx\n", rv);
			atomic_fetch_add(&shared->other, 1);
			return SAW_TROUBLE;
		}
		atomic_fetch_add(&shared->told, 1);
	}
}

static pid_t guesser(const char *pin)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid > 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	guessing = true;
	_exit(guess(pin));
}

static int outcome(pid_t pid)
{
	int status = 0;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void rest(unsigned most_us)
{
	struct timespec t = {0, (long)((unsigned)rand() % (most_us + 1)) * 1000};

	nanosleep(&t, NULL);
}

/* ---- a round ----------------------------------------------------------------------------------------------------- */

static struct store *store;
static struct secret master;

static int begin(void **state)
{
	uint8_t label[STORE_LABEL_LEN];

	shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED || setup(state) != 0 || p11->C_Finalize(NULL) != CKR_OK)
		return -1;
	slot_pad(label, sizeof label, "alice");
	bool made = rc_ok(store_new(&store, dir, (struct store_cost){.memory_kib = 1024, .passes = 1})) &&
		    rc_ok(store_init(store, SO_PIN, 8, label)) &&
		    rc_ok(store_login(store, STORE_PIN_SO, SO_PIN, 8, &master));
	srand((unsigned)getpid());
	return made ? 0 : -1;
}

static int end(void **state)
{
	secret_drop(&master);
	store_free(store);
	munmap(shared, sizeof *shared);
	return teardown(state);
}

static void set_pin(void)
{
	assert_true(rc_ok(store_set_pin(store, &master, STORE_PIN_USER, PIN, strlen(PIN))));
	*shared = (struct shared){0};
}

/* All guess; `kills` of them are killed, one after another, and replaced.  Ends when all saw that the PIN is locked. */
static void all_guess(unsigned processes, unsigned kills)
{
	pid_t pid[PROCESSES_MAX];

	for (unsigned i = 0; i < processes; i++)
		pid[i] = guesser(WRONG);
	for (unsigned k = 0; k < kills; k++) {
		unsigned i = (unsigned)rand() % processes;
		rest(2000);
		kill(pid[i], SIGKILL);
		(void)outcome(pid[i]);
		pid[i] = guesser(WRONG);
	}
	for (unsigned i = 0; i < processes; i++)
		assert_int_equal(outcome(pid[i]), SAW_LOCKED);
	assert_int_equal(shared->other, 0);
}

static void never_one_too_many(void **state)
{
	unsigned processes = setting("DSKE_GUESS_PROCESSES", 8, PROCESSES_MAX), rounds = setting("DSKE_GUESS_ROUNDS", 8, 1000000);
	unsigned total = 0, lost = 0;

	(void)state;
	for (unsigned round = 0; round < rounds; round++) {
		set_pin();
		all_guess(processes, round % 4 == 0 ? 0 : (unsigned)rand() % (2 * processes));
		unsigned guesses = shared->guesses;
		if (guesses > STORE_ATTEMPTS || shared->told > guesses)
			fail_msg("%u guesses, %u told", guesses, (unsigned)shared->told);
		if (round % 4 == 0)
			assert_int_equal(guesses, STORE_ATTEMPTS); /* and without a kill none is lost */
		total += guesses;
		lost += STORE_ATTEMPTS - guesses;
		/* Locked is locked: the right one is not even tried. */
		assert_int_equal(outcome(guesser(PIN)), SAW_LOCKED);
		assert_int_equal(shared->guesses, guesses);
	}
	print_message("# %u rounds of %u processes: %u guesses, %u counted and cut off by a kill\n", rounds, processes, total, lost);
}

/* The SO's reset opens it again, with all attempts; the right PIN then clears what failed. */
static void after_the_reset(void **state)
{
	CK_SESSION_HANDLE s;
	CK_TOKEN_INFO info;
	CK_UTF8CHAR *right = (CK_UTF8CHAR *)PIN, *wrong = (CK_UTF8CHAR *)WRONG;
	const CK_FLAGS all = CKF_USER_PIN_COUNT_LOW | CKF_USER_PIN_FINAL_TRY | CKF_USER_PIN_LOCKED;

	(void)state;
	set_pin();
	IS(p11->C_Initialize(NULL), CKR_OK);
	IS(p11->C_OpenSession(0, CKF_SERIAL_SESSION, NULL, NULL, &s), CKR_OK);
	for (unsigned failed = 0; failed < STORE_ATTEMPTS; failed++) {
		CK_FLAGS flags = (failed > 0 ? CKF_USER_PIN_COUNT_LOW : 0) | (failed == STORE_ATTEMPTS - 1 ? CKF_USER_PIN_FINAL_TRY : 0);
		IS(p11->C_GetTokenInfo(0, &info), CKR_OK);
		assert_int_equal(info.flags & all, flags);
		IS(p11->C_Login(s, CKU_USER, wrong, strlen(WRONG)), failed < STORE_ATTEMPTS - 1 ? CKR_PIN_INCORRECT : CKR_PIN_LOCKED);
	}
	IS(p11->C_GetTokenInfo(0, &info), CKR_OK);
	assert_int_equal(info.flags & all, CKF_USER_PIN_LOCKED);
	IS(p11->C_Login(s, CKU_USER, right, strlen(PIN)), CKR_PIN_LOCKED);
	set_pin();
	IS(p11->C_Login(s, CKU_USER, wrong, strlen(WRONG)), CKR_PIN_INCORRECT);
	IS(p11->C_Login(s, CKU_USER, right, strlen(PIN)), CKR_OK);
	IS(p11->C_GetTokenInfo(0, &info), CKR_OK);
	assert_int_equal(info.flags & all, 0);
	IS(p11->C_Finalize(NULL), CKR_OK);
}

/* Whom the SO gave a new PIN changes it: nobody else is to know it. */
static void to_be_changed(void **state)
{
	CK_SESSION_HANDLE s;
	CK_TOKEN_INFO info;
	CK_UTF8CHAR *first = (CK_UTF8CHAR *)PIN, *second = (CK_UTF8CHAR *)"the officer's", *third = (CK_UTF8CHAR *)"my own";

	(void)state;
	set_pin();
	for (int finalized = 0; finalized < 2; finalized++) {
		IS(p11->C_Initialize(NULL), CKR_OK);
		IS(p11->C_GetTokenInfo(0, &info), CKR_OK);
		assert_int_equal(info.flags & CKF_USER_PIN_TO_BE_CHANGED, 0); /* the first one was agreed on */
		IS(p11->C_OpenSession(0, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &s), CKR_OK);
		IS(p11->C_Login(s, CKU_SO, (CK_UTF8CHAR *)SO_PIN, 8), CKR_OK);
		IS(p11->C_InitPIN(s, second, 13), CKR_OK);
		IS(p11->C_Logout(s), CKR_OK);
		IS(p11->C_Finalize(NULL), CKR_OK);
		IS(p11->C_Initialize(NULL), CKR_OK);
		IS(p11->C_GetTokenInfo(0, &info), CKR_OK);
		assert_int_not_equal(info.flags & CKF_USER_PIN_TO_BE_CHANGED, 0);
		IS(p11->C_OpenSession(0, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &s), CKR_OK);
		IS(p11->C_Login(s, CKU_USER, finalized ? third : first, 6), CKR_PIN_INCORRECT);
		IS(p11->C_SetPIN(s, second, 13, third, 6), CKR_OK);
		IS(p11->C_Finalize(NULL), CKR_OK);
	}
}

/* This test would see it: with the file put back again and again there are guesses without end. */
static void a_saboteur_is_seen(void **state)
{
	char command[600];

	(void)state;
	set_pin();
	snprintf(command, sizeof command, "cd '%s' && cp " STORE_FILE_NAME " before", dir);
	assert_int_equal(system(command), 0);
	snprintf(command, sizeof command, "cd '%s' && cp before next && mv next " STORE_FILE_NAME, dir);
	for (int i = 0; i < 50 && shared->guesses <= STORE_ATTEMPTS; i++) {
		pid_t one = guesser(WRONG), other = guesser(WRONG);
		assert_int_equal(outcome(one), SAW_LOCKED);
		assert_int_equal(outcome(other), SAW_LOCKED);
		assert_int_equal(system(command), 0);
	}
	assert_true(shared->guesses > STORE_ATTEMPTS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(never_one_too_many, begin, end),
		cmocka_unit_test_setup_teardown(after_the_reset, begin, end),
		cmocka_unit_test_setup_teardown(to_be_changed, begin, end),
		cmocka_unit_test_setup_teardown(a_saboteur_is_seen, begin, end),
	};

	return cmocka_run_group_tests_name("PINs that are guessed", tests, NULL, NULL);
}
