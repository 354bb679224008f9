/* SPDX-License-Identifier: Apache-2.0 */
#include "hubproto/msg.h"

#define POLICY_ITEMS 4
#define PEER_ITEMS 2
#define LIMIT_ITEMS (QUOTA_PERIODS * QUOTA_UNITS)

static void limits_write(struct buf *out, const struct quota *q)
{
	cbor_write_array(out, LIMIT_ITEMS);
	for (size_t p = 0; p < QUOTA_PERIODS; p++)
		for (size_t u = 0; u < QUOTA_UNITS; u++)
			cbor_write_uint(out, q->most[p][u]);
}

static void limits_read(struct cbor_reader *r, struct quota *q)
{
	cbor_read_array(r, LIMIT_ITEMS, LIMIT_ITEMS);
	for (size_t p = 0; p < QUOTA_PERIODS; p++)
		for (size_t u = 0; u < QUOTA_UNITS; u++)
			q->most[p][u] = cbor_read_uint(r, 0, POLICY_LIMIT_MAX);
}

dske_rc msg_policy_write(struct buf *out, const struct policy *m)
{
	cbor_write_array(out, POLICY_ITEMS);
	cbor_write_uint(out, m->version);
	cbor_write_uint(out, m->waiting);
	limits_write(out, &m->all);
	cbor_write_array(out, m->peer_count);
	for (size_t i = 0; i < m->peer_count; i++) {
		cbor_write_array(out, PEER_ITEMS);
		cbor_write_id(out, &m->peer[i].id);
		limits_write(out, &m->peer[i].quota);
	}
	return buf_rc(out);
}

dske_rc msg_policy_read(struct policy *m, const uint8_t *body, size_t len)
{
	struct cbor_reader r;

	*m = (struct policy){0};
	cbor_reader_init(&r, body, len);
	cbor_read_array(&r, POLICY_ITEMS, POLICY_ITEMS);
	m->version = cbor_read_uint(&r, 1, POLICY_VERSION_MAX);
	m->waiting = (uint32_t)cbor_read_uint(&r, 0, POLICY_WAITING_MAX);
	limits_read(&r, &m->all);
	m->peer_count = cbor_read_array(&r, 0, POLICY_PEERS_MAX);
	for (size_t i = 0; i < m->peer_count; i++) {
		cbor_read_array(&r, PEER_ITEMS, PEER_ITEMS);
		cbor_read_id(&r, &m->peer[i].id);
		limits_read(&r, &m->peer[i].quota);
		if (i > 0 && id_compare(&m->peer[i - 1].id, &m->peer[i].id) >= 0)
			cbor_refuse(&r, "peers that do not ascend");
	}
	return cbor_end(&r);
}

const struct quota *policy_of_peer(const struct policy *p, const struct id *peer)
{
	for (size_t i = 0; i < p->peer_count; i++)
		if (id_equal(&p->peer[i].id, peer))
			return &p->peer[i].quota;
	return NULL;
}
