/* SPDX-License-Identifier: Apache-2.0
 *
 * Queries for the simulator that no template has: drawn from the windows, keys and aggregates of the dialect, over one table of
 * sim_job.c, into the sink s. What they give is a function of the input, whatever its rows are.
 */
#ifndef TR_TESTS_SIM_QUERY_H
#define TR_TESTS_SIM_QUERY_H

#include <stdint.h>

#include "base/bytes.h"

/** Appends a query over `table` (k STRING, g INT, v BIGINT, d DOUBLE, ts TIMESTAMP(3)) and what writes it to the script. */
void tr_sim_query(struct tr_bytes *script, char table, uint64_t *random);

#endif
