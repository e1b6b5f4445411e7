// The web server over the demo world, for the browser tests.
//   sekisho_demo_server STATIC_DIR STATE_DIR
// Prints "port N"; then obeys one word a line on standard input: "code NAME",
// "viewer NAME", "alert", "plug", "request", "review", "end-sessions",
// "outdated OWNER" (a saved search), "fill COUNT" (alerts).
// Ends with its input.
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

#include "policy/data_sets.h"
#include "server/web/web_server.h"
#include "tests/support/demo_world.h"
#include "tests/support/full_queue.h"
#include "tests/support/self_signed.h"

namespace {

using namespace sekisho;

// Lists of two clients, made up.
Status PushDataSets(demo::DemoWorld& world) {
  const core::Caller author{"suzuki", core::Roles::All(), "socket", ""};
  const struct {
    const char* name;
    const char* owner;
    int64_t persons;
    uint64_t step;
    size_t max_bytes;
  } kLists[] = {
      {"hokuto-2026", "public:hokuto-city", 412'300, 91, size_t{600} << 10},
      {"shop", "shop:kaimono", 9'210, 37, size_t{1} << 20}};
  for (const auto& list : kLists) {
    std::vector<uint64_t> hashes;
    for (int i = 0; i < 200'000; ++i) {
      hashes.push_back((static_cast<uint64_t>(i) + 1) * list.step *
                       0x9e3779b97f4a7c15U);
    }
    ASSIGN_OR_RETURN(
        const auto set,
        policy::DataSet::Make(
            {.id = list.name,
             .owner = list.owner,
             .key_id = std::string(16, 'd'),
             .persons = list.persons,
             .made_seconds = std::chrono::duration_cast<std::chrono::seconds>(
                                 demo::kDemoNow.time_since_epoch())
                                 .count() -
                             86'400,
             .kinds = {"name_birth", "name_phone"}},
            hashes, list.max_bytes));
    RETURN_IF_ERROR(world.desk().PutDataSet(author, set.Print()));
  }
  return {};
}

// The answer, one line.
std::string Obey(demo::DemoWorld& world, const std::string& line) {
  if (line.starts_with("code ")) return world.AddLoginCode(line.substr(5));
  if (line == "alert") return std::to_string(world.AddBlockedTransfer());
  if (line == "plug") {
    world.PlugStick();
    return "ok";
  }
  if (line == "review") return std::to_string(world.DrawReview());
  if (line.starts_with("viewer ")) {
    world.AddUser(line.substr(7), "not known to anybody", core::Role::kViewer);
    return world.AddLoginCode(line.substr(7));
  }
  if (line == "groups") {
    world.SetGroups();
    return "ok";
  }
  if (line == "secret") return std::to_string(world.AddSecret().alert_id);
  if (line.starts_with("person ")) {
    store::RegisteredPerson person;
    person.id = line.substr(7);
    store::PeopleChange change;
    change.all = {person};
    const auto put = world.store().PutPeople(
        change, world.clock().Now(),
        [](int64_t, const auto&) { return std::string("not signed"); });
    return put ? "ok" : put.error().message;
  }
  // A search that a newer console has kept.
  if (line.starts_with("outdated ")) {
    store::SavedSearch row;
    row.place = "alerts";
    row.name = "outdated";
    row.filters = {{"colour", "red"}, {"severity", "worst"}};
    row.owner = line.substr(9);
    row.create_time = row.change_time = world.clock().Now();
    const auto id = world.store().AddSearch(row, 100);
    return id ? std::to_string(*id) : id.error().message;
  }
  if (line.starts_with("fill ")) {
    const auto newest = demo::FillQueue(
        world.store(), std::atoll(line.c_str() + 5), world.clock().Now());
    return newest ? std::to_string(*newest) : newest.error().message;
  }
  if (line == "request") return std::to_string(world.AddRequest());
  if (line == "copy_request") return std::to_string(world.AddCopyRequest());
  if (line == "end-sessions") {
    world.EndSessions();
    return "ok";
  }
  return "unknown";
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: %s STATIC_DIR STATE_DIR\n", argv[0]);
    return 2;
  }
  const std::string state = argv[2];
  web::WebOptions options;
  options.listen_address = "127.0.0.1";
  options.port = 0;
  options.static_dir = argv[1];
  options.certificate_path = state + "/cert.pem";
  options.key_path = state + "/key.pem";
  if (!web::WriteSelfSigned(options.certificate_path, options.key_path)) {
    std::fprintf(stderr, "cannot write a certificate to %s\n", argv[2]);
    return 1;
  }
  demo::DemoWorld world(demo::DemoWorld::Past::kNinetyDays);
  if (const Status pushed = PushDataSets(world); !pushed) {
    std::fprintf(stderr, "%s\n", pushed.error().message.c_str());
    return 1;
  }
  const auto server = web::WebServer::Start(options, world.desk());
  if (!server) {
    std::fprintf(stderr, "%s\n", server.error().message.c_str());
    return 1;
  }
  std::printf("port %d\n", (*server)->port());
  std::fflush(stdout);
  for (std::string line; std::getline(std::cin, line);) {
    std::printf("%s\n", Obey(world, line).c_str());
    std::fflush(stdout);
  }
  return 0;
}
