#include "server/core/checkpoints.h"

#include <fcntl.h>

#include "common/file.h"

namespace sekisho::core {
namespace {

constexpr size_t kMaxKeyBytes = 1024;

}  // namespace

Result<std::unique_ptr<Checkpoints>> Checkpoints::Open(
    store::Store& store, const std::string& key_path) {
  const auto text = ReadFileAt(AT_FDCWD, key_path, kMaxKeyBytes);
  if (!text && text.error().code != Code::kNotFound) {
    return std::unexpected(text.error());
  }
  if (!text) {
    const merkle::Signer made = merkle::NewSigner();
    RETURN_IF_ERROR(ReplaceFile(key_path, merkle::PrintSigner(made), 0600));
    return std::unique_ptr<Checkpoints>(new Checkpoints(store, made));
  }
  auto signer = merkle::ParseSigner(*text);
  if (!signer) {
    return Wrap(key_path, std::move(signer).error());
  }
  return std::unique_ptr<Checkpoints>(
      new Checkpoints(store, std::move(*signer)));
}

std::string Checkpoints::Sign(const merkle::Head& head) {
  std::lock_guard lock(mutex_);
  if (note_.empty() || head != head_) {
    head_ = head;
    note_ = merkle::SignCheckpoint(head, signer_);
  }
  return note_;
}

Result<std::string> Checkpoints::Newest() {
  ASSIGN_OR_RETURN(const Signed newest, NewestSigned());
  return newest.note;
}

Result<Checkpoints::Signed> Checkpoints::NewestSigned() {
  ASSIGN_OR_RETURN(const merkle::Head head, store_.LogHead());
  return Signed{head, Sign(head)};
}

Result<LogNews> Checkpoints::Since(int64_t from) {
  ASSIGN_OR_RETURN(const merkle::Head head, store_.LogHead());
  LogNews news;
  news.checkpoint = Sign(head);
  news.size = head.size;
  if (from > 0 && from <= head.size) {
    news.from = from;
    ASSIGN_OR_RETURN(news.consistency,
                     store_.ProveConsistency(from, head.size));
  }
  return news;
}

Result<merkle::Head> Checkpoints::CheckSeen(const std::string& note) {
  ASSIGN_OR_RETURN(const merkle::Head seen,
                   merkle::OpenCheckpoint(note, signer_.verifier));
  ASSIGN_OR_RETURN(const merkle::Head head, store_.LogHead());
  if (seen.size > head.size) {
    return Fail(Code::kDataLoss, "it saw " + std::to_string(seen.size) +
                                     " events in the log, of which " +
                                     std::to_string(head.size) + " are here");
  }
  ASSIGN_OR_RETURN(const merkle::Head then, store_.LogHeadAt(seen.size));
  if (then != seen) {
    return Fail(Code::kDataLoss, "the first " + std::to_string(seen.size) +
                                     " events of the log were others");
  }
  return seen;
}

}  // namespace sekisho::core
