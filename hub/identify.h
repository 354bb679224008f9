/* SPDX-License-Identifier: Apache-2.0 */
/* hub/identify.h - who is a peer?  (DSKE 2.2.) */
#ifndef DSKE_HUB_IDENTIFY_H
#define DSKE_HUB_IDENTIFY_H

#include "hub/dispatch.h"

/* IDENTIFY, behind the common checks: answered by IDENTITY. */
void identify_answer(struct request *r);

#endif
