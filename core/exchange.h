/* SPDX-License-Identifier: Apache-2.0
 *
 * Exchange: the tail of a chain whose rows go to another stage. Splits each batch among the target subtasks and puts
 * the parts into channels (core/channel.h).
 *
 *     HASH       row -> hash of the key columns -> key group -> target
 *     REBALANCE  batch by batch in turn, starting with target `subtask`, so that producers do not march in step
 *     RESCALE    the same among the channels that it has
 *     FORWARD    the one channel to the subtask of the same number
 *     GATHER     the one channel to subtask 0
 *     BROADCAST  each batch to all
 *     SHUFFLE    row by row, by the hash of how many have been dealt
 *     CUSTOM     as the partitioner says
 *
 * Key groups: state/key_group.h.
 *
 * Thread: the worker of the producing subtask.
 */
#ifndef TR_CORE_EXCHANGE_H
#define TR_CORE_EXCHANGE_H

#include "core/channel.h"
#include "core/ops/op.h"
#include "core/plan.h"
#include "state/key_group.h"

/** An exchange over `channels[0 .. channel_count)`, one per target, in the order of the targets. FORWARD and GATHER
 * take one channel. `partitioner`: of CUSTOM, or NULL. `keys` are columns of `schema` (HASH only) and are copied. The context must outlive the operator,
 * and so must the channels. */
struct tr_op *tr_exchange_create(struct tr_op_context *context, enum tr_exchange_kind kind,
				 const struct tr_schema *schema, const uint32_t *keys, uint32_t key_count,
				 const struct tr_partitioner *partitioner, struct tr_channel *const *channels,
				 uint32_t channel_count);

#endif
