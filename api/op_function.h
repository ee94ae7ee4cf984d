/* SPDX-License-Identifier: Apache-2.0
 *
 * The operator that calls a user's function: map, flat map, filter, process, keyed or not. Its plan is struct tr_run_function.
 */
#ifndef TR_API_OP_FUNCTION_H
#define TR_API_OP_FUNCTION_H

#include "api/run_context.h"

/** core/operator.h's create. */
tr_code tr_op_function_create(const struct tr_operator *self, struct tr_op_context *context,
			      const struct tr_schema *const *inputs, const struct tr_schema *output, struct tr_op **op,
			      struct tr_status *st);

#endif
