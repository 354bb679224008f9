/* SPDX-License-Identifier: Apache-2.0 */
/* hub/activate.h - a PSKM is activated once (DSKE 2.1); a second activation freezes its table. */
#ifndef DSKE_HUB_ACTIVATE_H
#define DSKE_HUB_ACTIVATE_H

#include "hub/dispatch.h"

void activate_receive(struct request *r);

/* FROZEN, under the third activation key.  Always the same bytes (the nonce is zero, the range is the
 * region's front), so that it may be sent to whoever asks, as often as he asks. */
void activate_send_frozen(struct request *r);

#endif
