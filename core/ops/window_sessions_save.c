/* SPDX-License-Identifier: Apache-2.0
 *
 * Sessions leave and come back; see window_sessions.h. The table decides what has to be written and when; its records, entries of
 * bytes, are turned into rows on their way:
 *
 *     table ──record──▶ put ──▶ image of rows ──record──▶ the checkpoint
 *     checkpoint ──record──▶ rows ──▶ values ──▶ table
 *
 * Deleted keys are records of their own.
 */
#include <stdlib.h>

#include "base/hash.h"
#include "core/ops/window_sessions_inner.h"

/* -- saving -- */

static tr_code put_image(struct tr_window_sessions *s, struct tr_status *st)
{
	struct tr_sessions_save *save = &s->save;
	const uint32_t rows = save->rows;

	save->rows = 0;
	save->bytes = 0;
	return rows == 0 ? TR_OK : tr_window_state_put(s->w, save->target, TR_WINDOW_STATE_SESSIONS, rows, st);
}

/** Adds the sessions of a key to the image, which is written when it is full. */
static tr_code put_sessions(struct tr_window_sessions *s, const struct tr_table_entry *entry, struct tr_status *st)
{
	struct tr_sessions_save *save = &s->save;
	const uint32_t keys = s->w->plan->key_count;
	const char *at = (const char *)entry->value.bytes + TR_SESSION_DUE_BYTES;
	const char *end = (const char *)entry->value.bytes + entry->value.length;

	for (int64_t more = 0; at < end; more = 1) {
		const char *encoded;
		uint32_t encoded_bytes, c = keys + s->codec.schema->column_count;
		struct tr_column_buffer *columns;
		int64_t *times[4];

		if (save->rows == 0)
			save->image = tr_window_state_begin(s->w, TR_WINDOW_STATE_SESSIONS);
		columns = save->image->columns;
		for (uint32_t i = 0; i < TR_COUNT_OF(times); i++)
			times[i] = (int64_t *)columns[c + i].data + save->rows;
		at = tr_session_read(s, at, times[0], times[1], &encoded, &encoded_bytes);
		tr_window_key_read(entry->key.bytes, columns, keys, save->rows, &save->image->heap);
		tr_window_codec_to_columns(&s->codec, encoded, columns + keys, save->rows, &save->image->heap, times[2]);
		*times[3] = more;
		save->bytes += entry->key.length + encoded_bytes;
		if (++save->rows == tr_window_state_piece(s->w) || save->bytes > 2 * TR_STATE_RECORD_BYTES)
			TR_TRY(put_image(s, st));
	}
	return TR_OK;
}

static tr_code put_gone(struct tr_window_sessions *s, struct tr_table_reading *reading, struct tr_status *st)
{
	struct tr_table_entry entry;
	bool is_more = true;

	while (is_more) {
		struct tr_batch_buffer *image = tr_window_state_begin(s->w, TR_WINDOW_STATE_GONE);
		uint32_t n = 0;

		while (n < tr_window_state_piece(s->w) && (is_more = tr_table_read_next(reading, &entry)))
			tr_window_key_read(entry.key.bytes, image->columns, s->w->plan->key_count, n++, &image->heap);
		if (n > 0)
			TR_TRY(tr_window_state_put(s->w, s->save.target, TR_WINDOW_STATE_GONE, n, st));
	}
	return TR_OK;
}

/** What the table writes. */
static tr_code put(struct tr_state_writer *writer, const struct tr_state_record *record, struct tr_status *st)
{
	struct tr_window_sessions *s = ((struct tr_sessions_save *)writer)->sessions;
	struct tr_table_reading reading = {.record = record};
	struct tr_table_entry entry;

	s->save.taken += record->length;
	while (tr_table_read_next(&reading, &entry)) {
		if (reading.is_dead) {
			reading.offset = 0; /* once more, from the first one on */
			return put_gone(s, &reading, st);
		}
		TR_TRY(put_sessions(s, &entry, st));
	}
	return TR_OK;
}

void tr_sessions_save_init(struct tr_window_sessions *s)
{
	s->save.writer.put = put;
	s->save.sessions = s;
}

void tr_window_sessions_snapshot(struct tr_window_sessions *s, const struct tr_snapshot_order *order, uint64_t *base)
{
	s->save.rows = 0;
	s->save.bytes = 0;
	s->save.writer.rewritten = s->save.taken = 0;
	s->save.bytes_before = s->w->state.bytes_put;
	tr_table_snapshot(s->table, order, base);
}

enum tr_flow tr_window_sessions_step(struct tr_window_sessions *s, struct tr_state_writer *writer, size_t budget,
				     struct tr_status *st)
{
	enum tr_flow flow;

	s->save.target = writer;
	s->save.writer.age = writer->age;
	flow = tr_table_snapshot_step(s->table, &s->save.writer, budget);
	if (flow == TR_FLOW_FAILED)
		*st = *tr_table_status(s->table);
	if (flow == TR_FLOW_DONE && put_image(s, st) != TR_OK)
		return TR_FLOW_FAILED;
	if (s->save.writer.rewritten > 0) /* in the table's bytes */
		writer->rewritten = (uint64_t)((double)(s->w->state.bytes_put - s->save.bytes_before) *
					       (double)s->save.writer.rewritten / (double)TR_MAX(s->save.taken, 1));
	return flow;
}

/* -- loading -- */

/** What is made of the rows of a record. */
struct loading {
	struct tr_window_rows rows;
	uint32_t *offsets;
	uint64_t *hashes;
	struct tr_bytes keys_bytes;
	struct tr_table_key *keys; /* by key */
	struct tr_table_value *values;
	size_t *begins; /* in `built` */
	uint32_t count; /* keys */
	struct tr_bytes built;
	char *memory; /* entries by row, if the layout owns no memory */
	char **entries;
};

static void loading_deinit(struct loading *l)
{
	free(l->offsets);
	free(l->hashes);
	free(l->keys);
	free(l->values);
	free(l->begins);
	free(l->memory);
	free(l->entries);
	tr_bytes_deinit(&l->keys_bytes);
	tr_bytes_deinit(&l->built);
}

static void loading_init(struct tr_window_sessions *s, struct loading *l)
{
	const struct tr_batch *batch = l->rows.batch;
	const uint32_t n = l->rows.count, keys = s->w->plan->key_count;

	l->offsets = tr_checked(malloc((n + 1) * sizeof(*l->offsets)));
	l->hashes = tr_checked(calloc(n + 1, sizeof(*l->hashes)));
	l->keys = tr_checked(malloc((n + 1) * sizeof(*l->keys)));
	l->values = tr_checked(malloc((n + 1) * sizeof(*l->values)));
	l->begins = tr_checked(malloc((n + 1) * sizeof(*l->begins)));
	(void)tr_bytes_reserve(&l->keys_bytes, 1);
	for (uint32_t k = 0; k < keys; k++)
		s->w->key_columns[k] = &batch->columns[k];
	tr_window_keys_write(s->w->key_columns, keys, l->rows.rows, n, &l->keys_bytes, l->offsets);
	for (uint32_t k = 0; k < keys; k++) {
		if (k == 0)
			tr_hash_column(&batch->columns[k], l->rows.rows, n, l->hashes);
		else
			tr_hash_column_combine(&batch->columns[k], l->rows.rows, n, l->hashes);
	}
}

static struct tr_table_key key_of(const struct loading *l, uint32_t i)
{
	return (struct tr_table_key){l->keys_bytes.data + l->offsets[i], l->offsets[i + 1] - l->offsets[i],
				     (uint32_t)(l->hashes[i] >> 32)};
}

static tr_code wait_for(struct tr_window_sessions *s, enum tr_flow flow, struct tr_status *st)
{
	if (flow == TR_FLOW_FAILED) {
		*st = *tr_table_status(s->table);
		return st->code;
	}
	tr_table_wait(s->table);
	return TR_OK;
}

/** Entries of all rows, if they lie in values as in memory. */
static void read_entries(struct tr_window_sessions *s, struct loading *l)
{
	struct tr_agg_layout *layout = &s->w->layout;
	const uint32_t n = l->rows.count;

	if (s->session_bytes == 0)
		return;
	l->memory = tr_checked(calloc(n + 1, layout->stride));
	l->entries = tr_checked(malloc((n + 1) * sizeof(*l->entries)));
	for (uint32_t i = 0; i < n; i++) {
		l->entries[i] = l->memory + (size_t)i * layout->stride;
		*tr_agg_entry_rows(l->entries[i]) = l->rows.counts[tr_agg_row(l->rows.rows, i)];
	}
	tr_agg_layout_read(layout, l->entries, l->rows.batch->columns + s->w->plan->key_count, l->rows.rows, n);
}

static void build_session(struct tr_window_sessions *s, struct loading *l, uint32_t i)
{
	const uint32_t row = tr_agg_row(l->rows.rows, i);
	const size_t begin = l->built.length;
	uint32_t bytes = 0;

	tr_bytes_append(&l->built, (const char *)&l->rows.starts[row], 8);
	tr_bytes_append(&l->built, (const char *)&l->rows.ends[row], 8);
	if (s->session_bytes != 0) {
		tr_bytes_append(&l->built, l->entries[i], s->w->layout.bytes);
		return;
	}
	tr_bytes_append(&l->built, (const char *)&bytes, 4);
	tr_window_codec_from_columns(&s->codec, l->rows.batch->columns + s->w->plan->key_count, row,
				     l->rows.counts[row], &l->built);
	bytes = (uint32_t)(l->built.length - begin - TR_SESSION_HEAD_BYTES);
	memcpy(l->built.data + begin + TR_SESSION_TIMES_BYTES, &bytes, 4);
}

static tr_code out_of_order(struct tr_window_sessions *s, struct tr_status *st)
{
	TR_FAIL(st, TR_ERR_DATA, "%s: the sessions of a key in a state record are not in order", s->w->op.ops->name);
}

/** The end of the last session of a value. */
static int64_t last_end(const struct tr_window_sessions *s, const struct tr_table_value *value)
{
	const char *at = (const char *)value->bytes + TR_SESSION_DUE_BYTES;
	int64_t start, end = INT64_MIN;

	while (at < (const char *)value->bytes + value->length) {
		const char *entry;
		uint32_t entry_bytes;

		at = tr_session_read(s, at, &start, &end, &entry, &entry_bytes);
	}
	return end;
}

/** Begins the value of the key of row i, which goes on what the table has if the row says so. */
static tr_code build_begin(struct tr_window_sessions *s, struct loading *l, uint32_t i, struct tr_status *st)
{
	const uint32_t row = tr_agg_row(l->rows.rows, i);
	struct tr_table_value value;
	enum tr_flow flow;

	l->keys[l->count] = key_of(l, i);
	l->begins[l->count] = l->built.length;
	if (l->rows.slices[row] == 0) {
		tr_bytes_append(&l->built, (const char *)&l->rows.ends[row], TR_SESSION_DUE_BYTES);
		return TR_OK;
	}
	while ((flow = tr_table_find(s->table, &l->keys[l->count], 1, &value)) != TR_FLOW_MORE)
		TR_TRY(wait_for(s, flow, st));
	if (value.bytes == NULL)
		TR_FAIL(st, TR_ERR_DATA, "%s: a state record goes on with a key that it has not begun",
			s->w->op.ops->name);
	tr_bytes_append(&l->built, value.bytes, value.length);
	if (last_end(s, &value) > l->rows.ends[row])
		return out_of_order(s, st);
	return TR_OK;
}

static tr_code build_values(struct tr_window_sessions *s, struct loading *l, struct tr_status *st)
{
	for (uint32_t i = 0; i < l->rows.count; i++) {
		const uint32_t row = tr_agg_row(l->rows.rows, i);
		const uint32_t length = l->offsets[i + 1] - l->offsets[i];
		const bool is_more = i > 0 && l->rows.slices[row] != 0;
		const uint32_t before = tr_agg_row(l->rows.rows, i > 0 ? i - 1 : 0);

		if (length > TR_TABLE_KEY_BYTES_MAX)
			TR_FAIL(st, TR_ERR_DATA, "%s: a state record has a key of %u bytes", s->w->op.ops->name, length);
		if (is_more && (length != l->keys[l->count - 1].length ||
				memcmp(l->keys_bytes.data + l->offsets[i], l->keys[l->count - 1].bytes, length) != 0 ||
				l->rows.ends[row] < l->rows.ends[before]))
			return out_of_order(s, st);
		if (!is_more) {
			TR_TRY(build_begin(s, l, i, st));
			l->count++;
		}
		build_session(s, l, i);
		if (l->built.length - l->begins[l->count - 1] > TR_TABLE_VALUE_BYTES_MAX)
			TR_FAIL(st, TR_ERR_DATA, "%s: a state record has too many sessions of a key",
				s->w->op.ops->name);
		l->values[l->count - 1].length = (uint32_t)(l->built.length - l->begins[l->count - 1]);
	}
	return TR_OK;
}

static tr_code store_values(struct tr_window_sessions *s, struct loading *l, struct tr_status *st)
{
	uint32_t *lengths = tr_checked(malloc((l->count + 1) * sizeof(*lengths)));
	bool is_same = true;
	tr_code code = TR_OK;
	enum tr_flow flow = TR_FLOW_MORE;

	for (uint32_t k = 0; k < l->count; k++)
		lengths[k] = l->values[k].length;
	tr_sessions_share_memory(s);
	while (code == TR_OK && (flow = tr_table_upsert(s->table, l->keys, l->count, l->values, NULL)) != TR_FLOW_MORE)
		code = wait_for(s, flow, st);
	for (uint32_t k = 0; code == TR_OK && k < l->count; k++) /* a key that comes twice has one length */
		is_same &= l->values[k].length == lengths[k];
	free(lengths);
	TR_TRY(code);
	if (!is_same)
		TR_FAIL(st, TR_ERR_DATA, "%s: a state record has a key twice", s->w->op.ops->name);
	while ((flow = tr_window_due_poll(&s->due, st)) != TR_FLOW_MORE) {
		if (flow == TR_FLOW_FAILED)
			return st->code;
		tr_spill_await(s->due.file);
	}
	for (uint32_t k = 0; k < l->count; k++) {
		int64_t due;

		memcpy(l->values[k].bytes, l->built.data + l->begins[k], l->values[k].length);
		memcpy(&due, l->values[k].bytes, 8);
		tr_window_due_push(&s->due, due, &l->keys[k]);
	}
	return TR_OK;
}

static tr_code load_gone(struct tr_window_sessions *s, struct loading *l, struct tr_status *st)
{
	enum tr_flow flow;

	for (uint32_t i = 0; i < l->rows.count; i++) {
		l->keys[i] = key_of(l, i);
		if (l->keys[i].length > TR_TABLE_KEY_BYTES_MAX)
			TR_FAIL(st, TR_ERR_DATA, "%s: a state record has a key of %u bytes", s->w->op.ops->name,
				l->keys[i].length);
	}
	tr_sessions_share_memory(s);
	while ((flow = tr_table_erase(s->table, l->keys, l->rows.count)) != TR_FLOW_MORE)
		TR_TRY(wait_for(s, flow, st));
	return TR_OK;
}

tr_code tr_window_sessions_load(struct tr_window_sessions *s, const struct tr_state_record *record, struct tr_status *st)
{
	struct loading l = {0};
	tr_code code;

	TR_TRY(tr_window_state_read_sessions(s->w, record, &l.rows, st));
	if (l.rows.count == 0)
		return TR_OK;
	loading_init(s, &l);
	if (record->kind == TR_WINDOW_STATE_GONE) {
		code = load_gone(s, &l, st);
	} else {
		read_entries(s, &l);
		code = build_values(s, &l, st);
		if (code == TR_OK)
			code = store_values(s, &l, st);
	}
	loading_deinit(&l);
	return code;
}
