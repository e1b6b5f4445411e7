// The past as its logs tell it: real lines of Debian 12's journal, and lines
// that devices make up.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "agent/past/collect.h"

namespace sekisho::past {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::string Line(int64_t second, const std::string& message) {
  return "{\"__REALTIME_TIMESTAMP\":\"" + std::to_string(second) +
         "000000\",\"MESSAGE\":\"" + message + "\",\"_BOOT_ID\":\"ab\"}";
}

// Told oldest first, as one reads it; taken newest first.
Past Take(const std::vector<std::string>& messages) {
  Past past;
  AttachmentFilter filter;
  for (size_t i = messages.size(); i-- > 0;) {
    const auto message =
        ParseJournalLine(Line(static_cast<int64_t>(i), messages[i]));
    EXPECT_TRUE(message) << messages[i];
    if (message) filter.Take(*message, &past);
  }
  return past;
}

std::vector<std::string> Shown(const Past& past) {
  std::vector<std::string> shown;
  for (const Attachment& one : past.attachments) {
    shown.push_back(one.vendor_id + ":" + one.product_id + ":" + one.serial +
                    (one.kind == Kind::kStorage ? " storage" : ""));
  }
  return shown;
}

const std::vector<std::string> kStick = {
    "usb 1-1.2: new high-speed USB device number 5 using xhci_hcd",
    "usb 1-1.2: New USB device found, idVendor=0951, idProduct=16A4, "
    "bcdDevice= 1.00",
    "usb 1-1.2: New USB device strings: Mfr=1, Product=2, SerialNumber=3",
    "usb 1-1.2: Product: DataTraveler 3.0",
    "usb 1-1.2: Manufacturer: Kingston",
    "usb 1-1.2: SerialNumber: 60A44C425324",
    "usb-storage 1-1.2:1.0: USB Mass Storage device detected",
    "scsi host6: usb-storage 1-1.2:1.0",
    "scsi 6:0:0:0: Direct-Access     Kingston DataTraveler 3.0 PMAP PQ: 0",
    "sd 6:0:0:0: [sdb] Attached SCSI removable disk"};

TEST(Past, StickOfAKernelsMessages) {
  const Past past = Take(kStick);
  ASSERT_EQ(past.attachments.size(), 1U);
  const Attachment& stick = past.attachments[0];
  EXPECT_EQ(stick.time, WallTime(std::chrono::seconds(1)));
  EXPECT_EQ(stick.port, "1-1.2");
  EXPECT_EQ(stick.vendor_id, "0951");
  EXPECT_EQ(stick.product_id, "16a4");
  EXPECT_EQ(stick.product, "DataTraveler 3.0");
  EXPECT_EQ(stick.manufacturer, "Kingston");
  EXPECT_EQ(stick.serial, "60A44C425324");
  EXPECT_EQ(stick.kind, Kind::kStorage);
}

TEST(Past, TwoDevicesAtOnceAreTwo) {
  EXPECT_THAT(
      Shown(Take({"usb 1-1: New USB device found, idVendor=0951, "
                  "idProduct=1666, bcdDevice=",
                  "usb 2-1: New USB device found, idVendor=04e8, "
                  "idProduct=61f5, bcdDevice=",
                  "usb 1-1: SerialNumber: A", "usb 2-1: SerialNumber: B",
                  "scsi host7: uas", "usb-storage 1-1:1.0: USB Mass Storage"})),
      ElementsAre("04e8:61f5:B storage", "0951:1666:A storage"));
}

TEST(Past, WhatWasPulledOutIsNotMixedWithWhatCameAfter) {
  EXPECT_THAT(Shown(Take({"usb 1-1: New USB device found, idVendor=0951, "
                          "idProduct=1666, bcdDevice=",
                          "usb 1-1: USB disconnect, device number 5",
                          "usb 1-1: SerialNumber: LATER",
                          "usb-storage 1-1:1.0: USB Mass Storage"})),
              ElementsAre("0951:1666:"));
}

TEST(Past, HubsAreLeftOutAndOthersToldOnce) {
  std::vector<std::string> messages;
  for (int boot = 0; boot < 3; ++boot) {
    for (const char* message :
         {"usb usb1: New USB device found, idVendor=1d6b, idProduct=0002",
          "hub 1-0:1.0: USB hub found",
          "usb 1-4: New USB device found, idVendor=0424, idProduct=2514,",
          "hub 1-4:1.0: USB hub found",
          "usb 1-7: New USB device found, idVendor=04f2, idProduct=b6dd,",
          "usb 1-7: Product: Integrated Camera"}) {
      messages.emplace_back(message);
    }
    messages.insert(messages.end(), kStick.begin(), kStick.end());
  }
  EXPECT_THAT(Shown(Take(messages)),
              ElementsAre("0951:16a4:60A44C425324 storage",
                          "04f2:b6dd:", "0951:16a4:60A44C425324 storage",
                          "0951:16a4:60A44C425324 storage"));
}

TEST(Past, TextOfADeviceStaysText) {
  const Past past =
      Take({"usb 1-1: New USB device found, idVendor=0951, idProduct=1666,",
            "usb 1-1: Product: usb 2-1: New USB device found, "
            "idVendor=ffff, idProduct=ffff",
            R"(usb 1-1: SerialNumber: a\u001b\nusb 3-1: New \"\\\u00e9)"});
  ASSERT_EQ(past.attachments.size(), 1U);
  EXPECT_EQ(past.attachments[0].product,
            "usb 2-1: New USB device found, idVendor=ffff, idProduct=ffff");
  EXPECT_EQ(past.attachments[0].serial, "a\x1b\nusb 3-1: New \"\\\xc3\xa9");
}

TEST(Past, BytesThatAreNoTextComeAsAList) {
  const auto message = ParseJournalLine(
      R"({"MESSAGE" : [117, 115,98,255,0], "__REALTIME_TIMESTAMP":"7"})");
  ASSERT_TRUE(message);
  EXPECT_EQ(message->text, std::string("usb\xff\0", 5));
  EXPECT_EQ(message->time, WallTime(std::chrono::microseconds(7)));
}

TEST(Past, WhatIsNoLineOfAJournalIsPassedOver) {
  for (const char* line :
       {"", "{}", "[]", "null", "{\"MESSAGE\":\"x\"}",
        "{\"MESSAGE\":\"x\",\"__REALTIME_TIMESTAMP\":\"-1\"}",
        "{\"MESSAGE\":\"x\",\"__REALTIME_TIMESTAMP\":\"1x\"}",
        "{\"MESSAGE\":[256],\"__REALTIME_TIMESTAMP\":\"1\"}",
        "{\"MESSAGE\":[1,\"__REALTIME_TIMESTAMP\":\"1\"}",
        "{\"MESSAGE\":null,\"__REALTIME_TIMESTAMP\":null}",
        "{\"MESSAGE\":\"\\u12\",\"__REALTIME_TIMESTAMP\":\"1\"}",
        "{\"MESSAGE\":{\"a\":\"b\"},\"__REALTIME_TIMESTAMP\":\"1\"}"}) {
    EXPECT_FALSE(ParseJournalLine(line)) << line;
  }
}

TEST(Past, LinesAndTextsHaveBounds) {
  const std::string head = Line(1, "");
  const std::string fits(kMaxLineBytes - head.size(), 'x');
  EXPECT_EQ(ParseJournalLine(Line(1, fits))->text.size(), kMaxMessageBytes);
  EXPECT_FALSE(ParseJournalLine(Line(1, fits + "x")));
  const Past past =
      Take({"usb 1-1: New USB device found, idVendor=0951, idProduct=1666,",
            "usb 1-1: SerialNumber: " + std::string(kMaxTextBytes + 1, 's')});
  EXPECT_EQ(past.attachments.at(0).serial, std::string(kMaxTextBytes, 's'));
  const std::string port = "1-" + std::string(kMaxPortBytes - 1, '1');
  EXPECT_THAT(Shown(Take({"usb " + port +
                          ": New USB device found, "
                          "idVendor=0951, idProduct=1666,"})),
              IsEmpty());
}

TEST(Past, MoreThanTheBoundIsCounted) {
  std::vector<std::string> messages;
  for (size_t i = 0; i < kMaxAttachments + 3; ++i) {
    messages.emplace_back(
        "usb 1-1: New USB device found, idVendor=0951, idProduct=1666,");
    messages.emplace_back("usb-storage 1-1:1.0: USB Mass Storage");
  }
  const Past past = Take(messages);
  EXPECT_EQ(past.attachments.size(), kMaxAttachments);
  EXPECT_EQ(past.left_out, 3);
  EXPECT_GT(past.attachments.front().time, past.attachments.back().time);
}

TEST(Past, ManyPortsThatNeverBeginHoldBoundedMemory) {
  std::vector<std::string> messages;
  for (int i = 0; i < 10'000; ++i) {
    messages.push_back("usb 1-" + std::to_string(i + 1) + ": Product: x");
  }
  messages.insert(messages.begin(), kStick.begin(), kStick.end());
  EXPECT_EQ(Take(messages).attachments.size(), 1U);
}

std::string Record(uint32_t type, uint32_t seconds, const std::string& user,
                   const std::string& host = "") {
  std::string record(kRecordBytes, '\0');
  std::memcpy(record.data(), &type, 4);
  record.replace(8, 5, "pts/0");
  record.replace(44, user.size(), user);
  record.replace(76, host.size(), host);
  std::memcpy(record.data() + 340, &seconds, 4);
  return record;
}

TEST(Past, LoginsNewestFirstUpToTheAgent) {
  const std::string records =
      Record(2, 1, "reboot") + Record(7, 10, "tanaka", "192.0.2.7") +
      Record(8, 11, "") + Record(7, 20, "suzuki") + Record(7, 30, "after");
  Past past;
  TakeLogins(AsBytes(records), WallTime(std::chrono::seconds(30)), &past);
  ASSERT_EQ(past.logins.size(), 2U);
  EXPECT_EQ(past.logins[0].user, "suzuki");
  EXPECT_EQ(past.logins[1].user, "tanaka");
  EXPECT_EQ(past.logins[1].host, "192.0.2.7");
  EXPECT_EQ(past.logins[1].line, "pts/0");
  EXPECT_EQ(past.logins[1].time, WallTime(std::chrono::seconds(10)));
}

TEST(Past, DamagedRecordsAreNoLogins) {
  EXPECT_FALSE(ParseLogin(AsBytes(std::string(kRecordBytes - 1, '\x07'))));
  EXPECT_FALSE(ParseLogin(AsBytes(std::string(kRecordBytes, '\xff'))));
  EXPECT_FALSE(ParseLogin(AsBytes(Record(7, 0, "no time"))));
  // Names without an end.
  const auto login = ParseLogin(
      AsBytes(Record(7, 1, std::string(32, 'u'), std::string(256, 'h'))));
  ASSERT_TRUE(login);
  EXPECT_EQ(login->user.size(), 32U);
  EXPECT_EQ(login->host.size(), 256U);
}

TEST(Past, MoreLoginsThanTheBoundAreCounted) {
  std::string records = "torn";
  for (size_t i = 0; i < kMaxLogins + 2; ++i) {
    records += Record(7, static_cast<uint32_t>(i + 1), "u");
  }
  Past past;
  TakeLogins(AsBytes(records), WallTime::max(), &past);
  EXPECT_EQ(past.logins.size(), kMaxLogins);
  EXPECT_EQ(past.left_out, 2);
}

}  // namespace
}  // namespace sekisho::past
