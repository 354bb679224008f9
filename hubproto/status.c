/* SPDX-License-Identifier: Apache-2.0 */
#include "hubproto/status.h"

#include <stddef.h>

const char *status_text(unsigned status)
{
	static const char *const texts[] = {
#define X(number, name, text) [number] = text,
		DSKE_STATUS_LIST(X)
#undef X
	};
	return status < sizeof(texts) / sizeof(texts[0]) && texts[status] ? texts[status] : "unknown status";
}

const char *note_text(unsigned note)
{
	static const char *const texts[] = {
#define X(number, name, text) [number] = text,
		DSKE_NOTE_LIST(X)
#undef X
	};
	return note < sizeof(texts) / sizeof(texts[0]) && texts[note] ? texts[note] : "unknown note";
}
