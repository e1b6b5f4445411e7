// A server's state folder for tests: a database with some events, and files in
// place of keys.
#pragma once

#include <sodium.h>
#include <sys/stat.h>

#include <filesystem>
#include <future>
#include <string>

#include "common/file.h"
#include "server/store/store.h"

namespace sekisho::operate {

class State {
 public:
  State() {
    CHECK(sodium_init() >= 0);
    char dir[] = "/tmp/sekisho-state-XXXXXX";
    CHECK(mkdtemp(dir) != nullptr);
    root_ = dir;
    for (const char* folder : {"/state", "/state/server", "/state/ca"}) {
      CHECK(mkdir((root_ + folder).c_str(), 0700) == 0);
    }
    for (const char* file :
         {"server/tls.key", "server/signing.key", "server/log.key",
          "server/tls.pem", "server/ca.pem", "ca/ca.key", "ca/sketch.key",
          "ca/tls.key", "ca/ca.pem", "ca/tls.pem"}) {
      Put("/state/" + std::string(file), file);
    }
    Put("/server.yaml", "state: /x\n");
    store_ = std::move(*store::OpenSqlite({database(), {}}));
    store::NewAgent agent;
    agent.agent_id = agent.terminal = "a";
    agent.chain_key = keys_.public_key;
    CHECK(store_->AddAgent(agent).has_value());
  }
  ~State() {
    store_.reset();
    std::filesystem::remove_all(root_);
  }

  std::string dir() const { return root_ + "/state"; }
  std::string path(const std::string& name) const { return root_ + "/" + name; }
  std::string database() const { return dir() + "/server/sekisho.db"; }
  store::Store& store() { return *store_; }
  void Close() { store_.reset(); }

  void Append(int count) {
    std::vector<event::v1::EventRecord> records;
    for (int i = 0; i < count; ++i) {
      event::v1::PublicPart part;
      part.set_agent_id("a");
      part.set_event_id(std::to_string(head_.sequence));
      records.push_back(*event::Append(head_, part, {}, keys_.secret_key));
    }
    std::promise<bool> stored;
    store_->Append({"a", std::move(records), WallTime()},
                   [&](const Result<event::Head>& result) {
                     stored.set_value(result.has_value());
                   });
    CHECK(stored.get_future().get());
  }

 private:
  void Put(const std::string& name, const std::string& text) {
    CHECK(ReplaceFile(root_ + name, text, 0600).has_value());
  }

  std::string root_;
  event::ChainKeyPair keys_ = event::NewChainKeyPair();
  event::Head head_{1, 0, {}};
  std::unique_ptr<store::Store> store_;
};

}  // namespace sekisho::operate
