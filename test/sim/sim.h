/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test/sim/sim.h - a whole network in one process, with its own clock, drawn from one number.
 *
 * Real: dealing, terms, frames and their tags, messages, used ranges, the receiver and its search.  Modelled after
 * doc/protocol.md, sections 7 to 9, since the programs' own hub and clients are tied to sockets, files and a
 * database: tables without leases, what a hub does with a frame, resending.  One session is one agreement.
 */
#ifndef DSKE_TEST_SIM_SIM_H
#define DSKE_TEST_SIM_SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/agree.h"
#include "core/pad.h"
#include "core/ranges.h"
#include "hubproto/frame.h"
#include "hubproto/msg.h"
#include "test/core/seeded.h"

#define SIM_HUBS 9
#define SIM_KEY_MAX 48
#define SIM_SHARE_MAX (KEY_TAG_KEY_LEN + SIM_KEY_MAX)
#define SIM_REGION ((PAD_KEYS_LEN + SIM_SHARE_MAX) * 4) /* bytes of a region: four messages */
#define SIM_FRAME_MAX 1024
#define SIM_EVENTS 512
#define SIM_ARENA ((size_t)1 << 20) /* frames and terms of a session; damaged copies may take half of it */
#define SIM_DEADLINE 1000 /* ms */
#define SIM_RESEND 220

enum sim_conduct { /* of a hub */
	HUB_HONEST,
	HUB_CRASHES, /* is away for a while, or for good; honest otherwise */
	HUB_SILENT,  /* accepts, and delivers nothing: from here on they are corrupt */
	HUB_LIES,
	HUB_SHIFTS,
	HUB_FORGES, /* with others; or lies, if they are too few */
	HUB_EQUIVOCATES,
	HUB_RETELLS, /* other terms than it was told */
	HUB_CONDUCTS
};

enum sim_dealer { /* conduct of the initiator */
	DEALER_HONEST,
	DEALER_INCONSISTENT, /* some shares are not of its polynomial */
	DEALER_TWO_TONGUED,  /* tells some hubs other terms */
	DEALER_OVERLAPS,     /* tags two messages with one range */
	DEALER_PRETENDS,     /* names another initiator */
	DEALER_CONDUCTS
};

/* One region of a table: both ends have the bytes, the one that sends allocates. */
struct sim_region {
	uint8_t bytes[SIM_REGION];
	uint64_t cursor;     /* of the sender; durable */
	struct ranges taken; /* by the other end; durable */
};

struct sim_hub {
	enum sim_conduct conduct;
	int away_from, away_until;
	struct sim_region up, down; /* with the initiator, with the receiver */
	bool accepted, refused;
	uint8_t digest[FRAME_DIGEST_LEN]; /* of the SHARE that was answered */
	const uint8_t *answer;            /* frames live in the arena */
	size_t answer_len;
	struct terms *terms; /* as told */
	uint8_t share[SIM_SHARE_MAX];
	const uint8_t *sealed; /* INSTRUCTION; memory, lost by a crash */
	size_t sealed_len;
	bool receipted;
	/* at the initiator */
	const uint8_t *sent;
	size_t sent_len;
	uint64_t sent_at;
	bool replied;
	/* at the receiver */
	bool delivered; /* the honest share arrived and was taken */
};

enum sim_address { TO_HUB_UP, TO_INITIATOR, TO_RECEIVER, TO_HUB_DOWN, TIMER_INITIATOR, TIMER_HUB };

struct sim_event {
	int time;
	enum sim_address to;
	uint8_t hub;
	const uint8_t *item; /* without its length */
	size_t len;
};

struct sim {
	uint64_t number;
	struct seeded seed;
	int now;
	int loss, copies, damage, replays; /* of 100 */
	struct terms terms;
	struct deal deal;
	enum sim_dealer dealer;
	enum deal_verdict verdict;
	struct sim_hub hub[SIM_HUBS];
	uint8_t k_b, corrupt;
	uint8_t forged[SIM_HUBS][SIM_SHARE_MAX], shift[SIM_SHARE_MAX];
	struct terms *forged_terms; /* NULL: they are too few */
	struct receiver *receiver;
	struct secret key; /* the receiver's */
	bool is_late; /* the receiver looks at its shares at the end alone */
	int receiver_rc;
	bool alarm;
	size_t event_count;
	struct sim_event event[SIM_EVENTS];
	size_t arena_len;
	uint8_t *arena;
	const char *broken; /* the first thing that must not be */
};

/* What a session came to. */
enum sim_tally {
	TALLY_AGREED,
	TALLY_RECEIVER_ALONE,  /* replies were lost */
	TALLY_INITIATOR_ALONE, /* shares were */
	TALLY_TOO_FEW,
	TALLY_NO_CANDIDATE,
	TALLY_CONFLICT,
	TALLY_INJECTED, /* k_B corrupt hubs or more */
	TALLY_DEALER_KEY,
	TALLY_DEALER_NOTHING,
	TALLY_ALARM, /* besides: a second key came after the first */
	TALLY_COUNT
};
extern const char *const sim_tally_name[TALLY_COUNT];

extern bool sim_ignores_tags; /* a fault, to see that it is found */

/* One session; counts it.  False if something happened that must not: *why says what. */
bool sim_session(uint64_t number, uint64_t tally[TALLY_COUNT], const char **why);

/* ---- parts ---------------------------------------------------------------------------------------------- */

void sim_break(struct sim *s, const char *what);
bool sim_chance(struct sim *s, int of_100);
bool sim_is_corrupt(const struct sim_hub *h);

/* Room for a frame, or for terms. */
void *sim_keep(struct sim *s, const void *bytes, size_t len);

/* Hands a frame (with its length) to the link, which loses, doubles, damages, delays and replays. */
void sim_send(struct sim *s, enum sim_address to, uint8_t hub, const uint8_t *frame, size_t len);
void sim_timer(struct sim *s, enum sim_address which, uint8_t hub, int time);
bool sim_next(struct sim *s, struct sim_event *e);

/* Takes bytes of a region to send with, for ever. */
uint64_t sim_allocate(struct sim *s, struct sim_region *r, size_t len);

/* Is this a frame of that type on an unused range of the region, authentic?  Then the range is taken. */
bool sim_receive(struct sim_region *r, enum message_type type, const uint8_t *item, size_t len, struct envelope *e);

void sim_initiator_start(struct sim *s);
void sim_initiator_event(struct sim *s, const struct sim_event *e);
void sim_receiver_event(struct sim *s, const struct sim_event *e);
void sim_receiver_end(struct sim *s);
void sim_hub_event(struct sim *s, const struct sim_event *e);

#endif
