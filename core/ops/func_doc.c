/* SPDX-License-Identifier: Apache-2.0
 *
 * The function tables as documentation: scalar and aggregate functions in one list, by group and name.
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
	tr_agg_each(collect, list);
	qsort(list->docs, list->count, sizeof(list->docs[0]), compare_docs);
	for (uint32_t i = 0; i < list->count; i++)
		fn(context, &list->docs[i]);
	free(list);
}
