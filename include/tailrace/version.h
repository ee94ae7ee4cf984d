/* SPDX-License-Identifier: Apache-2.0
 *
 * Version of the binary interface. A program or plugin that was built with another TR_ABI_VERSION is refused with both numbers.
 *
 * It grows when a layout or a meaning changes. New functions do not change it, nor do new members at the end of a struct that
 * begins with `struct_size`: what is not there counts as zero. TR_MAKE fills that member in:
 *
 *     const struct tr_function split = TR_MAKE(tr_function, .on_row = split_words);
 */
#ifndef TAILRACE_VERSION_H
#define TAILRACE_VERSION_H

#include <stddef.h>
#include <stdint.h>

#include "tailrace/status.h"

#ifdef __cplusplus
extern "C" {
#endif

#define TR_ABI_VERSION 1

/** A struct of the type with the members that are named, zeros elsewhere. */
#define TR_MAKE(type, ...) ((struct type){.struct_size = sizeof(struct type), __VA_ARGS__})

/** TR_ABI_VERSION of the engine that runs, and its version ("0.1.0"). */
TR_API uint32_t tr_abi_version(void);
TR_API const char *tr_version(void);

#ifdef __cplusplus
}
#endif
#endif
