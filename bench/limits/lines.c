/* SPDX-License-Identifier: Apache-2.0
 *
 * A file from the page cache to an index of line ends, which is made while the block is still in L2.
 *
 * Two ways to get a block: read(), and io_uring with registered buffers, where the next block is asked for before the
 * current one is indexed. (For pages in the cache the kernel copies at submission, so the queue buys little: what
 * counts is that the buffer stays in L2.)
 */
#include "bench/limits/limits.h"

#include <fcntl.h>
#include <liburing.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench/harness.h"

#if defined(__AVX512BW__) || defined(__AVX2__)
#include <immintrin.h>
#endif

static inline uint64_t line_ends(const char *p)
{
#ifdef __AVX512BW__
	return _mm512_cmpeq_epi8_mask(_mm512_loadu_si512(p), _mm512_set1_epi8('\n'));
#elif defined(__AVX2__)
	const __m256i want = _mm256_set1_epi8('\n');
	const __m256i a = _mm256_loadu_si256((const void *)p);
	const __m256i b = _mm256_loadu_si256((const void *)(p + 32));
	const uint32_t low = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(a, want));
	const uint32_t high = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(b, want));

	return (uint64_t)high << 32 | low;
#else
	uint64_t mask = 0;

	for (unsigned i = 0; i < 64; i++)
		mask |= (uint64_t)(p[i] == '\n') << i;
	return mask;
#endif
}

static size_t index_lines(const char *text, size_t length, uint32_t *restrict index)
{
	size_t n = 0;

	for (size_t i = 0; i < length; i += 64) {
		uint64_t mask = line_ends(text + i);

		if (length - i < 64)
			mask &= ((uint64_t)1 << (length - i)) - 1;
		while (mask != 0) {
			index[n++] = (uint32_t)(i + (size_t)__builtin_ctzll(mask));
			mask &= mask - 1;
		}
	}
	return n;
}

size_t tr_limit_index_lines(const char *text, size_t length, size_t most, int32_t *restrict index)
{
	size_t n = 0;

	for (size_t i = 0; i < length && n < most; i += 64) {
		uint64_t mask = line_ends(text + i);

		if (length - i < 64)
			mask &= ((uint64_t)1 << (length - i)) - 1;
		while (mask != 0) {
			index[n++] = (int32_t)(i + (size_t)__builtin_ctzll(mask));
			mask &= mask - 1;
		}
	}
	return n < most ? n : most;
}

static int64_t lines_by_read(int fd, size_t block, char *buffer, uint32_t *index)
{
	int64_t lines = 0;

	for (;;) {
		const ssize_t got = read(fd, buffer, block);

		if (got < 0)
			return -1;
		if (got == 0)
			return lines;
		lines += (int64_t)index_lines(buffer, (size_t)got, index);
	}
}

static int64_t lines_by_uring(int fd, size_t block, char *buffer, uint32_t *index, int64_t size)
{
	struct io_uring ring;
	struct iovec vectors[2] = {{buffer, block}, {buffer + block + 64, block}};
	int64_t lines = 0, next = 0;
	unsigned turn = 0;

	if (io_uring_queue_init(4, &ring, 0) < 0)
		return -1;
	if (io_uring_register_buffers(&ring, vectors, 2) < 0)
		lines = -1;
	for (int64_t at = 0; lines >= 0 && at < size; turn ^= 1) {
		struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);
		struct io_uring_cqe *cqe;

		io_uring_prep_read_fixed(sqe, fd, vectors[turn].iov_base, (unsigned)block, (uint64_t)at, (int)turn);
		if (io_uring_submit_and_wait(&ring, 1) < 0 || io_uring_wait_cqe(&ring, &cqe) < 0 || cqe->res <= 0) {
			lines = -1;
			break;
		}
		next = cqe->res;
		io_uring_cqe_seen(&ring, cqe);
		lines += (int64_t)index_lines(vectors[turn].iov_base, (size_t)next, index);
		at += next;
	}
	io_uring_queue_exit(&ring);
	return lines;
}

int64_t tr_limit_lines(const char *path, size_t block, enum tr_limit_lines_how how)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat info;
	int64_t lines = -1;
	char *buffer;
	uint32_t *index;

	if (fd < 0)
		return -1;
	buffer = aligned_alloc(4096, 2 * (block + 4096));
	index = malloc((block + 64) * sizeof(*index));
	if (fstat(fd, &info) == 0)
		lines = how == TR_LIMIT_LINES_READ ? lines_by_read(fd, block, buffer, index)
						   : lines_by_uring(fd, block, buffer, index, info.st_size);
	free(index);
	free(buffer);
	close(fd);
	return lines;
}
