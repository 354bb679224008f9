/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test/sim/sim.h - a whole network in one process, with its own clock, drawn from one number.
 *
 * Real: dealing, terms, frames and their tags, messages, used ranges, the receiver and its search, the confirmation
 * round's arithmetic and counting, the adapted scheme's two ends and the frames of their link.  Modelled after
 * doc/protocol.md, sections 7 to 9, since the programs' own hub and clients are tied to sockets, files and a
 * database: tables without leases, what a hub does with a frame, resending.  One session is one agreement: of a pair,
 * of a group, of a group that confirms, or by the adapted scheme.
 */
#ifndef DSKE_TEST_SIM_SIM_H
#define DSKE_TEST_SIM_SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/adapted.h"
#include "core/agree.h"
#include "core/confirm.h"
#include "core/pad.h"
#include "core/ranges.h"
#include "hubproto/direct.h"
#include "hubproto/frame.h"
#include "hubproto/msg.h"
#include "test/core/seeded.h"

#define SIM_HUBS 9
#define SIM_KEY_MAX 48
#define SIM_SHARE_MAX (KEY_TAG_KEY_LEN + ADAPTED_MATERIAL_LEN(SIM_HUBS))
#define SIM_PART 8 /* bytes of S that tell keys apart here */
#define SIM_REGION_MAX 2048 /* bytes */
#define SIM_FRAME_MAX 2048
#define SIM_EVENTS 16384
#define SIM_ARENA ((size_t)16 << 20) /* tables, frames and terms of a session; damaged copies may take half of it */
#define SIM_RESEND 220 /* ms */
#define SIM_DELAY_MAX 150 /* ms: what was sent later may come first */
#define SIM_PATIENCE 400  /* of a MUSTER */

enum sim_kind { KIND_PAIR, KIND_GROUP, KIND_CONFIRMED, KIND_ADAPTED, KINDS };

enum sim_conduct { /* of a hub */
	HUB_HONEST,
	HUB_CRASHES, /* is away for a while, or for good; honest otherwise */
	HUB_SILENT,  /* accepts, and delivers nothing: from here on they are corrupt */
	HUB_LIES,
	HUB_SHIFTS,
	HUB_FORGES, /* with others; or lies, if they are too few */
	HUB_EQUIVOCATES,
	HUB_RETELLS, /* other terms than it was told */
	HUB_LEAGUE   /* with a member of the group, which it helps to split */
};

enum sim_dealer { /* conduct of the initiator; of a pair alone */
	DEALER_HONEST,
	DEALER_INCONSISTENT, /* some shares are not of its polynomial */
	DEALER_TWO_TONGUED,  /* tells some hubs other terms */
	DEALER_OVERLAPS,     /* tags two messages with one range */
	DEALER_PRETENDS,     /* names another initiator */
	DEALER_CONDUCTS
};

enum sim_path { PATH_GOOD, PATH_LOSSY, PATH_LIES, PATH_DOWN, PATHS }; /* the direct link of the adapted scheme */

/* One region of a table: both ends have the bytes, the one that sends allocates. */
struct sim_region {
	uint8_t *bytes;
	size_t size;
	uint64_t cursor;     /* of the sender; durable */
	uint64_t sealed;     /* no honest sender tags a message below */
	uint64_t seen[SIM_REGION_MAX / 64]; /* a bit for each byte taken by the other end: what `taken` is held against */
	struct ranges taken; /* by the other end; durable */
};

struct sim_frame {
	const uint8_t *bytes; /* in the arena */
	size_t len;
};

/* One agreement at one hub. */
struct sim_post {
	bool accepted;
	uint8_t digest[FRAME_DIGEST_LEN]; /* of the SHARE that was answered */
	struct sim_frame answer;
	struct terms *terms; /* as told */
	uint8_t share[SIM_SHARE_MAX];
	/* at the initiator */
	struct sim_frame sent;
	uint64_t sent_at;
	bool is_sent, replied, agreed;
};

/* One agreement on its way from one hub to one member. */
struct sim_delivery {
	struct sim_frame sealed; /* INSTRUCTION; memory, lost by a crash */
	bool receipted;
	/* at the member */
	bool is_in; /* of this name, and taken */
	uint64_t at;
	uint32_t length; /* of the INSTRUCTION's range */
};

#define SIM_AGREEMENTS 3 /* the adapted scheme's first pass, second pass and fallback; of the others the first alone   \
			  */
enum { FIRST, SECOND, FALLBACK };

struct sim_agreement {
	struct terms terms;
	struct deal deal;
	enum deal_verdict verdict;
	struct terms *forged_terms; /* NULL: they are too few */
	struct sim_post post[SIM_HUBS];
	uint8_t forged[SIM_HUBS][SIM_SHARE_MAX];
};

/* What a receiver makes of one agreement. */
struct sim_taking {
	struct receiver *receiver;
	struct secret key;
	uint8_t mask[CONFIRM_MASK_LEN];
	unsigned came, is_true; /* by hub: shares under the initiator's terms, and such as they were dealt */
	uint8_t on_true;        /* how many of these */
	uint8_t part[SIM_HUBS][SIM_PART];
	int rc;
	bool alarm;
};

/* A member's confirmation round with one hub. */
struct sim_saying {
	struct sim_frame ready; /* at the member */
	uint64_t at;
	bool has_answered;
	bool asks; /* at the hub: READY came */
	struct sim_frame word;
};

struct sim_member {
	int begins; /* ms: when it comes and fetches */
	bool is_late; /* looks at its shares at the end alone */
	bool is_traitor, is_victim, is_mute; /* mute: it never says that it is ready */
	struct sim_region *down[SIM_HUBS], *up[SIM_HUBS];
	struct sim_taking taking[SIM_AGREEMENTS];
	struct sim_delivery delivery[SIM_AGREEMENTS][SIM_HUBS];
	struct sim_saying saying[SIM_HUBS];
	struct ballot *ballot;
	bool vowed, confirmed, told; /* told: that its key is not the initiator's */
};

struct sim_hub {
	enum sim_conduct conduct;
	int away_from, away_until;
	struct sim_region *up; /* with the initiator */
	/* the confirmation round */
	struct receiver_set ready;
	bool attested, musters;
	struct confirmation said;
	uint64_t muster_at, answered_at;
	struct sim_frame round_answer;
};

/* The initiator's side of the confirmation round. */
struct sim_round {
	bool begun, drawn, done;
	struct confirmation said;
	struct muster muster;
	size_t taken;
	struct {
		enum message_type type; /* 0: nothing is asked */
		struct sim_frame sent;
		uint64_t at;
		int time;
		bool is_over;
	} post[SIM_HUBS];
};

/* The league of a member and hubs: another Y_0 under the same key tag. */
struct sim_league {
	bool exists, presses; /* presses: it keeps honest shares from its victims, too */
	bool is_used[SIM_HUBS]; /* honest hubs whose shares its polynomial goes through */
	uint8_t size;
	uint8_t share[SIM_HUBS][SIM_SHARE_MAX], y0[SIM_SHARE_MAX];
	struct confirmation lie; /* holds for its key */
};

struct sim_alice {
	int until; /* 0: the first pass is not done */
	bool second, has_fallen, is_over, done;
	unsigned bad;
	struct adapted state;
	struct adapted_list list;
	struct sim_frame answer; /* LIST */
};

struct sim_bob {
	bool has_material, gone, vowed;
	int restart_at, enough_at;
	struct terms expected;
	struct adapted state;
	const uint8_t *share[SIM_HUBS]; /* in the arena */
	uint8_t share_count;
	struct sim_frame tags, done;
	struct tag said; /* of the TAGS that was sent: there is one */
	struct secret key;
};

enum sim_address { TO_HUB_UP, TO_INITIATOR, TO_RECEIVER, TO_HUB_DOWN, TO_ALICE, TO_BOB,
		   TIMER_INITIATOR, TIMER_HUB, TIMER_ROUND, TIMER_MUSTER, TIMER_MEMBER, TIMER_ALICE, TIMER_BOB };

struct sim_event {
	int time;
	uint32_t order;
	enum sim_address to;
	uint8_t hub, member, agreement;
	const uint8_t *item; /* without its length */
	size_t len;
};

struct sim {
	uint64_t number;
	enum sim_kind kind;
	struct seeded seed;
	int now, deadline, expiry; /* ms */
	int loss, copies, damage, replays; /* of 100 */
	enum sim_path path;
	enum sim_dealer dealer;
	uint8_t k_b, corrupt, forgers;
	uint32_t key_len;
	uint8_t shift[SIM_SHARE_MAX];
	struct sim_hub hub[SIM_HUBS];
	struct sim_round round;
	struct sim_alice alice;
	struct sim_bob bob;
	size_t arena_len;
	uint8_t *arena;
	const char *broken; /* the first thing that must not be */
	size_t event_count;
	uint32_t event_order;
	/* not cleared from here on, but for what is in use */
	struct sim_league league;
	size_t agreements;
	struct sim_agreement agreement[SIM_AGREEMENTS];
	size_t members;
	struct sim_member member[TERMS_RECEIVERS_MAX];
	struct sim_event event[SIM_EVENTS]; /* a heap */
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
	TALLY_GROUP_ALL,
	TALLY_GROUP_SOME,
	TALLY_GROUP_NONE,
	TALLY_GROUP_SPLIT,      /* by a member and hubs in league, and nobody knows */
	TALLY_GROUP_SPLIT_SEEN, /* a member that has their key found the other one too */
	TALLY_GROUP_INJECTED,
	TALLY_CONFIRMED_ALL,
	TALLY_CONFIRMED_SOME, /* the others know that they have no key */
	TALLY_CONFIRMED_NONE,
	TALLY_CONFIRMED_FOUND,  /* a member was told that its key is another one */
	TALLY_CONFIRMED_UNSEEN, /* k hubs in league, or more */
	TALLY_ADAPTED_DIRECT,
	TALLY_ADAPTED_FALLBACK,
	TALLY_ADAPTED_BOTH_WAYS, /* DONE was lost: one of them by the link, the other by the fallback, and one key */
	TALLY_ADAPTED_ONE_END,
	TALLY_ADAPTED_NONE,
	TALLY_ADAPTED_INJECTED,
	TALLY_ALARM, /* besides: a second key came after the first */
	TALLY_COUNT
};
extern const char *const sim_tally_name[TALLY_COUNT];

/* A fault in everybody, to see that it is found. */
enum sim_fault {
	FAULT_NONE,
	FAULT_TAGS,    /* nobody looks at message tags */
	FAULT_RANGES,  /* nor whether a range is used */
	FAULT_BELIEVE, /* members believe any confirmation */
	FAULT_HASTE,   /* the initiator attests before all are ready */
	FAULT_RETAG,   /* Bob tags again after he lost what he had tagged */
	FAULT_ANEW,    /* Alice falls back to another key though Bob may have the first */
	FAULT_COUNT
};
extern enum sim_fault sim_fault;

/* One session; counts it.  False if something happened that must not: *why says what. */
bool sim_session(uint64_t number, uint64_t tally[TALLY_COUNT], const char **why);

/* ---- link.c: time, links, tables ------------------------------------------------------------------------- */

void sim_break(struct sim *s, const char *what);
bool sim_chance(struct sim *s, int of_100);
void sim_fill(struct sim *s, void *out, size_t len);

/* Room for a frame, or for terms. */
void *sim_room(struct sim *s, size_t len);
void *sim_keep(struct sim *s, const void *bytes, size_t len);

/* Hands a frame to the link, which loses, doubles, damages, delays and replays. */
void sim_send(struct sim *s, enum sim_address to, size_t hub, size_t member, struct sim_frame frame);
void sim_event_add(struct sim *s, struct sim_event e);
void sim_timer(struct sim *s, enum sim_address which, int time);
bool sim_next(struct sim *s, struct sim_event *e);

struct sim_region *sim_region_new(struct sim *s, size_t size);

/* Takes bytes of a region to send with, for ever. */
uint64_t sim_allocate(struct sim *s, struct sim_region *r, size_t len);

/* A frame on [at, at + len) of that hub's region. */
struct sim_frame sim_seal(struct sim *s, struct sim_region *r, enum message_type type, size_t hub, uint64_t at,
	size_t len, const struct buf *body);

/* Is this frame, which asks for a range, on an unused one, and authentic?  Then the range is taken. */
bool sim_take(struct sim *s, struct sim_region *r, const struct envelope *e);

/* Is it the answer to what was sent on that range? */
bool sim_is_answer(const struct sim_region *r, const struct envelope *e, uint64_t at);

/* ---- hub.c, conduct.c ------------------------------------------------------------------------------------ */

bool sim_is_corrupt(const struct sim_hub *h);
bool sim_is_away(const struct sim *s, const struct sim_hub *h);
void sim_hub_event(struct sim *s, const struct sim_event *e);

/* What a corrupt hub says instead of that. */
void sim_pervert(struct sim *s, size_t agreement, size_t hub, size_t member, struct terms *t, uint8_t *share);

/* ---- initiator.c, member.c ------------------------------------------------------------------------------- */

/* Deals and sends; y0: what to deal, or NULL. */
void sim_initiate(struct sim *s, size_t agreement, const uint8_t *y0);
void sim_send_share(struct sim *s, size_t agreement, size_t hub, uint64_t at);
const uint8_t *sim_dealt_share(const struct sim *s, size_t agreement, size_t hub);
void sim_initiator_event(struct sim *s, const struct sim_event *e);
int sim_agreement_of(const struct sim *s, const struct id *key_id); /* or -1 */

void sim_member_event(struct sim *s, const struct sim_event *e);
void sim_member_end(struct sim *s, size_t member);
void sim_receipt(struct sim *s, size_t agreement, size_t hub, size_t member, enum receipt_verdict verdict);

/* ---- group.c --------------------------------------------------------------------------------------------- */

void sim_league_draw(struct sim *s);
void sim_league_deal(struct sim *s);
bool sim_is_pressed(const struct sim *s, size_t hub, size_t member);

/* ---- foretell.c ------------------------------------------------------------------------------------------ */

bool sim_is_true_key(const struct sim *s, size_t agreement, const struct secret *key);
bool sim_is_split_key(const struct sim *s, const struct secret *key);

/* A share that the receiver took. */
void sim_share_note(const struct sim *s, struct sim_taking *g, size_t agreement, size_t hub, const struct terms *t,
		    const uint8_t *share);

/* Is what the receiver concluded what had to follow? */
void sim_foretold(struct sim *s, const struct sim_taking *g, size_t agreement, dske_rc rc, const struct secret *key);

/* ---- confirm-*.c: the confirmation round ----------------------------------------------------------------- */

void sim_round_begin(struct sim *s);
void sim_round_timer(struct sim *s);
void sim_round_frame(struct sim *s, size_t hub, const struct envelope *v);
void sim_hub_round(struct sim *s, size_t hub, size_t member, const struct envelope *v);
void sim_hub_muster_over(struct sim *s, size_t hub);
void sim_vow(struct sim *s, size_t member);
void sim_say_ready(struct sim *s, size_t hub, size_t member);
void sim_member_timer(struct sim *s, size_t member);
void sim_confirmation(struct sim *s, size_t hub, size_t member, const struct envelope *v);

/* ---- adapted-*.c ----------------------------------------------------------------------------------------- */

void sim_direct_send(
	struct sim *s, enum sim_address to, enum direct_type type, const struct buf *body, const uint8_t *key);
void sim_direct_again(struct sim *s, enum sim_address to, struct sim_frame frame);
struct sim_frame sim_direct_seal(struct sim *s, enum sim_address to, enum direct_type type, const struct buf *body,
				 const uint8_t *key);
bool sim_direct_read(const struct sim *s, const struct sim_event *e, struct direct_item *d);

void sim_alice_begin(struct sim *s);
void sim_alice_event(struct sim *s, const struct sim_event *e);
bool sim_is_alices_list(const struct sim *s, const struct direct_item *d);
bool sim_alice_key(const struct sim *s, struct secret *key);
void sim_bob_begin(struct sim *s, const struct terms *t);
void sim_bob_event(struct sim *s, const struct sim_event *e);
bool sim_bob_share(struct sim *s, size_t hub, const struct terms *t, const uint8_t *share);

/* ---- judge.c --------------------------------------------------------------------------------------------- */

void sim_judge(struct sim *s);
enum sim_tally sim_outcome(const struct sim *s);

#endif
