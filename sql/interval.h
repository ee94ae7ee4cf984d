/* SPDX-License-Identifier: Apache-2.0
 *
 * Interval: the value of an INTERVAL literal, by Calcite's rules.
 *
 * The text of a literal has one number per unit between its first and last one: `INTERVAL '1 02:03:04.5' DAY TO
 * SECOND`. The leading number may have as many digits as its precision says (2 by default, up to 10), the others
 * must be below 60, 24 or 12. WEEK is seven days, QUARTER three months.
 */
#ifndef TR_SQL_INTERVAL_H
#define TR_SQL_INTERVAL_H

#include "sql/ast_expr.h"
#include "sql/diag.h"

struct tr_interval {
	bool is_months; /* YEAR TO MONTH: value in months; else DAY TO SECOND: value in milliseconds */
	int64_t value;
};

/** The value of a TR_AST_LITERAL_INTERVAL expression. False: malformed, reported at its place in `diags`. */
bool tr_interval_value(const struct tr_ast_expr *literal, struct tr_diags *diags, struct tr_interval *out);

/** How much one of the unit is, in months or milliseconds. */
int64_t tr_interval_unit_size(enum tr_ast_time_unit unit);

/** Whether unit .. end_unit (or unit alone) counts in months. */
bool tr_interval_is_months(const struct tr_ast_interval *interval);

#endif
