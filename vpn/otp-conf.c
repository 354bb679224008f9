/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "vpn/otp-conf.h"

#include <string.h>

#include "base/conf.h"
#include "base/id.h"
#include "vpn/supply.h"

#define BLOCK_LEAST (UINT64_C(64) << 10)
#define BLOCK_MOST (UINT64_C(1) << 20) /* a key that the token can hold */

const char *otp_conf_default_file(void)
{
	return SYSCONFDIR "/dske/vpn.conf";
}

/* ---- values ------------------------------------------------------------------------------------------------ */

static dske_rc set_name(struct otp_conf *c, const char *key, const char *value)
{
	if (!name_check(value))
		return FAIL(CONFIG, "%s = %s: a name has 1 to %d letters, digits, dots, hyphens and underscores", key, value, NAME_MAX_LEN);
	return conf_text(strcmp(key, "peer") == 0 ? c->peer : c->name, sizeof c->name, key, value);
}

static dske_rc set_device(struct otp_conf *c, const char *key, const char *value)
{
	return conf_text(c->device, sizeof c->device, key, value);
}

static dske_rc set_address(struct otp_conf *c, const char *key, const char *value)
{
	if (c->address_count == DEVICE_ADDRESSES_MAX)
		return FAIL(CONFIG, "%s: a device has at most %d addresses here", key, DEVICE_ADDRESSES_MAX);
	return conf_text(c->addresses[c->address_count++], sizeof c->addresses[0], key, value);
}

static dske_rc set_mtu(struct otp_conf *c, const char *key, const char *value)
{
	uint64_t v;
	TRY(conf_uint(&v, key, value, OTP_MTU_LEAST, OTP_MTU_MOST));
	c->mtu = (unsigned)v;
	return DSKE_OK;
}

static dske_rc set_place(struct otp_conf *c, const char *key, const char *value)
{
	return conf_text(strcmp(key, "listen") == 0 ? c->listen : c->remote, sizeof c->listen, key, value);
}

static dske_rc set_block(struct otp_conf *c, const char *key, const char *value)
{
	TRY(conf_size(&c->block, key, value));
	if (c->block < BLOCK_LEAST || c->block > BLOCK_MOST)
		return FAIL(CONFIG, "%s = %s: a pad has 64K to 1M", key, value);
	return DSKE_OK;
}

static dske_rc set_ahead(struct otp_conf *c, const char *key, const char *value)
{
	return conf_size(&c->ahead, key, value);
}

static dske_rc set_day_limit(struct otp_conf *c, const char *key, const char *value)
{
	return strcmp(value, "0") == 0 ? (c->day_limit = 0, DSKE_OK) : conf_size(&c->day_limit, key, value);
}

static dske_rc set_day_file(struct otp_conf *c, const char *key, const char *value)
{
	return conf_text(c->day_file.s, sizeof c->day_file.s, key, value);
}

static dske_rc set_agreements(struct otp_conf *c, const char *key, const char *value)
{
	uint64_t v;
	TRY(conf_uint(&v, key, value, 1, SUPPLY_THREADS_MAX));
	c->agreements = (unsigned)v;
	return DSKE_OK;
}

static dske_rc set_timeout(struct otp_conf *c, const char *key, const char *value)
{
	return conf_duration_ms(&c->timeout_ms, key, value);
}

static dske_rc set_user(struct otp_conf *c, const char *key, const char *value)
{
	return conf_text(c->user, sizeof c->user, key, value);
}

static dske_rc set_offloads(struct otp_conf *c, const char *key, const char *value)
{
	return conf_bool(&c->offloads, key, value);
}

static const struct {
	const char *key;
	dske_rc (*set)(struct otp_conf *c, const char *key, const char *value);
} settings[] = {
	{"name", set_name},       {"peer", set_name},
	{"device", set_device},   {"address", set_address},
	{"mtu", set_mtu},         {"listen", set_place},
	{"remote", set_place},    {"block", set_block},
	{"ahead", set_ahead},     {"day_limit", set_day_limit},
	{"day_file", set_day_file}, {"agreements", set_agreements},
	{"timeout", set_timeout}, {"user", set_user},
	{"offloads", set_offloads},
};

/* ---- reading ----------------------------------------------------------------------------------------------- */

static dske_rc setting(void *context, const char *section, const char *name, const char *key, const char *value)
{
	struct otp_conf *c = context;
	(void)name;
	for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
		if (strcmp(section, "tunnel") == 0 && strcmp(key, settings[i].key) == 0)
			return settings[i].set(c, key, value);
	}
	return service_setting(&c->service, "tunnel", section, key, value);
}

static dske_rc complete(struct otp_conf *c, const char *file)
{
	if (c->peer[0] == '\0')
		return FAIL(CONFIG, "%s: [tunnel] peer is missing: the other end's name, as dske peer has it", file);
	if (c->ahead < 2 * c->block)
		return FAIL(CONFIG, "%s: ahead is less than two pads of %llu bytes", file, (unsigned long long)c->block);
	if (c->day_file.s[0] == '\0')
		TRY(path_format(&c->day_file, "/var/lib/dske/vpn-%s.day", c->name));
	TRY(conf_folder(&c->day_file, file));
	if (c->service.status.s[0] == '\0')
		TRY(path_format(&c->service.status, "/run/dske/vpn-%s", c->name));
	return service_complete(&c->service, file);
}

dske_rc otp_conf_read(struct otp_conf *c, const char *file)
{
	*c = (struct otp_conf){.name = "vpn", .device = "dske%d", .mtu = 1420, .listen = ":51821", .block = BLOCK_MOST,
			       .ahead = UINT64_C(16) << 20, .agreements = 2, .timeout_ms = 30000, .offloads = true};
	service_conf_init(&c->service);
	TRY(conf_read(file, setting, c));
	return complete(c, file);
}
