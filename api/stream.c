/* SPDX-License-Identifier: Apache-2.0
 *
 * Streams: operators that call functions, side outputs, keys, unions, names. include/tailrace/stream.h says what users see; SQL texts are
 * in stream_sql.c, sources and sinks in stream_ends.c.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/env.h"
#include "api/op_function.h"
#include "api/run_window.h"
#include "base/check.h"
#include "base/type.h"

#define NAME_BYTES_MAX 200 /* of a uid or name */

struct tr_stream *tr_stream_new(struct tr_env *env, const char *what, const struct tr_relation *relation,
				struct tr_node *node)
{
	struct tr_stream *stream = TR_NEW(env->arena, struct tr_stream);

	if (env->stream_count == 0)
		tr_env_begin(env);
	if (++env->stream_count == TR_ENV_STREAMS_MAX)
		tr_env_fail(env, what, "the graph has more than %d streams", TR_ENV_STREAMS_MAX);
	if (env->stream_count >= TR_ENV_STREAMS_MAX)
		relation = NULL;
	*stream = (struct tr_stream){.env = env, .what = what, .relation = relation, .node = node};
	return stream;
}

struct tr_stream *tr_stream_wrong(struct tr_env *env, const char *what) { return tr_stream_new(env, what, NULL, NULL); }

const struct tr_node *tr_stream_exchange(struct tr_env *env, const struct tr_node *input, enum tr_exchange_kind kind,
					 const struct tr_key_columns *keys)
{
	struct tr_node *node = tr_plan_node(env->arena, TR_NODE_EXCHANGE, &input, 1);

	node->output = input->output;
	node->exchange.kind = kind;
	if (keys != NULL) {
		node->exchange.keys = keys->columns;
		node->exchange.key_count = keys->count;
	}
	return node;
}

const struct tr_relation *tr_stream_over(struct tr_env *env, const struct tr_relation *relation,
					 const struct tr_node *node)
{
	struct tr_relation *copy = TR_NEW(env->arena, struct tr_relation);

	*copy = *relation;
	copy->node = node;
	return copy;
}

const struct tr_relation *tr_stream_rows(const struct tr_stream *stream)
{
	if (stream->keys.count == 0)
		return stream->relation;
	return tr_stream_over(stream->env, stream->relation,
			      tr_stream_exchange(stream->env, stream->relation->node, TR_EXCHANGE_HASH, &stream->keys));
}

bool tr_stream_has_rows(const struct tr_stream *stream)
{
	if (stream->relation == NULL && stream->node != NULL && stream->node->kind == TR_NODE_SINK)
		tr_env_fail(stream->env, stream->what, "nothing can be read from a sink");
	return stream->relation != NULL;
}

const struct tr_schema *tr_stream_schema(const struct tr_stream *stream)
{
	return stream != NULL && stream->relation != NULL ? stream->relation->node->output : NULL;
}

/* Functions. */

/** The output's column that goes on being event time: of its name and type. */
static int32_t kept_rowtime(const struct tr_relation *input, const struct tr_schema *output)
{
	const int32_t rowtime = tr_embed_rowtime(input);
	int32_t column;

	if (rowtime < 0)
		return -1;
	column = tr_schema_find(output, input->columns[rowtime].name);
	return column >= 0 && tr_type_equals_ignoring_null(output->types[column], input->columns[rowtime].type) ? column
														: -1;
}

static const char *key_types(struct tr_arena *arena, const struct tr_schema *schema, const struct tr_key_columns *keys)
{
	const char *text = "";

	for (uint32_t i = 0; i < keys->count; i++)
		text = tr_arena_printf(arena, "%s%s%s", text, i > 0 ? ", " : "",
				       tr_type_text(arena, schema->types[keys->columns[i]]));
	return text;
}

const char *tr_env_next_name(struct tr_env *env, const char *word)
{
	return tr_arena_printf(env->arena, "%s %u", word, ++env->operator_count);
}

static const char *check_function(const struct tr_function *f, bool is_keyed)
{
	if ((f->on_row == NULL) == (f->on_batch == NULL))
		return "a function has either on_row or on_batch, and this one has %s";
	if (f->on_timer != NULL && !is_keyed)
		return "on_timer needs a process function over a keyed stream (tr_stream_key_by)";
	return NULL;
}

/** What a function's operator depends on: "process by (BIGINT)". */
static const char *fingerprint(struct tr_arena *arena, const struct tr_run_function *plan, const char *word,
			       const struct tr_schema *input)
{
	if (plan->is_keyed)
		return tr_arena_printf(arena, "%s by (%s)", word, key_types(arena, input, &plan->inputs[0].keys));
	return plan->has_broadcast ? word : NULL;
}

#define LOOK_NODES_MAX 10000 /* as many are looked at: nodes that are read twice are so twice */

/** Whether watermarks may come out of a node before its end. */
static bool may_have_watermarks(const struct tr_node *node, uint32_t *left)
{
	if (*left == 0 || (node->kind == TR_NODE_SCAN && node->scan.watermark_expr != NULL) ||
	    (node->kind == TR_NODE_OPERATOR && node->custom.op->sets_watermarks))
		return true;
	(*left)--;
	for (uint32_t i = 0; i < node->input_count; i++)
		if (may_have_watermarks(node->inputs[i], left))
			return true;
	return false;
}

/** In batch mode all timers of event time come at the end, by the book. */
static bool is_timeless(const struct tr_env *env, const struct tr_run_function *plan,
			const struct tr_relation *const *inputs)
{
	uint32_t left = LOOK_NODES_MAX;

	if (!plan->is_keyed || plan->function.on_timer == NULL || tr_session_is_batch(env->session))
		return false;
	for (uint32_t i = 0; i < plan->input_count; i++)
		if (plan->inputs[i].time_column >= 0 || may_have_watermarks(inputs[i]->node, &left))
			return false;
	return true;
}

struct tr_stream *tr_stream_apply_to(struct tr_env *env, const struct tr_relation *const *inputs,
				     struct tr_run_function *plan, const char *word, const char *title,
				     const struct tr_schema *output)
{
	const struct tr_node *nodes[TR_RUN_INPUTS_MAX];
	struct tr_key_columns *keys = TR_NEW_ARRAY(env->arena, TR_RUN_INPUTS_MAX, struct tr_key_columns);
	int32_t rowtime = kept_rowtime(inputs[0], output);
	bool is_bounded = true;
	struct tr_stream *result;
	struct tr_node *node;

	for (uint32_t i = 0; i < plan->input_count; i++) {
		nodes[i] = inputs[i]->node;
		keys[i] = plan->inputs[i].keys;
		plan->inputs[i].time_column = tr_embed_rowtime(inputs[i]);
		is_bounded = is_bounded && inputs[i]->is_bounded;
		if (rowtime < 0)
			rowtime = kept_rowtime(inputs[i], output);
	}
	plan->is_timeless = is_timeless(env, plan, inputs);
	plan->op = (struct tr_operator){
		.word = word,
		.title = title,
		.has_state = plan->is_keyed || plan->has_broadcast,
		.fingerprint = fingerprint(env->arena, plan, word, nodes[0]->output),
		.create = tr_op_function_create,
		.plan = plan,
	};
	node = tr_plan_node(env->arena, TR_NODE_OPERATOR, nodes, plan->input_count);
	node->output = output;
	node->name = plan->name;
	node->custom.op = &plan->op;
	node->custom.keys = plan->is_keyed ? keys : NULL;
	result = tr_stream_new(env, plan->name, tr_embed_relation(&env->embed, node, rowtime, is_bounded), node);
	result->function = plan;
	result->read = TR_NEW_ARRAY(env->arena, plan->input_count, const struct tr_relation *);
	result->read_count = plan->input_count;
	memcpy(result->read, inputs, plan->input_count * sizeof(*inputs));
	return result;
}

struct tr_stream *tr_stream_apply(struct tr_stream *stream, struct tr_run_function *plan, const char *word,
				  const char *title, const struct tr_schema *output)
{
	const struct tr_relation *input = plan->is_keyed ? stream->relation : tr_stream_rows(stream);

	plan->input_count = 1;
	plan->inputs[0].on_row = plan->function.on_row;
	plan->inputs[0].on_batch = plan->function.on_batch;
	if (plan->is_keyed)
		plan->inputs[0].keys = stream->keys;
	plan->inputs[0].is_all = plan->is_keyed && stream->is_all;
	return tr_stream_apply_to(stream->env, &input, plan, word, title, output);
}

static struct tr_stream *apply(struct tr_stream *stream, const char *word, const char *title, enum tr_run_kind kind,
			       bool is_keyed, const char *columns, const struct tr_function *function)
{
	struct tr_env *env = tr_stream_env(stream, __func__);
	const char *name = tr_env_next_name(env, word);
	struct tr_run_function *plan;
	const struct tr_schema *output;
	const char *problem;

	if (!tr_stream_has_rows(stream))
		return tr_stream_wrong(env, name);
	plan = TR_NEW(env->arena, struct tr_run_function);
	plan->name = name;
	plan->kind = kind;
	plan->is_keyed = is_keyed;
	if (!tr_env_take(env, name, "tr_function", &plan->function, sizeof(plan->function), function) ||
	    !tr_env_given(env, name, columns, "columns"))
		return tr_stream_wrong(env, name);
	problem = check_function(&plan->function, is_keyed);
	if (problem != NULL) {
		tr_env_fail(env, name, problem, plan->function.on_row != NULL ? "both" : "none");
		return tr_stream_wrong(env, name);
	}
	output = tr_embed_schema(&env->embed, name, columns);
	if (tr_env_take_errors(env, name) || output == NULL)
		return tr_stream_wrong(env, name);
	stream = tr_stream_apply(stream, plan, word, title, output);
	stream->op = &plan->op;
	return stream;
}

struct tr_stream *tr_stream_map(struct tr_stream *stream, const char *columns, const struct tr_function *function)
{
	return apply(stream, "map", "Map", TR_RUN_MAP, false, columns, function);
}

struct tr_stream *tr_stream_flat_map(struct tr_stream *stream, const char *columns, const struct tr_function *function)
{
	return apply(stream, "flat map", "FlatMap", TR_RUN_FLAT_MAP, false, columns, function);
}

struct tr_stream *tr_stream_process(struct tr_stream *stream, const char *columns, const struct tr_function *function)
{
	const bool is_keyed = tr_stream_env(stream, __func__) != NULL && stream->keys.count > 0;

	return apply(stream, "process", is_keyed ? "KeyedProcess" : "Process", TR_RUN_FLAT_MAP, is_keyed, columns,
		     function);
}

struct tr_stream *tr_stream_filter(struct tr_stream *stream, tr_filter_fn keep, void *user)
{
	struct tr_env *env = tr_stream_env(stream, __func__);
	const char *name = tr_env_next_name(env, "filter");
	struct tr_run_function *plan;

	if (!tr_stream_has_rows(stream))
		return tr_stream_wrong(env, name);
	if (keep == NULL) {
		tr_env_fail(env, name, "a function is needed");
		return tr_stream_wrong(env, name);
	}
	plan = TR_NEW(env->arena, struct tr_run_function);
	plan->name = name;
	plan->kind = TR_RUN_FILTER;
	plan->keep = keep;
	plan->function.user = user;
	return tr_stream_apply(stream, plan, "filter", "Filter", stream->relation->node->output);
}

/* Side outputs. */

static bool same_columns(const struct tr_schema *a, const struct tr_schema *b)
{
	if (a->column_count != b->column_count)
		return false;
	for (uint32_t i = 0; i < a->column_count; i++)
		if (strcmp(a->names[i], b->names[i]) != 0 || !tr_type_equals(a->types[i], b->types[i]))
			return false;
	return true;
}

/** Adds a side output, or finds it. Its number, or -1: reported. */
static int32_t declare_side(struct tr_env *env, struct tr_operator *op, const char *what, const char *tag,
			    const struct tr_schema *schema)
{
	struct tr_side_output *sides;

	for (uint32_t i = 0; i < op->side_count; i++) {
		if (strcmp(op->sides[i].tag, tag) != 0)
			continue;
		if (same_columns(op->sides[i].schema, schema))
			return (int32_t)i;
		tr_env_fail(env, what, "it has other columns already");
		return -1;
	}
	if (op->side_count == TR_SIDE_OUTPUTS_MAX) {
		tr_env_fail(env, what, "an operator has %d side outputs at most", TR_SIDE_OUTPUTS_MAX);
		return -1;
	}
	sides = TR_NEW_ARRAY(env->arena, op->side_count + 1, struct tr_side_output);
	if (op->side_count > 0)
		memcpy(sides, op->sides, op->side_count * sizeof(*sides));
	sides[op->side_count] = (struct tr_side_output){tr_arena_printf(env->arena, "%s", tag), schema};
	op->sides = sides;
	return (int32_t)op->side_count++;
}

struct tr_stream *tr_stream_side_output(struct tr_stream *of, const char *tag, const char *columns)
{
	struct tr_env *env = tr_stream_env(of, __func__);
	const char *what = tr_arena_printf(env->arena, "side output '%s' of %s", tag != NULL ? tag : "", of->what);
	const struct tr_node *input = of->node;
	const struct tr_schema *schema;
	struct tr_node *node;
	int32_t index, rowtime = -1;

	if (!tr_stream_has_rows(of) || !tr_env_given(env, what, tag, "tag") ||
	    !tr_env_given(env, what, columns, "columns"))
		return tr_stream_wrong(env, what);
	if (of->op == NULL) {
		tr_env_fail(env, what, "only what calls functions with a context has side outputs");
		return tr_stream_wrong(env, what);
	}
	schema = tr_embed_schema(&env->embed, what, columns);
	if (tr_env_take_errors(env, what) || schema == NULL)
		return tr_stream_wrong(env, what);
	index = declare_side(env, of->op, what, tag, schema);
	if (index < 0)
		return tr_stream_wrong(env, what);
	node = tr_plan_node(env->arena, TR_NODE_SIDE_OUTPUT, &input, 1);
	node->output = schema;
	node->side.index = (uint32_t)index;
	for (uint32_t i = 0; i < of->read_count && rowtime < 0; i++)
		rowtime = kept_rowtime(of->read[i], schema);
	return tr_stream_new(env, what, tr_embed_relation(&env->embed, node, rowtime, of->relation->is_bounded),
			     of->node);
}

/* Keys. */

/** Finds the columns of "a, b"; reports what is not there. */
static bool find_columns(struct tr_stream *stream, const char *what, const char *columns, struct tr_key_columns *keys)
{
	const struct tr_schema *schema = stream->relation->node->output;
	uint32_t *found = TR_NEW_ARRAY(stream->env->arena, TR_COLUMNS_MAX, uint32_t);
	const char *at = columns;

	keys->columns = found;
	keys->count = 0;
	while (*at != '\0') {
		const char *end;
		const char *name;
		int32_t column;

		at += strspn(at, " \t\n,");
		end = at + strcspn(at, " \t\n,");
		if (end == at)
			break;
		name = tr_arena_strndup(stream->env->arena, at, (size_t)(end - at));
		at = end;
		column = tr_schema_find(schema, name);
		if (column < 0) {
			tr_env_fail(stream->env, what, "there is no column '%s' in %s", name, stream->what);
			return false;
		}
		if (schema->types[column]->phys == TR_PHYS_LIST || schema->types[column]->phys == TR_PHYS_ROW) {
			tr_env_fail(stream->env, what, "column '%s' is %s, which can't be a key", name,
				    tr_type_text(stream->env->arena, schema->types[column]));
			return false;
		}
		if (keys->count == TR_COLUMNS_MAX)
			break;
		found[keys->count++] = (uint32_t)column;
	}
	if (keys->count == 0)
		tr_env_fail(stream->env, what, "no columns are named");
	return keys->count > 0;
}

struct tr_stream *tr_stream_key_by(struct tr_stream *stream, const char *columns)
{
	struct tr_env *env = tr_stream_env(stream, __func__);
	struct tr_stream *result;
	struct tr_key_columns keys;

	if (!tr_stream_has_rows(stream) || !tr_env_given(env, "key by", columns, "columns") ||
	    !find_columns(stream, "key by", columns, &keys))
		return tr_stream_wrong(env, "key by");
	result = tr_stream_new(env, stream->what, stream->relation, stream->node);
	*result = *stream;
	result->is_all = false;
	result->keys = keys;
	return result;
}

/* Unions. */

struct tr_stream *tr_stream_union(struct tr_stream *const *streams, uint32_t count)
{
	struct tr_env *env = tr_stream_env(streams != NULL && count > 0 ? streams[0] : NULL, __func__);
	const struct tr_node *inputs[TR_PLAN_INPUTS_MAX];
	const struct tr_relation *first;
	struct tr_node *node;
	bool is_bounded = true;
	int32_t rowtime;

	if (count > TR_PLAN_INPUTS_MAX) {
		tr_env_fail(env, "union", "%u streams; %d are the most", count, TR_PLAN_INPUTS_MAX);
		return tr_stream_wrong(env, "union");
	}
	for (uint32_t i = 0; i < count; i++) {
		const struct tr_schema *a, *b;

		if (tr_stream_env(streams[i], __func__) != env) {
			tr_env_fail(env, "union", "%s is of another environment", streams[i]->what);
			return tr_stream_wrong(env, "union");
		}
		if (!tr_stream_has_rows(streams[i]))
			return tr_stream_wrong(env, "union");
		inputs[i] = tr_stream_rows(streams[i])->node;
		is_bounded = is_bounded && streams[i]->relation->is_bounded;
		a = inputs[0]->output;
		b = inputs[i]->output;
		for (uint32_t c = 0; c < TR_MAX(a->column_count, b->column_count); c++) {
			if (c < a->column_count && c < b->column_count &&
			    tr_type_equals_ignoring_null(a->types[c], b->types[c]))
				continue;
			tr_env_fail(env, "union", "column %u of %s and of %s are not of one type", c + 1,
				    streams[0]->what, streams[i]->what);
			return tr_stream_wrong(env, "union");
		}
	}
	first = streams[0]->relation;
	rowtime = tr_embed_rowtime(first);
	for (uint32_t i = 1; i < count; i++)
		if (tr_embed_rowtime(streams[i]->relation) != rowtime)
			rowtime = -1;
	node = tr_plan_node(env->arena, TR_NODE_UNION, inputs, count);
	node->output = first->node->output;
	return tr_stream_new(env, "union", tr_embed_relation(&env->embed, node, rowtime, is_bounded), node);
}

/* Of the operator that makes a stream. */

/** A uid or name is there, and can stand in a line. */
static bool is_name(struct tr_env *env, const char *what, const char *text, const char *which)
{
	if (!tr_env_given(env, what, text, which))
		return false;
	for (const char *at = text; *at != '\0'; at++) {
		if ((unsigned char)*at >= ' ' && *at != '\'' &&
		    strncmp(at, TR_UID_SEPARATOR, strlen(TR_UID_SEPARATOR)) != 0)
			continue;
		tr_env_fail(env, what, "a %s has no control characters, no quotes and no '%s'", which, TR_UID_SEPARATOR);
		return false;
	}
	if (text[0] == '\0' || strlen(text) > NAME_BYTES_MAX)
		tr_env_fail(env, what, "a %s has 1 to %d bytes", which, NAME_BYTES_MAX);
	return text[0] != '\0' && strlen(text) <= NAME_BYTES_MAX;
}

struct tr_stream *tr_stream_uid(struct tr_stream *stream, const char *uid)
{
	struct tr_env *env = tr_stream_env(stream, __func__);

	if (stream->node == NULL || !is_name(env, stream->what, uid, "uid"))
		return stream;
	if (stream->node->given_uid != NULL && strcmp(stream->node->given_uid, uid) == 0)
		return stream;
	for (uint32_t i = 0; i < env->uid_count; i++) {
		if (strcmp(env->uids[i], uid) == 0) {
			tr_env_fail(env, stream->what, "the uid '%s' is that of another operator", uid);
			return stream;
		}
	}
	if (env->uid_count == env->uid_room) {
		env->uid_room = TR_MAX(16u, 2 * env->uid_room);
		env->uids = tr_checked(realloc(env->uids, env->uid_room * sizeof(*env->uids)));
	}
	stream->node->given_uid = tr_arena_printf(env->arena, "%s", uid);
	env->uids[env->uid_count++] = stream->node->given_uid;
	return stream;
}

struct tr_stream *tr_stream_name(struct tr_stream *stream, const char *name)
{
	struct tr_env *env = tr_stream_env(stream, __func__);

	if (stream->node == NULL || !is_name(env, stream->what, name, "name"))
		return stream;
	stream->what = tr_arena_printf(env->arena, "%s", name);
	stream->node->name = stream->what;
	if (stream->function != NULL)
		stream->function->name = stream->what;
	return stream;
}

struct tr_stream *tr_stream_parallelism(struct tr_stream *stream, uint32_t parallelism)
{
	struct tr_env *env = tr_stream_env(stream, __func__);

	if (stream->node == NULL)
		return stream;
	if (stream->window != NULL && stream->window->f.inputs[0].is_all && parallelism != 1) {
		tr_env_fail(stream->env, stream->what, "windows over all rows have one subtask");
		return stream;
	}
	if (parallelism == 0 || parallelism > TR_PARALLELISM_MAX) {
		tr_env_fail(env, stream->what, "parallelism %u is not in 1 .. %d", parallelism, TR_PARALLELISM_MAX);
		return stream;
	}
	stream->node->given_parallelism = parallelism;
	if (stream->node->kind == TR_NODE_SINK)
		stream->node->parallelism = parallelism;
	return stream;
}

struct tr_stream *tr_stream_event_time(struct tr_stream *stream, const char *column)
{
	struct tr_env *env = tr_stream_env(stream, __func__);
	struct tr_relation *copy;
	int32_t found;

	if (!tr_stream_has_rows(stream) || !tr_env_given(env, stream->what, column, "column"))
		return stream;
	found = tr_schema_find(stream->relation->node->output, column);
	if (found < 0 || !tr_type_is_timestamp(stream->relation->node->output->types[found]) ||
	    stream->relation->node->output->types[found]->precision > 3) {
		tr_env_fail(env, stream->what, "'%s' is no column of TIMESTAMP(3) or TIMESTAMP_LTZ(3)", column);
		return stream;
	}
	copy = TR_NEW(env->arena, struct tr_relation);
	*copy = *stream->relation;
	copy->columns = TR_NEW_ARRAY(env->arena, copy->column_count, struct tr_bound_column);
	for (uint32_t i = 0; i < copy->column_count; i++) {
		copy->columns[i] = stream->relation->columns[i];
		copy->columns[i].role = (int32_t)i == found ? TR_ROLE_ROWTIME : TR_ROLE_NONE;
	}
	stream->relation = copy;
	return stream;
}
