#include "tests/integration/server/terminal_spool.h"

#include <fcntl.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "common/file.h"
#include "server/service/chain_head.h"

namespace sekisho::testing {

TerminalSpool::TerminalSpool(const Enrolled& enrolled)
    : agent_id_(enrolled.answer.agent_id()), epoch_(enrolled.answer.epoch()) {
  char dir[] = "/tmp/sekisho-terminal-XXXXXX";
  CHECK(mkdtemp(dir) != nullptr);
  dir_ = dir;
  CHECK(
      ReplaceFile(dir_ + "/chain.key", AsText(enrolled.chain.secret_key), 0600)
          .has_value());
  Open();
  CHECK(log_->Start(agent_id_, epoch_).has_value());
}

TerminalSpool::~TerminalSpool() {
  log_.reset();
  spool_.reset();
  std::filesystem::remove_all(dir_);
}

void TerminalSpool::Open() {
  log_.reset();
  spool_.reset();
  auto spool = spool::Spool::Open({.dir = dir_ + "/spool",
                                   .size_bytes = 16 * 65536,
                                   .reserve_bytes = 65536,
                                   .segment_bytes = 65536});
  CHECK(spool.has_value());
  spool_ = std::move(*spool);
  auto log = spool::EventLog::Open({dir_, "boot-1"}, *spool_, clock_);
  CHECK(log.has_value());
  log_ = std::move(*log);
}

std::vector<std::string> TerminalSpool::Write(int count) {
  std::vector<std::string> ids;
  for (int i = 0; i < count; ++i) {
    event::v1::PublicPart part;
    part.set_kind(event::v1::EVENT_KIND_TRANSFER);
    part.set_outcome(event::v1::OUTCOME_ALLOWED);
    event::v1::PersonalPart personal;
    personal.set_person("operator");
    if (const auto written = log_->Write(part, personal)) {
      ids.push_back(written->event_id);
    }
  }
  return ids;
}

std::vector<event::v1::EventRecord> TerminalSpool::After(
    const event::Head& head) {
  std::ignore = log_->Ack(head);  // a fork starts the chain anew
  const auto spooled = log_->ReadAfter(head, 10'000, size_t{16} << 20);
  CHECK(spooled.has_value());
  std::vector<event::v1::EventRecord> records;
  for (const spool::SpooledRecord& one : *spooled) {
    CHECK(records.emplace_back().ParseFromString(one.bytes));
  }
  return records;
}

event::Head TerminalSpool::Deliver(FakeAgent& agent) {
  agent.head() = log_->head();
  const auto welcome = agent.Connect();
  CHECK(welcome.has_value());
  event::Head head = service::FromProto(welcome->head());
  const auto records = After(head);
  for (size_t i = 0; i < records.size(); i += 100) {
    CHECK(agent.SendBatch({records.begin() + static_cast<ptrdiff_t>(i),
                           records.begin() + static_cast<ptrdiff_t>(std::min(
                                                 i + 100, records.size()))}));
  }
  while (!records.empty() && head != event::HeadOf(records.back())) {
    const auto ack = agent.Await(event::v1::ConnectResponse::kAck);
    CHECK(ack.has_value());
    head = service::FromProto(ack->ack().head());
  }
  CHECK(log_->Ack(head).has_value());
  return head;
}

void TerminalSpool::Damage(const std::string& id) {
  for (const auto& entry :
       std::filesystem::directory_iterator(dir_ + "/spool")) {
    std::fstream file(entry.path(),
                      std::ios::in | std::ios::out | std::ios::binary);
    std::stringstream text;
    text << file.rdbuf();
    const size_t at = text.str().rfind(id);
    if (at != std::string::npos) {
      file.seekp(static_cast<std::streamoff>(at));
      file.put(static_cast<char>(id[0] ^ 1));
      return;
    }
  }
  CHECK(false);
}

}  // namespace sekisho::testing
