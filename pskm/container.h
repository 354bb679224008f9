/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pskm/container.h - the PSKM as it travels (DSKE 2.1): made at the hub, imported once by the client.
 *
 * One file: magic, header (CBOR, clear), the wrapped content key, then the table in chunks of
 * TABLE_CHUNK_LEN under AES-256-GCM with header and chunk number as associated data, each also tagged
 * by h' with a key from the container region.  The content key is wrapped under Argon2id of a
 * generated 128-bit passphrase that travels separately.  pskm/format.h describes the bytes,
 * doc/pskm-format.md the reasons.
 *
 * For programs: this uses libcrypto's default library context.  The container region is erased from
 * both copies before the table can be used.
 */
#ifndef DSKE_PSKM_CONTAINER_H
#define DSKE_PSKM_CONTAINER_H

#include <stdint.h>

#include "base/rc.h"
#include "base/secret.h"
#include "pskm/aead.h"
#include "pskm/header.h"
#include "pskm/source.h"

/* 128 bits in groups, with a checksum letter a group; NUL-terminated. */
#define PASSPHRASE_TEXT_MAX 64

#define MAKING_STEP 64

/* How a PSKM is made. */
/* Called with the passphrase when table and container are durable, while a failure, or death, can still be gone on from:
 * where it shows or stores it, no PSKM is left that nobody can open.  After a resumption it may be called again. */
typedef dske_rc making_keep(void *context, const struct pskm_header *h, const char *passphrase);

struct making {
	const char *tables_dir;         /* folder of the maker's tables */
	const char *container_path;     /* 0600, must not exist */
	const struct secret *table_key; /* of the maker's side, for its own copy; NULL or empty: none */
	const struct id *table;         /* its ID; NULL: a fresh one */
	struct pskm_source bytes;       /* the table's */
	struct pskm_source fresh;       /* the content key's and the passphrase's */
	const struct kdf_cost *cost;    /* NULL: KDF_COST_DEFAULT */
	const char *sources;            /* as entropy_open takes it: container_resume can go on with them, and
					 * container_path is absolute; NULL: cannot be resumed */
	uint64_t step;                  /* chunks between two times that it is made durable then; 0: MAKING_STEP */
	pskm_progress *progress;        /* or NULL */
	void *context;                  /* of progress */
	making_keep *keep;              /* or NULL */
	void *keep_context;
};

/*
 * Makes a table of h->layout.len bytes; writes the maker's copy as a new folder `tables_dir/<table id>`
 * (durable, renamed into place last) and the client's container.  h is complete but for table and layout
 * regions, which are filled in.  passphrase receives the text to print once; the caller wipes
 * it.  Nothing is left behind when it fails, unless it can be resumed and a part of it is durable.
 * Errors: ARGS (length), FORMAT (header), EXISTS, IO, SYNC, CANCELLED, those of the sources.
 */
dske_rc container_make(struct pskm_header *h, const struct making *m, char passphrase[PASSPHRASE_TEXT_MAX]);

/* A making that was interrupted. */
struct unfinished_pskm {
	struct pskm_header header;
	char output[4096];  /* of the container, absolute */
	char sources[1024]; /* as entropy_open takes it */
	uint64_t done;      /* bytes that need not be made again */
};

/* Calls `each` for all that nobody is just working on.  Errors: DENIED, IO. */
typedef void unfinished_each(void *context, const struct unfinished_pskm *u);
dske_rc container_unfinished(const char *tables_dir, unfinished_each *each, void *context);

/* Goes on where the making of m->container_path stopped; of m, sources and cost are not looked at.  *h and passphrase
 * as container_make.  Errors: NOT_FOUND (nothing unfinished of that name), BUSY, KEY, CORRUPT (container and table do
 * not fit each other), as container_make. */
dske_rc container_resume(struct pskm_header *h, const struct making *m, char passphrase[PASSPHRASE_TEXT_MAX]);

/* Erases and removes what makings left that nobody can resume.  What fails here is tried again the next time. */
void container_sweep(const char *tables_dir);

/* Erases it and removes the container.  Errors: NOT_FOUND, BUSY, EXISTS (another file has its name), IO. */
dske_rc container_discard(const char *tables_dir, const char *container_path);

/* Reads the clear header only; nothing in it is proven.  Errors: FORMAT, as file_open. */
dske_rc container_peek(struct pskm_header *h, const char *container_path);

/*
 * Checks everything that container_import does, and writes nothing; for hub or client, whoever has the
 * passphrase.  Stops at the first fault; its sentence says where.  Errors: PIN, FORMAT, CORRUPT, IO, CANCELLED.
 */
dske_rc container_verify(const char *container_path, const char *passphrase, struct pskm_header *h,
			 pskm_progress *progress, void *context);

/*
 * Client: verifies everything and writes `tables_dir/<table id>`, under the client's table key (NULL or empty: none).  `self` must be the client that the
 * header names (else DENIED: the wrong reader).  Errors: PIN (wrong passphrase), FORMAT, CORRUPT (which
 * chunk), EXISTS (imported already), DENIED, IO, SYNC, CANCELLED.
 */
dske_rc container_import(const char *container_path, const char *passphrase, const struct id *self,
			 const char *tables_dir, const struct secret *table_key, struct pskm_header *h,
			 pskm_progress *progress, void *context);

/*
 * Client, when the table is in place: overwrites the wrapped content key, durably, then the rest, and removes the file.
 * Whoever makes it stop in between leaves a file that no passphrase opens.  Errors: as container_peek, DENIED, IO, SYNC.
 */
dske_rc container_destroy(const char *container_path);

#endif
