/* SPDX-License-Identifier: Apache-2.0
 *
 * See restart.h.
 */
#include "base/restart.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/check.h"

static tr_code number(const struct tr_config *config, const char *key, double least, double *value, struct tr_status *st)
{
	const char *text = tr_config_text(config, key);
	char *end;

	*value = strtod(text, &end);
	if (end == text || *end != '\0' || !(*value >= least && *value <= 1e6))
		TR_FAIL(st, TR_ERR_CONFIG, "'%s' is not a value for '%s': expected a number of at least %g", text, key,
			least);
	return TR_OK;
}

tr_code tr_restart_configure(const struct tr_config *config, bool has_checkpoints, struct tr_restart_terms *terms,
			     struct tr_status *st)
{
	const char *type = tr_config_text(config, "restart-strategy.type");

	*terms = (struct tr_restart_terms){.kind = TR_RESTART_NONE};
	if (strcasecmp(type, "default") == 0)
		type = has_checkpoints ? "exponential-delay" : "none";
	if (strcasecmp(type, "fixed-delay") == 0) {
		terms->kind = TR_RESTART_FIXED;
		terms->attempts = tr_config_integer(config, "restart-strategy.fixed-delay.attempts");
		terms->delay_ms = tr_config_integer(config, "restart-strategy.fixed-delay.delay");
	} else if (strcasecmp(type, "exponential-delay") == 0) {
		terms->kind = TR_RESTART_EXPONENTIAL;
		terms->attempts =
			tr_config_integer(config, "restart-strategy.exponential-delay.attempts-before-reset-backoff");
		terms->delay_ms = tr_config_integer(config, "restart-strategy.exponential-delay.initial-backoff");
		terms->delay_ms_max = tr_config_integer(config, "restart-strategy.exponential-delay.max-backoff");
		terms->reset_ms =
			tr_config_integer(config, "restart-strategy.exponential-delay.reset-backoff-threshold");
		TR_TRY(number(config, "restart-strategy.exponential-delay.backoff-multiplier", 1, &terms->factor, st));
		TR_TRY(number(config, "restart-strategy.exponential-delay.jitter-factor", 0, &terms->jitter, st));
	} else if (strcasecmp(type, "failure-rate") == 0) {
		terms->kind = TR_RESTART_RATE;
		terms->attempts = tr_config_integer(config, "restart-strategy.failure-rate.max-failures-per-interval");
		terms->rate_interval_ms =
			tr_config_integer(config, "restart-strategy.failure-rate.failure-rate-interval");
		terms->delay_ms = tr_config_integer(config, "restart-strategy.failure-rate.delay");
		if (terms->attempts >= TR_RESTART_FAILURES_MAX)
			TR_FAIL(st, TR_ERR_CONFIG,
				"'restart-strategy.failure-rate.max-failures-per-interval' can be at most %d",
				TR_RESTART_FAILURES_MAX - 1);
	}
	return TR_OK;
}

static int64_t exponential(const struct tr_restart_terms *terms, struct tr_restart_state *state, int64_t now_ms,
			   double chance)
{
	double delay_ms;

	if (state->delay_ms == 0 || now_ms - state->failed_ms - state->delay_ms >= terms->reset_ms) {
		state->delay_ms = terms->delay_ms;
		state->restarts = 0;
	}
	if (terms->attempts >= 0 && state->restarts >= terms->attempts)
		return -1;
	state->restarts++;
	delay_ms = (double)state->delay_ms * (1 + terms->jitter * (2 * chance - 1));
	state->delay_ms = TR_MIN((int64_t)((double)state->delay_ms * terms->factor), terms->delay_ms_max);
	return TR_MIN((int64_t)delay_ms, terms->delay_ms_max);
}

static int64_t by_rate(const struct tr_restart_terms *terms, struct tr_restart_state *state, int64_t now_ms)
{
	const uint64_t allowed = (uint64_t)terms->attempts;

	/* This is failure number `failures`; the one `allowed` before it must lie outside of the interval. */
	if (allowed == 0)
		return -1;
	if (state->failures > allowed &&
	    now_ms - state->times[(state->failures - 1 - allowed) % TR_RESTART_FAILURES_MAX] <= terms->rate_interval_ms)
		return -1;
	return terms->delay_ms;
}

int64_t tr_restart_after(const struct tr_restart_terms *terms, struct tr_restart_state *state, int64_t now_ms,
			 double chance)
{
	int64_t delay_ms = -1;

	TR_ASSERT(chance >= 0 && chance < 1);
	state->times[state->failures++ % TR_RESTART_FAILURES_MAX] = now_ms;
	switch (terms->kind) {
	case TR_RESTART_NONE: break;
	case TR_RESTART_FIXED:
		if (terms->attempts < 0 || state->restarts < terms->attempts) {
			state->restarts++;
			delay_ms = terms->delay_ms;
		}
		break;
	case TR_RESTART_EXPONENTIAL: delay_ms = exponential(terms, state, now_ms, chance); break;
	case TR_RESTART_RATE: delay_ms = by_rate(terms, state, now_ms); break;
	}
	state->failed_ms = now_ms;
	return delay_ms;
}

bool tr_restart_can_help(int exit_status)
{
	switch (exit_status) {
	case TR_ERR_FAILED:
	case TR_ERR_UNAVAILABLE:
	case TR_ERR_INTERNAL:
	case TR_ERR_NO_MEMORY:
	case TR_ERR_CANT_CREATE:
	case TR_ERR_IO: return true;
	default: return false;
	}
}
