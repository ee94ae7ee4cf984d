/* SPDX-License-Identifier: Apache-2.0
 *
 * Status: recording what went wrong (tailrace/status.h says when and why).
 *
 * A message is put together in a local buffer and copied at the end, so that an argument may be the message of the
 * same status. Truncation is visible: the last three bytes become "...".
 */
#include "tailrace/status.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"

/** printf into `text` at `length`; returns the new length and marks a truncation. */
__attribute__((format(printf, 3, 0))) static size_t put_text(char *text, size_t length, const char *format, va_list args)
{
	const size_t room = TR_STATUS_MESSAGE_MAX - length;
	int wanted;

	TR_ASSERT(length < TR_STATUS_MESSAGE_MAX);
	wanted = vsnprintf(text + length, room, format, args);
	if (wanted < 0)
		return length;
	if ((size_t)wanted < room)
		return length + (size_t)wanted;
	memcpy(text + TR_STATUS_MESSAGE_MAX - 4, "...", 4);
	return TR_STATUS_MESSAGE_MAX - 1;
}

__attribute__((format(printf, 3, 4))) static size_t put_formatted(char *text, size_t length, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	length = put_text(text, length, format, args);
	va_end(args);
	return length;
}

void tr_status_clear(struct tr_status *st)
{
	if (st == NULL)
		return;
	st->code = TR_OK;
	st->sys_errno = 0;
	st->where = NULL;
	st->message[0] = '\0';
}

tr_code tr_status_set(struct tr_status *st, tr_code code, int sys_errno, const char *where, const char *format, ...)
{
	char text[TR_STATUS_MESSAGE_MAX];
	size_t length;
	va_list args;

	TR_ASSERT(code != TR_OK);
	if (st == NULL)
		return code;
	text[0] = '\0';
	va_start(args, format);
	length = put_text(text, 0, format, args);
	va_end(args);
	if (sys_errno != 0) {
		char reason[128];

		/* The GNU strerror_r: thread-safe, and it may return a static string instead of `reason`. */
		length = put_formatted(text, length, "%s%s", length > 0 ? ": " : "",
				       strerror_r(sys_errno, reason, sizeof(reason)));
	}
	if (length == 0)
		length = put_formatted(text, 0, "%s", tr_code_text(code));
	st->code = code;
	st->sys_errno = sys_errno;
	st->where = where;
	memcpy(st->message, text, length + 1);
	return code;
}

tr_code tr_status_prefix(struct tr_status *st, tr_code code, const char *format, ...)
{
	char text[TR_STATUS_MESSAGE_MAX];
	size_t length;
	va_list args;

	if (st == NULL)
		return code;
	TR_ASSERT(st->code != TR_OK);
	text[0] = '\0';
	va_start(args, format);
	length = put_text(text, 0, format, args);
	va_end(args);
	length = put_formatted(text, length, ": %s", st->message);
	memcpy(st->message, text, length + 1);
	return st->code;
}

/** Every code with its name and a sentence about it. */
static const struct code_entry {
	tr_code code;
	const char *name;
	const char *text;
} codes[] = {
	{TR_OK, "TR_OK", "success"},
	{TR_ERR_FAILED, "TR_ERR_FAILED", "the job failed"},
	{TR_ERR_USAGE, "TR_ERR_USAGE", "the command line is wrong"},
	{TR_ERR_DATA, "TR_ERR_DATA", "the SQL or the input data is wrong"},
	{TR_ERR_NO_INPUT, "TR_ERR_NO_INPUT", "an input does not exist or cannot be read"},
	{TR_ERR_UNAVAILABLE, "TR_ERR_UNAVAILABLE", "a peer or a kernel feature is missing"},
	{TR_ERR_INTERNAL, "TR_ERR_INTERNAL", "an internal error"},
	{TR_ERR_NO_MEMORY, "TR_ERR_NO_MEMORY", "a memory limit was reached"},
	{TR_ERR_CANT_CREATE, "TR_ERR_CANT_CREATE", "an output cannot be created"},
	{TR_ERR_IO, "TR_ERR_IO", "reading or writing failed"},
	{TR_ERR_PERMISSION, "TR_ERR_PERMISSION", "permission denied"},
	{TR_ERR_CONFIG, "TR_ERR_CONFIG", "the configuration is wrong"},
	{TR_ERR_CANCELLED, "TR_ERR_CANCELLED", "stopped by the user"},
};

static const struct code_entry *find_code(tr_code code)
{
	for (size_t i = 0; i < TR_COUNT_OF(codes); i++)
		if (codes[i].code == code)
			return &codes[i];
	return NULL;
}

const char *tr_code_name(tr_code code)
{
	const struct code_entry *entry = find_code(code);

	return entry != NULL ? entry->name : "TR_ERR_?";
}

const char *tr_code_text(tr_code code)
{
	const struct code_entry *entry = find_code(code);

	return entry != NULL ? entry->text : "an unknown failure";
}
