/* SPDX-License-Identifier: Apache-2.0
 *
 * Connectors and formats as tables: what the engine knows of them.
 *
 * A connector is a name, its options, and up to two tables of functions (io/source.h, io/sink.h). A format is a name,
 * its options, a decoder and an encoder (io/format.h). The registry lists all of them; io/registry.c is the one place
 * where a new one is added. Core and SQL look them up by name and never name one.
 *
 * Options are Flink's: text keys and values from WITH (...), with the format's options prefixed by its name
 * ('json.ignore-parse-errors'). They are checked against the option tables when a job is planned, so that an unknown
 * key is an error with a suggestion; readers then ask by key and get a parsed value or the default.
 */
#ifndef TR_IO_CONNECTOR_H
#define TR_IO_CONNECTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/batch.h"
#include "tailrace/status.h"

struct tr_source_ops;
struct tr_sink_ops;
struct tr_decoder_ops;
struct tr_encoder_ops;

enum tr_option_kind {
	TR_OPTION_STRING,
	TR_OPTION_BOOLEAN, /* true, false */
	TR_OPTION_INTEGER, /* 64 bit */
	TR_OPTION_DOUBLE,
	TR_OPTION_DURATION, /* Flink's: '10 s', '500ms', '1 min'; in ms */
	TR_OPTION_MEMORY,   /* Flink's: '128mb', '1g', powers of 1024; in bytes */
	TR_OPTION_ENUM,     /* one of `choices`, case-insensitive */
};

struct tr_option_spec {
	const char *key; /* a '#' stands for a field name: "fields.#.min" */
	enum tr_option_kind kind;
	const char *default_text; /* NULL: none */
	const char *choices;      /* ENUM: "a|b|c" */
	bool is_required;
	const char *doc; /* one sentence */
};

struct tr_option {
	const char *key;
	const char *value;
};

/** The WITH clause of a table. Immutable once made. */
struct tr_options {
	const struct tr_option *items;
	uint32_t count;
};

struct tr_connector {
	const char *name;
	const char *doc;
	const char *example;                  /* a CREATE TABLE statement */
	const struct tr_option_spec *options; /* ends with key NULL; "connector" and "format" are understood anyway */
	bool uses_format;
	const struct tr_metadata_spec *metadata; /* what METADATA columns can read; ends with key NULL. NULL: nothing */
	const struct tr_source_ops *source;      /* NULL: can't be read */
	const struct tr_sink_ops *sink;          /* NULL: can't be written */
};

/** What a source knows of a row beside its columns. NOT NULL. */
struct tr_metadata_spec {
	const char *key;      /* "file.path" */
	enum tr_type_id type; /* TIMESTAMP_LTZ: of precision 3 */
};

struct tr_format {
	const char *name;
	const char *doc;
	const struct tr_option_spec *options; /* without the prefix; ends with key NULL */
	const struct tr_decoder_ops *decoder;
	const struct tr_encoder_ops *encoder;
};

/** Which parts of a column somebody reads. A NULL pointer in its place means: not needed, leave it undecoded. */
struct tr_need {
	bool is_whole;                         /* all of it, children included */
	const struct tr_need *const *children; /* ROW, when not whole: per field */
};

/** A table as a source or sink sees it. Immutable; lives in the plan's arena. */
struct tr_table_spec {
	const char *name; /* for messages */
	const struct tr_connector *connector;
	const struct tr_format *format;     /* NULL if the connector uses none */
	struct tr_options options;          /* all of WITH, as written */
	const struct tr_schema *schema;     /* physical columns only, as declared */
	const struct tr_need *const *needs; /* sources: per column; what is not needed is present but all NULL.
					      * NULL: everything is needed */
	const uint32_t *partition_columns;  /* PARTITIONED BY, indexes into schema */
	uint32_t partition_count;
	const uint32_t *metadata_columns; /* sources: columns of the schema that are filled with the connector's .. */
	const uint32_t *metadata_keys;    /* .. metadata of this number */
	uint32_t metadata_count;
	const char *time_zone;        /* session zone (table.local-time-zone), e.g. "UTC" */
	const char *job_id;           /* 32 hex digits */
	uint32_t batch_rows;          /* most rows of a batch */
	const char *static_partition; /* sinks: "d=x:e=y" of INSERT's PARTITION, or NULL */
	bool enforces_not_null;       /* sinks: a NULL in a NOT NULL column fails the job */
	bool enforces_length; /* sinks: so does a text or bytes of another length than CHAR(n), VARCHAR(n).. allow */
	const void *context;  /* of connectors that a program brings */
	bool is_batch;        /* all rows of it are one answer: the job has no changelog, and ends */
};

/** All connectors and formats, ending with NULL. Static. */
const struct tr_connector *const *tr_registry_connectors(void);
const struct tr_format *const *tr_registry_formats(void);
const struct tr_connector *tr_registry_find_connector(const char *name); /* NULL: unknown */
const struct tr_format *tr_registry_find_format(const char *name);

/** Checks every key and value of a WITH clause against the connector's and the format's tables: unknown keys (with a
 * suggestion), missing required ones, malformed values. TR_ERR_DATA. `bad_key` (may be NULL) receives the key at
 * fault, or NULL when one is missing. */
tr_code tr_options_check(const struct tr_table_spec *spec, const char **bad_key, struct tr_status *st) TR_MUST_USE;

/** Asks source and sink themselves what they say of the options and types (tr_options_check does, too). TR_ERR_DATA. */
tr_code tr_connector_check(const struct tr_table_spec *spec, struct tr_status *st) TR_MUST_USE;

/** The raw value, or NULL. Format options are asked for with their prefix ("csv.field-delimiter"). */
const char *tr_options_get(const struct tr_options *options, const char *key);

/** Parsed values; `fallback` when the key is absent. The values were checked before, so these cannot fail. */
int64_t tr_options_integer(const struct tr_options *options, const char *key, int64_t fallback);
double tr_options_double(const struct tr_options *options, const char *key, double fallback);
bool tr_options_boolean(const struct tr_options *options, const char *key, bool fallback);
int64_t tr_options_duration_ms(const struct tr_options *options, const char *key, int64_t fallback);
int64_t tr_options_memory_bytes(const struct tr_options *options, const char *key, int64_t fallback);

#endif
