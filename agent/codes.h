// Codes over the phone on this terminal (policy/offline_code.h): its secret,
// the challenges that wait for a code, and what a code opened. All of it is in
// one file that only sekishod reads, and durable before anything follows from
// it: a restart gives no try back and no code twice. Loop thread only.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/clock.h"
#include "common/result.h"
#include "policy/offline_code.h"

namespace sekisho::agent {

class Codes {
 public:
  static constexpr size_t kMaxChallenges = 16;
  static constexpr size_t kMaxOpen = 16;

  // A device as a code means it. Descriptors too: another device with the same
  // serial is not opened.
  struct Device {
    std::string key;  // DeviceKey of containment.h
    std::string descriptor_hash;
    bool operator==(const Device&) const = default;
  };
  struct Open {
    Device device;
    int64_t seconds = 0;
    policy::CodeMatch match{};
    BootTime end{};
    WallTime until;  // as it was when the code was taken
    bool confirmed = false;
    bool operator==(const Open&) const = default;
  };
  struct Challenge {
    std::string text;  // to be read out
    int tries_left = 0;
    bool is_new = false;
  };
  struct Ended {
    Open open;
    std::string why;
  };
  // Of a code whose letters are in order.
  struct Tried {
    std::optional<Open> open;     // unset: it is not the code of any
    std::vector<Device> devices;  // what it was tried for
    int tries_left = 0;           // of the one that has the fewest left
  };

  // `boot_id` tells a restart of the agent from one of the terminal. If the
  // file cannot be read nothing is open and a new secret is needed: problem().
  Codes(const Clock& clock, std::string path, std::string boot_id);

  // Whether the server that holds `key` still needs this terminal's secret.
  bool NeedsSecretFor(const policy::CodePublicKey& key) const {
    return told_to_ != key;
  }
  // `secret` was told to the holder of `key`; challenges before it are void.
  Status SetSecret(const policy::CodeSecret& secret,
                   const policy::CodePublicKey& key);
  // Another agent from now on: no secret, nothing waits, nothing is open.
  Status Reset();

  // The challenge that waits for `device`, or a new one. kFailedPrecondition:
  // the server does not have this terminal's secret.
  Result<Challenge> ChallengeFor(const std::string& agent_id,
                                 const Device& device);
  // Tries `code` for each of `blocked` that has a challenge. kInvalidArgument:
  // misheard, no try was used; kFailedPrecondition: nothing waits for one;
  // other errors are of the disk, and nothing is opened.
  Result<Tried> Redeem(const std::string& agent_id, std::string_view code,
                       const std::vector<Device>& blocked);

  // What the server says it issued. What it confirmed once and no longer names
  // has ended.
  std::vector<Ended> Take(const policy::CodeList& list);
  // The server was reached and did not confirm these.
  std::vector<Ended> EndUnconfirmed();
  std::vector<Ended> EndDue();
  std::vector<Ended> EndOne(const policy::CodeMatch& match, const char* why);
  bool HasUnconfirmed() const;

  const std::vector<Open>& open() const { return open_; }
  std::optional<BootTime> UntilNextEnd() const;
  const std::string& problem() const { return problem_; }

 private:
  struct Waiting {
    Device device;
    std::string letters;
    int tries = 0;
    int64_t made_seconds = 0;
  };
  Status Load();
  Status LoadLine(const std::vector<std::string_view>& words);
  Status Write() const;
  int64_t NowSeconds() const;
  void DropOld();
  template <typename Pred>
  std::vector<Ended> End(Pred pred, const char* why);

  const Clock& clock_;
  const std::string path_;
  const std::string boot_id_;
  std::optional<policy::CodeSecret> secret_;
  std::optional<policy::CodePublicKey> told_to_;
  std::vector<Waiting> waiting_;
  std::vector<Open> open_;
  std::string problem_;
};

}  // namespace sekisho::agent
