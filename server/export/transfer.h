// libcurl as values and errors. Used by this folder only.
#pragma once

#include <curl/curl.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"
#include "server/export/sinks_config.h"

namespace sekisho::server_export {

struct EndCurl {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
};
using Curl = std::unique_ptr<CURL, EndCurl>;

// A handle with the time limits and the TLS of `config`: certificates are
// always checked.
Curl NewTransfer(const SinkConfig& config, const std::string& url);

class StringList {
 public:
  StringList() = default;
  ~StringList() { curl_slist_free_all(list_); }
  StringList(const StringList&) = delete;
  StringList& operator=(const StringList&) = delete;
  void Add(const std::string& line) {
    list_ = curl_slist_append(list_, line.c_str());
  }
  curl_slist* get() const { return list_; }

 private:
  curl_slist* list_ = nullptr;
};

// kUnavailable: "sink soc: mail.example: <what curl says>".
Error AsError(const SinkConfig& config, CURLcode code);

}  // namespace sekisho::server_export
