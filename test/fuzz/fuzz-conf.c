/* SPDX-License-Identifier: Apache-2.0 */
/* Reads an input as a configuration file, and each of its values as every type of value. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/conf.h"
#include "base/file.h"
#include "base/id.h"
#include "base/net.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void read_value(const char *key, const char *value)
{
	struct net_address address;
	struct id id;
	char text[16];
	uint64_t number = 0;
	int64_t ms = 0;
	bool flag = false;

	if (rc_ok(conf_uint(&number, key, value, 3, 300)) && (number < 3 || number > 300))
		abort();
	if (rc_ok(conf_text(text, sizeof text, key, value)) && strcmp(text, value) != 0)
		abort();
	if (rc_ok(conf_duration_ms(&ms, key, value)) && ms < 0)
		abort();
	if (rc_ok(id_parse(&id, value)) && strlen(value) != 2 * ID_LEN)
		abort();
	(void)conf_bool(&flag, key, value);
	(void)conf_size(&number, key, value);
	(void)net_address_parse(&address, value);
	(void)name_check(value);
}

static dske_rc take(void *context, const char *section, const char *name, const char *key, const char *value)
{
	size_t *lengths = context;

	*lengths += strlen(section) + strlen(name) + strlen(key) + strlen(value);
	read_value(key, value);
	return DSKE_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	AUTO(fd) file = {memfd_create("fuzz", MFD_CLOEXEC)};
	char path[64];
	size_t lengths = 0;

	if (file.n < 0 || !rc_ok(file_pwrite(file.n, data, len, 0)))
		abort();
	snprintf(path, sizeof path, "/proc/self/fd/%d", file.n);
	(void)conf_read(path, take, &lengths);
	return 0;
}
