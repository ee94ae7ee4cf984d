/* SPDX-License-Identifier: Apache-2.0
 *
 * Windows with functions in C on one subtask: Flink's WindowOperator, as a keyed function of our own (op_function.h), whose state and timers
 * are those of every function.
 *
 *     row ──▶ its windows ──▶ entry of (key, window): contents, trigger's state, window's state ──▶ trigger ──▶ fire, purge
 *     timer of (key, window) ──▶ trigger ──▶ fire, purge; at the window's end by lateness: all of it goes
 *
 *     entry      | head | trigger's state | window's state | accumulator, or the row so far as bytes |
 *     rows       with an evictor, or a function that wants all rows (run_window_rows.c)
 *     sessions   of a key: | start | end | id | ..
 *
 * A window is a namespace of the key: entries, rows and timers have the key with 16 bytes behind it, [start, end) or the id of
 * a session's contents (so that a session that grows does not move them). An entry that holds nothing is not kept.
 *
 * Windows that all keys share (tumbling, sliding) with their own trigger need no timers of keys: there is one for each window and key
 * group, at which the group's entries are looked through (run_window_group.c). Rows come to them by batch. Where keys are whole numbers,
 * tumbling windows have one entry of each key in a table of its own, whose look-ups are cheaper (run_window_slot.c).
 */
#ifndef TR_API_RUN_WINDOW_H
#define TR_API_RUN_WINDOW_H

#include "api/run_context.h"
#include "api/run_fold.h"
#include "state/timer_state.h"
#include "tailrace/join.h"

#define TR_RUN_WINDOW_BYTES 16 /* behind a key */
#define TR_RUN_WINDOW_KEY_MAX (TR_TIMER_KEY_BYTES_MAX - TR_RUN_WINDOW_BYTES)
#define TR_RUN_WINDOW_STATE_MAX 4096 /* of a trigger, of a window */

enum tr_run_contents { TR_RUN_ACCUMULATOR, TR_RUN_FOLDED, TR_RUN_ALL_ROWS };

/** The plan of a window operator. */
struct tr_run_window {
	struct tr_run_function f; /* first */
	struct tr_windows windows;
	struct tr_window_function function;
	struct tr_co_group_function co_group; /* of two inputs, instead */
	tr_join_fn join;                      /* likewise */
	struct tr_trigger trigger;
	struct tr_evictor evictor;
	bool has_evictor;
	bool is_event_time;
	bool is_merging;
	bool is_grouped; /* one timer for each window and key group */
	bool has_alarms; /* one timer for each session (run_window_session.c) */
	enum tr_run_contents contents;
	int64_t lateness_ms;
	const char *late_tag;
	uint32_t state_at;    /* of the window, in an entry */
	uint32_t contents_at; /* the end of an entry's part of fixed size, but for an accumulator */
	uint32_t entry_bytes; /* with the accumulator */
};

struct tr_run_entry {
	uint32_t chunks;           /* of rows */
	uint32_t chunk_bytes : 31; /* of the last one */
	uint32_t has_contents : 1;
	char trigger_state[];
};

/** A window of a key. */
struct tr_run_place {
	struct tr_window window;
	struct tr_table_key entry;                             /* key and namespace, in `bytes` */
	char bytes[TR_TIMER_KEY_BYTES_MAX + sizeof(uint32_t)]; /* behind them the number of a chunk of rows */
};

struct tr_run_session {
	struct tr_window window;
	uint64_t id;
	int64_t alarm_ms; /* with has_alarms: its timer that comes next */
};

/** Rows of a window. */
struct tr_run_side {
	struct tr_batch_buffer *batch;
	uint32_t count, room;
	int64_t *times;
	size_t *places; /* in w->scratch */
	bool *is_evicted;
};

struct tr_run_windows {
	struct tr_context *context;
	const struct tr_run_window *plan;
	struct tr_table *entries;
	struct tr_table *slots;    /* entries of one window of each key; NULL: there are none */
	struct tr_table *rows;     /* ALL_ROWS */
	struct tr_table *sessions; /* merging */
	struct tr_run_fold fold;
	struct tr_collector *late; /* side output; NULL: late rows are dropped */
	/* Of the callback at hand: */
	struct tr_collector *out;
	struct tr_status *st;
	void *window_state;
	struct tr_run_place place;
	uint64_t *zeros; /* a trigger's state where there is no entry */
	struct tr_bytes scratch;
	struct tr_run_side sides[TR_RUN_INPUTS_MAX]; /* all rows of a window, by input */
	uint32_t *kept;
	void *accumulator; /* of an aggregate behind an evictor */
	/* Sessions of the key at hand: */
	struct tr_run_session *session_list;
	uint32_t session_count, session_room;
	struct tr_table_value session_value; /* where they were read */
	/* Of a batch: */
	struct tr_table_key *keys;
	struct tr_table_value *values;
	uint32_t room;
	/* Grouped: */
	struct tr_run_window_groups *groups;
};

static inline int64_t tr_run_window_cleanup(const struct tr_run_window *plan, const struct tr_window *window)
{
	int64_t time_ms;

	if (!plan->is_event_time)
		return tr_window_last(window);
	return __builtin_add_overflow(tr_window_last(window), plan->lateness_ms, &time_ms) ? INT64_MAX : time_ms;
}

/** Whether the window has gone by the watermark that the row at hand came behind: so what is late does not depend on how many readers
 * there are, though the window may not have fired yet. A session has gone when it is gone: it can still grow. */
static inline bool tr_run_window_is_late(const struct tr_run_windows *w, const struct tr_window *window)
{
	return w->plan->is_event_time &&
	       tr_run_window_cleanup(w->plan, window) <= (w->plan->windows.kind == TR_WINDOWS_SESSION
								  ? w->context->watermark_ms
								  : w->context->row_watermark_ms);
}

/** Start of the window of this size that a time is in. */
static inline int64_t tr_run_window_start(int64_t time_ms, int64_t offset_ms, int64_t size_ms)
{
	const int64_t remainder = (time_ms - offset_ms) % size_ms;

	return time_ms - (remainder < 0 ? remainder + size_ms : remainder);
}

/* run_window.c */

extern const struct tr_function tr_run_window_callbacks;

/** A window of the current key; of a session `id` is that of its contents. */
void tr_run_place_set(struct tr_run_place *place, const struct tr_table_key *key, const struct tr_window *window);
void tr_run_place_set_session(struct tr_run_place *place, const struct tr_table_key *key,
			      const struct tr_run_session *session);

/** The entry, for changing; NULL: there is none. It holds until the entries are used again. */
struct tr_run_entry *tr_run_window_entry(struct tr_run_windows *w, const struct tr_run_place *place);

/** A row comes into a window that is not late. `is_changed`: the session is new or another one. */
tr_code tr_run_window_add(struct tr_run_windows *w, struct tr_run_place *place, const struct tr_row *row,
			  bool is_changed) TR_MUST_USE;

/** What a trigger has answered is done. */
tr_code tr_run_window_act(struct tr_run_windows *w, struct tr_run_place *place,
			  enum tr_trigger_result result) TR_MUST_USE;

/** The window's time is over: its state goes, but for that of the session. */
tr_code tr_run_window_end(struct tr_run_windows *w, struct tr_run_place *place) TR_MUST_USE;

/** The row goes where late rows go. */
void tr_run_window_late_row(struct tr_run_windows *w, const struct tr_row *row);

/** Windows other than sessions, of the row at hand. */
tr_code tr_run_window_take_row(struct tr_run_windows *w, const struct tr_row *row, int64_t time_ms) TR_MUST_USE;

/* run_trigger.c */

/** What a trigger is called with. */
struct tr_run_trigger_call {
	struct tr_trigger_call call; /* first */
	struct tr_run_windows *windows;
	struct tr_table_key key; /* with the window */
	char bytes[TR_TIMER_KEY_BYTES_MAX];
};

/** Whether it is one of ours with a count or an interval, which is none. */
bool tr_run_trigger_lacks_number(const struct tr_trigger *trigger);

/** Whether it is the one that such windows have by themselves, purging or not. */
bool tr_run_trigger_is_plain(const struct tr_trigger *trigger, bool is_event_time);

/** `key` is without the window. */
void tr_run_trigger_call_init(struct tr_run_trigger_call *call, struct tr_run_windows *w,
			      const struct tr_table_key *key, const struct tr_window *window, void *state);

/* run_window_contents.c */

/** Adds a row; *entry is that of the place, made if it was not there. */
tr_code tr_run_contents_add(struct tr_run_windows *w, const struct tr_run_place *place, const struct tr_row *row,
			    struct tr_run_entry **entry, bool *is_new) TR_MUST_USE;
/** Calls the window function for an entry that has contents. */
tr_code tr_run_contents_show(struct tr_run_windows *w, const struct tr_run_place *place,
			     struct tr_run_entry *entry) TR_MUST_USE;
/** The same if there is an entry with contents. */
tr_code tr_run_contents_emit(struct tr_run_windows *w, const struct tr_run_place *place) TR_MUST_USE;
/** Forgets the contents; the entry too, if nothing else is in it. */
void tr_run_contents_purge(struct tr_run_windows *w, const struct tr_run_place *place);
/** Forgets contents and entry. */
void tr_run_contents_drop(struct tr_run_windows *w, const struct tr_run_place *place);
/** The contents of `from` go to `into`, and its entry goes. */
tr_code tr_run_contents_merge(struct tr_run_windows *w, const struct tr_run_place *into,
			      const struct tr_run_place *from) TR_MUST_USE;

/* run_window_rows.c */

/** Adds the row at hand. `entry` is that of the place, and stays where it is. */
tr_code tr_run_rows_add(struct tr_run_windows *w, const struct tr_run_place *place, struct tr_run_entry *entry,
			const struct tr_row *row) TR_MUST_USE;
/** All rows of the window to w->sides, in the order in which they were added; their bytes are in w->scratch. */
void tr_run_rows_read(struct tr_run_windows *w, const struct tr_run_place *place, const struct tr_run_entry *entry);
/** After that: only the rows that are not evicted stay. */
void tr_run_rows_keep(struct tr_run_windows *w, const struct tr_run_place *place);
void tr_run_rows_clear(struct tr_run_windows *w, const struct tr_run_place *place, struct tr_run_entry *entry);
/** Those of `from` behind those of `into`. */
void tr_run_rows_move(struct tr_run_windows *w, const struct tr_run_place *into, const struct tr_run_place *from);
/** Room for so many rows of an input. */
void tr_run_rows_make_room(struct tr_run_windows *w, uint32_t side, uint32_t rows);

/* run_window_session.c */

tr_code tr_run_session_take_row(struct tr_run_windows *w, const struct tr_row *row, int64_t time_ms) TR_MUST_USE;
/** The place of a session that there is; false: there is none of this window. */
bool tr_run_session_find(struct tr_run_windows *w, const struct tr_table_key *key, const struct tr_window *window,
			 struct tr_run_place *place);
/** The timer of a session, by the bytes of its key. */
tr_code tr_run_session_alarm(struct tr_run_windows *w, const struct tr_table_key *key, int64_t time_ms) TR_MUST_USE;
void tr_run_session_end(struct tr_run_windows *w, const struct tr_table_key *key, const struct tr_window *window);

/* run_window_slot.c */

/** An entry that lies in w->slots, with its window. */
struct tr_run_slot {
	uint64_t window; /* how long after the least time it begins; 0: the slot is free */
	struct tr_run_entry entry;
};

static inline bool tr_run_slot_has(const struct tr_run_slot *slot, int64_t start_ms)
{
	return slot->window == (uint64_t)start_ms - (uint64_t)INT64_MIN;
}

/** Bytes of a slot; 0: these windows have none. */
uint32_t tr_run_slot_bytes(const struct tr_run_windows *w);
/** The entry of a place, for changing; NULL: it is in no slot. With `is_wanted` a slot that is free is taken for it, if there is one. */
struct tr_run_entry *tr_run_slot_entry(struct tr_run_windows *w, const struct tr_run_place *place, bool is_wanted,
				       bool *is_new);
/** Makes a free slot that of a place; what there is in w->entries comes along. True: there was nothing. */
bool tr_run_slot_take(struct tr_run_windows *w, struct tr_run_slot *slot, const struct tr_table_key *key,
		      const struct tr_window *window);
/** Frees the slot of a place; false: it has none. */
bool tr_run_slot_drop(struct tr_run_windows *w, const struct tr_run_place *place);

/* run_window_group.c */

struct tr_run_window_groups *tr_run_window_groups_create(const struct tr_run_windows *w);
void tr_run_window_groups_destroy(struct tr_run_window_groups **groups);
/** There is a new entry of this window. */
void tr_run_window_groups_add(struct tr_run_windows *w, const struct tr_table_key *key, const struct tr_window *window);
/** A timer of a group, with the bytes that tr_run_window_groups_add gave it. */
tr_code tr_run_window_groups_fire(struct tr_run_windows *w, const char *bytes, int64_t time_ms) TR_MUST_USE;
/** A batch of rows to accumulators. */
tr_code tr_run_window_groups_take(struct tr_run_windows *w, const struct tr_batch *batch) TR_MUST_USE;

#endif
