/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include <poll.h>
#include <stdio.h>

#include "base/net.h"
#include "pskm/list.h"
#include "test/client/mock-hub-impl.h"

/* ---- the loop ---------------------------------------------------------------------------------------------------- */

static void conn_close(struct mock_hub *h, struct mock_conn *c)
{
	for (size_t i = 0; i < h->shares; i++) {
		if (h->share[i].sealed_for == c)
			h->share[i].sealed_for = NULL;
	}
	mock_confirm_forget(h, c);
	fd_drop(&c->fd);
	stream_drop(&c->in);
	window_free(c->up);
	window_free(c->up_old);
	window_free(c->down);
	window_free(c->down_next);
	lease_keys_drop(&c->keys);
	*c = (struct mock_conn){.fd = FD_NONE};
}

static void conn_read(struct mock_hub *h, struct mock_conn *c)
{
	size_t cap = 0, n = 0, len = 0;
	uint8_t *space = stream_space(&c->in, &cap);
	const uint8_t *item = NULL;
	struct envelope e;
	if (!rc_ok(net_read(c->fd.n, space, cap, &n))) {
		c->over = true;
		return;
	}
	stream_filled(&c->in, n);
	while (!c->over && rc_ok(stream_next(&c->in, &item, &len)) && item != NULL) {
		NEED(frame_read(&e, item, len));
		mock_hub_take(h, c, &e);
	}
}

static void accept_one(struct mock_hub *h)
{
	struct fd f = FD_NONE;
	char peer[128];
	if (!rc_ok(net_accept(&f, h->listener.n, peer, sizeof peer)) || f.n < 0)
		return;
	for (size_t i = 0; i < MOCK_CONNS; i++) {
		if (h->conn[i].fd.n < 0) {
			h->conn[i].fd = f;
			h->connections++;
			stream_init(&h->conn[i].in, FRAME_MAX);
			return;
		}
	}
	need_true(false, "too many connections", __LINE__);
}

static void *serve(void *context)
{
	struct mock_hub *h = context;
	while (!h->stop) {
		struct pollfd p[MOCK_CONNS + 1];
		for (size_t i = 0; i < MOCK_CONNS; i++)
			p[i] = (struct pollfd){.fd = h->conn[i].fd.n, .events = POLLIN};
		p[MOCK_CONNS] = (struct pollfd){.fd = h->listener.n, .events = POLLIN};
		poll(p, MOCK_CONNS + 1, 5);
		for (size_t i = 0; i < MOCK_CONNS; i++) {
			if (p[i].revents != 0)
				conn_read(h, &h->conn[i]);
			if (h->conn[i].over)
				conn_close(h, &h->conn[i]);
		}
		if (p[MOCK_CONNS].revents != 0)
			accept_one(h);
		mock_confirm_turn(h);
	}
	return NULL;
}

/* ---- the rest of the contract ---------------------------------------------------------------------------------------- */

static void hub_listen(struct mock_hub *h, const char *address)
{
	struct net_address a;
	uint16_t port = 0;
	NEED(net_address_parse(&a, address));
	NEED(net_listen(&h->listener, &a, 64));
	NEED(net_local_port(h->listener.n, &port));
	snprintf(h->address, sizeof h->address, "127.0.0.1:%u", port);
}

void mock_hub_init(struct mock_hub *h, const char *name, const struct path *tables)
{
	*h = (struct mock_hub){.listener = FD_NONE, .tables = *tables, .musters = MOCK_SHARES};
	snprintf(h->name, sizeof h->name, "%s", name);
	for (size_t i = 0; i < MOCK_CONNS; i++)
		h->conn[i].fd.n = -1;
	NEED(id_random(&h->id));
	hub_listen(h, "127.0.0.1:0");
}

void mock_hub_serve(struct mock_hub *h, const struct pskm_header *header)
{
	struct mock_client *c = &h->client[h->clients++];
	struct path folder;
	c->id = header->client;
	c->header = *header;
	snprintf(c->name, sizeof c->name, "%s", header->client_name);
	NEED(table_folder(&folder, h->tables.s, &header->table));
	NEED(table_open(&c->table, folder.s, SIDE_HUB, NULL));
}

void mock_hub_start(struct mock_hub *h, enum mock_manner manner)
{
	if (h->running)
		mock_hub_stop(h);
	if (h->listener.n < 0)
		hub_listen(h, h->address);
	h->manner = manner;
	h->bad_left = 1;
	h->stop = false;
	need_true(pthread_create(&h->thread, NULL, serve, h) == 0, "a thread", __LINE__);
	h->running = true;
}

void mock_hub_stop(struct mock_hub *h)
{
	if (h->running) {
		h->stop = true;
		pthread_join(h->thread, NULL);
		h->running = false;
	}
	for (size_t i = 0; i < MOCK_CONNS; i++)
		conn_close(h, &h->conn[i]);
	fd_drop(&h->listener);
}

void mock_hub_drop(struct mock_hub *h)
{
	mock_hub_stop(h);
	for (size_t i = 0; i < h->clients; i++)
		table_close(h->client[i].table);
	for (size_t i = 0; i < h->shares; i++) {
		secret_drop(&h->share[i].bytes);
		secret_drop(&h->share[i].receipt_key);
	}
	for (size_t i = 0; i < h->answers; i++)
		buf_drop(&h->answer[i].frame);
}
