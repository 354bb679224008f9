/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "vpn/day.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define PORTIONS 256
#define PORTION_MOST (UINT64_C(16) << 20)
#define KEPT_S (4 * 3600) /* a portion that is older may leave the account before it is taken */

/* As it lies in the file, which does not leave the machine.  It fits a sector: a write is whole or not there. */
struct record {
	char mark[8];
	struct quota_use use;
};
#define MARK "DSKEday1"
_Static_assert(sizeof(struct record) <= 512, "a sector");

static struct record record_of(const struct quota_use *use)
{
	struct record r = {.use = *use};
	memcpy(r.mark, MARK, sizeof r.mark);
	return r;
}

static dske_rc read_record(struct day *d, const char *path)
{
	struct record r;
	struct stat st;
	if (fstat(d->file.n, &st) != 0)
		return FAIL(IO, "cannot examine %s: %m", path);
	if (st.st_size == sizeof r) {
		TRY(file_pread(d->file.n, &r, sizeof r, 0));
		d->use = r.use;
		if (memcmp(r.mark, MARK, sizeof r.mark) == 0 && quota_use_is_sound(&r.use))
			return DSKE_OK;
	}
	return FAIL(CORRUPT, "%s is damaged: remove it, and day_limit counts from now", path);
}

dske_rc day_open(struct day *d, const char *path, uint64_t limit, uint64_t least)
{
	uint64_t portion = limit / PORTIONS < PORTION_MOST ? limit / PORTIONS : PORTION_MOST;
	*d = (struct day)DAY_NONE;
	if (limit == 0)
		return DSKE_OK;
	d->limit = limit;
	d->portion = portion > least ? portion : least;
	dske_rc rc = file_open(&d->file, path, O_RDWR | O_NOFOLLOW, 0);
	if (rc_is(rc, DSKE_RC_NOT_FOUND)) {
		struct record r = record_of(&d->use);
		TRY(file_replace(path, &r, sizeof r, 0600));
		rc = file_open(&d->file, path, O_RDWR | O_NOFOLLOW, 0);
	}
	TRY(rc);
	rc = file_lock(d->file.n, FILE_LOCK_EXCLUSIVE, false);
	if (rc_is(rc, DSKE_RC_BUSY))
		return FAIL(BUSY, "%s is in use: give this tunnel another name or day_file", path);
	TRY(rc);
	return read_record(d, path);
}

void day_drop(struct day *d)
{
	fd_drop(&d->file);
	*d = (struct day)DAY_NONE;
}

/* Durably.  What could not be written is not charged: nobody takes it. */
static dske_rc charge(struct day *d, int64_t now_s, uint64_t bytes)
{
	struct record r = record_of(&d->use);
	quota_charge(&r.use, now_s, bytes);
	TRY(file_pwrite(d->file.n, &r, sizeof r, 0));
	TRY(file_sync(d->file.n));
	d->use = r.use;
	d->charged += bytes;
	d->charged_s = now_s;
	return DSKE_OK;
}

dske_rc day_take(struct day *d, int64_t now_s, uint64_t bytes, bool *granted)
{
	struct quota q = {.most[QUOTA_DAY][QUOTA_BYTES] = d->limit};
	char what[64];
	*granted = d->limit == 0;
	if (*granted)
		return DSKE_OK;
	if (now_s - d->charged_s >= KEPT_S || now_s < d->charged_s)
		d->charged = 0;
	if (d->charged < bytes && quota_admits(&q, &d->use, now_s, d->portion, what))
		TRY(charge(d, now_s, d->portion));
	else if (d->charged < bytes && quota_admits(&q, &d->use, now_s, bytes - d->charged, what))
		TRY(charge(d, now_s, bytes - d->charged));
	*granted = d->charged >= bytes;
	d->charged -= *granted ? bytes : 0;
	return DSKE_OK;
}

void day_give_back(struct day *d, uint64_t bytes)
{
	d->charged += d->limit == 0 ? 0 : bytes;
}

uint64_t day_used(const struct day *d, int64_t now_s)
{
	struct quota_use now = d->use;
	uint64_t sum = 0;
	quota_charge(&now, now_s, 0); /* what is too old leaves it */
	for (size_t i = 0; i < QUOTA_SLOTS; i++)
		sum += now.used[QUOTA_DAY][QUOTA_BYTES][i];
	return sum > d->charged ? sum - d->charged : 0;
}
