// From what was seen to a first whitelist: which devices are used again and
// again, and what whoever uses the others would lose. Pure.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "policy/history.h"

namespace sekisho::policy {

struct SeenDevice {
  DeviceFacts facts;  // as seen last
  std::set<std::string> terminals;
  std::set<std::string> persons;
  std::set<int64_t> days;  // since 1970, UTC
  int64_t plugs = 0;
  int64_t transfers = 0;
  int64_t people = 0;            // in its transfers, not joined
  std::set<std::string> hashes;  // descriptor hashes; several = a clone?
};

class Suggester {
 public:
  static constexpr size_t kMaxDevices = 100'000;
  struct Options {
    size_t days = 2;  // a device is used if it was seen on so many days
    std::string pack = "appi";
  };
  struct Loss {
    std::string device;
    std::string why;
    SeenDevice seen;
  };
  struct Draft {
    Policy policy;  // observing
    std::string text;
    std::vector<DeviceEntry> rows;
    std::vector<Loss> losses;  // by transfers, most first
  };

  void Add(const PastEvent& event);
  int64_t device_count() const { return static_cast<int64_t>(seen_.size()); }
  Draft Make(const Options& options) const;

 private:
  std::map<std::string, SeenDevice> seen_;
};

// Why a serial does not tell one device from another; empty = it does.
std::string WeakSerial(std::string_view serial);

}  // namespace sekisho::policy
