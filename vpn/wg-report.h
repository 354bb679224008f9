/* SPDX-License-Identifier: Apache-2.0 */
/* vpn/wg-report.h - what dske-wg tells of itself, as JSON. */
#ifndef DSKE_VPN_WG_REPORT_H
#define DSKE_VPN_WG_REPORT_H

#include <jansson.h>

#include "vpn/wg-conf.h"
#include "vpn/wg-link.h"

/* links: one for each of conf->links.  The caller's, for json_decref; NULL when there is no memory. */
json_t *wg_report_make(const struct wg_conf *conf, struct wg_link *const *links);

#endif
