/* SPDX-License-Identifier: Apache-2.0 */
/* Agreed keys by C_GenerateKey, and by tickets through C_WrapKey and C_UnwrapKey. */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "test/pkcs11/token-fixture.h"

static const CK_BYTE key_id[16] = {0x5a, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

/* ---- route C ------------------------------------------------------------------------------------------------ */

static CK_RV generate(CK_SESSION_HANDLE s, const char *peer_name, const void *id, CK_ULONG id_len, void *param, CK_ULONG param_len,
		      CK_ATTRIBUTE more, CK_OBJECT_HANDLE *key)
{
	CK_MECHANISM mech = {CKM_DSKE_KEY_GEN, param, param_len};
	CK_ATTRIBUTE templ[3] = {{CKA_ID, (void *)id, id_len}, more};
	CK_ULONG n = 2;

	if (peer_name != NULL)
		templ[n++] = (CK_ATTRIBUTE){CKA_LABEL, (void *)peer_name, strlen(peer_name)};
	return p11->C_GenerateKey(s, &mech, templ, n, key);
}

static void value_of(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE key, CK_BYTE value[32])
{
	assert_int_equal(read_attr(s, key, CKA_VALUE, value, 32), 32);
}

/* Both calls say the same and get the same key. */
static void generated_is_derived(void **state)
{
	CK_SESSION_HANDLE s = session_new();
	CK_DSKE_DERIVE_PARAMS p = context("backup");
	CK_OBJECT_HANDLE key = 0, same = 0;
	CK_BYTE a[32], b[32], id[16];
	CK_ULONG k = 0;

	(void)state;
	IS(generate(s, "bob", "backup", 6, NULL, 0, extractable, &key), CKR_OK);
	IS(derive(s, peer(s, "bob"), &p, &extractable, 1, &same), CKR_OK);
	value_of(s, key, a);
	value_of(s, same, b);
	assert_memory_equal(a, b, 32);
	assert_int_equal(read_attr(s, key, CKA_ID, a, 32), 6);
	assert_int_equal(read_attr(s, key, CKA_DSKE_KEY_ID, a, 16), 16);
	assert_int_equal(read_attr(s, same, CKA_DSKE_KEY_ID, id, 16), 16);
	assert_memory_equal(a, id, 16);

	p = (CK_DSKE_DERIVE_PARAMS){.ulVersion = 1, .bHasKeyId = 1};
	memcpy(p.keyId, key_id, 16);
	IS(derive(s, peer(s, "bob"), &p, &extractable, 1, &same), CKR_OK);
	value_of(s, same, b);
	p = (CK_DSKE_DERIVE_PARAMS){.ulVersion = 1, .k = 3};
	IS(generate(s, "bob", key_id, 16, &p, sizeof p, extractable, &key), CKR_OK);
	value_of(s, key, a);
	assert_memory_equal(a, b, 32);
	assert_int_equal(read_attr(s, key, CKA_DSKE_K, &k, sizeof k), sizeof k);
	assert_int_equal(k, 3);
}

static void generated_is_kept_and_guarded(void **state)
{
	CK_ATTRIBUTE token = {CKA_TOKEN, &yes, 1};
	CK_MECHANISM_TYPE by = 0;
	CK_OBJECT_HANDLE key = 0, found = 0;
	CK_BYTE value[32];
	CK_BBOOL is;
	CK_SESSION_HANDLE s;

	(void)state;
	make_token();
	s = session_new();
	IS(generate(s, "bob", key_id, 16, NULL, 0, token, &key), CKR_USER_NOT_LOGGED_IN);
	login(s);
	IS(generate(s, "bob", key_id, 16, NULL, 0, token, &key), CKR_OK);
	CK_ATTRIBUTE a = {CKA_VALUE, value, sizeof value};
	IS(p11->C_GetAttributeValue(s, key, &a, 1), CKR_ATTRIBUTE_SENSITIVE);
	read_attr(s, key, CKA_NEVER_EXTRACTABLE, &is, 1);
	assert_int_equal(is, CK_TRUE);
	read_attr(s, key, CKA_KEY_GEN_MECHANISM, &by, sizeof by);
	assert_int_equal(by, CKM_DSKE_KEY_GEN);
	IS(p11->C_CloseSession(s), CKR_OK);
	s = session_new();
	login(s);
	IS(find(s, &secret_class, CKA_ID, key_id, 16, &found), 1);
}

static void generate_refuses(void **state)
{
	CK_SESSION_HANDLE s = session_new();
	CK_DSKE_DERIVE_PARAMS p = context("x");
	CK_ULONG short_len = 8, class = CKO_DATA;
	CK_OBJECT_HANDLE key = 0;
	CK_BYTE long_id[256] = {0};
	const CK_ATTRIBUTE none = {CKA_TOKEN, &no, 1};

	(void)state;
	IS(generate(s, NULL, key_id, 16, NULL, 0, none, &key), CKR_TEMPLATE_INCOMPLETE);
	IS(generate(s, "", key_id, 16, NULL, 0, none, &key), CKR_ATTRIBUTE_VALUE_INVALID);
	IS(generate(s, "mallory", key_id, 16, NULL, 0, none, &key), CKR_ATTRIBUTE_VALUE_INVALID);
	IS(generate(s, "bob", long_id, 256, NULL, 0, none, &key), CKR_ATTRIBUTE_VALUE_INVALID);
	IS(generate(s, "bob", key_id, 16, &p, sizeof p, none, &key), CKR_MECHANISM_PARAM_INVALID);
	IS(generate(s, "bob", key_id, 16, &p, sizeof p - 1, none, &key), CKR_MECHANISM_PARAM_INVALID);
	IS(generate(s, "carol", key_id, 16, NULL, 0, extractable, &key), CKR_TEMPLATE_INCONSISTENT);
	IS(generate(s, "bob", key_id, 16, NULL, 0, (CK_ATTRIBUTE){CKA_VALUE_LEN, &short_len, sizeof short_len}, &key), CKR_KEY_SIZE_RANGE);
	IS(generate(s, "bob", key_id, 16, NULL, 0, (CK_ATTRIBUTE){CKA_CLASS, &class, sizeof class}, &key), CKR_TEMPLATE_INCONSISTENT);
	setenv("DSKE_FAKE", "too-few", 1);
	IS(generate(s, "bob", key_id, 16, NULL, 0, none, &key), CKR_DEVICE_ERROR);
	unsetenv("DSKE_FAKE");
}

/* ---- route D ------------------------------------------------------------------------------------------------ */

static CK_MECHANISM redeem = {CKM_DSKE_REDEEM, NULL, 0};

static CK_OBJECT_HANDLE agreed(CK_SESSION_HANDLE s, const char *with)
{
	CK_DSKE_DERIVE_PARAMS p = {.ulVersion = 1, .bHasKeyId = 1};
	CK_OBJECT_HANDLE key = 0;

	memcpy(p.keyId, key_id, 16);
	IS(derive(s, peer(s, with), &p, NULL, 0, &key), CKR_OK);
	return key;
}

static const CK_BYTE alices_ticket[] =
	"DSKEtkt\x01\x00\x00\x00\x20\x00\x00\x00\x00"
	"\x5a\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f"
	"\x0a\x0a\x0a\x0a\x0a\x0a\x0a\x0a\x0a\x0a\x0a\x0a\x0a\x0a\x0a\x0a"
	"\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b";

static void ticket_names_the_key(void **state)
{
	CK_SESSION_HANDLE s = session_new();
	CK_OBJECT_HANDLE key = agreed(s, "bob");
	CK_BYTE ticket[100];
	CK_ULONG len = 0;

	(void)state;
	IS(p11->C_WrapKey(s, &redeem, peer(s, "bob"), key, NULL, &len), CKR_OK);
	assert_int_equal(len, CKDSKE_TICKET_LEN);
	len--;
	IS(p11->C_WrapKey(s, &redeem, peer(s, "bob"), key, ticket, &len), CKR_BUFFER_TOO_SMALL);
	assert_int_equal(len, CKDSKE_TICKET_LEN);
	len = sizeof ticket;
	IS(p11->C_WrapKey(s, &redeem, ec_key(s, "bob"), key, ticket, &len), CKR_OK);
	assert_int_equal(len, CKDSKE_TICKET_LEN);
	assert_memory_equal(ticket, alices_ticket, CKDSKE_TICKET_LEN);
}

static void no_ticket_for_others(void **state)
{
	CK_SESSION_HANDLE s = session_new();
	CK_OBJECT_HANDLE key = agreed(s, "bob"), made = 0;
	CK_MECHANISM param = {CKM_DSKE_REDEEM, &yes, 1};
	CK_MECHANISM gen = {CKM_GENERIC_SECRET_KEY_GEN, NULL, 0};
	CK_ULONG len = 100, size = 32;
	CK_ATTRIBUTE templ[] = {{CKA_VALUE_LEN, &size, sizeof size}};
	CK_BYTE ticket[100];

	(void)state;
	IS(p11->C_GenerateKey(s, &gen, templ, 1, &made), CKR_OK);
	IS(p11->C_WrapKey(s, &redeem, peer(s, "bob"), made, ticket, &len), CKR_KEY_NOT_WRAPPABLE);
	IS(p11->C_WrapKey(s, &redeem, peer(s, "carol"), key, ticket, &len), CKR_KEY_NOT_WRAPPABLE);
	IS(p11->C_WrapKey(s, &redeem, key, key, ticket, &len), CKR_WRAPPING_KEY_TYPE_INCONSISTENT);
	IS(p11->C_WrapKey(s, &redeem, 99999, key, ticket, &len), CKR_WRAPPING_KEY_HANDLE_INVALID);
	IS(p11->C_WrapKey(s, &redeem, peer(s, "bob"), 99999, ticket, &len), CKR_KEY_HANDLE_INVALID);
	IS(p11->C_WrapKey(s, &redeem, ec_key(s, "bob/named"), key, ticket, &len), CKR_WRAPPING_KEY_TYPE_INCONSISTENT);
	IS(p11->C_WrapKey(s, &param, peer(s, "bob"), key, ticket, &len), CKR_MECHANISM_PARAM_INVALID);
}

/* From here on she is the receiver: the peer's ID is the lower one. */
static CK_BYTE bobs_ticket[CKDSKE_TICKET_LEN];

static int setup_receiver(void **state)
{
	if (setup(state) != 0)
		return -1;
	put("peers", "[peer bob]\nid = 01010101010101010101010101010101\nhubs_agreed = 3\nhubs_asked = 3\n"
		     "[peer carol]\nid = " CAROL_ID "\nhubs_agreed = 3\nhubs_asked = 3\n");
	memcpy(bobs_ticket, alices_ticket, sizeof bobs_ticket);
	memset(bobs_ticket + 32, 1, 16);
	memset(bobs_ticket + 48, 10, 16);
	return 0;
}

static CK_RV unwrap(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE from, const void *ticket, CK_ULONG len, CK_ATTRIBUTE *templ, CK_ULONG n,
		    CK_OBJECT_HANDLE *key)
{
	return p11->C_UnwrapKey(s, &redeem, from, (CK_BYTE *)ticket, len, templ, n, key);
}

static void ticket_is_redeemed(void **state)
{
	CK_SESSION_HANDLE s = session_new();
	CK_ATTRIBUTE clear[] = {extractable, {CKA_SENSITIVE, &no, 1}};
	CK_DSKE_DERIVE_PARAMS p = {.ulVersion = 1, .bHasKeyId = 1};
	CK_OBJECT_HANDLE key = 0, same = 0;
	CK_BYTE a[32], b[32];
	CK_BBOOL is = CK_TRUE;
	CK_ULONG len = sizeof a;

	(void)state;
	IS(unwrap(s, peer(s, "bob"), bobs_ticket, sizeof bobs_ticket, NULL, 0, &key), CKR_OK);
	read_attr(s, key, CKA_EXTRACTABLE, &is, 1);
	assert_int_equal(is, CK_FALSE);
	IS(unwrap(s, ec_key(s, "bob"), bobs_ticket, sizeof bobs_ticket, clear, 2, &key), CKR_OK);
	memcpy(p.keyId, key_id, 16);
	IS(derive(s, peer(s, "bob"), &p, clear, 2, &same), CKR_OK);
	value_of(s, key, a);
	value_of(s, same, b);
	assert_memory_equal(a, b, 32);
	/* Who received it has no shares to give. */
	IS(p11->C_WrapKey(s, &redeem, peer(s, "bob"), key, a, &len), CKR_KEY_NOT_WRAPPABLE);
}

static void redeeming_refuses(void **state)
{
	CK_SESSION_HANDLE s = session_new();
	CK_OBJECT_HANDLE bob = peer(s, "bob"), key = 0;
	CK_ULONG size = 33;
	CK_ATTRIBUTE longer = {CKA_VALUE_LEN, &size, sizeof size};
	CK_BYTE bad[CKDSKE_TICKET_LEN + 1] = {0};

	(void)state;
	for (size_t len = 0; len <= sizeof bad; len++) {
		if (len != CKDSKE_TICKET_LEN)
			IS(unwrap(s, bob, bad, len, NULL, 0, &key), CKR_WRAPPED_KEY_LEN_RANGE);
	}
	/* Any byte but those of the length's last and of the key ID makes it another's, or none. */
	for (size_t i = 0; i < CKDSKE_TICKET_LEN; i++) {
		memcpy(bad, bobs_ticket, sizeof bobs_ticket);
		bad[i] ^= 0x80;
		if (i < 9 || (i >= 12 && i < 16) || i >= 32)
			IS(unwrap(s, bob, bad, sizeof bobs_ticket, NULL, 0, &key), CKR_WRAPPED_KEY_INVALID);
	}
	IS(unwrap(s, bob, NULL, 64, NULL, 0, &key), CKR_ARGUMENTS_BAD);
	IS(unwrap(s, bob, bobs_ticket, 64, &longer, 1, &key), CKR_TEMPLATE_INCONSISTENT);
	IS(unwrap(s, peer(s, "carol"), bobs_ticket, 64, NULL, 0, &key), CKR_WRAPPED_KEY_INVALID);
	IS(unwrap(s, ec_key(s, "bob/named"), bobs_ticket, 64, NULL, 0, &key), CKR_UNWRAPPING_KEY_TYPE_INCONSISTENT);
	IS(unwrap(s, 99999, bobs_ticket, 64, NULL, 0, &key), CKR_UNWRAPPING_KEY_HANDLE_INVALID);
	setenv("DSKE_FAKE", "too-few", 1);
	IS(unwrap(s, bob, bobs_ticket, 64, NULL, 0, &key), CKR_DEVICE_ERROR);
	unsetenv("DSKE_FAKE");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(generated_is_derived),
		TEST(generated_is_kept_and_guarded),
		TEST(generate_refuses),
		TEST(ticket_names_the_key),
		TEST(no_ticket_for_others),
		cmocka_unit_test_setup_teardown(ticket_is_redeemed, setup_receiver, teardown),
		cmocka_unit_test_setup_teardown(redeeming_refuses, setup_receiver, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
