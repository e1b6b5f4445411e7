// The way to the server as the uplink needs it. Real: gRPC over mTLS
// (NewGrpcServerLink); tests have one of their own.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "agent/uplink/config.h"
#include "common/event_loop.h"
#include "common/result.h"
#include "common/unique_fd.h"
#include "sekisho/enrolment/v1/enrolment_service.pb.h"
#include "sekisho/event/v1/event_service.pb.h"

namespace sekisho::uplink {

// Larger than any envelope that verifies.
inline constexpr int64_t kMaxEnvelopeBytes = int64_t{66} << 20;

struct Fetched {
  UniqueFd memfd;  // sealed: nobody can change it any more
  int64_t size_bytes = 0;
};

// Loop thread only; calls back on the loop thread, never from inside a call.
class ServerLink {
 public:
  class Listener {
   public:
    virtual ~Listener() = default;
    virtual void OnMessage(const event::v1::ConnectResponse& message) = 0;
    // The last Write() is done: the next may follow.
    virtual void OnWritten() = 0;
    // The stream is over; none of the above follows. `error` is the server's
    // word or what is wrong with the way there.
    virtual void OnEnded(const Error& error) = 0;
  };
  using FetchDone = std::function<void(Result<Fetched>)>;
  using PrepareDone = std::function<void(Status)>;
  // The next certificate, in PEM.
  using RenewDone = std::function<void(Result<std::string>)>;

  virtual ~ServerLink() = default;
  // Opens a connection and a stream of its own; only after OnEnded() of the one
  // before. Its failure is told by OnEnded().
  virtual void Open(const Config& config, const Identity& identity,
                    Listener& listener) = 0;
  // One at a time: not before OnWritten() of the one before. Ignored when there
  // is no stream.
  virtual void Write(event::v1::ConnectRequest message) = 0;
  // OnEnded() follows.
  virtual void Cancel() = 0;
  // Over the open stream's connection. kUnavailable when there is none.
  virtual void Fetch(const std::string& type, FetchDone done) = 0;
  // Makes a connection with this identity beside the one that is open; the next
  // Open() with the same takes it. kUnavailable: the server does not take it.
  // One at a time.
  virtual void Prepare(const Config& config, const Identity& identity,
                       PrepareDone done) = 0;
  // Asks at `config.enrolment` over a connection of its own. One at a time.
  virtual void Renew(const Config& config, const std::string& ca,
                     const enrolment::v1::RenewRequest& request,
                     RenewDone done) = 0;
};

// `loop` must outlive what this returns, which must not be destroyed before its
// stream has ended and its fetches are done.
std::unique_ptr<ServerLink> NewGrpcServerLink(EventLoop& loop);

}  // namespace sekisho::uplink
