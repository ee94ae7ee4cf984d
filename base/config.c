/* SPDX-License-Identifier: Apache-2.0
 *
 * See config.h. The table comes first: a new key is one line here and one tr_config_... call where it is used.
 */
#include "base/config.h"

#include <string.h>

#include "base/check.h"
#include "base/suggest.h"
#include "base/units.h"

#define ANY INT64_MIN, INT64_MAX
#define DURATION 0, INT64_MAX
#define NO_EFFECT(name, kind)                                                                           \
	{                                                                                               \
		name, kind, "", NULL, ANY, false, "accepted for Flink's sake; no effect on one machine" \
	}

static const struct tr_config_key keys[] = {
	{"parallelism.default", TR_CONFIG_INTEGER, "0", NULL, 0, 64, true,
	 "Subtasks per stage; 0: the number of cores that the process may use."},
	{"pipeline.name", TR_CONFIG_STRING, "", NULL, ANY, true, "The job's name; by default the script's file name."},
	{"pipeline.max-parallelism", TR_CONFIG_INTEGER, "128", NULL, 1, 32768, true, "Key groups."},
	{"pipeline.auto-watermark-interval", TR_CONFIG_DURATION, "200 ms", NULL, DURATION, true,
	 "How far event time must move before the next watermark is made."},
	{"execution.runtime-mode", TR_CONFIG_ENUM, "streaming", "streaming|batch|automatic", ANY, true,
	 "batch: all input ends, and a query answers once; ORDER BY and GROUP BY without windows need it."},
	{"execution.checkpointing.interval", TR_CONFIG_DURATION, "0 ms", NULL, DURATION, true,
	 "Time between checkpoints; 0: none are made, and a job that fails begins anew."},
	{"execution.checkpointing.mode", TR_CONFIG_ENUM, "EXACTLY_ONCE", "EXACTLY_ONCE|AT_LEAST_ONCE", ANY, true,
	 "AT_LEAST_ONCE: barriers hold no input back; rows may count twice after a failure."},
	{"execution.checkpointing.timeout", TR_CONFIG_DURATION, "10 min", NULL, DURATION, true,
	 "A checkpoint that takes longer is given up; 0: never."},
	{"execution.checkpointing.min-pause", TR_CONFIG_DURATION, "0 ms", NULL, DURATION, true,
	 "Least time between the end of a checkpoint and the next one."},
	{"execution.checkpointing.num-retained", TR_CONFIG_INTEGER, "1", NULL, 1, 64, true,
	 "Checkpoints to keep; two are kept at least."},
	{"execution.checkpointing.dir", TR_CONFIG_STRING, "", NULL, ANY, true,
	 "Where jobs keep their checkpoints, each in a directory of its name; by default $XDG_STATE_HOME/tailrace, "
	 "else .tailrace in the working directory."},
	{"execution.checkpointing.tolerable-failed-checkpoints", TR_CONFIG_INTEGER, "-1", NULL, -1, INT32_MAX, true,
	 "The job fails when more checkpoints in a row have failed; -1: never."},
	{"restart-strategy.type", TR_CONFIG_ENUM, "default",
	 "default|none|off|disable|fixed-delay|exponential-delay|failure-rate", ANY, true,
	 "What follows a failure; default: exponential-delay with checkpoints, else none."},
	{"restart-strategy.fixed-delay.attempts", TR_CONFIG_INTEGER, "1", NULL, 0, INT32_MAX, true,
	 "How often the job is started again."},
	{"restart-strategy.fixed-delay.delay", TR_CONFIG_DURATION, "1 s", NULL, DURATION, true,
	 "Time before each restart."},
	{"restart-strategy.exponential-delay.initial-backoff", TR_CONFIG_DURATION, "1 s", NULL, DURATION, true,
	 "Time before the first restart."},
	{"restart-strategy.exponential-delay.max-backoff", TR_CONFIG_DURATION, "1 min", NULL, DURATION, true,
	 "Longest time before a restart."},
	{"restart-strategy.exponential-delay.backoff-multiplier", TR_CONFIG_STRING, "1.5", NULL, ANY, true,
	 "By how much the time grows with each restart."},
	{"restart-strategy.exponential-delay.jitter-factor", TR_CONFIG_STRING, "0.1", NULL, ANY, true,
	 "By what part of it the time varies at random."},
	{"restart-strategy.exponential-delay.reset-backoff-threshold", TR_CONFIG_DURATION, "1 h", NULL, DURATION, true,
	 "After so long without a failure the time is the initial one again."},
	{"restart-strategy.exponential-delay.attempts-before-reset-backoff", TR_CONFIG_INTEGER, "-1", NULL, -1,
	 INT32_MAX, true, "Restarts without such a time between them; -1: any number."},
	{"restart-strategy.failure-rate.max-failures-per-interval", TR_CONFIG_INTEGER, "1", NULL, 0, INT32_MAX, true,
	 "Failures within the interval that are followed by a restart."},
	{"restart-strategy.failure-rate.failure-rate-interval", TR_CONFIG_DURATION, "1 min", NULL, DURATION, true,
	 "The interval that failures are counted in."},
	{"restart-strategy.failure-rate.delay", TR_CONFIG_DURATION, "1 s", NULL, DURATION, true,
	 "Time before each restart."},
	{"execution.buffer-timeout.interval", TR_CONFIG_DURATION, "100 ms", NULL, DURATION, true,
	 "How long a partly filled batch may wait before it crosses to another subtask."},
	{"state.memory.limit", TR_CONFIG_MEMORY, "0", NULL, 0, INT64_MAX, true,
	 "Memory for the state of all window operators together; what is beyond it lies in files. 0: no limit."},
	{"table.local-time-zone", TR_CONFIG_STRING, "default", NULL, ANY, true,
	 "The session's time zone, such as 'Europe/Berlin' or 'GMT+01:00'; default: that of the machine."},
	{"table.exec.state.ttl", TR_CONFIG_DURATION, "0 ms", NULL, DURATION, true,
	 "How long state that no window bounds is kept after its last change; 0: for ever. Windows end by themselves."},
	{"table.exec.source.idle-timeout", TR_CONFIG_DURATION, "0 ms", NULL, DURATION, true,
	 "A split without rows for so long does not hold the watermark back; 0: never idle."},
	{"table.exec.resource.default-parallelism", TR_CONFIG_INTEGER, "-1", NULL, -1, 64, true,
	 "Overrides parallelism.default for SQL; -1: does not."},
	{"table.optimizer.agg-phase-strategy", TR_CONFIG_ENUM, "AUTO", "AUTO|ONE_PHASE|TWO_PHASE", ANY, true,
	 "Whether aggregates are pre-aggregated before rows change the subtask."},
	{"table.optimizer.reuse-sub-plan-enabled", TR_CONFIG_BOOLEAN, "true", NULL, ANY, true,
	 "What several INSERTs of a statement set, or parts of a query, have in common is run once."},
	{"table.optimizer.reuse-source-enabled", TR_CONFIG_BOOLEAN, "true", NULL, ANY, true,
	 "A table that is read in several places is read once; only with table.optimizer.reuse-sub-plan-enabled."},
	{"table.exec.sink.not-null-enforcer", TR_CONFIG_ENUM, "ERROR", "ERROR|DROP", ANY, true,
	 "A NULL for a NOT NULL column of a sink fails the job, or the row is dropped."},
	{"table.exec.sink.type-length-enforcer", TR_CONFIG_ENUM, "IGNORE", "IGNORE|TRIM_PAD|ERROR", ANY, true,
	 "INSERT casts to other types; values that are longer (or shorter) than their own type pass, are cut and "
	 "padded, or fail."},
	{"table.display.max-column-width", TR_CONFIG_INTEGER, "30", NULL, 1, 10000, true,
	 "Widest column of a printed result."},
	{"sql-client.execution.result-mode", TR_CONFIG_ENUM, "tableau", "tableau|table|changelog", ANY, true,
	 "How a bare SELECT is shown; all show Flink's tableau."},
	{"engine.batch-rows", TR_CONFIG_INTEGER, "2048", NULL, 1, 65536, true, "Most rows of a batch."},
	{"engine.exchange-credits", TR_CONFIG_INTEGER, "4", NULL, 1, 1024, true,
	 "Batches in flight per pair of subtasks."},
	{"engine.workers", TR_CONFIG_INTEGER, "0", NULL, 0, 64, true, "Threads; 0: as many as subtasks of a stage."},
	{"engine.window-operator", TR_CONFIG_ENUM, "auto", "auto|general", ANY, true,
	 "general: never take the fast path of slices (for comparison)."},
	NO_EFFECT("execution.checkpointing.unaligned.enabled", TR_CONFIG_BOOLEAN),
	NO_EFFECT("pipeline.object-reuse", TR_CONFIG_BOOLEAN),
	NO_EFFECT("pipeline.operator-chaining.enabled", TR_CONFIG_BOOLEAN),
	NO_EFFECT("table.dml-sync", TR_CONFIG_BOOLEAN),
	NO_EFFECT("table.sql-dialect", TR_CONFIG_STRING),
	NO_EFFECT("table.exec.mini-batch.enabled", TR_CONFIG_BOOLEAN),
	NO_EFFECT("table.exec.mini-batch.allow-latency", TR_CONFIG_DURATION),
	NO_EFFECT("table.exec.mini-batch.size", TR_CONFIG_INTEGER),
	NO_EFFECT("table.optimizer.distinct-agg.split.enabled", TR_CONFIG_BOOLEAN),
	NO_EFFECT("taskmanager.numberOfTaskSlots", TR_CONFIG_INTEGER),
	NO_EFFECT("taskmanager.memory.process.size", TR_CONFIG_MEMORY),
	NO_EFFECT("jobmanager.memory.process.size", TR_CONFIG_MEMORY),
	NO_EFFECT("sql-client.verbose", TR_CONFIG_BOOLEAN),
	{NULL, TR_CONFIG_STRING, NULL, NULL, ANY, false, NULL},
};
_Static_assert(TR_COUNT_OF(keys) <= TR_CONFIG_KEYS_MAX, "the table of keys fits a configuration");

const struct tr_config_key *tr_config_keys(void) { return keys; }

static int find(const char *name)
{
	for (int i = 0; keys[i].name != NULL; i++) {
		if (strcmp(keys[i].name, name) == 0)
			return i;
	}
	return -1;
}

void tr_config_init(struct tr_config *config, struct tr_arena *arena)
{
	memset(config, 0, sizeof(*config));
	config->arena = arena;
}

/* Parses by kind; `number` receives what tr_config_integer will answer. */
static bool parse(const struct tr_config_key *key, const char *value, int64_t *number)
{
	bool flag;

	switch (key->kind) {
	case TR_CONFIG_STRING: return true;
	case TR_CONFIG_ENUM: return tr_units_choice(value, key->choices, NULL);
	case TR_CONFIG_BOOLEAN: return tr_units_boolean(value, &flag);
	case TR_CONFIG_INTEGER: return tr_units_integer(value, number);
	case TR_CONFIG_DURATION: return tr_units_duration_ms(value, number);
	case TR_CONFIG_MEMORY: return tr_units_memory_bytes(value, number);
	}
	TR_UNREACHABLE();
}

static const char *kind_text(const struct tr_config_key *key)
{
	static const char *const texts[] = {"a text",
					    "true or false",
					    "a whole number",
					    "a duration such as '500 ms' or '1 min'",
					    "a size such as '128mb'",
					    ""};

	return key->kind == TR_CONFIG_ENUM ? key->choices : texts[key->kind];
}

static tr_code fail_unknown(const char *name, struct tr_status *st)
{
	const char *names[TR_CONFIG_KEYS_MAX];
	const char *nearest;
	uint32_t count = 0;

	for (; keys[count].name != NULL; count++)
		names[count] = keys[count].name;
	nearest = tr_suggest_nearest(name, names, count);
	if (nearest != NULL)
		TR_FAIL(st, TR_ERR_CONFIG, "unknown configuration key '%s'; did you mean '%s'?", name, nearest);
	TR_FAIL(st, TR_ERR_CONFIG, "unknown configuration key '%s'; `tailrace config` lists them all", name);
}

tr_code tr_config_set(struct tr_config *config, const char *name, const char *value, enum tr_config_origin origin,
		      bool *has_effect, struct tr_status *st)
{
	int index = find(name);
	const struct tr_config_key *key = &keys[index < 0 ? 0 : index];
	int64_t number = 0;

	if (index < 0)
		return fail_unknown(name, st);
	if (value != NULL && !parse(key, value, &number))
		TR_FAIL(st, TR_ERR_CONFIG, "'%s' is not a value for '%s': expected %s", value, name, kind_text(key));
	if (value != NULL && key->kind >= TR_CONFIG_INTEGER && key->kind <= TR_CONFIG_MEMORY &&
	    (number < key->minimum || number > key->maximum))
		TR_FAIL(st, TR_ERR_CONFIG, "'%s' is out of range for '%s': %lld to %lld", value, name,
			(long long)key->minimum, (long long)key->maximum);
	if (has_effect != NULL)
		*has_effect = key->has_effect;
	if (origin < config->origins[index])
		return TR_OK;
	config->values[index] = value != NULL ? tr_arena_strdup(config->arena, value) : NULL;
	config->origins[index] = (uint8_t)(value != NULL ? origin : TR_ORIGIN_DEFAULT);
	return TR_OK;
}

const char *tr_config_text(const struct tr_config *config, const char *name)
{
	int index = find(name);

	TR_ASSERT(index >= 0);
	return config->values[index] != NULL ? config->values[index] : keys[index].default_text;
}

int64_t tr_config_integer(const struct tr_config *config, const char *name)
{
	int64_t number = 0;
	int index = find(name);
	const char *text = tr_config_text(config, name);

	TR_ASSERT(keys[index].kind >= TR_CONFIG_INTEGER && keys[index].kind <= TR_CONFIG_MEMORY);
	if (text[0] != '\0')
		TR_ASSERT(parse(&keys[index], text, &number));
	return number;
}

bool tr_config_boolean(const struct tr_config *config, const char *name)
{
	bool flag = false;
	const char *text = tr_config_text(config, name);

	if (text[0] != '\0')
		TR_ASSERT(tr_units_boolean(text, &flag));
	return flag;
}

bool tr_config_is_set(const struct tr_config *config, const char *name)
{
	int index = find(name);

	TR_ASSERT(index >= 0);
	return config->values[index] != NULL;
}
