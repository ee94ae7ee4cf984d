/* SPDX-License-Identifier: Apache-2.0
 *
 * See sim_streams.h. Rows come from several readers, so what is made of them must not depend on their order: each row passes, and
 * behind all times each key tells its totals once.
 */
#include "sim/sim_streams.h"

#include <stdlib.h>
#include <string.h>

#define FAR_MS INT64_C(4000000000000)

struct own {
	struct tr_value_state *totals, *text;
	struct tr_reducing_state *sum;
	struct tr_list_state *values;
	struct tr_map_state *groups;
};

struct totals {
	int64_t rows, restored;
};

static void add_up(void *user, void *value, const void *added) { *(int64_t *)value += *(const int64_t *)added; }

static tr_code open(struct tr_context *context, struct tr_status *st)
{
	struct own *own = calloc(1, sizeof(*own));

	tr_context_set_own(context, own);
	own->totals = tr_value_state_create(
		context, &TR_MAKE(tr_state_descriptor, .name = "totals", .columns = "n BIGINT, restored BIGINT"));
	own->text = tr_value_state_create(context, &TR_MAKE(tr_state_descriptor, .name = "text"));
	own->sum = tr_reducing_state_create(context, &TR_MAKE(tr_state_descriptor, .name = "sum", .value_bytes = 8),
					    add_up, NULL);
	own->values = tr_list_state_create(context, &TR_MAKE(tr_state_descriptor, .name = "values"));
	own->groups = tr_map_state_create(context, &TR_MAKE(tr_state_descriptor, .name = "groups"));
	return TR_OK;
}

static void close_own(struct tr_context *context) { free(tr_context_own(context)); }

/** What a restored job finds of a key: as many elements, groups and rows as each other. */
static tr_code check_key(struct tr_context *context, void *argument, struct tr_status *st)
{
	struct own *own = tr_context_own(context);
	struct totals *totals = tr_value_state_put(own->totals);
	const void *bytes, *key = NULL;
	uint32_t length, key_length = 0;
	int64_t rows = 0, in_groups = 0, n;
	uint64_t cursor = 0;

	while (tr_list_state_next(own->values, &cursor, &bytes, &length))
		rows++;
	while (tr_map_state_next(own->groups, key, key_length, &key, &key_length, &bytes, &length)) {
		memcpy(&n, bytes, sizeof(n));
		in_groups += n;
	}
	if (rows != totals->rows || in_groups != totals->rows || tr_reducing_state_get(own->sum) == NULL)
		TR_FAIL(st, TR_ERR_INTERNAL, "%lld rows, %lld elements, %lld in groups", (long long)totals->rows,
			(long long)rows, (long long)in_groups);
	totals->restored++;
	return TR_OK;
}

static tr_code on_start(struct tr_context *context, struct tr_collector *out, struct tr_status *st)
{
	return tr_context_for_each_key(context, check_key, NULL, st);
}

/* Columns: k STRING, g INT, v BIGINT, d DOUBLE, ts TIMESTAMP(3). */
static tr_code on_row(struct tr_context *context, const struct tr_row *row, struct tr_collector *out,
		      struct tr_status *st)
{
	struct own *own = tr_context_own(context);
	struct totals *totals = tr_value_state_put(own->totals);
	const int64_t value = tr_row_is_null(row, 2) ? -1 : tr_row_i64(row, 2);
	const int64_t group = tr_row_is_null(row, 1) ? -1 : tr_row_i64(row, 1);
	const void *seen = tr_map_state_get(own->groups, &group, sizeof(group), NULL);
	int64_t n = 0;

	totals->rows++;
	if (seen != NULL)
		memcpy(&n, seen, sizeof(n));
	n++;
	tr_map_state_put(own->groups, &group, sizeof(group), &n, sizeof(n));
	tr_list_state_add(own->values, &value, sizeof(value));
	tr_reducing_state_add(own->sum, &value);
	tr_value_state_set_bytes(own->text, &value, (uint32_t)(totals->rows % 8 + 1));
	tr_timer_set_event_time(context, FAR_MS);
	tr_collector_set_column(out, 0, row, 0);
	tr_collector_set_i64(out, 1, value);
	tr_collector_set_i64(out, 2, group);
	tr_collector_add(out);
	return TR_OK;
}

static tr_code on_timer(struct tr_context *context, const struct tr_timer_event *timer, struct tr_collector *out,
			struct tr_status *st)
{
	struct own *own = tr_context_own(context);
	const struct tr_row key = tr_context_key(context);

	TR_TRY(check_key(context, NULL, st));
	tr_collector_set_column(out, 0, &key, 0);
	tr_collector_set_i64(out, 1, ((const struct totals *)tr_value_state_get(own->totals))->rows);
	tr_collector_set_i64(out, 2, *(const int64_t *)tr_reducing_state_get(own->sum));
	tr_collector_add(out);
	return TR_OK;
}

void tr_sim_process(struct tr_env *env)
{
	const struct tr_function function = TR_MAKE(tr_function, .open = open, .on_row = on_row, .on_timer = on_timer,
						    .close = close_own, .on_start = on_start);
	struct tr_stream *rows = tr_stream_where(tr_env_from_table(env, "t"), "k IS NOT NULL");

	tr_stream_insert_into(tr_stream_process(tr_stream_key_by(rows, "k"), "k STRING, a BIGINT, b BIGINT", &function),
			      "s");
}
