/* SPDX-License-Identifier: Apache-2.0 */
/* pskm/container-impl.h - the head of a container, and making one at another cost; for this folder and its tests. */
#ifndef DSKE_PSKM_CONTAINER_IMPL_H
#define DSKE_PSKM_CONTAINER_IMPL_H

#include "pskm/aead.h"
#include "pskm/container.h"
#include "pskm/format.h"

struct container_head {
	uint8_t bytes[CONTAINER_HEAD_MAX];
	size_t len;
	size_t after; /* where the header ends */
	struct pskm_header header;
	struct kdf_cost cost;
};

/* A head for h with a fresh content key, wrapped under a fresh passphrase.  Errors: FORMAT, IO, NOMEM. */
dske_rc head_make(struct container_head *head, const struct pskm_header *h, const struct kdf_cost *cost,
		  char passphrase[PASSPHRASE_TEXT_MAX], struct secret *content_key);

/* Reads it from the front of a file; nothing in it is proven but that no accident befell it.
 * Errors: FORMAT, CORRUPT, IO. */
dske_rc head_read(struct container_head *head, int fd);

/* Errors: PIN, NOMEM. */
dske_rc head_unwrap(const struct container_head *head, const char *passphrase, struct secret *content_key);

/* container_make with the cost of Argon2id chosen. */
dske_rc container_make_at_cost(struct pskm_header *h, const char *tables_dir, const char *container_path,
			       char passphrase[PASSPHRASE_TEXT_MAX], const struct kdf_cost *cost,
			       pskm_progress *progress, void *context);

#endif
