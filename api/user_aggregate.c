/* SPDX-License-Identifier: Apache-2.0
 *
 * The verbs of user aggregates (user_plan.h) over entries (core/ops/agg_table.h). An accumulator lies in its entry:
 *
 *     | made int64 |            bytes of the user |        made: 0 until its first row, as entries begin as zero bytes
 *     | made       | memory int64 | bytes         |        of those that own memory: how much was counted
 *
 * A partial, in exchanges and in checkpoints, is one column of bytes: the accumulator's own, or what `save` makes of it; no bytes where none
 * was made. Windows ask for results after a verb has failed, too; from the first failure on nothing is called but destroy.
 */
#include <stdlib.h>

#include "api/user_plan.h"
#include "base/bytes.h"
#include "base/check.h"
#include "base/column_buffer.h"
#include "base/text.h"
#include "base/type.h"

#define RESULT_ROWS 256 /* that are copied at once */
#define VALUES_MAX 200  /* bytes of a row's arguments in a message */

static bool owns(const struct tr_user_local *local) { return local->plan->function.save != NULL; }

static int64_t *made_of(const struct tr_agg_slot *slot, char *entry)
{
	return (int64_t *)(void *)(entry + slot->offset);
}

static void *bytes_of(const struct tr_agg_slot *slot, char *entry)
{
	const struct tr_user_local *local = slot->local;

	return entry + slot->offset + (owns(local) ? 16 : 8);
}

/** Whether the verbs may still call: opens the function with the first rows. */
static bool can_go_on(const struct tr_agg_slot *slot)
{
	struct tr_user_local *local = slot->local;

	if (slot->failure->code != TR_OK)
		return false;
	if (tr_user_ready(local) == TR_OK)
		return true;
	*slot->failure = local->status;
	return false;
}

/** Keeps what has gone wrong, with the place in the SQL, and the row if there is one. */
static void keep_failure(const struct tr_agg_slot *slot, const struct tr_batch *arguments, uint32_t row)
{
	const struct tr_user_local *local = slot->local;
	struct tr_bytes values = {0};

	if (slot->failure->code != TR_OK)
		return;
	for (uint32_t c = 0; arguments != NULL && c < arguments->schema->column_count; c++) {
		const struct tr_column *column = &arguments->columns[c];

		tr_bytes_append_str(&values, c > 0 ? ", " : " of ");
		if (tr_column_is_null(column, row))
			tr_bytes_append_str(&values, "NULL");
		else
			tr_text_append_value(&values, column, row, TR_TEXT_CAST, NULL);
	}
	tr_bytes_append_char(&values, '\0');
	*slot->failure = local->status;
	if (values.length > 1)
		(void)tr_status_set(slot->failure, local->status.code, 0, local->status.where, "%.700s in a row%.*s",
				    local->status.message, VALUES_MAX, values.data);
	if (local->place.line > 0)
		(void)tr_status_prefix(slot->failure, local->status.code, "line %u, column %u", local->place.line,
				       local->place.column);
	tr_bytes_deinit(&values);
}

static void create(struct tr_user_local *local, void *bytes)
{
	if (local->plan->function.create != NULL)
		local->plan->function.create(&local->context, bytes);
}

/** The accumulator of an entry. */
static void *reach(const struct tr_agg_slot *slot, char *entry)
{
	void *bytes = bytes_of(slot, entry);
	int64_t *made = made_of(slot, entry);

	if (*made == 0) {
		*made = 1;
		create(slot->local, bytes);
	}
	return bytes;
}

/** Counts anew what an accumulator owns. */
static void count_memory(const struct tr_agg_slot *slot, char *entry)
{
	struct tr_user_local *local = slot->local;
	int64_t *counted = made_of(slot, entry) + 1;
	int64_t now;

	if (!owns(local))
		return;
	now = (int64_t)local->plan->function.memory(&local->context, bytes_of(slot, entry));
	*slot->owned = (size_t)((int64_t)*slot->owned + now - *counted);
	*counted = now;
}

static void reserve(struct tr_user_local *local, uint32_t count)
{
	if (count <= local->room)
		return;
	local->room = count;
	local->accumulators = tr_checked(realloc(local->accumulators, count * sizeof(*local->accumulators)));
	local->rows = tr_checked(realloc(local->rows, count * sizeof(*local->rows)));
}

/* ---- adding ---- */

static bool has_null(const struct tr_batch *arguments, uint32_t row)
{
	for (uint32_t c = 0; c < arguments->schema->column_count; c++)
		if (tr_column_is_null(&arguments->columns[c], row))
			return true;
	return false;
}

/** The accumulators of the rows without a NULL, and these rows. Returns how many. */
static uint32_t reach_some(const struct tr_agg_slot *slot, char *const *entries, const struct tr_batch *arguments,
			   const uint32_t *rows, uint32_t count)
{
	struct tr_user_local *local = slot->local;
	uint32_t n = 0;

	for (uint32_t i = 0; i < count; i++) {
		const uint32_t row = tr_agg_row(rows, i);

		if (has_null(arguments, row))
			continue;
		local->rows[n] = row;
		local->accumulators[n++] = reach(slot, entries[i]);
	}
	return n;
}

static tr_code add(struct tr_user_local *local, const struct tr_batch *arguments, uint32_t *failed)
{
	const struct tr_user_function *f = &local->plan->function;

	*failed = UINT32_MAX;
	if (f->add_batch != NULL)
		return f->add_batch(&local->context, local->accumulators, arguments, &local->status);
	for (uint32_t i = 0; i < arguments->selected_count; i++) {
		const struct tr_row row = {arguments, tr_batch_row(arguments, i)};

		*failed = row.row;
		TR_TRY(f->add(&local->context, local->accumulators[i], &row, &local->status));
	}
	return TR_OK;
}

static void update(const struct tr_agg_slot *slot, char *const *entries, const struct tr_column *arg,
		   const uint32_t *rows, uint32_t count)
{
	struct tr_user_local *local = slot->local;
	const struct tr_user_plan *plan = local->plan;
	const bool skips = plan->agg.takes_row && !plan->function.takes_nulls;
	struct tr_batch arguments = {.schema = &plan->arguments, .watermark_ms = TR_WATERMARK_MIN};
	const void *before;
	uint32_t n, failed;

	if (count == 0 || !can_go_on(slot))
		return;
	arguments.columns = plan->agg.takes_row ? arg->children : arg;
	reserve(local, count);
	before = tr_run_enter(local);
	if (skips) {
		n = reach_some(slot, entries, &arguments, rows, count);
		arguments.selection = local->rows;
	} else {
		n = count;
		for (uint32_t i = 0; i < count; i++)
			local->accumulators[i] = reach(slot, entries[i]);
		arguments.selection = rows;
	}
	for (uint32_t i = 0; arguments.selection != NULL && i < n; i++)
		arguments.row_count = TR_MAX(arguments.row_count, arguments.selection[i] + 1);
	arguments.row_count = arguments.selection == NULL ? n : arguments.row_count;
	arguments.selected_count = n;
	if (n > 0 && tr_user_returned(local, add(local, &arguments, &failed)) != TR_OK)
		keep_failure(slot, failed != UINT32_MAX ? &arguments : NULL, failed);
	for (uint32_t i = 0; owns(local) && i < count; i++)
		if (*made_of(slot, entries[i]) != 0)
			count_memory(slot, entries[i]);
	tr_run_leave(before);
}

static void merge_one(const struct tr_agg_slot *slot, char *target, const void *other)
{
	struct tr_user_local *local = slot->local;
	void *accumulator = reach(slot, target);
	const tr_code code = local->plan->function.merge(&local->context, accumulator, other, &local->status);

	if (tr_user_returned(local, code) != TR_OK)
		keep_failure(slot, NULL, 0);
	count_memory(slot, target);
}

static void merge(const struct tr_agg_slot *slot, char *const *targets, char *const *sources, uint32_t count)
{
	const void *before;

	if (!can_go_on(slot))
		return;
	before = tr_run_enter(slot->local);
	for (uint32_t i = 0; i < count && slot->failure->code == TR_OK; i++)
		if (*made_of(slot, sources[i]) != 0)
			merge_one(slot, targets[i], bytes_of(slot, sources[i]));
	tr_run_leave(before);
}

/* ---- results ---- */

/** An accumulator beside all entries, as create leaves it. */
static void *fresh(struct tr_user_local *local)
{
	const size_t size = local->plan->function.accumulator_bytes;

	if (local->other == NULL)
		local->other = tr_checked(aligned_alloc(16, (size + 15) / 16 * 16));
	memset(local->other, 0, size);
	create(local, local->other);
	return local->other;
}

static tr_code put_value(const struct tr_agg_slot *slot, char *entry, uint32_t number)
{
	struct tr_user_local *local = slot->local;
	const struct tr_user_function *f = &local->plan->function;
	const bool is_made = *made_of(slot, entry) != 0;
	void *bytes = is_made ? bytes_of(slot, entry) : fresh(local);
	tr_code code = f->value(&local->context, bytes, &local->out, &local->status);

	code = tr_user_end_row(local, number, code);
	if (!is_made && owns(local))
		f->destroy(&local->context, bytes);
	return code;
}

/** Results of at most RESULT_ROWS entries. False: a callback has failed. */
static bool put_values(const struct tr_agg_slot *slot, char *const *entries, uint32_t count)
{
	struct tr_user_local *local = slot->local;

	tr_user_begin_rows(local, RESULT_ROWS);
	for (uint32_t i = 0; i < count; i++) {
		if (put_value(slot, entries[i], i) == TR_OK)
			continue;
		keep_failure(slot, NULL, 0);
		return false;
	}
	tr_batch_buffer_seal(local->buffer, count);
	return true;
}

static void finish(const struct tr_agg_slot *slot, char *const *entries, uint32_t count, struct tr_column_buffer *out,
		   uint32_t at, struct tr_heap *heap)
{
	struct tr_user_local *local = slot->local;
	bool is_good = can_go_on(slot);
	const void *before = tr_run_enter(local);

	for (uint32_t i = 0, n; i < count; i += n) {
		n = TR_MIN(count - i, (uint32_t)RESULT_ROWS);
		is_good = is_good && put_values(slot, entries + i, n);
		if (is_good)
			tr_column_buffer_gather(out, at + i, &local->buffer->batch.columns[0], NULL, n, heap);
		for (uint32_t k = 0; !is_good && k < n; k++)
			tr_column_buffer_set_null(out, at + i + k);
	}
	tr_run_leave(before);
}

/* ---- partials ---- */

static void types(struct tr_arena *arena, const struct tr_type *arg_type, const struct tr_type **types)
{
	types[0] = tr_type_of(TR_TYPE_VARBINARY);
}

static void write_partial(const struct tr_agg_slot *slot, char *const *entries, uint32_t count,
			  struct tr_column_buffer *columns, uint32_t at, struct tr_heap *heap)
{
	struct tr_user_local *local = slot->local;
	const struct tr_user_function *f = &local->plan->function;
	const bool can_call = can_go_on(slot);
	const void *before = tr_run_enter(local);

	for (uint32_t i = 0; i < count; i++) {
		const char *bytes = bytes_of(slot, entries[i]);
		size_t length = f->accumulator_bytes;

		if (*made_of(slot, entries[i]) == 0 || !can_call)
			length = 0;
		else if (owns(local))
			bytes = f->save(&local->context, bytes, &length);
		if (length > TR_LENGTH_MAX) {
			(void)tr_user_fail(local, "an accumulator of %zu bytes; there may be %d at most", length,
					   TR_LENGTH_MAX);
			keep_failure(slot, NULL, 0);
			length = 0;
		}
		if (length > 0)
			bytes = memcpy(tr_arena_alloc_aligned(&heap->arena, length, 8), bytes, length);
		((struct tr_view *)columns[0].data)[at + i] = tr_view_make(bytes, (uint32_t)length);
	}
	tr_run_leave(before);
}

static void read_one(const struct tr_agg_slot *slot, char *entry, const char *bytes, size_t length)
{
	struct tr_user_local *local = slot->local;
	const struct tr_user_function *f = &local->plan->function;
	const bool is_new = *made_of(slot, entry) == 0;
	void *into;
	tr_code code;

	if (!owns(local)) {
		*made_of(slot, entry) = 1;
		into = is_new ? bytes_of(slot, entry) : fresh(local);
		memcpy(into, bytes, length);
		if (!is_new)
			merge_one(slot, entry, into);
		return;
	}
	into = is_new ? reach(slot, entry) : fresh(local);
	code = tr_user_returned(local, f->load(&local->context, into, bytes, length, &local->status));
	if (code != TR_OK)
		keep_failure(slot, NULL, 0);
	else if (!is_new)
		merge_one(slot, entry, into);
	if (!is_new)
		f->destroy(&local->context, into);
	count_memory(slot, entry);
}

static void read_partial(const struct tr_agg_slot *slot, char *const *entries, const struct tr_column *columns,
			 const uint32_t *rows, uint32_t count)
{
	const void *before;

	if (!can_go_on(slot))
		return;
	before = tr_run_enter(slot->local);
	for (uint32_t i = 0; i < count && slot->failure->code == TR_OK; i++) {
		const struct tr_view *view = tr_column_view(&columns[0], tr_agg_row(rows, i));

		if (view->length > 0)
			read_one(slot, entries[i], tr_view_text(view), view->length);
	}
	tr_run_leave(before);
}

static bool is_valid(const struct tr_agg_slot *slot, const struct tr_column *columns, uint32_t row, int64_t held)
{
	const struct tr_user_local *local = slot->local;
	const uint32_t length = tr_column_view(&columns[0], row)->length;

	if (tr_column_is_null(&columns[0], row))
		return false;
	return owns(local) || length == 0 || length == local->plan->function.accumulator_bytes;
}

/* ---- memory ---- */

static void release(const struct tr_agg_slot *slot, char *const *entries, uint32_t count)
{
	struct tr_user_local *local = slot->local;
	const struct tr_user_function *f = &local->plan->function;
	const void *before = tr_run_enter(local);

	for (uint32_t i = 0; i < count; i++) {
		int64_t *made = made_of(slot, entries[i]);

		if (*made == 0)
			continue;
		f->destroy(&local->context, bytes_of(slot, entries[i]));
		*slot->owned -= (size_t)made[1];
		memset(made, 0, local->plan->agg.acc_bytes);
	}
	tr_run_leave(before);
}

static bool is_owner(const struct tr_agg_slot *slot, char *entry) { return *made_of(slot, entry) != 0; }

static void *local_create(const struct tr_agg *agg, const struct tr_agg_params *params)
{
	struct tr_user_local *local = tr_user_local_create(agg); /* the plan begins with it */

	local->place = params->place;
	return local;
}

void tr_user_make_aggregate(struct tr_arena *arena, struct tr_user_plan *plan)
{
	const struct tr_user_function *f = &plan->function;
	const bool is_owning = f->save != NULL;
	const uint32_t header = is_owning ? 16 : 8;

	plan->agg = (struct tr_agg){
		.name = plan->name,
		.kind = TR_AGG_OTHER,
		.acc_bytes = header + (uint32_t)(f->accumulator_bytes + 7) / 8 * 8,
		.owns_memory = is_owning,
		.takes_row = plan->arguments.column_count > 1 || (plan->arguments.column_count == 1 && f->takes_nulls),
		.state = tr_arena_printf(arena, "%s[%u bytes, version %u]", plan->name, f->accumulator_bytes,
					 f->version),
		.partial_count = 1,
		.update = update,
		.merge = merge,
		.finish = finish,
		.partial_types = types,
		.write_partial = write_partial,
		.read_partial = read_partial,
		.release = is_owning ? release : NULL,
		.is_owner = is_owning ? is_owner : NULL,
		.is_valid = is_valid,
		.local_create = local_create,
		.local_destroy = tr_user_local_destroy,
	};
}
