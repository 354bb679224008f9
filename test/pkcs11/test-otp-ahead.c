/* SPDX-License-Identifier: Apache-2.0 */
/* What a process reserves ahead of a one-time pad: fewer writes, no byte twice, and what is given back at a logout. */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pkcs11/key-form.h"
#include "pkcs11/otp-key.h"
#include "store/store.h"
#include "test/pkcs11/otp-fixture.h"

#define COUNT 28
#define TEXT_LEN 40u
#define EACH (TEXT_LEN + TAG_KEY_LEN)
#define WINDOW ((CK_ULONG)10 * EACH + 5) /* it ends in the middle of a message */

static struct message sent[COUNT];

static void set_ahead(CK_SESSION_HANDLE s, CK_ATTRIBUTE_TYPE type, CK_ULONG bytes)
{
	CK_ATTRIBUTE a = {type, &bytes, sizeof bytes};

	IS(p11->C_SetAttributeValue(s, pad_of(s), &a, 1), CKR_OK);
}

static const char *text_of(size_t i)
{
	static char text[TEXT_LEN + 1];

	snprintf(text, sizeof text, "message %-32zu", i);
	return text;
}

/* All that alice's half has room for; bob reserves `ahead`. */
static CK_SESSION_HANDLE all_sent(CK_ULONG ahead)
{
	both_agree(KEY_BYTES);
	CK_SESSION_HANDLE s = as("alice");
	set_ahead(s, CKA_DSKE_OTP_SEND_AHEAD, HALF);
	for (size_t i = 0; i < COUNT; i++)
		IS(seal(s, pad_of(s), text_of(i), TEXT_LEN, &sent[i]), CKR_OK);
	assert_int_equal(number(s, CKA_DSKE_OTP_CHANGES), 1);
	s = as("bob");
	set_ahead(s, CKA_DSKE_OTP_RECEIVE_AHEAD, ahead);
	return s;
}

static bool is_open(CK_SESSION_HANDLE s, size_t i)
{
	CK_RV rv = opens(s, &sent[i], text_of(i));

	assert_true(rv == CKR_OK || rv == CKR_ENCRYPTED_DATA_INVALID);
	return rv == CKR_OK;
}

static size_t count_open(CK_SESSION_HANDLE s, size_t from, size_t to)
{
	size_t n = 0;

	for (size_t i = from; i < to; i++)
		n += is_open(s, i);
	return n;
}

/* ---- receiving ------------------------------------------------------------------------------------------------ */

static void in_order(void **state)
{
	CK_SESSION_HANDLE s = all_sent(WINDOW);

	(void)state;
	assert_int_equal(count_open(s, 0, COUNT), COUNT);
	assert_int_equal(number(s, CKA_DSKE_OTP_CHANGES), 3); /* the first, and two that did not fit */
	assert_int_equal(count_open(s, 0, COUNT), 0);
	s = as("bob");
	assert_int_equal(count_open(s, 0, COUNT), 0);
	assert_int_equal(number(s, CKA_DSKE_OTP_FORGED), 0);
}

static void without_it_each_is_a_write(void **state)
{
	CK_SESSION_HANDLE s = all_sent(0);

	(void)state;
	assert_int_equal(count_open(s, 0, 5), 5);
	assert_int_equal(number(s, CKA_DSKE_OTP_CHANGES), 5);
	s = as("bob");
	assert_int_equal(count_open(s, 0, COUNT), COUNT - 5); /* nothing is lost */
}

/* Forwards and back, with holes, across reserves that move: each once. */
static void in_any_order(void **state)
{
	(void)state;
	for (CK_ULONG ahead = 30; ahead < HALF; ahead = 3 * ahead + 1) {
		CK_SESSION_HANDLE s = all_sent(ahead);
		bool done[COUNT] = {false};
		for (size_t k = 0; k < COUNT; k++) {
			size_t i = k * 11 % COUNT;
			done[i] = is_open(s, i);
			assert_true(done[i]);
			assert_false(is_open(s, i));
		}
		IS(p11->C_Logout(s), CKR_OK);
		s = as("bob");
		assert_int_equal(number(s, CKA_DSKE_OTP_RECEIVE_LEFT), HALF - COUNT * EACH);
		assert_int_equal(count_open(s, 0, COUNT), 0);
		IS(p11->C_DestroyObject(s, pad_of(s)), CKR_OK);
		s = as("alice");
		IS(p11->C_DestroyObject(s, pad_of(s)), CKR_OK);
	}
}

static void nothing_is_forged(void **state)
{
	CK_SESSION_HANDLE s = all_sent(WINDOW);

	(void)state;
	assert_true(is_open(s, 0));
	CK_ULONG left = number(s, CKA_DSKE_OTP_RECEIVE_LEFT);
	for (size_t k = 0; k < 10 * 11; k++) {
		size_t i = 1 + k % 11; /* within the reserve, on its end, and after */
		sent[i].bytes[50] ^= 1;
		assert_false(is_open(s, i));
		sent[i].bytes[50] ^= 1;
	}
	assert_int_equal(number(s, CKA_DSKE_OTP_FORGED), 2 * OTPKEY_FORGERIES_AHEAD);
	assert_int_equal(number(s, CKA_DSKE_OTP_CHANGES), 3); /* two writes for all of them */
	assert_int_equal(number(s, CKA_DSKE_OTP_RECEIVE_LEFT), left);
	assert_int_equal(count_open(s, 1, COUNT), COUNT - 1);
	IS(p11->C_Logout(s), CKR_OK);
	login(s);
	assert_int_equal(number(s, CKA_DSKE_OTP_FORGED), 10 * 11);
}

/* A process that ends without C_Logout, as one that is killed does, loses what it had reserved; no other byte. */
static void ending_loses_the_reserve(void **state)
{
	CK_SESSION_HANDLE s = all_sent(WINDOW);

	(void)state;
	assert_true(is_open(s, 0));
	s = as("bob");
	assert_int_equal(count_open(s, 0, 11), 0);
	assert_false(is_open(s, 11)); /* five bytes of it were */
	assert_int_equal(count_open(s, 12, COUNT), COUNT - 12);
}

static void a_logout_gives_it_back(void **state)
{
	CK_SESSION_HANDLE s = all_sent(WINDOW);

	(void)state;
	assert_true(is_open(s, 0) && is_open(s, 4) && is_open(s, 2));
	IS(p11->C_Logout(s), CKR_OK);
	login(s);
	assert_int_equal(number(s, CKA_DSKE_OTP_RECEIVE_LEFT), HALF - 3 * EACH);
	s = as("bob");
	assert_int_equal(number(s, CKA_DSKE_OTP_RECEIVE_LEFT), HALF - 3 * EACH);
	assert_false(is_open(s, 0) || is_open(s, 4) || is_open(s, 2));
	assert_int_equal(count_open(s, 0, COUNT), COUNT - 3);
}

/* More holes than are remembered: the lowest are closed, in the reserve and when it is given back. */
#define MANY 700

static struct message many[MANY];

static size_t open_every(CK_SESSION_HANDLE s, size_t from, size_t step)
{
	size_t n = 0;
	char back[10];

	for (size_t i = from; i < MANY; i += step) {
		CK_ULONG len = sizeof back;
		CK_RV rv = unseal(s, pad_of(s), &many[i], back, &len);
		assert_true(rv == CKR_ENCRYPTED_DATA_INVALID || (rv == CKR_OK && len == 1 && back[0] == (char)(i % 100)));
		n += rv == CKR_OK;
	}
	return n;
}

static void many_holes(void **state)
{
	(void)state;
	both_agree(16 * KEY_BYTES);
	CK_SESSION_HANDLE s = as("alice");
	set_ahead(s, CKA_DSKE_OTP_SEND_AHEAD, 16 * KEY_BYTES);
	for (size_t i = 0; i < MANY; i++)
		IS(seal(s, pad_of(s), &(char){(char)(i % 100)}, 1, &many[i]), CKR_OK);
	s = as("bob");
	set_ahead(s, CKA_DSKE_OTP_RECEIVE_AHEAD, 16 * KEY_BYTES);
	assert_int_equal(open_every(s, 0, 2), MANY / 2);
	IS(p11->C_Logout(s), CKR_OK);
	login(s);
	assert_int_equal(open_every(s, 0, 2), 0);
	assert_in_range(open_every(s, 1, 8), RANGES_MAX / 4 - 3, RANGES_MAX / 4);
	assert_int_equal(open_every(s, 1, 8), 0);
}

/* ---- sending -------------------------------------------------------------------------------------------------- */

static void what_was_not_sent_comes_back(void **state)
{
	struct used all[COUNT];

	(void)state;
	both_agree(KEY_BYTES);
	CK_SESSION_HANDLE s = as("alice");
	set_ahead(s, CKA_DSKE_OTP_SEND_AHEAD, 1000);
	for (size_t i = 0; i < COUNT; i++) {
		IS(seal(s, pad_of(s), text_of(i), TEXT_LEN, &sent[i]), CKR_OK);
		all[i] = used_by(sent[i].bytes);
		assert_int_equal(all[i].from, i * EACH); /* no gap */
		IS(p11->C_Logout(s), CKR_OK);
		login(s);
		assert_int_equal(number(s, CKA_DSKE_OTP_SEND_LEFT), HALF - (i + 1) * EACH);
	}
	assert_once(all, COUNT);
	s = as("bob");
	assert_int_equal(count_open(s, 0, COUNT), COUNT);
}

/* ---- of many processes ---------------------------------------------------------------------------------------- */

enum { SEAL, OPEN, LOGOUT };
struct order {
	int verb;
	struct message m;
};

static struct other {
	pid_t pid;
	int to, from;
} other;

static void other_process(int in, int out)
{
	struct order o;

	if (p11->C_Initialize(NULL) != CKR_OK)
		_exit(1);
	CK_SESSION_HANDLE s = session_new();
	login(s);
	while (read(in, &o, sizeof o) == sizeof o) {
		char back[MESSAGE_MAX];
		CK_ULONG len = sizeof back;
		CK_RV rv = o.verb == SEAL   ? seal(s, pad_of(s), text_of(0), TEXT_LEN, &o.m)
			   : o.verb == OPEN ? unseal(s, pad_of(s), &o.m, back, &len)
					    : p11->C_Logout(s);
		o.verb = (int)rv;
		if (write(out, &o, sizeof o) != sizeof o)
			_exit(2);
	}
	_exit(0);
}

/* As the client that the module is initialised for. */
static void other_begin(void)
{
	int to[2], from[2];

	assert_int_equal(pipe(to) | pipe(from), 0);
	other.pid = fork();
	if (other.pid == 0) {
		close(to[1]);
		close(from[0]);
		other_process(to[0], from[1]);
	}
	close(to[0]);
	close(from[1]);
	other.to = to[1];
	other.from = from[0];
}

static CK_RV other_do(int verb, struct message *m)
{
	static struct order o;

	o.verb = verb;
	if (m != NULL)
		o.m = *m;
	assert_int_equal(write(other.to, &o, sizeof o), sizeof o);
	assert_int_equal(read(other.from, &o, sizeof o), sizeof o);
	if (m != NULL)
		*m = o.m;
	return (CK_RV)o.verb;
}

static void other_end(void)
{
	int status;

	close(other.to);
	assert_int_equal(waitpid(other.pid, &status, 0), other.pid);
	assert_int_equal(status, 0);
	close(other.from);
}

static void a_reserve_is_of_one_process(void **state)
{
	CK_SESSION_HANDLE s = all_sent(WINDOW);

	(void)state;
	assert_true(is_open(s, 0));
	other_begin();
	IS(other_do(OPEN, &sent[1]), CKR_ENCRYPTED_DATA_INVALID); /* it is ours */
	IS(other_do(OPEN, &sent[15]), CKR_OK);
	assert_false(is_open(s, 16)); /* theirs */
	assert_true(is_open(s, 1));
	IS(other_do(LOGOUT, NULL), CKR_OK);
	other_end();
	assert_true(is_open(s, 16));
	assert_int_equal(count_open(s, 2, COUNT), COUNT - 4);
	s = as("bob");
	assert_int_equal(count_open(s, 0, COUNT), 0);
}

static void nobody_gives_back_below_another(void **state)
{
	struct used all[4];
	CK_SESSION_HANDLE s;

	(void)state;
	both_agree(KEY_BYTES);
	s = as("alice");
	set_ahead(s, CKA_DSKE_OTP_SEND_AHEAD, 300);
	IS(seal(s, pad_of(s), text_of(0), TEXT_LEN, &sent[0]), CKR_OK);
	other_begin();
	IS(other_do(SEAL, &sent[1]), CKR_OK);
	CK_ULONG left = HALF - 2 * (EACH + 300);
	IS(p11->C_Logout(s), CKR_OK); /* the other one's begins where ours ended */
	login(s);
	assert_int_equal(number(s, CKA_DSKE_OTP_SEND_LEFT), left);
	IS(other_do(SEAL, &sent[2]), CKR_OK);
	IS(other_do(LOGOUT, NULL), CKR_OK);
	other_end();
	IS(seal(s, pad_of(s), text_of(0), TEXT_LEN, &sent[3]), CKR_OK);
	for (size_t i = 0; i < 4; i++)
		all[i] = used_by(sent[i].bytes);
	assert_once(all, 4);
	assert_int_equal(all[3].from, all[2].to);
}

/* Between what a process has read of the key and its write, another one takes the same bytes: the linker has the
 * module's store_replace() come here first. */
static bool interferes, interferes_by_opening;

dske_rc __wrap_store_replace(struct store *s, const struct secret *master, const struct secret *plain, const struct id *name);
dske_rc __real_store_replace(struct store *s, const struct secret *master, const struct secret *plain, const struct id *name);

static struct message stolen;
static int busy;

dske_rc __wrap_store_replace(struct store *s, const struct secret *master, const struct secret *plain, const struct id *name)
{
	if (interferes) {
		interferes = false;
		IS(other_do(interferes_by_opening ? OPEN : SEAL, &stolen), CKR_OK);
	}
	dske_rc rc = __real_store_replace(s, master, plain, name);
	busy += rc_is(rc, DSKE_RC_BUSY);
	return rc;
}

static void another_was_faster(void **state)
{
	CK_SESSION_HANDLE s;
	struct used all[3];

	(void)state;
	both_agree(KEY_BYTES);
	s = as("alice");
	other_begin();
	interferes_by_opening = false;
	IS(seal(s, pad_of(s), text_of(0), TEXT_LEN, &sent[0]), CKR_OK);
	busy = 0;
	interferes = true;
	IS(seal(s, pad_of(s), text_of(1), TEXT_LEN, &sent[1]), CKR_OK);
	assert_int_equal(busy, 1);
	other_end();
	all[0] = used_by(sent[0].bytes);
	all[1] = used_by(sent[1].bytes);
	all[2] = used_by(stolen.bytes);
	assert_once(all, 3);
	assert_true(all[2].from < all[1].from);
}

/* The same message, at the same moment: one has it. */
static void another_opened_it_first(void **state)
{
	CK_SESSION_HANDLE s = all_sent(0);

	(void)state;
	other_begin();
	stolen = sent[3];
	interferes_by_opening = true;
	for (size_t i = 3; i < 6; i += 2) {
		busy = 0;
		interferes = true;
		assert_int_equal(is_open(s, i), i == 5);
		assert_int_equal(busy, 1);
		stolen = sent[4];
	}
	other_end();
	assert_false(is_open(s, 4));
}

/* ---- what is durable ------------------------------------------------------------------------------------------ */

static dske_rc look_at(void *context, const struct id *name, const struct secret *plain)
{
	struct object *o = context;

	(void)name;
	secret_drop(&o->value);
	return key_read(o, plain);
}

static void stored_half(CK_BYTE half[HALF], bool second)
{
	AUTO(secret) master = {0};
	struct object *o = object_new(OBJECT_KEY, 0);
	struct store *store;

	assert_true(rc_ok(store_new(&store, dir, (struct store_cost){.memory_kib = 8, .passes = 1})));
	assert_true(rc_ok(store_login(store, STORE_PIN_USER, PIN, strlen(PIN), &master)));
	assert_true(rc_ok(store_each(store, &master, look_at, o)));
	store_free(store);
	assert_int_equal(o->value.len, KEY_BYTES);
	memcpy(half, o->value.data + (second ? HALF : 0), HALF);
	object_unref(o);
}

static bool is_zero(const CK_BYTE *p, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (p[i] != 0)
			return false;
	}
	return true;
}

/* What is reserved is not in the store; what is given back is as it was, but for what was used. */
static void reserves_are_not_in_the_store(void **state)
{
	static CK_BYTE before[HALF], meanwhile[HALF], after[HALF];
	CK_SESSION_HANDLE s = all_sent(WINDOW);

	(void)state;
	stored_half(before, false);
	assert_false(is_zero(before, 16));
	assert_true(is_open(s, 0) && is_open(s, 3));
	stored_half(meanwhile, false);
	assert_true(is_zero(meanwhile, EACH + WINDOW));
	assert_memory_equal(meanwhile + EACH + WINDOW, before + EACH + WINDOW, HALF - EACH - WINDOW);
	IS(p11->C_Logout(s), CKR_OK);
	stored_half(after, false);
	assert_true(is_zero(after, EACH) && is_zero(after + 3 * EACH, EACH));
	assert_memory_equal(after + EACH, before + EACH, 2 * EACH);
	assert_memory_equal(after + 4 * EACH, before + 4 * EACH, HALF - 4 * EACH);
}

static void copy_file(const char *from, const char *to)
{
	char command[1200];

	snprintf(command, sizeof command, "cp '%s/%s' '%s/new' && mv '%s/new' '%s/%s'", dir, from, dir, dir, dir, to);
	assert_int_equal(system(command), 0);
}

/* A store that was put back under a process makes it use none again, whether it had more or less reserved by then. */
static void a_store_put_back(void **state)
{
	CK_SESSION_HANDLE s = all_sent(WINDOW);
	struct message reply;
	struct used all[3];

	(void)state;
	IS(seal(s, pad_of(s), "reply", 5, &reply), CKR_OK);
	all[0] = used_by(reply.bytes);
	copy_file("token", "backup");
	assert_int_equal(count_open(s, 0, 14), 14);
	IS(seal(s, pad_of(s), "reply", 5, &reply), CKR_OK);
	all[1] = used_by(reply.bytes);
	copy_file("backup", "token");
	assert_int_equal(count_open(s, 0, 14), 0);
	IS(seal(s, pad_of(s), "reply", 5, &reply), CKR_OK);
	all[2] = used_by(reply.bytes);
	assert_once(all, 3);
	assert_int_equal(count_open(s, 0, COUNT), COUNT - 14);
}

/* Nor if others have gone on from there, so that it has changed oftener than what this process knows. */
static void a_store_put_back_and_used(void **state)
{
	static const CK_BYTE zeros[15 * TEXT_LEN];
	static struct message reply[2];
	CK_SESSION_HANDLE s = all_sent(0);

	(void)state;
	set_ahead(s, CKA_DSKE_OTP_SEND_AHEAD, 0);
	copy_file("token", "backup");
	for (int opens_one = 0; opens_one < 2; opens_one++) {
		if (opens_one)
			assert_true(is_open(s, 7));
		else
			IS(seal(s, pad_of(s), zeros, sizeof zeros, &reply[0]), CKR_OK);
		copy_file("backup", "token");
		other_begin();
		for (size_t i = 0; i < 5; i++)
			IS(other_do(SEAL, &stolen), CKR_OK);
		other_end();
		if (opens_one) {
			assert_false(is_open(s, 7));
			break;
		}
		IS(seal(s, pad_of(s), text_of(0), TEXT_LEN, &reply[1]), CKR_OK);
		assert_once((struct used[]){used_by(reply[0].bytes), used_by(reply[1].bytes)}, 2);
		s = as("bob");
	}
}

/* A store that has not counted the forgeries which this process counted ahead. */
static void forgeries_that_were_put_back(void **state)
{
	CK_SESSION_HANDLE s = all_sent(WINDOW);

	(void)state;
	copy_file("token", "backup");
	sent[0].bytes[50] ^= 1;
	assert_false(is_open(s, 0));
	sent[0].bytes[50] ^= 1;
	copy_file("backup", "token");
	other_begin();
	for (size_t i = 0; i < 3; i++)
		IS(other_do(SEAL, &stolen), CKR_OK);
	other_end();
	assert_int_equal(count_open(s, 0, COUNT), COUNT);
	IS(p11->C_Logout(s), CKR_OK);
	login(s);
	assert_int_equal(number(s, CKA_DSKE_OTP_FORGED), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		OTP_TEST(in_order),
		OTP_TEST(without_it_each_is_a_write),
		OTP_TEST(in_any_order),
		OTP_TEST(nothing_is_forged),
		OTP_TEST(ending_loses_the_reserve),
		OTP_TEST(a_logout_gives_it_back),
		OTP_TEST(many_holes),
		OTP_TEST(what_was_not_sent_comes_back),
		OTP_TEST(a_reserve_is_of_one_process),
		OTP_TEST(nobody_gives_back_below_another),
		OTP_TEST(another_was_faster),
		OTP_TEST(another_opened_it_first),
		OTP_TEST(reserves_are_not_in_the_store),
		OTP_TEST(a_store_put_back),
		OTP_TEST(a_store_put_back_and_used),
		OTP_TEST(forgeries_that_were_put_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
