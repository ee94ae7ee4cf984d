/* SPDX-License-Identifier: Apache-2.0
 *
 * CSV to columns.
 *
 *     span ──index──▶ ends[]: delimiters and line ends ──regular?──▶ column by column: one tight loop per field
 *                                                          │ no
 *                                                          └──▶ record by record: csv_record.c
 *
 * A block of up to BLOCK_ROWS records is indexed at a time. It is regular when every record has exactly one end per
 * column, the last of them a line end; then field f of row r lies between ends[r * columns + f - 1] and the next one,
 * and each needed column is parsed by a loop that knows its type. Fields that nobody needs are never looked at. A
 * record of another shape (or quotes that the index can't follow, escapes, comments) is read byte by byte; after
 * SLOW_RECORDS of them the index is tried again.
 *
 * Flink's rules (CsvToRowDataConverters, Jackson): too few fields are an error, or NULLs with ignore-parse-errors; too
 * many make the record unreadable, but one more that is empty is forgiven. A field that does not parse is an error, or
 * NULL. The null literal counts quoted too. Malformed UTF-8 becomes U+FFFD. We differ: dates like 2001-02-30 are
 * errors (java.sql.Date shifts them to March).
 *
 * Errors are reported in the order of records and fields although columns are parsed one after the other: a failing
 * row lowers the number of rows that later columns look at.
 */
#include "io/decode_csv.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/column_buffer.h"
#include "base/type.h"
#include "io/csv.h"
#include "io/field_time.h"

#define BLOCK_ROWS 128
#define SLOW_RECORDS 64
#define BLOCK_BYTES_MAX (1u << 30)
#define INDEX_SLACK 128

struct tr_decoder {
	const struct tr_table_spec *spec;
	struct tr_csv_dialect dialect;
	const struct tr_csv_kernels *kernels;
	uint32_t column_count;
	bool *is_needed;
	bool can_index; /* no escapes, no comments */
	struct tr_csv_index index;
	uint32_t *index_memory;
	struct tr_csv_record record;
	uint32_t slow_left; /* records to read byte by byte before the index is tried again */
	struct tr_bytes scratch;
	struct tr_bytes element;
	struct tr_field_minute *minutes; /* per column */
};

/** One call of decode. */
struct work {
	struct tr_decoder *d;
	const char *span;
	size_t length;
	bool is_final;
	struct tr_batch_buffer *into;
	uint32_t row;
	size_t at;
	struct tr_decode_result *result;
	struct tr_decode_error *error;
	const char *field_text; /* of the last failure */
	char reason[256];
};

/* ---- one value ---- */

/** The text that a field means: unescaped, repaired. False: it is the null literal. `is_owned`: not in the span. */
static bool field_value(struct tr_decoder *d, const struct tr_csv_field *field, bool is_text, const char **text,
			size_t *length, bool *is_owned)
{
	*text = field->text;
	*length = field->length;
	*is_owned = false;
	if (field->is_escaped) {
		tr_bytes_clear(&d->scratch);
		tr_bytes_reserve(&d->scratch, field->length + 1);
		tr_csv_unescape(&d->dialect, field, &d->scratch);
		*text = d->scratch.data;
		*length = d->scratch.length;
		*is_owned = true;
	}
	if (d->dialect.null_literal != NULL && *length == d->dialect.null_length &&
	    memcmp(*text, d->dialect.null_literal, *length) == 0)
		return false;
	if (is_text && !tr_text_is_utf8(*text, *length)) {
		tr_bytes_clear(&d->element);
		tr_field_repair_utf8(&d->element, *text, *length);
		*text = d->element.data;
		*length = d->element.length;
		*is_owned = true;
	}
	return true;
}

/** Stores a scalar, or NULL for the null literal. */
static enum tr_text_result store_scalar(struct work *w, struct tr_column_buffer *column, uint32_t row,
					const struct tr_csv_field *field)
{
	const bool is_text = tr_type_is_text(column->type);
	const char *text;
	size_t length;
	bool is_owned;
	enum tr_text_result result;

	if (!field_value(w->d, field, is_text, &text, &length, &is_owned)) {
		tr_column_buffer_set_null(column, row);
		return TR_TEXT_OK;
	}
	if (is_text && !is_owned) {
		((struct tr_view *)column->data)[row] = tr_view_make(text, (uint32_t)length);
		return TR_TEXT_OK;
	}
	result = tr_field_store(column, row, text, length, &tr_csv_rules, &w->into->heap);
	if (result != TR_TEXT_OK)
		tr_field_explain(w->reason, sizeof(w->reason), result, column->type, text, length);
	if (result != TR_TEXT_OK && length == 0) {
		const size_t used = strlen(w->reason);

		(void)snprintf(w->reason + used, sizeof(w->reason) - used,
			       "; 'csv.null-literal' = '' in the table's WITH reads empty fields as NULL");
	}
	return result;
}

/** Cuts the next element off `rest`; false when there is none left. */
static bool next_element(const struct tr_csv_dialect *d, const char **rest, size_t *left, bool *is_done,
			 struct tr_csv_field *element)
{
	const char *found;

	if (*is_done)
		return false;
	found = *left > 0 ? memmem(*rest, *left, d->element_delimiter, d->element_delimiter_length) : NULL;
	element->text = *rest;
	element->length = found != NULL ? (size_t)(found - *rest) : *left;
	*is_done = found == NULL;
	if (found != NULL) {
		*left -= element->length + d->element_delimiter_length;
		*rest = found + d->element_delimiter_length;
	}
	return true;
}

/** An ARRAY or ROW: elements between element delimiters; a blank text is an empty array, or a NULL row. */
static enum tr_text_result store_nested(struct work *w, struct tr_column_buffer *column, uint32_t row,
					const struct tr_csv_field *field)
{
	struct tr_decoder *d = w->d;
	const bool is_row = column->type->phys == TR_PHYS_ROW;
	const char *text, *trimmed;
	size_t length, trimmed_length;
	uint32_t count = 0, wanted = column->type->child_count;
	bool is_owned, is_done;
	struct tr_csv_field element = {0};

	if (!field_value(d, field, false, &text, &length, &is_owned)) {
		tr_column_buffer_set_null(column, row);
		return TR_TEXT_OK;
	}
	if (is_owned) { /* elements are stored as views, and the scratch is used by each */
		text = memcpy(tr_arena_alloc(&w->into->heap.arena, length + TR_INPUT_PADDING), text, length);
	}
	trimmed = text;
	trimmed_length = length;
	tr_text_trim(&trimmed, &trimmed_length);
	is_done = trimmed_length == 0;
	if (is_row && is_done) {
		tr_column_buffer_set_null(column, row);
		return TR_TEXT_OK;
	}
	while (next_element(&d->dialect, &text, &length, &is_done, &element)) {
		struct tr_column_buffer *child = &column->children[is_row ? TR_MIN(count, wanted - 1) : 0];
		uint32_t at = is_row ? row : child->length;
		enum tr_text_result result;

		count++;
		if (is_row && count > wanted)
			continue;
		if (!is_row) {
			tr_column_buffer_reserve(child, at + 1);
			child->length++;
		}
		result = store_scalar(w, child, at, &element);
		if (result != TR_TEXT_OK) {
			if (!d->dialect.ignore_errors) {
				if (!is_row)
					tr_field_rewind(child, (uint32_t)column->offsets[row]);
				if (!is_row)
					child->length = (uint32_t)column->offsets[row];
				return result;
			}
			tr_column_buffer_set_null(child, at);
			w->result->fields_bad++;
		}
	}
	if (!is_row) {
		column->offsets[row + 1] = (int32_t)column->children[0].length;
		return TR_TEXT_OK;
	}
	for (uint32_t i = count; i < wanted; i++)
		tr_column_buffer_set_null(&column->children[i], row);
	if (count != wanted && !d->dialect.ignore_errors) {
		snprintf(w->reason, sizeof(w->reason), "a ROW of %u fields has %u elements", wanted, count);
		return TR_TEXT_MALFORMED;
	}
	return TR_TEXT_OK;
}

/** Stores a field; with ignore-parse-errors a bad one becomes NULL. False: the record fails; w->reason says why. */
static bool store_field(struct work *w, uint32_t field_index, uint32_t row, const struct tr_csv_field *field)
{
	struct tr_column_buffer *column = &w->into->columns[field_index];
	enum tr_text_result result = tr_field_is_scalar(column->type) ? store_scalar(w, column, row, field)
								      : store_nested(w, column, row, field);

	if (result == TR_TEXT_OK)
		return true;
	if (w->d->dialect.ignore_errors) {
		tr_column_buffer_set_null(column, row);
		w->result->fields_bad++;
		return true;
	}
	w->field_text = field->text;
	return false;
}

/* ---- failures ---- */

static enum tr_flow fail(struct work *w, size_t offset, size_t record_offset, const char *field, const char *reason)
{
	w->error->offset = offset;
	w->error->record_offset = record_offset;
	w->error->field = field;
	snprintf(w->error->reason, sizeof(w->error->reason), "%s", reason);
	return TR_FLOW_FAILED;
}

/** Nothing stays of rows from `row` on. */
static void rewind_rows(struct work *w, uint32_t row)
{
	for (uint32_t i = 0; i < w->d->column_count; i++)
		if (w->d->is_needed[i])
			tr_field_rewind(&w->into->columns[i], row);
}

/* ---- record by record ---- */

static enum tr_flow finish_record(struct work *w, const struct tr_csv_record *record)
{
	struct tr_decoder *d = w->d;
	uint32_t count = record->count;
	char reason[128];

	if (count == d->column_count + 1 && record->fields[count - 1].length == 0)
		count--; /* one delimiter too many at the end is forgiven, as Jackson does */
	if (count > d->column_count || (count < d->column_count && !d->dialect.ignore_errors)) {
		if (d->dialect.ignore_errors) {
			w->result->rows_bad++;
			return TR_FLOW_MORE;
		}
		snprintf(reason, sizeof(reason), "the record has %u fields, but the table has %u columns", count,
			 d->column_count);
		return fail(w, w->at, w->at, NULL, reason);
	}
	for (uint32_t i = 0; i < d->column_count; i++) {
		if (!d->is_needed[i])
			continue;
		if (i >= count) {
			tr_column_buffer_set_null(&w->into->columns[i], w->row);
			w->result->fields_bad++;
		} else if (!store_field(w, i, w->row, &record->fields[i])) {
			size_t offset = (size_t)(record->fields[i].text - w->span);

			rewind_rows(w, w->row);
			return fail(w, offset, w->at, d->spec->schema->names[i], w->reason);
		}
	}
	w->row++;
	return TR_FLOW_MORE;
}

/** Reads one record. DONE: no whole one is left. */
static enum tr_flow decode_record(struct work *w)
{
	struct tr_decoder *d = w->d;
	struct tr_csv_record *record = &d->record;
	enum tr_flow flow = TR_FLOW_MORE;

	if (w->at == w->length)
		return TR_FLOW_DONE;
	switch (tr_csv_scan_record(&d->dialect, w->span + w->at, w->length - w->at, w->is_final, record)) {
	case TR_CSV_RECORD: flow = finish_record(w, record); break;
	case TR_CSV_NOTHING: break;
	case TR_CSV_INCOMPLETE:
		if (w->length - w->at <= TR_RECORD_BYTES_MAX)
			return TR_FLOW_DONE;
		return fail(w, w->at, w->at, NULL, "the record is longer than 64 MiB: is a quote missing?");
	case TR_CSV_ERROR:
		if (!d->dialect.ignore_errors)
			return fail(w, w->at + record->error_offset, w->at, NULL, record->reason);
		w->result->rows_bad++;
		break;
	}
	if (flow == TR_FLOW_MORE)
		w->at += record->consumed;
	return flow;
}

/* ---- column by column ---- */

/** Field `f` of a row of the block, as csv_record.c would find it. */
static struct tr_csv_field indexed_field(const struct tr_decoder *d, const char *block, const uint32_t *end,
					 bool is_last)
{
	struct tr_csv_field field = {0};
	size_t start = (uint32_t)(end[-1] + 1), stop = *end;

	if (is_last && stop > start && block[stop - 1] == '\r')
		stop--;
	field.text = block + start;
	field.length = stop - start;
	if (d->index.has_quotes && field.length >= 2 && *field.text == d->dialect.quote) {
		field.is_quoted = true;
		field.text++;
		field.length -= 2;
		field.is_escaped = memchr(field.text, d->dialect.quote, field.length) != NULL;
	}
	return field;
}

/** TIMESTAMP fields of the usual form from row `from` on; returns the first row of another form. */
static uint32_t decode_timestamps(struct work *w, const char *block, uint32_t c, uint32_t from, uint32_t rows)
{
	struct tr_decoder *d = w->d;
	struct tr_field_minute *minute = &d->minutes[c];
	const int64_t scale = tr_type_ticks_per_second(w->into->columns[c].type) / 1000;
	const uint32_t *ends = d->index.ends + c;
	int64_t *restrict out = (int64_t *)w->into->columns[c].data + w->row;
	int64_t ms, ticks;

	for (uint32_t row = from; row < rows; row++) {
		const uint32_t *end;
		uint32_t start;

		/* As many as are in the minute of the row before. */
		if (minute->text[4] == '-' && !__builtin_mul_overflow(minute->ms, scale, &ticks) &&
		    !__builtin_mul_overflow(minute->ms + 60000, scale, &ticks)) {
			row = d->kernels->seconds(block, d->index.ends, d->column_count, c, row, rows, minute, scale,
						  out);
			if (row == rows)
				break;
		}
		end = ends + (size_t)row * d->column_count;
		start = end[-1] + 1;
		if (!tr_field_minute_ms(minute, block + start, end[0] - start, 0, &ms) ||
		    __builtin_mul_overflow(ms, scale, &ticks))
			return row;
		out[row] = ticks;
	}
	return rows;
}

/** Parses column `c` of `rows` rows; returns how many are good (fewer only without ignore-parse-errors). */
static uint32_t decode_column(struct work *w, const char *block, uint32_t c, uint32_t rows)
{
	struct tr_decoder *d = w->d;
	struct tr_column_buffer *column = &w->into->columns[c];
	const struct tr_type *type = column->type;
	const uint32_t stride = d->column_count;
	const bool is_last = c + 1 == stride;
	const size_t width = tr_phys_bytes(type->phys);
	const bool is_integer = tr_type_is_integer(type) || tr_type_is_interval(type);

	if (tr_type_is_text(type) && d->dialect.null_literal == NULL && !d->index.has_quotes &&
	    !d->index.has_non_ascii && !(is_last && d->index.has_returns)) {
		d->kernels->views(block, d->index.ends, stride, c, rows, (struct tr_view *)column->data + w->row);
		return rows;
	}
	for (uint32_t row = 0; row < rows; row++) {
		const uint32_t *end = d->index.ends + (size_t)row * stride + c;
		struct tr_csv_field field;

		if (is_integer && d->dialect.null_literal == NULL) {
			row = d->kernels->integers(block, d->index.ends, stride, c, row, rows,
						   (char *)column->data + w->row * width, (unsigned)width);
			if (row == rows)
				break;
			end = d->index.ends + (size_t)row * stride + c;
		} else if (type->id == TR_TYPE_TIMESTAMP && d->dialect.null_literal == NULL) {
			row = decode_timestamps(w, block, c, row, rows);
			if (row == rows)
				break;
			end = d->index.ends + (size_t)row * stride + c;
		}
		field = indexed_field(d, block, end, is_last);
		if (!store_field(w, c, w->row + row, &field))
			return row;
	}
	return rows;
}

/** How many records at the start of the block have exactly one end per column, the last a line end. */
static uint32_t regular_rows(const struct tr_decoder *d, const char *block, uint32_t rows_max)
{
	const struct tr_csv_index *index = &d->index;
	const uint32_t stride = d->column_count;
	const uint32_t rows = index->count / stride;
	uint32_t row = 0;

	if (index->is_odd)
		return 0;
	while (row < rows && block[index->ends[(size_t)row * stride + stride - 1]] == '\n')
		row++;
	/* As many line ends as rows, each at the end of one: none is elsewhere. */
	if (row == rows && index->lines == rows)
		return TR_MIN(rows, rows_max);
	for (row = 0; row < TR_MIN(rows, rows_max); row++) {
		const uint32_t *ends = index->ends + (size_t)row * stride;

		for (uint32_t i = 0; i + 1 < stride; i++)
			if (block[ends[i]] == '\n')
				return row;
		if (block[ends[stride - 1]] != '\n')
			return row;
	}
	return row;
}

/** Decodes a block of regular records. DONE: there is none here. */
static enum tr_flow decode_block(struct work *w)
{
	struct tr_decoder *d = w->d;
	const char *block = w->span + w->at;
	const size_t length = TR_MIN(w->length - w->at, (size_t)BLOCK_BYTES_MAX);
	const uint32_t wanted = TR_MIN(w->into->capacity - w->row, (uint32_t)BLOCK_ROWS);
	uint32_t rows, good, failed_column = 0;

	d->kernels->index(block, length, d->dialect.delimiter, d->dialect.quote, d->dialect.has_quote, wanted,
			  &d->index);
	rows = good = regular_rows(d, block, wanted);
	if (rows == 0)
		return TR_FLOW_DONE;
	for (uint32_t c = 0; c < d->column_count && good > 0; c++) {
		uint32_t parsed;

		if (!d->is_needed[c])
			continue;
		parsed = decode_column(w, block, c, good);
		if (parsed < good) {
			good = parsed;
			failed_column = c;
			snprintf(w->error->reason, sizeof(w->error->reason), "%s", w->reason);
			w->error->offset = (size_t)(w->field_text - w->span);
		}
	}
	if (good < rows) {
		/* Columns before the failing one have gone further; the failing record itself may fail earlier. */
		size_t start = good > 0 ? d->index.ends[(size_t)good * d->column_count - 1] + 1 : 0;

		rewind_rows(w, w->row + good);
		w->row += good;
		w->at += start;
		w->error->record_offset = w->at;
		w->error->field = d->spec->schema->names[failed_column];
		return TR_FLOW_FAILED;
	}
	w->row += rows;
	w->at += d->index.ends[(size_t)rows * d->column_count - 1] + 1;
	return TR_FLOW_MORE;
}

/* ---- the decoder ---- */

static enum tr_flow csv_decode(struct tr_decoder *d, const char *span, size_t length, bool is_final,
			       struct tr_batch_buffer *into, uint32_t at, struct tr_decode_result *result,
			       struct tr_decode_error *error)
{
	struct work w = {.d = d,
			 .span = span,
			 .length = length,
			 .is_final = is_final,
			 .into = into,
			 .row = at,
			 .result = result,
			 .error = error};
	enum tr_flow flow = TR_FLOW_MORE;

	TR_ASSERT(into->batch.schema->column_count == d->column_count && at <= into->capacity);
	memset(result, 0, sizeof(*result));
	while (flow == TR_FLOW_MORE && w.row < into->capacity && w.at < length) {
		if (d->can_index && d->slow_left == 0) {
			flow = decode_block(&w);
			if (flow != TR_FLOW_DONE)
				continue;
			d->slow_left = SLOW_RECORDS;
		}
		flow = decode_record(&w);
		if (d->slow_left > 0)
			d->slow_left--;
	}
	d->slow_left = 0;
	for (uint32_t i = 0; i < d->column_count; i++)
		if (!d->is_needed[i])
			tr_field_set_nulls(&into->columns[i], at, w.row);
	result->consumed = w.at;
	result->rows = w.row - at;
	return flow == TR_FLOW_FAILED ? TR_FLOW_FAILED : TR_FLOW_MORE;
}

static void csv_destroy(struct tr_decoder **decoder)
{
	struct tr_decoder *d = *decoder;

	*decoder = NULL;
	if (d == NULL)
		return;
	tr_bytes_deinit(&d->scratch);
	tr_bytes_deinit(&d->element);
	free(d->record.fields);
	free(d->minutes);
	free(d->index_memory);
	free(d->is_needed);
	free(d);
}

static tr_code csv_create(const struct tr_table_spec *spec, struct tr_decoder **decoder, struct tr_status *st)
{
	struct tr_csv_dialect dialect;
	struct tr_decoder *d;

	*decoder = NULL;
	TR_TRY(tr_csv_check_schema(spec, st));
	TR_TRY(tr_csv_dialect_read(spec, &dialect, st));
	d = calloc(1, sizeof(*d));
	TR_ASSERT(d != NULL);
	d->spec = spec;
	d->dialect = dialect;
	d->kernels = TR_ISA_PICK(tr_csv_kernels);
	d->column_count = spec->schema->column_count;
	d->can_index = !dialect.has_escape && !dialect.allow_comments;
	d->is_needed = calloc(d->column_count, sizeof(*d->is_needed));
	d->record.capacity = d->column_count + 1;
	d->record.fields = calloc(d->record.capacity, sizeof(*d->record.fields));
	d->index.capacity = d->column_count * BLOCK_ROWS + INDEX_SLACK;
	d->index_memory = calloc(d->index.capacity + INDEX_SLACK, sizeof(uint32_t));
	d->minutes = calloc(d->column_count, sizeof(*d->minutes));
	TR_ASSERT(d->minutes != NULL && d->is_needed != NULL && d->record.fields != NULL && d->index_memory != NULL);
	d->index.ends = d->index_memory + 1;
	d->index.ends[-1] = UINT32_MAX;
	for (uint32_t i = 0; i < d->column_count; i++)
		d->is_needed[i] = spec->needs == NULL || spec->needs[i] != NULL;
	*decoder = d;
	return TR_OK;
}

static size_t csv_find_start(const char *span, size_t length, size_t from)
{
	const char *newline;

	TR_ASSERT(from > 0);
	if (from > length)
		return length;
	newline = memchr(span + from - 1, '\n', length - (from - 1));
	return newline != NULL ? (size_t)(newline - span) + 1 : length;
}

const struct tr_decoder_ops tr_csv_decoder = {csv_create, csv_destroy, csv_decode, csv_find_start};
