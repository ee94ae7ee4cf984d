/* SPDX-License-Identifier: Apache-2.0
 *
 * What `tailrace functions` says of the aggregates, by name.
 */
#include <strings.h>

#include "base/check.h"
#include "core/ops/agg_table.h"

#define DOC(name, signature, text, example)                       \
	{                                                         \
		name, "aggregate", signature, text, example, true \
	}

static const struct tr_func_doc docs[] = {
	DOC("ARRAY_AGG", "ARRAY_AGG([DISTINCT] any [RESPECT NULLS | IGNORE NULLS]) -> ARRAY",
	    "All values as an array, in the order of the rows, NULLs too (IGNORE NULLS leaves them out); NULL if there "
	    "are "
	    "none. DISTINCT keeps each value where it came first.",
	    "ARRAY_AGG(DISTINCT channel)"),
	DOC("AVG", "AVG([DISTINCT] numeric) -> the same type; DECIMAL(p, s) -> DECIMAL(38, max(6, s))",
	    "The mean of the values that are not NULL; NULL if there are none. Integers are truncated.", "AVG(price)"),
	DOC("COLLECT", "COLLECT([DISTINCT] any) -> MULTISET",
	    "The values that are not NULL as a multiset, which may be empty.", "COLLECT(channel)"),
	DOC("COUNT", "COUNT(*) -> BIGINT; COUNT([DISTINCT] any) -> BIGINT",
	    "The number of rows, or of values that are not NULL.", "COUNT(DISTINCT bidder)"),
	DOC("FIRST_VALUE", "FIRST_VALUE(any) -> the same type",
	    "The first value that is not NULL, in the order of the rows; NULL if there is none.", "FIRST_VALUE(price)"),
	DOC("GROUPING", "GROUPING(key, ..) -> BIGINT", "The same as GROUPING_ID.", "GROUPING(channel)"),
	DOC("GROUPING_ID", "GROUPING_ID(key, ..) -> BIGINT",
	    "Which of the keys the row's grouping set does not have: a bit for each, 1 if it does not, the last key's "
	    "the lowest.",
	    "GROUPING_ID(channel, bidder)"),
	DOC("GROUP_ID", "GROUP_ID() -> BIGINT", "How many equal grouping sets come before that of the row.",
	    "GROUP_ID()"),
	DOC("JSON_ARRAYAGG", "JSON_ARRAYAGG(any [NULL ON NULL | ABSENT ON NULL]) -> VARCHAR(2000)",
	    "All values as a JSON array, in the order of the rows; without NULLs, if not said otherwise.",
	    "JSON_ARRAYAGG(channel)"),
	DOC("JSON_OBJECTAGG", "JSON_OBJECTAGG([KEY] string VALUE any [NULL ON NULL | ABSENT ON NULL]) -> VARCHAR(2000)",
	    "The pairs of all rows as a JSON object, ordered by key; with NULLs, if not said otherwise. A key that is "
	    "NULL, or "
	    "comes twice, fails the job.",
	    "JSON_OBJECTAGG(KEY channel VALUE price)"),
	DOC("LAST_VALUE", "LAST_VALUE([DISTINCT] any) -> the same type",
	    "The last value that is not NULL, in the order of the rows; NULL if there is none. With DISTINCT the one "
	    "whose "
	    "first occurrence is the last.",
	    "LAST_VALUE(price)"),
	DOC("LISTAGG", "LISTAGG([DISTINCT] string [, separator]) -> STRING",
	    "The texts that are not NULL, in the order of the rows, with a literal separator (',') between them; NULL "
	    "if "
	    "there are none. DISTINCT keeps each text where it came first.",
	    "LISTAGG(channel, ' ')"),
	DOC("MAX", "MAX([DISTINCT] comparable) -> the same type",
	    "The greatest value that is not NULL; NULL if there is none. Strings compare bytewise, NaN is the "
	    "greatest.",
	    "MAX(price)"),
	DOC("MIN", "MIN([DISTINCT] comparable) -> the same type",
	    "The least value that is not NULL; NULL if there is none. Strings compare bytewise, NaN is the greatest.",
	    "MIN(price)"),
	DOC("PERCENTILE",
	    "PERCENTILE([DISTINCT] numeric, fraction [, frequency]) -> DOUBLE; with ARRAY[fraction, ..] -> "
	    "ARRAY<DOUBLE>",
	    "The value below which a fraction (literals of 0 to 1) of the values lies, interpolated; each counts as "
	    "often as "
	    "its frequency says. NULL if there are none.",
	    "PERCENTILE(price, 0.9)"),
	DOC("SINGLE_VALUE", "SINGLE_VALUE(any) -> the same type", "The value of the only row; two rows fail the job.",
	    "SINGLE_VALUE(price)"),
	DOC("STDDEV", "STDDEV([DISTINCT] numeric) -> as VAR_POP", "The same as STDDEV_SAMP.", "STDDEV(price)"),
	DOC("STDDEV_POP", "STDDEV_POP([DISTINCT] numeric) -> as VAR_POP", "The square root of VAR_POP.",
	    "STDDEV_POP(price)"),
	DOC("STDDEV_SAMP", "STDDEV_SAMP([DISTINCT] numeric) -> as VAR_POP", "The square root of VAR_SAMP.",
	    "STDDEV_SAMP(price)"),
	DOC("SUM", "SUM([DISTINCT] numeric) -> the same type; DECIMAL(p, s) -> DECIMAL(38, s)",
	    "The sum of the values that are not NULL; NULL if there are none. Integers wrap around at their width; a "
	    "DECIMAL sum of more than 38 digits is NULL; FLOAT and DOUBLE are summed exactly and rounded once.",
	    "SUM(price) FILTER (WHERE price > 100)"),
	DOC("VARIANCE", "VARIANCE([DISTINCT] numeric) -> as VAR_POP", "The same as VAR_SAMP.", "VARIANCE(price)"),
	DOC("VAR_POP", "VAR_POP([DISTINCT] numeric) -> the same type; DECIMAL(p, s) -> DECIMAL(38, max(6, s))",
	    "The variance of the values that are not NULL; NULL if there are none. Computed exactly and rounded once; "
	    "integers are truncated.",
	    "VAR_POP(price)"),
	DOC("VAR_SAMP", "VAR_SAMP([DISTINCT] numeric) -> as VAR_POP",
	    "The variance of a sample, which divides by one less; NULL if there are fewer than two values.",
	    "VAR_SAMP(price)"),
};

const struct tr_func_doc *tr_agg_doc(const char *name)
{
	for (size_t i = 0; i < TR_COUNT_OF(docs); i++)
		if (strcasecmp(docs[i].name, name) == 0)
			return &docs[i];
	return NULL;
}

void tr_agg_each(void (*fn)(void *context, const struct tr_func_doc *doc), void *context)
{
	for (size_t i = 0; i < TR_COUNT_OF(docs); i++)
		fn(context, &docs[i]);
}
