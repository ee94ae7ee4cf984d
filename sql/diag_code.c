/* SPDX-License-Identifier: Apache-2.0
 *
 * See the header.
 */
#include "sql/diag_code.h"

#include <stddef.h>
#include <strings.h>

#include "base/check.h"
#include "sql/bind.h"
#include "sql/diag.h"

#define BIDS                                                                                       \
	"CREATE TABLE bids (auction BIGINT, price INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts)\n" \
	"WITH ('connector' = 'datagen', 'number-of-rows' = '10');\n"
#define NOTES "CREATE TABLE notes (auction BIGINT) WITH ('connector' = 'blackhole');\n"

static const struct tr_diag_code codes[] = {
	{TR_E_TEXT_TOO_LONG, "the script is too long",
	 "A script has at most a mebibyte of text. Split it into several scripts, or leave out data that stands in "
	 "VALUES and "
	 "read it from a file.",
	 NULL, NULL},
	{TR_E_TEXT_BYTE, "the script is not UTF-8 text",
	 "A NUL byte, or bytes that are no UTF-8. Save the file as UTF-8; `iconv -f LATIN1 -t UTF-8` converts an old "
	 "one.",
	 NULL, NULL},
	{TR_E_VARIABLE, "a ${NAME} without a value",
	 "Variables are filled in before the script is read: by -v NAME=VALUE; ${NAME:-text} has a value in any case. "
	 "A ${ that is "
	 "meant as such is written $${.",
	 "SELECT '${NAME}';", "SELECT '${NAME:-a}';"},
	{TR_E_CHARACTER, "a character that begins nothing",
	 "No word, number, string or operator begins like this. Often it is a quote that an editor has made curly, or "
	 "a "
	 "character of another language's SQL. Names with special characters stand in `back quotes`.",
	 "SELECT \xe2\x80\x99"
	 "a\xe2\x80\x99;",
	 "SELECT 'a';"},
	{TR_E_UNTERMINATED, "a string, name or comment without its end",
	 "From the caret on, all the rest of the script was taken as inside it. Strings end with ', names with `, "
	 "comments "
	 "with */. A ' inside of a string is written twice.",
	 "SELECT 'it's';", "SELECT 'it''s';"},
	{TR_E_LITERAL, "a malformed literal", "A number, string or escape that is not written as SQL wants it.",
	 "SELECT U&'\\26';", "SELECT U&'\\0026';"},
	{TR_E_SYNTAX, "a syntax error",
	 "Something else was expected at the caret. What stands just before it is often the cause: a comma too many, a "
	 "missing "
	 "parenthesis, clauses in another order than SELECT, FROM, WHERE, GROUP BY, HAVING, ORDER BY.",
	 "SELECT 1,;", "SELECT 1;"},
	{TR_E_RESERVED, "a reserved word as a name",
	 "SQL keeps this word for itself. Put it in `back quotes` to use it as a name, or choose another.",
	 "SELECT 1 AS value;", "SELECT 1 AS `value`;"},
	{TR_E_LIMIT, "a limit is exceeded",
	 "Queries may be nested, long and wide, but not without end, so that any script is answered within a second. "
	 "The "
	 "message names the limit.",
	 NULL, NULL},
	{TR_E_TYPE_NAME, "an unknown type",
	 "The name is no type of Flink SQL, or its length or precision is out of range. Types are BOOLEAN, TINYINT, "
	 "SMALLINT, "
	 "INT, BIGINT, FLOAT, DOUBLE, DECIMAL(p, s), CHAR(n), VARCHAR(n), STRING, BINARY(n), VARBINARY(n), BYTES, "
	 "DATE, TIME, "
	 "TIMESTAMP(p), TIMESTAMP_LTZ(p), INTERVAL, ARRAY<t>, MAP<k, v>, MULTISET<t> and ROW<name t, ...>.",
	 "SELECT CAST(1 AS INTEGR);", "SELECT CAST(1 AS INTEGER);"},
	{TR_E_DUPLICATE, "something given twice", "A column, option or clause may stand only once.",
	 "CREATE TABLE t (a INT, a INT) WITH ('connector' = 'datagen');",
	 "CREATE TABLE t (a INT, b INT) WITH ('connector' = 'datagen');"},
	{TR_E_NO_TABLE, "no such table or view",
	 "Tables are those that the script has created before this statement; names tell upper from lower case. SHOW "
	 "TABLES "
	 "lists them.",
	 "SELECT auction FROM bids;", BIDS "SELECT auction FROM bids;"},
	{TR_E_NO_COLUMN, "no such column or field",
	 "None of the tables in FROM has it, or it is hidden by a subquery that does not select it. Names tell upper "
	 "from lower "
	 "case. An alias of SELECT can't be used in the WHERE of the same query. DESCRIBE lists a table's columns.",
	 BIDS "SELECT auktion FROM bids;", BIDS "SELECT auction FROM bids;"},
	{TR_E_AMBIGUOUS, "a name that fits several columns",
	 "Say which one by its table: t.name. Two columns of one subquery need aliases of their own.",
	 "SELECT a FROM (VALUES (1, 2)) AS t(a, a);", "SELECT a FROM (VALUES (1, 2)) AS t(a, b);"},
	{TR_E_NO_FUNCTION, "no such function, or none for these types",
	 "`tailrace functions` lists all functions, `tailrace functions NAME` tells what one takes. A CAST of the "
	 "argument "
	 "often helps.",
	 "SELECT UPER('a');", "SELECT UPPER('a');"},
	{TR_E_EXISTS, "a table or view of that name is there already",
	 "Choose another name, DROP the old one, or say CREATE TABLE IF NOT EXISTS.", NOTES NOTES,
	 NOTES "DROP TABLE notes;\n" NOTES},
	{TR_E_LIBRARY, "a function that its library does not give",
	 "CREATE FUNCTION loads the library, which must belong to you or root and lie where nobody else can write, and "
	 "looks for the "
	 "symbol, which must be a struct made by TR_USER_FUNCTION (include/tailrace/user_function.h) for this engine's "
	 "binary interface. The message says what is missing.",
	 "CREATE FUNCTION f AS 'f' LANGUAGE C;", NULL},
	{TR_E_TYPE, "an operand of the wrong type",
	 "The operator, clause or function is not there for values of this type. Flink's rules hold: text and numbers "
	 "are neither added nor compared; a condition must be BOOLEAN. CAST says what is meant.",
	 BIDS "SELECT auction FROM bids WHERE price;", BIDS "SELECT auction FROM bids WHERE price > 0;"},
	{TR_E_VALUE, "a value that can't be",
	 "A constant that does not have the form of its type, a pattern that is no regular expression, an argument out "
	 "of its "
	 "range. It was found before anything ran.",
	 "SELECT CAST('2026-13-01' AS DATE);", "SELECT CAST('2026-12-01' AS DATE);"},
	{TR_E_GROUPING, "a column that is not grouped, or an aggregate at the wrong place",
	 "With GROUP BY, or an aggregate in SELECT, each column stands either in GROUP BY or inside of an aggregate. "
	 "Aggregates "
	 "stand in SELECT, HAVING, QUALIFY and ORDER BY, and not in WHERE or inside of one another.",
	 BIDS "SELECT auction, price, COUNT(*) FROM TABLE(TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '1' HOUR))\n"
	      "GROUP BY auction, window_start, window_end;",
	 BIDS "SELECT auction, MAX(price), COUNT(*) FROM TABLE(TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '1' HOUR))\n"
	      "GROUP BY auction, window_start, window_end;"},
	{TR_E_SINK, "a result that does not fit the table it goes to",
	 "INSERT matches columns by their order, not by their names: as many, and each of a type that widens to the "
	 "table's. "
	 "A CAST in the SELECT converts anything else.",
	 BIDS NOTES "INSERT INTO notes SELECT ts FROM bids;", BIDS NOTES "INSERT INTO notes SELECT auction FROM bids;"},
	{TR_E_OPTION, "an option that is unknown, missing or malformed",
	 "`tailrace connectors NAME` lists the options of a connector or format, which of them are required, and "
	 "examples.",
	 "CREATE TABLE t (a INT) WITH ('connector' = 'datagn');",
	 "CREATE TABLE t (a INT) WITH ('connector' = 'datagen');"},
	{TR_E_TABLE, "a table that can't be as it is declared",
	 "The columns, the watermark and the connector contradict each other, or the table is read where it can only "
	 "be written, or "
	 "the other way round.",
	 NOTES "SELECT auction FROM notes;", BIDS "SELECT auction FROM bids;"},
	{TR_E_SETTING, "a setting that is unknown or has a bad value",
	 "`tailrace config` lists the keys with their defaults. Flink's keys are known; those that mean nothing on one "
	 "machine "
	 "are taken with a warning.",
	 "SET 'parallelism.defalt' = '2';", "SET 'parallelism.default' = '2';"},
	{TR_E_PLAN, "a query that can't be planned",
	 "Each part is right by itself, but they can't be put together as one job. The message says what is in the "
	 "way.",
	 NULL, NULL},
	{TR_E_TIME, "no time attribute where one is needed",
	 "Windows need a column of event time (one with a WATERMARK) or of processing time (PROCTIME()). A column that "
	 "was "
	 "computed from a time attribute, even by a CAST, is none any more: pass the column itself through.",
	 BIDS "SELECT COUNT(*) FROM TABLE(TUMBLE(TABLE bids, DESCRIPTOR(auction), INTERVAL '1' HOUR))\n"
	      "GROUP BY window_start, window_end;",
	 BIDS "SELECT COUNT(*) FROM TABLE(TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '1' HOUR))\n"
	      "GROUP BY window_start, window_end;"},
	{TR_E_WINDOW, "a window that makes no sense",
	 "Sizes are positive; the size of HOP and CUMULATE is a multiple of its slide or step, which comes first. What "
	 "reads a "
	 "window's columns groups by window_start and window_end.",
	 BIDS "SELECT COUNT(*) FROM TABLE(HOP(TABLE bids, DESCRIPTOR(ts), INTERVAL '2' MINUTE, INTERVAL '5' MINUTE))\n"
	      "GROUP BY window_start, window_end;",
	 BIDS "SELECT COUNT(*) FROM TABLE(HOP(TABLE bids, DESCRIPTOR(ts), INTERVAL '1' MINUTE, INTERVAL '5' MINUTE))\n"
	      "GROUP BY window_start, window_end;"},
	{TR_E_UNBOUNDED, "a statement that would never be reached",
	 "Statements run one after the other, and the one before never ends, since its source does not. Put statements "
	 "that shall "
	 "run together into BEGIN STATEMENT SET; .. END;, or bound the source.",
	 "CREATE TABLE s (a INT) WITH ('connector' = 'datagen');\nSELECT a FROM s;\nSELECT 1;",
	 "CREATE TABLE s (a INT) WITH ('connector' = 'datagen', 'number-of-rows' = '5');\nSELECT a FROM s;\nSELECT 1;"},
	{TR_E_BATCH, "a table that never ends, in batch mode",
	 "With 'execution.runtime-mode' = 'batch' a query answers once, when all of its input has ended; so each "
	 "source must end. "
	 "The hint says what makes it.",
	 "SET 'execution.runtime-mode' = 'batch';\nCREATE TABLE s (a INT) WITH ('connector' = 'datagen');\n"
	 "SELECT COUNT(*) FROM s;",
	 "SET 'execution.runtime-mode' = 'batch';\n"
	 "CREATE TABLE s (a INT) WITH ('connector' = 'datagen', 'number-of-rows' = '5');\nSELECT COUNT(*) FROM s;"},
	{TR_E_NOT_SUPPORTED, "not supported yet",
	 "Flink has it, Tailrace does not, or not yet: docs/ROADMAP.md says in which order things come. Nothing is "
	 "ever taken "
	 "and ignored.",
	 BIDS "SELECT a.price FROM bids AS a JOIN bids AS b ON a.auction = b.auction;", NULL},
	{TR_W_NO_EFFECT, "a setting without effect",
	 "The key is one of Flink's and is about what a single machine does not have: task managers, slots, a cluster. "
	 "The script "
	 "runs the same without it.",
	 "SET 'taskmanager.numberOfTaskSlots' = '4';", NULL},
};

const struct tr_diag_code *tr_diag_codes(uint32_t *count)
{
	*count = TR_COUNT_OF(codes);
	return codes;
}

const struct tr_diag_code *tr_diag_code_find(const char *code)
{
	for (size_t i = 0; i < TR_COUNT_OF(codes); i++)
		if (strcasecmp(codes[i].code, code) == 0)
			return &codes[i];
	return NULL;
}
