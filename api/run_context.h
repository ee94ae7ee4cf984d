/* SPDX-License-Identifier: Apache-2.0
 *
 * What a function's callbacks are given on one subtask: its context, with the key, time and row at hand, its states and timers.
 *
 * Whatever a user calls checks that it is inside of a callback of its own subtask, on its thread: a thread-local pointer names the
 * operator whose callback runs. Another mistake of the user's fails the job when the callback returns (tr_run_mistake): the call that
 * was wrong does nothing, and what it answers is harmless.
 */
#ifndef TR_API_RUN_CONTEXT_H
#define TR_API_RUN_CONTEXT_H

#include "api/run_broadcast.h"
#include "api/run_outputs.h"
#include "api/run_keys.h"
#include "api/run_states.h"
#include "core/operator.h"
#include "state/timer_state.h"
#include "tailrace/function.h"

#define TR_RUN_INPUTS_MAX 2

/** What is called for the rows of one input: one of the two. */
struct tr_run_input {
	tr_code (*on_row)(struct tr_context *context, const struct tr_row *row, struct tr_collector *out,
			  struct tr_status *st);
	tr_code (*on_batch)(struct tr_context *context, const struct tr_batch *batch, struct tr_collector *out,
			    struct tr_status *st);
	struct tr_key_columns keys; /* count 0: its rows have no key */
	bool is_all;                /* they have one, of no columns */
	int32_t time_column;        /* -1: no event time */
};

static inline bool tr_run_input_has_keys(const struct tr_run_input *input)
{
	return input->keys.count > 0 || input->is_all;
}

/** Whose callback runs: the first member of what tr_run_enter is given. */
struct tr_run_hand {
	const char *name;          /* of the operator */
	struct tr_status *failure; /* what its user has done wrong; the first one counts */
	char *scratch;             /* what calls answer that have nothing else to answer */
	bool has_copies;           /* debug builds: values of states are being written through copies (run_states.h) */
};
void tr_run_hand_deinit(struct tr_run_hand *hand);

/** A function with what surrounds it: the plan of an operator (core/operator.h). In the environment's arena. */
struct tr_run_function {
	struct tr_operator op; /* first: what the plan's node has */
	const char *name;
	enum tr_run_kind { TR_RUN_MAP, TR_RUN_FLAT_MAP, TR_RUN_FILTER } kind;
	struct tr_function function;
	bool (*keep)(void *user, const struct tr_row *row); /* FILTER */
	struct tr_run_input inputs[TR_RUN_INPUTS_MAX];
	uint32_t input_count;
	bool is_keyed;    /* it has keyed state and timers */
	bool is_timeless; /* neither event time nor watermarks come in: timers of event time would all wait for the end */
	bool has_broadcast; /* input 1 goes to all subtasks, and may change broadcast states */
};

enum { TR_RUN_EVENT_TIME, TR_RUN_PROCESSING_TIME };

struct tr_run_join;
struct tr_run_windows;

struct tr_context {
	struct tr_run_hand hand;
	const struct tr_run_function *plan;
	struct tr_op_context *op;
	const struct tr_schema *inputs[TR_RUN_INPUTS_MAX];
	const struct tr_schema *output;
	const struct tr_run_input *input; /* of the rows at hand */
	struct tr_run_outputs *outputs;
	void *own;
	bool is_opening; /* states may be declared */
	struct tr_status
		failure; /* of a call that has no other way to tell: fails the job when the callback has returned */
	int64_t watermark_ms;
	int64_t row_watermark_ms; /* that which the rows at hand came behind; several readers can be ahead of watermark_ms */
	int64_t timestamp_ms;
	/* Keyed: */
	struct tr_run_keys keys;
	const struct tr_batch *batch; /* at hand; NULL: a timer, or nothing */
	const struct tr_run_key *key; /* current; NULL: none */
	struct tr_run_key row_key;
	uint32_t chosen;  /* of the batch's selected rows */
	bool is_timer;    /* the key is a single one: a timer's, or one of tr_context_for_each_key */
	bool is_visiting; /* inside of that */
	bool is_firing;   /* a window, or a pair of rows: timestamp_ms is its time */
	struct tr_run_states states;
	struct tr_run_broadcasts broadcasts;
	struct tr_timer_state timers[2];
	struct tr_run_windows *windows; /* of a window operator (run_window.h); else NULL */
	struct tr_run_join *join;       /* of an interval join (stream_interval_join.c); else NULL */
	bool has_timers;
};

void tr_run_context_init(struct tr_context *context, const struct tr_run_function *plan, struct tr_op_context *op,
			 const struct tr_schema *const *inputs, const struct tr_schema *output);
void tr_run_context_deinit(struct tr_context *context);

/** The key groups of this subtask, for a table. */
struct tr_table_options tr_run_table_options(const struct tr_context *context, uint16_t kind);

/** What comes from here on is of input `i`. */
static inline void tr_run_use_input(struct tr_context *context, uint32_t i)
{
	context->input = &context->plan->inputs[i];
	context->keys.columns = context->input->keys.columns;
}

/** Row i of the batch at hand becomes the current one. */
static inline void tr_run_choose(struct tr_context *context, uint32_t i)
{
	context->chosen = i;
	context->row_key = tr_run_keys_of(&context->keys, i);
	context->key = &context->row_key;
}

/** A callback of `who` begins or ends; `who` begins with a tr_run_hand. */
extern _Thread_local const void *tr_run_at_hand __attribute__((tls_model("initial-exec")));
static inline const void *tr_run_enter(const void *who)
{
	const void *before = tr_run_at_hand;

	tr_run_at_hand = who;
	return before;
}
static inline void tr_run_leave(const void *before)
{
#ifdef TR_DEBUG
	const struct tr_run_hand *hand = tr_run_at_hand;

	if (hand->has_copies)
		tr_run_states_settle(&((struct tr_context *)(uintptr_t)hand)->states);
#endif
	tr_run_at_hand = before;
}

/** The callback at hand has done something wrong: the job fails when it returns. Where there is none the process ends. */
void tr_run_mistake(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** What a callback has answered, with the message that it has left in `st`, if any: a code that we know, and a message. */
tr_code tr_run_answer(tr_code code, struct tr_status *st);

/** Memory that may be written after a mistake: a vector of the widest values, the largest value of a state, a pointer for each row. */
enum tr_run_scratch { TR_RUN_SCRATCH_VECTOR, TR_RUN_SCRATCH_VALUE, TR_RUN_SCRATCH_POINTERS };
void *tr_run_scratch(enum tr_run_scratch what);

/** Ends the process with a message that names the operator: for what nobody can go on from. */
void tr_run_die(const char *name, const char *format, ...) __attribute__((noreturn, format(printf, 2, 3)));

void tr_run_wrong_thread(const char *name) __attribute__((noreturn));

/** That what is used belongs to the callback at hand. */
static inline void tr_run_check_context(const struct tr_context *context)
{
	if (__builtin_expect(tr_run_at_hand != context, 0))
		tr_run_wrong_thread(context->plan->name);
}

/** The current key. NULL: there is none, which is a mistake of the user's. */
const struct tr_run_key *tr_run_key(const struct tr_context *context);

#endif
