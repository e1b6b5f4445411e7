// The console and its JSON API on one HTTPS port: static files, JSON, live
// changes as server-sent events. Knows people only through the desk.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "common/result.h"
#include "server/core/queries.h"

namespace sekisho::web {

struct WebOptions {
  std::string listen_address = "0.0.0.0";
  uint16_t port = 8443;          // 0 = any free one (tests)
  std::string certificate_path;  // PEM chain
  std::string key_path;          // PEM
  std::string static_dir = "/usr/share/sekisho/console";
  int thread_count = 4;
};

class WebServer {
 public:
  // Reads certificate, key and static files, binds, and starts its threads.
  // `desk` must outlive the server.
  static Result<std::unique_ptr<WebServer>> Start(const WebOptions& options,
                                                  core::Desk& desk);
  // Ends open connections and joins the threads.
  virtual ~WebServer() = default;

  virtual uint16_t port() const = 0;
};

}  // namespace sekisho::web
