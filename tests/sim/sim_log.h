/* SPDX-License-Identifier: Apache-2.0
 *
 * The log alone on the simulated disk: random checkpoints of random streams, against a list of what was appended.
 *
 *     life: open, check ── begin, append .., seal, step until committed ── again and again ── death, or close
 *
 * After every open: the newest checkpoint is the last one that was said to be committed, or one that was under way when
 * the process ended (I6, I8); each retained checkpoint reads back exactly the blocks that belong to it (I9, I12). With
 * damage (bit rot, misdirected writes) the log may refuse, naming the place; it may never read something else. After a
 * failed sync the log says that it is broken, and is not asked again (I14, which the disk watches). In the last life
 * nothing goes wrong, and two checkpoints must commit (I13).
 */
#ifndef TR_TESTS_SIM_LOG_H
#define TR_TESTS_SIM_LOG_H

#include "sim/sim.h"

/** Tells a seed. */
void tr_sim_log_seed(const struct tr_sim_request *request, struct tr_sim_result *result);

#endif
