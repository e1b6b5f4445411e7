// How long a load and a decision take with 10,000 rules and 100,000 listed
// devices. Prints one line a figure; asserts nothing.
#include <fmt/format.h>
#include <malloc.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <string>
#include <vector>

#include "policy/evaluator.h"
#include "policy/packs.h"
#include "policy/parser.h"
#include "policy/simulate.h"

namespace sekisho::policy {
namespace {

using Time = std::chrono::steady_clock;

double MillisSince(Time::time_point start) {
  return std::chrono::duration<double, std::milli>(Time::now() - start).count();
}

std::string PolicyText(int rules, int patterns) {
  std::string text =
      "policy: 1\nname: bench\nmode: enforce\ndevice_default: block\n"
      "content_default: block\ndevices:\n";
  for (int i = 0; i < rules; ++i) {
    text += fmt::format(
        "- {{id: r{}, match: {{vendor_id: \"{}\", product_id: \"{:04x}\", "
        "serial: \"S{}-*\"}}, access: inspect}}\n",
        i, i < patterns ? "0*" : fmt::format("{:04x}", i % 256), i % 4096, i);
  }
  return text + "- {id: approved, list: approvals}\n";
}

// No whole vendor, product or serial in any of them.
std::string PatternsText(int rules) {
  std::string text =
      "policy: 1\nname: bench\nmode: enforce\ndevice_default: block\n"
      "content_default: block\ndevices:\n";
  for (int i = 0; i < rules; ++i) {
    const std::string what =
        std::array{fmt::format("manufacturer: \"Maker {}*\"", i),
                   fmt::format("product: \"*Stick {}\", bus: usb", i),
                   fmt::format("persons: [\"operator-{}\"]", i),
                   fmt::format("terminals: [\"desk-{}-*\"], port: \"1-*\"", i)}
            .at(static_cast<size_t>(i) % 4);
    text +=
        fmt::format("- {{id: r{}, match: {{{}}}, access: inspect}}\n", i, what);
  }
  return text + "- {id: approved, list: approvals}\n";
}

std::string ListText(int rows) {
  std::string text =
      "list,vendor_id,product_id,serial,descriptor_hash,access,terminal,"
      "expires,owner,purpose,ticket\n";
  for (int i = 0; i < rows; ++i) {
    text += fmt::format(
        "approvals,{:04x},{:04x},AA{:012d},,inspect,,2027-03-31T15:00:00Z,"
        "owner {},backup,CHG-{}\n",
        i % 251, i % 4096, i, i % 100, i);
  }
  return text;
}

void Measure(const std::string& what, const std::string& policy_text,
             int rows) {
  const std::string list_text = ListText(rows);
  const size_t before = mallinfo2().uordblks;
  auto start = Time::now();
  auto policy = ParsePolicy(policy_text, "bench.yaml");
  CHECK(policy);
  const double policy_ms = MillisSince(start);
  start = Time::now();
  auto entries = ParseDeviceList(list_text, "bench.csv");
  CHECK(entries);
  const double list_ms = MillisSince(start);
  start = Time::now();
  const auto snapshot =
      Snapshot::Make(std::move(*policy), std::move(*entries), 1);
  const double index_ms = MillisSince(start);
  entries = std::vector<DeviceEntry>();
  const size_t after = mallinfo2().uordblks;

  std::vector<double> micros;
  const WallTime now{std::chrono::seconds(1'763'900'000)};
  size_t approved = 0;
  for (int i = 0; i < 20'000; ++i) {
    const int row = i * 7919 % (rows + rows / 10);
    DeviceFacts device;
    device.vendor_id = fmt::format("{:04x}", row % 251);
    device.product_id = fmt::format("{:04x}", row % 4096);
    device.serial = fmt::format("AA{:012d}", row);
    device.manufacturer = "Maker of sticks";
    device.product = "Fast Stick";
    device.bus = "usb";
    device.port = "1-2";
    device.interfaces = {{0x08, 0x06, 0x50}};
    PersonFacts person;
    person.person = "operator-x";
    TerminalFacts terminal;
    terminal.terminal = "desk-x-1";
    start = Time::now();
    const auto decision = snapshot->DecideDevice(device, person, terminal, now);
    micros.push_back(MillisSince(start) * 1000);
    approved += decision.rule == "approved" ? 1U : 0U;
  }
  std::ranges::sort(micros);
  fmt::print(
      "{}, {} rows: parse policy {:.1f} ms, list {:.1f} ms, "
      "index {:.1f} ms, held {:.1f} MiB; decision median {:.2f} us, p99 {:.2f} "
      "us, max {:.1f} us ({} approved)\n",
      what, rows, policy_ms, list_ms, index_ms,
      static_cast<double>(after - before) / (1 << 20),
      micros[micros.size() / 2], micros[micros.size() * 99 / 100],
      micros.back(), approved);
}

// Decoded events, as `policy simulate` takes them from an export.
void MeasureSimulation(int events) {
  auto policy = ParsePolicy(PackText("gdpr"), "gdpr");
  CHECK(policy);
  DeviceEntry row;
  row.list = "approvals";
  row.vendor_id = "0951";
  row.product_id = "*";
  row.serial = "*";
  row.access = Access::kInspect;
  Simulation simulation(Snapshot::Make(std::move(*policy), {row}, 0));
  PastEvent event;
  event.device.vendor_id = "0951";
  event.device.product_id = "1666";
  event.device.interfaces = {{0x08, 0x06, 0x50}};
  event.content.inspection = Inspection::kFull;
  const auto start = Time::now();
  for (int i = 0; i < events; ++i) {
    event.kind =
        i % 10 == 0 ? PastEvent::Kind::kDevice : PastEvent::Kind::kTransfer;
    event.time = WallTime(std::chrono::seconds(1'763'900'000 + i * 20));
    event.terminal.terminal = fmt::format("desk-{}", i % 500);
    event.person.person = fmt::format("person-{}", i % 700);
    event.device.serial = fmt::format("S{}", i % 900);
    event.content.persons = i % 30;
    simulation.Add(event);
  }
  fmt::print("simulate {} events: {:.1f} s, {} places\n", events,
             MillisSince(start) / 1000, simulation.places().size());
}

}  // namespace
}  // namespace sekisho::policy

int main() {
  using namespace sekisho::policy;
  Measure("10 rules", PolicyText(10, 0), 1'000);
  Measure("9999 rules", PolicyText(9'999, 0), 100'000);
  Measure("9999 rules with patterns", PolicyText(9'999, 9'999), 100'000);
  Measure("9999 rules without whole ids", PatternsText(9'999), 100'000);
  MeasureSimulation(1'000'000);
}
