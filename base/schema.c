/* SPDX-License-Identifier: Apache-2.0
 *
 * What include/tailrace/batch.h promises of rows and schemas beyond its inline functions.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/type.h"
#include "tailrace/batch.h"

int32_t tr_schema_find(const struct tr_schema *schema, const char *name)
{
	for (uint32_t i = 0; i < schema->column_count; i++)
		if (strcmp(schema->names[i], name) == 0)
			return (int32_t)i;
	return -1;
}

void tr_row_mismatch(const struct tr_row *row, uint32_t column, const char *asked)
{
	struct tr_arena arena;

	tr_arena_init(&arena, 0);
	fprintf(stderr, "tailrace: column '%s' is %s, and was read as %s\n", row->batch->schema->names[column],
		tr_type_text(&arena, row->batch->columns[column].type), asked);
	fflush(stderr);
	abort();
}
