/* SPDX-License-Identifier: Apache-2.0
 *
 * Clocks, random numbers, trace: see sim_environment.h.
 */
#include "sim/sim_environment.h"

#include <inttypes.h>
#include <string.h>

#define WALL_START_MS INT64_C(1700000000000)

static struct tr_sim_environment *sim_of(struct tr_environment *env) { return (struct tr_sim_environment *)env; }

static int64_t sim_monotonic_ns(struct tr_environment *env) { return sim_of(env)->now_ns; }

static int64_t sim_wall_ms(struct tr_environment *env)
{
	const struct tr_sim_environment *sim = sim_of(env);

	return sim->now_ns / 1000000 + sim->wall_offset_ms;
}

static uint64_t sim_random(struct tr_environment *env) { return tr_sim_random(&sim_of(env)->random); }

static const struct tr_environment_ops sim_ops = {
	.monotonic_ns = sim_monotonic_ns,
	.wall_ms = sim_wall_ms,
	.random = sim_random,
};

void tr_sim_environment_init(struct tr_sim_environment *env, uint64_t seed)
{
	memset(env, 0, sizeof(*env));
	env->env.ops = &sim_ops;
	env->now_ns = 1000000000;
	env->wall_offset_ms = WALL_START_MS;
	env->random = tr_sim_stream(seed, 1);
	env->trace.hash = UINT64_C(0xcbf29ce484222325);
}

static uint64_t mix(uint64_t hash, uint64_t value)
{
	hash = (hash ^ value) * UINT64_C(0x9fb21c651e98df25);
	return hash ^ (hash >> 28);
}

static uint64_t mix_text(uint64_t hash, const char *text)
{
	for (; *text != '\0'; text++)
		hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
	return hash;
}

void tr_sim_trace_add(struct tr_sim_environment *env, const char *what, const char *name, int64_t a, int64_t b)
{
	struct tr_sim_trace *trace = &env->trace;
	struct tr_sim_event *event = &trace->kept[trace->count++ % TR_SIM_EVENTS_KEPT];
	const size_t length = name != NULL ? strlen(name) : 0;
	const size_t skipped = length >= sizeof(event->name) ? length - sizeof(event->name) + 1 : 0;

	*event = (struct tr_sim_event){.what = what, .at_ns = env->now_ns, .a = a, .b = b};
	if (length > 0)
		memcpy(event->name, name + skipped, length - skipped + 1);
	trace->hash = mix(mix(mix(mix_text(trace->hash, what), (uint64_t)env->now_ns), (uint64_t)a), (uint64_t)b);
	if (length > 0)
		trace->hash = mix_text(trace->hash, name);
}

void tr_sim_trace_print(const struct tr_sim_environment *env, uint32_t count, FILE *out)
{
	const struct tr_sim_trace *trace = &env->trace;
	const uint64_t kept = trace->count < TR_SIM_EVENTS_KEPT ? trace->count : TR_SIM_EVENTS_KEPT;
	const uint64_t shown = count < kept ? count : kept;

	for (uint64_t n = trace->count - shown; n < trace->count; n++) {
		const struct tr_sim_event *event = &trace->kept[n % TR_SIM_EVENTS_KEPT];

		fprintf(out, "  %8" PRIu64 " %12.6f s  %-16s %10" PRId64 " %10" PRId64 "  %s\n", n,
			(double)event->at_ns / 1e9, event->what, event->a, event->b, event->name);
	}
}
