/* SPDX-License-Identifier: Apache-2.0 */
/* vpn/wg-kernel.c - the kernel's WireGuard, by generic netlink (linux/wireguard.h). */
#include <config.h>

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <linux/wireguard.h>
#include <net/if.h>
#include <string.h>

#include "vpn/wg-device.h"

#define REPLY_BYTES ((size_t)64 << 10)

/* Whether it is a WireGuard one the kernel says when it is asked about it.  Not /sys, which shows the network namespace of who
 * mounted it. */
static bool has(const char *interface)
{
	return if_nametoindex(interface) != 0;
}

/* ---- attributes ---------------------------------------------------------------------------------------------- */

/* libmnl's own loops convert a difference of pointers to int in silence. */
static bool is_whole(const struct nlattr *a, const char *end)
{
	return mnl_attr_ok(a, (int)(end - (const char *)a));
}

static struct nlattr *first_of(const struct nlmsghdr *h)
{
	return mnl_nlmsg_get_payload_offset(h, sizeof(struct genlmsghdr));
}

static const char *end_of(const struct nlattr *nest)
{
	return (const char *)mnl_attr_get_payload(nest) + mnl_attr_get_payload_len(nest);
}

#define EACH_OF(h, a) \
	for (struct nlattr *a = first_of(h); is_whole(a, mnl_nlmsg_get_payload_tail(h)); a = mnl_attr_next(a))
#define EACH_IN(nest, a) \
	for (struct nlattr *a = mnl_attr_get_payload(nest); is_whole(a, end_of(nest)); a = mnl_attr_next(a))

/* ---- a conversation ---------------------------------------------------------------------------------------- */

struct talk {
	struct mnl_socket *socket;
	struct secret buffer; /* requests and answers have keys in them */
	uint32_t sequence;
	uint16_t family;
};

static void talk_drop(struct talk *t)
{
	if (t->socket != NULL)
		mnl_socket_close(t->socket);
	secret_drop(&t->buffer);
}

static dske_rc failed(const char *what)
{
	int e = errno;
	if (e == EPERM || e == EACCES)
		return FAIL(DENIED, "%s: %s: this wants CAP_NET_ADMIN", what, strerror(e));
	return e == ENODEV || e == ENOENT || e == EOPNOTSUPP ? FAIL(NOT_FOUND, "%s: %s", what, strerror(e))
							     : FAIL(IO, "%s: %s", what, strerror(e));
}

static struct nlmsghdr *message(struct talk *t, uint16_t type, uint8_t command, uint16_t flags)
{
	struct nlmsghdr *h = mnl_nlmsg_put_header(t->buffer.data);
	h->nlmsg_type = type;
	h->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags);
	h->nlmsg_seq = ++t->sequence;
	struct genlmsghdr *g = mnl_nlmsg_put_extra_header(h, sizeof *g);
	g->cmd = command;
	g->version = 1;
	return h;
}

static dske_rc run(struct talk *t, const struct nlmsghdr *h, mnl_cb_t callback, void *context, const char *what)
{
	if (mnl_socket_sendto(t->socket, h, h->nlmsg_len) < 0)
		return failed(what);
	unsigned port = mnl_socket_get_portid(t->socket);
	int more = MNL_CB_OK;
	while (more > MNL_CB_STOP) {
		ssize_t got = mnl_socket_recvfrom(t->socket, t->buffer.data, t->buffer.len);
		if (got < 0 && errno == EINTR)
			continue;
		more = got < 0 ? MNL_CB_ERROR : mnl_cb_run(t->buffer.data, (size_t)got, t->sequence, port, callback, context);
	}
	return more == MNL_CB_ERROR ? failed(what) : DSKE_OK;
}

static int take_family(const struct nlmsghdr *h, void *context)
{
	EACH_OF(h, a) {
		if (mnl_attr_get_type(a) == CTRL_ATTR_FAMILY_ID && mnl_attr_validate(a, MNL_TYPE_U16) >= 0)
			*(uint16_t *)context = mnl_attr_get_u16(a);
	}
	return MNL_CB_OK;
}

static dske_rc talk_begin(struct talk *t)
{
	*t = (struct talk){.socket = mnl_socket_open2(NETLINK_GENERIC, SOCK_CLOEXEC)};
	if (t->socket == NULL || mnl_socket_bind(t->socket, 0, MNL_SOCKET_AUTOPID) < 0)
		return failed("no netlink socket");
	TRY(secret_alloc(&t->buffer, REPLY_BYTES));
	struct nlmsghdr *h = message(t, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 0);
	mnl_attr_put_strz(h, CTRL_ATTR_FAMILY_NAME, WG_GENL_NAME);
	TRY(run(t, h, take_family, &t->family, "the kernel's WireGuard"));
	return t->family != 0 ? DSKE_OK : FAIL(NOT_FOUND, "the kernel has no WireGuard");
}

/* ---- looking ----------------------------------------------------------------------------------------------- */

struct looking {
	const struct wg_peer *peer;
	struct wg_state *state;
	bool found;
};

static bool has_bytes(const struct nlattr *a, size_t len)
{
	return mnl_attr_get_payload_len(a) >= len;
}

static void take_attribute(struct wg_state *s, const struct nlattr *a)
{
	switch (mnl_attr_get_type(a)) {
	case WGPEER_A_PRESHARED_KEY:
		if (has_bytes(a, WG_KEY_LEN))
			memcpy(s->psk.data, mnl_attr_get_payload(a), WG_KEY_LEN);
		break;
	case WGPEER_A_LAST_HANDSHAKE_TIME:
		if (has_bytes(a, sizeof s->handshake_s)) /* a struct of two 64-bit numbers, seconds first */
			memcpy(&s->handshake_s, mnl_attr_get_payload(a), sizeof s->handshake_s);
		break;
	case WGPEER_A_RX_BYTES:
		if (has_bytes(a, sizeof s->received))
			s->received = mnl_attr_get_u64(a);
		break;
	case WGPEER_A_TX_BYTES:
		if (has_bytes(a, sizeof s->sent))
			s->sent = mnl_attr_get_u64(a);
		break;
	default:
		break;
	}
}

static void take_peer(struct looking *l, const struct nlattr *peer)
{
	bool is_it = false;
	EACH_IN(peer, a) {
		if (mnl_attr_get_type(a) == WGPEER_A_PUBLIC_KEY && has_bytes(a, WG_KEY_LEN))
			is_it = memcmp(mnl_attr_get_payload(a), l->peer->public_key, WG_KEY_LEN) == 0;
	}
	if (!is_it)
		return;
	l->found = true;
	EACH_IN(peer, a)
		take_attribute(l->state, a);
}

static int take_device(const struct nlmsghdr *h, void *context)
{
	EACH_OF(h, a) {
		if (mnl_attr_get_type(a) != WGDEVICE_A_PEERS)
			continue;
		EACH_IN(a, peer)
			take_peer(context, peer);
	}
	return MNL_CB_OK;
}

static dske_rc look(const struct wg_peer *p, struct wg_state *s)
{
	AUTO(talk) t;
	struct looking l = {p, s, false};
	TRY(talk_begin(&t));
	struct nlmsghdr *h = message(&t, t.family, WG_CMD_GET_DEVICE, NLM_F_DUMP);
	mnl_attr_put_strz(h, WGDEVICE_A_IFNAME, p->interface);
	TRY(run(&t, h, take_device, &l, p->interface));
	return l.found ? DSKE_OK : FAIL(NOT_FOUND, "%s has no peer with that public key", p->interface);
}

/* ---- setting ----------------------------------------------------------------------------------------------- */

static dske_rc set(const struct wg_peer *p, const struct secret *psk)
{
	AUTO(talk) t;
	TRY(talk_begin(&t));
	struct nlmsghdr *h = message(&t, t.family, WG_CMD_SET_DEVICE, 0);
	mnl_attr_put_strz(h, WGDEVICE_A_IFNAME, p->interface);
	struct nlattr *peers = mnl_attr_nest_start(h, WGDEVICE_A_PEERS);
	struct nlattr *peer = mnl_attr_nest_start(h, 0);
	mnl_attr_put(h, WGPEER_A_PUBLIC_KEY, WG_KEY_LEN, p->public_key);
	mnl_attr_put_u32(h, WGPEER_A_FLAGS, WGPEER_F_UPDATE_ONLY);
	mnl_attr_put(h, WGPEER_A_PRESHARED_KEY, WG_KEY_LEN, psk->data);
	mnl_attr_nest_end(h, peer);
	mnl_attr_nest_end(h, peers);
	return run(&t, h, NULL, NULL, p->interface);
}

const struct wg_backend wg_kernel = {has, look, set};
