/* SPDX-License-Identifier: Apache-2.0
 *
 * Topology: hwloc tells which hardware threads share a core; the affinity mask tells which we may use.
 *
 * Loading hwloc's topology reads many files of /sys (some milliseconds), so it is asked only when the answer matters:
 * for two workers or more, on as many hardware threads or more. Only processing units and cores are kept.
 */
#include "core/topology.h"

#include <hwloc.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>

#include "base/check.h"

/** CPU numbers in the order in which workers get them. Returns how many. */
static uint32_t order_cpus(const cpu_set_t *allowed, int32_t *cpus, uint32_t count_max)
{
	hwloc_topology_t topology;
	uint32_t count = 0;
	bool is_found = true;

	if (hwloc_topology_init(&topology) != 0)
		return 0;
	/* Nothing but cores is asked for, and nothing that hwloc would have to go from CPU to CPU for. */
	hwloc_topology_set_flags(topology, HWLOC_TOPOLOGY_FLAG_DONT_CHANGE_BINDING | HWLOC_TOPOLOGY_FLAG_NO_DISTANCES |
						   HWLOC_TOPOLOGY_FLAG_NO_MEMATTRS | HWLOC_TOPOLOGY_FLAG_NO_CPUKINDS);
	hwloc_topology_set_all_types_filter(topology, HWLOC_TYPE_FILTER_KEEP_NONE);
	hwloc_topology_set_type_filter(topology, HWLOC_OBJ_CORE, HWLOC_TYPE_FILTER_KEEP_ALL);
	if (hwloc_topology_load(topology) != 0) {
		hwloc_topology_destroy(topology);
		return 0;
	}
	/* Round r takes the r-th hardware thread of each core. */
	for (uint32_t round = 0; is_found; round++) {
		hwloc_obj_t core = NULL;

		is_found = false;
		while ((core = hwloc_get_next_obj_by_type(topology, HWLOC_OBJ_CORE, core)) != NULL) {
			int cpu = -1;

			for (uint32_t i = 0; i <= round; i++) {
				cpu = hwloc_bitmap_next(core->cpuset, cpu);
				if (cpu < 0)
					break;
			}
			if (cpu < 0)
				continue;
			is_found = true;
			if (cpu < CPU_SETSIZE && CPU_ISSET(cpu, allowed) && count < count_max)
				cpus[count++] = cpu;
		}
	}
	hwloc_topology_destroy(topology);
	return count;
}

uint32_t tr_topology_place(int32_t *cpus, uint32_t count)
{
	cpu_set_t allowed;
	uint32_t available, ordered;

	TR_ASSERT(count > 0);
	for (uint32_t i = 0; i < count; i++)
		cpus[i] = -1;
	if (sched_getaffinity(0, sizeof(allowed), &allowed) != 0)
		return 1;
	available = (uint32_t)CPU_COUNT(&allowed);
	if (count == 1 || count > available)
		return available;
	ordered = order_cpus(&allowed, cpus, count);
	if (ordered < count)
		for (uint32_t i = 0; i < count; i++)
			cpus[i] = -1;
	return available;
}

void tr_topology_pin(int32_t cpu)
{
	cpu_set_t set;

	if (cpu < 0 || cpu >= CPU_SETSIZE)
		return;
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	(void)pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
}
