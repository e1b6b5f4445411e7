// What the probe gives up before it reads a byte of a device.
#pragma once

#include <memory>
#include <utility>

#include "common/result.h"

namespace sekisho::probe {

// A process may wait long for its question, and what waits reads nothing: so it
// goes in two steps. Each failure is an error: the caller must not probe.
class Sandbox {
 public:
  // At the start: no paths (Landlock, where the kernel has it), no new rights,
  // bounded memory and processor time.
  static Result<Sandbox> Prepare();

  // When the question is there: an end after `seconds` whatever happens, and a
  // filter that leaves only reading and answering. No network, no new
  // descriptors.
  Status Enter(unsigned seconds);

 private:
  using Filter = std::unique_ptr<void, void (*)(void*)>;
  explicit Sandbox(Filter filter) : filter_(std::move(filter)) {}

  Filter filter_;
};

}  // namespace sekisho::probe
