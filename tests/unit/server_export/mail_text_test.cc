#include "server/export/mail_text.h"

#include <gtest/gtest.h>

#include "records.h"

namespace sekisho::server_export {
namespace {

TEST(MailText, SaysWhatAndWhereAndNobodysName) {
  const Record record = RecordOf(BlockedAlert(), "https://s.example:8443");
  for (const Language language : {Language::kEn, Language::kJa}) {
    const MailText mail = MailOf({&record, 1}, 0, language, "Asia/Tokyo");
    const std::string all = mail.subject + mail.body;
    EXPECT_NE(all.find("maint-osaka-07"), std::string::npos);
    EXPECT_NE(all.find("https://s.example:8443/alerts/7"), std::string::npos);
    EXPECT_NE(all.find("1500"), std::string::npos);
    EXPECT_NE(all.find("2026-09-21 23:13"), std::string::npos) << all;
    for (const char* secret :
         {"op01", "secret-list", "A07110012345", "0411:0282", "RUF3", "a|b"}) {
      EXPECT_EQ(all.find(secret), std::string::npos) << all;
    }
  }
  const MailText en = MailOf({&record, 1}, 0, Language::kEn, "");
  EXPECT_EQ(en.subject, "Sekisho: [high] Copy stopped on maint-osaka-07");
  const MailText ja = MailOf({&record, 1}, 0, Language::kJa, "Asia/Tokyo");
  EXPECT_EQ(ja.subject, "Sekisho: [高] コピーを停止 端末 maint-osaka-07");
}

TEST(MailText, TheWorstLeadsAndTheRestIsCounted) {
  Record low = RecordOf(BlockedAlert(), "");
  low.severity = "low";
  low.name = "device_blocked";
  const Record records[] = {low, RecordOf(BlockedAlert(), ""), low};
  const MailText mail = MailOf(records, 40, Language::kEn, "");
  EXPECT_EQ(mail.subject,
            "Sekisho: [high] Copy stopped on maint-osaka-07 and 42 more");
  EXPECT_NE(mail.body.find("40 more are in the console."), std::string::npos);
}

}  // namespace
}  // namespace sekisho::server_export
