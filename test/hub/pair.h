/* SPDX-License-Identifier: Apache-2.0 */
/* test/hub/pair.h - what many programs begin with: one hub, and alice and bob with a lease each. */
#ifndef DSKE_TEST_HUB_PAIR_H
#define DSKE_TEST_HUB_PAIR_H

#include "test/hub/rig.h"

extern struct rig rig;
extern struct party alice, bob;
extern struct line a, b;

/* Starts the hub, which rig_init has made, and both get ready. */
void pair_start(void);

/* As cmocka's set-up and tear-down. */
int pair_set_up(void **state);
int pair_tear_down(void **state);

#endif
