/* SPDX-License-Identifier: Apache-2.0 */
#include "tailrace/version.h"

uint32_t tr_abi_version(void) { return TR_ABI_VERSION; }

const char *tr_version(void) { return TR_VERSION; }
