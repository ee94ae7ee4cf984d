/* SPDX-License-Identifier: Apache-2.0
 *
 * Configuration: one table of keys with type, default and doc line; one set of values per job.
 *
 * Keys and units are Flink's where Flink has one (docs: configs/README.md, generated from this table). The same table
 * serves the YAML file, -D on the command line, SET in a script, and the environment, in this order of precedence:
 *
 *     --parallelism and -D   over   SET in the script   over   the file   over   the default
 *
 * A value remembers who set it, so that a weaker source never replaces a stronger one. An unknown key is an error that
 * names the nearest one; a key that Flink has and one machine has no use for is accepted with a warning that says so.
 */
#ifndef TR_BASE_CONFIG_H
#define TR_BASE_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "tailrace/status.h"

enum tr_config_kind {
	TR_CONFIG_STRING,
	TR_CONFIG_BOOLEAN,
	TR_CONFIG_INTEGER,
	TR_CONFIG_DURATION, /* ms */
	TR_CONFIG_MEMORY,   /* bytes */
	TR_CONFIG_ENUM,
};

enum tr_config_origin { TR_ORIGIN_DEFAULT, TR_ORIGIN_FILE, TR_ORIGIN_SCRIPT, TR_ORIGIN_COMMAND };

struct tr_config_key {
	const char *name;
	enum tr_config_kind kind;
	const char *default_text; /* "" : none */
	const char *choices;      /* ENUM: "a|b" */
	int64_t minimum;          /* INTEGER, DURATION, MEMORY */
	int64_t maximum;
	bool has_effect; /* false: accepted for Flink's sake, no effect on one machine */
	const char *doc;
};

/** The table; ends with name NULL. */
const struct tr_config_key *tr_config_keys(void);

#define TR_CONFIG_KEYS_MAX 128

struct tr_config {
	struct tr_arena *arena;                 /* texts are copied here */
	const char *values[TR_CONFIG_KEYS_MAX]; /* NULL: default */
	uint8_t origins[TR_CONFIG_KEYS_MAX];
};

/** All defaults. */
void tr_config_init(struct tr_config *config, struct tr_arena *arena);

/** Sets a key if `origin` is at least as strong as what set it before. TR_ERR_CONFIG: unknown key (with the nearest
 * one), a value of the wrong kind or out of range. `value` NULL resets to the default (RESET). `has_effect` (may be
 * NULL) receives whether the key does anything here. */
tr_code tr_config_set(struct tr_config *config, const char *key, const char *value, enum tr_config_origin origin,
		      bool *has_effect, struct tr_status *st);

/** Values by key; asking for a key that is not in the table is a bug. */
const char *tr_config_text(const struct tr_config *config, const char *key);
int64_t tr_config_integer(const struct tr_config *config, const char *key); /* INTEGER, DURATION, MEMORY */
bool tr_config_boolean(const struct tr_config *config, const char *key);

/** Whether somebody set it. */
bool tr_config_is_set(const struct tr_config *config, const char *key);

#endif
