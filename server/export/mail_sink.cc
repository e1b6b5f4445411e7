// Mail by SMTP: with TLS from the start (smtps://) or STARTTLS, which must
// work unless `insecure`.
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include <algorithm>
#include <deque>

#include "common/bytes.h"
#include "policy/window.h"
#include "server/export/mail_text.h"
#include "server/export/sink.h"
#include "server/export/transfer.h"

namespace sekisho::server_export {
namespace {

constexpr auto kHour = std::chrono::hours(1);
constexpr size_t kLineBytes = 57;  // 76 letters of base64

std::string Base64(std::string_view text) {
  std::string out((text.size() + 2) / 3 * 4 + 1, '\0');
  const int size =
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                      reinterpret_cast<const unsigned char*>(text.data()),
                      static_cast<int>(text.size()));
  out.resize(static_cast<size_t>(size));
  return out;
}

// RFC 2047: words of at most 75 letters, whole characters each.
std::string EncodedSubject(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    size_t size = std::min<size_t>(text.size(), 39);
    while (size < text.size() && (text[size] & 0xC0) == 0x80) {
      --size;
    }
    out += (out.empty() ? "" : "\r\n ") +
           ("=?UTF-8?B?" + Base64(text.substr(0, size))) + "?=";
    text.remove_prefix(size);
  }
  return out;
}

std::string BodyLines(std::string_view body) {
  std::string out;
  for (size_t i = 0; i < body.size(); i += kLineBytes) {
    out += Base64(body.substr(i, kLineBytes)) + "\r\n";
  }
  return out;
}

struct Upload {
  std::string_view left;
  static size_t Read(char* to, size_t size, size_t count, void* user) {
    auto* self = static_cast<Upload*>(user);
    const size_t n = std::min(size * count, self->left.size());
    std::copy_n(self->left.data(), n, to);
    self->left.remove_prefix(n);
    return n;
  }
};

class MailSink final : public Sink {
 public:
  explicit MailSink(const SinkConfig& config) : config_(config) {}

  Status Deliver(std::span<const Record> records, WallTime now) override {
    while (!sent_.empty() && sent_.front() <= now - kHour) {
      sent_.pop_front();
    }
    if (std::ssize(sent_) >= config_.hourly_at_most) {
      // They are told in number, by the first mail of the next hour.
      held_back_ += std::ssize(records);
      return {};
    }
    return SendOne(records, now);
  }

  Status Idle(WallTime now) override {
    const bool due =
        held_back_ > 0 && (sent_.empty() || sent_.front() <= now - kHour);
    return due ? SendOne({}, now) : Status();
  }

 private:
  Status SendOne(std::span<const Record> records, WallTime now) {
    RETURN_IF_ERROR(
        Send(MailOf(records, held_back_, config_.language, config_.zone), now));
    held_back_ = 0;
    sent_.push_back(now);
    return {};
  }

  const std::vector<std::string>& RecipientsAt(WallTime now) const {
    const bool stand_in = config_.duty && !config_.stand_in.empty() &&
                          !policy::OpenTimes(*config_.duty, {}).IsOpenAt(now);
    return stand_in ? config_.stand_in : config_.recipients;
  }

  std::string Compose(const MailText& text, WallTime now,
                      const std::vector<std::string>& to) const {
    std::array<std::byte, 16> id{};
    CHECK(RAND_bytes(reinterpret_cast<unsigned char*>(id.data()), 16) == 1);
    std::string all;
    for (const std::string& one : to) {
      all += (all.empty() ? "" : ",\r\n ") + one;
    }
    const auto seconds = std::chrono::floor<std::chrono::seconds>(now);
    return fmt::format(
        "Date: {:%a, %d %b %Y %H:%M:%S +0000}\r\n"
        "From: Sekisho <{}>\r\nTo: {}\r\nSubject: {}\r\n"
        "Message-ID: <{}@sekisho>\r\nAuto-Submitted: auto-generated\r\n"
        "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=UTF-8\r\n"
        "Content-Transfer-Encoding: base64\r\n\r\n{}",
        fmt::gmtime(std::chrono::system_clock::to_time_t(seconds)),
        config_.from, all, EncodedSubject(text.subject), ToHex(id),
        BodyLines(text.body));
  }

  Status Send(const MailText& text, WallTime now) {
    const auto& to = RecipientsAt(now);
    const std::string message = Compose(text, now, to);
    const Curl curl = NewTransfer(config_, config_.to);
    CURL* const c = curl.get();
    curl_easy_setopt(
        c, CURLOPT_USE_SSL,
        static_cast<long>(config_.insecure ? CURLUSESSL_TRY : CURLUSESSL_ALL));
    if (!config_.user.empty()) {
      curl_easy_setopt(c, CURLOPT_USERNAME, config_.user.c_str());
      curl_easy_setopt(c, CURLOPT_PASSWORD, config_.password.c_str());
    }
    curl_easy_setopt(c, CURLOPT_MAIL_FROM, config_.from.c_str());
    StringList recipients;
    for (const std::string& one : to) {
      recipients.Add(one);
    }
    curl_easy_setopt(c, CURLOPT_MAIL_RCPT, recipients.get());
    Upload upload{message};
    curl_easy_setopt(c, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(c, CURLOPT_READFUNCTION, Upload::Read);
    curl_easy_setopt(c, CURLOPT_READDATA, &upload);
    const CURLcode code = curl_easy_perform(c);
    return code == CURLE_OK ? Status()
                            : std::unexpected(AsError(config_, code));
  }

  const SinkConfig config_;
  std::deque<WallTime> sent_;  // of the last hour
  int64_t held_back_ = 0;
};

}  // namespace

std::unique_ptr<Sink> MakeMailSink(const SinkConfig& config) {
  return std::make_unique<MailSink>(config);
}

}  // namespace sekisho::server_export
