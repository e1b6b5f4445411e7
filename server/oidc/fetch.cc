#include "server/oidc/fetch.h"

#include <curl/curl.h>

#include <array>
#include <memory>

namespace sekisho::oidc {
namespace {

constexpr long kConnectSeconds = 4;

struct EndCurl {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
};
using Curl = std::unique_ptr<CURL, EndCurl>;

struct EndList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

size_t Take(char* data, size_t size, size_t count, void* user) {
  auto& body = *static_cast<std::string*>(user);
  if (body.size() + size * count > kMaxAnswerBytes) return 0;  // curl gives up
  body.append(data, size * count);
  return size * count;
}

int GoOn(void* stopping, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<std::atomic<bool>*>(stopping)->load() ? 1 : 0;
}

std::string Escaped(CURL* curl, const std::string& text) {
  char* const escaped =
      curl_easy_escape(curl, text.data(), static_cast<int>(text.size()));
  std::string out = escaped != nullptr ? escaped : "";
  curl_free(escaped);
  return out;
}

}  // namespace

Result<Fetched> CurlFetcher::Get(const Fetch& fetch) {
  static const CURLcode ready = curl_global_init(CURL_GLOBAL_DEFAULT);
  const Curl curl(ready == CURLE_OK ? curl_easy_init() : nullptr);
  CHECK(curl != nullptr);
  CURL* const c = curl.get();
  Fetched fetched;
  std::array<char, CURL_ERROR_SIZE> why{};
  curl_easy_setopt(c, CURLOPT_URL, fetch.url.c_str());
  curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "https");
  curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(c, CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2);
  curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, kConnectSeconds);
  curl_easy_setopt(c, CURLOPT_TIMEOUT,
                   static_cast<long>(kFetchPatience.count()));
  curl_easy_setopt(c, CURLOPT_USERAGENT, "sekisho-server");
  curl_easy_setopt(c, CURLOPT_ERRORBUFFER, why.data());
  curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, Take);
  curl_easy_setopt(c, CURLOPT_WRITEDATA, &fetched.body);
  curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, GoOn);
  curl_easy_setopt(c, CURLOPT_XFERINFODATA, &stopping_);
  if (!ca_file_.empty()) {
    // That one alone.
    curl_easy_setopt(c, CURLOPT_CAINFO, ca_file_.c_str());
    curl_easy_setopt(c, CURLOPT_CAPATH, nullptr);
  }
  std::string form;
  const std::unique_ptr<curl_slist, EndList> headers(
      curl_slist_append(nullptr, "Accept: application/json"));
  curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers.get());
  if (!fetch.form.empty()) {
    for (const auto& [name, value] : fetch.form) {
      form += (form.empty() ? "" : "&") + name + "=" + Escaped(c, value);
    }
    curl_easy_setopt(c, CURLOPT_POSTFIELDS, form.data());
    curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE,
                     static_cast<curl_off_t>(form.size()));
  }
  if (!fetch.user.empty()) {
    curl_easy_setopt(c, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
    curl_easy_setopt(c, CURLOPT_USERNAME, Escaped(c, fetch.user).c_str());
    curl_easy_setopt(c, CURLOPT_PASSWORD, Escaped(c, fetch.secret).c_str());
  }
  if (const CURLcode code = curl_easy_perform(c); code != CURLE_OK) {
    std::string reason = why[0] != '\0' ? why.data() : curl_easy_strerror(code);
    if (code == CURLE_WRITE_ERROR) reason = "the answer is over 256 KiB";
    if (code == CURLE_ABORTED_BY_CALLBACK) reason = "the server is stopping";
    return Fail(Code::kUnavailable, fetch.url + ": " + reason);
  }
  long status = 0;
  curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &status);
  fetched.status = static_cast<int>(status);
  return fetched;
}

}  // namespace sekisho::oidc
