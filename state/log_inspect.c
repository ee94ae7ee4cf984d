/* SPDX-License-Identifier: Apache-2.0
 *
 * See log_inspect.h.
 */
#include "state/log_inspect.h"

#include "base/check.h"
#include "state/log_state.h"

const char *tr_log_job_name(const struct tr_log *log) { return log->root.job_name; }

struct tr_log_root_view tr_log_view_root(const struct tr_log *log, uint32_t copy)
{
	static const char *const states[] = {[TR_ROOT_WHOLE] = "whole",
					     [TR_ROOT_EMPTY] = "empty",
					     [TR_ROOT_DAMAGED] = "damaged",
					     [TR_ROOT_NEWER] = "of another version"};
	const struct tr_log_copy *found;

	TR_ASSERT(copy < 4);
	found = &log->copies[copy];
	return (struct tr_log_root_view){.file = copy < 2 ? "root-0" : "root-1",
					 .offset = (copy & 1) * TR_ROOT_STRIDE,
					 .state = states[found->state],
					 .why = found->why,
					 .generation = found->generation,
					 .bytes = found->bytes,
					 .is_used = found->state == TR_ROOT_WHOLE &&
						    found->generation == log->root.generation};
}

static uint64_t needed_bytes(const struct tr_log *log, uint64_t number)
{
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < log->root.extent_count; i++)
		if (log->root.extents[i].segment == number)
			bytes += log->root.extents[i].end - log->root.extents[i].begin;
	return bytes;
}

/** The least number above `after` of a segment that is there or should be; 0: none. */
static uint64_t number_after(const struct tr_log *log, uint64_t after)
{
	uint64_t least = UINT64_MAX;

	for (uint32_t i = 0; i < log->segment_count; i++)
		if (log->segments[i].number > after)
			least = TR_MIN(least, log->segments[i].number);
	for (uint32_t i = 0; i < log->root.extent_count; i++)
		if (log->root.extents[i].segment > after)
			least = TR_MIN(least, log->root.extents[i].segment);
	return least == UINT64_MAX ? 0 : least;
}

bool tr_log_view_segment(const struct tr_log *log, uint32_t index, struct tr_log_segment_view *view)
{
	uint64_t number = number_after(log, 0);
	const struct tr_log_segment *found = NULL;

	for (; index > 0 && number != 0; index--)
		number = number_after(log, number);
	if (number == 0)
		return false;
	for (uint32_t i = 0; i < log->segment_count; i++)
		if (log->segments[i].number == number)
			found = &log->segments[i];
	*view = (struct tr_log_segment_view){.number = number,
					     .bytes = found != NULL ? found->bytes : 0,
					     .needed_bytes = needed_bytes(log, number),
					     .is_missing = found == NULL};
	return true;
}

bool tr_log_view_extent(const struct tr_log *log, uint32_t index, struct tr_log_extent_view *view)
{
	const struct tr_root_extent *extent;

	if (index >= log->root.extent_count)
		return false;
	extent = &log->root.extents[index];
	*view = (struct tr_log_extent_view){extent->segment, extent->begin, extent->end,
					    tr_state_age_checkpoint(extent->first),
					    tr_state_age_checkpoint(extent->last)};
	return true;
}

struct viewing {
	tr_log_frame_view_fn fn;
	void *context;
};

static tr_code take_frame(void *context, const struct tr_frame_head *head, const void *bytes, struct tr_status *st)
{
	const struct viewing *viewing = context;
	const struct tr_log_frame_view view = {.segment = head->segment,
					       .offset = head->offset,
					       .checkpoint = head->checkpoint,
					       .stream = {head->operator_id, head->subtask, head->subtask_count},
					       .bytes = bytes,
					       .length = head->length};

	return viewing->fn(viewing->context, &view, st);
}

tr_code tr_log_view_frames(struct tr_log *log, uint32_t extent, tr_log_frame_view_fn fn, void *context,
			   struct tr_status *st)
{
	struct viewing viewing = {fn, context};

	TR_ASSERT(extent < log->root.extent_count);
	return tr_log_read_extents(log, &log->root.extents[extent], 1, take_frame, &viewing, st);
}
