/* SPDX-License-Identifier: Apache-2.0
 *
 * User functions: functions of SQL that are written in C.
 *
 *     TR_USER_FUNCTION(shout, .kind = TR_USER_SCALAR, .arguments = "STRING", .result = "STRING", .on_row = shout_row);
 *
 *     CREATE FUNCTION shout AS 'shout' LANGUAGE C USING LIBRARY 'text.so';
 *     SELECT shout(city) FROM orders;
 *
 * A function is a constant struct in a shared object, built as a plugin is (plugin.h), or in the program (tr_env_create_function). It says
 * what it takes and gives in SQL's words; SQL casts arguments where it may, and refuses what does not fit. There are three kinds:
 *
 *     SCALAR     a value for each row                      SELECT f(a, b)
 *     TABLE      rows for each row                         FROM t, LATERAL TABLE(f(a)) AS r (x, y)
 *     AGGREGATE  a value for the rows of a group           SELECT f(a) .. GROUP BY k
 *
 *     open ──▶ on_batch or on_row, again and again ──▶ close            open ──▶ create, add, merge, value, destroy ──▶ close
 *
 * NULL. Without `takes_nulls` a row with an argument that is NULL is not given to the function: a scalar one is NULL there, a table
 * function makes no rows, an aggregate leaves the row out.
 *
 * Each call in a query has a context of its own on each subtask. Callbacks of a context come from one thread at a time. Functions that are
 * not `is_non_deterministic` are computed once for equal arguments in a query, and while it is planned where all arguments are constant.
 *
 * Errors. A callback that returns another code than TR_OK fails the job with the message that it has left in `st` (TR_FAIL), behind the
 * function's name and place in the SQL, with the row. (ABI: version.h; structs as in batch.h.)
 */
#ifndef TAILRACE_USER_FUNCTION_H
#define TAILRACE_USER_FUNCTION_H

#include "tailrace/function.h"

#ifdef __cplusplus
extern "C" {
#endif

enum tr_user_kind { TR_USER_SCALAR = 1, TR_USER_TABLE, TR_USER_AGGREGATE };

#define TR_USER_ARGUMENTS_MAX 255
#define TR_USER_AGGREGATE_ARGUMENTS_MAX 3
#define TR_USER_ACCUMULATOR_MAX 4096 /* bytes */

/** One call in a query on one subtask. */
struct tr_user_context {
	void *user; /* of the function; shared by all */
	void *own;  /* NULL at first; what open leaves here for the others */
	const char *name;
	const struct tr_type *const *argument_types;
	uint32_t argument_count;
	const struct tr_type *result_type; /* of a table function: the ROW that it makes */
};

/** Where a scalar function writes: values of `type` for `row_count` rows. */
struct tr_vector {
	const struct tr_type *type;
	uint32_t row_count;
	void *data;          /* row_count values of the type's width (types.h), and not one more */
	uint64_t *validity;  /* a bit for each row, set if it is to be computed: clear those that are NULL */
	uint32_t failed_row; /* with an error: which row it is of; as given: of all */
	void *memory;        /* of tr_vector_text */
};

struct tr_user_function {
	uint32_t magic; /* TR_USER_FUNCTION sets the first three */
	uint32_t abi_version;
	size_t struct_size;
	enum tr_user_kind kind;
	const char *arguments; /* types: "BIGINT, STRING NOT NULL"; NULL: none. What may be NULL does not fit NOT NULL */
	const char *result;    /* a type: "STRING", "INT NOT NULL"; of TABLE columns: "word STRING, length INT" */
	bool takes_nulls;
	bool is_non_deterministic; /* other values for the same arguments: called for each row */
	bool is_harmless; /* SCALAR with on_batch: cheap, never fails, takes any value: may also be given rows that nobody reads */
	const struct tr_user_function
		*overload; /* other types for the same name: the one that needs no casts, else the first that fits */
	void *user;
	tr_code (*open)(struct tr_user_context *context, struct tr_status *st);
	void (*close)(struct tr_user_context *context); /* always, if open was called, or is NULL */

	/* SCALAR: one of the two. on_batch is given rows 0 .. row_count - 1 (no selection; columns may be constant). */
	tr_code (*on_batch)(struct tr_user_context *context, const struct tr_batch *arguments, struct tr_vector *result,
			    struct tr_status *st);
	/* SCALAR: sets column 0 of `out`, which else is NULL; the row is added by itself. TABLE: sets columns, and adds any number of rows. */
	tr_code (*on_row)(struct tr_user_context *context, const struct tr_row *arguments, struct tr_collector *out,
			  struct tr_status *st);

	/* AGGREGATE. Accumulators are plain bytes, aligned to 8, which are moved, copied to checkpoints and read from them, and may be made
	 * at any time: rows of a group are added to several, which are merged. The order of rows is not that of the input. */
	uint32_t accumulator_bytes; /* 1 to TR_USER_ACCUMULATOR_MAX */
	uint32_t version;           /* of their layout: state of another one is not taken */
	/* NULL: zero bytes are the beginning. */
	void (*create)(struct tr_user_context *context, void *accumulator);
	/* One of the two. Of a batch, selected row i goes to accumulators[i]; rows may come in any order, accumulators often. */
	tr_code (*add)(struct tr_user_context *context, void *accumulator, const struct tr_row *arguments,
		       struct tr_status *st);
	tr_code (*add_batch)(struct tr_user_context *context, void *const *accumulators,
			     const struct tr_batch *arguments, struct tr_status *st);
	/* Adds to `accumulator` what is in `other`, which stays as it is. */
	tr_code (*merge)(struct tr_user_context *context, void *accumulator, const void *other, struct tr_status *st);
	/* Sets column 0 of `out`, which else is NULL. */
	tr_code (*value)(struct tr_user_context *context, const void *accumulator, struct tr_collector *out,
			 struct tr_status *st);
	/* Of accumulators that own memory, all four: what they hold as bytes (which live until the next callback), and back into one that
	 * create has made; their end; and how much memory it is, for limits. */
	const void *(*save)(struct tr_user_context *context, const void *accumulator, size_t *length);
	tr_code (*load)(struct tr_user_context *context, void *accumulator, const void *bytes, size_t length,
			struct tr_status *st);
	void (*destroy)(struct tr_user_context *context, void *accumulator);
	size_t (*memory)(struct tr_user_context *context, const void *accumulator);
};

#define TR_USER_FUNCTION_MAGIC 0x75667274u

/** A function as an exported symbol: TR_USER_FUNCTION(name, .kind = .., ..); */
#define TR_USER_FUNCTION(symbol, ...)                                                           \
	TR_API extern const struct tr_user_function symbol;                                     \
	const struct tr_user_function symbol = {.magic = TR_USER_FUNCTION_MAGIC,                \
						.abi_version = TR_ABI_VERSION,                  \
						.struct_size = sizeof(struct tr_user_function), \
						__VA_ARGS__}

/** In on_batch: a text for the result; the bytes are copied. */
TR_API struct tr_view tr_vector_text(struct tr_vector *result, const char *text, uint32_t length);

#ifdef __cplusplus
}
#endif
#endif
