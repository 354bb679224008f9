/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "tools/keyfile.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/terms.h"

/* ---- files ------------------------------------------------------------------------------------------------- */

dske_rc keyfile_read(struct secret *key, const char *path)
{
	AUTO(fd) f = FD_NONE;
	struct stat st;
	TRY(file_open(&f, path, O_RDONLY, 0));
	if (fstat(f.n, &st) != 0 || !S_ISREG(st.st_mode))
		return FAIL(ARGS, "%s is no regular file", path);
	if (st.st_size == 0)
		return FAIL(FORMAT, "%s is empty", path);
	if (st.st_size > (off_t)KEY_PART_LEN)
		return FAIL(TOOBIG, "%s is longer than any key, %u bytes", path, KEY_PART_LEN);
	TRY(secret_alloc(key, (size_t)st.st_size));
	return file_pread(f.n, key->data, key->len, 0);
}

static bool is_stdout(const char *path)
{
	return strcmp(path, "-") == 0;
}

dske_rc keyfile_create(struct fd *f, const char *path)
{
	if (!is_stdout(path))
		return file_open(f, path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	if (isatty(STDOUT_FILENO))
		return FAIL(ARGS, "a key is not shown on a terminal: name a file, or direct the output to a program");
	f->n = dup(STDOUT_FILENO);
	return f->n >= 0 ? DSKE_OK : FAIL(IO, "standard output cannot be used: %m");
}

dske_rc keyfile_begin(struct fd *f, const char *path, bool *is_unnamed)
{
	struct path folder;
	struct stat st;
	*is_unnamed = false;
	if (is_stdout(path) || lstat(path, &st) == 0)
		return keyfile_create(f, path); /* which says that it is there */
	TRY(path_folder(&folder, path));
	fd_drop(f);
	f->n = open(folder.s, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
	if (f->n < 0)
		return keyfile_create(f, path);
	*is_unnamed = true;
	return DSKE_OK;
}

dske_rc keyfile_name(const struct fd *f, const char *path)
{
	char self[64];
	TRY(file_sync(f->n));
	snprintf(self, sizeof self, "/proc/self/fd/%d", f->n);
	if (linkat(AT_FDCWD, self, AT_FDCWD, path, AT_SYMLINK_FOLLOW) != 0)
		return errno == EEXIST ? FAIL(EXISTS, "%s is there meanwhile", path) : FAIL(IO, "%s: %m", path);
	return file_sync_dir_of(path);
}

static dske_rc write_stream(int fd, const struct secret *text)
{
	for (size_t done = 0; done < text->len;) {
		ssize_t n = write(fd, text->data + done, text->len - done);
		if (n < 0)
			return FAIL(IO, "standard output: %m");
		done += (size_t)n;
	}
	return DSKE_OK;
}

dske_rc keyfile_finish(struct fd *f, const char *path, const struct secret *text)
{
	if (path != NULL && is_stdout(path))
		return write_stream(f->n, text);
	dske_rc rc = file_pwrite(f->n, text->data, text->len, 0);
	if (rc_ok(rc))
		rc = file_sync(f->n);
	if (!rc_ok(rc) && path != NULL)
		(void)unlink(path);
	return rc;
}

dske_rc key_check_value(char out[KCV_LEN], const struct secret *key)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	size_t len = sizeof digest;
	if (EVP_Q_digest(NULL, "SHA1", NULL, key->data, key->len, digest, &len) != 1)
		return FAIL(UNSUPPORTED, "the crypto library refuses SHA-1");
	hex_encode(out, digest, 3);
	return DSKE_OK;
}

/* ---- forms ------------------------------------------------------------------------------------------------- */

static dske_rc encode_raw(struct secret *out, const struct secret *key, const char *cipher, const char *identity)
{
	(void)cipher;
	(void)identity;
	return secret_from(out, key->data, key->len);
}

/* Digits by arithmetic: no table look-up by secret values. */
static uint8_t hex_digit(unsigned v)
{
	return (uint8_t)('0' + v + ((9u - v) >> 8 & 1u) * ('a' - '0' - 10));
}

static void write_hex(uint8_t *out, const struct secret *key)
{
	for (size_t i = 0; i < key->len; i++) {
		out[2 * i] = hex_digit(key->data[i] >> 4);
		out[2 * i + 1] = hex_digit(key->data[i] & 15u);
	}
}

static dske_rc encode_hex(struct secret *out, const struct secret *key, const char *cipher, const char *identity)
{
	(void)cipher;
	(void)identity;
	TRY(secret_alloc(out, 2 * key->len + 1));
	write_hex(out->data, key);
	out->data[2 * key->len] = '\n';
	return DSKE_OK;
}

/* A line of the file that gnutls-serv --pskpasswd reads. */
static dske_rc encode_psk_file(struct secret *out, const struct secret *key, const char *cipher, const char *identity)
{
	(void)cipher;
	size_t len = strlen(identity);
	if (len == 0 || strpbrk(identity, ":\n#") != NULL || identity[0] == '#')
		return FAIL(ARGS, "an identity is not empty and has no ':', '#' or newline");
	TRY(secret_alloc(out, len + 1 + 2 * key->len + 1));
	memcpy(out->data, identity, len);
	out->data[len] = ':';
	write_hex(out->data + len + 1, key);
	out->data[out->len - 1] = '\n';
	return DSKE_OK;
}

static const struct {
	const char *name;
	uint16_t number; /* RFC 8446, B.4 */
} ciphers[] = {
	{"TLS_AES_128_GCM_SHA256", 0x1301},
	{"TLS_AES_256_GCM_SHA384", 0x1302},
	{"TLS_CHACHA20_POLY1305_SHA256", 0x1303},
};

static dske_rc find_cipher(uint16_t *number, const char *name)
{
	for (size_t i = 0; i < sizeof ciphers / sizeof ciphers[0]; i++) {
		if (strcmp(ciphers[i].name, name) == 0) {
			*number = ciphers[i].number;
			return DSKE_OK;
		}
	}
	return FAIL(ARGS, "%s is none of TLS_AES_128_GCM_SHA256, TLS_AES_256_GCM_SHA384, TLS_CHACHA20_POLY1305_SHA256", name);
}

/* OpenSSL's SSL_SESSION, as much of it as a pre-shared key needs:
 * SEQUENCE { INTEGER 1, INTEGER 0x0304, OCTET STRING cipher, OCTET STRING empty, OCTET STRING key }.
 * Lengths stay below 128, so each takes one byte. */
#define TLS_KEY_MAX 48
static dske_rc session_der(struct secret *out, const struct secret *key, uint16_t cipher)
{
	const uint8_t head[] = {
		0x30, (uint8_t)(15 + key->len), 0x02, 1, 1, 0x02, 2, 0x03, 0x04,
		0x04, 2, (uint8_t)(cipher >> 8), (uint8_t)(cipher & 0xff), 0x04, 0, 0x04, (uint8_t)key->len,
	};
	TRY(secret_alloc(out, sizeof head + key->len));
	memcpy(out->data, head, sizeof head);
	memcpy(out->data + sizeof head, key->data, key->len);
	return DSKE_OK;
}

/* Base64 by arithmetic too. */
static uint8_t base64_digit(unsigned v)
{
	unsigned c = v + 'A';
	c += ((25u - v) >> 8 & 1u) * ('a' - 'Z' - 1);
	c -= ((51u - v) >> 8 & 1u) * ('z' + 1 - '0');
	c -= ((61u - v) >> 8 & 1u) * ('9' + 1 - '+');
	c += ((62u - v) >> 8 & 1u) * ('/' - '+' - 1);
	return (uint8_t)c;
}

static size_t write_base64(uint8_t *out, const struct secret *in)
{
	size_t at = 0, line = 0;
	for (size_t i = 0; i < in->len; i += 3) {
		size_t left = in->len - i;
		unsigned v = (unsigned)in->data[i] << 16 | (left > 1 ? (unsigned)in->data[i + 1] << 8 : 0) |
			     (left > 2 ? in->data[i + 2] : 0);
		out[at++] = base64_digit(v >> 18);
		out[at++] = base64_digit(v >> 12 & 63);
		out[at++] = left > 1 ? base64_digit(v >> 6 & 63) : '=';
		out[at++] = left > 2 ? base64_digit(v & 63) : '=';
		line += 4;
		if (line == 64 || left <= 3) {
			out[at++] = '\n';
			line = 0;
		}
	}
	return at;
}

static dske_rc encode_tls_session(struct secret *out, const struct secret *key, const char *cipher, const char *identity)
{
	static const char begin[] = "-----BEGIN SSL SESSION PARAMETERS-----\n", end[] = "-----END SSL SESSION PARAMETERS-----\n";
	AUTO(secret) der = {0};
	uint16_t number = 0;
	(void)identity;
	TRY(find_cipher(&number, cipher));
	if (key->len > TLS_KEY_MAX)
		return FAIL(TOOBIG, "a key for TLS has at most %d bytes here, this one has %zu", TLS_KEY_MAX, key->len);
	TRY(session_der(&der, key, number));
	TRY(secret_alloc(out, 512));
	memcpy(out->data, begin, sizeof begin - 1);
	size_t at = sizeof begin - 1;
	at += write_base64(out->data + at, &der);
	memcpy(out->data + at, end, sizeof end - 1);
	secret_cut(out, at + sizeof end - 1);
	return DSKE_OK;
}

static const struct key_format formats[] = {
	{"raw", encode_raw},
	{"hex", encode_hex},
	{"tls-session", encode_tls_session},
	{"psk-file", encode_psk_file},
};

const struct key_format *key_format_find(const char *name)
{
	for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
		if (strcmp(formats[i].name, name) == 0)
			return &formats[i];
	}
	return NULL;
}
