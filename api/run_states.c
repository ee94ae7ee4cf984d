/* SPDX-License-Identifier: Apache-2.0
 *
 * See run_states.h: states as a whole: declaring, snapshots, loading.
 */
#include "api/run_states.h"

#include <stdio.h>
#include <stdlib.h>

#include "api/run_context.h"
#include "base/bytes.h"
#include "base/check.h"
#include "base/type.h"
#include "sql/embed.h"
#include "state/table_read.h"

#define DIRECTORY_VERSION 2
#define FIXED_BYTES_MAX 4000 /* with integer keys: values lie in the slots of a table */

void tr_run_states_init(struct tr_run_states *states, struct tr_context *context)
{
	memset(states, 0, sizeof(*states));
	states->context = context;
	tr_arena_init(&states->kinds_arena, 0);
	memset(states->places, -1, sizeof(states->places));
}

static bool is_sorted(const struct tr_run_state *state)
{
	return state->sort == TR_RUN_LIST || state->sort == TR_RUN_MAP_STATE;
}

void tr_run_states_deinit(struct tr_run_states *states)
{
	free(states->kinds);
	tr_arena_deinit(&states->kinds_arena);
	while (states->broken_count > 0) {
		struct tr_run_state *state = states->broken[--states->broken_count];

		tr_arena_deinit(&state->arena);
		free(state->name);
		free(state);
	}
	while (states->count > 0) {
		struct tr_run_state *state = states->items[--states->count];

		if (is_sorted(state))
			tr_sorted_table_deinit(&state->sorted);
		else
			tr_table_destroy(&state->table);
		free(state->copy);
		tr_arena_deinit(&state->arena);
		free(state->values);
		free(state->is_new);
		free(state->spans);
		free(state->name);
		free(state);
	}
}

/* Declaring. */

static tr_code check(const struct tr_context *context, const struct tr_state_descriptor *d, enum tr_run_sort sort,
		     struct tr_status *st)
{
	const struct tr_run_states *states = &context->states;

	if (!context->plan->is_keyed)
		TR_FAIL(st, TR_ERR_USAGE, "keyed state needs a keyed stream (tr_stream_key_by)");
	if (!context->is_opening)
		TR_FAIL(st, TR_ERR_USAGE, "states are declared in open");
	if (d->name == NULL || d->name[0] == '\0')
		TR_FAIL(st, TR_ERR_USAGE, "a state needs a name");
	if (strspn(d->name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.") != strlen(d->name))
		TR_FAIL(st, TR_ERR_USAGE, "state '%s': names are of letters, digits, '_', '-' and '.'", d->name);
	for (uint32_t i = 0; i < states->count; i++)
		if (strcmp(states->items[i]->name, d->name) == 0)
			TR_FAIL(st, TR_ERR_USAGE, "there are two states of the name '%s'", d->name);
	if (states->count == TR_RUN_STATES_MAX)
		TR_FAIL(st, TR_ERR_USAGE, "more than %d states", TR_RUN_STATES_MAX);
	if (d->value_bytes > TR_RUN_VALUE_BYTES_MAX || d->ttl_ms < 0)
		TR_FAIL(st, TR_ERR_USAGE, "state '%s': values of %u bytes (%d are the most), time to live %lld ms",
			d->name, d->value_bytes, TR_RUN_VALUE_BYTES_MAX, (long long)d->ttl_ms);
	if (d->value_bytes == 0 && (sort == TR_RUN_REDUCING || sort == TR_RUN_AGGREGATING))
		TR_FAIL(st, TR_ERR_USAGE, "state '%s': an accumulator has a size", d->name);
	return TR_OK;
}

static void create_table(struct tr_run_state *state, const struct tr_context *context, uint16_t kind)
{
	const struct tr_state_descriptor *d = &state->descriptor;
	struct tr_table_options options = tr_run_table_options(context, kind);
	struct tr_status st = {0};

	options.ttl_ms = d->ttl_ms;
	options.is_ttl_read = d->ttl_ms > 0 && d->ttl_update == TR_TTL_ON_READ_AND_WRITE;
	state->is_by_row = d->ttl_ms > 0 || d->value_bytes == 0;
	state->has_int_keys = !is_sorted(state) && context->keys.is_integer && d->value_bytes > 0 &&
			      d->value_bytes <= FIXED_BYTES_MAX;
	options.has_byte_keys = !state->has_int_keys;
	options.value_bytes = state->has_int_keys ? d->value_bytes + 1 : 0;
	if (is_sorted(state)) {
		TR_ASSERT(tr_sorted_table_init(&state->sorted, &options, &st) == TR_OK);
		state->table = state->sorted.table;
	} else {
		TR_ASSERT(tr_table_create(&options, &state->table, &st) == TR_OK);
	}
}

/** The members of a value, if they are declared: their layout is that of a C struct. */
static tr_code take_columns(struct tr_run_state *state, struct tr_status *st)
{
	struct tr_state_descriptor *d = &state->descriptor;
	uint32_t end = 0, widest = 1;

	state->columns_text = "";
	if (d->columns == NULL)
		return TR_OK;
	if (is_sorted(state))
		TR_FAIL(st, TR_ERR_USAGE, "state '%s': lists and maps have bytes, and no columns", state->name);
	if (tr_embed_columns(&state->arena, d->columns, &state->columns, st) != TR_OK)
		return tr_status_prefix(st, TR_ERR_USAGE, "state '%s', columns", state->name);
	for (uint32_t c = 0; c < state->columns->column_count; c++) {
		const struct tr_type *type = state->columns->types[c];
		const uint32_t bytes = (uint32_t)tr_phys_bytes((enum tr_phys)type->phys);

		if (bytes == 0 || bytes > sizeof(int64_t))
			TR_FAIL(st, TR_ERR_USAGE, "state '%s': '%s' is %s; a member has a type of 1 to 8 bytes",
				state->name, state->columns->names[c], tr_type_text(&state->arena, type));
		(void)tr_table_member(&end, bytes);
		widest = TR_MAX(widest, bytes);
		state->columns_text =
			tr_arena_printf(&state->arena, "%s%s%s %s", state->columns_text, c > 0 ? ", " : "",
					state->columns->names[c], tr_type_text(&state->arena, type));
	}
	(void)tr_table_member(&end, widest);
	end -= widest;
	if (d->value_bytes != 0 && d->value_bytes != end)
		TR_FAIL(st, TR_ERR_USAGE, "state '%s': a struct of (%s) has %u bytes, and value_bytes is %u",
			state->name, state->columns_text, end, d->value_bytes);
	d->value_bytes = end;
	return TR_OK;
}

/** Kept so that it can be freed; if there are too many the process has more wrong with it than we can tell. */
static void keep_broken(struct tr_run_states *states, struct tr_run_state *state)
{
	if (states->broken_count == TR_RUN_STATES_MAX)
		tr_run_die(states->context->plan->name, "%s", states->context->failure.message);
	state->is_broken = true;
	states->broken[states->broken_count++] = state;
}

struct tr_run_state *tr_run_state_create(struct tr_context *context, const struct tr_state_descriptor *descriptor,
					 enum tr_run_sort sort, size_t struct_bytes)
{
	struct tr_run_states *states = &context->states;
	struct tr_state_descriptor d = {0};
	struct tr_run_state *state = tr_checked(calloc(1, struct_bytes));
	struct tr_status st = {0};
	tr_code code = TR_OK;

	tr_run_check_context(context);
	states->context = context; /* also without keys */
	if (descriptor == NULL || descriptor->struct_size == 0)
		code = tr_status_set(&st, TR_ERR_USAGE, 0, TR_WHERE,
				     "a state needs a descriptor, made by TR_MAKE(tr_state_descriptor, ..)");
	else
		memcpy(&d, descriptor, TR_MIN(descriptor->struct_size, sizeof(d)));
	tr_arena_init(&state->arena, 0);
	state->context = context;
	state->sort = sort;
	state->name = tr_checked(strdup(d.name != NULL ? d.name : ""));
	state->descriptor = d;
	if (code == TR_OK)
		code = take_columns(state, &st);
	if (code == TR_OK)
		code = check(context, &state->descriptor, sort, &st);
	state->descriptor.name = state->name;
	if (code != TR_OK) {
		tr_run_mistake("%s", st.message);
		keep_broken(states, state);
		return state;
	}
	create_table(state, context, (uint16_t)(TR_RUN_KIND_STATES + states->count));
	states->items[states->count++] = state;
	return state;
}

const struct tr_run_key *tr_run_state_key(const struct tr_run_state *state)
{
	if (TR_UNLIKELY(state == NULL)) {
		fprintf(stderr, "tailrace: a state is NULL: it was used without having been declared in open\n");
		abort();
	}
	if (TR_UNLIKELY(state->is_broken)) {
		tr_run_check_context(state->context);
		return NULL; /* it was told when it was declared */
	}
	return tr_run_key(state->context);
}

void tr_run_states_set_now(struct tr_run_states *states, int64_t now_ms)
{
	for (uint32_t i = 0; i < states->count; i++)
		if (states->items[i]->descriptor.ttl_ms > 0)
			tr_table_set_now(states->items[i]->table, now_ms);
}

/* Snapshots. */

/** Timers first; without keys there are none. */
static uint32_t table_count(const struct tr_run_states *states)
{
	return states->context->has_timers ? states->count + 2 : 0;
}

static struct tr_table *table_at(const struct tr_run_states *states, uint32_t i)
{
	return i < 2 ? states->context->timers[i].table : states->items[i - 2]->table;
}

static tr_code put_directory(const struct tr_run_states *states, struct tr_state_writer *writer, struct tr_status *st)
{
	struct tr_state_record record = {.kind = TR_RUN_KIND_DIRECTORY};
	struct tr_bytes bytes = {0};
	tr_code code;

	tr_bytes_append_char(&bytes, DIRECTORY_VERSION);
	for (uint32_t i = 0; i < states->count; i++) {
		const struct tr_run_state *state = states->items[i];
		const uint16_t kind = (uint16_t)(TR_RUN_KIND_STATES + i);
		const uint32_t length = (uint32_t)strlen(state->name);
		uint32_t columns_length;

		tr_bytes_append(&bytes, (const char *)&kind, sizeof(kind));
		tr_bytes_append_char(&bytes, (char)state->sort);
		tr_bytes_append_char(&bytes, state->descriptor.ttl_ms > 0);
		tr_bytes_append(&bytes, (const char *)&state->descriptor.version, sizeof(uint32_t));
		tr_bytes_append(&bytes, (const char *)&state->descriptor.value_bytes, sizeof(uint32_t));
		tr_bytes_append(&bytes, (const char *)&length, sizeof(length));
		tr_bytes_append(&bytes, state->name, length);
		columns_length = (uint32_t)strlen(state->columns_text);
		tr_bytes_append(&bytes, (const char *)&columns_length, sizeof(columns_length));
		tr_bytes_append(&bytes, state->columns_text, columns_length);
	}
	record.bytes = bytes.data;
	record.length = bytes.length;
	code = writer->put(writer, &record, st);
	tr_bytes_deinit(&bytes);
	return code;
}

tr_code tr_run_states_snapshot(struct tr_run_states *states, const struct tr_snapshot_order *order,
			       struct tr_state_writer *writer, uint64_t *base, struct tr_status *st)
{
	*base = tr_state_age(order->checkpoint);
	for (uint32_t i = 0; i < table_count(states); i++) {
		uint64_t own = *base;

		tr_table_snapshot(table_at(states, i), order, &own);
		*base = TR_MIN(*base, own);
	}
	states->cursor = 0;
	if (states->context->has_timers)
		TR_TRY(put_directory(states, writer, st));
	return tr_run_broadcasts_save(&states->context->broadcasts, TR_RUN_KIND_BROADCAST, writer, st);
}

enum tr_flow tr_run_states_snapshot_step(struct tr_run_states *states, struct tr_state_writer *writer, size_t budget,
					 struct tr_status *st)
{
	struct tr_table *table;
	enum tr_flow flow;

	if (states->cursor == table_count(states))
		return TR_FLOW_DONE;
	table = table_at(states, states->cursor);
	flow = tr_table_snapshot_step(table, writer, budget);
	if (flow == TR_FLOW_FAILED)
		*st = *tr_table_status(table);
	if (flow != TR_FLOW_DONE)
		return flow;
	states->cursor++;
	return states->cursor == table_count(states) ? TR_FLOW_DONE : TR_FLOW_MORE;
}

/* Loading. */

struct reader {
	const char *at, *end;
	bool is_short;
};

static const char *take(struct reader *r, size_t bytes)
{
	const char *at = r->at;

	if ((size_t)(r->end - r->at) < bytes) {
		r->is_short = true;
		return NULL;
	}
	r->at += bytes;
	return at;
}

static uint32_t take_number(struct reader *r, size_t bytes)
{
	const char *at = take(r, bytes);
	uint32_t value = 0;

	if (at != NULL)
		memcpy(&value, at, bytes);
	return value;
}

/** A state of the directory. */
struct saved {
	uint32_t kind, sort, has_ttl, version, value_bytes;
	const char *name, *columns; /* not ended by NULs */
	uint32_t name_length, columns_length;
};

static bool same_text(const char *text, const char *saved, uint32_t length)
{
	return strlen(text) == length && memcmp(text, saved, length) == 0;
}

/** Whether values of the state are read as they were written. */
static tr_code check_saved(const struct tr_run_state *state, const struct saved *saved, struct tr_status *st)
{
	static const char *const sorts[] = {"value", "list", "map", "reducing", "aggregating"};
	const struct tr_state_descriptor *d = &state->descriptor;

	if ((uint32_t)state->sort != saved->sort || d->version != saved->version ||
	    d->value_bytes != saved->value_bytes || (d->ttl_ms > 0) != saved->has_ttl)
		TR_FAIL(st, TR_ERR_DATA,
			"state '%s' does not fit\n  saved: %s state, version %u, %u bytes, %s time to live\n  job:  "
			" %s state, version %u, %u bytes, %s time to live",
			state->name, saved->sort < TR_COUNT_OF(sorts) ? sorts[saved->sort] : "unknown", saved->version,
			saved->value_bytes, saved->has_ttl ? "with" : "no", sorts[state->sort], d->version,
			d->value_bytes, d->ttl_ms > 0 ? "with" : "no");
	if (saved->columns_length > 0 && state->columns_text[0] != '\0' &&
	    !same_text(state->columns_text, saved->columns, saved->columns_length))
		TR_FAIL(st, TR_ERR_DATA, "state '%s' does not fit\n  saved: %.*s\n  job:   %s", state->name,
			(int)saved->columns_length, saved->columns, state->columns_text);
	return TR_OK;
}

/** A state of the directory finds its place, or none. */
static tr_code place(struct tr_run_states *states, const struct saved *saved, struct tr_status *st)
{
	for (uint32_t i = 0; i < states->count; i++) {
		if (!same_text(states->items[i]->name, saved->name, saved->name_length))
			continue;
		TR_TRY(check_saved(states->items[i], saved, st));
		states->places[saved->kind - TR_RUN_KIND_STATES] = (int8_t)i;
	}
	return TR_OK;
}

static tr_code load_directory(struct tr_run_states *states, const struct tr_state_record *record, struct tr_status *st)
{
	struct reader r = {record->bytes, (const char *)record->bytes + record->length, false};
	const uint32_t version = take_number(&r, 1);

	if (version < 1 || version > DIRECTORY_VERSION)
		TR_FAIL(st, TR_ERR_DATA, "the directory of states is of version %u; this program reads up to %d",
			version, DIRECTORY_VERSION);
	memset(states->places, -1, sizeof(states->places));
	while (r.at < r.end && !r.is_short) {
		struct saved saved = {.kind = take_number(&r, 2)};

		saved.sort = take_number(&r, 1);
		saved.has_ttl = take_number(&r, 1);
		saved.version = take_number(&r, 4);
		saved.value_bytes = take_number(&r, 4);
		saved.name_length = take_number(&r, 4);
		saved.name = take(&r, saved.name_length);
		if (version > 1) {
			saved.columns_length = take_number(&r, 4);
			saved.columns = take(&r, saved.columns_length);
		}
		if (r.is_short || saved.kind < TR_RUN_KIND_STATES ||
		    saved.kind >= TR_RUN_KIND_STATES + TR_RUN_STATES_MAX || saved.has_ttl > 1)
			TR_FAIL(st, TR_ERR_DATA, "the directory of states is damaged");
		TR_TRY(place(states, &saved, st));
	}
	return TR_OK;
}

tr_code tr_run_states_load(struct tr_run_states *states, const struct tr_state_origin *origin,
			   const struct tr_state_record *record, struct tr_status *st)
{
	int place_of;

	if (record->kind == TR_RUN_KIND_BROADCAST)
		return tr_run_broadcasts_load(&states->context->broadcasts, origin, record, st);
	if (!states->context->has_timers)
		TR_FAIL(st, TR_ERR_DATA, "a record of keyed state, and the operator has no keys");
	if (record->kind == TR_RUN_KIND_DIRECTORY)
		return load_directory(states, record, st);
	if (record->kind == TR_RUN_KIND_TIMERS || record->kind == TR_RUN_KIND_TIMERS + 1)
		return tr_table_load(states->context->timers[record->kind - TR_RUN_KIND_TIMERS].table, record->bytes,
				     record->length, st);
	if (record->kind < TR_RUN_KIND_STATES || record->kind >= TR_RUN_KIND_STATES + TR_RUN_STATES_MAX)
		TR_FAIL(st, TR_ERR_DATA, "a record of an unknown kind %u", record->kind);
	place_of = states->places[record->kind - TR_RUN_KIND_STATES];
	if (place_of < 0)
		return TR_OK; /* the job has it no more */
	return tr_table_load(states->items[place_of]->table, record->bytes, record->length, st);
}

void tr_run_states_load_end(struct tr_run_states *states)
{
	const uint64_t checkpoint = states->context->op->restored_checkpoint;

	for (uint32_t i = 0; i < table_count(states); i++)
		tr_table_load_end(table_at(states, i), checkpoint, 0);
	for (uint32_t i = 0; i < 2 && states->context->has_timers; i++)
		tr_timer_state_load_end(&states->context->timers[i]);
}

/** The columns of a key, which are none where it is not only those of the stream (windows), and one more or the members of a value. */
static void set_columns(struct tr_run_states *states, struct tr_state_kind *kind, const char *column,
			const struct tr_type *type, const struct tr_schema *members)
{
	const struct tr_context *context = states->context;
	const uint32_t keys = context->windows == NULL ? context->keys.schema.column_count : 0;
	const uint32_t count = keys + (members != NULL ? members->column_count : 1);
	struct tr_schema *schema = TR_NEW(&states->kinds_arena, struct tr_schema);
	const char **names = TR_NEW_ARRAY(&states->kinds_arena, count, const char *);
	const struct tr_type **types = TR_NEW_ARRAY(&states->kinds_arena, count, const struct tr_type *);

	for (uint32_t i = 0; i < keys; i++) {
		names[i] = context->keys.schema.names[i];
		types[i] = context->keys.schema.types[i];
	}
	for (uint32_t i = keys; i < count; i++) {
		names[i] = members != NULL ? members->names[i - keys] : column;
		types[i] = members != NULL ? members->types[i - keys] : type;
	}
	*schema = (struct tr_schema){count, names, types};
	kind->is_keyed = true;
	kind->is_struct = members != NULL;
	kind->schema = schema;
	kind->key_count = keys;
}

static void kind_of_state(struct tr_run_states *states, uint32_t i, struct tr_state_kind *kind)
{
	static const char *const tables[] = {"value", "list", "map", "reducing", "aggregating"};
	const struct tr_run_state *state = states->items[i];

	*kind = (struct tr_state_kind){.kind = (uint16_t)(TR_RUN_KIND_STATES + i),
				       .name = state->name,
				       .table = tables[state->sort],
				       .value_bytes = state->descriptor.value_bytes};
	set_columns(states, kind, is_sorted(state) ? "elements" : "bytes", tr_type_of(TR_TYPE_BIGINT), state->columns);
}

const struct tr_state_kind *tr_run_states_kinds(const struct tr_run_states *states, uint32_t *count)
{
	static const char *const timers[] = {"event_timers", "processing_timers"};
	struct tr_run_states *s = (struct tr_run_states *)(uintptr_t)states;
	uint32_t n = 0;

	if (s->kinds != NULL) {
		*count = s->kinds_count;
		return s->kinds;
	}
	s->kinds = tr_checked(calloc(states->count + 4, sizeof(*s->kinds)));
	if (states->context->plan->has_broadcast)
		s->kinds[n++] = (struct tr_state_kind){.kind = TR_RUN_KIND_BROADCAST, .name = "broadcast_states"};
	if (states->context->has_timers)
		s->kinds[n++] = (struct tr_state_kind){.kind = TR_RUN_KIND_DIRECTORY, .name = "states"};
	for (uint16_t i = 0; i < 2 && states->context->has_timers; i++) {
		s->kinds[n] = (struct tr_state_kind){
			.kind = (uint16_t)(TR_RUN_KIND_TIMERS + i), .name = timers[i], .table = "timer"};
		set_columns(s, &s->kinds[n++], "time",
			    tr_type_with_precision(&s->kinds_arena, TR_TYPE_TIMESTAMP_LTZ, 3), NULL);
	}
	for (uint32_t i = 0; i < states->count && states->context->has_timers; i++)
		kind_of_state(s, i, &s->kinds[n++]);
	s->kinds_count = *count = n;
	return s->kinds;
}

uint64_t tr_run_states_bytes(const struct tr_run_states *states)
{
	uint64_t bytes = tr_run_broadcasts_bytes(&states->context->broadcasts);

	for (uint32_t i = 0; i < table_count(states); i++)
		bytes += tr_table_bytes(table_at(states, i));
	return bytes;
}
