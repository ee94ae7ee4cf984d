/* SPDX-License-Identifier: Apache-2.0
 *
 * Paths into JSON documents, as Flink reads them (Jayway's JsonPath, and in front of it 'lax' or 'strict').
 *
 *     $ root   .name  ['name']  ['a', 'b']  [0]  [-1]  [0, 2]  [1:3]  [:2]  [-2:]  .*  [*]  ..name (at any depth)
 *     .length() .size() .keys() .min() .max() .avg() .sum() .stddev() .first() .last() .index(n)
 *     [?(@.price < 10)] filters: core/ops/json_filter.h
 *
 * A path without a word in front is strict: what is not there is an error; lax finds nothing then. A path that may match
 * several values finds an array of them. Refused are paths of more than 1,000 steps, and paths that
 * look at very many more values than the document has (several `..`).
 */
#ifndef TR_CORE_OPS_JSON_PATH_H
#define TR_CORE_OPS_JSON_PATH_H

#include "core/ops/json_doc.h"

#define TR_JSON_PATH_NONE UINT32_MAX
#define TR_JSON_PATH_STEPS_MAX 1000
#define TR_JSON_PATH_WALK_MAX (1u << 20) /* values that a path looks at, besides some times those of the document */
#define TR_JSON_PATH_WALKS_OF_DOCUMENT 8 /* times that a path may look at each value */

struct tr_json_token;

/** A compiled path; lives in the arena that it was compiled in. */
struct tr_json_path {
	bool is_lax;
	bool is_definite;        /* finds one value */
	const char *error;       /* not NULL: it is no path; evaluating it is an error, in the lax mode, too */
	const char *unsupported; /* not NULL: it has what is not there, or too many steps; a static text */
	uint32_t count;
	struct tr_json_token *tokens;
};

/** Compiles any text; see `error` and `unsupported`. */
struct tr_json_path *tr_json_path_compile(struct tr_arena *arena, const char *text, uint32_t length);

/** The error of an evaluation that finds too much: not the path's error but a limit, for the job to fail by. */
extern const char tr_json_path_too_much[];

/** Evaluates. False: an error, `error` says which (a static text). Else `node` is what was found, or TR_JSON_PATH_NONE (lax only).
 * Made-up values are added to the document. */
bool tr_json_path_eval(const struct tr_json_path *path, struct tr_json_doc *doc, struct tr_arena *heap, uint32_t *node,
		       const char **error);

#endif
