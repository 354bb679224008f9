/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "vpn/confine.h"

#include <errno.h>
#include <linux/capability.h>
#include <seccomp.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ---- rights ------------------------------------------------------------------------------------------------ */

static uint64_t bit(unsigned capability)
{
	return UINT64_C(1) << capability;
}

static uint64_t kept(bool net_admin)
{
	uint64_t keep = bit(CAP_IPC_LOCK) | (net_admin ? bit(CAP_NET_ADMIN) : 0);
	return geteuid() == 0 ? keep | bit(CAP_DAC_OVERRIDE) | bit(CAP_FOWNER) : keep;
}

dske_rc confine_rights(bool net_admin)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2];
	uint64_t keep = kept(net_admin);
	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (syscall(SYS_capget, &header, data) != 0)
		return FAIL(IO, "cannot look at capabilities: %s", strerror(errno));
	for (unsigned i = 0; i < 2; i++) {
		data[i].permitted &= (uint32_t)(keep >> (32 * i));
		data[i].effective = data[i].permitted;
		data[i].inheritable = 0;
	}
	return syscall(SYS_capset, &header, data) == 0 ? DSKE_OK : FAIL(IO, "cannot give up capabilities: %s", strerror(errno));
}

/* ---- system calls ------------------------------------------------------------------------------------------ */

static const int forbidden[] = {
	SCMP_SYS(ptrace), SCMP_SYS(process_vm_readv), SCMP_SYS(process_vm_writev), SCMP_SYS(process_madvise), SCMP_SYS(kcmp),
	SCMP_SYS(pidfd_getfd),
	SCMP_SYS(mount), SCMP_SYS(umount), SCMP_SYS(umount2), SCMP_SYS(move_mount), SCMP_SYS(open_tree), SCMP_SYS(fsopen), SCMP_SYS(fsconfig),
	SCMP_SYS(fsmount), SCMP_SYS(fspick), SCMP_SYS(mount_setattr), SCMP_SYS(pivot_root), SCMP_SYS(chroot), SCMP_SYS(setns),
	SCMP_SYS(unshare), SCMP_SYS(open_by_handle_at), SCMP_SYS(name_to_handle_at), SCMP_SYS(mknod), SCMP_SYS(mknodat),
	SCMP_SYS(bpf), SCMP_SYS(perf_event_open), SCMP_SYS(userfaultfd), SCMP_SYS(io_uring_setup), SCMP_SYS(io_uring_enter),
	SCMP_SYS(io_uring_register), SCMP_SYS(fanotify_init),
	SCMP_SYS(init_module), SCMP_SYS(finit_module), SCMP_SYS(delete_module), SCMP_SYS(kexec_load), SCMP_SYS(kexec_file_load),
	SCMP_SYS(reboot), SCMP_SYS(swapon), SCMP_SYS(swapoff), SCMP_SYS(acct), SCMP_SYS(quotactl), SCMP_SYS(syslog), SCMP_SYS(vhangup),
	SCMP_SYS(iopl), SCMP_SYS(ioperm), SCMP_SYS(modify_ldt), SCMP_SYS(personality),
	SCMP_SYS(settimeofday), SCMP_SYS(clock_settime), SCMP_SYS(clock_adjtime), SCMP_SYS(adjtimex), SCMP_SYS(sethostname),
	SCMP_SYS(setdomainname),
	SCMP_SYS(setuid), SCMP_SYS(setgid), SCMP_SYS(setreuid), SCMP_SYS(setregid), SCMP_SYS(setresuid), SCMP_SYS(setresgid),
	SCMP_SYS(setfsuid), SCMP_SYS(setfsgid), SCMP_SYS(setgroups),
	SCMP_SYS(add_key), SCMP_SYS(request_key), SCMP_SYS(keyctl),
};
static const int running[] = {SCMP_SYS(execve), SCMP_SYS(execveat)};

/* What this architecture has not got needs no rule. */
static int forbid(scmp_filter_ctx filter, const int *calls, size_t count)
{
	int e = 0;
	for (size_t i = 0; i < count && e == 0; i++) {
		e = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), calls[i], 0);
		e = e == -EDOM ? 0 : e;
	}
	return e;
}

/* Families beyond those of Unix, IPv4, IPv6 and netlink, of which it is the last: packets, Bluetooth, the kernel's ciphers. */
static int forbid_sockets(scmp_filter_ctx filter)
{
	return seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(socket), 1, SCMP_A0(SCMP_CMP_GT, AF_NETLINK, 0));
}

dske_rc confine_calls(bool may_run)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW); /* what is of another architecture ends the thread */
	if (filter == NULL)
		return rc_make(DSKE_RC_NOMEM);
	(void)seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2); /* a tree: each packet's calls pass through it */
	int e = forbid(filter, forbidden, sizeof forbidden / sizeof forbidden[0]);
	e = e == 0 && !may_run ? forbid(filter, running, sizeof running / sizeof running[0]) : e;
	e = e == 0 ? forbid_sockets(filter) : e;
	e = e == 0 ? seccomp_load(filter) : e;
	seccomp_release(filter);
	return e == 0 ? DSKE_OK : FAIL(IO, "no filter of system calls: %s", strerror(-e));
}
