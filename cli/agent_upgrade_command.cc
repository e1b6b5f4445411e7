#include "cli/agent_upgrade_command.h"

#include <algorithm>
#include <cstdio>

#include "cli/admin_client.h"
#include "cli/package_programs.h"
#include "cli/table.h"
#include "common/text.h"
#include "policy/upgrade_manifest.h"

namespace sekisho::cli {
namespace {

constexpr std::string_view kUsage =
    "usage: sekisho agent upgrade PACKAGE.deb... [--json]\n"
    "  Reads which programs the packages bring, and has the server sign that\n"
    "  list and send it to the agents: those that enforce then take these\n"
    "  packages. It replaces the list that was signed before.\n";

}  // namespace

int RunAgentUpgrade(std::span<const std::string_view> args) {
  const bool help = std::ranges::find(args, "--help") != args.end();
  if (help) {
    std::fwrite(kUsage.data(), 1, kUsage.size(), stdout);
    return kDone;
  }
  const auto parsed = ParseAdminArgs(args, {});
  if (!parsed || parsed->words.empty()) {
    return WrongUse(kUsage, parsed ? "" : parsed.error().message);
  }
  policy::UpgradeManifest manifest;
  for (const std::string& path : parsed->words) {
    auto package = ReadPackagePrograms(path);
    if (!package) return Complain(*parsed, package.error());
    if (package->programs.empty()) continue;  // the CLI's, the server's
    manifest.packages.push_back(std::move(*package));
  }
  if (manifest.packages.empty()) {
    return Complain(*parsed, {Code::kInvalidArgument,
                              "none of these packages brings a program of the "
                              "agent"});
  }
  admin::v1::PushUpgradeRequest request;
  request.set_manifest(policy::PrintUpgradeManifest(manifest));
  AdminClient client(parsed->socket);
  const auto pushed = client.Call<admin::v1::PushUpgradeResponse>(request);
  if (!pushed) return Complain(*parsed, pushed.error());
  if (parsed->json) {
    std::printf("%s\n", ToJson(*pushed).c_str());
    return kDone;
  }
  for (const policy::PackagePrograms& package : manifest.packages) {
    std::printf(
        "%s %s: %zu programs\n", EscapeUntrusted(package.package).c_str(),
        EscapeUntrusted(package.version).c_str(), package.programs.size());
  }
  std::printf("version %lld, %d connected agents told\n",
              static_cast<long long>(pushed->version()), pushed->agent_count());
  return kDone;
}

}  // namespace sekisho::cli
