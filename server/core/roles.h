// Who may call what: one table with a row for every method of core::Desk. What
// has no row, or names no role, nobody may: deny by default.
#pragma once

#include <span>

#include "common/result.h"
#include "server/store/role_set.h"

namespace sekisho::core {

using store::Role;
using store::Roles;

// Named as the methods are; ExportEvents stands for the export gate.
enum class Method {
  kNow,
  kGetOverview,
  kListEvents,
  kGetEvent,
  kGetSamples,
  kListAlerts,
  kGroupAlerts,
  kUpdateAlerts,
  kCountAlerts,
  kUpdateMatchingAlerts,
  kGetAround,
  kUpdateAlert,
  kListSearches,
  kSaveSearch,
  kChangeSearch,
  kShareSearch,
  kRemoveSearch,
  kListCases,
  kGetCase,
  kOpenCase,
  kChangeCase,
  kCloseCase,
  kReopenCase,
  kPlaceHold,
  kLiftHold,
  kListReviews,
  kGetReview,
  kOpenReviewItem,
  kJudgeReviewItem,
  kSignReview,
  kGetReviewStatement,
  kListVerdicts,
  kListSuppressions,
  kSuppress,
  kEndSuppression,
  kListDevices,
  kApproveDevice,
  kRevokeDevice,
  kGetDeviceStory,
  kGetDeviceContents,
  kConfirmDevice,
  kMarkLost,
  kClearLost,
  kDecideRequest,
  kListGrants,
  kRevokeGrant,
  kListAgents,
  kGetAgent,
  kRevokeAgent,
  kApproveRenewal,
  kCreateToken,
  kListPolicyVersions,
  kPushPolicy,
  kCheckPolicy,
  kExplainPolicy,
  kTryPolicy,
  kRollbackPolicy,
  kPushUpgrade,
  kAskUnlock,
  kConfirmUnlock,
  kContain,
  kListContainments,
  kAskExtension,
  kAgreeExtension,
  kLiftContainment,
  kGetRollout,
  kChangeRollout,
  kGetRings,
  kSetRings,
  kIssueCode,
  kListCodes,
  kRevokeCode,
  kPreviewRegister,
  kImportRegister,
  kListTerminals,
  kListSiteOutages,
  kListPeople,
  kPreviewPeople,
  kImportPeople,
  kMakePin,
  kMakePersonTotp,
  kRemovePerson,
  kListSinks,
  kListDataSets,
  kPutDataSet,
  kRemoveDataSet,
  kRunInquiry,
  kListInquiries,
  kGetInquiry,
  kListUsers,
  kAddUser,
  kSetRoles,
  kSetScope,
  kLinkPerson,
  kDisableUser,
  kEnableUser,
  kResetTotp,
  kMoveToProvider,
  kCreateLogin,
  kListSessions,
  kEndSession,
  kListMySessions,
  kEndMySession,
  kListApiTokens,
  kAddApiToken,
  kRevokeApiToken,
  kListMyApiTokens,
  kAddMyApiToken,
  kRevokeMyApiToken,
  kListAudit,
  kLoginWithPassword,
  kLoginWithCode,
  kGetSignInWays,
  kBeginProviderLogin,
  kLoginWithProvider,
  kFindSession,
  kLogout,
  kSetPassword,
  kBeginTotp,
  kConfirmTotp,
  kUseApiToken,
  kSubscribe,
  kPickChanges,
  kExportEvents,
  kCount,
};

enum class Door {
  kOpen,     // before anybody is known, or for the server itself
  kSession,  // whoever holds a session of the console, about himself
  kRoles,    // who has one of the row's roles
};

// Who holds an API token is a program: it may not make users, tokens or ways
// in, whatever roles it has.
enum class Via { kPerson, kApiToken };

struct MethodRow {
  Method method;
  const char* name;    // of the method
  const char* action;  // a refusal's in the audit log
  Door door;
  Roles roles;
  bool people_only = false;  // not with an API token
};

// In the order of Method.
std::span<const MethodRow> Methods();

// kPermissionDenied, naming the roles that may.
Status CheckMay(Roles roles, Via via, Method method);

}  // namespace sekisho::core
