/* SPDX-License-Identifier: Apache-2.0 */
/* hub/lowwater.h - a table that runs out, told to the hub's operator, who has to make the next PSKM. */
#ifndef DSKE_HUB_LOWWATER_H
#define DSKE_HUB_LOWWATER_H

#include "hub/hub.h"

/* After a window was given out.  Logs when the table passes the configuration's mark, at each halving from there
 * on, and when it is empty: once each while the hub runs. */
void lowwater_look(const struct hub *h, struct vault_table *t);

#endif
