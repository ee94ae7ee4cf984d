/* SPDX-License-Identifier: Apache-2.0
 *
 * Libraries: shared objects with code of users, loaded into this process.
 *
 * Such code runs with all rights of its user, so it is loaded only from where nobody else can have put or changed it: the file, the
 * directory it lies in and those above belong to the user or root, and nobody else may write to them (but to a directory above that
 * has the sticky bit). What was checked is what is loaded: the file is opened once, and loaded by its descriptor.
 */
#ifndef TR_IO_LIBRARY_H
#define TR_IO_LIBRARY_H

#include "tailrace/status.h"

/** Loads the file. It stays loaded for as long as the process lives; a file that is loaded already is given again. `noun` for messages: "a
 * plugin". TR_ERR_NO_INPUT, TR_ERR_PERMISSION; TR_ERR_USAGE: it can't be loaded. Thread: any. */
tr_code tr_library_open(const char *path, const char *noun, void **library, struct tr_status *st) TR_MUST_USE;

/** The address of an exported symbol; NULL: there is none. */
const void *tr_library_symbol(void *library, const char *name);

#endif
