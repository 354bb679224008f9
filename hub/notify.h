/* SPDX-License-Identifier: Apache-2.0 */
/* hub/notify.h - what systemd is told (sd_notify(3)), where there is one. */
#ifndef DSKE_HUB_NOTIFY_H
#define DSKE_HUB_NOTIFY_H

void notify_ready(void);
void notify_stopping(void);

#endif
