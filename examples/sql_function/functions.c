/* SPDX-License-Identifier: Apache-2.0
 *
 * Functions of SQL in C: one of each kind. job.sql uses them; README.md says how to build.
 */
#include <tailrace/tailrace.h>

/* Scalar, by batches: cents with 19 % tax. Rows with a NULL are not given to it. */
static tr_code with_tax_batch(struct tr_user_context *context, const struct tr_batch *arguments,
			      struct tr_vector *result, struct tr_status *st)
{
	const struct tr_column *cents = &arguments->columns[0];
	int64_t *out = result->data;

	for (uint32_t i = 0; i < result->row_count; i++)
		out[i] = tr_column_i64(cents, i) * 119 / 100;
	return TR_OK;
}

TR_USER_FUNCTION(with_tax, .kind = TR_USER_SCALAR, .arguments = "BIGINT", .result = "BIGINT",
		 .on_batch = with_tax_batch);

/* Scalar, row by row: "anna" becomes "a***". */
static tr_code mask_row(struct tr_user_context *context, const struct tr_row *arguments, struct tr_collector *out,
			struct tr_status *st)
{
	const struct tr_view *name = tr_row_text(arguments, 0);
	char text[64];

	if (name->length > sizeof(text))
		TR_FAIL(st, TR_ERR_DATA, "a name of %u bytes is too long", name->length);
	memset(text, '*', name->length);
	if (name->length > 0)
		text[0] = tr_view_text(name)[0];
	tr_collector_set_text(out, 0, text, name->length);
	return TR_OK;
}

TR_USER_FUNCTION(mask, .kind = TR_USER_SCALAR, .arguments = "STRING", .result = "STRING", .on_row = mask_row);

/* Table: a row for each #tag of a text, with its place. */
static tr_code tags_row(struct tr_user_context *context, const struct tr_row *arguments, struct tr_collector *out,
			struct tr_status *st)
{
	const struct tr_view *note = tr_row_text(arguments, 0);
	const char *text = tr_view_text(note);
	uint32_t end;

	for (uint32_t at = 0; at < note->length; at = end) {
		for (end = at + 1; end < note->length && text[end] != ' ' && text[end] != '#';)
			end++;
		if (text[at] != '#' || end == at + 1)
			continue;
		tr_collector_set_text(out, 0, text + at + 1, end - at - 1);
		tr_collector_set_i64(out, 1, at);
		tr_collector_add(out);
	}
	return TR_OK;
}

TR_USER_FUNCTION(tags, .kind = TR_USER_TABLE, .arguments = "STRING",
		 .result = "tag STRING NOT NULL, place INT NOT NULL", .on_row = tags_row);

/* Aggregate: the mean of a value, weighted. An accumulator of zero bytes is the beginning, so there is no create. */
struct mean {
	int64_t sum;
	int64_t weight;
};

static tr_code mean_add(struct tr_user_context *context, void *const *accumulators, const struct tr_batch *arguments,
			struct tr_status *st)
{
	for (uint32_t i = 0; i < arguments->selected_count; i++) {
		const uint32_t row = tr_batch_row(arguments, i);
		struct mean *mean = accumulators[i];
		const int64_t weight = tr_column_i64(&arguments->columns[1], row);

		mean->sum += tr_column_i64(&arguments->columns[0], row) * weight;
		mean->weight += weight;
	}
	return TR_OK;
}

static tr_code mean_merge(struct tr_user_context *context, void *accumulator, const void *other, struct tr_status *st)
{
	struct mean *mean = accumulator;
	const struct mean *from = other;

	mean->sum += from->sum;
	mean->weight += from->weight;
	return TR_OK;
}

static tr_code mean_value(struct tr_user_context *context, const void *accumulator, struct tr_collector *out,
			  struct tr_status *st)
{
	const struct mean *mean = accumulator;

	if (mean->weight != 0)
		tr_collector_set_f64(out, 0, (double)mean->sum / (double)mean->weight);
	return TR_OK;
}

TR_USER_FUNCTION(weighted_mean, .kind = TR_USER_AGGREGATE, .arguments = "BIGINT, BIGINT", .result = "DOUBLE",
		 .accumulator_bytes = sizeof(struct mean), .add_batch = mean_add, .merge = mean_merge,
		 .value = mean_value);
