/* SPDX-License-Identifier: Apache-2.0
 *
 * Folding rows: what a reduce function of a user does, with the row so far kept as bytes (core/ops/value_bytes.h, column by column).
 */
#ifndef TR_API_RUN_FOLD_H
#define TR_API_RUN_FOLD_H

#include "api/run_context.h"
#include "base/bytes.h"
#include "tailrace/stream.h"

struct tr_run_fold {
	tr_reduce_rows_fn fold;
	void *user;
	const char *name;
	const struct tr_key_columns *keys; /* set in each result */
	struct tr_batch_buffer *so_far;    /* one row */
	struct tr_batch_buffer *folded;    /* likewise */
	struct tr_bytes bytes;
};

/** `keys` is borrowed. */
void tr_run_fold_init(struct tr_run_fold *f, const struct tr_schema *schema, const struct tr_key_columns *keys,
		      tr_reduce_rows_fn fold, void *user, const char *name);
void tr_run_fold_deinit(struct tr_run_fold *f);

/** A row as bytes, in f->bytes until the next call. */
void tr_run_fold_write(struct tr_run_fold *f, const struct tr_row *row);

/** The row of such bytes, which holds until the next call. */
struct tr_row tr_run_fold_read(struct tr_run_fold *f, const char *bytes);

/** Folds a row into the one that `bytes` are: *result holds until the next call but tr_run_fold_write. */
tr_code tr_run_fold_add(struct tr_run_fold *f, const char *bytes, const struct tr_row *row, struct tr_row *result,
			struct tr_status *st) TR_MUST_USE;

#endif
