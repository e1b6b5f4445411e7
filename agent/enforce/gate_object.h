// The BPF object of the gate: embedded in the program, so that nothing is read
// from the file system that root could have changed, and fitted to the kernel.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "common/bytes.h"
#include "common/result.h"

struct bpf_object;
struct bpf_program;

namespace sekisho::enforce {

struct CloseObject {
  void operator()(bpf_object* object) const;
};
using ObjectPtr = std::unique_ptr<bpf_object, CloseObject>;

ByteSpan GateObjectBytes();  // static storage, an ELF file

Result<ObjectPtr> OpenGateObject();

bool IsCgroupProgram(const bpf_program* program);

// Turns off what this kernel cannot attach, so that the rest still loads;
// returns the names of these hooks ("lsm/file_open").
std::vector<std::string> SkipMissingHooks(bpf_object* object, bool lsm_listed,
                                          bool cgroup2);

// Maps are taken from their pins (`pin_prefix` + name) where these exist, so
// that entries, mode and epochs outlive the agent. Programs are always loaded;
// nothing is attached yet. Failure: what is attached already stays.
Status LoadGateObject(bpf_object* object, const std::string& pin_prefix);

}  // namespace sekisho::enforce
