/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store/sound.c - whether a login has to open all records again.
 *
 * It need not when this process has opened each of them before, and the file's inode, size and ctime are what they were
 * then, or what its own writes made of them since.  Nobody who writes to the file leaves its ctime as it was, whatever
 * becomes of the mtime, but through a page that he has mapped and written to before.  Where a kernel's ctime goes by the
 * clock's tick (before Linux 6.13), a stranger's write within the same tick as our own is not told from it; nor is what
 * changes the medium below the file system.  No content comes of either: whoever visits the objects then opens each
 * record all the same (place_open()), and names the one that was changed.
 */
#include <config.h>

#include "store/impl.h"

#include <sys/stat.h>

dske_rc stamp_take(struct stamp *out, const struct store *s, int fd)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return FAIL(IO, "cannot look at %s: %m", s->file.s);
	*out = (struct stamp){st.st_dev, st.st_ino, st.st_size > 0 ? (uint64_t)st.st_size : 0, st.st_ctim};
	return DSKE_OK;
}

bool store_is_sound(const struct store *s, const struct stamp *now)
{
	const struct stamp *then = &s->sound;

	return s->sound_known && then->dev == now->dev && then->ino == now->ino && then->size == now->size &&
	       then->changed.tv_sec == now->changed.tv_sec && then->changed.tv_nsec == now->changed.tv_nsec;
}

void store_sound_at(struct store *s, const struct stamp *now)
{
	s->sound = *now;
	s->sound_known = true;
}

dske_rc image_pwrite(struct store *s, const struct image *i, const void *bytes, size_t len, uint64_t at)
{
	struct stamp now;

	TRY(stamp_take(&now, s, i->file.n));
	bool sound = store_is_sound(s, &now);
	s->sound_known = false;
	TRY(file_pwrite(i->file.n, bytes, len, at));
	TRY(stamp_take(&now, s, i->file.n));
	if (sound)
		store_sound_at(s, &now);
	return DSKE_OK;
}
