// What is on a medium, from facts in any order.
#include "server/core/medium_contents.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sodium.h>

#include <algorithm>
#include <filesystem>
#include <future>
#include <random>

#include "server/core/device_story.h"
#include "server/core/indexer.h"
#include "tests/support/test_store.h"

namespace sekisho::core {
namespace {

using store::MarkKind;
using testing::ElementsAre;
using testing::IsEmpty;

WallTime At(int second) {
  return WallTime(std::chrono::seconds(1'700'000'000 + second));
}

// A medium's facts, by the second they happened in.
struct Facts {
  store::MediumLog log{.key = {"d", "v"}, .filesystem = "vfat"};
  int64_t row = 0;

  Facts& Mount(int time, const std::string& agent = "a") {
    log.marks.push_back({++row, At(time), agent, agent, MarkKind::kMounted, 0});
    return *this;
  }
  Facts& Listed(int time, const std::string& agent = "a") {
    log.marks.push_back({++row, At(time), agent, agent, MarkKind::kListed, 0});
    return *this;
  }
  Facts& Copy(int time, const std::string& path, int64_t bytes = 10) {
    log.copies.push_back({++row, At(time), path, bytes});
    return *this;
  }
  Facts& Remove(int time, const std::string& path) {
    log.changes.push_back(
        {++row, 0, At(time), event::v1::FILE_CHANGE_REMOVED, path, ""});
    return *this;
  }
  Facts& Rename(int time, const std::string& from, const std::string& to) {
    log.changes.push_back(
        {++row, 0, At(time), event::v1::FILE_CHANGE_RENAMED, to, from});
    return *this;
  }
  // Merged as the store does it.
  Facts& Seen(int time, const std::string& path, int64_t bytes = 10,
              int modified = 0) {
    for (auto& seen : log.seen) {
      if (seen.path == path && seen.size_bytes == bytes &&
          seen.modify_time == At(modified)) {
        seen.first_time = std::min(seen.first_time, At(time));
        seen.last_time = std::max(seen.last_time, At(time));
        return *this;
      }
    }
    log.seen.push_back({path, bytes, At(modified), At(time), At(time), "a"});
    return *this;
  }
  Facts& Erased(int time) {
    log.marks.push_back({++row, At(time), "a", "a", MarkKind::kErased, 99});
    return *this;
  }

  // "path", "path?" from elsewhere, "path!" other size, "path~" other time.
  std::vector<std::string> Now() const {
    std::vector<std::string> now;
    for (const ContentFile& file : StateOf(log).files) {
      now.push_back(file.path + (file.copy_row_id == 0 ? "?" : "") +
                    (file.other_size ? "!" : "") +
                    (file.other_time ? "~" : ""));
    }
    return now;
  }
  std::vector<std::string> Gone() const {
    std::vector<std::string> gone;
    for (const ContentFile& file : StateOf(log).gone) {
      gone.push_back(file.path +
                     (file.gone == ContentFile::Gone::kElsewhere ? "?" : ""));
    }
    return gone;
  }
};

TEST(MediumContents, CopiedRenamedAndRemoved) {
  Facts facts;
  facts.Copy(1, "a")
      .Copy(2, "b")
      .Copy(3, "c")
      .Rename(4, "b", "d/e")
      .Remove(5, "c");
  EXPECT_THAT(facts.Now(), ElementsAre("a", "d/e"));
  EXPECT_THAT(facts.Gone(), ElementsAre("c"));
}

TEST(MediumContents, RemovedAndCopiedAgainIsThere) {
  Facts facts;
  facts.Copy(1, "a").Remove(2, "a").Copy(3, "a", 20);
  EXPECT_THAT(facts.Now(), ElementsAre("a"));
  EXPECT_EQ(StateOf(facts.log).files[0].size_bytes, 20);
}

TEST(MediumContents, FolderMovesWithAllBelowIt) {
  Facts facts;
  facts.Copy(1, "d/a").Copy(1, "d/e/b").Copy(1, "dd/c").Rename(2, "d", "f");
  EXPECT_THAT(facts.Now(), ElementsAre("dd/c", "f/a", "f/e/b"));
}

TEST(MediumContents, SpellingDoesNotCountOnFat) {
  Facts facts;
  facts.Copy(1, "Report.CSV").Seen(2, "report.csv").Remove(3, "REPORT.csv");
  EXPECT_THAT(facts.Now(), IsEmpty());
  facts.log.filesystem = "ext4";
  EXPECT_THAT(facts.Now(), ElementsAre("Report.CSV", "report.csv?"));
  Facts spelled;
  spelled.Copy(1, "a").Rename(2, "a", "A");
  EXPECT_THAT(spelled.Now(), ElementsAre("A"));
}

TEST(MediumContents, WhatNobodyCopiedCameFromElsewhere) {
  Facts facts;
  facts.Mount(1).Seen(2, "x").Listed(3);
  EXPECT_THAT(facts.Now(), ElementsAre("x?"));
  EXPECT_EQ(StateOf(facts.log).files[0].since, At(2));
}

TEST(MediumContents, WhatIsMissingInTheNextListingIsGoneElsewhere) {
  Facts facts;
  facts.Mount(1).Copy(2, "a").Copy(2, "b").Listed(3);
  EXPECT_THAT(facts.Now(), ElementsAre("a", "b"));
  facts.Mount(11).Seen(12, "a").Listed(13);
  EXPECT_THAT(facts.Now(), ElementsAre("a"));
  ASSERT_THAT(facts.Gone(), ElementsAre("b?"));
  EXPECT_EQ(*StateOf(facts.log).gone[0].gone_time, At(13));
}

TEST(MediumContents, ListingThatWasCutShortMissesNothing) {
  Facts facts;
  facts.Copy(1, "a").Mount(11).Seen(12, "b");
  facts.log.marks.push_back({9, At(13), "a", "a", MarkKind::kCutShort, 1});
  EXPECT_THAT(facts.Now(), ElementsAre("a", "b?"));
}

TEST(MediumContents, ListingWithoutItsMountMissesNothing) {
  Facts facts;
  facts.Copy(1, "a").Mount(2, "other").Listed(13, "a");
  EXPECT_THAT(facts.Now(), ElementsAre("a"));
}

TEST(MediumContents, OtherSizeOrTimeIsSaid) {
  Facts facts;
  facts.Copy(1, "a", 10).Copy(1, "b", 10).Copy(1, "c", 10);
  facts.Mount(11).Seen(12, "a", 11).Seen(12, "b", 10, 1).Seen(12, "c", 10, 1);
  facts.Listed(13).Mount(21).Seen(22, "a", 11).Seen(22, "b", 10, 1);
  facts.Seen(22, "c", 10, 2).Listed(23);
  EXPECT_THAT(facts.Now(), ElementsAre("a!", "b", "c~"));
  // Copied anew, it is as it was copied.
  facts.Copy(30, "a", 12);
  EXPECT_THAT(facts.Now(), ElementsAre("a", "b", "c~"));
}

TEST(MediumContents, ComesBackFromElsewhere) {
  Facts facts;
  facts.Mount(1).Copy(2, "a").Listed(3).Mount(11).Seen(12, "a").Listed(13);
  facts.Remove(14, "a").Mount(21).Seen(22, "a").Listed(23);
  EXPECT_THAT(facts.Now(), ElementsAre("a?"));
  EXPECT_THAT(facts.Gone(), ElementsAre("a"));
}

// One row says "seen from 12 to 32"; what was removed and copied in between is
// the copy all the same.
TEST(MediumContents, SightingsThatWereMergedDoNotHideACopy) {
  Facts facts;
  facts.Mount(1).Copy(2, "a").Listed(3).Mount(11).Seen(12, "a").Listed(13);
  facts.Remove(14, "a").Copy(15, "a").Mount(31).Seen(32, "a").Listed(33);
  EXPECT_THAT(facts.Now(), ElementsAre("a"));
}

TEST(MediumContents, WatchedCopyIsFoundInTheListing) {
  Facts facts;
  facts.Copy(1, "/media/tanaka/STICK/d/a.csv").Copy(1, "/media/tanaka/STICK/b");
  EXPECT_EQ(facts.Now().size(), 2U);
  facts.Mount(11).Seen(12, "d/a.csv").Seen(12, "b", 11).Listed(13);
  EXPECT_THAT(facts.Now(), ElementsAre("b?", "d/a.csv"));
  EXPECT_THAT(facts.Gone(), ElementsAre("/media/tanaka/STICK/b?"));
}

TEST(MediumContents, ErasedMediumHoldsNothing) {
  Facts facts;
  facts.Copy(1, "a").Erased(2).Copy(3, "b");
  EXPECT_THAT(facts.Now(), ElementsAre("b"));
  EXPECT_THAT(facts.Gone(), ElementsAre("a"));
}

// Random lives of a medium against the obvious: a map of what is on it.
TEST(MediumContents, AgreesWithAPlainMap) {
  std::mt19937 random(7);
  const auto pick = [&](int most) {
    return static_cast<int>(random() % static_cast<unsigned>(most));
  };
  for (int round = 0; round < 300; ++round) {
    Facts facts;
    facts.log.filesystem = "ext4";
    std::map<std::string, int64_t> medium;
    int time = 0;
    const auto name = [&] {
      const std::string folder =
          pick(2) == 0 ? "" : "d" + std::to_string(pick(2)) + "/";
      return folder + std::string(1, static_cast<char>('a' + pick(4)));
    };
    for (int session = 0; session < 4; ++session) {
      facts.Mount(++time);
      for (const auto& [path, bytes] : medium) facts.Seen(++time, path, bytes);
      facts.Listed(++time);
      for (int i = 0; i < 6; ++i) {
        const std::string path = name();
        switch (pick(3)) {
          case 0:
            medium[path] = 100 + time;
            facts.Copy(++time, path, medium[path]);
            break;
          case 1:
            if (medium.erase(path) > 0) facts.Remove(++time, path);
            break;
          case 2: {
            const std::string to = name();
            const auto node = medium.extract(path);
            if (node.empty() || to == path) {
              if (!node.empty()) medium[path] = node.mapped();
              break;
            }
            medium[to] = node.mapped();
            facts.Rename(++time, path, to);
            break;
          }
        }
      }
      // Elsewhere.
      ++time;
      if (pick(2) == 0) medium.erase(name());
      if (pick(2) == 0) medium["new" + std::to_string(session)] = 5;
    }
    facts.Mount(++time);
    for (const auto& [path, bytes] : medium) facts.Seen(++time, path, bytes);
    facts.Listed(++time);
    std::ranges::shuffle(facts.log.copies, random);
    std::ranges::shuffle(facts.log.changes, random);
    std::ranges::shuffle(facts.log.seen, random);
    std::ranges::shuffle(facts.log.marks, random);
    std::map<std::string, int64_t> found;
    for (const ContentFile& file : StateOf(facts.log).files) {
      found[file.path] = file.size_bytes;
    }
    ASSERT_EQ(found, medium) << "round " << round;
  }
}

TEST(MediumContents, TenThousandFilesAndListings) {
  Facts facts;
  facts.log.filesystem = "ext4";
  for (int i = 0; i < 10'000; ++i) {
    facts.Copy(i, "d/" + std::to_string(i));
    facts.Mount(2 * i + 20'000).Listed(2 * i + 20'001);
  }
  for (int i = 0; i < 10'000; ++i) {
    facts.log.seen.push_back(
        {"d/" + std::to_string(i), 10, At(0), At(20'001), At(50'000), "a"});
  }
  facts.Rename(50'000, "d", "e");
  EXPECT_EQ(StateOf(facts.log).files.size(), 10'000U);
  EXPECT_THAT(facts.Gone(), IsEmpty());
}

// ---- through the index ----

class ContentsIndex : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_GE(sodium_init(), 0);
    char dir[] = "/tmp/sekisho-contents-XXXXXX";
    ASSERT_NE(mkdtemp(dir), nullptr);
    dir_ = dir;
    store_ = std::move(*support::OpenTestStore(dir_ + "/test.db"));
    for (const char* id : {"a", "b"}) {
      store::NewAgent agent;
      agent.agent_id = id;
      agent.terminal = std::string("terminal-") + id;
      agent.chain_key = keys_.public_key;
      ASSERT_TRUE(store_->AddAgent(agent));
    }
  }
  void TearDown() override {
    store_.reset();
    std::filesystem::remove_all(dir_);
  }

  struct Told {
    event::v1::PublicPart open;
    event::v1::PersonalPart personal;
  };
  static Told Of(event::v1::EventKind kind, int time) {
    Told told;
    told.open.set_kind(kind);
    told.open.mutable_occur_time()->set_seconds(1'700'000'000 + time);
    auto& device = *told.open.mutable_device();
    device.set_vendor_id("0951");
    device.set_product_id("1666");
    device.set_serial("S1");
    device.set_filesystem("vfat");
    device.set_volume_uuid("ABCD-1234");
    return told;
  }
  static Told Copy(int time, const std::string& path, int64_t persons) {
    Told told = Of(event::v1::EVENT_KIND_TRANSFER, time);
    told.open.set_outcome(event::v1::OUTCOME_ALLOWED);
    told.open.set_file_hash(std::string(32, 'h'));
    told.open.set_inspected_bytes(10);
    told.open.set_person_count(persons);
    auto& data = *told.open.add_data();
    data.set_type("person_name");
    data.set_value_count(persons);
    told.personal.set_file_path(path);
    told.personal.set_person("tanaka");
    return told;
  }
  static void Add(Told* told, event::v1::FileChange change,
                  const std::string& path, const std::string& old = "") {
    auto& file = *told->personal.add_files();
    file.set_change(change);
    file.set_path(path);
    file.set_old_path(old);
    file.set_size_bytes(10);
  }
  void Append(const std::string& agent_id, const std::vector<Told>& events) {
    std::vector<event::v1::EventRecord> records;
    event::Head& head = heads_[agent_id];
    for (const Told& told : events) {
      event::v1::PublicPart part = told.open;
      part.set_agent_id(agent_id);
      records.push_back(
          *event::Append(head, part, told.personal, keys_.secret_key));
    }
    std::promise<bool> stored;
    store_->Append({agent_id, records, At(100'000)},
                   [&](const Result<event::Head>& result) {
                     stored.set_value(result.has_value());
                   });
    ASSERT_TRUE(stored.get_future().get());
  }
  void Index() {
    Changes changes;
    Indexer indexer(*store_, changes, [](const store::Event&) {
      return std::vector<store::NewAlert>();
    });
    while (*indexer.RunOnce() > 0) {
    }
  }
  MediumContents Read() {
    const auto contents =
        ReadDeviceContents(*store_, "0951:1666:S1", At(200'000));
    if (!contents || contents->media.size() != 1) {
      ADD_FAILURE() << (contents ? "not one medium" : contents.error().message);
      return {};
    }
    sum_ = SumText(*contents);
    return contents->media[0];
  }

  std::string dir_;
  std::unique_ptr<store::Store> store_;
  const event::ChainKeyPair keys_ = event::NewChainKeyPair();
  std::map<std::string, event::Head> heads_;
  std::string sum_;
};

// Terminal a was without network: what happened first comes last.
TEST_F(ContentsIndex, EventsOfTwoTerminalsMayComeInAnyOrder) {
  Told listing = Of(event::v1::EVENT_KIND_MEDIUM_FILES, 21);
  Add(&listing, event::v1::FILE_CHANGE_PRESENT, "kept.csv");
  Add(&listing, event::v1::FILE_CHANGE_PRESENT, "foreign.txt");
  listing.open.set_listing_complete(true);
  listing.open.set_present_count(2);
  Told removal = Of(event::v1::EVENT_KIND_MEDIUM_FILES, 30);
  Add(&removal, event::v1::FILE_CHANGE_REMOVED, "FOREIGN.txt");
  Append("b", {Of(event::v1::EVENT_KIND_MEDIUM_MOUNTED, 20), listing, removal});
  Index();
  EXPECT_EQ(Read().file_count, 1);
  EXPECT_EQ(Read().from_elsewhere_count, 1);
  Told refused = Copy(3, "refused.csv", 500);
  refused.open.set_outcome(event::v1::OUTCOME_BLOCKED);
  Told folder = Copy(4, "folder", 0);
  folder.open.clear_file_hash();
  folder.open.clear_inspected_bytes();
  Told renamed = Of(event::v1::EVENT_KIND_MEDIUM_FILES, 5);
  Add(&renamed, event::v1::FILE_CHANGE_RENAMED, "kept.csv", "new.csv");
  Append("a",
         {Of(event::v1::EVENT_KIND_MEDIUM_MOUNTED, 0), Copy(1, "new.csv", 12),
          Copy(2, "lost.csv", 7), refused, folder, renamed});
  Index();
  const MediumContents now = Read();
  ASSERT_EQ(now.files.size(), 1U);
  EXPECT_EQ(now.files[0].path, "kept.csv");
  EXPECT_EQ(now.files[0].terminal, "terminal-a");
  EXPECT_EQ(now.files[0].since, At(1));
  ASSERT_TRUE(now.files[0].copy);
  EXPECT_EQ(now.files[0].copy->personal_part.person(), "tanaka");
  EXPECT_EQ(now.persons, 12);
  EXPECT_EQ(now.personal_count, 1);
  EXPECT_EQ(now.data.at("person_name"), 12);
  ASSERT_EQ(now.gone.size(), 2U);
  EXPECT_EQ(now.gone[0].path, "foreign.txt");
  EXPECT_EQ(now.gone[0].gone, "removed");
  EXPECT_EQ(now.gone[1].path, "lost.csv");
  EXPECT_EQ(now.gone[1].gone, "elsewhere");
  EXPECT_EQ(*now.gone[1].gone_time, At(21));
  EXPECT_EQ(*now.list_time, At(21));
  EXPECT_TRUE(now.list_complete);
  EXPECT_EQ(now.list_terminal, "terminal-b");
  EXPECT_FALSE(now.behind);
  EXPECT_EQ(sum_,
            "1 files on it as far as known, 1 with personal data of 12 people "
            "(person_name)");
}

TEST_F(ContentsIndex, WhatIsNotWholeIsSaid) {
  Told part = Of(event::v1::EVENT_KIND_MEDIUM_FILES, 2);
  Add(&part, event::v1::FILE_CHANGE_PRESENT, "a");
  part.open.set_present_count(20'000);
  Told lost = Of(event::v1::EVENT_KIND_MEDIUM_FILES, 3);
  lost.open.set_lost_count(4);
  Append("a", {Of(event::v1::EVENT_KIND_MEDIUM_MOUNTED, 1), part, lost});
  Index();
  const MediumContents now = Read();
  EXPECT_FALSE(now.list_complete);
  EXPECT_EQ(now.list_count, 20'000);
  EXPECT_TRUE(now.behind);
}

TEST_F(ContentsIndex, HostileNamesAreTakenUpToTheirBound) {
  Told files = Of(event::v1::EVENT_KIND_MEDIUM_FILES, 2);
  const std::string longest = std::string(4094, 'x') + std::string("\0\xff", 2);
  Add(&files, event::v1::FILE_CHANGE_PRESENT, longest);
  Add(&files, event::v1::FILE_CHANGE_PRESENT, longest + "y");
  Add(&files, event::v1::FILE_CHANGE_PRESENT, "");
  files.personal.mutable_files(0)->set_size_bytes(-7);
  files.personal.mutable_files(0)->mutable_modify_time()->set_seconds(
      std::numeric_limits<int64_t>::max());
  Append("a", {files});
  Index();
  const MediumContents now = Read();
  ASSERT_EQ(now.files.size(), 1U);
  EXPECT_EQ(now.files[0].path, longest);
  EXPECT_EQ(now.files[0].size_bytes, 0);
}

// What a terminal's logs say counts for nothing.
TEST_F(ContentsIndex, ThePastIsNoSighting) {
  const auto past = [](int time, const std::string& serial, int klass) {
    Told told = Of(event::v1::EVENT_KIND_PAST, 50'000);
    auto& device = *told.open.mutable_device();
    device.set_serial(serial);
    device.clear_volume_uuid();
    device.add_interfaces()->set_class_code(klass);
    told.open.mutable_past_time()->set_seconds(1'600'000'000 + time);
    told.open.set_past_source("journal");
    return told;
  };
  Append("a", {past(2, "OLD", 8), past(1, "OLD", 8), past(1, "CAM", 14)});
  Append("b", {past(3, "CAM", 14)});
  Index();
  const auto alerts = store_->ListAlerts({}, {});
  ASSERT_EQ(alerts->rows.size(), 1U) << "once, of storage only";
  EXPECT_EQ(alerts->rows[0].kind, "past_storage");
  EXPECT_EQ(alerts->rows[0].severity, "low");
  const policy::Zone utc = *policy::Zone::Find("UTC");
  const auto story =
      ReadDeviceStory(*store_, "0951:1666:OLD", At(200'000), utc);
  ASSERT_TRUE(story);
  EXPECT_EQ(story->sum.events, 0);
  EXPECT_EQ(story->device.event_count, 0);
  EXPECT_TRUE(story->terminals.empty());
  ASSERT_EQ(story->past.size(), 2U);
  EXPECT_EQ(story->past[0].time, WallTime(std::chrono::seconds(1'600'000'002)));
  EXPECT_EQ(story->past[0].terminal, "terminal-a");
  EventFilter filter;
  filter.kinds = {event::v1::EVENT_KIND_PAST};
  EXPECT_EQ(store_->ListEvents(filter, {})->rows.size(), 4U);
  // Seen for real, it begins there.
  Told plugged = Of(event::v1::EVENT_KIND_DEVICE_PLUGGED, 60'000);
  plugged.open.mutable_device()->set_serial("OLD");
  Append("a", {plugged, past(9, "OLD", 8)});
  Index();
  const auto seen = ReadDeviceStory(*store_, "0951:1666:OLD", At(200'000), utc);
  EXPECT_EQ(seen->device.event_count, 1);
  EXPECT_EQ(seen->device.first_seen_time, At(100'000));
  EXPECT_EQ(seen->sum.events, 1);
}

TEST_F(ContentsIndex, AnotherVolumeIsAnotherMedium) {
  Told other = Copy(5, "b.csv", 1);
  other.open.mutable_device()->set_volume_uuid("0000-0001");
  Append("a", {Copy(1, "a.csv", 1), other});
  Index();
  const auto contents =
      ReadDeviceContents(*store_, "0951:1666:S1", At(200'000));
  ASSERT_TRUE(contents);
  ASSERT_EQ(contents->media.size(), 2U);
  EXPECT_EQ(contents->media[0].volume, "0000-0001");
  EXPECT_EQ(contents->media[1].files.at(0).path, "a.csv");
}

}  // namespace
}  // namespace sekisho::core
