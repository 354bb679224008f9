/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/digest.c - random functionals in one pass over the shares, with few random numbers.
 *
 * A functional with a coefficient of its own for each byte would need as many random bytes as there are
 * share bytes.  Here each is composed of folds: a fold cuts its input into COLUMNS pieces and adds them
 * up, each times a coefficient, so that 1/COLUMNS is left; inputs longer than COLUMNS pieces of PIECE_MAX
 * bytes are folded chunk by chunk with the same coefficients.  What is not all zeros becomes zeros with a
 * chance of 1/256 a fold, for each functional independently of the others.
 *
 * The first fold reads the share once for all functionals.  The last one, to a single byte, is done for
 * all shares at once: the kernels for wide rows then have rows.
 */
#include "core/digest.h"

#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "core/gf256.h"

#define COLUMNS ((size_t)128)
#define PIECE_MAX ((size_t)1024)
#define FOLDS_MAX 8 /* each leaves at most 1/64: more than any length needs */

struct digester {
	size_t count;                /* shares */
	size_t folds;                /* before the last */
	size_t len[FOLDS_MAX + 1];   /* len[i] goes into fold i; len[folds], at most COLUMNS, into the last */
	size_t piece[FOLDS_MAX];
	uint8_t *coefficients;       /* owned; DIGEST_LEN rows of COLUMNS a fold */
	struct secret work[2];       /* what a share is folded to, DIGEST_LEN rows */
	struct secret rest;          /* a last chunk, filled up with zeros */
	struct secret last;          /* [functional][byte][share]; without folds one functional's serves all */
};

static void digester_drop(struct digester *d)
{
	free(d->coefficients);
	secret_drop(&d->work[0]);
	secret_drop(&d->work[1]);
	secret_drop(&d->rest);
	secret_drop(&d->last);
}

static size_t at_most(size_t a, size_t b)
{
	return a < b ? a : b;
}

static void digester_plan(struct digester *d, size_t len)
{
	d->len[0] = len;
	for (d->folds = 0; d->len[d->folds] > COLUMNS; d->folds++) {
		size_t in = d->len[d->folds], piece = at_most((in + COLUMNS - 1) / COLUMNS, PIECE_MAX);

		d->piece[d->folds] = piece;
		d->len[d->folds + 1] = (in + COLUMNS * piece - 1) / (COLUMNS * piece) * piece;
	}
}

static dske_rc digester_init(struct digester *d, size_t len, size_t count)
{
	d->count = count;
	digester_plan(d, len);

	size_t row_count = (d->folds + 1) * DIGEST_LEN;

	d->coefficients = malloc(row_count * COLUMNS);
	if (!d->coefficients)
		return rc_make(DSKE_RC_NOMEM);
	TRY(random_fill(d->coefficients, row_count * COLUMNS));
	if (d->folds > 0) {
		TRY(secret_alloc(&d->work[0], DIGEST_LEN * d->len[1]));
		TRY(secret_alloc(&d->work[1], DIGEST_LEN * d->len[1]));
		TRY(secret_alloc(&d->rest, COLUMNS * d->piece[0]));
	}
	return secret_alloc(&d->last, (d->folds > 0 ? DIGEST_LEN : 1) * d->len[d->folds] * count);
}

/* Rows from `first` on of one fold: out[r], of d->len[level + 1] bytes, from in, of d->len[level]. */
static void fold(struct digester *d, size_t level, size_t first, size_t rows, uint8_t *out, const uint8_t *in)
{
	size_t piece = d->piece[level], chunk = COLUMNS * piece, len = d->len[level];
	const uint8_t *from[COLUMNS];
	uint8_t *to[DIGEST_LEN];

	for (size_t at = 0; at < len; at += chunk) {
		const uint8_t *source = in + at;

		if (len - at < chunk) {
			memcpy(d->rest.data, in + at, len - at);
			memset(d->rest.data + (len - at), 0, chunk - (len - at));
			source = d->rest.data;
		}
		for (size_t c = 0; c < COLUMNS; c++)
			from[c] = source + c * piece;
		for (size_t r = 0; r < rows; r++)
			to[r] = out + r * d->len[level + 1] + at / COLUMNS;
		gf256_matrix(to, rows, from, COLUMNS, d->coefficients + (level * DIGEST_LEN + first) * COLUMNS, piece);
	}
}

/* Puts the bytes that one share was folded to in line with those of the others. */
static void line_up(struct digester *d, size_t functional, size_t share, const uint8_t *bytes)
{
	size_t len = d->len[d->folds];
	uint8_t *to = d->last.data + functional * len * d->count + share;

	for (size_t i = 0; i < len; i++)
		to[i * d->count] = bytes[i];
}

static void share_fold(struct digester *d, size_t share, const uint8_t *bytes)
{
	struct secret *from = &d->work[0], *to = &d->work[1];

	if (d->folds == 0) {
		line_up(d, 0, share, bytes);
		return;
	}
	fold(d, 0, 0, DIGEST_LEN, from->data, bytes);
	for (size_t level = 1; level < d->folds; level++) {
		struct secret *swap = from;

		for (size_t f = 0; f < DIGEST_LEN; f++)
			fold(d, level, f, 1, to->data + f * d->len[level + 1], from->data + f * d->len[level]);
		from = to;
		to = swap;
	}
	for (size_t f = 0; f < DIGEST_LEN; f++)
		line_up(d, f, share, from->data + f * d->len[d->folds]);
}

/* One byte of each share's digest: functional f. */
static void last_fold(const struct digester *d, size_t f, uint8_t *out)
{
	size_t len = d->len[d->folds], lines = d->folds > 0 ? f * len : 0;
	const uint8_t *from[COLUMNS];

	for (size_t i = 0; i < len; i++)
		from[i] = d->last.data + (lines + i) * d->count;
	gf256_matrix(&out, 1, from, len, d->coefficients + (d->folds * DIGEST_LEN + f) * COLUMNS, d->count);
}

dske_rc digest_shares(uint8_t (*digest)[DIGEST_LEN], const uint8_t *const *share, size_t count, size_t len)
{
	AUTO(digester) d = {0};
	uint8_t line[256];

	TRY(digester_init(&d, len, count));
	for (size_t i = 0; i < count; i++)
		share_fold(&d, i, share[i]);
	for (size_t f = 0; f < DIGEST_LEN; f++) {
		last_fold(&d, f, line);
		for (size_t i = 0; i < count; i++)
			digest[i][f] = line[i];
	}
	mem_wipe(line, sizeof line);
	return DSKE_OK;
}
