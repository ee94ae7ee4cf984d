/* SPDX-License-Identifier: Apache-2.0
 *
 * Sequence: the rows of a generator, numbered from 0, dealt to readers in chunks. What generators have in common.
 *
 * Row n is a pure function of n, so a chunk is nothing but a range of numbers with exact borders, and it does not matter
 * who makes it. There is one split. With a rate, row n is due n / rate seconds after the start by the monotonic clock,
 * and a reader that is ahead of time answers BLOCKED with the time at which some more rows are due.
 *
 *     sequence (shared, locked when a chunk is dealt)      | 0 .. 16383 | 16384 .. 32767 | ...
 *     cursor (per reader)                                    at ---> end
 *
 * Positions (io/source.h) are row numbers. After a restore row numbers go on, and the pace begins anew with the first row
 * that is still to be made; the time of stop_after_ms that had passed counts.
 *
 * The end: a number of rows, or a time after which no chunk is dealt any more (an empty last chunk then ends the split).
 * With keep_alive the source goes on, idle, after its last row.
 */
#ifndef TR_IO_SOURCE_SEQUENCE_H
#define TR_IO_SOURCE_SEQUENCE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/environment.h"
#include "base/flow.h"
#include "io/source.h"

#define TR_SEQUENCE_UNBOUNDED INT64_MAX

struct tr_sequence_config {
	int64_t rows;           /* TR_SEQUENCE_UNBOUNDED: no end */
	double rows_per_second; /* 0: as fast as they are asked for */
	int64_t stop_after_ms;  /* 0: never */
	bool keep_alive;
	uint32_t batch_rows;
};

struct tr_sequence {
	struct tr_sequence_config config;
	int64_t started_ns; /* by the monotonic clock, and */
	int64_t started_wall_ms;
	int64_t paced_row;  /* due when started; the first row but for a restore */
	int64_t elapsed_ms; /* before started_ns, in runs that this one goes on with */
	int64_t chunk_rows;
	pthread_mutex_t lock;
	int64_t next;                       /* first row not dealt; under lock */
	uint64_t chunks;                    /* dealt; under lock */
	bool is_ended;                      /* the split's last chunk was dealt; under lock */
	uint64_t barrier;                   /* newest one that a reader has passed; under lock */
	struct tr_chunk_position *restored; /* dealt first; under lock */
	uint64_t restored_count;
	uint64_t restored_next;
};

/** A reader's place. Zero-initialise. */
struct tr_sequence_cursor {
	uint64_t chunk;
	int64_t start;
	int64_t at;
	int64_t end;
	int64_t dealt_ns; /* when it was dealt */
	bool has_chunk;
	bool is_split_end;
	uint64_t barrier; /* the last one that the reader has passed */
};

void tr_sequence_init(struct tr_sequence *sequence, const struct tr_sequence_config *config, struct tr_environment *env);
void tr_sequence_deinit(struct tr_sequence *sequence);

/** io/source.h's progress. Any thread. */
void tr_sequence_progress(struct tr_sequence *sequence, uint64_t *known, uint64_t *begun);

/** The rows that this reader makes next: MORE with first, count (0 in an empty last chunk) and `info` filled but for
 * rows_bad, fields_bad and bytes; BLOCKED with context->wake_at_ns; DONE. */
enum tr_flow tr_sequence_next(struct tr_sequence *sequence, struct tr_sequence_cursor *cursor,
			      struct tr_source_context *context, int64_t *first, uint32_t *count,
			      struct tr_chunk_info *info);

/** Wall time in ms of a row of the cursor's last chunk: when it was due, or when its chunk was dealt if that is later (the
 * generator is behind its rate, or has none). In the order of row numbers these times never go back, whichever readers
 * make the rows and however late: a row is not late because another reader was faster. */
int64_t tr_sequence_wall_ms(const struct tr_sequence *sequence, const struct tr_sequence_cursor *cursor, int64_t row);

/** io/source.h's reader_barrier and restore. */
bool tr_sequence_barrier(struct tr_sequence *sequence, struct tr_sequence_cursor *cursor,
			 struct tr_source_context *context, uint64_t checkpoint, struct tr_position_writer *writer);
tr_code tr_sequence_restore(struct tr_sequence *sequence, const char *table,
			    const struct tr_source_positions *positions, struct tr_environment *env,
			    struct tr_status *st) TR_MUST_USE;

#endif
