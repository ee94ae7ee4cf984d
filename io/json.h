/* SPDX-License-Identifier: Apache-2.0
 *
 * JSON: what its decoder's files share. The rules stand in decode_json.c.
 *
 *     format_json.c      options, the format's tables
 *     decode_json.c      decoder: the tree of nodes, records, errors
 *     json_scan.h        strings, numbers, skipping: inline, for each instruction set
 *     decode_json.isa.c  values and objects to columns
 *     encode_json.c      encoder
 */
#ifndef TR_IO_JSON_H
#define TR_IO_JSON_H

#include "base/cpu.h"
#include "io/field.h"
#include "io/field_time.h"
#include "io/format.h"

#define TR_JSON_KEYS_MAX 256   /* learned per object type */
#define TR_JSON_LITERAL_MAX 64 /* bytes of a learned key with what stands around it; never above TR_INPUT_PADDING */
#define TR_JSON_NO_KEY UINT16_MAX
#define TR_JSON_UNKNOWN (-1)

enum tr_json_kind {
	TR_JSON_SKIP, /* not needed: validated only */
	TR_JSON_INT8,
	TR_JSON_INT16,
	TR_JSON_INT32,
	TR_JSON_INT64,
	TR_JSON_DOUBLE,
	TR_JSON_BOOLEAN,
	TR_JSON_TEXT,
	TR_JSON_TIMESTAMP, /* whose usual form has a way of its own */
	TR_JSON_SCALAR,    /* all others: by their text */
	TR_JSON_ARRAY,
	TR_JSON_MAP,
	TR_JSON_ROW,
};

/** A key as it stood in an earlier record, from the end of the value before it to the start of its value. */
struct tr_json_key {
	char literal[TR_JSON_LITERAL_MAX]; /* `,"price":`, or `, "price" : ` */
	uint32_t length;
	int32_t field; /* TR_JSON_UNKNOWN: not a field of the row */
	uint16_t next; /* the key that followed last time */
};

/** A type with what the decoder needs to fill a column of it. */
struct tr_json_node {
	enum tr_json_kind kind;
	const struct tr_type *type;
	const char *name; /* of a ROW's field */
	uint32_t name_length;
	uint32_t child_count; /* ROW: fields; ARRAY: 1; MAP: 2 */
	struct tr_json_node *children;
	struct tr_field_minute minute; /* TIMESTAMP */
	int64_t ticks_per_ms;
	/* ROW only */
	uint32_t needed_count;
	uint64_t *seen; /* per field: `serial` of the last object that had it */
	uint64_t serial;
	struct tr_json_key *keys;
	uint32_t key_count;
	uint16_t first;  /* the first key of the last object */
	uint16_t lost;   /* where to hang the key after one that was not learned: always TR_JSON_NO_KEY at first */
	uint32_t *table; /* names by hash: field + 1, or 0 */
	uint32_t table_mask;
};

struct tr_json_options {
	bool fail_on_missing_field;
	bool ignore_errors;
	struct tr_field_rules rules;
};

/** The state of one call. */
struct tr_json_scan {
	const struct tr_json_options *options;
	struct tr_json_node *root;
	struct tr_batch_buffer *into;
	uint32_t row;  /* next row to be written */
	const char *p; /* where the scanner stands */
	uint64_t rows_bad;
	uint64_t fields_bad;
	const char *error_at; /* of the last failure */
	char reason[256];
	char path[256]; /* of the field at fault: "bid.price" */
	bool is_split;  /* the batch was full in the middle of an array of objects */
	struct tr_bytes *scratch;
};

struct tr_json_kernels {
	/* Decodes records from s->p up to `limit`, which is behind a line end. Returns false on failure (s->p at the start of
	 * the bad record), true when the batch is full or all is read. */
	bool (*decode)(struct tr_json_scan *s, const char *limit);
};
TR_ISA_DECLARE(struct tr_json_kernels, tr_json_kernels);

/** The field of a key, or TR_JSON_UNKNOWN. */
int32_t tr_json_find_field(const struct tr_json_node *node, const char *name, size_t length);

/** Remembers a key's literal; NULL when there is no room or it is too long. */
struct tr_json_key *tr_json_learn(struct tr_json_node *node, const char *literal, size_t length, int32_t field);

/** Writes the meaning of a string's inside (escapes valid, as the scanner has checked) to `out`, which has room for
 * `length` bytes. A surrogate without its other half becomes '?', as Flink makes it. Returns the bytes written. */
size_t tr_json_unescape(const char *text, size_t length, char *out);

/** A container's text without blanks outside of strings. `out` has room for `length` bytes. */
size_t tr_json_compact(const char *text, size_t length, char *out);

/** Which of the entries [first, end) of a map's key column are followed by an equal key. Returns how many; `skip` has
 * a byte for each. */
uint32_t tr_json_find_duplicates(const struct tr_view *keys, uint32_t count, uint8_t *skip);

#endif
