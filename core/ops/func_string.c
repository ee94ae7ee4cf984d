/* SPDX-License-Identifier: Apache-2.0 */
#include "core/ops/func_table.h"
const struct tr_func_table tr_func_string_table = {NULL, 0};
