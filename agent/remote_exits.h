// Ways out that are no device here: drives which the machine at the other end
// of a remote desktop lends (xrdp), the shared folder of a SPICE client,
// network block devices. The kernel gate closes each; what policy gives full
// access is opened. They cannot be inspected, so anything else is closed.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/enforce/kernel_gate.h"
#include "common/event_loop.h"
#include "common/unique_fd.h"
#include "policy/model.h"

namespace sekisho::agent {

class RemoteExits {
 public:
  struct Options {
    std::string sysfs_root = "/sys";
    std::string dev_dir = "/dev";
  };
  struct Events {
    std::function<policy::DeviceDecision(const policy::DeviceFacts&)> decide;
    // One of them may not be as the decision says.
    std::function<void(const std::string&)> problem;
  };

  // All must outlive it. Loop thread only.
  RemoteExits(EventLoop& loop, enforce::KernelGate& gate, Options options,
              Events events);
  ~RemoteExits();
  RemoteExits(RemoteExits&&) = delete;

  // As policy says now; also when such a node comes.
  void Apply();
  // nullopt: it is none of these.
  std::optional<policy::DeviceFacts> FactsOf(
      const enforce::DeviceNumber& number) const;

 private:
  struct Exit {
    enforce::DeviceNumber number;
    policy::DeviceFacts facts;
  };

  void Watch();
  std::vector<Exit> Find() const;
  Status Set(const Exit& exit) const;

  EventLoop& loop_;
  enforce::KernelGate& gate_;
  const Options options_;
  const Events events_;
  UniqueFd inotify_;
  std::vector<Exit> exits_;
};

}  // namespace sekisho::agent
