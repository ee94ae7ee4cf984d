/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows into sessions; see window_sessions.h.
 *
 * Which session a row enters depends on times alone, so that is found first, row by row, on copies of the times of all sessions of
 * the call's keys. Those of a key are a list, the greatest end first. Sessions that are still open for a row neither overlap
 * nor touch each other, and end after all that are closed: what a row meets is a run of the list.
 *
 * A session that is joined into another keeps its place, and takes the rows that had entered it before, until all rows are in; then
 * it is added to the other one. Aggregates do not mind the order.
 */
#include <stdlib.h>

#include "base/hash.h"
#include "core/ops/window_sessions_inner.h"

#define LATE UINT32_MAX

/* -- keys -- */

/** Keys and hashes of rows[0 .. count) of one batch. */
static void write_keys(struct tr_window_sessions *s, const struct tr_batch *batch, uint32_t first, uint32_t count)
{
	struct tr_sessions_take *t = &s->take;
	const struct tr_window_plan *plan = s->w->plan;
	const struct tr_column **columns = s->w->key_columns;

	for (uint32_t k = 0; k < plan->key_count; k++)
		columns[k] = &batch->columns[plan->keys[k]];
	tr_window_keys_write(columns, plan->key_count, t->numbers + first, count, &t->bytes, t->offsets + first);
	if (plan->key_count == 0)
		memset(t->hashes + first, 0, count * sizeof(*t->hashes));
	else
		tr_hash_column(columns[0], t->numbers + first, count, t->hashes + first);
	for (uint32_t k = 1; k < plan->key_count; k++)
		tr_hash_column_combine(columns[k], t->numbers + first, count, t->hashes + first);
}

/** Numbers the keys of the rows. */
static tr_code number_keys(struct tr_window_sessions *s, uint32_t count)
{
	struct tr_sessions_take *t = &s->take;
	uint32_t bits = 4, mask;

	while ((uint32_t)1 << bits < 2 * count)
		bits++;
	mask = ((uint32_t)1 << bits) - 1;
	memset(t->places, 0, sizeof(*t->places) << bits);
	t->count = 0;
	for (uint32_t i = 0; i < count; i++) {
		const char *bytes = t->bytes.data + t->offsets[i];
		const uint32_t length = t->offsets[i + 1] - t->offsets[i];
		const uint64_t hash = t->hashes[i];
		uint32_t place = (uint32_t)hash & mask, id;

		for (; (id = t->places[place]) != 0; place = (place + 1) & mask)
			if (t->states[id - 1].hash == hash && t->keys[id - 1].length == length &&
			    tr_bytes_equal(t->keys[id - 1].bytes, bytes, length))
				break;
		if (id == 0) {
			if (length > TR_TABLE_KEY_BYTES_MAX)
				TR_FAIL(&s->w->op.context->status, TR_ERR_DATA,
					"%s: a key of %u bytes; it may have %u at most", s->w->op.ops->name, length,
					TR_TABLE_KEY_BYTES_MAX);
			t->places[place] = id = ++t->count;
			t->keys[id - 1] = (struct tr_table_key){bytes, length, (uint32_t)(hash >> 32)};
			t->states[id - 1] = (struct tr_session_key){.hash = hash, .last = TR_SESSION_NONE};
		}
		t->ids[i] = id - 1;
	}
	return TR_OK;
}

static tr_code make_keys(struct tr_window_sessions *s, const struct tr_window_row *rows, uint32_t count)
{
	struct tr_sessions_take *t = &s->take;

	tr_bytes_clear(&t->bytes);
	(void)tr_bytes_reserve(&t->bytes, 1); /* an address for keys of no columns */
	for (uint32_t i = 0; i < count; i++)
		t->numbers[i] = rows[i].row;
	for (uint32_t first = 0, next; first < count; first = next) {
		for (next = first + 1; next < count && rows[next].batch == rows[first].batch; next++)
			;
		write_keys(s, rows[first].batch, first, next - first);
	}
	return number_keys(s, count);
}

/* -- which session -- */

/** A new view of the key behind (that is, with a lower end than) `before`; NONE: with the greatest one. */
static uint32_t session_add(struct tr_sessions_take *t, uint32_t key, uint32_t before, int64_t start, int64_t end)
{
	struct tr_session_key *of = &t->states[key];
	uint32_t *link;

	if (t->session_count == t->session_room) {
		t->session_room = TR_MAX(t->session_room * 2, 2u * TR_WINDOW_SESSIONS_ROWS);
		t->sessions = tr_checked(realloc(t->sessions, t->session_room * sizeof(*t->sessions)));
	}
	link = before == TR_SESSION_NONE ? &of->last : &t->sessions[before].next;
	t->sessions[t->session_count] = (struct tr_session_view){
		.start = start, .end = end, .key = key, .next = *link, .place = of->stored + of->added};
	*link = t->session_count;
	of->count++;
	return t->session_count++;
}

/** The sessions that are in the values. */
static void view_sessions(struct tr_window_sessions *s)
{
	struct tr_sessions_take *t = &s->take;

	t->session_count = t->pair_count = 0;
	for (uint32_t k = 0; k < t->count; k++) {
		const char *at = t->values[k].bytes, *end = at + t->values[k].length;

		if (at == NULL)
			continue;
		for (at += TR_SESSION_DUE_BYTES; at < end; t->states[k].stored++) {
			const uint32_t number = session_add(t, k, TR_SESSION_NONE, 0, 0);
			struct tr_session_view *session = &t->sessions[number];

			at = tr_session_read(s, at, &session->start, &session->end, &session->encoded,
					     &session->encoded_bytes);
		}
	}
}

static void pair_add(struct tr_sessions_take *t, uint32_t target, uint32_t source)
{
	if (t->pair_count == t->pair_room) {
		t->pair_room = TR_MAX(t->pair_room * 2, 64u);
		t->pairs = tr_checked(realloc(t->pairs, t->pair_room * sizeof(*t->pairs)));
	}
	t->pairs[t->pair_count++] = (struct tr_session_pair){target, source};
}

/** The session that a row at `time_ms` enters, joined with all open ones it meets; LATE: none. */
static uint32_t enter(struct tr_window_sessions *s, uint32_t number, int64_t time_ms, int64_t watermark_ms)
{
	struct tr_sessions_take *t = &s->take;
	struct tr_session_key *key = &t->states[number];
	struct tr_window_clock *clock = &s->w->clock;
	const int64_t row_end = time_ms + clock->spec.size_ms;
	int64_t start = time_ms, end = row_end;
	uint32_t before = TR_SESSION_NONE, kept = TR_SESSION_NONE;

	for (uint32_t i = key->last; i != TR_SESSION_NONE; i = t->sessions[i].next) {
		struct tr_session_view *other = &t->sessions[i];

		if (other->start > row_end) {
			before = i;
			continue;
		}
		/* Those that follow end before this one does. */
		if (other->end < time_ms || tr_window_timer(clock, other->end) <= watermark_ms)
			break;
		start = TR_MIN(start, other->start);
		end = TR_MAX(end, other->end);
		other->is_changed = true;
		if (kept == TR_SESSION_NONE) {
			kept = i;
		} else {
			pair_add(t, kept, i);
			t->sessions[kept].next = other->next;
			key->count--;
		}
	}
	if (kept == TR_SESSION_NONE) {
		if (tr_window_timer(clock, end) <= watermark_ms)
			return LATE;
		kept = session_add(t, number, before, start, end);
		t->sessions[kept].is_changed = true;
		key->added++;
	}
	t->sessions[kept].start = start;
	t->sessions[kept].end = end;
	key->is_changed = true;
	return kept;
}

static void enter_all(struct tr_window_sessions *s, const struct tr_window_row *rows, uint32_t count)
{
	struct tr_sessions_take *t = &s->take;

	for (uint32_t i = 0; i < count; i++) {
		t->entered[i] = enter(s, t->ids[i], rows[i].time_ms, rows[i].watermark_ms);
		s->w->op.metrics.rows_late += t->entered[i] == LATE;
	}
	t->changed_count = 0;
	for (uint32_t k = 0; k < t->count; k++) {
		if (!t->states[k].is_changed)
			continue;
		t->changed[t->changed_count] = k;
		t->changed_keys[t->changed_count++] = t->keys[k];
	}
}

/* -- the rows -- */

/** All rows to the entries of their sessions, then sessions that were joined. */
static void add_rows(struct tr_window_sessions *s, const struct tr_window_row *rows, uint32_t count)
{
	struct tr_sessions_take *t = &s->take;
	struct tr_agg_layout *layout = &s->w->layout;

	for (uint32_t first = 0, next; first < count; first = next) {
		uint32_t n = 0;

		for (next = first; next < count && rows[next].batch == rows[first].batch; next++) {
			if (t->entered[next] == LATE)
				continue;
			t->entries[n] = t->sessions[t->entered[next]].entry;
			t->numbers[n++] = rows[next].row;
		}
		if (n > 0)
			tr_agg_layout_add(layout, rows[first].batch, t->entries, t->numbers, n);
	}
	for (uint32_t p = 0; p < t->pair_count; p++)
		tr_agg_layout_merge(layout, &t->sessions[t->pairs[p].target].entry,
				    &t->sessions[t->pairs[p].source].entry, 1);
}

/** Sees to it that the key is looked at when its first session ends; returns the `due` of its value. `before`: what it was; any if
 * the key is new. */
static int64_t keep_due(struct tr_window_sessions *s, const struct tr_table_key *key, bool is_new, int64_t before,
			int64_t first_end)
{
	if (!is_new && before <= first_end)
		return before;
	tr_window_due_push(&s->due, first_end, key);
	return first_end;
}

/* -- layouts that own no memory: in place -- */

/** The value of a key gets its sessions in order, if they are not; times are written. Returns its length. */
static uint32_t settle_value(struct tr_window_sessions *s, const struct tr_session_key *key, char *value)
{
	struct tr_sessions_take *t = &s->take;
	const uint32_t width = s->session_bytes;
	char *sessions = value + TR_SESSION_DUE_BYTES;
	uint32_t place = key->count;
	bool is_ordered = key->count == key->stored + key->added;

	for (uint32_t i = key->last; i != TR_SESSION_NONE; i = t->sessions[i].next) {
		const struct tr_session_view *session = &t->sessions[i];

		is_ordered &= session->place == --place;
		if (session->is_changed) {
			memcpy(sessions + (size_t)session->place * width, &session->start, 8);
			memcpy(sessions + (size_t)session->place * width + 8, &session->end, 8);
		}
	}
	if (is_ordered)
		return TR_SESSION_DUE_BYTES + key->count * width;
	tr_bytes_clear(&t->built);
	(void)tr_bytes_reserve(&t->built, (size_t)key->count * width);
	place = key->count;
	for (uint32_t i = key->last; i != TR_SESSION_NONE; i = t->sessions[i].next)
		memcpy(t->built.data + (size_t)--place * width, sessions + (size_t)t->sessions[i].place * width, width);
	memcpy(sessions, t->built.data, (size_t)key->count * width);
	return TR_SESSION_DUE_BYTES + key->count * width;
}

static tr_code too_large(struct tr_window_sessions *s, size_t bytes)
{
	TR_FAIL(&s->w->op.context->status, TR_ERR_DATA,
		"%s: the open sessions of one key take %zu bytes; they may take %u at most", s->w->op.ops->name, bytes,
		TR_TABLE_VALUE_BYTES_MAX);
}

/** Room in the values for sessions that were added; t->values become those of all keys that change. */
static tr_code make_room(struct tr_window_sessions *s)
{
	struct tr_sessions_take *t = &s->take;
	const uint64_t moves = tr_table_moves(s->table);
	uint32_t longer = 0;

	for (uint32_t c = 0; c < t->changed_count; c++) {
		const struct tr_session_key *key = &t->states[t->changed[c]];
		const size_t bytes = TR_SESSION_DUE_BYTES + (size_t)(key->stored + key->added) * s->session_bytes;

		if (bytes > TR_TABLE_VALUE_BYTES_MAX)
			return too_large(s, bytes);
		if (key->added == 0)
			continue;
		t->sized_keys[longer] = t->changed_keys[c];
		t->sized_values[longer].length = (uint32_t)bytes;
		t->sized[longer++] = t->changed[c];
	}
	if (longer == 0)
		return TR_OK;
	(void)tr_table_upsert(s->table, t->sized_keys, longer, t->sized_values, NULL);
	for (uint32_t n = 0; n < longer; n++)
		t->values[t->sized[n]] = t->sized_values[n];
	if (longer == t->changed_count || moves == tr_table_moves(s->table))
		return TR_OK;
	(void)tr_table_find(s->table, t->changed_keys, t->changed_count, t->changed_values);
	for (uint32_t c = 0; c < t->changed_count; c++)
		t->values[t->changed[c]] = t->changed_values[c];
	return TR_OK;
}

static tr_code update_in_place(struct tr_window_sessions *s, const struct tr_window_row *rows, uint32_t count)
{
	struct tr_sessions_take *t = &s->take;
	uint32_t shorter = 0;

	TR_TRY(make_room(s));
	for (uint32_t i = 0; i < t->session_count; i++) {
		struct tr_session_view *session = &t->sessions[i];

		session->entry = (char *)t->values[session->key].bytes + TR_SESSION_DUE_BYTES +
				 (size_t)session->place * s->session_bytes + TR_SESSION_TIMES_BYTES;
	}
	add_rows(s, rows, count);
	for (uint32_t c = 0; c < t->changed_count; c++) {
		const struct tr_session_key *key = &t->states[t->changed[c]];
		char *value = t->values[t->changed[c]].bytes;
		const uint32_t length = settle_value(s, key, value);
		int64_t due, first_end;

		memcpy(&due, value, 8);
		memcpy(&first_end, value + TR_SESSION_DUE_BYTES + 8, 8);
		due = keep_due(s, &t->changed_keys[c], key->stored == 0, due, first_end);
		memcpy(value, &due, 8);
		if (length == t->values[t->changed[c]].length)
			continue;
		t->sized_keys[shorter] = t->changed_keys[c];
		t->sized_values[shorter++].length = length;
	}
	if (shorter > 0)
		(void)tr_table_upsert(s->table, t->sized_keys, shorter, t->sized_values, NULL);
	return TR_OK;
}

/* -- layouts that own memory: decoded, and encoded again -- */

/** Makes entries of the sessions that change; returns how many. */
static uint32_t decode(struct tr_window_sessions *s)
{
	struct tr_sessions_take *t = &s->take;
	const uint32_t stride = s->w->layout.stride;
	uint32_t count = 0, stored = 0;

	for (uint32_t i = 0; i < t->session_count; i++)
		count += t->sessions[i].is_changed;
	if (count > t->decoded_room) {
		t->decoded_room = TR_MAX(count, t->decoded_room * 2);
		free(t->memory);
		t->memory = tr_checked(malloc((size_t)t->decoded_room * stride));
		t->decoded = tr_checked(realloc(t->decoded, t->decoded_room * sizeof(*t->decoded)));
		t->encoded = tr_checked(realloc(t->encoded, t->decoded_room * sizeof(*t->encoded)));
		t->ends = tr_checked(realloc(t->ends, t->decoded_room * sizeof(*t->ends)));
	}
	memset(t->memory, 0, (size_t)count * stride);
	count = 0;
	for (uint32_t i = 0; i < t->session_count; i++) {
		struct tr_session_view *session = &t->sessions[i];

		if (!session->is_changed)
			continue;
		session->entry = t->memory + (size_t)count++ * stride;
		if (session->encoded == NULL)
			continue;
		t->encoded[stored] = session->encoded;
		t->decoded[stored++] = session->entry;
	}
	tr_window_codec_read(&s->codec, t->encoded, stored, t->decoded);
	return count;
}

/** Puts the value of a key behind what is built. `written`: the number of encoded entries that were used so far. */
static tr_code build_value(struct tr_window_sessions *s, uint32_t c, uint32_t *written)
{
	struct tr_sessions_take *t = &s->take;
	const struct tr_session_key *key = &t->states[t->changed[c]];
	const char *old = t->values[t->changed[c]].bytes;
	size_t bytes = TR_SESSION_DUE_BYTES + (size_t)key->count * TR_SESSION_HEAD_BYTES;
	int64_t due = 0, first_end = 0;
	uint32_t w = *written;
	char *begin, *at;

	for (uint32_t i = key->last; i != TR_SESSION_NONE; i = t->sessions[i].next) {
		struct tr_session_view *session = &t->sessions[i];

		if (session->is_changed) {
			const size_t from = w == 0 ? 0 : t->ends[w - 1];

			session->encoded = t->written.data + from;
			if (t->ends[w] - from > TR_TABLE_VALUE_BYTES_MAX)
				return too_large(s, t->ends[w] - from);
			session->encoded_bytes = (uint32_t)(t->ends[w++] - from);
		}
		bytes += session->encoded_bytes;
		first_end = session->end;
	}
	*written = w;
	if (bytes > TR_TABLE_VALUE_BYTES_MAX)
		return too_large(s, bytes);
	begin = tr_bytes_reserve(&t->built, bytes);
	at = begin + bytes;
	for (uint32_t i = key->last; i != TR_SESSION_NONE; i = t->sessions[i].next) {
		const struct tr_session_view *session = &t->sessions[i];

		at -= TR_SESSION_HEAD_BYTES + session->encoded_bytes;
		memcpy(at, &session->start, 8);
		memcpy(at + 8, &session->end, 8);
		memcpy(at + TR_SESSION_TIMES_BYTES, &session->encoded_bytes, 4);
		memcpy(at + TR_SESSION_HEAD_BYTES, session->encoded, session->encoded_bytes);
	}
	if (old != NULL)
		memcpy(&due, old, 8);
	due = keep_due(s, &t->changed_keys[c], old == NULL, due, first_end);
	memcpy(begin, &due, 8);
	t->built.length += bytes;
	t->changed_values[c].length = (uint32_t)bytes;
	return TR_OK;
}

/** Values of all keys that change, into t->built. */
static tr_code build_values(struct tr_window_sessions *s)
{
	struct tr_sessions_take *t = &s->take;
	uint32_t count = 0, written = 0;

	for (uint32_t c = 0; c < t->changed_count; c++)
		for (uint32_t i = t->states[t->changed[c]].last; i != TR_SESSION_NONE; i = t->sessions[i].next)
			if (t->sessions[i].is_changed)
				t->decoded[count++] = t->sessions[i].entry;
	tr_bytes_clear(&t->written);
	tr_bytes_clear(&t->built);
	tr_window_codec_write(&s->codec, t->decoded, count, &t->written, t->ends);
	for (uint32_t c = 0; c < t->changed_count; c++)
		TR_TRY(build_value(s, c, &written));
	return TR_OK;
}

static tr_code update_decoded(struct tr_window_sessions *s, const struct tr_window_row *rows, uint32_t count)
{
	struct tr_sessions_take *t = &s->take;
	const uint32_t decoded = decode(s);
	const char *from;
	tr_code code;

	add_rows(s, rows, count);
	code = build_values(s);
	for (uint32_t i = 0; i < decoded; i++)
		t->decoded[i] = t->memory + (size_t)i * s->w->layout.stride;
	tr_agg_layout_release(&s->w->layout, t->decoded, decoded);
	if (code != TR_OK)
		return code;
	(void)tr_table_upsert(s->table, t->changed_keys, t->changed_count, t->changed_values, NULL);
	from = t->built.data;
	for (uint32_t c = 0; c < t->changed_count; from += t->changed_values[c++].length)
		memcpy(t->changed_values[c].bytes, from, t->changed_values[c].length);
	return TR_OK;
}

/* -- all of it -- */

enum tr_flow tr_window_sessions_take(struct tr_window_sessions *s, const struct tr_window_row *rows, uint32_t count)
{
	struct tr_sessions_take *t = &s->take;
	enum tr_flow flow;
	tr_code code = TR_OK;

	TR_ASSERT(count <= TR_WINDOW_SESSIONS_ROWS);
	if (!t->is_begun && make_keys(s, rows, count) != TR_OK)
		return TR_FLOW_FAILED;
	t->is_begun = true;
	flow = tr_window_due_poll(&s->due, &s->w->op.context->status);
	if (flow != TR_FLOW_MORE)
		return flow;
	tr_sessions_share_memory(s);
	/* Rarely a key has late rows only; then it counts as changed. */
	flow = s->session_bytes != 0 ? tr_table_modify(s->table, t->keys, t->count, t->values)
				     : tr_table_find(s->table, t->keys, t->count, t->values);
	if (flow != TR_FLOW_MORE)
		return tr_sessions_failed(s, flow);
	t->is_begun = false;
	view_sessions(s);
	enter_all(s, rows, count);
	if (t->changed_count == 0)
		return TR_FLOW_MORE;
	tr_table_hold(s->table);
	code = s->session_bytes != 0 ? update_in_place(s, rows, count) : update_decoded(s, rows, count);
	tr_table_release(s->table);
	return code == TR_OK ? TR_FLOW_MORE : TR_FLOW_FAILED;
}
