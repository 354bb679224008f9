/* SPDX-License-Identifier: Apache-2.0 */
/* pskm/container-chunks.c - one chunk of a container: where it lies, sealed and opened. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "pskm/container-impl.h"

#define EXTRA_LEN (TAG_LEN + AEAD_TAG_LEN) /* around a chunk's bytes */
#define SEALED_MAX (TABLE_CHUNK_LEN + EXTRA_LEN)

dske_rc chunks_start(struct chunks *c, const struct secret *content_key)
{
	TRY(aead_init(&c->aead, content_key->data));
	c->sealed = malloc(SEALED_MAX);
	return c->sealed != NULL ? DSKE_OK : FAIL(NOMEM, "no memory for a chunk");
}

void chunks_drop(struct chunks *c)
{
	aead_drop(&c->aead);
	free(c->sealed);
	c->sealed = NULL;
	secret_drop(&c->kept);
	fd_drop(&c->file);
}

/* ---- places ------------------------------------------------------------------------------------- */

static uint64_t table_len(const struct chunks *c)
{
	return c->head.header.layout.len;
}

uint64_t chunks_count(const struct chunks *c)
{
	return (table_len(c) + TABLE_CHUNK_LEN - 1) / TABLE_CHUNK_LEN;
}

size_t chunks_len(const struct chunks *c, uint64_t number)
{
	if (number == CONTAINER_END_CHUNK)
		return 0;
	uint64_t left = table_len(c) - number * TABLE_CHUNK_LEN;

	return (size_t)(left < TABLE_CHUNK_LEN ? left : TABLE_CHUNK_LEN);
}

/* All chunks but the last are of one length. */
static uint64_t place(const struct chunks *c, uint64_t number)
{
	if (number == CONTAINER_END_CHUNK)
		return c->head.len + table_len(c) + chunks_count(c) * EXTRA_LEN;
	return c->head.len + number * SEALED_MAX;
}

uint64_t chunks_file_len(const struct chunks *c)
{
	return place(c, CONTAINER_END_CHUNK) + EXTRA_LEN;
}

uint64_t chunks_file_len_to(const struct chunks *c, uint64_t number)
{
	return number < chunks_count(c) ? place(c, number) : chunks_file_len(c);
}

dske_rc chunks_fault(const struct chunks *c, uint64_t number, const char *what)
{
	unsigned long long from = place(c, number), to = from + chunks_len(c, number) + EXTRA_LEN;

	if (number == CONTAINER_END_CHUNK)
		return FAIL(CORRUPT, "the end of the PSKM (bytes %llu to %llu of the file) %s", from, to, what);
	return FAIL(CORRUPT, "chunk %llu of %llu of the PSKM (bytes %llu to %llu of the file) %s",
		    (unsigned long long)number + 1, (unsigned long long)chunks_count(c), from, to, what);
}

/* ---- contents ----------------------------------------------------------------------------------- */

static struct aead_context context_of(const struct chunks *c, uint64_t number)
{
	struct aead_context a = {.data = c->head.bytes, .data_len = c->head.len};

	aead_nonce(a.nonce, number);
	return a;
}

dske_rc chunks_seal(struct chunks *c, uint64_t number, const uint8_t *plain)
{
	struct aead_context a = context_of(c, number);
	size_t len = chunks_len(c, number) + TAG_LEN;

	TRY(aead_seal(&c->aead, &a, plain, len, c->sealed));
	return file_pwrite(c->file.n, c->sealed, len + AEAD_TAG_LEN, place(c, number));
}

dske_rc chunks_open(struct chunks *c, uint64_t number, uint8_t *plain)
{
	struct aead_context a = context_of(c, number);
	size_t len = chunks_len(c, number) + TAG_LEN;

	TRY(file_pread(c->file.n, c->sealed, len + AEAD_TAG_LEN, place(c, number)));
	dske_rc rc = aead_open(&c->aead, &a, c->sealed, len, plain);

	return rc_is(rc, DSKE_RC_TAG)
		       ? chunks_fault(c, number, "is damaged or was changed: copy it again, else get a new one")
		       : rc;
}

static dske_rc keep(struct chunks *c, uint64_t number)
{
	if (number == c->kept_number)
		return DSKE_OK;
	if (c->kept.data == NULL)
		TRY(secret_alloc(&c->kept, CHUNK_PLAIN_MAX));
	c->kept_number = CONTAINER_END_CHUNK;
	TRY(chunks_open(c, number, c->kept.data));
	c->kept_number = number;
	return DSKE_OK;
}

dske_rc chunks_peek(struct chunks *c, uint64_t at, uint8_t *out, size_t len)
{
	while (len > 0) {
		size_t from = (size_t)(at % TABLE_CHUNK_LEN), part = (size_t)TABLE_CHUNK_LEN - from;

		if (part > len)
			part = len;
		TRY(keep(c, at / TABLE_CHUNK_LEN));
		memcpy(out, c->kept.data + from, part);
		at += part;
		out += part;
		len -= part;
	}
	return DSKE_OK;
}
