// One HTTPS request to the provider, with a limit on everything it controls.
// Blocks its thread for at most kFetchPatience.
#pragma once

#include <atomic>
#include <chrono>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "common/result.h"

namespace sekisho::oidc {

inline constexpr auto kFetchPatience = std::chrono::seconds(8);
inline constexpr size_t kMaxAnswerBytes = size_t{256} * 1024;

struct Fetch {
  std::string url;  // https only
  // A form to post; empty = GET.
  std::vector<std::pair<std::string, std::string>> form;
  // Basic authentication (RFC 6749, 2.3.1); empty = none.
  std::string user, secret;
};
struct Fetched {
  int status = 0;
  std::string body;
};

class Fetcher {
 public:
  virtual ~Fetcher() = default;
  // kUnavailable: no answer in time, none that is small enough, or a
  // certificate that is not to be trusted; the message names the address.
  virtual Result<Fetched> Get(const Fetch& fetch) = 0;
};

// libcurl. Redirects are not followed: an endpoint is where discovery says.
class CurlFetcher final : public Fetcher {
 public:
  // `ca_file`: PEM; empty = the system's store.
  explicit CurlFetcher(std::string ca_file) : ca_file_(std::move(ca_file)) {}
  Result<Fetched> Get(const Fetch& fetch) override;
  // Ends what is running and all that comes: for the server's end.
  void Stop() { stopping_ = true; }

 private:
  const std::string ca_file_;
  std::atomic<bool> stopping_{false};
};

}  // namespace sekisho::oidc
