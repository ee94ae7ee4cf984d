/* SPDX-License-Identifier: Apache-2.0
 *
 * The real environment: the system's clocks and random numbers, and the best disk that the machine allows.
 *
 * TAILRACE_IO=plain or io_uring forces a disk; io_uring asked for by name and not allowed is an error, so that a
 * measurement never runs on something else than its title says. Without it a refusal (EPERM from a container's policy,
 * ENOSYS, ENOMEM) quietly gives the plain disk; env->disk->ops->name tells which one it is.
 */
#include <errno.h>
#include <sys/random.h>
#include <time.h>

#include "io/disk_real.h"
#include "io/memory.h"

struct real_environment {
	struct tr_environment env;
};

static int64_t clock_read(clockid_t clock, int64_t units_per_second)
{
	struct timespec t;

	TR_ASSERT(clock_gettime(clock, &t) == 0);
	return (int64_t)t.tv_sec * units_per_second + t.tv_nsec / (1000000000 / units_per_second);
}

static int64_t real_monotonic_ns(struct tr_environment *env) { return clock_read(CLOCK_MONOTONIC, 1000000000); }

static int64_t real_wall_ms(struct tr_environment *env) { return clock_read(CLOCK_REALTIME, 1000); }

static uint64_t real_random(struct tr_environment *env)
{
	uint64_t value;
	ssize_t got;

	do {
		got = getrandom(&value, sizeof(value), 0);
	} while (got < 0 && errno == EINTR);
	TR_ASSERT(got == (ssize_t)sizeof(value));
	return value;
}

static const struct tr_environment_ops real_ops = {
	.monotonic_ns = real_monotonic_ns,
	.wall_ms = real_wall_ms,
	.random = real_random,
};

tr_code tr_environment_real_create(struct tr_environment **env, struct tr_status *st)
{
	const char *wanted = getenv("TAILRACE_IO");
	struct tr_disk *disk = NULL;
	struct real_environment *real;
	int reason = 0;

	TR_ASSERT(env != NULL);
	*env = NULL;
	if (wanted == NULL || wanted[0] == '\0') {
		disk = tr_disk_uring(&reason);
		if (disk == NULL)
			disk = tr_disk_plain();
	} else if (strcmp(wanted, "plain") == 0) {
		disk = tr_disk_plain();
	} else if (strcmp(wanted, "io_uring") == 0) {
		disk = tr_disk_uring(&reason);
		if (disk == NULL)
			return tr_status_set(st, TR_ERR_UNAVAILABLE, reason, TR_WHERE,
					     "TAILRACE_IO=io_uring, but the kernel does not allow io_uring");
	} else {
		TR_FAIL(st, TR_ERR_CONFIG, "TAILRACE_IO=%s: expected 'plain' or 'io_uring'", wanted);
	}
	real = tr_io_calloc(1, sizeof(*real));
	real->env.ops = &real_ops;
	real->env.disk = disk;
	*env = &real->env;
	return TR_OK;
}

void tr_environment_real_destroy(struct tr_environment **env)
{
	TR_ASSERT(env != NULL);
	free(*env);
	*env = NULL;
}
