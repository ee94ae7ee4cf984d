/* SPDX-License-Identifier: Apache-2.0
 *
 * The function tables as documentation: scalar and aggregate functions in one list, by group and name. What the grammar knows
 * and no table of functions has stands here.
 */
#include <stdlib.h>
#include <string.h>

#include "core/ops/agg.h"
#include "core/ops/func_table.h"

#define DOCS_MAX 1024

struct doc_list {
	struct tr_func_doc docs[DOCS_MAX];
	uint32_t count;
};

static const struct tr_func_doc syntax[] = {
	{"BETWEEN", "comparison", "value [NOT] BETWEEN [ASYMMETRIC | SYMMETRIC] value AND value -> BOOLEAN",
	 "Whether the value is in the range, both ends included; SYMMETRIC: in whatever order they stand.",
	 "2 BETWEEN SYMMETRIC 3 AND 1", false},
	{"CASE", "conditional", "CASE [value] WHEN value THEN result ... [ELSE result] END -> the results' common type",
	 "The result of the first WHEN that is TRUE, or equal to the value; else that of ELSE, or NULL.",
	 "CASE WHEN 1 > 2 THEN 'a' ELSE 'b' END = 'b'", false},
	{"CAST", "conversion", "CAST(value AS type) -> the type",
	 "The value as another type; what has not the form of the type fails the job.", "CAST('12' AS INT) = 12", false},
	{"TRY_CAST", "conversion", "TRY_CAST(value AS type) -> the type",
	 "As CAST; what has not the form of the type is NULL.", "TRY_CAST('x' AS INT) IS NULL", false},
	{"OVERLAPS", "temporal", "(point, point or interval) OVERLAPS (point, point or interval) -> BOOLEAN",
	 "Whether two stretches of time have a moment in common, ends included.",
	 "(DATE '2024-01-01', INTERVAL '2' DAY) OVERLAPS (DATE '2024-01-02', DATE '2024-01-05')", false},
	{"ROW_NUMBER", "window",
	 "ROW_NUMBER() OVER (PARTITION BY window_start, window_end [, key ...] ORDER BY ...) -> BIGINT",
	 "The number of the row in its window, of which WHERE or QUALIFY keeps the first N.", NULL, false},
};

static void collect(void *context, const struct tr_func_doc *doc)
{
	struct doc_list *list = context;

	if (list->count < DOCS_MAX)
		list->docs[list->count++] = *doc;
}

static int compare_docs(const void *a, const void *b)
{
	const struct tr_func_doc *x = a, *y = b;
	int order = strcmp(x->group, y->group);

	if (order == 0)
		order = strcmp(x->name, y->name);
	return order != 0 ? order : strcmp(x->signature, y->signature);
}

void tr_func_each(void (*fn)(void *context, const struct tr_func_doc *doc), void *context)
{
	struct doc_list *list = calloc(1, sizeof(*list));
	uint32_t table = 0, row = 0;
	const struct tr_func *func;

	TR_ASSERT(list != NULL);
	while ((func = tr_func_next(&table, &row)) != NULL) {
		struct tr_func_doc doc = func->doc;

		if (doc.signature == NULL || (func->flags & TR_FUNC_HIDDEN))
			continue;
		doc.name = func->name;
		collect(list, &doc);
	}
	for (size_t i = 0; i < TR_COUNT_OF(syntax); i++)
		collect(list, &syntax[i]);
	tr_agg_each(collect, list);
	qsort(list->docs, list->count, sizeof(list->docs[0]), compare_docs);
	for (uint32_t i = 0; i < list->count; i++)
		fn(context, &list->docs[i]);
	free(list);
}
