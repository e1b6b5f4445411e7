/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause OR Apache-2.0 */
/*
 * Layout of the gate's maps and events: shared by the BPF object and by
 * kernel_gate.cc. A change here needs a new kGateAbi, which makes an upgrade
 * load fresh maps beside the old ones.
 */
#ifndef SEKISHO_BPF_GATE_ABI_H
#define SEKISHO_BPF_GATE_ABI_H

#define SEKISHO_GATE_ABI 1

#define SEKISHO_MAX_NODES 8192
#define SEKISHO_MAX_PROGRAMS 256
#define SEKISHO_MAX_MAJORS 128
#define SEKISHO_MAX_OWN_IDS 256
#define SEKISHO_RING_BYTES (256 * 1024)

enum sekisho_mode { SEKISHO_OBSERVE = 0, SEKISHO_ENFORCE = 1 };

enum sekisho_kind { SEKISHO_BLOCK = 0, SEKISHO_CHAR = 1, SEKISHO_REMOTE = 2 };

/* SEKISHO_REMOTE, for its dev: FUSE mounts by subtype. */
enum sekisho_remote { SEKISHO_REMOTE_XRDP = 1 };

enum sekisho_access {
  SEKISHO_ACCESS_PROBE = 1,
  SEKISHO_ACCESS_GATE = 2,
  SEKISHO_ACCESS_FULL = 3,
};

enum sekisho_role {
  SEKISHO_ROLE_NONE = 0,
  SEKISHO_ROLE_DAEMON = 1,
  SEKISHO_ROLE_PROBE = 2,
  SEKISHO_ROLE_GATE = 3,
  SEKISHO_ROLE_OTHER = 4,
};

enum sekisho_hook {
  SEKISHO_HOOK_OPEN = 1,
  SEKISHO_HOOK_MOUNT = 2,
  SEKISHO_HOOK_DEVICE_CGROUP = 3,
  SEKISHO_HOOK_AUTHORIZE = 4,
  SEKISHO_HOOK_KILL = 5,
  SEKISHO_HOOK_PTRACE = 6,
  SEKISHO_HOOK_GATE_MAP = 7,
  SEKISHO_HOOK_PIN = 8,
  SEKISHO_HOOK_PROGRAM_WRITE = 9,
  SEKISHO_HOOK_EXEC_MAP = 10,
  SEKISHO_HOOK_EXE_FILE = 11,
  SEKISHO_HOOK_TRACING = 12,
  SEKISHO_HOOK_SOCKET = 13,
};

enum sekisho_event_flags {
  SEKISHO_EVENT_WRITE = 1,
  SEKISHO_EVENT_REFUSED = 2,
};

/* Map "gate_config", one entry. */
struct sekisho_config {
  __u32 abi;
  __u32 mode;
  __u32 pin_fs_dev;  /* kernel dev_t of the bpffs that holds the pins */
  __u32 init_mnt_ns; /* inode number of pid 1's mount namespace */
  __u64 pin_dir_inode;
  __u64 object_hash; /* which object is attached */
};

/* Map "gate_unlock", one entry: CLOCK_BOOTTIME in nanoseconds at which a
 * maintenance unlock ends, as __u64. */

/* Maps "gate_nodes" and "gate_epochs". dev is the kernel's dev_t. */
struct sekisho_node_key {
  __u32 kind;
  __u32 dev;
};

struct sekisho_node {
  __u64 epoch;
  __u32 access;
  __u32 reserved;
};

/* Map "gate_majors": what is closed by default. */
struct sekisho_major_key {
  __u32 kind;
  __u32 major;
};

/* Map "gate_programs". */
struct sekisho_program_key {
  __u64 inode;
  __u32 dev;
  __u32 reserved;
};

struct sekisho_program {
  __u32 role;
  __u32 generation;
  __u32 check_generation;
  __u32 reserved;
};

/* Map "gate_own_ids": ids of the gate's own maps (0) and programs (1). */
struct sekisho_own_key {
  __u32 type;
  __u32 id;
};

/* Map "gate_recent": when this was last reported. */
struct sekisho_recent_key {
  __u64 node;
  __u32 hook;
  __u32 tgid;
};

struct sekisho_counters {
  __u64 denied;
  __u64 suppressed;
  __u64 lost;
};

/* Ring buffer "gate_events". */
struct sekisho_event {
  __u64 time_ns; /* CLOCK_BOOTTIME */
  __u32 hook;
  __u32 flags;
  __u32 kind;
  __u32 dev;
  __u32 pid;
  __u32 uid;
  __u32 login_uid;
  __u32 session;
  __u32 target_pid;
  __u32 signal;
  char comm[16];
};

#endif
