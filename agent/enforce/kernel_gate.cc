#include "agent/enforce/kernel_gate.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <optional>
#include <utility>

#include "agent/enforce/bpf/gate_abi.h"
#include "agent/enforce/gate_object.h"
#include "agent/enforce/gate_pins.h"
#include "agent/enforce/gated_majors.h"
#include "agent/enforce/sysfs_disks.h"
#include "common/file.h"
#include "common/text.h"

namespace sekisho::enforce {
namespace {

constexpr size_t kMaxProcBytes = size_t{1024} * 1024;
constexpr char kSelf[] = "/proc/self/exe";
// Pins of another layout have other names: they are replaced as a set.
constexpr char kPinPrefix[] = "v1_";
static_assert(SEKISHO_GATE_ABI == 1, "the prefix names the layout");

struct CloseLink {
  void operator()(bpf_link* link) const { bpf_link__destroy(link); }
};
struct FreeRing {
  void operator()(ring_buffer* ring) const { ring_buffer__free(ring); }
};
using LinkPtr = std::unique_ptr<bpf_link, CloseLink>;

uint64_t HashOf(ByteSpan bytes) {
  return uint64_t{Crc32c(bytes)} << 32 | (bytes.size() & 0xffffffff);
}

uint32_t KernelDev(uint32_t major, uint32_t minor) {
  return major << 20 | (minor & 0xfffff);
}

sekisho_node_key KeyOf(const DeviceNumber& number) {
  return {static_cast<uint32_t>(number.kind),
          KernelDev(number.major, number.minor)};
}

std::string CgroupPin(const bpf_program* program) {
  return std::string("prog_") + bpf_program__name(program);
}

// Without this the kernel calls no LSM or fentry program, attached or not.
bool TracingEnabled(const std::string& proc_root) {
  const auto text =
      ReadFileAt(AT_FDCWD, proc_root + "/sys/kernel/ftrace_enabled", 16);
  // No such switch: nobody can have turned it off.
  return !text || Trim(*text) != "0";
}

bool LsmListed(const std::string& sysfs_root) {
  const auto text =
      ReadFileAt(AT_FDCWD, sysfs_root + "/kernel/security/lsm", 4096);
  if (!text) return false;
  const auto names = Split(Trim(*text), ',');
  return std::ranges::find(names, "bpf") != names.end();
}

std::string Join(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) {
    if (!text.empty()) text += ", ";
    text += word;
  }
  return text;
}

void Explain(GateState* state, bool lsm_listed) {
  state->why.clear();
  const auto add = [state](const std::string& text) {
    if (!state->why.empty()) state->why += "; ";
    state->why += text;
  };
  if (!lsm_listed) {
    add("\"bpf\" is not among the active LSMs (/sys/kernel/security/lsm)");
  } else if (!state->missing_hooks.empty()) {
    add("this kernel lacks " + Join(state->missing_hooks));
  }
  if (!state->cgroup_device_active) {
    add("no device program on the root cgroup (cgroup v2)");
  }
}

bool IsCgroup2(const std::string& path) {
  struct stat info = {};
  return stat((path + "/cgroup.controllers").c_str(), &info) == 0;
}

// The real one. Owns nothing but descriptors: the kernel side lives in pins.
class PinnedKernelGate final : public KernelGate {
 public:
  explicit PinnedKernelGate(KernelGateOptions options)
      : options_(std::move(options)) {}

  Status Start();

  Status SetMode(GateMode mode) override;
  GateState State() const override;
  Result<DeviceTicket> TakeTicket(const DeviceNumber& number) override;
  Status OpenDevice(const DeviceTicket& ticket, NodeAccess access) override;
  Status CloseDevice(const DeviceNumber& number) override;
  Status OpenSystemDisks() override;
  Result<std::vector<AgentProgram>> AgentPrograms() const override;
  Status SetAgentPrograms(const std::vector<AgentProgram>& programs) override;
  Status Unlock(BootTime until) override;
  Result<BootTime> UnlockedUntil() const override;
  Status RefreshMajors() override;
  int EventsFd() const override { return ring_buffer__epoll_fd(ring_.get()); }
  Result<size_t> ReadEvents(
      const std::function<void(const DeniedAccess&)>& each,
      size_t max_events) override;
  Result<GateCounters> Counters() const override;
  Status Teardown() override;

 private:
  std::string PinPath(std::string_view name) const {
    return options_.pin_directory + "/" + kPinPrefix + std::string(name);
  }
  int MapFd(const char* name) const;
  Result<UniqueFd> LockPins() const;
  Status Attach();
  Status AttachCgroup(bpf_program* program);
  Status WriteOwnIds();
  Status OwnFd(int fd, uint32_t type);
  Status WriteConfig(GateMode mode, uint64_t object_hash);
  Status RemoveForeignPins();
  Status CheckStanding();
  static int OnEvent(void* context, void* data, size_t size);

  KernelGateOptions options_;
  PinDirectory pin_directory_;
  GateState state_;
  ObjectPtr object_;
  std::unique_ptr<ring_buffer, FreeRing> ring_;

  struct Reading {
    const std::function<void(const DeniedAccess&)>* each = nullptr;
    size_t left = 0;
    size_t done = 0;
  } reading_;
};

int PinnedKernelGate::MapFd(const char* name) const {
  return bpf_object__find_map_fd_by_name(object_.get(), name);
}

// Two programs that swap pins at once would lose some.
Result<UniqueFd> PinnedKernelGate::LockPins() const {
  ASSIGN_OR_RETURN(UniqueFd directory, OpenAt(AT_FDCWD, options_.pin_directory,
                                              O_RDONLY | O_DIRECTORY));
  if (flock(directory.get(), LOCK_EX | LOCK_NB) != 0) {
    return Fail(Code::kUnavailable, "another program is changing the gate");
  }
  return directory;
}

Status PinnedKernelGate::Start() {
  ASSIGN_OR_RETURN(pin_directory_, PreparePinDirectory(options_.pin_directory));
  ASSIGN_OR_RETURN(const UniqueFd lock, LockPins());
  const bool lsm_listed = LsmListed(options_.sysfs_root);
  bool fresh = true;
  if (auto pin = OpenPin(PinPath("gate_config")); pin) {
    fresh = false;
  } else if (pin.error().code != Code::kNotFound) {
    return Wrap("the gate that stands does not accept this program",
                pin.error());
  }
  ASSIGN_OR_RETURN(object_, OpenGateObject());
  state_.missing_hooks = SkipMissingHooks(object_.get(), lsm_listed,
                                          IsCgroup2(options_.cgroup_root));
  RETURN_IF_ERROR(
      LoadGateObject(object_.get(), options_.pin_directory + "/" + kPinPrefix));

  const uint32_t zero = 0;
  sekisho_config config = {};
  bpf_map_lookup_elem(MapFd("gate_config"), &zero, &config);
  // abi 0: a start that ended before its config was written.
  const GateMode mode = fresh || config.abi != SEKISHO_GATE_ABI
                            ? options_.initial_mode
                            : static_cast<GateMode>(config.mode);
  // Who we are, what is closed and what must stay open come before the first
  // hook bites.
  const bool keeps_list =
      !fresh && config.abi == SEKISHO_GATE_ABI && mode == GateMode::kEnforce;
  if (!keeps_list) RETURN_IF_ERROR(SetAgentPrograms(options_.programs));
  RETURN_IF_ERROR(RefreshMajors());
  RETURN_IF_ERROR(OpenSystemDisks());
  RETURN_IF_ERROR(WriteOwnIds());
  RETURN_IF_ERROR(WriteConfig(mode, HashOf(GateObjectBytes())));
  RETURN_IF_ERROR(Attach());
  RETURN_IF_ERROR(RemoveForeignPins());
  if (!TracingEnabled(options_.proc_root)) {
    // Somebody turned it off before we stood.
    const Status on = WriteOnceAt(
        AT_FDCWD, options_.proc_root + "/sys/kernel/ftrace_enabled", "1");
    if (!on) state_.missing_hooks.push_back("ftrace: " + on.error().message);
  }

  state_.mode = mode;
  Explain(&state_, lsm_listed);
  ring_.reset(ring_buffer__new(MapFd("gate_events"), &OnEvent, this, nullptr));
  if (!ring_) return FailErrno("read the gate's events");
  return CheckStanding();
}

Status PinnedKernelGate::CheckStanding() {
  if (state_.Standing() != GateStanding::kUnsupported) return {};
  return Fail(Code::kFailedPrecondition, "no kernel gate: " + state_.why);
}

Status PinnedKernelGate::Attach() {
  size_t attached = 0;
  bpf_program* program = nullptr;
  bpf_object__for_each_program(program, object_.get()) {
    if (bpf_program__fd(program) < 0) continue;
    const std::string section = bpf_program__section_name(program);
    if (IsCgroupProgram(program)) {
      if (const Status status = AttachCgroup(program); !status) {
        state_.missing_hooks.push_back(section + " (" + status.error().message +
                                       ")");
      } else if (bpf_program__type(program) == BPF_PROG_TYPE_CGROUP_DEVICE) {
        state_.cgroup_device_active = true;
      }
      continue;
    }
    const LinkPtr link(bpf_program__attach(program));
    if (!link) {
      state_.missing_hooks.push_back(section + " (" + std::strerror(errno) +
                                     ")");
      continue;
    }
    const std::string name = std::string("link_") + bpf_program__name(program);
    RETURN_IF_ERROR(ReplacePin(bpf_link__fd(link.get()), PinPath(name)));
    if (section.starts_with("lsm/")) ++attached;
  }
  state_.lsm_active = attached > 0;
  return {};
}

// Attached without a link: taking it off needs a descriptor of the program,
// which gate_bpf_prog refuses, whereas a link could be detached by anybody who
// opens its pin.
Status PinnedKernelGate::AttachCgroup(bpf_program* program) {
  ASSIGN_OR_RETURN(const UniqueFd cgroup, OpenAt(AT_FDCWD, options_.cgroup_root,
                                                 O_RDONLY | O_DIRECTORY));
  const int fd = bpf_program__fd(program);
  const bpf_attach_type type = bpf_program__expected_attach_type(program);
  const std::string pin = PinPath(CgroupPin(program));
  auto old = OpenPin(pin);
  struct bpf_prog_attach_opts attach = {};  // a function has this name too
  attach.sz = sizeof(attach);
  attach.flags = BPF_F_ALLOW_MULTI;
  int error = -ENOENT;
  if (old) {
    attach.flags |= BPF_F_REPLACE;
    attach.replace_prog_fd = old->get();
    error = bpf_prog_attach_opts(fd, cgroup.get(), type, &attach);
  }
  if (error == -ENOENT) {  // not there, or pinned but no longer attached
    error = bpf_prog_attach(fd, cgroup.get(), type, BPF_F_ALLOW_MULTI);
  }
  if (error != 0) return FailErrno("attach to the root cgroup", -error);
  return ReplacePin(fd, pin);
}

Status PinnedKernelGate::OwnFd(int fd, uint32_t type) {
  uint32_t id = 0;
  if (type == 0) {
    bpf_map_info info = {};
    uint32_t size = sizeof(info);
    if (bpf_obj_get_info_by_fd(fd, &info, &size) != 0) {
      return FailErrno("map info");
    }
    id = info.id;
  } else {
    bpf_prog_info info = {};
    uint32_t size = sizeof(info);
    if (bpf_obj_get_info_by_fd(fd, &info, &size) != 0) {
      return FailErrno("program info");
    }
    id = info.id;
  }
  const sekisho_own_key key = {type, id};
  const uint32_t one = 1;
  if (bpf_map_update_elem(MapFd("gate_own_ids"), &key, &one, BPF_ANY) != 0) {
    return FailErrno("guard the gate's own objects");
  }
  return {};
}

// Ids of programs that are gone stay until the map is written anew: ids are not
// reused before 2^31 loads.
Status PinnedKernelGate::WriteOwnIds() {
  const int fd = MapFd("gate_own_ids");
  sekisho_own_key key = {};
  std::vector<sekisho_own_key> old;
  for (int error = bpf_map_get_next_key(fd, nullptr, &key); error == 0;
       error = bpf_map_get_next_key(fd, &key, &key)) {
    old.push_back(key);
  }
  // Room for the new set; the old programs go when their links do.
  if (old.size() > SEKISHO_MAX_OWN_IDS / 2) {
    for (const sekisho_own_key& stale : old) bpf_map_delete_elem(fd, &stale);
  }
  bpf_map* map = nullptr;
  bpf_object__for_each_map(map, object_.get()) {
    RETURN_IF_ERROR(OwnFd(bpf_map__fd(map), 0));
  }
  bpf_program* program = nullptr;
  bpf_object__for_each_program(program, object_.get()) {
    if (bpf_program__fd(program) < 0) continue;
    RETURN_IF_ERROR(OwnFd(bpf_program__fd(program), 1));
  }
  return {};
}

Status PinnedKernelGate::WriteConfig(GateMode mode, uint64_t object_hash) {
  struct stat mount_namespace = {};
  if (stat((options_.proc_root + "/1/ns/mnt").c_str(), &mount_namespace) != 0) {
    return FailErrno("mount namespace of pid 1");
  }
  sekisho_config config = {};
  config.abi = SEKISHO_GATE_ABI;
  config.mode = static_cast<uint32_t>(mode);
  config.pin_fs_dev = pin_directory_.fs_device;
  config.pin_dir_inode = pin_directory_.inode;
  config.init_mnt_ns = static_cast<uint32_t>(mount_namespace.st_ino);
  config.object_hash = object_hash;
  const uint32_t zero = 0;
  if (bpf_map_update_elem(MapFd("gate_config"), &zero, &config, BPF_ANY) != 0) {
    return FailErrno("write the gate's configuration");
  }
  return {};
}

Status PinnedKernelGate::RemoveForeignPins() {
  ASSIGN_OR_RETURN(const auto names, ListPins(options_.pin_directory));
  for (const std::string& name : names) {
    bool ours = false;
    bpf_map* map = nullptr;
    bpf_object__for_each_map(map, object_.get()) {
      ours = ours || name == std::string(kPinPrefix) + bpf_map__name(map);
    }
    bpf_program* program = nullptr;
    bpf_object__for_each_program(program, object_.get()) {
      ours = ours || name == std::string(kPinPrefix) + CgroupPin(program) ||
             name ==
                 std::string(kPinPrefix) + "link_" + bpf_program__name(program);
    }
    if (!ours) {
      RETURN_IF_ERROR(RemovePin(options_.pin_directory + "/" + name));
    }
  }
  return {};
}

Status PinnedKernelGate::SetMode(GateMode mode) {
  if (mode == GateMode::kEnforce) RETURN_IF_ERROR(OpenSystemDisks());
  RETURN_IF_ERROR(WriteConfig(mode, HashOf(GateObjectBytes())));
  state_.mode = mode;
  return {};
}

GateState PinnedKernelGate::State() const {
  GateState now = state_;
  if (now.lsm_active && !TracingEnabled(options_.proc_root)) {
    now.lsm_active = false;
    now.why = "kernel.ftrace_enabled is 0: no LSM program is called";
  }
  return now;
}

Result<DeviceTicket> PinnedKernelGate::TakeTicket(const DeviceNumber& number) {
  const sekisho_node_key key = KeyOf(number);
  DeviceTicket ticket{.number = number};
  const int error =
      bpf_map_lookup_elem(MapFd("gate_epochs"), &key, &ticket.epoch);
  if (error != 0 && error != -ENOENT) {
    return FailErrno("ticket for " + ToString(number), -error);
  }
  return ticket;
}

Status PinnedKernelGate::OpenDevice(const DeviceTicket& ticket,
                                    NodeAccess access) {
  const sekisho_node_key key = KeyOf(ticket.number);
  const sekisho_node node = {ticket.epoch, static_cast<uint32_t>(access), 0};
  const std::string what = "open " + ToString(ticket.number);
  const int error =
      bpf_map_update_elem(MapFd("gate_nodes"), &key, &node, BPF_ANY);
  if (error != 0) return FailErrno(what, -error);
  // The kernel ignores an entry whose epoch is old; this only tells the caller.
  ASSIGN_OR_RETURN(const DeviceTicket now, TakeTicket(ticket.number));
  if (now.epoch == ticket.epoch) return {};
  RETURN_IF_ERROR(CloseDevice(ticket.number));
  return Fail(Code::kAborted, what + ": the device is gone");
}

Status PinnedKernelGate::CloseDevice(const DeviceNumber& number) {
  const sekisho_node_key key = KeyOf(number);
  const int error = bpf_map_delete_elem(MapFd("gate_nodes"), &key);
  if (error != 0 && error != -ENOENT) {
    return FailErrno("close " + ToString(number), -error);
  }
  return {};
}

Status PinnedKernelGate::OpenSystemDisks() {
  ASSIGN_OR_RETURN(const auto nodes,
                   SystemDisks(options_.sysfs_root, options_.proc_root));
  for (const DeviceNumber& node : nodes) {
    RETURN_IF_ERROR(OpenNow(node, NodeAccess::kFull));
  }
  return {};
}

Result<std::vector<AgentProgram>> PinnedKernelGate::AgentPrograms() const {
  const int fd = MapFd("gate_programs");
  std::vector<AgentProgram> programs;
  sekisho_program_key key = {};
  for (int error = bpf_map_get_next_key(fd, nullptr, &key); error == 0;
       error = bpf_map_get_next_key(fd, &key, &key)) {
    sekisho_program value = {};
    if (const int found = bpf_map_lookup_elem(fd, &key, &value); found != 0) {
      return FailErrno("read the list of agent programs", -found);
    }
    programs.push_back(
        {.identity = {.inode = key.inode,
                      .fs_major = key.dev >> 20,
                      .fs_minor = key.dev & 0xfffff,
                      .generation = value.generation,
                      .has_generation = value.check_generation != 0},
         .role = static_cast<ProgramRole>(value.role)});
  }
  return programs;
}

Status PinnedKernelGate::SetAgentPrograms(
    const std::vector<AgentProgram>& programs) {
  ASSIGN_OR_RETURN(const ProgramIdentity self, IdentifyProgram(kSelf));
  const bool has_self =
      std::ranges::any_of(programs, [&self](const AgentProgram& program) {
        return program.identity == self && program.role == ProgramRole::kDaemon;
      });
  if (!has_self) {
    return Fail(Code::kInvalidArgument,
                "the list of agent programs does not hold this one");
  }
  const int fd = MapFd("gate_programs");
  std::vector<sekisho_program_key> wanted;
  for (const AgentProgram& program : programs) {
    const ProgramIdentity& id = program.identity;
    const sekisho_program_key key = {id.inode,
                                     KernelDev(id.fs_major, id.fs_minor), 0};
    const sekisho_program value = {static_cast<uint32_t>(program.role),
                                   id.generation, id.has_generation ? 1U : 0U,
                                   0};
    if (const int error = bpf_map_update_elem(fd, &key, &value, BPF_ANY);
        error != 0) {
      return FailErrno("write the list of agent programs", -error);
    }
    wanted.push_back(key);
  }
  std::vector<sekisho_program_key> stale;
  sekisho_program_key key = {};
  for (int error = bpf_map_get_next_key(fd, nullptr, &key); error == 0;
       error = bpf_map_get_next_key(fd, &key, &key)) {
    const bool keep = std::ranges::any_of(wanted, [&key](const auto& other) {
      return other.inode == key.inode && other.dev == key.dev;
    });
    if (!keep) stale.push_back(key);
  }
  for (const sekisho_program_key& old : stale) {
    if (const int error = bpf_map_delete_elem(fd, &old); error != 0) {
      return FailErrno("shorten the list of agent programs", -error);
    }
  }
  return {};
}

Status PinnedKernelGate::Unlock(BootTime until) {
  const uint32_t zero = 0;
  const auto ns =
      static_cast<uint64_t>(std::chrono::nanoseconds(until).count());
  const int error =
      bpf_map_update_elem(MapFd("gate_unlock"), &zero, &ns, BPF_ANY);
  return error == 0 ? Status() : FailErrno("unlock the gate", -error);
}

Result<BootTime> PinnedKernelGate::UnlockedUntil() const {
  const uint32_t zero = 0;
  uint64_t ns = 0;
  const int error = bpf_map_lookup_elem(MapFd("gate_unlock"), &zero, &ns);
  if (error != 0) return FailErrno("read the gate's unlock", -error);
  return std::chrono::duration_cast<BootTime>(std::chrono::nanoseconds(ns));
}

Status PinnedKernelGate::RefreshMajors() {
  ASSIGN_OR_RETURN(
      const std::string text,
      ReadFileAt(AT_FDCWD, options_.proc_root + "/devices", kMaxProcBytes));
  for (const DeviceNumber& number : GatedMajors(text)) {
    const sekisho_major_key key = {static_cast<uint32_t>(number.kind),
                                   number.major};
    const uint32_t one = 1;
    if (const int error =
            bpf_map_update_elem(MapFd("gate_majors"), &key, &one, BPF_ANY);
        error != 0) {
      return FailErrno("close major " + std::to_string(number.major), -error);
    }
  }
  return {};
}

int PinnedKernelGate::OnEvent(void* context, void* data, size_t size) {
  auto* gate = static_cast<PinnedKernelGate*>(context);
  sekisho_event event = {};
  if (size < sizeof(event)) return 0;
  std::memcpy(&event, data, sizeof(event));
  DeniedAccess denial;
  denial.hook = static_cast<DeniedAccess::Hook>(event.hook);
  denial.device = {static_cast<NodeKind>(event.kind), event.dev >> 20,
                   event.dev & 0xfffff};
  denial.pid = static_cast<pid_t>(event.pid);
  denial.uid = event.uid;
  denial.login_uid = event.login_uid;
  denial.audit_session = event.session;
  denial.target_pid = static_cast<pid_t>(event.target_pid);
  denial.signal = static_cast<int>(event.signal);
  denial.write = (event.flags & SEKISHO_EVENT_WRITE) != 0;
  denial.refused = (event.flags & SEKISHO_EVENT_REFUSED) != 0;
  denial.comm.assign(event.comm, strnlen(event.comm, sizeof(event.comm)));
  denial.boot_time_ns = event.time_ns;
  denial.expected = IsExpectedDenial(denial);
  (*gate->reading_.each)(denial);
  ++gate->reading_.done;
  // Negative stops after this record.
  return --gate->reading_.left == 0 ? -ECANCELED : 0;
}

Result<size_t> PinnedKernelGate::ReadEvents(
    const std::function<void(const DeniedAccess&)>& each, size_t max_events) {
  if (max_events == 0) return size_t{0};
  reading_ = {&each, max_events, 0};
  const int result = ring_buffer__consume(ring_.get());
  const size_t done = reading_.done;
  reading_ = {};
  if (result < 0 && result != -ECANCELED) {
    return FailErrno("read the gate's events", -result);
  }
  return done;
}

Result<GateCounters> PinnedKernelGate::Counters() const {
  const int processors = libbpf_num_possible_cpus();
  if (processors < 0) return FailErrno("count processors", -processors);
  std::vector<sekisho_counters> each(static_cast<size_t>(processors));
  const uint32_t zero = 0;
  if (bpf_map_lookup_elem(MapFd("gate_counters"), &zero, each.data()) != 0) {
    return FailErrno("read the gate's counters");
  }
  GateCounters sum;
  for (const sekisho_counters& one : each) {
    sum.denied += one.denied;
    sum.suppressed += one.suppressed;
    sum.lost += one.lost;
  }
  bpf_program* program = nullptr;
  bpf_object__for_each_program(program, object_.get()) {
    bpf_prog_info info = {};
    uint32_t size = sizeof(info);
    const int fd = bpf_program__fd(program);
    if (fd < 0) continue;
    if (bpf_obj_get_info_by_fd(fd, &info, &size) != 0) {
      return FailErrno("read a program's counters");
    }
    sum.missed += info.recursion_misses;
  }
  return sum;
}

// Links first, then the cgroup program, then the maps they read: at no moment
// does a program run that could not find its configuration (which would close
// everything).
Status PinnedKernelGate::Teardown() {
  ASSIGN_OR_RETURN(const UniqueFd lock, LockPins());
  ASSIGN_OR_RETURN(const auto names, ListPins(options_.pin_directory));
  for (const std::string& name : names) {
    if (name.find("link_") == std::string::npos) continue;
    RETURN_IF_ERROR(RemovePin(options_.pin_directory + "/" + name));
  }
  bpf_program* program = nullptr;
  bpf_object__for_each_program(program, object_.get()) {
    if (!IsCgroupProgram(program)) continue;
    const auto pin = OpenPin(PinPath(CgroupPin(program)));
    if (!pin) continue;
    ASSIGN_OR_RETURN(
        const UniqueFd cgroup,
        OpenAt(AT_FDCWD, options_.cgroup_root, O_RDONLY | O_DIRECTORY));
    const int error = bpf_prog_detach2(
        pin->get(), cgroup.get(), bpf_program__expected_attach_type(program));
    if (error != 0 && error != -ENOENT) {
      return FailErrno("take a program off the root cgroup", -error);
    }
  }
  for (const std::string& name : names) {
    RETURN_IF_ERROR(RemovePin(options_.pin_directory + "/" + name));
  }
  if (rmdir(options_.pin_directory.c_str()) != 0 && errno != ENOENT) {
    return FailErrno("remove " + options_.pin_directory);
  }
  state_ = GateState{};
  state_.why = "taken down";
  return {};
}

}  // namespace

GateState ProbeKernelSupport() {
  GateState state;
  const bool lsm_listed = LsmListed("/sys");
  const auto object = OpenGateObject();
  if (!object) {
    state.why = object.error().message;
    return state;
  }
  state.missing_hooks = SkipMissingHooks(object->get(), lsm_listed, true);
  state.lsm_active = lsm_listed;
  state.cgroup_device_active = IsCgroup2("/sys/fs/cgroup");
  Explain(&state, lsm_listed);
  return state;
}

Result<std::unique_ptr<KernelGate>> KernelGate::Open(
    const KernelGateOptions& options) {
  libbpf_set_print(nullptr);
  auto gate = std::make_unique<PinnedKernelGate>(options);
  RETURN_IF_ERROR(gate->Start());
  return gate;
}

}  // namespace sekisho::enforce
