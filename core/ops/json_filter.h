/* SPDX-License-Identifier: Apache-2.0
 *
 * Filters of JSON paths: [?(@.price < 10 && @.tag in ['a', 'b'])], as Jayway's JsonPath reads and judges them.
 *
 *     or          and { || and }
 *     and         term { && term }
 *     term        ( or )   ! term   operand [ operator operand ]
 *     operand     a path from @ (the element) or $ (the document)   'text'   "text"   12.5   true   null   [1, 2]   {..}   /pattern/flags
 *     operator    == != === !== < <= > >= =~ in nin subsetof anyof noneof contains size empty
 *
 * A path alone asks whether it is there. Numbers and texts that look alike are equal (1 == '1'), but for ===; an order is one between two
 * numbers or two texts. What makes no sense is false. Operators that Jayway has but can't use from a text (all, type, matches) are
 * false, too.
 */
#ifndef TR_CORE_OPS_JSON_FILTER_H
#define TR_CORE_OPS_JSON_FILTER_H

#include "core/ops/json_path_token.h"

#define TR_JSON_FILTER_DEPTH_MAX 100 /* parentheses */
#define TR_JSON_FILTER_NEST_MAX 10   /* filters in paths in filters */

enum tr_json_filter_kind { TR_JSON_FILTER_OR, TR_JSON_FILTER_AND, TR_JSON_FILTER_NOT, TR_JSON_FILTER_RELATION };

enum tr_json_relation {
	TR_JSON_EXISTS,
	TR_JSON_EQ,
	TR_JSON_NE,
	TR_JSON_SAME,
	TR_JSON_NOT_SAME,
	TR_JSON_LT,
	TR_JSON_LE,
	TR_JSON_GT,
	TR_JSON_GE,
	TR_JSON_REGEX,
	TR_JSON_IN,
	TR_JSON_NIN,
	TR_JSON_SUBSET,
	TR_JSON_ANY_OF,
	TR_JSON_NONE_OF,
	TR_JSON_CONTAINS,
	TR_JSON_SIZE,
	TR_JSON_EMPTY,
	TR_JSON_NEVER,
};

enum tr_json_operand_kind {
	TR_JSON_OPERAND_PATH,
	TR_JSON_OPERAND_NODE,    /* a literal: node 0 of `doc` */
	TR_JSON_OPERAND_PATTERN, /* text: the whole pattern, with its flags in front */
};

struct tr_json_operand {
	enum tr_json_operand_kind kind;
	bool is_negated;               /* PATH: !@.a */
	bool is_root;                  /* PATH: from $ */
	const struct tr_json_doc *doc; /* NODE; its memory is the arena's */
	const struct tr_json_path *path;
	const char *text;
	uint32_t length;
};

struct tr_json_filter {
	enum tr_json_filter_kind kind;
	enum tr_json_relation relation;
	const struct tr_json_filter *a, *b; /* of NOT: a */
	struct tr_json_operand left, right;
};

/** Compiles the text between the brackets and behind the '?': "(..)", in so many filters, itself among them. NULL: it is no filter; `error` says why, a static text. */
const struct tr_json_filter *tr_json_filter_compile(struct tr_arena *arena, const char *text, uint32_t length,
						    int depth, const char **error);

/** Finds the value of a path within the document that is being evaluated: false if there is none. */
typedef bool (*tr_json_lookup)(void *context, const struct tr_json_path *path, uint32_t from, uint32_t *node);

/** Whether the filter holds for a node, which is of the document. */
bool tr_json_filter_holds(const struct tr_json_filter *filter, struct tr_json_doc *doc, uint32_t node,
			  tr_json_lookup lookup, void *context);

#endif
