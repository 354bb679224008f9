/* SPDX-License-Identifier: Apache-2.0 */
/* Which share makes room for which, where the disk has not enough of it. */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants those four before it */
#include <cmocka.h>

#include "client/stakes.h"

static struct stakes s;

/* Terms are told apart by their key tags. */
static struct terms terms_of(uint8_t tag)
{
	struct terms t = {.n = 5, .k = 2, .key_len = 1u << 21};
	t.key_tag.b[0] = tag;
	return t;
}

static size_t stake(size_t hub, uint8_t tag, bool is_held)
{
	struct terms t = terms_of(tag);
	size_t at;
	assert_int_equal(stakes_note(&s, hub, &t, &at).code, DSKE_RC_OK);
	s.all[at].is_held = is_held;
	return at;
}

/* Four of one hub: each goes, one after the other, for the first one of another hub; but not the other way round. */
static void a_hub_with_several_gives_way(void **state)
{
	size_t first[4], honest;
	(void)state;
	for (uint8_t i = 0; i < 4; i++)
		first[i] = stake(0, (uint8_t)(10 + i), true);
	honest = stake(1, 1, false);
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(stakes_victim(&s, honest), first[i]);
		s.all[first[i]].is_held = false;
	}
	assert_int_equal(stakes_victim(&s, honest), STAKE_NONE);
	s.all[honest].is_held = true;
	assert_int_equal(stakes_victim(&s, first[2]), STAKE_NONE); /* it has sent several, whatever is held of them */
	stakes_drop(&s);
}

/* One each: the first stays until more hubs stand behind the other's terms. */
static void more_hubs_make_room(void **state)
{
	size_t corrupt = stake(0, 10, true), a, b;
	struct terms t = terms_of(1);
	(void)state;
	a = stake(1, 1, false);
	assert_int_equal(stakes_victim(&s, a), STAKE_NONE);
	b = stake(2, 1, false);
	assert_int_equal(stakes_support(&s, &t), 2);
	assert_int_equal(stakes_held(&s, &t), 0);
	assert_int_equal(stakes_victim(&s, a), corrupt);
	assert_int_equal(stakes_victim(&s, b), corrupt);
	s.all[corrupt].is_held = false;
	s.all[a].is_held = true;
	assert_int_equal(stakes_victim(&s, corrupt), STAKE_NONE);
	assert_int_equal(stakes_victim(&s, b), STAKE_NONE); /* for its own terms nothing goes */
	assert_int_equal(stake(1, 1, true), a); /* it came again: the same stake */
	assert_int_equal(s.count, 3);
	stakes_drop(&s);
}

/* A hub that is honest in one of its shares and corrupt in others keeps that one longest, and no other hub's goes for it. */
static void the_least_supported_goes_first(void **state)
{
	size_t shared, own, other, newcomer;
	(void)state;
	shared = stake(0, 1, true);
	own = stake(0, 10, true);
	other = stake(1, 1, true);
	newcomer = stake(2, 1, false);
	assert_int_equal(stakes_victim(&s, newcomer), own);
	s.all[own].is_held = false;
	assert_int_equal(stakes_victim(&s, newcomer), STAKE_NONE);
	assert_true(s.all[shared].is_held && s.all[other].is_held);
	stakes_drop(&s);
}

/* Fewer than k may be corrupt; and what a hub invents is bounded. */
static void k_hubs_say_what_is_so(void **state)
{
	struct terms t = terms_of(1), more = terms_of(99);
	size_t at;
	(void)state;
	stake(0, 1, true);
	assert_false(stakes_are_agreed(&s, &t));
	for (uint8_t i = 1; i < STAKES_PER_HUB; i++)
		stake(0, (uint8_t)(10 + i), true);
	assert_int_equal(stakes_note(&s, 0, &more, &at).code, DSKE_RC_BUSY);
	assert_int_equal(stakes_note(&s, 0, &t, &at).code, DSKE_RC_OK);
	assert_false(stakes_are_agreed(&s, &t));
	stake(1, 1, false);
	assert_true(stakes_are_agreed(&s, &t));
	assert_int_equal(s.count, STAKES_PER_HUB + 1);
	stakes_drop(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_hub_with_several_gives_way),
		cmocka_unit_test(more_hubs_make_room),
		cmocka_unit_test(the_least_supported_goes_first),
		cmocka_unit_test(k_hubs_say_what_is_so),
	};
	return cmocka_run_group_tests_name("stakes", tests, NULL, NULL);
}
