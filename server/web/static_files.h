// The console's files, read once at start: nothing of the request reaches the
// file system.
#pragma once

#include <map>
#include <string>

#include "common/result.h"
#include "server/web/message.h"

namespace sekisho::web {

class StaticFiles {
 public:
  // An empty or missing directory gives a page that says how to build it.
  static StaticFiles Load(const std::string& directory);

  // Unknown paths without a dot get index.html: the console routes itself.
  Response Get(const std::string& path) const;

 private:
  struct File {
    std::string content_type;
    std::string content;
  };
  std::map<std::string, File> files_;  // by URL path
};

}  // namespace sekisho::web
