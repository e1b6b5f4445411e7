// The people at the server: analysts who acknowledge and close, keep back what
// they know, and an approver. By the real desk.
#include <algorithm>
#include <ranges>

#include "tests/simulation/month.h"

namespace sekisho::simulation {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

}  // namespace

void Month::LookAtAlerts() {
  store::AlertFilter filter;
  filter.with_suppressed = true;
  std::vector<store::Alert> fresh;
  store::Paging paging;
  paging.size = 200;
  for (bool more = true; more;) {
    auto page = Must(premises_->store().ListAlerts(filter, paging));
    for (store::Alert& alert : page.rows) {
      if (alert.alert_id <= newest_alert_) {
        page.next_token.clear();
        break;
      }
      fresh.push_back(std::move(alert));
    }
    paging.token = page.next_token;
    more = !paging.token.empty();
  }
  for (const store::Alert& alert : fresh | std::views::reverse) {
    newest_alert_ = std::max(newest_alert_, alert.alert_id);
    LookAt(alert);
  }
}

void Month::LookAt(const store::Alert& alert) {
  Opened opened;
  opened.day = static_cast<int>(
      std::chrono::floor<days>(alert.create_time - begin_).count());
  opened.alert = alert;
  opened.planted = PlantedIn(alert);
  result_.suppressed += alert.suppression_id != 0 ? 1 : 0;
  result_.opened.push_back(std::move(opened));
  const WallTime now = premises_->clock().Now();
  if (alert.kind == "approval_request") {
    At(now + minutes(dice_.Roll(10, 110)), [=, this] { Decide(alert); });
    return;
  }
  if (DeskOf(alert) != Desk::kSoc || alert.suppression_id != 0) return;
  // One in a hundred is forgotten for hours.
  const int64_t slow = dice_.Chance(0.01) ? 10 : 1;
  const seconds first(alert.severity == "critical" ? dice_.Roll(60, 500)
                      : alert.severity == "high"   ? dice_.Roll(120, 2400)
                                                   : dice_.Roll(1200, 14400));
  const seconds last = alert.severity == "critical" ? hours(2)
                       : alert.severity == "high"   ? hours(12)
                                                    : hours(30);
  const auto change = [=, this](store::AlertState state) {
    core::AlertChange wish;
    wish.alert_id = alert.alert_id;
    wish.state = state;
    if (state == store::AlertState::kClosed) wish.verdict = "benign";
    // One that is closed meanwhile stays so.
    (void)premises_->desk().UpdateAlert(premises_->Soc(), wish);
  };
  At(now + slow * first, [=] { change(store::AlertState::kAcknowledged); });
  At(now + slow * first + last, [=] { change(store::AlertState::kClosed); });
  // What comes every week from the same desk was asked about twice.
  if (alert.kind != "data_landed" || opened.planted) return;
  int& seen = benign_[alert.terminal + "\n" + alert.person];
  if (++seen != 2) return;
  At(now + slow * first + last + seconds(30), [=, this] {
    core::Suppression wish;
    wish.kind = alert.kind;
    wish.terminal = alert.terminal;
    wish.person = alert.person;
    wish.reason = "the week's figures, as agreed";
    wish.end_time = premises_->clock().Now() + days(30);
    Must(premises_->desk().Suppress(premises_->Soc(), wish));
  });
}

void Month::Decide(const store::Alert& request) {
  core::RequestDecision decision;
  decision.alert_id = request.alert_id;
  decision.answer = dice_.Chance(0.7) ? core::RequestAnswer::kApprove
                                      : core::RequestAnswer::kDeny;
  decision.reason = "as the ticket says";
  const auto decided =
      premises_->desk().DecideRequest(premises_->Approver(), decision);
  if (!decided) GiveUp("request: " + decided.error().message);
  if (decision.answer == core::RequestAnswer::kDeny) return;
  const auto asked = asked_.extract(request.terminal);
  if (!asked || agent::ShownId(sticks_[asked.mapped().stick].facts) !=
                    request.device_id) {
    return;
  }
  for (const auto& grant :
       Must(premises_->store().ListGrants(store::WhichGrants::kRunning, {}))) {
    if (grant.alert_id != request.alert_id) continue;
    const Asked& one = asked.mapped();
    At(premises_->clock().Now() + minutes(5), [=, this] {
      if (sticks_[one.stick].in_use || !Of(one.terminal).is_on()) return;
      Plug(one.terminal, one.stick, one.person);
      Of(one.terminal)
          .TransferGranted(sticks_[one.stick].facts, one.person, one.copy,
                           grant.id);
      Of(one.terminal).Unplug(sticks_[one.stick].facts, one.person);
    });
  }
}

}  // namespace sekisho::simulation
