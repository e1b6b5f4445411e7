// Every device of tests/data/devices, shown by umockdev, seen and read by the
// agent's own code and judged under each shipped pack: beside the table that
// says what must come out.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <umockdev.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <memory>
#include <vector>

#include "agent/decide/goal.h"
#include "agent/decide/interfaces.h"
#include "agent/device/facts.h"
#include "agent/device/kernel_watch.h"
#include "agent/standing.h"
#include "common/bytes.h"
#include "common/file.h"
#include "common/text.h"
#include "policy/evaluator.h"
#include "policy/packs.h"
#include "policy/parser.h"

namespace sekisho {
namespace {

constexpr char kFolder[] = SEKISHO_SOURCE_DIR "/tests/data/devices/";
constexpr size_t kMaxTableBytes = size_t{1} << 20;
constexpr size_t kPacksAt = 8;  // column of the first pack
constexpr size_t kLeastDevices = 40;

struct Row {
  std::string name;
  policy::DeviceFacts facts;  // identity and texts
  std::string interfaces;     // or "error: ..."
  std::map<std::string, std::string> decisions;
};

std::string Text(std::string_view hex) {
  if (hex == "-") return {};
  const auto bytes = FromHex(hex);
  EXPECT_TRUE(bytes);
  return bytes ? std::string(AsText(*bytes)) : "";
}

std::vector<Row> ReadTable() {
  std::vector<Row> rows;
  const auto text = ReadFileAt(AT_FDCWD, std::string(kFolder) + "expected.tsv",
                               kMaxTableBytes);
  EXPECT_TRUE(text);
  if (!text) return rows;
  std::vector<std::string> packs;
  for (const std::string_view line : Split(*text, '\n')) {
    const auto cells = Split(line, '\t');
    if (cells.size() <= kPacksAt) continue;
    if (line.starts_with('#')) {
      packs.assign(cells.begin() + kPacksAt, cells.end());
      continue;
    }
    Row row;
    row.name = cells[0];
    row.facts.vendor_id = cells[1];
    row.facts.product_id = cells[2];
    row.facts.serial = Text(cells[3]);
    row.facts.manufacturer = Text(cells[4]);
    row.facts.product = Text(cells[5]);
    row.facts.speed = cells[6];
    row.interfaces = cells[7];
    for (size_t i = 0; i < packs.size(); ++i) {
      row.decisions[packs[i]] = cells[kPacksAt + i];
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

// Counted from 1.
ptrdiff_t NumberIn(const std::string& name) {
  const std::vector<Row> table = ReadTable();
  return std::ranges::find(table, name, &Row::name) - table.begin() + 1;
}

std::string Spaced(const std::vector<policy::UsbInterface>& interfaces) {
  std::string text = decide::NamesOf(decide::Sorted(interfaces));
  std::erase(text, ',');
  return text;
}

struct Unref {
  void operator()(UMockdevTestbed* bed) const { g_object_unref(bed); }
};

// One machine with all of them, each at the port of its number in the table.
class Bed {
 public:
  explicit Bed(const std::vector<Row>& table) : bed_(umockdev_testbed_new()) {
    for (const Row& row : table) {
      GError* error = nullptr;
      const std::string path = kFolder + row.name + ".umockdev";
      if (!umockdev_testbed_add_from_file(bed_.get(), path.c_str(), &error)) {
        ADD_FAILURE() << path << ": " << error->message;
        g_error_free(error);
      }
    }
    // As sekisho-devices sees them.
    const SystemClock clock;
    auto watch = device::KernelWatch::Open(clock);
    EXPECT_TRUE(watch) << (watch ? "" : watch.error().message);
    if (!watch) return;
    const Status scanned = (*watch)->Scan([&](const ipc::DeviceSeen& seen) {
      const std::string& path = seen.sysfs_path;
      if (seen.devtype == "usb_device") {
        paths_[path.substr(path.rfind('/') + 1)] = path;
      }
    });
    EXPECT_TRUE(scanned);
  }
  std::string PathOf(size_t number) const {
    const auto found = paths_.find("1-" + std::to_string(number));
    return found == paths_.end() ? "" : found->second;
  }
  size_t seen_count() const { return paths_.size(); }

 private:
  std::unique_ptr<UMockdevTestbed, Unref> bed_;
  std::map<std::string, std::string> paths_;
};

// In the words of the table.
std::string Outcome(const decide::Judgement& judged) {
  switch (judged.goal) {
    case decide::Goal::kLeaveAlone:
      return "leave";
    case decide::Goal::kRefuse:
      return "block";
    case decide::Goal::kLook:
      return "look";
    case decide::Goal::kAwaitKey:
    case decide::Goal::kServe:
      return policy::Name(judged.decision.access);
    case decide::Goal::kOpenFully:
      return "open";
    case decide::Goal::kAllow:
      break;
  }
  if (judged.decision.reason.find("; kept, because") != std::string::npos) {
    return "kept";
  }
  return judged.authorization == decide::Authorization::kListed
             ? "only " + decide::NamesOf(judged.listed)
             : "full";
}

class Judges {
 public:
  explicit Judges(const std::string& pack) {
    auto parsed = policy::ParsePolicy(std::string(policy::PackText(pack)),
                                      pack + ".yaml");
    EXPECT_TRUE(parsed);
    if (parsed) policy_ = *std::move(parsed);
  }
  // Plugged in; plugged in and approved; in use since before.
  std::string Decide(const policy::DeviceFacts& facts,
                     const std::string& malformed,
                     decide::Standing standing) const {
    policy::DeviceEntry approval;
    approval.list = "approvals";
    approval.vendor_id = facts.vendor_id;
    approval.product_id = facts.product_id;
    approval.serial = facts.serial;
    approval.access = policy::Access::kInspect;
    decide::Plug plug;
    plug.facts = facts;
    plug.malformed = malformed;
    plug.standing = standing;
    std::string all = Judged(plug, {}) + "; " + Judged(plug, {approval});
    plug.attached_at_start = true;
    plug.authorized = decide::Authorization::kAll;
    return all + "; " + Judged(plug, {});
  }

 private:
  std::string Judged(const decide::Plug& plug,
                     std::vector<policy::DeviceEntry> rows) const {
    const auto snapshot = policy::Snapshot::Make(policy_, std::move(rows), 1);
    const policy::TerminalFacts terminal;
    const policy::MediumFacts medium{.size_bytes = int64_t{32} << 30,
                                     .filesystem = "exfat",
                                     .volume_uuid = "64A3-21F8",
                                     .volume_label = "",
                                     .encryption = "none",
                                     .medium_serial = ""};
    const decide::Circumstances now{
        .snapshot = snapshot.get(),
        .terminal = &terminal,
        .now = WallTime(std::chrono::seconds(1'800'000'000))};
    return Outcome(decide::Judge(
        plug, decide::HoldsMedium(plug.facts) ? &medium : nullptr, "", now));
  }

  policy::Policy policy_;
};

class DeviceFixtures : public testing::Test {
 protected:
  void SetUp() override {
    const char* loaded = std::getenv("LD_PRELOAD");
    if (loaded == nullptr ||
        std::string_view(loaded).find("umockdev") == std::string_view::npos) {
      GTEST_SKIP() << "umockdev's library was not loaded first: run it by "
                      "umockdev-wrapper (a sanitizer's runtime must be first "
                      "itself)";
    }
  }
};

TEST_F(DeviceFixtures, AreReadAndJudgedAsTheTableSays) {
  const std::vector<Row> table = ReadTable();
  EXPECT_GE(table.size(), kLeastDevices);
  const Bed bed(table);
  EXPECT_EQ(bed.seen_count(), table.size());
  std::map<std::string, Judges> judges;
  for (size_t i = 0; i < table.size(); ++i) {
    const Row& row = table[i];
    SCOPED_TRACE(row.name);
    const std::string path = bed.PathOf(i + 1);
    ASSERT_NE(path, "");
    const auto dir = OpenAt(AT_FDCWD, path, O_RDONLY | O_DIRECTORY);
    ASSERT_TRUE(dir);
    const std::string port = path.substr(path.rfind('/') + 1);
    auto read = device::UsbFacts(dir->get(), port);
    const bool lies = row.interfaces.starts_with("error: ");
    ASSERT_EQ(!read.has_value(), lies)
        << (read ? Spaced(read->interfaces) : read.error().message);
    if (lies) {
      EXPECT_NE(read.error().message.find(row.interfaces.substr(7)),
                std::string::npos)
          << read.error().message;
    }
    const policy::DeviceFacts facts =
        read ? *read : device::IdentityOnly(dir->get(), port);
    EXPECT_EQ(facts.vendor_id, row.facts.vendor_id);
    EXPECT_EQ(facts.product_id, row.facts.product_id);
    EXPECT_EQ(facts.serial, row.facts.serial);
    EXPECT_EQ(facts.manufacturer, row.facts.manufacturer);
    EXPECT_EQ(facts.product, row.facts.product);
    EXPECT_EQ(facts.speed, row.facts.speed);
    EXPECT_EQ(facts.port, port);
    EXPECT_EQ(lies ? row.interfaces : Spaced(facts.interfaces), row.interfaces);
    for (const auto& [pack, wanted] : row.decisions) {
      const auto& judge = judges.try_emplace(pack, pack).first->second;
      EXPECT_EQ(judge.Decide(facts, lies ? read.error().message : "",
                             agent::StandingOf(path, facts, "/sys")),
                wanted)
          << "under " << pack;
    }
  }
}

// What such a device may print on a terminal or in a log is its own word.
TEST_F(DeviceFixtures, ControlCharactersAreShownEscaped) {
  std::vector<Row> table = ReadTable();
  std::erase_if(table, [](const Row& row) {
    return row.name != "attack-control-characters";
  });
  ASSERT_EQ(table.size(), 1U);
  const Bed bed(table);
  const std::string path =
      bed.PathOf(static_cast<size_t>(NumberIn("attack-control-characters")));
  const auto dir = OpenAt(AT_FDCWD, path, O_RDONLY | O_DIRECTORY);
  ASSERT_TRUE(dir);
  const auto facts = device::UsbFacts(dir->get(), "1-1");
  ASSERT_TRUE(facts);
  for (const std::string& text :
       {facts->serial, facts->manufacturer, facts->product}) {
    const std::string shown = EscapeUntrusted(text, 600);
    EXPECT_TRUE(std::ranges::none_of(shown, [](char c) {
      return c >= 0 && c < 0x20;
    })) << shown;
    EXPECT_EQ(shown.find("\xe2\x80\xae"), std::string::npos)
        << "writes from right to left";
  }
}

}  // namespace
}  // namespace sekisho
