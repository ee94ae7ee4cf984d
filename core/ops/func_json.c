/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading JSON: JSON_VALUE, JSON_QUERY, JSON_EXISTS, IS JSON. What they make is in func_json_make.c.
 *
 * The words in a call (RETURNING .., WITH WRAPPER, .. ON EMPTY, .. ON ERROR) come as one text in front of the arguments,
 * as the binder writes it (sql/bind_json.c); they and a constant path are looked at once, when the program is made. A path
 * from a column is compiled when it changes. A row's text is parsed into a tree and walked: core/ops/json_doc.h.
 *
 * Errors are what Flink makes of them: in the strict mode, which is the default, a text that is no JSON and a path that finds
 * nothing; in the lax mode these are empty results. A value of another type than RETURNING says fails the job.
 */
#include <stdlib.h>

#include "base/text.h"
#include "base/type.h"
#include "core/ops/func_text.h"
#include "core/ops/json_path.h"
#include "core/ops/kernel_text.h"

#define PATH_ARENA_BYTES 4096

enum behaviour { ON_NULL, ON_FAILURE, ON_DEFAULT, ON_ARRAY, ON_OBJECT, ON_TRUE, ON_FALSE, ON_UNKNOWN };
enum wrapper { WRAP_NEVER, WRAP_ALWAYS, WRAP_SCALARS };

/* What a call's constants make. */
struct json_call {
	const struct tr_json_path *path; /* NULL: from a column */
	enum behaviour on_empty, on_error;
	enum wrapper wrapper;
};

struct json_local {
	struct tr_json_doc doc;
	struct tr_bytes out;
	struct tr_bytes path_text; /* of `path` */
	struct tr_arena path_arena;
	const struct tr_json_path *path;
};

static void *create_local(const void *prepared)
{
	struct json_local *local = calloc(1, sizeof(*local));

	TR_ASSERT(local != NULL);
	tr_arena_init(&local->path_arena, PATH_ARENA_BYTES);
	return local;
}

static void destroy_local(void *memory)
{
	struct json_local *local = memory;

	if (local == NULL)
		return;
	tr_json_doc_deinit(&local->doc);
	tr_bytes_deinit(&local->out);
	tr_bytes_deinit(&local->path_text);
	tr_arena_deinit(&local->path_arena);
	free(local);
}

/* ---- the words of a call ---- */

static bool has_word(const struct tr_expr *options, const char *word)
{
	const struct tr_view *view = &options->value.view;

	return memmem(tr_view_text(view), view->length, word, strlen(word)) != NULL;
}

static enum behaviour behaviour_of(struct tr_arena *arena, const struct tr_expr *options, const char *when)
{
	static const struct {
		const char *word;
		enum behaviour behaviour;
	} words[] = {{"ERROR", ON_FAILURE},       {"DEFAULT", ON_DEFAULT}, {"EMPTY ARRAY", ON_ARRAY},
		     {"EMPTY OBJECT", ON_OBJECT}, {"TRUE", ON_TRUE},       {"FALSE", ON_FALSE},
		     {"UNKNOWN", ON_UNKNOWN}};

	for (uint32_t i = 0; i < TR_COUNT_OF(words); i++)
		if (has_word(options, tr_arena_printf(arena, "%s ON %s", words[i].word, when)))
			return words[i].behaviour;
	return ON_NULL;
}

static tr_code prepare_json(struct tr_arena *arena, const struct tr_expr *call, const void **prepared,
			    struct tr_status *st)
{
	const struct tr_expr *options = call->args[0], *path = call->args[2];
	struct json_call *json = TR_NEW(arena, struct json_call);
	struct tr_json_path *compiled;

	json->on_empty = behaviour_of(arena, options, "EMPTY");
	json->on_error = behaviour_of(arena, options, "ERROR");
	json->wrapper = has_word(options, "WITH UNCONDITIONAL") ? WRAP_ALWAYS
			: has_word(options, "WITH CONDITIONAL") ? WRAP_SCALARS
								: WRAP_NEVER;
	*prepared = json;
	if (path->kind != TR_EXPR_LITERAL || path->value.is_null)
		return TR_OK;
	compiled = tr_json_path_compile(arena, tr_view_text(&path->value.view), path->value.view.length);
	if (compiled->unsupported != NULL)
		TR_FAIL(st, TR_ERR_DATA, "'%.*s': %s", (int)TR_MIN(path->value.view.length, 200u),
			tr_view_text(&path->value.view), compiled->unsupported);
	json->path = compiled;
	return TR_OK;
}

/* ---- evaluation ---- */

/* The path of a row; NULL: it has what is not supported. */
static const struct tr_json_path *path_of(struct tr_call *call, uint32_t row)
{
	const struct json_call *json = call->prepared;
	struct json_local *local = call->local;
	const struct tr_piece text = tr_call_piece(call, 2, row);

	if (json->path != NULL)
		return json->path;
	if (local->path == NULL || local->path_text.length != text.length ||
	    memcmp(local->path_text.data, text.text, text.length) != 0) {
		tr_bytes_clear(&local->path_text);
		tr_bytes_append(&local->path_text, text.text, text.length);
		tr_arena_reset(&local->path_arena);
		local->path = tr_json_path_compile(&local->path_arena, text.text, text.length);
	}
	return local->path;
}

/* What a row's path finds: true and a node (or none), or false and why not. */
struct found {
	bool is_good;
	bool is_lax;
	uint32_t node;
	const char *error;
};

static tr_code evaluate(struct tr_call *call, uint32_t row, struct found *found)
{
	struct tr_json_doc *doc = &((struct json_local *)call->local)->doc;
	const struct tr_json_path *path = path_of(call, row);
	const struct tr_piece text = tr_call_piece(call, 1, row);

	if (path->unsupported != NULL)
		TR_CALL_FAIL(call, row, "%s", path->unsupported);
	*found = (struct found){.is_lax = path->is_lax, .node = TR_JSON_PATH_NONE};
	if (!tr_json_doc_parse(doc, text.text, text.length, call->heap)) {
		found->error = doc->error;
		found->is_good = path->is_lax;
		return TR_OK;
	}
	found->is_good = tr_json_path_eval(path, doc, call->heap, &found->node, &found->error);
	if (found->error == tr_json_path_too_much)
		TR_CALL_FAIL(call, row, "%s", found->error);
	if (!found->is_good || found->node == TR_JSON_PATH_NONE)
		return TR_OK;
	found->node = tr_json_doc_at(doc, found->node);
	if (doc->nodes[found->node].kind == TR_JSON_DOC_NULL) {
		found->is_good = path->is_lax;
		found->error = "the path finds null";
		found->node = TR_JSON_PATH_NONE;
	}
	return TR_OK;
}

static bool is_scalar(const struct tr_json_doc_node *node)
{
	return node->kind != TR_JSON_DOC_ARRAY && node->kind != TR_JSON_DOC_OBJECT;
}

/* ---- JSON_VALUE ---- */

static const struct tr_type *type_value(struct tr_ask *ask)
{
	if (has_word(ask->literals[0], "RETURNING BOOLEAN"))
		return tr_type_of(TR_TYPE_BOOLEAN);
	if (has_word(ask->literals[0], "RETURNING INTEGER"))
		return tr_type_of(TR_TYPE_INT);
	if (has_word(ask->literals[0], "RETURNING DOUBLE"))
		return tr_type_of(TR_TYPE_DOUBLE);
	return tr_type_of(TR_TYPE_VARCHAR);
}

/* What was written to `out` as the result. */
static tr_code put_out(struct tr_call *call, uint32_t row)
{
	const struct tr_bytes *out = &((struct json_local *)call->local)->out;

	TR_CALL_CHECK_LENGTH(call, row, out->length);
	((struct tr_view *)call->out)[row] = tr_text_copy(call->heap, out->data, (uint32_t)out->length);
	return TR_OK;
}

/* Stores a scalar as the result; false: it has another type. A number is at most TR_JSON_DOC_NUMBER_MAX characters, or some more. */
static bool put_scalar(struct tr_call *call, uint32_t row, uint32_t node)
{
	struct json_local *local = call->local;
	const struct tr_json_doc_node *n = &local->doc.nodes[node];

	switch (call->type->phys) {
	case TR_PHYS_I8:
		((uint8_t *)call->out)[row] = n->kind == TR_JSON_DOC_TRUE;
		return n->kind == TR_JSON_DOC_TRUE || n->kind == TR_JSON_DOC_FALSE;
	case TR_PHYS_I32:
		return n->kind == TR_JSON_DOC_INTEGER &&
		       tr_text_parse_i32(n->text, n->length, &((int32_t *)call->out)[row]) == TR_TEXT_OK;
	case TR_PHYS_F64:
		return (n->kind == TR_JSON_DOC_INTEGER || n->kind == TR_JSON_DOC_DECIMAL) &&
		       tr_text_parse_f64(n->text, n->length, &((double *)call->out)[row]) != TR_TEXT_MALFORMED;
	default: break;
	}
	if (n->kind == TR_JSON_DOC_STRING) {
		tr_call_put(call, row, n->text, n->length);
		return true;
	}
	tr_bytes_clear(&local->out);
	tr_json_write_scalar(&local->doc, node, &local->out);
	((struct tr_view *)call->out)[row] = tr_text_copy(call->heap, local->out.data, (uint32_t)local->out.length);
	return true;
}

static tr_code run_value(struct tr_call *call)
{
	const struct json_call *json = call->prepared;
	const struct tr_json_doc *doc = &((struct json_local *)call->local)->doc;
	const uint32_t width = tr_phys_bytes((enum tr_phys)call->type->phys);

	TR_CALL_ROWS(call, row) {
		struct found found;
		enum behaviour behaviour;

		TR_TRY(evaluate(call, row, &found));
		if (found.node != TR_JSON_PATH_NONE && is_scalar(&doc->nodes[found.node])) {
			if (!put_scalar(call, row, found.node))
				TR_CALL_FAIL(call, row, "the value that the path finds is no %s",
					     tr_type_text(call->heap, call->type));
			continue;
		}
		if (found.node != TR_JSON_PATH_NONE && !found.is_lax) {
			found.is_good = false;
			found.error = "the path finds an array or object";
		}
		behaviour = found.is_good ? json->on_empty : json->on_error;
		if (behaviour == ON_FAILURE)
			TR_CALL_FAIL(call, row, "%s", found.is_good ? "the result is empty" : found.error);
		if (behaviour == ON_DEFAULT) {
			const struct tr_column *arg = &call->args[found.is_good ? 3 : 4];

			memcpy((char *)call->out + (size_t)row * width,
			       (const char *)arg->data + (size_t)tr_column_row(arg, row) * width, width);
		} else {
			tr_call_set_null(call, row);
		}
	}
	return TR_OK;
}

/* ---- JSON_QUERY ---- */

static const struct tr_type *type_query(struct tr_ask *ask)
{
	const struct tr_type *text = tr_type_of(TR_TYPE_VARCHAR);

	if (!has_word(ask->literals[0], "RETURNING ARRAY"))
		return text;
	return tr_type_array(
		ask->arena,
		tr_type_with_nullable(ask->arena, text, !has_word(ask->literals[0], "RETURNING ARRAY NOT NULL")));
}

/* An ARRAY<STRING> being made: elements as views, and which are not NULL. */
struct text_list {
	struct tr_bytes views;
	uint64_t *validity;
	uint32_t capacity; /* bits of `validity` */
	uint32_t count;
	uint64_t row_bytes; /* of the present row's elements */
	bool has_nulls;
};

static tr_code list_add(struct tr_call *call, struct text_list *list, uint32_t row, uint32_t node)
{
	struct json_local *local = call->local;
	const struct tr_json_doc_node *n = &local->doc.nodes[tr_json_doc_at(&local->doc, node)];
	struct tr_view view = tr_view_make("", 0);

	if (list->count == list->capacity) {
		uint64_t *more = TR_NEW_ARRAY(call->heap, list->capacity / 32 + 1, uint64_t);

		if (list->count > 0)
			memcpy(more, list->validity, list->capacity / 8);
		list->validity = more;
		list->capacity = (list->capacity / 32 + 1) * 64;
	}
	if (n->kind == TR_JSON_DOC_STRING) {
		view = tr_view_make(n->text, n->length);
	} else if (n->kind != TR_JSON_DOC_NULL) {
		tr_bytes_clear(&local->out);
		tr_json_write(&local->doc, node, &local->out);
		TR_CALL_CHECK_LENGTH(call, row, list->row_bytes + local->out.length);
		view = tr_text_copy(call->heap, local->out.data, (uint32_t)local->out.length);
	}
	list->row_bytes += view.length;
	tr_bit_assign(list->validity, list->count, n->kind != TR_JSON_DOC_NULL);
	list->has_nulls = list->has_nulls || n->kind == TR_JSON_DOC_NULL;
	tr_bytes_append(&list->views, (const char *)&view, sizeof(view));
	list->count++;
	return TR_OK;
}

static tr_code put_text(struct tr_call *call, uint32_t row, uint32_t node, bool is_wrapped)
{
	struct json_local *local = call->local;

	tr_bytes_clear(&local->out);
	if (is_wrapped)
		tr_bytes_append_char(&local->out, '[');
	tr_json_write(&local->doc, node, &local->out);
	if (is_wrapped)
		tr_bytes_append_char(&local->out, ']');
	return put_out(call, row);
}

static tr_code put_list(struct tr_call *call, struct text_list *list, uint32_t row, uint32_t node, bool is_wrapped)
{
	const struct tr_json_doc *doc = &((struct json_local *)call->local)->doc;

	list->row_bytes = 0;
	if (is_wrapped)
		return list_add(call, list, row, node);
	for (uint32_t at = node + 1; at < doc->nodes[node].end; at = tr_json_doc_next(doc, at))
		TR_TRY(list_add(call, list, row, at));
	return TR_OK;
}

/* The node to put, or NONE: then what to do instead. */
static tr_code query_row(struct tr_call *call, uint32_t row, bool is_list, uint32_t *node, bool *is_wrapped,
			 enum behaviour *behaviour)
{
	const struct json_call *json = call->prepared;
	const struct tr_json_doc *doc = &((struct json_local *)call->local)->doc;
	struct found found;
	bool is_array;

	TR_TRY(evaluate(call, row, &found));
	is_array = found.node != TR_JSON_PATH_NONE && doc->nodes[found.node].kind == TR_JSON_DOC_ARRAY;
	*is_wrapped = found.node != TR_JSON_PATH_NONE &&
		      (json->wrapper == WRAP_ALWAYS || (json->wrapper == WRAP_SCALARS && !is_array));
	*node = found.node;
	if (*is_wrapped || is_array ||
	    (found.node != TR_JSON_PATH_NONE && !is_list && !is_scalar(&doc->nodes[found.node])))
		return TR_OK;
	if (found.node != TR_JSON_PATH_NONE && (!found.is_lax || !is_scalar(&doc->nodes[found.node]))) {
		found.is_good = false;
		found.error = is_list ? "the path finds no array" : "the path finds neither an array nor an object";
	}
	*node = TR_JSON_PATH_NONE;
	*behaviour = found.is_good ? json->on_empty : json->on_error;
	if (*behaviour == ON_FAILURE)
		TR_CALL_FAIL(call, row, "%s", found.is_good ? "the result is empty" : found.error);
	if (*behaviour == ON_NULL)
		tr_call_set_null(call, row);
	return TR_OK;
}

static tr_code run_query_text(struct tr_call *call)
{
	TR_CALL_ROWS(call, row) {
		enum behaviour behaviour = ON_NULL;
		bool is_wrapped;
		uint32_t node;

		TR_TRY(query_row(call, row, false, &node, &is_wrapped, &behaviour));
		if (node != TR_JSON_PATH_NONE)
			TR_TRY(put_text(call, row, node, is_wrapped));
		else if (behaviour != ON_NULL)
			tr_call_put(call, row, behaviour == ON_ARRAY ? "[]" : "{}", 2);
	}
	return TR_OK;
}

static tr_code query_lists(struct tr_call *call, struct text_list *list, int32_t *offsets)
{
	uint32_t next = 0;

	TR_CALL_ROWS(call, row) {
		enum behaviour behaviour;
		bool is_wrapped;
		uint32_t node;

		while (next <= row)
			offsets[next++] = (int32_t)list->count;
		TR_TRY(query_row(call, row, true, &node, &is_wrapped, &behaviour));
		if (node != TR_JSON_PATH_NONE)
			TR_TRY(put_list(call, list, row, node, is_wrapped));
	}
	while (next <= call->row_count)
		offsets[next++] = (int32_t)list->count;
	return TR_OK;
}

static tr_code run_query(struct tr_call *call)
{
	struct text_list list = {0};
	struct tr_column *elements;
	int32_t *offsets;
	tr_code code;
	void *views;

	if (call->type->id != TR_TYPE_ARRAY)
		return run_query_text(call);
	elements = TR_NEW(call->heap, struct tr_column);
	offsets = TR_NEW_ARRAY(call->heap, (size_t)call->row_count + 1, int32_t);
	code = query_lists(call, &list, offsets);
	views = tr_arena_alloc(call->heap, list.views.length + 1);
	if (list.views.length > 0)
		memcpy(views, list.views.data, list.views.length);
	tr_bytes_deinit(&list.views);
	*elements = (struct tr_column){
		.type = call->type->children[0], .data = views, .validity = list.has_nulls ? list.validity : NULL};
	call->result->offsets = offsets;
	call->result->children = elements;
	return code;
}

/* ---- JSON_EXISTS ---- */

static tr_code run_exists(struct tr_call *call)
{
	const struct json_call *json = call->prepared;

	TR_CALL_ROWS(call, row) {
		struct found found;

		TR_TRY(evaluate(call, row, &found));
		((uint8_t *)call->out)[row] =
			found.is_good ? found.node != TR_JSON_PATH_NONE : json->on_error == ON_TRUE;
		if (found.is_good)
			continue;
		if (json->on_error == ON_FAILURE)
			TR_CALL_FAIL(call, row, "%s", found.error);
		if (json->on_error == ON_UNKNOWN)
			tr_call_set_null(call, row);
	}
	return TR_OK;
}

/* ---- IS JSON ---- */

enum is_json { IS_VALUE, IS_SCALAR, IS_ARRAY, IS_OBJECT, IS_NOT = 4 };

static tr_code run_is_json(struct tr_call *call)
{
	struct tr_json_doc *doc = &((struct json_local *)call->local)->doc;

	TR_CALL_ROWS(call, row) {
		const struct tr_column *arg = &call->args[0];
		bool is = false;

		if (!tr_column_is_null(arg, row)) {
			const struct tr_piece text = tr_call_piece(call, 0, row);

			is = tr_json_doc_parse(doc, text.text, text.length, call->heap);
		}
		if (is) {
			const uint8_t kind = doc->nodes[0].kind;

			switch (call->code % IS_NOT) {
			case IS_SCALAR: is = is_scalar(&doc->nodes[0]); break;
			case IS_ARRAY: is = kind == TR_JSON_DOC_ARRAY; break;
			case IS_OBJECT: is = kind == TR_JSON_DOC_OBJECT; break;
			default: break;
			}
		}
		((uint8_t *)call->out)[row] = is != (call->code >= IS_NOT);
	}
	return TR_OK;
}

#define READ(name_, params_, typer_, kernel_, signature_, doc_, example_)                          \
	{                                                                                          \
		.name = (name_), .params = (params_), .typer = (typer_), .kernel = (kernel_),      \
		.null_rule = TR_NULL_MAKES, .prepare = prepare_json, .local_create = create_local, \
		.local_destroy = destroy_local, TR_FUNC_DOC("json", signature_, doc_, example_)    \
	}
#define IS(words_, code_, doc_, example_)                                                                  \
	{                                                                                                  \
		.name = (words_), .params = "s", .typer = tr_typer_boolean, .kernel = run_is_json,         \
		.null_rule = TR_NULL_CUSTOM, .flags = TR_FUNC_POSTFIX | TR_FUNC_NOT_NULL, .code = (code_), \
		.local_create = create_local, .local_destroy = destroy_local,                              \
		TR_FUNC_DOC("json", "string " words_ " -> BOOLEAN", doc_, example_)                        \
	}

static const struct tr_func rows[] = {
	READ("JSON_VALUE", "ussaa", type_value, run_value,
	     "JSON_VALUE(string, path [RETURNING type] [NULL | ERROR | DEFAULT value ON EMPTY] [NULL | ERROR | DEFAULT "
	     "value ON ERROR]) -> STRING",
	     "The scalar that a path finds, as STRING, VARCHAR(n), BOOLEAN, INTEGER or DOUBLE. A path that begins with "
	     "lax "
	     "has an empty result where a strict one, or one without a word, has an error.",
	     "JSON_VALUE('{\"a\": [1, 2]}', '$.a[1]') = '2'"),
	READ("JSON_QUERY", "uss", type_query, run_query,
	     "JSON_QUERY(string, path [RETURNING type] [WITHOUT WRAPPER | WITH [CONDITIONAL | UNCONDITIONAL] WRAPPER] "
	     "[NULL | EMPTY ARRAY | "
	     "EMPTY OBJECT | ERROR ON EMPTY] [.. ON ERROR]) -> STRING",
	     "The array or object that a path finds, as JSON, or an array as ARRAY<STRING>; a wrapper makes an array "
	     "around it.",
	     "JSON_QUERY('{\"a\": [1, 2]}', '$.a') = '[1,2]'"),
	READ("JSON_EXISTS", "uss", tr_typer_boolean, run_exists,
	     "JSON_EXISTS(string, path [TRUE | FALSE | UNKNOWN | ERROR ON ERROR]) -> BOOLEAN",
	     "Whether a path finds something.", "JSON_EXISTS('{\"a\": 1}', '$.a')"),
	IS("IS JSON", IS_VALUE, "Whether a text is JSON; FALSE for NULL.", "'[1, 2]' IS JSON"),
	IS("IS JSON VALUE", IS_VALUE, "The same as IS JSON.", "'[1, 2]' IS JSON VALUE"),
	IS("IS JSON SCALAR", IS_SCALAR, "Whether a text is a JSON string, number, boolean or null.",
	   "'1' IS JSON SCALAR"),
	IS("IS JSON ARRAY", IS_ARRAY, "Whether a text is a JSON array.", "'[1, 2]' IS JSON ARRAY"),
	IS("IS JSON OBJECT", IS_OBJECT, "Whether a text is a JSON object.", "'{}' IS JSON OBJECT"),
	IS("IS NOT JSON", IS_VALUE + IS_NOT, "The opposite of IS JSON.", "'[1' IS NOT JSON"),
	IS("IS NOT JSON VALUE", IS_VALUE + IS_NOT, "The opposite of IS JSON VALUE.", "'[1' IS NOT JSON VALUE"),
	IS("IS NOT JSON SCALAR", IS_SCALAR + IS_NOT, "The opposite of IS JSON SCALAR.", "'[1]' IS NOT JSON SCALAR"),
	IS("IS NOT JSON ARRAY", IS_ARRAY + IS_NOT, "The opposite of IS JSON ARRAY.", "'1' IS NOT JSON ARRAY"),
	IS("IS NOT JSON OBJECT", IS_OBJECT + IS_NOT, "The opposite of IS JSON OBJECT.", "'1' IS NOT JSON OBJECT"),
};

const struct tr_func_table tr_func_json_table = {rows, TR_COUNT_OF(rows)};
