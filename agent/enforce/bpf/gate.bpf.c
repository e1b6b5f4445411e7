// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The kernel side of the gate. Whatever is not found here is refused while the
// mode is enforce: an entry that is missing, stale or unreadable means closed.
#include "kernel_types.h"

#include <bpf/bpf_helpers.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

#include "gate_abi.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define EPERM 1
#define S_IFMT 0170000
#define S_IFBLK 0060000
#define S_IFCHR 0020000
#define MINORBITS 20
#define PF_KTHREAD 0x00200000
#define FMODE_WRITE 0x2
#define PROT_EXEC 0x4
#define ATTR_SIZE (1 << 3)
#define SIGCONT 18
#define PTRACE_MODE_ATTACH 0x02
#define PTRACE_MODE_NOAUDIT 0x04
#define PR_SET_MM 35
#define PR_SET_MM_EXE_FILE 13
#define PR_SET_MM_MAP 14
#define SYSFS_MAGIC 0x62656572
#define DEBUGFS_MAGIC 0x64626720
#define PIDTYPE_TGID 1
#define DEVCG_TYPE_BLOCK 1
#define DEVCG_READ_WRITE 6
#define DEVCG_WRITE 4
#define REPORT_INTERVAL_NS 1000000000ULL

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct sekisho_config);
} gate_config SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, __u64);
} gate_unlock SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, SEKISHO_MAX_NODES);
  __type(key, struct sekisho_node_key);
  __type(value, struct sekisho_node);
} gate_nodes SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, SEKISHO_MAX_NODES);
  __type(key, struct sekisho_node_key);
  __type(value, __u64);
} gate_epochs SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, SEKISHO_MAX_MAJORS);
  __type(key, struct sekisho_major_key);
  __type(value, __u32);
} gate_majors SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, SEKISHO_MAX_PROGRAMS);
  __type(key, struct sekisho_program_key);
  __type(value, struct sekisho_program);
} gate_programs SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, SEKISHO_MAX_OWN_IDS);
  __type(key, struct sekisho_own_key);
  __type(value, __u32);
} gate_own_ids SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_LRU_HASH);
  __uint(max_entries, 1024);
  __type(key, struct sekisho_recent_key);
  __type(value, __u64);
} gate_recent SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct sekisho_counters);
} gate_counters SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_RINGBUF);
  __uint(max_entries, SEKISHO_RING_BYTES);
} gate_events SEC(".maps");

static __always_inline struct sekisho_config *Config(void) {
  __u32 zero = 0;
  return bpf_map_lookup_elem(&gate_config, &zero);
}

static __always_inline struct task_struct *Current(void) {
  return (struct task_struct *)bpf_get_current_task();
}

static __always_inline __u32 RoleOfInode(struct inode *inode) {
  struct sekisho_program_key key = {};
  struct sekisho_program *program;

  if (!inode) return SEKISHO_ROLE_NONE;
  key.inode = BPF_CORE_READ(inode, i_ino);
  key.dev = BPF_CORE_READ(inode, i_sb, s_dev);
  program = bpf_map_lookup_elem(&gate_programs, &key);
  if (!program) return SEKISHO_ROLE_NONE;
  if (program->check_generation &&
      program->generation != BPF_CORE_READ(inode, i_generation))
    return SEKISHO_ROLE_NONE;
  return program->role;
}

// What the task was executed from. A user may execute sekishod too, but only
// the real root gets the daemon's rights by it.
static __noinline __u32 RoleOf(struct task_struct *task) {
  struct mm_struct *mm = BPF_CORE_READ(task, mm);
  struct file *exe;
  __u32 role;

  if (!mm) return SEKISHO_ROLE_NONE;
  exe = BPF_CORE_READ(mm, exe_file);
  if (!exe) return SEKISHO_ROLE_NONE;
  role = RoleOfInode(BPF_CORE_READ(exe, f_inode));
  if (role == SEKISHO_ROLE_DAEMON && BPF_CORE_READ(task, real_cred, uid.val))
    return SEKISHO_ROLE_NONE;
  return role;
}

// A signed maintenance unlock: the agent's processes may be ended. Nothing else
// is lifted; who could change the agent could open media.
static __always_inline bool IsUnlocked(void) {
  __u32 zero = 0;
  __u64 *until = bpf_map_lookup_elem(&gate_unlock, &zero);

  return until && *until > bpf_ktime_get_boot_ns();
}

static __always_inline bool IsKernelThread(struct task_struct *task) {
  return BPF_CORE_READ(task, flags) & PF_KTHREAD;
}

static __always_inline bool IsInit(struct task_struct *task) {
  return BPF_CORE_READ(task, tgid) == 1;
}

// Reports, and returns whether to refuse. `node`: kind << 32 | dev. `detail`:
// signal << 32 | target pid. One report a second for the same process, node and
// kind of hook; the two layers of one open count as one.
static __noinline bool Refuse(__u32 hook, __u64 node, __u64 detail,
                              __u32 flags) {
  struct sekisho_config *config = Config();
  struct task_struct *task = Current();
  struct sekisho_counters *counters;
  struct sekisho_recent_key recent = {};
  struct sekisho_event *event;
  bool refuse;
  __u64 now = bpf_ktime_get_boot_ns();
  __u64 *last;
  __u32 zero = 0;

  refuse = !config || config->mode == SEKISHO_ENFORCE;
  counters = bpf_map_lookup_elem(&gate_counters, &zero);
  if (counters && refuse) counters->denied++;

  recent.node = node;
  recent.hook = hook <= SEKISHO_HOOK_DEVICE_CGROUP ? 0 : hook;
  recent.tgid = BPF_CORE_READ(task, tgid);
  last = bpf_map_lookup_elem(&gate_recent, &recent);
  if (last && now - *last < REPORT_INTERVAL_NS) {
    if (counters) counters->suppressed++;
    return refuse;
  }
  bpf_map_update_elem(&gate_recent, &recent, &now, BPF_ANY);

  event = bpf_ringbuf_reserve(&gate_events, sizeof(*event), 0);
  if (!event) {
    if (counters) counters->lost++;
    return refuse;
  }
  event->time_ns = now;
  event->hook = hook;
  event->flags = flags | (refuse ? SEKISHO_EVENT_REFUSED : 0);
  event->kind = node >> 32;
  event->dev = (__u32)node;
  event->pid = recent.tgid;
  event->uid = BPF_CORE_READ(task, real_cred, uid.val);
  event->login_uid = ~0U;
  event->session = ~0U;
  if (bpf_core_field_exists(task->loginuid)) {
    event->login_uid = BPF_CORE_READ(task, loginuid.val);
    event->session = BPF_CORE_READ(task, sessionid);
  }
  event->target_pid = (__u32)detail;
  event->signal = detail >> 32;
  BPF_CORE_READ_INTO(&event->comm, task, comm);
  bpf_ringbuf_submit(event, 0);
  return refuse;
}

// May the current task reach this node?
static __noinline bool NodeIsOpen(__u32 kind, __u32 dev, __u32 write) {
  struct sekisho_major_key major = {.kind = kind, .major = dev >> MINORBITS};
  struct sekisho_node_key key = {.kind = kind, .dev = dev};
  struct task_struct *task = Current();
  struct sekisho_node *node;
  __u64 *epoch;
  __u32 role;

  node = bpf_map_lookup_elem(&gate_nodes, &key);
  if (node) {
    // Written for a device that has gone since: its number proves nothing.
    epoch = bpf_map_lookup_elem(&gate_epochs, &key);
    if (node->epoch != (epoch ? *epoch : 0)) node = 0;
  }
  // Where a major is open, an entry closes one of its nodes: the decrypted view
  // of a medium is a device-mapper device like the root disk's.
  if (!node && !bpf_map_lookup_elem(&gate_majors, &major)) return true;
  if (node && node->access == SEKISHO_ACCESS_FULL) return true;
  if (IsKernelThread(task)) return true;
  role = RoleOf(task);
  if (role == SEKISHO_ROLE_DAEMON) return true;
  return node && node->access == SEKISHO_ACCESS_PROBE &&
         role == SEKISHO_ROLE_PROBE && !write;
}

static __always_inline __u64 NodeOf(__u32 kind, __u32 dev) {
  return (__u64)kind << 32 | dev;
}

static __always_inline bool StartsWith(const char *text, const char *prefix,
                                       int length) {
  for (int i = 0; i < length; i++)
    if (text[i] != prefix[i]) return false;
  return true;
}

// `authorized`, `authorized_default` and `interface_authorized_default` below a
// USB bus ("usb1" and so on); Thunderbolt has an `authorized` too, which is not
// ours to refuse.
static __always_inline bool IsUsbAuthorization(struct file *file) {
  struct dentry *dentry = BPF_CORE_READ(file, f_path.dentry);
  char name[24] = {};

  bpf_probe_read_kernel_str(name, sizeof(name),
                            BPF_CORE_READ(dentry, d_name.name));
  if (!StartsWith(name, "authorized", 10) &&
      !StartsWith(name, "interface_authorized", 20))
    return false;
  for (int i = 0; i < 16; i++) {
    dentry = BPF_CORE_READ(dentry, d_parent);
    if (!dentry) return false;
    bpf_probe_read_kernel_str(name, sizeof(name),
                              BPF_CORE_READ(dentry, d_name.name));
    if (StartsWith(name, "usb", 3) && name[3] >= '1' && name[3] <= '9')
      return true;
  }
  return false;
}

// A fully preemptible kernel leaves out a hook that was preempted on the same
// processor; so nobody switches preemption (debugfs, sched/preempt).
static __always_inline bool IsPreemptionSwitch(struct file *file) {
  struct dentry *dentry = BPF_CORE_READ(file, f_path.dentry);
  char name[24] = {};

  bpf_probe_read_kernel_str(name, sizeof(name),
                            BPF_CORE_READ(dentry, d_name.name));
  return StartsWith(name, "preempt", 8);
}

SEC("lsm/file_open")
int BPF_PROG(gate_file_open, struct file *file) {
  struct inode *inode = file->f_inode;
  __u32 format = inode->i_mode & S_IFMT;
  __u32 write = !!(file->f_mode & FMODE_WRITE);
  __u32 flags = write ? SEKISHO_EVENT_WRITE : 0;
  unsigned long magic;

  if (format == S_IFBLK || format == S_IFCHR) {
    __u32 kind = format == S_IFBLK ? SEKISHO_BLOCK : SEKISHO_CHAR;
    __u32 dev = inode->i_rdev;

    if (NodeIsOpen(kind, dev, write)) return 0;
    return Refuse(SEKISHO_HOOK_OPEN, NodeOf(kind, dev), 0, flags) ? -EPERM : 0;
  }
  if (!write) return 0;
  magic = inode->i_sb->s_magic;
  if (magic == SYSFS_MAGIC) {
    if (!IsUsbAuthorization(file)) return 0;
    if (RoleOf(Current()) == SEKISHO_ROLE_DAEMON) return 0;
    return Refuse(SEKISHO_HOOK_AUTHORIZE, 0, 0, flags) ? -EPERM : 0;
  }
  if (magic == DEBUGFS_MAGIC) {
    if (!IsPreemptionSwitch(file)) return 0;
    return Refuse(SEKISHO_HOOK_TRACING, 0, 0, flags) ? -EPERM : 0;
  }
  if (RoleOfInode(inode))
    return Refuse(SEKISHO_HOOK_PROGRAM_WRITE, 0, 0, flags) ? -EPERM : 0;
  return 0;
}

SEC("lsm/inode_setattr")
int BPF_PROG(gate_inode_setattr, struct dentry *dentry, struct iattr *attr) {
  if (!(attr->ia_valid & ATTR_SIZE)) return 0;
  if (!RoleOfInode(dentry->d_inode)) return 0;
  return Refuse(SEKISHO_HOOK_PROGRAM_WRITE, 0, 0, SEKISHO_EVENT_WRITE) ? -EPERM
                                                                       : 0;
}

// Drives of the machine at the other end of a remote desktop. What a program
// calls its mount is its own choice: this stops the programs that are
// installed.
static __always_inline __u32 RemoteOf(struct super_block *sb) {
  char name[16] = {};

  bpf_probe_read_kernel_str(name, sizeof(name),
                            BPF_CORE_READ(sb, s_type, name));
  if (!StartsWith(name, "fuse", 5)) return 0;
  bpf_probe_read_kernel_str(name, sizeof(name), BPF_CORE_READ(sb, s_subtype));
  return StartsWith(name, "xrdp-chansrv", 13) ? SEKISHO_REMOTE_XRDP : 0;
}

SEC("lsm/sb_kern_mount")
int BPF_PROG(gate_sb_kern_mount, struct super_block *sb) {
  struct block_device *bdev = sb->s_bdev;
  __u32 dev;

  if (!bdev) {
    dev = RemoteOf(sb);
    if (!dev || NodeIsOpen(SEKISHO_REMOTE, dev, 1)) return 0;
    return Refuse(SEKISHO_HOOK_MOUNT, NodeOf(SEKISHO_REMOTE, dev), 0,
                  SEKISHO_EVENT_WRITE)
               ? -EPERM
               : 0;
  }
  dev = BPF_CORE_READ(bdev, bd_dev);
  if (NodeIsOpen(SEKISHO_BLOCK, dev, 1)) return 0;
  return Refuse(SEKISHO_HOOK_MOUNT, NodeOf(SEKISHO_BLOCK, dev), 0,
                SEKISHO_EVENT_WRITE)
             ? -EPERM
             : 0;
}

SEC("lsm/task_kill")
int BPF_PROG(gate_task_kill, struct task_struct *target,
             struct kernel_siginfo *info, int sig, const struct cred *cred) {
  struct task_struct *task = Current();
  __u64 detail;

  if (sig == 0 || sig == SIGCONT) return 0;
  if (!RoleOf(target)) return 0;
  if (IsKernelThread(task) || IsInit(task)) return 0;
  if (BPF_CORE_READ(task, tgid) == BPF_CORE_READ(target, tgid)) return 0;
  if (RoleOf(task) == SEKISHO_ROLE_DAEMON) return 0;
  if (IsUnlocked()) return 0;
  detail = (__u64)sig << 32 | (__u32)BPF_CORE_READ(target, tgid);
  return Refuse(SEKISHO_HOOK_KILL, 0, detail, 0) ? -EPERM : 0;
}

// Also what stands behind /proc/PID/fd, mem, maps, setns and pidfd_getfd.
SEC("lsm/ptrace_access_check")
int BPF_PROG(gate_ptrace_access_check, struct task_struct *child,
             unsigned int mode) {
  struct task_struct *task = Current();
  struct sekisho_config *config;

  if (!RoleOf(child)) return 0;
  if (IsKernelThread(task) || IsInit(task)) return 0;
  if (BPF_CORE_READ(task, tgid) == BPF_CORE_READ(child, tgid)) return 0;
  if (RoleOf(task) == SEKISHO_ROLE_DAEMON) return 0;
  if (mode & PTRACE_MODE_NOAUDIT) {  // ps and top: refused, not reported
    config = Config();
    return !config || config->mode == SEKISHO_ENFORCE ? -EPERM : 0;
  }
  return Refuse(SEKISHO_HOOK_PTRACE, 0, (__u32)BPF_CORE_READ(child, tgid),
                mode & PTRACE_MODE_ATTACH ? SEKISHO_EVENT_WRITE : 0)
             ? -EPERM
             : 0;
}

// A tracer that was there before execve() is asked by no other hook.
SEC("lsm/bprm_check_security")
int BPF_PROG(gate_bprm_check, struct linux_binprm *bprm) {
  struct task_struct *task = Current();

  if (!RoleOfInode(BPF_CORE_READ(bprm, file, f_inode))) return 0;
  if (!BPF_CORE_READ(task, ptrace)) return 0;
  return Refuse(SEKISHO_HOOK_PTRACE, 0, (__u32)BPF_CORE_READ(task, tgid),
                SEKISHO_EVENT_WRITE)
             ? -EPERM
             : 0;
}

// The arguments are read raw: `file` may be NULL.
// Programs with rights of their own are static and map nothing else. The others
// load libraries, and borrowing them gains nothing.
static __always_inline int MapsOnlyItself(struct task_struct *task) {
  __u32 role = RoleOf(task);

  return role == SEKISHO_ROLE_DAEMON || role == SEKISHO_ROLE_GATE;
}

SEC("lsm/mmap_file")
int gate_mmap_file(__u64 *ctx) {
  struct file *file = (struct file *)ctx[0];
  struct task_struct *task = Current();
  struct inode *inode = 0;

  if (!(ctx[2] & PROT_EXEC)) return 0;
  if (!MapsOnlyItself(task)) return 0;
  if (file) inode = BPF_CORE_READ(file, f_inode);
  if (inode && inode == BPF_CORE_READ(task, mm, exe_file, f_inode)) return 0;
  return Refuse(SEKISHO_HOOK_EXEC_MAP, 0, 0, 0) ? -EPERM : 0;
}

SEC("lsm/file_mprotect")
int BPF_PROG(gate_file_mprotect, struct vm_area_struct *vma,
             unsigned long reqprot, unsigned long prot) {
  if (!(prot & PROT_EXEC)) return 0;
  if (!MapsOnlyItself(Current())) return 0;
  return Refuse(SEKISHO_HOOK_EXEC_MAP, 0, 0, 0) ? -EPERM : 0;
}

// With these, root could give a process of his the daemon's executable inode.
SEC("lsm/task_prctl")
int BPF_PROG(gate_task_prctl, int option, unsigned long arg2,
             unsigned long arg3, unsigned long arg4, unsigned long arg5,
             int ret) {
  // Other modules answer -ENOSYS for "not mine"; so must we, or prctl() ends.
  const int not_mine = ret;

  if (option != PR_SET_MM) return not_mine;
  if (arg2 != PR_SET_MM_EXE_FILE && arg2 != PR_SET_MM_MAP) return not_mine;
  if (IsInit(Current())) return not_mine;
  return Refuse(SEKISHO_HOOK_EXE_FILE, 0, 0, 0) ? -EPERM : not_mine;
}

// A gate obeys whoever answers on gate.sock, and believes who answers on
// scan.sock: the one is served by sekishod, the other by systemd, and the gate
// itself tells them apart by the pid. Of a listener that has gone nothing is
// known.
SEC("lsm/unix_stream_connect")
int BPF_PROG(gate_unix_stream_connect, struct sock *sock, struct sock *other,
             struct sock *newsk) {
  struct pid *pid;
  struct hlist_node *link;
  struct task_struct *listener = 0;
  __u32 tgid = 0;

  if (RoleOf(Current()) != SEKISHO_ROLE_GATE) return 0;
  pid = BPF_CORE_READ(other, sk_peer_pid);
  link = pid ? BPF_CORE_READ(pid, tasks[PIDTYPE_TGID].first) : 0;
  if (link) {
    listener = (void *)link -
               bpf_core_field_offset(struct task_struct, pid_links) -
               PIDTYPE_TGID * bpf_core_type_size(struct hlist_node);
    if (IsInit(listener) || RoleOf(listener) == SEKISHO_ROLE_DAEMON) return 0;
    tgid = BPF_CORE_READ(listener, tgid);
  }
  return Refuse(SEKISHO_HOOK_SOCKET, 0, tgid, 0) ? -EPERM : 0;
}

static __always_inline int OwnId(__u32 type, __u32 id) {
  struct sekisho_own_key key = {.type = type, .id = id};

  if (!bpf_map_lookup_elem(&gate_own_ids, &key)) return 0;
  if (RoleOf(Current()) == SEKISHO_ROLE_DAEMON) return 0;
  return Refuse(SEKISHO_HOOK_GATE_MAP, 0, 0, 0) ? -EPERM : 0;
}

SEC("lsm/bpf_map")
int BPF_PROG(gate_bpf_map, struct bpf_map *map, unsigned int fmode) {
  return OwnId(0, map->id);
}

SEC("lsm/bpf_prog")
int BPF_PROG(gate_bpf_prog, struct bpf_prog *prog) {
  return OwnId(1, BPF_CORE_READ(prog, aux, id));
}

static __always_inline bool IsPinDirectory(struct inode *inode) {
  struct sekisho_config *config = Config();

  if (!inode || !config || !config->pin_dir_inode) return false;
  return BPF_CORE_READ(inode, i_ino) == config->pin_dir_inode &&
         BPF_CORE_READ(inode, i_sb, s_dev) == config->pin_fs_dev;
}

static __always_inline int RefusePin(void) {
  if (RoleOf(Current()) == SEKISHO_ROLE_DAEMON) return 0;
  return Refuse(SEKISHO_HOOK_PIN, 0, 0, SEKISHO_EVENT_WRITE) ? -EPERM : 0;
}

SEC("lsm/inode_unlink")
int BPF_PROG(gate_inode_unlink, struct inode *dir, struct dentry *dentry) {
  return IsPinDirectory(dir) ? RefusePin() : 0;
}

SEC("lsm/inode_rmdir")
int BPF_PROG(gate_inode_rmdir, struct inode *dir, struct dentry *dentry) {
  return IsPinDirectory(dentry->d_inode) ? RefusePin() : 0;
}

SEC("lsm/inode_rename")
int BPF_PROG(gate_inode_rename, struct inode *old_dir,
             struct dentry *old_dentry, struct inode *new_dir,
             struct dentry *new_dentry) {
  if (IsPinDirectory(old_dir) || IsPinDirectory(new_dir) ||
      IsPinDirectory(old_dentry->d_inode))
    return RefusePin();
  return 0;
}

// Only in pid 1's mount namespace: the pins live as long as one mount does.
SEC("lsm/sb_umount")
int BPF_PROG(gate_sb_umount, struct vfsmount *mnt, int flags) {
  struct sekisho_config *config = Config();
  struct mount *mount;

  if (!config || !config->pin_dir_inode) return 0;
  if (BPF_CORE_READ(mnt, mnt_sb, s_dev) != config->pin_fs_dev) return 0;
  mount = (void *)mnt - bpf_core_field_offset(struct mount, mnt);
  if (BPF_CORE_READ(mount, mnt_ns, ns.inum) != config->init_mnt_ns) return 0;
  if (IsInit(Current())) return 0;
  return RefusePin();
}

// A device goes: its entry goes with it, and tickets taken for it are void.
SEC("fentry/device_del")
int BPF_PROG(gate_device_del, struct device *dev) {
  struct sekisho_major_key major = {};
  struct sekisho_node_key key = {};
  struct class *class;
  char name[8] = {};
  __u64 one = 1;
  __u64 *epoch;

  key.dev = BPF_CORE_READ(dev, devt);
  if (!key.dev) return 0;
  class = BPF_CORE_READ(dev, class);
  if (class)
    bpf_probe_read_kernel_str(name, sizeof(name), BPF_CORE_READ(class, name));
  key.kind = StartsWith(name, "block", 6) ? SEKISHO_BLOCK : SEKISHO_CHAR;
  major.kind = key.kind;
  major.major = key.dev >> MINORBITS;
  if (!bpf_map_lookup_elem(&gate_majors, &major) &&
      !bpf_map_lookup_elem(&gate_nodes, &key))
    return 0;
  epoch = bpf_map_lookup_elem(&gate_epochs, &key);
  if (epoch)
    __sync_fetch_and_add(epoch, 1);
  else
    bpf_map_update_elem(&gate_epochs, &key, &one, BPF_NOEXIST);
  bpf_map_delete_elem(&gate_nodes, &key);
  return 0;
}

// Open by number (device-mapper, md, mount) has no LSM hook; this sees it.
// mknod alone gives nothing: the open of the alias is what counts.
SEC("cgroup/dev")
int gate_device(struct bpf_cgroup_dev_ctx *ctx) {
  __u32 kind = (ctx->access_type & 0xffff) == DEVCG_TYPE_BLOCK ? SEKISHO_BLOCK
                                                               : SEKISHO_CHAR;
  __u32 access = ctx->access_type >> 16;
  __u32 dev = ctx->major << MINORBITS | ctx->minor;
  __u32 write = !!(access & DEVCG_WRITE);

  if (!(access & DEVCG_READ_WRITE)) return 1;
  if (NodeIsOpen(kind, dev, write)) return 1;
  return Refuse(SEKISHO_HOOK_DEVICE_CGROUP, NodeOf(kind, dev), 0,
                write ? SEKISHO_EVENT_WRITE : 0)
             ? 0
             : 1;
}

// kernel.ftrace_enabled=0 takes the call out of every LSM hook above; this one
// hangs on no tracing. By descriptor too that was opened long before.
SEC("cgroup/sysctl")
int gate_sysctl(struct bpf_sysctl *ctx) {
  char name[24] = {};

  if (!ctx->write) return 1;
  if (bpf_sysctl_get_name(ctx, name, sizeof(name), 0) < 0) return 1;
  if (!StartsWith(name, "kernel/ftrace_enabled", 21)) return 1;
  if (RoleOf(Current()) == SEKISHO_ROLE_DAEMON) return 1;
  return Refuse(SEKISHO_HOOK_TRACING, 0, 0, SEKISHO_EVENT_WRITE) ? 0 : 1;
}
