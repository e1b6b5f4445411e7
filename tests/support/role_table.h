// Who may call what, written down a second time, apart from core/roles.cc: a
// method that is not here fails the authorisation tests of the desk, of the
// JSON API and of the admin socket.
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <string_view>

#include "server/core/roles.h"

namespace sekisho::testing {

// A letter a role: V(iewer) A(nalyst) P: approver, Y: policy author, U:
// auditor, D: admin. "*": without a role, at the door or with a session of his
// own.
inline const std::map<std::string_view, std::string_view> kWhoMay = {
    {"Now", "*"},
    {"GetOverview", "VAPYUD"},
    {"ListEvents", "VAPUD"},
    {"GetEvent", "VAPUD"},
    {"GetSamples", "A"},
    {"ListAlerts", "VAPUD"},
    {"GroupAlerts", "VAPUD"},
    {"UpdateAlerts", "A"},
    {"CountAlerts", "VAPUD"},
    {"UpdateMatchingAlerts", "A"},
    {"ListSearches", "VAPUD"},
    {"SaveSearch", "APUD"},
    {"ChangeSearch", "APUD"},
    {"ShareSearch", "AU"},
    {"RemoveSearch", "APUD"},
    {"GetAround", "VAPUD"},
    {"UpdateAlert", "A"},
    {"ListCases", "VAPUD"},
    {"GetCase", "VAPUD"},
    {"OpenCase", "A"},
    {"ChangeCase", "A"},
    {"CloseCase", "A"},
    {"ReopenCase", "A"},
    {"PlaceHold", "AU"},
    {"LiftHold", "AU"},
    {"ListReviews", "VAPUD"},
    {"GetReview", "VAPUD"},
    {"OpenReviewItem", "AU"},
    {"JudgeReviewItem", "AU"},
    {"SignReview", "AU"},
    {"GetReviewStatement", "VAPUD"},
    {"ListVerdicts", "VAPUD"},
    {"ListSuppressions", "VAPUD"},
    {"Suppress", "A"},
    {"EndSuppression", "A"},
    {"ListDevices", "VAPYUD"},
    {"ApproveDevice", "P"},
    {"RevokeDevice", "P"},
    {"GetDeviceStory", "VAPUD"},
    {"GetDeviceContents", "VAPUD"},
    {"ConfirmDevice", "AP"},
    {"MarkLost", "P"},
    {"ClearLost", "P"},
    {"DecideRequest", "P"},
    {"ListGrants", "VAPUD"},
    {"RevokeGrant", "P"},
    {"ListAgents", "VAPYUD"},
    {"GetAgent", "VAPYUD"},
    {"RevokeAgent", "D"},
    {"ApproveRenewal", "D"},
    {"CreateToken", "D"},
    {"ListPolicyVersions", "VAPYUD"},
    {"PushPolicy", "Y"},
    {"CheckPolicy", "VAPYUD"},
    {"ExplainPolicy", "VAPYUD"},
    {"TryPolicy", "AYU"},
    {"RollbackPolicy", "Y"},
    {"PushUpgrade", "D"},
    {"AskUnlock", "D"},
    {"ConfirmUnlock", "D"},
    {"Contain", "AD"},
    {"ListContainments", "VAPYUD"},
    {"AskExtension", "AD"},
    {"AgreeExtension", "AD"},
    {"LiftContainment", "AD"},
    {"GetRollout", "VAPYUD"},
    {"ChangeRollout", "Y"},
    {"GetRings", "VAPYUD"},
    {"SetRings", "Y"},
    {"IssueCode", "P"},
    {"ListCodes", "VAPUD"},
    {"RevokeCode", "P"},
    {"PreviewRegister", "AUD"},
    {"ImportRegister", "D"},
    {"ListTerminals", "VAPYUD"},
    {"ListSiteOutages", "VAPYUD"},
    {"ListPeople", "APUD"},
    {"PreviewPeople", "D"},
    {"ImportPeople", "D"},
    {"MakePin", "D"},
    {"MakePersonTotp", "D"},
    {"RemovePerson", "D"},
    {"ListSinks", "AUD"},
    {"ListDataSets", "VAPYUD"},
    {"PutDataSet", "Y"},
    {"RemoveDataSet", "Y"},
    {"RunInquiry", "AU"},
    {"ListInquiries", "VAPUD"},
    {"GetInquiry", "VAPUD"},
    {"ListAudit", "UD"},
    {"LoginWithPassword", "*"},
    {"LoginWithCode", "*"},
    {"GetSignInWays", "*"},
    {"BeginProviderLogin", "*"},
    {"LoginWithProvider", "*"},
    {"FindSession", "*"},
    {"Logout", "*"},
    {"SetPassword", "*"},
    {"CreateLogin", "D"},
    {"MoveToProvider", "D"},
    {"ListUsers", "UD"},
    {"AddUser", "D"},
    {"SetRoles", "D"},
    {"SetScope", "D"},
    {"LinkPerson", "D"},
    {"DisableUser", "D"},
    {"EnableUser", "D"},
    {"ResetTotp", "D"},
    {"ListSessions", "UD"},
    {"EndSession", "D"},
    {"ListMySessions", "VAPYUD"},
    {"EndMySession", "VAPYUD"},
    {"ListApiTokens", "UD"},
    {"AddApiToken", "D"},
    {"RevokeApiToken", "D"},
    {"ListMyApiTokens", "VAPYUD"},
    {"AddMyApiToken", "VAPYUD"},
    {"RevokeMyApiToken", "VAPYUD"},
    {"BeginTotp", "*"},
    {"ConfirmTotp", "*"},
    {"UseApiToken", "*"},
    {"Subscribe", "*"},
    {"PickChanges", "VAPYUD"},
    {"ExportEvents", "YU"},
};

// A method that is not in the table is nobody's.
inline bool MayCall(std::string_view method, core::Role role) {
  static constexpr std::string_view kLetters = "VAPYUD";
  const auto found = kWhoMay.find(method);
  return found != kWhoMay.end() &&
         found->second.find(kLetters[static_cast<size_t>(role)]) !=
             std::string_view::npos;
}

// Not with an API token, whatever its roles.
inline constexpr std::string_view kPeopleOnly[] = {
    "ListUsers",      "AddUser",          "SetRoles",       "DisableUser",
    "EnableUser",     "ResetTotp",        "MoveToProvider", "CreateLogin",
    "ListSessions",   "EndSession",       "ListMySessions", "EndMySession",
    "ListApiTokens",  "AddApiToken",      "RevokeApiToken", "ListMyApiTokens",
    "AddMyApiToken",  "RevokeMyApiToken", "IssueCode",      "MakePin",
    "MakePersonTotp", "RemovePerson",     "SetScope",       "LinkPerson",
    "PickChanges"};

inline constexpr char kRefusal[] = "this needs the role ";

}  // namespace sekisho::testing
