/* SPDX-License-Identifier: Apache-2.0 */
/* Arguments by their kinds: most of them good, so that calls get somewhere, and some of them not. */
#include <config.h>

#include "test/pkcs11/wild.h"

#include <string.h>

#include "test/pkcs11/token-fixture.h"

#define RECORD_ROOM 256 /* no structure that is written is larger */

bool wild_is_bad(const struct wild_case *c)
{
	return c->bad > 0 && one_in(c->bad);
}

static CK_ULONG likely_len(CK_ULONG most)
{
	static const CK_ULONG likely[] = {0, 1, 15, 16, 17, 24, 28, 32, 40, 64, 80, 255, 1024};
	CK_ULONG len = likely[draw(sizeof likely / sizeof likely[0])];

	return len <= most ? len : draw((unsigned)most + 1);
}

static struct {
	unsigned char bytes[1100];
	size_t len;
} given[16];
static size_t newest;

void wild_remember(const void *bytes, size_t len)
{
	size_t i = draw(16);

	if (len > sizeof given[i].bytes)
		return;
	memcpy(given[i].bytes, bytes, len);
	given[i].len = len;
	newest = i;
}

void *draw_bytes(const struct wild_case *c, CK_ULONG most, CK_ULONG *len)
{
	*len = likely_len(most);
	if (wild_is_bad(c)) {
		*len = draw_odd();
		return NULL;
	}
	unsigned char *p = one_in(4) ? wild_memory_odd(*len) : wild_memory(*len);
	memset(p, one_in(2) ? 1 : (int)draw(256), *len);
	return p;
}

/* ---- handles and numbers ----------------------------------------------------------------------------------- */

static CK_ULONG draw_dead(void)
{
	return world.dead_count > 0 && one_in(2) ? world.dead[draw((unsigned)world.dead_count)] : draw_odd();
}

static CK_ULONG draw_object(void)
{
	if (world.other_count > 0 && one_in(2))
		return world.other[draw((unsigned)world.other_count)];
	return world.key[draw(WILD_KEYS)];
}

/* One whose type the mechanism takes. */
static CK_ULONG draw_key(const struct wild_case *c)
{
	const struct mech *row = mech_find(c->mech);

	if (c->call == wild_call(WILD_C_SetOperationState) && one_in(2))
		return 0;
	if (row == NULL || one_in(12))
		return draw_object();
	if (row->type == CKM_DSKE_DERIVE || row->type == CKM_ECDH1_DERIVE || row->type == CKM_DSKE_REDEEM)
		return world.other[draw(2)]; /* a peer; a peer's key */
	for (int tries = 0; tries < 60; tries++) {
		size_t i = draw(WILD_KEYS);
		if (row->key_fits(world_key_type(i)))
			return world.key[i];
	}
	return draw_object();
}

static CK_ULONG draw_flags(const struct wild_case *c)
{
	if (c->call == wild_call(WILD_C_OpenSession))
		return CKF_SERIAL_SESSION | (one_in(3) ? 0 : CKF_RW_SESSION);
	if (c->call == wild_call(WILD_C_WaitForSlotEvent))
		return CKF_DONT_BLOCK;
	if (c->call == wild_call(WILD_C_SessionCancel))
		return one_in(2) ? ~0ul : 1ul << draw(64);
	return draw(2);
}

static CK_ULONG odd_flags(const struct wild_case *c)
{
	return draw_odd() | (c->call == wild_call(WILD_C_WaitForSlotEvent) ? CKF_DONT_BLOCK : 0);
}

static CK_ULONG draw_session(const struct wild_case *c)
{
	return wild_is_bad(c) ? draw_dead() : world.session[c->session];
}

/* ---- memory ------------------------------------------------------------------------------------------------ */

/* What is read and what is written lie one over the other. */
static void draw_overlapping(struct wild_case *c, size_t i)
{
	CK_ULONG len = likely_len(1024);
	unsigned char *block = wild_memory(len + 80);

	memset(block, (int)draw(256), len + 80);
	c->in = block + (one_in(3) ? 0 : draw(17));
	c->in_len = len;
	c->out = block + (one_in(3) ? (CK_ULONG)(c->in - block) : draw(17));
	c->room = (CK_ULONG)(block + len + 80 - (unsigned char *)c->out);
	c->w[i] = (CK_ULONG)c->in;
	c->w[i + 1] = len;
}

static bool has_out(const struct wild_call *call, size_t from)
{
	for (size_t i = from; i < call->count; i++) {
		if (call->kind[i] == W_OUT)
			return true;
	}
	return false;
}

static void draw_in(struct wild_case *c, size_t i)
{
	size_t len;

	if (has_out(c->call, i) && c->out == NULL && one_in(5)) {
		draw_overlapping(c, i);
		return;
	}
	if (c->bad > 0 && one_in(3000) && (c->w[i] = (CK_ULONG)wild_huge(&len)) != 0) {
		c->w[i + 1] = len;
		return;
	}
	size_t past = one_in(4) ? newest : draw(100);
	if (past < 16 && given[past].len > 0) {
		c->w[i] = (CK_ULONG)wild_copy(given[past].bytes, given[past].len);
		c->w[i + 1] = given[past].len;
	} else {
		c->w[i] = (CK_ULONG)draw_bytes(c, 2000, &c->w[i + 1]);
	}
	if (c->w[i] != 0 && one_in(4))
		wild_memory_protect((void *)c->w[i]);
}

/* The user's name may be said. */
static void draw_name(struct wild_case *c, size_t i)
{
	c->w[i + 1] = one_in(2) ? 0 : 5;
	c->w[i] = (CK_ULONG)wild_copy("alice", c->w[i + 1]);
}

static void draw_pin(struct wild_case *c, size_t i)
{
	static const char *const pins[] = {PIN, PIN, PIN, "87654321", "000000", "12"};
	const char *pin = pins[draw(sizeof pins / sizeof pins[0])];

	c->w[i + 1] = strlen(pin);
	c->w[i] = (CK_ULONG)(wild_is_bad(c) ? draw_bytes(c, 600, &c->w[i + 1]) : wild_copy(pin, strlen(pin)));
}

/* Room and a pointer to its length: too little, just enough for most, a lot; NULL to ask. */
static void draw_out(struct wild_case *c, size_t i, CK_ULONG element)
{
	static const CK_ULONG rooms[] = {0, 1, 15, 16, 31, 32, 48, 63, 64, 80, 500, 1023, 1024, 4000};
	CK_ULONG most = WILD_ROOM / element;

	if (c->out == NULL) {
		c->room = one_in(2) ? 64 : rooms[draw(sizeof rooms / sizeof rooms[0])];
		c->room = c->room < most ? c->room : most;
		c->out = element == 1 && one_in(3) ? wild_memory_odd(c->room) : wild_memory(c->room * element);
	}
	if (one_in(8) || wild_is_bad(c)) {
		c->out = NULL;
		c->room = draw_odd();
	}
	c->out_len = wild_is_bad(c) ? NULL : wild_copy(&c->room, sizeof c->room);
	c->w[i] = (CK_ULONG)c->out;
	c->w[i + 1] = (CK_ULONG)c->out_len;
}

static CK_ULONG draw_room(const struct wild_case *c, size_t len)
{
	return wild_is_bad(c) ? 0 : (CK_ULONG)wild_memory(len);
}

static void draw_handles(struct wild_case *c, size_t i)
{
	c->w[i + 1] = draw(40);
	c->w[i] = draw_room(c, c->w[i + 1] * sizeof(CK_OBJECT_HANDLE));
	if (c->w[i] == 0)
		c->w[i + 1] = draw_odd();
}

static void draw_filled(struct wild_case *c, size_t i)
{
	c->w[i + 1] = draw(1000);
	c->w[i] = draw_room(c, c->w[i + 1]);
	if (c->w[i] == 0)
		c->w[i + 1] = draw_odd();
}

static void draw_text(struct wild_case *c, size_t i)
{
	static const char *const texts[] = {"PKCS 11", "PKCS 11", "C_Encrypt", "", "Vendor", "PKCS 11 and more"};
	const char *text = texts[draw(6)];

	c->w[i] = wild_is_bad(c) ? 0 : (CK_ULONG)wild_copy(text, strlen(text) + 1);
}

static CK_ULONG draw_args(const struct wild_case *c)
{
	CK_C_INITIALIZE_ARGS args = {.flags = one_in(2) ? CKF_OS_LOCKING_OK : draw_odd()};

	if (one_in(3))
		return 0;
	if (wild_is_bad(c))
		args.pReserved = (void *)draw_odd();
	if (wild_is_bad(c)) /* never called: ours are the system's */
		args.CreateMutex = (CK_CREATEMUTEX)draw_odd();
	return (CK_ULONG)wild_copy(&args, sizeof args);
}

static CK_ULONG draw_version(void)
{
	static const CK_VERSION versions[] = {{3, 2}, {3, 0}, {2, 40}, {9, 9}, {0, 0}};

	return one_in(4) ? 0 : (CK_ULONG)wild_copy(&versions[draw(5)], sizeof versions[0]);
}

/* ---- one after the other ----------------------------------------------------------------------------------- */

static CK_ULONG draw_number(struct wild_case *c, enum wild_kind kind)
{
	switch (kind) {
	case W_SESSION:
		return draw_session(c);
	case W_OBJECT:
		return wild_is_bad(c) ? draw_dead() : draw_object();
	case W_KEY:
		return wild_is_bad(c) ? draw_dead() : draw_key(c);
	case W_SLOT:
		return wild_is_bad(c) ? draw_odd() : one_in(3) ? draw(4) : 0;
	case W_FLAGS:
		return wild_is_bad(c) ? odd_flags(c) : draw_flags(c);
	case W_USER:
		return wild_is_bad(c) ? draw_odd() : draw(3);
	case W_MECH_TYPE:
		return wild_is_bad(c) ? draw_odd() : draw(2) == 0 ? CKM_AES_GCM : CKM_SHA256;
	case W_BOOL:
		return wild_is_bad(c) ? draw(256) : draw(2);
	case W_RESERVED:
		return wild_is_bad(c) ? draw_odd() : 0;
	default: /* W_NUMBER, W_NOTIFY, W_ANY */
		return wild_is_bad(c) ? draw_odd() : 1;
	}
}

static CK_ULONG draw_pointer(struct wild_case *c, enum wild_kind kind)
{
	switch (kind) {
	case W_MECH:
		return (CK_ULONG)draw_mech(c);
	case W_NEW:
		return draw_room(c, sizeof(CK_ULONG));
	case W_RECORD:
		return draw_room(c, RECORD_ROOM);
	case W_LABEL:
		return wild_is_bad(c) ? 0 : (CK_ULONG)memset(wild_memory(32), 'l', 32);
	case W_ARGS:
		return draw_args(c);
	case W_VERSION:
		return draw_version();
	default:
		return draw_number(c, kind);
	}
}

/* True: this one came with the next. */
static bool draw_pair(struct wild_case *c, size_t i, enum wild_kind kind)
{
	switch (kind) {
	case W_IN:
		(c->call == wild_call(WILD_C_LoginUser) && one_in(2) ? draw_name : draw_in)(c, i);
		return true;
	case W_PIN:
		draw_pin(c, i);
		return true;
	case W_OUT:
		draw_out(c, i, 1);
		return true;
	case W_LIST:
		draw_out(c, i, c->call == wild_call(WILD_C_GetInterfaceList) ? sizeof(CK_INTERFACE) : sizeof(CK_ULONG));
		return true;
	case W_TEMPL:
		c->w[i] = (CK_ULONG)draw_templ(c, &c->w[i + 1]);
		return true;
	case W_PARAM:
		c->w[i] = (CK_ULONG)draw_message_param(c, &c->w[i + 1]);
		return true;
	case W_HANDLES:
		draw_handles(c, i);
		return true;
	case W_FILLED:
		draw_filled(c, i);
		return true;
	default:
		return false;
	}
}

void wild_draw(struct wild_case *c)
{
	c->mech = CK_UNAVAILABLE_INFORMATION;
	for (size_t i = 0; i < c->call->count; i++) {
		enum wild_kind kind = c->call->kind[i];
		if (kind == W_TEXT)
			draw_text(c, i);
		else if (draw_pair(c, i, kind))
			i++;
		else
			c->w[i] = draw_pointer(c, kind);
	}
}
