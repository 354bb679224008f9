/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cheap-passphrase: what makes dske-cheap quick.  The product's own dske, linked with --wrap so that the passphrase of a
 * PSKM that it makes costs next to nothing to try.  A scene has up to forty of them, of which the product's takes a
 * fifth of a second at either end.  The cost stands in the container, so that whoever imports it goes by it.
 */
#include "config.h"

#include "pskm/container-impl.h"

dske_rc __real_head_make(struct container_head *head, const struct pskm_header *h, const struct kdf_cost *cost,
			 const struct pskm_source *fresh, char passphrase[PASSPHRASE_TEXT_MAX], struct secret *content_key);
dske_rc __wrap_head_make(struct container_head *head, const struct pskm_header *h, const struct kdf_cost *cost,
			 const struct pskm_source *fresh, char passphrase[PASSPHRASE_TEXT_MAX], struct secret *content_key);

dske_rc __wrap_head_make(struct container_head *head, const struct pskm_header *h, const struct kdf_cost *cost,
			 const struct pskm_source *fresh, char passphrase[PASSPHRASE_TEXT_MAX], struct secret *content_key)
{
	static const struct kdf_cost cheap = {.passes = 1, .memory_kib = 8, .lanes = 1};

	(void)cost;
	return __real_head_make(head, h, &cheap, fresh, passphrase, content_key);
}
