// The web server over the demo world, for the browser tests.
//   sekisho_demo_server STATIC_DIR STATE_DIR
// Prints "port N"; then obeys one word a line on standard input: "code NAME",
// "alert", "plug", "request", "review", "end-sessions". Ends with its input.
#include <cstdio>
#include <iostream>
#include <string>

#include "server/web/web_server.h"
#include "tests/support/demo_world.h"
#include "tests/support/self_signed.h"

namespace {

using namespace sekisho;

// The answer, one line.
std::string Obey(demo::DemoWorld& world, const std::string& line) {
  if (line.starts_with("code ")) return world.AddLoginCode(line.substr(5));
  if (line == "alert") return std::to_string(world.AddBlockedTransfer());
  if (line == "plug") {
    world.PlugStick();
    return "ok";
  }
  if (line == "review") return std::to_string(world.DrawReview());
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
