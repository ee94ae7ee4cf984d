/* SPDX-License-Identifier: Apache-2.0
 *
 * blackhole: takes every row and keeps none. For measurements and for trying a query. Its only option is the one of every sink.
 */
#include "io/connectors.h"
#include "io/memory.h"
#include "io/sink.h"

struct tr_sink {
	uint64_t rows; /* taken so far; a debugger's friend */
};

static tr_code blackhole_open(const struct tr_table_spec *spec, struct tr_sink_context *context, struct tr_sink **sink,
			      struct tr_status *st)
{
	TR_ASSERT(spec != NULL && sink != NULL);
	context->wake_at_ns = INT64_MAX;
	*sink = tr_io_calloc(1, sizeof(**sink));
	return TR_OK;
}

static enum tr_flow blackhole_write(struct tr_sink *sink, const struct tr_batch *batch, struct tr_status *st)
{
	sink->rows += batch->selected_count;
	return TR_FLOW_MORE;
}

static enum tr_flow blackhole_more(struct tr_sink *sink, struct tr_status *st) { return TR_FLOW_MORE; }

static enum tr_flow blackhole_finish(struct tr_sink *sink, struct tr_status *st) { return TR_FLOW_DONE; }

static void blackhole_close(struct tr_sink **sink)
{
	TR_ASSERT(sink != NULL);
	free(*sink);
	*sink = NULL;
}

static const struct tr_sink_ops blackhole_ops = {
	.open = blackhole_open,
	.write = blackhole_write,
	.resume = blackhole_more,
	.tick = blackhole_more,
	.finish = blackhole_finish,
	.close = blackhole_close,
};

static const struct tr_option_spec blackhole_options[] = {
	TR_SINK_PARALLELISM_OPTION,
	{.key = NULL},
};

const struct tr_connector tr_connector_blackhole = {
	.name = "blackhole",
	.doc = "Takes every row and keeps none; for measurements.",
	.example = "CREATE TABLE nowhere (id BIGINT, name STRING) WITH ('connector' = 'blackhole');",
	.options = blackhole_options,
	.sink = &blackhole_ops,
};
