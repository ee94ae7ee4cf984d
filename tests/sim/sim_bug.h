/* SPDX-License-Identifier: Apache-2.0
 *
 * The planted bugs: mistakes that stand in the engine behind TR_BUG(name) (base/fault.h) and that the simulator must
 * find. tests/run_sim plants each in turn.
 */
#ifndef TR_TESTS_SIM_BUG_H
#define TR_TESTS_SIM_BUG_H

#include <stdint.h>

struct tr_sim_bug {
	const char *name;
	const char *doc; /* what is wrong with it */
	const char *job; /* the only one whose inputs show it often; NULL: any */
};

uint32_t tr_sim_bug_count(void);
const struct tr_sim_bug *tr_sim_bug(uint32_t index);

#endif
