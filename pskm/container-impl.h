/* SPDX-License-Identifier: Apache-2.0 */
/* pskm/container-impl.h - a container's head and chunks, and making one at another cost; for this folder and its tests. */
#ifndef DSKE_PSKM_CONTAINER_IMPL_H
#define DSKE_PSKM_CONTAINER_IMPL_H

#include "base/file.h"
#include "core/layout.h"
#include "core/tag.h"
#include "pskm/aead.h"
#include "pskm/container.h"
#include "pskm/format.h"
#include "pskm/source.h"

struct container_head {
	uint8_t bytes[CONTAINER_HEAD_MAX];
	size_t len;
	size_t after; /* where the header ends */
	struct pskm_header header;
	struct kdf_cost cost;
};

/* A head for h with a fresh content key, wrapped under a fresh passphrase.  Errors: FORMAT, NOMEM, those of the
 * source. */
dske_rc head_make(struct container_head *head, const struct pskm_header *h, const struct kdf_cost *cost,
		  const struct pskm_source *fresh, char passphrase[PASSPHRASE_TEXT_MAX], struct secret *content_key);

/* Reads it from the front of a file; nothing in it is proven but that no accident befell it.
 * Errors: FORMAT, CORRUPT, IO. */
dske_rc head_read(struct container_head *head, int fd);

/* The same from memory.  Errors: FORMAT, CORRUPT. */
dske_rc head_parse(struct container_head *head, const uint8_t *bytes, size_t len);

/* Errors: PIN, NOMEM. */
dske_rc head_unwrap(const struct container_head *head, const char *passphrase, struct secret *content_key);

/* ---- chunks (container-chunks.c) ------------------------------------------------------------------ */

#define CHUNK_PLAIN_MAX (TABLE_CHUNK_LEN + TAG_LEN)

struct chunks {
	struct container_head head;
	struct aead aead;
	struct fd file;       /* the container */
	uint8_t *sealed;      /* owned; room for one chunk */
	struct secret kept;   /* the chunk that chunks_peek opened last */
	uint64_t kept_number; /* CONTAINER_END_CHUNK: none */
};
#define CHUNKS_EMPTY {.file = FD_NONE, .kept_number = CONTAINER_END_CHUNK}

/* Behind the head: ready to seal or to open.  Errors: NOMEM. */
dske_rc chunks_start(struct chunks *c, const struct secret *content_key);
void chunks_drop(struct chunks *c);

uint64_t chunks_count(const struct chunks *c);
size_t chunks_len(const struct chunks *c, uint64_t number); /* bytes of table in it */
uint64_t chunks_file_len(const struct chunks *c);           /* of the whole container */
uint64_t chunks_file_len_to(const struct chunks *c, uint64_t number); /* with the chunks below number; the end comes with the last */

/* number: a chunk's, or CONTAINER_END_CHUNK, in any order; plain: the bytes and their h'.
 * Errors of sealing: NOMEM, IO; of opening: CORRUPT (which, where), NOMEM, IO. */
dske_rc chunks_seal(struct chunks *c, uint64_t number, const uint8_t *plain);
dske_rc chunks_open(struct chunks *c, uint64_t number, uint8_t *plain);

/* Bytes [at, at+len) of the table, out of the container.  Opens a chunk only when it is not the one at hand.
 * Errors: as chunks_open. */
dske_rc chunks_peek(struct chunks *c, uint64_t at, uint8_t *out, size_t len);

/* CORRUPT: a sentence with the place of the chunk. */
dske_rc chunks_fault(const struct chunks *c, uint64_t number, const char *what);

/* container_make from the kernel's generator without a table key, with the cost of Argon2id chosen. */
dske_rc container_make_at_cost(struct pskm_header *h, const char *tables_dir, const char *container_path,
			       char passphrase[PASSPHRASE_TEXT_MAX], const struct kdf_cost *cost,
			       pskm_progress *progress, void *context);

#endif
