/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The few kernel types the gate reads, with CO-RE relocation: field offsets
 * are filled in from the running kernel's BTF, so nothing here depends on the
 * machine that builds. Only the names and the order of nesting must be right.
 */
#ifndef SEKISHO_BPF_KERNEL_TYPES_H
#define SEKISHO_BPF_KERNEL_TYPES_H

typedef unsigned char __u8;
typedef unsigned short __u16;
typedef unsigned int __u32;
typedef unsigned long long __u64;
typedef signed char __s8;
typedef short __s16;
typedef int __s32;
typedef long long __s64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u32 __wsum;
typedef _Bool bool;
#define true 1
#define false 0

enum bpf_map_type_used {
  BPF_MAP_TYPE_HASH = 1,
  BPF_MAP_TYPE_ARRAY = 2,
  BPF_MAP_TYPE_PERCPU_ARRAY = 6,
  BPF_MAP_TYPE_LRU_HASH = 9,
  BPF_MAP_TYPE_RINGBUF = 27,
};

enum { BPF_ANY = 0, BPF_NOEXIST = 1 };

struct bpf_cgroup_dev_ctx {
  __u32 access_type; /* (access << 16) | type */
  __u32 major;
  __u32 minor;
};

struct bpf_sysctl {
  __u32 write;
  __u32 file_pos;
};

#pragma clang attribute push(__attribute__((preserve_access_index)), \
                             apply_to = record)

typedef struct {
  __u32 val;
} kuid_t;

struct block_device {
  __u32 bd_dev;
};

struct file_system_type {
  const char *name;
};

struct super_block {
  __u32 s_dev;
  unsigned long s_magic;
  struct block_device *s_bdev;
  struct file_system_type *s_type;
  const char *s_subtype;
};

struct inode {
  __u16 i_mode;
  struct super_block *i_sb;
  unsigned long i_ino;
  __u32 i_rdev;
  __u32 i_generation;
};

struct qstr {
  const unsigned char *name;
};

struct dentry {
  struct dentry *d_parent;
  struct qstr d_name;
  struct inode *d_inode;
};

struct vfsmount {
  struct super_block *mnt_sb;
};

struct path {
  struct vfsmount *mnt;
  struct dentry *dentry;
};

struct file {
  __u32 f_mode;
  struct path f_path;
  struct inode *f_inode;
};

struct ns_common {
  __u32 inum;
};

struct mnt_namespace {
  struct ns_common ns;
};

struct mount {
  struct vfsmount mnt;
  struct mnt_namespace *mnt_ns;
};

struct mm_struct {
  struct file *exe_file;
};

struct cred {
  kuid_t uid;
};

struct hlist_node {
  struct hlist_node *next;
};

struct hlist_head {
  struct hlist_node *first;
};

struct pid {
  struct hlist_head tasks[4]; /* by pid type */
};

struct sock {
  struct pid *sk_peer_pid; /* of a listening socket: who called listen() */
};

struct task_struct {
  __u32 flags;
  __u32 ptrace;
  int pid;
  int tgid;
  struct mm_struct *mm;
  struct hlist_node pid_links[4];
  const struct cred *real_cred;
  kuid_t loginuid;
  __u32 sessionid;
  char comm[16];
};

struct linux_binprm {
  struct file *file;
};

struct vm_area_struct {
  unsigned long vm_flags;
};

struct iattr {
  __u32 ia_valid;
};

struct class {
  const char *name;
};

struct device {
  __u32 devt;
  struct class *class;
};

struct bpf_map {
  __u32 id;
};

struct bpf_prog_aux {
  __u32 id;
};

struct bpf_prog {
  struct bpf_prog_aux *aux;
};

struct kernel_siginfo;

#pragma clang attribute pop

#endif
