/* SPDX-License-Identifier: Apache-2.0
 *
 * When two nodes of a plan are the same: they do the same with the same rows, and say the same in EXPLAIN.
 */
#ifndef TR_SQL_NODE_EQUAL_H
#define TR_SQL_NODE_EQUAL_H

#include "core/plan.h"

/** Whether two scans read the same table in the same way, whichever columns of it: options, hints and watermark are the same. */
bool tr_node_is_same_table(const struct tr_node *a, const struct tr_node *b);

/** Whether two nodes are the same, their inputs set aside. Nodes with volatile functions and sinks are the same as no other. */
bool tr_node_equals(const struct tr_node *a, const struct tr_node *b);

#endif
