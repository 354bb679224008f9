/* SPDX-License-Identifier: Apache-2.0 */
/* pskm/container-head.c - header and wrapped key, in front of a container. */
#include "config.h"

#include <assert.h>
#include <string.h>

#include "base/crypto.h"
#include "base/file.h"
#include "pskm/container-impl.h"
#include "pskm/passphrase.h"

static_assert(CONTAINER_AFTER_NONCE + AEAD_NONCE_LEN == CONTAINER_AFTER_KEY, "as in format.h");
static_assert(CONTAINER_AFTER_KEY + AEAD_KEY_LEN == CONTAINER_AFTER_KEY_TAG, "as in format.h");
static_assert(CONTAINER_AFTER_KEY_TAG + AEAD_TAG_LEN == CONTAINER_AFTER_SUM, "as in format.h");
static_assert(CONTAINER_AFTER_SUM + CRYPTO_SHA256_LEN == CONTAINER_AFTER_END, "as in format.h");

/* The fields from magic to header. */
static dske_rc write_front(struct container_head *head)
{
	struct buf out;

	buf_fixed(&out, head->bytes, CONTAINER_AT_HEADER + PSKM_HEADER_MAX);
	buf_put(&out, CONTAINER_MAGIC, sizeof CONTAINER_MAGIC - 1);
	buf_put_be32(&out, CONTAINER_VERSION);
	buf_put_be32(&out, 0);
	TRY(pskm_header_write(&out, &head->header));
	be32_put(head->bytes + CONTAINER_AT_HEADER_LEN, (uint32_t)(out.len - CONTAINER_AT_HEADER));
	head->after = out.len;
	head->len = out.len + CONTAINER_AFTER_END;
	return buf_rc(&out);
}

/* The key under which the content key is wrapped. */
static dske_rc derive(const struct container_head *head, const uint8_t bits[PASSPHRASE_LEN], struct secret *key)
{
	return kdf_derive(key, bits, PASSPHRASE_LEN, head->bytes + head->after + CONTAINER_AFTER_SALT,
			  CONTAINER_SALT_LEN, &head->cost);
}

static struct aead_context wrap_context(const struct container_head *head)
{
	struct aead_context c = {.data = head->bytes, .data_len = head->after + CONTAINER_AFTER_NONCE};

	memcpy(c.nonce, head->bytes + head->after + CONTAINER_AFTER_NONCE, AEAD_NONCE_LEN);
	return c;
}

static dske_rc wrap(struct container_head *head, const struct secret *bits, const struct secret *content_key)
{
	AUTO(secret) key = {0};
	AUTO(aead) aead = {0};

	TRY(derive(head, bits->data, &key));
	TRY(aead_init(&aead, key.data));
	struct aead_context c = wrap_context(head);
	return aead_seal(&aead, &c, content_key->data, content_key->len,
			 head->bytes + head->after + CONTAINER_AFTER_KEY);
}

dske_rc head_make(struct container_head *head, const struct pskm_header *h, const struct kdf_cost *cost,
		  const struct pskm_source *fresh, char passphrase[PASSPHRASE_TEXT_MAX], struct secret *content_key)
{
	AUTO(secret) bits = {0};

	*head = (struct container_head){.header = *h, .cost = *cost};
	TRY(write_front(head));
	uint8_t *after = head->bytes + head->after;
	TRY(source_fill(fresh, after + CONTAINER_AFTER_SALT, CONTAINER_SALT_LEN));
	be32_put(after + CONTAINER_AFTER_PASSES, cost->passes);
	be32_put(after + CONTAINER_AFTER_MEMORY, cost->memory_kib);
	be32_put(after + CONTAINER_AFTER_LANES, cost->lanes);
	TRY(source_fill(fresh, after + CONTAINER_AFTER_NONCE, AEAD_NONCE_LEN));

	TRY(secret_alloc(&bits, PASSPHRASE_LEN));
	TRY(source_fill(fresh, bits.data, bits.len));
	TRY(secret_alloc(content_key, AEAD_KEY_LEN));
	TRY(source_fill(fresh, content_key->data, content_key->len));
	TRY(wrap(head, &bits, content_key));
	TRY(crypto_sha256(after + CONTAINER_AFTER_SUM, head->bytes, head->after + CONTAINER_AFTER_SUM));
	passphrase_write(passphrase, bits.data);
	return DSKE_OK;
}

/* How long is the head that begins like this? */
static dske_rc check_front(struct container_head *head)
{
	if (memcmp(head->bytes, CONTAINER_MAGIC, sizeof CONTAINER_MAGIC - 1) != 0)
		return FAIL(FORMAT, "the file is no PSKM");
	if (be32_get(head->bytes + CONTAINER_AT_VERSION) != CONTAINER_VERSION)
		return FAIL(FORMAT, "the PSKM is of a version that this program does not read");
	uint32_t header_len = be32_get(head->bytes + CONTAINER_AT_HEADER_LEN);
	if (header_len > PSKM_HEADER_MAX)
		return FAIL(FORMAT, "the PSKM's header is too long");
	head->after = CONTAINER_AT_HEADER + header_len;
	head->len = head->after + CONTAINER_AFTER_END;
	return DSKE_OK;
}

static dske_rc check_rest(struct container_head *head)
{
	uint8_t sum[CRYPTO_SHA256_LEN];
	const uint8_t *after = head->bytes + head->after;

	TRY(crypto_sha256(sum, head->bytes, head->after + CONTAINER_AFTER_SUM));
	if (memcmp(sum, after + CONTAINER_AFTER_SUM, sizeof sum) != 0)
		return FAIL(CORRUPT, "the PSKM's head is damaged");
	TRY(pskm_header_read(&head->header, head->bytes + CONTAINER_AT_HEADER, head->after - CONTAINER_AT_HEADER));
	head->cost = (struct kdf_cost){
		.passes = be32_get(after + CONTAINER_AFTER_PASSES),
		.memory_kib = be32_get(after + CONTAINER_AFTER_MEMORY),
		.lanes = be32_get(after + CONTAINER_AFTER_LANES),
	};
	return kdf_cost_check(&head->cost);
}

dske_rc head_read(struct container_head *head, int fd)
{
	*head = (struct container_head){0};
	if (!rc_ok(file_pread(fd, head->bytes, CONTAINER_AT_HEADER, 0)))
		return FAIL(FORMAT, "the file is no PSKM");
	TRY(check_front(head));
	TRY(file_pread(fd, head->bytes + CONTAINER_AT_HEADER, head->len - CONTAINER_AT_HEADER, CONTAINER_AT_HEADER));
	return check_rest(head);
}

dske_rc head_parse(struct container_head *head, const uint8_t *bytes, size_t len)
{
	*head = (struct container_head){0};
	if (len < CONTAINER_AT_HEADER || len > sizeof head->bytes)
		return FAIL(FORMAT, "a head of no possible length");
	memcpy(head->bytes, bytes, len);
	TRY(check_front(head));
	return head->len == len ? check_rest(head) : FAIL(CORRUPT, "the PSKM's head is damaged");
}

dske_rc head_unwrap(const struct container_head *head, const char *passphrase, struct secret *content_key)
{
	AUTO(secret) bits = {0};
	AUTO(secret) key = {0};
	AUTO(aead) aead = {0};

	TRY(secret_alloc(&bits, PASSPHRASE_LEN));
	TRY(passphrase_read(bits.data, passphrase));
	TRY(derive(head, bits.data, &key));
	TRY(aead_init(&aead, key.data));
	TRY(secret_alloc(content_key, AEAD_KEY_LEN));
	struct aead_context c = wrap_context(head);
	dske_rc rc = aead_open(&aead, &c, head->bytes + head->after + CONTAINER_AFTER_KEY, AEAD_KEY_LEN,
			       content_key->data);
	if (rc_is(rc, DSKE_RC_TAG))
		return FAIL(PIN, "wrong passphrase for this PSKM (or somebody changed the PSKM's head)");
	return rc;
}
