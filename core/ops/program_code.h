/* SPDX-License-Identifier: Apache-2.0
 *
 * The compiled form: what program.c makes and program_run.c runs.
 *
 * Code is a list of steps over registers and selections. A register is a column: an input column, a constant, or a
 * temporary with memory (a "store") that the state owns; temporaries whose lives do not overlap share a store.
 * Selection 0 is the batch's own; others are made by SPLIT and FILTER steps and are subsets of their parent.
 *
 *     r3 = CALL "/" (r0, r2) on s0          s1, s2 = SPLIT r1 on s0: where TRUE, where not
 *     r5 = BLANK; MERGE r5 <- r4 on s1      a CASE is a chain of SPLITs, and MERGEs into one register
 *     r6 = BLEND r1 ? r2 : r3 on s0         or, of harmless numbers, a chain of BLENDs from the last branch to the first
 *
 * A condition comes first: FILTERs and SPLITs, whose last selection is that of all that follows.
 */
#ifndef TR_CORE_OPS_PROGRAM_CODE_H
#define TR_CORE_OPS_PROGRAM_CODE_H

#include "core/ops/func_table.h"
#include "core/ops/program.h"

#define TR_STEPS_MAX 65536
#define TR_NONE UINT32_MAX

enum tr_step_kind {
	TR_STEP_CALL,
	TR_STEP_ALIAS, /* out is args[0] under its own type */
	TR_STEP_FIELD, /* out is field `index` of the ROW args[0] */
	TR_STEP_BLANK, /* out has no rows yet */
	TR_STEP_MERGE, /* rows of `sel` of args[0] go to out; `whole`: the selection out is made for */
	TR_STEP_BLEND, /* out is args[1] where args[0] is TRUE, else args[2] */
	TR_STEP_AND,   /* out = args[0] AND args[1]; the second was computed for the rows of sel_a only */
	TR_STEP_OR,
	TR_STEP_SPLIT,       /* sel_a: args[0] is TRUE, sel_b: it is not */
	TR_STEP_SPLIT_FALSE, /* sel_a: args[0] is FALSE, sel_b: it is not */
	TR_STEP_SPLIT_NULL,  /* sel_a: args[0] is not NULL, sel_b: it is */
	TR_STEP_FILTER,      /* sel_a: the comparison `code` of args[0] and args[1] is TRUE */
};

struct tr_step {
	enum tr_step_kind kind;
	uint32_t flags; /* CALL: enum tr_func_flags */
	enum tr_null_rule null_rule;
	bool is_try;
	uint32_t code;         /* FILTER: enum tr_compare */
	uint32_t index;        /* FIELD */
	uint32_t sel;          /* selection it runs on */
	uint32_t sel_a, sel_b; /* made, or TR_NONE */
	uint32_t whole;        /* MERGE */
	uint32_t earlier;      /* CALL: a step of the same value for other rows, or TR_NONE */
	uint32_t out;          /* register, or TR_NONE */
	uint32_t arg_count;
	const uint32_t *args; /* registers */
	tr_kernel kernel;
	const struct tr_func *func;
	const void *prepared;
	uint32_t local;             /* index into the state's locals, or TR_NONE */
	const struct tr_expr *expr; /* for messages */
};

enum tr_register_kind { TR_REGISTER_INPUT, TR_REGISTER_CONSTANT, TR_REGISTER_TEMPORARY };

struct tr_register {
	enum tr_register_kind kind;
	const struct tr_type *type;
	uint32_t column;           /* INPUT */
	struct tr_column constant; /* CONSTANT */
	uint32_t store;            /* TEMPORARY: whose memory */
};

struct tr_store {
	const struct tr_type *type; /* ROW: its own; else any of that width */
	size_t width;
};

struct tr_code_block {
	const struct tr_step *steps;
	uint32_t step_count;
	const struct tr_register *registers;
	uint32_t register_count;
	const struct tr_store *stores;
	uint32_t store_count;
	uint32_t selection_count;
	uint32_t args_max;
	uint32_t local_count;
	const uint32_t *outputs; /* registers */
	uint32_t output_count;
	uint32_t result; /* the selection that outputs are for; 0: all rows of the batch */
};

struct tr_program {
	const struct tr_schema *input;
	bool has_condition;
	struct tr_code_block code;
};

#endif
