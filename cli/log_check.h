// Proves that the events of an export are those of the server's Merkle log, as
// a signed checkpoint says it. Pure; what the forms are is in merkle/tree.h and
// merkle/checkpoint.h.
//
// An export of all agents has every leaf of the log: the tree is built again
// from the events alone and its root compared. One of a single agent has a
// proof with each event.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "merkle/checkpoint.h"
#include "proto/event_bytes.h"

namespace sekisho::cli {

class LogCheck {
 public:
  // `known`: the log's key as the auditor has it; without it the delivered one
  // is believed. `earlier`: a checkpoint he kept from before, or a terminal's.
  LogCheck(std::optional<merkle::Verifier> known, std::string earlier)
      : known_(std::move(known)), earlier_(std::move(earlier)) {}

  // A checkpoint must come.
  void Expect() { expected_ = true; }
  // What the export begins with. `whole`: it says to be of all agents.
  void Begin(const std::string& key, const std::string& checkpoint, bool whole);
  // An event with its place in the log; `proof` is empty in a whole export.
  void Add(int64_t leaf, const std::string& event_hash,
           const std::vector<std::string>& proof);
  // After the last event.
  void Finish();

  bool began() const { return began_; }
  bool whole() const { return whole_; }
  bool key_known() const { return known_.has_value(); }
  const merkle::Head& head() const { return head_; }
  // Events that are newer than the checkpoint: only their chains say anything.
  int64_t newer_count() const { return newer_count_; }
  const std::vector<std::string>& problems() const { return problems_; }

 private:
  struct Leaf {
    int64_t index = 0;
    merkle::Hash hash{};
  };
  void Report(std::string what);
  void CheckProof(const Leaf& leaf, const std::vector<std::string>& proof);
  // True if every leaf is there once.
  bool CheckLeaves();
  void CheckEarlier();

  const std::optional<merkle::Verifier> known_;
  const std::string earlier_;
  bool expected_ = false;
  bool began_ = false;
  bool whole_ = false;
  bool opened_ = false;  // the checkpoint is good
  std::optional<merkle::Verifier> log_;
  merkle::Head head_;
  std::vector<Leaf> leaves_;  // of a whole export, up to the checkpoint
  int64_t newer_count_ = 0;
  std::vector<std::string> problems_;  // at most kMaxProblems
};

}  // namespace sekisho::cli
