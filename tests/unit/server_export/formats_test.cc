// Each format against its published fields, with names that try to end them.
#include "server/export/formats.h"

#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "common/text.h"
#include "records.h"
#include "server/export/syslog_message.h"

namespace sekisho::server_export {
namespace {

using nlohmann::json;

constexpr Format kAll[] = {Format::kJson, Format::kCef, Format::kLeef,
                           Format::kOcsf, Format::kEcs};

std::vector<Record> Records() {
  std::vector<Record> all = {RecordOf(BlockedAlert(), "https://s.example:8443"),
                             RecordOf(BlockedTransfer()),
                             GapRecord(12, WallTime(std::chrono::seconds(9))),
                             TestRecord("siem", WallTime())};
  for (int kind = event::v1::EventKind_MIN; kind <= event::v1::EventKind_MAX;
       ++kind) {
    core::Event event = BlockedTransfer();
    event.public_part.set_kind(static_cast<event::v1::EventKind>(kind));
    all.push_back(RecordOf(event));
  }
  return all;
}

TEST(Formats, OneLineEachWithoutControls) {
  for (const Format format : kAll) {
    for (const Record& record : Records()) {
      const std::string line = Render(format, record);
      EXPECT_TRUE(IsValidUtf8(line)) << line;
      for (const char c : line) {
        const bool tab = c == '\t' && format == Format::kLeef;
        EXPECT_TRUE(tab || static_cast<unsigned char>(c) >= 0x20) << line;
      }
      EXPECT_EQ(line.find("\xE2\x80\xAE"), std::string::npos) << line;
      EXPECT_EQ(line.find("sealed"), std::string::npos);
    }
  }
}

// As a receiver reads it: split at bars that no backslash escapes, then at
// " key=".
struct Cef {
  std::vector<std::string> header;
  std::map<std::string, std::string> fields;
};

Cef ParseCef(const std::string& line) {
  Cef out;
  std::string word;
  size_t i = 0;
  for (; i < line.size() && out.header.size() < 7; ++i) {
    if (line[i] == '\\') {
      word += line[++i];
    } else if (line[i] == '|') {
      out.header.push_back(word);
      word.clear();
    } else {
      word += line[i];
    }
  }
  std::string key;
  word.clear();
  for (; i <= line.size(); ++i) {
    if (i < line.size() && line[i] == '\\') {
      word += line[++i];
    } else if (i < line.size() && line[i] == '=') {
      const size_t blank = word.rfind(' ');
      if (!key.empty()) {
        out.fields[key] = word.substr(0, blank);
      }
      key = blank == std::string::npos ? word : word.substr(blank + 1);
      word.clear();
    } else if (i < line.size()) {
      word += line[i];
    }
  }
  out.fields[key] = word;
  return out;
}

TEST(Formats, CefComesBackAsItWas) {
  const Record record = RecordOf(BlockedAlert(), "https://s.example:8443");
  const Cef cef = ParseCef(RenderCef(record));
  ASSERT_EQ(cef.header.size(), 7U);
  EXPECT_EQ(cef.header[0], "CEF:0");
  EXPECT_EQ(cef.header[4], "transfer_blocked");
  EXPECT_EQ(cef.header[6], "8");
  EXPECT_EQ(cef.fields.at("suser"), "op01");
  EXPECT_EQ(cef.fields.at("deviceExternalId"), "0411:0282:A07110012345");
  EXPECT_EQ(cef.fields.at("cn1"), "1500");
  EXPECT_EQ(cef.fields.at("cn1Label"), "persons");
  EXPECT_EQ(cef.fields.at("rt"), "1790000000000");
  EXPECT_EQ(cef.fields.at("filePath"),
            EscapeUntrusted("/media/" + kHostileName, 512));
  EXPECT_EQ(cef.fields.at("cs3"), "https://s.example:8443/alerts/7");
  // No key came from the name.
  const std::set<std::string> known = {
      "rt",       "externalId", "dvchost",  "deviceExternalId",
      "suser",    "src",        "sproc",    "fname",
      "filePath", "fileType",   "act",      "cs1",
      "cs1Label", "cs2",        "cs2Label", "cs3",
      "cs3Label", "cs4",        "cs4Label", "cn1",
      "cn1Label", "msg"};
  for (const auto& [key, value] : cef.fields) {
    EXPECT_TRUE(known.contains(key)) << key << " = " << value;
  }
}

TEST(Formats, LeefFieldsEndAtTabsOnly) {
  const std::string line = RenderLeef(RecordOf(BlockedTransfer()));
  const auto header = Split(line, '|');
  ASSERT_GT(header.size(), 6U);
  EXPECT_EQ(header[0], "LEEF:2.0");
  EXPECT_EQ(header[5], "x09");
  std::map<std::string, std::string> fields;
  const std::string rest = line.substr(line.find("|x09|") + 5);
  for (const std::string_view field : Split(rest, '\t')) {
    const size_t equals = field.find('=');
    ASSERT_NE(equals, std::string_view::npos) << field;
    fields[std::string(field.substr(0, equals))] = field.substr(equals + 1);
  }
  EXPECT_EQ(fields.at("usrName"), "op01");
  EXPECT_EQ(fields.at("persons"), "1500");
  EXPECT_EQ(fields.at("fileName").find('\t'), std::string::npos);
}

// https://schema.ocsf.io/1.7.0: what each class requires.
const std::map<int, std::set<std::string>> kOcsfRequired = {
    {1001, {"actor", "device", "file"}},
    {1008, {"actor", "device", "log_name"}},
    {1010, {"actor", "device", "peripheral_device"}},
    {2004, {"finding_info"}},
    {2006, {"finding_info", "data_security"}},
    {3004, {"entity"}},
    {5019, {"device"}},
    {6002, {"app"}}};

TEST(Formats, OcsfHasWhatItsClassRequires) {
  std::set<int> classes;
  for (const Record& record : Records()) {
    const json out = json::parse(RenderOcsf(record));
    const int uid = out.at("class_uid");
    classes.insert(uid);
    ASSERT_TRUE(kOcsfRequired.contains(uid)) << uid;
    EXPECT_EQ(out.at("category_uid"), uid / 1000);
    EXPECT_EQ(out.at("type_uid"), uid * 100 + out.at("activity_id").get<int>());
    EXPECT_GE(out.at("severity_id").get<int>(), 1);
    EXPECT_LE(out.at("severity_id").get<int>(), 5);
    EXPECT_TRUE(out.at("time").is_number_integer());
    EXPECT_EQ(out.at("metadata").at("product").at("name"), "Sekisho");
    EXPECT_EQ(out.at("metadata").at("version"), "1.7.0");
    for (const std::string& field : kOcsfRequired.at(uid)) {
      EXPECT_TRUE(out.contains(field)) << uid << " " << field;
    }
    if (out.contains("file")) {
      EXPECT_FALSE(out["file"].at("name").get<std::string>().empty());
    }
  }
  EXPECT_EQ(classes.size(), kOcsfRequired.size());
  const json blocked = json::parse(RenderOcsf(RecordOf(BlockedTransfer())));
  EXPECT_EQ(blocked.at("class_uid"), 1001);
  EXPECT_EQ(blocked.at("action_id"), 2);
  EXPECT_EQ(blocked.at("disposition_id"), 2);
}

TEST(Formats, EcsNamesItsFields) {
  const json out = json::parse(RenderEcs(RecordOf(BlockedTransfer())));
  EXPECT_EQ(out.at("@timestamp"), "2026-09-21T14:13:20.000000Z");
  EXPECT_TRUE(out.at("ecs").contains("version"));
  EXPECT_EQ(out.at("event").at("kind"), "alert");
  EXPECT_EQ(out.at("event").at("category"), json({"file"}));
  EXPECT_EQ(out.at("event").at("type"), json({"creation", "denied"}));
  EXPECT_EQ(out.at("event").at("outcome"), "failure");
  EXPECT_EQ(out.at("user").at("name"), "op01");
  EXPECT_EQ(out.at("device").at("serial_number"), "A07110012345");
  EXPECT_EQ(out.at("sekisho").at("persons"), 1500);
}

TEST(Formats, WhatIsLeftOutIsInNoFormat) {
  for (const Format format : kAll) {
    for (const bool of_alert : {true, false}) {
      Record record =
          of_alert ? RecordOf(BlockedAlert(), "") : RecordOf(BlockedTransfer());
      LeaveOut({.file_names = true, .persons = true, .devices = true}, &record);
      const std::string line = Render(format, record);
      for (const char* secret :
           {"op01", "secret-list", "A07110012345", "a|b", "10.20.4.18"}) {
        EXPECT_EQ(line.find(secret), std::string::npos) << line;
      }
      EXPECT_NE(line.find("0411:0282"), std::string::npos) << line;
    }
  }
}

TEST(Syslog, HeaderAndFrame) {
  const Record record = RecordOf(BlockedAlert(), "");
  const std::string message = SyslogMessage(record, Format::kJson, 5);
  // Facility 13, severity 3 (error).
  EXPECT_TRUE(message.starts_with("<107>1 2026-09-21T14:13:20.000000Z "));
  EXPECT_NE(message.find(" sekisho-server "), std::string::npos);
  EXPECT_NE(message.find(" transfer_blocked [meta sequenceId=\"5\"]"),
            std::string::npos);
  EXPECT_NE(message.find("] \xEF\xBB\xBF{"), std::string::npos);
  EXPECT_EQ(Framed("abc"), "3 abc");
  EXPECT_EQ(Framed("髙"), "3 髙");
  // The number begins anew behind the largest that is allowed.
  EXPECT_NE(SyslogMessage(record, Format::kJson, int64_t{2147483647} + 1)
                .find("sequenceId=\"1\""),
            std::string::npos);
}

}  // namespace
}  // namespace sekisho::server_export
