// The gate's line to sekishod over gate.sock. Asked from any thread; one thread
// of its own reads answers, reconnects after sekishod's restart and sends again
// what was not answered.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "agent/gate/file_news.h"
#include "agent/gate/judge.h"
#include "agent/ipc/scan_rules.h"
#include "common/result.h"
#include "common/unique_fd.h"
#include "common/unix_socket.h"

namespace sekisho::gate {

struct Start {
  ipc::GateStart settings;
  UniqueFd fuse;
  UniqueFd root;  // of the real filesystem
  ipc::SharedScanRules scan_rules;
};

class CoreClient final : public Core {
 public:
  struct Events {
    std::function<void(const std::string& access)> access_changed;
    std::function<void(const std::string& reason)> stop;
    std::function<void(ipc::SharedScanRules)> scan_rules_changed;
    std::function<ipc::GateCounts()> counts{};
    std::function<void()> erase{};
  };

  // After `patience` of silence nobody waits for sekishod any more.
  CoreClient(std::string socket_path, int64_t mount_id,
             std::chrono::milliseconds patience = kCoreWait)
      : socket_path_(std::move(socket_path)),
        mount_id_(mount_id),
        patience_(patience) {}

  // Says hello and waits for the start with both descriptors, which may be long
  // in coming: gates are started ahead. kCancelled: there is none for this one.
  Result<Start> Connect();
  // The reading thread's body: until Shutdown(). Calls `events` from here.
  void Run(const Events& events);
  void Shutdown();
  // Without having been asked. Does not block.
  void TellCounts(const ipc::GateCounts& counts) { Tell(ipc::Encode(counts)); }
  void TellErased(const ipc::GateErased& erased) { Tell(ipc::Encode(erased)); }

  std::optional<Who> AskWho(const Requester& requester) override;
  Judgement Judge(const Who& who, const std::string& path,
                  const std::string& operation, const ipc::Findings& findings,
                  const Released& released, Deadline deadline) override;
  Judgement AskRelease(const Who& who, ipc::ReleaseQuestion ask,
                       Deadline deadline) override;
  void TellChecking(const Who& who, ipc::Checking checking) override;
  void TellEnded(const Who& who, ipc::StreamEnded ended) override;
  void TellFailed(uint64_t question_id, const std::string& path,
                  const std::string& error) override;
  void TellFile(ipc::ToldFile file) override;

  // The telling thread's body: sends what TellFile() was told, some of it
  // together, until Shutdown().
  void RunTelling();
  // Once more, without blocking: at the end.
  void TellRest();
  void TellUnmounted();
  // For the listing, which alone waits: until there is room. False:
  // Shutdown().
  bool WaitForRoom();
  void EndListing(const ListingEnd& end);
  // Rises when sekishod went away and what it was told last may be lost.
  uint64_t generation();

 private:
  struct Question {
    Bytes packet;
    // Set where `packet` names a person: the same without, for another
    // sekishod.
    std::function<Bytes()> nameless;
    bool sent = false;
    bool answered = false;
    uint64_t who = 0;
    uint64_t generation = 0;
    bool allowed = false;
    std::condition_variable changed;  // for the one who asked
  };

  // With mutex_ held. Never blocks; false: no connection, it broke just now, or
  // sekishod is not keeping up.
  bool SendNow(const Bytes& packet);
  template <typename Ask>
  Judgement AskVerdict(const Who& who, Ask ask, Deadline deadline);
  void Tell(const Bytes& packet);
  // With mutex_ held: all of news_. False: not all could be sent.
  bool SendNews();
  // With mutex_ held: what could not be sent when it was asked.
  void SendRest();
  bool Wait(std::unique_lock<std::mutex>& lock, uint64_t id, Question& question,
            Deadline deadline);
  // Next packet of the current connection, or an error when it is gone.
  Status ReadOne(const Events& events);
  static void TakeScanRules(Packet* packet, int64_t size_bytes,
                            const Events& events);
  void TakeAnswer(Packet packet, const Events& events);
  bool Reconnect();  // false: Shutdown()
  Result<UniqueFd> Dial() const;

  const std::string socket_path_;
  const int64_t mount_id_;
  const std::chrono::milliseconds patience_;

  std::mutex mutex_;  // guards what follows
  // Who waits for one thing is not woken for another: a copy of small files is
  // nothing but such waits.
  std::condition_variable news_changed_;  // there are some, or room for more
  std::condition_variable stopped_;
  bool stopping_ = false;
  bool ready_ = false;  // GateStart was seen on this connection
  UniqueFd connection_;
  uint64_t generation_ = 0;
  uint64_t next_id_ = 0;
  std::map<uint64_t, Question*> waiting_;
  // Since when questions have been waiting without a word from sekishod. Once
  // that is `patience_`, nobody waits any more until it speaks again: requests
  // on one directory queue in the kernel, and their waits would add up.
  std::optional<Deadline> silent_since_;
  std::vector<Bytes> untold_;  // TransferFailed told while nobody listened
  FileNews news_;
};

}  // namespace sekisho::gate
