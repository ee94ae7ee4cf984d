/* SPDX-License-Identifier: Apache-2.0
 *
 * The tokens of a compiled JSON path: what json_path.c makes and json_path_eval.c runs.
 */
#ifndef TR_CORE_OPS_JSON_PATH_TOKEN_H
#define TR_CORE_OPS_JSON_PATH_TOKEN_H

#include "core/ops/json_path.h"

enum tr_json_token_kind {
	TR_JSON_TOKEN_NAMES,
	TR_JSON_TOKEN_INDEXES,
	TR_JSON_TOKEN_SLICE,
	TR_JSON_TOKEN_ALL,
	TR_JSON_TOKEN_SCAN, /* the next token at any depth */
	TR_JSON_TOKEN_FUNCTION,
	TR_JSON_TOKEN_FILTER,
};

enum tr_json_function {
	TR_JSON_LENGTH,
	TR_JSON_KEYS,
	TR_JSON_MIN,
	TR_JSON_MAX,
	TR_JSON_AVG,
	TR_JSON_SUM,
	TR_JSON_STDDEV,
	TR_JSON_FIRST,
	TR_JSON_LAST,
	TR_JSON_INDEX,
	TR_JSON_FUNCTION_COUNT,
};

struct tr_json_filter;

struct tr_json_name {
	const char *text;
	uint32_t length;
};

struct tr_json_token {
	enum tr_json_token_kind kind;
	bool is_definite;          /* finds one value at most */
	bool is_upstream_definite; /* so do all before it */
	bool is_leaf;
	bool has_from, has_to; /* SLICE */
	int32_t from, to;      /* SLICE; index(from) */
	unsigned function;     /* enum tr_json_function */
	uint32_t count;        /* NAMES, INDEXES */
	struct tr_json_name *names;
	int32_t *indexes;
	const struct tr_json_filter *filter;
};

/** A path within so many filters of others. */
struct tr_json_path *tr_json_path_compile_inner(struct tr_arena *arena, const char *text, uint32_t length, int depth);

/** The next `wanted` behind `at` that no backslash stands before; `length`: there is none. */
uint32_t tr_json_unescaped(const char *text, uint32_t length, uint32_t at, char wanted);
/** Where the bracket at `at` is closed, texts in quotes (and patterns between '/') set aside; `length`: nowhere. */
uint32_t tr_json_closing(const char *text, uint32_t length, uint32_t at, char open, char close, bool has_patterns);

#endif
