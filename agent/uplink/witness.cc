#include "agent/uplink/witness.h"

#include <fcntl.h>

#include <cstring>

#include "common/file.h"
#include "common/log.h"

namespace sekisho::uplink {
namespace {

constexpr size_t kMaxFileBytes = 2 * merkle::kMaxNoteBytes;

std::unexpected<Error> Rewritten(const std::string& why) {
  return Fail(Code::kDataLoss, "the server's history was rewritten: " + why);
}

Result<merkle::Proof> ProofOf(const event::v1::LogState& state) {
  merkle::Proof proof;
  if (static_cast<size_t>(state.consistency_size()) > merkle::kMaxProofHashes) {
    return Rewritten("its proof is too long");
  }
  for (const std::string& bytes : state.consistency()) {
    merkle::Hash& hash = proof.emplace_back();
    if (bytes.size() != hash.size()) return Rewritten("its proof is no proof");
    std::memcpy(hash.data(), bytes.data(), hash.size());
  }
  return proof;
}

}  // namespace

// The file: the log's key in one line, the checkpoint behind it.
Witness::Witness(std::string path, const Clock& clock)
    : path_(std::move(path)), clock_(clock) {
  const auto text = ReadFileAt(AT_FDCWD, path_, kMaxFileBytes);
  if (!text) return;
  const size_t line = text->find('\n');
  if (line == std::string::npos) return;
  const auto log = merkle::ParseVerifier(text->substr(0, line));
  const std::string note = text->substr(line + 1);
  const auto head = log ? merkle::OpenCheckpoint(note, *log)
                        : Result<merkle::Head>(std::unexpected(log.error()));
  if (!head) {
    Log(LogLevel::kError, path_ + " is damaged: " + head.error().message);
    return;
  }
  log_ = *log;
  head_ = *head;
  note_ = note;
}

Status Witness::Take(const event::v1::LogState& state) {
  const auto said = merkle::ParseVerifier(state.key());
  if (!said) {
    return log_ ? Rewritten("it shows no log any more")
                : Status();  // of before there was a log
  }
  if (log_ && *log_ != *said) {
    return Rewritten("it signs with another key");
  }
  const auto head = merkle::OpenCheckpoint(state.checkpoint(), *said);
  if (!head) return Rewritten(head.error().message);
  if (log_ && head_.size > 0) {
    if (state.from_size() != head_.size) {
      return Rewritten("it does not know the " + std::to_string(head_.size) +
                       " events it has shown");
    }
    ASSIGN_OR_RETURN(const merkle::Proof proof, ProofOf(state));
    if (!merkle::VerifyConsistency(head_, *head, proof)) {
      return Rewritten("its " + std::to_string(head->size) +
                       " events do not begin with the " +
                       std::to_string(head_.size) + " it has shown");
    }
  }
  const bool first = !log_;
  log_ = *said;
  head_ = *head;
  note_ = state.checkpoint();
  if (first || !kept_ || clock_.SinceBoot() - *kept_ >= kWitnessKeptEvery) {
    Keep();
  }
  return {};
}

void Witness::Keep() {
  kept_ = clock_.SinceBoot();
  if (auto kept =
          ReplaceFile(path_, merkle::PrintVerifier(*log_) + "\n" + note_, 0600);
      !kept) {
    Log(LogLevel::kWarning, "checkpoint not kept: " + kept.error().message);
  }
}

}  // namespace sekisho::uplink
