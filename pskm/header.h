/* SPDX-License-Identifier: Apache-2.0 */
/* pskm/header.h - what a PSKM says about itself, in the container and beside the imported table. */
#ifndef DSKE_PSKM_HEADER_H
#define DSKE_PSKM_HEADER_H

#include "base/buf.h"
#include "base/id.h"
#include "base/rc.h"
#include "core/layout.h"

#define PSKM_ADDRESS_MAX 255

struct pskm_header {
	struct id table;
	struct id hub;
	struct id client;
	char hub_name[NAME_MAX_LEN + 1];
	char client_name[NAME_MAX_LEN + 1];
	char hub_address[PSKM_ADDRESS_MAX + 1]; /* "host:port", where the hub says it listens */
	uint64_t created;                       /* seconds since 1970, informative only */
	struct layout layout;
};

/* Deterministic CBOR (doc/dske.cddl, pskm-header).  Errors: TOOBIG; FORMAT with the reason. */
dske_rc pskm_header_write(struct buf *out, const struct pskm_header *h);
dske_rc pskm_header_read(struct pskm_header *h, const uint8_t *bytes, size_t len);

#endif
