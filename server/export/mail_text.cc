#include "server/export/mail_text.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>

#include "policy/zone.h"

namespace sekisho::server_export {
namespace {

struct Words {
  std::string_view kind;
  const char* en;
  const char* ja;
};

// As the console calls them (server/console/src/i18n, "alertKind").
constexpr Words kKinds[] = {
    {"agent_health", "Agent unwell", "エージェントの不調"},
    {"alert_overdue", "Alerts wait too long", "アラートの期限超過"},
    {"approval_request", "Approval asked", "承認申請"},
    {"certificate_copied", "Older certificate used", "古い証明書の使用"},
    {"certificate_expiring", "Certificate ends", "証明書の期限"},
    {"chain_restarted", "History began anew", "履歴の再開始"},
    {"containment", "Media contained", "媒体の封じ込め"},
    {"data_landed", "Data arrived", "データの着信"},
    {"data_lies", "Data lies for long", "長期間残るデータ"},
    {"device_blocked", "Device refused", "デバイスを拒否"},
    {"core_silent", "Agent does not answer", "エージェント応答なし"},
    {"event_gap", "Events lost", "イベント欠落"},
    {"log_restored", "Database restored", "データベースの復元"},
    {"device_cloned", "Device with a copied serial", "複製の疑いがある機器"},
    {"people_carried", "Many small copies", "少量コピーの積み重ね"},
    {"past_storage", "Storage before Sekisho", "導入前の接続"},
    {"stocktake_due", "Stocktake due", "棚卸しの時期"},
    {"stocktake_overdue", "Stocktake overdue", "棚卸しの期限切れ"},
    {"device_lost", "Device reported lost", "デバイスの紛失報告"},
    {"lost_device", "Lost device seen", "紛失デバイスの接続"},
    {"maintenance_unlock", "Agent unlocked", "保守解除中"},
    {"medium_bypassed", "Used past the gate", "検査の迂回"},
    {"policy_refused", "Policy refused", "ポリシーの拒否"},
    {"policy_undone", "Policy undone", "ポリシーの自動取り消し"},
    {"renewal_asked", "Asks to renew", "更新申請"},
    {"review_overdue", "Review overdue", "レビューの期限超過"},
    {"rollout_halted", "Rollout halted", "段階配布の停止"},
    {"sink_failing", "A receiver does not hear", "通知先に届かない"},
    {"sink_gap", "Records not sent", "未送信の記録"},
    {"sink_test", "Test", "テスト"},
    {"silent_in_use", "Silent with a medium in use", "媒体使用中の応答なし"},
    {"site_silent", "Site silent", "拠点の応答なし"},
    {"tamper", "Tampering", "妨害"},
    {"terminal_silent", "Terminal silent", "端末の応答なし"},
    {"transfer_alerted", "Copy to be looked at", "要確認のコピー"},
    {"transfer_blocked", "Copy stopped", "コピーを停止"},
    {"transfer_observed", "Copy would have been stopped",
     "停止対象のコピー(監視のみ)"},
    {"unlock_request", "Unlock asked", "保守解除の申請"},
};
constexpr Words kSeverities[] = {{"critical", "critical", "緊急"},
                                 {"high", "high", "高"},
                                 {"medium", "medium", "中"},
                                 {"low", "low", "低"},
                                 {"info", "info", "情報"}};

std::string WordFor(std::span<const Words> table, const std::string& word,
                    Language language) {
  const auto found = std::ranges::find(table, word, &Words::kind);
  if (found == table.end()) {
    return word;
  }
  return language == Language::kJa ? found->ja : found->en;
}

std::string LocalTimeOf(WallTime time, const std::string& zone) {
  const auto found = policy::Zone::Find(zone);
  const auto local =
      found ? found->ToLocal(time).time_since_epoch()
            : std::chrono::floor<std::chrono::seconds>(time.time_since_epoch());
  return fmt::format("{:%Y-%m-%d %H:%M}{}",
                     fmt::gmtime(std::chrono::sys_seconds(local)),
                     found ? "" : " UTC");
}

int64_t PersonsOf(const Record& record) {
  return record.event ? record.event->public_part.person_count() : 0;
}

std::string Headline(const Record& record, Language language) {
  return fmt::format("[{}] {}", WordFor(kSeverities, record.severity, language),
                     WordFor(kKinds, record.name, language));
}

std::string Where(const Record& record, Language language) {
  if (record.terminal.empty()) {
    return "";
  }
  return (language == Language::kJa ? " 端末 " : " on ") + record.terminal;
}

std::string Persons(const Record& record, Language language) {
  const int64_t persons = PersonsOf(record);
  if (persons == 0) {
    return "";
  }
  return language == Language::kJa ? fmt::format(" 約{}人分", persons)
                                   : fmt::format(", about {} people", persons);
}

void Block(const Record& record, Language language, const std::string& zone,
           std::string* body) {
  *body += ChatLineOf(record, language, zone) + "\n";
  if (!record.link.empty()) {
    *body += "  " + record.link + "\n";
  }
  if (record.what == RecordKind::kGap) {
    *body += language == Language::kJa
                 ? fmt::format("  この宛先に送られなかった記録: {} 件\n",
                               record.gap_count)
                 : fmt::format("  never sent to this address: {} records\n",
                               record.gap_count);
  }
}

}  // namespace

std::string ChatLineOf(const Record& record, Language language,
                       const std::string& zone) {
  return Headline(record, language) + Where(record, language) +
         Persons(record, language) + ", " + LocalTimeOf(record.time, zone);
}

MailText MailOf(std::span<const Record> records, int64_t left_out,
                Language language, const std::string& zone) {
  const bool ja = language == Language::kJa;
  MailText mail;
  const auto worst = std::ranges::max_element(
      records, {}, [](const Record& one) { return RankOf(one.severity); });
  mail.subject = "Sekisho: ";
  if (worst == records.end()) {
    mail.subject += ja ? "通知の上限" : "more than the limit of mails";
  } else {
    mail.subject += Headline(*worst, language) + Where(*worst, language);
  }
  const int64_t more = std::ssize(records) - 1 + left_out;
  if (worst != records.end() && more > 0) {
    mail.subject +=
        ja ? fmt::format(" ほか{}件", more) : fmt::format(" and {} more", more);
  }
  for (const Record& record : records) {
    Block(record, language, zone, &mail.body);
  }
  if (left_out > 0) {
    mail.body += ja ? fmt::format(
                          "このほかに {} 件あります。コンソールで"
                          "確認してください。\n",
                          left_out)
                    : fmt::format("{} more are in the console.\n", left_out);
  }
  mail.body += ja ? "\n個人名・ファイル名・デバイス名はメールに含まれません。"
                    "詳細はコンソールで確認してください。\n"
                  : "\nNames of people, files and devices are not in mails: "
                    "they are in the console.\n";
  return mail;
}

}  // namespace sekisho::server_export
