/* SPDX-License-Identifier: Apache-2.0
 *
 * Plans: what the check refuses, how nodes are numbered, and the text of EXPLAIN.
 */
#include "core/harness.h"

static void expect(struct harness_plan *p, const char *message)
{
	struct tr_status st = {0};

	assert_int_equal(tr_plan_check(&p->plan, &st), TR_ERR_INTERNAL);
	if (strstr(st.message, message) == NULL)
		fail_msg("no \"%s\" in: %s", message, st.message);
}

static void test_refused(void **state)
{
	struct harness h;
	struct harness_plan p;
	struct tr_node *scan, *exchange;

	harness_init(&h, 1, 1, 1);
	harness_plan_init(&p, 10, 1, 1);
	expect(&p, "no sinks");
	harness_sink(&p, harness_project(&p, harness_scan(&p, 2), 3), 3);
	expect(&p, "plan node 1 (Project): parallelism 3 over an input of 2 without an exchange");
	harness_sink(&p, harness_scan(&p, 2), 2);
	expect(&p, "plan node 0 (Sink): input and table differ");
	scan = harness_scan(&p, 2);
	scan->scan.watermark_expr = NULL;
	harness_sink(&p, harness_project(&p, scan, 2), 2);
	expect(&p, "plan node 2 (Scan): time and watermark go together");
	exchange = harness_exchange(&p, harness_scan(&p, 2), TR_EXCHANGE_HASH, 2);
	exchange->exchange.key_count = 0;
	harness_sink(&p, harness_project(&p, exchange, 2), 2);
	expect(&p, "(Exchange): a hash exchange needs keys");
	exchange = harness_exchange(&p, harness_scan(&p, 2), TR_EXCHANGE_GATHER, 2);
	harness_sink(&p, harness_project(&p, exchange, 2), 2);
	expect(&p, "behind a gather exchange");
	harness_sink(&p, harness_project(&p, harness_scan(&p, 65), 65), 65);
	expect(&p, "parallelism 65 is not in 1 .. 64");
	p.plan.batch_rows = 0;
	expect(&p, "0 rows a batch");
	harness_plan_deinit(&p);
	harness_deinit(&h);
}

#define TREE                                        \
	"Sink(table=[events], fields=[id, s])\n"    \
	"+- Project(select=[id, s])\n"              \
	"   +- Exchange(distribution=[hash[id]])\n" \
	"      +- Filter(where=[keep])\n"           \
	"         +- Scan(table=[events], fields=[id, t, w, keep, s], watermark=[t: w])\n"

static void test_text(void **state)
{
	struct harness h;
	struct harness_plan p;
	struct tr_status st = {0};
	struct tr_node *node;

	harness_init(&h, 1, 1, 1);
	harness_plan_init(&p, 10, 1, 1);
	node = harness_filter(&p, harness_scan(&p, 2));
	node = harness_exchange(&p, node, TR_EXCHANGE_HASH, 3);
	harness_sink(&p, harness_project(&p, node, 3), 3);
	assert_int_equal(tr_plan_check(&p.plan, &st), TR_OK);
	assert_int_equal(p.plan.node_count, 5);
	assert_int_equal(p.plan.sinks[0]->id, 0);
	assert_int_equal(node->id, 2);
	assert_string_equal(tr_plan_text(&p.arena, p.plan.sinks, &p.plan),
			    "== Abstract Syntax Tree ==\n" TREE "\n== Optimized Execution Plan ==\n" TREE "\n"
			    "== Stages ==\n"
			    "Stage 0 (parallelism 3): Sink <- Project <- Exchange of stage 1\n"
			    "Stage 1 (parallelism 2): Filter <- Scan\n");
	harness_plan_deinit(&p);
	harness_deinit(&h);
}

static struct tr_node *sink_of(struct harness_plan *p, const struct tr_node *input, const char *name)
{
	struct tr_node *sink = tr_plan_node(&p->arena, TR_NODE_SINK, &input, 1);
	struct tr_table_spec *table = harness_table(p, &p->output);

	table->name = name;
	sink->parallelism = input->parallelism;
	sink->sink.table = table;
	return sink;
}

/** Two sinks of one scan, one of them behind an exchange, and a union that reads it twice. */
static void test_shared(void **state)
{
	struct harness h;
	struct harness_plan p;
	struct tr_status st = {0};
	const struct tr_node *sinks[3], *inputs[2];
	struct tr_node *scan, *kept, *both;

	harness_init(&h, 1, 1, 1);
	harness_plan_init(&p, 10, 1, 1);
	scan = harness_scan(&p, 2);
	kept = harness_filter(&p, scan);
	inputs[0] = inputs[1] = harness_exchange(&p, kept, TR_EXCHANGE_FORWARD, 2);
	both = tr_plan_node(&p.arena, TR_NODE_UNION, inputs, 2);
	both->output = scan->output;
	both->parallelism = 2;
	sinks[0] = sink_of(&p, harness_project(&p, harness_exchange(&p, kept, TR_EXCHANGE_HASH, 3), 3), "a");
	sinks[1] = sink_of(&p, harness_project(&p, scan, 2), "b");
	sinks[2] = sink_of(&p, harness_project(&p, both, 2), "c");
	p.plan.sinks = sinks;
	p.plan.sink_count = 3;
	for (int again = 0; again < 2; again++) { /* what was made before is made anew */
		if (tr_plan_check(&p.plan, &st) != TR_OK)
			fail_msg("%s", st.message);
		assert_int_equal(p.plan.node_count, 11);
		for (uint32_t i = 0; i < p.plan.node_count; i++)
			assert_int_equal(p.plan.nodes[i]->id, i);
		assert_string_equal(sinks[1]->uid, "sink:b");
		assert_string_equal(scan->uid, "sink:a/scan:events + sink:b/scan:events + sink:c/scan:events + "
					       "sink:c/scan:events#2");
	}
	assert_string_equal(
		strstr(tr_plan_text(&p.arena, sinks, &p.plan), "== Optimized"),
		"== Optimized Execution Plan ==\n"
		"Sink(table=[a], fields=[id, s])\n"
		"+- Project(select=[id, s])\n"
		"   +- Exchange(distribution=[hash[id]])\n"
		"      +- Filter(where=[keep])(reuse_id=[1])\n"
		"         +- Scan(table=[events], fields=[id, t, w, keep, s], watermark=[t: w])(reuse_id=[2])\n"
		"Sink(table=[b], fields=[id, s])\n"
		"+- Project(select=[id, s])\n"
		"   +- Reused(reference_id=[2])\n"
		"Sink(table=[c], fields=[id, s])\n"
		"+- Project(select=[id, s])\n"
		"   +- Union(fields=[id, t, w, keep, s])\n"
		"      +- Exchange(distribution=[forward])(reuse_id=[3])\n"
		"         +- Reused(reference_id=[1])\n"
		"      +- Reused(reference_id=[3])\n"
		"\n== Stages ==\n"
		"Stage 0 (parallelism 3): Sink <- Project <- Exchange of stage 2\n"
		"Stage 1 (parallelism 2): Sink <- Project <- Union of stage 2, stage 2\n"
		"Stage 2 (parallelism 2): {{stage 0 | stage 1 | stage 1} <- Filter | Sink <- Project} <- Scan\n");
	assert_non_null(strstr(tr_plan_json(&p.arena, sinks, &p.plan),
			       "{\"stage\":2,\"parallelism\":2,\"operators\":[[[[[0],[1],[1]],\"Filter\"],"
			       "[\"Sink\",\"Project\"]]],\"reads\":\"Scan\",\"inputs\":[]}"));
	assert_non_null(strstr(tr_plan_json(&p.arena, sinks, &p.plan), "\"reuse_id\":2,\"readers\":2"));
	assert_non_null(strstr(tr_plan_json(&p.arena, sinks, &p.plan), "\"inputs\":[{\"reference_id\":2}]"));
	harness_plan_deinit(&p);
	harness_deinit(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_shared),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
