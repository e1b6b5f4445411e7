// A normal month of a company with many terminals, and what is planted in it.
// README.md says what is modelled and at which rates.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <queue>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "tests/simulation/dice.h"
#include "tests/simulation/terminal.h"

namespace sekisho::simulation {

enum class Incident { kDrip, kTamper, kClone };
inline constexpr Incident kIncidents[] = {Incident::kDrip, Incident::kTamper,
                                          Incident::kClone};
const char* Name(Incident incident);  // "drip", "tamper", "clone"

struct MonthOptions {
  std::string dir;  // for the database; must be there
  int terminals = 2000;
  int days = 30;
  uint64_t seed = 1;
  std::set<Incident> planted{std::begin(kIncidents), std::end(kIncidents)};
  // Whether each heartbeat's row is written, or only what says something new
  // (README.md, "Heartbeats").
  bool keep_every_beat = false;
  bool show_progress = false;
};

// An alert that was opened, as it was then.
struct Opened {
  int day = 0;  // of the month, from 0, in Japan
  store::Alert alert;
  // Tells of one of the planted incidents.
  std::optional<Incident> planted;
};

// How the product tells them apart: severity low is for IT ("Low: for IT", as
// the console explains it), requests have a queue of their own.
enum class Desk { kSoc, kIt, kRequests };
Desk DeskOf(const store::Alert& alert);

struct MonthResult {
  std::vector<Opened> opened;  // by id
  int64_t events = 0;
  int64_t suppressed = 0;  // by the SOC's own suppressions; in `opened`, too
  int terminals = 0, days = 0;
  // Alerts for the SOC that nobody kept back, on each day.
  std::vector<int> SocAlertsByDay() const;
  // The first alert for the SOC that names whom or what it should; null = none.
  const Opened* Finding(Incident incident) const;
};

// "day  soc ..." and the rules; for people.
std::string Report(const MonthResult& result);

class Month {
 public:
  explicit Month(MonthOptions options);
  MonthResult Run();

 private:
  enum class Shifts { kOffice, kTwo, kAlways };
  struct Site {
    std::string name;
    Shifts shifts = Shifts::kOffice;
    std::vector<size_t> terminals;
    bool patched = false;
  };
  // What one is like; drawn once.
  struct Habits {
    bool laptop = false, flaky = false, degraded = false, reports = false;
    bool late_shift = false;  // of kTwo
    bool away = false;        // the whole month
    bool small_lists = false;
    std::string person;
  };
  struct Stick {
    policy::DeviceFacts facts;
    size_t home = 0;        // terminal
    size_t last_place = 0;  // where it was plugged in last
    bool in_use = false;    // a stick is in one place at a time
    WallTime approved;
  };
  struct Happening {
    WallTime time;
    int64_t order = 0;
    std::function<void()> act;
    bool operator>(const Happening& other) const {
      return std::tie(time, order) > std::tie(other.time, other.order);
    }
  };

  // month_world.cc
  void MakeSites();
  void MakeSticks();
  void PushFirstPolicy();
  void ImportRegister();
  void EnrolAll();
  std::string HoursOf(const Site& site, size_t terminal) const;
  void RemakeSnapshot();

  // month_days.cc
  void PlanDay(int day);
  void PlanShift(int day, size_t terminal);
  void PlanTroubles(int day, size_t terminal, int from, int to);
  void PlanDevices(int day, size_t terminal, int from, int to);
  void PlanSession(int day, size_t terminal, int minute);
  void UseStick(size_t terminal, size_t stick, const std::string& person);
  void EndUse(size_t terminal, size_t stick, const std::string& person);
  void CopySome(size_t terminal, size_t stick, const std::string& person);
  void CopyStopped(size_t terminal, size_t stick, const std::string& person,
                   const Copy& copy);
  void PlanHub(int day);
  void PlanOutages(int day);
  void PlanPatchNight(int day);
  void PlanPolicyPush(int day);
  void PlanRarities(int day);
  void PlanStocktake(int day);
  bool IsWorkday(int day, const Site& site) const;
  // From when to when its operator works, in minutes of the day; nothing: not.
  std::optional<std::pair<int, int>> ShiftOf(int day, size_t terminal);
  void Reboot(size_t terminal, std::chrono::seconds away, Leaving how);
  void LoseNetwork(WallTime from, size_t terminal, std::chrono::seconds length);
  std::optional<size_t> StickOf(size_t site);
  Terminal* TerminalNamed(const std::string& name);

  // month_incidents.cc
  void PlanIncidents();
  void PlanDrip();
  void PlanTamper();
  void PlanClone();
  std::optional<Incident> PlantedIn(const store::Alert& alert) const;

  // month_desks.cc: the people at the server.
  void LookAtAlerts();
  void LookAt(const store::Alert& alert);
  void Decide(const store::Alert& request);

  // month.cc
  void At(WallTime time, std::function<void()> act);
  WallTime TimeOf(int day, int minute, int second = 0) const;
  void RunDay(int day);
  void TellOfPolicy();
  void Plug(size_t terminal, size_t stick, const std::string& person);
  size_t ColleagueOf(size_t terminal);
  Terminal& Of(size_t terminal) { return *terminals_[terminal]; }
  const Site& SiteOf(size_t terminal) const {
    return sites_[site_of_[terminal]];
  }
  const policy::Snapshot& Rules() const { return *snapshot_; }

  const MonthOptions options_;
  const WallTime begin_;  // midnight in Japan
  Dice dice_;
  std::unique_ptr<Premises> premises_;
  std::vector<Site> sites_;
  std::vector<size_t> site_of_;  // by terminal
  std::vector<std::unique_ptr<Terminal>> terminals_;
  std::vector<Habits> habits_;
  std::vector<Stick> sticks_;
  std::vector<std::vector<size_t>> sticks_of_site_;
  std::vector<std::vector<size_t>> beats_;  // terminals by second of 30
  std::vector<policy::DeviceEntry> approvals_;
  std::shared_ptr<const policy::Snapshot> snapshot_;
  std::priority_queue<Happening, std::vector<Happening>, std::greater<>> plan_;
  int64_t order_ = 0;
  int64_t policies_heard_of_ = 0;
  WallTime busy_until_;

  // A refused copy that somebody asks for, by terminal.
  struct Asked {
    size_t terminal = 0, stick = 0;
    std::string person;
    Copy copy;
  };
  std::map<std::string, Asked> asked_;

  // What LookAtAlerts() saw.
  MonthResult result_;
  int64_t newest_alert_ = 0;
  std::map<std::string, int> benign_;  // by kind, terminal, person

  // Of the incidents.
  std::string drip_person_, tamper_terminal_, tamper_person_, clone_device_,
      clone_terminal_, clone_person_;
  WallTime tamper_from_, clone_from_;
};

}  // namespace sekisho::simulation
