/* SPDX-License-Identifier: Apache-2.0
 *
 * See control.h. A socket's address is short (108 bytes), and a directory's path may be longer: so it is reached by way of
 * /proc/self/fd.
 */
#include "server/control.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/check.h"

#define SOCKET_NAME "control.sock"
#define LINE_BYTES_MAX 4096
#define READ_TIMEOUT_MS 2000

struct tr_control {
	struct tr_engine *engine;
	const char *job_id;
	int directory;
	int listener;
	int stop; /* eventfd */
	pthread_t thread;
};

static void put_address(int directory, struct sockaddr_un *address)
{
	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	snprintf(address->sun_path, sizeof(address->sun_path), "/proc/self/fd/%d/%s", directory, SOCKET_NAME);
}

/* Reads up to a line end. False: closed, too long or too slow. */
static bool read_line(int fd, char *line, int timeout_ms)
{
	size_t length = 0;

	while (length + 1 < LINE_BYTES_MAX) {
		struct pollfd wait = {.fd = fd, .events = POLLIN};
		ssize_t got;

		if (poll(&wait, 1, timeout_ms) <= 0)
			return false;
		got = read(fd, line + length, 1);
		if (got <= 0)
			return false;
		if (line[length] == '\n') {
			line[length] = '\0';
			return true;
		}
		length++;
	}
	return false;
}

static void write_line(int fd, const char *line)
{
	size_t length = strlen(line);

	while (length > 0) {
		const ssize_t put = send(fd, line, length, MSG_NOSIGNAL);

		if (put <= 0)
			return; /* who asked has gone */
		line += put;
		length -= (size_t)put;
	}
}

/* Messages may have several lines; an answer has one. */
static void write_error(int fd, const struct tr_status *st)
{
	char line[TR_STATUS_MESSAGE_MAX + 64];

	snprintf(line, sizeof(line) - 1, "error\t%d\t%s", (int)st->code, st->message);
	for (char *c = line; *c != '\0'; c++)
		*c = *c == '\n' ? ' ' : *c;
	strcat(line, "\n");
	write_line(fd, line);
}

static void answer_status(struct tr_control *control, int fd)
{
	struct tr_checkpoint_stats stats = {0};
	char line[256];

	(void)tr_engine_checkpoints(control->engine, &stats);
	snprintf(line, sizeof(line), "ok\t%s\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\n", control->job_id,
		 TR_MAX(stats.last, stats.restored), stats.completed, stats.failed);
	write_line(fd, line);
}

static void answer_savepoint(struct tr_control *control, int fd, const char *directory, const char *mode)
{
	enum tr_stop_mode stop = strcmp(mode, "suspend") == 0 ? TR_STOP_SUSPEND
				 : strcmp(mode, "drain") == 0 ? TR_STOP_DRAIN
							      : TR_STOP_NONE;
	struct tr_status st = {0};
	uint64_t checkpoint = 0;
	char line[64];

	if (tr_engine_savepoint(control->engine, directory, stop, &checkpoint, &st) != TR_OK) {
		write_error(fd, &st);
		return;
	}
	snprintf(line, sizeof(line), "ok\t%" PRIu64 "\n", checkpoint);
	write_line(fd, line);
}

static void answer(struct tr_control *control, int fd)
{
	char line[LINE_BYTES_MAX], *rest = line, *verb, *directory, *mode;
	struct tr_status st = {0};

	if (!read_line(fd, line, READ_TIMEOUT_MS))
		return;
	verb = strsep(&rest, "\t");
	directory = strsep(&rest, "\t");
	mode = strsep(&rest, "\t");
	if (strcmp(verb, "status") == 0) {
		answer_status(control, fd);
	} else if (strcmp(verb, "savepoint") == 0 && directory != NULL && mode != NULL) {
		answer_savepoint(control, fd, directory, mode);
	} else {
		(void)tr_status_set(&st, TR_ERR_USAGE, 0, TR_WHERE, "the job does not understand '%s'", verb);
		write_error(fd, &st);
	}
}

static void *control_main(void *argument)
{
	struct tr_control *control = argument;
	struct pollfd wait[2] = {{.fd = control->listener, .events = POLLIN}, {.fd = control->stop, .events = POLLIN}};

	for (;;) {
		int fd;

		if (poll(wait, 2, -1) < 0 && errno != EINTR)
			return NULL;
		if (wait[1].revents != 0)
			return NULL;
		if ((wait[0].revents & POLLIN) == 0)
			continue;
		fd = accept4(control->listener, NULL, NULL, SOCK_CLOEXEC);
		if (fd < 0)
			continue;
		answer(control, fd);
		close(fd);
	}
}

static void control_free(struct tr_control *control)
{
	if (control->listener >= 0)
		close(control->listener);
	if (control->stop >= 0)
		close(control->stop);
	if (control->directory >= 0)
		close(control->directory);
	free(control);
}

tr_code tr_control_start(const char *directory, struct tr_engine *engine, const char *job_id,
			 struct tr_control **control, struct tr_status *st)
{
	struct tr_control *c = calloc(1, sizeof(*c));
	struct sockaddr_un address;
	bool is_good;
	int error = 0;

	TR_ASSERT(c != NULL);
	*control = NULL;
	c->engine = engine;
	c->job_id = job_id;
	c->directory = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	c->stop = eventfd(0, EFD_CLOEXEC);
	c->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	is_good = c->directory >= 0 && c->stop >= 0 && c->listener >= 0;
	if (is_good) {
		put_address(c->directory, &address);
		(void)unlinkat(c->directory, SOCKET_NAME, 0);
		is_good = bind(c->listener, (const void *)&address, sizeof(address)) == 0 &&
			  chmod(address.sun_path, 0600) == 0 && listen(c->listener, 16) == 0;
	}
	if (is_good) {
		error = pthread_create(&c->thread, NULL, control_main, c);
		is_good = error == 0;
	} else {
		error = errno;
	}
	if (!is_good) {
		control_free(c);
		return tr_status_set(st, TR_ERR_CANT_CREATE, error, TR_WHERE, "%s/%s: %s", directory, SOCKET_NAME,
				     strerror(error));
	}
	*control = c;
	return TR_OK;
}

void tr_control_stop(struct tr_control **control)
{
	struct tr_control *c = *control;
	const uint64_t one = 1;

	*control = NULL;
	if (c == NULL)
		return;
	TR_ASSERT(write(c->stop, &one, sizeof(one)) == (ssize_t)sizeof(one));
	pthread_join(c->thread, NULL);
	(void)unlinkat(c->directory, SOCKET_NAME, 0);
	control_free(c);
}

/* "ok\t.." or "error\t<status>\t<message>". */
static tr_code read_answer(int fd, char **answer, struct tr_status *st)
{
	char line[LINE_BYTES_MAX], *rest = line, *word, *code;

	if (!read_line(fd, line, -1))
		TR_FAIL(st, TR_ERR_UNAVAILABLE, "the job ended before it answered");
	word = strsep(&rest, "\t");
	if (strcmp(word, "ok") == 0) {
		*answer = strdup(rest != NULL ? rest : "");
		TR_ASSERT(*answer != NULL);
		return TR_OK;
	}
	code = rest != NULL ? strsep(&rest, "\t") : NULL;
	return tr_status_set(st, code != NULL && atoi(code) > 0 ? (tr_code)atoi(code) : TR_ERR_INTERNAL, 0, TR_WHERE,
			     "%s", rest != NULL ? rest : "the job gave no answer");
}

tr_code tr_control_ask(const char *directory, const char *question, char **answer, struct tr_status *st)
{
	const int folder = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un address;
	tr_code code;

	*answer = NULL;
	put_address(folder, &address);
	if (folder < 0 || fd < 0 || connect(fd, (const void *)&address, sizeof(address)) != 0) {
		code = tr_status_set(st, TR_ERR_UNAVAILABLE, errno, TR_WHERE, "no job is running in %s", directory);
	} else {
		write_line(fd, question);
		write_line(fd, "\n");
		code = read_answer(fd, answer, st);
	}
	if (fd >= 0)
		close(fd);
	if (folder >= 0)
		close(folder);
	return code;
}
