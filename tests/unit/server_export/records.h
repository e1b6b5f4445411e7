// Records to tell, with the names an attacker would give.
#pragma once

#include <string>

#include "server/export/record.h"

namespace sekisho::server_export {

// Ends fields, lines and brackets of every format; a bidi mark, a bad byte.
inline const std::string kHostileName =
    "a|b=c]\"d\\e\tf\ng\r\nCEF:0|x \xE2\x80\xAE\xFF";

inline core::Event BlockedTransfer() {
  core::Event event;
  event.row_id = 41;
  event.agent_id = "agent-1";
  event.terminal = "maint-osaka-07";
  event.device_id = "0411:0282:A07110012345";
  event.receive_time = WallTime(std::chrono::seconds(1'790'000'005));
  auto& part = event.public_part;
  part.set_event_id("0123456789abcdef");
  part.set_kind(event::v1::EVENT_KIND_TRANSFER);
  part.set_outcome(event::v1::OUTCOME_BLOCKED);
  part.set_sequence(12);
  part.set_policy_version(3);
  part.set_rule("too-many-people");
  part.set_person_count(1500);
  part.set_format("csv");
  part.set_inspection(event::v1::INSPECTION_FULL);
  part.mutable_occur_time()->set_seconds(1'790'000'000);
  auto* data = part.add_data();
  data->set_type("phone");
  data->set_value_count(1500);
  part.mutable_device()->set_vendor_id("0411");
  part.mutable_device()->set_product_id("0282");
  part.mutable_device()->set_serial("A07110012345");
  part.mutable_device()->set_manufacturer("BUFFALO");
  part.mutable_device()->set_product("RUF3-HSL32G");
  event.personal_part.set_person("op01");
  event.personal_part.set_file_path("/media/" + kHostileName);
  event.personal_part.set_program("/usr/bin/cp");
  event.personal_part.set_command("cp secret-list.csv");
  event.personal_part.set_ssh_source("10.20.4.18");
  event.personal_part.set_sealed_samples("sealed");
  return event;
}

inline core::Alert BlockedAlert() {
  core::Alert alert;
  alert.alert_id = 7;
  alert.kind = "transfer_blocked";
  alert.severity = "high";
  alert.title =
      "A file (csv) with about 1500 people was kept from "
      "0411:0282:A07110012345 on maint-osaka-07";
  alert.agent_id = "agent-1";
  alert.terminal = "maint-osaka-07";
  alert.person = "op01";
  alert.device_id = "0411:0282:A07110012345";
  alert.create_time = WallTime(std::chrono::seconds(1'790'000'005));
  alert.event_row_id = 41;
  alert.rule = "too-many-people";
  alert.event = BlockedTransfer();
  return alert;
}

}  // namespace sekisho::server_export
