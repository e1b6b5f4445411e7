// From the agent's values to the two parts of an event. Pure.
#pragma once

#include <string>
#include <vector>

#include "agent/attribute/attribution.h"
#include "agent/ipc/messages.h"
#include "agent/landings.h"
#include "agent/witness.h"
#include "common/clock.h"
#include "policy/data_sets.h"
#include "policy/model.h"
#include "sekisho/event/v1/event.pb.h"

namespace sekisho::agent {

struct Parts {
  event::v1::PublicPart open;
  event::v1::PersonalPart personal;
};

Parts NewParts(event::v1::EventKind kind);
void SetDevice(const policy::DeviceFacts& facts, Parts& parts);
void SetDecision(const policy::DeviceDecision& decision, Parts& parts);
void SetWho(const attribute::Who& who, Parts& parts);
// Everything but what was decided and what reached the medium.
void SetFindings(const ipc::Findings& findings, Parts& parts);

// What is known of a file's people, to be held against data sets. Views of
// `findings`.
policy::PeopleSeen PeopleIn(const ipc::Findings& findings);
// `key_id`: of the key that the hashes in the event were made with.
void SetOwners(const std::vector<policy::OwnerFound>& owners,
               const std::string& key_id, Parts& parts);

void SetFigures(const MediumFigures& figures, Parts& parts);
// Where the content landed on the terminal before. Hosts that are named already
// stay.
void SetLanding(const Landings::Match& from, Parts& parts);
// "0951:1666:ABC", escaped: how operators name a device.
std::string ShownId(const policy::DeviceFacts& facts);
void SetTime(WallTime time, google::protobuf::Timestamp* out);

event::v1::Outcome OutcomeOf(policy::Verdict verdict);
// Unknown words become "none".
policy::ContentFacts ContentOf(const ipc::Findings& findings);
policy::PersonFacts PersonOf(const attribute::Who& who);
// Who counts: the one he proved to be, or the login.
const std::string& PersonName(const attribute::Who& who);

}  // namespace sekisho::agent
