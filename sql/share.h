/* SPDX-License-Identifier: Apache-2.0
 *
 * Sharing in graphs that were built as graphs (sql/embed.h). The optimizer works on trees: a node that several read is copied for each of them, and
 * what is still the same at the end becomes one again (sql/reuse.h). That must not fail for what is not the same when it is run twice: functions in C, sources in
 * C, and expressions with volatile functions. Such nodes, where more than one way leads to them, get a number, `shared`, that their copies
 * keep: rules leave them as they are, and in the end the copies are one node, whatever the configuration says of reuse.
 */
#ifndef TR_SQL_SHARE_H
#define TR_SQL_SHARE_H

#include "core/plan.h"

/** Numbers what must be run once below the sinks. The nodes are the caller's to change. */
void tr_share_mark(struct tr_arena *arena, const struct tr_node *const *sinks, uint32_t count);

#endif
