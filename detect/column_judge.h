// What a column holds, by its header and a sample of its values.
#pragma once

#include <string_view>

#include "detect/role.h"

namespace sekisho::detect {

// How many values of a sample are what.
struct Sample {
  int filled = 0;
  int distinct = 0;
  int name_strong = 0, name_weak = 0, could_be_name = 0;
  int name_spaced = 0;  // two short words of kanji
  int roman = 0, roman_strong = 0;
  int surname = 0, given = 0;
  int kana_strong = 0, kana = 0;
  int address = 0, address_part = 0, could_be_address = 0;
  int postal = 0, postal_in_use = 0, postal_separated = 0;
  int phone = 0, phone_separated = 0, mobile = 0;
  int email = 0;
  int date = 0, date_before_2010 = 0;
  int first_year = 9999, last_year = 0;
  int sex = 0, sex_word = 0, age = 0;
  int my_number = 0, license = 0, insurer = 0, card = 0, digits10 = 0;
  int account = 0;
  int yucho_symbol = 0, yucho_number = 0;
  int national = 0, national_checked = 0;
  int era7 = 0;  // dates as 3550401
  int health = 0;
  int residence_card = 0, passport = 0, iban = 0, ssn = 0;
  int identifier = 0;
  int organisation = 0;

  bool Share(int count, double share) const {
    return filled > 0 && count >= share * filled;
  }
};

// `cell` is folded and not empty.
void Take(std::string_view cell, Sample* sample);

// kNone where the header says nothing, or the values do not agree with it.
Role RoleByHeader(HeaderHint hint, const Sample& sample);
// No word says what the column is: the values alone have to be convincing.
Role RoleByValues(const Sample& sample);

}  // namespace sekisho::detect
