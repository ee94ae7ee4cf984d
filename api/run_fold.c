/* SPDX-License-Identifier: Apache-2.0
 *
 * See run_fold.h.
 */
#include "api/run_fold.h"

#include "core/ops/value_bytes.h"

void tr_run_fold_init(struct tr_run_fold *f, const struct tr_schema *schema, const struct tr_key_columns *keys,
		      tr_reduce_rows_fn fold, void *user, const char *name)
{
	*f = (struct tr_run_fold){.fold = fold, .user = user, .name = name, .keys = keys};
	f->so_far = tr_batch_buffer_create(schema, 1);
	f->folded = tr_batch_buffer_create(schema, 1);
}

void tr_run_fold_deinit(struct tr_run_fold *f)
{
	tr_batch_buffer_destroy(&f->so_far);
	tr_batch_buffer_destroy(&f->folded);
	tr_bytes_deinit(&f->bytes);
}

void tr_run_fold_write(struct tr_run_fold *f, const struct tr_row *row)
{
	tr_bytes_clear(&f->bytes);
	for (uint32_t c = 0; c < row->batch->schema->column_count; c++)
		tr_value_bytes_append(&f->bytes, &row->batch->columns[c], row->row);
}

struct tr_row tr_run_fold_read(struct tr_run_fold *f, const char *bytes)
{
	tr_batch_buffer_clear(f->so_far);
	for (uint32_t c = 0; c < f->so_far->batch.schema->column_count; c++)
		bytes = tr_value_bytes_take(bytes, &f->so_far->columns[c], 0, &f->so_far->heap);
	tr_batch_buffer_seal(f->so_far, 1);
	return (struct tr_row){&f->so_far->batch, 0};
}

tr_code tr_run_fold_add(struct tr_run_fold *f, const char *bytes, const struct tr_row *row, struct tr_row *result,
			struct tr_status *st)
{
	const struct tr_row so_far = tr_run_fold_read(f, bytes);
	struct tr_collector into;

	tr_batch_buffer_clear(f->folded);
	tr_run_collector_init_source(&into, tr_run_at_hand, f->name, f->folded, f->folded->batch.schema->column_count,
				     1);
	for (uint32_t k = 0; k < f->keys->count; k++)
		tr_collector_set_column(&into, f->keys->columns[k], row, f->keys->columns[k]);
	TR_TRY(f->fold(f->user, &so_far, row, &into, st));
	tr_collector_add(&into);
	tr_run_collector_end_source(&into);
	if (into.has_overflown)
		TR_FAIL(st, TR_ERR_USAGE, "a reduce function sets the columns of one row, and adds none");
	tr_batch_buffer_seal(f->folded, 1);
	*result = (struct tr_row){&f->folded->batch, 0};
	return TR_OK;
}
