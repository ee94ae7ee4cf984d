/* SPDX-License-Identifier: Apache-2.0
 *
 * Statements and queries: what Flink accepts parses, into the right nodes.
 */
#include "sql_test.h"

static void test_nexmark(void **state)
{
	static const char *const queries[] = {
		"CREATE TABLE nexmark (event_type INT, person ROW<id BIGINT, name VARCHAR, emailAddress VARCHAR, "
		"creditCard "
		"VARCHAR, city VARCHAR, state VARCHAR, `dateTime` TIMESTAMP(3), extra VARCHAR>, auction ROW<id BIGINT, "
		"expires TIMESTAMP(3)>, bid ROW<auction BIGINT, `dateTime` TIMESTAMP(3)>, `dateTime` AS CASE WHEN "
		"event_type = 0 THEN person.`dateTime` WHEN event_type = 1 THEN auction.expires ELSE bid.`dateTime` "
		"END, "
		"WATERMARK FOR `dateTime` AS `dateTime` - INTERVAL '4' SECOND) WITH ('connector' = 'nexmark', "
		"'first-event.rate' = '10000')",
		"CREATE VIEW bid AS SELECT bid.auction, bid.`dateTime` FROM nexmark WHERE event_type = 2",
		"INSERT INTO nexmark_q1 SELECT auction, bidder, 0.908 * price as price, `dateTime`, extra FROM bid",
		"INSERT INTO nexmark_q2 SELECT auction, price FROM bid WHERE MOD(auction, 123) = 0",
		"INSERT INTO q3 SELECT P.name, P.city, P.state, A.id FROM auction AS A INNER JOIN person AS P on "
		"A.seller = "
		"P.id WHERE A.category = 10 and (P.state = 'OR' OR P.state = 'ID' OR P.state = 'CA')",
		"INSERT INTO q4 SELECT Q.category, AVG(Q.final) FROM (SELECT MAX(B.price) AS final, A.category FROM "
		"auction A, "
		"bid B WHERE A.id = B.auction AND B.`dateTime` BETWEEN A.`dateTime` AND A.expires GROUP BY A.id, "
		"A.category) "
		"Q GROUP BY Q.category",
		"INSERT INTO q5 SELECT AuctionBids.auction, AuctionBids.num FROM (SELECT auction, count(*) AS num, "
		"window_start "
		"AS starttime, window_end AS endtime FROM TABLE(HOP(TABLE bid, DESCRIPTOR(`dateTime`), INTERVAL '2' "
		"SECOND, "
		"INTERVAL '10' SECOND)) GROUP BY auction, window_start, window_end) AS AuctionBids JOIN (SELECT "
		"max(CountBids.num) AS maxn, CountBids.starttime, CountBids.endtime FROM (SELECT count(*) AS num, "
		"window_start AS starttime, window_end AS endtime FROM TABLE(HOP(TABLE bid, DESCRIPTOR(`dateTime`), "
		"INTERVAL '2' SECOND, INTERVAL '10' SECOND)) GROUP BY auction, window_start, window_end) AS CountBids "
		"GROUP BY CountBids.starttime, CountBids.endtime) AS MaxBids ON AuctionBids.starttime = "
		"MaxBids.starttime "
		"AND AuctionBids.endtime = MaxBids.endtime AND AuctionBids.num >= MaxBids.maxn",
		"SELECT Q.seller, AVG(Q.final) OVER (PARTITION BY Q.seller ORDER BY Q.`dateTime` ROWS BETWEEN 10 "
		"PRECEDING AND "
		"CURRENT ROW) FROM (SELECT MAX(B.price) AS final, A.seller, B.`dateTime` FROM auction AS A, bid AS B) "
		"AS Q",
		"INSERT INTO q7 SELECT B.auction FROM bid B JOIN (SELECT MAX(price) AS maxprice, window_end as "
		"`dateTime` FROM "
		"TABLE(TUMBLE(TABLE bid, DESCRIPTOR(`dateTime`), INTERVAL '10' SECOND)) GROUP BY window_start, "
		"window_end) "
		"B1 ON B.price = B1.maxprice WHERE B.`dateTime` BETWEEN B1.`dateTime` - INTERVAL '10' SECOND AND "
		"B1.`dateTime`",
		"INSERT INTO q9 SELECT id FROM (SELECT A.*, B.auction, ROW_NUMBER() OVER (PARTITION BY A.id ORDER BY "
		"B.price "
		"DESC, B.`dateTime` ASC) AS rownum FROM auction A, bid B WHERE A.id = B.auction) WHERE rownum <= 1",
		"CREATE TABLE q10 (auction BIGINT, dt STRING, hm STRING) PARTITIONED BY (dt, hm) WITH ('connector' = "
		"'filesystem', 'path' = 'file:///tmp/q10', 'format' = 'csv')",
		"INSERT INTO q10 SELECT auction, DATE_FORMAT(`dateTime`, 'yyyy-MM-dd'), DATE_FORMAT(`dateTime`, "
		"'HH:mm') FROM bid",
		"INSERT INTO q11 SELECT B.bidder, count(*) as bid_count, SESSION_START(B.`dateTime`, INTERVAL '10' "
		"SECOND) as "
		"starttime FROM bid B GROUP BY B.bidder, SESSION(B.`dateTime`, INTERVAL '10' SECOND)",
		"CREATE VIEW B AS SELECT *, PROCTIME() as p_time FROM bid",
		"INSERT INTO q13 SELECT B.auction, S.`value` FROM (SELECT *, PROCTIME() as p_time FROM bid) B JOIN "
		"side_input "
		"FOR SYSTEM_TIME AS OF B.p_time AS S ON mod(B.auction, 10000) = S.key",
		"CREATE FUNCTION count_char AS 'com.github.nexmark.flink.udf.CountChar'",
		"INSERT INTO q14 SELECT auction, CASE WHEN HOUR(`dateTime`) >= 8 AND HOUR(`dateTime`) <= 18 THEN "
		"'dayTime' WHEN "
		"HOUR(`dateTime`) <= 6 OR HOUR(`dateTime`) >= 20 THEN 'nightTime' ELSE 'otherTime' END AS bidTimeType "
		"FROM "
		"bid WHERE 0.908 * price > 1000000 AND 0.908 * price < 50000000",
		"INSERT INTO q15 SELECT DATE_FORMAT(`dateTime`, 'yyyy-MM-dd') as `day`, count(*) AS total_bids, "
		"count(*) filter "
		"(where price < 10000) AS rank1_bids, count(distinct bidder) filter (where price >= 10000 and price < "
		"1000000) "
		"AS x FROM bid GROUP BY DATE_FORMAT(`dateTime`, 'yyyy-MM-dd')",
		"INSERT INTO q18 SELECT auction FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY bidder, auction ORDER "
		"BY "
		"`dateTime` DESC) AS rank_number FROM bid) WHERE rank_number <= 1",
		"INSERT INTO q21 SELECT auction, CASE WHEN lower(channel) = 'apple' THEN '0' ELSE REGEXP_EXTRACT(url, "
		"'(&|^)channel_id=([^&]*)', 2) END AS channel_id FROM bid where REGEXP_EXTRACT(url, 'x', 2) is not "
		"null or "
		"lower(channel) in ('apple', 'google')",
		"INSERT INTO q22 SELECT auction, SPLIT_INDEX(url, '/', 3) as dir1 FROM bid",
		"SELECT * FROM bid MATCH_RECOGNIZE (PARTITION BY bidder ORDER BY `dateTime` MEASURES A.price AS p ONE "
		"ROW PER "
		"MATCH AFTER MATCH SKIP PAST LAST ROW PATTERN (A B{2,4}? C*) WITHIN INTERVAL '5' SECOND DEFINE B AS "
		"B.price "
		"> 1) AS T",
	};

	for (uint32_t i = 0; i < TR_COUNT_OF(queries); i++)
		assert_parses(queries[i]);
}

static void test_window_functions(void **state)
{
	struct parsed p;
	const struct tr_ast_table_ref *from;
	const struct tr_ast_expr *call;

	parse(&p, "SELECT * FROM SESSION(DATA => TABLE t PARTITION BY a, b, TIMECOL => DESCRIPTOR(ts), GAP => "
		  "INTERVAL '1' MINUTE) s");
	assert_int_equal(p.diags.error_count, 0);
	from = p.script->statements[0]->query->select.from;
	assert_int_equal(from->kind, TR_AST_TABLE_FUNCTION);
	assert_false(from->function.is_wrapped);
	assert_string_equal(from->alias->text, "s");
	call = from->function.call;
	assert_int_equal(call->args.count, 3);
	assert_string_equal(call->call->argument_names[1]->text, "TIMECOL");
	assert_int_equal(call->args.items[0]->kind, TR_AST_EXPR_TABLE_ARG);
	assert_int_equal(call->args.items[0]->table_arg.partition_by.count, 2);
	assert_int_equal(call->args.items[1]->kind, TR_AST_EXPR_DESCRIPTOR);
	assert_string_equal(call->args.items[1]->descriptor.items[0].text, "ts");
	done(&p);
	assert_parses("SELECT * FROM TABLE(SESSION(TABLE t PARTITION BY k, DESCRIPTOR(ts), INTERVAL '1' MINUTE))");
	assert_parses("SELECT * FROM TABLE(CUMULATE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' MINUTE, INTERVAL '1' HOUR))");
	assert_parses(
		"SELECT * FROM TABLE(TUMBLE(DATA => TABLE t, TIMECOL => DESCRIPTOR(ts), SIZE => INTERVAL '1' DAY, "
		"`OFFSET` => INTERVAL '1' HOUR))");
	assert_parses(
		"SELECT * FROM TABLE(TUMBLE((SELECT * FROM t) PARTITION BY (a, b), DESCRIPTOR(ts), INTERVAL '1' DAY))");
}

static void test_create_table(void **state)
{
	struct parsed p;
	const struct tr_ast_create_table *t;

	parse(&p,
	      "CREATE TEMPORARY TABLE IF NOT EXISTS c.d.t (id BIGINT NOT NULL COMMENT 'the id', payload ROW<a INT, b "
	      "STRING>, kts TIMESTAMP_LTZ(3) METADATA FROM 'timestamp', part INT METADATA VIRTUAL, cost AS price * "
	      "quantity, k INT PRIMARY KEY NOT ENFORCED, ptime AS PROCTIME(), WATERMARK FOR kts AS kts - INTERVAL '5' "
	      "SECOND, CONSTRAINT pk PRIMARY KEY (id, k) NOT ENFORCED) COMMENT 'c' DISTRIBUTED BY HASH (id) INTO 4 "
	      "BUCKETS PARTITIONED BY (dt, hr) WITH ('connector' = 'kafka', 'x' = '1') LIKE src (INCLUDING ALL "
	      "OVERWRITING OPTIONS)");
	assert_int_equal(p.diags.error_count, 0);
	t = &p.script->statements[0]->create_table;
	assert_true(t->is_temporary && t->if_not_exists);
	assert_int_equal(t->name.count, 3);
	assert_int_equal(t->column_count, 7);
	assert_true(t->columns[0].type->is_not_null);
	assert_string_equal(t->columns[0].comment->text, "the id");
	assert_int_equal(t->columns[1].type->kind, TR_TYPE_ROW);
	assert_string_equal(t->columns[1].type->names[1].text, "b");
	assert_int_equal(t->columns[2].kind, TR_AST_COLUMN_METADATA);
	assert_string_equal(t->columns[2].metadata_key->text, "timestamp");
	assert_true(t->columns[3].is_virtual);
	assert_int_equal(t->columns[4].kind, TR_AST_COLUMN_COMPUTED);
	assert_true(t->columns[5].is_primary_key);
	assert_int_equal(t->watermark_count, 1);
	assert_true(t->keys[0].is_not_enforced);
	assert_int_equal(t->keys[0].columns.count, 2);
	assert_int_equal(t->distribution->bucket_count, 4);
	assert_int_equal(t->partitioned_by.count, 2);
	assert_string_equal(t->with.items[1].key.text, "x");
	assert_int_equal(t->like->option_count, 2);
	done(&p);
	assert_parses("CREATE TABLE t WITH ('a' = 'b') AS SELECT 1 AS x");
	assert_parses("CREATE TABLE t (a, b) WITH ('a' = 'b') AS SELECT 1, 2");
}

static void test_other_statements(void **state)
{
	static const char *const statements[] = {
		"SET 'a' = 'b'",
		"SET",
		"RESET",
		"RESET 'a'",
		"USE db",
		"USE CATALOG c",
		"USE MODULES a, b",
		"SHOW TABLES",
		"SHOW TABLES FROM db LIKE 'x%'",
		"SHOW CREATE TABLE t",
		"SHOW COLUMNS FROM t",
		"SHOW JOBS",
		"SHOW FULL MODULES",
		"DESCRIBE t",
		"DESC EXTENDED t",
		"DESCRIBE JOB 'x'",
		"DESCRIBE CATALOG c",
		"DROP TABLE IF EXISTS t",
		"DROP TEMPORARY VIEW v",
		"DROP DATABASE d CASCADE",
		"ALTER TABLE t ADD (x INT FIRST)",
		"STOP JOB 'x' WITH SAVEPOINT",
		"CALL p(1)",
		"ANALYZE TABLE t COMPUTE STATISTICS",
		"ADD JAR 'x.jar'",
		"COMPILE PLAN 'f' FOR INSERT INTO a SELECT 1",
		"CREATE CATALOG c WITH ('type' = 'jdbc')",
		"CREATE DATABASE IF NOT EXISTS d COMMENT 'x'",
		"DELETE FROM t WHERE a = 1",
		"CREATE TEMPORARY SYSTEM FUNCTION f AS 'c' LANGUAGE JAVA USING JAR 'a', JAR 'b'",
		"INSERT OVERWRITE t PARTITION (dt = '2026', hr) (a, b) SELECT 1, 2",
		"INSERT INTO t VALUES (1, 'a'), (2, NULL)",
		"INSERT INTO t /*+ OPTIONS('k' = 'v') */ (SELECT 1) UNION ALL (SELECT 2)",
		"INSERT INTO t SELECT 1 ON CONFLICT DO NOTHING",
		"EXPLAIN SELECT 1",
		"EXPLAIN PLAN FOR SELECT 1",
		"EXPLAIN CHANGELOG_MODE, PLAN_ADVICE INSERT INTO t SELECT 1",
		"EXPLAIN STATEMENT SET BEGIN INSERT INTO a SELECT 1; END",
		"EXECUTE STATEMENT SET BEGIN INSERT INTO a SELECT 1; INSERT INTO b SELECT 2; END",
		"BEGIN STATEMENT SET; INSERT INTO a SELECT 1; INSERT INTO b SELECT 2; END",
	};
	struct parsed p;

	for (uint32_t i = 0; i < TR_COUNT_OF(statements); i++)
		assert_parses(statements[i]);
	parse(&p, "STOP JOB 'x' WITH DRAIN;");
	assert_int_equal(p.script->statements[0]->kind, TR_AST_STATEMENT_OTHER);
	assert_string_equal(p.script->statements[0]->other.words, "STOP JOB");
	assert_string_equal(p.script->statements[0]->other.text.text, "STOP JOB 'x' WITH DRAIN");
	done(&p);
	parse(&p, "BEGIN STATEMENT SET; INSERT INTO a SELECT 1; INSERT INTO b SELECT 2; END; SELECT 1;");
	assert_int_equal(p.script->count, 2);
	assert_int_equal(p.script->statements[0]->statement_set.count, 2);
	done(&p);
}

static void test_queries(void **state)
{
	static const char *const queries[] = {
		"WITH a AS (SELECT 1), b (x) AS (SELECT 2) SELECT * FROM a, b",
		"SELECT a, SUM(b) FROM t GROUP BY GROUPING SETS ((a, b), (a), ())",
		"SELECT 1 FROM t GROUP BY ROLLUP (a, b), CUBE (c), d HAVING COUNT(*) > 1",
		"SELECT SUM(x) OVER w FROM t WINDOW w AS (PARTITION BY a ORDER BY ts RANGE BETWEEN INTERVAL '1' HOUR "
		"PRECEDING AND "
		"CURRENT ROW)",
		"SELECT * FROM t QUALIFY ROW_NUMBER() OVER (PARTITION BY a ORDER BY b) <= 3",
		"SELECT * FROM t ORDER BY a DESC NULLS LAST, b LIMIT 10 OFFSET 5 ROWS",
		"SELECT * FROM t OFFSET 1 ROW FETCH FIRST 3 ROWS ONLY",
		"SELECT /*+ BROADCAST(a), STATE_TTL('t' = '1d') */ DISTINCT a.* FROM a /*+ OPTIONS('x' = 'y') */ AS q",
		"SELECT * FROM a LEFT OUTER JOIN b ON a.x = b.x RIGHT JOIN c USING (x, y) FULL JOIN d ON TRUE CROSS "
		"JOIN e "
		"NATURAL JOIN f",
		"SELECT * FROM a, LATERAL TABLE(f(a.x)) AS T(y, z), UNNEST(a.arr) WITH ORDINALITY AS u(e, n)",
		"SELECT * FROM a LEFT JOIN LATERAL TABLE(f(x)) t ON TRUE",
		"SELECT * FROM (VALUES (1, 'a'), (2, 'b')) AS v(x, y)",
		"VALUES 1, 2",
		"TABLE t",
		"SELECT * FROM ((SELECT 1) UNION (SELECT 2)) x",
		"SELECT * FROM ((a JOIN b ON TRUE))",
		"(SELECT 1 LIMIT 1) UNION ALL (SELECT 2 ORDER BY 1) ORDER BY 1",
		"(SELECT 1 LIMIT 5) LIMIT 3",
		"SELECT * FROM t FOR SYSTEM_TIME AS OF TIMESTAMP '2026-01-01 00:00:00' x",
	};
	struct parsed p;
	const struct tr_ast_query *q;

	for (uint32_t i = 0; i < TR_COUNT_OF(queries); i++)
		assert_parses(queries[i]);
	parse(&p, "SELECT 1 UNION SELECT 2 INTERSECT SELECT 3 EXCEPT ALL SELECT 4");
	q = p.script->statements[0]->query;
	assert_int_equal(q->set.op, TR_AST_SET_EXCEPT);
	assert_true(q->set.is_all);
	assert_int_equal(q->set.left->set.op, TR_AST_SET_UNION);
	assert_int_equal(q->set.left->set.right->set.op, TR_AST_SET_INTERSECT);
	done(&p);
}

/* Texts that hold `count` times `unit` between head and tail must be answered at once. */
static void assert_quick(const char *head, const char *unit, uint32_t count, const char *tail, bool is_error)
{
	size_t unit_length = strlen(unit), length = strlen(head) + unit_length * count + strlen(tail);
	char *sql = malloc(length + 1), *at = sql + strlen(head);
	struct parsed p;
	clock_t start = clock();

	strcpy(sql, head);
	for (uint32_t i = 0; i < count; i++, at += unit_length)
		memcpy(at, unit, unit_length);
	strcpy(at, tail);
	parse(&p, sql);
	tr_diags_render(&p.diags, false, &p.arena);
	assert_int_equal(p.diags.error_count > 0, is_error);
	if (is_error)
		assert_string_equal(p.diags.items[0].code, TR_E_LIMIT);
	assert_true((double)(clock() - start) / CLOCKS_PER_SEC < 3.0); /* one second, thrice with sanitizers */
	done(&p);
	free(sql);
}

static void test_limits(void **state)
{
	assert_quick("SELECT ", "(", 100000, "", true);
	assert_quick("SELECT ", "NOT ", 100000, "a", true);
	assert_quick("SELECT ", "- ", 100000, "1", true);
	assert_quick("SELECT ", "CASE WHEN ", 100000, "1", true);
	assert_quick("SELECT * FROM ", "(SELECT * FROM ", 60000, "t", true);
	assert_quick("SELECT * FROM ", "(", 100000, "t", true);
	assert_quick("", "(", 100000, "SELECT 1", true);
	assert_quick("SELECT ", "f(", 100000, "", true);
	assert_quick("SELECT a", "[1", 100000, "", true);
	assert_quick("SELECT a", ".b", 100000, " FROM t", false);
	assert_quick("SELECT f(x)", ".b", 100000, " FROM t", true);
	assert_quick("SELECT 1", "+1", 100000, "", true);
	assert_quick("SELECT a", " OR a", 100000, "", true);
	assert_quick("SELECT 1", " UNION ALL SELECT 1", 50000, "", true);
	assert_quick("SELECT * FROM a", " CROSS JOIN a", 50000, "", true);
	assert_quick("SELECT 1 FROM t GROUP BY ", "ROLLUP(", 100000, "a", true);
	assert_quick("CREATE TABLE t (a ", "ARRAY<", 100000, "INT", true);
	assert_quick("CREATE TABLE t (a INT", " ARRAY", 100000, ")", true);
	assert_quick("CREATE TABLE t (a INT", ", b INT", 100000, ")", true);
	assert_quick("SELECT 1", ", 1", 2000, "", true);
	assert_quick("SELECT a IN (1", ", 1", 100000, ")", true);
	assert_quick("INSERT INTO t VALUES (1, 'x')", ", (1, 'x')", 100000, "", false);
	assert_quick("", "SELECT 1;", 9000, "", false);
	assert_quick("SELECT 1 /* ", "x", 1000000, "*/", false);
	assert_quick("SELECT '", "''", 500000, "'", false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nexmark),      cmocka_unit_test(test_window_functions),
		cmocka_unit_test(test_create_table), cmocka_unit_test(test_other_statements),
		cmocka_unit_test(test_queries),      cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
