/* SPDX-License-Identifier: Apache-2.0
 *
 * What include/tailrace/batch.h promises of schemas beyond its inline functions.
 */
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
