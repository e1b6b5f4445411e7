// Syslog: RFC 5424 messages, one after the other with their length in front
// (RFC 6587 3.4.1), over TLS (RFC 5425) or, if policy of the house is so, TCP.
#include <unistd.h>

#include <array>
#include <thread>

#include "common/text.h"
#include "server/export/sink.h"
#include "server/export/syslog_message.h"
#include "server/export/transfer.h"

namespace sekisho::server_export {
namespace {

// There is no answer: what was sent when the other side went away may be lost
// in its or our buffers.
constexpr std::chrono::milliseconds kSettle{2000};

class SyslogSink final : public Sink {
 public:
  explicit SyslogSink(const SinkConfig& config) : config_(config) {}

  Status Deliver(std::span<const Record> records, WallTime /*now*/) override {
    RETURN_IF_ERROR(Connect());
    std::string frames;
    for (const Record& record : records) {
      frames += Framed(SyslogMessage(record, config_.format, ++sequence_));
    }
    const Status sent = Send(frames);
    if (!sent) {
      curl_.reset();
    }
    return sent;
  }

  std::chrono::milliseconds settle_time() const override { return kSettle; }

  // The other side says nothing, so whatever can be read is its end.
  Status StillThere() override {
    if (!curl_) {
      return Fail(Code::kUnavailable, "sink " + config_.name + ": not there");
    }
    std::array<char, 256> buffer{};
    size_t n = 0;
    const CURLcode code =
        curl_easy_recv(curl_.get(), buffer.data(), buffer.size(), &n);
    if (code == CURLE_AGAIN || (code == CURLE_OK && n > 0)) {
      return {};
    }
    curl_.reset();
    return Fail(Code::kUnavailable, "sink " + config_.name + ": " + config_.to +
                                        " closed the connection");
  }

 private:
  Status Connect() {
    if (curl_ && StillThere()) {
      return {};
    }
    curl_ = NewTransfer(
        config_, (config_.insecure ? "http://" : "https://") + config_.to);
    curl_easy_setopt(curl_.get(), CURLOPT_CONNECT_ONLY, 1L);
    curl_easy_setopt(curl_.get(), CURLOPT_SSL_ENABLE_ALPN, 0L);
    curl_easy_setopt(curl_.get(), CURLOPT_PROXY, "");
    const CURLcode code = curl_easy_perform(curl_.get());
    if (code != CURLE_OK) {
      curl_.reset();
      return std::unexpected(AsError(config_, code));
    }
    return {};
  }

  Status Send(std::string_view bytes) {
    const auto until = std::chrono::steady_clock::now() + kSinkPatience;
    while (!bytes.empty()) {
      size_t n = 0;
      const CURLcode code =
          curl_easy_send(curl_.get(), bytes.data(), bytes.size(), &n);
      if (code == CURLE_AGAIN) {
        if (std::chrono::steady_clock::now() > until) {
          return Fail(Code::kUnavailable, "sink " + config_.name + ": " +
                                              config_.to +
                                              " takes nothing any more");
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
        continue;
      }
      if (code != CURLE_OK) {
        return std::unexpected(AsError(config_, code));
      }
      bytes.remove_prefix(n);
    }
    return {};
  }

  const SinkConfig config_;
  Curl curl_;
  int64_t sequence_ = 0;
};

}  // namespace

std::unique_ptr<Sink> MakeSyslogSink(const SinkConfig& config) {
  return std::make_unique<SyslogSink>(config);
}

}  // namespace sekisho::server_export
