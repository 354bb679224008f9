/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "vpn/device.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* What linux/if_tun.h of Debian 12 has not got (Linux 6.2). */
#define OFFLOAD_USO4 0x20
#define OFFLOAD_USO6 0x40

/* linux/ipv6.h has it, which does not go with netinet/in.h. */
struct in6_request {
	struct in6_addr address;
	uint32_t prefix;
	int index;
};

static dske_rc failed(const char *what, const char *name)
{
	int e = errno;
	if (e == EPERM || e == EACCES)
		return FAIL(DENIED, "%s %s: %s: this wants CAP_NET_ADMIN (start it as root)", what, name, strerror(e));
	return FAIL(IO, "%s %s: %s", what, name, strerror(e));
}

/* ---- opening ----------------------------------------------------------------------------------------------- */

static dske_rc set_offloads(struct device *d)
{
	unsigned long tcp = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN;
	d->cuts_udp = ioctl(d->fd.n, TUNSETOFFLOAD, tcp | OFFLOAD_USO4 | OFFLOAD_USO6) == 0;
	if (!d->cuts_udp && ioctl(d->fd.n, TUNSETOFFLOAD, tcp) != 0)
		return failed("cannot have large packets of", d->name);
	return DSKE_OK;
}

dske_rc device_open(struct device *d, const char *name, bool offloads)
{
	struct ifreq r = {.ifr_flags = (short)(IFF_TUN | IFF_NO_PI | IFF_VNET_HDR)};
	if (strlen(name) > DEVICE_NAME_MAX)
		return FAIL(ARGS, "%s: a device's name has at most %d bytes", name, DEVICE_NAME_MAX);
	strcpy(r.ifr_name, name);
	*d = (struct device){.fd = FD_NONE};
	TRY(file_open(&d->fd, "/dev/net/tun", O_RDWR | O_NONBLOCK, 0));
	if (ioctl(d->fd.n, TUNSETIFF, &r) != 0) {
		dske_rc rc = errno == EBUSY ? FAIL(BUSY, "the device %s is in use", name) : failed("cannot make the device", name);
		device_drop(d);
		return rc;
	}
	memcpy(d->name, r.ifr_name, sizeof d->name);
	dske_rc rc = offloads ? set_offloads(d) : DSKE_OK;
	if (!rc_ok(rc))
		device_drop(d);
	return rc;
}

void device_drop(struct device *d)
{
	fd_drop(&d->fd);
}

/* ---- setting up -------------------------------------------------------------------------------------------- */

static dske_rc request_of(struct ifreq *r, const struct device *d)
{
	*r = (struct ifreq){0};
	memcpy(r->ifr_name, d->name, sizeof d->name);
	return DSKE_OK;
}

static dske_rc add_v4(int s, const struct device *d, const struct in_addr *address, unsigned prefix)
{
	struct ifreq r;
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = *address};
	struct sockaddr_in mask = {.sin_family = AF_INET, .sin_addr.s_addr = prefix == 0 ? 0 : htonl(~0u << (32 - prefix))};
	TRY(request_of(&r, d));
	memcpy(&r.ifr_addr, &a, sizeof a);
	if (ioctl(s, SIOCSIFADDR, &r) != 0)
		return failed("cannot give an address to", d->name);
	memcpy(&r.ifr_netmask, &mask, sizeof mask);
	return ioctl(s, SIOCSIFNETMASK, &r) == 0 ? DSKE_OK : failed("cannot give a netmask to", d->name);
}

static dske_rc add_v6(int s, const struct device *d, const struct in6_addr *address, unsigned prefix)
{
	struct in6_request r = {*address, prefix, (int)if_nametoindex(d->name)};
	return ioctl(s, SIOCSIFADDR, &r) == 0 ? DSKE_OK : failed("cannot give an address to", d->name);
}

static dske_rc add_address(const struct device *d, int v4, int v6, const char *text)
{
	char host[INET6_ADDRSTRLEN];
	struct in_addr four;
	struct in6_addr six;
	const char *slash = strchr(text, '/');
	size_t len = slash != NULL ? (size_t)(slash - text) : strlen(text);
	char *end = NULL;
	unsigned long prefix = slash != NULL ? strtoul(slash + 1, &end, 10) : 0;
	if (len >= sizeof host || (slash != NULL && (slash[1] < '0' || slash[1] > '9' || *end != '\0')))
		return FAIL(CONFIG, "%s is no ADDRESS/PREFIX", text);
	memcpy(host, text, len);
	host[len] = '\0';
	if (inet_pton(AF_INET, host, &four) == 1 && prefix <= 32)
		return add_v4(v4, d, &four, slash != NULL ? (unsigned)prefix : 32);
	if (inet_pton(AF_INET6, host, &six) == 1 && prefix <= 128)
		return add_v6(v6, d, &six, slash != NULL ? (unsigned)prefix : 128);
	return FAIL(CONFIG, "%s is no ADDRESS/PREFIX", text);
}

static dske_rc up(const struct device *d, int s, unsigned mtu)
{
	struct ifreq r;
	TRY(request_of(&r, d));
	r.ifr_mtu = (int)mtu;
	if (ioctl(s, SIOCSIFMTU, &r) != 0)
		return failed("cannot set the MTU of", d->name);
	if (ioctl(s, SIOCGIFFLAGS, &r) != 0)
		return failed("cannot look at", d->name);
	r.ifr_flags = (short)(r.ifr_flags | IFF_UP);
	return ioctl(s, SIOCSIFFLAGS, &r) == 0 ? DSKE_OK : failed("cannot start", d->name);
}

dske_rc device_set_up(const struct device *d, unsigned mtu, const char *const *addresses, size_t count)
{
	AUTO(fd) v4 = {socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
	AUTO(fd) v6 = {socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
	if (v4.n < 0)
		return failed("no socket to set up", d->name);
	TRY(up(d, v4.n, mtu));
	for (size_t i = 0; i < count; i++)
		TRY(add_address(d, v4.n, v6.n, addresses[i]));
	return DSKE_OK;
}

/* ---- frames ------------------------------------------------------------------------------------------------ */

dske_rc device_read(const struct device *d, struct virtio_net_hdr *hdr, uint8_t *frame, size_t cap, size_t *len)
{
	struct iovec parts[] = {{hdr, sizeof *hdr}, {frame, cap}};
	ssize_t got;
	*len = 0;
	do
		got = readv(d->fd.n, parts, 2);
	while (got < 0 && errno == EINTR);
	if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return DSKE_OK;
	if (got < (ssize_t)sizeof *hdr)
		return failed("cannot read from", d->name);
	*len = (size_t)got - sizeof *hdr;
	return DSKE_OK;
}

dske_rc device_write(const struct device *d, const struct virtio_net_hdr *hdr, const uint8_t *frame, size_t len)
{
	struct iovec parts[] = {{(void *)(uintptr_t)hdr, sizeof *hdr}, {(void *)(uintptr_t)frame, len}};
	ssize_t put;
	do
		put = writev(d->fd.n, parts, 2);
	while (put < 0 && errno == EINTR);
	return put >= 0 || errno != EBADFD ? DSKE_OK : failed("cannot write to", d->name);
}
