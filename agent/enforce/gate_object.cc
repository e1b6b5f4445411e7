#include "agent/enforce/gate_object.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include <cstddef>
#include <map>
#include <string_view>

#include "common/text.h"

// .incbin: g++ 12 has no #embed, and a hex array of this size compiles slowly.
__asm__(
    ".pushsection .rodata\n"
    ".balign 16\n"
    ".global sekisho_gate_object\n"
    ".global sekisho_gate_object_end\n"
    "sekisho_gate_object:\n"
    ".incbin \"" SEKISHO_GATE_OBJECT
    "\"\n"
    "sekisho_gate_object_end:\n"
    ".byte 0\n"
    ".popsection\n");

extern "C" {
extern const std::byte sekisho_gate_object[];
extern const std::byte sekisho_gate_object_end[];
}

namespace sekisho::enforce {
namespace {

constexpr size_t kVerifierLogBytes = size_t{64} * 1024;
constexpr size_t kShownLogBytes = 300;

struct FreeBtf {
  void operator()(btf* types) const { btf__free(types); }
};

// "lsm/file_open" -> the kernel function whose BTF must exist.
std::string KernelFunctionOf(std::string_view section) {
  const size_t slash = section.find('/');
  const std::string name(section.substr(slash + 1));
  return section.starts_with("lsm/") ? "bpf_lsm_" + name : name;
}

}  // namespace

void CloseObject::operator()(bpf_object* object) const {
  bpf_object__close(object);
}

ByteSpan GateObjectBytes() {
  return {sekisho_gate_object, sekisho_gate_object_end};
}

bool IsCgroupProgram(const bpf_program* program) {
  return std::string_view(bpf_program__section_name(program))
      .starts_with("cgroup/");
}

Result<ObjectPtr> OpenGateObject() {
  const ByteSpan bytes = GateObjectBytes();
  bpf_object_open_opts options = {};
  options.sz = sizeof(options);
  options.object_name = "sekisho_gate";
  ObjectPtr object(bpf_object__open_mem(bytes.data(), bytes.size(), &options));
  if (!object) return FailErrno("read the gate's BPF object");
  return object;
}

std::vector<std::string> SkipMissingHooks(bpf_object* object, bool lsm_listed,
                                          bool cgroup2) {
  std::vector<std::string> missing;
  // No BTF: nothing but the cgroup programs, and these without identities.
  const std::unique_ptr<btf, FreeBtf> types(btf__load_vmlinux_btf());
  bpf_program* program = nullptr;
  bpf_object__for_each_program(program, object) {
    if (IsCgroupProgram(program)) {
      if (!cgroup2) bpf_program__set_autoload(program, false);
      continue;
    }
    const std::string section = bpf_program__section_name(program);
    const bool lsm = section.starts_with("lsm/");
    const bool known =
        types &&
        btf__find_by_name_kind(types.get(), KernelFunctionOf(section).c_str(),
                               BTF_KIND_FUNC) > 0;
    if (known && (!lsm || lsm_listed)) continue;
    bpf_program__set_autoload(program, false);
    missing.push_back(section);
  }
  return missing;
}

Status LoadGateObject(bpf_object* object, const std::string& pin_prefix) {
  bpf_map* map = nullptr;
  bpf_object__for_each_map(map, object) {
    const std::string name = bpf_map__name(map);
    // .rodata and the like are private to one object.
    if (!name.starts_with("gate_")) continue;
    if (const int error =
            bpf_map__set_pin_path(map, (pin_prefix + name).c_str());
        error != 0) {
      return FailErrno("pin path of " + name, -error);
    }
  }
  bpf_program* program = nullptr;
  std::map<const bpf_program*, std::string> logs;
  bpf_object__for_each_program(program, object) {
    std::string& log = logs[program];
    log.resize(kVerifierLogBytes);
    bpf_program__set_log_buf(program, log.data(), log.size());
  }
  const int error = bpf_object__load(object);
  std::string details;
  bpf_object__for_each_program(program, object) {
    bpf_program__set_log_buf(program, nullptr, 0);
    const std::string log = logs[program].substr(0, logs[program].find('\0'));
    if (error == 0 || log.empty() || bpf_program__fd(program) >= 0) continue;
    const size_t from =
        log.size() > kShownLogBytes ? log.size() - kShownLogBytes : 0;
    details += std::string(" [") + bpf_program__section_name(program) + ": " +
               EscapeUntrusted(log.substr(from)) + "]";
  }
  if (error != 0) {
    Error failure = ErrnoError("load the gate's programs", -error);
    failure.message += details;
    return std::unexpected(std::move(failure));
  }
  return {};
}

}  // namespace sekisho::enforce
