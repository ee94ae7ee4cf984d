/* SPDX-License-Identifier: Apache-2.0
 *
 * The kinds of records that a window operator writes, and their schemas; window_state.h tells what they hold.
 */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/type.h"
#include "core/ops/window_codec.h"
#include "core/ops/window_output.h"

#define PIECE_MIN 64
#define PIECE_MAX 4096

struct schema_maker {
	struct tr_arena *arena;
	const char **names;
	const struct tr_type **types;
	uint32_t count;
};

static struct schema_maker maker_begin(struct tr_arena *arena, uint32_t columns_max)
{
	return (struct schema_maker){.arena = arena,
				     .names = TR_NEW_ARRAY(arena, columns_max, const char *),
				     .types = TR_NEW_ARRAY(arena, columns_max, const struct tr_type *)};
}

static void add_column(struct schema_maker *m, const char *name, const struct tr_type *type)
{
	m->names[m->count] = name;
	m->types[m->count++] = type;
}

static const struct tr_schema *maker_end(const struct schema_maker *m)
{
	struct tr_schema *schema = TR_NEW(m->arena, struct tr_schema);

	*schema = (struct tr_schema){.column_count = m->count, .names = m->names, .types = m->types};
	return schema;
}

static const struct tr_schema *numbers_schema(struct tr_arena *arena, const char *const *names, uint32_t count)
{
	struct schema_maker m = maker_begin(arena, count);

	for (uint32_t i = 0; i < count; i++)
		add_column(&m, names[i], tr_type_of(TR_TYPE_BIGINT));
	return maker_end(&m);
}

static void add_keys(struct schema_maker *m, const struct tr_window_plan *plan)
{
	for (uint32_t k = 0; k < plan->key_count; k++)
		add_column(m, plan->input->names[tr_window_key_column(plan, k)],
			   plan->input->types[tr_window_key_column(plan, k)]);
}

static const struct tr_schema *entries_schema(struct tr_window_op *w, struct tr_arena *arena)
{
	const struct tr_window_plan *plan = w->plan;
	struct schema_maker m = maker_begin(arena, plan->key_count + w->layout.partial_count +
							   TR_AGG_PARTIAL_COLUMNS_MAX + TR_WINDOW_STATE_ENTRY_COLUMNS);

	add_keys(&m, plan);
	for (uint32_t p = 0; p < w->layout.part_count; p++) {
		const struct tr_agg_part *part = &w->layout.parts[p];

		if (part->is_row_count)
			continue;
		if (plan->phase == TR_PHASE_GLOBAL) /* the partials' own types; only those know the argument's */
			memcpy(m.types + m.count, plan->input->types + plan->key_count + part->partial_column,
			       part->agg->partial_count * sizeof(*m.types));
		else
			part->agg->partial_types(arena, part->slot.arg_type, m.types + m.count);
		for (uint32_t c = 0; c < part->agg->partial_count; c++)
			m.names[m.count++] = tr_arena_printf(arena, "agg%u_%u", p, c);
	}
	add_column(&m, "slice_start", tr_type_of(TR_TYPE_BIGINT));
	add_column(&m, "first_end", tr_type_of(TR_TYPE_BIGINT));
	add_column(&m, "rows", tr_type_of(TR_TYPE_BIGINT));
	add_column(&m, "slice", tr_type_of(TR_TYPE_BIGINT));
	return maker_end(&m);
}

static const struct tr_schema *sessions_schema(struct tr_window_op *w, struct tr_arena *arena)
{
	const struct tr_schema *entry = tr_window_entry_schema(arena, &w->layout);
	struct schema_maker m =
		maker_begin(arena, w->plan->key_count + entry->column_count + TR_WINDOW_STATE_ENTRY_COLUMNS);

	add_keys(&m, w->plan);
	for (uint32_t c = 0; c < entry->column_count; c++)
		add_column(&m, entry->names[c], entry->types[c]);
	add_column(&m, "session_start", tr_type_of(TR_TYPE_BIGINT));
	add_column(&m, "session_end", tr_type_of(TR_TYPE_BIGINT));
	add_column(&m, "rows", tr_type_of(TR_TYPE_BIGINT));
	add_column(&m, "more", tr_type_of(TR_TYPE_BIGINT));
	return maker_end(&m);
}

static const struct tr_schema *gone_schema(struct tr_window_op *w, struct tr_arena *arena)
{
	struct schema_maker m = maker_begin(arena, w->plan->key_count + 1);

	add_keys(&m, w->plan);
	return maker_end(&m);
}

static const struct tr_schema *waiting_schema(struct tr_window_op *w, struct tr_arena *arena)
{
	const struct tr_window_plan *plan = w->plan;
	struct schema_maker m = maker_begin(arena, plan->input->column_count + plan->key_count + 1);

	add_keys(&m, plan);
	w->state.order = TR_NEW_ARRAY(arena, plan->input->column_count + plan->key_count + 1, uint32_t);
	for (uint32_t k = 0; k < plan->key_count; k++)
		w->state.order[k] = plan->keys[k];
	for (uint32_t c = 0; c < plan->input->column_count; c++) {
		bool is_key = false;

		for (uint32_t k = 0; k < plan->key_count; k++)
			is_key |= plan->keys[k] == c;
		if (is_key)
			continue;
		w->state.order[m.count] = c;
		add_column(&m, plan->input->names[c], plan->input->types[c]);
	}
	add_column(&m, "row_watermark", tr_type_of(TR_TYPE_BIGINT));
	return maker_end(&m);
}

static const struct tr_schema *values_schema(struct tr_window_op *w, struct tr_arena *arena,
					     const struct tr_agg_part *part)
{
	struct schema_maker m = maker_begin(arena, w->plan->key_count + TR_WINDOW_STATE_VALUES_COLUMNS);

	add_keys(&m, w->plan);
	add_column(&m, "slice_start", tr_type_of(TR_TYPE_BIGINT));
	add_column(&m, "first_end", tr_type_of(TR_TYPE_BIGINT));
	add_column(&m, "value", part->slot.arg_type);
	add_column(&m, "slice", tr_type_of(TR_TYPE_BIGINT));
	return maker_end(&m);
}

static void add_kind(struct tr_window_state *state, uint16_t kind, const char *name, uint32_t key_count, bool is_keyed,
		     const struct tr_schema *schema)
{
	state->kinds[state->kind_count++] = (struct tr_state_kind){
		.kind = kind, .name = name, .is_keyed = is_keyed, .schema = schema, .key_count = key_count};
}

void tr_window_state_set_up(struct tr_window_op *w)
{
	static const char *const mark_names[TR_WINDOW_STATE_MARK_COLUMNS] = {"watermark", "forwarded_watermark", "mark"};
	static const char *const slice_names[TR_WINDOW_STATE_SLICE_COLUMNS] = {"slice", "slice_start", "first_end",
									       "base", "entries"};
	struct tr_window_state *state = &w->state;
	const bool is_session = w->plan->window.kind == TR_WINDOW_SESSION;
	const uint32_t kinds_max = 5 + w->layout.part_count, keys = w->plan->key_count;
	size_t row_bytes = 8; /* the count; the other columns behind the accumulators are constant, as a rule */

	if (state->kinds != NULL)
		return;
	tr_arena_init(&state->arena, 0);
	state->kinds = calloc(kinds_max, sizeof(*state->kinds));
	state->images = calloc(kinds_max, sizeof(struct tr_batch_buffer *));
	state->read = calloc(kinds_max, sizeof(*state->read));
	state->columns = calloc(TR_COLUMNS_MAX, sizeof(*state->columns));
	TR_ASSERT(state->kinds != NULL && state->images != NULL && state->read != NULL && state->columns != NULL);
	add_kind(state, TR_WINDOW_STATE_OPERATOR, "operator", 0, false,
		 numbers_schema(&state->arena, mark_names, TR_WINDOW_STATE_MARK_COLUMNS));
	add_kind(state, TR_WINDOW_STATE_SLICES, "slices", 0, false,
		 numbers_schema(&state->arena, slice_names, TR_WINDOW_STATE_SLICE_COLUMNS));
	if (is_session)
		add_kind(state, TR_WINDOW_STATE_SESSIONS, "sessions", keys, true, sessions_schema(w, &state->arena));
	else
		add_kind(state, TR_WINDOW_STATE_ENTRIES, "entries", keys, true, entries_schema(w, &state->arena));
	for (uint32_t c = 0; c + TR_WINDOW_STATE_ENTRY_COLUMNS < state->kinds[2].schema->column_count; c++)
		row_bytes += tr_phys_bytes((enum tr_phys)state->kinds[2].schema->types[c]->phys);
	state->piece = (uint32_t)TR_MIN(TR_MAX(TR_STATE_RECORD_BYTES / row_bytes, PIECE_MIN), PIECE_MAX);
	if (is_session && !w->plan->window.is_processing_time)
		add_kind(state, TR_WINDOW_STATE_WAITING, "waiting", keys, true, waiting_schema(w, &state->arena));
	if (is_session)
		add_kind(state, TR_WINDOW_STATE_GONE, "gone", keys, true, gone_schema(w, &state->arena));
	for (uint32_t p = 0; !is_session && p < w->layout.part_count; p++)
		if (w->layout.parts[p].is_distinct)
			add_kind(state, (uint16_t)(TR_WINDOW_STATE_VALUES + p), "values", keys, true,
				 values_schema(w, &state->arena, &w->layout.parts[p]));
}
