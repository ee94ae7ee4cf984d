/* SPDX-License-Identifier: Apache-2.0
 *
 * The disk on io_uring: requests become submission entries, sent in batches; completions are reaped from shared memory.
 *
 *     submit ----> SQ (memory only) ----poll/wait: io_uring_enter----> kernel ----> CQ ----reap----> is_done
 *                                                                        ^
 *     tr_io_wake (any thread) ---> eventfd ---> one read of it, always in flight, completes like any other
 *
 * A read of pages that are cached is carried out during io_uring_enter, on the worker's own core, and its completion is
 * there when the call returns; only what must come from the disk is asynchronous. The read of the eventfd is armed
 * when the queue first waits and again after each wake, so that a queue that never sleeps never pays for it.
 *
 * Short results are passed on; EINTR and EAGAIN are sent again (xfs may answer EAGAIN on a blocking file). The number
 * of requests in flight is limited by the depth; what exceeds it waits on a list, so that the completion queue (twice
 * the depth) can't overflow.
 *
 * The kernel must offer waits with a time-out (IORING_FEAT_EXT_ARG, Linux 5.11) and no lost completions; older ones
 * get the plain disk. No memory is registered: at chunk sizes that stay in L2, pinning gained nothing that could be
 * measured through this interface.
 */
#include "io/disk_real.h"

#include <liburing.h>
#include <limits.h>
#include <sys/eventfd.h>

#include "io/disk_wake.h"
#include "io/memory.h"

#define TR_IO_DEPTH_MAX 4096
#define URING_FEATURES (IORING_FEAT_EXT_ARG | IORING_FEAT_NODROP)

struct uring_queue {
	struct tr_io_queue queue;
	struct io_uring ring;
	uint32_t depth;
	uint32_t sent;              /* handed to the ring and not reaped, the eventfd's read left out */
	uint32_t waiting;           /* on the list below */
	struct tr_io_request *head; /* submitted beyond the depth, oldest first */
	struct tr_io_request **tail;
	uint64_t wake_count; /* where the eventfd's read puts its value */
	bool is_wake_armed;
	struct tr_disk_wake wake;
};

static const struct tr_disk_ops uring_ops;
static struct tr_disk uring_disk = {.ops = &uring_ops}; /* never written */

static struct uring_queue *uring_of(const struct tr_io_queue *queue)
{
	TR_ASSERT(queue != NULL && queue->disk == &uring_disk);
	return (struct uring_queue *)(uintptr_t)queue;
}

/* A ring's memory may come to lie where another thread's destroyed ring lay. The kernel orders the two; the thread
 * sanitizer does not see that, because liburing maps memory behind its back, so it is told here. */
#ifdef __SANITIZE_THREAD__
static atomic_uint ring_order;
#define RING_ORDER_DESTROY() ((void)atomic_fetch_add_explicit(&ring_order, 1, memory_order_release))
#define RING_ORDER_CREATE() ((void)atomic_load_explicit(&ring_order, memory_order_acquire))
#else
#define RING_ORDER_DESTROY() ((void)0)
#define RING_ORDER_CREATE() ((void)0)
#endif

/** Returns 0 or -errno. Newer kernels take flags that spare interrupts; older ones refuse them with EINVAL. */
static int ring_init(struct io_uring *ring, uint32_t depth)
{
	const unsigned flags[] = {IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_CLAMP,
				  IORING_SETUP_CLAMP};
	int error = -EINVAL;

	for (size_t i = 0; i < TR_COUNT_OF(flags) && error == -EINVAL; i++) {
		struct io_uring_params params;

		memset(&params, 0, sizeof(params));
		params.flags = flags[i];
		error = io_uring_queue_init_params(depth, ring, &params);
		if (error == 0 && (params.features & URING_FEATURES) != URING_FEATURES) {
			io_uring_queue_exit(ring);
			return -ENOSYS;
		}
	}
	RING_ORDER_CREATE();
	return error;
}

static tr_code uring_queue_create(struct tr_disk *disk, uint32_t depth, struct tr_io_queue **queue, struct tr_status *st)
{
	struct uring_queue *q;
	int fd;

	TR_ASSERT(queue != NULL && depth > 0);
	depth = TR_MIN(depth, TR_IO_DEPTH_MAX);
	q = aligned_alloc(64, (sizeof(*q) + 63) / 64 * 64);
	TR_ASSERT(q != NULL);
	memset(q, 0, sizeof(*q));
	if (ring_init(&q->ring, TR_MAX(depth + 1, 2)) != 0) {
		free(q);
		return tr_disk_plain()->ops->queue_create(tr_disk_plain(), depth, queue, st);
	}
	fd = eventfd(0, EFD_CLOEXEC); /* blocking: a read of it waits inside the ring */
	if (fd < 0) {
		const int error = errno;

		io_uring_queue_exit(&q->ring);
		free(q);
		return tr_status_set(st, TR_ERR_UNAVAILABLE, error, TR_WHERE, "make an eventfd");
	}
	q->queue.disk = &uring_disk;
	q->depth = depth;
	q->tail = &q->head;
	q->wake.fd = fd;
	*queue = &q->queue;
	return TR_OK;
}

static struct io_uring_sqe *entry_get(struct uring_queue *q)
{
	struct io_uring_sqe *entry = io_uring_get_sqe(&q->ring);

	if (entry == NULL) {
		(void)io_uring_submit(&q->ring);
		entry = io_uring_get_sqe(&q->ring);
	}
	TR_ASSERT(entry != NULL); /* the ring has room for depth + 1 */
	return entry;
}

static void request_send(struct uring_queue *q, struct tr_io_request *request)
{
	struct io_uring_sqe *entry = entry_get(q);
	const int fd = request->file->fd;
	/* The kernel counts in 32 bits and moves at most 2 GiB - 4 KiB; a longer request is answered short. */
	const unsigned length = (unsigned)TR_MIN(request->length, (size_t)INT_MAX & ~(size_t)4095);

	switch (request->op) {
	case TR_IO_READ: io_uring_prep_read(entry, fd, request->buffer, length, (uint64_t)request->offset); break;
	case TR_IO_WRITE: io_uring_prep_write(entry, fd, request->buffer, length, (uint64_t)request->offset); break;
	case TR_IO_SYNC: io_uring_prep_fsync(entry, fd, IORING_FSYNC_DATASYNC); break;
	default: TR_UNREACHABLE();
	}
	io_uring_sqe_set_data(entry, request);
	q->sent++;
}

static void uring_submit(struct tr_io_queue *queue, struct tr_io_request *request)
{
	struct uring_queue *q = uring_of(queue);

	TR_ASSERT(request->file != NULL);
	TR_ASSERT(request->op == TR_IO_SYNC || request->buffer != NULL);
	request->is_done = false;
	request->next = NULL;
	if (q->sent < q->depth && q->head == NULL) {
		request_send(q, request);
		return;
	}
	*q->tail = request;
	q->tail = &request->next;
	q->waiting++;
}

static void wake_arm(struct uring_queue *q)
{
	if (!q->is_wake_armed) {
		struct io_uring_sqe *entry = entry_get(q);

		io_uring_prep_read(entry, q->wake.fd, &q->wake_count, sizeof(q->wake_count), 0);
		io_uring_sqe_set_data(entry, NULL);
		q->is_wake_armed = true;
	}
}

/** Marks what has completed; refills the ring from the list. */
static uint32_t reap(struct uring_queue *q)
{
	struct io_uring_cqe *entry;
	uint32_t done = 0;

	while (io_uring_peek_cqe(&q->ring, &entry) == 0) {
		struct tr_io_request *request = io_uring_cqe_get_data(entry);
		const int result = entry->res;

		io_uring_cqe_seen(&q->ring, entry);
		if (request == NULL) {
			q->is_wake_armed = false;
			if (result > 0)
				tr_disk_wake_lower(&q->wake);
			continue;
		}
		TR_ASSERT(q->sent > 0);
		q->sent--;
		if (result == -EINTR || result == -EAGAIN) {
			request_send(q, request);
			continue;
		}
		request->result = result;
		request->is_done = true;
		done++;
	}
	while (q->head != NULL && q->sent < q->depth) {
		struct tr_io_request *request = q->head;

		q->head = request->next;
		if (q->head == NULL)
			q->tail = &q->head;
		q->waiting--;
		request_send(q, request);
	}
	return done;
}

static uint32_t uring_poll(struct tr_io_queue *queue)
{
	struct uring_queue *q = uring_of(queue);
	uint32_t done;

	if (io_uring_sq_ready(&q->ring) > 0)
		(void)io_uring_submit(&q->ring); /* EAGAIN, EBUSY: they stay in the queue and go with the next call */
	done = reap(q);
	if (io_uring_sq_ready(&q->ring) > 0)
		(void)io_uring_submit(&q->ring);
	return done;
}

static uint32_t uring_wait(struct tr_io_queue *queue, int64_t timeout_ns)
{
	struct uring_queue *q = uring_of(queue);
	struct __kernel_timespec timeout = {.tv_sec = timeout_ns / 1000000000, .tv_nsec = timeout_ns % 1000000000};
	struct io_uring_cqe *entry = NULL;
	uint32_t done;

	wake_arm(q);
	done = uring_poll(queue);
	if (done > 0 || q->wake.is_kept || timeout_ns == 0) {
		(void)tr_disk_wake_take(&q->wake);
		return done;
	}
	wake_arm(q);
	(void)io_uring_submit_and_wait_timeout(&q->ring, &entry, 1, timeout_ns < 0 ? NULL : &timeout, NULL);
	done = reap(q);
	(void)tr_disk_wake_take(&q->wake);
	return done;
}

static void uring_wake(struct tr_io_queue *queue) { tr_disk_wake_raise(&uring_of(queue)->wake); }

static uint32_t uring_in_flight(const struct tr_io_queue *queue)
{
	const struct uring_queue *q = uring_of(queue);

	return q->sent + q->waiting;
}

static void uring_queue_destroy(struct tr_disk *disk, struct tr_io_queue **queue)
{
	struct uring_queue *q;

	TR_ASSERT(queue != NULL);
	if (*queue == NULL)
		return;
	if ((*queue)->disk != &uring_disk) {
		(*queue)->disk->ops->queue_destroy((*queue)->disk, queue);
		return;
	}
	q = uring_of(*queue);
	TR_ASSERT(q->sent == 0 && q->waiting == 0);
	/* The armed read points into the queue's memory: have it complete before that is freed. */
	if (q->is_wake_armed) {
		const uint64_t one = 1;

		(void)!write(q->wake.fd, &one, sizeof(one));
		while (q->is_wake_armed) {
			struct io_uring_cqe *entry = NULL;

			(void)io_uring_submit_and_wait_timeout(&q->ring, &entry, 1, NULL, NULL);
			(void)reap(q);
		}
	}
	RING_ORDER_DESTROY();
	io_uring_queue_exit(&q->ring);
	(void)close(q->wake.fd);
	free(q);
	*queue = NULL;
}

static const struct tr_disk_ops uring_ops = {
	.name = "io_uring",
	.open = tr_disk_names_open,
	.close = tr_disk_names_close,
	.stat = tr_disk_names_stat,
	.file_stat = tr_disk_names_file_stat,
	.list = tr_disk_names_list,
	.make_directory = tr_disk_names_make_directory,
	.rename = tr_disk_names_rename,
	.unlink = tr_disk_names_unlink,
	.sync_directory = tr_disk_names_sync_directory,
	.queue_create = uring_queue_create,
	.queue_destroy = uring_queue_destroy,
	.submit = uring_submit,
	.poll = uring_poll,
	.wait = uring_wait,
	.wake = uring_wake,
	.in_flight = uring_in_flight,
	.allocate = tr_disk_names_allocate,
	.truncate = tr_disk_names_truncate,
	.make_private_directory = tr_disk_names_make_private_directory,
	.remove_directory = tr_disk_names_remove_directory,
};

struct tr_disk *tr_disk_uring(int *reason_errno)
{
	struct io_uring ring;
	const int error = ring_init(&ring, 2);

	if (error != 0) {
		if (reason_errno != NULL)
			*reason_errno = -error;
		return NULL;
	}
	io_uring_queue_exit(&ring);
	return &uring_disk;
}
