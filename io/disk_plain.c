/* SPDX-License-Identifier: Apache-2.0
 *
 * The plain disk: pread and pwrite where io_uring is not allowed (containers often forbid it), or by TAILRACE_IO=plain.
 *
 * submit only puts the request on a list; poll and wait carry the list out, one blocking call after the other, on the
 * worker's own thread. So the promise of io/disk.h holds (a request is done only after a poll or a wait), and nothing
 * is ever in flight while the worker sleeps: wait is a ppoll on the eventfd alone. What this disk does not do is
 * overlap: a slow disk stops the worker. Page-cache reads cost the same as with io_uring.
 *
 * At most TR_IO_PLAIN_BURST requests are carried out by one call, so that a long list can't hold up a worker.
 */
#include "io/disk_real.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <time.h>

#include "io/disk_wake.h"
#include "io/memory.h"

#define TR_IO_PLAIN_BURST 16

struct plain_queue {
	struct tr_io_queue queue;
	struct tr_io_request *head; /* oldest submitted */
	struct tr_io_request **tail;
	uint32_t count;
	struct tr_disk_wake wake;
};

static struct plain_queue *plain_of(const struct tr_io_queue *queue)
{
	TR_ASSERT(queue != NULL);
	return (struct plain_queue *)(uintptr_t)queue;
}

static tr_code plain_queue_create(struct tr_disk *disk, uint32_t depth, struct tr_io_queue **queue, struct tr_status *st)
{
	struct plain_queue *q;
	int fd;

	TR_ASSERT(queue != NULL && depth > 0);
	fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (fd < 0)
		TR_FAIL_ERRNO(st, TR_ERR_UNAVAILABLE, "make an eventfd");
	q = aligned_alloc(64, sizeof(*q));
	TR_ASSERT(q != NULL);
	memset(q, 0, sizeof(*q));
	q->queue.disk = tr_disk_plain();
	q->tail = &q->head;
	q->wake.fd = fd;
	*queue = &q->queue;
	return TR_OK;
}

static void plain_queue_destroy(struct tr_disk *disk, struct tr_io_queue **queue)
{
	struct plain_queue *q;

	TR_ASSERT(queue != NULL);
	if (*queue == NULL)
		return;
	q = plain_of(*queue);
	TR_ASSERT(q->count == 0);
	(void)close(q->wake.fd);
	free(q);
	*queue = NULL;
}

static void plain_submit(struct tr_io_queue *queue, struct tr_io_request *request)
{
	struct plain_queue *q = plain_of(queue);

	TR_ASSERT(request->file != NULL);
	TR_ASSERT(request->op == TR_IO_SYNC || request->buffer != NULL);
	request->is_done = false;
	request->next = NULL;
	*q->tail = request;
	q->tail = &request->next;
	q->count++;
}

static void carry_out(struct tr_io_request *request)
{
	const int fd = request->file->fd;
	ssize_t result;

	do {
		switch (request->op) {
		case TR_IO_READ: result = pread(fd, request->buffer, request->length, request->offset); break;
		case TR_IO_WRITE: result = pwrite(fd, request->buffer, request->length, request->offset); break;
		case TR_IO_SYNC: result = fdatasync(fd); break;
		default: TR_UNREACHABLE();
		}
	} while (result < 0 && (errno == EINTR || errno == EAGAIN));
	request->result = result < 0 ? -errno : result;
	request->is_done = true;
}

static void notice_wake(struct plain_queue *q)
{
	uint64_t count;

	if (read(q->wake.fd, &count, sizeof(count)) == (ssize_t)sizeof(count))
		tr_disk_wake_lower(&q->wake);
}

static uint32_t plain_poll(struct tr_io_queue *queue)
{
	struct plain_queue *q = plain_of(queue);
	uint32_t done = 0;

	while (q->head != NULL && done < TR_IO_PLAIN_BURST) {
		struct tr_io_request *request = q->head;

		q->head = request->next;
		if (q->head == NULL)
			q->tail = &q->head;
		q->count--;
		carry_out(request);
		done++;
	}
	return done;
}

static uint32_t plain_wait(struct tr_io_queue *queue, int64_t timeout_ns)
{
	struct plain_queue *q = plain_of(queue);
	struct pollfd fd = {.fd = q->wake.fd, .events = POLLIN};
	struct timespec timeout = {.tv_sec = timeout_ns / 1000000000, .tv_nsec = timeout_ns % 1000000000};
	const uint32_t done = plain_poll(queue);

	if (done > 0) {
		notice_wake(q);
		(void)tr_disk_wake_take(&q->wake);
		return done;
	}
	if (tr_disk_wake_take(&q->wake))
		return 0;
	if (ppoll(&fd, 1, timeout_ns < 0 ? NULL : &timeout, NULL) > 0) {
		notice_wake(q);
		(void)tr_disk_wake_take(&q->wake);
	}
	return 0;
}

static void plain_wake(struct tr_io_queue *queue) { tr_disk_wake_raise(&plain_of(queue)->wake); }

static uint32_t plain_in_flight(const struct tr_io_queue *queue) { return plain_of(queue)->count; }

static const struct tr_disk_ops plain_ops = {
	.name = "plain",
	.open = tr_disk_names_open,
	.close = tr_disk_names_close,
	.stat = tr_disk_names_stat,
	.file_stat = tr_disk_names_file_stat,
	.list = tr_disk_names_list,
	.make_directory = tr_disk_names_make_directory,
	.rename = tr_disk_names_rename,
	.unlink = tr_disk_names_unlink,
	.sync_directory = tr_disk_names_sync_directory,
	.queue_create = plain_queue_create,
	.queue_destroy = plain_queue_destroy,
	.submit = plain_submit,
	.poll = plain_poll,
	.wait = plain_wait,
	.wake = plain_wake,
	.in_flight = plain_in_flight,
	.allocate = tr_disk_names_allocate,
	.truncate = tr_disk_names_truncate,
	.make_private_directory = tr_disk_names_make_private_directory,
	.remove_directory = tr_disk_names_remove_directory,
};

struct tr_disk *tr_disk_plain(void)
{
	static struct tr_disk disk = {.ops = &plain_ops}; /* never written */

	return &disk;
}
