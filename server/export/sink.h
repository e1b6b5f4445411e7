// One receiver outside: takes records, or says why it did not.
#pragma once

#include <chrono>
#include <memory>
#include <span>

#include "common/result.h"
#include "server/export/record.h"
#include "server/export/sinks_config.h"

namespace sekisho::server_export {

// Used by one thread.
class Sink {
 public:
  virtual ~Sink() = default;
  // In order, all or none as far as the receiver lets us know; blocks at most
  // kSinkPatience. Errors name the receiver and what to do.
  virtual Status Deliver(std::span<const Record> records, WallTime now) = 0;
  // How long after Deliver() what was taken counts as arrived, if the
  // connection still stands then: receivers without an answer of their own
  // (syslog) need some. Until then it is sent again after an error.
  virtual std::chrono::milliseconds settle_time() const {
    return std::chrono::milliseconds(0);
  }
  // Whether what was sent is not known to be lost.
  virtual Status StillThere() { return {}; }
  // Now and then while there is nothing to deliver.
  virtual Status Idle(WallTime /*now*/) { return {}; }
};

inline constexpr std::chrono::seconds kSinkPatience{30};

std::unique_ptr<Sink> MakeSink(const SinkConfig& config);

std::unique_ptr<Sink> MakeSyslogSink(const SinkConfig& config);
std::unique_ptr<Sink> MakeWebhookSink(const SinkConfig& config);
std::unique_ptr<Sink> MakeChatSink(const SinkConfig& config);
std::unique_ptr<Sink> MakeMailSink(const SinkConfig& config);
std::unique_ptr<Sink> MakeFileSink(const SinkConfig& config);

}  // namespace sekisho::server_export
