/* SPDX-License-Identifier: Apache-2.0 */
/* The attacks of DSKE 4.1 that a receiver's own rules meet: mixing of executions, and injection through hubs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/agree.h"
#include "test/core/network.h"

enum { N = 9, K = 5, KEY_LEN = 32 };

static bool is_key_of(const struct network *w, const struct secret *key)
{
	return key->len == w->deal.key.len && mem_equal(key->data, w->deal.key.data, key->len);
}

/* ---- mixing: a hub captures a share of one execution and shows it in another ------------------------------- */

/* The first `mixed` hubs show their shares of `old` as those of `w`; the others are honest. */
static void offer_mixed(struct network *w, const struct network *old, size_t mixed)
{
	for (size_t i = 0; i < N; i++)
		assert_ok(network_offer_as(w, &w->terms, i, i < mixed ? old->share[i] : w->share[i], w->share_len));
}

static void shares_of_another_execution(void **state)
{
	struct network w, old;

	(void)state;
	for (size_t mixed = 0; mixed <= N; mixed++) {
		AUTO(secret) key = {0};
		const struct terms *t = NULL;

		network_start(&old, 11, N, K, SCHEME_SHAMIR, KEY_LEN);
		network_start(&w, 12, N, K, SCHEME_SHAMIR, KEY_LEN);
		w.terms.key_id = id_of('k', 2);
		offer_mixed(&w, &old, mixed);

		dske_rc rc = receiver_conclude(w.bob, true, &key, &t);

		/* n-k+1 of them leave too few true shares; never is it the old key, or a mixture of both. */
		assert_int_equal(rc.code, mixed <= N - K ? DSKE_RC_OK : DSKE_RC_NO_CANDIDATE);
		if (rc_ok(rc))
			assert_true(is_key_of(&w, &key));
		for (size_t i = 0; i < N && rc_ok(rc); i++)
			assert_int_equal(receiver_verdict(w.bob, &w.terms.hub[i]), i < mixed ? SHARE_CORRUPT : SHARE_CONSISTENT);
		network_end(&w);
		network_end(&old);
	}
}

/* Under its own key ID, too, an old share meets only its own kind: two executions give their keys, or none. */
static void executions_are_kept_apart(void **state)
{
	struct network w, old;
	AUTO(secret) key = {0};
	const struct terms *t = NULL;

	(void)state;
	network_start(&old, 13, N, K, SCHEME_SHAMIR, KEY_LEN);
	network_start(&w, 14, N, K, SCHEME_SHAMIR, KEY_LEN);
	w.terms.key_id = id_of('k', 2);
	for (size_t i = 0; i < K - 1; i++)
		assert_ok(network_offer_as(&w, &old.terms, i, old.share[i], old.share_len));
	for (size_t i = K; i < N; i++)
		assert_ok(network_offer(&w, i));
	/* four of one and four of the other are no five of any */
	assert_rc(receiver_conclude(w.bob, true, &key, &t), DSKE_RC_TOO_FEW);
	assert_ok(network_offer(&w, 0));
	assert_ok(receiver_conclude(w.bob, true, &key, &t));
	assert_true(is_key_of(&w, &key));
	assert_true(id_equal(&t->key_id, &w.terms.key_id));
	network_end(&w);
	network_end(&old);
}

/* ---- injection: hubs change what all of them are told ------------------------------------------------------ */

static void other_k(struct terms *t)
{
	t->k = 3;
}

static void other_n(struct terms *t)
{
	t->n = 8;
}

static void other_key_id(struct terms *t)
{
	t->key_id = id_of('k', 9);
}

static void other_key_tag(struct terms *t)
{
	t->key_tag.b[0] ^= 1;
}

static void other_context(struct terms *t)
{
	t->context[0] ^= 1;
}

static void other_order(struct terms *t)
{
	struct id first = t->hub[0];

	t->hub[0] = t->hub[1];
	t->hub[1] = first;
}

static void other_length(struct terms *t)
{
	t->key_len = 31;
}

/* k_B - 1 hubs tell one parameter alike and otherwise than the initiator: they form no group, and the key stands. */
static void a_parameter_is_changed(void (*change)(struct terms *t))
{
	struct network w;
	struct terms changed;
	AUTO(secret) key = {0};
	const struct terms *t = NULL;

	network_start_as(&w, 15, N, K, SCHEME_SHAMIR, KEY_LEN, 3);
	changed = w.terms;
	change(&changed);
	for (size_t i = 0; i < N; i++)
		assert_ok(i < 2 ? network_offer_as(&w, &changed, i, w.share[i], terms_share_len(&changed)) : network_offer(&w, i));
	assert_ok(receiver_conclude(w.bob, true, &key, &t));
	assert_true(is_key_of(&w, &key));
	assert_true(terms_equal(t, &w.terms));
	network_end(&w);
}

static void parameters_changed(void **state)
{
	static void (*const changes[])(struct terms *t) = {other_k, other_n, other_key_id, other_key_tag, other_context, other_order,
							   other_length};

	(void)state;
	for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++)
		a_parameter_is_changed(changes[i]);
}

/* Owned hubs deal a key of their own among themselves, with the least k that Bob accepts, under the same name. */
static dske_rc inject(struct network *w, struct network *own, size_t owned, size_t honest, struct secret *key)
{
	const struct terms *t = NULL;

	network_start_as(w, 16, N, K, SCHEME_SHAMIR, KEY_LEN, 3);
	network_start(own, 17, N, 3, SCHEME_SHAMIR, KEY_LEN);
	for (size_t i = 0; i < owned; i++)
		assert_ok(network_offer_as(w, &own->terms, i, own->share[i], own->share_len));
	for (size_t i = N - honest; i < N; i++)
		assert_ok(network_offer(w, i));
	return receiver_conclude(w->bob, true, key, &t);
}

/* DSKE 4.2: k_B of them, and no fewer, can have him take their key; and where the honest ones come through as well, can
 * prevent a key. */
static void injection_at_k_b(void **state)
{
	static const struct {
		size_t owned, honest;
		int code;
		bool true_key;
	} rows[] = {
		{2, 7, DSKE_RC_OK, true},  {2, 5, DSKE_RC_OK, true},        {2, 4, DSKE_RC_TOO_FEW, false},
		{3, 0, DSKE_RC_OK, false}, {3, 4, DSKE_RC_OK, false},       {3, 5, DSKE_RC_CONFLICT, false},
		{4, 5, DSKE_RC_CONFLICT, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct network w, own;
		AUTO(secret) key = {0};
		dske_rc rc = inject(&w, &own, rows[i].owned, rows[i].honest, &key);

		if (rc.code != rows[i].code)
			fail_msg("%zu owned, %zu honest: %s %s", rows[i].owned, rows[i].honest, rc_name(rc), rc_detail(rc));
		assert_int_equal(rc_ok(rc) && is_key_of(&w, &key), rows[i].true_key);
		assert_int_equal(key.data != NULL, rc_ok(rc));
		network_end(&w);
		network_end(&own);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shares_of_another_execution),
		cmocka_unit_test(executions_are_kept_apart),
		cmocka_unit_test(parameters_changed),
		cmocka_unit_test(injection_at_k_b),
	};

	return cmocka_run_group_tests_name("attacks", tests, NULL, NULL);
}
