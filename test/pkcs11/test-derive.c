/* SPDX-License-Identifier: Apache-2.0 */
/* Agreement through C_DeriveKey, over a client without a network (fake-client.c). */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "pkcs11/derive.h"
#include "pkcs11/entry.h"
#include "pkcs11/slot.h"
#include "pkcs11/store.h"

#define ALICE_ID "0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a"
#define BOB_ID "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b"
#define CAROL_ID "0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c"
#define PIN "123456"

static CK_FUNCTION_LIST *p11;
static char dir[256];
static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
static CK_OBJECT_CLASS secret_class = CKO_SECRET_KEY, private_class = CKO_PRIVATE_KEY, peer_class = CKO_DSKE_PEER;
static CK_KEY_TYPE aes = CKK_AES;

/* Shorter than a cmocka line: PKCS#11 values are unsigned longs. */
#define IS(call, wanted) assert_int_equal((call), (wanted))

/* ---- alice, who may read keys agreed with bob, but not with carol ------------------------------------------- */

static void put(const char *name, const char *text)
{
	struct path p;

	assert_true(rc_ok(path_format(&p, "%s/%s", dir, name)));
	assert_true(rc_ok(file_replace(p.s, text, strlen(text), 0600)));
}

static void write_peers(bool with_carol)
{
	char text[400];

	snprintf(text, sizeof text, "[peer bob]\nid = " BOB_ID "\nhubs_agreed = 3\nhubs_asked = 3\n%s",
		 with_carol ? "[peer carol]\nid = " CAROL_ID "\nhubs_agreed = 3\nhubs_asked = 3\n" : "");
	put("peers", text);
}

static int setup(void **state)
{
	char text[1000];
	const char *tmp = getenv("TMPDIR");

	(void)state;
	snprintf(dir, sizeof dir, "%s/dske-derive-XXXXXX", tmp != NULL ? tmp : "/tmp");
	if (mkdtemp(dir) == NULL)
		return -1;
	snprintf(text, sizeof text, "[client]\nname = alice\nid = " ALICE_ID "\nlog = %s/log\nlog_level = info\n"
				    "[peer bob]\nextract = yes\n", dir);
	put("dske.conf", text);
	write_peers(true);
	snprintf(text, sizeof text, "%s/dske.conf", dir);
	setenv("DSKE_CONF", text, 1);
	unsetenv("DSKE_FAKE");
	return entry_function_list(&p11) == CKR_OK && p11->C_Initialize(NULL) == CKR_OK ? 0 : -1;
}

static int teardown(void **state)
{
	char command[400];

	(void)state;
	(void)p11->C_Finalize(NULL);
	snprintf(command, sizeof command, "rm -r '%s'", dir);
	return system(command);
}

static CK_SESSION_HANDLE session_new(void)
{
	CK_SESSION_HANDLE s = 0;

	IS(p11->C_OpenSession(0, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &s), CKR_OK);
	return s;
}

/* Gives the token PINs that are cheap to try; with no session open. */
static void make_token(void)
{
	AUTO(secret) master = {0};
	struct store *s;
	uint8_t label[STORE_LABEL_LEN];

	slot_pad(label, sizeof label, "alice");
	assert_true(rc_ok(store_new(&s, dir, (struct store_cost){.memory_kib = 8, .passes = 1})));
	assert_true(rc_ok(store_init(s, "87654321", 8, label)));
	assert_true(rc_ok(store_login(s, STORE_PIN_SO, "87654321", 8, &master)));
	assert_true(rc_ok(store_set_pin(s, &master, STORE_PIN_USER, PIN, strlen(PIN))));
	store_free(s);
}

static void login(CK_SESSION_HANDLE s)
{
	IS(p11->C_Login(s, CKU_USER, (CK_UTF8CHAR *)PIN, strlen(PIN)), CKR_OK);
}

/* ---- searching and deriving ------------------------------------------------------------------------------------ */

static CK_ULONG find(CK_SESSION_HANDLE s, CK_OBJECT_CLASS *class, CK_ATTRIBUTE_TYPE by, const void *value, size_t len,
		     CK_OBJECT_HANDLE *found)
{
	CK_ATTRIBUTE templ[] = {{CKA_CLASS, class, sizeof *class}, {by, (void *)value, len}};
	CK_OBJECT_HANDLE list[16];
	CK_ULONG n = 0;

	IS(p11->C_FindObjectsInit(s, templ, 2), CKR_OK);
	IS(p11->C_FindObjects(s, list, 16, &n), CKR_OK);
	IS(p11->C_FindObjectsFinal(s), CKR_OK);
	if (n > 0)
		*found = list[0];
	return n;
}

static CK_OBJECT_HANDLE peer(CK_SESSION_HANDLE s, const char *name)
{
	CK_OBJECT_HANDLE h = 0;

	IS(find(s, &peer_class, CKA_LABEL, name, strlen(name), &h), 1);
	return h;
}

static CK_OBJECT_HANDLE ec_key(CK_SESSION_HANDLE s, const char *id)
{
	CK_OBJECT_HANDLE h = 0;

	IS(find(s, &private_class, CKA_ID, id, strlen(id), &h), 1);
	return h;
}

static CK_RV derive(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE base, CK_DSKE_DERIVE_PARAMS *p, CK_ATTRIBUTE *templ, CK_ULONG n,
		    CK_OBJECT_HANDLE *key)
{
	CK_MECHANISM mech = {CKM_DSKE_DERIVE, p, p != NULL ? sizeof *p : 0};

	return p11->C_DeriveKey(s, &mech, base, templ, n, key);
}

static CK_DSKE_DERIVE_PARAMS context(const char *text)
{
	CK_DSKE_DERIVE_PARAMS p = {.ulVersion = 1, .ulContextLen = strlen(text)};

	memcpy(p.context, text, strlen(text));
	return p;
}

static CK_RV derive_ec(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE base, const void *point, size_t len, CK_ATTRIBUTE *templ,
		       CK_ULONG n, CK_OBJECT_HANDLE *key)
{
	CK_ECDH1_DERIVE_PARAMS p = {CKD_NULL, 0, NULL, len, (CK_BYTE *)point};
	CK_MECHANISM mech = {CKM_ECDH1_DERIVE, &p, sizeof p};

	return p11->C_DeriveKey(s, &mech, base, templ, n, key);
}

static CK_ULONG read_attr(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE o, CK_ATTRIBUTE_TYPE type, void *out, CK_ULONG room)
{
	CK_ATTRIBUTE a = {type, out, room};

	IS(p11->C_GetAttributeValue(s, o, &a, 1), CKR_OK);
	return a.ulValueLen;
}

static CK_ATTRIBUTE extractable = {CKA_EXTRACTABLE, &yes, sizeof yes};

/* ---- peers and PSKMs as objects ------------------------------------------------------------------------------------ */

static void peers_are_objects(void **state)
{
	CK_SESSION_HANDLE s = session_new();
	unsigned char id[16], wanted[16];
	CK_OBJECT_HANDLE bob = peer(s, "bob"), found;

	(void)state;
	memset(wanted, 0x0b, sizeof wanted);
	IS(read_attr(s, bob, CKA_DSKE_PEER, id, sizeof id), sizeof id);
	assert_memory_equal(id, wanted, sizeof id);
	IS(find(s, &peer_class, CKA_LABEL, "mallory", 7, &found), 0);
	/* Handles stay while the peer is known, and are not given again. */
	assert_int_equal(peer(s, "bob"), bob);
	CK_OBJECT_HANDLE carol = peer(s, "carol");
	write_peers(false);
	IS(find(s, &peer_class, CKA_LABEL, "carol", 5, &found), 0);
	assert_int_equal(peer(s, "bob"), bob);
	write_peers(true);
	assert_true(peer(s, "carol") > carol);
	/* Nobody changes or destroys one. */
	IS(p11->C_DestroyObject(s, bob), CKR_ACTION_PROHIBITED);
}

static void named_keys(void **state)
{
	CK_SESSION_HANDLE s = session_new(), t = session_new();
	CK_OBJECT_HANDLE found, list[16];
	CK_ULONG n = 0;
	unsigned char point[67];
	static const char *const none[] = {"mallory/x", "bob/", "/x", "/", "bob/\xff/"};

	(void)state;
	CK_OBJECT_HANDLE key = ec_key(s, "bob/backup");
	assert_int_equal(ec_key(s, "bob/backup"), key);
	assert_int_equal(ec_key(t, "bob/backup"), key);
	assert_int_not_equal(ec_key(s, "bob/other"), key);
	for (size_t i = 0; i < 4; i++)
		IS(find(s, &private_class, CKA_ID, none[i], strlen(none[i]), &found), 0);
	ec_key(s, none[4]); /* a context is bytes */
	/* A point of P-256, in an OCTET STRING. */
	IS(read_attr(s, key, CKA_EC_POINT, point, sizeof point), sizeof point);
	assert_memory_equal(point, "\x04\x41\x04", 3);
	/* A listing shows the peers alone. */
	CK_ATTRIBUTE templ = {CKA_CLASS, &private_class, sizeof private_class};
	IS(p11->C_FindObjectsInit(s, &templ, 1), CKR_OK);
	IS(p11->C_FindObjects(s, list, 16, &n), CKR_OK);
	IS(p11->C_FindObjectsFinal(s), CKR_OK);
	assert_int_equal(n, 2);
	/* It lives as long as the session that found it. */
	IS(p11->C_CloseSession(s), CKR_OK);
	assert_true(ec_key(t, "bob/backup") > key);
}

static void pskms_are_slots(void **state)
{
	CK_SLOT_ID list[8];
	CK_ULONG n = 8, left = 0;
	CK_TOKEN_INFO info;
	CK_SESSION_HANDLE s;
	CK_OBJECT_CLASS class = CKO_DSKE_PSKM;
	CK_OBJECT_HANDLE o;
	char text[32];

	(void)state;
	IS(p11->C_GetSlotList(CK_TRUE, list, &n), CKR_OK);
	assert_int_equal(n, 4);
	assert_int_equal(list[0], 0);
	IS(p11->C_GetTokenInfo(list[2], &info), CKR_OK);
	assert_memory_equal(info.label, "hub2 ", 5);
	assert_int_equal(info.ulTotalPublicMemory, 2000000);
	assert_int_equal(info.ulFreePublicMemory, 1499999);
	assert_true((info.flags & CKF_WRITE_PROTECTED) != 0);
	IS(p11->C_InitToken(list[2], (CK_UTF8CHAR *)"87654321", 8, info.label), CKR_TOKEN_WRITE_PROTECTED);
	IS(p11->C_OpenSession(list[2], CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &s), CKR_TOKEN_WRITE_PROTECTED);
	IS(p11->C_OpenSession(list[2], CKF_SERIAL_SESSION, NULL, NULL, &s), CKR_OK);
	IS(find(s, &class, CKA_LABEL, "hub2", 4, &o), 1);
	IS(read_attr(s, o, CKA_DSKE_UP_LEFT, &left, sizeof left), sizeof left);
	assert_int_equal(left, 999999);
	IS(read_attr(s, o, CKA_DSKE_STATE, text, sizeof text), 6);
	assert_memory_equal(text, "active", 6);
	/* One that cannot be used says so. */
	setenv("DSKE_FAKE", "broken", 1);
	IS(find(s, &class, CKA_LABEL, "hub2", 4, &o), 1);
	IS(read_attr(s, o, CKA_DSKE_STATE, text, sizeof text), strlen("stored data is damaged"));
	IS(p11->C_GetTokenInfo(list[2], &info), CKR_OK);
	assert_int_equal(info.ulFreePublicMemory, CK_UNAVAILABLE_INFORMATION);
	/* Its slot agrees on nothing, and has no peers. */
	IS(p11->C_GetMechanismList(list[2], NULL, &n), CKR_OK);
	assert_int_equal(n, 0);
	IS(find(s, &peer_class, CKA_LABEL, "bob", 3, &o), 0);
	IS(p11->C_WaitForSlotEvent(CKF_DONT_BLOCK, list, NULL), CKR_NO_EVENT);
}

/* ---- CKM_DSKE_DERIVE ------------------------------------------------------------------------------------------------ */

static void agreed_key(void **state)
{
	CK_SESSION_HANDLE s = session_new();
	CK_DSKE_DERIVE_PARAMS p = context("backup");
	CK_OBJECT_HANDLE key;
	CK_ULONG number = 0;
	CK_BBOOL flag = CK_FALSE;
	unsigned char text[64], id[16], me[16];

	(void)state;
	memset(me, 0x0a, sizeof me);
	IS(derive(s, peer(s, "bob"), &p, NULL, 0, &key), CKR_OK);
	IS(read_attr(s, key, CKA_LABEL, text, sizeof text), 10);
	assert_memory_equal(text, "bob/backup", 10);
	IS(read_attr(s, key, CKA_ID, id, sizeof id), sizeof id);
	IS(read_attr(s, key, CKA_VALUE_LEN, &number, sizeof number), sizeof number);
	assert_int_equal(number, 32);
	IS(read_attr(s, key, CKA_DSKE_K, &number, sizeof number), sizeof number);
	assert_int_equal(number, 2);
	IS(read_attr(s, key, CKA_DSKE_SCHEME, &number, sizeof number), sizeof number);
	assert_int_equal(number, CKDSKE_SCHEME_SHAMIR);
	IS(read_attr(s, key, CKA_DSKE_HUBS, text, sizeof text), 14);
	assert_memory_equal(text, "hub1,hub2,hub3", 14);
	IS(read_attr(s, key, CKA_DSKE_INITIATOR, text, sizeof text), 16);
	assert_memory_equal(text, me, 16);
	IS(read_attr(s, key, CKA_NEVER_EXTRACTABLE, &flag, 1), 1);
	assert_int_equal(flag, CK_TRUE);
	IS(read_attr(s, key, CKA_ALWAYS_SENSITIVE, &flag, 1), 1);
	assert_int_equal(flag, CK_TRUE);
	IS(read_attr(s, key, CKA_CHECK_VALUE, text, sizeof text), 3);
	/* Not asked for: not readable, whatever the policy. */
	CK_ATTRIBUTE value = {CKA_VALUE, text, sizeof text};
	IS(p11->C_GetAttributeValue(s, key, &value, 1), CKR_ATTRIBUTE_SENSITIVE);
}

static void extraction(void **state)
{
	CK_SESSION_HANDLE s = session_new();
	CK_DSKE_DERIVE_PARAMS p = context("backup");
	CK_OBJECT_HANDLE key;
	unsigned char one[32], two[32];
	CK_BBOOL flag = CK_TRUE;

	(void)state;
	IS(derive(s, peer(s, "bob"), &p, &extractable, 1, &key), CKR_OK);
	IS(read_attr(s, key, CKA_VALUE, one, sizeof one), sizeof one);
	IS(read_attr(s, key, CKA_NEVER_EXTRACTABLE, &flag, 1), 1);
	assert_int_equal(flag, CK_FALSE);
	IS(derive(s, peer(s, "bob"), &p, &extractable, 1, &key), CKR_OK);
	IS(read_attr(s, key, CKA_VALUE, two, sizeof two), sizeof two);
	assert_memory_equal(one, two, sizeof one);
	p = context("other");
	IS(derive(s, peer(s, "bob"), &p, &extractable, 1, &key), CKR_OK);
	IS(read_attr(s, key, CKA_VALUE, two, sizeof two), sizeof two);
	assert_memory_not_equal(one, two, sizeof one);
	/* Asked for and forbidden; and a key that is not extractable does not become so. */
	IS(derive(s, peer(s, "carol"), &p, &extractable, 1, &key), CKR_TEMPLATE_INCONSISTENT);
	CK_ATTRIBUTE open = {CKA_SENSITIVE, &no, sizeof no}, value = {CKA_VALUE, one, sizeof one};
	IS(derive(s, peer(s, "carol"), &p, &open, 1, &key), CKR_OK);
	IS(p11->C_GetAttributeValue(s, key, &value, 1), CKR_ATTRIBUTE_SENSITIVE);
	IS(p11->C_SetAttributeValue(s, key, &extractable, 1), CKR_ATTRIBUTE_READ_ONLY);
}

static void parameters(void **state)
{
	CK_SESSION_HANDLE s = session_new();
	CK_OBJECT_HANDLE bob = peer(s, "bob"), key;
	CK_DSKE_DERIVE_PARAMS p;
	CK_MECHANISM mech = {CKM_DSKE_DERIVE, &p, sizeof p - 1};

	(void)state;
#define REFUSED(field, v)                                                                            \
	do {                                                                                         \
		p = context("x");                                                                    \
		p.field = (v);                                                                       \
		IS(derive(s, bob, &p, NULL, 0, &key), CKR_MECHANISM_PARAM_INVALID);                  \
	} while (0)
	REFUSED(ulVersion, 0);
	REFUSED(ulVersion, 2);
	REFUSED(role, 3);
	REFUSED(scheme, 3);
	REFUSED(n, 2); /* there are three hubs */
	REFUSED(k, 256);
	REFUSED(ulTimeoutMs, (CK_ULONG)-1);
	REFUSED(bHasKeyId, 2);
	REFUSED(ulContextLen, 256);
	REFUSED(ulContextLen, (CK_ULONG)-1);
#undef REFUSED
	p = context("x");
	IS(p11->C_DeriveKey(s, &mech, bob, NULL, 0, &key), CKR_MECHANISM_PARAM_INVALID);
	p.n = 3;
	IS(derive(s, bob, &p, NULL, 0, &key), CKR_OK);
	IS(derive(s, bob, NULL, NULL, 0, &key), CKR_OK); /* the empty context */
	IS(derive(s, bob, &p, NULL, 0, NULL), CKR_ARGUMENTS_BAD);
	IS(derive(s, bob, &p, NULL, 1, &key), CKR_ARGUMENTS_BAD);
	IS(derive(s, bob + 1000, &p, NULL, 0, &key), CKR_KEY_HANDLE_INVALID);
	IS(derive(s, ec_key(s, "bob/x"), &p, NULL, 0, &key), CKR_KEY_TYPE_INCONSISTENT);
	mech.mechanism = CKM_AES_CBC;
	IS(p11->C_DeriveKey(s, &mech, bob, NULL, 0, &key), CKR_MECHANISM_INVALID);
}

static void templates(void **state)
{
	CK_SESSION_HANDLE s = session_new();
	CK_OBJECT_HANDLE bob = peer(s, "bob"), key;
	CK_ULONG len = 48, number = 0;
	CK_ATTRIBUTE length = {CKA_VALUE_LEN, &len, sizeof len};
	CK_ATTRIBUTE cipher[] = {{CKA_KEY_TYPE, &aes, sizeof aes}, {CKA_ENCRYPT, &yes, sizeof yes}, length};
	CK_ATTRIBUTE wrong_class = {CKA_CLASS, &private_class, sizeof private_class};
	CK_ATTRIBUTE value = {CKA_VALUE, &len, sizeof len}, hidden = {CKA_PRIVATE, &yes, sizeof yes};

	(void)state;
	IS(derive(s, bob, NULL, &length, 1, &key), CKR_OK);
	IS(read_attr(s, key, CKA_VALUE_LEN, &number, sizeof number), sizeof number);
	assert_int_equal(number, 48);
	IS(derive(s, bob, NULL, cipher, 3, &key), CKR_KEY_SIZE_RANGE); /* no such AES */
	len = 16;
	IS(derive(s, bob, NULL, cipher, 3, &key), CKR_OK);
	IS(derive(s, bob, NULL, cipher, 2, &key), CKR_OK);
	IS(read_attr(s, key, CKA_VALUE_LEN, &number, sizeof number), sizeof number);
	assert_int_equal(number, 32);
	len = 15;
	IS(derive(s, bob, NULL, &length, 1, &key), CKR_KEY_SIZE_RANGE);
	len = (1 << 20) + 1;
	IS(derive(s, bob, NULL, &length, 1, &key), CKR_KEY_SIZE_RANGE);
	len = 0;
	IS(derive(s, bob, NULL, &length, 1, &key), CKR_KEY_SIZE_RANGE);
	IS(derive(s, bob, NULL, &wrong_class, 1, &key), CKR_TEMPLATE_INCONSISTENT);
	IS(derive(s, bob, NULL, &value, 1, &key), CKR_ATTRIBUTE_READ_ONLY);
	IS(derive(s, bob, NULL, &hidden, 1, &key), CKR_USER_NOT_LOGGED_IN);
}

/* ---- CKM_ECDH1_DERIVE -------------------------------------------------------------------------------------------------- */

/* A point whose x says what is in it: on route A it is only looked at for its length. */
static size_t stand_in(unsigned char *point, size_t bytes, const char *x_end, size_t len)
{
	point[0] = 0x04;
	memset(point + 1, 0x5a, 2 * bytes);
	memcpy(point + 1 + bytes - len, x_end, len);
	return 1 + 2 * bytes;
}

static void curves_pick_the_length(void **state)
{
	static const size_t bytes[] = {32, 48, 66};
	CK_SESSION_HANDLE s = session_new();
	CK_OBJECT_HANDLE base = ec_key(s, "bob/backup"), key;
	unsigned char point[200], value[80];
	CK_ULONG len = 33;
	CK_ATTRIBUTE more[] = {{CKA_VALUE_LEN, &len, sizeof len}, extractable};

	(void)state;
	for (int i = 0; i < 3; i++) {
		size_t n = stand_in(point, bytes[i], "", 0);
		IS(derive_ec(s, base, point, n, &extractable, 1, &key), CKR_OK);
		IS(read_attr(s, key, CKA_VALUE, value, sizeof value), bytes[i]);
		IS(derive_ec(s, base, point, n - 1, &extractable, 1, &key), CKR_MECHANISM_PARAM_INVALID);
		IS(derive_ec(s, base, point, n + 1, &extractable, 1, &key), CKR_MECHANISM_PARAM_INVALID);
		point[0] = 0x02;
		IS(derive_ec(s, base, point, n, &extractable, 1, &key), CKR_MECHANISM_PARAM_INVALID);
	}
	size_t n = stand_in(point, 32, "", 0);
	IS(derive_ec(s, base, point, n, more, 2, &key), CKR_TEMPLATE_INCONSISTENT);
	len = 16;
	IS(derive_ec(s, base, point, n, more, 2, &key), CKR_OK);
	IS(read_attr(s, key, CKA_VALUE, value, sizeof value), 16);
	IS(derive_ec(s, base, NULL, 65, more, 2, &key), CKR_MECHANISM_PARAM_INVALID);
	IS(derive_ec(s, peer(s, "bob"), point, n, NULL, 0, &key), CKR_KEY_TYPE_INCONSISTENT);
}

/* Route A is the same agreement as CKM_DSKE_DERIVE with that context, and an OCTET STRING is the same point. */
static void route_a(void **state)
{
	CK_SESSION_HANDLE s = session_new();
	CK_DSKE_DERIVE_PARAMS p = context("backup");
	CK_OBJECT_HANDLE key;
	unsigned char point[67] = {0x04, 65}, one[32], two[32];

	(void)state;
	stand_in(point + 2, 32, "", 0);
	IS(derive(s, peer(s, "bob"), &p, &extractable, 1, &key), CKR_OK);
	IS(read_attr(s, key, CKA_VALUE, one, sizeof one), sizeof one);
	IS(derive_ec(s, ec_key(s, "bob/backup"), point + 2, 65, &extractable, 1, &key), CKR_OK);
	IS(read_attr(s, key, CKA_VALUE, two, sizeof two), sizeof two);
	assert_memory_equal(one, two, sizeof one);
	IS(derive_ec(s, ec_key(s, "bob/backup"), point, 67, &extractable, 1, &key), CKR_OK);
	IS(read_attr(s, key, CKA_VALUE, two, sizeof two), sizeof two);
	assert_memory_equal(one, two, sizeof one);
	IS(derive_ec(s, ec_key(s, "carol/backup"), point, 67, &extractable, 1, &key), CKR_TEMPLATE_INCONSISTENT);
}

/* Route B: the key ID is in the point. */
static void route_b(void **state)
{
	CK_SESSION_HANDLE s = session_new();
	CK_DSKE_DERIVE_PARAMS p = {.ulVersion = 1, .bHasKeyId = 1};
	static const char x_end[] = DERIVE_POINT_MARK "0123456789abcdef" "\0\0\0\3";
	unsigned char point[97], one[32], two[48], id[16];
	CK_ULONG len = 48;
	CK_ATTRIBUTE more[] = {{CKA_VALUE_LEN, &len, sizeof len}, extractable};
	CK_OBJECT_HANDLE key;

	(void)state;
	memcpy(p.keyId, "0123456789abcdef", 16);
	IS(derive(s, peer(s, "bob"), &p, &extractable, 1, &key), CKR_OK);
	IS(read_attr(s, key, CKA_VALUE, one, sizeof one), sizeof one);
	size_t n = stand_in(point, 32, x_end, 32);
	IS(derive_ec(s, ec_key(s, "bob"), point, n, &extractable, 1, &key), CKR_OK);
	IS(read_attr(s, key, CKA_VALUE, two, sizeof two), sizeof one);
	assert_memory_equal(one, two, sizeof one);
	IS(read_attr(s, key, CKA_ID, id, sizeof id), sizeof id);
	assert_memory_equal(id, "0123456789abcdef", 16);
	/* On a longer curve the mark stands at the end. */
	IS(derive(s, peer(s, "bob"), &p, more, 2, &key), CKR_OK);
	unsigned char long_one[48];
	IS(read_attr(s, key, CKA_VALUE, long_one, sizeof long_one), 48);
	n = stand_in(point, 48, x_end, 32);
	IS(derive_ec(s, ec_key(s, "bob"), point, n, &extractable, 1, &key), CKR_OK);
	IS(read_attr(s, key, CKA_VALUE, two, sizeof two), 48);
	assert_memory_equal(long_one, two, 48);
	/* One bit of the mark away, it is a stand-in. */
	point[1 + 48 - 32] ^= 1;
	IS(derive_ec(s, ec_key(s, "bob"), point, n, &extractable, 1, &key), CKR_OK);
	IS(read_attr(s, key, CKA_VALUE, two, sizeof two), 48);
	assert_memory_not_equal(long_one, two, 48);
}

/* ---- with a PIN --------------------------------------------------------------------------------------------------------- */

static void a_pin_stands_before_it(void **state)
{
	CK_OBJECT_HANDLE key, found;
	CK_DSKE_DERIVE_PARAMS p = context("backup");

	(void)state;
	make_token();
	CK_SESSION_HANDLE s = session_new();
	IS(derive(s, peer(s, "bob"), &p, NULL, 0, &key), CKR_USER_NOT_LOGGED_IN);
	/* Named keys are seen, so that pkcs11-tool says what is missing; listed ones are not, so that OpenSSL's
	 * engine logs in. */
	ec_key(s, "bob/backup");
	IS(find(s, &private_class, CKA_ID, "bob", 3, &found), 0);
	login(s);
	ec_key(s, "bob");
	IS(derive(s, peer(s, "bob"), &p, NULL, 0, &key), CKR_OK);
	/* The key was private by default: it goes with the login. */
	IS(p11->C_Logout(s), CKR_OK);
	CK_ULONG size;
	IS(p11->C_GetObjectSize(s, key, &size), CKR_OBJECT_HANDLE_INVALID);
}

static void agreed_keys_persist(void **state)
{
	CK_DSKE_DERIVE_PARAMS p = context("kept");
	CK_ATTRIBUTE templ[] = {{CKA_TOKEN, &yes, sizeof yes},
				{CKA_KEY_TYPE, &aes, sizeof aes},
				{CKA_ENCRYPT, &yes, sizeof yes},
				extractable};
	unsigned char one[32], two[32], text[64];
	CK_OBJECT_HANDLE key;

	(void)state;
	make_token();
	CK_SESSION_HANDLE s = session_new();
	login(s);
	IS(derive(s, peer(s, "bob"), &p, templ, 4, &key), CKR_OK);
	IS(read_attr(s, key, CKA_VALUE, one, sizeof one), sizeof one);
	IS(p11->C_Finalize(NULL), CKR_OK);
	IS(p11->C_Initialize(NULL), CKR_OK);
	s = session_new();
	IS(find(s, &secret_class, CKA_LABEL, "bob/kept", 8, &key), 0);
	login(s);
	IS(find(s, &secret_class, CKA_LABEL, "bob/kept", 8, &key), 1);
	IS(read_attr(s, key, CKA_VALUE, two, sizeof two), sizeof two);
	assert_memory_equal(one, two, sizeof one);
	IS(read_attr(s, key, CKA_DSKE_HUBS, text, sizeof text), 14);
	/* Neither its value nor its label is in the file. */
	struct path path;
	struct buf file;
	assert_true(rc_ok(path_format(&path, "%s/" STORE_FILE_NAME, dir)));
	assert_true(rc_ok(file_read_all(&file, path.s, 1 << 20)));
	assert_null(memmem(file.data, file.len, one, 8));
	assert_null(memmem(file.data, file.len, "kept", 4));
	/* A damaged file is not used. */
	file.data[file.len - 1] ^= 1;
	assert_true(rc_ok(file_replace(path.s, file.data, file.len, 0600)));
	buf_drop(&file);
	CK_ATTRIBUTE class = {CKA_CLASS, &secret_class, sizeof secret_class};
	IS(p11->C_FindObjectsInit(s, &class, 1), CKR_DEVICE_ERROR);
	IS(p11->C_Logout(s), CKR_OK);
	IS(p11->C_Login(s, CKU_USER, (CK_UTF8CHAR *)PIN, strlen(PIN)), CKR_DEVICE_ERROR);
}

/* ---- failures ------------------------------------------------------------------------------------------------------------- */

static void a_failure_is_explained(void **state)
{
	CK_SESSION_HANDLE s = session_new();
	CK_OBJECT_HANDLE key;
	struct path path;
	struct buf log;

	(void)state;
	setenv("DSKE_FAKE", "too-few", 1);
	IS(derive(s, peer(s, "bob"), NULL, NULL, 0, &key), CKR_DEVICE_ERROR);
	assert_true(rc_ok(path_format(&path, "%s/log", dir)));
	assert_true(rc_ok(file_read_all(&log, path.s, 1 << 20)));
	buf_put(&log, "", 1);
	const char *text = (const char *)log.data;
	assert_non_null(strstr(text, "no key with bob: 1 of 3 hubs answered, 2 are needed"));
	assert_non_null(strstr(text, "hub hub2 at 127.0.0.1:7002: connection refused"));
	assert_non_null(strstr(text, "hub hub3 at 127.0.0.1:7003: connection refused"));
	assert_non_null(strstr(text, "start hub2 or hub3"));
	assert_null(strstr(text, "hub1 at"));
	buf_drop(&log);
}

struct job {
	CK_SESSION_HANDLE session;
	CK_OBJECT_HANDLE base;
	CK_RV rv;
};

static void *run_job(void *argument)
{
	struct job *j = argument;
	CK_OBJECT_HANDLE key;

	j->rv = derive(j->session, j->base, NULL, NULL, 0, &key);
	return NULL;
}

/* No lock is held over the network: others go on, and closing the session ends the wait. */
static void waiting_holds_nothing_up(void **state)
{
	struct job j = {.session = session_new()};
	CK_SESSION_HANDLE s = session_new();
	struct timespec before, after;
	pthread_t thread;
	unsigned char b[16];
	CK_TOKEN_INFO info;

	(void)state;
	j.base = peer(s, "bob");
	setenv("DSKE_FAKE", "slow", 1);
	clock_gettime(CLOCK_MONOTONIC, &before);
	pthread_create(&thread, NULL, run_job, &j);
	usleep(50000);
	IS(p11->C_GenerateRandom(s, b, sizeof b), CKR_OK);
	IS(p11->C_GenerateRandom(j.session, b, sizeof b), CKR_OK);
	IS(p11->C_GetTokenInfo(0, &info), CKR_OK);
	peer(s, "carol");
	IS(p11->C_CloseSession(j.session), CKR_OK);
	pthread_join(thread, NULL);
	clock_gettime(CLOCK_MONOTONIC, &after);
	assert_true(j.rv == CKR_FUNCTION_CANCELED || j.rv == CKR_SESSION_HANDLE_INVALID);
	assert_true((after.tv_sec - before.tv_sec) * 1000 + (after.tv_nsec - before.tv_nsec) / 1000000 < 800);
}

/* C_Finalize beside a waiting call: it answers, and takes nothing away from under it. */
static void finalize_under_way(void **state)
{
	struct job j = {.session = session_new()};
	pthread_t thread;

	(void)state;
	j.base = peer(j.session, "bob");
	setenv("DSKE_FAKE", "slow", 1);
	pthread_create(&thread, NULL, run_job, &j);
	usleep(50000);
	IS(p11->C_Finalize(NULL), CKR_OK);
	IS(p11->C_Initialize(NULL), CKR_OK);
	pthread_join(thread, NULL);
	assert_true(j.rv == CKR_FUNCTION_CANCELED || j.rv == CKR_SESSION_HANDLE_INVALID);
	unsetenv("DSKE_FAKE");
	CK_SESSION_HANDLE s = session_new();
	CK_OBJECT_HANDLE key;
	IS(derive(s, peer(s, "bob"), NULL, NULL, 0, &key), CKR_OK);
}

/* Every p11-kit application loads the module: without a usable configuration it is there, and does nothing. */
static void without_a_configuration(void **state)
{
	CK_ULONG n = 7;
	CK_SLOT_INFO slot;
	CK_TOKEN_INFO token;
	CK_SESSION_HANDLE s;

	(void)state;
	for (int i = 0; i < 2; i++) {
		IS(p11->C_Finalize(NULL), CKR_OK);
		if (i == 0)
			setenv("DSKE_CONF", "/nonexistent/dske.conf", 1);
		else
			put("dske.conf", "[client]\nthis is not a configuration\n");
		IS(p11->C_Initialize(NULL), CKR_OK);
		IS(p11->C_GetSlotList(CK_TRUE, NULL, &n), CKR_OK);
		assert_int_equal(n, 0);
		IS(p11->C_GetSlotList(CK_FALSE, NULL, &n), CKR_OK);
		assert_int_equal(n, 1);
		IS(p11->C_GetSlotInfo(0, &slot), CKR_OK);
		assert_int_equal(slot.flags & CKF_TOKEN_PRESENT, 0);
		IS(p11->C_GetTokenInfo(0, &token), CKR_TOKEN_NOT_PRESENT);
		IS(p11->C_OpenSession(0, CKF_SERIAL_SESSION, NULL, NULL, &s), CKR_TOKEN_NOT_PRESENT);
		IS(p11->C_InitToken(0, (CK_UTF8CHAR *)"87654321", 8, token.label), CKR_TOKEN_NOT_PRESENT);
		IS(p11->C_WaitForSlotEvent(CKF_DONT_BLOCK, &n, NULL), CKR_NO_EVENT);
		char text[300];
		snprintf(text, sizeof text, "%s/dske.conf", dir);
		setenv("DSKE_CONF", text, 1);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(peers_are_objects), TEST(named_keys), TEST(pskms_are_slots), TEST(agreed_key), TEST(extraction),
		TEST(parameters), TEST(templates), TEST(curves_pick_the_length), TEST(route_a), TEST(route_b),
		TEST(a_pin_stands_before_it), TEST(agreed_keys_persist), TEST(a_failure_is_explained),
		TEST(waiting_holds_nothing_up), TEST(finalize_under_way), TEST(without_a_configuration),
	};

	return cmocka_run_group_tests_name("agreement through the token", tests, NULL, NULL);
}
