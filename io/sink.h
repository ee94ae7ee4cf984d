/* SPDX-License-Identifier: Apache-2.0
 *
 * Sink: where rows go. One per subtask of the sink's stage.
 *
 * write encodes the whole batch before it returns (the batch is borrowed); BLOCKED means that the batch was taken but
 * that the sink wants no further one until resume says MORE (its output is in flight). finish is called at the end of
 * input: all that was written becomes visible; for files that is the rename. A sink whose job failed or was cancelled
 * is closed without finish and leaves nothing visible but what it had published.
 *
 * With checkpoints (context->has_checkpoints) a sink that can do so is exact: what it wrote becomes visible by commit only,
 * which comes when the checkpoint that names it is complete. finish is not called then:
 *
 *     write .. ──barrier n──▶ prepare(n) ──▶ save ──▶ [n complete] ──▶ commit(n)             also at the end of input
 *     restart: open ──▶ load(record) .. ──▶ recover                    finishes what n had prepared, removes all else
 *
 * Between prepare(n) and commit(n) more rows may be written: they belong to n + 1. When n is given up, what it had prepared
 * belongs to n + 1 as well. commit and recover can be done again: what is visible already stays so. All sinks of a job are
 * open before the first of them recovers or writes; recover comes before the first row, also when there was nothing to load.
 * A sink remembers on its own side of which checkpoint it has published output last. recover refuses to go on from an older
 * one (TR_ERR_DATA: rows would be there twice), and touches nothing that a newer one would need before the first commit.
 *
 * close without a commit removes what no checkpoint can contain (what came after the last prepare), and nothing else:
 * whether a checkpoint became complete is not the sink's to know.
 */
#ifndef TR_IO_SINK_H
#define TR_IO_SINK_H

#include "base/batch.h"
#include "base/environment.h"
#include "base/flow.h"
#include "base/state_record.h"
#include "io/connector.h"

/** An option of every sink that a user may name; sql/job.c reads it. */
#define TR_SINK_PARALLELISM_OPTION                                      \
	{                                                               \
		.key = "sink.parallelism", .kind = TR_OPTION_INTEGER,   \
		.doc = "Subtasks of the sink, 1 to 64; else the job's." \
	}

struct tr_io_queue;
struct tr_sink; /* defined by each sink */

struct tr_sink_context {
	struct tr_environment *env;
	struct tr_io_queue *io;
	uint32_t subtask;
	uint32_t subtask_count;
	bool has_checkpoints;
	uint64_t restored_checkpoint; /* the job goes on from it; 0: it begins. Known at recover */
	int64_t wake_at_ns;           /* set by the sink: monotonic time at which it wants `tick`; INT64_MAX: never */
};

struct tr_sink_ops {
	/* What can be said of options and types without the world, when the job is planned; `open` says it again. NULL: nothing. */
	tr_code (*check)(const struct tr_table_spec *spec, struct tr_status *st);
	/* Checks what can be checked before the job starts (a directory that can't be made, a type it can't write). */
	tr_code (*open)(const struct tr_table_spec *spec, struct tr_sink_context *context, struct tr_sink **sink,
			struct tr_status *st);
	enum tr_flow (*write)(struct tr_sink *sink, const struct tr_batch *batch, struct tr_status *st);
	enum tr_flow (*resume)(struct tr_sink *sink, struct tr_status *st);
	/* wake_at_ns has come, or the input is idle: flush what a reader should see, roll what is due. */
	enum tr_flow (*tick)(struct tr_sink *sink, struct tr_status *st);
	/* End of input. BLOCKED until all is visible (call again); then DONE. */
	enum tr_flow (*finish)(struct tr_sink *sink, struct tr_status *st);
	/* All rows so far are durable, though not visible. BLOCKED until they are (call again); then DONE. NULL, with all that
	 * follow: the sink is not exact; at a checkpoint its output is pushed out by tick. */
	enum tr_flow (*prepare)(struct tr_sink *sink, uint64_t checkpoint, struct tr_status *st);
	/* Writes what names the prepared output, all of it that is not committed; records are not keyed. */
	tr_code (*save)(struct tr_sink *sink, struct tr_state_writer *writer, struct tr_status *st);
	/* Makes visible what was prepared for `checkpoint` and earlier ones. BLOCKED until it is, durably (call again); then DONE. */
	enum tr_flow (*commit)(struct tr_sink *sink, uint64_t checkpoint, struct tr_status *st);
	/* A record of the restored checkpoint, from any former subtask; subtask i of n takes those of the former subtasks
	 * i, i + n, i + 2n .. */
	tr_code (*load)(struct tr_sink *sink, const struct tr_state_origin *origin,
			const struct tr_state_record *record, struct tr_status *st);
	/* All were loaded: makes their output visible, waiting for it, and removes what a former run left unfinished. */
	tr_code (*recover)(struct tr_sink *sink, struct tr_status *st);
	void (*close)(struct tr_sink **sink);
};

#endif
