// One agent's bidirectional stream, from hello to the end. gRPC allows one read
// and one write in flight, so what is to be said waits here in slots: a newer
// acknowledgement or announcement takes the place of an older one, and nothing
// a peer does makes the queue grow.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "sekisho/event/v1/event_service.grpc.pb.h"
#include "server/service/agent_plane.h"

namespace sekisho::service {

class AgentStream final
    : public grpc::ServerBidiReactor<event::v1::ConnectRequest,
                                     event::v1::ConnectResponse>,
      public std::enable_shared_from_this<AgentStream> {
 public:
  using Ended = std::function<void(AgentStream*)>;
  using Versions = std::function<std::map<std::string, int64_t>()>;

  // `versions`: what it is given of each envelope type. `ended`: no operation
  // is in flight any more.
  static std::shared_ptr<AgentStream> Begin(const AgentPlaneParts& parts,
                                            store::AgentIdentity agent,
                                            std::string peer, Versions versions,
                                            Ended ended);
  AgentStream(const AgentPlaneParts& parts, store::AgentIdentity agent,
              std::string peer, Versions versions, Ended ended)
      : parts_(parts),
        agent_(std::move(agent)),
        peer_(std::move(peer)),
        versions_(std::move(versions)),
        ended_(std::move(ended)) {}

  const std::string& agent_id() const { return agent_.agent_id; }
  const std::string& terminal() const { return agent_.terminal; }
  // True if it was queued: the hello was there, and nothing as new was told.
  bool Announce(const std::string& type, int64_t version);
  void Cut(grpc::Status status);
  // Takes nothing more, acknowledges what it took, then ends with `status`.
  void Drain(grpc::Status status);

  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

 private:
  using Request = event::v1::ConnectRequest;
  using Response = event::v1::ConnectResponse;

  // On the reading thread, without mutex_.
  grpc::Status Handle();
  grpc::Status OnHello(const event::v1::Hello& hello);
  grpc::Status OnBatch(event::v1::EventBatch& batch);
  void OnHeartbeat(const event::v1::Heartbeat& heartbeat);
  void TellLog();

  // With mutex_ held.
  grpc::Status Refuse(const Error& error);
  void ReadNext();
  void WriteNext();
  // At once; what was queued for the peer is not said.
  void End(grpc::Status status);
  void EndAfterWrites(grpc::Status status);
  // If nothing of the peer's is on its way any more.
  void EndIfDone();

  void OnCommitted(const Result<event::Head>& head);
  // What to tell of the log after the tree of `told_leaves_`.
  Result<event::v1::LogState> NewsOfLog();
  store::AgentHeartbeat HeartbeatOf(const event::v1::Heartbeat& said) const;

  const AgentPlaneParts parts_;
  const store::AgentIdentity agent_;
  const std::string peer_;
  const Versions versions_;
  const Ended ended_;
  std::shared_ptr<AgentStream> self_;  // until OnDone

  // The reading thread's.
  Request request_;
  event::Head head_;  // with what is on its way to the log
  int refusals_ = 0;
  BootTime last_stored_heartbeat_{};
  int64_t told_leaves_ = 0;  // size of the log as the agent knows it
  store::Cover last_cover_{};
  std::string hostname_, agent_version_, boot_id_;

  std::mutex mutex_;  // guards all below
  Response response_;
  bool reading_ = false;   // a read is in flight or being handled
  bool handling_ = false;  // it is being handled
  bool writing_ = false;
  bool finished_ = false;
  bool peer_done_ = false;  // it half-closed
  std::optional<grpc::Status> draining_;
  std::optional<grpc::Status> ending_;  // to be said when the write is done
  std::atomic<bool> greeted_ = false;   // written under mutex_
  event::Head committed_;
  int pending_batches_ = 0;
  std::optional<event::v1::Welcome> welcome_;
  std::optional<event::v1::Refusal> refusal_;
  bool ack_due_ = false;
  std::optional<event::v1::LogState> log_;
  std::map<std::string, int64_t> announcements_;
  std::map<std::string, int64_t> told_;  // newest it was told of, or has
};

}  // namespace sekisho::service
