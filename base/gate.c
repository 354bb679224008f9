/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "base/gate.h"

#include <linux/membarrier.h>
#include <openssl/crypto.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/heirloom.h"

#define PLACES 256          /* a thread has one of its own, or the last with others */
#define LINE 64             /* bytes of one */
#define PAUSE_NS 50000      /* between two looks */
#define TURN_NS 20000000    /* for those whom the fork before kept out */
#define FORK_NS 300000000   /* a fork waits for those inside */
#define ENTER_NS 1000000000 /* and those outside for the fork */
#define CLEANUP_NS 5000000000

/* Bits of `state`; below GONE: how many forks are under way. */
#define GONE 0x80000000u

static _Atomic uint32_t state;
static atomic_uint waiting, given_up;

static struct place {
	_Alignas(LINE) _Atomic uint32_t inside; /* 0 or 1; of the last place how many */
	atomic_bool taken;
} places[PLACES];
#define SHARED (&places[PLACES - 1])

/* depth counts what this thread has entered, and a fork of its own; under it nothing is counted or waited for. */
static _Thread_local struct own {
	unsigned depth;
	struct place *place; /* NULL: none yet */
} self;

/* Looked up once a call: in a library that costs a call, which the compiler would repeat at each use. */
static inline struct own *find_self(void)
{
	struct own *me = &self;

	__asm__("" : "+r"(me));
	return me;
}

/* Who enters says so and then looks at the state, who closes writes the state and then looks who is inside: each has to
 * see the other.  membarrier(2) has the rare one pay for both, which spares each call of libcrypto a locked instruction. */
static atomic_bool fenced = true; /* there is no membarrier: both pay */

static _Atomic pid_t started; /* in which process */

/* ---- waiting --------------------------------------------------------------------------------------------- */

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

/* Nobody is woken: who waits looks again.  False: it took too long.  Not a place to be cancelled at: who waits may
 * hold locks. */
static bool wait_until(bool (*over)(void), int64_t most_ns)
{
	int64_t end = now_ns() + most_ns;
	int was;

	if (over())
		return true;
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &was);
	while (!over() && now_ns() < end)
		nanosleep(&(struct timespec){.tv_nsec = PAUSE_NS}, NULL);
	pthread_setcancelstate(was, NULL);
	return over();
}

static bool nobody_waits(void)
{
	return atomic_load(&waiting) == 0;
}

static bool no_fork(void)
{
	uint32_t now = atomic_load(&state);

	return now == 0 || (now & GONE) != 0;
}

/* Those who came before the gate closed; who comes after it leaves again at once. */
static bool nobody_inside(void)
{
	uint32_t own = self.depth > 0 && self.place != NULL ? 1 : 0, sum = 0;

	for (size_t i = 0; i < PLACES; i++)
		sum += atomic_load(&places[i].inside);
	return sum <= own;
}

static void drain(int64_t most_ns)
{
	if (atomic_load(&fenced))
		atomic_thread_fence(memory_order_seq_cst);
	else
		syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0);
	if (!wait_until(nobody_inside, most_ns))
		atomic_fetch_add(&given_up, 1);
}

/* ---- a thread's first time and its last ------------------------------------------------------------------- */

/* glibc's, by which C++ ends what is thread_local: earlier than what belongs to pthread_key_create(3). */
extern int __cxa_thread_atexit_impl(void (*function)(void *), void *argument, void *library) __attribute__((weak));
extern void *__dso_handle __attribute__((visibility("hidden")));

static void step_out(struct place *p)
{
	if (p == SHARED)
		atomic_fetch_sub(&p->inside, 1);
	else
		atomic_store_explicit(&p->inside, 0, memory_order_release);
}

/* What libcrypto does when a thread ends takes a lock that a child needs for its own end: here, inside, before libcrypto
 * is told in its own way.  A thread that is cancelled inside leaves so. */
static void say_farewell(void *unused)
{
	(void)unused;
	if (self.depth > 0)
		step_out(self.place);
	self.depth = 0;
	if (gate_enter()) {
		OPENSSL_thread_stop();
		gate_leave();
	}
	struct place *p = self.place;
	self.place = NULL;
	atomic_store(&p->taken, false);
}

static struct place *find_place(void)
{
	for (size_t i = 0; i < PLACES - 1; i++) {
		if (!atomic_load(&places[i].taken) && !atomic_exchange(&places[i].taken, true))
			return &places[i];
	}
	return SHARED;
}

/* Where threads cannot be told farewell, their places would not come back. */
static struct place *first_time(void)
{
	self.place = SHARED;
	if (__cxa_thread_atexit_impl != NULL && __cxa_thread_atexit_impl(say_farewell, NULL, &__dso_handle) == 0)
		self.place = find_place();
	return self.place;
}

/* ---- entering -------------------------------------------------------------------------------------------- */

/* Said before the gate is looked at, so that a fork that closes it afterwards sees us. */
static inline uint32_t step_in(struct place *p)
{
	if (p == SHARED)
		atomic_fetch_add(&p->inside, 1);
	else
		atomic_store_explicit(&p->inside, 1, memory_order_relaxed);
	if (atomic_load_explicit(&fenced, memory_order_relaxed))
		atomic_thread_fence(memory_order_seq_cst);
	else
		atomic_signal_fence(memory_order_seq_cst);
	return atomic_load_explicit(&state, memory_order_acquire);
}

static bool enter_slowly(struct place *p)
{
	for (;;) {
		step_out(p);
		if ((atomic_load(&state) & GONE) != 0)
			return false;
		atomic_fetch_add(&waiting, 1);
		bool opened = wait_until(no_fork, ENTER_NS);
		uint32_t now = step_in(p);
		atomic_fetch_sub(&waiting, 1);
		if (now == 0)
			return true;
		if (!opened && (now & GONE) == 0) {
			atomic_fetch_add(&given_up, 1);
			return true;
		}
	}
}

bool gate_enter(void)
{
	struct own *me = find_self();

	if (me->depth == 0) {
		struct place *p = me->place != NULL ? me->place : first_time();
		if (step_in(p) != 0 && !enter_slowly(p))
			return false;
	}
	me->depth++;
	return true;
}

bool gate_enter_to_free(void)
{
	struct own *me = find_self();

	if (me->depth == 0) {
		struct place *p = me->place != NULL ? me->place : first_time();
		if ((step_in(p) & GONE) != 0) {
			step_out(p);
			return false;
		}
	}
	me->depth++;
	return true;
}

void gate_leave(void)
{
	struct own *me = find_self();

	if (--me->depth == 0)
		step_out(me->place);
}

unsigned gate_given_up(void)
{
	return atomic_load(&given_up);
}

/* ---- forks ----------------------------------------------------------------------------------------------- */

/* A thread that works on its own, inside or in a handler of a fork, is let alone: it is the one that forks. */
static void before_fork(void)
{
	wait_until(nobody_waits, TURN_NS);
	atomic_fetch_add(&state, 1);
	drain(FORK_NS);
	self.depth++;
}

static void after_fork(void)
{
	self.depth--;
	atomic_fetch_sub(&state, 1);
}

/* The other threads are gone, and with them what they counted. */
static void begin_child(void)
{
	for (size_t i = 0; i < PLACES; i++) {
		atomic_store(&places[i].inside, 0);
		atomic_store(&places[i].taken, self.place == &places[i]);
	}
	atomic_fetch_and(&state, GONE);
	atomic_store(&waiting, 0);
	atomic_store(&given_up, 0);
	atomic_store(&started, 0);
	if (self.depth > 0 && self.place != NULL)
		atomic_store(&self.place->inside, 1);
}

static void after_fork_in_child(void)
{
	heirloom_close();
	self.depth--;
	begin_child();
}

/* ---- the end --------------------------------------------------------------------------------------------- */

static void on_cleanup(void)
{
	atomic_fetch_or(&state, GONE);
	drain(CLEANUP_NS);
}

static void register_handlers(void)
{
	pthread_atfork(before_fork, after_fork, after_fork_in_child);
	/* Called by the clean-up before it does anything.  It fails where the clean-up has been, which says it. */
	if (OPENSSL_atexit(on_cleanup) != 1)
		atomic_fetch_or(&state, GONE);
}

void gate_start(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pid_t was = atomic_load(&started), now = getpid();

	/* A child that was made by other means than fork(3). */
	if (was != 0 && was != now)
		begin_child();
	pthread_once(&once, register_handlers);
	if (was != now)
		atomic_store(&fenced, syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) != 0);
	atomic_store(&started, now);
}
