/* SPDX-License-Identifier: Apache-2.0
 *
 * To which subtask the rows of a stream go, and what runs in one chain: EXCHANGE nodes, and marks of nodes that become such
 * (sql/parallelize.c).
 */
#include "api/env.h"

static struct tr_stream *partition(struct tr_stream *stream, const char *what, enum tr_exchange_kind kind)
{
	struct tr_env *env = tr_stream_env(stream, __func__);
	const struct tr_node *node;

	if (!tr_stream_has_rows(stream))
		return tr_stream_wrong(env, what);
	node = tr_stream_exchange(env, stream->relation->node, kind, NULL);
	return tr_stream_new(env, stream->what, tr_stream_over(env, stream->relation, node), stream->node);
}

struct tr_stream *tr_stream_rebalance(struct tr_stream *stream)
{
	return partition(stream, "rebalance", TR_EXCHANGE_REBALANCE);
}

struct tr_stream *tr_stream_forward(struct tr_stream *stream)
{
	return partition(stream, "forward", TR_EXCHANGE_FORWARD);
}

struct tr_stream *tr_stream_rescale(struct tr_stream *stream)
{
	return partition(stream, "rescale", TR_EXCHANGE_RESCALE);
}

struct tr_stream *tr_stream_shuffle(struct tr_stream *stream)
{
	return partition(stream, "shuffle", TR_EXCHANGE_SHUFFLE);
}

struct tr_stream *tr_stream_broadcast(struct tr_stream *stream)
{
	return partition(stream, "broadcast", TR_EXCHANGE_BROADCAST);
}

struct tr_stream *tr_stream_global(struct tr_stream *stream) { return partition(stream, "global", TR_EXCHANGE_GATHER); }

/** A partitioner in C, by row or by batch. */
struct own_partitioner {
	struct tr_partitioner p;
	tr_partition_fn by_row;
	tr_partition_batch_fn by_batch;
	void *user;
};

static void ask(const struct own_partitioner *own, const struct tr_batch *batch, uint32_t count, uint32_t *targets)
{
	if (own->by_batch != NULL) {
		own->by_batch(own->user, batch, count, targets);
		return;
	}
	for (uint32_t i = 0; i < batch->selected_count; i++) {
		const struct tr_row row = {batch, tr_batch_row(batch, i)};

		targets[i] = own->by_row(own->user, &row, count);
	}
}

static tr_code choose_targets(const struct tr_partitioner *self, const struct tr_batch *batch, uint32_t count,
			      uint32_t *targets, struct tr_status *st)
{
	struct tr_status failure = {0};
	struct tr_run_hand hand = {.name = self->name, .failure = &failure};
	const void *before = tr_run_enter(&hand);

	ask((const struct own_partitioner *)self, batch, count, targets);
	tr_run_leave(before);
	tr_run_hand_deinit(&hand);
	if (failure.code == TR_OK)
		return TR_OK;
	*st = failure;
	return tr_status_prefix(st, st->code, "operator '%s'", self->name);
}

static struct tr_stream *partition_by(struct tr_stream *stream, tr_partition_fn by_row, tr_partition_batch_fn by_batch,
				      void *user, const char *function)
{
	struct tr_env *env = tr_stream_env(stream, function);
	const char *name = tr_env_next_name(env, "partition");
	struct own_partitioner *own;
	struct tr_stream *result;

	if (stream->relation != NULL && by_row == NULL && by_batch == NULL) {
		tr_env_fail(env, name, "a function is needed");
		return tr_stream_wrong(env, name);
	}
	result = partition(stream, name, TR_EXCHANGE_CUSTOM);
	if (result->relation == NULL)
		return result;
	own = TR_NEW(env->arena, struct own_partitioner);
	*own = (struct own_partitioner){{choose_targets, name}, by_row, by_batch, user};
	((struct tr_node *)(uintptr_t)result->relation->node)->exchange.partitioner = &own->p;
	return result;
}

struct tr_stream *tr_stream_partition(struct tr_stream *stream, tr_partition_fn choose, void *user)
{
	return partition_by(stream, choose, NULL, user, __func__);
}

struct tr_stream *tr_stream_partition_batches(struct tr_stream *stream, tr_partition_batch_fn choose, void *user)
{
	return partition_by(stream, NULL, choose, user, __func__);
}

/* Chains. */

struct tr_stream *tr_stream_start_new_chain(struct tr_stream *stream)
{
	if (tr_stream_env(stream, __func__) != NULL && stream->node != NULL)
		stream->node->chaining = TR_MAX(stream->node->chaining, TR_CHAINING_HEAD);
	return stream;
}

struct tr_stream *tr_stream_disable_chaining(struct tr_stream *stream)
{
	if (tr_stream_env(stream, __func__) != NULL && stream->node != NULL)
		stream->node->chaining = TR_CHAINING_NEVER;
	return stream;
}
