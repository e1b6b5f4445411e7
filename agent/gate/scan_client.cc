#include "agent/gate/scan_client.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>

#include <algorithm>
#include <utility>

#include "agent/ipc/name_may_say.h"
#include "common/unix_socket.h"

namespace sekisho::gate {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// The worker watches its own time; this is for one that no longer can.
constexpr milliseconds kGrace{2'000};

// Of an idle connection: its worker left before anything was asked of it.
bool Readable(int fd) {
  pollfd wait{fd, POLLIN, 0};
  return ::poll(&wait, 1, 0) != 0;
}

// For a question about a name alone. Sealed: the worker writes nowhere.
UniqueFd EmptyContent() {
  UniqueFd fd(::memfd_create("name", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (fd && ::fcntl(fd.get(), F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW) != 0) {
    fd.Reset();
  }
  return fd;
}

Result<Packet> Await(int fd, steady_clock::time_point deadline) {
  while (true) {
    const auto left = std::chrono::duration_cast<milliseconds>(
        deadline - steady_clock::now());
    if (left.count() <= 0) {
      return Fail(Code::kDeadlineExceeded, "scan worker gave no answer");
    }
    pollfd wait{fd, POLLIN, 0};
    const int ready = ::poll(&wait, 1, static_cast<int>(left.count()));
    if (ready < 0 && errno != EINTR) return FailErrno("poll");
    if (ready > 0) return ReceivePacket(fd);
  }
}

}  // namespace

ipc::Findings Uninspected(int64_t size_bytes, std::string reason) {
  ipc::Findings findings;
  findings.bytes = size_bytes;
  findings.inspection = "none";
  findings.reason = std::move(reason);
  return findings;
}

ipc::Findings NameOnly() {
  ipc::Findings findings;
  findings.format = "name";
  findings.inspection = "full";
  return findings;
}

ipc::Findings ScanClient::Scan(int content_fd, int64_t size_bytes,
                               const std::string& name, const SoFar& so_far) {
  return Ask(contents_, {content_fd, size_bytes, name, so_far});
}

ipc::Findings ScanClient::ScanName(const std::string& name) {
  if (!ipc::NameMaySay(name)) return NameOnly();
  const UniqueFd nothing = EmptyContent();
  if (!nothing) return Uninspected(0, "crash");
  ipc::Findings findings = Ask(names_, {nothing.get(), 0, name, nullptr});
  if (findings.inspection == "full") {
    findings.format = "name";
    findings.file_hash.clear();
  }
  return findings;
}

ipc::Findings ScanClient::Ask(Line& line, const Content& content) {
  const std::lock_guard lock(line.mutex);
  auto found = Exchange(line, content);
  if (found) return *std::move(found);
  line.worker = {};  // its state is unknown; never ask it again
  return Uninspected(
      content.size_bytes,
      found.error().code == Code::kDeadlineExceeded ? "timeout" : "crash");
}

void ScanClient::UseRules(ipc::SharedScanRules rules) {
  const std::lock_guard lock(rules_mutex_);
  rules_ = std::move(rules);
}

Result<ScanClient::Worker> ScanClient::NewWorker() const {
  Worker worker;
  ASSIGN_OR_RETURN(worker.connection,
                   ConnectSeqpacket(options_.socket_path, options_.listener));
  return worker;
}

// A worker that was told nothing knows the built-in types only.
Status ScanClient::TellRules(Worker& worker) {
  ipc::SharedScanRules rules;
  {
    const std::lock_guard lock(rules_mutex_);
    rules = rules_;
  }
  if (rules == worker.rules) return {};
  const ipc::UseScanRules message{.size_bytes = ipc::SizeOf(rules)};
  RETURN_IF_ERROR(SendPacket(worker.connection.get(), ipc::Encode(message),
                             ipc::FdsOf(rules)));
  worker.rules = std::move(rules);
  return {};
}

ipc::ScanRequest ScanClient::RequestOf(int64_t size_bytes,
                                       const std::string& name) {
  ipc::ScanRequest request;
  request.transfer_id = ++next_transfer_;
  request.size_bytes = size_bytes;
  request.name_hint = name;
  request.sketch_key = options_.sketch_key;
  request.timeout_ms = options_.timeout.count();
  return request;
}

Result<ipc::Findings> ScanClient::Exchange(Line& line, const Content& content) {
  Worker& worker = line.worker;
  if (!worker.connection || Readable(worker.connection.get())) {
    ASSIGN_OR_RETURN(worker, NewWorker());
    RETURN_IF_ERROR(
        SendPacket(worker.connection.get(), ipc::Encode(ipc::TellSoFar{})));
  }
  RETURN_IF_ERROR(TellRules(worker));
  const ipc::ScanRequest request = RequestOf(content.size_bytes, content.name);
  const int fd = worker.connection.get();
  RETURN_IF_ERROR(SendPacket(fd, ipc::Encode(request), {content.fd}));
  return AwaitResult(fd, request, content.so_far);
}

Result<ipc::Findings> ScanClient::AwaitResult(int connection,
                                              const ipc::ScanRequest& request,
                                              const SoFar& so_far) const {
  const auto began = steady_clock::now();
  auto tell_next = began + options_.tell_waiting;
  while (true) {
    ASSIGN_OR_RETURN(const Packet packet,
                     Await(connection, began + options_.timeout + kGrace));
    if (ipc::TypeOf(packet.bytes) == ipc::ScanSoFar::kType) {
      ASSIGN_OR_RETURN(const ipc::ScanSoFar told,
                       ipc::Decode<ipc::ScanSoFar>(packet.bytes));
      if (!so_far || steady_clock::now() < tell_next) continue;
      tell_next = steady_clock::now() + options_.tell_again;
      so_far(std::clamp(told.read_bytes, int64_t{0}, request.size_bytes));
      continue;
    }
    ASSIGN_OR_RETURN(ipc::ScanResult result,
                     ipc::Decode<ipc::ScanResult>(packet.bytes));
    if (result.transfer_id != request.transfer_id) {
      return Fail(Code::kInternal, "answer to another scan");
    }
    return std::move(result.findings);
  }
}

// The worker answers every packet with one. Two are under way at most: while
// it looks at one piece the next is being written.
class ScanStream final : public ContentStream {
 public:
  ScanStream(ScanClient* client, ScanClient::Worker worker,
             uint64_t transfer_id)
      : client_(client), worker_(std::move(worker)), transfer_id_(transfer_id) {
    last_.incremental = ipc::Incremental::kYes;
  }
  ~ScanStream() override {
    // The worker may serve another stream once it has said all of this one.
    while (worker_.connection && outstanding_ > 0) {
      const auto end = steady_clock::now() + milliseconds{1'000};
      if (!Take(end)) worker_.connection.Reset();
    }
    client_->EndStream(std::move(worker_));
  }
  ScanStream(const ScanStream&) = delete;
  ScanStream& operator=(const ScanStream&) = delete;

  bool Start(const ipc::ScanRequest& request, int content_fd) {
    ++outstanding_;
    size_bytes_ = request.size_bytes;
    return SendPacket(worker_.connection.get(), ipc::Encode(request),
                      {content_fd})
        .has_value();
  }

  std::optional<ipc::ScanProgress> Feed(int content_fd, int64_t size_bytes,
                                        Want want) override {
    ipc::ScanMore more;
    more.quiet = want == Want::kQuiet;
    if (!Send(more, content_fd, size_bytes)) return std::nullopt;
    while (outstanding_ > 1 || Readable(worker_.connection.get())) {
      if (!Take(Until())) return std::nullopt;
    }
    return last_;
  }

  std::optional<ipc::Findings> Finish(int content_fd,
                                      int64_t size_bytes) override {
    ipc::ScanMore more;
    more.last = true;
    Send(more, content_fd, size_bytes);
    while (worker_.connection && outstanding_ > 0) {
      if (!Take(Until())) break;
    }
    if (result_) return std::move(result_);
    if (worker_.connection && last_.incremental == ipc::Incremental::kNot) {
      return std::nullopt;
    }
    return Uninspected(size_bytes, too_late_ ? "timeout" : "crash");
  }

 private:
  steady_clock::time_point Until() const {
    return steady_clock::now() + client_->options_.timeout + kGrace;
  }

  bool Send(ipc::ScanMore& more, int content_fd, int64_t size_bytes) {
    if (!worker_.connection) return false;
    more.transfer_id = transfer_id_;
    more.size_bytes = size_bytes_ = size_bytes;
    std::vector<int> fds;
    if (content_fd >= 0) fds.push_back(content_fd);
    ++outstanding_;
    const bool sent =
        SendPacket(worker_.connection.get(), ipc::Encode(more), fds)
            .has_value();
    if (!sent) worker_.connection.Reset();
    return sent;
  }

  // The next answer. false: its state is unknown; never ask it again.
  bool Take(steady_clock::time_point deadline) {
    auto packet = Await(worker_.connection.get(), deadline);
    --outstanding_;
    if (packet && TakePacket(packet->bytes)) return true;
    too_late_ = !packet && packet.error().code == Code::kDeadlineExceeded;
    worker_.connection.Reset();
    return false;
  }

  bool TakePacket(ByteSpan bytes) {
    if (ipc::TypeOf(bytes) == ipc::ScanResult::kType) {
      auto result = ipc::Decode<ipc::ScanResult>(bytes);
      if (!result || result->transfer_id != transfer_id_) return false;
      result_ = std::move(result->findings);
      return true;
    }
    auto progress = ipc::Decode<ipc::ScanProgress>(bytes);
    // It cannot have judged what it was not given.
    if (!progress || progress->transfer_id != transfer_id_ ||
        progress->judged_bytes < last_.judged_bytes ||
        progress->judged_bytes > size_bytes_) {
      return false;
    }
    last_ = *std::move(progress);
    return true;
  }

  ScanClient* const client_;
  ScanClient::Worker worker_;  // without a connection once it broke
  const uint64_t transfer_id_;
  int outstanding_ = 0;
  int64_t size_bytes_ = 0;
  bool too_late_ = false;
  ipc::ScanProgress last_;
  std::optional<ipc::Findings> result_;
};

Result<ScanClient::Worker> ScanClient::StreamWorker() {
  {
    const std::lock_guard lock(streams_mutex_);
    if (streams_ >= kMaxStreams) {
      return Fail(Code::kResourceExhausted, "too many streams");
    }
    ++streams_;
    if (idle_.connection && !Readable(idle_.connection.get())) {
      return std::exchange(idle_, {});
    }
  }
  auto worker = NewWorker();
  if (!worker) EndStream({});
  return worker;
}

void ScanClient::EndStream(Worker worker) {
  const std::lock_guard lock(streams_mutex_);
  --streams_;
  idle_ = std::move(worker);
}

std::unique_ptr<ContentStream> ScanClient::Begin(int content_fd,
                                                 int64_t size_bytes,
                                                 const std::string& name) {
  auto worker = StreamWorker();
  if (!worker) return nullptr;
  if (!TellRules(*worker)) {
    EndStream({});
    return nullptr;
  }
  ipc::ScanRequest request = RequestOf(size_bytes, name);
  request.follows = true;
  auto stream = std::make_unique<ScanStream>(this, *std::move(worker),
                                             request.transfer_id);
  if (!stream->Start(request, content_fd)) return nullptr;
  return stream;
}

}  // namespace sekisho::gate
