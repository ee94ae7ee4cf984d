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

#define DIRECTORY_VERSION 1
#define FIXED_BYTES_MAX 4000 /* with integer keys: values lie in the slots of a table */

void tr_run_states_init(struct tr_run_states *states, struct tr_context *context)
{
	memset(states, 0, sizeof(*states));
	states->context = context;
	memset(states->places, -1, sizeof(states->places));
}

static bool is_sorted(const struct tr_run_state *state)
{
	return state->sort == TR_RUN_LIST || state->sort == TR_RUN_MAP_STATE;
}

void tr_run_states_deinit(struct tr_run_states *states)
{
	free(states->kinds);
	while (states->broken_count > 0) {
		struct tr_run_state *state = states->broken[--states->broken_count];

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
	if (code == TR_OK)
		code = check(context, &d, sort, &st);
	state->context = context;
	state->sort = sort;
	state->name = tr_checked(strdup(d.name != NULL ? d.name : ""));
	d.name = state->name;
	state->descriptor = d;
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

		tr_bytes_append(&bytes, (const char *)&kind, sizeof(kind));
		tr_bytes_append_char(&bytes, (char)state->sort);
		tr_bytes_append_char(&bytes, state->descriptor.ttl_ms > 0);
		tr_bytes_append(&bytes, (const char *)&state->descriptor.version, sizeof(uint32_t));
		tr_bytes_append(&bytes, (const char *)&state->descriptor.value_bytes, sizeof(uint32_t));
		tr_bytes_append(&bytes, (const char *)&length, sizeof(length));
		tr_bytes_append(&bytes, state->name, length);
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

/** A state of the directory finds its place, or none. */
static tr_code place(struct tr_run_states *states, uint32_t kind, const char *name, uint32_t length, uint32_t sort,
		     uint32_t has_ttl, uint32_t version, uint32_t value_bytes, struct tr_status *st)
{
	static const char *const sorts[] = {"value", "list", "map", "reducing", "aggregating"};

	for (uint32_t i = 0; i < states->count; i++) {
		const struct tr_run_state *state = states->items[i];
		const struct tr_state_descriptor *d = &state->descriptor;

		if (strlen(state->name) != length || memcmp(state->name, name, length) != 0)
			continue;
		if ((uint32_t)state->sort != sort || d->version != version || d->value_bytes != value_bytes ||
		    (d->ttl_ms > 0) != has_ttl)
			TR_FAIL(st, TR_ERR_DATA,
				"state '%s' does not fit\n  saved: %s state, version %u, %u bytes, %s time to live\n  "
				"job:  "
				" %s state, version %u, %u bytes, %s time to live",
				state->name, sort < TR_COUNT_OF(sorts) ? sorts[sort] : "unknown", version, value_bytes,
				has_ttl ? "with" : "no", sorts[state->sort], d->version, d->value_bytes,
				d->ttl_ms > 0 ? "with" : "no");
		states->places[kind - TR_RUN_KIND_STATES] = (int8_t)i;
	}
	return TR_OK;
}

static tr_code load_directory(struct tr_run_states *states, const struct tr_state_record *record, struct tr_status *st)
{
	struct reader r = {record->bytes, (const char *)record->bytes + record->length, false};

	if (take_number(&r, 1) != DIRECTORY_VERSION)
		TR_FAIL(st, TR_ERR_DATA, "the directory of states is of another version");
	memset(states->places, -1, sizeof(states->places));
	while (r.at < r.end && !r.is_short) {
		const uint32_t kind = take_number(&r, 2), sort = take_number(&r, 1), has_ttl = take_number(&r, 1);
		const uint32_t version = take_number(&r, 4), value_bytes = take_number(&r, 4);
		const uint32_t length = take_number(&r, 4);
		const char *name = take(&r, length);

		if (r.is_short || kind < TR_RUN_KIND_STATES || kind >= TR_RUN_KIND_STATES + TR_RUN_STATES_MAX ||
		    has_ttl > 1)
			TR_FAIL(st, TR_ERR_DATA, "the directory of states is damaged");
		TR_TRY(place(states, kind, name, length, sort, has_ttl, version, value_bytes, st));
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

const struct tr_state_kind *tr_run_states_kinds(const struct tr_run_states *states, uint32_t *count)
{
	struct tr_run_states *s = (struct tr_run_states *)(uintptr_t)states;
	uint32_t n = 0;

	s->kinds = tr_checked(realloc(s->kinds, (states->count + 4) * sizeof(*s->kinds)));
	if (states->context->plan->has_broadcast)
		s->kinds[n++] = (struct tr_state_kind){.kind = TR_RUN_KIND_BROADCAST, .name = "broadcast_states"};
	*count = n;
	if (!states->context->has_timers)
		return s->kinds;
	s->kinds[n++] = (struct tr_state_kind){.kind = TR_RUN_KIND_DIRECTORY, .name = "states"};
	s->kinds[n++] = (struct tr_state_kind){.kind = TR_RUN_KIND_TIMERS, .name = "event_timers", .is_keyed = true};
	s->kinds[n++] =
		(struct tr_state_kind){.kind = TR_RUN_KIND_TIMERS + 1, .name = "processing_timers", .is_keyed = true};
	for (uint32_t i = 0; i < states->count; i++)
		s->kinds[n++] = (struct tr_state_kind){
			.kind = (uint16_t)(TR_RUN_KIND_STATES + i), .name = states->items[i]->name, .is_keyed = true};
	*count = n;
	return s->kinds;
}

uint64_t tr_run_states_bytes(const struct tr_run_states *states)
{
	uint64_t bytes = tr_run_broadcasts_bytes(&states->context->broadcasts);

	for (uint32_t i = 0; i < table_count(states); i++)
		bytes += tr_table_bytes(table_at(states, i));
	return bytes;
}
