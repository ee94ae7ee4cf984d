/* SPDX-License-Identifier: Apache-2.0
 *
 * See run_times.h. The callbacks have no context, so they may not call what needs one.
 */
#include "api/run_times.h"

#include "base/check.h"

/** What a callback has answered, or has done wrong. */
static tr_code answer_of(struct tr_run_hand *hand, tr_code code, struct tr_status *st)
{
	if (hand->failure->code != TR_OK) {
		*st = *hand->failure;
		return st->code;
	}
	return code == TR_OK ? TR_OK : tr_run_answer(code, st);
}

tr_code tr_run_times_assign(struct tr_run_hand *hand, tr_time_fn assign, void *user, const struct tr_batch *batch,
			    int64_t *times_ms, int64_t *column, struct tr_status *st)
{
	const void *before = tr_run_enter(hand);

	for (uint32_t i = 0; i < batch->selected_count; i++) {
		const struct tr_row row = {batch, tr_batch_row(batch, i)};

		times_ms[i] = column[row.row] = assign(user, &row);
	}
	tr_run_leave(before);
	return answer_of(hand, TR_OK, st);
}

/** Only the end of the input has the greatest one. */
static void raise(struct tr_run_generator *g, int64_t watermark_ms)
{
	g->watermark_ms = TR_MAX(g->watermark_ms, TR_MIN(watermark_ms, TR_WATERMARK_MAX - 1));
}

static tr_code open_generator(struct tr_run_generator *g, const struct tr_watermark_generator *f, struct tr_status *st)
{
	g->own = f->user;
	g->watermark_ms = TR_WATERMARK_MIN;
	if (f->open != NULL)
		TR_TRY(f->open(f->user, &g->own, st));
	g->is_open = true;
	return TR_OK;
}

static tr_code take_rows(struct tr_run_generator *g, const struct tr_watermark_generator *f,
			 const struct tr_batch *batch, const int64_t *times_ms, int64_t *watermarks_ms,
			 struct tr_status *st)
{
	for (uint32_t i = 0; i < batch->selected_count; i++) {
		const struct tr_row row = {batch, tr_batch_row(batch, i)};
		int64_t watermark_ms = g->watermark_ms;

		if (f->on_row != NULL)
			TR_TRY(f->on_row(g->own, &row, times_ms[i], &watermark_ms, st));
		raise(g, watermark_ms);
		watermarks_ms[i] = g->watermark_ms;
	}
	return TR_OK;
}

static tr_code take_batch(struct tr_run_generator *g, const struct tr_watermark_generator *f,
			  const struct tr_batch *batch, const int64_t *times_ms, int64_t *watermarks_ms,
			  struct tr_status *st)
{
	for (uint32_t i = 0; i < batch->selected_count; i++)
		watermarks_ms[i] = TR_WATERMARK_MIN;
	TR_TRY(f->on_batch(g->own, batch, times_ms, watermarks_ms, st));
	for (uint32_t i = 0; i < batch->selected_count; i++) {
		raise(g, watermarks_ms[i]);
		watermarks_ms[i] = g->watermark_ms;
	}
	return TR_OK;
}

tr_code tr_run_generator_take(struct tr_run_hand *hand, struct tr_run_generator *g,
			      const struct tr_watermark_generator *f, const struct tr_batch *batch,
			      const int64_t *times_ms, int64_t *watermarks_ms, struct tr_status *st)
{
	const void *before = tr_run_enter(hand);
	tr_code code = g->is_open ? TR_OK : open_generator(g, f, st);

	if (code == TR_OK)
		code = (f->on_batch != NULL ? take_batch : take_rows)(g, f, batch, times_ms, watermarks_ms, st);
	tr_run_leave(before);
	return answer_of(hand, code, st);
}

tr_code tr_run_generator_turn(struct tr_run_hand *hand, struct tr_run_generator *g,
			      const struct tr_watermark_generator *f, struct tr_status *st)
{
	const void *before = tr_run_enter(hand);
	tr_code code = g->is_open ? TR_OK : open_generator(g, f, st);
	int64_t watermark_ms = g->watermark_ms;

	if (code == TR_OK)
		code = f->on_periodic(g->own, &watermark_ms, st);
	tr_run_leave(before);
	if (code == TR_OK)
		raise(g, watermark_ms);
	return answer_of(hand, code, st);
}

void tr_run_generator_close(struct tr_run_hand *hand, struct tr_run_generator *g, const struct tr_watermark_generator *f)
{
	const void *before = tr_run_enter(hand);

	if (g->is_open && f->close != NULL)
		f->close(g->own);
	tr_run_leave(before);
	g->is_open = false;
}
