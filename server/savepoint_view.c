/* SPDX-License-Identifier: Apache-2.0
 *
 * `tailrace savepoint inspect DIR` and `tailrace savepoint verify DIR`: what a savepoint, or a job's directory of checkpoints,
 * holds. Reads only, without a lock; of a directory with several checkpoints the newest one. The schemas that a checkpoint
 * keeps (core/state_schema.h) say how its records are read: the script is not needed.
 *
 * verify works beside a running job, too, and may be told how fast to read (--rate), so that it can be run once a day: damage is
 * then found while the job still knows better, and its next savepoint is whole. It goes over every frame of the log, every
 * record, and every row of records with a schema; it holds one frame at a time. inspect goes over the checkpoint three times:
 *
 *     1  which checkpoint is the newest of each stream, and which slices live: records that are not keyed
 *     2  which row is the newest of each entry: a table of 24 bytes an entry
 *     3  counts, and prints what was asked for
 *
 * An entry is told from others by its operator, subtask, kind, key and window; a value that an aggregate with DISTINCT has seen by
 * the whole row. An entry whose slice lives no more is left out. Sessions are those of their key's newest version (its row with
 * `more` 0 and the rows behind it), until the key is gone. Rows that wait have no identity: all count that the newest
 * watermark of their stream has not passed.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/check.h"
#include "base/hash.h"
#include "base/suggest.h"
#include "base/text.h"
#include "core/plan.h"
#include "core/state_schema.h"
#include "io/disk.h"
#include "server/cli.h"
#include "server/entry_view.h"
#include "server/state_dir.h"
#include "state/log_inspect.h"
#include "state/rows.h"

#define JOBS_MAX 1000 /* of a state directory */

/** A kind of records of one operator, over all of its subtasks. */
struct kind_view {
	const struct tr_state_kind *kind;
	struct tr_rows rows;
	struct tr_batch_buffer *entry; /* of a table: the one at hand */
	uint64_t records;
	uint64_t bytes;
	uint64_t entries;
};

struct operator_view {
	const struct tr_log_part *part; /* of its first subtask */
	struct kind_view *kinds;
	uint32_t kind_count;
	uint64_t bytes; /* of all records */
	uint64_t unknown_records;
};

/** Where the newest row of an identity was seen. */
struct place {
	uint64_t hash[2];
	uint64_t row; /* number of the row in the order of reading; 0: free */
};

struct view {
	struct tr_cli *cli;
	struct tr_environment *env;
	struct tr_io_queue *io;
	struct tr_log *log;
	const char *directory;
	const struct tr_log_checkpoint *checkpoint;
	struct operator_view *operators;
	uint32_t operator_count;
	uint64_t *newest;    /* by part: the newest checkpoint that wrote to it */
	uint64_t *version;   /* by part: the row with which the sessions of the key before began */
	int64_t *watermarks; /* by part: the operator's */
	struct place *places;
	uint64_t place_count;
	uint64_t place_used;
	uint64_t row; /* rows read in this pass */
	int pass;
	uint64_t frames; /* verify */
	uint64_t rows;
	struct tr_bytes text;
	const char *separator;
	uint64_t printed; /* entries */
};

/* What there is. */

static tr_code describe(struct view *v, struct tr_status *st)
{
	v->operators = calloc(v->checkpoint->part_count + 1, sizeof(*v->operators));
	v->newest = calloc(v->checkpoint->part_count + 1, sizeof(*v->newest));
	v->version = calloc(v->checkpoint->part_count + 1, sizeof(*v->version));
	v->watermarks = calloc(v->checkpoint->part_count + 1, sizeof(*v->watermarks));
	TR_ASSERT(v->operators != NULL && v->newest != NULL && v->version != NULL && v->watermarks != NULL);
	for (uint32_t p = 0; p < v->checkpoint->part_count; p++) {
		const struct tr_log_part *part = &v->checkpoint->parts[p];
		struct operator_view *o = &v->operators[v->operator_count];
		const struct tr_state_kind *kinds;
		bool is_known = false;

		for (uint32_t i = 0; i < v->operator_count && !is_known; i++)
			is_known = v->operators[i].part->stream.operator_id == part->stream.operator_id;
		if (is_known)
			continue;
		v->operator_count++;
		o->part = part;
		if (tr_state_schema_parse(&v->cli->arena, part->schema, &kinds, &o->kind_count, st) != TR_OK)
			return tr_status_prefix(st, TR_ERR_DATA, "%s: operator '%s'", v->directory, part->uid);
		o->kinds = calloc(o->kind_count + 1, sizeof(*o->kinds));
		TR_ASSERT(o->kinds != NULL);
		for (uint32_t k = 0; k < o->kind_count; k++)
			o->kinds[k].kind = &kinds[k];
	}
	return TR_OK;
}

static struct operator_view *operator_of(struct view *v, uint64_t operator_id)
{
	for (uint32_t i = 0; i < v->operator_count; i++)
		if (v->operators[i].part->stream.operator_id == operator_id)
			return &v->operators[i];
	return NULL;
}

static struct kind_view *kind_of(struct operator_view *o, uint16_t number)
{
	for (uint32_t k = 0; k < o->kind_count; k++)
		if (o->kinds[k].kind->kind == number)
			return &o->kinds[k];
	return NULL;
}

/** Where a stream stands among the parts; part_count: nowhere. */
static uint32_t part_of(const struct view *v, const struct tr_state_stream *stream)
{
	uint32_t p = 0;

	for (; p < v->checkpoint->part_count; p++) {
		const struct tr_state_stream *of = &v->checkpoint->parts[p].stream;

		if (of->operator_id == stream->operator_id && of->subtask == stream->subtask &&
		    of->subtask_count == stream->subtask_count)
			break;
	}
	return p;
}

static int32_t column_of(const struct tr_schema *schema, const char *name)
{
	for (uint32_t c = 0; c < schema->column_count; c++)
		if (strcmp(schema->names[c], name) == 0)
			return (int32_t)c;
	return -1;
}

/** The rows of a record; *batch is NULL for bytes of the operator's own. */
static tr_code read_record(struct operator_view *o, const struct tr_state_record *record, struct kind_view **kind,
			   const struct tr_batch **batch, struct tr_status *st)
{
	*batch = NULL;
	*kind = kind_of(o, record->kind);
	if (*kind == NULL && o->kind_count > 0)
		TR_FAIL(st, TR_ERR_DATA, "operator '%s': a record of the kind %u, which its schema does not have",
			o->part->uid, record->kind);
	if (*kind == NULL || (*kind)->kind->schema == NULL || (*kind)->kind->table != NULL)
		return TR_OK;
	if ((*kind)->kind->is_keyed != record->is_keyed)
		TR_FAIL(st, TR_ERR_DATA,
			"operator '%s': a record of the kind '%s' is keyed, or not, against its schema", o->part->uid,
			(*kind)->kind->name);
	if (tr_rows_read(&(*kind)->rows, (*kind)->kind->schema, record->bytes, record->length, batch, st) != TR_OK)
		return tr_status_prefix(st, TR_ERR_DATA, "operator '%s', state '%s'", o->part->uid, (*kind)->kind->name);
	return TR_OK;
}

/* The newest of each entry. */

/** The place of an identity; a free one if it is new. */
static struct place *find_place(struct view *v, const struct tr_bytes *identity)
{
	const uint64_t first = tr_hash_bytes(identity->data, identity->length);
	const uint64_t second = tr_hash_bytes(identity->data + 1, identity->length - 1);
	uint64_t at;

	if (v->place_used * 2 >= v->place_count) {
		struct place *old = v->places;
		const uint64_t old_count = v->place_count;

		v->place_count = TR_MAX(old_count * 2, (uint64_t)1024);
		v->places = calloc(v->place_count, sizeof(*v->places));
		TR_ASSERT(v->places != NULL);
		for (uint64_t i = 0; i < old_count; i++) {
			if (old[i].row == 0)
				continue;
			for (at = old[i].hash[0]; v->places[at & (v->place_count - 1)].row != 0; at++)
				;
			v->places[at & (v->place_count - 1)] = old[i];
		}
		free(old);
	}
	for (at = first;; at++) {
		struct place *place = &v->places[at & (v->place_count - 1)];

		if (place->row == 0) {
			place->hash[0] = first;
			place->hash[1] = second;
			return place;
		}
		if (place->hash[0] == first && place->hash[1] == second)
			return place;
	}
}

static void note(struct view *v, const struct tr_bytes *identity, uint64_t row)
{
	struct place *place = find_place(v, identity);

	v->place_used += place->row == 0;
	place->row = row;
}

static void put_number(struct tr_bytes *out, int64_t number)
{
	tr_bytes_append(out, (const char *)&number, sizeof(number));
}

static void begin_identity(struct view *v, uint32_t part, uint16_t kind)
{
	tr_bytes_clear(&v->text);
	tr_bytes_append_char(&v->text, 'i'); /* the second hash is that of all behind it */
	put_number(&v->text, part);
	put_number(&v->text, kind);
}

static bool is_window_column(const char *name)
{
	static const char *const names[] = {"slice_start", "first_end", "slice"};

	for (size_t i = 0; i < TR_COUNT_OF(names); i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

static void put_column(struct view *v, const struct tr_column *column, uint32_t row)
{
	const size_t before = v->text.length;

	tr_bytes_append_char(&v->text, tr_column_is_null(column, row) ? '0' : '1');
	tr_text_append_value(&v->text, column, row, TR_TEXT_PRINT, tr_timezone_utc());
	put_number(&v->text, (int64_t)(v->text.length - before));
}

static bool is_kind(const struct tr_state_kind *kind, const char *name) { return strcmp(kind->name, name) == 0; }

/** A key with sessions, or that has none any more. */
static void put_session_key(struct view *v, const struct tr_state_kind *kind, uint32_t part,
			    const struct tr_batch *batch, uint32_t row)
{
	begin_identity(v, part, 0);
	for (uint32_t c = 0; c < kind->key_count; c++)
		put_column(v, &batch->columns[c], row);
}

/** Whether the row is of the newest version of its key's sessions; in pass 2 notes it. */
static bool is_newest_session(struct view *v, const struct tr_state_kind *kind, uint32_t part,
			      const struct tr_batch *batch, uint32_t row)
{
	const int32_t more = column_of(batch->schema, "more");

	if (is_kind(kind, "gone") || more < 0 || tr_column_i64(&batch->columns[more], row) == 0)
		v->version[part] = v->row;
	put_session_key(v, kind, part, batch, row);
	if (v->pass == 2)
		note(v, &v->text, v->version[part]);
	return v->pass == 3 && !is_kind(kind, "gone") && find_place(v, &v->text)->row == v->version[part];
}

/** Whether a row that waits had been taken at the barrier. */
static bool is_waiting_no_more(const struct view *v, uint32_t part, const struct tr_batch *batch, uint32_t row)
{
	const int32_t column = column_of(batch->schema, "row_watermark");

	return column >= 0 && tr_column_i64(&batch->columns[column], row) < v->watermarks[part];
}

/** Pass 1: records that are not keyed. */
static void see_mark(struct view *v, uint32_t part, const struct tr_batch *batch)
{
	const int32_t column = column_of(batch->schema, "watermark");

	if (column >= 0 && batch->row_count > 0)
		v->watermarks[part] = tr_column_i64(&batch->columns[column], 0);
}

/** False: the row is only itself. */
static bool put_identity(struct view *v, const struct tr_state_kind *kind, uint32_t part, const struct tr_batch *batch,
			 uint32_t row)
{
	const bool is_value = strcmp(kind->name, "values") == 0;

	if (!is_value && strcmp(kind->name, "entries") != 0)
		return false;
	begin_identity(v, part, kind->kind);
	for (uint32_t c = 0; c < batch->schema->column_count; c++) {
		if (c < kind->key_count || is_value || is_window_column(batch->schema->names[c]))
			put_column(v, &batch->columns[c], row);
	}
	return true;
}

/** A slice by its id. */
static void put_slice(struct view *v, uint32_t part, const struct tr_batch *batch, uint32_t row)
{
	const int32_t column = column_of(batch->schema, "slice");

	begin_identity(v, part, 0);
	put_number(&v->text, column >= 0 ? tr_column_i64(&batch->columns[column], row) : 0);
	tr_bytes_append_char(&v->text, 's');
}

/** Whether the slice that the row belongs to lives; true if the operator has none. */
static bool is_alive(struct view *v, struct operator_view *o, uint32_t part, const struct tr_batch *batch, uint32_t row)
{
	bool has_slices = false;

	for (uint32_t k = 0; k < o->kind_count; k++)
		has_slices |= strcmp(o->kinds[k].kind->name, "slices") == 0 && o->kinds[k].records > 0;
	if (!has_slices || column_of(batch->schema, "slice") < 0)
		return true;
	put_slice(v, part, batch, row);
	return find_place(v, &v->text)->row != 0;
}

/* Printing. */

static void put_value(struct view *v, const struct tr_column *column, uint32_t row)
{
	tr_text_append_value(&v->text, column, row, TR_TEXT_TABLEAU, tr_timezone_utc());
}

static void put_key(struct view *v, const struct tr_state_kind *kind, const struct tr_batch *batch, uint32_t row)
{
	tr_bytes_clear(&v->text);
	for (uint32_t c = 0; c < kind->key_count; c++) {
		if (c > 0)
			tr_bytes_append_str(&v->text, ", ");
		put_value(v, &batch->columns[c], row);
	}
	tr_bytes_append_char(&v->text, '\0');
}

static void print_row(struct view *v, const struct operator_view *o, const struct tr_log_part *part,
		      const struct tr_state_kind *kind, const struct tr_batch *batch, uint32_t row)
{
	put_key(v, kind, batch, row);
	if (v->cli->key != NULL && (!kind->is_keyed || strcmp(v->text.data, v->cli->key) != 0))
		return;
	v->printed++;
	if (v->cli->is_json) {
		printf("%s{\"uid\":", v->separator);
		tr_cli_print_json_text(o->part->uid);
		printf(",\"subtask\":%" PRIu32 ",\"state\":", part->stream.subtask);
		tr_cli_print_json_text(kind->name);
		printf(",\"row\":{");
		v->separator = ",";
	} else {
		printf("  %s [%" PRIu32 "] %s (%s):", o->part->uid, part->stream.subtask + 1, kind->name, v->text.data);
	}
	for (uint32_t c = v->cli->is_json ? 0 : kind->key_count; c < batch->schema->column_count; c++) {
		tr_bytes_clear(&v->text);
		put_value(v, &batch->columns[c], row);
		tr_bytes_append_char(&v->text, '\0');
		if (!v->cli->is_json) {
			printf(" %s=%s", batch->schema->names[c], v->text.data);
			continue;
		}
		printf("%s", c > 0 ? "," : "");
		tr_cli_print_json_text(batch->schema->names[c]);
		printf(":");
		if (tr_column_is_null(&batch->columns[c], row))
			printf("null");
		else
			tr_cli_print_json_text(v->text.data);
	}
	printf(v->cli->is_json ? "}}" : "\n");
}

static bool is_wanted(const struct view *v, const struct operator_view *o)
{
	if (v->cli->operator_uid != NULL)
		return tr_plan_uids_meet(v->cli->operator_uid, o->part->uid);
	return v->cli->key != NULL;
}

/* The passes. */

static void see_rows(struct view *v, struct operator_view *o, struct kind_view *kind, uint32_t part,
		     const struct tr_batch *batch)
{
	const bool is_session = is_kind(kind->kind, "sessions") || is_kind(kind->kind, "gone");

	if (v->pass == 1 && is_kind(kind->kind, "operator"))
		see_mark(v, part, batch);
	for (uint32_t row = 0; row < batch->row_count; row++) {
		bool is_newest = true;

		v->row++;
		if (v->pass == 1) {
			if (strcmp(kind->kind->name, "slices") != 0)
				continue;
			put_slice(v, part, batch, row);
			note(v, &v->text, v->row);
			continue;
		}
		if (is_kind(kind->kind, "waiting") ? is_waiting_no_more(v, part, batch, row)
						   : kind->kind->is_keyed && !is_alive(v, o, part, batch, row))
			continue;
		if (is_session)
			is_newest = is_newest_session(v, kind->kind, part, batch, row);
		else if (kind->kind->is_keyed && put_identity(v, kind->kind, part, batch, row)) {
			if (v->pass == 2)
				note(v, &v->text, v->row);
			else
				is_newest = find_place(v, &v->text)->row == v->row;
		}
		if (v->pass != 3 || !is_newest)
			continue;
		kind->entries++;
		if (is_wanted(v, o))
			print_row(v, o, &v->checkpoint->parts[part], kind->kind, batch, row);
	}
}

/** Entries of a table; its newest record of a key counts, and a key that was deleted last is none. */
static tr_code see_table(struct view *v, struct operator_view *o, struct kind_view *kind, uint32_t part,
			 const struct tr_state_record *record, struct tr_status *st)
{
	struct tr_table_cursor cursor;
	struct tr_table_entry entry;
	bool is_end;

	TR_TRY(tr_table_cursor_open(&cursor, record->bytes, record->length, st));
	while (true) {
		TR_TRY(tr_table_cursor_next(&cursor, &entry, &is_end, st));
		if (is_end)
			return TR_OK;
		if (!tr_entry_is_one(kind->kind, &entry) && !cursor.is_dead)
			continue;
		v->row++;
		if (v->pass == 1)
			continue;
		begin_identity(v, part, kind->kind->kind);
		put_number(&v->text, entry.integer);
		if (cursor.has_byte_keys)
			tr_bytes_append(&v->text, entry.key.bytes, entry.key.length);
		if (v->pass == 2)
			note(v, &v->text, v->row);
		if (v->pass != 3 || cursor.is_dead || find_place(v, &v->text)->row != v->row)
			continue;
		kind->entries++;
		if (!is_wanted(v, o))
			continue;
		TR_TRY(tr_entry_show(kind->kind, cursor.has_byte_keys, &entry, &kind->entry, st));
		print_row(v, o, &v->checkpoint->parts[part], kind->kind, &kind->entry->batch, 0);
	}
}

static tr_code take_block(void *context, const struct tr_state_stream *stream, uint64_t checkpoint, const void *bytes,
			  size_t length, struct tr_status *st)
{
	struct view *v = context;
	struct operator_view *o = operator_of(v, stream->operator_id);
	const uint32_t part = part_of(v, stream);
	struct tr_state_record record;
	size_t offset = 0;
	tr_code code;

	if (o == NULL || part == v->checkpoint->part_count)
		return TR_OK;
	if (v->pass == 0) {
		v->newest[part] = checkpoint;
		return TR_OK;
	}
	while (tr_block_next(bytes, length, &offset, &record, &code, st)) {
		const struct tr_batch *batch;
		struct kind_view *kind;

		if ((!record.is_keyed && checkpoint != v->newest[part]) || (v->pass == 1 && record.is_keyed))
			continue;
		TR_TRY(read_record(o, &record, &kind, &batch, st));
		if (v->pass == 1 && kind != NULL)
			kind->records++; /* whether there are slices */
		if (v->pass == 3) {
			o->bytes += record.length;
			o->unknown_records += kind == NULL;
			if (kind != NULL && record.is_keyed)
				kind->records++;
			if (kind != NULL)
				kind->bytes += record.length;
		}
		if (batch != NULL)
			see_rows(v, o, kind, part, batch);
		else if (kind != NULL && kind->kind->table != NULL && v->pass > 1)
			TR_TRY(see_table(v, o, kind, part, &record, st));
	}
	return code;
}

static void print_operator(struct view *v, const struct operator_view *o)
{
	if (v->cli->is_json) {
		printf("%s{\"uid\":", v->separator);
		v->separator = ",";
		tr_cli_print_json_text(o->part->uid);
		printf(",\"subtasks\":%" PRIu32 ",\"fingerprint\":", o->part->stream.subtask_count);
		tr_cli_print_json_text(o->part->fingerprint);
		printf(",\"schema\":");
		tr_cli_print_json_text(o->part->schema);
		printf(",\"bytes\":%" PRIu64 ",\"states\":[", o->bytes);
	} else {
		printf("\n%s\n  %" PRIu32 " subtask%s, %" PRIu64 " bytes\n  %s\n", o->part->uid,
		       o->part->stream.subtask_count, o->part->stream.subtask_count == 1 ? "" : "s", o->bytes,
		       o->part->fingerprint);
	}
	for (uint32_t k = 0; k < o->kind_count; k++) {
		const struct kind_view *kind = &o->kinds[k];

		if (v->cli->is_json) {
			printf("%s{\"name\":", k > 0 ? "," : "");
			tr_cli_print_json_text(kind->kind->name);
			printf(",\"keyed\":%s,\"records\":%" PRIu64 ",\"bytes\":%" PRIu64 ",\"entries\":%" PRIu64 "}",
			       kind->kind->is_keyed ? "true" : "false", kind->records, kind->bytes, kind->entries);
		} else if (kind->records > 0) {
			printf("  state %s: %" PRIu64 " entr%s, %" PRIu64 " bytes in %" PRIu64 " records\n    %s\n",
			       kind->kind->name, kind->entries, kind->entries == 1 ? "y" : "ies", kind->bytes,
			       kind->records, tr_state_schema_text(&v->cli->arena, kind->kind, 1));
		}
	}
	if (v->cli->is_json)
		printf("],\"other_records\":%" PRIu64 "}", o->unknown_records);
	else if (o->unknown_records > 0)
		printf("  %" PRIu64 " record%s of its own form\n", o->unknown_records,
		       o->unknown_records == 1 ? "" : "s");
}

/** An operator that was asked for and is not there. */
static tr_code check_wanted(const struct view *v, struct tr_status *st)
{
	const char **uids = TR_NEW_ARRAY(&v->cli->arena, v->operator_count + 1, const char *);
	const char *nearest;

	for (uint32_t i = 0; i < v->operator_count; i++) {
		uids[i] = v->operators[i].part->uid;
		if (v->cli->operator_uid == NULL || is_wanted(v, &v->operators[i]))
			return TR_OK;
	}
	if (v->cli->operator_uid == NULL)
		return TR_OK;
	nearest = tr_suggest_nearest(v->cli->operator_uid, uids, v->operator_count);
	if (nearest != NULL)
		TR_FAIL(st, TR_ERR_DATA, "%s has no state of an operator '%s'; did you mean '%s'?", v->directory,
			v->cli->operator_uid, nearest);
	TR_FAIL(st, TR_ERR_DATA, "%s has no state of an operator '%s'; without --operator it lists those that it has",
		v->directory, v->cli->operator_uid);
}

static tr_code inspect(struct view *v, struct tr_status *st)
{
	TR_TRY(check_wanted(v, st));
	if (v->cli->is_json) {
		printf("{\"directory\":");
		tr_cli_print_json_text(v->directory);
		printf(",\"job\":");
		tr_cli_print_json_text(tr_log_job_name(v->log));
		printf(",\"job_id\":\"%s\",\"checkpoint\":%" PRIu64 ",\"final\":%s,\"entries\":[",
		       tr_log_job_id(v->log), v->checkpoint->number, v->checkpoint->is_final ? "true" : "false");
	} else {
		printf("%s: checkpoint %" PRIu64 " of the job '%s', id %s%s\n", v->directory, v->checkpoint->number,
		       tr_log_job_name(v->log), tr_log_job_id(v->log), v->checkpoint->is_final ? ", its last one" : "");
	}
	v->separator = "";
	for (v->pass = 0; v->pass <= 3; v->pass++) {
		v->row = 0;
		TR_TRY(tr_log_read(v->log, 0, take_block, v, st));
	}
	if (v->cli->is_json)
		printf("],\"operators\":[");
	else if (v->cli->key != NULL && v->printed == 0)
		TR_FAIL(st, TR_ERR_DATA,
			"%s has no entry of the key '%s'; write a key as --operator prints it, its columns with ', ' "
			"between them",
			v->directory, v->cli->key);
	v->separator = "";
	for (uint32_t i = 0; i < v->operator_count; i++)
		if (v->cli->operator_uid == NULL || is_wanted(v, &v->operators[i]))
			print_operator(v, &v->operators[i]);
	if (v->cli->is_json)
		printf("]}\n");
	return TR_OK;
}

/* Verifying. */

static tr_code check_frame(void *context, const struct tr_log_frame_view *frame, struct tr_status *st)
{
	struct view *v = context;
	struct operator_view *o = operator_of(v, frame->stream.operator_id);
	struct tr_state_record record;
	size_t offset = 0;
	tr_code code;

	v->frames++;
	while (tr_block_next(frame->bytes, frame->length, &offset, &record, &code, st)) {
		const struct tr_batch *batch = NULL;
		struct kind_view *kind;

		if (o != NULL)
			code = read_record(o, &record, &kind, &batch, st);
		if (code != TR_OK)
			break;
		v->rows += batch != NULL ? batch->row_count : 0;
		if (o != NULL && kind != NULL && kind->kind->table != NULL)
			code = tr_entry_check(kind->kind, &record, &v->rows, st);
		if (code != TR_OK)
			break;
	}
	if (code != TR_OK)
		return tr_status_prefix(st, code, "%s/segment-%" PRIu64 ": byte %" PRIu64, v->directory, frame->segment,
					frame->offset);
	return TR_OK;
}

/** Whether the newest root no longer names the segment: a job that runs has gone on while it was being read. */
static bool is_freed(const struct view *v, uint64_t segment)
{
	const struct tr_log_options options = {
		.disk = v->env->disk, .io = v->io, .directory = v->directory, .is_read_only = true};
	struct tr_log_extent_view extent;
	struct tr_log_report report;
	struct tr_log *log = NULL;
	bool is_named = false;

	if (tr_log_open(&options, &log, &report, NULL) != TR_OK)
		return false;
	for (uint32_t k = 0; !is_named && tr_log_view_extent(log, k, &extent); k++)
		is_named = extent.segment == segment;
	tr_log_close(&log);
	return !is_named;
}

/** Sleeps until as many bytes as have been read may have been. */
static void keep_rate(const struct view *v, int64_t begun_ns, uint64_t bytes)
{
	int64_t left_ns = 0;

	do {
		if (v->cli->rate_mb > 0)
			left_ns = begun_ns + (int64_t)((double)bytes * 1e3 / (double)v->cli->rate_mb) -
				  tr_environment_monotonic_ns(v->env);
		if (left_ns > 0)
			(void)tr_io_wait(v->io, left_ns);
	} while (left_ns > 0);
}

static tr_code verify(struct view *v, struct tr_status *st)
{
	const int64_t begun_ns = tr_environment_monotonic_ns(v->env);
	struct tr_log_extent_view extent;
	uint64_t bytes = 0;
	uint32_t freed = 0;

	for (uint32_t copy = 0; copy < 4; copy++) {
		const struct tr_log_root_view root = tr_log_view_root(v->log, copy);

		if (strcmp(root.state, "whole") != 0 && strcmp(root.state, "empty") != 0)
			TR_FAIL(st, TR_ERR_DATA, "%s/%s: byte %" PRIu64 ": %s: %s", v->directory, root.file,
				root.offset, root.state, root.why);
	}
	for (uint32_t k = 0; tr_log_view_extent(v->log, k, &extent); k++) {
		const tr_code code = tr_log_view_frames(v->log, k, check_frame, v, st);

		if (code != TR_OK && !is_freed(v, extent.segment))
			return code;
		freed += code != TR_OK;
		bytes += extent.end - extent.begin;
		keep_rate(v, begun_ns, bytes);
	}
	printf("%s: checkpoint %" PRIu64 " of the job '%s': %" PRIu64 " frames, %" PRIu64
	       " rows of state: all whole%s\n",
	       v->directory, v->checkpoint->number, tr_log_job_name(v->log), v->frames, v->rows,
	       freed > 0 ? " but for what the running job has removed meanwhile" : "");
	return TR_OK;
}

/* The verbs. */

static void close_view(struct view *v)
{
	for (uint32_t i = 0; i < v->operator_count; i++) {
		for (uint32_t k = 0; v->operators[i].kinds != NULL && k < v->operators[i].kind_count; k++) {
			struct kind_view *kind = &v->operators[i].kinds[k];

			tr_rows_deinit(&kind->rows);
			if (kind->entry != NULL)
				tr_batch_buffer_destroy(&kind->entry);
		}
		free(v->operators[i].kinds);
	}
	free(v->operators);
	free(v->newest);
	free(v->version);
	free(v->watermarks);
	free(v->places);
	tr_bytes_deinit(&v->text);
	tr_log_close(&v->log);
}

static tr_code look_at(const struct view *shared, const char *directory,
		       tr_code (*act)(struct view *v, struct tr_status *st), struct tr_status *st)
{
	struct view v = *shared;
	const struct tr_log_options options = {
		.disk = v.env->disk, .io = v.io, .directory = directory, .is_read_only = true};
	struct tr_log_report report;
	tr_code code = tr_log_open(&options, &v.log, &report, st);

	v.directory = directory;
	if (code == TR_OK && tr_log_checkpoint_count(v.log) == 0)
		code = tr_status_set(st, TR_ERR_NO_INPUT, 0, TR_WHERE, "%s holds no complete checkpoint", directory);
	if (code == TR_OK) {
		v.checkpoint = tr_log_checkpoint(v.log, 0);
		code = describe(&v, st);
	}
	if (code == TR_OK)
		code = act(&v, st);
	close_view(&v);
	return code;
}

static bool is_there(struct tr_disk *disk, const char *path)
{
	struct tr_file_info info;
	struct tr_status st = {0};

	return disk->ops->stat(disk, path, &info, &st) == TR_OK;
}

/** The directory itself, or each job's below a state directory, which may be named by its job. */
static tr_code look_at_all(const struct view *v, const char *what, tr_code (*act)(struct view *v, struct tr_status *st),
			   struct tr_status *st)
{
	struct tr_arena *arena = &v->cli->arena;
	struct tr_disk *disk = v->env->disk;
	const char *directory = is_there(disk, what) ? what : tr_state_dir_find(v->cli, what);
	uint32_t job = 1;

	for (; job <= JOBS_MAX; job++) {
		const char *below = tr_arena_printf(arena, "%s/%" PRIu32, directory, job);

		if (!is_there(disk, below))
			break;
		TR_TRY(look_at(v, below, act, st));
	}
	return job == 1 ? look_at(v, directory == what || is_there(disk, directory) ? directory : what, act, st)
			: TR_OK;
}

static int view_verb(struct tr_cli *cli, tr_code (*act)(struct view *v, struct tr_status *st))
{
	struct view v = {.cli = cli};
	struct tr_status st = {0};
	tr_code code = tr_environment_real_create(&v.env, &st);

	if (code == TR_OK)
		code = v.env->disk->ops->queue_create(v.env->disk, 16, &v.io, &st);
	if (code == TR_OK) {
		code = look_at_all(&v, cli->second, act, &st);
		v.env->disk->ops->queue_destroy(v.env->disk, &v.io);
	}
	if (v.env != NULL)
		tr_environment_real_destroy(&v.env);
	if (code != TR_OK) {
		fflush(stdout);
		fprintf(stderr, "tailrace: %s\n", st.message);
	}
	return (int)code;
}

int tr_cli_savepoint_inspect(struct tr_cli *cli) { return view_verb(cli, inspect); }

int tr_cli_savepoint_verify(struct tr_cli *cli) { return view_verb(cli, verify); }
