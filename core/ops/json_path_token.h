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
};

#endif
