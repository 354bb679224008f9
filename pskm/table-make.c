/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "pskm/table-make.h"

#include "pskm/cover.h"
#include "pskm/folder.h"

#define PIECE_LEN ((size_t)64 << 10)

static dske_rc report(const struct table_making *m, uint64_t done, uint64_t total)
{
	if (m->progress != NULL && !m->progress(m->context, done, total))
		return FAIL(CANCELLED, "cancelled; what was made is removed");
	return DSKE_OK;
}

static dske_rc write_bytes(struct cover *c, const struct table_making *m, uint64_t total)
{
	AUTO(secret) piece = {0};

	TRY(secret_alloc(&piece, PIECE_LEN));
	for (uint64_t done = 0; done < total; done += piece.len) {
		size_t len = total - done < piece.len ? (size_t)(total - done) : piece.len;
		TRY(report(m, done, total));
		TRY(source_fill(&m->bytes, piece.data, len));
		TRY(cover_write(c, done, piece.data, len));
	}
	return report(m, total, total);
}

static dske_rc make(struct folder *f, struct cover *c, const struct pskm_header *h, const struct table_making *m)
{
	const struct range *unused = &h->layout.region[REGION_CONTAINER];

	TRY(folder_begin(f, m->tables_dir, &h->table));
	TRY(folder_create_cover(f, c, h, m->table_key));
	TRY(write_bytes(c, m, h->layout.len));
	TRY(cover_erase(c, unused->start, unused->end));
	TRY(cover_sync(c));
	return folder_finish(f, h, m->side);
}

dske_rc table_make(struct pskm_header *h, const struct table_making *m)
{
	AUTO(folder) f = {.lock = FD_NONE};
	AUTO(cover) c = {.bytes = FD_NONE, .salts = FD_NONE};

	if (id_is_zero(&h->table))
		return FAIL(ARGS, "a table without an ID");
	TRY(layout_make(&h->layout, h->layout.len));
	return make(&f, &c, h, m);
}
