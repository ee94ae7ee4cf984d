/* SPDX-License-Identifier: Apache-2.0
 *
 * The program `tailrace`. All it does is in the library, so that tests can call it.
 */
#include "base/fault.h"
#include "server/cli.h"

int main(int argc, char **argv)
{
	TR_FAULT_ARM();
	return tr_cli_main(argc, argv);
}
