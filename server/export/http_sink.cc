// Webhooks: records as JSON lines in one POST, signed; and chats that take
// {"text": "..."}.
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>
#include <nlohmann/json.hpp>

#include "common/bytes.h"
#include "server/export/mail_text.h"
#include "server/export/sink.h"
#include "server/export/transfer.h"

namespace sekisho::server_export {
namespace {

std::string HmacHex(const std::string& key, const std::string& text) {
  std::array<std::byte, 32> mac{};
  unsigned size = mac.size();
  CHECK(HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
             reinterpret_cast<const unsigned char*>(text.data()), text.size(),
             reinterpret_cast<unsigned char*>(mac.data()), &size) != nullptr);
  return ToHex(mac);
}

size_t Ignore(char* /*data*/, size_t size, size_t count, void* /*user*/) {
  return size * count;
}

Status Post(const SinkConfig& config, const StringList& headers,
            const std::string& body) {
  const Curl curl = NewTransfer(config, config.to);
  CURL* const c = curl.get();
  curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(c, CURLOPT_POSTFIELDS, body.data());
  curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE,
                   static_cast<curl_off_t>(body.size()));
  curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, Ignore);
  if (const CURLcode code = curl_easy_perform(c); code != CURLE_OK) {
    return std::unexpected(AsError(config, code));
  }
  long answer = 0;
  curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &answer);
  if (answer < 200 || answer > 299) {
    // The address may be a secret: it is not named.
    return Fail(Code::kUnavailable, "sink " + config.name +
                                        ": the receiver answered HTTP " +
                                        std::to_string(answer));
  }
  return {};
}

class WebhookSink final : public Sink {
 public:
  explicit WebhookSink(const SinkConfig& config) : config_(config) {}

  Status Deliver(std::span<const Record> records, WallTime now) override {
    std::string body;
    for (const Record& record : records) {
      body += Render(config_.format, record) + "\n";
    }
    const std::string seconds = std::to_string(
        std::chrono::floor<std::chrono::seconds>(now.time_since_epoch())
            .count());
    StringList headers;
    headers.Add("Content-Type: application/x-ndjson");
    headers.Add("User-Agent: sekisho-server");
    headers.Add("Expect:");
    if (!config_.secret.empty()) {
      headers.Add("X-Sekisho-Timestamp: " + seconds);
      headers.Add("X-Sekisho-Signature: v1=" +
                  HmacHex(config_.secret, seconds + "." + body));
    }
    return Post(config_, headers, body);
  }

 private:
  const SinkConfig config_;
};

class ChatSink final : public Sink {
 public:
  explicit ChatSink(const SinkConfig& config) : config_(config) {}

  Status Deliver(std::span<const Record> records, WallTime /*now*/) override {
    std::string text;
    for (const Record& record : records) {
      text += ChatLineOf(record, config_.language, config_.zone) + "\n";
      if (!record.link.empty()) {
        text += record.link + "\n";
      }
    }
    StringList headers;
    headers.Add("Content-Type: application/json");
    headers.Add("Expect:");
    return Post(config_, headers, nlohmann::json{{"text", text}}.dump());
  }

 private:
  const SinkConfig config_;
};

}  // namespace

std::unique_ptr<Sink> MakeWebhookSink(const SinkConfig& config) {
  return std::make_unique<WebhookSink>(config);
}

std::unique_ptr<Sink> MakeChatSink(const SinkConfig& config) {
  return std::make_unique<ChatSink>(config);
}

}  // namespace sekisho::server_export
