/* SPDX-License-Identifier: Apache-2.0
 *
 * CAST and TRY_CAST. docs: Flink's cast rules (since 1.15).
 */
#ifndef TR_CORE_OPS_KERNEL_CAST_H
#define TR_CORE_OPS_KERNEL_CAST_H

#include "core/ops/func_table.h"

struct tr_cast {
	tr_kernel kernel; /* NULL: the values stay as they are */
	bool is_total;    /* cannot fail and makes no NULLs: see TR_FUNC_TOTAL */
	bool is_nested;   /* the result refers to the argument's memory: see TR_FUNC_PASSES */
};

/** The name of a scalar type without parameters, for messages. */
void tr_cast_type_name(const struct tr_type *type, char *out, size_t size);

/** The kernel of casts between ROWs and between lists (kernel_cast_nested.c). */
tr_code tr_cast_nested(struct tr_call *call);

/** The kernel that casts `from` to `to`; false: there is none. */
bool tr_cast_find(const struct tr_type *from, const struct tr_type *to, struct tr_cast *cast);

#endif
