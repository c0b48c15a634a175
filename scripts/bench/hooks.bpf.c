/* The hooks of syscall_enter, syscall_exit and run_queue with nothing behind them: what the kernel takes for telling at all. */
#define SEC(name) __attribute__((section(name), used))

SEC("tp_btf/sys_enter")
int hook_enter(void *context)
{
	return 0;
}

SEC("tp_btf/sys_exit")
int hook_exit(void *context)
{
	return 0;
}

SEC("tp_btf/sched_switch")
int hook_switch(void *context)
{
	return 0;
}

char _license[] SEC("license") = "GPL";
