/* SPDX-License-Identifier: Apache-2.0
 *
 * Windows with functions in C against a naive model of Flink's window operator: random rows out of order, and every mix of windows,
 * contents, triggers, evictors and lateness, with 1, 2 and 3 subtasks and batches of 1, 7 and 2,048 rows. The model keeps lists and
 * goes row by row; it shares nothing with the engine.
 */
#include "api_test.h"

#define ROWS 80
#define KEYS 3
#define NEVER INT64_MAX

enum contents { AGGREGATE, AGGREGATE_BATCH, REDUCE, REDUCE_PROCESS, PROCESS, CONTENTS };
enum trigger { DEFAULT, COUNT, PURGING_DEFAULT, PURGING_COUNT, CONTINUOUS, PURGING_CONTINUOUS, ODD, TRIGGERS };
enum evictor { NONE, LAST_BEFORE, LAST_AFTER, TIME, DELTA, ALL, EVICTORS };

struct config {
	struct tr_windows windows;
	enum contents contents;
	enum trigger trigger;
	enum evictor evictor;
	int64_t lateness;
	int64_t delay; /* of the watermark */
	bool has_late_stream;
	bool has_text_keys;
};

static int64_t rows[ROWS][3]; /* key, value, time */
/* Results tell the watermark at which they were made. With several subtasks each sees those of its own rows only. */
static bool shows_watermark;

/* The model. */

struct m_window {
	int64_t key, start, end;
	bool is_open;
	int64_t v[ROWS], t[ROWS];
	uint32_t n;
	int64_t count;            /* of the trigger */
	int64_t next;             /* likewise; NEVER: none */
	int64_t fired;            /* times */
	int64_t timers[4 * ROWS]; /* that are set */
	uint32_t timer_count;
};

static struct m_window m_list[4 * ROWS * 8];
static uint32_t m_count;
static int64_t m_watermark;
static uint64_t m_late;
static char *m_lines[100000];
static uint32_t m_line_count;
static const struct config *m;

static bool is_event(void) { return m->windows.kind != TR_WINDOWS_GLOBAL && m->windows.kind != TR_WINDOWS_COUNT; }
static int64_t last_of(const struct m_window *w) { return w->end == INT64_MAX ? INT64_MAX : w->end - 1; }
static int64_t cleanup_of(const struct m_window *w)
{
	return !is_event() || w->end == INT64_MAX ? NEVER : w->end - 1 + m->lateness;
}

static void m_set(struct m_window *w, int64_t time)
{
	for (uint32_t i = 0; i < w->timer_count; i++)
		if (w->timers[i] == time)
			return;
	w->timers[w->timer_count++] = time;
}

static void m_unset(struct m_window *w, int64_t time)
{
	for (uint32_t i = 0; i < w->timer_count; i++)
		if (w->timers[i] == time)
			w->timers[i--] = w->timers[--w->timer_count];
}

static void m_print(const char *format, ...)
{
	va_list args;
	char line[256];

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	m_lines[m_line_count++] = strdup(line);
}

static void m_remove(struct m_window *w, const bool *gone)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < w->n; i++) {
		if (gone[i])
			continue;
		w->v[n] = w->v[i];
		w->t[n++] = w->t[i];
	}
	w->n = n;
}

static void m_evict(struct m_window *w, bool is_after)
{
	bool gone[ROWS] = {false};
	int64_t last = INT64_MIN;

	if ((m->evictor == LAST_AFTER) != is_after)
		return;
	for (uint32_t i = 0; i < w->n; i++)
		last = w->t[i] > last ? w->t[i] : last;
	for (uint32_t i = 0; i < w->n; i++) {
		if (m->evictor == LAST_BEFORE || m->evictor == LAST_AFTER)
			gone[i] = i + 2 < w->n;
		else if (m->evictor == TIME)
			gone[i] = w->t[i] <= last - 4;
		else if (m->evictor == DELTA)
			gone[i] = llabs(w->v[i] - w->v[w->n - 1]) >= 5;
		else if (m->evictor == ALL)
			gone[i] = true;
	}
	m_remove(w, gone);
}

static void m_fire(struct m_window *w)
{
	int64_t sum = 0, least = INT64_MAX, most = INT64_MIN, text = 0, last = INT64_MIN;
	const bool is_reduce = m->contents == REDUCE || m->contents == REDUCE_PROCESS;

	if (w->n == 0)
		return;
	if (m->evictor != NONE && m->windows.kind != TR_WINDOWS_COUNT)
		m_evict(w, false);
	if (m->windows.kind == TR_WINDOWS_COUNT && m->windows.slide_ms > 0) {
		bool gone[ROWS];

		for (uint32_t i = 0; i < w->n; i++)
			gone[i] = (int64_t)i + m->windows.size_ms < w->n;
		m_remove(w, gone);
	}
	for (uint32_t i = 0; i < w->n; i++) {
		sum += w->v[i];
		least = w->v[i] < least ? w->v[i] : least;
		most = w->v[i] > most ? w->v[i] : most;
		last = w->t[i] > last ? w->t[i] : last;
		text = (text * 31 + w->v[i]) % 1000003;
	}
	w->fired += !is_reduce || w->n > 0;
	if (m->windows.kind == TR_WINDOWS_SESSION)
		text = w->fired = 0;
	if (m->contents == REDUCE && w->n > 0)
		m_print("%lld,%lld,%lld", (long long)w->key, (long long)sum, (long long)last);
	else if (!is_reduce || w->n > 0)
		m_print("%lld,%lld,%lld,%lld,%lld,%lld,%lld,%lld,%lld,%lld", (long long)w->key, (long long)w->start,
			(long long)last_of(w), (long long)(shows_watermark ? m_watermark : 0),
			(long long)(m->contents == REDUCE_PROCESS ? 1 : w->n), (long long)sum,
			(long long)(m->contents == REDUCE_PROCESS ? 0 : least),
			(long long)(m->contents == REDUCE_PROCESS ? 0 : most),
			(long long)(m->contents == PROCESS ? text : 0), (long long)w->fired);
	if (m->evictor != NONE && m->windows.kind != TR_WINDOWS_COUNT)
		m_evict(w, true);
}

static void m_next(struct m_window *w, int64_t from)
{
	w->next = NEVER;
	if (m_watermark == INT64_MAX && w->end == INT64_MAX)
		return;
	w->next = from + 3 < last_of(w) ? from + 3 : last_of(w);
	m_set(w, w->next);
}

static bool is_purging(void)
{
	return m->trigger == PURGING_DEFAULT || m->trigger == PURGING_COUNT || m->trigger == PURGING_CONTINUOUS ||
	       (m->windows.kind == TR_WINDOWS_COUNT && m->windows.slide_ms == 0);
}

static void m_act(struct m_window *w, bool fires)
{
	if (!fires)
		return;
	m_fire(w);
	if (is_purging())
		w->n = 0;
}

/** What the trigger says of a row. */
static bool m_on_row(struct m_window *w, int64_t value, int64_t time)
{
	int64_t most = 2;

	if (m->windows.kind == TR_WINDOWS_COUNT)
		most = m->windows.slide_ms > 0 ? m->windows.slide_ms : m->windows.size_ms;
	if (m->windows.kind == TR_WINDOWS_COUNT || m->trigger == COUNT || m->trigger == PURGING_COUNT) {
		if (++w->count < most)
			return false;
		w->count = 0;
		return true;
	}
	if (m->trigger == ODD) {
		w->count += value;
		m_set(w, time + 2);
		return value % 2 != 0;
	}
	if (m->trigger <= PURGING_DEFAULT && m->windows.kind == TR_WINDOWS_GLOBAL)
		return false;
	if (last_of(w) <= m_watermark)
		return true;
	m_set(w, last_of(w));
	if ((m->trigger == CONTINUOUS || m->trigger == PURGING_CONTINUOUS) && w->next == NEVER)
		m_next(w, time - time % 3);
	return false;
}

static bool m_on_timer(struct m_window *w, int64_t time)
{
	if (m->trigger == ODD)
		return w->count % 2 != 0;
	if (m->trigger == COUNT || m->trigger == PURGING_COUNT)
		return false;
	if (time == last_of(w))
		return true;
	if (w->next != time)
		return false;
	m_next(w, time);
	return true;
}

static void m_advance(int64_t watermark)
{
	if (watermark <= m_watermark)
		return;
	m_watermark = watermark;
	for (;;) {
		struct m_window *first = NULL;
		int64_t time = NEVER;

		for (uint32_t i = 0; i < m_count; i++) {
			for (uint32_t k = 0; m_list[i].is_open && k < m_list[i].timer_count; k++) {
				if (m_list[i].timers[k] > watermark || (first != NULL && m_list[i].timers[k] >= time))
					continue;
				first = &m_list[i];
				time = first->timers[k];
			}
		}
		if (first == NULL)
			return;
		m_unset(first, time);
		m_act(first, m_on_timer(first, time));
		if (time == cleanup_of(first))
			first->is_open = false;
	}
}

static struct m_window *m_open(int64_t key, int64_t start, int64_t end)
{
	for (uint32_t i = 0; i < m_count; i++)
		if (m_list[i].is_open && m_list[i].key == key && m_list[i].start == start && m_list[i].end == end)
			return &m_list[i];
	memset(&m_list[m_count], 0, sizeof(m_list[0]));
	m_list[m_count] = (struct m_window){.key = key, .start = start, .end = end, .is_open = true, .next = NEVER};
	return &m_list[m_count++];
}

/** The session that [start, end) makes together with those that it touches. */
static struct m_window *m_session(int64_t key, int64_t start, int64_t end)
{
	struct m_window *parts[ROWS], *result;
	int64_t from = start, to = end;
	uint32_t count = 0;

	for (uint32_t i = 0; i < m_count; i++) {
		struct m_window *w = &m_list[i];

		if (!w->is_open || w->key != key || w->start > end || w->end < start)
			continue;
		parts[count++] = w;
		from = w->start < from ? w->start : from;
		to = w->end > to ? w->end : to;
	}
	if (count == 1 && parts[0]->start == from && parts[0]->end == to)
		return parts[0];
	result = m_open(key, from, to);
	for (uint32_t i = 0; i < count; i++) {
		parts[i]->is_open = false;
		for (uint32_t k = 0; k < parts[i]->n; k++) {
			result->v[result->n] = parts[i]->v[k];
			result->t[result->n++] = parts[i]->t[k];
		}
		result->count += parts[i]->count;
		result->next = parts[i]->next < result->next ? parts[i]->next : result->next;
	}
	if (count > 0 && result->next != NEVER)
		m_set(result, result->next);
	if (count > 0 && m->trigger == ODD)
		m_set(result, to - 1);
	if (count > 0 && m->trigger != COUNT && m->trigger != PURGING_COUNT && m->trigger != ODD &&
	    m->trigger <= PURGING_DEFAULT && to - 1 > m_watermark)
		m_set(result, to - 1);
	return result;
}

/** A row to one window; whether it was not late. */
static bool m_take(int64_t key, int64_t start, int64_t end, int64_t value, int64_t time)
{
	struct m_window probe = {.key = key, .start = start, .end = end}, *w;

	if (m->windows.kind == TR_WINDOWS_SESSION) {
		w = m_session(key, start, end);
		if (cleanup_of(w) <= m_watermark) {
			w->is_open = false;
			return false;
		}
	} else {
		if (cleanup_of(&probe) <= m_watermark)
			return false;
		w = m_open(key, start, end);
	}
	w->v[w->n] = value;
	w->t[w->n++] = time;
	if (cleanup_of(w) != NEVER)
		m_set(w, cleanup_of(w));
	m_act(w, m_on_row(w, value, time));
	return true;
}

static void m_row(int64_t key, int64_t value, int64_t time)
{
	const struct tr_windows *w = &m->windows;
	bool is_taken = false;

	switch (w->kind) {
	case TR_WINDOWS_TUMBLING:
	case TR_WINDOWS_SLIDING: {
		const int64_t step = w->kind == TR_WINDOWS_TUMBLING ? w->size_ms : w->slide_ms;

		/* All starts there are around it, one after the other. */
		for (int64_t start = w->offset_ms - 100 * step; start <= time; start += step)
			if (start + w->size_ms > time)
				is_taken |= m_take(key, start, start + w->size_ms, value, time);
		break;
	}
	case TR_WINDOWS_SESSION:
		is_taken = m_take(key, time, time + (w->gap != NULL ? 1 + value % 5 : w->size_ms), value, time);
		break;
	case TR_WINDOWS_CUSTOM: /* from a multiple of ten to the row's end, and one that has it alone */
		is_taken |= m_take(key, time / 10 * 10, time + 1, value, time);
		is_taken |= m_take(key, time, time + 20, value, time);
		break;
	default: is_taken = m_take(key, INT64_MIN, INT64_MAX, value, time); break;
	}
	if (is_taken || !is_event() || time + m->lateness > m_watermark)
		return;
	m_late++;
	if (m->has_late_stream)
		m_print("late,%lld,%lld,%lld", (long long)key, (long long)value, (long long)time);
}

static char *model(const struct config *config)
{
	int64_t watermark = INT64_MIN;
	size_t length = 0;
	char *text;

	m = config;
	m_count = m_line_count = 0;
	m_late = 0;
	m_watermark = INT64_MIN;
	for (uint32_t i = 0; i < ROWS; i++) {
		m_advance(watermark);
		m_row(rows[i][0], rows[i][1], rows[i][2]);
		watermark = TR_MAX(watermark, rows[i][2] - m->delay - 1);
	}
	m_advance(watermark);
	m_advance(INT64_MAX);
	qsort(m_lines, m_line_count, sizeof(*m_lines), api_compare);
	for (uint32_t i = 0; i < m_line_count; i++)
		length += strlen(m_lines[i]) + 1;
	text = calloc(length + 1, 1);
	for (uint32_t i = 0, at = 0; i < m_line_count; i++) {
		at += (uint32_t)sprintf(text + at, "%s\n", m_lines[i]);
		free(m_lines[i]);
	}
	return text;
}

/* The job. */

struct sums {
	int64_t count, sum, least, most;
};

static void create(void *user, void *accumulator)
{
	*(struct sums *)accumulator = (struct sums){0, 0, INT64_MAX, INT64_MIN};
}

static void add_value(struct sums *s, int64_t value)
{
	s->count++;
	s->sum += value;
	s->least = TR_MIN(s->least, value);
	s->most = TR_MAX(s->most, value);
}

static void add(void *user, void *accumulator, const struct tr_row *row) { add_value(accumulator, tr_row_i64(row, 1)); }

static void add_batch(void *user, void *const *accumulators, const struct tr_batch *batch)
{
	for (uint32_t i = 0; i < batch->selected_count; i++)
		add_value(accumulators[i], tr_column_i64(&batch->columns[1], tr_batch_row(batch, i)));
}

static void merge(void *user, void *accumulator, const void *other)
{
	struct sums *a = accumulator;
	const struct sums *b = other;

	*a = (struct sums){a->count + b->count, a->sum + b->sum, TR_MIN(a->least, b->least), TR_MAX(a->most, b->most)};
}

static void emit(struct tr_context *context, const struct tr_window *window, const struct sums *s, int64_t text,
		 struct tr_collector *out)
{
	const struct tr_row key = tr_context_key(context);
	int64_t *fired = tr_context_window_state(context), values[9];

	values[0] = window->start_ms;
	values[1] = tr_window_last(window);
	values[2] = shows_watermark ? tr_context_watermark(context) : 0;
	values[3] = s->count;
	values[4] = s->sum;
	values[5] = s->least;
	values[6] = s->most;
	values[7] = text;
	values[8] = fired != NULL ? ++*fired : 0;
	if (key.batch->columns[0].type->phys == TR_PHYS_VIEW)
		tr_collector_set_i64(out, 0, tr_view_text(tr_row_text(&key, 0))[0] - '0');
	else
		tr_collector_set_i64(out, 0, tr_row_i64(&key, 0));
	for (uint32_t i = 0; i < 9; i++)
		tr_collector_set_i64(out, i + 1, values[i]);
	tr_collector_add(out);
}

static tr_code result(struct tr_context *context, const struct tr_window *window, const void *accumulator,
		      struct tr_collector *out, struct tr_status *st)
{
	emit(context, window, accumulator, 0, out);
	return TR_OK;
}

static tr_code reduce(void *user, const struct tr_row *so_far, const struct tr_row *row, struct tr_collector *out,
		      struct tr_status *st)
{
	tr_collector_set_i64(out, 1, tr_row_i64(so_far, 1) + tr_row_i64(row, 1));
	tr_collector_set_i64(out, 2, TR_MAX(tr_row_i64(so_far, 2), tr_row_i64(row, 2)));
	return TR_OK;
}

static tr_code process(struct tr_context *context, const struct tr_window *window, const struct tr_batch *batch,
		       struct tr_collector *out, struct tr_status *st)
{
	const bool is_reduced = tr_context_user(context) != NULL;
	struct sums s = {0, 0, INT64_MAX, INT64_MIN};
	int64_t text = 0;

	for (uint32_t i = 0; i < batch->selected_count; i++) {
		const int64_t value = tr_column_i64(&batch->columns[1], tr_batch_row(batch, i));

		add_value(&s, value);
		text = (text * 31 + value) % 1000003;
	}
	if (is_reduced)
		s.least = s.most = 0;
	emit(context, window, &s, is_reduced || tr_context_window_state(context) == NULL ? 0 : text, out);
	return TR_OK;
}

static int64_t own_gap(void *user, const struct tr_row *row) { return 1 + tr_row_i64(row, 1) % 5; }

static uint32_t assign(void *user, const struct tr_row *row, int64_t time_ms, struct tr_window *windows)
{
	windows[0] = (struct tr_window){time_ms / 10 * 10, time_ms + 1};
	windows[1] = (struct tr_window){time_ms, time_ms + 20};
	return 2;
}

/* A trigger that fires for odd values, and two milliseconds after each row if the sum of all is odd. */

static enum tr_trigger_result odd_on_row(struct tr_trigger_call *call, const struct tr_row *row)
{
	*(int64_t *)call->state += tr_row_i64(row, 1);
	tr_trigger_set_event_time(call, tr_context_timestamp(call->context) + 2);
	return tr_row_i64(row, 1) % 2 != 0 ? TR_TRIGGER_FIRE : TR_TRIGGER_CONTINUE;
}

static enum tr_trigger_result odd_on_time(struct tr_trigger_call *call, int64_t time_ms)
{
	return *(int64_t *)call->state % 2 != 0 ? TR_TRIGGER_FIRE : TR_TRIGGER_CONTINUE;
}

static void odd_on_merge(struct tr_trigger_call *call, const void *const *states, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		*(int64_t *)call->state += *(const int64_t *)states[i];
	tr_trigger_set_event_time(call, tr_window_last(&call->window));
}

static struct tr_trigger trigger_of(const struct config *c)
{
	struct tr_trigger trigger = tr_trigger_event_time();

	switch (c->trigger) {
	case COUNT:
	case PURGING_COUNT: trigger = tr_trigger_count(2); break;
	case CONTINUOUS:
	case PURGING_CONTINUOUS: trigger = tr_trigger_continuous_event_time(3); break;
	case ODD:
		trigger = TR_MAKE(tr_trigger, .state_bytes = 8, .on_row = odd_on_row, .on_event_time = odd_on_time,
				  .on_merge = odd_on_merge);
		break;
	default: break;
	}
	return c->trigger == PURGING_DEFAULT || c->trigger == PURGING_COUNT || c->trigger == PURGING_CONTINUOUS
		       ? tr_trigger_purging(trigger)
		       : trigger;
}

static double distance(void *user, const struct tr_row *row, const struct tr_row *last)
{
	return (double)llabs(tr_row_i64(row, 1) - tr_row_i64(last, 1));
}

static void evict_all(const struct tr_evictor *evictor, const struct tr_window *window, const struct tr_batch *batch,
		      const int64_t *times_ms, bool *is_evicted)
{
	for (uint32_t i = 0; i < batch->selected_count; i++)
		is_evicted[tr_batch_row(batch, i)] = true;
}

static struct tr_evictor evictor_of(const struct config *c)
{
	switch (c->evictor) {
	case LAST_BEFORE: return tr_evictor_count(2);
	case LAST_AFTER: return tr_evictor_after(tr_evictor_count(2));
	case TIME: return tr_evictor_time(4);
	case DELTA: return tr_evictor_delta(5, distance, NULL);
	default: return TR_MAKE(tr_evictor, .before = evict_all);
	}
}

static struct tr_window_function function_of(const struct config *c)
{
	struct tr_window_function f = TR_MAKE(tr_window_function, .user = NULL);

	if (c->windows.kind != TR_WINDOWS_SESSION)
		f.state_bytes = 8;
	switch (c->contents) {
	case AGGREGATE_BATCH: f.add_batch = add_batch; /* fallthrough */
	case AGGREGATE:
		f.accumulator_bytes = sizeof(struct sums);
		f.create = create;
		f.add = add;
		f.merge = merge;
		f.result = result;
		break;
	case REDUCE_PROCESS: f.user = &rows; /* fallthrough */
	case REDUCE:
		f.reduce = reduce;
		f.process = c->contents == REDUCE_PROCESS ? process : NULL;
		break;
	default: f.process = process; break;
	}
	return f;
}

/** The results, and with `has_late_stream` the late rows, as sorted lines. */
static char *job(const struct config *c, uint32_t subtasks, const char *batch_rows, uint64_t *late)
{
	struct tr_env *env = api_env((const char *const[]){"1", "2", "3"}[subtasks - 1]);
	struct tr_owned_batch *owned = api_rows(rows, ROWS);
	const struct tr_batch *batches[] = {tr_owned_batch_get(owned)};
	const struct tr_trigger trigger = trigger_of(c);
	const struct tr_evictor evictor = evictor_of(c);
	const struct tr_window_function function = function_of(c);
	const bool has_trigger =
		c->windows.kind != TR_WINDOWS_COUNT && (c->trigger != DEFAULT || c->delay == 0) &&
		!(c->windows.kind == TR_WINDOWS_GLOBAL && (c->trigger == DEFAULT || c->trigger == PURGING_DEFAULT));
	const bool has_evictor = c->evictor != NONE && c->windows.kind != TR_WINDOWS_COUNT;
	struct tr_collected *out, *late_out = NULL;
	struct tr_stream *stream, *windows;
	struct tr_job_metrics metrics;
	struct tr_status st = {0};
	struct tr_job *handle;
	char *a, *b;

	tr_env_set(env, "engine.batch-rows", batch_rows);
	tr_env_set(env, "pipeline.auto-watermark-interval", "0 ms");
	stream = tr_env_from_batches(
		env, "rows", API_COLUMNS, batches, 1,
		&TR_MAKE(tr_watermark_strategy, .time_column = "ts", .out_of_orderness_ms = c->delay));
	if (c->has_text_keys)
		stream = tr_stream_select(stream, "CAST(k AS STRING) || ' is a long text of a key' AS k, v, ts");
	stream = tr_stream_key_by(stream, "k");
	windows = tr_stream_window_process(
		stream, c->windows,
		c->contents == REDUCE ? NULL
				      : "k BIGINT, s BIGINT, e BIGINT, w BIGINT, n BIGINT, total BIGINT, least BIGINT, "
					"most BIGINT, t BIGINT, fired BIGINT",
		&function,
		&TR_MAKE(tr_window_options, .trigger = has_trigger ? &trigger : NULL,
			 .evictor = has_evictor ? &evictor : NULL, .allowed_lateness_ms = c->lateness));
	if (c->has_late_stream)
		late_out = tr_stream_collect(
			tr_stream_select(tr_stream_late_rows(windows),
					 "'late' AS what, SUBSTRING(CAST(k AS STRING), 1, 1) AS k, v, ts"));
	if (c->contents == REDUCE)
		windows = tr_stream_select(windows, "SUBSTRING(CAST(k AS STRING), 1, 1) AS k, v, ts");
	out = tr_stream_collect(windows);
	if (tr_env_execute_async(env, "test", &handle, &st) != TR_OK || tr_job_wait(handle, &st) != TR_OK)
		fail_msg("%s", st.message);
	tr_job_metrics(handle, &metrics);
	*late = metrics.rows_late;
	tr_job_destroy(&handle);
	a = api_text(out, false);
	if (late_out != NULL) {
		b = api_text(late_out, false);
		a = realloc(a, strlen(a) + strlen(b) + 1);
		strcat(a, b);
		free(b);
	}
	tr_env_destroy(&env);
	tr_owned_batch_release(&owned);
	return a;
}

static struct tr_windows windows_of(uint32_t which)
{
	switch (which) {
	case 0: return tr_windows_tumbling(10);
	case 1: return tr_windows_offset(tr_windows_tumbling(10), -3);
	case 2: return tr_windows_sliding(20, 5);
	case 3: return tr_windows_offset(tr_windows_sliding(25, 10), 4);
	case 4: return tr_windows_sliding(10, 15);
	case 5: return tr_windows_session(3);
	case 6: return tr_windows_session_by_row(own_gap, NULL);
	case 7: return tr_windows_global();
	case 8: return tr_windows_count(3);
	case 9: return tr_windows_count_sliding(5, 2);
	default: return tr_windows_custom(assign, NULL);
	}
}

static void make_rows(uint64_t *random)
{
	const int64_t step = 1 + (int64_t)tr_test_below(random, 4), back = 1 + (int64_t)tr_test_below(random, 20);
	int64_t time = 100;

	for (uint32_t i = 0; i < ROWS; i++) {
		time += (int64_t)tr_test_below(random, (uint32_t)step + 1);
		rows[i][0] = (int64_t)tr_test_below(random, KEYS);
		rows[i][1] = (int64_t)tr_test_below(random, 10);
		rows[i][2] = time - (int64_t)tr_test_below(random, (uint32_t)back);
	}
}

/** Tells the case and the first line that differs. */
static void fail_at(const struct config *c, uint32_t i, const char *text, const char *expected)
{
	size_t at = 0, line = 0;

	for (; text[at] == expected[at]; at++)
		line = text[at] == '\n' ? at + 1 : line;
	fail_msg("case %u: windows %u, contents %d, trigger %d, evictor %d, lateness %d, delay %d, late rows %d, texts "
		 "%d: "
		 "'%.*s' and not '%.*s'",
		 i, i % 11, c->contents, c->trigger, c->evictor, (int)c->lateness, (int)c->delay, c->has_late_stream,
		 c->has_text_keys, (int)strcspn(text + line, "\n"), text + line, (int)strcspn(expected + line, "\n"),
		 expected + line);
}

static void test_random(void **state)
{
	static const char *const batches[] = {"1", "7", "2048"};
	const uint32_t cases = (uint32_t)tr_test_cases(330);

	for (uint32_t i = 0; i < cases; i++) {
		uint64_t random = i;
		struct config c = {.windows = windows_of(i % 11)};
		char *expected, *text;
		uint64_t late;

		c.contents = tr_test_below(&random, CONTENTS);
		c.trigger = tr_test_below(&random, TRIGGERS);
		if (c.windows.kind == TR_WINDOWS_COUNT)
			c.trigger = DEFAULT;
		/* At the end of the input such a trigger stops; how far it came before depends on the watermarks seen. */
		if (c.windows.kind == TR_WINDOWS_GLOBAL && i % 3 != 0 &&
		    (c.trigger == CONTINUOUS || c.trigger == PURGING_CONTINUOUS))
			c.trigger = COUNT;
		c.evictor = tr_test_below(&random, 2) == 0 ? NONE : tr_test_below(&random, EVICTORS);
		c.lateness = (int64_t[]){0, 0, 5, 12}[tr_test_below(&random, 4)];
		c.delay = (int64_t[]){0, 1, 6}[tr_test_below(&random, 3)];
		c.has_late_stream = tr_test_below(&random, 2) == 0;
		c.has_text_keys = tr_test_below(&random, 3) == 0;
		make_rows(&random);
		shows_watermark = i % 3 == 0;
		expected = model(&c);
		text = job(&c, 1 + i % 3, batches[tr_test_below(&random, 3)], &late);
		if (strcmp(text, expected) != 0)
			fail_at(&c, i, text, expected);
		assert_int_equal(late, c.has_late_stream ? 0 : m_late);
		free(text);
		free(expected);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_random)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
