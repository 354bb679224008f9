/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "test/store/fixture.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/crypto.h"
#include "base/file.h"

void assert_ok(dske_rc rc)
{
	if (!rc_ok(rc))
		fail_msg("%s: %s", rc_name(rc), rc_detail(rc));
}

void assert_rc(dske_rc rc, int code)
{
	if (!rc_is(rc, code))
		fail_msg("%s (%s) instead of code %d", rc_name(rc), rc_detail(rc), code);
}

int store_setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);
	const char *tmp = getenv("TMPDIR");

	snprintf(f->dir, sizeof f->dir, "%s/dske-store-XXXXXX", tmp != NULL ? tmp : "/tmp");
	if (mkdtemp(f->dir) == NULL)
		return -1;
	snprintf(f->file, sizeof f->file, "%s/" STORE_FILE_NAME, f->dir);
	*state = f;
	return rc_ok(store_new(&f->store, f->dir, cheap)) ? 0 : -1;
}

/* Removes what a killed writer left, too. */
int store_teardown(void **state)
{
	struct fixture *f = *state;
	char command[600];

	store_free(f->store);
	secret_drop(&f->master);
	snprintf(command, sizeof command, "rm -r '%s'", f->dir);
	int rc = system(command);
	free(f);
	return rc;
}

void store_make(struct fixture *f)
{
	AUTO(secret) so = {0};

	assert_ok(store_init(f->store, SO, strlen(SO), label));
	assert_ok(store_login(f->store, STORE_PIN_SO, SO, strlen(SO), &so));
	assert_ok(store_set_pin(f->store, &so, STORE_PIN_USER, USER, strlen(USER)));
	assert_ok(store_login(f->store, STORE_PIN_USER, USER, strlen(USER), &f->master));
}

struct id store_put(struct fixture *f, const char *text)
{
	AUTO(secret) plain = {0};
	struct id name;

	assert_ok(secret_from(&plain, text, strlen(text)));
	assert_ok(store_add(f->store, &f->master, &plain, &name));
	return name;
}

void store_alter(struct fixture *f, const struct id *name, const char *text)
{
	AUTO(secret) plain = {0};

	assert_ok(secret_from(&plain, text, strlen(text)));
	assert_ok(store_replace(f->store, &f->master, &plain, name));
}

dske_rc collect(void *context, const struct id *name, const struct secret *plain)
{
	struct seen *s = context;
	const char *text = plain != NULL ? (const char *)plain->data : "-";
	size_t have = strlen(s->text), len = plain != NULL ? plain->len : 1;
	if (len < sizeof s->text - have)
		memcpy(s->text + have, text, len);
	(void)name;
	s->count++;
	return DSKE_OK;
}

uint64_t be(const uint8_t *p, int n)
{
	uint64_t v = 0;

	while (n-- > 0)
		v = v << 8 | *p++;
	return v;
}

struct map map_of(const struct buf *file)
{
	struct map m = {.end = STORE_RECORDS_AT};

	while (be(file->data + m.end + 8, 8) == m.count + 1) {
		m.at[m.count] = m.end;
		m.len[m.count] = STORE_RECORD_HEAD + be(file->data + m.end, 4) + END;
		m.end += m.len[m.count++];
	}
	return m;
}

size_t mark_at(const struct buf *file, bool newest)
{
	bool second = be(file->data + MARKS_AT + MARK, 8) > be(file->data + MARKS_AT, 8);

	return second == newest ? MARKS_AT + MARK : MARKS_AT;
}

struct map store_four(struct fixture *f, struct buf *file)
{
	store_make(f);
	store_put(f, "sixteen bytes: 1");
	store_put(f, "sixteen bytes: 2");
	store_put(f, "sixteen bytes: 3");
	store_put(f, "sixteen bytes: 4");
	file_take(f, file);
	struct map m = map_of(file);
	assert_int_equal(m.count, 4);
	assert_ok(look(f, NULL));
	return m;
}

void assert_found(struct fixture *f, const struct buf *file)
{
	file_put(f, file->data, file->len);
	assert_rc(look(f, NULL), DSKE_RC_CORRUPT);
}

void file_take(const struct fixture *f, struct buf *b)
{
	assert_ok(file_read_all(b, f->file, STORE_FILE_MAX));
}

void file_put(const struct fixture *f, const uint8_t *bytes, size_t len)
{
	int fd = open(f->file, O_WRONLY | O_TRUNC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, len), len);
	close(fd);
}

void file_put_mended(const struct fixture *f, struct buf *b)
{
	assert_ok(crypto_sha256(b->data + STORE_HEADER_LEN - CRYPTO_SHA256_LEN, b->data, STORE_HEADER_LEN - CRYPTO_SHA256_LEN));
	file_put(f, b->data, b->len);
}

dske_rc look(struct fixture *f, struct seen *s)
{
	struct store *fresh;
	struct seen none;

	s = s != NULL ? s : &none;
	*s = (struct seen){0};
	assert_ok(store_new(&fresh, f->dir, cheap));
	dske_rc rc = store_each(fresh, &f->master, collect, s);
	store_free(fresh);
	return rc;
}
