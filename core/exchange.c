/* SPDX-License-Identifier: Apache-2.0
 *
 * Exchange: dealing the rows of a batch to targets.
 *
 * HASH makes one pass per key column to hash and one that puts each row's number into the list of its target, in the
 * order of the batch. (A list per target takes more room than a counting sort, but no pass to count.) Then each
 * target's rows are gathered column by column into its packet.
 *
 * SHUFFLE and CUSTOM are told the targets row by row and go on in the same way. BROADCAST has one list for all targets.
 *
 * A target without credit keeps its place in the list of rows and the others go on; when some target is left over, the
 * answer is BLOCKED, and resume tries those that are left. The batch stays where it is meanwhile (contract 2 of op.h).
 */
#include "core/exchange.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/hash.h"

enum work { WORK_NONE, WORK_ROWS, WORK_CONTROL };

struct exchange {
	struct tr_op op;
	enum tr_exchange_kind kind;
	uint32_t key_count;
	uint32_t *keys;
	uint32_t key_group_count;
	uint32_t channel_count;
	struct tr_channel **channels;
	uint32_t turn; /* REBALANCE, RESCALE: target of the next batch */
	const struct tr_partitioner *partitioner;
	uint64_t dealt; /* SHUFFLE: rows so far */
	/* What is left of the batch in hand: target t's rows are rows[from[t] .. to[t]). */
	enum work work;
	const struct tr_batch *batch;
	uint32_t from[TR_PARALLELISM_MAX];
	uint32_t to[TR_PARALLELISM_MAX];
	const uint32_t *rows; /* `lists`, `iota`, or the batch's selection */
	uint32_t capacity;    /* of the arrays below */
	uint64_t *hashes;
	uint32_t *targets; /* SHUFFLE, CUSTOM */
	uint32_t *lists;   /* HASH, SHUFFLE, CUSTOM: `capacity` rows per target */
	uint32_t *iota;    /* 0, 1, 2, ... */
};

static bool has_targets(const struct exchange *x)
{
	return x->kind == TR_EXCHANGE_SHUFFLE || x->kind == TR_EXCHANGE_CUSTOM;
}

static bool has_lists(const struct exchange *x) { return x->kind == TR_EXCHANGE_HASH || has_targets(x); }

static void reserve(struct exchange *x, uint32_t rows)
{
	if (rows <= x->capacity)
		return;
	rows = TR_MAX(rows, x->capacity * 2);
	x->hashes = realloc(x->hashes, rows * sizeof(*x->hashes));
	if (has_lists(x))
		x->lists = realloc(x->lists, (size_t)rows * x->channel_count * sizeof(*x->lists));
	if (has_targets(x))
		x->targets = realloc(x->targets, rows * sizeof(*x->targets));
	x->iota = realloc(x->iota, rows * sizeof(*x->iota));
	TR_ASSERT(x->hashes != NULL && x->iota != NULL && (x->lists != NULL || !has_lists(x)) &&
		  (x->targets != NULL || !has_targets(x)));
	for (uint32_t i = x->capacity; i < rows; i++)
		x->iota[i] = i;
	x->capacity = rows;
}

static void hash_keys(struct exchange *x, const struct tr_batch *batch)
{
	const uint32_t count = batch->selected_count;

	tr_hash_column(&batch->columns[x->keys[0]], batch->selection, count, x->hashes);
	for (uint32_t k = 1; k < x->key_count; k++)
		tr_hash_column_combine(&batch->columns[x->keys[k]], batch->selection, count, x->hashes);
}

/** Puts each row into the list of its target: list t begins at lists[t * stride] and counts[t] is its length. */
static void deal_rows(const uint64_t *restrict hashes, const uint32_t *restrict rows, uint32_t count,
		      uint32_t group_count, uint32_t target_count, uint32_t stride, uint32_t *restrict counts,
		      uint32_t *restrict lists)
{
	for (uint32_t i = 0; i < count; i++) {
		const uint32_t group = tr_key_group(hashes[i], group_count);
		const uint32_t t = tr_key_group_subtask(group, group_count, target_count);

		lists[(size_t)t * stride + counts[t]++] = rows[i];
	}
}

static const uint32_t *rows_of(const struct exchange *x, const struct tr_batch *batch)
{
	return batch->selection != NULL ? batch->selection : x->iota;
}

static void use_lists(struct exchange *x, const uint32_t *counts)
{
	for (uint32_t t = 0; t < x->channel_count; t++) {
		x->from[t] = t * x->capacity;
		x->to[t] = x->from[t] + counts[t];
	}
	x->rows = x->lists;
}

static void deal_by_hash(struct exchange *x, const struct tr_batch *batch)
{
	uint32_t counts[TR_PARALLELISM_MAX] = {0};

	hash_keys(x, batch);
	deal_rows(x->hashes, rows_of(x, batch), batch->selected_count, x->key_group_count, x->channel_count,
		  x->capacity, counts, x->lists);
	use_lists(x, counts);
}

static tr_code choose_targets(struct exchange *x, const struct tr_batch *batch, struct tr_status *st)
{
	if (x->kind == TR_EXCHANGE_CUSTOM)
		return x->partitioner->choose(x->partitioner, batch, x->channel_count, x->targets, st);
	for (uint32_t i = 0; i < batch->selected_count; i++) /* subtasks do not march in step */
		x->targets[i] = (uint32_t)((tr_hash_u64(x->dealt++ ^ (uint64_t)x->op.context->subtask << 56) >> 32) *
						   x->channel_count >>
					   32);
	return TR_OK;
}

static tr_code deal_by_targets(struct exchange *x, const struct tr_batch *batch, struct tr_status *st)
{
	const uint32_t *rows = rows_of(x, batch);
	uint32_t counts[TR_PARALLELISM_MAX] = {0};

	TR_TRY(choose_targets(x, batch, st));
	for (uint32_t i = 0; i < batch->selected_count; i++) {
		const uint32_t t = x->targets[i];

		if (t >= x->channel_count)
			TR_FAIL(st, TR_ERR_USAGE, "%s: it chose subtask %u, and there are %u", x->partitioner->name, t,
				x->channel_count);
		x->lists[(size_t)t * x->capacity + counts[t]++] = rows[i];
	}
	use_lists(x, counts);
	return TR_OK;
}

static void deal_to_all(struct exchange *x, const struct tr_batch *batch)
{
	for (uint32_t t = 0; t < x->channel_count; t++) {
		x->from[t] = 0;
		x->to[t] = batch->selected_count;
	}
	x->rows = rows_of(x, batch);
}

static void deal_to_one(struct exchange *x, const struct tr_batch *batch, uint32_t target)
{
	memset(x->from, 0, sizeof(x->from));
	memset(x->to, 0, sizeof(x->to));
	x->to[target] = batch->selected_count;
	x->rows = rows_of(x, batch);
}

/** Goes on with the rows in hand. */
static enum tr_flow send_rows(struct exchange *x)
{
	bool is_left = false;

	for (uint32_t t = 0; t < x->channel_count; t++) {
		const uint32_t count = x->to[t] - x->from[t];

		if (count == 0)
			continue;
		x->from[t] += tr_channel_append(x->channels[t], x->batch, x->rows + x->from[t], count);
		is_left |= x->from[t] < x->to[t];
	}
	if (is_left)
		return TR_FLOW_BLOCKED;
	x->work = WORK_NONE;
	x->batch = NULL;
	return TR_FLOW_MORE;
}

static enum tr_flow on_batch(struct tr_op *op, uint32_t input, const struct tr_batch *batch)
{
	struct exchange *x = (struct exchange *)op;

	TR_ASSERT(input == 0 && x->work == WORK_NONE);
	reserve(x, TR_MAX(batch->selected_count, 1));
	switch (x->kind) {
	case TR_EXCHANGE_FORWARD:
	case TR_EXCHANGE_GATHER:
	case TR_EXCHANGE_REBALANCE:
	case TR_EXCHANGE_RESCALE:
		deal_to_one(x, batch, x->turn);
		x->turn = (x->turn + 1) % x->channel_count;
		break;
	case TR_EXCHANGE_BROADCAST: deal_to_all(x, batch); break;
	case TR_EXCHANGE_HASH:
		if (x->channel_count == 1)
			deal_to_one(x, batch, 0);
		else
			deal_by_hash(x, batch);
		break;
	case TR_EXCHANGE_SHUFFLE:
	case TR_EXCHANGE_CUSTOM:
		if (deal_by_targets(x, batch, &op->context->status) != TR_OK)
			return TR_FLOW_FAILED;
		break;
	}
	op->metrics.rows_out += batch->selected_count;
	x->work = WORK_ROWS;
	x->batch = batch;
	return send_rows(x);
}

static enum tr_flow on_watermark(struct tr_op *op, uint32_t input, int64_t watermark_ms)
{
	struct exchange *x = (struct exchange *)op;

	TR_ASSERT(input == 0 && x->work == WORK_NONE);
	op->metrics.watermark_ms = watermark_ms;
	for (uint32_t t = 0; t < x->channel_count; t++)
		tr_channel_watermark(x->channels[t], watermark_ms);
	return TR_FLOW_MORE;
}

static enum tr_flow on_status(struct tr_op *op, uint32_t input, bool is_idle)
{
	struct exchange *x = (struct exchange *)op;

	TR_ASSERT(input == 0 && x->work == WORK_NONE);
	for (uint32_t t = 0; t < x->channel_count; t++)
		tr_channel_status(x->channels[t], is_idle);
	return TR_FLOW_MORE;
}

/** Sends the barriers or ends that are still pending. Nothing else may be given to a channel until they have left. */
static enum tr_flow send_control(struct exchange *x)
{
	bool is_left = false;

	for (uint32_t t = 0; t < x->channel_count; t++)
		if (!x->channels[t]->is_ended)
			is_left |= !tr_channel_flush(x->channels[t]);
	if (is_left)
		return TR_FLOW_BLOCKED;
	x->work = WORK_NONE;
	return TR_FLOW_MORE;
}

static enum tr_flow on_barrier(struct tr_op *op, uint32_t input, uint64_t checkpoint)
{
	struct exchange *x = (struct exchange *)op;
	bool is_left = false;

	TR_ASSERT(input == 0 && x->work == WORK_NONE);
	for (uint32_t t = 0; t < x->channel_count; t++)
		is_left |= !tr_channel_barrier(x->channels[t], checkpoint);
	x->work = is_left ? WORK_CONTROL : WORK_NONE;
	return is_left ? TR_FLOW_BLOCKED : TR_FLOW_MORE;
}

static enum tr_flow on_end(struct tr_op *op, uint32_t input)
{
	struct exchange *x = (struct exchange *)op;

	TR_ASSERT(input == 0 && x->work == WORK_NONE);
	for (uint32_t t = 0; t < x->channel_count; t++)
		tr_channel_end(x->channels[t]);
	x->work = WORK_CONTROL;
	return send_control(x);
}

static enum tr_flow resume(struct tr_op *op)
{
	struct exchange *x = (struct exchange *)op;

	switch (x->work) {
	case WORK_ROWS: return send_rows(x);
	case WORK_CONTROL: return send_control(x);
	case WORK_NONE: return TR_FLOW_MORE;
	}
	TR_UNREACHABLE();
}

/** What can't be sent now stays pending in its channel and goes with the next flush: control never blocks. */
static enum tr_flow flush(struct tr_op *op)
{
	struct exchange *x = (struct exchange *)op;

	TR_ASSERT(x->work == WORK_NONE);
	for (uint32_t t = 0; t < x->channel_count; t++)
		if (!x->channels[t]->is_ended)
			(void)tr_channel_flush(x->channels[t]);
	return TR_FLOW_MORE;
}

static void destroy(struct tr_op *op)
{
	struct exchange *x = (struct exchange *)op;

	free(x->keys);
	free(x->channels);
	free(x->hashes);
	free(x->lists);
	free(x->targets);
	free(x->iota);
	free(x);
}

static const struct tr_op_ops exchange_ops = {
	.name = "exchange",
	.on_batch = on_batch,
	.on_watermark = on_watermark,
	.on_status = on_status,
	.on_barrier = on_barrier,
	.on_end = on_end,
	.resume = resume,
	.flush = flush,
	.destroy = destroy,
};

struct tr_op *tr_exchange_create(struct tr_op_context *context, enum tr_exchange_kind kind,
				 const struct tr_schema *schema, const uint32_t *keys, uint32_t key_count,
				 const struct tr_partitioner *partitioner, struct tr_channel *const *channels,
				 uint32_t channel_count)
{
	struct exchange *x = calloc(1, sizeof(*x));

	TR_ASSERT(x != NULL && channel_count >= 1 && channel_count <= TR_PARALLELISM_MAX);
	TR_ASSERT(kind != TR_EXCHANGE_HASH || key_count > 0);
	TR_ASSERT((kind != TR_EXCHANGE_FORWARD && kind != TR_EXCHANGE_GATHER) || channel_count == 1);
	x->op.ops = &exchange_ops;
	x->op.context = context;
	x->op.timer_ms = INT64_MAX;
	x->op.output = schema;
	x->op.metrics.watermark_ms = TR_WATERMARK_MIN;
	x->kind = kind;
	x->turn = context->subtask % channel_count;
	x->channel_count = channel_count;
	x->channels = calloc(channel_count, sizeof(struct tr_channel *));
	x->partitioner = partitioner;
	x->key_count = key_count;
	x->key_group_count = context->key_groups != 0 ? context->key_groups : TR_KEY_GROUPS_DEFAULT;
	x->keys = calloc(key_count + 1, sizeof(*x->keys));
	TR_ASSERT(x->channels != NULL && x->keys != NULL);
	for (uint32_t i = 0; i < channel_count; i++)
		x->channels[i] = channels[i];
	for (uint32_t i = 0; i < key_count; i++) {
		TR_ASSERT(keys[i] < schema->column_count);
		x->keys[i] = keys[i];
	}
	return &x->op;
}
