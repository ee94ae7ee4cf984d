/* SPDX-License-Identifier: Apache-2.0
 *
 * Status: how Tailrace says that the world went wrong.
 *
 * A function that can fail returns a `tr_code` (0 is success) and takes a `struct tr_status *` as its last
 * parameter, which may be NULL. The status receives what happened, where in our source it was noticed, and
 * errno if a system call failed. A programming error is not a status: it is an assertion (base/check.h).
 * "Come back later" is not a status either: it is flow (core/ops/op.h).
 *
 *     tr_code open_it(const char *path, struct tr_status *st)
 *     {
 *         int fd = open(path, O_RDONLY);
 *         if (fd < 0) TR_FAIL_ERRNO(st, TR_ERR_IO, "open %s", path);
 *         TR_TRY(read_header(fd, st));
 *         return TR_OK;
 *     }
 *
 * The value of a code is its exit status on the command line, so that a script can tell a bad query from a
 * full disk. Thread: a status belongs to its caller; nothing here is shared.
 */
#ifndef TAILRACE_STATUS_H
#define TAILRACE_STATUS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A name that programs and plugins may use; the library and the command line program export these and no others. */
#define TR_API __attribute__((visibility("default")))

/** What kind of failure it was. The numbers are sysexits' where one fits; see the README, "Exit status". */
typedef enum tr_code {
	TR_OK = 0,
	TR_ERR_FAILED = 1,       /* the job failed */
	TR_ERR_USAGE = 64,       /* the command line is wrong */
	TR_ERR_DATA = 65,        /* the SQL or the input data is wrong */
	TR_ERR_NO_INPUT = 66,    /* an input does not exist or can't be read */
	TR_ERR_UNAVAILABLE = 69, /* a peer or a kernel feature is missing */
	TR_ERR_INTERNAL = 70,    /* our own mistake, found in time */
	TR_ERR_NO_MEMORY = 71,   /* a memory limit was reached */
	TR_ERR_CANT_CREATE = 73, /* an output can't be created */
	TR_ERR_IO = 74,          /* reading or writing failed */
	TR_ERR_PERMISSION = 77,  /* not allowed */
	TR_ERR_CONFIG = 78,      /* the configuration is wrong */
	TR_ERR_CANCELLED = 130,  /* stopped by the user */
} tr_code;

#define TR_STATUS_MESSAGE_MAX 1024

/** What went wrong. Zero-initialise it, or call tr_status_clear. */
struct tr_status {
	tr_code code;
	int sys_errno;                       /* errno, or 0 */
	const char *where;                   /* "io/disk.c:212"; static storage */
	char message[TR_STATUS_MESSAGE_MAX]; /* one or more lines, no trailing newline, never empty on failure */
};

/** Resets `st` to success. `st` may be NULL. */
TR_API void tr_status_clear(struct tr_status *st);

/** Records a failure and returns `code`, so that it can be returned in one line. The message is truncated with
 * "..." when too long. `st` may be NULL. */
TR_API tr_code tr_status_set(struct tr_status *st, tr_code code, int sys_errno, const char *where, const char *format,
			     ...) __attribute__((format(printf, 5, 6)));

/** Puts "prefix: " before the message of a failure that is passed on. Returns st's code (or `code` if st is NULL). */
TR_API tr_code tr_status_prefix(struct tr_status *st, tr_code code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/** The code's name ("TR_ERR_IO") and a sentence about it; static strings. */
TR_API const char *tr_code_name(tr_code code);
TR_API const char *tr_code_text(tr_code code);

#define TR_STRINGIFY_(x) #x
#define TR_STRINGIFY(x) TR_STRINGIFY_(x)
#define TR_WHERE __FILE__ ":" TR_STRINGIFY(__LINE__)

/** Returns the code of `expr` to the caller if it is a failure. */
#define TR_TRY(expr)                                 \
	do {                                         \
		const tr_code tr_try_code_ = (expr); \
		if (tr_try_code_ != TR_OK)           \
			return tr_try_code_;         \
	} while (0)

/** Fails: records code and message and returns. */
#define TR_FAIL(st, code, ...) return tr_status_set((st), (code), 0, TR_WHERE, __VA_ARGS__)

/** Fails with errno, whose text is appended to the message. */
#define TR_FAIL_ERRNO(st, code, ...) return tr_status_set((st), (code), errno, TR_WHERE, __VA_ARGS__)

#define TR_MUST_USE __attribute__((warn_unused_result))

#ifdef __cplusplus
}
#endif
#endif
