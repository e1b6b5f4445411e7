#include "server/export/transfer.h"

#include "server/export/sink.h"

namespace sekisho::server_export {
namespace {

constexpr long kConnectSeconds = 10;

}  // namespace

Curl NewTransfer(const SinkConfig& config, const std::string& url) {
  static const CURLcode ready = curl_global_init(CURL_GLOBAL_DEFAULT);
  Curl curl(ready == CURLE_OK ? curl_easy_init() : nullptr);
  CHECK(curl != nullptr);
  CURL* const c = curl.get();
  curl_easy_setopt(c, CURLOPT_URL, url.c_str());
  curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, kConnectSeconds);
  curl_easy_setopt(c, CURLOPT_TIMEOUT,
                   static_cast<long>(kSinkPatience.count()));
  curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https,smtp,smtps");
  curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(c, CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2);
  if (!config.ca_file.empty()) {
    curl_easy_setopt(c, CURLOPT_CAINFO, config.ca_file.c_str());
  }
  if (!config.cert_file.empty()) {
    curl_easy_setopt(c, CURLOPT_SSLCERT, config.cert_file.c_str());
    curl_easy_setopt(c, CURLOPT_SSLKEY, config.key_file.c_str());
  }
  return curl;
}

Error AsError(const SinkConfig& config, CURLcode code) {
  return {Code::kUnavailable, "sink " + config.name + ": " + config.to + ": " +
                                  curl_easy_strerror(code)};
}

}  // namespace sekisho::server_export
