/* SPDX-License-Identifier: Apache-2.0
 *
 * See tableau.h. Rows are gathered in a buffer, which is written when it is full and whenever the input pauses: what has
 * been computed is on the screen within the time that the engine idles (milliseconds).
 *
 *     +----+-------------+--------------------------------+
 *     | op |          id |                           name |
 *     +----+-------------+--------------------------------+
 *     | +I |           1 |                          Alice |
 *     +----+-------------+--------------------------------+
 *     Received a total of 1 row
 *
 * Of a batch job the columns are as wide as what is in them: rows are kept until all have come, or until KEPT_BYTES have; what
 * comes after those takes the widths as they are then.
 *
 *     +----+-------+
 *     | id |  name |
 *     +----+-------+
 *     |  1 | Alice |
 *     +----+-------+
 *     1 row in set
 */
#include "server/tableau.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/check.h"
#include "base/text.h"
#include "base/timezone.h"
#include "io/format.h"
#include "io/sink.h"

#define BUFFER_BYTES (64u << 10)
#define KEPT_BYTES ((size_t)8 << 20)
#define TIMESTAMP_WIDTH 19 /* without its fraction */

#define NULL_TEXT "<NULL>"

enum style { STYLE_TABLEAU, STYLE_ANSWER, STYLE_TABLE, STYLE_FORMAT };

struct tr_sink {
	const struct tr_table_spec *spec;
	enum style style;
	const struct tr_encoder_ops *encoder_ops;
	struct tr_encoder *encoder;
	struct tr_timezone *zone;
	struct tr_bytes out;
	struct tr_bytes cell;
	struct tr_bytes kept; /* ANSWER, before the header: cells, length and bytes */
	uint32_t *widths;
	uint32_t width_max;
	uint64_t row_count;
	bool has_header;
};

static tr_code flush(struct tr_sink *sink, struct tr_status *st)
{
	size_t done = 0;

	while (done < sink->out.length) {
		ssize_t written = write(STDOUT_FILENO, sink->out.data + done, sink->out.length - done);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			TR_FAIL_ERRNO(st, TR_ERR_IO, "write to stdout");
		done += (size_t)written;
	}
	sink->out.length = 0;
	return TR_OK;
}

/* ---- the table ---- */

/* Flink's rule: by type where the texts have a bounded length, else the greatest width. */
static uint32_t type_width(const struct tr_type *type, uint32_t most)
{
	uint32_t fraction = type->precision > 0 ? (uint32_t)type->precision + 1 : 0;

	switch (type->id) {
	case TR_TYPE_TINYINT: return 4;
	case TR_TYPE_SMALLINT: return 6;
	case TR_TYPE_INT: return 11;
	case TR_TYPE_BIGINT: return 20;
	case TR_TYPE_DECIMAL: return (uint32_t)type->precision + 2; /* a sign and a point */
	case TR_TYPE_BOOLEAN: return 5;
	case TR_TYPE_DATE: return 10;
	case TR_TYPE_TIME: return 8 + fraction;
	case TR_TYPE_TIMESTAMP:
	case TR_TYPE_TIMESTAMP_LTZ: return TIMESTAMP_WIDTH + fraction;
	default: return most;
	}
}

static void put_rule(struct tr_sink *sink)
{
	if (sink->style == STYLE_TABLEAU)
		tr_bytes_append(&sink->out, "+----", 5);
	for (uint32_t i = 0; i < sink->spec->schema->column_count; i++) {
		tr_bytes_append(&sink->out, "+", 1);
		for (uint32_t w = 0; w < sink->widths[i] + 2; w++)
			tr_bytes_append(&sink->out, "-", 1);
	}
	tr_bytes_append(&sink->out, "+\n", 2);
}

/* " text |", right-aligned, cut with "..." when too wide. Widths count terminal columns. */
static void put_cell(struct tr_sink *sink, const char *text, size_t length, uint32_t width)
{
	size_t shown = tr_text_display_width(text, length);
	bool is_cut = shown > width;
	uint32_t room = is_cut && width > 3 ? width - 3 : width;

	while (shown > room) {
		do
			length--;
		while (length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80);
		shown = tr_text_display_width(text, length);
	}
	tr_bytes_append(&sink->out, " ", 1);
	for (size_t pad = shown + (is_cut && width > 3 ? 3 : 0); pad < width; pad++)
		tr_bytes_append(&sink->out, " ", 1);
	tr_bytes_append(&sink->out, text, length);
	if (is_cut && width > 3)
		tr_bytes_append(&sink->out, "...", 3);
	tr_bytes_append(&sink->out, " |", 2);
}

static void put_header(struct tr_sink *sink)
{
	const struct tr_schema *schema = sink->spec->schema;

	sink->has_header = true;
	if (sink->style == STYLE_FORMAT)
		return;
	put_rule(sink);
	if (sink->style == STYLE_TABLEAU)
		tr_bytes_append(&sink->out, "| op ", 5);
	tr_bytes_append(&sink->out, "|", 1);
	for (uint32_t i = 0; i < schema->column_count; i++)
		put_cell(sink, schema->names[i], strlen(schema->names[i]), sink->widths[i]);
	tr_bytes_append(&sink->out, "\n", 1);
	put_rule(sink);
}

static void make_cell(struct tr_sink *sink, const struct tr_column *column, uint32_t row)
{
	sink->cell.length = 0;
	if (tr_column_is_null(column, row))
		tr_bytes_append_str(&sink->cell, NULL_TEXT);
	else
		tr_text_append_value(&sink->cell, column, row, TR_TEXT_TABLEAU, sink->zone);
}

static void put_row(struct tr_sink *sink, const struct tr_batch *batch, uint32_t row)
{
	if (sink->style == STYLE_TABLEAU) {
		tr_bytes_append(&sink->out, "| ", 2);
		tr_bytes_append(&sink->out, tr_text_row_kind(batch->row_kinds != NULL ? batch->row_kinds[row] : 0), 2);
		tr_bytes_append(&sink->out, " ", 1);
	}
	tr_bytes_append(&sink->out, "|", 1);
	for (uint32_t i = 0; i < sink->spec->schema->column_count; i++) {
		make_cell(sink, &batch->columns[i], row);
		put_cell(sink, sink->cell.data, sink->cell.length, sink->widths[i]);
	}
	tr_bytes_append(&sink->out, "\n", 1);
}

/* ---- rows that wait for their columns' widths ---- */

static void keep_row(struct tr_sink *sink, const struct tr_batch *batch, uint32_t row)
{
	for (uint32_t i = 0; i < sink->spec->schema->column_count; i++) {
		uint32_t length;

		make_cell(sink, &batch->columns[i], row);
		length = (uint32_t)sink->cell.length;
		tr_bytes_append(&sink->kept, (const char *)&length, sizeof(length));
		tr_bytes_append(&sink->kept, sink->cell.data, length);
		sink->widths[i] = TR_MAX(sink->widths[i], (uint32_t)tr_text_display_width(sink->cell.data, length));
	}
}

static void put_kept(struct tr_sink *sink)
{
	const uint32_t columns = sink->spec->schema->column_count;

	for (uint32_t i = 0; i < columns; i++)
		sink->widths[i] = TR_MIN(sink->widths[i], sink->width_max);
	put_header(sink);
	for (size_t at = 0; at < sink->kept.length;) {
		tr_bytes_append(&sink->out, "|", 1);
		for (uint32_t i = 0; i < columns; i++) {
			uint32_t length;

			memcpy(&length, sink->kept.data + at, sizeof(length));
			put_cell(sink, sink->kept.data + at + sizeof(length), length, sink->widths[i]);
			at += sizeof(length) + length;
		}
		tr_bytes_append(&sink->out, "\n", 1);
	}
	tr_bytes_deinit(&sink->kept);
}

/* ---- the sink ---- */

static void tableau_close(struct tr_sink **sink)
{
	struct tr_sink *it = *sink;

	if (it == NULL)
		return;
	if (it->encoder != NULL)
		it->encoder_ops->destroy(&it->encoder);
	tr_timezone_destroy(&it->zone);
	free(it->out.data);
	free(it->cell.data);
	tr_bytes_deinit(&it->kept);
	free(it->widths);
	free(it);
	*sink = NULL;
}

static tr_code set_style(struct tr_sink *sink, const char *style, struct tr_status *st)
{
	const struct tr_format *format;

	sink->style = strcmp(style, "table") == 0 ? STYLE_TABLE : sink->spec->is_batch ? STYLE_ANSWER : STYLE_TABLEAU;
	if (strcmp(style, "table") == 0 || strcmp(style, "tableau") == 0)
		return TR_OK;
	format = tr_registry_find_format(style);
	if (format == NULL || format->encoder == NULL)
		TR_FAIL(st, TR_ERR_USAGE, "no output format '%s'", style);
	sink->style = STYLE_FORMAT;
	sink->encoder_ops = format->encoder;
	return format->encoder->create(sink->spec, &sink->encoder, st);
}

static tr_code tableau_open(const struct tr_table_spec *spec, struct tr_sink_context *context, struct tr_sink **result,
			    struct tr_status *st)
{
	struct tr_sink *sink = calloc(1, sizeof(*sink));
	const char *style = tr_options_get(&spec->options, "style");
	tr_code code;

	TR_ASSERT(sink != NULL && context->subtask_count == 1);
	sink->spec = spec;
	sink->width_max = (uint32_t)tr_options_integer(&spec->options, "max-width", 30);
	sink->widths = calloc(spec->schema->column_count + 1, sizeof(*sink->widths));
	TR_ASSERT(sink->widths != NULL);
	for (uint32_t i = 0; i < spec->schema->column_count; i++) {
		size_t name = tr_text_display_width(spec->schema->names[i], strlen(spec->schema->names[i]));
		uint32_t width = TR_MAX((uint32_t)name, type_width(spec->schema->types[i], sink->width_max));

		sink->widths[i] = TR_MAX(width, (uint32_t)strlen(NULL_TEXT));
	}
	code = set_style(sink, style != NULL ? style : "tableau", st);
	for (uint32_t i = 0; sink->style == STYLE_ANSWER && i < spec->schema->column_count; i++)
		sink->widths[i] =
			(uint32_t)tr_text_display_width(spec->schema->names[i], strlen(spec->schema->names[i]));
	if (code == TR_OK)
		code = tr_timezone_create(spec->time_zone, &sink->zone, st);
	if (code != TR_OK)
		tableau_close(&sink);
	*result = sink;
	return code;
}

static enum tr_flow tableau_write(struct tr_sink *sink, const struct tr_batch *batch, struct tr_status *st)
{
	const bool is_kept = sink->style == STYLE_ANSWER && !sink->has_header;

	if (!sink->has_header && !is_kept)
		put_header(sink);
	sink->row_count += batch->selected_count;
	if (sink->style == STYLE_FORMAT) {
		if (sink->encoder_ops->encode(sink->encoder, batch, batch->selection, batch->selected_count, &sink->out,
					      st) != TR_OK)
			return TR_FLOW_FAILED;
	} else {
		for (uint32_t i = 0; i < batch->selected_count; i++)
			(is_kept ? keep_row : put_row)(sink, batch, tr_batch_row(batch, i));
	}
	if (sink->kept.length > KEPT_BYTES)
		put_kept(sink);
	if (sink->out.length >= BUFFER_BYTES && flush(sink, st) != TR_OK)
		return TR_FLOW_FAILED;
	return TR_FLOW_MORE;
}

static enum tr_flow tableau_resume(struct tr_sink *sink, struct tr_status *st) { return TR_FLOW_MORE; }

static enum tr_flow tableau_tick(struct tr_sink *sink, struct tr_status *st)
{
	return flush(sink, st) == TR_OK ? TR_FLOW_MORE : TR_FLOW_FAILED;
}

static void finish_answer(struct tr_sink *sink)
{
	char text[96];

	if (sink->row_count == 0) {
		tr_bytes_append_str(&sink->out, "Empty set\n");
		return;
	}
	if (!sink->has_header)
		put_kept(sink);
	put_rule(sink);
	snprintf(text, sizeof(text), "%llu row%s in set\n", (unsigned long long)sink->row_count,
		 sink->row_count == 1 ? "" : "s");
	tr_bytes_append_str(&sink->out, text);
}

static enum tr_flow tableau_finish(struct tr_sink *sink, struct tr_status *st)
{
	char text[96];

	if (sink->style == STYLE_ANSWER) {
		finish_answer(sink);
		return flush(sink, st) == TR_OK ? TR_FLOW_DONE : TR_FLOW_FAILED;
	}
	/* Without rows Flink prints the header, no closing rule, and "0 row". */
	if (!sink->has_header)
		put_header(sink);
	if (sink->style != STYLE_FORMAT && sink->row_count > 0)
		put_rule(sink);
	if (sink->style == STYLE_TABLEAU) {
		snprintf(text, sizeof(text), "Received a total of %llu row%s\n", (unsigned long long)sink->row_count,
			 sink->row_count <= 1 ? "" : "s");
		tr_bytes_append(&sink->out, text, strlen(text));
	}
	return flush(sink, st) == TR_OK ? TR_FLOW_DONE : TR_FLOW_FAILED;
}

/* Whether the format of the answer can hold its columns. */
static tr_code tableau_check(const struct tr_table_spec *spec, struct tr_status *st)
{
	struct tr_sink *sink = calloc(1, sizeof(*sink));
	const char *style = tr_options_get(&spec->options, "style");
	tr_code code;

	TR_ASSERT(sink != NULL);
	sink->spec = spec;
	code = set_style(sink, style != NULL ? style : "tableau", st);
	tableau_close(&sink);
	return code;
}

static const struct tr_sink_ops tableau_ops = {
	.check = tableau_check,
	.open = tableau_open,
	.write = tableau_write,
	.resume = tableau_resume,
	.tick = tableau_tick,
	.finish = tableau_finish,
	.close = tableau_close,
};

static const struct tr_option_spec tableau_options[] = {{.key = NULL}};

const struct tr_connector tr_connector_collect = {
	.name = "collect",
	.doc = "prints the rows of a bare SELECT",
	.example = "SELECT 1;",
	.options = tableau_options,
	.sink = &tableau_ops,
};
