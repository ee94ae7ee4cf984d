/* SPDX-License-Identifier: Apache-2.0
 *
 * The program `tailrace`. All it does is in the library, so that tests can call it.
 */
#include "server/cli.h"

int main(int argc, char **argv) { return tr_cli_main(argc, argv); }
