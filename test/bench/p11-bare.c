/* SPDX-License-Identifier: Apache-2.0 */
/* test/bench/p11-bare.c - what libcrypto takes for the same messages, and the disk for a change: no token. */
#include "config.h"

#include "test/bench/p11-side.h"

#include <fcntl.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "test/bench/bench.h"

static const unsigned char bare_key[32] = "thirty-two bytes, in no way seen";

static EVP_CIPHER_CTX *gcm_new(void)
{
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();

	bench_need(c != NULL && EVP_EncryptInit_ex(c, EVP_aes_256_gcm(), NULL, bare_key, NULL) == 1, "EVP_EncryptInit_ex");
	return c;
}

static void gcm(int len)
{
	static EVP_CIPHER_CTX *c;
	static uint64_t count;
	unsigned char iv[12] = {0};
	int n, end;

	c = c != NULL ? c : gcm_new();
	count++;
	memcpy(iv, &count, sizeof count);
	bench_need(EVP_EncryptInit_ex(c, NULL, NULL, NULL, iv) == 1 && EVP_EncryptUpdate(c, out, &n, in, len) == 1 &&
			   EVP_EncryptFinal_ex(c, out + n, &end) == 1 &&
			   EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, 16, out + n) == 1,
		   "AES-GCM");
}

void bare_gcm_64(struct side *s)
{
	(void)s;
	gcm(64);
}

void bare_gcm_1024(struct side *s)
{
	(void)s;
	gcm(1024);
}

static EVP_MAC_CTX *hmac_new(void)
{
	OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char[]){"SHA256"}, 0),
			       OSSL_PARAM_construct_end()};
	EVP_MAC_CTX *c = EVP_MAC_CTX_new(EVP_MAC_fetch(NULL, "HMAC", NULL));

	bench_need(c != NULL && EVP_MAC_init(c, bare_key, sizeof bare_key, params) == 1, "EVP_MAC_init");
	return c;
}

static void hmac(size_t len)
{
	static EVP_MAC_CTX *c;
	size_t n;

	c = c != NULL ? c : hmac_new();
	bench_need(EVP_MAC_init(c, NULL, 0, NULL) == 1 && EVP_MAC_update(c, in, len) == 1 &&
			   EVP_MAC_final(c, out, &n, sizeof out) == 1,
		   "HMAC");
}

void bare_hmac_64(struct side *s)
{
	(void)s;
	hmac(64);
}

void bare_hmac_1024(struct side *s)
{
	(void)s;
	hmac(1024);
}

void bare_digest(struct side *s)
{
	static EVP_MD_CTX *c;
	unsigned n;

	(void)s;
	c = c != NULL ? c : EVP_MD_CTX_new();
	bench_need(EVP_DigestInit_ex(c, EVP_sha256(), NULL) == 1 && EVP_DigestUpdate(c, in, 1024) == 1 &&
			   EVP_DigestFinal_ex(c, out, &n) == 1,
		   "SHA-256");
}

static int sync_file(void)
{
	static const char zeros[8192];
	const char *conf = getenv("DSKE_CONF");
	char path[512];

	snprintf(path, sizeof path, "%s.sync", conf != NULL ? conf : "bench");
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	bench_need(fd >= 0 && pwrite(fd, zeros, sizeof zeros, 0) == (ssize_t)sizeof zeros && fsync(fd) == 0,
		   "a file to be synced");
	return fd;
}

void bare_sync(struct side *s)
{
	static int fd = -1;

	(void)s;
	fd = fd >= 0 ? fd : sync_file();
	bench_need(pwrite(fd, "8 bytes.", 8, 4096) == 8 && fdatasync(fd) == 0, "fdatasync");
}
