/* SPDX-License-Identifier: Apache-2.0
 *
 * The 'datagen' connector: random values and sequences as a table, with Flink's options.
 *
 * Row n is drawn from ('seed', n), so that a table can be repeated and does not depend on who makes which row. Like
 * Flink's, it is paced by 'rows-per-second' (10,000 unless set otherwise, over all readers), never ends unless
 * 'number-of-rows' or a sequence ends it, and its dates and times are the clock's (tr_sequence_wall_ms). With 'base-time' (ours) they are that
 * time plus n / rows-per-second instead.
 */
#include "base/check.h"
#include "io/connectors.h"
#include "io/datagen_field.h"
#include "io/memory.h"
#include "io/source.h"
#include "io/source_sequence.h"

#define RATE_DEFAULT 10000
#define BATCH_BYTES ((uint64_t)32 << 20) /* batches of very long rows have fewer of them */

struct tr_source {
	const struct tr_table_spec *spec;
	struct tr_environment *env;
	struct tr_arena arena;
	const struct tr_datagen_field *const *fields;
	uint64_t seed;
	double rows_per_second;
	bool has_times; /* somebody reads a date or time */
	bool has_base_time;
	int64_t base_time_ms;
	struct tr_sequence sequence;
};

struct tr_source_reader {
	struct tr_source *source;
	struct tr_source_context *context;
	struct tr_sequence_cursor cursor;
	int64_t *number;
	uint64_t *key;
	int64_t *now_ms;
};

static const struct tr_option_spec options[] = {
	{"rows-per-second", TR_OPTION_INTEGER, "10000", NULL, false, "Rows per second, over all readers."},
	{"number-of-rows", TR_OPTION_INTEGER, NULL, NULL, false, "Ends the table after so many rows."},
	{"scan.parallelism", TR_OPTION_INTEGER, NULL, NULL, false, "Accepted; the job's parallelism is used."},
	{"fields.#.kind", TR_OPTION_ENUM, "random", "random|sequence", false, "How the column is made."},
	{"fields.#.min", TR_OPTION_STRING, NULL, NULL, false,
	 "Least random number; the least of the type, 0 for FLOAT and DOUBLE."},
	{"fields.#.max", TR_OPTION_STRING, NULL, NULL, false, "Greatest random number; the greatest of the type."},
	{"fields.#.max-past", TR_OPTION_DURATION, "0", NULL, false, "How long before now a timestamp may be."},
	{"fields.#.length", TR_OPTION_INTEGER, NULL, NULL, false,
	 "Length of a text or bytes (100), number of elements of a collection (3)."},
	{"fields.#.var-len", TR_OPTION_BOOLEAN, "false", NULL, false, "Texts and bytes of 1 to that length."},
	{"fields.#.start", TR_OPTION_INTEGER, NULL, NULL, false, "First value of a sequence."},
	{"fields.#.end", TR_OPTION_INTEGER, NULL, NULL, false, "Last value of a sequence; ends the table."},
	{"fields.#.null-rate", TR_OPTION_DOUBLE, "0", NULL, false, "Share of NULLs, 0 to 1."},
	{"seed", TR_OPTION_INTEGER, "0", NULL, false, "The same seed gives the same rows."},
	{"base-time", TR_OPTION_INTEGER, NULL, NULL, false,
	 "Time of the first row, in milliseconds since 1970, instead of the clock's."},
	{.key = NULL},
};

static bool is_bounded(const struct tr_table_spec *spec)
{
	const struct tr_options *o = &spec->options;

	if (tr_options_get(o, "number-of-rows") != NULL)
		return true;
	for (uint32_t i = 0; i < o->count; i++) {
		const char *key = o->items[i].key;
		const size_t length = strlen(key);

		if (strncmp(key, "fields.", 7) == 0 && length > 5 && strcmp(key + length - 5, ".kind") == 0 &&
		    strcasecmp(o->items[i].value, "sequence") == 0)
			return true;
	}
	return false;
}

/** Whether values of a type are made of the time. */
static bool has_time(const struct tr_type *type)
{
	bool has = tr_datagen_is_time(type);

	for (uint32_t c = 0; c < type->child_count; c++)
		has |= has_time(type->children[c]);
	return has;
}

static tr_code check_numbers(const struct tr_table_spec *spec, struct tr_status *st)
{
	if (tr_options_integer(&spec->options, "rows-per-second", RATE_DEFAULT) <= 0)
		TR_FAIL(st, TR_ERR_DATA, "table '%s': option 'rows-per-second' must be greater than 0", spec->name);
	if (tr_options_integer(&spec->options, "number-of-rows", INT64_MAX) < 0)
		TR_FAIL(st, TR_ERR_DATA, "table '%s': option 'number-of-rows' must not be negative", spec->name);
	return TR_OK;
}

static tr_code datagen_check(const struct tr_table_spec *spec, struct tr_status *st)
{
	const struct tr_datagen_field *const *fields;
	struct tr_arena arena;
	int64_t row_limit;
	uint64_t row_bytes;
	tr_code code;

	TR_TRY(check_numbers(spec, st));
	tr_arena_init(&arena, 0);
	code = tr_datagen_compile(spec, &arena, &fields, &row_limit, &row_bytes, st);
	tr_arena_deinit(&arena);
	return code;
}

static tr_code datagen_open(const struct tr_table_spec *spec, struct tr_environment *env, uint32_t reader_count,
			    struct tr_source **source, struct tr_status *st)
{
	const int64_t rate = tr_options_integer(&spec->options, "rows-per-second", RATE_DEFAULT);
	const int64_t rows = tr_options_integer(&spec->options, "number-of-rows", INT64_MAX);
	struct tr_source *s;
	struct tr_sequence_config config;
	int64_t row_limit;
	uint64_t row_bytes;
	tr_code code;

	TR_TRY(check_numbers(spec, st));
	s = tr_io_calloc(1, sizeof(*s));
	tr_arena_init(&s->arena, 0);
	code = tr_datagen_compile(spec, &s->arena, &s->fields, &row_limit, &row_bytes, st);
	if (code != TR_OK) {
		tr_arena_deinit(&s->arena);
		free(s);
		return code;
	}
	s->spec = spec;
	s->env = env;
	s->seed = (uint64_t)tr_options_integer(&spec->options, "seed", 0);
	s->rows_per_second = (double)rate;
	s->has_base_time = tr_options_get(&spec->options, "base-time") != NULL;
	s->base_time_ms = tr_options_integer(&spec->options, "base-time", 0);
	for (uint32_t c = 0; c < spec->schema->column_count; c++)
		if (spec->needs == NULL || spec->needs[c] != NULL)
			s->has_times |= has_time(spec->schema->types[c]);
	config = (struct tr_sequence_config){
		.rows = TR_MIN(rows, row_limit),
		.rows_per_second = (double)rate,
		.batch_rows = (uint32_t)TR_MAX(TR_MIN((uint64_t)spec->batch_rows, BATCH_BYTES / (row_bytes + 1)), 1),
	};
	tr_sequence_init(&s->sequence, &config, env);
	*source = s;
	return TR_OK;
}

static void datagen_close(struct tr_source **source)
{
	struct tr_source *s = *source;

	*source = NULL;
	if (s == NULL)
		return;
	tr_sequence_deinit(&s->sequence);
	tr_arena_deinit(&s->arena);
	free(s);
}

static void datagen_progress(struct tr_source *source, uint64_t *known, uint64_t *begun)
{
	tr_sequence_progress(&source->sequence, known, begun);
}

static const char *datagen_split_name(struct tr_source *source, uint64_t split) { return "datagen"; }

static tr_code reader_open(struct tr_source *source, struct tr_source_context *context,
			   struct tr_source_reader **reader, struct tr_status *st)
{
	struct tr_source_reader *r = tr_io_calloc(1, sizeof(*r));

	r->source = source;
	r->context = context;
	r->number = tr_io_calloc(source->spec->batch_rows, sizeof(*r->number));
	r->key = tr_io_calloc(source->spec->batch_rows, sizeof(*r->key));
	r->now_ms = tr_io_calloc(source->spec->batch_rows, sizeof(*r->now_ms));
	*reader = r;
	return TR_OK;
}

static void reader_close(struct tr_source_reader **reader)
{
	struct tr_source_reader *r = *reader;

	*reader = NULL;
	if (r == NULL)
		return;
	free(r->number);
	free(r->key);
	free(r->now_ms);
	free(r);
}

static void number_rows(struct tr_source_reader *r, int64_t first, uint32_t count)
{
	const struct tr_source *s = r->source;

	for (uint32_t i = 0; i < count; i++) {
		const int64_t n = first + i;

		r->number[i] = n;
		r->key[i] = tr_datagen_key(s->seed, n);
		if (s->has_times)
			r->now_ms[i] = s->has_base_time
					       ? s->base_time_ms + (int64_t)((double)n * 1000.0 / s->rows_per_second)
					       : tr_sequence_wall_ms(&s->sequence, &r->cursor, n);
	}
}

/* A column that nobody reads. */
static void put_all_null(struct tr_column_buffer *column, uint32_t count)
{
	if (count == 0)
		return;
	memset(column->validity, 0, TR_BITMAP_WORDS(count) * sizeof(uint64_t));
	if (count % 64 != 0)
		column->validity[count / 64] |= ~(uint64_t)0 << (count % 64);
	column->has_nulls = true;
	if (column->type->phys == TR_PHYS_LIST)
		memset(column->offsets, 0, ((size_t)count + 1) * sizeof(int32_t));
	else if (column->type->phys == TR_PHYS_ROW)
		for (uint32_t c = 0; c < column->child_count; c++)
			put_all_null(&column->children[c], count);
}

static enum tr_flow reader_poll(struct tr_source_reader *r, struct tr_batch_buffer *into, struct tr_chunk_info *info,
				struct tr_status *st)
{
	const struct tr_table_spec *spec = r->source->spec;
	struct tr_datagen_rows rows;
	int64_t first;
	uint32_t count;
	enum tr_flow flow;

	flow = tr_sequence_next(&r->source->sequence, &r->cursor, r->context, &first, &count, info);
	if (flow != TR_FLOW_MORE)
		return flow;
	TR_ASSERT(count <= into->capacity);
	number_rows(r, first, count);
	rows = (struct tr_datagen_rows){r->number, r->key, r->now_ms, count};
	for (uint32_t c = 0; c < spec->schema->column_count; c++) {
		if (spec->needs != NULL && spec->needs[c] == NULL)
			put_all_null(&into->columns[c], count);
		else
			tr_datagen_fill(r->source->fields[c], &rows, &into->columns[c], 0, &into->heap);
	}
	tr_batch_buffer_seal(into, count);
	return TR_FLOW_MORE;
}

static bool reader_barrier(struct tr_source_reader *r, uint64_t checkpoint, struct tr_position_writer *writer)
{
	return tr_sequence_barrier(&r->source->sequence, &r->cursor, r->context, checkpoint, writer);
}

static tr_code restore(struct tr_source *source, const struct tr_source_positions *positions, struct tr_status *st)
{
	return tr_sequence_restore(&source->sequence, source->spec->name, positions, source->env, st);
}

static const struct tr_source_ops source_ops = {
	.is_bounded = is_bounded,
	.bounded_hint = "set 'number-of-rows', or 'fields.NAME.kind' = 'sequence'",
	.check = datagen_check,
	.open = datagen_open,
	.close = datagen_close,
	.progress = datagen_progress,
	.split_name = datagen_split_name,
	.reader_open = reader_open,
	.reader_close = reader_close,
	.poll = reader_poll,
	.reader_barrier = reader_barrier,
	.restore = restore,
};

const struct tr_connector tr_connector_datagen = {
	.name = "datagen",
	.doc = "Makes rows of random values and sequences.",
	.example = "CREATE TABLE orders (\n"
		   "  id BIGINT, price DECIMAL(10, 2), buyer STRING, ordered TIMESTAMP(3)\n"
		   ") WITH (\n"
		   "  'connector' = 'datagen', 'number-of-rows' = '1000', 'rows-per-second' = '100000',\n"
		   "  'fields.id.kind' = 'sequence', 'fields.id.start' = '1', 'fields.id.end' = '1000',\n"
		   "  'fields.price.min' = '1', 'fields.price.max' = '99.99', 'fields.buyer.length' = '8'\n"
		   ");",
	.options = options,
	.source = &source_ops,
};
