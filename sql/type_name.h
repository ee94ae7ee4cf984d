/* SPDX-License-Identifier: Apache-2.0
 *
 * Type names: a type as written becomes a logical type, with Flink's defaults and ranges.
 *
 * DECIMAL is DECIMAL(10, 0), TIMESTAMP and TIMESTAMP_LTZ have 6 fraction digits, TIME none, CHAR and BINARY length 1,
 * VARCHAR and VARBINARY length 1, STRING and BYTES the greatest. Nullable unless NOT NULL is written.
 */
#ifndef TR_SQL_TYPE_NAME_H
#define TR_SQL_TYPE_NAME_H

#include "base/arena.h"
#include "sql/ast_expr.h"
#include "sql/diag.h"

/** The logical type, in `arena`; NULL: reported in `diags` at its place (RAW and the like are not supported yet, a
 * precision out of its range, a field name twice, too deep). */
const struct tr_type *tr_type_name_resolve(const struct tr_ast_type *type, struct tr_arena *arena,
					   struct tr_diags *diags);

#endif
