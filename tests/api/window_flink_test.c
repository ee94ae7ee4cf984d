/* SPDX-License-Identifier: Apache-2.0
 *
 * Windows with functions in C against Flink: random windows, triggers, evictors and lateness over random rows and watermarks, and what
 * Flink's own operator has answered, firing by firing and late row by late row (tests/flink/windows.expected;
 * tests/flink/src/Windows.java has the form of a case).
 */
#include "api_test.h"

#define EVENTS_MAX 256
#define LINE_MAX_BYTES 65536

/** A row, and the watermark behind it. */
struct event {
	int64_t key, value, time, watermark;
};

struct scenario {
	struct event events[EVENTS_MAX];
	uint32_t count;
	struct tr_windows windows;
	struct tr_trigger trigger;
	struct tr_evictor evictor;
	struct tr_window_options options;
	struct tr_window_function function;
	bool is_session;
};

/* The source gives a row at a time, with its watermark. */

static tr_code read_event(void *user, void *reader, struct tr_source_reading *reading, struct tr_collector *out,
			  enum tr_read *result, struct tr_status *st)
{
	const struct scenario *s = user;
	const struct event *event = &s->events[reading->position];

	tr_collector_set_i64(out, 0, event->key);
	tr_collector_set_i64(out, 1, event->value);
	tr_collector_set_i64(out, 2, event->time);
	tr_collector_add(out);
	reading->position++;
	reading->watermark_ms = event->watermark;
	*result = reading->position < s->count ? TR_READ_MORE : TR_READ_END;
	return TR_OK;
}

/* What the functions print: "watermark:key:start:end:values". */

static void show(struct tr_context *context, const struct tr_window *window, const char *values,
		 struct tr_collector *out)
{
	const int64_t watermark = tr_context_watermark(context);
	const struct tr_row key = tr_context_key(context);
	char text[1024], at[32], where[64] = ":";

	snprintf(at, sizeof(at), "%lld", (long long)watermark);
	if (window->end_ms != INT64_MAX)
		snprintf(where, sizeof(where), "%lld:%lld", (long long)window->start_ms, (long long)window->end_ms);
	snprintf(text, sizeof(text), "%s:%lld:%s:%s",
		 watermark == INT64_MAX          ? "end"
		 : watermark == TR_WATERMARK_MIN ? "none"
						 : at,
		 (long long)tr_row_i64(&key, 0), where, values);
	tr_collector_set_text(out, 0, text, (uint32_t)strlen(text));
	tr_collector_add(out);
}

struct sums {
	int64_t sum, count;
};

static void add(void *user, void *accumulator, const struct tr_row *row)
{
	struct sums *s = accumulator;

	s->sum += tr_row_i64(row, 1);
	s->count++;
}

static void merge(void *user, void *accumulator, const void *other)
{
	struct sums *s = accumulator;

	s->sum += ((const struct sums *)other)->sum;
	s->count += ((const struct sums *)other)->count;
}

static tr_code result(struct tr_context *context, const struct tr_window *window, const void *accumulator,
		      struct tr_collector *out, struct tr_status *st)
{
	const struct sums *s = accumulator;
	char text[64];

	snprintf(text, sizeof(text), "%lld/%lld", (long long)s->sum, (long long)s->count);
	show(context, window, text, out);
	return TR_OK;
}

static tr_code reduce(void *user, const struct tr_row *so_far, const struct tr_row *row, struct tr_collector *out,
		      struct tr_status *st)
{
	tr_collector_set_i64(out, 1, tr_row_i64(so_far, 1) + tr_row_i64(row, 1));
	tr_collector_set_column(out, 2, row, 2);
	return TR_OK;
}

static tr_code process(struct tr_context *context, const struct tr_window *window, const struct tr_batch *batch,
		       struct tr_collector *out, struct tr_status *st)
{
	const struct scenario *s = tr_context_user(context);
	char numbers[EVENTS_MAX][24], *lines[EVENTS_MAX], text[1024] = "";

	for (uint32_t i = 0; i < batch->selected_count; i++) {
		snprintf(numbers[i], sizeof(numbers[i]), "%lld",
			 (long long)tr_column_i64(&batch->columns[1], tr_batch_row(batch, i)));
		lines[i] = numbers[i];
	}
	if (s->is_session)
		qsort(lines, batch->selected_count, sizeof(*lines), api_compare);
	for (uint32_t i = 0, at = 0; i < batch->selected_count; i++)
		at += (uint32_t)snprintf(text + at, sizeof(text) - at, "%s%s", i > 0 ? "," : "", lines[i]);
	show(context, window, text, out);
	return TR_OK;
}

/* Reading a case. */

static struct tr_windows windows_of(const char *text)
{
	char kind[16];
	long long a = 0, b = 0, c = 0;

	assert_true(sscanf(text, "%15s %lld %lld %lld", kind, &a, &b, &c) >= 1);
	if (strcmp(kind, "tumbling") == 0)
		return tr_windows_offset(tr_windows_tumbling(a), b);
	if (strcmp(kind, "sliding") == 0)
		return tr_windows_offset(tr_windows_sliding(a, b), c);
	if (strcmp(kind, "session") == 0)
		return tr_windows_session(a);
	if (strcmp(kind, "count") == 0)
		return b != 0 ? tr_windows_count_sliding(a, b) : tr_windows_count(a);
	assert_string_equal(kind, "global");
	return tr_windows_global();
}

/** Whether there is one. */
static bool trigger_of(const char *text, struct tr_trigger *trigger)
{
	const bool is_purging = strncmp(text, "purging ", 8) == 0;
	long long n;

	text += is_purging ? 8 : 0;
	if (sscanf(text, "count %lld", &n) == 1)
		*trigger = tr_trigger_count(n);
	else if (sscanf(text, "continuous %lld", &n) == 1)
		*trigger = tr_trigger_continuous_event_time(n);
	else if (strcmp(text, "event") == 0)
		*trigger = tr_trigger_event_time();
	else
		return false;
	if (is_purging)
		*trigger = tr_trigger_purging(*trigger);
	return true;
}

static bool evictor_of(const char *text, struct tr_evictor *evictor)
{
	long long n;

	if (sscanf(text, "count %lld", &n) == 1)
		*evictor = tr_evictor_count(n);
	else if (sscanf(text, "time %lld", &n) == 1)
		*evictor = tr_evictor_time(n);
	else
		return false;
	if (strstr(text, "after") != NULL)
		*evictor = tr_evictor_after(*evictor);
	return true;
}

static void events_of(char *text, struct scenario *s)
{
	for (char *word = strtok(text, " "); word != NULL; word = strtok(NULL, " ")) {
		struct event *event = &s->events[s->count];
		long long key, value, time;

		if (sscanf(word, "w,%lld", &time) == 1) {
			event[-1].watermark = time;
			continue;
		}
		assert_int_equal(sscanf(word, "%lld,%lld,%lld", &key, &value, &time), 3);
		*event = (struct event){key, value, time, s->count > 0 ? event[-1].watermark : TR_WATERMARK_MIN};
		s->count++;
	}
}

static void scenario_of(char *line, struct scenario *s)
{
	char *fields[6];

	for (uint32_t i = 0; i < 6; i++)
		fields[i] = strsep(&line, ";");
	memset(s, 0, sizeof(*s));
	s->windows = windows_of(fields[0]);
	s->is_session = s->windows.kind == TR_WINDOWS_SESSION;
	s->options = TR_MAKE(tr_window_options, .allowed_lateness_ms = atoi(fields[3]));
	s->options.trigger = trigger_of(fields[1], &s->trigger) ? &s->trigger : NULL;
	s->options.evictor = evictor_of(fields[2], &s->evictor) ? &s->evictor : NULL;
	if (strcmp(fields[4], "aggregate") == 0)
		s->function = TR_MAKE(tr_window_function, .accumulator_bytes = sizeof(struct sums), .add = add,
				      .merge = merge, .result = result);
	else
		s->function = TR_MAKE(tr_window_function, .process = process, .user = s,
				      .reduce = strcmp(fields[4], "reduce") == 0 ? reduce : NULL);
	events_of(fields[5], s);
}

/* Running it: the lines of what fired, " | ", those of what was late. */

static void join(const struct tr_collected *collected, char separator, char *to)
{
	char *text = api_text(collected, false);

	for (char *c = text; *c != '\0'; c++)
		if (*c == '\n')
			*c = c[1] == '\0' ? '\0' : separator;
	strcat(to, text);
	free(text);
}

static void run_case(struct scenario *s, char *answer)
{
	const struct tr_source_function source =
		TR_MAKE(tr_source_function, .user = s, .split_count = 1, .has_watermarks = true, .read = read_event);
	struct tr_env *env = api_env("1");
	struct tr_stream *rows, *keyed, *fired;
	struct tr_collected *results, *late = NULL;

	rows = tr_env_from_source(env, "events", API_COLUMNS, &source, API_WATERMARKS);
	keyed = tr_stream_key_by(rows, "k");
	fired = tr_stream_window_process(keyed, s->windows, "line STRING", &s->function, &s->options);
	results = tr_stream_collect(fired);
	if (s->windows.kind != TR_WINDOWS_COUNT && s->windows.kind != TR_WINDOWS_GLOBAL)
		late = tr_stream_collect(tr_stream_late_rows(fired));
	api_run(env);
	answer[0] = '\0';
	join(results, ' ', answer);
	strcat(answer, " | ");
	if (late != NULL)
		join(late, ' ', answer);
	tr_env_destroy(&env);
}

static void test_flink(void **state)
{
	static char line[LINE_MAX_BYTES], copy[LINE_MAX_BYTES], expected[LINE_MAX_BYTES], answer[LINE_MAX_BYTES];
	static struct scenario s;
	FILE *file = fopen("tests/flink/windows.expected", "r");
	const uint64_t limit = tr_test_cases(400);
	uint32_t cases = 0, wrong = 0;

	assert_non_null(file);
	while (fgets(line, sizeof(line), file) != NULL) {
		if (line[0] == '#' || line[0] == '\n')
			continue;
		assert_non_null(fgets(expected, sizeof(expected), file));
		line[strcspn(line, "\n")] = expected[strcspn(expected, "\n")] = '\0';
		if (cases++ >= limit)
			continue;
		strcpy(copy, line);
		scenario_of(copy, &s);
		run_case(&s, answer);
		if (strcmp(answer, expected) != 0 && wrong++ < 400)
			printf("%s\n    Flink    %s\n    Tailrace %s\n", line, expected, answer);
	}
	fclose(file);
	assert_int_equal(wrong, 0);
	assert_int_equal(cases, 400);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_flink)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
