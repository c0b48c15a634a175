/** Ticks a second in the kernel's tables of /proc and cgroups (proc_stat(5)): 100 on every architecture that is supported. */
export const USER_HZ = 100;
