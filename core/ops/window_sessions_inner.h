/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of window_sessions.h share.
 */
#ifndef TR_CORE_OPS_WINDOW_SESSIONS_INNER_H
#define TR_CORE_OPS_WINDOW_SESSIONS_INNER_H

#include "base/check.h"
#include "core/ops/window_codec.h"
#include "core/ops/window_due.h"
#include "core/ops/window_sessions.h"

#define TR_SESSION_NONE UINT32_MAX
#define TR_SESSION_DUE_BYTES 8    /* at the begin of a value */
#define TR_SESSION_TIMES_BYTES 16 /* at the begin of a session */
#define TR_SESSION_HEAD_BYTES 20  /* with the length of the entry, if the layout owns memory */

/** A session that a call of take looks at. */
struct tr_session_view {
	int64_t start, end; /* start of the last row + gap */
	uint32_t key;       /* number */
	uint32_t next;      /* that of the same key with the next lower end; NONE */
	uint32_t place;     /* in the value */
	bool is_changed;
	const char *encoded; /* its entry in the value, if the layout owns memory; NULL: new */
	uint32_t encoded_bytes;
	char *entry;
};

/** A key of a call. */
struct tr_session_key {
	uint64_t hash;
	uint32_t last;   /* the session with the greatest end; NONE */
	uint32_t stored; /* sessions in the value */
	uint32_t added;  /* by this call */
	uint32_t count;  /* of them all, those that were joined into others left out */
	bool is_changed;
};

struct tr_session_pair {
	uint32_t target, source; /* joined into it */
};

struct tr_sessions_take {
	bool is_begun; /* the keys have been made, and are being found */
	/* By row: */
	uint32_t *offsets, *numbers, *ids, *entered;
	uint64_t *hashes;
	char **entries;
	/* By key: */
	uint32_t count;
	struct tr_bytes bytes;
	uint32_t *places; /* key number plus one, by hash */
	struct tr_table_key *keys;
	struct tr_table_value *values;
	struct tr_session_key *states;
	/* Of keys that change: */
	uint32_t changed_count;
	uint32_t *changed;
	struct tr_table_key *changed_keys;
	struct tr_table_value *changed_values;
	/* Of those whose values get another length: */
	uint32_t *sized;
	struct tr_table_key *sized_keys;
	struct tr_table_value *sized_values;
	/* Sessions of all keys: */
	struct tr_session_view *sessions;
	uint32_t session_count, session_room;
	struct tr_session_pair *pairs;
	uint32_t pair_count, pair_room;
	struct tr_bytes built; /* values */
	/* Owning layouts: entries in memory */
	char *memory;
	char **decoded;
	const char **encoded;
	size_t *ends;
	uint32_t decoded_room;
	struct tr_bytes written;
};

struct tr_session_fired {
	int64_t start, end;
	uint32_t key;   /* number in `taken` */
	uint32_t entry; /* number */
};

struct tr_sessions_fire {
	struct tr_window_taken taken;
	bool is_taken; /* and not yet found */
	struct tr_table_value *values;
	uint32_t changed_count, gone_count;
	struct tr_table_key *changed_keys, *gone;
	struct tr_table_value *changed_values;
	struct tr_bytes rest; /* values of keys that go on */
	/* What fires, in order; those before `at` are out: */
	struct tr_session_fired *fired;
	uint32_t count, room, at;
	const char **from; /* entries in values */
	char *memory;      /* entries */
	uint32_t entry_room;
	char **entries; /* scratch */
};

struct tr_sessions_save {
	struct tr_state_writer writer; /* what the table writes comes here. First */
	struct tr_window_sessions *sessions;
	struct tr_state_writer *target;
	struct tr_batch_buffer *image;
	uint32_t rows; /* in it */
	size_t bytes;  /* of their keys and entries */
	/* Since the barrier: */
	size_t bytes_before; /* that the operator had put */
	uint64_t taken;      /* bytes of the table's records */
};

struct tr_window_sessions {
	struct tr_window_op *w;
	struct tr_table *table;
	struct tr_window_codec codec;
	struct tr_window_due due;
	uint32_t session_bytes; /* of a session in a value; 0: the layout owns memory */
	size_t limit;           /* of memory; 0: none */
	size_t other_bytes;
	struct tr_sessions_take take;
	struct tr_sessions_fire fire;
	struct tr_sessions_save save;
};

/** Reads the session at `at`; returns where the next one begins. */
static inline const char *tr_session_read(const struct tr_window_sessions *s, const char *at, int64_t *start,
					  int64_t *end, const char **entry, uint32_t *entry_bytes)
{
	memcpy(start, at, 8);
	memcpy(end, at + 8, 8);
	if (s->session_bytes != 0) {
		*entry = at + TR_SESSION_TIMES_BYTES;
		*entry_bytes = s->session_bytes - TR_SESSION_TIMES_BYTES;
	} else {
		memcpy(entry_bytes, at + TR_SESSION_TIMES_BYTES, 4);
		*entry = at + TR_SESSION_HEAD_BYTES;
	}
	return *entry + *entry_bytes;
}

/** Why a call of the table has failed, for the engine. */
static inline enum tr_flow tr_sessions_failed(struct tr_window_sessions *s, enum tr_flow flow)
{
	if (flow == TR_FLOW_FAILED)
		s->w->op.context->status = *tr_table_status(s->table);
	return flow;
}

/** Before keys are looked for: tells the table what it may take. */
void tr_sessions_share_memory(struct tr_window_sessions *s);

void tr_sessions_fire_init(struct tr_window_sessions *s);
void tr_sessions_fire_deinit(struct tr_window_sessions *s);
void tr_sessions_save_init(struct tr_window_sessions *s);

#endif
