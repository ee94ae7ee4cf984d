/* SPDX-License-Identifier: Apache-2.0
 *
 * A grouping set, as plans have it and core/ops/op_expand.h carries it out.
 */
#ifndef TR_CORE_OPS_EXPAND_SET_H
#define TR_CORE_OPS_EXPAND_SET_H

#include <stdbool.h>
#include <stdint.h>

#define TR_EXPAND_SETS_MAX 1024

/** Immutable, in the plan. */
struct tr_expand_set {
	const bool *is_null; /* by input column */
	int64_t id;
};

#endif
