/* SPDX-License-Identifier: Apache-2.0
 *
 * Which instruction set the kernels use. A file named x.isa.c is built for x86-64-v2, -v3 (AVX2) and -v4 (AVX-512);
 * each build exports one table of functions, and the room's x.c picks a table once by tr_cpu_isa().
 *
 *     // kernel_x.isa.c                                  // kernel_x.c
 *     const struct kernel_x_ops TR_ISA(kernel_x) = {..};  const struct kernel_x_ops *k = TR_ISA_PICK(kernel_x);
 *
 * TAILRACE_ISA=v2|v3|v4 in the environment lowers the choice, so that tests run every path on one machine.
 */
#ifndef TR_BASE_CPU_H
#define TR_BASE_CPU_H

enum tr_isa { TR_ISA_V2 = 0, TR_ISA_V3 = 1, TR_ISA_V4 = 2 };

/** The best level of this machine (detected once), or the lower one that TAILRACE_ISA asks for. */
enum tr_isa tr_cpu_isa(void);
const char *tr_cpu_isa_name(enum tr_isa isa);

#define TR_ISA_CONCAT_(a, b) a##b
#define TR_ISA_CONCAT(a, b) TR_ISA_CONCAT_(a, b)
#ifdef TR_ISA_LEVEL
#define TR_ISA(name) TR_ISA_CONCAT(name, TR_ISA_LEVEL)
#endif
/** Declares the three tables of `type` named `name`. */
#define TR_ISA_DECLARE(type, name) extern const type name##_v2, name##_v3, name##_v4
#define TR_ISA_PICK(name) (tr_cpu_isa() == TR_ISA_V4 ? &name##_v4 : tr_cpu_isa() == TR_ISA_V3 ? &name##_v3 : &name##_v2)

#endif
