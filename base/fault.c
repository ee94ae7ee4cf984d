/* SPDX-License-Identifier: Apache-2.0
 *
 * What is planted, and who listens. Empty without TR_FAULTS: see base/fault.h.
 */
#include "base/fault.h"

#ifdef TR_FAULTS

#include <stddef.h>
#include <string.h>

const char *tr_fault_planted;
void (*tr_fault_on_point)(const char *name);

bool tr_fault_is_planted(const char *name) { return tr_fault_planted != NULL && strcmp(tr_fault_planted, name) == 0; }

void tr_fault_reach(const char *name)
{
	if (tr_fault_on_point != NULL)
		tr_fault_on_point(name);
}

#endif
