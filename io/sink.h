/* SPDX-License-Identifier: Apache-2.0
 *
 * Sink: where rows go. One per subtask of the sink's stage.
 *
 * write encodes the whole batch before it returns (the batch is borrowed); BLOCKED means that the batch was taken but
 * that the sink wants no further one until resume says MORE (its output is in flight). finish is called at the end of
 * input: all that was written becomes visible; for files that is the rename. A sink whose job failed or was cancelled
 * is closed without finish and leaves nothing visible but what it had published.
 */
#ifndef TR_IO_SINK_H
#define TR_IO_SINK_H

#include "base/batch.h"
#include "base/environment.h"
#include "base/flow.h"
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
	int64_t wake_at_ns; /* set by the sink: monotonic time at which it wants `tick`; INT64_MAX: never */
};

struct tr_sink_ops {
	/* Checks what can be checked before the job starts (a directory that can't be made, a type it can't write). */
	tr_code (*open)(const struct tr_table_spec *spec, struct tr_sink_context *context, struct tr_sink **sink,
			struct tr_status *st);
	enum tr_flow (*write)(struct tr_sink *sink, const struct tr_batch *batch, struct tr_status *st);
	enum tr_flow (*resume)(struct tr_sink *sink, struct tr_status *st);
	/* wake_at_ns has come, or the input is idle: flush what a reader should see, roll what is due. */
	enum tr_flow (*tick)(struct tr_sink *sink, struct tr_status *st);
	/* End of input. BLOCKED until all is visible (call again); then DONE. */
	enum tr_flow (*finish)(struct tr_sink *sink, struct tr_status *st);
	void (*close)(struct tr_sink **sink);
};

#endif
