/* SPDX-License-Identifier: Apache-2.0
 *
 * Keyed state: what a process function on a keyed stream remembers of each key. It is part of checkpoints and savepoints.
 *
 * States are declared in open, by a name that is theirs in all later versions of the job, and used with the current key:
 *
 *     struct tr_value_state *balance = tr_value_state_create(context, &TR_MAKE(tr_state_descriptor,
 *                                              .name = "balance", .value_bytes = sizeof(struct account)));
 *     ..
 *     struct account *account = tr_value_state_put(balance);      zeros for a new key
 *     account->cents += tr_row_i64(row, 2);
 *
 * Values are bytes: structs without pointers, of one size, or of any length with value_bytes 0. Who changes a struct's layout
 * changes `version` with it, so that old state is refused and not misread.
 *
 * What a restored job does not declare any more is dropped; what is new begins empty; what has another sort, size, version or time
 * to live is refused with both sides.
 *
 * Pointers to values hold until the callback returns or the same state is used with another row or timer, or changed, whichever is first;
 * those of tr_value_state_batch hold until the callback returns. Null keys have no state: they fail the job.
 *
 * Thread: as for all that callbacks are given (function.h).
 */
#ifndef TAILRACE_STATE_H
#define TAILRACE_STATE_H

#include "tailrace/function.h"

#ifdef __cplusplus
extern "C" {
#endif

struct tr_value_state;
struct tr_list_state;
struct tr_map_state;
struct tr_reducing_state;
struct tr_aggregating_state;

enum tr_ttl_update {
	TR_TTL_ON_CREATE_AND_WRITE, /* the time to live begins anew when a value is written */
	TR_TTL_ON_READ_AND_WRITE,   /* and when it is read */
};

struct tr_state_descriptor {
	size_t struct_size;
	const char *name;
	uint32_t value_bytes; /* of each value, up to 65,536; 0: of any length. Reducing and aggregating: of the accumulator, not 0 */
	uint32_t version; /* of their layout */
	int64_t ttl_ms;   /* time to live, by processing time; 0: for ever. Expired values are never returned */
	enum tr_ttl_update ttl_update;
	/* NULL, or the members of the struct that a value of fixed size is, in SQL's words: "cents BIGINT, n INT". A savepoint then shows
	 * values, and one whose members were others is refused. Types of up to 8 bytes; a value_bytes of 0 follows from them. */
	const char *columns;
};

/* What is created is never NULL: a wrong descriptor fails the job when `open` has returned. Values are aligned to 8 bytes. */

/* Value: one a key. */

TR_API struct tr_value_state *tr_value_state_create(struct tr_context *context,
						    const struct tr_state_descriptor *descriptor);

/** The value, for reading; NULL: the key has none. */
TR_API const void *tr_value_state_get(struct tr_value_state *state);
/** The value, for changing; zeros if the key had none. Of fixed size only. */
TR_API void *tr_value_state_put(struct tr_value_state *state);
TR_API void tr_value_state_clear(struct tr_value_state *state);
/** Of any length: *length becomes that of the value. */
TR_API const void *tr_value_state_get_bytes(struct tr_value_state *state, uint32_t *length);
TR_API void tr_value_state_set_bytes(struct tr_value_state *state, const void *bytes, uint32_t length);
/** In on_batch: the values of all selected rows of the batch at hand, in their order, for changing; zeros where a key had none. Rows
 * of one key have one pointer. Of fixed size only. One call for all rows is what makes state fast. */
TR_API void *const *tr_value_state_batch(struct tr_value_state *state);

/* List: elements in the order in which they were added. */

TR_API struct tr_list_state *tr_list_state_create(struct tr_context *context,
						  const struct tr_state_descriptor *descriptor);
TR_API void tr_list_state_add(struct tr_list_state *state, const void *bytes, uint32_t length);
/** The element after the one that *cursor stands for; 0 at first. False: that was the last. */
TR_API bool tr_list_state_next(struct tr_list_state *state, uint64_t *cursor, const void **bytes, uint32_t *length);
TR_API void tr_list_state_clear(struct tr_list_state *state);

/* Map: values by keys of up to 1,024 bytes, in their bytewise order. */

TR_API struct tr_map_state *tr_map_state_create(struct tr_context *context,
						const struct tr_state_descriptor *descriptor);
/** NULL: the key is not there. */
TR_API const void *tr_map_state_get(struct tr_map_state *state, const void *key, uint32_t key_length, uint32_t *length);
TR_API void tr_map_state_put(struct tr_map_state *state, const void *key, uint32_t key_length, const void *bytes,
			     uint32_t length);
TR_API void tr_map_state_remove(struct tr_map_state *state, const void *key, uint32_t key_length);
/** The entry whose key is the next after `key` (NULL: the first). False: there is none. All borrowed until the next call. */
TR_API bool tr_map_state_next(struct tr_map_state *state, const void *key, uint32_t key_length, const void **next,
			      uint32_t *next_length, const void **bytes, uint32_t *length);
TR_API void tr_map_state_clear(struct tr_map_state *state);

/* Reducing: one value a key, into which each one that is added is folded. */

/** Folds `added` into `value`. */
typedef void (*tr_reduce_fn)(void *user, void *value, const void *added);

TR_API struct tr_reducing_state *tr_reducing_state_create(struct tr_context *context,
							  const struct tr_state_descriptor *descriptor,
							  tr_reduce_fn reduce, void *user);
/** `value` has value_bytes bytes. */
TR_API void tr_reducing_state_add(struct tr_reducing_state *state, const void *value);
/** NULL: nothing was added. */
TR_API const void *tr_reducing_state_get(struct tr_reducing_state *state);
TR_API void tr_reducing_state_clear(struct tr_reducing_state *state);

/* Aggregating: an accumulator a key, of another form than what is added and what comes out. */

struct tr_aggregate_function {
	size_t struct_size;
	void *user;
	void (*create)(void *user, void *accumulator); /* NULL: zeros */
	void (*add)(void *user, void *accumulator, const void *value);
	void (*result)(void *user, const void *accumulator, void *result);
};

TR_API struct tr_aggregating_state *tr_aggregating_state_create(struct tr_context *context,
								const struct tr_state_descriptor *descriptor,
								const struct tr_aggregate_function *function);
TR_API void tr_aggregating_state_add(struct tr_aggregating_state *state, const void *value);
/** False: nothing was added; else `result` has been written by the function. */
TR_API bool tr_aggregating_state_get(struct tr_aggregating_state *state, void *result);
TR_API void tr_aggregating_state_clear(struct tr_aggregating_state *state);

/* All keys. */

typedef tr_code (*tr_key_fn)(struct tr_context *context, void *argument, struct tr_status *st);

/** Calls `visit` with each key of this subtask that has a state, as the current key, in the order of the keys' bytes; stops with its
 * code at the first failure. In any callback but open, mostly on_start and on_end; takes time and memory for all keys. `visit` may use and
 * change any state and set timers; keys that get their first state meanwhile are not visited. Pointers to values end with the call.
 * Not in functions of windows. */
TR_API tr_code tr_context_for_each_key(struct tr_context *context, tr_key_fn visit, void *argument,
				       struct tr_status *st);

#ifdef __cplusplus
}
#endif
#endif
