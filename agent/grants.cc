#include "agent/grants.h"

#include <fcntl.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "common/file.h"
#include "common/text.h"

namespace sekisho::agent {
namespace {

constexpr std::string_view kMagic = "sekisho-grants-used-1";
constexpr size_t kMaxFileBytes = size_t{64} * 1024;

Result<std::set<int64_t>> ReadUsed(const std::string& path) {
  std::set<int64_t> used;
  const auto text = ReadFileAt(AT_FDCWD, path, kMaxFileBytes);
  if (!text) {
    if (text.error().code == Code::kNotFound) return used;
    return std::unexpected(text.error());
  }
  const auto lines = Split(*text, '\n');
  if (lines.size() < 2 || lines.front() != kMagic || !lines.back().empty()) {
    return Fail(Code::kDataLoss, path + " is damaged");
  }
  for (size_t i = 1; i + 1 < lines.size(); ++i) {
    int64_t id = 0;
    const std::string_view line = lines[i];
    const auto [end, error] =
        std::from_chars(line.data(), line.data() + line.size(), id);
    if (error != std::errc() || end != line.data() + line.size()) {
      return Fail(Code::kDataLoss, path + " is damaged");
    }
    used.insert(id);
  }
  return used;
}

}  // namespace

Grants::Grants(const Clock& clock, std::string path)
    : clock_(clock), path_(std::move(path)) {
  auto used = ReadUsed(path_);
  if (used) {
    used_ = *std::move(used);
  } else {
    problem_ = "which grants were used is not known: " + used.error().message;
  }
}

void Grants::Take(const policy::GrantList& list) {
  // Those that were there when it could not be read may all have been used.
  if (!problem_.empty() && list_ == policy::GrantList{}) {
    for (const policy::TransferGrant& one : list.transfers) {
      used_.insert(one.id);
    }
  }
  list_ = list;
  std::erase_if(used_, [&](int64_t id) {
    return std::ranges::find(list_.transfers, id, &policy::TransferGrant::id) ==
           list_.transfers.end();
  });
}

int64_t Grants::NowSeconds() const {
  return std::chrono::duration_cast<std::chrono::seconds>(
             clock_.Now().time_since_epoch())
      .count();
}

const policy::TransferGrant* Grants::Find(
    const policy::GrantedTransfer& transfer, int64_t persons,
    const std::vector<std::string>& types) const {
  const policy::GrantMatch match = policy::MatchOf(transfer);
  const auto found =
      std::ranges::find_if(list_.transfers, [&](const auto& grant) {
        return grant.match == match && !used_.contains(grant.id) &&
               policy::Opens(grant, NowSeconds(), persons, types);
      });
  return found == list_.transfers.end() ? nullptr : &*found;
}

bool Grants::Holds(const policy::GrantedTransfer& transfer) const {
  const policy::GrantMatch holder = policy::HolderOf(transfer);
  return std::ranges::any_of(list_.transfers, [&](const auto& grant) {
    return grant.holder == holder && !used_.contains(grant.id) &&
           policy::Opens(grant, NowSeconds(), 0, {});
  });
}

Status Grants::Write() const {
  std::string text = std::string(kMagic) + "\n";
  for (const int64_t id : used_) text += std::to_string(id) + "\n";
  return ReplaceFile(path_, text, 0600);
}

Status Grants::Use(int64_t id) {
  used_.insert(id);
  return Write();
}

void Grants::TakeBack(int64_t id) {
  used_.erase(id);
  // If that fails it stays used on disk: less was let through, not more.
  [[maybe_unused]] const Status written = Write();
}

}  // namespace sekisho::agent
