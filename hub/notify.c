/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "hub/notify.h"

#ifdef HAVE_SYSTEMD
#include <systemd/sd-daemon.h>

static void notify(const char *state)
{
	(void)sd_notify(0, state);
}
#else
static void notify(const char *state)
{
	(void)state;
}
#endif

void notify_ready(void)
{
	notify("READY=1");
}

void notify_stopping(void)
{
	notify("STOPPING=1");
}
