/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "pkcs11/module.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/heirloom.h"
#include "base/log.h"
#include "pkcs11/crypto.h"

/*
 * The one static state.  `owner` is the process in which the lock may be used:
 *	0          nobody yet
 *	negative   a thread of the process -owner prepares the lock
 *	other      that process
 * A child finds its parent's ID there and gives the lock, which a thread that does not exist any more
 * may hold, its first state again.  The first process of a new PID namespace may have its parent's ID: it
 * finds the mark emptied, as the keys are.
 */
static _Atomic pid_t owner;
static _Atomic(const uint8_t *) mark; /* one byte of secret memory: not 0 in the process that set it; NULL: no memory */
static atomic_bool mark_tells; /* the kernel empties it in a child: nobody need be asked who we are, which costs a call */
static pthread_mutex_t entry_lock = PTHREAD_MUTEX_INITIALIZER; /* guards current and each module's refs */
static struct module *current;
static unsigned living; /* modules that were made and are not freed: the current one, and ended ones in use; under the lock */
static bool logging;    /* the log is open; under the lock */
static unsigned begun;  /* modules of this program, so far; under the lock */
static struct module *inherited; /* a parent's, kept reachable: neither used nor freed */

static void module_free(struct module *m)
{
	objects_clear(&m->objects);
	sessions_drop(&m->sessions);
	slots_drop(&m->slots);
	events_drop(&m->events);
	secret_drop(&m->login.master);
	nonce_book_drop(&m->nonces);
	secret_drop(&m->state_key);
	store_free(m->store);
	client_close(m->client);
	pthread_mutex_destroy(&m->lock);
	pthread_mutex_destroy(&m->token_lock);
	free(m);
	/* A call of an ended module may still log: the log goes with the last. */
	pthread_mutex_lock(&entry_lock);
	if (--living == 0 && logging) {
		log_close();
		logging = false;
	}
	pthread_mutex_unlock(&entry_lock);
}

static bool mark_is_whole(void)
{
	const uint8_t *byte = atomic_load_explicit(&mark, memory_order_acquire);

	return byte == NULL || *byte != 0;
}

/* The former one is not given back: another thread may be looking. */
static void mark_renew(void)
{
	struct secret fresh;
	bool made = rc_ok(secret_alloc(&fresh, 1));
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);

	if (made)
		fresh.data[0] = 1;
	/* Said again, for the answer: the kernel may refuse it. */
	atomic_store(&mark_tells, made && madvise((void *)((uintptr_t)fresh.data & ~(page - 1)), page, MADV_WIPEONFORK) == 0);
	atomic_store_explicit(&mark, made ? fresh.data : NULL, memory_order_release);
}

static bool is_ours(void)
{
	if (!mark_is_whole())
		return false;
	return atomic_load_explicit(&mark_tells, memory_order_relaxed) ||
	       atomic_load_explicit(&owner, memory_order_acquire) == getpid();
}

CK_RV module_enter(struct module **m)
{
	if (!is_ours())
		return CKR_CRYPTOKI_NOT_INITIALIZED;
	crypto_settle();
	pthread_mutex_lock(&entry_lock);
	*m = current;
	if (current != NULL)
		current->refs++;
	pthread_mutex_unlock(&entry_lock);
	return *m != NULL ? CKR_OK : CKR_CRYPTOKI_NOT_INITIALIZED;
}

void module_leave(struct module *m)
{
	pthread_mutex_lock(&entry_lock);
	bool last = --m->refs == 0;
	pthread_mutex_unlock(&entry_lock);
	if (last)
		module_free(m);
}

/* After a fork: the parent's connections are closed here, and nothing else of it is touched: other threads may have been
 * in the midst of changing it. */
static void module_adopt_process(pid_t self)
{
	pid_t was = atomic_load(&owner);

	while (was != self || !mark_is_whole()) {
		if (was == -self) {
			sched_yield();
			was = atomic_load(&owner);
			continue;
		}
		if (!atomic_compare_exchange_weak(&owner, &was, -self))
			continue;
		pthread_mutex_init(&entry_lock, NULL);
		living = 0;
		logging = false;
		if (was != 0)
			heirloom_close();
		if (current != NULL) {
			inherited = current;
			current = NULL;
		}
		mark_renew();
		atomic_store_explicit(&owner, self, memory_order_release);
		return;
	}
}

/* What the host says about locking: we always use the system's (PKCS#11 2.40, 5.4). */
static CK_RV check_arguments(const CK_C_INITIALIZE_ARGS *a)
{
	if (a == NULL)
		return CKR_OK;
	if (a->pReserved != NULL)
		return CKR_ARGUMENTS_BAD;
	int given = (a->CreateMutex != NULL) + (a->DestroyMutex != NULL) + (a->LockMutex != NULL) +
		    (a->UnlockMutex != NULL);
	if (given != 0 && given != 4)
		return CKR_ARGUMENTS_BAD;
	if (given == 4 && (a->flags & CKF_OS_LOCKING_OK) == 0)
		return CKR_CANT_LOCK;
	return CKR_OK;
}

/* With the entry lock.  Where an ended module still has the log, it goes on there. */
static dske_rc log_begin(const char *target, enum log_level level)
{
	if (!logging)
		TRY(log_open(target, level, "dske-pkcs11"));
	logging = true;
	return DSKE_OK;
}

/* Says once why there is no token.  A machine without a configuration is not a fault: every p11-kit
 * application on it loads this module. */
static void module_explain(struct module *m, dske_rc rc)
{
	size_t len = strnlen(rc_detail(rc), sizeof m->trouble - 1);

	memcpy(m->trouble, rc_detail(rc), len);
	m->trouble[len] = '\0';
	if (rc_is(rc, DSKE_RC_NOT_FOUND))
		return;
	if (rc_ok(log_begin("syslog", LOG_LEVEL_WARN)))
		log_warn("the token is not usable: %s", m->trouble);
}

/* Reads files, so without a lock; two threads that come first at once both do. */
static dske_rc module_open_client(struct module *m)
{
	dske_rc rc = client_open(&m->client, NULL);

	if (rc_ok(rc))
		rc = store_new(&m->store, client_config(m->client)->state.s, (struct store_cost){0});
	return rc;
}

/* The one that won opens the log. */
static void module_open_log(struct module *m, dske_rc rc)
{
	if (!rc_ok(rc)) {
		module_explain(m, rc);
		client_close(m->client);
		m->client = NULL;
		return;
	}
	const struct config *c = client_config(m->client);
	rc = log_begin(c->log[0] != '\0' ? c->log : "none", c->log_level);
	if (!rc_ok(rc) && rc_ok(log_begin("syslog", LOG_LEVEL_WARN)))
		log_warn("%s: cannot log as configured: %s", c->file.s, rc_detail(rc));
}

/* A handle that a host still has from before C_Finalize names nothing now: each module counts from elsewhere. */
static void handles_begin(struct module *m, unsigned which)
{
	m->sessions.last_handle = m->objects.last_handle = (CK_ULONG)which << (sizeof(CK_ULONG) * 4);
}

CK_RV module_initialize(CK_VOID_PTR args)
{
	TRY_RV(check_arguments(args));
	module_adopt_process(getpid());
	if (!crypto_start())
		return CKR_HOST_MEMORY;
	struct module *m = calloc(1, sizeof *m);
	if (m == NULL)
		return CKR_HOST_MEMORY;
	pthread_mutex_init(&m->lock, NULL);
	pthread_mutex_init(&m->token_lock, NULL);
	m->refs = 1;
	events_init(&m->events);
	pthread_mutex_lock(&entry_lock);
	living++;
	handles_begin(m, begun++);
	pthread_mutex_unlock(&entry_lock);
	dske_rc rc = module_open_client(m);

	pthread_mutex_lock(&entry_lock);
	bool taken = current != NULL;
	if (!taken) {
		module_open_log(m, rc);
		current = m;
	}
	pthread_mutex_unlock(&entry_lock);
	if (!taken)
		return CKR_OK;
	module_free(m);
	return CKR_CRYPTOKI_ALREADY_INITIALIZED;
}

CK_RV module_finalize(CK_VOID_PTR reserved)
{
	struct module *m;

	if (reserved != NULL)
		return CKR_ARGUMENTS_BAD;
	TRY_RV(module_enter(&m));
	pthread_mutex_lock(&entry_lock);
	bool first = current == m;
	if (first) {
		current = NULL;
		m->refs--;
	}
	pthread_mutex_unlock(&entry_lock);
	if (first) {
		module_lock(m);
		m->ended = true;
		events_end(&m->events);
		module_unlock(m);
		CK_SLOT_ID slot = 0;
		while (session_close_all(m, slot) == CKR_OK)
			slot++;
	}
	module_leave(m);
	return first ? CKR_OK : CKR_CRYPTOKI_NOT_INITIALIZED;
}
