/* SPDX-License-Identifier: Apache-2.0 */
/* hubproto/traffic.h - what one agreement costs on the wire, and of the tables. */
#ifndef DSKE_HUBPROTO_TRAFFIC_H
#define DSKE_HUBPROTO_TRAFFIC_H

#include <stdint.h>

#include "base/rc.h"
#include "core/terms.h"

/* Bytes of whole frames, over all n hubs, when none fails; without leases, and what TCP adds. */
struct traffic {
	uint64_t initiator_sends, initiator_gets; /* SHARE; REPLY */
	uint64_t receiver_sends, receiver_gets;   /* WAIT, RECEIPT; REPLY, INSTRUCTION */
	uint32_t up_pad, down_pad;                /* of one hub's table: the initiator's up region, a receiver's down region */
	uint32_t wait_pad;                        /* and a receiver's up region */
};

/* Counted by writing the frames, with offsets as in tables of 64 KiB to 4 GiB.  Errors: as terms_check, NOMEM. */
dske_rc traffic_of(struct traffic *out, unsigned n, unsigned k, enum scheme scheme, uint32_t key_len, uint8_t context_len);

/* The adapted protocol, both passes and the direct link; receivers wait for the fallback, too.  Errors: as traffic_of. */
dske_rc traffic_adapted(struct traffic *out, unsigned n, unsigned k, uint32_t key_len, uint8_t context_len);

#endif
