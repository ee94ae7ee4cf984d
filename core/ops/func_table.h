/* SPDX-License-Identifier: Apache-2.0
 *
 * The rows of the function table, and what a kernel sees when it is called.
 *
 * A row says all about one overload: its name, what it takes, how its result type follows, what it does with NULL, its
 * kernel, and a line of documentation. The tables are in func_<group>.c; func.c resolves calls against them.
 *
 * Parameters are a short text, one letter an argument:
 *
 *     a any type            b BOOLEAN            s text (CHAR, VARCHAR)
 *     n numeric, as it is   d numeric -> DOUBLE  l integer -> BIGINT         y bytes
 *     D DATE    T TIME      m TIMESTAMP          z TIMESTAMP_LTZ             x TIMESTAMP or TIMESTAMP_LTZ
 *     M INTERVAL in months  I INTERVAL in ms     u a literal unit ('YEAR')   r ROW
 *     A ARRAY   K MAP       i integer up to INT -> INT                       q INT
 *     c comparable: all 'c' arguments are cast to their common type (decimals among themselves are left as they are)
 *     C like c, and decimals are cast too        e arithmetic: numbers to their common type, with a DECIMAL as decimals
 *     ? what follows is optional                 * the last one repeats
 *
 * A kernel is called once per batch. It loops over the rows it was given and writes out[row] for each; other rows may
 * hold anything. It must not keep pointers. What it allocates for long strings comes from call->heap, which lives until
 * the program's next run.
 */
#ifndef TR_CORE_OPS_FUNC_TABLE_H
#define TR_CORE_OPS_FUNC_TABLE_H

#include "base/arena.h"
#include "base/check.h"
#include "base/column.h"
#include "core/ops/expr.h"
#include "core/ops/func.h"
#include "core/ops/program.h"
#include "tailrace/status.h"

#define TR_FUNC_ARGS_MAX 4096 /* IN with a long list */

struct tr_timezone;
struct tr_timezone_cursor;

/** One run of a kernel. */
struct tr_call {
	const struct tr_type *type;   /* of the result */
	const struct tr_column *args; /* may be constant: use tr_call_mask or tr_column_row */
	uint32_t arg_count;
	uint32_t count;           /* rows to compute */
	const uint32_t *rows;     /* their physical indexes, ascending; NULL: 0 .. count - 1 */
	uint32_t row_count;       /* physical rows: out and validity have room for them */
	void *out;                /* values of the result's phys */
	uint64_t *validity;       /* MAKES: preset from the arguments, clear bits; CUSTOM: all ones, clear bits */
	bool has_nulls;           /* set it when a bit is clear */
	struct tr_column *result; /* a kernel that passes columns on (ROW) writes children here */
	struct tr_arena *heap;
	const struct tr_program_context *context;
	const struct tr_batch *batch;   /* whose rows they are */
	const struct tr_timezone *zone; /* session zone */
	struct tr_timezone_cursor *cursor;
	int code;             /* tr_func.code */
	const void *prepared; /* what tr_func.prepare made of the call's constants */
	void *local;          /* per state, from tr_func.local_create */
	uint32_t failed_row;  /* set by TR_CALL_FAIL; UINT32_MAX: the batch as a whole */
	bool is_try;          /* TRY_CAST: a failing row is NULL */
	uint64_t *bad_rows;   /* TRY_CAST within a nested value: bits of the rows that failed; or NULL */
	struct tr_status *status;
};

typedef tr_code (*tr_kernel)(struct tr_call *call);

/** The arguments of a call that is being resolved. */
struct tr_ask {
	struct tr_arena *arena;
	const struct tr_type *const *given;
	const struct tr_expr *const *literals; /* or NULL */
	const struct tr_type **want;           /* preset by the parameter letters; a typer may change them */
	uint32_t count;
};

/** Result type (nullability is added by func.c), or NULL: this overload does not take these arguments. */
typedef const struct tr_type *(*tr_typer)(struct tr_ask *ask);

enum tr_func_flags {
	TR_FUNC_TOTAL = 1,    /* cheap and harmless on any bits: may run over NULL and unselected rows */
	TR_FUNC_VOLATILE = 2, /* never folded */
	TR_FUNC_PER_ROW = 4,  /* and a different value for each row (RAND) */
	TR_FUNC_CONTEXT =
		8, /* needs the session zone or a clock: not folded, but one value per run if args are constant */
	TR_FUNC_INFIX = 16,        /* EXPLAIN prints (a + b) */
	TR_FUNC_POSTFIX = 32,      /* EXPLAIN prints a IS NULL */
	TR_FUNC_NOT_NULL = 64,     /* the result is never NULL (CUSTOM) */
	TR_FUNC_NULL_IF_ALL = 128, /* the result is nullable only if all arguments are (COALESCE) */
	TR_FUNC_COMPARE = 256, /* one of the six comparisons: may feed a selection directly; `code` is enum tr_compare */
	TR_FUNC_HIDDEN = 512,  /* an overload without a documentation line of its own */
	TR_FUNC_FIRST_ONLY = 1024,     /* when prepare made something, only args[0] is evaluated (IN with a list) */
	TR_FUNC_ZONED = 4096,          /* needs the session zone if a TIMESTAMP_LTZ is involved: then not folded */
	TR_FUNC_INTEGERS = 8192,       /* DECIMAL arguments may come as the integers they were cast from */
	TR_FUNC_NULLABLE = 65536,      /* the result's type is never NOT NULL */
	TR_FUNC_AS_ARGS = 131072,      /* MAKES, but the result's type is NOT NULL if those of all arguments are */
	TR_FUNC_PASSES = 2048,         /* the result refers to the argument columns' memory (ROW) */
	TR_FUNC_NULL_IF_FIRST = 16384, /* the result is nullable only if the first argument is (CUSTOM) */
	TR_FUNC_BRACKETS = 32768,      /* EXPLAIN prints ARRAY[a, b] */
	TR_FUNC_SUBSCRIPT = 524288,    /* EXPLAIN prints a[b] */
	TR_FUNC_TYPED = 1048576,       /* takes no NULL without a type, whatever its letters */
	TR_FUNC_QUICK = 262144,        /* never fails, and is quick, but not on any bits */
};

/** Functions that the compiler turns into control flow. */
enum tr_func_special {
	TR_SPECIAL_NONE = 0,
	TR_SPECIAL_AND,
	TR_SPECIAL_OR,
	TR_SPECIAL_COALESCE,
	TR_SPECIAL_IF,
	TR_SPECIAL_NULLIF,
	TR_SPECIAL_IS_NOT_NULL, /* filters read validity directly */
};

struct tr_func {
	const char *name;
	const char *params;
	tr_typer typer;
	tr_kernel kernel;
	enum tr_null_rule null_rule;
	uint32_t flags; /* enum tr_func_flags */
	int code;       /* for kernels shared by several rows */
	enum tr_func_special special;
	/* Flags that one call has beside those of the function, since its types or literals say so. NULL: none. */
	uint32_t (*call_flags)(const struct tr_expr *call);
	/* Compiles the call's constants (a pattern, a list) once per program: args[i] is the literal or NULL. The result
	 * lives in `arena`. NULL: nothing to prepare. */
	tr_code (*prepare)(struct tr_arena *arena, const struct tr_expr *call, const void **prepared,
			   struct tr_status *st);
	/* What a run may write to (a matcher's memory), one per state. NULL: nothing. */
	void *(*local_create)(const void *prepared);
	void (*local_destroy)(void *local);
	struct tr_func_doc doc;
};

/** A group's table. */
struct tr_func_table {
	const struct tr_func *rows;
	uint32_t count;
};
extern const struct tr_func_table tr_func_arith_table, tr_func_compare_table, tr_func_logic_table, tr_func_math_table,
	tr_func_string_table, tr_func_classify_table, tr_func_encode_table, tr_func_url_table, tr_func_regex_table,
	tr_func_time_table, tr_func_json_table, tr_func_json_make_table, tr_func_zone_table, tr_func_session_table,
	tr_func_printf_table, tr_func_clock_table, tr_func_nested_table, tr_func_array_table, tr_func_map_table,
	tr_func_split_table;

/** Walks all tables: start with both numbers 0; NULL at the end. */
const struct tr_func *tr_func_next(uint32_t *table, uint32_t *row);

#define TR_FUNC_DOC(group_, signature_, doc_, example_) \
	.doc = {.group = (group_), .signature = (signature_), .doc = (doc_), .example = (example_)}

/** Typers that several tables share. */
const struct tr_type *tr_typer_boolean(struct tr_ask *ask);
const struct tr_type *tr_typer_string(struct tr_ask *ask);
const struct tr_type *tr_typer_int(struct tr_ask *ask);
const struct tr_type *tr_typer_bigint(struct tr_ask *ask);
const struct tr_type *tr_typer_double(struct tr_ask *ask);
const struct tr_type *tr_typer_first(struct tr_ask *ask); /* type of want[0] */
const struct tr_type *tr_typer_last(struct tr_ask *ask);
/** CHAR(m) and CHAR(n) are CHAR(m + n), other texts VARCHAR(m + n), as || has it. */
const struct tr_type *tr_typer_concat(struct tr_ask *ask);
/** VARCHAR(n) of the first argument's length. */
const struct tr_type *tr_typer_varying(struct tr_ask *ask);
/** The common type of the arguments from `first` on, as CASE has it. */
const struct tr_type *tr_typer_common(struct tr_ask *ask, uint32_t first);
/** The common type of all arguments; they are cast to it. */
const struct tr_type *tr_typer_cast_common(struct tr_ask *ask);

/** local_create and local_destroy of kernels that put a result together in struct tr_bytes. */
void *tr_local_bytes_create(const void *prepared);
void tr_local_bytes_destroy(void *local);

/** The integer value of literal argument i, or `otherwise`. */
int64_t tr_ask_i64(const struct tr_ask *ask, uint32_t i, int64_t otherwise);

/** Fails a kernel at a row. program_run.c adds the place, the expression and the row's arguments. */
#define TR_CALL_FAIL(call, row, ...)                                                         \
	do {                                                                                 \
		(call)->failed_row = (row);                                                  \
		return tr_status_set((call)->status, TR_ERR_DATA, 0, TR_WHERE, __VA_ARGS__); \
	} while (0)

/** for (row of the call) */
#define TR_CALL_ROWS(call, row)        \
	for (uint32_t i_ = 0, row = 0; \
	     i_ < (call)->count && (row = (call)->rows != NULL ? (call)->rows[i_] : i_, true); i_++)

/** AND it with a row number to read an argument that may be constant. */
static inline uint32_t tr_call_mask(const struct tr_call *call, uint32_t arg)
{
	return call->args[arg].is_constant ? 0 : UINT32_MAX;
}
static inline const struct tr_view *tr_call_view(const struct tr_call *call, uint32_t arg, uint32_t row)
{
	return tr_column_view(&call->args[arg], row);
}
static inline void tr_call_set_null(struct tr_call *call, uint32_t row)
{
	tr_bit_clear(call->validity, row);
	call->has_nulls = true;
}

/** DECIMAL result types (Flink's LogicalTypeMerging). */
const struct tr_type *tr_decimal_add_type(struct tr_arena *arena, const struct tr_type *a, const struct tr_type *b);
const struct tr_type *tr_decimal_multiply_type(struct tr_arena *arena, const struct tr_type *a, const struct tr_type *b);
const struct tr_type *tr_decimal_divide_type(struct tr_arena *arena, const struct tr_type *a, const struct tr_type *b);
const struct tr_type *tr_decimal_modulo_type(struct tr_arena *arena, const struct tr_type *a, const struct tr_type *b);
const struct tr_type *tr_decimal_round_type(struct tr_arena *arena, const struct tr_type *a, int digits);

/** The DECIMAL that holds every value of an integer type: INT -> DECIMAL(10, 0). A DECIMAL is returned as it is. */
const struct tr_type *tr_decimal_of_integer(struct tr_arena *arena, const struct tr_type *type);

#endif
