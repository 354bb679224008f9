/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The token over the real client: PSKMs that are pulled out and plugged in, and who waits for it.  No hub is needed: hub1's
 * table lies in the store, hub2's and hub3's on sticks.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants those four before it */
#include <cmocka.h>

#include <pthread.h>
#include <fcntl.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/net.h"
#include "client/media.h"
#include "pkcs11/entry.h"
#include "pkcs11/p11-3x.h"
#include "pskm/container-impl.h"
#include "pskm/table.h"
#include "test/lib/scratch.h"

#define assert_ok(e) assert_string_equal(rc_name(e), "OK")
#define IS(call, wanted) assert_int_equal((call), (wanted))
#define PROMPTLY_MS 5000 /* however busy the machine is */

static CK_FUNCTION_LIST *p11;
static struct path scratch;
static const struct id alice = {{0xA1}};

static const char *at(const char *name)
{
	return scratch_path(&scratch, name);
}

static void move(const char *from, const char *to)
{
	const char *old = at(from), *new = at(to);
	if (rename(old, new) != 0)
		fail_msg("cannot move %s to %s", old, new);
}

/* Another PSKM, in this folder of tables. */
static struct pskm_header carry(const char *hub, const char *tables)
{
	static const struct kdf_cost cheap = {1, 8, 1};
	static unsigned serial;
	struct pskm_header h = {.client = alice, .layout.len = TABLE_LEN_MIN}, imported;
	char passphrase[PASSPHRASE_TEXT_MAX], name[32];
	snprintf(name, sizeof name, "pskm-%u", serial++);
	snprintf(h.hub_name, sizeof h.hub_name, "%s", hub);
	strcpy(h.client_name, "alice");
	strcpy(h.hub_address, "127.0.0.1:1");
	assert_ok(id_random(&h.hub));
	assert_ok(container_make_at_cost(&h, at("hub"), at(name), passphrase, &cheap, NULL, NULL));
	assert_ok(container_import(at(name), passphrase, &alice, at(tables), NULL, &imported, NULL, NULL));
	return imported;
}

static void accept_it(const struct pskm_header *h, const char *tables)
{
	AUTO(config) c = {0};
	struct path folder;
	assert_ok(config_read(&c, at("alice/dske.conf")));
	assert_ok(table_folder(&folder, at(tables), &h->table));
	assert_ok(accepted_add(&c, h, folder.s));
}

static int set_up(void **state)
{
	char hex[ID_HEX_LEN], text[200];
	(void)state;
	scratch_make(&scratch);
	assert_ok(file_make_dirs(at("alice/tables"), 0700));
	assert_ok(file_make_dirs(at("media"), 0700));
	int len = snprintf(text, sizeof text, "[client]\nname = alice\nid = %s\nmedia = ../media/*\n", id_hex(&alice, hex));
	assert_ok(file_replace(at("alice/dske.conf"), text, (size_t)len, 0600));
	(void)carry("hub1", "alice/tables");
	struct pskm_header second = carry("hub2", "media/two/" MEDIA_FOLDER), third = carry("hub3", "media/three/" MEDIA_FOLDER);
	accept_it(&second, "media/two/" MEDIA_FOLDER);
	accept_it(&third, "media/three/" MEDIA_FOLDER);
	setenv("DSKE_CONF", at("alice/dske.conf"), 1);
	IS(entry_function_list(&p11), CKR_OK);
	IS(p11->C_Initialize(NULL), CKR_OK);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	(void)p11->C_Finalize(NULL);
	scratch_remove(&scratch);
	return 0;
}

static CK_ULONG count_slots(CK_BBOOL present)
{
	CK_ULONG n = 0;
	IS(p11->C_GetSlotList(present, NULL, &n), CKR_OK);
	return n;
}

/* The slot of a hub, by its token's label or its description. */
static CK_SLOT_ID slot_of(const char *hub)
{
	CK_SLOT_ID list[8];
	CK_ULONG n = 8;
	CK_SLOT_INFO info;
	char text[65] = "", wanted[64];
	snprintf(wanted, sizeof wanted, "of hub %s ", hub);
	IS(p11->C_GetSlotList(CK_FALSE, list, &n), CKR_OK);
	for (CK_ULONG i = 0; i < n; i++) {
		IS(p11->C_GetSlotInfo(list[i], &info), CKR_OK);
		memcpy(text, info.slotDescription, 64);
		if (strstr(text, wanted) != NULL)
			return list[i];
	}
	fail_msg("no slot of %s", hub);
	return 0;
}

static bool token_is_present(CK_SLOT_ID slot)
{
	CK_SLOT_INFO info;
	IS(p11->C_GetSlotInfo(slot, &info), CKR_OK);
	assert_true((info.flags & CKF_REMOVABLE_DEVICE) != 0);
	return (info.flags & CKF_TOKEN_PRESENT) != 0;
}

static CK_RV event(CK_SLOT_ID *slot)
{
	return p11->C_WaitForSlotEvent(CKF_DONT_BLOCK, slot, NULL);
}

/* ---- pulled out and plugged in ------------------------------------------------------------------------------ */

static void a_token_removed(void **state)
{
	CK_SESSION_HANDLE s, own, other;
	CK_SESSION_INFO info;
	CK_TOKEN_INFO token;
	CK_ULONG n = 8;
	CK_SLOT_ID list[8], told;

	(void)state;
	assert_int_equal(count_slots(CK_TRUE), 4);
	CK_SLOT_ID two = slot_of("hub2"), three = slot_of("hub3");
	IS(event(&told), CKR_NO_EVENT);
	IS(p11->C_OpenSession(0, CKF_SERIAL_SESSION, NULL, NULL, &own), CKR_OK);
	IS(p11->C_OpenSession(two, CKF_SERIAL_SESSION, NULL, NULL, &s), CKR_OK);
	IS(p11->C_OpenSession(three, CKF_SERIAL_SESSION, NULL, NULL, &other), CKR_OK);
	IS(p11->C_GetTokenInfo(two, &token), CKR_OK);
	assert_memory_equal(token.label, "hub2 ", 5);
	IS(p11->C_GetSessionInfo(s, &info), CKR_OK);

	move("media/two", "drawer");
	IS(p11->C_GetSessionInfo(s, &info), CKR_SESSION_HANDLE_INVALID);
	IS(p11->C_CloseSession(s), CKR_SESSION_HANDLE_INVALID);
	IS(p11->C_FindObjectsInit(s, NULL, 0), CKR_SESSION_HANDLE_INVALID);
	IS(p11->C_GetSessionInfo(own, &info), CKR_OK);
	IS(p11->C_GetSessionInfo(other, &info), CKR_OK);
	assert_false(token_is_present(two));
	assert_int_equal(slot_of("hub2"), two);
	IS(p11->C_GetTokenInfo(two, &token), CKR_TOKEN_NOT_PRESENT);
	IS(p11->C_OpenSession(two, CKF_SERIAL_SESSION, NULL, NULL, &s), CKR_TOKEN_NOT_PRESENT);
	IS(p11->C_InitToken(two, (CK_UTF8CHAR *)"87654321", 8, token.label), CKR_TOKEN_NOT_PRESENT);
	IS(p11->C_GetMechanismList(two, NULL, &n), CKR_TOKEN_NOT_PRESENT);
	n = 8;
	IS(p11->C_GetSlotList(CK_TRUE, list, &n), CKR_OK);
	assert_int_equal(n, 3);
	assert_int_equal(count_slots(CK_FALSE), 4);
	IS(event(&told), CKR_OK);
	assert_int_equal(told, two);
	IS(event(&told), CKR_NO_EVENT); /* once */

	move("drawer", "media/two");
	assert_true(token_is_present(two));
	IS(event(&told), CKR_OK);
	assert_int_equal(told, two);
	IS(event(&told), CKR_NO_EVENT);
	IS(p11->C_GetTokenInfo(two, &token), CKR_OK);
	assert_memory_equal(token.label, "hub2 ", 5);
	IS(p11->C_OpenSession(two, CKF_SERIAL_SESSION, NULL, NULL, &s), CKR_OK); /* not the former handle */
	IS(p11->C_GetSessionInfo(s, &info), CKR_OK);
	IS(p11->C_CloseAllSessions(0), CKR_OK);
	IS(p11->C_CloseAllSessions(two), CKR_OK);
	IS(p11->C_CloseAllSessions(three), CKR_OK);
}

/* PKCS#11 2.40, 5.5: the set of slots changes when C_GetSlotList is asked for its size. */
static void a_new_slot(void **state)
{
	CK_SLOT_ID list[8], told;
	CK_TOKEN_INFO token;
	CK_ULONG n = 8;

	(void)state;
	assert_int_equal(count_slots(CK_TRUE), 4);
	(void)carry("hub4", "alice/tables");
	IS(p11->C_GetSlotList(CK_TRUE, list, &n), CKR_OK);
	assert_int_equal(n, 4);
	IS(event(&told), CKR_OK);
	assert_int_equal(told, 4);
	IS(event(&told), CKR_NO_EVENT);
	IS(p11->C_GetTokenInfo(4, &token), CKR_OK); /* it was told, so it may be used */
	assert_memory_equal(token.label, "hub4 ", 5);
	n = 4;
	IS(p11->C_GetSlotList(CK_TRUE, list, &n), CKR_OK);
	assert_int_equal(count_slots(CK_TRUE), 5);
	n = 4;
	IS(p11->C_GetSlotList(CK_TRUE, list, &n), CKR_BUFFER_TOO_SMALL);
	assert_int_equal(n, 5);
}

/* ---- waiting ------------------------------------------------------------------------------------------------ */

struct waiter {
	pthread_t thread;
	CK_RV rv;      /* of the last call */
	unsigned told; /* events of slots 0 to 31, a bit each */
	atomic_uint count;
	bool again;    /* waits for more */
};

static void *wait_for_event(void *context)
{
	struct waiter *w = context;
	CK_SLOT_ID slot = 0;
	do {
		w->rv = p11->C_WaitForSlotEvent(0, &slot, NULL);
		if (w->rv == CKR_OK) {
			w->told |= 1u << slot;
			w->count++;
		}
	} while (w->again && w->rv == CKR_OK);
	return NULL;
}

static void waiter_start(struct waiter *w, bool again)
{
	*w = (struct waiter){.again = again};
	assert_int_equal(pthread_create(&w->thread, NULL, wait_for_event, w), 0);
}

static void sleep_ms(long ms)
{
	nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

/* Joins it; it must come back soon. */
static void waiter_join(struct waiter *w)
{
	struct timespec until;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += 30; /* else the test hangs */
	int64_t before = clock_ms();
	assert_int_equal(pthread_timedjoin_np(w->thread, NULL, &until), 0);
	if (clock_ms() - before > PROMPTLY_MS)
		fail_msg("it took %lld ms", (long long)(clock_ms() - before));
}

static void waiting(void **state)
{
	struct waiter w;

	(void)state;
	assert_int_equal(count_slots(CK_TRUE), 4);
	CK_SLOT_ID two = slot_of("hub2");
	for (int i = 0; i < 4; i++) {
		waiter_start(&w, false);
		sleep_ms(i == 0 ? 0 : 60); /* also before it waits */
		if (i % 2 == 0)
			move("media/two", "drawer");
		else
			move("drawer", "media/two");
		waiter_join(&w);
		IS(w.rv, CKR_OK);
		assert_int_equal(w.told, 1u << two);
	}
	/* What happened before the call is told at once. */
	move("media/two", "drawer");
	assert_false(token_is_present(two));
	waiter_start(&w, false);
	waiter_join(&w);
	assert_int_equal(w.told, 1u << two);
}

/* A place that comes to be (a user's folder of mounts, say) and a table that is new. */
static void waiting_for_new_places(void **state)
{
	struct waiter w;

	(void)state;
	move("media/two", "drawer");
	assert_int_equal(count_slots(CK_TRUE), 3);
	waiter_start(&w, false);
	sleep_ms(60);
	assert_ok(file_make_dirs(at("media/port-9"), 0700));
	sleep_ms(60);
	move("drawer/" MEDIA_FOLDER, "media/port-9/" MEDIA_FOLDER);
	waiter_join(&w);
	assert_int_equal(w.told, 1u << slot_of("hub2"));
	waiter_start(&w, false);
	sleep_ms(60);
	(void)carry("hub5", "alice/tables");
	waiter_join(&w);
	assert_int_equal(w.told, 1u << 4);
}

/* Is it woken at once, and not found by looking, which takes half a second?  A busy machine may take as long. */
static bool finalize_wakes_all(void)
{
	struct waiter w[3];

	assert_int_equal(count_slots(CK_TRUE), 4);
	for (size_t i = 0; i < 3; i++)
		waiter_start(&w[i], true);
	sleep_ms(100);
	int64_t before = clock_ms();
	IS(p11->C_Finalize(NULL), CKR_OK);
	for (size_t i = 0; i < 3; i++) {
		waiter_join(&w[i]);
		IS(w[i].rv, CKR_CRYPTOKI_NOT_INITIALIZED);
		assert_int_equal(w[i].count, 0);
	}
	bool at_once = clock_ms() - before < 400;
	CK_SLOT_ID slot;
	IS(event(&slot), CKR_CRYPTOKI_NOT_INITIALIZED);
	IS(p11->C_Initialize(NULL), CKR_OK);
	IS(event(&slot), CKR_NO_EVENT);
	return at_once;
}

static void finalize_ends_waiting(void **state)
{
	bool at_once = false;

	(void)state;
	for (int i = 0; i < 5 && !at_once; i++)
		at_once = finalize_wakes_all();
	assert_true(at_once);
}

/* Until they were told of so many events; else the next move of a medium hides the one before. */
static void await_told(const struct waiter *w, size_t waiters, unsigned wanted)
{
	unsigned count = 0;
	for (int64_t end = clock_ms() + PROMPTLY_MS; count < wanted && clock_ms() < end; sleep_ms(10)) {
		count = 0;
		for (size_t i = 0; i < waiters; i++)
			count += w[i].count;
	}
	assert_int_equal(count, wanted);
}

/* Each event goes to one of them, and none is lost; others meanwhile use the token. */
static void several_wait(void **state)
{
	struct waiter w[4];
	unsigned told = 0, count = 0;

	(void)state;
	assert_int_equal(count_slots(CK_TRUE), 4);
	unsigned both = 1u << slot_of("hub2") | 1u << slot_of("hub3");
	for (size_t i = 0; i < 4; i++)
		waiter_start(&w[i], true);
	for (int i = 0; i < 3; i++) {
		CK_SESSION_HANDLE s;
		await_told(w, 4, 2u * (unsigned)i);
		move(i % 2 == 0 ? "media/two" : "drawer", i % 2 == 0 ? "drawer" : "media/two");
		move(i % 2 == 0 ? "media/three" : "chest", i % 2 == 0 ? "chest" : "media/three");
		IS(p11->C_OpenSession(0, CKF_SERIAL_SESSION, NULL, NULL, &s), CKR_OK);
		IS(p11->C_CloseSession(s), CKR_OK);
		assert_int_equal(count_slots(CK_TRUE), i % 2 == 0 ? 2 : 4);
	}
	await_told(w, 4, 6);
	sleep_ms(100); /* and no more */
	IS(p11->C_Finalize(NULL), CKR_OK);
	for (size_t i = 0; i < 4; i++) {
		waiter_join(&w[i]);
		IS(w[i].rv, CKR_CRYPTOKI_NOT_INITIALIZED);
		told |= w[i].told;
		count += w[i].count;
	}
	assert_int_equal(told, both);
	assert_int_equal(count, 6);
}

/* A child has nothing to wait for, and does not disturb its parent. */
static void a_child_does_not_wait(void **state)
{
	struct waiter w;
	CK_SLOT_ID slot;
	int status = 0;

	(void)state;
	assert_int_equal(count_slots(CK_TRUE), 4);
	waiter_start(&w, false);
	sleep_ms(50);
	pid_t child = fork();
	if (child == 0) {
		bool right = p11->C_WaitForSlotEvent(0, &slot, NULL) == CKR_CRYPTOKI_NOT_INITIALIZED &&
			     p11->C_Initialize(NULL) == CKR_OK && event(&slot) == CKR_NO_EVENT && p11->C_Finalize(NULL) == CKR_OK;
		_exit(right ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	move("media/two", "drawer");
	waiter_join(&w);
	assert_int_equal(w.told, 1u << slot_of("hub2"));
}

/* Some hosts close all descriptors that they do not know, and open others in their place: those are theirs. */
static void a_host_that_closes_descriptors(void **state)
{
	struct waiter w;
	struct stat st;

	(void)state;
	assert_int_equal(count_slots(CK_TRUE), 4);
	waiter_start(&w, false);
	sleep_ms(50);
	move("media/two", "drawer");
	waiter_join(&w);
	for (int fd = 3; fd < 64; fd++)
		close(fd);
	int other = open(at("other"), O_RDWR | O_CREAT, 0600);
	for (int k = 0; k < 20; k++)
		assert_true(dup(other) > other);
	IS(p11->C_Finalize(NULL), CKR_OK);
	for (int k = 0; k <= 20; k++)
		assert_int_equal(close(other + k), 0);
	assert_int_equal(stat(at("other"), &st), 0);
	assert_int_equal(st.st_size, 0);
}

/* ---- a medium that is mounted -------------------------------------------------------------------------------- */

static bool wait_says(struct waiter *w, CK_SLOT_ID slot)
{
	waiter_join(w);
	return w->rv == CKR_OK && w->told == 1u << slot;
}

/* In mounts of its own: a medium is pulled out with umount, not lazily, while a program waits for that. */
static int mounted(void)
{
	struct waiter w;
	CK_SLOT_ID slot;
	if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
	    mount("none", at("medium"), "tmpfs", 0, NULL) != 0)
		return 77;
	struct pskm_header h = carry("hub9", "medium/" MEDIA_FOLDER);
	accept_it(&h, "medium/" MEDIA_FOLDER);
	IS(p11->C_Initialize(NULL), CKR_OK);
	assert_int_equal(count_slots(CK_TRUE), 4);
	for (int i = 0; i < 2; i++) {
		CK_SESSION_HANDLE s;
		CK_TOKEN_INFO info;
		waiter_start(&w, false);
		sleep_ms(100);
		assert_int_equal(mount(at("medium"), at("media/mounted"), NULL, MS_BIND, NULL), 0);
		slot = slot_of("hub9");
		assert_true(wait_says(&w, slot));
		IS(p11->C_OpenSession(slot, CKF_SERIAL_SESSION, NULL, NULL, &s), CKR_OK);
		IS(p11->C_GetTokenInfo(slot, &info), CKR_OK);
		assert_true(info.ulTotalPublicMemory > 0);
		waiter_start(&w, false);
		sleep_ms(100);
		assert_int_equal(umount(at("media/mounted")), 0); /* nothing of it is held open */
		assert_true(wait_says(&w, slot));
		IS(p11->C_GetTokenInfo(slot, &info), CKR_TOKEN_NOT_PRESENT);
		IS(p11->C_CloseSession(s), CKR_SESSION_HANDLE_INVALID);
	}
	IS(p11->C_Finalize(NULL), CKR_OK);
	return umount(at("medium"));
}

static void a_medium_is_unmounted(void **state)
{
	int status = 0;
	(void)state;
	assert_ok(file_make_dirs(at("medium"), 0700));
	assert_ok(file_make_dirs(at("media/mounted"), 0700));
	pid_t child = fork();
	if (child == 0)
		_exit(mounted());
	assert_int_equal(waitpid(child, &status, 0), child);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
		print_message("# skip: no mount namespace here\n");
		skip();
	}
	assert_int_equal(status, 0);
}

static void arguments(void **state)
{
	CK_SLOT_ID slot;

	(void)state;
	IS(p11->C_WaitForSlotEvent(0, NULL, NULL), CKR_ARGUMENTS_BAD);
	IS(p11->C_WaitForSlotEvent(0, &slot, &slot), CKR_ARGUMENTS_BAD);
	IS(p11->C_WaitForSlotEvent(CKF_DONT_BLOCK, NULL, NULL), CKR_ARGUMENTS_BAD);
}

/* ---- running low ---------------------------------------------------------------------------------------------- */

/* As another process uses a table: all that it can send is used, but for the last tenth of a tenth. */
static void use_up(const struct pskm_header *h)
{
	struct table *t;
	struct table_status st;
	struct path folder;
	struct lease_keys keys = {0};
	struct window *up = NULL, *down = NULL;
	uint64_t slot, lowest;
	assert_ok(table_folder(&folder, at("alice/tables"), &h->table));
	assert_ok(table_open(&t, folder.s, SIDE_CLIENT, NULL));
	assert_ok(table_status(t, &st));
	assert_ok(table_lease_take(t, &slot, &lowest, &keys));
	lease_keys_drop(&keys);
	uint64_t end = lowest + st.up_left - st.up_len / 100;
	assert_ok(table_lease_granted(t, end - 64, end, 0, &up, &down));
	window_free(up);
	window_free(down);
	table_close(t);
}

static void activate(const struct pskm_header *h)
{
	struct table *t;
	struct path folder;
	struct id nonce;
	assert_ok(table_folder(&folder, at("alice/tables"), &h->table));
	assert_ok(table_open(&t, folder.s, SIDE_CLIENT, NULL));
	assert_ok(table_activation_begin(t, &nonce));
	assert_ok(table_activation_done(t));
	table_close(t);
}

/* It is told to who waits, whoever used the table, and once. */
static void running_low(void **state)
{
	CK_SLOT_ID slot = 0, own;
	(void)state;
	struct pskm_header h = carry("hub4", "alice/tables");
	activate(&h);
	IS(p11->C_Finalize(NULL), CKR_OK);
	IS(p11->C_Initialize(NULL), CKR_OK);
	assert_int_equal(count_slots(CK_TRUE), 5);
	own = slot_of("hub4");
	IS(event(&slot), CKR_NO_EVENT);
	struct waiter w;
	waiter_start(&w, false);
	sleep_ms(60);
	use_up(&h);
	waiter_join(&w);
	IS(w.rv, CKR_OK);
	assert_int_equal(w.told, 1u << own);
	IS(event(&slot), CKR_NO_EVENT);
	/* What is low already when the module first looks is no event. */
	IS(p11->C_Finalize(NULL), CKR_OK);
	IS(p11->C_Initialize(NULL), CKR_OK);
	assert_int_equal(count_slots(CK_TRUE), 5);
	IS(event(&slot), CKR_NO_EVENT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_token_removed), TEST(a_new_slot), TEST(waiting), TEST(waiting_for_new_places), TEST(finalize_ends_waiting),
		TEST(several_wait), TEST(running_low), TEST(a_child_does_not_wait), TEST(a_host_that_closes_descriptors),
		TEST(a_medium_is_unmounted),
		TEST(arguments),
	};
	return cmocka_run_group_tests_name("slots", tests, NULL, NULL);
}
