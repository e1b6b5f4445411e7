#include "cli/log_check.h"

#include <algorithm>
#include <cstring>

namespace sekisho::cli {
namespace {

constexpr size_t kMaxProblems = 100;

std::optional<merkle::Hash> HashOf(std::string_view bytes) {
  merkle::Hash hash;
  if (bytes.size() != hash.size()) return std::nullopt;
  std::memcpy(hash.data(), bytes.data(), hash.size());
  return hash;
}

std::string Range(int64_t first, int64_t last) {
  return first == last ? std::to_string(first)
                       : std::to_string(first) + " to " + std::to_string(last);
}

}  // namespace

void LogCheck::Report(std::string what) {
  if (problems_.size() < kMaxProblems) problems_.push_back(std::move(what));
}

void LogCheck::Begin(const std::string& key, const std::string& checkpoint,
                     bool whole) {
  if (began_) return Report("a second checkpoint");
  began_ = true;
  whole_ = whole;
  log_ = known_;
  if (!log_) {
    const auto said = merkle::ParseVerifier(key);
    if (!said) return Report("the log's key: " + said.error().message);
    log_ = *said;
  }
  const auto head = merkle::OpenCheckpoint(checkpoint, *log_);
  if (!head) return Report("forged: " + head.error().message);
  head_ = *head;
  opened_ = true;
}

void LogCheck::Add(int64_t leaf, const std::string& event_hash,
                   const std::vector<std::string>& proof) {
  if (!opened_) return;
  const auto hash = HashOf(event_hash);
  if (!hash || leaf < 0) return Report("an event without its place in the log");
  if (leaf >= head_.size) {
    ++newer_count_;
    return;
  }
  const Leaf at{leaf, merkle::LeafHash(*hash)};
  whole_ ? leaves_.push_back(at) : CheckProof(at, proof);
}

void LogCheck::CheckProof(const Leaf& leaf,
                          const std::vector<std::string>& proof) {
  merkle::Proof path;
  for (const std::string& bytes : proof) {
    const auto hash = HashOf(bytes);
    if (!hash || path.size() >= merkle::kMaxProofHashes) {
      return Report("leaf " + std::to_string(leaf.index) + ": no proof");
    }
    path.push_back(*hash);
  }
  if (!merkle::VerifyInclusion(leaf.hash, leaf.index, head_, path)) {
    Report("leaf " + std::to_string(leaf.index) +
           ": the event is not the one in the log");
  }
}

bool LogCheck::CheckLeaves() {
  std::ranges::sort(leaves_, {}, &Leaf::index);
  int64_t next = 0;
  bool good = true;
  for (const Leaf& leaf : leaves_) {
    if (leaf.index < next) {
      good = false;
      Report("leaf " + std::to_string(leaf.index) + " is there twice");
      continue;
    }
    if (leaf.index > next) {
      good = false;
      Report("missing: leaf " + Range(next, leaf.index - 1));
    }
    next = leaf.index + 1;
  }
  if (next < head_.size) {
    good = false;
    Report("cut off: leaf " + Range(next, head_.size - 1) + " is missing");
  }
  return good;
}

// One that was seen before must be the beginning of this log.
void LogCheck::CheckEarlier() {
  const auto seen = merkle::OpenCheckpoint(earlier_, *log_);
  if (!seen) {
    return Report("the earlier checkpoint: " + seen.error().message);
  }
  if (seen->size > head_.size) {
    return Report("truncated: the earlier checkpoint has " +
                  std::to_string(seen->size) + " events, this one " +
                  std::to_string(head_.size));
  }
  if (!whole_) {
    return Report(
        "an earlier checkpoint can only be compared with an export of all "
        "agents");
  }
  merkle::Growing tree;
  for (const Leaf& leaf : leaves_) {
    if (tree.size() == seen->size) break;
    tree.Append(leaf.hash);
  }
  if (tree.head() != *seen) {
    Report("rewritten: the first " + std::to_string(seen->size) +
           " events are not those of the earlier checkpoint");
  }
}

void LogCheck::Finish() {
  if (!began_ && (expected_ || !earlier_.empty())) {
    return Report("there is no checkpoint");
  }
  if (!opened_) return;
  if (whole_ && CheckLeaves()) {
    merkle::Growing tree;
    for (const Leaf& leaf : leaves_) tree.Append(leaf.hash);
    if (tree.head() != head_) {
      Report("the events are not those that the checkpoint was made over");
    }
  }
  if (!earlier_.empty()) CheckEarlier();
}

}  // namespace sekisho::cli
