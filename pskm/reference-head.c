/* SPDX-License-Identifier: Apache-2.0 */
/* pskm/reference-head.c - what a reference says of itself, and where in it everything stands. */
#include "config.h"

#include <assert.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/crypto.h"
#include "pskm/reference-impl.h"

static_assert(REFERENCE_AFTER_SUM + CRYPTO_SHA256_LEN == REFERENCE_AFTER_END, "as in format.h");

/* ---- writing -------------------------------------------------------------------------------------- */

static void write_range(uint8_t *out, const struct range *r)
{
	be64_put(out, r->start);
	be64_put(out + 8, r->end);
}

static void write_kind(uint8_t *after, const struct reference *r)
{
	memset(after, 0, REFERENCE_AFTER_SUM);
	after[REFERENCE_AFTER_KIND] = (uint8_t)r->kind;
	if (r->kind == REFERENCE_KEYS) {
		be32_put(after + REFERENCE_AFTER_KEY_LEN, r->key_len);
		be64_put(after + REFERENCE_AFTER_KEYS, r->keys);
		return;
	}
	memcpy(after + REFERENCE_AFTER_SOURCE, r->source.b, ID_LEN);
	write_range(after + REFERENCE_AFTER_UP, &r->up);
	write_range(after + REFERENCE_AFTER_DOWN, &r->down);
}

dske_rc reference_head_write(struct reference_head *head, const struct reference *r)
{
	struct buf out;

	head->r = *r;
	buf_fixed(&out, head->bytes, REFERENCE_AT_HEADER + PSKM_HEADER_MAX);
	buf_put(&out, REFERENCE_MAGIC, sizeof REFERENCE_MAGIC - 1);
	buf_put_be32(&out, REFERENCE_VERSION);
	buf_put_be32(&out, 0);
	TRY(pskm_header_write(&out, &r->header));
	TRY(buf_rc(&out));
	be32_put(head->bytes + REFERENCE_AT_HEADER_LEN, (uint32_t)(out.len - REFERENCE_AT_HEADER));
	write_kind(head->bytes + out.len, r);
	TRY(crypto_sha256(head->bytes + out.len + REFERENCE_AFTER_SUM, head->bytes, out.len + REFERENCE_AFTER_SUM));
	head->len = out.len + REFERENCE_AFTER_END;
	return DSKE_OK;
}

/* ---- reading -------------------------------------------------------------------------------------- */

static struct range read_range(const uint8_t *in)
{
	return (struct range){be64_get(in), be64_get(in + 8)};
}

static dske_rc read_keys(struct reference *r, const uint8_t *after)
{
	r->key_len = be32_get(after + REFERENCE_AFTER_KEY_LEN);
	r->keys = be64_get(after + REFERENCE_AFTER_KEYS);
	if (r->key_len < KEYSTREAM_KEY_LEN_LEAST || r->key_len > KEYSTREAM_KEY_LEN_MOST || r->keys > KEYSTREAM_KEYS_MOST ||
	    r->keys != (r->header.layout.len + r->key_len - 1) / r->key_len)
		return FAIL(FORMAT, "the PSKM names %llu keys of %u bytes for a table of %llu", (unsigned long long)r->keys, r->key_len,
			    (unsigned long long)r->header.layout.len);
	return DSKE_OK;
}

static dske_rc read_rest(struct reference *r, const uint8_t *after)
{
	memcpy(r->source.b, after + REFERENCE_AFTER_SOURCE, ID_LEN);
	r->up = read_range(after + REFERENCE_AFTER_UP);
	r->down = read_range(after + REFERENCE_AFTER_DOWN);
	if (r->up.start > r->up.end || r->up.end > r->down.start || r->down.start > r->down.end || r->down.end > TABLE_LEN_MAX ||
	    r->up.end - r->up.start + r->down.end - r->down.start != r->header.layout.len)
		return FAIL(FORMAT, "the ranges of another table that the PSKM names do not make up its own");
	return DSKE_OK;
}

/* Only one writing of a head is accepted: what is zero stays zero. */
static dske_rc read_kind(struct reference *r, const uint8_t *after)
{
	uint8_t again[REFERENCE_AFTER_END];

	r->kind = after[REFERENCE_AFTER_KIND];
	if (r->kind == REFERENCE_KEYS)
		TRY(read_keys(r, after));
	else if (r->kind == REFERENCE_REST)
		TRY(read_rest(r, after));
	else
		return FAIL(FORMAT, "the PSKM is of a kind that this program does not read");
	write_kind(again, r);
	return memcmp(again, after, REFERENCE_AFTER_SUM) == 0 ? DSKE_OK : FAIL(FORMAT, "the PSKM's head has something where zeros belong");
}

/* The fields before the header, which say how long the head is. */
static dske_rc read_front(struct reference_head *head)
{
	if (memcmp(head->bytes, REFERENCE_MAGIC, sizeof REFERENCE_MAGIC - 1) != 0)
		return FAIL(FORMAT, "the file is no PSKM of this kind");
	if (be32_get(head->bytes + REFERENCE_AT_VERSION) != REFERENCE_VERSION)
		return FAIL(FORMAT, "the PSKM is of a version that this program does not read");
	uint32_t header_len = be32_get(head->bytes + REFERENCE_AT_HEADER_LEN);
	if (header_len > PSKM_HEADER_MAX)
		return FAIL(FORMAT, "the PSKM's header is too long");
	head->len = REFERENCE_AT_HEADER + header_len + REFERENCE_AFTER_END;
	return DSKE_OK;
}

static dske_rc read_fields(struct reference_head *head)
{
	uint8_t sum[CRYPTO_SHA256_LEN];
	const uint8_t *after = head->bytes + head->len - REFERENCE_AFTER_END;

	TRY(crypto_sha256(sum, head->bytes, head->len - sizeof sum));
	if (memcmp(sum, after + REFERENCE_AFTER_SUM, sizeof sum) != 0)
		return FAIL(CORRUPT, "the PSKM's head is damaged");
	TRY(pskm_header_read(&head->r.header, head->bytes + REFERENCE_AT_HEADER, (size_t)(after - head->bytes) - REFERENCE_AT_HEADER));
	return read_kind(&head->r, after);
}

dske_rc reference_head_parse(struct reference_head *head, const void *bytes, size_t len)
{
	*head = (struct reference_head){.len = 0};
	if (len < REFERENCE_AT_HEADER || len > sizeof head->bytes)
		return FAIL(FORMAT, "a PSKM's head of %zu bytes", len);
	memcpy(head->bytes, bytes, len);
	TRY(read_front(head));
	return head->len == len ? read_fields(head) : FAIL(FORMAT, "a PSKM's head of %zu bytes", len);
}

dske_rc reference_head_read(struct reference_head *head, int fd)
{
	*head = (struct reference_head){.len = 0};
	TRY(file_pread(fd, head->bytes, REFERENCE_AT_HEADER, 0));
	TRY(read_front(head));
	TRY(file_pread(fd, head->bytes + REFERENCE_AT_HEADER, head->len - REFERENCE_AT_HEADER, REFERENCE_AT_HEADER));
	return read_fields(head);
}

/* ---- places --------------------------------------------------------------------------------------- */

uint64_t reference_chunks(const struct reference *r)
{
	return (r->header.layout.len + TABLE_CHUNK_LEN - 1) / TABLE_CHUNK_LEN;
}

size_t reference_chunk_len(const struct reference *r, uint64_t chunk)
{
	uint64_t left = r->header.layout.len - chunk * TABLE_CHUNK_LEN;

	return (size_t)(left < TABLE_CHUNK_LEN ? left : TABLE_CHUNK_LEN);
}

uint64_t reference_first_key(const struct reference *r, uint64_t chunk)
{
	if (r->kind != REFERENCE_KEYS)
		return 0;
	return chunk < reference_chunks(r) ? (chunk * TABLE_CHUNK_LEN + r->key_len - 1) / r->key_len : r->keys;
}

uint64_t reference_place(const struct reference_head *head, uint64_t chunk)
{
	return head->len + ID_LEN * reference_first_key(&head->r, chunk) + TAG_LEN * chunk;
}

dske_rc reference_ids(const struct reference_head *head, int fd, uint64_t first, size_t number, struct id *out)
{
	while (number > 0) {
		uint64_t chunk = first * head->r.key_len / TABLE_CHUNK_LEN;
		uint64_t end = reference_first_key(&head->r, chunk + 1);
		size_t part = end - first < number ? (size_t)(end - first) : number;
		uint64_t into = ID_LEN * (first - reference_first_key(&head->r, chunk));

		TRY(file_pread(fd, out, part * sizeof *out, reference_place(head, chunk) + into));
		first += part;
		out += part;
		number -= part;
	}
	return DSKE_OK;
}

/* ---- what can be told without the table ------------------------------------------------------------ */

static dske_rc check_size(const struct reference_head *head, int fd, const char *path)
{
	unsigned long long wanted = reference_place(head, reference_chunks(&head->r)) + TAG_LEN;
	struct stat st;

	if (fstat(fd, &st) != 0)
		return FAIL(IO, "cannot examine %s: %m", path);
	if ((unsigned long long)st.st_size == wanted)
		return DSKE_OK;
	return FAIL(CORRUPT, "%s has %lld bytes, and should have %llu: it %s; copy it again", path, (long long)st.st_size, wanted,
		    (unsigned long long)st.st_size < wanted ? "is cut off" : "has something behind its end");
}

dske_rc reference_open(struct reference_head *head, struct fd *file, const char *path)
{
	TRY(file_open_ordinary(file, path, O_RDONLY, 0));
	TRY(reference_head_read(head, file->n));
	return check_size(head, file->n, path);
}

dske_rc reference_read(struct reference *r, const char *path)
{
	AUTO(fd) f = FD_NONE;
	struct reference_head head;

	TRY(reference_open(&head, &f, path));
	*r = head.r;
	return DSKE_OK;
}

dske_rc reference_recognise(bool *is, const char *path)
{
	AUTO(fd) f = FD_NONE;
	char magic[sizeof REFERENCE_MAGIC - 1];

	TRY(file_open_ordinary(&f, path, O_RDONLY, 0));
	*is = rc_ok(file_pread(f.n, magic, sizeof magic, 0)) && memcmp(magic, REFERENCE_MAGIC, sizeof magic) == 0;
	return DSKE_OK;
}
