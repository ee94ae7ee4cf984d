/* SPDX-License-Identifier: Apache-2.0
 *
 * Sinks in C: where rows go. One writer per subtask.
 *
 * A sink with `prepare` is exact: what it writes is to become visible by commit only, which comes when the checkpoint that names
 * it is complete.
 *
 *     write .. ──checkpoint n──▶ prepare(n, &handle) ──▶ [n complete] ──▶ commit(n, handle)      at the end of the input, too
 *     restart: open ──▶ recover(handles)          commits what the restored checkpoint had prepared, and aborts all else
 *
 * Between prepare and commit more may be written: it belongs to the next. commit and recover may be repeated after a crash: what is
 * visible already must stay as it is. Without checkpoints all is prepared and committed once, at the end of the input, with the time in
 * milliseconds for a number. In sinks without `prepare` `flush` makes visible what was written.
 *
 * Callbacks must not wait long: they run on the worker's thread. Errors and threads as for functions (function.h).
 */
#ifndef TAILRACE_SINK_H
#define TAILRACE_SINK_H

#include "tailrace/function.h"

#ifdef __cplusplus
extern "C" {
#endif

#define TR_SINK_HANDLE_BYTES_MAX 65536

/** What was prepared, in the sink's own words: a file's name, a transaction's number. */
struct tr_sink_handle {
	const void *bytes; /* of `prepare`: must hold until the next callback */
	uint32_t length;   /* 0: there is nothing to commit */
};

struct tr_sink_function {
	size_t struct_size;
	void *user;
	/* *writer is given to all others. */
	tr_code (*open)(void *user, const struct tr_schema *schema, uint32_t subtask, void **writer,
			struct tr_status *st);
	tr_code (*write)(void *writer, const struct tr_batch *batch, struct tr_status *st);
	/* What was written is to be seen now, as far as commits do not decide that: at checkpoints, when the input is idle, at its
	 * end. May be NULL. */
	tr_code (*flush)(void *writer, struct tr_status *st);
	/* All rows so far are safe, though not visible. May be NULL, and then commit and recover are. Numbers of a writer grow, over restarts
	 * too. */
	tr_code (*prepare)(void *writer, uint64_t checkpoint, struct tr_sink_handle *handle, struct tr_status *st);
	tr_code (*commit)(void *writer, const struct tr_sink_handle *handle, struct tr_status *st);
	/* Once before the first row of an exact sink, also if there is nothing: handles of the restored checkpoint are to be
	 * committed, what else an earlier run has left unfinished is to be removed. */
	tr_code (*recover)(void *writer, const struct tr_sink_handle *handles, uint32_t count, struct tr_status *st);
	/* Always. What was not prepared is to be removed. */
	void (*close)(void *writer);
};

#ifdef __cplusplus
}
#endif
#endif
