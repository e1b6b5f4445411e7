// A small HTTP port for monitors on this machine: GET, one request a
// connection, bounded in number, size and time. Runs on a thread of its own.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "common/result.h"

namespace sekisho::operate {

struct HttpAnswer {
  int status = 200;
  std::string type = "text/plain; charset=utf-8";
  std::string body = {};
};

class MetricsListener {
 public:
  // Called on the listener's thread with the path of a GET; must not block.
  using Answer = std::function<HttpAnswer(std::string_view path)>;

  // `address` is "127.0.0.1:9464" or "[::1]:9464"; port 0 = any free one.
  // kInvalidArgument: no such address; kUnavailable: the port is taken.
  static Result<std::unique_ptr<MetricsListener>> Start(
      const std::string& address, Answer answer);
  // Ends open connections and joins the thread.
  virtual ~MetricsListener() = default;

  virtual int port() const = 0;
};

}  // namespace sekisho::operate
