/* SPDX-License-Identifier: Apache-2.0
 *
 * CRC32C (Castagnoli): the check sum of everything that is written to a log. Part of the file formats.
 *
 * The processor's instruction takes 8 bytes and answers 3 cycles later, so three parts of the input are summed side by
 * side and joined: the sum of a part followed by n bytes is its sum times x^(8n) in GF(2)[x] modulo the polynomial.
 */
#ifndef TR_BASE_CRC32C_H
#define TR_BASE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/** The sum of what `crc` is the sum of (0: nothing) followed by `bytes`. */
uint32_t tr_crc32c(uint32_t crc, const void *bytes, size_t length);

/** The same without the instruction: what tests compare with. */
uint32_t tr_crc32c_scalar(uint32_t crc, const void *bytes, size_t length);

#endif
