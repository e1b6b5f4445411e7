// Do two values of one row belong together: a name and how it is read, an
// address and its postal code. And whole columns of them.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "detect/role.h"
#include "detect/row_counter.h"
#include "detect/values.h"

namespace sekisho::detect {

// kUnknown: the tables do not know one of the two.
enum class Agreement : uint8_t { kUnknown, kAgrees, kDiffers };

// Values are folded. `kana` may be hiragana; spaces do not matter.
Agreement ReadsName(std::string_view kana, std::string_view name);
// One part of a name, 姓 or 名.
Agreement ReadsPart(std::string_view kana, std::string_view part);
Agreement LiesInArea(const Postal& postal, std::string_view address);

// Compares each column that has a counterpart with it, in every `step`th row,
// and adds to `compared` and `agreed` of both.
void CompareColumns(const Rows& rows, size_t step, std::span<Column> columns);

}  // namespace sekisho::detect
