/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "vpn/wg-device.h"

void wg_state_drop(struct wg_state *s)
{
	secret_drop(&s->psk);
	*s = (struct wg_state){0};
}

static dske_rc backend_of(const struct wg_peer *p, const struct wg_backend **b)
{
	static const struct wg_backend *const all[] = {&wg_user, &wg_kernel};
	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
		*b = all[i];
		if (all[i]->has(p->interface))
			return DSKE_OK;
	}
	return FAIL(NOT_FOUND, "there is no WireGuard interface %s", p->interface);
}

dske_rc wg_look(const struct wg_peer *p, struct wg_state *s)
{
	const struct wg_backend *b;
	TRY(backend_of(p, &b));
	TRY(secret_alloc(&s->psk, WG_KEY_LEN));
	return b->look(p, s);
}

dske_rc wg_set(const struct wg_peer *p, const struct secret *psk)
{
	const struct wg_backend *b;
	TRY(backend_of(p, &b));
	return b->set(p, psk);
}
