/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "test/hub/pair.h"

struct rig rig;
struct party alice, bob;
struct line a, b;

void pair_start(void)
{
	rig_start(&rig);
	party_ready(&alice, &a, &rig, "alice");
	party_ready(&bob, &b, &rig, "bob");
}

int pair_set_up(void **state)
{
	(void)state;
	rig_init(&rig);
	pair_start();
	return 0;
}

int pair_tear_down(void **state)
{
	(void)state;
	line_close(&a);
	line_close(&b);
	party_drop(&alice);
	party_drop(&bob);
	rig_drop(&rig);
	return 0;
}
