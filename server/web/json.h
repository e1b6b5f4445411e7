// Rows to JSON, as docs/api/openapi.yaml says. Text of a device, medium or
// terminal leaves here escaped (EscapeUntrusted): what the browser gets has no
// controls and is valid UTF-8.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "server/core/event_words.h"
#include "server/core/queries.h"

namespace sekisho::web {

using core::Name;
using core::ParseKind;
using core::ParseOutcome;

nlohmann::json ToJson(const core::Event& event);
nlohmann::json ToJson(const core::Alert& alert);
nlohmann::json ToJson(const core::Device& device);
nlohmann::json ToJson(const core::Agent& agent);
nlohmann::json ToJson(const core::PolicyVersion& version);
nlohmann::json ToJson(const core::AuditEntry& entry);
nlohmann::json ToJson(const core::Change& change);
nlohmann::json ToJson(const core::ContainmentStatus& status);
nlohmann::json ToJson(const core::TransferGrant& grant);
nlohmann::json ToJson(const core::OfflineCode& code);
nlohmann::json ToJson(const policy::Problem& problem);

template <typename T>
nlohmann::json ToJson(const core::Page<T>& page) {
  nlohmann::json rows = nlohmann::json::array();
  for (const T& row : page.rows) rows.push_back(ToJson(row));
  return {{"rows", std::move(rows)}, {"next_page_token", page.next_token}};
}

}  // namespace sekisho::web
