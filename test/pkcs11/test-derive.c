/* SPDX-License-Identifier: Apache-2.0 */
/* What C_DeriveKey takes, and what it gives: both mechanisms, templates, extraction. */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "pkcs11/derive.h"
#include "test/pkcs11/token-fixture.h"

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
	REFUSED(scheme, 4);
	REFUSED(n, 2); /* there are three hubs */
	REFUSED(k, 256);
	REFUSED(ulTimeoutMs, (CK_ULONG)-1);
	REFUSED(bHasKeyId, 2);
	REFUSED(bConfirm, 2);
	REFUSED(ulContextLen, 256);
	REFUSED(ulContextLen, (CK_ULONG)-1);
#undef REFUSED
	for (CK_ULONG confirm = 0; confirm <= 1; confirm++) {
		CK_BBOOL got = 2;
		p = context("confirmed");
		p.bConfirm = confirm;
		IS(derive(s, bob, &p, NULL, 0, &key), CKR_OK);
		IS(read_attr(s, key, CKA_DSKE_CONFIRMED, &got, sizeof got), sizeof got);
		IS(got, confirm);
	}
	for (CK_ULONG scheme = CKDSKE_SCHEME_SHAMIR; scheme <= CKDSKE_SCHEME_ADAPTED; scheme++) {
		CK_ULONG got = 0;
		p = context("schemes");
		p.scheme = scheme;
		IS(derive(s, bob, &p, NULL, 0, &key), CKR_OK);
		IS(read_attr(s, key, CKA_DSKE_SCHEME, &got, sizeof got), sizeof got);
		assert_int_equal(got, scheme);
	}
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
	len = (16 << 20) + 1;
	IS(derive(s, bob, NULL, &length, 1, &key), CKR_KEY_SIZE_RANGE);
	len = 16 << 20;
	IS(derive(s, bob, NULL, &length, 1, &key), CKR_OK);
	IS(read_attr(s, key, CKA_VALUE_LEN, &number, sizeof number), sizeof number);
	assert_int_equal(number, 16 << 20);
	len = 0;
	IS(derive(s, bob, NULL, &length, 1, &key), CKR_KEY_SIZE_RANGE);
	IS(derive(s, bob, NULL, &wrong_class, 1, &key), CKR_TEMPLATE_INCONSISTENT);
	IS(derive(s, bob, NULL, &value, 1, &key), CKR_ATTRIBUTE_READ_ONLY);
	IS(derive(s, bob, NULL, &hidden, 1, &key), CKR_USER_NOT_LOGGED_IN);
}

/* A template that cannot be is refused, not looked into. */
static void impossible_templates(void **state)
{
	static const CK_ATTRIBUTE_TYPE types[] = {CKA_EXTRACTABLE, CKA_TOKEN, CKA_SENSITIVE, CKA_VALUE_LEN, CKA_KEY_TYPE, CKA_CLASS,
						  CKA_LABEL, CKA_PRIVATE};
	CK_SESSION_HANDLE s = session_new();
	CK_OBJECT_HANDLE bob = peer(s, "bob"), key;
	CK_BBOOL two = 2;
	CK_ATTRIBUTE truth = {CKA_EXTRACTABLE, &two, sizeof two}, twice[] = {{CKA_EXTRACTABLE, &no, sizeof no}, extractable};

	(void)state;
	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
		for (CK_ULONG len = 1; len <= 8; len++) {
			CK_ATTRIBUTE nowhere = {types[i], NULL, len};
			IS(derive(s, bob, NULL, &nowhere, 1, &key), CKR_ATTRIBUTE_VALUE_INVALID);
			CK_RV wanted = types[i] == CKA_VALUE_LEN ? CKR_ATTRIBUTE_READ_ONLY : CKR_ATTRIBUTE_VALUE_INVALID;
			IS(p11->C_CreateObject(s, &nowhere, 1, &key), wanted);
			IS(p11->C_FindObjectsInit(s, &nowhere, 1), CKR_ATTRIBUTE_VALUE_INVALID);
		}
		CK_ATTRIBUTE endless = {types[i], &two, CK_UNAVAILABLE_INFORMATION};
		IS(derive(s, bob, NULL, &endless, 1, &key), CKR_ATTRIBUTE_VALUE_INVALID);
	}
	IS(derive(s, bob, NULL, &truth, 1, &key), CKR_ATTRIBUTE_VALUE_INVALID);
	IS(derive(s, peer(s, "carol"), NULL, twice, 2, &key), CKR_TEMPLATE_INCONSISTENT);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(agreed_key), TEST(extraction), TEST(parameters), TEST(templates), TEST(impossible_templates),
		TEST(curves_pick_the_length), TEST(route_a), TEST(route_b),
	};

	return cmocka_run_group_tests_name("C_DeriveKey", tests, NULL, NULL);
}
