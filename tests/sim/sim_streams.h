/* SPDX-License-Identifier: Apache-2.0
 *
 * Jobs in C for the simulator: graphs of functions with state and timers over the tables of a template's script (sim_job.c).
 */
#ifndef TR_TESTS_SIM_STREAMS_H
#define TR_TESTS_SIM_STREAMS_H

#include "tailrace/tailrace.h"

/** Rows of t to s as they are, and of each key at the end how many they were, with all sorts of state. */
void tr_sim_process(struct tr_env *env);

#endif
