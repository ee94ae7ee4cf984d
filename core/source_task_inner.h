/* SPDX-License-Identifier: Apache-2.0
 *
 * Source task, the inside: what source_task.c (which runs it) and source_task_state.c (which saves and restores it) share.
 * Nobody else includes this.
 */
#ifndef TR_CORE_SOURCE_TASK_INNER_H
#define TR_CORE_SOURCE_TASK_INNER_H

#include "core/source_stamp.h"
#include "core/source_task.h"

enum tr_chunk_state { TR_CHUNK_NONE, TR_CHUNK_GUESSED, TR_CHUNK_CONFIRMED };

/** What has to happen before the entry in hand is done; each may block. */
enum tr_push_phase { TR_PUSH_NOTHING, TR_PUSH_STATUS, TR_PUSH_ROWS, TR_PUSH_WATERMARK, TR_PUSH_RELEASE };

/** A failure that waits until the chunk's start is confirmed. */
struct tr_held_failure {
	bool is_set;
	bool is_row; /* computing a time failed: the status does not name the split yet */
	bool is_null_time;
	uint64_t row; /* of the chunk: is_null_time */
	struct tr_status status;
};

struct tr_source_task {
	struct tr_op head;
	const struct tr_source_plan *plan;
	struct tr_source_context reader_context;
	struct tr_source_reader *reader;
	struct tr_wake_set *wakes;
	struct tr_program_state *program;
	struct tr_program_state *time_program;
	struct tr_column *outputs;
	struct tr_batch batch;       /* what is pushed: computed columns */
	struct tr_row_origin origin; /* of its rows */
	/* The chunk in hand. */
	enum tr_chunk_state state;
	uint64_t split;
	uint64_t chunk;
	int64_t start;
	int64_t limit;
	int64_t end;
	bool is_decoded;   /* its last batch is in the queue */
	bool is_published; /* its carry is */
	bool is_split_end;
	uint64_t chunk_rows; /* decoded */
	struct tr_carry_slot *slot;
	struct tr_stamp stamp; /* event-time state after the last stamped row */
	uint64_t rows_before;  /* of the split, before this chunk */
	uint64_t rows_done;    /* of this chunk: pushed, or passed over because they had been pushed before a restore */
	struct tr_stamp pushed_stamp;        /* after the last pushed row */
	const struct tr_source_hand *hand;   /* NULL: this is not a restored chunk */
	uint64_t skip;                       /* rows that are still to be passed over when decoded */
	struct tr_source_counters counted;   /* of this chunk, with the pushed rows */
	struct tr_source_counters uncounted; /* counted before the restore: not to be counted again */
	struct tr_held_failure held;
	struct tr_source_entry *queue; /* TR_SOURCE_QUEUE_MAX; buffers are made when first needed */
	uint32_t queue_max;            /* of them, within TR_SOURCE_QUEUE_BYTES */
	uint32_t hurry_max;            /* of them, within TR_SOURCE_HURRY_BYTES */
	uint32_t count;
	uint32_t stamped;
	uint32_t pushed;
	enum tr_push_phase phase;
	/* The subtask's own time. */
	struct tr_stamp_others others;
	bool is_begun;
	bool is_reader_done;
	bool is_max_emitted;
	bool is_end_emitted;
	bool is_idle;
	int64_t emitted_ms; /* watermark passed to the chain */
	int64_t reached_ms; /* the same but for the end: what the rows had come to */
	int64_t now_ns;
	int64_t last_rows_ns; /* when rows came, or idleness began to count */
	int64_t timer_ns;     /* next turn of the watermark timer; INT64_MAX: none */
	int64_t awake_ns;     /* idleness was last kept off the splits that can't be read */
	bool is_held_back;    /* the source is ahead of its group */
	bool has_left;        /* its group */
	struct tr_source_counters counters;
	/* Positions. */
	struct tr_position_writer position_writer;
	struct tr_bytes items;           /* of the last barrier */
	uint64_t items_checkpoint;       /* which it was; 0: none yet */
	struct tr_source_carry *carries; /* published last, by split: all that are not finished, and some that are */
	uint32_t carry_count;
	uint32_t carry_capacity;
	struct tr_source_saved saved; /* after a restore: the carries that subtask 0 passes on */
	bool is_watermark_due;        /* restored, and not told to the chain yet */
};

/** Confirms the chunk in hand if its start is known. */
bool tr_source_task_confirm(struct tr_source_task *t);

/** The least watermark of the splits, split `but` left out (UINT64_MAX: none). */
static inline int64_t tr_source_task_least_of_others(struct tr_source_task *t, uint64_t but, bool use_current)
{
	return tr_stamp_others_least(&t->others, t->plan, but, use_current, t->now_ns);
}

/** How often idleness is kept off what can't be read. */
static inline int64_t tr_source_task_idle_share_ns(const struct tr_source_task *t)
{
	return t->plan->idle_timeout_ms * (1000000 / 4);
}

/** The subtask can't read its splits, or (not `all`) those that are ahead of the group: that does not make them idle. */
void tr_source_task_stay_active(struct tr_source_task *t, bool all);

/** io/source.h's is_ahead. */
bool tr_source_task_is_ahead(struct tr_source_context *context, uint64_t split);

/** Takes the source's turn if it is due, and finds whether it has to wait. */
void tr_source_task_look_at_group(struct tr_source_task *t);

/** Sets the operator's table of functions and the writer of positions. */
void tr_source_task_state_init(struct tr_source_task *t);
void tr_source_task_state_deinit(struct tr_source_task *t);

/** Remembers the carry for checkpoints. */
void tr_source_task_note_carry(struct tr_source_task *t, const struct tr_source_carry *carry, bool is_finished);

/** Writes down where the task stands; no row is pushed before the barrier has passed. */
void tr_source_task_take_position(struct tr_source_task *t, uint64_t checkpoint);

#endif
