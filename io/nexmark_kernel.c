/* SPDX-License-Identifier: Apache-2.0 */
#include "io/nexmark_kernel.h"

#include "base/cpu.h"

TR_ISA_DECLARE(struct tr_nexmark_kernel, tr_nexmark_kernel_isa);

const struct tr_nexmark_kernel *tr_nexmark_kernel(void) { return TR_ISA_PICK(tr_nexmark_kernel_isa); }
